"""The organisation: the tree of units over time, each unit, and the municipality's own facts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from pages.columns import Column, listing
from pages.forms import saving
from strategy import history
from strategy.forms.organisation import (
    ArmsForm,
    BoardServiceForm,
    EndServiceForm,
    EndUnitForm,
    MailDomainForm,
    MemberForm,
    MunicipalityForm,
    PopulationForm,
    RemoveMailDomainForm,
    ReportsByMailForm,
    UnitForm,
    UnitNameForm,
)
from strategy.forms.responsibilities import last_day
from strategy.models import (
    BoardService,
    Municipality,
    MunicipalityKind,
    Unit,
    UnitKind,
    UnitName,
    UnitNameKind,
)
from strategy.organisation import (
    ARMS_BYTES,
    Branch,
    LastDomain,
    NoDomain,
    NotAPicture,
    NotOwnDomain,
    add_mail_domain,
    add_member,
    add_unit,
    add_unit_name,
    change_municipality,
    change_unit,
    end_board_service,
    end_unit,
    own_mail_domains,
    remove_mail_domain,
    running_assignments,
    serve_board,
    set_arms,
    set_population,
    take_reports_by_mail,
    tree,
    visible_units,
)
from strategy.permissions import Reader
from strategy.requests import found_or_404, reader_of
from strategy.responsibilities import role_order, visible_assignments
from strategy.views.pages import Crumb, Fact, form_page
from values.text import format_decimal


def _crumbs(*more: Crumb) -> tuple[Crumb, ...]:
    return (
        Crumb(_("Responsibilities"), reverse("responsibilities")),
        Crumb(_("Organisation"), reverse("organisation")),
        *more,
    )


def _unit_crumb(unit: Unit) -> Crumb:
    return Crumb(unit.name, reverse("unit", args=[unit.pk]))


def _days(first: Any, last: Any, *, beginning: Any = None) -> str:
    """ "from 2020-01-01", "until 2024-12-31" or both; nothing where it has always been so and still is."""
    began = first if first is not None and first.year > 1971 else beginning
    if began and last:
        return _("%(first)s – %(last)s") % {"first": began.isoformat(), "last": last.isoformat()}
    if last:
        return _("until %(last)s") % {"last": last.isoformat()}
    return _("from %(first)s") % {"first": began.isoformat()} if began else ""


def _told_name(name: UnitName) -> str:
    if name.kind != UnitNameKind.FORMER:
        return _("also called %(name)s") % {"name": name.name}
    if name.until is None:
        return _("formerly %(name)s") % {"name": name.name}
    return _("formerly %(name)s, until %(day)s") % {"name": name.name, "day": name.until.isoformat()}


def _told_service(service: BoardService) -> str:
    said = _("serves %(board)s") % {"board": service.board}
    days = _days(service.valid_from, service.valid_to)
    return f"{said} ({days})" if days else said


def _shown(branch: Branch) -> dict[str, Any]:
    """A branch as templates/strategy/branch.html shows it."""
    unit = branch.unit
    facts = [
        str(_("Municipal executive board")) if unit.is_executive_board else unit.get_kind_display(),
        _days(unit.valid_from, unit.valid_to),
        *[_told_service(service) for service in branch.services],
        *[_told_name(name) for name in branch.names],
    ]
    return {
        "name": unit.name,
        "url": reverse("unit", args=[unit.pk]),
        "facts": [fact for fact in facts if fact],
        "below": [_shown(below) for below in branch.below],
    }


@require_safe
def organisation(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    reader.require("responsibilities.read")
    found = tree(reader, reader.today)
    may = reader.can("organisation.change")
    return render(
        request,
        "strategy/organisation.html",
        {
            "crumbs": _crumbs()[:1],
            "municipality": reader.municipality,
            "standing": [_shown(branch) for branch in found.standing],
            "ended": [_shown(branch) for branch in found.ended],
            "add_url": reverse("unit_add") if may else "",
        },
    )


UNIT_COLUMNS = (
    Column(
        "role",
        gettext_lazy("Role"),
        "get_role_display",
        row_header=True,
        href=lambda row: reverse("assignment", args=[row.pk]),
        small="subject",
    ),
    Column("person", gettext_lazy("Person"), "person.name"),
    Column("email", gettext_lazy("Work e-mail"), "person.email"),
    Column(
        "ends_on",
        gettext_lazy("To and including"),
        "ends_on",
        kind="date",
        missing=gettext_lazy("until further notice"),
    ),
)


@require_safe
def unit(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("responsibilities.read")
    one = found_or_404(reader, visible_units(reader).select_related("parent"), pk)
    may = bool(reader.can("organisation.change"))
    assignments = visible_assignments(reader).filter(unit=one).valid_on(reader.today)  # type: ignore[attr-defined]
    services = list(one.board_services.select_related("board").order_by("-valid_from", "pk"))
    return render(
        request,
        "strategy/unit.html",
        {
            "unit": one,
            "crumbs": _crumbs(),
            "may": may,
            "facts": [
                Fact(_("Kind"), one.get_kind_display()),
                Fact(
                    _("Part of"),
                    one.parent.name if one.parent else _("stands by itself"),
                    reverse("unit", args=[one.parent_id]) if one.parent_id else "",
                ),
                Fact(_("Valid"), _days(one.valid_from, one.valid_to) or _("until further notice")),
                *([Fact(_("Is"), _("the municipal executive board"))] if one.is_executive_board else []),
            ],
            "names": [_told_name(name) for name in one.names.order_by("until", "name")],
            "services": [
                {
                    "text": _told_service(service),
                    "end_url": reverse("board_service_end", args=[service.pk])
                    if may and service.valid_to is None
                    else "",
                }
                for service in services
            ],
            "below": visible_units(reader).filter(parent=one),
            "is_board": one.kind == UnitKind.BOARD,
            "served_by": visible_units(reader)
            .filter(board_services__board=one)
            .filter(Q(board_services__valid_to=None) | Q(board_services__valid_to__gte=reader.today))
            .distinct(),
            "assignments": listing(
                UNIT_COLUMNS,
                assignments.order_by(role_order(), "subject", "person__name", "pk"),
                name=_("Who answers for the unit"),
            ),
            "entries": history.entries(history.acts(one)) if reader.can("history.read") else (),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def unit_add(request: HttpRequest) -> HttpResponse:
    reader = _changing(request)
    form = UnitForm(request.POST or None, reader=reader, initial={"parent": request.GET.get("under")})
    if request.method == "POST" and form.is_valid():
        with saving(form):
            add_unit(reader, form.instance)
        if form.is_valid():
            messages.success(request, _("%(unit)s is added.") % {"unit": form.instance})
            return redirect("unit", form.instance.pk)
    return form_page(
        request,
        form,
        title=_("Add a unit"),
        submit=_("Add the unit"),
        back=reverse("organisation"),
        crumbs=_crumbs(),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def unit_change(request: HttpRequest, pk: int) -> HttpResponse:
    reader = _changing(request)
    one = _standing(request, reader, pk)
    name, crumb = one.name, _unit_crumb(one)
    form = UnitForm(request.POST or None, instance=one, reader=reader)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_unit(
                reader,
                form.instance,
                renamed_on=form.cleaned_data["renamed_on"] or reader.today,
                reason=form.cleaned_data["reason"],
            )
        if form.is_valid():
            messages.success(request, _("%(unit)s is saved.") % {"unit": form.instance})
            if "valid_to" in form.changed_data:
                _warn_of_running(request, form.instance)
            return redirect("unit", pk)
    return form_page(
        request,
        form,
        title=_("Change %(unit)s") % {"unit": name},
        submit=_("Save"),
        back=reverse("unit", args=[pk]),
        crumbs=_crumbs(crumb),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def unit_end(request: HttpRequest, pk: int) -> HttpResponse:
    reader = _changing(request)
    one = _standing(request, reader, pk)
    form = EndUnitForm(request.POST or None, unit=one, initial={"last_day": reader.today.isoformat()})
    if request.method == "POST" and form.is_valid():
        last = form.cleaned_data["last_day"].last
        with saving(form):
            end_unit(reader, one, last_day=last, reason=form.cleaned_data["reason"])
        if form.is_valid():
            messages.success(request, _("%(unit)s ends on %(day)s.") % {"unit": one, "day": last.isoformat()})
            _warn_of_running(request, one)
            return redirect("unit", pk)
    return form_page(
        request,
        form,
        title=_("End %(unit)s") % {"unit": one},
        lead=_(
            "Nothing is deleted: what belongs to the unit stays, and the unit is shown among those that have ended."
        ),
        submit=_("End the unit"),
        back=reverse("unit", args=[pk]),
        crumbs=_crumbs(_unit_crumb(one)),
        stops=True,
    )


def _warn_of_running(request: HttpRequest, unit: Unit) -> None:
    """Assignments do not end with their unit: says how many run on after its last day."""
    running = running_assignments(unit, unit.valid_to) if unit.valid_to else 0
    if running:
        messages.warning(
            request,
            ngettext(
                "%(count)d assignment for the unit runs on after that. End it too, or move it to another unit.",
                "%(count)d assignments for the unit run on after that. End them too, or give them for "
                "another unit.",
                running,
            )
            % {"count": running},
        )


@require_http_methods(["GET", "HEAD", "POST"])
def unit_name(request: HttpRequest, pk: int) -> HttpResponse:
    reader = _changing(request)
    one = found_or_404(reader, visible_units(reader), pk)
    form = UnitNameForm(request.POST or None, unit=one)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            cleaned = form.cleaned_data
            add_unit_name(reader, one, name=cleaned["name"], kind=cleaned["kind"], until=cleaned["until"])
        if form.is_valid():
            messages.success(request, _("The name is added."))
            return redirect("unit", pk)
    return form_page(
        request,
        form,
        title=_("Add a name of %(unit)s") % {"unit": one},
        lead=_("Imports and searches find the unit by its former and other names too."),
        submit=_("Add the name"),
        back=reverse("unit", args=[pk]),
        crumbs=_crumbs(_unit_crumb(one)),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def board_service_add(request: HttpRequest, pk: int) -> HttpResponse:
    reader = _changing(request)
    one = found_or_404(reader, visible_units(reader), pk)
    form = BoardServiceForm(request.POST or None, unit=one, reader=reader)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            cleaned = form.cleaned_data
            serve_board(
                reader, one, cleaned["board"], valid_from=cleaned["valid_from"], valid_to=cleaned["valid_to"]
            )
        if form.is_valid():
            messages.success(request, _("The board is added."))
            return redirect("unit", pk)
    return form_page(
        request,
        form,
        title=_("Board served by %(unit)s") % {"unit": one},
        lead=_("If the unit moves from one board to another, end the former first and then add the new one."),
        submit=_("Add the board"),
        back=reverse("unit", args=[pk]),
        crumbs=_crumbs(_unit_crumb(one)),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def board_service_end(request: HttpRequest, pk: int) -> HttpResponse:
    reader = _changing(request)
    services = BoardService.objects.filter(municipality=reader.municipality).select_related("unit", "board")
    service = found_or_404(reader, services, pk)
    form = EndServiceForm(
        request.POST or None, service=service, initial={"last_day": reader.today.isoformat()}
    )
    if request.method == "POST" and form.is_valid():
        with saving(form):
            end_board_service(
                reader,
                service,
                last_day=last_day(form.cleaned_data, "last_day") or reader.today,
                reason=form.cleaned_data["reason"],
            )
        if form.is_valid():
            messages.success(request, _("Saved."))
            return redirect("unit", service.unit_id)
    return form_page(
        request,
        form,
        title=_("%(unit)s no longer serves %(board)s") % {"unit": service.unit, "board": service.board},
        submit=_("Save"),
        back=reverse("unit", args=[service.unit_id]),
        crumbs=_crumbs(_unit_crumb(service.unit)),
    )


# -- The municipality -------------------------------------------------------------------------------------

POPULATION_COLUMNS = (
    Column("year", gettext_lazy("Year"), lambda row: str(row.year), row_header=True),
    Column("inhabitants", gettext_lazy("Inhabitants"), "inhabitants", numeric=True),
    Column("source", gettext_lazy("Source"), "source"),
)


@require_safe
def municipality(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    reader.require("responsibilities.read")
    place = reader.municipality
    populations = list(place.populations.all())
    members = list(place.memberships.select_related("member").order_by("member__name", "valid_from"))
    return render(
        request,
        "strategy/municipality.html",
        {
            "place": place,
            "crumbs": _crumbs(),
            "may": bool(reader.can("organisation.change")),
            "facts": [
                Fact(_("Kind"), place.get_kind_display()),
                Fact(_("Code"), place.code),
                Fact(_("Organisation number"), place.organisation_number),
                Fact(_("Arms on covers"), _("yes") if place.arms else _("no, the name stands there")),
                Fact(
                    _("Inhabitants"),
                    _("%(number)s (%(year)d)")
                    % {
                        "number": format_decimal(Decimal(populations[0].inhabitants)),
                        "year": populations[0].year,
                    }
                    if populations
                    else None,
                ),
            ],
            "has_members": place.kind != MunicipalityKind.MUNICIPALITY,
            "members": [
                {"name": member.member.name, "days": _days(member.valid_from, member.valid_to)}
                for member in members
            ],
            "populations": listing(POPULATION_COLUMNS, populations, name=_("Inhabitants on 31 December")),
            "domains": list(own_mail_domains(reader)),
            "takes_reports": place.takes_reports_by_mail,
            "site": settings.SITE_ADDRESS.rstrip("/"),
            "entries": history.entries(history.acts(place)) if reader.can("history.read") else (),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def municipality_change(request: HttpRequest) -> HttpResponse:
    reader = _changing(request)
    rows = Municipality.objects.filter(pk=reader.municipality.pk)
    if request.method == "POST":
        rows = rows.select_for_update()
    place = rows.get()
    form = MunicipalityForm(request.POST or None, instance=place)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_municipality(reader, form.instance, reason=form.cleaned_data["reason"])
        if form.is_valid():
            messages.success(request, _("Saved."))
            return redirect("municipality")
    return _municipality_form(request, form, _("Change the municipality's facts"), _("Save"))


@require_http_methods(["GET", "HEAD", "POST"])
def arms_set(request: HttpRequest) -> HttpResponse:
    reader = _changing(request)
    form = ArmsForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        picture = form.cleaned_data["picture"]
        try:
            set_arms(
                reader,
                name=picture.name,
                # One byte more than is taken tells that it is too large, without reading it all.
                data=picture.read(ARMS_BYTES + 1),
                reason=form.cleaned_data["reason"],
            )
        except NotAPicture:
            form.add_error(
                "picture", _("This is no PNG or JPEG picture of at most 2 MB. Choose another file.")
            )
        else:
            messages.success(request, _("Saved."))
            return redirect("municipality")
    return _municipality_form(request, form, _("The municipality's arms"), _("Save"))


@require_http_methods(["GET", "HEAD", "POST"])
def population_set(request: HttpRequest) -> HttpResponse:
    reader = _changing(request)
    form = PopulationForm(request.POST or None, reader=reader)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            set_population(reader, **form.cleaned_data)
        if form.is_valid():
            messages.success(request, _("Saved."))
            return redirect("municipality")
    return _municipality_form(
        request,
        form,
        _("Inhabitants of a year"),
        _("Save"),
        _("The number on 31 December of the year. A year that stands already is corrected."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def member_add(request: HttpRequest) -> HttpResponse:
    reader = _changing(request)
    form = MemberForm(request.POST or None, reader=reader)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            add_member(reader, **form.cleaned_data)
        if form.is_valid():
            messages.success(request, _("The member is added."))
            return redirect("municipality")
    return _municipality_form(request, form, _("Add a member"), _("Add the member"))


@require_http_methods(["GET", "HEAD", "POST"])
def mail_domain_add(request: HttpRequest) -> HttpResponse:
    reader = _changing(request)
    form = MailDomainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with saving(form):
                added = add_mail_domain(reader, form.cleaned_data["domain"])
        except NotOwnDomain as refused:
            form.add_error("domain", str(refused))
        if form.is_valid():
            messages.success(request, _("%(domain)s is added.") % {"domain": added.domain})
            return redirect("municipality")
    return _municipality_form(request, form, _("Add a mail domain"), _("Add the mail domain"))


@require_http_methods(["GET", "HEAD", "POST"])
def mail_domain_remove(request: HttpRequest, pk: int) -> HttpResponse:
    reader = _changing(request)
    domain = found_or_404(reader, own_mail_domains(reader), pk)
    form = RemoveMailDomainForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            remove_mail_domain(reader, domain, reason=form.cleaned_data["reason"])
        except LastDomain as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("%(domain)s is removed.") % {"domain": domain.domain})
            return redirect("municipality")
    return _municipality_form(
        request,
        form,
        _("Remove the mail domain %(domain)s") % {"domain": domain.domain},
        _("Remove the mail domain"),
        stops=True,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def reports_by_mail(request: HttpRequest) -> HttpResponse:
    """Switches on what is off and off what is on: the page says which, and the form carries it."""
    reader = _changing(request)
    on = reader.municipality.takes_reports_by_mail
    form = ReportsByMailForm(request.POST or None, initial={"takes": "off" if on else "on"})
    if request.method == "POST" and form.is_valid():
        takes = form.cleaned_data["takes"] == "on"
        try:
            changed = take_reports_by_mail(reader, takes=takes, reason=form.cleaned_data["reason"])
        except NoDomain as refused:
            form.add_error(None, str(refused))
        else:
            if not changed:
                messages.warning(
                    request,
                    _("It was switched on already. Nothing was changed, and your reason is not kept.")
                    if takes
                    else _("It was switched off already. Nothing was changed, and your reason is not kept."),
                )
            else:
                messages.success(
                    request,
                    _(
                        "People without an account may now report projects. The address to publish stands below."
                    )
                    if takes
                    else _("People without an account may no longer report projects."),
                )
            return redirect("municipality")
    return _municipality_form(
        request,
        form,
        _("No longer take reports without an account") if on else _("Take reports without an account"),
        _("Switch off") if on else _("Switch on"),
        lead=""
        if on
        else _(
            "Whoever confirms a mail address in one of the municipality's mail domains may then report a project, "
            "and reads nothing in the register."
        ),
        stops=on,
    )


def _municipality_form(
    request: HttpRequest, form: Any, title: str, submit: str, lead: str = "", stops: bool = False
) -> HttpResponse:
    place = reader_of(request).municipality
    return form_page(
        request,
        form,
        title=title,
        lead=lead,
        submit=submit,
        back=reverse("municipality"),
        crumbs=_crumbs(Crumb(str(place), reverse("municipality"))),
        stops=stops,
    )


def _changing(request: HttpRequest) -> Reader:
    reader = reader_of(request)
    reader.require("organisation.change")
    return reader


def _standing(request: HttpRequest, reader: Reader, pk: int) -> Unit:
    """The unit; held fast while it is being saved, so that the second of two saves sees the first."""
    rows = visible_units(reader)
    return found_or_404(reader, rows.select_for_update() if request.method == "POST" else rows, pk)
