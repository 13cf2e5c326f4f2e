"""Around the login: help, the choice of municipality, and whether the service stands."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pages.columns import Column, listing
from strategy.accounts import sign_on_name
from strategy.models import Municipality, Role
from strategy.permissions import Reader
from strategy.requests import reader_of
from strategy.responsibilities import role_order, visible_assignments

log = logging.getLogger("medel.permissions")


@require_safe
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """For a monitor: "ok" when the database answers; else 503 from the server's own error page."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


WHOM_TO_ASK = (
    Column("role", gettext_lazy("Role"), "get_role_display", row_header=True),
    Column("person", gettext_lazy("Person"), "person.name"),
    Column("email", gettext_lazy("Work e-mail"), "person.email"),
    Column("phone", gettext_lazy("Phone"), "person.phone"),
)


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """What Medel is and whom to ask; names stand there for who is logged in alone."""
    reader: Reader | None = getattr(request, "reader", None)
    context: dict[str, object] = {
        "signed_in": request.user.is_authenticated,
        "sign_on": sign_on_name(),
        "for_emergencies": settings.LOCAL_LOGIN == "emergencies",
        "takes_reports_by_mail": Municipality.objects.filter(takes_reports_by_mail=True).exists(),
    }
    if reader is not None:
        leading = (
            visible_assignments(reader)
            .valid_on(reader.today)  # type: ignore[attr-defined]
            .filter(role__in=[Role.ADMINISTRATOR, Role.STRATEGIST])
            .order_by(role_order(), "person__name", "pk")
        )
        context["whom"] = listing(WHOM_TO_ASK, leading, name=gettext_lazy("Whom to ask"))
        context["held"] = [
            {"role": held.role.label, "where": str(held.unit or reader.municipality)} for held in reader.held
        ]
    return render(request, "help.html", context)


@require_POST
def choose_municipality(request: HttpRequest) -> HttpResponse:
    """Turns to another of the reader's municipalities; stays on the page if it is one there too."""
    reader = reader_of(request)
    wanted = request.POST.get("municipality", "")
    chosen = next((place for place in reader.municipalities if str(place.pk) == wanted), None)
    if chosen is None:
        log.warning("not found: person %s asked for municipality %.20r", reader.person.pk, wanted)
        raise Http404
    request.session["municipality"] = chosen.pk
    return redirect(_same_page(request) or reverse("home"))


def _same_page(request: HttpRequest) -> str:
    """The address to return to, unless it leads elsewhere or to one object, which the other one has not."""
    address = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure()):
        return ""
    path = address.partition("?")[0]
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    return "" if match.args or match.kwargs else path
