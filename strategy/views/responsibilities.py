"""The page Responsibilities: who answers for what, vacancies first, and what is done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from pages.columns import Column
from pages.forms import saving
from pages.lists import Action, TableView
from strategy import history
from strategy.forms.responsibilities import (
    AssignmentFilter,
    ChangeForm,
    EndForm,
    GiveForm,
    PersonForm,
    last_day,
)
from strategy.models import Assignment, Role
from strategy.organisation import visible_units
from strategy.permissions import Reader
from strategy.requests import found_or_404, reader_of
from strategy.responsibilities import (
    Gaps,
    change_assignment,
    end_assignment,
    gaps,
    give_assignment,
    insist,
    is_over,
    login_of,
    may_change,
    may_change_person,
    may_give,
    may_shorten,
    may_take_second_factor_away,
    role_order,
    visible_assignments,
    visible_people,
)
from strategy.views.pages import Crumb, Fact, form_page


@dataclass(frozen=True)
class Item:
    """One line of components/todo.html."""

    when: str
    title: str
    url: str
    why: str = ""
    tone: str = ""
    action: str = ""


def _unit_name(assignment: Assignment) -> str:
    return assignment.unit.name if assignment.unit else _("The whole municipality")


def _subject_or_login(assignment: Assignment) -> str:
    """Below the role: the subject; of a plain employee that there is no login, as of who reported by mail alone."""
    if assignment.role == Role.EMPLOYEE and not hasattr(assignment.person, "account"):
        return _("without a login")
    return assignment.subject


class Responsibilities(TableView):
    """Every assignment that is valid on the day, by unit and role, under what is lacking."""

    title = gettext_lazy("Who answers for what")
    template_name = "strategy/responsibilities.html"
    fragment_name = "strategy/responsibilities.html#results"
    filterset_class = AssignmentFilter
    ordering = (F("unit__name").asc(nulls_first=True), "unit_id", role_order(), "subject", "person__name")  # type: ignore[assignment]
    empty_text = gettext_lazy("Nobody has an assignment on this day.")
    columns = (
        Column(
            "unit",
            gettext_lazy("Unit"),
            _unit_name,
            href=lambda row: reverse("unit", args=[row.unit_id]) if row.unit_id else reverse("municipality"),
        ),
        Column(
            "role",
            gettext_lazy("Role"),
            "get_role_display",
            row_header=True,
            href=lambda row: reverse("assignment", args=[row.pk]),
            small=_subject_or_login,
        ),
        Column("person", gettext_lazy("Person"), "person.name", small="person.title"),
        Column("email", gettext_lazy("Work e-mail"), "person.email"),
        Column("starts_on", gettext_lazy("From"), "starts_on", kind="date"),
        Column(
            "ends_on",
            gettext_lazy("To and including"),
            "ends_on",
            kind="date",
            missing=gettext_lazy("until further notice"),
        ),
    )

    @property
    def reader(self) -> Reader:
        return reader_of(self.request)

    def get_queryset(self) -> QuerySet[Assignment]:
        self.reader.require("responsibilities.read")
        return visible_assignments(self.reader).select_related("person__account")

    def get_filterset(self, queryset: QuerySet[Any]) -> Any:
        self.filterset = AssignmentFilter(
            self.get_filter_data(),
            queryset=queryset,
            request=self.request,
            units=visible_units(self.reader),
            today=self.reader.today,
        )
        return self.filterset

    def get_creator(self) -> str:
        return str(self.reader.municipality)

    def get_lead(self) -> str:
        return _("%(municipality)s on %(day)s. An assignment is also what gives access to the register.") % {
            "municipality": self.reader.municipality,
            "day": self.filterset.day.isoformat(),
        }

    def get_primary_action(self) -> Action | None:
        if not self.reader.can("assignment.give"):
            return None
        return Action(_("Give an assignment"), reverse("assignment_give"))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        day: date = self.filterset.day
        lacking = gaps(self.reader, day)
        return {
            **context,
            "vacancies": _vacancies(self.reader, lacking),
            "acting": _acting(lacking),
            "endings": _endings(self.reader, lacking),
        }


def _vacancies(reader: Reader, lacking: Gaps) -> list[Item]:
    items = []
    for vacancy in lacking.vacancies:
        may = may_give(reader, Role.CONTACT_PERSON, vacancy.unit)
        query = urlencode({"enhet": str(vacancy.unit.pk), "roll": Role.CONTACT_PERSON.value})
        items.append(
            Item(
                when=_("vacant"),
                tone="stop",
                title=vacancy.unit.name,
                why=_("Nobody is ordinary contact person."),
                url=f"{reverse('assignment_give')}?{query}"
                if may
                else reverse("unit", args=[vacancy.unit.pk]),
                action=_("Name a contact person") if may else "",
            )
        )
    return items


def _acting(lacking: Gaps) -> str:
    """Who acts for the units without a contact person, in a sentence."""
    if not lacking.vacancies:
        return ""
    if not lacking.acting:
        return _(
            "There is no international strategist who acts meanwhile. The administrator should name one first."
        )
    names = ", ".join(str(person) for person in lacking.acting)
    return ngettext(
        "Until it is filled, the international strategist acts for the unit: %(names)s.",
        "Until they are filled, the international strategist acts for the units: %(names)s.",
        len(lacking.vacancies),
    ) % {"names": names}


def _endings(reader: Reader, lacking: Gaps) -> list[Item]:
    items = []
    for ending in lacking.endings:
        one = ending.assignment
        ordinary = one.role == Role.CONTACT_PERSON and not one.subject
        items.append(
            Item(
                when=_("ends %(day)s") % {"day": ending.last_day.isoformat()},
                tone="warn" if ordinary else "",
                title=f"{one.person}, {one.get_role_display().lower()}",
                why=_("After that nobody answers for %(unit)s.") % {"unit": one.unit}
                if ordinary
                else _unit_name(one),
                url=reverse("assignment", args=[one.pk]),
                action=_("Prolong or replace") if may_change(reader, one) else "",
            )
        )
    return items


def _crumbs(*more: Crumb) -> tuple[Crumb, ...]:
    return (Crumb(_("Responsibilities"), reverse("responsibilities")), *more)


@require_safe
def assignment(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("responsibilities.read")
    one = found_or_404(reader, visible_assignments(reader), pk)
    may = may_change(reader, one)
    person_url = (
        reverse("person_change", args=[one.person_id]) if may_change_person(reader, one.person) else ""
    )
    return render(
        request,
        "strategy/assignment.html",
        {
            "title": f"{one.person}, {one.get_role_display().lower()}",
            "crumbs": _crumbs(),
            "facts": [
                Fact(_("Person"), one.person.name, person_url),
                Fact(_("Title"), one.person.title or None),
                Fact(_("Work e-mail"), one.person.email),
                Fact(_("Phone"), one.person.phone or None),
                *(
                    [
                        Fact(
                            _("Second factor"),
                            _("Take away a lost one"),
                            reverse("person_second_factor", args=[one.person_id]),
                        )
                    ]
                    if may_take_second_factor_away(reader, one.person)
                    else []
                ),
                *([Fact(_("The login"), login_of(one.person))] if Role.ADMINISTRATOR in reader.roles else []),
                Fact(_("Role"), one.get_role_display()),
                Fact(_("Unit"), _unit_name(one), reverse("unit", args=[one.unit_id]) if one.unit_id else ""),
                *([Fact(_("Subject"), one.subject)] if one.subject else []),
                Fact(_("From"), one.starts_on.isoformat()),
                Fact(
                    _("To and including"),
                    one.ends_on.isoformat() if one.ends_on else _("until further notice"),
                ),
            ],
            "state": _state(one, reader.today),
            "change_url": reverse("assignment_change", args=[pk]) if may else "",
            "why_not": "" if may or not reader.can("assignment.give") else may.reason,
            "end_url": reverse("assignment_end", args=[pk]) if may_shorten(reader, one) else "",
            "handover_url": reverse("handover", args=[one.person_id]) if reader.can("handover.make") else "",
            "entries": history.entries(history.acts(one)) if reader.can("history.read") else (),
        },
    )


def _state(one: Assignment, today: date) -> Mapping[str, str]:
    if is_over(one, today):
        return {"shape": "full", "label": _("ended")}
    if one.starts_on > today:
        return {"shape": "ring", "label": _("not begun")}
    return {"shape": "half", "label": _("valid today")}


@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    reader.require("assignment.give")
    initial = {"unit": request.GET.get("enhet"), "role": request.GET.get("roll")}
    form = GiveForm(request.POST or None, initial=initial, reader=reader)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            given = give_assignment(
                reader,
                form.who,
                role=Role(form.cleaned_data["role"]),
                unit=form.cleaned_data["unit"],
                subject=form.cleaned_data["subject"],
                starts_on=form.cleaned_data["starts_on"].first,
                ends_on=last_day(form.cleaned_data),
                reason=form.cleaned_data["reason"],
            )
        if form.is_valid():
            messages.success(
                request,
                _("%(person)s is %(role)s from %(day)s, and has been told by mail to %(email)s.")
                % {
                    "person": given.person,
                    "role": given.get_role_display().lower(),
                    "day": given.starts_on.isoformat(),
                    "email": given.person.email,
                },
            )
            return redirect("responsibilities")
    return form_page(
        request,
        form,
        title=_("Give an assignment"),
        lead=_("The assignment gives the person access from its first day to its last."),
        submit=_("Give the assignment"),
        back=reverse("responsibilities"),
        crumbs=_crumbs(),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    one = _standing(request, reader, pk)
    insist(may_shorten(reader, one) or may_change(reader, one), reader, "change dates", pk)
    if request.method != "POST":
        insist(may_change(reader, one), reader, "change dates", pk)
    form = ChangeForm(request.POST or None, reader=reader, instance=one)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            change_assignment(
                reader,
                one,
                starts_on=form.cleaned_data["starts_on"].first,
                ends_on=last_day(form.cleaned_data),
                subject=form.cleaned_data.get("subject"),
                reason=form.cleaned_data["reason"],
            )
        if form.is_valid():
            messages.success(request, _("The assignment is changed."))
            return redirect("assignment", pk)
    return form_page(
        request,
        form,
        title=_("Change the assignment"),
        lead=_about(one),
        submit=_("Save"),
        back=reverse("assignment", args=[pk]),
        crumbs=_crumbs(Crumb(str(one.person), reverse("assignment", args=[pk]))),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    one = _standing(request, reader, pk)
    insist(may_shorten(reader, one), reader, "end it", pk)
    form = EndForm(
        request.POST or None,
        reader=reader,
        instance=one,
        initial={"last_day": max(reader.today, one.starts_on).isoformat()},
    )
    if request.method == "POST" and form.is_valid():
        with saving(form):
            end_assignment(
                reader, one, last_day=form.cleaned_data["last_day"].last, reason=form.cleaned_data["reason"]
            )
        if form.is_valid():
            messages.success(request, _("The assignment is ended."))
            return redirect("responsibilities")
    ordinary = one.role == Role.CONTACT_PERSON and not one.subject
    return form_page(
        request,
        form,
        title=_("End the assignment"),
        lead=_about(one),
        note=_note_of_ending(reader, one, ordinary),
        submit=_("End the assignment"),
        back=reverse("assignment", args=[pk]),
        crumbs=_crumbs(Crumb(str(one.person), reverse("assignment", args=[pk]))),
        stops=True,
    )


def _note_of_ending(reader: Reader, one: Assignment, ordinary: bool) -> str:
    """What the ending leaves behind, and the way to give all of it on instead."""
    lacking = _("The unit is then without an ordinary contact person, until somebody else is named.")
    if not reader.can("handover.make"):
        return lacking if ordinary else ""
    return format_html(
        '{} {} <a href="{}">{}</a>',
        lacking if ordinary else "",
        _("Does somebody else take over?"),
        reverse("handover", args=[one.person_id]),
        _("Hand over everything at once"),
    )


def _standing(request: HttpRequest, reader: Reader, pk: int) -> Assignment:
    """The assignment; held fast while it is being saved, so that the second of two saves sees the first."""
    rows = visible_assignments(reader)
    if request.method == "POST":
        rows = rows.select_for_update(of=("self",))
    return found_or_404(reader, rows, pk)


def _about(one: Assignment) -> str:
    return f"{one.person}, {one.get_role_display().lower()}, {_unit_name(one)}"


@require_http_methods(["GET", "HEAD", "POST"])
def person_change(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    reader.require("person.change")
    people = visible_people(reader)
    person = found_or_404(reader, people.select_for_update() if request.method == "POST" else people, pk)
    insist(may_change_person(reader, person), reader, "change the person")
    form = PersonForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        with saving(form):
            form.save()
        if form.is_valid():
            messages.success(request, _("Saved."))
            return redirect("responsibilities")
    return form_page(
        request,
        form,
        title=str(person),
        lead=_("%(email)s is also the login, and stays.") % {"email": person.email},
        submit=_("Save"),
        back=reverse("responsibilities"),
        crumbs=_crumbs(),
    )
