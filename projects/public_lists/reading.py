"""Reading a list as a funder publishes it: CSV, XLSX or JSON, alone or packed in a zip, of whatever length.

A list of everybody's grants is read once, row by row; only the rows that concern the municipality are kept,
so that hundreds of thousands take no more memory than a few. XLSX is read by `pages.spreadsheets` with all
its care; CSV here, more leniently than a register file, since nobody here can correct what a funder wrote:
what cannot be read is counted and said.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar, cast
from urllib.parse import quote
from zipfile import BadZipFile, ZipFile, ZipInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from python_calamine import CalamineError, CalamineWorkbook

from pages.files import ChooseSheet, Problem, TableRefused
from pages.spreadsheets import read_workbook
from projects.public_lists.matching import Recognised, Recogniser, organisation_number
from projects.public_lists.profiles import Beside, Profile
from values.text import fold, nfc, squeeze

# What a package may unpack to. Read row by row, it costs time and not memory.
MOST_UNPACKED = 2 * 1024 * 1024 * 1024
MOST_PARTS = 200
# Tables shrink to a tenth; what shrinks to less than a hundredth is no table. Small ones are not asked.
MOST_RATIO = 100
RATIO_FROM = 20 * 1024 * 1024
# JSON and XLSX must be held whole, and JSON takes many times its length: by its objects and their values.
MOST_HELD = 200 * 1024 * 1024
MOST_HELD_OF_JSON = 30 * 1024 * 1024
MOST_OBJECTS = 500_000
MOST_VALUES = 4_000_000
# Signs: of one line, of one row (which may go on over several lines), and of the lines where headings are sought.
MOST_OF_A_LINE = 1024 * 1024
MOST_OF_A_ROW = 6 * 1024 * 1024
MOST_OF_A_HEAD = 4 * 1024 * 1024
MOST_COLUMNS = 2_000
MOST_ROWS_OF_A_WORKBOOK = 200_000
# More grants to one municipality in one list is no list of its grants.
MOST_OURS = 5_000
MOST_PERHAPS = 500
PEEK = 64 * 1024
_HEADER_WITHIN = 40
_EVERYWHERE = {"", "se", "sweden", "sverige", "swe"}
csv.field_size_limit(4 * 1024 * 1024)

Source = bytes | Path


@dataclass(frozen=True)
class Listing:
    """A table that is read once: its headings and, row by row, the line and the cells."""

    headers: tuple[str, ...]
    rows: Iterator[tuple[int, Sequence[str]]]
    notes: tuple[str, ...] = ()
    broken: list[int] = field(default_factory=list)  # lines that could not be read, as they are met


@dataclass(slots=True)
class Grant:
    """One grant to one recipient, as the list says it; what it does not say is "" or None."""

    line: int
    reference: str
    title: str
    recipient: str
    acronym: str = ""
    summary: str = ""
    funder: str = ""
    programme: str = ""
    organisation_number: str = ""
    role: str = ""
    amount: Decimal | None = None
    total: Decimal | None = None
    currency: str = "SEK"
    starts: date | None = None
    ends: date | None = None
    url: str = ""
    unit_id: int | None = None
    matched_by: str = ""

    def as_data(self) -> dict[str, Any]:
        told = asdict(self)
        for name in ("amount", "total"):
            told[name] = None if told[name] is None else str(told[name])
        for name in ("starts", "ends"):
            told[name] = None if told[name] is None else told[name].isoformat()
        return told

    @classmethod
    def of_data(cls, told: Mapping[str, Any]) -> Grant:
        plain = dict(told)
        for name in ("amount", "total"):
            plain[name] = None if plain[name] is None else Decimal(plain[name])
        for name in ("starts", "ends"):
            plain[name] = None if plain[name] is None else date.fromisoformat(plain[name])
        return cls(**plain)


@dataclass(frozen=True)
class Found:
    """What a list holds of ours: `ours` surely, `perhaps` by a name that is only alike; and of how many rows."""

    ours: tuple[Grant, ...]
    perhaps: tuple[Grant, ...]
    read: int
    notes: tuple[str, ...] = ()


F = TypeVar("F", bound=Callable[..., Any])
_BROKEN = (
    BadZipFile,
    zlib.error,
    NotImplementedError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    RuntimeError,
)


def _said_if_broken(function: F) -> F:
    """Whatever the bytes, the answer is a table or `TableRefused`."""

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except _BROKEN:
            raise _refused(
                "damaged", _("The file is damaged and cannot be read. Fetch it from the funder again.")
            ) from None

    return cast(F, guarded)


def _refused(code: str, message: str) -> TableRefused:
    return TableRefused(Problem(code, None, None, message))


def _heading(text: str) -> str:
    return nfc(squeeze(_CONTROL.sub(" ", text)))


# --- packages --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A table in a file: the file itself, or one of those packed in it."""

    name: str
    open: Callable[[], IO[bytes]]
    size: int


def parts(source: Source, name: str = "") -> list[Part]:
    """The tables in a file; a workbook is one. Raises TableRefused for a package that cannot be read."""

    def whole() -> IO[bytes]:
        return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")

    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    with whole() as file:
        begins = file.read(4)
    if begins != b"PK\x03\x04":
        return [Part(name, whole, size)]
    try:
        archive = ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
        infos = archive.infolist()
    except _BROKEN:
        raise _refused(
            "damaged", _("The file is damaged and cannot be read. Fetch it from the funder again.")
        ) from None
    if any(info.filename.lower().startswith("xl/") for info in infos):
        return [Part(name, whole, size)]
    tables = [info for info in infos if info.filename.lower().endswith((".csv", ".txt", ".json", ".xlsx"))]
    unpacked = sum(info.file_size for info in tables)
    packed = sum(info.compress_size for info in tables)
    if (
        len(tables) > MOST_PARTS
        or unpacked > MOST_UNPACKED
        or (unpacked > RATIO_FROM and unpacked > MOST_RATIO * max(packed, 1))
    ):
        raise _refused(
            "too_large_unpacked",
            _(
                "The file is far larger unpacked than any list we take. Unpack it and choose the table you need."
            ),
        )
    if any(info.flag_bits & 1 for info in tables):
        raise _refused(
            "password", _("The package is protected by a password. Unpack it and choose the table.")
        )
    if not tables:
        raise _refused(
            "no_table", _("The package holds no table (CSV, XLSX or JSON). Choose the list itself.")
        )
    return [_packed(archive, info) for info in tables]


def _packed(archive: ZipFile, info: ZipInfo) -> Part:
    # The name without its folders.
    name = info.filename.replace("\\", "/").rpartition("/")[2]
    return Part(name, lambda: archive.open(info), info.file_size)


def named(tables: Sequence[Part], wanted: str) -> Part | None:
    return next((part for part in tables if part.name.lower() == wanted.lower()), None)


# --- any table -------------------------------------------------------------------------------------------


def read_any(part: Part, *, sheet: str | None = None) -> Listing:
    """A table whose headings nobody knows before: the first line as wide as the table is its heading."""
    with part.open() as file:
        begins = file.read(8)
    if begins.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _workbook(_held(part), sheet)
    text = begins.decode("utf-8-sig", errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith(("[", "{")):
        return _json(_held(part, MOST_HELD_OF_JSON))
    return _csv(part)


def _held(part: Part, most: int = MOST_HELD) -> bytes:
    if part.size > most:
        raise _too_large_to_hold()
    with part.open() as file:
        return file.read()


def _too_large_to_hold() -> TableRefused:
    return _refused(
        "too_large",
        _("The table is too large to be read in this form. Fetch it as CSV, which is read row by row."),
    )


def _no_columns_of_a_list() -> TableRefused:
    return _refused(
        "too_many_columns",
        _("The file has more columns than any list of grants. Choose the file that holds the list."),
    )


def _workbook(data: bytes, sheet: str | None) -> Listing:
    headings = _headings_of_workbook(data, sheet)
    table = read_workbook(
        data, known_headers=headings, named=headings[:12], sheet=sheet, most_rows=MOST_ROWS_OF_A_WORKBOOK
    )
    return Listing(table.headers, ((row.line, row.cells) for row in table.rows), table.notes)


def _headings_of_workbook(data: bytes, sheet: str | None) -> list[str]:
    """The likely headings, from a peek; what they head is read with care afterwards."""
    with suppress(CalamineError, *_BROKEN):
        with ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_HELD:
                raise _refused(
                    "too_large_unpacked",
                    _("The workbook is far larger unpacked than it looks. Fetch the list as CSV instead."),
                )
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [sheet] if sheet in book.sheet_names else book.sheet_names
        found = []
        for name in names:
            rows = book.get_sheet_by_name(name).to_python(nrows=_HEADER_WITHIN)
            if (place := _heading_place(rows)) is not None:
                found.append((name, [squeeze(str(cell)) for cell in rows[place]]))
        if len(found) > 1 and sheet is None:
            raise ChooseSheet([name for name, _headings in found])
        if found:
            return [heading for heading in found[0][1] if heading]
    # Whatever is wrong with it is told by the reader itself.
    return ["?"]


def _heading_place(rows: Sequence[Sequence[Any]]) -> int | None:
    """The first row that is nearly as filled as the fullest, and has no numbers."""
    filled = [sum(1 for cell in row if str(cell).strip()) for row in rows]
    widest = max(filled, default=0)
    if widest < 2:
        return None
    for place, (row, count) in enumerate(zip(rows, filled, strict=True)):
        if count >= max(2, widest * 0.6) and not any(isinstance(cell, int | float | date) for cell in row):
            return place
    return None


def _json(data: bytes) -> Listing:
    # Counted before anything is made of them; marks within texts count too, of which a list has far fewer.
    if data.count(b"{") + data.count(b"[") > MOST_OBJECTS or data.count(b",") > MOST_VALUES:
        raise _too_large_to_hold()
    try:
        told = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _refused(
            "json", _("The file looks like JSON but cannot be read as such. Fetch it again.")
        ) from None
    if isinstance(told, dict):
        told = next((value for value in told.values() if isinstance(value, list)), [told])
    objects = [one for one in told if isinstance(one, dict)]
    if not objects:
        raise _refused("no_rows", _("The file holds no rows. Choose the file that holds the list."))
    headers = tuple(dict.fromkeys(_heading(str(key)) for one in objects[:1000] for key in one))
    if len(headers) > MOST_COLUMNS:
        raise _no_columns_of_a_list()

    def rows() -> Iterator[tuple[int, Sequence[str]]]:
        for number, one in enumerate(objects, start=1):
            plain = {_heading(str(key)): value for key, value in one.items()}
            yield number, [_as_text(plain.get(header)) for header in headers]

    return Listing(headers, rows())


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return str(value)


def _csv(part: Part) -> Listing:
    with part.open() as file:
        peek = file.read(PEEK)
    if not peek.strip(b"\xef\xbb\xbf \t\r\n"):
        raise _refused("empty", _("The file is empty. Choose the file that holds the list."))
    if peek.startswith(b"%PDF-"):
        raise _refused(
            "pdf", _("The file is a PDF and not a table. Fetch the list as a table from the funder.")
        )
    if peek.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise _refused(
            "page", _("The file is a web page and not a table. Fetch the list itself from the funder's page.")
        )
    if peek.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in peek:
        raise _refused("binary", _("The file is not a table. Choose the list as CSV, XLSX or JSON."))
    else:
        encoding = _encoding(peek)
    with part.open() as file, io.TextIOWrapper(file, encoding, errors="replace", newline="") as text:
        lines = _head(text)
    delimiter, headers, after = _headings_of_csv(lines)
    if len(headers) > MOST_COLUMNS:
        raise _no_columns_of_a_list()
    broken: list[int] = []

    def rows() -> Iterator[tuple[int, Sequence[str]]]:
        with part.open() as file, io.TextIOWrapper(file, encoding, errors="replace", newline="") as text:
            # Lenient: a quotation mark too many in somebody's summary must not stop a list of all grants.
            told = _Lines(text)
            reader = csv.reader(islice(told, after, None), delimiter=delimiter)
            width = len(headers)
            while True:
                line = after + reader.line_num + 1
                told.of_row = 0
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    broken.append(line)
                    continue
                if len(cells) < width:
                    if any(cells):
                        broken.append(line)
                    cells += [""] * (width - len(cells))
                yield line, cells

    return Listing(headers, rows(), broken=broken)


class _Lines:
    """The lines of a text. Raises TableRefused where a line, or a row of several, is longer than any table has."""

    def __init__(self, text: IO[str]) -> None:
        self.text = text
        self.of_row = 0  # signs since the reader's last row

    def __iter__(self) -> Iterator[str]:
        while line := self.text.readline(MOST_OF_A_LINE + 1):
            self.of_row += len(line)
            if len(line) > MOST_OF_A_LINE or self.of_row > MOST_OF_A_ROW:
                raise _refused(
                    "line_too_long",
                    _(
                        "The file has a line that is far longer than any row of a table. Choose the list as CSV, "
                        "XLSX or JSON, as the funder publishes it."
                    ),
                )
            yield line


def _head(text: IO[str]) -> list[str]:
    """The lines among which the headings stand."""
    told = _Lines(text)
    lines: list[str] = []
    for line in told:
        lines.append(line)
        if len(lines) == _HEADER_WITHIN or told.of_row > MOST_OF_A_HEAD:
            break
    return lines


def _encoding(peek: bytes) -> str:
    if peek.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    for cut in range(4):  # The peek may end within a letter.
        try:
            peek[: len(peek) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return "utf-8"
    return "cp1252"


def _headings_of_csv(lines: Sequence[str]) -> tuple[str, tuple[str, ...], int]:
    best: tuple[int, str, list[str], int] | None = None
    for delimiter in (";", ",", "\t", "|"):
        reader = csv.reader(lines, delimiter=delimiter)
        rows: list[tuple[list[str], int]] = []
        with suppress(csv.Error):
            rows += ((cells, reader.line_num) for cells in reader)
        widest = max((len(cells) for cells, _after in rows), default=0)
        for cells, after in rows:
            filled = sum(1 for cell in cells if cell.strip())
            if widest > 1 and filled >= max(2, widest * 0.6):
                if best is None or filled > best[0]:
                    best = (filled, delimiter, cells, after)
                break
    if best is None:
        raise _refused(
            "no_header",
            _("No table with headings was found in the file. Choose the list as CSV, XLSX or JSON."),
        )
    _filled, delimiter, cells, after = best
    headers = tuple(_heading(cell.lstrip("\ufeff")) for cell in cells)
    return delimiter, headers, after


# --- cells -----------------------------------------------------------------------------------------------

_AMOUNT = re.compile(r"[+]?\d+(?:[ .,]\d+)*")


def read_amount(text: str) -> Decimal | None:
    """ "75 354 267", "2073781,25", "56868.983", "200,000.00": a published sum; None for what is none.

    A negative sum is none: a list of grants says so of what was taken back. Of two kinds of marks the last
    is the decimal one; one comma before exactly three digits may be either, and is not guessed.
    """
    plain = squeeze(text).replace("\u00a0", " ").replace("'", "")
    plain = re.sub(r"(?:EUR|SEK|€|kr)\.?$|^(?:EUR|SEK|€)", "", plain, flags=re.I).strip()
    if not _AMOUNT.fullmatch(plain):
        return None
    plain = plain.replace(" ", "")
    comma, point = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and point >= 0:
        mark = "," if comma > point else "."
        plain = plain.replace("." if mark == "," else ",", "").replace(mark, ".")
    elif plain.count(",") == 1 and not re.search(r",\d{3}$", plain):
        plain = plain.replace(",", ".")
    elif re.fullmatch(r"\d{1,3}(?:,\d{3}){2,}|\d{1,3}(?:\.\d{3}){2,}", plain):
        plain = plain.replace(",", "").replace(".", "")
    elif "," in plain or plain.count(".") > 1:
        return None
    try:
        number = Decimal(plain.removeprefix("+")).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None
    return number if number < Decimal(10) ** 14 else None


_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_EUROPEAN = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?: .*)?")
_TOGETHER = re.compile(r"(\d{4})(\d\d)(\d\d)")


def read_day(text: str) -> date | None:
    """ "2024-04-01", "2024-04-01T00:00:00", "16/03/2020" (the day first, as European lists have it)."""
    plain = squeeze(text)
    if found := _ISO.fullmatch(plain) or _TOGETHER.fullmatch(plain):
        year, month, day = map(int, found.groups())
    elif found := _EUROPEAN.fullmatch(plain):
        day, month, year = map(int, found.groups())
    else:
        return None
    try:
        known = date(year, month, day)
    except ValueError:
        return None
    return known if 1950 <= known.year <= 2199 else None


# A letter or a stroke comes right after: "5 < 7 > 3" is no mark-up.
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]{0,200}>")
# Unicode's Cc and Cs: the database takes neither NUL nor half a letter.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def read_text(text: str, longest: int) -> str:
    """On one line, without mark-up, cut at what the register keeps."""
    # Unescaped first: mark-up that is written as &lt;b&gt; is mark-up too.
    plain = squeeze(_CONTROL.sub(" ", _TAG.sub(" ", html.unescape(text))))
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


# --- ours ------------------------------------------------------------------------------------------------


class ChangedFormat(TableRefused):
    """The list is not in the form that its profile knows: which columns are gone, and which are new."""

    def __init__(self, profile: Profile, missing: Sequence[str], new: Sequence[str]) -> None:
        message = ngettext(
            "The list of %(profile)s has no column “%(missing)s”.",
            "The list of %(profile)s has no columns “%(missing)s”.",
            len(missing),
        ) % {"profile": profile.name, "missing": pgettext("between two quoted names", "”, “").join(missing)}
        if new:
            message += " " + _("Columns that were not there before: %(new)s.") % {"new": ", ".join(new[:20])}
        message += " " + _("Its form has changed: point out its columns.")
        super().__init__(
            *(Problem("column_missing", None, column, message) for column in missing[:1]),
        )
        self.profile = profile
        self.missing = tuple(missing)
        self.new = tuple(new)


@_said_if_broken
def find_ours(
    tables: Sequence[Part], profile: Profile, recogniser: Recogniser, *, sheet: str | None = None
) -> Found:
    """Reads the whole list and keeps what is ours. Raises TableRefused and ChangedFormat."""
    first = (named(tables, profile.part) if profile.part and len(tables) > 1 else None) or tables[0]
    listing = read_any(first, sheet=sheet)
    if missing := profile.missing(listing.headers):
        raise ChangedFormat(profile, missing, profile.unknown(listing.headers))
    places = {fold(header): place for place, header in reversed(list(enumerate(listing.headers))) if header}
    columns = {
        name: places[fold(heading)] for name, heading in profile.columns.items() if fold(heading) in places
    }
    who: list[tuple[int | None, int | None, int | None, str]] = [
        (columns.get("recipient"), columns.get("organisation_number"), columns.get("country"), "")
    ]
    for n in range(1, 1000):
        heading = profile.numbered.get("recipient", "").replace("{n}", str(n))
        if not heading or fold(heading) not in places:
            break
        country = profile.numbered.get("country", "").replace("{n}", str(n))
        who.append((places[fold(heading)], None, places.get(fold(country)), "partner"))
    ours: list[Grant] = []
    perhaps: list[Grant] = []
    seen: set[tuple[str, str]] = set()
    read = 0
    unread = 0
    unread_lines: list[int] = []
    for line, cells in listing.rows:
        read += 1
        if len(ours) >= MOST_OURS:
            break
        for name_place, number_place, country_place, role in who:
            if name_place is None or not cells[name_place]:
                continue
            if country_place is not None and cells[country_place].strip().casefold() not in _EVERYWHERE:
                continue
            number = cells[number_place] if number_place is not None else ""
            match = recogniser.recognise(cells[name_place], number)
            if match is None:
                continue
            shared = len(who) > 1 and any(
                place is not None and place < len(cells) and cells[place].strip() for place, *_rest in who[1:]
            )
            grant, faulty = _grant(
                line, cells, columns, profile, cells[name_place], number, role, match, shared
            )
            unread += faulty
            if faulty:
                unread_lines.append(line)
            if grant is None or (grant.reference, fold(grant.recipient)) in seen:
                continue
            seen.add((grant.reference, fold(grant.recipient)))
            if match.ours:
                ours.append(grant)
            elif len(perhaps) < MOST_PERHAPS:
                perhaps.append(grant)
    notes = [*listing.notes]
    if profile.beside is not None:
        _join(tables, profile, profile.beside, [*ours, *perhaps], notes)
    if listing.broken:
        notes.append(
            ngettext(
                "%(count)d line could not be read whole: line %(first)d.",
                "%(count)d lines could not be read whole, the first of them line %(first)d.",
                len(listing.broken),
            )
            % {"count": len(listing.broken), "first": listing.broken[0]}
        )
    if unread:
        notes.append(_not_read(unread, unread_lines, first.name))
    if len(ours) >= MOST_OURS:
        notes.append(_("The list has more grants to us than are taken at once. The rest was not read."))
    if len(perhaps) >= MOST_PERHAPS:
        notes.append(
            _("More names are alike than are shown. Say of those that are shown, and take the list in again.")
        )
    return Found(tuple(ours), tuple(perhaps), read, tuple(notes))


def _grant(
    line: int,
    cells: Sequence[str],
    columns: Mapping[str, int],
    profile: Profile,
    recipient: str,
    number: str,
    role: str,
    match: Recognised,
    shared: bool,
) -> tuple[Grant | None, int]:
    """The row as a grant, and how many of its sums and dates could not be read."""

    def cell(name: str) -> str:
        place = columns.get(name)
        said = cells[place] if place is not None else ""
        return said if said.strip() else profile.given.get(name, "")

    title = read_text(cell("title") or cell("other_title") or cell("acronym"), 500)
    reference = read_text(cell("reference") or cell("other_reference"), 100) or title[:100]
    if not title and not reference:
        return None, 0
    faulty = 0

    def amount(name: str) -> Decimal | None:
        nonlocal faulty
        text = cell(name).strip()
        number = read_amount(text)
        # A sum taken back, or nothing, is not stated; what has digits and no meaning is told.
        if number is None and any(map(str.isdigit, text)) and not text.startswith(("-", "−", "–")):
            faulty += 1
        return number

    def day(name: str) -> date | None:
        nonlocal faulty
        text = cell(name).strip()
        known = read_day(text)
        if known is None and any(map(str.isdigit, text)):
            faulty += 1
        return known

    granted, total = amount("amount"), amount("total")
    if profile.numbered and not shared and granted is None and "amount" not in columns:
        # Nobody else is named in the row: the sum of the whole is the recipient's.
        granted, total = total, None
    currency = squeeze(cell("currency")).upper()
    # The profile's own address has a place for the reference; a cell that looks like one is not filled in.
    url = read_text(cell("url"), 500)
    if url == profile.given.get("url"):
        url = url.replace("{reference}", quote(reference, safe=""))
    grant = Grant(
        line=line,
        reference=reference,
        title=title or reference,
        recipient=read_text(recipient, 250),
        acronym=read_text(cell("acronym"), 100),
        summary=read_text(cell("summary"), 5000),
        funder=read_text(cell("funder"), 200),
        programme=read_text(cell("programme"), 200),
        organisation_number=organisation_number(number) if number else "",
        role=role or read_text(cell("role"), 100),
        amount=granted,
        total=total,
        currency=currency if re.fullmatch(r"[A-Z]{3}", currency) else "SEK",
        starts=day("starts"),
        ends=day("ends"),
        url=url if url.startswith(("https://", "http://")) and len(url) <= 500 else "",
        unit_id=match.unit_id,
        matched_by=match.how[:200],
    )
    if grant.starts and grant.ends and grant.ends < grant.starts:
        grant.starts, grant.ends, faulty = None, None, faulty + 1
    return grant, faulty


def _join(
    tables: Sequence[Part], profile: Profile, beside: Beside, grants: Sequence[Grant], notes: list[str]
) -> None:
    """Fills in what the second table says of our projects; a second pass, row by row."""
    part = named(tables, beside.part)
    if part is None:
        others = [one for one in tables[1:] if _has_heading(one, beside)]
        part = others[0] if others else None
    if part is None:
        notes.append(
            _("The table %(part)s was not there, so titles, dates and total costs are not stated.")
            % {"part": beside.part}
        )
        return
    listing = read_any(part)
    places = {fold(header): place for place, header in enumerate(listing.headers)}
    if fold(beside.key) not in places:
        notes.append(
            _(
                "The table %(part)s has no column “%(column)s”, so titles, dates and total costs are not stated."
            )
            % {"part": beside.part, "column": beside.key}
        )
        return
    if absent := [heading for heading in beside.columns.values() if fold(heading) not in places]:
        notes.append(
            _("The table %(part)s has no column “%(column)s”.")
            % {"part": beside.part, "column": pgettext("between two quoted names", "”, “").join(absent)}
        )
    key = places[fold(beside.key)]
    wanted: dict[str, list[Grant]] = {}
    for grant in grants:
        wanted.setdefault(grant.reference, []).append(grant)
    faulty = 0
    lines: list[int] = []
    for line, cells in listing.rows:
        for grant in wanted.get(cells[key].strip(), ()):
            before = faulty
            told = {
                name: cells[places[fold(heading)]]
                for name, heading in beside.columns.items()
                if fold(heading) in places
            }
            grant.title = read_text(told.get("title", ""), 500) or grant.title
            programme = read_text(told.get("programme", ""), 200)
            grant.programme = profile.programmes.get(programme, programme) or grant.programme
            grant.summary = read_text(told.get("summary", ""), 5000) or grant.summary
            # What the table has no column for stays as the first one says it.
            if "total" in told:
                # 0 is what the list writes where the whole cost is not told of.
                grant.total = read_amount(told["total"]) or None
                faulty += grant.total is None and any(digit in "123456789" for digit in told["total"])
            if "starts" in told:
                grant.starts = read_day(told["starts"])
                faulty += grant.starts is None and any(map(str.isdigit, told["starts"]))
            if "ends" in told:
                grant.ends = read_day(told["ends"])
                faulty += grant.ends is None and any(map(str.isdigit, told["ends"]))
            if grant.starts and grant.ends and grant.ends < grant.starts:
                grant.starts, grant.ends, faulty = None, None, faulty + 1
            if faulty > before:
                lines.append(line)
    if faulty:
        notes.append(_not_read(faulty, lines, part.name))


def _not_read(count: int, lines: Sequence[int], table: str) -> str:
    """How many amounts and dates of ours could not be read, and where they stand."""
    told = ngettext(
        "%(count)d amount or date of ours could not be read, and counts as not stated.",
        "%(count)d amounts or dates of ours could not be read, and count as not stated.",
        count,
    ) % {"count": count}
    at = list(dict.fromkeys(lines))
    shown = ", ".join(map(str, at[:10])) + (" …" if len(at) > 10 else "")
    where = ngettext("See line %(lines)s of %(table)s.", "See lines %(lines)s of %(table)s.", len(at))
    return f"{told} {where % {'lines': shown, 'table': table}}"


def _has_heading(part: Part, beside: Beside) -> bool:
    try:
        headers = {fold(header) for header in read_any(part).headers}
    except TableRefused:
        return False
    return fold(beside.key) in headers and all(
        fold(one) in headers for one in list(beside.columns.values())[:2]
    )


@_said_if_broken
def sample(
    part: Part, *, rows: int = 5, sheet: str | None = None
) -> tuple[tuple[str, ...], list[Sequence[str]]]:
    """The headings and the first rows, for whoever points out what the columns hold."""
    listing = read_any(part, sheet=sheet)
    return listing.headers, [list(cells) for _line, cells in islice(listing.rows, rows)]


@_said_if_broken
def headers_of(tables: Iterable[Part], *, sheet: str | None = None) -> dict[str, tuple[str, ...]]:
    """Table → its headings; tables that cannot be read are left out. Raises TableRefused if none can."""
    found: dict[str, tuple[str, ...]] = {}
    refused: TableRefused | None = None
    for part in tables:
        try:
            found[part.name] = read_any(part, sheet=sheet).headers
        except TableRefused as why:
            refused = refused or why
    if not found and refused is not None:
        raise refused
    return found
