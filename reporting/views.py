"""The pages of reports, and the home page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from pages.columns import Column, Text
from pages.lists import FORMAT, Download, TableView
from projects.attention import Rule
from projects.columns import state_mark
from projects.models import Project
from reporting.home import build_home
from reporting.reports import (
    FIRST_YEAR,
    FORMATS,
    LAST_YEAR,
    PAPER_ROWS,
    Report,
    as_file,
    by_slug,
    file_name,
    reports,
)
from reporting.todo import projects_of, slug_of, told_to
from strategy.models import Municipality, ReadingKind
from strategy.permissions import Reader, municipalities_where
from strategy.readings import log_reading
from strategy.requests import reader_of
from strategy.walls import scope

# A joint list of all municipalities in which the person has an assignment.
JOINT = {"kommuner": "alla"}


@dataclass(frozen=True)
class Link:
    label: Text
    url: str


@dataclass(frozen=True)
class Choice:
    """A report with the years that may be chosen."""

    report: Report
    url: str
    field_id: str
    years: tuple[int, ...]
    chosen: int


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if request.path != (address := reverse("home")):
        return redirect(address)
    context = {"home": build_home(reader_of(request), request.GET), "address": address}
    return render(request, "home.html", context)


class RuleProjects(TableView):
    """The projects that one rule speaks of and that the reader may change: what stands behind one row."""

    rule: Rule
    reader: Reader
    empty_text = gettext_lazy("All of them are in order now.")
    columns = (
        Column(
            "project",
            gettext_lazy("Project"),
            "title",
            row_header=True,
            href=lambda project: project.get_absolute_url(),
            small="register_id",
        ),
        Column("state", gettext_lazy("State"), state_mark, kind="mark", first=True),
        Column("unit", gettext_lazy("Owner unit"), "owner_unit"),
        Column("period", gettext_lazy("Period"), "period_label"),
        Column("since", gettext_lazy("Since"), "so_since", kind="date"),
    )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.reader = reader_of(request)
        self.reader.require("project.change")
        if FORMAT in request.GET:
            self.reader.require("project.export")
        rule = next((one for one in told_to(self.reader) if slug_of(one) == kwargs["slug"]), None)
        if rule is None:
            raise Http404
        self.rule = rule
        return super().dispatch(request, *args, **kwargs)

    def get_title(self) -> Text:
        return capfirst(str(self.rule.label))

    def get_lead(self) -> Text:
        return self.rule.sentence

    def get_queryset(self) -> QuerySet[Project]:
        return projects_of(self.reader, self.rule)

    def answer_file(self, found: QuerySet[Project], filterset: Any, form: str) -> HttpResponseBase:
        log_reading(self.reader, ReadingKind.EXPORT, what=f"{self.get_title()}, {FORMATS[form][0]}")
        return super().answer_file(found, filterset, form)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Which reports there are, and of which years."""
    reader = reader_of(request)
    reader.require("project.read")
    years = _years(reader)
    choices = [
        Choice(
            report,
            reverse("report_of_year", args=[report.slug]),
            f"year-{report.slug}",
            years,
            reader.today.year,
        )
        for report in reports
    ]
    return render(request, "reporting/index.html", {"choices": choices})


@require_safe
def of_year(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the choice of a year leads to the report of that year."""
    reader_of(request).require("project.read")
    year = request.GET.get("year", "")
    if not (year.isascii() and year.isdecimal() and FIRST_YEAR <= int(year[:5]) <= LAST_YEAR):
        return redirect("reports")
    return redirect("report", slug=slug, year=int(year))


@require_safe
@cache_control(no_store=True, private=True)
def report(request: HttpRequest, slug: str, year: int) -> HttpResponse:
    """The report as a page, or with `?format=` as a file."""
    reader = reader_of(request)
    kind = by_slug(slug)
    if kind is None or not FIRST_YEAR <= year <= LAST_YEAR:
        raise Http404
    form = request.GET.get("format", "")
    if form and form not in FORMATS:
        return _refused(
            _("There is no such file. Choose one of %(formats)s.") % {"formats": ", ".join(FORMATS)}
        )
    action = "project.export" if form else "project.read"
    reader.require(action)
    wants_joint = request.GET.get("kommuner") == JOINT["kommuner"]
    with _joint(reader, action) if wants_joint else _alone() as places:
        built = kind.build(reader, year, joint=places)
        too_long = _too_long(len(built.rows))
        if form == "pdf" and too_long:
            return _refused(too_long)
        if form:
            name = file_name(built, form)
            log_reading(reader, ReadingKind.EXPORT, what=name)
            return _file(as_file(built, form), form, name)
        context = {
            "report": built,
            "crumbs": [Link(gettext_lazy("Reports"), reverse("reports"))],
            "other_lists": tuple(_other_lists(reader, kind, year, joint=bool(places))),
            "downloads": (),
        }
        if reader.can("project.export"):
            context["downloads"] = tuple(
                Download(label, _address(kind, year, bool(places), format=name))
                for name, (label, _type) in FORMATS.items()
                if name != "pdf"
            )
            context["too_long"] = too_long
            if not too_long:
                context["pdf_url"] = _address(kind, year, bool(places), format="pdf")
        return render(request, built.template, context)


def _too_long(rows: int) -> str:
    """Why there is no PDF of so many rows; "" where there is one."""
    if rows <= PAPER_ROWS:
        return ""
    return _(
        "A PDF holds at most %(most)d projects, and this list has %(rows)d. Take it as an Excel file."
    ) % {
        "most": PAPER_ROWS,
        "rows": rows,
    }


def _refused(sentence: str) -> HttpResponse:
    return HttpResponse(sentence, status=400, content_type="text/plain; charset=utf-8")


def _file(data: bytes, form: str, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=FORMATS[form][1])
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _address(kind: Report, year: int, joint: bool, **query: str) -> str:
    chosen = {**(JOINT if joint else {}), **query}
    address = reverse("report", args=[kind.slug, year])
    return f"{address}?{urlencode(chosen)}" if chosen else address


def _other_lists(reader: Reader, kind: Report, year: int, *, joint: bool) -> Iterator[Link]:
    """The years beside this one, and the joint list for who works in several municipalities."""
    for other in (year - 1, year + 1):
        if FIRST_YEAR <= other <= LAST_YEAR:
            yield Link(str(other), _address(kind, other, joint))
    if len(reader.municipalities) > 1:
        label = reader.municipality.name if joint else _("All my municipalities together")
        yield Link(label, _address(kind, year, not joint))


@contextmanager
def _alone() -> Iterator[tuple[Municipality, ...]]:
    yield ()


@contextmanager
def _joint(reader: Reader, action: str) -> Iterator[tuple[Municipality, ...]]:
    """A scope that reads all municipalities in which the person may do this, and writes where it did."""
    with scope(
        reader.municipality.pk, reads=[place.pk for place in reader.municipalities], person=reader.person.pk
    ):
        allowed = municipalities_where(reader, action)
        # What is not allowed is not read: a share's other side would be.
        with scope(reader.municipality.pk, reads=[place.pk for place in allowed], person=reader.person.pk):
            yield tuple(sorted(allowed, key=lambda place: place != reader.municipality))


def _years(reader: Reader) -> tuple[int, ...]:
    """From the latest to the earliest year that any project touches; one query."""
    ends = Project.objects.visible_to(reader).aggregate(
        Min("starts_on"), Max("starts_on"), Min("ends_on"), Max("ends_on"),
        Min("recorded_for_year"), Max("recorded_for_year"),
    )  # fmt: skip
    known = {getattr(end, "year", end) for end in ends.values() if end is not None} | {reader.today.year}
    return tuple(range(min(max(known), LAST_YEAR), max(min(known), FIRST_YEAR) - 1, -1))
