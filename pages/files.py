"""Tables out to CSV, XLSX and JSON, and in from CSV and (`pages.spreadsheets`) XLSX.

Out: every writer takes the columns of the screen. An amount stays a number in its cell; where a column
holds other currencies than kronor, or amounts that are approximate, a column beside it says so, since a
number that says less than the screen would be a wrong number. Text never becomes a formula.
In: a file is read as it is or refused with every reason at once; nothing is guessed and nothing repaired.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import xlsxwriter
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext

from pages.columns import (
    HOME_CURRENCY,
    Column,
    FileValue,
    Text,
    check_totals,
    in_file,
    is_missing,
    on_screen,
)
from pages.spreadsheets import OLE, TOTALS_NAME, read_workbook
from pages.tables import (
    HEADER_WITHIN,
    MOST_HEADINGS,
    cell_without_heading,
    header_problems,
    no_header,
    too_many_rows,
)
from pages.tables import MOST_ROWS as MOST_ROWS
from pages.tables import ChooseSheet as ChooseSheet
from pages.tables import Problem as Problem
from pages.tables import Row as Row
from pages.tables import Table as Table
from pages.tables import TableRefused as TableRefused
from values.money import Amount, Money
from values.text import fold, nfc, squeeze

# A cell that a spreadsheet would run begins with one of these (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)

# Limits of the XLSX format: characters in a cell and in a sheet's name, and what the name may not hold.
XLSX_CELL = 32_767
XLSX_SHEET_NAME = 31
_NOT_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# XML 1.0 has no place for these at all; xlsxwriter escapes the other control characters itself.
_NOT_IN_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


# ---------------------------------------------------------------- out


@dataclass(frozen=True, slots=True)
class _FileColumn:
    label: str
    source: Column
    part: str  # "value", "currency" or "approximate"


def write_csv(columns: Sequence[Column], rows: Iterable[Any]) -> bytes:
    """UTF-8 with a byte order mark, semicolons and decimal commas: what a Swedish Excel opens by a click.

    There is no row of totals: it would be read as one more row when the file is taken in again.
    """
    layout, body = _file_rows(columns, rows)
    text = io.StringIO(newline="")
    out = csv.writer(text, delimiter=";", lineterminator="\r\n")
    out.writerow([_csv_cell(column.label) for column in layout])
    out.writerows([_csv_cell(value) for value in line] for line in body)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def write_xlsx(
    columns: Sequence[Column],
    rows: Iterable[Any],
    *,
    sheet: Text,
    title: Text,
    creator: Text,
    created: datetime | None = None,
    totals: Mapping[str, Any] | None = None,
    total_label: Text | None = None,
) -> bytes:
    """One sheet: a frozen heading with a filter, the rows, and the totals apart below a blank row.

    The same rows and the same `created` give the same bytes. A text longer than a cell of Excel may be
    (32 767 characters) is cut and ends in "[…]"; CSV and JSON hold it whole.
    """
    check_totals(columns, totals or {})
    layout, body = _file_rows(columns, rows)
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(
        memory,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "remove_timezone": True,
        },
    )
    moment = timezone.now() if created is None else created
    properties = {"title": str(title), "author": str(creator)}
    book.set_properties(properties | {"created": moment.replace(tzinfo=None)})
    page = book.add_worksheet(_sheet_name(str(sheet)))
    paper = _XlsxPaper(book, page)
    for place, column in enumerate(layout):
        paper.text(0, place, column.label, paper.heading)
        page.set_column(place, place, _width(column, place, body))
        for number, line in enumerate(body, start=1):
            paper.cell(number, place, line[place], grouped=column.source.figures)
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, len(body), len(layout) - 1)
    page.repeat_rows(0)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    if totals:
        label = gettext("Total") if total_label is None else str(total_label)
        number = first = len(body) + 2
        for number, total_line in enumerate(_total_lines(layout, totals, label), start=first):
            for place, value in enumerate(total_line):
                paper.cell(number, place, value, grouped=True, total=True)
        # Taken in again, the totals are known for what they are, wherever they have been moved.
        there = page.get_name().replace("'", "''")
        book.define_name(TOTALS_NAME, f"='{there}'!$A${first + 1}:$A${number + 1}")
    book.close()
    return memory.getvalue()


def write_json(
    columns: Sequence[Column],
    rows: Iterable[Any],
    *,
    totals: Mapping[str, Any] | None = None,
    **head: Any,
) -> bytes:
    """`{…head, "columns": […], "rows": [{name: value}], "totals": {…}}` as UTF-8.

    A number with decimals is a decimal string, an amount an object of amount, currency and approximate,
    a missing value null.
    """
    check_totals(columns, totals or {})
    document = {name: _json_value(value) for name, value in head.items()} | {
        "columns": [{"name": column.name, "label": str(column.label)} for column in columns],
        "rows": [{column.name: _json_value(column.of(row)) for column in columns} for row in rows],
        "totals": {name: _json_value(value) for name, value in (totals or {}).items()},
    }
    return json.dumps(document, ensure_ascii=False).encode("utf-8", errors="replace")


def defuse(text: str) -> str:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe; a plain number does not."""
    if text.startswith(FORMULA_STARTS) and not _PLAIN_NUMBER.fullmatch(text):
        return "'" + text
    return text


def _file_rows(
    columns: Sequence[Column], rows: Iterable[Any]
) -> tuple[list[_FileColumn], list[list[FileValue]]]:
    table = [[column.of(row) for column in columns] for row in rows]
    layout: list[_FileColumn] = []
    filled: list[list[FileValue]] = []
    for place, column in enumerate(columns):
        values = [line[place] for line in table]
        layout.append(_FileColumn(str(column.label), column, "value"))
        filled.append([in_file(value) for value in values])
        currencies = [_currency(value) for value in values]
        if any(currency not in (HOME_CURRENCY, "") for currency in currencies):
            label = gettext("%(column)s, currency") % {"column": column.label}
            layout.append(_FileColumn(label, column, "currency"))
            filled.append([currency or None for currency in currencies])
        if any(_approximate(value) for value in values):
            label = gettext("%(column)s, approximate") % {"column": column.label}
            layout.append(_FileColumn(label, column, "approximate"))
            filled.append([gettext("approximately") if _approximate(value) else None for value in values])
    return layout, [list(line) for line in zip(*filled, strict=True)]


def _only(value: Any) -> Any:
    """A list of one amount is that amount; of several, the cell is text that names each currency."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _currency(value: Any) -> str:
    value = _only(value)
    if isinstance(value, Amount):
        return value.money.currency
    return value.currency if isinstance(value, Money) else ""


def _approximate(value: Any) -> bool:
    value = _only(value)
    return isinstance(value, Amount) and value.approximate


def _total_lines(
    layout: Sequence[_FileColumn], totals: Mapping[str, Any], label: str
) -> Iterator[list[FileValue]]:
    """One line per currency, so that a figure always stands alone in its cell."""
    per_column = {
        name: list(total) if isinstance(total, list | tuple) else [total] for name, total in totals.items()
    }
    for number in range(max(len(several) for several in per_column.values())):
        line: list[FileValue] = []
        for place, column in enumerate(layout):
            several = per_column.get(column.source.name, [])
            total = several[number] if number < len(several) else None
            if column.part == "currency":
                line.append(_currency(total) or None)
            elif column.part == "approximate":
                line.append(gettext("approximately") if _approximate(total) else None)
            elif place == 0:
                line.append(label)
            elif isinstance(total, str | Promise):
                line.append(str(total))
            elif _currency(total) not in ("", HOME_CURRENCY) and not _has_currency(layout, column):
                line.append(on_screen(total))
            else:
                line.append(in_file(total))
        yield line


def _has_currency(layout: Sequence[_FileColumn], column: _FileColumn) -> bool:
    return any(other.source is column.source and other.part == "currency" for other in layout)


def _csv_cell(value: FileValue) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return on_screen(value)
    if isinstance(value, Decimal):
        return format(value, "f").replace(".", ",")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    # NUL is refused on the way in and no reader of CSV knows it.
    return defuse(value.replace("\x00", ""))


def _json_value(value: Any) -> Any:
    if is_missing(value):
        return None
    if isinstance(value, list | tuple):
        return [_json_value(one) for one in value if not is_missing(one)]
    if isinstance(value, Mapping):
        return {str(name): _json_value(one) for name, one in value.items()}
    if isinstance(value, Amount):
        return {**_json_value(value.money), "approximate": value.approximate}
    if isinstance(value, Money):
        return {"amount": format(value.amount, "f"), "currency": value.currency}
    if isinstance(value, bool | int):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    plain = in_file(value)
    return plain.isoformat() if isinstance(plain, date) else plain


class _XlsxPaper:
    """Writes each kind of value into the sheet with the format it needs."""

    def __init__(self, book: Any, page: Any) -> None:
        self.page = page
        self.heading = book.add_format({"bold": True, "bottom": 2, "valign": "top", "text_wrap": True})
        self._formats = {}
        for total in (False, True):
            base: dict[str, Any] = {"valign": "top"}
            if total:
                base |= {"bold": True, "top": 1, "bottom": 6}
            # The file keeps Excel's own pattern; a Swedish Excel groups by spaces and shows a comma.
            for kind, pattern in (
                ("whole", "#,##0"),
                ("decimal", "#,##0.00"),
                ("exact", "#,##0.00########"),
                ("date", "yyyy-mm-dd"),
                ("moment", "yyyy-mm-dd hh:mm"),
            ):
                self._formats[kind, total] = book.add_format(base | {"num_format": pattern})
            self._formats["number", total] = book.add_format(base | {"num_format": "0"})
            self._formats["text", total] = book.add_format(base | {"text_wrap": True})

    def text(self, line: int, place: int, text: str, form: Any) -> None:
        clean = _NOT_IN_XML.sub("\ufffd", text)
        if len(clean) * 2 > XLSX_CELL and (cut := _first_units(clean, XLSX_CELL)) != clean:
            clean = _first_units(cut, XLSX_CELL - 3) + "[…]"
        self.page.write_string(line, place, clean, form)

    def cell(self, line: int, place: int, value: FileValue, *, grouped: bool, total: bool = False) -> None:
        if value is None:
            self.page.write_blank(line, place, None, self._formats["text", total])
        elif isinstance(value, bool):
            self.text(line, place, on_screen(value), self._formats["text", total])
        elif isinstance(value, int | Decimal):
            self._number(line, place, value, grouped, total)
        elif isinstance(value, datetime):
            self.page.write_datetime(line, place, value, self._formats["moment", total])
        elif isinstance(value, date) and value.year >= 1900:
            self.page.write_datetime(line, place, value, self._formats["date", total])
        else:
            # Excel's calendar begins in 1900; an earlier date stays text.
            text = value.isoformat() if isinstance(value, date) else value
            self.text(line, place, text, self._formats["text", total])

    def _number(self, line: int, place: int, value: int | Decimal, grouped: bool, total: bool) -> None:
        exact = Decimal(value)
        if not exact.is_finite() or len(exact.as_tuple().digits) > 15:
            # Excel keeps fifteen digits; what it would round stays text.
            self.text(line, place, format(exact, "f"), self._formats["text", total])
            return
        exponent = exact.as_tuple().exponent
        decimals = -exponent if isinstance(exponent, int) else 0
        kind = "whole" if decimals <= 0 else "decimal" if decimals <= 2 else "exact"
        # As on screen: a whole number outside the figures may be a year or a code.
        if isinstance(value, int) and not grouped:
            kind = "number"
        self.page.write_number(line, place, value, self._formats[kind, total])


def _width(column: _FileColumn, place: int, body: Sequence[Sequence[FileValue]]) -> int:
    """Wide enough for the heading and the first rows, never wider than can be read on a screen."""
    if column.source.width is not None and column.part == "value":
        return column.source.width
    # A grouped number is about a third longer than its digits.
    longest = max(
        (
            len(text) if isinstance(value, str) else len(text) * 4 // 3
            for value in (line[place] for line in body[:200])
            if (text := _csv_cell(value))
        ),
        default=0,
    )
    return min(max(longest, len(column.label), 6) + 3, 60)


def _sheet_name(wanted: str) -> str:
    name = _NOT_IN_SHEET_NAME.sub(" ", _NOT_IN_XML.sub(" ", wanted))
    name = _first_units(squeeze(name), XLSX_SHEET_NAME).strip("' ")
    # Excel keeps "History" for itself.
    return name if name and name.casefold() != "history" else gettext("Sheet")


def _first_units(text: str, units: int) -> str:
    """Excel counts as UTF-16 does: a letter beyond the first plane is two."""
    return text.encode("utf-16-le")[: units * 2].decode("utf-16-le", errors="ignore")


# ---------------------------------------------------------------- in

DELIMITERS = (";", ",", "\t")
# Stands between two cells, as far as can be told without knowing the separator: “Vård, skola” is one text.
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATES = re.compile(r"[;\t](?=.*\S)|,(?![\s\d])")
# Characters; the limit of Python's reader is one for the whole process, and others may raise it.
LONGEST_CELL = 131_072
# A heading may have line breaks in its cells.
_HEADER_LINES = 30
_SIGNATURES = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
)
# å ä ö Å Ä Ö é as UTF-8; read as Windows-1252 they are "Ã¥ Ã¤ …", which no Swedish text holds.
_SWEDISH_IN_UTF8 = re.compile(rb"\xc3[\xa5\xa4\xb6\x85\x84\x96\xa9]")


def read_table(
    data: bytes,
    *,
    known_headers: Collection[str],
    named: Collection[str] = (),
    formulas_are_text: bool = False,
    sheet: str | None = None,
) -> Table:
    """Read CSV or XLSX bytes, or raise `TableRefused` with everything that stands in the way.

    `sheet` names the sheet of a workbook; without it the one that holds a table is read, and `ChooseSheet`
    is raised where several do.

    The encoding of CSV is read from the bytes: a byte order mark, else UTF-8, else Windows-1252. The heading
    is the first line that holds at least two of `known_headers` (case and spaces aside), so a title above it
    is passed over; the separator is the one among ; , and tab that finds most of them. A table of a single
    column has a line that holds nothing but its heading. `named` are the headings that a refusal names
    (unless given, all that are known). Headings that are not known are kept, for the caller to refuse by
    name. Cells are otherwise left as they are: a formula is refused, or with `formulas_are_text` kept as
    the text it is (never run, and defused on the way out).
    """
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", OLE)):
        return read_workbook(
            data, known_headers=known_headers, named=named or known_headers, sheet=sheet, most_rows=MOST_ROWS
        )
    text, encoding = _decode(data)
    rest = io.StringIO(text, newline="")
    lines = list(islice(rest, HEADER_WITHIN + _HEADER_LINES))
    known = {fold(header) for header in known_headers}
    found = _find_header(lines, known) or _lone_header(lines, known)
    if found is None:
        raise TableRefused(no_header(named or known_headers))
    start, after, delimiter, headers = found
    while headers and not headers[-1]:
        headers.pop()
    problems = header_problems(headers, start + 1)
    rows: list[Row] = []
    filled = 0
    for line, cells, problem in _records(chain(lines[after:], rest), after, delimiter):
        if problem is None and not any(cell.strip() for cell in cells):
            continue
        filled += 1
        if filled > MOST_ROWS:
            raise TableRefused(too_many_rows(line, MOST_ROWS))
        if problem is not None:
            problems.append(problem)
            continue
        surplus = cells[len(headers) :]
        problems.extend(
            problem
            for problem in _row_problems(headers, cells, line)
            if not (formulas_are_text and problem.code == "formula")
        )
        if not any(cell.strip() for cell in surplus):
            cells = cells[: len(headers)] + [""] * (len(headers) - len(cells))
            rows.append(Row(line, tuple(map(nfc, cells))))
    if problems:
        raise TableRefused(*problems, headers=tuple(headers), header_line=start + 1)
    return Table(tuple(headers), tuple(rows), encoding, delimiter, start + 1)


def _decode(data: bytes) -> tuple[str, str]:
    if not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise TableRefused(
            Problem("empty", None, None, gettext("The file is empty. Choose the file that holds the rows."))
        )
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise TableRefused(Problem(kind, None, None, _other_kind(kind)))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = gettext(
            "The file is saved as Unicode text (UTF-16). Save it as “CSV UTF-8” in Excel and choose it again."
        )
        raise TableRefused(Problem("utf_16", None, None, message))
    if data.startswith(_PROGRAMS) and b"\x00" in data:  # A heading may begin with MZ.
        message = gettext(
            "The file is a program and not a table, whatever it is called. Choose the table itself, as XLSX or CSV."
        )
        raise TableRefused(Problem("binary", None, None, message))
    if (place := data.find(b"\x00")) >= 0:
        line = data.count(b"\n", 0, place) + 1
        message = gettext(
            "The file is neither a workbook nor a text file: line %(line)d holds a NUL byte. "
            "Save the table as XLSX or CSV and choose that file."
        ) % {"line": line}
        raise TableRefused(Problem("binary", line, None, message))
    if data.startswith(b"\xef\xbb\xbf"):
        return _strictly(data, "utf-8-sig"), "utf-8-sig"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as broken:
        if _SWEDISH_IN_UTF8.search(data):
            raise TableRefused(_broken_letter(data, broken.start, "UTF-8")) from None
    return _strictly(data, "cp1252"), "cp1252"


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as broken:
        name = "Windows-1252" if encoding == "cp1252" else "UTF-8"
        # A byte order mark counts in no position that utf-8-sig reports, and holds no line break.
        raise TableRefused(_broken_letter(data, broken.start, name)) from None


def _broken_letter(data: bytes, place: int, encoding: str) -> Problem:
    line = data.count(b"\n", 0, place) + 1
    message = gettext(
        "Line %(line)d holds a character that cannot be read as %(encoding)s. "
        "Save the file as “CSV UTF-8” and choose it again."
    ) % {"line": line, "encoding": encoding}
    return Problem("encoding", line, None, message)


# How programs of Windows and Linux begin.
_PROGRAMS = (b"MZ", b"\x7fELF")


def _other_kind(kind: str) -> str:
    if kind == "pdf":
        return gettext("The file is a PDF and not a table. Choose the table it was made from.")
    return gettext("The file is a picture and not a table. Choose the table itself, as XLSX or CSV.")


def _find_header(lines: Sequence[str], known: set[str]) -> tuple[int, int, str, list[str]] | None:
    """Where the heading begins, where the rows begin, the separator and the headings; or None.

    Each line is tried as a beginning, so an unpaired quotation mark above the heading does no harm.
    """
    enough = min(2, len(known))
    best: tuple[int, int, str, list[str]] | None = None
    most = 0
    for delimiter in DELIMITERS:
        for start in range(min(len(lines), HEADER_WITHIN)):
            reader = csv.reader(lines[start : start + _HEADER_LINES], delimiter=delimiter, strict=True)
            try:
                cells = next(reader)
            except (csv.Error, StopIteration):
                continue
            if len(cells) > MOST_HEADINGS:
                continue
            headers = [nfc(squeeze(cell)) for cell in cells]
            count = len(known & {fold(header) for header in headers})
            if count >= max(enough, 1):
                if count > most:
                    best, most = (start, start + reader.line_num, delimiter, headers), count
                break
    return best


def _lone_header(lines: Sequence[str], known: set[str]) -> tuple[int, int, str, list[str]] | None:
    """As `_find_header`, of a table of one column: the line holds nothing that is not its heading.

    Nor may the lines below hold anything beside it, or a title above a table would be taken for a heading.
    """
    for start, line in enumerate(lines[:HEADER_WITHIN]):
        for delimiter in DELIMITERS:
            if line.count(delimiter) >= MOST_HEADINGS:
                continue
            headers = [nfc(squeeze(cell)).strip('"') for cell in line.split(delimiter)]
            told = [fold(header) for header in headers if header]
            if told and len(set(told)) == 1 and told[0] in known:
                below = lines[start + 1 :]
                if len(told) > 1 or not any(_SEPARATES.search(_QUOTED.sub("", other)) for other in below):
                    return start, start + 1, delimiter, headers
    return None


def _records(
    lines: Iterable[str], after: int, delimiter: str
) -> Iterator[tuple[int, list[str], Problem | None]]:
    """Each record with the line it begins on; what the reader cannot take comes as a problem."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = after + reader.line_num + 1
        try:
            cells = next(reader)
            if any(len(cell) > LONGEST_CELL for cell in cells):
                yield line, [], _cell_too_long(line)
            else:
                yield line, cells, None
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [], _quoting_problem(line, str(error))


def _cell_too_long(line: int) -> Problem:
    message = gettext("Line %(line)d has a cell that is too long. Shorten the text.") % {"line": line}
    return Problem("cell_too_long", line, None, message)


def _quoting_problem(line: int, error: str) -> Problem:
    if "field limit" in error:
        return _cell_too_long(line)
    message = gettext(
        "Line %(line)d has a quotation mark without its pair. "
        "Put the whole cell in quotation marks and write a mark inside it twice."
    ) % {"line": line}
    return Problem("quotation_mark", line, None, message)


def _row_problems(headers: Sequence[str], cells: Sequence[str], line: int) -> list[Problem]:
    problems = []
    last = max((place for place, cell in enumerate(cells, start=1) if cell.strip()), default=0)
    if last > len(headers):
        message = ngettext(
            "Line %(line)d has %(cells)d cells, but there is %(headers)d heading. "
            "Put a text that holds a separator in quotation marks, or give the column a heading.",
            "Line %(line)d has %(cells)d cells, but there are %(headers)d headings. "
            "Put a text that holds a separator in quotation marks, or give the column a heading.",
            len(headers),
        ) % {"line": line, "cells": last, "headers": len(headers)}
        problems.append(Problem("too_many_cells", line, str(len(headers) + 1), message))
    for place, (header, cell) in enumerate(zip(headers, cells, strict=False), start=1):
        if not header and cell.strip():
            problems.append(cell_without_heading(line, place))
        elif cell.lstrip().startswith("="):
            message = gettext(
                "Line %(line)d, column “%(column)s”, holds a formula (%(cell)s). Write its value instead."
            ) % {"line": line, "column": header, "cell": squeeze(cell)[:40]}
            problems.append(Problem("formula", line, header, message))
    return problems
