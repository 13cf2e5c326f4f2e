"""What every request gets: its reader, its municipality's scope, its history context and its page frame."""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import SimpleTemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pages.registries import Registry
from strategy import history
from strategy.models import Municipality, Role
from strategy.permissions import Reader, resolve_reader
from strategy.responsibilities import assignments_on_other_days
from strategy.second_factor import stands_before
from strategy.walls import scope

log = logging.getLogger("medel.permissions")

M = TypeVar("M", bound=Model)

# Everything else asks for a login first.
PUBLIC = {
    "account_inactive",
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "set_language",
    "styleguide",
    "javascript_catalog",
    "health",
    "help",
    "mfa_authenticate",
    # Reporting a project without an account, where a municipality has switched it on.
    "reports_in:amount",
    "reports_in:by_mail",
    "reports_in:by_mail_form",
    "single_sign_on",
    "single_sign_on_callback",
}
# They wait for the provider's server, and open a scope of their own when it has answered: no transaction
# waits with them.
WITHOUT_SCOPE = {"single_sign_on", "single_sign_on_callback"}
# For who is logged in, with or without an assignment.
WITHOUT_ASSIGNMENT = PUBLIC | {
    "account_change_password",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_view_recovery_codes",
}


@dataclass(frozen=True)
class InstallationPage:
    """A page of who runs the installation, named as its address; `label` where the first page leads to it.

    Opened with the right to write municipalities and shared reference data, and to read no municipality's rows.
    """

    name: str
    label: str | Promise = ""
    sentence: str | Promise = ""


installation_pages: Registry[InstallationPage] = Registry("installation page")


@dataclass(frozen=True)
class Bystander:
    """What the header shows of somebody who is logged in and reads no municipality on this page."""

    role_label: str
    where_label: str = ""
    municipality: None = None
    municipalities: tuple[Municipality, ...] = ()


def reader_of(request: HttpRequest) -> Reader:
    """The request's reader; only for pages behind the login, which all have one."""
    reader: Reader = request.reader  # type: ignore[attr-defined]
    return reader


def found_or_404(reader: Reader, rows: QuerySet[M], pk: int) -> M:
    """The row among those that the reader sees. Another municipality's is not there, and the try is logged."""
    found = rows.filter(pk=pk).first()
    if found is None:
        log.warning(
            "not found: person %s asked for %s %s in municipality %s",
            reader.person.pk,
            rows.model.__name__,
            pk,
            reader.municipality.pk,
        )
        raise Http404
    return found


class ReaderMiddleware:
    """One transaction per request, in which the person's municipality is named and the history knows who acts.

    Wraps the view itself (not the response), so that an exception rolls back before it becomes a page.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.reader = None  # type: ignore[attr-defined]
        request.signed_in = False  # type: ignore[attr-defined]
        response = self.get_response(request)
        if response.status_code == 405 and request.method == "GET" and not getattr(response, "content", b"-"):
            # Whoever opens again the address of a button, or turns the language there, is told where to go.
            allowed = response.get("Allow", "")
            response = render(request, "405.html", status=405)
            response["Allow"] = allowed
        if getattr(request, "signed_in", False) and not response.has_header("Cache-Control"):
            # Not even the back button shows a page after somebody has logged out on a shared computer.
            patch_cache_control(response, private=True, no_store=True)
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        name = match.view_name if match else ""
        if name in WITHOUT_SCOPE:
            with history.context(page=request.path, request=_request_id(request)):
                return _rendered(view(request, *args, **kwargs))
        account = request.user
        if not account.is_authenticated:
            if name not in PUBLIC:
                return _to_login(request)
            with scope(), history.context(page=_page(request), request=_request_id(request)):
                return _rendered(view(request, *args, **kwargs))

        request.signed_in = True  # type: ignore[attr-defined]
        person = account.person_id
        today = timezone.localdate()
        if name in installation_pages and account.runs_installation:
            request.bystander = Bystander(gettext("Administrator of the installation"))  # type: ignore[attr-defined]
            with (
                scope(person=person, installation=True),
                history.context(person=person, page=_page(request), request=_request_id(request)),
            ):
                return stands_before(request, name, ()) or _rendered(view(request, *args, **kwargs))
        municipalities = municipalities_of(person, today)
        chosen = _opened_in(request, name, municipalities) or _chosen(request, municipalities)
        if chosen is None:
            runs_installation = account.runs_installation
            request.bystander = Bystander(  # type: ignore[attr-defined]
                gettext("Administrator of the installation")
                if runs_installation
                else gettext("No assignment")
            )
            with (
                scope(person=person),
                history.context(person=person, page=_page(request), request=_request_id(request)),
            ):
                if elsewhere := stands_before(request, name, ()):
                    return elsewhere
                if name in WITHOUT_ASSIGNMENT:
                    return _rendered(view(request, *args, **kwargs))
                if runs_installation and name == "home":
                    return redirect("installation")
                return _no_assignment(request, person, today)
        with scope(chosen.pk, person=person):
            reader = resolve_reader(person, chosen, today, municipalities)
            request.reader = reader  # type: ignore[attr-defined]
            if elsewhere := stands_before(request, name, reader.roles):
                return elsewhere
            with history.context(
                person=person,
                municipality=chosen.pk,
                page=_page(request),
                request=_request_id(request),
            ):
                response = _rendered(view(request, *args, **kwargs))
        return _telling_where(response, chosen) if len(municipalities) > 1 else response


def _to_login(request: HttpRequest) -> HttpResponse:
    """To the login and back. A part of a page that htmx asks for would show it inside the page: the whole goes."""
    login = redirect_to_login(request.get_full_path())
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": login["Location"]})
    return login


def _no_assignment(request: HttpRequest, person: int, today: date) -> HttpResponse:
    """403 that says until when the person had an assignment, or from when one begins, and what to do."""
    held = assignments_on_other_days(person, today)
    return render(
        request,
        "no_assignment.html",
        {"over": [one for one in held if one.is_over], "to_come": [one for one in held if not one.is_over]},
        status=403,
    )


def _is_form(request: HttpRequest) -> bool:
    # A file that was sent cannot be written into a page to be sent again.
    return request.content_type == "application/x-www-form-urlencoded"


# Parts of an address that open something to whoever has them: they stand in no history.
OPENING = ("token", "key")


def _page(request: HttpRequest) -> str:
    """The page of an act, for the history."""
    given = request.resolver_match.kwargs if request.resolver_match else {}
    return "/".join(
        "…" if any(part and part == given.get(name) for name in OPENING) else part
        for part in request.path.split("/")
    )


def _request_id(request: HttpRequest) -> str:
    if not hasattr(request, "medel_id"):
        request.medel_id = uuid.uuid4().hex  # type: ignore[attr-defined]
    return request.medel_id  # type: ignore[attr-defined, no-any-return]


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    # Inside the scope: a lazily rendered page would otherwise read rows after the wall is up.
    if isinstance(response, SimpleTemplateResponse):
        return response.render()
    return response


def municipalities_of(person: int, today: date) -> tuple[Municipality, ...]:
    """Where the person has an assignment on the day, in the order they were added."""
    held = RawSQL("SELECT medel_municipalities_of(%s, %s)", [person, today])
    return tuple(Municipality.objects.filter(pk__in=held).order_by("pk"))


# The field by which a form says in which municipality it was opened, and what it stands beside.
OPENED_IN = "opened_in"
_TOKEN = b'<input type="hidden" name="csrfmiddlewaretoken"'


def _telling_where(response: HttpResponseBase, place: Municipality) -> HttpResponseBase:
    """Every form of the page says where it was opened. For who has one municipality alone it goes without saying."""
    if isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html"):
        field = f'<input type="hidden" name="{OPENED_IN}" value="{place.pk}">'.encode()
        response.content = response.content.replace(_TOKEN, field + _TOKEN)
    return response


def _opened_in(
    request: HttpRequest, name: str, municipalities: tuple[Municipality, ...]
) -> Municipality | None:
    """Where the form that is sent was opened: there it acts, whatever another tab has chosen since.

    The session follows, so that the page after it is one of the same municipality.
    """
    opened = request.POST.get(OPENED_IN, "") if request.method == "POST" else ""
    if not opened or name in WITHOUT_ASSIGNMENT or name == "choose_municipality":
        return None
    place = next((one for one in municipalities if str(one.pk) == opened), None)
    if place is None:
        log.warning("refused: person %s sent a form of municipality %.20r", request.user.person_id, opened)  # type: ignore[union-attr]
        raise PermissionDenied(
            gettext("You have no assignment any more in the municipality where you opened this form.")
        )
    if request.session.get("municipality") != place.pk:
        request.session["municipality"] = place.pk
    return place


def _chosen(request: HttpRequest, municipalities: tuple[Municipality, ...]) -> Municipality | None:
    wanted = request.session.get("municipality")
    return next((m for m in municipalities if m.pk == wanted), municipalities[0] if municipalities else None)


# -- The page frame ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MenuItem:
    """A place in the menu: shown to who may, up in the menu for the roles that use it, under "More" for the rest.

    Lower `place` stands first; within the same place the order of registration holds.
    """

    name: str
    label: str | Promise
    url_name: str
    action: str
    roles: frozenset[Role] | None = None  # None: everybody uses it
    place: int = 50


menu: Registry[MenuItem] = Registry("menu item")
menu.register(MenuItem("home", _("To do"), "home", "responsibilities.read", place=0))


@dataclass(frozen=True)
class MenuLink:
    label: str | Promise
    url: str
    current: bool


def page_frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: reader and menus. No query: it runs on error pages too."""
    reader: Reader | None = getattr(request, "reader", None)
    if reader is None:
        return {"reader": getattr(request, "bystander", None), "menu": [], "more_menu": []}
    items: list[tuple[MenuItem, str]] = []
    for item in sorted(menu, key=attrgetter("place")):
        if reader.can(item.action):
            with suppress(NoReverseMatch):
                items.append((item, reverse(item.url_name)))
    # The page is below several addresses of the menu; the longest is where it is.
    here = max(
        (url for _item, url in items if request.path == url or (url != "/" and request.path.startswith(url))),
        key=len,
        default=None,
    )
    up: list[MenuLink] = []
    more: list[MenuLink] = []
    for item, url in items:
        used = item.roles is None or bool(item.roles & reader.roles)
        (up if used else more).append(MenuLink(item.label, url, url == here))
    return {"reader": reader, "menu": up, "more_menu": more}


# -- When something goes wrong ----------------------------------------------------------------------------


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500. A database that is away is said so, and what was typed waits behind a button to send again."""
    error = sys.exc_info()[1]
    away = isinstance(error, OperationalError | InterfaceError)
    typed: list[tuple[str, str]] = []
    if away and request.method == "POST" and _is_form(request):
        typed = [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name != "csrfmiddlewaretoken" and isinstance(value, str) and "password" not in name
        ]
    request.reader = request.bystander = None  # type: ignore[attr-defined]
    response = render(
        request, "503.html" if away else "500.html", {"typed": typed}, status=503 if away else 500
    )
    if away:
        response["Retry-After"] = "10"
    return response
