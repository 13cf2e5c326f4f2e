"""The pages of reported projects: reporting, what became of it, settling, and reporting without an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from pages.columns import Column, Mark, on_screen
from pages.forms import AmountField, saving
from pages.lists import FORMAT, Action, TableView
from projects.filters import tree
from projects.models import Funder, Programme, Project, ReportedProject, ReportState
from projects.registry import named
from projects.report_forms import (
    AskForLinkForm,
    CompleteReportForm,
    DeclineForm,
    JoinForm,
    ReportByMailForm,
    ReportForm,
    document_kinds,
    own_units,
    reporting_units,
)
from projects.reports_in import (
    AlreadySettled,
    Answers,
    LinkRefused,
    OpenLink,
    TooMany,
    Waits,
    ask_for_link,
    decline_report,
    document_of,
    join_report,
    make_report,
    make_report_by_mail,
    municipalities_taking_reports,
    network_key,
    open_link,
    own_reports,
    period_of,
    readable_reports,
    register_report,
    visible_reports,
)
from projects.similar import similar_to
from strategy.accounts import client_address
from strategy.attachments import FileDamaged, contents, takes_files, upload_was_too_large
from strategy.documents import visible_documents
from strategy.history import in_the_record
from strategy.models import DocumentKind, ReadingKind, Unit
from strategy.permissions import Reader, units_below
from strategy.readings import log_reading
from strategy.requests import found_or_404, reader_of
from strategy.walls import scope

form_page = require_http_methods(["GET", "HEAD", "POST"])
# A field that no person sees. Whoever fills it in is a robot, and is thanked.
TRAP = "website"


@dataclass(frozen=True)
class Fact:
    label: str
    value: str | None
    url: str = ""


def _status(*forms_: Any) -> int:
    """A form that came back is not taken for a saved page."""
    return 422 if any(form.is_bound and form.errors for form in forms_) else 200


# -- Reporting --------------------------------------------------------------------------------------------


@takes_files("DOCUMENT_LIMIT")
@form_page
def make(request: HttpRequest) -> HttpResponse:
    """The report itself: under a minute, and only the title must be given."""
    reader = reader_of(request)
    reader.require("report.make")
    own = own_units(reader)
    known = own[0] if len(own) == 1 else None
    # Who settles reports, reports for others too. For the rest one unit is known from the login; of several one
    # is chosen; without any, the tree is shown.
    for_others = bool(reader.can("report.settle"))
    lone = None if for_others else known
    offered: list[Unit] = []
    if lone is None:
        offered = own if own and not for_others else reporting_units(reader.municipality, reader.today)
    chosen = known or (reader.main.unit if reader.main else None)
    form = ReportForm(*_sent(request), units=offered, chosen=chosen, too_large=upload_was_too_large(request))
    if request.method == "POST" and form.is_valid():
        try:
            with saving(form):
                report = make_report(
                    reader, form.said, unit=lone or form.cleaned_data.get("unit"), now=timezone.now()
                )
        except TooMany as full:
            return _too_many(request, str(full))
        if form.is_valid():
            messages.success(request, _thanks(report))
            return redirect("reports_in:detail", pk=report.pk)
    context = {"form": form, "lone": lone, "has_reported": own_reports(reader).exists()}
    return render(request, "projects/reports_in/make.html", context, status=_status(form))


def _sent(request: HttpRequest) -> tuple[Any, ...]:
    return (request.POST, request.FILES) if request.method == "POST" else ()


def _thanks(report: ReportedProject) -> str:
    """With what was read of the amount; who takes it from here stands on the page."""
    said = [_("Thank you. “%(title)s” is reported.") % {"title": report.title}]
    if report.sum is not None:
        said.append(_("We read the amount as %(amount)s.") % {"amount": on_screen(report.sum)})
    return " ".join(said)


def _who_takes_it(reader: Reader, report: ReportedProject) -> str:
    answer = Answers(reader.municipality, reader.today).of(report.unit_id)
    if answer.contact is not None:
        return _("%(person)s, contact person of %(unit)s, takes it from here.") % {
            "person": answer.contact,
            "unit": answer.unit,
        }
    if answer.unit is not None:
        return _("The international strategist takes it from here: %(unit)s has no contact person.") % {
            "unit": answer.unit
        }
    return _("The international strategist takes it from here and finds out whose it is.")


def _too_many(request: HttpRequest, sentence: str) -> HttpResponse:
    context = {"sentence": sentence}
    response = render(request, "projects/reports_in/too_many.html", context, status=429)
    response["Retry-After"] = "3600"
    return response


@require_safe
def amount(request: HttpRequest) -> HttpResponse:
    """How an amount is read, while it is written. Reads nothing but what it is given."""
    typed = request.GET.get("amount", "")[:100]
    field = AmountField(required=False)
    said, wrong = "", ""
    try:
        read = field.clean(typed)
        said = field.read_back(read) if read is not None else ""
    except forms.ValidationError as error:
        wrong = " ".join(error.messages)
    context = {"said": said, "wrong": wrong}
    return render(request, "projects/reports_in/amount_said.html", context)


# -- What was reported ------------------------------------------------------------------------------------


def _state_mark(report: ReportedProject) -> Mark:
    shapes = {
        ReportState.RECEIVED: Mark(ReportState.RECEIVED.label, "ring", "warn"),
        ReportState.REGISTERED: Mark(ReportState.REGISTERED.label, "full"),
        ReportState.JOINED: Mark(ReportState.JOINED.label, "full"),
        ReportState.DECLINED: Mark(ReportState.DECLINED.label, "cross"),
    }
    return shapes[ReportState(report.state)]


def _project_url(report: ReportedProject) -> str | None:
    return report.project.get_absolute_url() if report.project else None


COLUMNS = (
    Column(
        "title",
        gettext_lazy("Reported project"),
        "title",
        row_header=True,
        href=lambda report: reverse("reports_in:detail", args=[report.pk]),
    ),
    Column("state", gettext_lazy("State"), _state_mark, kind="mark", first=True),
    Column("funder", gettext_lazy("Funder"), "funder"),
    Column("amount", gettext_lazy("Amount"), "sum", kind="amount"),
    Column("period", gettext_lazy("Period"), period_of),
    Column("unit", gettext_lazy("Unit"), "unit"),
    Column(
        "reported", gettext_lazy("Reported"), lambda one: timezone.localdate(one.reported_at), kind="date"
    ),
    Column(
        "became",
        gettext_lazy("What became of it"),
        lambda report: report.project.register_id if report.project else report.reason,
        href=_project_url,
        missing="",
    ),
)


class OwnReports(TableView):
    """What the reader reported, and what became of it."""

    title = gettext_lazy("What I have reported")
    lead = gettext_lazy(
        "Each with what became of it: registered, joined to a known project, or declined and why."
    )
    columns = tuple(column for column in COLUMNS if column.name != "unit")
    empty_text = gettext_lazy("You have not reported any project.")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("report.make")
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ReportedProject]:
        return own_reports(self.reader).select_related("project", "unit")

    def get_primary_action(self) -> Action | None:
        return Action(_("Report a project"), reverse("reports_in:make"))


mine = OwnReports.as_view()


class ReportFilter(django_filters.FilterSet):  # type: ignore[misc]  # The package has no types.
    """Of the list of all reports. Its names are words of the address."""

    q = django_filters.CharFilter(label=gettext_lazy("Title or funder"), method="by_text", max_length=200)
    lage = django_filters.ChoiceFilter(
        label=gettext_lazy("State"),
        choices=ReportState.choices,
        field_name="state",
        empty_label=gettext_lazy("All"),
    )
    enhet = django_filters.ChoiceFilter(
        label=gettext_lazy("Unit"), choices=[], method="by_unit", empty_label=gettext_lazy("All")
    )
    fran = django_filters.DateFilter(
        label=gettext_lazy("Reported from"),
        field_name="reported_at",
        lookup_expr="date__gte",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    till = django_filters.DateFilter(
        label=gettext_lazy("Reported up to and including"),
        field_name="reported_at",
        lookup_expr="date__lte",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    vantar = django_filters.BooleanFilter(
        label=gettext_lazy("Wait for me"), method="by_waiting", widget=forms.CheckboxInput
    )

    class Meta:
        model = ReportedProject
        fields: Sequence[str] = ()

    def __init__(self, *args: Any, reader: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        units = list(Unit.objects.filter(municipality=reader.municipality).order_by("name", "pk"))
        self.filters["enhet"].extra["choices"] = [*tree(units), ("saknas", _("not stated"))]
        if not reader.can("report.settle"):
            del self.filters["vantar"]

    def by_text(self, rows: QuerySet[ReportedProject], name: str, value: str) -> QuerySet[ReportedProject]:
        for word in value.split():
            rows = rows.filter(Q(title__icontains=word) | Q(funder__icontains=word))
        return rows

    def by_unit(self, rows: QuerySet[ReportedProject], name: str, value: str) -> QuerySet[ReportedProject]:
        if value == "saknas":
            return rows.filter(unit=None)
        below = units_below(self.reader.municipality, self.reader.today)
        return rows.filter(unit__in=below[int(value)])

    def by_waiting(
        self, rows: QuerySet[ReportedProject], name: str, value: bool
    ) -> QuerySet[ReportedProject]:
        if not value:
            return rows
        return rows.filter(pk__in=Waits(self.reader).reports.values("pk"))


class ReportList(TableView):
    """All reports that the reader answers for or reads."""

    title = gettext_lazy("Reported projects")
    lead = gettext_lazy("What employees have reported that the register may not know, and what became of it.")
    columns = COLUMNS
    filterset_class = ReportFilter
    empty_text = gettext_lazy("Nobody has reported a project yet.")
    ordering = ("-reported_at", "-pk")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("report.read")
        if request.GET.get("vantar"):
            # What waits is dealt with in the order in which it came.
            self.ordering = ("reported_at", "pk")
        if FORMAT in request.GET:
            self.reader.require("project.export")
        return super().dispatch(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ReportedProject]:
        return readable_reports(self.reader).select_related("project", "unit")

    def get_filterset(self, queryset: QuerySet[Any]) -> ReportFilter:
        return ReportFilter(
            self.get_filter_data(), queryset=queryset, request=self.request, reader=self.reader
        )

    def get_primary_action(self) -> Action | None:
        if not self.reader.can("report.make"):
            return None
        return Action(_("Report a project"), reverse("reports_in:make"))


def _report(request: HttpRequest, pk: int) -> ReportedProject:
    reader = reader_of(request)
    rows = visible_reports(reader).select_related(
        *("unit", "file", "project", "reported_by", "settled_by", "municipality")
    )
    return found_or_404(reader, rows, pk)


def _settled(request: HttpRequest, report: ReportedProject) -> HttpResponse:
    """Told to the second of two who settle the same report."""
    told = ReportedProject.objects.select_related("settled_by", "project").get(pk=report.pk)
    when = timezone.localtime(told.settled_at or timezone.now())
    messages.warning(
        request,
        _("%(person)s settled this report on %(when)s: %(state)s. Nothing more was changed.")
        % {
            "person": told.settled_by,
            "when": when.strftime("%Y-%m-%d %H:%M"),
            "state": str(told.get_state_display()).lower(),
        },
    )
    return redirect("reports_in:detail", pk=report.pk)


def _file(reader: Reader, report: ReportedProject) -> Fact:
    """The file as it came, or what it has become: then the document says who reads it, and what it is called."""
    if report.file is None:
        return Fact(_("File"), _("none"))
    if (document := document_of(reader, report)) is None:
        return Fact(_("File"), report.file.name, reverse("reports_in:file", args=[report.pk]))
    said = _("now a document of %(project)s") % {
        "project": report.project.register_id if report.project else ""
    }
    readable = visible_documents(reader).filter(pk=document.pk).exists()
    return Fact(_("File"), said, reverse("document_about", args=[document.pk]) if readable else "")


def _facts(reader: Reader, report: ReportedProject, by: str) -> list[Fact]:
    reported = timezone.localtime(report.reported_at).strftime("%Y-%m-%d %H:%M")
    return [
        Fact(_("Funder, as said"), report.funder),
        Fact(_("Amount"), on_screen(report.sum) if report.sum else None),
        Fact(_("Period"), period_of(report)),
        Fact(_("Unit"), str(report.unit) if report.unit else None),
        _file(reader, report),
        Fact(_("Reported by"), by, f"mailto:{report.reported_by.email}"),
        Fact(_("Reported"), reported),
    ]


def _page(
    request: HttpRequest,
    report: ReportedProject,
    *,
    join_form: JoinForm | None = None,
    decline_form: DeclineForm | None = None,
) -> HttpResponse:
    reader = reader_of(request)
    may_settle = report.state == ReportState.RECEIVED and bool(reader.can("report.settle", report))
    by = str(report.reported_by)
    if report.by_mail:
        by = _("%(person)s, without an account, through %(address)s") % {
            "person": report.reported_by,
            "address": report.reported_by.email,
        }
    join_form = join_form or JoinForm(reader=reader, report=report)
    decline_form = decline_form or DeclineForm()
    wrong = join_form if join_form.is_bound else decline_form
    context: dict[str, Any] = {
        "report": report,
        "mark": _state_mark(report),
        "facts": _facts(reader, report, by),
        "may_settle": may_settle,
        "waits_for": _who_takes_it(reader, report) if report.state == ReportState.RECEIVED else "",
        "crumbs": _crumbs(reader),
        "form": wrong,
        "join_form": join_form,
        "document_kinds": document_kinds() if report.file else (),
        "decline_form": decline_form,
    }
    if reader.can("report.read", report):
        context["similar"] = similar_to(reader, report)
    if report.settled_at is not None:
        context["settled_at"] = timezone.localtime(report.settled_at)
    return render(request, "projects/reports_in/detail.html", context, status=_status(wrong))


def _crumbs(reader: Reader, report: ReportedProject | None = None) -> list[dict[str, str]]:
    crumbs = [
        {"label": _("Reported projects"), "url": reverse("reports_in:list")}
        if reader.can("report.read")
        else {"label": _("What I have reported"), "url": reverse("reports_in:mine")}
    ]
    if report is not None:
        crumbs.append({"label": report.title, "url": reverse("reports_in:detail", args=[report.pk])})
    return crumbs


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _report(request, pk))


@never_cache
@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """The file as it came, always as an attachment; that it was handed out is logged.

    One that has become a document is handed out as that: its secrecy, and who reads it, are the document's.
    """
    reader = reader_of(request)
    report = _report(request, pk)
    if report.file is None:
        raise Http404
    if (document := document_of(reader, report)) is not None:
        return redirect("document", document.pk)
    try:
        data = contents(report.file)
    except FileDamaged:
        messages.error(
            request,
            _("The file cannot be read from the store. Tell the administrator, and ask for it again."),
        )
        return redirect("reports_in:detail", pk=pk)
    # Not the file's name: who reads the log need not be one who reads the report.
    with in_the_record():
        what = _("File of reported project %(number)d") % {"number": report.pk}
    log_reading(reader, ReadingKind.FILE, what=what)
    # Never shown in our own pages' name, whatever it holds.
    response = HttpResponse(data, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(True, report.file.name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


# -- Settling ---------------------------------------------------------------------------------------------


@form_page
def register(request: HttpRequest, pk: int) -> HttpResponse:
    """Completes the report in the register's own form, filled in with what was said."""
    reader = reader_of(request)
    report = _report(request, pk)
    reader.require("report.settle", report)
    if report.state != ReportState.RECEIVED:
        return _settled(request, report)
    form = CompleteReportForm(
        request.POST if request.method == "POST" else None, reader=reader, report=report
    )
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            with saving(form):
                funder = named(Funder, cleaned["funder"], reader.municipality)
                programme = named(Programme, cleaned["programme"], reader.municipality, funder=funder)
                project = register_report(
                    reader,
                    report,
                    form.apply(funder, programme),
                    units=cleaned["units"],
                    parties=cleaned["parties"],
                    kind=cleaned.get("document_kind") or DocumentKind.OTHER,
                    at=timezone.now(),
                )
        except AlreadySettled as settled:
            return _settled(request, settled.report)
        if form.is_valid():
            said = _("“%(title)s” is registered as %(id)s, and the reporter is told.") % {
                "title": project.title,
                "id": project.register_id,
            }
            messages.success(request, said)
            return redirect(project)
    context = {
        "form": form,
        "report": report,
        "facts": _facts(reader, report, str(report.reported_by)),
        "can_own": form.may_own,
        "crumbs": _crumbs(reader, report),
    }
    return render(request, "projects/reports_in/register.html", context, status=_status(form))


@form_page
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """Says that the report is of a project that the register knows."""
    reader = reader_of(request)
    report = _report(request, pk)
    reader.require("report.settle", report)
    if request.method != "POST":
        # The form stands on the report's page; the address is reached when a refused form is opened anew.
        return redirect("reports_in:detail", pk=pk)
    if report.state != ReportState.RECEIVED:
        return _settled(request, report)
    form = JoinForm(request.POST, reader=reader, report=report)
    if not form.is_valid():
        return _page(request, report, join_form=form)
    project: Project = form.cleaned_data["project"]
    added = False
    try:
        with saving(form):
            added = join_report(
                reader,
                report,
                project,
                kind=form.cleaned_data.get("kind") or DocumentKind.OTHER,
                at=timezone.now(),
            )
    except AlreadySettled as settled:
        return _settled(request, settled.report)
    if not form.is_valid():
        return _page(request, report, join_form=form)
    messages.success(
        request, _("The report is joined to %(id)s, and the reporter is told.") % {"id": project.register_id}
    )
    if report.file and not added:
        messages.warning(
            request,
            _("The file stays with the report: you do not add documents to projects of this unit."),
        )
    return redirect(project)


@form_page
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Says why there is nothing to register."""
    reader = reader_of(request)
    report = _report(request, pk)
    reader.require("report.settle", report)
    if request.method != "POST":
        return redirect("reports_in:detail", pk=pk)
    if report.state != ReportState.RECEIVED:
        return _settled(request, report)
    form = DeclineForm(request.POST)
    if not form.is_valid():
        return _page(request, report, decline_form=form)
    try:
        with saving(form):
            decline_report(reader, report, reason=form.cleaned_data["reason"], at=timezone.now())
    except AlreadySettled as settled:
        return _settled(request, settled.report)
    if not form.is_valid():
        return _page(request, report, decline_form=form)
    messages.success(request, _("The report is declined, and the reporter is told why."))
    return redirect("reports_in:list")


# -- Without an account -----------------------------------------------------------------------------------


@never_cache
@form_page
def by_mail(request: HttpRequest) -> HttpResponse:
    """Where people without an account ask for a link. The answer is the same whatever the address is."""
    if getattr(request, "reader", None) is not None:
        return redirect("reports_in:make")
    places = list(municipalities_taking_reports())
    if not places:
        raise Http404
    now = timezone.now()
    form = AskForLinkForm(request.POST if request.method == "POST" else None, now=now)
    if request.method == "POST" and form.is_valid():
        if not request.POST.get(TRAP):
            try:
                ask_for_link(
                    form.cleaned_data["email"], network=network_key(client_address(request)), now=now
                )
            except TooMany as full:
                return _too_many(request, str(full))
        return render(request, "projects/reports_in/link_on_its_way.html")
    context = {"form": form, "places": places}
    return render(request, "projects/reports_in/by_mail.html", context, status=_status(form))


@takes_files("DOCUMENT_LIMIT")
@never_cache
@form_page
def by_mail_form(request: HttpRequest, token: str) -> HttpResponse:
    """The form behind a mailed link. Opening it, as mail scanners do, shows it and stores nothing."""
    if getattr(request, "reader", None) is not None:
        return redirect("reports_in:make")
    try:
        link = open_link(token)
        with scope(link.place.pk):
            return _by_mail_form(request, link)
    except LinkRefused as refused:
        context = {
            "sentence": str(refused),
            "may_ask": municipalities_taking_reports().exists(),
            "typed": _typed(request),
        }
        return render(request, "projects/reports_in/link_refused.html", context, status=410)
    except TooMany as full:
        return _too_many(request, str(full))


def _typed(request: HttpRequest) -> list[Fact]:
    """What was sent with a link that works no longer, to be copied from the page: it is kept nowhere."""
    # Not the unit: it is sent by its number, which says nothing to who chose it.
    names = ("title", "funder", "amount", "starts", "ends", "name")
    return [
        Fact(str(ReportByMailForm.base_fields[name].label), said)
        for name in names
        if (said := request.POST.get(name, "").strip()[:1000])
    ]


def _by_mail_form(request: HttpRequest, link: OpenLink) -> HttpResponse:
    now = timezone.now()
    form = ReportByMailForm(
        *_sent(request),
        units=reporting_units(link.place, timezone.localdate(now)),
        too_large=upload_was_too_large(request),
        now=now,
    )
    context: dict[str, Any] = {"form": form, "link": link}
    if request.method == "POST" and form.is_valid():
        if request.POST.get(TRAP):
            return render(request, "projects/reports_in/thanks.html", context)
        with saving(form):
            cleaned = form.cleaned_data
            report = make_report_by_mail(
                link, form.said, name=cleaned["name"], unit=cleaned.get("unit"), now=now
            )
        if form.is_valid():
            context |= {"report": report, "amount": on_screen(report.sum) if report.sum else ""}
            return render(request, "projects/reports_in/thanks.html", context)
    return render(request, "projects/reports_in/by_mail_form.html", context, status=_status(form))
