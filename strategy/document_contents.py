"""What a file is, judged by its contents and never by its name; what may do harm is refused with a sentence.

Taken are documents that an archive can keep and that do nothing by themselves: PDF, pictures (PNG, JPEG, TIFF),
Office and OpenDocument files without macros, mail, and plain text. Nothing is run or drawn, and nothing is unpacked
beyond the limits below. What a file may hold without being refused, but a person should know, is told in `notes`.

A PDF with a script or with files inside is taken and told: funders' forms are such, and it is only ever handed out
as an attachment. One that starts a program is refused, and so is one with a program inside. An encrypted PDF is
taken and told, since most open without a password; an Office file locked with one cannot be looked into, and is
refused. Whoever wants to hide a program from this can (a PDF has more ways to pack things than are unpacked here):
it keeps the register from being a place where programs lie about, and takes no virus scanner's place.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.parser import BytesHeaderParser
from io import BytesIO
from pathlib import PurePosixPath
from struct import error as StructError
from struct import unpack_from
from typing import Final
from zipfile import BadZipFile, ZipFile, ZipInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from values.text import nfc

# An Office file of 50 MB with its pictures unpacks to little more; text of a large sheet to some ten times.
MOST_UNPACKED: Final = 400 * 1024 * 1024
MOST_RATIO: Final = 200
# A small part may be all spaces: only from here on is the ratio asked about.
RATIO_FROM: Final = 20 * 1024 * 1024
MOST_PARTS: Final = 5_000
_PART_MARK: Final = b"PK\x01\x02"
# A workbook within a document within a presentation; further down nobody looks.
MOST_DEPTH: Final = 3
# Each diagram of a report has its own workbook inside it.
MOST_INSIDE: Final = 500
# What is read of a PDF's packed objects when looking for what it would start.
MOST_OF_AN_OBJECT: Final = 4 * 1024 * 1024
MOST_OF_OBJECTS: Final = 64 * 1024 * 1024
MOST_OBJECTS: Final = 20_000
# zlib copies what it leaves of what it is given: it is given little at a time.
_PIECE: Final = 64 * 1024
# As much of a file's beginning as tells whether it is a program.
_HEAD: Final = 1024
MOST_ESCAPED_NAMES: Final = 200_000
# A mail of 50 MB has some 700 000 lines; more parts than this no person sends.
MOST_MAIL_LINES: Final = 1_000_000
MOST_MAIL_PARTS: Final = 500
MOST_MAIL_BORDERS: Final = 20_000
LONGEST_NAME: Final = 120


class DocumentRefused(ValueError):
    """The message is a sentence that says why and what to do; `code` is for tests and logs."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Recognised:
    """`extension` without its dot; `notes` are sentences that whoever adds the file should read."""

    content_type: str
    extension: str
    notes: tuple[str, ...] = ()


CONTENT_TYPES: Final[dict[str, str]] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "tif": "image/tiff",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "eml": "message/rfc822",
    "msg": "application/vnd.ms-outlook",
    "csv": "text/csv",
    "txt": "text/plain",
}
# Other spellings of the same kinds, kept as they are.
_SAME: Final = {"jpeg": "jpg", "jpe": "jpg", "tiff": "tif"}
# For the file chooser of a form, which only helps: what comes is judged all the same.
ACCEPTED: Final = ",".join(f".{extension}" for extension in (*CONTENT_TYPES, *_SAME))
TAKEN: Final = gettext_lazy(
    "PDF, pictures (PNG, JPEG, TIFF), Word, Excel and PowerPoint without macros, OpenDocument, e-mail (EML, MSG), "
    "text and CSV."
)

# A text of any content becomes a program by such a name alone.
_RUN_ENDINGS: Final = (
    "bat cmd com exe scr pif msi msp dll cpl jar js jse vbs vbe wsf wsh hta ps1 psm1 psd1 sh bash zsh csh py pyw rb "
    "pl php asp aspx jsp lnk url reg inf scf sct application gadget desktop command applescript htm html xhtml svg "
    "xml xsl mht mhtml chm hlp iso img vhd vhdx docm dotm xlsm xltm xlam pptm ppam ppsm potm sldm iqy slk rdp"
)
_RUN_BY_NAME: Final = frozenset(_RUN_ENDINGS.split())

_PROGRAMS: Final = (
    b"MZ",  # Windows and DOS
    b"\x7fELF",
    *(b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"),  # Mach-O
    *(b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf", b"\xbe\xba\xfe\xca"),  # Mach-O for several machines, Java
    b"#!",  # a script for a shell
    b"L\x00\x00\x00\x01\x14\x02\x00",  # a Windows shortcut
    *(b"dex\n", b"\x00asm", b"BC\xc0\xde"),
    *(b"FWS", b"CWS", b"ZWS"),  # Flash
    b"ITSF",  # compiled help
    b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR",  # the test file of virus scanners
)
_ARCHIVES: Final = (
    *(
        b"Rar!",
        b"7z\xbc\xaf",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ",
        b"MSCF",
        b"!<arch>",
        b"PK\x05\x06",
        b"PK\x07\x08",
    ),
    *(b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"xar!"),
)
# From here on a number is no sector: an end, a table, or nothing.
_NO_SECTOR: Final = 0xFFFFFFFA
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def recognised(name: str, data: bytes) -> Recognised:
    """What the file is. Raises DocumentRefused for what is not taken; never anything else."""
    if not data:
        raise DocumentRefused("empty", _("The file is empty (0 bytes). Save it again and send it anew."))
    if len(data) > settings.DOCUMENT_LIMIT:
        raise too_large()
    _refuse_programs(data)
    try:
        found = _kind(name, data)
    except (RecursionError, MemoryError, OverflowError):
        raise _damaged() from None
    return found


def too_large() -> DocumentRefused:
    megabytes = settings.DOCUMENT_LIMIT // (1024 * 1024)
    return DocumentRefused(
        "too_large",
        _("The file is larger than %(limit)s MB, the most that is taken. Make it smaller or divide it.")
        % {"limit": megabytes},
    )


def _kind(name: str, data: bytes) -> Recognised:
    if data.startswith(b"%PDF-"):
        return _pdf(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return _tiff(data)
    if data.startswith(b"PK\x03\x04"):
        return _zipped(data)
    if data.startswith(_OLE):
        return _compound(data)
    if data.startswith(_ARCHIVES):
        raise _archive()
    if b"%PDF-" in data[:1024]:
        raise DocumentRefused(
            "not_from_the_start",
            _(
                "Something stands before the beginning of the PDF. Open it, save it as a new PDF and send that."
            ),
        )
    return _text(name, data)


def _refuse_programs(data: bytes) -> None:
    # Blank space and a byte order mark before a script do not stop it from being run.
    if data.startswith(_PROGRAMS) or data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"#!"):
        raise DocumentRefused(
            "program",
            _("The file is a program, whatever it is called, and is not taken. Ask for the document itself."),
        )


def _damaged() -> DocumentRefused:
    return DocumentRefused(
        "damaged",
        _("The file is damaged or not whole. Open it where it came from, save it again and send that."),
    )


def _archive() -> DocumentRefused:
    return DocumentRefused(
        "archive",
        _("The file is an archive with other files in it. Unpack it and send the files one by one."),
    )


def _holds_too_many(data: bytes) -> bool:
    """Whether there may be more parts than are taken, told before the directory is read, which would take long.

    By the mark with which each part stands in the directory: the number at the end of the file may say anything.
    """
    return data.count(_PART_MARK) > MOST_PARTS


def _also_an_archive(data: bytes) -> bool:
    """Whether a ZIP reader, which begins at the end, finds an archive in it too."""
    if _holds_too_many(data):
        return True
    try:
        with ZipFile(BytesIO(data)) as archive:
            return bool(archive.infolist())
    except (BadZipFile, ValueError, OSError, NotImplementedError, StructError, UnicodeError):
        return False


def _refuse_two_in_one(data: bytes) -> None:
    if b"PK\x05\x06" in data[-70_000:] and _also_an_archive(data):
        raise DocumentRefused(
            "two_in_one",
            _("The file is a document and an archive in one. Open it, save it anew and send that."),
        )


# --- PDF and pictures ------------------------------------------------------------------------------------


def _pdf(data: bytes) -> Recognised:
    if b"%%EOF" not in data[-2048:]:
        raise _damaged()
    _refuse_two_in_one(data)
    names = _pdf_names(data)
    if b"/Launch" in names:
        raise DocumentRefused(
            "starts_programs",
            _("The PDF would start a program when opened. Print it to a new PDF and send that."),
        )
    notes = []
    if b"/Encrypt" in names:
        notes.append(
            _(
                "The PDF is encrypted. Check that it opens without a password: an archive must be able to read it."
            )
        )
    if b"/JavaScript" in names:
        notes.append(_("The PDF holds a script, as forms to fill in do. It is handed out, never run here."))
    if b"/EmbeddedFile" in names or b"/EmbeddedFiles" in names:
        notes.append(_("Other files are attached inside the PDF. They are not listed here."))
    return Recognised(CONTENT_TYPES["pdf"], "pdf", tuple(notes))


# A name in which letters are written as numbers.
_PDF_NAME: Final = re.compile(rb"/[A-Za-z]{0,20}#[0-9A-Fa-f]{2}[A-Za-z0-9#]{0,60}")
_PDF_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_STREAM: Final = re.compile(rb"stream\r?\n")
_PDF_TOLD: Final = frozenset({b"/Launch", b"/Encrypt", b"/JavaScript", b"/EmbeddedFile", b"/EmbeddedFiles"})


def _pdf_names(data: bytes) -> set[bytes]:
    """Those of the names above that the PDF uses, in plain sight or in its packed objects.

    That the bytes of a picture spell one of them by chance is as good as impossible.
    """
    found = _told_names(data)
    read = 0
    seen = memoryview(data)
    for count, place in enumerate(_PDF_STREAM.finditer(data)):
        if count >= MOST_OBJECTS or read >= MOST_OF_OBJECTS:
            break
        head = data[max(0, place.start() - 400) : place.start()]
        about = head[head.rfind(b" obj") :]
        packed_objects, attached = b"/ObjStm" in about, b"/EmbeddedFile" in about
        if not (packed_objects or attached):
            continue
        packed = b"/FlateDecode" in about or b"/Fl" in about
        body = seen[place.end() : place.end() + MOST_OF_AN_OBJECT]
        if attached:
            _refuse_programs(_inflated(body, _HEAD) if packed else bytes(body[:_HEAD]))
        elif packed:  # what is not stands in plain sight
            names = _inflated(body, MOST_OF_AN_OBJECT)
            read += len(names)
            found |= _told_names(names)
    return found


def _inflated(packed: memoryview, most: int) -> bytes:
    """The beginning of what is packed, as far as it can be unpacked."""
    unpacking = zlib.decompressobj()
    found = bytearray()
    for place in range(0, len(packed), _PIECE):
        try:
            found += unpacking.decompress(packed[place : place + _PIECE], most - len(found))
        except zlib.error:
            break
        if unpacking.eof or len(found) >= most:
            break
    return bytes(found)


def _told_names(data: bytes) -> set[bytes]:
    told = {name for name in _PDF_TOLD if re.search(re.escape(name) + rb"(?![A-Za-z0-9])", data)}
    for count, escaped in enumerate(_PDF_NAME.finditer(data)):
        if count > MOST_ESCAPED_NAMES:
            raise _damaged()
        plain = _PDF_ESCAPED.sub(lambda code: bytes([int(code[1], 16)]), escaped[0])
        told |= {name for name in _PDF_TOLD if plain == name}
    return told


def _png(data: bytes) -> Recognised:
    """From part to part to the last: a picture that is cut, or goes on after its end, is refused."""
    place = 8
    try:
        while True:
            length, kind = unpack_from(">I4s", data, place)
            place += 12 + length
            if kind == b"IEND":
                break
    except StructError:
        raise _damaged() from None
    if data[12:16] != b"IHDR" or place > len(data):
        raise _damaged()
    if place != len(data):
        raise DocumentRefused(
            "more_after_the_end",
            _("Something else follows after the end of the picture. Open it, save it anew and send that."),
        )
    return Recognised(CONTENT_TYPES["png"], "png")


def _jpeg(data: bytes) -> Recognised:
    # Telephones put a second picture or a film after the first: that is no fault.
    if b"\xff\xd9" not in data:
        raise _damaged()
    _refuse_two_in_one(data)
    return Recognised(CONTENT_TYPES["jpg"], "jpg")


def _tiff(data: bytes) -> Recognised:
    order = "<" if data.startswith(b"II") else ">"
    try:
        (first,) = unpack_from(f"{order}I", data, 4)
        (entries,) = unpack_from(f"{order}H", data, first)
    except StructError:
        raise _damaged() from None
    if first < 8 or not entries or first + 2 + 12 * entries > len(data):
        raise _damaged()
    _refuse_two_in_one(data)
    return Recognised(CONTENT_TYPES["tif"], "tif")


# --- Office and OpenDocument, which are ZIP archives ------------------------------------------------------

_OFFICE: Final = {
    b"wordprocessingml.document.main+xml": "docx",
    b"spreadsheetml.sheet.main+xml": "xlsx",
    b"presentationml.presentation.main+xml": "pptx",
}
_OPEN_DOCUMENT: Final = {CONTENT_TYPES[extension].encode(): extension for extension in ("odt", "ods", "odp")}
_MACROS: Final = re.compile(
    r"vbaproject\.bin$|vbadata\.xml$|(^|/)macrosheets/|(^|/)activex/|^basic/.|^scripts/.|(^|/)dialogsheets/",
    re.IGNORECASE,
)


class _Budget:
    """What one file may hold unpacked, with all the archives in it: each takes from the same."""

    def __init__(self, packed: int) -> None:
        self.packed = packed
        self.unpacked = self.parts = self.inside = 0

    def take(self, parts: int, declared: int) -> None:
        """Before anything is unpacked: by what is declared, of which zipfile never gives more."""
        self.parts += parts
        self.unpacked += declared
        if (
            self.parts > MOST_PARTS
            or self.unpacked > MOST_UNPACKED
            or self.unpacked > max(RATIO_FROM, MOST_RATIO * self.packed)
        ):
            raise _bomb()

    def take_inside(self, size: int) -> None:
        """A part that is itself a file of parts: it is read whole, and is no larger than a file may be."""
        self.inside += 1
        if self.inside > MOST_INSIDE or size > settings.DOCUMENT_LIMIT:
            raise _bomb()


def _zipped(data: bytes, depth: int = 1, budget: _Budget | None = None) -> Recognised:
    if _holds_too_many(data):
        raise _bomb()
    try:
        with ZipFile(BytesIO(data)) as archive:
            return _unpacked(archive, depth, budget or _Budget(len(data)))
    except DocumentRefused:
        raise
    except (
        *(BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, IndexError, StructError),
        *(NotImplementedError, RuntimeError, UnicodeError, AttributeError),
    ):
        raise _damaged() from None


def _unpacked(archive: ZipFile, depth: int, budget: _Budget) -> Recognised:
    parts = archive.infolist()
    names = [part.filename for part in parts]
    if not parts or min(part.header_offset for part in parts) != 0 or archive.comment:
        raise _damaged()
    if len(set(names)) != len(names) or any(_leads_out(name) for name in names):
        raise _damaged()
    inside = {name.lower() for name in names}
    office = "[content_types].xml" in inside and "[Content_Types].xml" in names
    open_document = not office and names[0] == "mimetype"
    if {"classes.dex", "androidmanifest.xml"} & inside or any(name.endswith(".class") for name in inside):
        _refuse_programs(b"MZ")
    if not office and not open_document:
        raise _archive()
    budget.take(len(parts), sum(part.file_size for part in parts))
    if any(part.flag_bits & 0x1 for part in parts):
        raise _locked()
    if any(_MACROS.search(name) for name in names):
        raise _with_macros()
    if office:
        with archive.open("[Content_Types].xml") as types:
            told = types.read(1024 * 1024)
        extension = next((kind for mark, kind in _OFFICE.items() if mark in told), "")
        if b"macroEnabled" in told or b"vbaProject" in told:
            raise _with_macros()
    else:
        with archive.open(names[0]) as kind:
            extension = _OPEN_DOCUMENT.get(kind.read(200).strip(), "")
    if not extension:
        raise _not_taken()
    # All is read: a part that does not come out as declared is seen, and so is a program among the pictures.
    for part in parts:
        head = b""
        with archive.open(part) as file:
            while chunk := file.read(256 * 1024):
                head = head or chunk
        _judge_part(archive, part, head, depth, budget)
    return Recognised(CONTENT_TYPES[extension], extension, tuple(_zipped_notes(archive, inside)))


def _judge_part(archive: ZipFile, part: ZipInfo, head: bytes, depth: int, budget: _Budget) -> None:
    _refuse_programs(head)
    if head.startswith((b"PK\x03\x04", _OLE)):
        budget.take_inside(part.file_size)
    if head.startswith(b"PK\x03\x04"):
        if depth >= MOST_DEPTH:
            raise _bomb()
        _zipped(archive.read(part), depth + 1, budget)
    elif head.startswith(_OLE):
        data = archive.read(part)
        # An embedded file of any kind, opened by a click in the text.
        if "\x01Ole10Native".encode("utf-16-le") in data:
            raise DocumentRefused(
                "embedded",
                _(
                    "Another file is embedded in the document and opens from it. "
                    "Remove it and send it by itself."
                ),
            )
        whole = _Compound(data)
        for stream in _streams(whole, list(_entries(whole))):
            _refuse_programs(stream)


def _zipped_notes(archive: ZipFile, inside: set[str]) -> Iterator[str]:
    if "meta-inf/manifest.xml" in inside:
        name = next(name for name in archive.namelist() if name.lower() == "meta-inf/manifest.xml")
        with archive.open(name) as manifest:
            if b"encryption-data" in manifest.read(4 * 1024 * 1024):
                raise _locked()
    if any(name.startswith(("word/embeddings/", "xl/embeddings/", "ppt/embeddings/")) for name in inside):
        yield _("Other files are embedded in the document. They are not listed here.")


def _leads_out(name: str) -> bool:
    return name.startswith("/") or "\\" in name or "\x00" in name or ".." in PurePosixPath(name).parts


def _bomb() -> DocumentRefused:
    return DocumentRefused(
        "bomb",
        _(
            "The file would swell to many times its size when opened. "
            "Open it, remove empty rows and pictures that are too large, and save it anew."
        ),
    )


def _with_macros() -> DocumentRefused:
    return DocumentRefused(
        "macros",
        _("The file holds macros or other programs. Save it without macros (DOCX, XLSX, PPTX) or as PDF."),
    )


def _locked() -> DocumentRefused:
    return DocumentRefused(
        "locked",
        _("The file is locked with a password. Save it without one: an archive must be able to read it."),
    )


def _not_taken() -> DocumentRefused:
    return DocumentRefused(
        "not_taken",
        _("Files of this kind are not taken. Save it as PDF. Taken are: %(taken)s") % {"taken": TAKEN},
    )


# --- compound files: mail from Outlook, old Office, installers -------------------------------------------


def _compound(data: bytes) -> Recognised:
    whole = _Compound(data)
    entries = list(_entries(whole))
    names = {name for name, _kind, _start, _size in entries}
    if "EncryptedPackage" in names:
        raise _locked()
    if {"WordDocument", "Workbook", "Book", "PowerPoint Document"} & names:
        raise DocumentRefused(
            "old_office",
            _("This is the file format of Office before 2007. Save it as DOCX, XLSX or PPTX, or as PDF."),
        )
    if "__properties_version1.0" not in names or not any(name.startswith("__nameid_") for name in names):
        raise _not_taken()
    for stream in _streams(whole, entries):
        _refuse_in_mail(stream)
    return Recognised(CONTENT_TYPES["msg"], "msg")


def _refuse_in_mail(contents: bytes) -> None:
    try:
        _refuse_programs(contents)
    except DocumentRefused as refused:
        raise DocumentRefused(
            refused.code, _("A program is attached to the mail. Save the mail without it, and send that.")
        ) from None


class _Compound:
    """The sectors of a compound file: where each stream goes on. Chains that run in a ring end.

    Its tables say of themselves how long they are: each sector of them is read once, and they tell of no more
    sectors than the file has.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            (shift,) = unpack_from("<H", data, 30)
            if shift not in (9, 12):
                raise _damaged()
            self.size = 1 << shift
            (self.first_directory,) = unpack_from("<I", data, 48)
            (self.first_small,) = unpack_from("<I", data, 60)
            (place, count) = unpack_from("<II", data, 68)
            tables = [one for one in unpack_from("<109I", data, 76) if one < _NO_SECTOR]
        except StructError:
            raise _damaged() from None
        sectors = len(data) // self.size + 1
        read: set[int] = set()
        while place < _NO_SECTOR and len(read) < count:
            *more, place = self._table(place, read)
            tables += [one for one in more if one < _NO_SECTOR]
            if len(tables) > sectors:
                raise _damaged()
        self.next: list[int] = []
        for place in tables:
            # What is told of sectors behind the end of the file is never asked for.
            if len(self.next) < sectors:
                self.next += self._table(place, read)

    def _table(self, number: int, read: set[int]) -> tuple[int, ...]:
        sector = self.sector(number)
        if number in read or len(sector) < self.size:
            raise _damaged()
        read.add(number)
        return unpack_from(f"<{self.size // 4}I", sector)

    def sector(self, number: int) -> bytes:
        start = (number + 1) * self.size
        return self.data[start : start + self.size]

    def chain(self, first: int) -> Iterator[int]:
        seen: set[int] = set()
        while first < len(self.next) and first not in seen:
            seen.add(first)
            yield first
            first = self.next[first]

    def stream(self, first: int) -> bytes:
        return b"".join(self.sector(number) for number in self.chain(first))


def _entries(whole: _Compound) -> Iterator[tuple[str, int, int, int]]:
    """Name, kind (1 folder, 2 stream, 5 root), first sector and size of each entry of the directory."""
    directory = whole.stream(whole.first_directory)
    for place in range(0, len(directory) - 127, 128):
        length, kind = unpack_from("<HB", directory, place + 64)
        (start, size) = unpack_from("<II", directory, place + 116)
        if kind in (1, 2, 5) and 2 <= length <= 64:
            yield directory[place : place + length - 2].decode("utf-16-le", "replace"), kind, start, size


def _streams(whole: _Compound, entries: Sequence[tuple[str, int, int, int]]) -> Iterator[bytes]:
    """The beginning of each stream, which tells whether it is a program."""
    root = next((start for _name, kind, start, _size in entries if kind == 5), None)
    small = whole.stream(root) if root is not None else b""
    for _name, kind, start, size in entries:
        if kind == 2 and size:
            yield (whole.sector(start) if size >= 4096 else small[start * 64 : start * 64 + 64])[:64]


# --- text and mail ---------------------------------------------------------------------------------------

_HEADER: Final = re.compile(rb"[!-9;-~]{1,70}:")
_MAIL: Final = ("from", "date", "subject", "to", "message-id", "received", "mime-version", "return-path")
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_MARKUP: Final = re.compile(r"\s*(?:<[a-z!?/]|\{\\rt|%!)", re.IGNORECASE)


def _text(name: str, data: bytes) -> Recognised:
    extension = _extension(name)
    if _is_mail(data):
        _judge_mail(data)
        return Recognised(CONTENT_TYPES["eml"], "eml")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise _not_taken() from None
    # U+0080–U+009F are no letters in UTF-8, and in Windows' own table they do not come out.
    if _CONTROL.search(text):
        raise _not_taken()
    if _MARKUP.match(text):
        raise DocumentRefused(
            "active_text",
            _("The file is a web page, a drawing or another text that is run when opened. Save it as PDF."),
        )
    if extension in _RUN_BY_NAME:
        raise DocumentRefused(
            "program",
            _("A text whose name ends in .%(extension)s is run when opened. Save it as PDF or as .txt.")
            % {"extension": extension},
        )
    if extension in CONTENT_TYPES.keys() - {"csv", "txt"} or extension in _SAME:
        raise DocumentRefused(
            "not_what_it_is_called",
            _("The name says %(kind)s, but that is not what the file holds. Save it again and send it anew.")
            % {"kind": extension.upper()},
        )
    kind = "csv" if extension == "csv" else "txt"
    return Recognised(CONTENT_TYPES[kind], kind)


def _is_mail(data: bytes) -> bool:
    """Whether the first lines are the headings of a mail, as Outlook and others save it."""
    head = data[:65536].lstrip(b"\xef\xbb\xbf")
    if not _HEADER.match(head) or b"\x00" in head:
        return False
    headings = BytesHeaderParser().parsebytes(head)
    told = {str(name).lower() for name in headings}
    return "from" in told and len(told & set(_MAIL)) >= 3


def _judge_mail(data: bytes) -> None:
    # What would take the reader minutes is said before it is read: no mail of a person's is so long or so divided.
    if (
        b"\x00" in data
        or data.count(b"\n") + data.count(b"\r") > 2 * MOST_MAIL_LINES
        or data.count(b"\n--") > MOST_MAIL_BORDERS
        or data.lower().count(b"boundary=") > MOST_MAIL_PARTS
    ):
        raise _damaged()
    try:
        parts = list(message_from_bytes(data).walk())
        if len(parts) > MOST_MAIL_PARTS:
            raise _damaged()
        for part in parts:
            contents = part.get_payload(decode=True) if not part.is_multipart() else None
            if isinstance(contents, bytes) and part.get_filename() is not None:
                _refuse_in_mail(contents)
    except DocumentRefused:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        raise _damaged() from None


# --- names -----------------------------------------------------------------------------------------------

_NOT_IN_NAMES: Final = re.compile(r'[<>:"/\\|?*]')
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def _extension(name: str) -> str:
    stem, dot, extension = name.rstrip(". ").rpartition(".")
    return extension.lower() if dot and stem and extension.isalnum() and len(extension) <= 12 else ""


def stored_name(name: str, extension: str) -> str:
    """The name that the file is kept under: no folders, no invisible signs, and an extension that agrees.

    `../../x.pdf` is x.pdf, and x.pdf.exe that holds a PDF is x.pdf.
    """
    last = nfc(name.replace("\\", "/")).rpartition("/")[2]
    # Signs that are not seen, or that turn the writing round so that another ending is read.
    visible = "".join(
        sign for sign in last if unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    stem = " ".join(_NOT_IN_NAMES.sub("_", visible).split()).strip(". ")
    known = CONTENT_TYPES.keys() | _SAME.keys() | _RUN_BY_NAME
    ending = extension
    while (found := _extension(stem)) in known:
        stem = stem[: -len(found) - 1].rstrip(". ")
        if _SAME.get(found, found) == extension:
            ending = found
            break
    stem = stem[:LONGEST_NAME].strip(". ") or "dokument"
    if _DEVICES.match(stem):
        stem = f"_{stem}"
    return f"{stem}.{ending}"
