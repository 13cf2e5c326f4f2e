"""Reading XLSX: every cell as the sheet shows it, or a sentence that names the cell; never a traceback."""

from __future__ import annotations

import io
import re
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import python_calamine
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages import spreadsheets
from pages.columns import Column
from pages.files import ChooseSheet, Table, TableRefused, read_table, write_xlsx
from values.money import Amount, Money

KNOWN = ("title", "funder", "starts", "budget", "number")


def workbook(fill: Callable[[Any, Any], None], **options: Any) -> bytes:
    """A workbook of one sheet "Projekt", which `fill(book, sheet)` writes."""
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True, **options})
    fill(book, book.add_worksheet("Projekt"))
    book.close()
    return memory.getvalue()


def rows(*lines: tuple[Any, ...], **options: Any) -> bytes:
    def fill(_book, sheet):
        for number, line in enumerate(lines):
            for place, value in enumerate(line):
                sheet.write(number, place, value)

    return workbook(fill, **options)


def cell(value: Any, form: str | Mapping[str, Any] = "General", **options: Any) -> str:
    """What is read of one cell that holds the number in this format."""

    def fill(book, sheet):
        sheet.write_row(0, 0, ["title", "number"])
        sheet.write(1, 0, "En")
        given = {"num_format": form} if isinstance(form, str) else dict(form)
        sheet.write_number(1, 1, value, book.add_format(given))

    return read(workbook(fill, **options)).rows[0].cells[1]


def read(data: bytes, **given: Any) -> Table:
    return read_table(data, known_headers=KNOWN, **given)


def refused(data: bytes, **given: Any) -> list[tuple[str, int | None, str | None]]:
    with pytest.raises(TableRefused) as caught:
        read(data, **given)
    assert all(problem.message.endswith((".", "…")) for problem in caught.value.problems)
    return [(problem.code, problem.line, problem.column) for problem in caught.value.problems]


def sentences(data: bytes, **given: Any) -> list[str]:
    with pytest.raises(TableRefused) as caught:
        read(data, **given)
    return [problem.message for problem in caught.value.problems]


def with_part(data: bytes, name: str, change: Callable[[str], str]) -> bytes:
    """The workbook with one of its parts rewritten."""
    memory = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            text = old.read(info)
            new.writestr(info.filename, change(text.decode()).encode() if info.filename == name else text)
    return memory.getvalue()


def packed(parts: Mapping[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in parts.items():
            archive.writestr(name, contents)
    return memory.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = rows(("title", "funder", "starts"), ("Trygg hemma", "Vinnova", "2026-09"), ("Ljus", "", ""))


# --- what is read ----------------------------------------------------------------------------------------


def test_a_sheet_is_read_with_its_lines_and_headings():
    table = read(PLAIN)
    assert (table.headers, table.header_line, table.sheet, table.notes) == (
        ("title", "funder", "starts"),
        1,
        "Projekt",
        (),
    )
    assert [(row.line, row.cells) for row in table.rows] == [
        (2, ("Trygg hemma", "Vinnova", "2026-09")),
        (3, ("Ljus", "", "")),
    ]


def test_the_heading_need_not_stand_first_nor_begin_in_the_first_column():
    def fill(book, sheet):
        sheet.merge_range("A1:F1", "Projekt 2026", book.add_format())
        sheet.write("B3", "Utskriven 2026-11-20")
        sheet.write_row("C5", ["Title", " Funder "])
        sheet.write_row("C7", ["Trygg hemma", "Vinnova"])

    table = read(workbook(fill))
    assert (table.headers, table.header_line) == (("", "", "Title", "Funder"), 5)
    assert [(row.line, row.cells) for row in table.rows] == [(7, ("", "", "Trygg hemma", "Vinnova"))]


@pytest.mark.parametrize(
    ("value", "form", "said"),
    [
        (7, "0000", "0007"),
        (12345, "0000", "12345"),
        (7, '"P-"0000', "P-0007"),
        (2120000449, "000000-0000", "212000-0449"),
        (449, "000000-0000", "000000-0449"),
        (7, "General", "7"),
        (7, "0", "7"),
        (400000, "#,##0", "400000"),
        (1234.5, "#,##0.00", "1234,5"),
        (0.1 + 0.2, "General", "0,3"),
        (400000, '#,##0 "kr"', "400000 kr"),
        (400, '#,##0" tkr"', "400 tkr"),
        (400000, '#,##0," tkr"', "400 tkr"),
        (400500, '#,##0," tkr"', "400,5 tkr"),
        (400000, "#,##0,", "400000"),
        (1200, "#,##0.00 [$€-41D]", "1200 €"),
        (1200, "[$EUR] #,##0", "EUR 1200"),
        (1200, "#,##0 [$kr-41D];[Red]-#,##0 [$kr-41D]", "1200 kr"),
        (-1200, "#,##0 [$kr-41D];[Red]-#,##0 [$kr-41D]", "-1200 kr"),
        (0, '#,##0;-#,##0;"–"', "0"),
        (5, 'General" tkr"', "5 tkr"),
        (0.3, "0%", "30 %"),
        (1e20, "General", "100000000000000000000"),
        (123456789012345, "0", "123456789012345"),
        (-7, "0000", "-7"),
        (7.5, "0000", "7,5"),
    ],
)
def test_a_number_is_read_as_its_format_shows_it_with_its_unit_and_its_zeros(value, form, said):
    assert cell(value, form) == said


@pytest.mark.parametrize(
    ("value", "form", "said"),
    [
        (46266, "yyyy-mm-dd", "2026-09-01"),
        (46266, "d mmm", "2026-09-01"),
        (46266, "mmm-yy", "2026-09"),
        (46266, "yyyy-mm", "2026-09"),
        (46266, 'yyyy" år"', "2026"),
        (46266.5, "yyyy-mm-dd", "2026-09-01"),
        (46266.5, "yyyy-mm-dd hh:mm", "2026-09-01 12:00"),
        (46266, "yyyy-mm-dd hh:mm", "2026-09-01"),
        (0.5, "hh:mm", "12:00"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (2958465, "yyyy-mm-dd", "9999-12-31"),
        (46266, "[$-41D]d mmmm yyyy;@", "2026-09-01"),
        (46266, {"num_format": 14}, "2026-09-01"),
        (46266, {"num_format": 17}, "2026-09"),
    ],
)
def test_a_date_is_read_as_far_as_its_format_shows_it(value, form, said):
    assert cell(value, form) == said


def test_the_calendar_of_1904_is_read_as_it_is_meant():
    def fill(book, sheet):
        sheet.write_row(0, 0, ["title", "starts"])
        sheet.write(1, 0, "En")
        sheet.write_datetime(1, 1, date(2026, 9, 1), book.add_format({"num_format": "yyyy-mm-dd"}))

    assert read(workbook(fill, date_1904=True)).rows[0].cells == ("En", "2026-09-01")


@pytest.mark.parametrize("number", [0, 60, -1, 2958466, 99999999])
def test_a_number_that_is_no_day_is_refused_in_the_format_of_a_date(number):
    with pytest.raises(TableRefused) as caught:
        cell(number, "yyyy-mm-dd")
    assert (caught.value.code, caught.value.line) == ("date", 2)
    assert "B2" in caught.value.message


def test_a_number_without_format_that_may_be_a_day_is_told_with_that_day():
    table = read(rows(("title", "starts"), ("En", 46266), ("Två", 400000), ("Tre", "46266")))
    assert [row.cells[1] for row in table.rows] == ["46266", "400000", "46266"]
    assert table.numbers == {1: {2: "2026-09-01", 3: ""}}
    (old,) = read(rows(("title", "starts"), ("En", 44804), date_1904=True)).numbers.values()
    assert old == {2: "2026-09-01"}


def test_texts_booleans_breaks_and_texts_that_look_like_formulas_are_read_as_they_are():
    def fill(book, sheet):
        sheet.write_row(0, 0, ["title", "funder"])
        sheet.write_string(1, 0, "=1+1")
        sheet.write_boolean(1, 1, True)
        sheet.write_string(2, 0, "'=x")
        sheet.write_string(2, 1, "Rad ett\nrad två")
        sheet.write_rich_string(3, 0, "Fet ", book.add_format({"bold": True}), "och", " vanlig")
        sheet.write_string(3, 1, "_x000D_")
        sheet.write_string(4, 0, "0012")
        sheet.write_string(4, 1, "a\u030a")  # å in two parts

    assert [row.cells for row in read(workbook(fill)).rows] == [
        ("=1+1", "SANT"),
        ("'=x", "Rad ett\nrad två"),
        ("Fet och vanlig", "_x000D_"),
        ("0012", "å"),
    ]


def test_a_formula_is_read_as_its_saved_result():
    def fill(_book, sheet):
        sheet.write_row(0, 0, ["title", "budget"])
        sheet.write_formula(1, 0, '="Trygg"&" hemma"', value="Trygg hemma")
        sheet.write_formula(1, 1, "=200000*2", value=400000)

    assert read(workbook(fill)).rows[0].cells == ("Trygg hemma", "400000")


def test_rows_and_cells_without_reference_are_counted_as_they_come():
    data = with_part(PLAIN, SHEET, lambda text: re.sub(r' r="[A-Z]*\d+"', "", text))
    assert read(data).rows == read(PLAIN).rows


# --- what is refused, with its address -------------------------------------------------------------------


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?"])
def test_an_error_cell_is_refused_with_its_address(error):
    def fill(_book, sheet):
        sheet.write_row(0, 0, ["title", "funder"])
        sheet.write(1, 0, "En")
        sheet.write_formula(1, 1, "=A99/0", value=error)

    assert refused(workbook(fill)) == [("error", 2, "funder")]
    (said,) = sentences(workbook(fill))
    assert "B2" in said and error in said


def test_an_error_beside_or_above_the_table_harms_nobody():
    def fill(_book, sheet):
        sheet.write_formula(0, 0, "=A99/0", value="#DIV/0!")
        sheet.write_row(1, 0, ["title", "funder"])
        sheet.write_row(2, 0, ["En", "Två"])

    assert read(workbook(fill)).rows[0].cells == ("En", "Två")


def test_a_formula_without_a_saved_result_is_refused_with_its_address():
    def fill(_book, sheet):
        sheet.write_row(0, 0, ["title", "budget"])
        sheet.write_row(1, 0, ["En", 1])
        sheet.write(2, 0, "Två")
        sheet.write_formula(2, 1, "=B2*2")

    # As a program writes it: 0, to be computed when somebody opens the file.
    assert refused(workbook(fill)) == [("formula", 3, "budget")]
    # As another writes it: nothing at all, and no word of computing.
    empty = with_part(workbook(fill), SHEET, lambda text: text.replace("</f><v>0</v>", "</f><v></v>"))
    quiet = with_part(empty, "xl/workbook.xml", lambda text: text.replace(' fullCalcOnLoad="1"', ""))
    assert refused(quiet) == [("formula", 3, "budget")]
    gone = with_part(quiet, SHEET, lambda text: text.replace("</f><v></v>", "</f>"))
    assert refused(gone) == [("formula", 3, "budget")]
    # As Excel writes it: a 0 that was computed.
    saved = with_part(workbook(fill), "xl/workbook.xml", lambda text: text.replace(' fullCalcOnLoad="1"', ""))
    assert read(saved).rows[1].cells == ("Två", "0")
    assert "B3" in sentences(quiet)[0]


@pytest.mark.parametrize(
    ("where", "line"), [("A2:A3", 2), ("A1:B1", 1), ("A3:C3", 3), ("A1:A2", 1), ("B2:D9", 2)]
)
def test_merged_cells_in_the_table_are_refused_with_their_range(where, line):
    def fill(book, sheet):
        sheet.write_row(0, 0, ["title", "funder", "budget"])
        sheet.write_row(1, 0, ["En", "Vinnova", "1"])
        sheet.write_row(2, 0, ["Två", "Vinnova", "2"])

    data = with_part(
        workbook(fill),
        SHEET,
        lambda text: text.replace(
            "</sheetData>", f'</sheetData><mergeCells count="1"><mergeCell ref="{where}"/></mergeCells>'
        ),
    )
    assert refused(data) == [("merged", line, None)]
    assert where in sentences(data)[0]


@pytest.mark.parametrize("where", ["A1:E1", "E2:F9", "A20:C21"])
def test_merged_cells_above_beside_and_below_the_table_harm_nobody(where):
    def fill(book, sheet):
        sheet.write_row(1, 0, ["title", "funder", "budget"])
        sheet.write_row(2, 0, ["En", "Vinnova", "1"])
        sheet.merge_range(where, "", book.add_format())

    assert read(workbook(fill)).rows[0].cells == ("En", "Vinnova", "1")


def test_a_number_of_seventeen_digits_is_refused_and_as_text_it_is_read():
    data = rows(("title", "number"), ("En", 12345678901234567), ("Två", "12345678901234567"))
    assert refused(data) == [("digits", 2, "number")]
    assert "B2" in sentences(data)[0]
    assert read(rows(("title", "number"), ("En", "12345678901234567"))).rows[0].cells[1] == (
        "12345678901234567"
    )


def test_a_unit_that_depends_on_the_size_of_the_number_is_refused():
    with pytest.raises(TableRefused) as caught:
        cell(31000000, '[>=1000000]0.0,," mkr";0," tkr"')
    assert caught.value.code == "unsure"
    assert cell(31000000, "[>=1000000][Blue]0;[Red]0") == "31000000"


def test_text_without_a_heading_and_headings_twice_are_refused_by_column():
    assert refused(rows(("title", "funder"), ("En", "", "lös text"))) == [("cell_without_heading", 2, "C")]
    assert refused(rows(("title", "Title ", "funder"), ("En", "Två", ""))) == [("heading_twice", 1, "Title")]


def test_every_reason_is_told_at_once_in_the_order_of_the_file():
    def fill(_book, sheet):
        sheet.write_row(0, 0, ["title", "budget"])
        sheet.write_row(1, 0, ["En", 12345678901234567])
        sheet.write(2, 0, "Två")
        sheet.write_formula(2, 1, "=B2*2")
        sheet.write_formula(3, 0, "=X", value="#NAME?")
        sheet.write(3, 5, "utanför")

    assert [code for code, _line, _column in refused(workbook(fill))] == [
        "digits",
        "formula",
        "error",
        "cell_without_heading",
    ]


def test_more_rows_than_are_taken_are_refused_and_empty_formatted_ones_do_not_count(monkeypatch):
    monkeypatch.setattr("pages.files.MOST_ROWS", 3)
    assert refused(rows(("title", "funder"), *[("En", "a")] * 4)) == [("too_many_rows", 5, None)]

    def fill(book, sheet):
        sheet.write_row(0, 0, ["title", "funder"])
        sheet.write_row(1, 0, ["En", "Två"])
        form = book.add_format({"italic": True})
        for line in range(2, 5000):
            sheet.write_blank(line, 0, None, form)

    assert len(read(workbook(fill)).rows) == 1


# --- sheets, and what is hidden --------------------------------------------------------------------------


def several(*names: str, table: tuple[str, ...], hidden: tuple[str, ...] = ()) -> bytes:
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True})
    for name in names:
        sheet = book.add_worksheet(name)
        if name in table:
            sheet.write_row(0, 0, ["title", "funder"])
            sheet.write_row(1, 0, [f"Ur {name}", "Vinnova"])
        else:
            sheet.write(0, 0, "Läs detta")
        if name in hidden:
            sheet.hide()
    book.close()
    return memory.getvalue()


def test_of_several_sheets_the_one_that_holds_a_table_is_read_and_that_is_said():
    table = read(several("Om", "Projekt 2026", "Listor", table=("Projekt 2026",)))
    assert (table.sheet, table.rows[0].cells[0]) == ("Projekt 2026", "Ur Projekt 2026")
    (note,) = table.notes
    assert "Projekt 2026" in note and "Om, Listor" in note


def test_where_several_sheets_hold_a_table_somebody_says_which():
    data = several("2025", "2026", "Om", table=("2025", "2026"))
    with pytest.raises(ChooseSheet) as caught:
        read(data)
    assert (caught.value.code, caught.value.sheets) == ("which_sheet", ("2025", "2026"))
    assert read(data, sheet="2026").rows[0].cells[0] == "Ur 2026"
    assert refused(data, sheet="2027") == [("no_such_sheet", None, None)]
    assert refused(data, sheet="Om") == [("no_header", None, None)]


def test_of_several_sheets_the_address_names_the_sheet():
    def fill(book, sheet):
        book.add_worksheet("Om")
        sheet.write_row(0, 0, ["title", "funder"])
        sheet.write(1, 0, "En")
        sheet.write_formula(1, 1, "=A99/0", value="#N/A")

    assert "Projekt!B2" in sentences(workbook(fill))[0]


def test_a_hidden_sheet_yields_to_a_shown_one_and_is_said_when_it_is_read():
    data = several("Visad", "Dold", table=("Visad", "Dold"), hidden=("Dold",))
    assert read(data).sheet == "Visad"
    table = read(data, sheet="dold")
    assert (table.sheet, len(table.notes)) == ("Dold", 2)


def test_hidden_rows_and_columns_are_read_and_said():
    def fill(_book, sheet):
        sheet.write_row(0, 0, ["title", "funder", "budget"])
        for line in range(1, 6):
            sheet.write_row(line, 0, [f"Projekt {line}", "Vinnova", line])
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column("B:B", None, None, {"hidden": True})
        sheet.set_column("H:XFD", None, None, {"hidden": True})

    table = read(workbook(fill))
    assert len(table.rows) == 5
    rows_note, columns_note = table.notes
    assert "3" in rows_note and "funder" in columns_note


def test_macros_and_links_to_other_workbooks_are_said_and_left_alone():
    def fill(_book, sheet):
        sheet.write_row(0, 0, ["title", "funder"])
        sheet.write(1, 0, "En")
        sheet.write_formula(1, 1, "='[1]Blad 1'!A1", value="Vinnova")

    with zipfile.ZipFile(io.BytesIO(workbook(fill))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/vbaProject.bin"] = b"makro"
    parts["xl/externalLinks/externalLink1.xml"] = b"<externalLink/>"
    table = read(packed(parts))
    assert (table.rows[0].cells, len(table.notes)) == (("En", "Vinnova"), 2)


def test_the_totals_of_our_own_files_are_no_row():
    columns = (
        Column("title", "title", lambda row: row[0]),
        Column("budget", "budget", lambda row: row[1], kind="amount"),
    )
    data = write_xlsx(
        columns,
        [("En", Money(Decimal(100))), ("Två", Amount(Money(Decimal(50)), approximate=True))],
        sheet="Projekt i Jönköping: 'alla'",
        title="x",
        creator="Medel",
        created=datetime(2026, 11, 20, tzinfo=UTC),
        totals={"budget": [Money(Decimal(150)), Money(Decimal(5), "EUR")]},
    )
    table = read_table(data, known_headers=(*KNOWN, "budget, approximate"))
    assert [row.cells[:2] for row in table.rows] == [("En", "100"), ("Två", "50")]
    assert len(table.notes) == 1


# --- files that are none, or worse -----------------------------------------------------------------------


def test_another_kind_of_packed_file_is_refused_by_what_it_is():
    document = packed({"word/document.xml": b"<x/>", "[Content_Types].xml": b"<x/>"})
    assert refused(document) == [("no_workbook", None, None)]
    ods = packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"})
    assert refused(ods) == [("open_document", None, None)]
    assert refused(packed({"xl/workbook.bin": b"x"})) == [("binary_excel", None, None)]
    assert refused(packed({})) == [("damaged", None, None)]
    assert refused(spreadsheets.OLE + b"\0" * 600) == [("old_excel", None, None)]
    locked = spreadsheets.OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
    assert refused(locked) == [("password", None, None)]


def test_a_part_that_is_far_larger_unpacked_is_refused_before_it_is_unpacked():
    bomb = packed({"xl/workbook.xml": b"<x/>", "[Content_Types].xml": b" " * 30_000_000})
    assert len(bomb) < 60_000
    assert refused(bomb) == [("too_large_unpacked", None, None)]
    with zipfile.ZipFile(io.BytesIO(PLAIN)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[SHEET] = parts[SHEET].replace(b"<sheetData>", b"<sheetData>" + b" " * 50_000_000)
    assert refused(packed(parts)) == [("too_large_unpacked", None, None)]


def test_ever_so_many_parts_are_refused(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MOST_PARTS", 50)
    assert refused(packed({f"xl/{number}": b"" for number in range(60)})) == [
        ("too_large_unpacked", None, None)
    ]


def test_more_cells_than_any_register_has_are_refused(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MOST_CELLS", 10)
    assert refused(rows(("title", "funder"), *[("En", "Två")] * 9)) == [("too_large_unpacked", None, None)]


def test_ever_so_many_empty_cells_or_texts_are_refused_too(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MOST_CELLS", 100)
    cells = with_part(PLAIN, SHEET, lambda text: text.replace("</row>", "<c/>" * 200 + "</row>", 1))
    assert refused(cells) == [("too_large_unpacked", None, None)]
    texts = with_part(
        PLAIN, "xl/sharedStrings.xml", lambda text: text.replace("</sst>", "<si/>" * 200 + "</sst>")
    )
    assert refused(texts) == [("too_large_unpacked", None, None)]
    monkeypatch.undo()
    wide = with_part(PLAIN, SHEET, lambda text: text.replace("</row>", "<c/>" * 17_000 + "</row>", 1))
    assert refused(wide) == [("damaged", None, None)]


def sharing(text: str, times: int) -> bytes:
    """A workbook of rows that all name the same text."""
    plain = rows(("title", "number"), *(("BIG", "x"),) * times)
    return with_part(plain, "xl/sharedStrings.xml", lambda part: part.replace(">BIG<", f">{text}<"))


def test_a_text_that_many_rows_share_is_composed_once(monkeypatch):
    composed = []

    def watched(text):
        composed.append(text)
        return unicodedata.normalize("NFC", text)

    monkeypatch.setattr(spreadsheets, "nfc", watched)
    table = read(sharing("a\u030a" * 15_000, 50))
    assert {row.cells for row in table.rows} == {("å" * 15_000, "x")} and len(table.rows) == 50
    assert len({id(row.cells[0]) for row in table.rows}) == 1
    assert sum(len(text) > 100 for text in composed) == 1


def test_a_cell_with_more_than_excel_itself_takes_is_refused_with_its_address():
    assert len(read(sharing("a" * 32_767, 1)).rows[0].cells[0]) == 32_767
    assert sentences(sharing("a" * 32_768, 2)) == [
        f"Cellen {cell} innehåller fler än 32 767 tecken, vilket är det mesta som Excel självt tar emot. Korta texten."
        for cell in ("A2", "A3")
    ]
    inline = with_part(
        rows(("title", "number"), ("En", 5)),
        "xl/worksheets/sheet1.xml",
        lambda part: part.replace("<v>5</v>", f"<v>{'5' * 32_768}</v>"),
    )
    assert refused(inline) == [("long", 2, "number")]


def test_a_table_of_more_text_than_any_register_has_is_refused(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MOST_TEXT", 100_000)
    assert len(read(sharing("a" * 9_000, 11)).rows) == 11
    assert refused(sharing("a" * 9_000, 12)) == [("too_large_unpacked", None, None)]


def test_an_entity_bomb_is_refused_unexpanded():
    declared = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    for name in (SHEET, "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"):
        data = with_part(PLAIN, name, lambda text: text.replace("?>", f"?>{declared}", 1))
        assert refused(data) == [("damaged", None, None)]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (SHEET, lambda text: text[: len(text) // 2]),
        (SHEET, lambda text: text.replace('r="A2"', 'r="ÄÄ2"')),
        (SHEET, lambda text: text.replace('r="A2"', 'r="ZZZ2"')),
        (SHEET, lambda text: text.replace('<row r="2"', '<row r="1"')),
        (SHEET, lambda text: text.replace('<row r="2"', '<row r="2000000"')),
        (SHEET, lambda text: text.replace("<v>3</v>", "<v>999</v>")),
        (SHEET, lambda text: text.replace("<v>3</v>", "<v>-1</v>")),
        (SHEET, lambda text: text.replace('t="s"><v>3</v>', "><v>1E999999999</v>")),
        (SHEET, lambda text: text.replace('t="s"><v>3</v>', "><v>NaN</v>")),
        (SHEET, lambda text: text.replace('t="s"><v>3</v>', ' s="77"><v>1</v>')),
        ("xl/_rels/workbook.xml.rels", lambda _text: "<x/>"),
        ("xl/workbook.xml", lambda _text: ""),
    ],
)
def test_a_workbook_that_contradicts_itself_is_refused(name, change):
    with pytest.raises(TableRefused) as caught:
        read(with_part(PLAIN, name, change))
    assert caught.value.code in ("damaged", "no_header")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.integers(0, len(PLAIN) - 1), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused_in_a_sentence(place, value, cut):
    data = PLAIN[:place] if cut else PLAIN[:place] + bytes([value]) + PLAIN[place + 1 :]
    try:
        read(data)
    except TableRefused as caught:
        assert caught.problems


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from([SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml", "_rels/.rels"]),
    start=st.integers(0, 3000),
    length=st.integers(0, 40),
    put=st.text(st.sampled_from("<>/\"'=&;0123456789ABrstv \x00åé"), max_size=12),
)
def test_a_workbook_whose_xml_was_tampered_with_is_read_or_refused(name, start, length, put):
    data = with_part(PLAIN, name, lambda text: text[:start] + put + text[start + length :])
    try:
        read(data)
    except TableRefused as caught:
        assert caught.problems


VALUES = st.one_of(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
        min_size=1,
    ),
    st.integers(-(10**14), 10**14),
    st.floats(-1e12, 1e12).map(lambda number: round(number, 4)),
    st.dates(date(1901, 1, 1), date(2199, 12, 31)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=st.lists(st.lists(VALUES, min_size=2, max_size=4), min_size=1, max_size=6))
def test_what_calamine_reads_of_a_plain_workbook_is_read_here_too(table):
    def fill(book, sheet):
        form = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["title", "funder", "starts", "budget"])
        for number, line in enumerate(table, start=1):
            for place, value in enumerate(line):
                if isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif isinstance(value, date):
                    sheet.write_datetime(number, place, value, form)
                else:
                    sheet.write_number(number, place, value)

    data = workbook(fill)
    told = {row.line: row.cells for row in read(data).rows}
    other = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    for number, line in enumerate(other.to_python(skip_empty_area=False)[1:], start=2):
        if not any(str(value).strip() for value in line):
            continue
        for mine, theirs in zip(told[number], line, strict=False):
            if isinstance(theirs, float):
                assert float(mine.replace(",", ".")) == pytest.approx(theirs, rel=1e-14)
            elif isinstance(theirs, date):
                assert mine == theirs.isoformat()[:10]
            else:
                assert mine == unicodedata.normalize("NFC", str(theirs))


def test_ten_thousand_rows_are_read_in_seconds_and_little_memory():
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, KNOWN)
    for line in range(1, 10_001):
        sheet.write_row(line, 0, [f"Projekt {line}", "Vinnova", "2026-09", line * 1000, f"77{line}"])
    book.close()
    data = memory.getvalue()
    tracemalloc.start()
    try:
        assert len(read(data).rows) == 10_000
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60_000_000
