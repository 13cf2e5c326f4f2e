"""The funders' public lists: what the register does not know, one grant and its project, and taking lists in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pages.columns import Column, Mark, Text, listing, on_screen
from pages.files import ChooseSheet, TableRefused
from pages.forms import GroupedForm, constraint_message, saving
from pages.imports import COUNTED, OUTCOMES, NotReady, Outcome, Preview
from pages.lists import Action, TableView
from projects.code_lists import UndoneFirst
from projects.forms import PlainText, ProjectForm
from projects.models import GrantListProfile, ListedGrant
from projects.models.public_lists import Outcome as Settled
from projects.public_lists import profiles, taking
from projects.public_lists.matching import name_key
from projects.public_lists.profiles import Beside
from projects.public_lists.reading import ChangedFormat, Part, headers_of, sample
from projects.views.code_lists import (
    JoinForm,
    counted,
    handed_out,
    register_from,
    sample_table,
    told,
    too_large_sentence,
)
from projects.views.imports import STATES
from strategy.attachments import FileDamaged, upload_was_too_large
from strategy.models import BatchState, ImportBatch, Unit
from strategy.permissions import Reader
from strategy.requests import found_or_404, reader_of
from values.money import CURRENCIES
from values.text import fold, format_decimal, squeeze

form_page = require_http_methods(["GET", "HEAD", "POST"])
ROWS_SHOWN = 200
WAITING, SETTLED = "vantar", "avgjorda"


def _figure(number: int) -> str:
    return format_decimal(Decimal(number))


def _crumbs(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": _("Projects"), "url": reverse("projects:list")},
        {"label": _("Funders' lists"), "url": reverse("projects:grants")},
        *more,
    ]


def _status(form: Any) -> int:
    return 422 if form.is_bound and form.errors else 200


# --- the list --------------------------------------------------------------------------------------------


class GrantFilter(django_filters.FilterSet):  # type: ignore[misc]  # The package has no types.
    q = django_filters.CharFilter(
        label=gettext_lazy("Title, reference or recipient"), method="by_text", max_length=100
    )
    avgjort = django_filters.ChoiceFilter(
        label=gettext_lazy("Dealt with"),
        method="by_outcome",
        empty_label=gettext_lazy("All"),
        null_label=None,
        choices=[
            (WAITING, gettext_lazy("waiting")),
            (SETTLED, gettext_lazy("dealt with")),
            *Settled.choices,
        ],
    )
    lista = django_filters.ChoiceFilter(
        label=gettext_lazy("List"),
        method="by_source",
        empty_label=gettext_lazy("All"),
        null_label=None,
        choices=[],
    )

    class Meta:
        model = ListedGrant
        fields: Sequence[str] = ()

    def __init__(self, *args: Any, lists: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["lista"].extra["choices"] = [(name, name) for name in lists]

    def by_text(self, grants: Any, name: str, value: str) -> QuerySet[ListedGrant]:
        text = squeeze(value)
        return grants.filter(  # type: ignore[no-any-return]
            Q(title__icontains=text)
            | Q(acronym__icontains=text)
            | Q(reference__contains=text)
            | Q(recipient__icontains=text)
        )

    def by_source(self, grants: Any, name: str, value: str) -> QuerySet[ListedGrant]:
        return grants.filter(source=value)  # type: ignore[no-any-return]

    def by_outcome(self, grants: Any, name: str, value: str) -> QuerySet[ListedGrant]:
        if value == WAITING:
            return grants.filter(outcome="")  # type: ignore[no-any-return]
        if value == SETTLED:
            return grants.exclude(outcome="")  # type: ignore[no-any-return]
        return grants.filter(outcome=value)  # type: ignore[no-any-return]


_MARKS = {
    Settled.JOINED: Mark(Settled.JOINED.label, "full", "good"),
    Settled.REGISTERED: Mark(Settled.REGISTERED.label, "full", "good"),
    Settled.SET_ASIDE: Mark(Settled.SET_ASIDE.label, "dash"),
}
_WAITS = Mark(gettext_lazy("Waiting"), "ring", "warn")


def _span(starts: date | None, ends: date | None) -> str | None:
    """The stroke stands where one of the days is not stated too, so that a start is told from an end."""
    first = starts.isoformat() if starts else ""
    last = ends.isoformat() if ends else ""
    return f"{first} – {last}".strip() if first or last else None


def _period(grant: Any) -> str | None:
    return _span(grant.starts_on, grant.ends_on)


# What the lists call a recipient's part, in our words; other words stand as the list has them.
_ROLES: Mapping[str, Text] = {
    "coordinator": gettext_lazy("Coordinator"),
    "participant": gettext_lazy("Participant"),
    "partner": gettext_lazy("Partner"),
    "beneficiary": gettext_lazy("Beneficiary"),
    "thirdparty": gettext_lazy("Third party"),
    "associatedpartner": gettext_lazy("Associated partner"),
    "internationalpartner": gettext_lazy("International partner"),
}


def _role(said: str) -> Text:
    return _ROLES.get(fold(said).replace(" ", ""), said)


class GrantList(TableView):
    """What the funders' lists name as ours; what waits to be dealt with first."""

    title = gettext_lazy("Funders' lists")
    lead = gettext_lazy("Grants to the municipality and its companies that funders have published.")
    template_name = "projects/public_lists/list.html"
    fragment_name = "projects/public_lists/list.html#results"
    filter_target = ""
    filterset_class = GrantFilter
    empty_text = gettext_lazy("No list of a funder has been taken in yet.")
    ordering = ("outcome", "-starts_on", "pk")
    columns = (
        Column(
            "title",
            gettext_lazy("Project in the list"),
            "title",
            row_header=True,
            href=lambda grant: reverse("projects:grant_settle", args=[grant.pk]),
            small=lambda grant: " · ".join(filter(None, [grant.acronym, grant.reference])),
        ),
        Column(
            "outcome",
            gettext_lazy("Dealt with"),
            lambda grant: _MARKS.get(grant.outcome, _WAITS),
            kind="mark",
            first=True,
        ),
        Column("recipient", gettext_lazy("Recipient"), "recipient", small=lambda grant: _role(grant.role)),
        Column("source", gettext_lazy("List"), "source", small="programme"),
        Column("period", gettext_lazy("Period"), _period),
        Column("granted", gettext_lazy("Granted to us"), "granted", kind="amount"),
        Column(
            "total",
            gettext_lazy("The whole project"),
            lambda grant: taking.amount(grant.total_budget, grant.amount_currency),
            kind="amount",
        ),
        Column(
            "project",
            gettext_lazy("Project"),
            lambda grant: grant.project.title if grant.project else grant.reason or None,
            href=lambda grant: grant.project.get_absolute_url() if grant.project else None,
            missing="",
        ),
    )
    reader: Reader

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("grant_list.read")
        self.told = taking.waiting(self.reader)
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ListedGrant]:
        return taking.visible_to(self.reader).select_related("project")

    def get_filter_data(self) -> QueryDict:
        """What waits is shown first; the rest when asked for."""
        if "avgjort" in self.request.GET or not self.told.waiting:
            return self.request.GET
        data = self.request.GET.copy()
        data["avgjort"] = WAITING
        return data

    def get_filterset(self, queryset: QuerySet[ListedGrant]) -> GrantFilter:
        lists = queryset.order_by("source").values_list("source", flat=True).distinct()
        return GrantFilter(self.get_filter_data(), queryset=queryset, request=self.request, lists=list(lists))

    def get_primary_action(self) -> Action | None:
        if not self.reader.can("grant_list.take"):
            return None
        return Action(gettext_lazy("Take in a funder's list"), reverse("projects:grants_take"))

    def get_caption(self) -> Text:
        return _(
            "Amounts in kronor where no other currency is given. What is granted to us and what the whole "
            "project has are never summed together."
        )

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        waiting = self.told.waiting
        return context | {
            "told": self.told,
            "summary": ngettext(
                "%(count)s granted project waits: join it to a project, register it or set it aside.",
                "%(count)s granted projects wait: join each to a project, register it or set it aside.",
                waiting,
            )
            % {"count": _figure(waiting)}
            if waiting
            else _("All grants in the lists are dealt with."),
            "batches_url": reverse("projects:grants_batches"),
        }

    def get_count_text(self, first: int, last: int, count: int) -> Text:
        return ngettext(
            "Showing %(first)d–%(last)d of %(count)d grant",
            "Showing %(first)d–%(last)d of %(count)d grants",
            count,
        ) % {"first": first, "last": last, "count": count}


# --- one grant -------------------------------------------------------------------------------------------


class AsideForm(GroupedForm, forms.Form):
    reason = PlainText(
        label=gettext_lazy("Why is it set aside?"),
        max_length=500,
        help_text=gettext_lazy("For example “Habo Energi's own, not to be registered”."),
        error_messages={"required": gettext_lazy("Say why the grant is set aside.")},
    )


def _grant(request: HttpRequest, pk: int) -> ListedGrant:
    reader = reader_of(request)
    reader.require("grant_list.read")
    found = taking.visible_to(reader).select_related("project", "settled_by", "unit", "batch__file")
    return found_or_404(reader, found, pk)


@form_page
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    """One grant beside the projects that it may be of; POST joins it to one."""
    reader = reader_of(request)
    found = _grant(request, pk)
    if request.method == "POST":
        reader.require("grant_list.take", found)
    return _grant_page(request, found, joining=request.method == "POST")


def _grant_page(
    request: HttpRequest, found: ListedGrant, *, joining: bool = False, aside: AsideForm | None = None
) -> HttpResponse:
    reader = reader_of(request)
    candidates = [] if found.outcome else taking.Register(reader).of(found)
    offered = [(one.project_id, f"{one.register_id} {one.title} ({one.why})") for one in candidates]
    form = JoinForm(request.POST if joining else None, reader=reader, offered=offered)
    if joining and form.is_valid():
        project = form.cleaned_data["found"]
        try:
            with saving(form):
                taking.join(reader, found, project, at=timezone.now())
        except taking.AlreadySettled as settled:
            messages.error(request, str(settled))
            return redirect("projects:grant_settle", found.pk)
        if form.is_valid():
            messages.success(
                request,
                _("“%(title)s” is joined to %(project)s.") % {"title": found.title, "project": project.title},
            )
            return redirect("projects:grants")
    may_take = bool(reader.can("grant_list.take", found))
    context = {
        "grant": found,
        "period": _period(found),
        "role": _role(found.role),
        "granted": on_screen(found.granted),
        "total": on_screen(taking.amount(found.total_budget, found.amount_currency)),
        "mark": _MARKS.get(Settled(found.outcome)) if found.outcome else _WAITS,
        "candidates": candidates,
        "form": form,
        "aside": aside or AsideForm(),
        "may_take": may_take and not found.outcome,
        "may_open": may_take and bool(found.outcome),
        "may_register": may_take and not found.outcome and bool(reader.can("project.register")),
        "crumbs": _crumbs({"label": found.title}),
    }
    bound = aside if aside is not None else form
    return render(request, "projects/public_lists/grant.html", context, status=_status(bound))


@form_page
def register(request: HttpRequest, pk: int) -> HttpResponse:
    """Registers a project that begins with what the list says, and settles the grant."""
    reader = reader_of(request)
    reader.require("project.register")
    found = _grant(request, pk)
    reader.require("grant_list.take", found)
    if found.outcome:
        messages.info(request, _("The grant is dealt with already."))
        return redirect("projects:grant_settle", found.pk)
    form = ProjectForm(
        request.POST if request.method == "POST" else None, reader=reader, initial=taking.prefilled(found)
    )
    if request.method == "POST" and form.is_valid():
        try:
            with saving(form):
                project = register_from(reader, form)
                taking.join(reader, found, project, at=timezone.now(), registered=True)
        except taking.AlreadySettled as settled:
            messages.error(request, str(settled))
            return redirect("projects:grant_settle", found.pk)
        if form.is_valid():
            messages.success(
                request,
                _("“%(title)s” is registered as %(id)s.")
                % {"title": project.title, "id": project.register_id},
            )
            return redirect(project)
    address = reverse("projects:grant_settle", args=[found.pk])
    context = {
        "form": form,
        "can_own": form.may_own,
        "lead": _("Prefilled from the list of %(source)s, %(reference)s. Correct and fill in what is known.")
        % {"source": found.source, "reference": found.reference},
        "back": address,
        "crumbs": _crumbs({"label": found.title, "url": address}),
    }
    return render(request, "projects/code_lists/register.html", context, status=_status(form))


@require_http_methods(["GET", "HEAD", "POST"])
def set_aside(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _grant(request, pk)
    reader.require("grant_list.take", found)
    if request.method != "POST":
        # The form stands on the grant's page; a refused one is opened anew here.
        return redirect("projects:grant_settle", found.pk)
    form = AsideForm(request.POST)
    if not form.is_valid():
        return _grant_page(request, found, aside=form)
    try:
        taking.set_aside(reader, found, reason=form.cleaned_data["reason"], at=timezone.now())
    except taking.AlreadySettled as settled:
        messages.error(request, str(settled))
        return redirect("projects:grant_settle", found.pk)
    messages.success(request, _("“%(title)s” is set aside.") % {"title": found.title})
    return redirect("projects:grants")


@require_POST
def open_again(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _grant(request, pk)
    reader.require("grant_list.take", found)
    reason = squeeze(request.POST.get("reason", ""))[:500]
    if not reason:
        messages.error(request, _("Say why it is opened again."))
    elif found.outcome:
        taking.open_again(reader, found, reason=reason)
        messages.success(request, _("“%(title)s” waits again.") % {"title": found.title})
    return redirect("projects:grant_settle", found.pk)


# --- taking a list in ------------------------------------------------------------------------------------


class UploadForm(GroupedForm, forms.Form):
    # Before the file: what stands after one that is too large never arrives, and what was typed is kept.
    profile = forms.ChoiceField(
        label=gettext_lazy("Whose list?"),
        required=False,
        help_text=gettext_lazy("If it is none of these, you point out its columns in the next step."),
    )
    file = forms.FileField(
        label=gettext_lazy("Which file?"),
        help_text=gettext_lazy(
            "The list as the funder publishes it: CSV, XLSX, JSON or a packed file (zip)."
        ),
        error_messages={
            "required": gettext_lazy("Choose the file that holds the list."),
            "empty": gettext_lazy("The file is empty. Choose the file that holds the list."),
            "max_length": gettext_lazy("The name of the file is too long. Give it a shorter one."),
        },
        max_length=250,
    )
    other = forms.FileField(
        label=gettext_lazy("A second file"),
        required=False,
        help_text=gettext_lazy("Only where the list is published as two: for CORDIS project.csv."),
        error_messages={
            "empty": gettext_lazy("The second file is empty. Choose the right one, or none."),
            "max_length": gettext_lazy("The name of the file is too long. Give it a shorter one."),
        },
        max_length=250,
    )

    def __init__(self, *args: Any, too_large: bool = False, reader: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.too_large = too_large
        self.fields["file"].required = not too_large
        field: Any = self.fields["profile"]
        names = sorted(taking.profiles_of(reader))
        field.choices = [("", _("Find out by its headings")), *((name, name) for name in names)]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.too_large:
            sentence = too_large_sentence()
            self.add_error("file", f"{sentence} {_('Give larger lists to manage.py take_public_list.')}")
        return cleaned


@form_page
def take(request: HttpRequest) -> HttpResponse:
    reader = reader_of(request)
    reader.require("grant_list.take")
    if request.method != "POST":
        return _take_page(request, UploadForm(reader=reader))
    form = UploadForm(request.POST, request.FILES, too_large=upload_was_too_large(request), reader=reader)
    if not form.is_valid():
        return _take_page(request, form)
    file, other = form.cleaned_data["file"], form.cleaned_data["other"]
    try:
        batch = taking.upload(
            reader,
            file.name,
            file.read(),
            others=[(other.name, other.read())] if other else (),
            profile=form.cleaned_data["profile"],
            content_type=file.content_type or "",
        )
    except TableRefused as refused:
        return _take_page(request, form, refused)
    return redirect("projects:grants_batch", batch.pk)


def _take_page(request: HttpRequest, form: UploadForm, refused: TableRefused | None = None) -> HttpResponse:
    reader = reader_of(request)
    every = taking.profiles_of(reader).values()
    return render(
        request,
        "projects/public_lists/take.html",
        {
            "form": form,
            "problems": told(refused, f"#{form['file'].auto_id}"),
            "changed": isinstance(refused, ChangedFormat),
            "profiles": listing(
                (
                    Column(
                        "name",
                        gettext_lazy("List"),
                        "name",
                        row_header=True,
                        href=lambda profile: (
                            reverse("projects:list_profile", args=[profile.own]) if profile.own else None
                        ),
                        small=lambda profile: _("Columns pointed out here") if profile.own else "",
                    ),
                    Column(
                        "published",
                        gettext_lazy("Published at"),
                        "published_at",
                        href=lambda profile: profile.published_at or None,
                    ),
                    Column(
                        "seen",
                        gettext_lazy("Its headings were seen (not the file)"),
                        "seen",
                        kind="date",
                        missing="–",
                    ),
                    Column("note", gettext_lazy("To know"), "note", missing=""),
                ),
                sorted(every, key=lambda profile: fold(profile.name)),
                name=_("Lists that are known"),
            ),
            "crumbs": _crumbs(),
        },
        status=422 if refused or (form.is_bound and form.errors) else 200,
    )


def _batch(request: HttpRequest, pk: int) -> ImportBatch:
    reader = reader_of(request)
    reader.require("grant_list.read")
    found = taking.batches(reader).select_related("file", "uploaded_by", "municipality")
    return found_or_404(reader, found, pk)


class BatchList(TableView):
    """The funders' lists that were taken in, or tried."""

    title = gettext_lazy("Lists that have been taken in")
    ordering = ("-uploaded_at", "-pk")
    empty_text = gettext_lazy("No list of a funder has been taken in yet.")
    columns = (
        Column(
            "file",
            gettext_lazy("File"),
            "file.name",
            row_header=True,
            href=lambda batch: reverse("projects:grants_batch", args=[batch.pk]),
        ),
        Column("state", gettext_lazy("State"), lambda batch: STATES[batch.state], kind="mark", first=True),
        Column("list", gettext_lazy("List"), lambda batch: batch.answers.get("profile") or None),
        Column("uploaded_at", gettext_lazy("Uploaded"), "uploaded_at", kind="date"),
        Column("uploaded_by", gettext_lazy("By"), "uploaded_by.name"),
        Column(
            "read", gettext_lazy("Rows"), lambda batch: batch.answers.get("read"), numeric=True, missing="–"
        ),
        *(
            Column(
                outcome.value,
                OUTCOMES[outcome],
                counted(outcome),
                numeric=True,
                missing="–",
            )
            for outcome in (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED)
        ),
    )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        reader_of(request).require("grant_list.read")
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ImportBatch]:
        return taking.batches(reader_of(self.request)).select_related("file", "uploaded_by")


def _of_plan(name: str) -> Any:
    return lambda row: getattr(row.target.grant, name) or None


def _known(row: Any) -> str | None:
    plan = row.target
    if plan.row is not None and plan.row.outcome:
        return str(plan.row.get_outcome_display())
    if not plan.candidates:
        return str(_("Not known to the register"))
    first = plan.candidates[0]
    words = _("Known: %(id)s %(title)s") if first.sure else _("Perhaps %(id)s %(title)s")
    return words % {"id": first.register_id, "title": first.title}


ROWS = (
    Column(
        "title",
        gettext_lazy("Project in the list"),
        "name",
        row_header=True,
        small=lambda row: " · ".join(filter(None, [row.target.grant.acronym, row.target.grant.reference])),
    ),
    Column("known", gettext_lazy("In the register"), _known),
    Column("recipient", gettext_lazy("Recipient"), _of_plan("recipient"), small=_of_plan("matched_by")),
    Column(
        "period",
        gettext_lazy("Period"),
        lambda row: _span(row.target.grant.starts, row.target.grant.ends),
    ),
    Column(
        "granted",
        gettext_lazy("Granted to us"),
        lambda row: taking.amount(row.target.grant.amount, row.target.grant.currency),
        kind="amount",
    ),
    Column(
        "total",
        gettext_lazy("The whole project"),
        lambda row: taking.amount(row.target.grant.total, row.target.grant.currency),
        kind="amount",
    ),
    Column(
        "what",
        gettext_lazy("What has changed"),
        lambda row: "; ".join(f"{one.label}: {one.before or '–'} → {one.after}" for one in row.differences),
        missing="",
    ),
)


class RecipientsForm(forms.Form):
    """The names that are alike: ours, one of our companies', or not ours. What is left open stays open."""

    mark_optional = False

    def __init__(
        self, *args: Any, perhaps: Sequence[Mapping[str, Any]], units: Sequence[Unit], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.names: dict[str, str] = {}
        together = sorted(perhaps, key=lambda one: name_key(one["recipient"]))
        companies = [(f"unit:{unit.pk}", unit.name) for unit in units]
        for number, (_key, group) in enumerate(groupby(together, key=lambda one: name_key(one["recipient"]))):
            rows = list(group)
            name = rows[0]["recipient"]
            field = f"n{number}"
            self.names[field] = name
            titles = ", ".join(row["title"][:60] for row in rows[:3])
            self.fields[field] = forms.ChoiceField(
                label=name,
                help_text=f"{rows[0]['matched_by']}. {titles}",
                choices=[
                    ("", _("Leave it")),
                    ("ours", _("The municipality")),
                    *companies,
                    ("not_ours", _("Not ours")),
                ],
                required=False,
            )

    def said(self) -> dict[str, str]:
        return {self.names[field]: meaning for field, meaning in self.cleaned_data.items() if meaning}


def _recipients_form(reader: Reader, found: ImportBatch, data: Any = None) -> RecipientsForm | None:
    perhaps = found.answers.get("perhaps", [])[:ROWS_SHOWN]
    if not perhaps:
        return None
    units = Unit.objects.filter(municipality=reader.municipality).valid_on(reader.today).owning()
    return RecipientsForm(data, perhaps=perhaps, units=list(units.order_by("name", "pk")))


@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """The list as it came, or what of it was kept; always as an attachment."""
    return handed_out(request, _batch(request, pk))


@never_cache
@form_page
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """What a list holds of ours, before anything is written; once confirmed, what became of it."""
    reader = reader_of(request)
    found = _batch(request, pk)
    if request.method == "POST":
        reader.require("grant_list.take", found)
        if sheet := request.POST.get("sheet", ""):
            try:
                taking.choose_sheet(reader, found, sheet[:100])
            except FileDamaged:
                messages.error(request, _("The stored file is damaged. Take the list in again."))
            except TableRefused as refused:
                messages.error(request, refused.message)
        return redirect("projects:grants_batch", found.pk)
    if found.state != BatchState.JUDGED:
        return _result_page(request, found)
    if "grants" not in found.answers:
        return _not_read_yet(request, found)
    judge, preview = taking.preview_of(reader, found)
    return _preview_page(request, found, judge, preview)


def _not_read_yet(request: HttpRequest, found: ImportBatch) -> HttpResponse:
    try:
        headers_of(taking.package_of(found).tables, sheet=found.answers.get("sheet"))
    except ChooseSheet as several:
        context = {"batch": found, "sheets": several.sheets, "crumbs": _crumbs()}
        return render(request, "projects/code_lists/sheets.html", context)
    except FileDamaged:
        messages.error(request, _("The stored file is damaged. Take the list in again."))
        return redirect("projects:grants")
    except TableRefused as refused:
        messages.error(request, refused.message)
        return redirect("projects:grants")
    if not reader_of(request).can("grant_list.take", found):
        raise PermissionDenied(_("The list waits for somebody to point out its columns."))
    return redirect("projects:grants_columns", found.pk)


def _preview_page(
    request: HttpRequest,
    found: ImportBatch,
    judge: taking.Judge,
    preview: Preview,
    *,
    problem: str = "",
    form: RecipientsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    reader = reader_of(request)
    counts = preview.counts
    may_take = bool(reader.can("grant_list.take", found))
    # What the register does not know stands first: that is what the list was taken in for.
    order = sorted(
        preview.rows,
        key=lambda row: (row.outcome is not Outcome.NEW, bool(row.target.candidates), row.outcome.value),
    )
    shown = order[:ROWS_SHOWN]
    unknown = len(judge.unknown)
    figures = [
        {"label": _("Rows in the list"), "value": _figure(judge.read)},
        {"label": _("Grants to us"), "value": _figure(len(preview.rows))},
        {"label": _("Not known to the register"), "value": _figure(unknown)},
        *(
            {"label": OUTCOMES[outcome], "value": _figure(counts[outcome])}
            for outcome in COUNTED
            if outcome in (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED)
        ),
    ]
    writes = counts[Outcome.NEW] + counts[Outcome.CHANGED]
    context = {
        "batch": found,
        "profile": judge.source,
        "preview": preview,
        "figures": figures,
        "problems": [{"text": problem}] if problem else [],
        "summary": ngettext(
            "%(count)s granted project that the register does not know.",
            "%(count)s granted projects that the register does not know.",
            unknown,
        )
        % {"count": _figure(unknown)},
        "recipients": form or (_recipients_form(reader, found) if may_take else None),
        "rows": listing(ROWS, shown, name=_("Grants to us")),
        "shown": len(shown),
        "row_count": len(preview.rows),
        "writes": writes,
        "may_take": may_take,
        "columns_url": reverse("projects:grants_columns", args=[found.pk])
        if may_take and not found.answers.get("extract")
        else "",
        "number_url": "" if found.municipality.organisation_number else reverse("municipality"),
        "confirm_label": ngettext("Take in %(count)s grant", "Take in %(count)s grants", writes)
        % {"count": _figure(writes)},
        "crumbs": _crumbs(),
    }
    return render(request, "projects/public_lists/preview.html", context, status=status)


def _result_page(request: HttpRequest, found: ImportBatch) -> HttpResponse:
    reader = reader_of(request)
    names: list[tuple[str, Text]] = [
        ("new", OUTCOMES[Outcome.NEW]),
        ("unknown", gettext_lazy("Not known to the register")),
        ("changed", OUTCOMES[Outcome.CHANGED]),
        ("unchanged", OUTCOMES[Outcome.UNCHANGED]),
        ("hidden", gettext_lazy("Taken away")),
        ("kept", gettext_lazy("Left as they are")),
    ]
    context = {
        "batch": found,
        "state": STATES[BatchState(found.state)],
        "profile": found.answers.get("profile", ""),
        "extract": bool(found.answers.get("extract")),
        "notes": found.answers.get("notes", ()),
        "figures": [
            {"label": label, "value": _figure(found.counts[name])}
            for name, label in names
            if name in found.counts
        ],
        "may_undo": found.state == BatchState.CONFIRMED and bool(reader.can("grant_list.take", found)),
        "crumbs": _crumbs(),
    }
    return render(request, "projects/public_lists/result.html", context)


# --- pointing out the columns of a list that nobody knows ----------------------------------------------------


# Before a heading of the second table, so that one of the same name in the first is another choice.
_SECOND = "\x1e"


@dataclass(frozen=True)
class Tables:
    """The table with the recipients, the one beside it if there are two, and the profile that they are most like."""

    first: Part
    headings: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    second: Part | None
    second_headings: tuple[str, ...]
    second_rows: Sequence[Sequence[str]]
    near: profiles.Profile | None

    @classmethod
    def of(
        cls, tables: Sequence[Part], known: Mapping[str, profiles.Profile], *, sheet: str | None
    ) -> Tables:
        """Raises TableRefused where none of the tables can be read, and ChooseSheet."""
        headings = headers_of(tables, sheet=sheet)
        near = {name: profiles.nearest(said, known) for name, said in headings.items()}
        first = next(
            (name for name in headings if near[name] is not None),
            next(
                (name for name, said in headings.items() if "recipient" in _guessed(said)),
                next(iter(headings)),
            ),
        )
        like = near[first]
        others = [name for name in headings if name != first]
        wanted = like.beside.part if like is not None and like.beside is not None else ""
        second = wanted if wanted in others else others[0] if len(others) == 1 else ""
        by_name = {part.name: part for part in tables}
        said, rows = sample(by_name[first], sheet=sheet)
        second_said, second_rows = sample(by_name[second], sheet=sheet) if second else ((), [])
        return cls(by_name[first], said, rows, by_name.get(second), second_said, second_rows, like)

    @property
    def second_name(self) -> str:
        return self.second.name if self.second else ""

    @property
    def based_on(self) -> str:
        """The shipped profile that the list may be another form of."""
        if self.near is None:
            return ""
        return self.near.based_on if self.near.own is not None else self.near.name

    def missing(self) -> list[str]:
        """The near profile's columns that neither table has."""
        if self.near is None:
            return []
        missing = self.near.missing(self.headings)
        if self.near.beside is not None and self.second is not None:
            present = {fold(heading) for heading in self.second_headings}
            counted_on = (self.near.beside.key, *self.near.beside.columns.values())
            missing += [heading for heading in counted_on if fold(heading) not in present]
        return missing

    def guessed(self) -> dict[str, str]:
        present = {fold(heading): heading for heading in self.headings}
        if self.near is None:
            second = {
                field: _SECOND + heading
                for field, heading in _guessed(self.second_headings).items()
                if field in profiles.OF_THE_PROJECT
            }
            return second | _guessed(self.headings)
        # What the near profile finds elsewhere, or not at all, is not guessed by its heading's likeness.
        found = _guessed(self.headings)
        if self.near.beside is not None:
            found = {
                field: heading for field, heading in found.items() if field not in self.near.beside.columns
            }
            of_second = {fold(heading): heading for heading in self.second_headings}
            found |= {
                field: _SECOND + of_second[fold(heading)]
                for field, heading in self.near.beside.columns.items()
                if fold(heading) in of_second
            }
        return found | {
            field: present[fold(heading)]
            for field, heading in self.near.columns.items()
            if fold(heading) in present
        }

    def guessed_key(self) -> str:
        if self.near is not None and self.near.beside is not None:
            key = fold(self.near.beside.key)
            return next((heading for heading in self.second_headings if fold(heading) == key), "")
        return _guessed(self.second_headings).get("reference", "")


class ColumnsForm(GroupedForm, forms.Form):
    """Which heading of theirs holds what of ours, and what the list leaves unsaid."""

    name = PlainText(
        label=gettext_lazy("What is the list called?"),
        max_length=100,
        help_text=gettext_lazy("Its columns are remembered under this name, for next year's list."),
    )

    def __init__(self, *args: Any, tables: Tables, owns: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tables = tables
        if owns:
            self.fields["replace"] = forms.BooleanField(
                label=_("The columns that are remembered under that name are replaced"), required=False
            )
        if tables.based_on:
            self.fields["same"] = forms.BooleanField(
                label=_("It is the list of %(list)s in another form") % {"list": tables.based_on},
                help_text=_("Then its grants are known from the lists of %(list)s that were taken in before.")
                % {"list": tables.based_on},
                required=False,
                initial=True,
            )
        none = ("", _("It is not in the list"))
        first = [(heading, heading) for heading in tables.headings if heading]
        second = [(_SECOND + heading, heading) for heading in tables.second_headings if heading]
        both: list[Any] = [none, (tables.first.name, first), (tables.second_name, second)]
        guessed = tables.guessed()
        for field, label in profiles.FIELDS.items():
            self.fields[f"c_{field}"] = forms.ChoiceField(
                label=str(label),
                required=field in profiles.NEEDED,
                choices=both if second and field in profiles.OF_THE_PROJECT else [none, *first],
                initial=guessed.get(field, ""),
                error_messages={"required": _("Point out which column it is.")},
            )
        if second:
            self.fields["key"] = forms.ChoiceField(
                label=_("The funder's reference in %(table)s") % {"table": tables.second_name},
                help_text=_("By it the two tables are joined."),
                required=False,
                choices=[none, *((heading, heading) for _key, heading in second)],
                initial=tables.guessed_key(),
            )
        self.fields["funder"] = PlainText(
            label=_("The funder, if the list has no column for it"), max_length=200, required=False
        )
        self.fields["currency"] = forms.ChoiceField(
            label=_("The currency, if the list has no column for it"),
            required=False,
            choices=[(code, code) for code in ("SEK", "EUR", *sorted(set(CURRENCIES) - {"SEK", "EUR"}))],
        )
        self.fields["source_url"] = forms.URLField(
            label=_("Where the funder publishes the list"),
            required=False,
            max_length=500,
            assume_scheme="https",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self._of_second():
            if not cleaned.get("key"):
                self.add_error("key", _("Point out the column by which the two tables are joined."))
            if not cleaned.get("c_reference"):
                self.add_error("c_reference", _("Point out the column by which the two tables are joined."))
        return cleaned

    def _said(self) -> dict[str, str]:
        return {field: self.cleaned_data.get(f"c_{field}", "") for field in profiles.FIELDS}

    def _of_second(self) -> dict[str, str]:
        return {
            field: said.removeprefix(_SECOND)
            for field, said in self._said().items()
            if said.startswith(_SECOND)
        }

    def columns(self) -> dict[str, str]:
        return {field: said for field, said in self._said().items() if not said.startswith(_SECOND)}

    def beside(self) -> Beside | None:
        if not (columns := self._of_second()):
            return None
        return Beside(
            part=self.tables.second_name,
            key=self.cleaned_data["key"],
            on=self.cleaned_data["c_reference"],
            columns=columns,
        )

    def given(self) -> dict[str, str]:
        return {"funder": self.cleaned_data["funder"], "currency": self.cleaned_data["currency"] or "SEK"}


_LIKELY = {
    "title": (
        "titel",
        "title",
        "projektnamn",
        "projekttitel",
        "project title",
        "ärenderubrik",
        "rubrik",
        "benämning",
        "projekt",
        "project",
    ),
    "recipient": (
        *("mottagare", "stödmottagare", "bidragsmottagare", "organisation", "projektägare", "sökande"),
        *("beneficiary", "coordinator", "recipient", "koordinator"),
    ),
    "organisation_number": ("organisationsnummer", "orgnr", "org.nr", "org nr", "organisation number", "vat"),
    "reference": (
        "diarienummer",
        "dnr",
        "ärende-id",
        "ärende",
        "ärendenummer",
        "projekt-id",
        "project id",
        "reference",
        "id",
    ),
    "acronym": ("akronym", "acronym"),
    "amount": ("beviljat belopp", "beviljat", "beviljat stöd", "bidrag", "belopp", "grant", "amount"),
    "total": ("total budget", "totalbudget", "projektbudget", "total cost"),
    "currency": ("valuta", "currency"),
    "starts": ("startdatum", "start", "projektstart", "start date", "fr o m", "från"),
    "ends": ("slutdatum", "slut", "projektslut", "end date", "t o m", "till"),
    "funder": ("finansiär", "funder"),
    "programme": ("program", "programme", "utlysning", "fond"),
    "role": ("roll", "role"),
    "summary": ("sammanfattning", "beskrivning", "summary"),
    "country": ("land", "country"),
    "url": ("länk", "url", "webbadress"),
}


def _guessed(headings: Sequence[str]) -> dict[str, str]:
    by_key = {fold(heading): heading for heading in headings if heading}
    return {
        field: next(by_key[word] for word in words if word in by_key)
        for field, words in _LIKELY.items()
        if any(word in by_key for word in words)
    }


@form_page
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("grant_list.take", found)
    if found.state != BatchState.JUDGED or found.answers.get("extract"):
        return redirect("projects:grants_batch", found.pk)
    try:
        tables = Tables.of(
            taking.package_of(found).tables, taking.profiles_of(reader), sheet=found.answers.get("sheet")
        )
    except FileDamaged:
        messages.error(request, _("The stored file is damaged. Take the list in again."))
        return redirect("projects:grants")
    except ChooseSheet:
        return redirect("projects:grants_batch", found.pk)
    except TableRefused as refused:
        messages.error(request, refused.message)
        return redirect("projects:grants")
    near = tables.near
    name = ""
    if near is not None:
        # Never a shipped profile's own name: that one goes on knowing its form.
        name = near.name if near.own is not None else f"{near.name} {reader.today.year}"
    form = ColumnsForm(
        request.POST if request.method == "POST" else None,
        tables=tables,
        owns=taking.own_profiles(reader).exists(),
        initial={"name": name} | (dict(near.given) if near else {}),
    )
    problems: list[dict[str, str]] = []
    if request.method == "POST" and form.is_valid():
        try:
            with saving(form):
                taking.point_out(
                    reader,
                    found,
                    name=form.cleaned_data["name"],
                    columns=form.columns(),
                    given=form.given(),
                    source_url=form.cleaned_data["source_url"],
                    part=tables.first.name,
                    beside=form.beside(),
                    based_on=tables.based_on if form.cleaned_data.get("same") else "",
                    replacing=form.cleaned_data.get("replace", False),
                )
        except taking.NameTaken as taken:
            form.add_error("name", str(taken))
        except taking.BatchMovedOn as moved:
            messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
            return redirect("projects:grants_batch", found.pk)
        except TableRefused as refused:
            problems = told(refused)
        else:
            if form.is_valid():
                return redirect("projects:grants_batch", found.pk)
    lead = ""
    if near is not None and (missing := tables.missing()):
        lead = str(ChangedFormat(near, missing, near.unknown(tables.headings)).message)
    context = {
        "batch": found,
        "lead": lead,
        "form": form,
        "problems": problems,
        "sample": sample_table(tables.headings, tables.rows),
        "second_name": tables.second_name,
        "second_sample": sample_table(tables.second_headings, tables.second_rows) if tables.second else None,
        "cancel_url": reverse("projects:grants_cancel", args=[found.pk]),
        "crumbs": _crumbs(),
    }
    return render(
        request, "projects/code_lists/columns.html", context, status=422 if problems else _status(form)
    )


@form_page
def list_profile(request: HttpRequest, pk: int) -> HttpResponse:
    """What the municipality pointed out about a list; POST removes it, and it can be pointed out anew."""
    reader = reader_of(request)
    reader.require("grant_list.take")
    row: GrantListProfile = found_or_404(reader, taking.own_profiles(reader), pk)
    profile = profiles.own(row)
    if request.method == "POST":
        taking.forget(reader, row)
        messages.success(
            request,
            _("The columns of “%(name)s” are removed. Grants that were taken in by them stay.")
            % {"name": row.name},
        )
        return redirect("projects:grants_take")
    told_columns = {**(profile.beside.columns if profile.beside else {}), **profile.columns}
    context = {
        "profile": profile,
        "facts": [
            {"label": label, "value": told_columns[field]}
            for field, label in profiles.FIELDS.items()
            if field in told_columns
        ],
        "crumbs": _crumbs({"label": _("Take in a funder's list"), "url": reverse("projects:grants_take")}),
    }
    return render(request, "projects/public_lists/profile.html", context)


@require_POST
def recipients(request: HttpRequest, pk: int) -> HttpResponse:
    """Keeps which of the names that are alike are ours; the list is judged anew."""
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("grant_list.take", found)
    form = _recipients_form(reader, found, request.POST)
    if form is None or found.state != BatchState.JUDGED:
        return redirect("projects:grants_batch", found.pk)
    if not form.is_valid():
        judge, preview = taking.preview_of(reader, found)
        return _preview_page(request, found, judge, preview, form=form, status=422)
    try:
        taking.say_recipients(reader, found, form.said())
    except taking.BatchMovedOn as moved:
        messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
    return redirect("projects:grants_batch", found.pk)


@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("grant_list.take", found)
    try:
        preview = taking.confirm(reader, found, seen=request.POST.get("seen", ""), at=timezone.now())
    except NotReady as refused:
        judge, again = taking.preview_of(reader, found)
        return _preview_page(request, found, judge, again, problem=refused.message, status=409)
    except taking.BatchMovedOn as moved:
        messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
        return redirect("projects:grants_batch", found.pk)
    except IntegrityError as error:
        if (message := constraint_message(error)) is None:
            raise
        judge, again = taking.preview_of(reader, found)
        return _preview_page(request, found, judge, again, problem=message, status=409)
    waiting = taking.waiting(reader).waiting
    messages.success(
        request,
        ngettext(
            "The list is taken in: %(new)s new grant. In all %(waiting)s wait to be dealt with.",
            "The list is taken in: %(new)s new grants. In all %(waiting)s wait to be dealt with.",
            preview.counts[Outcome.NEW],
        )
        % {"new": _figure(preview.counts[Outcome.NEW]), "waiting": _figure(waiting)},
    )
    return redirect("projects:grants")


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("grant_list.take", found)
    try:
        taking.cancel(reader, found)
    except taking.BatchMovedOn as moved:
        messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
    else:
        messages.success(request, _("The list is put aside. Nothing was written."))
    return redirect("projects:grants")


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    reader = reader_of(request)
    found = _batch(request, pk)
    reader.require("grant_list.take", found)
    try:
        done = taking.undo(reader, found, at=timezone.now(), reason=request.POST.get("reason", "")[:500])
    except UndoneFirst as refused:
        messages.error(request, str(refused))
    except taking.BatchMovedOn as moved:
        messages.error(request, _("Somebody has dealt with this already: %(state)s.") % {"state": moved})
    else:
        messages.success(
            request,
            _(
                "The list is undone: %(hidden)d grants taken away, %(restored)d restored, %(kept)d dealt with stay."
            )
            % {"hidden": done.hidden, "restored": done.restored, "kept": done.kept},
        )
    return redirect("projects:grants_batch", found.pk)
