"""What a file of rows is once it is read, or why it is not: shared by the readers of CSV and of XLSX."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext

from values.text import fold, format_decimal

# Some twenty administrations' projects of fifty years; more would hold the web process for minutes.
MOST_ROWS = 20_000
MOST_HEADINGS = 500
# How far down a heading is looked for: above it stand a title, a date, a sentence or two.
HEADER_WITHIN = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse. `line` is the line in the file, from 1; `column` a heading or a number."""

    code: str
    line: int | None
    column: str | None
    message: str


class TableRefused(Exception):
    """The file cannot be read as a table; `problems` holds every reason found, in the file's order.

    `code`, `line`, `column` and `message` are those of the first. `headers` are the headings and
    `header_line` their line, if they could be read.
    """

    def __init__(
        self, *problems: Problem, headers: tuple[str, ...] = (), header_line: int | None = None
    ) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems
        self.headers = headers
        self.header_line = header_line
        self.code = problems[0].code
        self.line = problems[0].line
        self.column = problems[0].column
        self.message = problems[0].message


class ChooseSheet(TableRefused):
    """Several sheets of the workbook hold a table; a person says which (`read_table(…, sheet=…)`)."""

    def __init__(self, sheets: Sequence[str]) -> None:
        message = gettext(
            "Several sheets of the file hold a table: %(sheets)s. Say which of them is to be read."
        ) % {"sheets": ", ".join(sheets)}
        super().__init__(Problem("which_sheet", None, None, message))
        self.sheets = tuple(sheets)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line of the file it begins on, and a cell for each heading."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was read: its headings (NFC, single spaces) and the rows that hold something.

    Of CSV `encoding` and `delimiter` are told; of XLSX the name of the `sheet`, and in `numbers` the cells
    that stand there as a number without any format (place among the headings → line → the number, as a
    date of the workbook's calendar where it may be one). `notes` are sentences about the file that a person
    should read: hidden rows, other sheets, macros.
    """

    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str
    delimiter: str
    header_line: int
    sheet: str = ""
    notes: tuple[str, ...] = ()
    numbers: Mapping[int, Mapping[int, str]] = field(default_factory=dict)


def no_header(known_headers: Collection[str]) -> Problem:
    message = gettext(
        "No line of headings was found among the first %(lines)d lines. "
        "Give the columns headings, at least two of these: %(headers)s."
    ) % {"lines": HEADER_WITHIN, "headers": ", ".join(known_headers)}
    return Problem("no_header", None, None, message)


def too_many_rows(line: int, most: int) -> Problem:
    message = gettext(
        "The file has more than %(most)s rows, the most that are taken. Divide it and import the parts."
    ) % {"most": format_decimal(Decimal(most))}
    return Problem("too_many_rows", line, None, message)


def header_problems(headers: Sequence[str], line: int) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for header in headers:
        key = fold(header)
        if key and key in seen:
            message = gettext(
                "Line %(line)d has the heading “%(column)s” twice. Rename or remove one of the columns."
            ) % {"line": line, "column": header}
            problems.append(Problem("heading_twice", line, header, message))
        seen.add(key)
    return problems


def cell_without_heading(line: int, place: int | str) -> Problem:
    message = gettext(
        "Line %(line)d has text in column %(column)s, which has no heading. "
        "Give the column a heading or empty it."
    ) % {"line": line, "column": place}
    return Problem("cell_without_heading", line, str(place), message)
