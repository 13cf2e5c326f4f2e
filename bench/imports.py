"""A file of ten thousand new projects: read, judged, and written, as the strategist who confirms it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from statistics import median as median_of
from time import perf_counter, process_time
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from bench.measuring import Figure, median, peak, queries, times
from bench.pages import measured
from bench.register import Register, csv_file
from projects import exchange
from strategy import history
from strategy.permissions import resolve_reader
from strategy.walls import scope

ROWS = 10_000
# What any way of writing them does: rows, history and search text, in one statement.
_BARE = """
    INSERT INTO projects_project ({columns}, register_number)
    SELECT {columns}, 1000000 + row_number() OVER () FROM projects_project p,
        generate_series(1, %s) WHERE p.id = %s
"""


class _TakenBack(Exception):
    pass


def figures(register: Register, today: date, runs: int, chosen: str, rows: int = ROWS) -> Iterator[Figure]:
    """Into the second municipality: each run is rolled back, so that the next one finds the same register."""
    if chosen not in "import read judged written":
        return
    place = register.towns[1].municipality
    data = csv_file(rows)
    runs = max(runs // 5, 3)

    def read() -> Any:
        return exchange.read_projects(data)

    with scope(place.pk, person=register.several.person_id):
        reader = resolve_reader(register.several.person_id, place, today, (place,))
        sheet = read()
        yield measured("import read", "strategist", read, runs, size=len(data))

        def judge() -> Any:
            return exchange.Judge(place, sheet, {}, today).preview()

        yield measured("import judged", "strategist", judge, runs, goal_ms=3000, goal_queries=20)

    taken: list[tuple[float, float]] = []

    def write() -> None:
        """Confirms a batch; `taken` gets the milliseconds of the confirming alone, judging anew included."""
        try:
            with (
                transaction.atomic(),
                scope(place.pk, person=reader.person.pk),
                history.context(person=reader.person.pk, municipality=place.pk, page="bench"),
            ):
                batch = exchange.upload(reader, "bench.csv", data, year=None)
                preview = exchange.preview_of(reader, batch)
                begun, worked = perf_counter(), process_time()
                exchange.confirm(reader, batch, seen=preview.fingerprint, at=timezone.now())
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                taken.append(((perf_counter() - begun) * 1000, (process_time() - worked) * 1000))
                raise _TakenBack
        except _TakenBack:
            pass

    def again() -> None:
        with scope(place.pk, person=reader.person.pk):
            exchange.Judge(place, read(), {}, today).preview()

    stick = ("INSERT … SELECT of as many rows", _bare(place.pk, reader.person.pk, rows, runs))
    for _run in range(runs + 1):
        write()
    clock = [one for one, _work in taken[1:]]
    cpu = median_of(work for _one, work in taken[1:])
    judging = times(again, runs)
    judged = median_of(one for one, _work in judging)
    count = len(queries(write)) - 2 * len(queries(again))
    common: dict[str, Any] = {
        "who": "strategist", "runs": runs, "yardstick": stick[0], "yardstick_ms": stick[1],
    }  # fmt: skip
    yield Figure(
        name="import confirmed (judged again and written)",
        median_ms=median_of(clock),
        lowest_ms=min(clock),
        cpu_ms=cpu,
        queries=count,
        peak_bytes=peak(write),
        **common,
    )
    yield Figure(
        name="import written (without judging)",
        median_ms=median_of(clock) - judged,
        lowest_ms=min(clock) - judged,
        cpu_ms=cpu - median_of(work for _one, work in judging),
        queries=count - len(queries(again)),
        peak_bytes=0,
        goal_ms=3000,
        **common,
    )


def _bare(place: int, person: int, rows: int, runs: int) -> float:
    with scope(place, person=person), connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM projects_project WHERE municipality_id = %s", [place])
        (pattern,) = cursor.fetchone()
        cursor.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_name = 'projects_project' AND table_schema = 'public'"
            " AND column_name NOT IN ('id', 'register_number')"
        )
        (columns,) = cursor.fetchone()

    def insert() -> None:
        try:
            with (
                transaction.atomic(),
                scope(place, person=person),
                history.context(person=person, municipality=place, page="bench"),
                connection.cursor() as cursor,
            ):
                cursor.execute(_BARE.format(columns=columns), [rows, pattern])
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                raise _TakenBack
        except _TakenBack:
            pass

    return median(insert, runs)
