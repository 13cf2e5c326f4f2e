"""Pages and files through the whole stack: middleware, login, scope and walls, as the application role."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date
from statistics import median as median_of
from typing import Any
from unittest import mock

import weasyprint
import xlsxwriter
from django.db import connection
from django.test import Client

from bench.measuring import Figure, median, peak, queries, times
from bench.register import Register
from pages import pdf
from projects.models import Project
from reporting import reports
from strategy.models import Account
from strategy.walls import scope

LIST = "/projekt/"
# Many rows or few, but always as wide as the list reads them.
_WIDE = "SELECT * FROM projects_project WHERE municipality_id = %s"
_LATEST = " ORDER BY registered_at DESC, register_year DESC, register_number DESC, id LIMIT 50"


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
    roles = (("strategist", register.strategist), ("contact person", register.contact))
    with scope(place):
        any_project = (
            Project.objects.filter(municipality=place, owner_unit=register.contact_unit).latest("pk").pk
        )
    slow = max(runs // 3, 3)
    year = today.year
    report = f"/rapporter/projektlista/{year}/"
    begins = {"goal_ms": 60, "goal_queries": 12}

    def bare(statement: str, *values: int) -> Callable[[], object]:
        def ask() -> None:
            with scope(place), connection.cursor() as cursor:
                cursor.execute(statement, values)
                cursor.fetchall()

        return ask

    page_rows = ("its 50 rows in bare SQL", median(bare(_WIDE + _LATEST, place), runs))
    all_rows = ("its rows in bare SQL", median(bare(_WIDE, place), runs))
    one_row = (
        "its row in bare SQL",
        median(bare("SELECT * FROM projects_project WHERE id = %s", any_project), runs),
    )
    pages: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("list", LIST, begins | {"yardstick": page_rows}),
        ("list, last page", f"{LIST}?page=9999", begins | {"yardstick": page_rows}),
        ("list, a year", f"{LIST}?ar={year - 1}", begins | {"yardstick": page_rows}),
        ("list, a unit", f"{LIST}?enhet={register.contact_unit.pk}", begins | {"yardstick": page_rows}),
        ("list, search", f"{LIST}?q=digital+skola", {"goal_ms": 150, "goal_queries": 12, "yardstick": page_rows}),
        ("project", f"{LIST}{any_project}/", {"goal_ms": 40, "yardstick": one_row}),
        ("home", "/att-gora/", {"yardstick": page_rows}),
    )  # fmt: skip
    for who, account in roles:
        for name, address, more in pages:
            if chosen in name:
                visit = Visit(account, address)
                yield measured(name, who, visit, runs, size=visit.size, **more)
    if chosen in "list, fragment":
        visit = Visit(register.strategist, f"{LIST}?ar={year - 1}", **{"HX-Request": "true"})
        yield measured(
            "list, fragment", "strategist", visit, runs, size=visit.size, yardstick=page_rows, **begins
        )
    if chosen in "list, 3 municipalities":
        visit = Visit(register.several, f"{LIST}?kommuner=alla")
        yield measured(
            "list, 3 municipalities", "strategist", visit, runs, size=visit.size, yardstick=page_rows
        )
    for name, form in (("list as CSV", "csv"), ("list as XLSX", "xlsx"), ("list as JSON", "json")):
        if chosen in name:
            visit = Visit(register.strategist, f"{LIST}?format={form}")
            stick = all_rows if form != "xlsx" else ("xlsxwriter alone", median(_bare_xlsx(register), slow))
            yield measured(name, "strategist", visit, slow, size=visit.size, yardstick=stick)
    if chosen in "report as page":
        visit = Visit(register.strategist, report)
        yield measured("report as page", "strategist", visit, slow, size=visit.size, yardstick=all_rows)
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
        "strategist",
        visit,
        3,
        size=visit.size,
        yardstick=("WeasyPrint on the bare HTML", median(alone, 3)),
        goal_times=1.3,
    )
