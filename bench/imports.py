"""A file of ten thousand new projects, as CSV and as XLSX: read, judged, and written by who confirms it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from statistics import median as median_of
from time import perf_counter, process_time
from typing import Any
from unittest import mock

from django.db import connection, transaction
from django.utils import timezone
from python_calamine import CalamineWorkbook

from bench.measuring import Figure, median, peak, queries
from bench.pages import STRATEGIST, measured
from bench.register import Register, csv_file, xlsx_file
from pages.imports import Preview, Sheet
from projects import exchange
from projects.exchange import batches
from strategy import history
from strategy.models import Municipality
from strategy.permissions import Reader, resolve_reader
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
    place = register.towns[1].municipality
    runs = max(runs // 5, 3)
    person = register.several.person_id
    bare_insert: tuple[str, float] | None = None
    for form, make in (("CSV", csv_file), ("XLSX", xlsx_file)):
        name = f"import of {form}"
        if not any(chosen in f"{name} {step}" for step in ("read", "judged", "confirmed", "written")):
            continue
        data = make(rows)
        with scope(place.pk, person=person):
            reader = resolve_reader(person, place, today, (place,))
            if chosen in f"{name} read":
                yield measured(
                    f"{name} read",
                    STRATEGIST,
                    partial(exchange.read_projects, data),
                    runs,
                    size=len(data),
                    yardstick=_alone(form, data, runs),
                )
            sheet = exchange.read_projects(data)
            preview = _judge(place, sheet, today)
            if preview.counts["new"] != rows:
                raise RuntimeError(f"Not all rows of the {form} are new: {preview.counts}")
            if preview.unanswered:
                raise RuntimeError(f"The {form} is asked about: {preview.unanswered[0].text}")
            if chosen in f"{name} judged":
                yield measured(
                    f"{name} judged",
                    STRATEGIST,
                    partial(_judge, place, sheet, today),
                    runs,
                    goal_ms=3000,
                    goal_queries=20,
                )
            del sheet
        if chosen in f"{name} confirmed" or chosen in f"{name} written":
            if bare_insert is None:
                bare_insert = ("INSERT … SELECT of as many rows", _bare(place.pk, person, rows, runs))
            # The database's part is the same whatever the file was.
            often = runs if form == "CSV" else 2
            yield from _written(
                name, reader, f"bench.{form.lower()}", data, preview.fingerprint, often, bare_insert
            )


def _judge(place: Municipality, sheet: Sheet, today: date) -> Preview:
    return exchange.Judge(place, sheet, {}, today).preview()


def _alone(form: str, data: bytes, runs: int) -> tuple[str, float]:
    """The same file read into lists and nothing more."""

    def calamine() -> object:
        return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()

    def plain() -> object:
        return list(csv.reader(io.StringIO(data.decode()), delimiter=";"))

    if form == "XLSX":
        return "python-calamine alone", median(calamine, runs)
    return "csv.reader alone", median(plain, runs)


@dataclass
class _Taken:
    """One confirmation and the writing in it: milliseconds by the clock and of Python's work, or queries."""

    confirmed: tuple[float, float] = (0, 0)
    written: tuple[float, float] = (0, 0)
    queries: int = 0
    written_queries: int = 0


class _Clock:
    def __init__(self) -> None:
        self.begun, self.worked = perf_counter(), process_time()

    def read(self) -> tuple[float, float]:
        return (perf_counter() - self.begun) * 1000, (process_time() - self.worked) * 1000


def _written(
    name: str,
    reader: Reader,
    file: str,
    data: bytes,
    seen: str,
    runs: int,
    stick: tuple[str, float],
) -> Iterator[Figure]:
    taken = [_confirm(reader, file, data, seen) for _run in range(runs + 1)][1:]
    counted = _confirm(reader, file, data, seen, counting=True)
    most = peak(lambda: _confirm(reader, file, data, seen))
    common: dict[str, Any] = {
        "who": STRATEGIST, "runs": runs, "yardstick": stick[0], "yardstick_ms": stick[1],
    }  # fmt: skip
    clock = [one.confirmed for one in taken]
    yield Figure(
        name=f"{name} confirmed (read, judged, written)",
        median_ms=median_of(one for one, _work in clock),
        lowest_ms=min(one for one, _work in clock),
        cpu_ms=median_of(work for _one, work in clock),
        queries=counted.queries,
        peak_bytes=most,
        **common,
    )
    clock = [one.written for one in taken]
    yield Figure(
        name=f"{name} written alone",
        median_ms=median_of(one for one, _work in clock),
        lowest_ms=min(one for one, _work in clock),
        cpu_ms=median_of(work for _one, work in clock),
        queries=counted.written_queries,
        peak_bytes=0,
        goal_ms=3000,
        **common,
    )


def _confirm(reader: Reader, file: str, data: bytes, seen: str, *, counting: bool = False) -> _Taken:
    """Confirms a batch and takes all of it back. Where queries are counted, the times mean nothing."""
    place, person = reader.municipality.pk, reader.person.pk
    taken = _Taken()
    write = batches._write

    def writing(*args: Any) -> None:
        clock = _Clock()
        if counting:
            taken.written_queries = len(queries(lambda: write(*args)))
        else:
            write(*args)
        _check_all()
        taken.written = clock.read()

    with (
        suppress(_TakenBack),
        mock.patch.object(batches, "_write", writing),
        transaction.atomic(),
        scope(place, person=person),
        history.context(person=person, municipality=place, page="bench"),
    ):
        batch = exchange.upload(reader, file, data, year=None)

        def confirm() -> object:
            return exchange.confirm(reader, batch, seen=seen, at=timezone.now())

        clock = _Clock()
        if counting:
            # The deferred constraints are asked for by the measurement alone.
            taken.queries = len([one for one in queries(confirm) if one != _CHECK])
        else:
            confirm()
        taken.confirmed = clock.read()
        raise _TakenBack
    return taken


_CHECK = "SET CONSTRAINTS ALL IMMEDIATE"


def _check_all() -> None:
    """What a commit would do beyond this is to wait for the disk."""
    with connection.cursor() as cursor:
        cursor.execute(_CHECK)


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
        with (
            suppress(_TakenBack),
            transaction.atomic(),
            scope(place, person=person),
            history.context(person=person, municipality=place, page="bench"),
            connection.cursor() as cursor,
        ):
            cursor.execute(_BARE.format(columns=columns), [rows, pattern])
            _check_all()
            raise _TakenBack

    return median(insert, runs)
