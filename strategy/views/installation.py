"""Pages of who runs the installation: municipalities and their first administrators; no municipality's rows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from pages.columns import Column, listing
from pages.forms import saving
from strategy.forms.organisation import AdministratorForm, MunicipalityForm
from strategy.models import Municipality
from strategy.organisation import add_municipality
from strategy.requests import installation_pages
from strategy.responsibilities import Somebody, appoint_administrator, tell_of
from strategy.views.pages import Crumb, form_page

log = logging.getLogger("medel.permissions")
P = ParamSpec("P")


def runs_installation(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Refuses everybody else; the middleware opens the installation's scope for the named pages alone."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not getattr(request.user, "runs_installation", False):
            log.warning(
                "refused: person %s may not run the installation", getattr(request.user, "person_id", "-")
            )
            raise PermissionDenied(_("This is for the one who runs the installation."))
        return view(request, *args, **kwargs)

    return guarded


COLUMNS = (
    Column("name", gettext_lazy("Municipality"), "name", row_header=True),
    Column("code", gettext_lazy("Code"), "code", missing=gettext_lazy("none")),
    Column("kind", gettext_lazy("Kind"), "get_kind_display"),
    Column("organisation_number", gettext_lazy("Organisation number"), "organisation_number"),
    Column("year", gettext_lazy("Inhabitants known for"), lambda row: str(row.year) if row.year else None),
    Column(
        "administrator",
        gettext_lazy("Administrator"),
        lambda row: _("Name one"),
        href=lambda row: reverse("installation_administrator", args=[row.pk]),
    ),
)


@runs_installation
@require_safe
def installation(request: HttpRequest) -> HttpResponse:
    places = Municipality.objects.annotate(year=Max("populations__year")).order_by("name", "pk")
    return render(
        request,
        "strategy/installation.html",
        {
            "places": listing(COLUMNS, places, name=_("Municipalities")),
            "links": [page for page in installation_pages if page.label],
        },
    )


@runs_installation
@require_http_methods(["GET", "HEAD", "POST"])
def municipality_add(request: HttpRequest) -> HttpResponse:
    form = MunicipalityForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            cleaned = form.cleaned_data
            place = add_municipality(
                name=cleaned["name"],
                code=cleaned["code"] or "",
                kind=cleaned["kind"],
                organisation_number=cleaned["organisation_number"] or "",
            )
        if form.is_valid():
            messages.success(
                request, _("%(municipality)s is added. Now name its administrator.") % {"municipality": place}
            )
            return redirect("installation_administrator", place.pk)
    return form_page(
        request,
        form,
        title=_("Add a municipality"),
        submit=_("Add the municipality"),
        back=reverse("installation"),
        crumbs=_crumbs(),
    )


@runs_installation
@require_http_methods(["GET", "HEAD", "POST"])
def administrator(request: HttpRequest, pk: int) -> HttpResponse:
    place = Municipality.objects.filter(pk=pk).first()
    if place is None:
        raise Http404
    form = AdministratorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            assignment, new = appoint_administrator(
                place,
                Somebody(name=form.cleaned_data["name"], email=form.cleaned_data["email"]),
                starts_on=timezone.localdate(),
                by=request.user.person_id,  # type: ignore[union-attr]
            )
            if new:
                tell_of(assignment, place)
        if form.is_valid():
            said = (
                _("%(email)s is administrator of %(municipality)s and has been told by mail.")
                if new
                else _("%(email)s is administrator of %(municipality)s already.")
            )
            messages.success(request, said % {"email": form.cleaned_data["email"], "municipality": place})
            return redirect("installation")
    return form_page(
        request,
        form,
        title=_("Name an administrator of %(municipality)s") % {"municipality": place},
        lead=_("The administrator gives everybody else in the municipality their assignments."),
        submit=_("Name the administrator"),
        back=reverse("installation"),
        crumbs=_crumbs(),
    )


def _crumbs() -> tuple[Crumb, ...]:
    return (Crumb(_("The installation"), reverse("installation")),)
