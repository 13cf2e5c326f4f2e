"""XLSX in: each cell as the sheet shows it, or a refusal that names the cell.

The sheet's XML is read itself. A library that gives values alone hides what decides whether a value may be
believed: an error comes as an empty cell, a formula that was never computed as 0, `0007` as 7.0, a date
without its format as 46266.0, and of merged cells only the first. The tests hold the plain cases against
python-calamine's reading of the same files.

Nothing is run, followed or expanded: macros and links to other workbooks are left alone and said, a document
type declaration (the door of entity bombs) is refused, and no part is unpacked before its size and its ratio
are looked at. Whatever the bytes, the answer is a table or `TableRefused`.
"""

from __future__ import annotations

import posixpath
import re
import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from io import BytesIO
from typing import Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from django.utils.translation import gettext, ngettext

from pages.tables import (
    HEADER_WITHIN,
    MOST_HEADINGS,
    MOST_ROWS,
    ChooseSheet,
    Problem,
    Row,
    Table,
    TableRefused,
    cell_without_heading,
    header_problems,
    no_header,
    too_many_rows,
)
from values.text import fold, nfc, squeeze

OLE = b"\xd0\xcf\x11\xe0"
# The name that our own files give the rows of totals, so that these are not taken for projects.
TOTALS_NAME = "medel_totals"
# And the one they give a sheet of explanations and lists, which is never read.
GUIDE_NAME = "medel_guide"

MOST_PARTS = 5_000
# Bytes of XML that are unpacked of one file in all. 20 000 rows of forty columns are some 60 MB.
MOST_UNPACKED = 100 * 1024 * 1024
# A sheet of like rows shrinks to a fiftieth, a megabyte of zeros to a thousandth.
MOST_RATIO = 200
RATIO_FROM = 1024 * 1024
# Cells of a sheet, empty ones that bear a format among them, and texts of a workbook.
MOST_CELLS = 3_000_000
# Characters of a cell: Excel's own limit.
LONGEST_CELL = 32_767
# Characters of a table in all, where each cell that names a shared text counts with the whole of it.
MOST_TEXT = 100_000_000
# So many reasons are told; nobody reads more, and a broken column has one in each row.
MOST_PROBLEMS = 5_000
_CHUNK = 64 * 1024
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
# 9999-12-31, the last day of Excel's calendar, in its two ways of counting.
_LAST_DAY = date(9999, 12, 31)

_BROKEN = (
    BadZipFile,
    zlib.error,
    expat.ExpatError,
    struct.error,
    InvalidOperation,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def read_workbook(
    data: bytes,
    *,
    known_headers: Collection[str],
    named: Collection[str],
    sheet: str | None = None,
    most_rows: int = MOST_ROWS,
) -> Table:
    """As `pages.files.read_table`, of a workbook; raises `ChooseSheet` where several sheets hold a table."""
    if data.startswith(OLE):
        raise TableRefused(_ole(data))
    try:
        with ZipFile(BytesIO(data)) as archive:
            return _Workbook(archive).table(known_headers, named, sheet, most_rows)
    except TableRefused:
        raise
    except _BROKEN:
        message = gettext(
            "The file is damaged and cannot be read. Open it in Excel, save it as an Excel workbook (.xlsx) "
            "and choose it again."
        )
        raise TableRefused(Problem("damaged", None, None, message)) from None


def _ole(data: bytes) -> Problem:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return _locked()
    message = gettext(
        "The file is saved in a format older than XLSX. Open it in Excel, save it as an Excel workbook (.xlsx) "
        "and choose it again."
    )
    return Problem("old_excel", None, None, message)


def _locked() -> Problem:
    message = gettext(
        "The file is protected by a password. Open it in Excel, remove the password, save it and choose it "
        "again."
    )
    return Problem("password", None, None, message)


def _too_large() -> Problem:
    message = gettext(
        "The file is far larger unpacked than it looks. Copy the rows to a new workbook, save it and choose "
        "that one."
    )
    return Problem("too_large_unpacked", None, None, message)


# --- the parts -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _SheetPart:
    name: str
    path: str
    hidden: bool


class _Workbook:
    def __init__(self, archive: ZipFile) -> None:
        self.archive = archive
        infos = archive.infolist()
        if len(infos) > MOST_PARTS:
            raise TableRefused(_too_large())
        if any(info.flag_bits & 1 for info in infos):
            raise TableRefused(_locked())
        # Names are compared as Windows does, and some writers begin them with a slash.
        self.parts: dict[str, ZipInfo] = {info.filename.lower().lstrip("/"): info for info in infos}
        self.unpacked = 0
        self._refuse_other_kinds()
        self.types = self.text("[content_types].xml") if "[content_types].xml" in self.parts else ""
        (self.path,) = (
            self._targets("", "officeDocument").values()
            if "_rels/.rels" in self.parts
            else ("xl/workbook.xml",)
        )
        self.sheets: list[_SheetPart] = []
        self.epoch = "1900"
        self.recomputed = False
        self.totals: dict[str, tuple[int, int]] = {}
        self.guides: set[str] = set()
        self._read_workbook()
        related = self._targets(self.path, "sharedStrings", "styles")
        kinds = {posixpath.basename(path): path for path in related.values()}
        self.strings_path = next((path for name, path in kinds.items() if "string" in name.lower()), "")
        self.styles_path = next((path for name, path in kinds.items() if "style" in name.lower()), "")
        self.formats = self._read_styles() if self.styles_path in self.parts else []
        self._shown: dict[tuple[str, str], str] = {}

    def _refuse_other_kinds(self) -> None:
        if "mimetype" in self.parts and b"opendocument" in self._bytes("mimetype"):
            message = gettext(
                "The file is an OpenDocument file (LibreOffice). Save it as an Excel workbook (.xlsx) and choose "
                "it again."
            )
            raise TableRefused(Problem("open_document", None, None, message))
        if "xl/workbook.bin" in self.parts:
            message = gettext(
                "The file is a binary Excel workbook (.xlsb). Save it as an Excel workbook (.xlsx) and choose it "
                "again."
            )
            raise TableRefused(Problem("binary_excel", None, None, message))
        if self.parts and not any(name.startswith("xl/") for name in self.parts):
            message = gettext(
                "The file is packed (zip) and no Excel workbook. Choose the table itself, as XLSX or CSV."
            )
            raise TableRefused(Problem("no_workbook", None, None, message))

    # Unpacking.

    def chunks(self, path: str) -> Iterable[bytes]:
        """The part's bytes. The size that is looked at is the most that zipfile unpacks of it."""
        info = self.parts[path.lower()]
        self.unpacked += info.file_size
        packed = max(info.compress_size, 1)
        if self.unpacked > MOST_UNPACKED or (
            info.file_size > RATIO_FROM and info.file_size > MOST_RATIO * packed
        ):
            raise TableRefused(_too_large())
        with self.archive.open(info) as part:
            while chunk := part.read(_CHUNK):
                yield chunk

    def _bytes(self, path: str) -> bytes:
        return b"".join(self.chunks(path))

    def text(self, path: str) -> str:
        return self._bytes(path).decode("utf-8", errors="replace")

    def parse(
        self,
        path: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        data: Callable[[str], None] | None = None,
    ) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = data
        for chunk in self.chunks(path):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)

    def _targets(self, path: str, *kinds: str) -> dict[str, str]:
        """Relation key → path of the parts of these kinds that a part names."""
        folder, name = posixpath.split(path)
        found: dict[str, str] = {}

        def start(tag: str, given: dict[str, str]) -> None:
            if _local(tag) == "Relationship" and given.get("TargetMode") != "External":
                kind = given.get("Type", "").rpartition("/")[2]
                if kind in kinds:
                    target = given["Target"]
                    whole = target if target.startswith("/") else posixpath.join("/", folder, target)
                    found[given["Id"]] = posixpath.normpath(whole).lstrip("/").lower()

        self.parse(posixpath.join(folder, "_rels", f"{name}.rels"), start)
        return found

    # What the workbook says of itself.

    def _read_workbook(self) -> None:
        paths = self._targets(self.path, "worksheet")
        names: list[tuple[str, str, bool]] = []
        inside: list[str] = []
        said: list[str] = []

        def start(tag: str, given: dict[str, str]) -> None:
            match _local(tag):
                case "sheet":
                    key = next((value for name, value in given.items() if _local(name) == "id"), "")
                    names.append((given["name"], key, given.get("state", "visible") != "visible"))
                case "workbookPr":
                    self.epoch = "1904" if given.get("date1904") in ("1", "true") else "1900"
                case "calcPr":
                    # The writer computes nothing and asks Excel to: a 0 may be no result at all.
                    self.recomputed = given.get("fullCalcOnLoad") in ("1", "true")
                case "definedName":
                    inside.append(given.get("name", ""))
                    said.clear()

        def end(tag: str) -> None:
            if _local(tag) != "definedName" or (name := inside.pop().lower()) not in (
                TOTALS_NAME,
                GUIDE_NAME,
            ):
                return
            if found := re.fullmatch(r"'?(.*?)'?!\$[A-Z]+\$(\d+)(?::\$[A-Z]+\$(\d+))?", "".join(said)):
                sheet, first = found[1].replace("''", "'"), int(found[2])
                if name == GUIDE_NAME:
                    self.guides.add(sheet)
                else:
                    self.totals[sheet] = (first, int(found[3] or first))

        def data(text: str) -> None:
            if inside:
                said.append(text)

        self.parse(self.path, start, end, data)
        # A chart sheet is no worksheet and has no such relation.
        self.sheets = [
            _SheetPart(name, paths[key], hidden)
            for name, key, hidden in names
            if key in paths and name not in self.guides
        ]

    def _read_styles(self) -> list[_Format]:
        codes: dict[int, str] = {}
        ids: list[int] = []
        inside: list[str] = []

        def start(tag: str, given: dict[str, str]) -> None:
            name = _local(tag)
            inside.append(name)
            if name == "numFmt":
                codes[int(given["numFmtId"])] = given.get("formatCode", "")
            elif name == "xf" and inside[-2:] == ["cellXfs", "xf"]:
                ids.append(int(given.get("numFmtId", "0")))

        def end(_tag: str) -> None:
            inside.pop()

        self.parse(self.styles_path, start, end)
        known: dict[int, _Format] = {}
        for one in ids:
            if one not in known:
                known[one] = _format_of(codes[one]) if one in codes else _built_in(one)
        return [known[one] for one in ids]

    @cached_property
    def strings(self) -> list[str]:
        """The texts of all sheets, which a cell names by their number."""
        strings: list[str] = []
        if self.strings_path not in self.parts:
            return strings
        said: list[str] = []
        state = {"text": False, "phonetic": 0}

        def start(tag: str, _given: dict[str, str]) -> None:
            match _local(tag):
                case "si":
                    said.clear()
                case "t":
                    state["text"] = not state["phonetic"]
                case "rPh":  # How the text is pronounced stands beside it in East Asian files.
                    state["phonetic"] += 1

        def end(tag: str) -> None:
            match _local(tag):
                case "si":
                    strings.append(_text("".join(said)))
                    if len(strings) > MOST_CELLS:
                        raise TableRefused(_too_large())
                case "t":
                    state["text"] = False
                case "rPh":
                    state["phonetic"] -= 1

        def data(text: str) -> None:
            if state["text"]:
                said.append(text)

        self.parse(self.strings_path, start, end, data)
        return strings

    # The table.

    def table(
        self, known_headers: Collection[str], named: Collection[str], wanted: str | None, most_rows: int
    ) -> Table:
        known = {fold(header) for header in known_headers}
        part = self._chosen(known, wanted)
        if part is None:
            raise TableRefused(no_header(named))
        sheet = self._sheet(part, most_rows=most_rows)
        found = _find_header(sheet, known)
        if found is None:
            raise TableRefused(no_header(named))
        return self._table_of(part, sheet, *found, most_rows=most_rows)

    def _chosen(self, known: set[str], wanted: str | None) -> _SheetPart | None:
        if wanted is not None:
            for alike in (lambda name: name == wanted, lambda name: fold(name) == fold(wanted)):
                for part in self.sheets:
                    if alike(part.name):
                        return part
            message = gettext("The file has no sheet “%(sheet)s”. Give one of these: %(sheets)s.") % {
                "sheet": squeeze(wanted)[:40],
                "sheets": ", ".join(part.name for part in self.sheets),
            }
            raise TableRefused(Problem("no_such_sheet", None, None, message))
        if len(self.sheets) == 1:
            return self.sheets[0]
        holding = [part for part in self.sheets if _find_header(self._sheet(part, first=True), known)]
        shown = [part for part in holding if not part.hidden]
        for candidates in (holding, shown):
            if len(candidates) == 1:
                return candidates[0]
        if holding:
            raise ChooseSheet([part.name for part in holding])
        return None

    def _sheet(self, part: _SheetPart, *, first: bool = False, most_rows: int = MOST_ROWS) -> _Sheet:
        reading = _SheetReading(self, HEADER_WITHIN if first else _LAST_ROW, most_rows)
        with suppress(_Enough):
            self.parse(part.path, reading.start, reading.end, reading.data)
        return reading.sheet

    def value(self, raw: str, kind: str, style: str, computed: bool) -> str:
        """What a cell holds, as composed text; a `_Faulty` where it holds nothing that can be believed."""
        if kind == "s":
            if raw.startswith("-"):
                raise ValueError("The texts are counted from 0.")
            return self.strings[int(raw)]
        if kind in ("str", "inlineStr"):
            if computed and self.recomputed and not raw:
                return _Faulty("formula")
            return _text(raw)
        if len(raw) > LONGEST_CELL:
            return _Faulty("long")
        if kind == "e":
            return _Faulty(f"error {squeeze(raw)[:20]}")
        if not raw:
            return _Faulty("formula") if computed else ""
        if kind == "b":
            return "SANT" if raw in ("1", "true") else "FALSKT"
        if kind == "d":
            return raw.partition("T")[0]
        if computed and self.recomputed and raw == "0":
            return _Faulty("formula")
        key = (raw, style)
        if key not in self._shown:
            place = int(style) if style else 0
            form = self.formats[place] if self.formats else _PLAIN
            shown = form.show(_decimal(raw), self.epoch)
            self._shown[key] = nfc(shown) if type(shown) is str else shown
        return self._shown[key]

    def _table_of(
        self, part: _SheetPart, sheet: _Sheet, line: int, headers: list[str], *, most_rows: int
    ) -> Table:
        where = f"{part.name}!" if len(self.sheets) > 1 else ""
        problems = [
            _faulty(cell, line, place, "", where)
            for place, cell in sheet.rows[line].items()
            if isinstance(cell, _Faulty)
        ]
        problems += header_problems(headers, line)
        first, last = self.totals.get(part.name, (0, 0))
        totals = False
        rows: list[Row] = []
        numbers: dict[int, dict[int, str]] = {}
        width = len(headers)
        held = 0
        for number, cells in sheet.rows.items():
            if number <= line or not any(cell.strip() for cell in cells.values()):
                continue
            if first <= number <= last:
                totals = True
                continue
            if len(rows) == most_rows:
                raise TableRefused(too_many_rows(number, most_rows))
            if len(problems) > MOST_PROBLEMS:
                break
            texts = [""] * width
            for place, cell in cells.items():
                if place >= width or not headers[place]:
                    if cell.strip():
                        problems.append(cell_without_heading(number, _letters(place)))
                elif type(cell) is str:
                    texts[place] = cell
                elif isinstance(cell, _Faulty):
                    problems.append(_faulty(cell, number, place, headers[place], where))
                else:
                    texts[place] = str(cell)
                    numbers.setdefault(place, {})[number] = self._as_day(cell)
            held += sum(map(len, texts))
            if held > MOST_TEXT:
                raise TableRefused(_too_large())
            rows.append(Row(number, tuple(texts)))
        end = rows[-1].line if rows else line
        problems += _merged_problems(sheet.merged, line, end, width, where)
        if problems:
            problems.sort(key=lambda problem: problem.line or 0)
            raise TableRefused(*problems, headers=tuple(headers), header_line=line)
        notes = self._notes(part, sheet, headers, [row.line for row in rows], totals=totals)
        return Table(tuple(headers), tuple(rows), "", "", line, part.name, tuple(notes), numbers)

    def _as_day(self, number: str) -> str:
        """The day that a number without format may stand for (1950–2199), else ""."""
        if len(number) != 5 or not number.isdigit():
            return ""
        day = _day(int(number), self.epoch)
        return day.isoformat() if day and 1950 <= day.year < 2200 else ""

    def _notes(
        self, part: _SheetPart, sheet: _Sheet, headers: Sequence[str], lines: Sequence[int], *, totals: bool
    ) -> list[str]:
        notes = []
        others = [other.name for other in self.sheets if other is not part]
        if others:
            notes.append(
                gettext("The sheet “%(sheet)s” is read. Not read: %(others)s.")
                % {"sheet": part.name, "others": _listed(others)}
            )
        if part.hidden:
            notes.append(gettext("The sheet “%(sheet)s” is hidden in the workbook.") % {"sheet": part.name})
        if hidden := [number for number in lines if number in sheet.hidden_rows]:
            notes.append(
                ngettext(
                    "Line %(lines)s is hidden in the sheet, and is read as the others are.",
                    "Lines %(lines)s are hidden in the sheet, and are read as the others are.",
                    len(hidden),
                )
                % {"lines": _listed(map(str, hidden))}
            )
        columns = [
            header
            for place, header in enumerate(headers)
            if header and any(first <= place + 1 <= last for first, last in sheet.hidden_columns)
        ]
        if columns:
            notes.append(
                ngettext(
                    "The column %(columns)s is hidden in the sheet, and is read as the others are.",
                    "The columns %(columns)s are hidden in the sheet, and are read as the others are.",
                    len(columns),
                )
                % {"columns": _listed(columns)}
            )
        if totals:
            notes.append(gettext("The totals below the table are not read."))
        if "xl/vbaproject.bin" in self.parts or "macroEnabled" in self.types:
            notes.append(gettext("The file may hold macros. They are not run."))
        if any(name.startswith("xl/externallinks/") for name in self.parts):
            notes.append(
                gettext(
                    "The file takes values from other workbooks. They are those of the day when it was last saved."
                )
            )
        return notes


def _refuse_doctype(*_declared: Any) -> None:
    raise ValueError("A workbook has no document type declaration.")


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:20]) + (" …" if len(every) > 20 else "")


def _text(raw: str) -> str:
    """Once for each text of the file, however many cells name it."""
    text = _unescaped(raw)
    return nfc(text) if len(text) <= LONGEST_CELL else _Faulty("long")


def _unescaped(text: str) -> str:
    """`_x000D_` is how a character stands that XML would lose."""
    if "_x" not in text:
        return text
    plain = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)
    # A surrogate alone is no letter.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


# --- one sheet -------------------------------------------------------------------------------------------


class _Number(str):
    """A number whose format says no more than the number: no date, no unit, no leading zeros."""

    __slots__ = ()


class _Faulty(str):
    """A cell that cannot be believed; the text says why: "error #REF!", "formula", "digits", …"""

    __slots__ = ()


@dataclass(slots=True)
class _Sheet:
    """`rows`: line → place (from 0) → text. Columns are counted from 1, as the file does."""

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)


class _Enough(Exception):
    """All that was asked for has been read."""


class _SheetReading:
    """The handlers of one pass over a sheet's XML."""

    def __init__(self, book: _Workbook, last_row: int, most_rows: int) -> None:
        self.book = book
        self.last_row = last_row
        self.most_rows = most_rows + HEADER_WITHIN
        self.sheet = _Sheet()
        self.line = 0
        self.place = -1
        self.kind = ""
        self.style = ""
        self.computed = False
        self.cells: dict[int, str] = {}
        self.count = 0
        self.said: list[str] = []
        self.listening = False
        self.phonetic = 0
        self.places: dict[str, int] = {}

    def start(self, tag: str, given: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "c":
            self.count += 1
            if self.count > MOST_CELLS:
                raise TableRefused(_too_large())
            self._place(given.get("r"))
            self.kind = given.get("t", "n")
            self.style = given.get("s", "")
            self.computed = False
            self.said.clear()
        elif name == "v" or (name == "t" and not self.phonetic):
            self.listening = True
        elif name == "f":
            self.computed = True
        elif name == "row":
            line = int(given["r"]) if "r" in given else self.line + 1
            if not self.line < line <= _LAST_ROW:
                raise ValueError("The rows of a sheet stand in order.")
            if line > self.last_row:
                raise _Enough
            self.line, self.place, self.cells = line, -1, {}
            if given.get("hidden") in ("1", "true"):
                self.sheet.hidden_rows.add(line)
        elif name == "rPh":
            self.phonetic += 1
        elif name == "mergeCell":
            self.sheet.merged.append(given["ref"])
        elif name == "col" and given.get("hidden") in ("1", "true"):
            self.sheet.hidden_columns.append((int(given["min"]), int(given["max"])))

    def _place(self, reference: str | None) -> None:
        if reference is None:
            self.place += 1
            if self.place >= _LAST_COLUMN:
                raise ValueError("A sheet ends at the column XFD.")
            return
        letters = reference.rstrip("0123456789")
        place = self.places.get(letters)
        if place is None:
            place = self.places[letters] = _place_of(letters)
        self.place = place

    def data(self, text: str) -> None:
        if self.listening:
            self.said.append(text)

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "v" or name == "t":
            self.listening = False
        elif name == "c":
            if self.said or self.computed:
                cell = self.book.value("".join(self.said), self.kind, self.style, self.computed)
                if cell:
                    self.cells[self.place] = cell
        elif name == "row":
            if self.cells:
                if len(self.sheet.rows) > self.most_rows:
                    raise TableRefused(too_many_rows(self.line, self.most_rows - HEADER_WITHIN))
                self.sheet.rows[self.line] = self.cells
        elif name == "rPh":
            self.phonetic -= 1


def _place_of(letters: str) -> int:
    """ "A" → 0, "AB" → 27."""
    if not re.fullmatch(r"[A-Z]{1,3}", letters):
        raise ValueError("A cell is named by letters and a number.")
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    if number > _LAST_COLUMN:
        raise ValueError("A sheet ends at the column XFD.")
    return number - 1


def _letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _find_header(sheet: _Sheet, known: set[str]) -> tuple[int, list[str]] | None:
    """The line of the headings and the headings, as `read_table` looks for them in CSV; or None."""
    enough = max(min(2, len(known)), 1)
    lone: tuple[int, list[str]] | None = None
    for line, cells in sheet.rows.items():
        filled = {place: text for place, cell in cells.items() if (text := nfc(squeeze(cell)))}
        if line > HEADER_WITHIN:
            break
        if not filled or max(filled) >= MOST_HEADINGS:
            continue
        headers = [filled.get(place, "") for place in range(max(filled) + 1)]
        if len(known & {fold(text) for text in filled.values()}) >= enough:
            return line, headers
        if lone is None and len(filled) == 1 and fold(headers[-1]) in known:
            (place,) = filled
            beside = any(
                other != place and cell.strip()
                for number, below in sheet.rows.items()
                if number > line
                for other, cell in below.items()
            )
            lone = None if beside else (line, headers)
    return lone


def _faulty(cell: str, line: int, place: int, header: str, where: str) -> Problem:
    code, _space, rest = cell.partition(" ")
    address = f"{where}{_letters(place)}{line}"
    match code:
        case "error":
            message = gettext(
                "The cell %(cell)s holds the error %(error)s. Correct its formula, or write the value."
            ) % {"cell": address, "error": rest or "?"}
        case "formula":
            message = gettext(
                "The cell %(cell)s holds a formula whose result is not saved in the file. Open the file in "
                "Excel, save it and choose it again, or write the value."
            ) % {"cell": address}
        case "digits":
            message = gettext(
                "The cell %(cell)s holds a number of more than 15 digits, of which Excel keeps 15. Give the cell "
                "the format Text and write the number anew."
            ) % {"cell": address}
        case "long":
            message = gettext(
                "The cell %(cell)s holds more than 32 767 characters, the most that Excel itself takes. Shorten "
                "the text."
            ) % {"cell": address}
        case "date":
            message = gettext(
                "The cell %(cell)s has the format of a date, but its number (%(number)s) is no day in the "
                "calendar. Write the date as 2026-09-01."
            ) % {"cell": address, "number": rest}
        case _:
            message = gettext(
                "The cell %(cell)s shows its number in a unit that depends on its size. Give the cell a plain "
                "number format, or write the value as text."
            ) % {"cell": address}
    return Problem(code, line, header or None, message)


def _merged_problems(
    merged: Iterable[str], header_line: int, last: int, width: int, where: str
) -> list[Problem]:
    problems = []
    for reference in merged:
        found = re.fullmatch(r"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})", reference)
        if found is None:
            raise ValueError("A merged range has two corners.")
        top, bottom = sorted((int(found[2]), int(found[4])))
        left = min(_place_of(found[1]), _place_of(found[3]))
        if bottom >= header_line and top <= last and left < width:
            message = gettext(
                "The cells %(range)s are merged, and only the first of them has a value. Split them and fill "
                "in each."
            ) % {"range": where + reference}
            problems.append(Problem("merged", max(top, header_line), None, message))
    return problems


# --- numbers and their formats ---------------------------------------------------------------------------


def _decimal(raw: str) -> Decimal:
    number = Decimal(raw.strip())
    if not number.is_finite() or (number and abs(number.adjusted()) > 308):
        raise ValueError("A cell holds a finite number.")
    return number


def _plain(number: Decimal) -> str:
    """As a Swedish text: "1234,5". Fifteen digits, as Excel shows; what it has lost is refused."""
    if number == number.to_integral_value():
        whole = format(number.quantize(Decimal(1)) if number.adjusted() < 27 else number, "f").partition(".")[
            0
        ]
        if len(whole.lstrip("-").rstrip("0")) > 15:
            return _Faulty("digits")
        return "0" if whole == "-0" else whole
    places = 14 - number.adjusted()
    rounded = round(number, places) if places < 340 else number
    return format(rounded, "f").rstrip("0").rstrip(".").replace(".", ",")


def _day(serial: int, epoch: str) -> date | None:
    """The day that a number stands for. Excel's first calendar holds a 29 February 1900 that never was."""
    if epoch == "1904":
        begins = date(1904, 1, 1)
    elif serial >= 61:
        begins = date(1899, 12, 30)
    elif 1 <= serial <= 59:
        begins = date(1899, 12, 31)
    else:
        return None
    return begins + timedelta(days=serial) if 0 <= serial <= (_LAST_DAY - begins).days else None


@dataclass(frozen=True, slots=True)
class _Section:
    """One part of a number format. `digits` is the pattern of a code such as 0000 or 000-000, else None."""

    before: str = ""
    after: str = ""
    digits: str | None = None
    power: int = 0  # of ten, by which the number is shown: 2 for per cent, −3 for a comma after the digits
    placeholders: bool = True


@dataclass(frozen=True, slots=True)
class _Format:
    kind: str  # "number", "day", "month", "year", "moment", "time", "unsure"
    sections: tuple[_Section, ...] = ()

    def show(self, number: Decimal, epoch: str) -> str:
        if self.kind == "unsure":
            return _Faulty("unsure")
        if self.kind != "number":
            return _moment(number, self.kind, epoch)
        section = self.sections[0]
        place = 1 if number < 0 else 2 if number == 0 else 0
        if place < len(self.sections) and self.sections[place].placeholders:
            section = self.sections[place]
        return _in_section(number, section)


_PLAIN = _Format("number", (_Section(),))


def _in_section(number: Decimal, section: _Section) -> str:
    whole = number == number.to_integral_value()
    if section.digits is not None and whole and 0 <= number < 10**15:
        left = str(int(number))
        shown: list[str] = []
        for sign in reversed(section.digits):
            if sign == "0":
                shown.append(left[-1:] or "0")
                left = left[:-1]
            else:
                shown.append(sign)
        # More digits than the pattern has stand before its first one.
        if left:
            first = len(section.digits) - section.digits.index("0") - 1
            shown[first] += left[::-1]
        return "".join(reversed([sign[::-1] if len(sign) > 1 else sign for sign in shown]))
    if not (section.before or section.after):
        text = _plain(number)
        return text if isinstance(text, _Faulty) else _Number(text)
    text = _plain(number.scaleb(section.power))
    return text if isinstance(text, _Faulty) else f"{section.before} {text} {section.after}".strip()


def _moment(number: Decimal, kind: str, epoch: str) -> str:
    seconds = round((number % 1) * 86_400)
    days = int(number // 1) + seconds // 86_400
    clock = f"{seconds % 86_400 // 3600:02}:{seconds % 3600 // 60:02}"
    if kind == "time":
        return clock
    day = _day(days, epoch) if abs(number) < 10**7 else None
    if day is None:
        return _Faulty(f"date {_plain(number)[:20]}")
    text = day.isoformat()[: {"year": 4, "month": 7}.get(kind, 10)]
    return f"{text} {clock}" if kind == "moment" and seconds % 86_400 else text


def _built_in(number: int) -> _Format:
    """ECMA-376, part 1, 18.8.30. 5–8 and 37–44 show the currency of whoever looks, which is no unit."""
    if number in (17,):
        return _Format("month")
    if number in (14, 15, 16, *range(27, 32), 36, *range(50, 59)):
        return _Format("day")
    if number == 22:
        return _Format("moment")
    if number in (*range(18, 22), *range(32, 36), 45, 47):
        return _Format("time")
    if number in (9, 10):
        return _Format("number", (_Section(after="%", power=2),))
    return _PLAIN


_TOKEN = re.compile(r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|[_*].|\[(?P<bracket>[^\]]*)\]'
                    r"|(?P<clock>am/pm|a/p)|(?P<general>general)|(?P<exponent>e[+-])|(?P<sign>.)",
                    re.IGNORECASE | re.DOTALL)  # fmt: skip


def _format_of(code: str) -> _Format:
    """What a format's code makes of a number: its unit, its leading zeros, or a date."""
    sections: list[list[tuple[str, str]]] = [[]]
    for found in _TOKEN.finditer(code):
        kind = found.lastgroup or ""
        text = found[kind] if kind else ""
        if kind == "sign" and text == ";":
            sections.append([])
        elif kind:
            sections[-1].append((kind, text or ""))
    if moment := _moment_of(sections[0]):
        return _Format(moment)
    parts = tuple(map(_section_of, sections[:3]))
    conditional = any(
        kind == "bracket" and text[:1] in "<>=" and text for section in sections for kind, text in section
    )
    if conditional and any(part.before or part.after or part.digits for part in parts):
        return _Format("unsure")
    return _Format("number", parts)


def _moment_of(tokens: Sequence[tuple[str, str]]) -> str:
    """ "day", "month", "year", "moment" or "time" where the format is one of a date or a time, else ""."""
    letters = "".join(text.lower() for kind, text in tokens if kind == "sign" and text.lower() in "ymdhs")
    if any(kind == "bracket" and re.fullmatch(r"h+|m+|s+", text.lower()) for kind, text in tokens):
        return "time"
    clock = bool(set(letters) & set("hs")) or any(kind == "clock" for kind, _text in tokens)
    # m beside h or s is minutes; a date with a clock has day or year too.
    if "d" in letters:
        return "moment" if clock else "day"
    if clock:
        return "moment" if "y" in letters else "time"
    if "m" in letters:
        return "month"
    return "year" if "y" in letters else ""


def _section_of(tokens: Sequence[tuple[str, str]]) -> _Section:
    marks = [kind == "general" or (kind == "sign" and text in "0#?@") for kind, text in tokens]
    if True not in marks:
        return _Section(placeholders=not tokens)
    first, last = marks.index(True), len(marks) - 1 - marks[::-1].index(True)
    power = 0
    after_digits = last + 1
    while after_digits < len(tokens) and tokens[after_digits] == ("sign", ","):
        power -= 3
        after_digits += 1
    said = [_said(kind, text) for kind, text in tokens]
    inside = tokens[first : last + 1]
    digits = None
    if (
        sum(text == "0" for kind, text in inside if kind == "sign") >= 2
        and not any(kind == "sign" and text in "#?.," for kind, text in inside)
        and not any(kind == "exponent" for kind, _text in tokens)
        and not power
        and ("sign", "%") not in tokens
    ):
        digits = "".join(
            text if mark else told.replace("0", "\u00000")
            for (_kind, text), mark, told in zip(tokens, marks, said, strict=True)
        )
        # A zero within quotation marks is no place for a digit: rare enough to read the number plainly.
        digits = None if "\x00" in digits else digits.strip()
    if ("sign", "%") in tokens:
        return _Section(after="%", power=power + 2)
    before, after = "".join(said[:first]).strip(), "".join(said[after_digits:]).strip()
    return _Section(_unit(before), _unit(after), digits, power)


def _said(kind: str, text: str) -> str:
    """What a token puts beside the digits."""
    if kind in ("quoted", "escaped"):
        return text
    if kind == "bracket":
        return text[1:].partition("-")[0] if text.startswith("$") else ""
    return text if kind == "sign" and text not in "0#?.,%@" else ""


def _unit(text: str) -> str:
    """Letters and signs of currency say what the number counts; brackets, lines and spaces do not."""
    return text if any(sign.isalpha() or sign in "$€£¥" for sign in text) else ""
