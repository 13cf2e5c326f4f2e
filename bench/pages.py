"""Pages and files through the whole stack: middleware, login, scope and walls, as the application role."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median as median_of
from typing import Any
from unittest import mock

import weasyprint
import xlsxwriter
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.utils.http import urlencode

from bench.measuring import Figure, median, peak, queries, times
from bench.register import Register
from pages import pdf
from projects.models import Project, ReportedProject, ReportState, State
from reporting import reports
from strategy.models import Account, SavedView
from strategy.walls import scope

LIST = "/projekt/"
LOG = "/granskning/logg/"
# Many rows or few, but always as wide as the list reads them.
_WIDE = "SELECT * FROM projects_project WHERE municipality_id = %s"
_LATEST = " ORDER BY registered_at DESC, register_year DESC, register_number DESC, id LIMIT 50"
_ROW = "SELECT * FROM projects_project WHERE id = %s"
_FIFTY = "its 50 rows in bare SQL"
# The tables that a project page shows rows of, by their key to the project.
_PARTS = (
    *("projectstep", "projectgate", "projectgroup", "projectdocument", "effectfollowup", "projectparty"),
    "projectunit",
)
_LIST_GOALS = {"goal_ms": 60, "goal_queries": 12}
# The design gives a search more than another list page.
_SEARCH_GOALS = {"goal_ms": 150, "goal_queries": 12}
_DETAIL_GOALS = {"goal_ms": 40}
STRATEGIST, CONTACT, ADMINISTRATOR = "strategist", "contact person", "administrator"
ALL = (STRATEGIST, CONTACT, ADMINISTRATOR)


@dataclass(frozen=True)
class Asked:
    """A page with who may open it, what is expected of it, and the plainest statement of the same rows."""

    name: str
    address: str
    goals: dict[str, Any]
    bare: str
    values: tuple[Any, ...]
    stick: str = _FIFTY
    who: tuple[str, ...] = ALL


class Visit:
    """One address, asked for as one person."""

    def __init__(self, account: Account, address: str, **headers: str) -> None:
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
        self.address = address
        self.headers = headers
        self.size = len(self().content)

    def __call__(self) -> Any:
        answer = self.client.get(self.address, headers=self.headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{self.address} answers {answer.status_code}.")
        return answer


def measured(
    name: str,
    who: str,
    do: Callable[[], object],
    runs: int,
    *,
    size: int = 0,
    yardstick: tuple[str, float] | None = None,
    **goals: Any,
) -> Figure:
    found = times(do, runs)
    clock = [one for one, _work in found]
    return Figure(
        name=name,
        who=who,
        median_ms=median_of(clock),
        lowest_ms=min(clock),
        cpu_ms=median_of(work for _one, work in found),
        runs=runs,
        queries=len(queries(do)),
        peak_bytes=peak(do),
        size=size,
        yardstick=yardstick[0] if yardstick else "",
        yardstick_ms=yardstick[1] if yardstick else None,
        **goals,
    )


def figures(register: Register, today: date, runs: int, chosen: str) -> Iterator[Figure]:
    place = register.largest.municipality.pk
    accounts = {
        STRATEGIST: register.strategist,
        CONTACT: register.contact,
        ADMINISTRATOR: register.administrator,
    }
    for page in _pages(register, today):
        if chosen not in page.name:
            continue
        stick = (page.stick, median(_bare(place, page.bare, page.values), runs))
        for who in page.who:
            visit = Visit(accounts[who], page.address)
            yield measured(page.name, who, visit, runs, size=visit.size, yardstick=stick, **page.goals)
    page_rows = (_FIFTY, median(_bare(place, _WIDE + _LATEST, (place,)), runs))
    if chosen in "list, fragment":
        visit = Visit(register.strategist, f"{LIST}?ar={today.year - 1}", **{"HX-Request": "true"})
        yield measured(
            "list, fragment", STRATEGIST, visit, runs, size=visit.size, yardstick=page_rows, **_LIST_GOALS
        )
    if chosen in "list, 3 municipalities":
        visit = Visit(register.several, f"{LIST}?kommuner=alla")
        yield measured(
            "list, 3 municipalities", STRATEGIST, visit, runs, size=visit.size, yardstick=page_rows
        )
    yield from _files(register, today, max(runs // 3, 3), chosen)


def _pages(register: Register, today: date) -> Iterator[Asked]:
    place = register.largest.municipality.pk
    unit = register.contact_unit.pk
    year = today.year - 1
    with scope(place):
        project = _busy_project(place, unit)
        report = (
            ReportedProject.objects.filter(municipality=place, unit=unit, state=ReportState.RECEIVED)
            .latest("pk")
            .pk
        )
        view = SavedView.objects.get(municipality=place, shared=True).pk

    def listed(
        name: str, query: str, where: str = "", *values: Any, goals: dict[str, Any] = _LIST_GOALS
    ) -> Asked:
        return Asked(name, f"{LIST}?{query}", goals, _WIDE + where + _LATEST, (place, *values))

    def sought(name: str, text: str, *parts: str) -> Asked:
        like = " AND search_text LIKE %s" * len(parts)
        return listed(
            f"list, search {name}",
            urlencode({"q": text}),
            like,
            *map("%{}%".format, parts),
            goals=_SEARCH_GOALS,
        )

    yield listed("list", "")
    yield listed("list, last page", "page=9999")
    yield listed(
        "list, a year",
        f"ar={year}",
        " AND starts_on <= %s AND ends_on >= %s",
        date(year, 12, 31),
        date(year, 1, 1),
    )
    yield listed("list, a unit", f"enhet={unit}", " AND owner_unit_id = %s", unit)
    yield listed(
        "list, lacks project number",
        "utannummer=on",
        " AND project_number = '' AND accounting NOT IN ('elsewhere', 'not_applicable')",
    )
    yield listed("list, saved view, 11 columns", f"vy={view}")
    yield sought("of one word", "skolor", "skol")
    yield sought("of two words", "digital skola", "digital", "skol")
    yield sought("in most texts", "projektet", "projekt")
    yield sought("of a quoted phrase", '"kommunens skolor"', "kommunens skolor")
    yield listed(
        "list, search misspelt (fuzzy)",
        urlencode({"q": "digtial"}),
        " AND word_similarity('digtial', lower(title)) >= 0.4",
        goals=_SEARCH_GOALS,
    )
    yield Asked(
        "project",
        f"{LIST}{project}/",
        _DETAIL_GOALS,
        _ROW + "".join(f";SELECT * FROM projects_{part} WHERE project_id = %s" for part in _PARTS),  # noqa: S608
        (project,) * (1 + len(_PARTS)),
        "its rows in bare SQL, 8 tables",
    )
    yield Asked(
        "project, its step",
        f"{LIST}{project}/steg/{State.FINAL_REPORTED.value}/",
        _DETAIL_GOALS,
        f"{_ROW};SELECT * FROM projects_projectgate WHERE project_id = %s",  # noqa: S608
        (project, project),
        "its rows in bare SQL, 2 tables",
        (STRATEGIST, CONTACT),
    )
    lacking = " AND own_share IS NULL AND withdrawn_at IS NULL AND state NOT IN ('rejected', 'taken_back')"
    yield Asked(
        "to do",
        "/att-gora/",
        {},
        _WIDE + lacking,
        (place,),
        "those without own share in bare SQL",
    )
    yield Asked(
        "to do, one rule",
        "/att-gora/own-share/",
        _LIST_GOALS,
        _WIDE + lacking + _LATEST,
        (place,),
        who=(STRATEGIST, CONTACT),
    )
    yield Asked(
        "report, similar projects",
        f"/anmal/{report}/",
        _DETAIL_GOALS,
        "SELECT * FROM projects_project WHERE municipality_id = %s AND similarity(lower(title),"
        " (SELECT lower(title) FROM projects_reportedproject WHERE id = %s)) >= 0.4 LIMIT 40",
        (place, report),
        "titles alike in bare SQL",
        (STRATEGIST, CONTACT),
    )
    yield Asked(
        "documents",
        "/dokument/",
        _LIST_GOALS,
        "SELECT * FROM strategy_document d JOIN strategy_storedfile f ON f.id = d.file_id"
        " WHERE d.municipality_id = %s ORDER BY d.dated_on DESC NULLS LAST, d.id DESC LIMIT 50",
        (place,),
        who=(STRATEGIST, CONTACT),
    )
    latest_events = (
        "SELECT * FROM projects_projectevent WHERE municipality_id = %s ORDER BY pgh_created_at DESC LIMIT 50"
    )
    for name, query in (
        ("log", ""),
        ("log, filtered", f"?slag=projects.project&vem={register.strategist.person_id}"),
    ):
        yield Asked(
            name,
            LOG + query,
            _LIST_GOALS,
            latest_events,
            (place,),
            "50 latest events of projects in bare SQL",
            (STRATEGIST, ADMINISTRATOR),
        )
    yield Asked(
        "project codes",
        f"{LIST}koder/",
        _LIST_GOALS,
        "SELECT * FROM projects_projectnumber WHERE municipality_id = %s ORDER BY source, code, id LIMIT 50",
        (place,),
        who=(STRATEGIST,),
    )


def _busy_project(place: int, unit: int) -> int:
    """A running project of the unit with gates, documents and groups: as full as they are."""
    found = (
        Project.objects.filter(municipality=place, owner_unit=unit, state=State.ONGOING)
        .annotate(
            of_gates=Count("gates", distinct=True),
            of_documents=Count("documents", distinct=True),
            of_groups=Count("groups", distinct=True),
        )
        .order_by("-of_gates", "-of_documents", "-of_groups", "pk")
        .first()
    )
    if found is None:
        raise RuntimeError("No running project: measure with more projects.")
    return found.pk


def _bare(place: int, statements: str, values: Sequence[Any]) -> Callable[[], object]:
    """One statement or several, each fetched whole, in the scope of the municipality."""
    each = [one for one in statements.split(";") if one]

    def ask() -> None:
        with scope(place), connection.cursor() as cursor:
            rest = list(values)
            for one in each:
                count = one.count("%s")
                cursor.execute(one, rest[:count])
                cursor.fetchall()
                del rest[:count]

    return ask


# --- files -----------------------------------------------------------------------------------------------


def _files(register: Register, today: date, runs: int, chosen: str) -> Iterator[Figure]:
    place = register.largest.municipality.pk
    year = today.year
    all_rows = ("its rows in bare SQL", median(_bare(place, _WIDE, (place,)), runs))
    for name, form in (("list as CSV", "csv"), ("list as XLSX", "xlsx"), ("list as JSON", "json")):
        if chosen in name:
            stick = all_rows if form != "xlsx" else ("xlsxwriter alone", median(_bare_xlsx(register), runs))
            for who, account in ((STRATEGIST, register.strategist), (CONTACT, register.contact)):
                visit = Visit(account, f"{LIST}?format={form}")
                yield measured(name, who, visit, runs, size=visit.size, yardstick=stick)
    if chosen in "log as CSV":
        visit = Visit(register.administrator, f"{LOG}?format=csv")
        events = "SELECT * FROM projects_projectevent WHERE municipality_id = %s LIMIT 10000"
        stick = ("10 000 events in bare SQL", median(_bare(place, events, (place,)), runs))
        yield measured("log as CSV", ADMINISTRATOR, visit, runs, size=visit.size, yardstick=stick)
    if chosen in "report as page":
        visit = Visit(register.strategist, f"/rapporter/projektlista/{year}/")
        yield measured("report as page", STRATEGIST, visit, runs, size=visit.size, yardstick=all_rows)
    if chosen in "report as PDF":
        yield _pdf(register, f"/rapporter/projektlista/{_sixty_pages(place, year)}/?format=pdf")


def _sixty_pages(place: int, year: int) -> int:
    """The year whose list is nearest to sixty pages: about seven projects stand on a page."""
    with scope(place):
        count = {
            one: Project.objects.running_in(date(one, 1, 1), date(one, 12, 31)).standing().count()
            for one in range(year - 20, year + 1)
        }
    return min(count, key=lambda one: abs(count[one] - 430))


def _bare_xlsx(register: Register) -> Callable[[], object]:
    """The same rows as the list's workbook, already fetched, written by xlsxwriter and nothing else."""
    with scope(register.largest.municipality.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'P-' || register_year || '-' || register_number, 'Kommun 01', title, left(summary, 60),"
            " 'funder', starts_on::text || ends_on::text, role, 'unit', total_budget, own_share, project_number,"
            " state, 'own share' FROM projects_project WHERE municipality_id = %s",
            [register.largest.municipality.pk],
        )
        rows = cursor.fetchall()

    def write() -> None:
        book = xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True})
        page = book.add_worksheet()
        for line, row in enumerate(rows):
            page.write_row(line, 0, row)
        book.close()

    return write


def _pdf(register: Register, address: str) -> Figure:
    """The whole request beside WeasyPrint on the HTML that it was made from."""
    kept: list[str] = []
    render = pdf.render_pdf

    def keep(html: str, **more: Any) -> bytes:
        kept.append(html)
        return render(html, **more)

    with mock.patch.object(reports, "render_pdf", keep):
        visit = Visit(register.strategist, address)
    html = kept[0]

    def alone() -> bytes:
        host = "https://medel.invalid/"
        page = weasyprint.HTML(string=html, base_url=host, url_fetcher=pdf.OwnFiles(host))
        return bytes(page.write_pdf(pdf_variant="pdf/ua-1"))

    return measured(
        "report as PDF, about 60 pages",
        STRATEGIST,
        visit,
        3,
        size=visit.size,
        yardstick=("WeasyPrint on the bare HTML", median(alone, 3)),
        goal_times=1.3,
    )
