"""What a file is, judged by its contents: what is taken, what is refused and why, whatever it is called."""

from __future__ import annotations

import random
import struct
import time
import zipfile
import zlib
from io import BytesIO

import pytest
import xlsxwriter
from django.utils import translation
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from PIL import Image
from weasyprint import HTML

from strategy.document_contents import CONTENT_TYPES, DocumentRefused, Recognised, recognised, stored_name

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
EXE = b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00" * 200


def zipped(parts: dict[str, bytes], *, stored: tuple[str, ...] = ("mimetype",)) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            kind = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=kind)
    return out.getvalue()


def office(kind: str = "wordprocessingml.document", more: dict[str, bytes] | None = None) -> bytes:
    types = f'<Override ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/>'
    return zipped({"[Content_Types].xml": types.encode(), "word/document.xml": b"<w/>"} | (more or {}))


def with_part(name: str, data: bytes) -> bytes:
    types = b'<Types><Override ContentType="x.wordprocessingml.document.main+xml"/></Types>'
    return zipped({"[Content_Types].xml": types, name: data})


def open_document(kind: str = "text", more: dict[str, bytes] | None = None) -> bytes:
    told = {"mimetype": f"application/vnd.oasis.opendocument.{kind}".encode(), "content.xml": b"<office/>"}
    return zipped(told | (more or {}))


def picture(kind: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, kind)
    return out.getvalue()


def pdf(body: bytes = b"") -> bytes:
    return b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog " + body + b" >>\nendobj\nstartxref\n9\n%%EOF\n"


def stream(about: bytes, data: bytes) -> bytes:
    packed = zlib.compress(data)
    return (
        b"%PDF-1.7\n7 0 obj\n<< "
        + about
        + b" /Filter /FlateDecode /Length "
        + str(len(packed)).encode()
        + b" >>\nstream\n"
        + packed
        + b"\nendstream\nendobj\n%%EOF\n"
    )


def workbook() -> bytes:
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Budget")
        sheet.write_row(0, 0, ["Kostnad", 1200.5])
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=Budget!$B$1:$B$1"})
        sheet.insert_chart("D2", chart)
    return out.getvalue()


def compound(*streams: tuple[str, bytes]) -> bytes:
    """A compound file of 512-byte sectors: sector 0 the table, 1 and on the directory, then each stream."""

    def entry(name: str, kind: int, start: int, size: int) -> bytes:
        told = name.encode("utf-16-le")
        return (
            told.ljust(64, b"\x00")
            + struct.pack("<HBB", len(told) + 2, kind, 1)
            + b"\xff" * 12
            + b"\x00" * 36
            + struct.pack("<IQ", start, size)
        )

    contents = [(name, data.ljust(4096, b" ") if data else b"") for name, data in streams]
    entries = 1 + len(contents)
    directory_sectors = -(-entries * 128 // 512)
    place = 1 + directory_sectors
    directory = entry("Root Entry", 5, 0xFFFFFFFE, 0)
    body = b""
    table = [0xFFFFFFFD, *range(2, directory_sectors + 1), 0xFFFFFFFE]
    for name, data in contents:
        sectors = len(data) // 512
        directory += entry(name, 2 if sectors else 1, place if sectors else 0xFFFFFFFE, len(data))
        body += data
        table += [*range(place + 1, place + sectors), 0xFFFFFFFE] if sectors else []
        place += sectors
    head = OLE + b"\x00" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\x00" * 10
    head += struct.pack("<IIIIIIII", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<I", 0) + b"\xff\xff\xff\xff" * 108
    filled = struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff")
    return head + filled + directory.ljust(directory_sectors * 512, b"\x00") + body


def outlook(*attached: bytes) -> bytes:
    streams = [("__nameid_version1.0", b""), ("__properties_version1.0", b"props")]
    return compound(*streams, *(("__substg1.0_37010102", data) for data in attached))


MAIL = (
    b"From: handlaggare@finansiar.example\r\nTo: skolan@sjostad.example\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n"
    b"Subject: Beslut\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBeviljat.\r\n"
)


def mail_with(name: str, data: bytes) -> bytes:
    from email.message import EmailMessage

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@b.example", "c@d.example", "Beslut"
    mail["Date"] = "Fri, 20 Nov 2026 10:00:00 +0100"
    mail.set_content("Se bilaga.")
    mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


TAKEN = {
    "pdf": pdf(),
    "png": picture("PNG"),
    "jpg": picture("JPEG"),
    "tif": picture("TIFF"),
    "docx": office(),
    "xlsx": workbook(),
    "pptx": office("presentationml.presentation"),
    "odt": open_document(),
    "ods": open_document("spreadsheet"),
    "odp": open_document("presentation"),
    "eml": MAIL,
    "msg": outlook(picture("PNG")),
    "csv": "kod;namn\n7714;Trygg hemma, förvaltningen\n".encode("cp1252"),
    "txt": "Möte om Trygg hemma. Närvarande: enhetschef, rektor.\n".encode(),
}


def refused(name: str, data: bytes) -> str:
    with pytest.raises(DocumentRefused) as caught:
        recognised(name, data)
    assert str(caught.value).endswith(".")
    return caught.value.code


# --- what is taken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TAKEN)
def test_each_kind_is_known_by_its_contents_whatever_it_is_called(kind):
    plain = kind in {"txt", "csv"}
    for name in (f"fil.{kind}", *(() if plain else ("fil.exe", "fil", "../../x.pdf"))):
        assert recognised(name, TAKEN[kind]) == Recognised(CONTENT_TYPES[kind], kind)


def test_a_pdf_of_a_real_maker_is_taken():
    made = HTML(string="<h1>Beslut</h1><p>Beviljat 400 000 kr.</p>").write_pdf()
    assert recognised("beslut.pdf", made) == Recognised("application/pdf", "pdf")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (pdf(b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"), "script"),
        (stream(b"/Type /ObjStm /N 1", b"<< /S /JavaScript /JS (1) >>"), "script"),
        (pdf(b"/S /J#61vaScript"), "script"),
        (pdf(b"/Encrypt 5 0 R"), "encrypted"),
        (pdf(b"/Names << /EmbeddedFiles 6 0 R >>"), "attached"),
        (with_part("word/embeddings/sheet.xlsx", office("spreadsheetml.sheet")), "embedded"),
    ],
)
def test_what_a_document_holds_besides_is_told_and_not_refused(data, told):
    with translation.override("en"):
        (note,) = recognised("blankett.pdf", data).notes
    assert told in note


# --- what is refused -------------------------------------------------------------------------------------

REFUSED = {
    "of 0 bytes": ("tom.pdf", b"", "empty"),
    "a program called PDF": ("faktura.pdf", EXE, "program"),
    "a program with a PDF in it": ("faktura.pdf", EXE + pdf(), "program"),
    "a program for Linux": ("fil.pdf", b"\x7fELF\x02\x01\x01" + b"\x00" * 100, "program"),
    "a program for Mac": ("fil.docx", b"\xcf\xfa\xed\xfe" + b"\x00" * 100, "program"),
    "a script": ("anteckning.txt", b"#!/bin/sh\nrm -rf /\n", "program"),
    "a script after blank space": ("anteckning.txt", b"\xef\xbb\xbf \n#!/bin/sh\n", "program"),
    "a shortcut": ("fil.pdf", b"L\x00\x00\x00\x01\x14\x02\x00" + b"\x00" * 80, "program"),
    "Java": ("fil.pdf", zipped({"META-INF/MANIFEST.MF": b"x", "A.class": b"\xca\xfe\xba\xbe"}), "program"),
    "an app": ("fil.pdf", zipped({"AndroidManifest.xml": b"x", "classes.dex": b"dex\n"}), "program"),
    "the scanners' test file": (
        "x.txt",
        rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
        "program",
    ),
    "a text that is run by its name": ("installera.bat", b"echo hej\r\n", "program"),
    "a web page": ("sida.txt", b"<!doctype html><script>alert(1)</script>", "active_text"),
    "a web page after a mark": ("sida.txt", b"\xef\xbb\xbf\n <html></html>", "active_text"),
    "a drawing with scripts": ("bild.png", b'<svg xmlns="x" onload="a()"/>', "active_text"),
    "RTF": ("brev.doc", rb"{\rtf1\ansi{\object\objemb x}}", "active_text"),
    "PostScript": ("fil.txt", b"%!PS-Adobe-3.0\n", "active_text"),
    "a text called PDF": ("beslut.pdf", b"404 Not Found", "not_what_it_is_called"),
    "something before the PDF": ("a.pdf", b"\r\nGET / HTTP/1.1\r\n\r\n" + pdf(), "not_from_the_start"),
    "a PDF that is cut": ("a.pdf", pdf()[:40], "damaged"),
    "a PDF that starts programs": (
        "a.pdf",
        pdf(b"/OpenAction << /S /Launch /F (cmd.exe) >>"),
        "starts_programs",
    ),
    "the same, spelled otherwise": ("a.pdf", pdf(b"/S /La#75nch"), "starts_programs"),
    "the same, packed": ("a.pdf", stream(b"/Type /ObjStm", b"<< /S /Launch >>"), "starts_programs"),
    "a PDF with a program attached": ("a.pdf", stream(b"/Type /EmbeddedFile", EXE), "program"),
    "a PDF that is an archive too": ("a.pdf", pdf() + zipped({"A.txt": b"x"}), "two_in_one"),
    "a picture that is an archive too": ("a.jpg", picture("JPEG") + zipped({"A.txt": b"x"}), "two_in_one"),
    "a picture that goes on": ("a.png", picture("PNG") + b"mer", "more_after_the_end"),
    "a picture that is cut": ("a.png", picture("PNG")[:-20], "damaged"),
    "an archive": ("filer.zip", zipped({"a.pdf": pdf()}), "archive"),
    "an archive called DOCX": ("a.docx", zipped({"a.exe": EXE}), "archive"),
    "another archive": ("filer.7z", b"7z\xbc\xaf\x27\x1c" + b"\x00" * 20, "archive"),
    "macros": ("a.docx", with_part("word/vbaProject.bin", OLE), "macros"),
    "macros by their type": (
        "a.docx",
        zipped(
            {
                "[Content_Types].xml": b"application/vnd.ms-word.document.macroEnabled.main+xml "
                b"wordprocessingml.document.main+xml"
            }
        ),
        "macros",
    ),
    "old macros": ("a.xlsx", office("spreadsheetml.sheet", {"xl/macrosheets/sheet1.xml": b"x"}), "macros"),
    "macros of OpenDocument": (
        "a.odt",
        open_document("text", {"Basic/Standard/Module1.xml": b"x"}),
        "macros",
    ),
    "a program among the pictures": ("a.docx", with_part("word/media/image1.png", EXE), "program"),
    "an embedded package": (
        "a.docx",
        with_part("word/embeddings/oleObject1.bin", compound(("\x01Ole10Native", b"x"))),
        "embedded",
    ),
    "a way out of the folder": ("a.docx", with_part("../../etc/passwd", b"x"), "damaged"),
    "a locked document": ("a.docx", compound(("EncryptedPackage", b"x")), "locked"),
    "a document of old Word": ("a.doc", compound(("WordDocument", b"x")), "old_office"),
    "an installer": ("a.msi", compound(("Property", b"x")), "not_taken"),
    "a mail with a program": ("a.eml", mail_with("faktura.pdf", EXE), "program"),
    "a mail of Outlook with a program": ("a.msg", outlook(EXE), "program"),
    "bytes of no kind": ("a.bin", bytes(range(256)), "not_taken"),
    "another kind of Office": (
        "a.vsdx",
        zipped({"[Content_Types].xml": b"visio.drawing.main+xml"}),
        "not_taken",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_with_a_sentence(what):
    name, data, code = REFUSED[what]
    assert refused(name, data) == code


def test_a_file_over_the_limit_is_refused(settings):
    settings.DOCUMENT_LIMIT = 1000
    assert refused("a.txt", b"a" * 1001) == "too_large"
    assert recognised("a.txt", b"a" * 1000).extension == "txt"


def test_a_bomb_is_refused_before_it_is_unpacked():
    """A gigabyte of spaces in a sheet; one that says it is small; one within another; and many small parts."""
    sheet = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = sheet.compress(b" " * 64 * 1024 * 1024) + sheet.flush()
    bomb = with_part("xl/worksheets/sheet1.xml", b" " * 64 * 1024 * 1024)
    assert len(packed) < 100_000
    began = time.perf_counter()
    assert refused("a.xlsx", bomb) == "bomb"
    assert (
        refused("a.xlsx", with_part("xl/embeddings/x.xlsx", with_part("y.xlsx", with_part("z", office()))))
        == "bomb"
    )
    lying = bomb.replace(struct.pack("<I", 64 * 1024 * 1024), struct.pack("<I", 1000))
    assert refused("a.xlsx", lying) in {"damaged", "bomb"}
    assert refused("a.xlsx", office(more={f"p{number}": b"" for number in range(6000)})) == "bomb"
    assert time.perf_counter() - began < 5


def ring(rounds: int, table: int = 0) -> bytes:
    """A compound file of three sectors whose list of tables names itself again and again."""
    head = bytearray(4096)
    head[:8] = OLE
    struct.pack_into("<H", head, 30, 12)
    struct.pack_into("<II", head, 48, 0, 0)
    struct.pack_into("<III", head, 60, 0xFFFFFFFE, 0, 1)
    struct.pack_into("<I", head, 72, rounds)
    struct.pack_into("<109I", head, 76, *[0xFFFFFFFF] * 109)
    return bytes(head) + b"\xfe\xff\xff\xff" * 1024 + struct.pack("<1024I", *[table] * 1023, 1)


@pytest.mark.parametrize("rounds", [1, 2, 30])
def test_a_compound_file_whose_tables_name_each_other_again_and_again_is_refused_at_once(rounds):
    began = time.perf_counter()
    assert refused("a.msg", ring(rounds)) == "damaged"
    assert refused("a.docx", office(more={"word/embeddings/o.bin": ring(rounds)})) == "damaged"
    assert time.perf_counter() - began < 0.5


def test_a_compound_file_whose_tables_lie_behind_its_end_is_refused():
    assert refused("a.msg", ring(1)[:4200]) == "damaged"
    assert refused("a.msg", ring(1)[:4096]) == "damaged"


def test_archives_within_a_document_share_one_measure():
    """Each of them is small for itself; a hundred of 19 MB are not, and neither are many parts or many archives."""
    leaf = with_part("word/a.bin", b"\0" * 19 * 1024 * 1024)
    assert recognised("a.docx", office(more={"word/embeddings/a.docx": leaf})).extension == "docx"
    for parts in (
        {f"word/embeddings/{number}.docx": leaf for number in range(100)},
        {"word/embeddings/x.docx": office(more={f"word/{number}.docx": leaf for number in range(100)})},
        {f"word/{one}.docx": office(more={f"{two}": b"" for two in range(600)}) for one in range(9)},
        {f"word/embeddings/{number}.docx": with_part("x", b"") for number in range(501)},
    ):
        data = office(more=parts)
        assert len(data) < 1_000_000
        began = time.perf_counter()
        assert refused("a.docx", data) == "bomb"
        assert time.perf_counter() - began < 2


@pytest.mark.parametrize("count", [None, 1], ids=["as it is", "a number that is not true"])
def test_very_many_parts_are_refused_before_their_directory_is_read(monkeypatch, count):
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(5_001):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    data = bytearray(out.getvalue())
    if count is not None:
        end = data.rfind(b"PK\x05\x06")
        data[end + 8 : end + 12] = count.to_bytes(2, "little") * 2
    monkeypatch.setattr(
        "strategy.document_contents.ZipFile", lambda *_given: pytest.fail("the directory was read")
    )
    assert refused("a.docx", bytes(data)) == "bomb"
    assert refused("a.jpg", picture("JPEG") + bytes(data)) == "two_in_one"


def test_a_part_that_is_read_whole_is_no_larger_than_a_file_may_be(settings):
    inside = zipped(
        {"[Content_Types].xml": b"x.wordprocessingml.document.main+xml", "a": b"\0" * 3_000_000},
        stored=("a",),
    )
    data = office(more={"word/embeddings/a.docx": inside})
    assert recognised("a.docx", data).extension == "docx"
    settings.DOCUMENT_LIMIT = 2_000_000
    assert len(data) < 100_000 and refused("a.docx", data) == "bomb"


def test_a_report_with_a_workbook_behind_each_of_its_diagrams_is_taken():
    parts = {f"word/embeddings/Diagram{number}.xlsx": workbook() for number in range(60)}
    assert recognised("a.docx", office(more=parts)).extension == "docx"


@pytest.mark.parametrize("packed", [b"\0", zlib.compress(b"")])
def test_thousands_of_tiny_packed_objects_in_a_pdf_take_no_time(packed):
    objects = b"1 0 obj<</ObjStm/FlateDecode>>stream\n" + packed + b"\n"
    data = b"%PDF-1.7\n" + objects * 5000 + b"\0" * 5 * 1024 * 1024 + b"\n%%EOF"
    began = time.perf_counter()
    assert recognised("a.pdf", data).extension == "pdf"
    assert time.perf_counter() - began < 1


def test_what_a_packed_object_says_late_is_still_seen():
    noise = random.Random(7).randbytes(300_000)
    assert refused("a.pdf", stream(b"/Type /ObjStm", noise + b" << /S /Launch >>")) == "starts_programs"
    assert refused("a.pdf", stream(b"/Type /EmbeddedFile", EXE + noise)) == "program"


def test_a_mail_of_thousands_of_nested_parts_takes_no_time():
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (number, number)
        for number in range(20_000)
    )
    head = b"From: a@b.example\r\nDate: x\r\nSubject: y\r\nMIME-Version: 1.0\r\n"
    began = time.perf_counter()
    assert refused("a.eml", head + nested) == "damaged"
    assert time.perf_counter() - began < 2


# --- anything else: never a traceback, never a program ---------------------------------------------------


def judged(name: str, data: bytes) -> None:
    try:
        found = recognised(name, data)
    except DocumentRefused:
        return
    assert found.extension in CONTENT_TYPES
    assert not data.startswith((b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"L\x00\x00\x00"))


@given(st.binary(max_size=3000), st.sampled_from(["a.pdf", "a.txt", "a", "a.docx", "../a.exe"]))
def test_any_bytes_at_all_are_judged(data, name):
    judged(name, data)


@trying(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from(
        [*TAKEN.values(), mail_with("a.pdf", pdf()), stream(b"/Type /ObjStm", b"<< /S /GoTo >>")]
    ),
    st.randoms(use_true_random=False),
)
def test_a_real_file_that_was_cut_flipped_or_stirred_is_judged(data, chance: random.Random):
    bent = bytearray(data)
    for _time in range(chance.randint(1, 8)):
        if chance.random() < 0.2:
            bent = bent[: chance.randint(0, len(bent))]
        elif bent:
            place = chance.randrange(len(bent))
            bent[place : place + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
    judged("fil.pdf", bytes(bent))


@trying(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from([EXE, b"\x7fELF\x02\x01\x01", b"#!/bin/sh\n"]),
    st.sampled_from([*TAKEN.values()]),
    st.text(),
)
def test_a_program_with_any_document_after_it_is_never_taken(program, document, name):
    assert refused(name, program + document) == "program"


# --- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "extension", "kept"),
    [
        ("../../x.pdf", "pdf", "x.pdf"),
        ("..\\..\\x.pdf", "pdf", "x.pdf"),
        ("C:\\Users\\a\\Beslut.PDF", "pdf", "Beslut.pdf"),
        ("x.pdf.exe", "pdf", "x.pdf"),
        ("x.exe", "pdf", "x.pdf"),
        ("x.docx", "pdf", "x.pdf"),
        ("foto.JPEG", "jpg", "foto.jpeg"),
        ("fakt\u202efdp.exe", "pdf", "faktfdp.pdf"),
        ("a\x00b\r\n\tc.pdf", "pdf", "abc.pdf"),
        ('a"b<c>:d|e?f*g.pdf', "pdf", "a_b_c__d_e_f_g.pdf"),
        ("CON.pdf", "pdf", "_CON.pdf"),
        ("", "pdf", "dokument.pdf"),
        ("...", "txt", "dokument.txt"),
        (".htaccess", "txt", "htaccess.txt"),
        ("A\u030aterrapport.pdf", "pdf", "Återrapport.pdf"),
        ("mötet 3.2", "txt", "mötet 3.2.txt"),
        ("å" * 300 + ".pdf", "pdf", "å" * 120 + ".pdf"),
    ],
)
def test_the_name_that_is_kept(name, extension, kept):
    assert stored_name(name, extension) == kept


@given(st.text(), st.sampled_from(sorted(CONTENT_TYPES)))
def test_any_name_becomes_one_that_can_be_kept(name, extension):
    kept = stored_name(name, extension)
    assert len(kept.encode()) < 500 and kept.isprintable() and not kept.startswith((".", "-/", " "))
    assert not set('/\\:*?"<>|') & set(kept)
    assert stored_name(kept, extension) == kept
