import contextlib
import csv
import io
import json
import time
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from pages.columns import NOT_SUMMED, Column
from pages.files import (
    Problem,
    Row,
    Table,
    TableRefused,
    defuse,
    read_table,
    write_csv,
    write_json,
    write_xlsx,
)
from values.money import Amount, Money
from values.precision import parse_partial_date
from values.text import nfc

KNOWN = ("title", "funder", "starts")
CREATED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def read(data: bytes | str, known=KNOWN) -> Table:
    return read_table(data.encode() if isinstance(data, str) else data, known_headers=known)


def refused(data: bytes | str, known=KNOWN) -> tuple[Problem, ...]:
    with pytest.raises(TableRefused) as caught:
        read(data, known)
    return caught.value.problems


def told(data: bytes | str) -> list[tuple[str, int | None, str | None]]:
    return [(problem.code, problem.line, problem.column) for problem in refused(data)]


# Reading.


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_each_separator_and_encoding_is_read(delimiter, encoding):
    text = (
        delimiter.join(("title", "funder")) + "\r\n" + delimiter.join(("Grön stad", "Länsstyrelsen")) + "\r\n"
    )
    assert read(text.encode(encoding)) == Table(
        headers=("title", "funder"),
        rows=(Row(2, ("Grön stad", "Länsstyrelsen")),),
        encoding=encoding,
        delimiter=delimiter,
        header_line=1,
    )


def test_the_heading_is_found_below_a_title_with_an_unpaired_quotation_mark():
    table = read('Projekt 2017;\n"Uttag från registret\n\n Title ; FUNDER;Extra\nCHANGE;ESF;x\n')
    assert (table.headers, table.header_line, table.rows) == (
        ("Title", "FUNDER", "Extra"),
        4,
        (Row(5, ("CHANGE", "ESF", "x")),),
    )


def test_the_separator_is_the_one_that_finds_most_headings():
    assert read("title;funder\ntitle,funder,starts\na,b,c\n").rows == (Row(3, ("a", "b", "c")),)


def test_decomposed_letters_are_composed():
    table = read("title;funder\nA\u0308ldreomsorg;Lansstyrelsen i Jo\u0308nko\u0308ping\n")
    assert table.rows[0].cells == ("Äldreomsorg", "Lansstyrelsen i Jönköping")
    assert read("A\u0308mne;funder\nx;y\n", known=("Ämne", "funder")).headers == ("Ämne", "funder")


def test_a_quoted_line_break_stays_and_lines_are_counted_as_in_the_file():
    table = read('title;funder\n"first\nsecond";"say ""hi"""\n\n;\nlast;x\n')
    assert table.rows == (Row(2, ("first\nsecond", 'say "hi"')), Row(6, ("last", "x")))


def test_short_rows_are_filled_and_empty_trailing_columns_dropped():
    table = read("title;funder;starts;;\na;;;;\nb\n")
    assert (table.headers, [row.cells for row in table.rows]) == (KNOWN, [("a", "", ""), ("b", "", "")])


def test_old_mac_line_ends_are_read():
    assert read("title;funder\ra;b\r").rows == (Row(2, ("a", "b")),)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b" \r\n\n"])
def test_an_empty_file_is_refused(data):
    assert told(data) == [("empty", None, None)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"%PDF-1.7\ntitle;funder\n", "pdf"),
        (b"PK\x03\x04 title;funder", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old_excel"),
        (b"\x89PNG\r\n", "picture"),
        ("title;funder\n".encode("utf-16"), "utf_16"),
    ],
)
def test_another_kind_of_file_is_refused_by_what_it_is(data, code):
    assert told(data) == [(code, None, None)]


def test_a_nul_byte_is_refused_with_its_line():
    assert told(b"title;funder\na;b\x00\n") == [("binary", 2, None)]


def test_a_file_without_headings_is_refused_and_told_which_would_do():
    (problem,) = refused("a;b\nc;d\n")
    assert problem.message == (
        "No line of headings was found among the first 100 lines. "
        "Give the columns headings, at least two of these: title, funder, starts."
    )


def test_a_refusal_names_the_headings_that_it_is_given():
    with pytest.raises(TableRefused) as caught:
        read_table(
            b"a;b\nc;d\n", known_headers=("ends", "ends on", "ends-on", "title"), named=("title", "ends")
        )
    assert caught.value.message.endswith("at least two of these: title, ends.")


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("Title\nA\nB\n", [("A",), ("B",)]),
        ("Projekt 2017\n\nTitle\nVård, skola och 1,5 till\n", [("Vård, skola och 1,5 till",)]),
        ('"title";\n"A; B"\n', [("A; B",)]),
        ("title\n", []),
    ],
)
def test_a_table_of_one_column_is_read_by_its_heading_alone(data, rows):
    table = read(data)
    assert (len(table.headers), [row.cells for row in table.rows]) == (1, rows)


@pytest.mark.parametrize(
    "data", ["Title\nname;lead\nA;B\n", "Title\nname,lead\nA,B\n", "Title\nname\tlead\n"]
)
def test_a_title_above_a_table_is_no_heading(data):
    assert told(data) == [("no_header", None, None)]


def test_the_same_heading_twice_and_nothing_else_is_told_as_that():
    assert told("title;title\na;b\n") == [("heading_twice", 1, "title")]


def test_more_rows_than_are_taken_are_refused_while_reading_and_empty_ones_do_not_count(monkeypatch):
    monkeypatch.setattr("pages.files.MOST_ROWS", 3)
    assert len(read("title;funder\n" + "a;b\n;\n\n" * 3 + ";\n" * 500).rows) == 3
    assert told("title;funder\n" + "a;b\n" * 3 + "a;b;c\n" * 500) == [("too_many_rows", 5, None)]


@pytest.mark.parametrize(
    "data", ["title;funder\n" + "A;EU\n" * 1_000_000, "a;" * 2_000_000, "title;funder\n" + ";;\n" * 500_000]
)
def test_a_file_of_millions_of_cells_costs_no_minutes(data):
    start = time.perf_counter()
    with contextlib.suppress(TableRefused):
        read(data)
    assert time.perf_counter() - start < 5


def test_all_rows_with_too_many_cells_are_named_at_once():
    problems = refused("title;funder\na;b;c\nd;e\nf;g;;h\n")
    assert [(problem.code, problem.line, problem.column) for problem in problems] == [
        ("too_many_cells", 2, "3"),
        ("too_many_cells", 4, "3"),
    ]
    assert problems[1].message == (
        "Line 4 has 4 cells, but there are 2 headings. "
        "Put a text that holds a separator in quotation marks, or give the column a heading."
    )


def test_a_formula_is_refused_and_named():
    (problem,) = refused('title;funder\n"=HYPERLINK(""http://x.se"";""y"")";b\n')
    assert problem == Problem(
        "formula",
        2,
        "title",
        'Line 2, column “title”, holds a formula (=HYPERLINK("http://x.se";"y")). Write its value instead.',
    )


def test_a_phone_number_and_a_dash_are_no_formulas():
    assert read("title;funder\n+46 36 10 50 00;- not decided\n").rows[0].cells == (
        "+46 36 10 50 00",
        "- not decided",
    )


def test_a_heading_twice_and_text_without_heading_are_refused_together():
    assert told("title;;Title;funder\na;b;c;d\n") == [
        ("heading_twice", 1, "Title"),
        ("cell_without_heading", 2, "2"),
    ]


def test_a_quotation_mark_without_its_pair_is_refused():
    assert told('title;funder\na;"b\nc;d\n') == [("quotation_mark", 2, None)]
    assert told('title;funder\n"a"b;c\nd;e;f\n') == [("quotation_mark", 2, None), ("too_many_cells", 3, "3")]


def test_a_cell_beyond_what_the_reader_takes_is_refused():
    assert told("title;funder\na;" + "b" * 200_000 + "\n") == [("cell_too_long", 2, None)]


def test_a_broken_utf_8_file_is_not_read_as_windows_1252():
    assert told("title;funder\nÄldre;å".encode() + b"\xff\n") == [("encoding", 2, None)]


def test_a_byte_that_windows_1252_has_not_is_refused():
    assert told(b"title;funder\na;\x81\n") == [("encoding", 2, None)]


@given(st.binary(max_size=400))
def test_no_damaged_file_raises_anything_else(data):
    try:
        read(data)
    except TableRefused as refusal:
        assert refusal.problems
        assert all(problem.message for problem in refusal.problems)


@given(
    st.text(st.sampled_from(';,"\t\r\n =aäA\u0308\u037e\x0b\x85\u2028'), max_size=80),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_no_odd_text_raises_anything_else_and_each_row_fits_the_headings(text, encoding):
    try:
        table = read(("title;funder;starts\n" + text).encode(encoding, errors="replace"))
    except TableRefused as refusal:
        assert refusal.problems
    else:
        assert {len(row.cells) for row in table.rows} <= {len(table.headers)}
        assert all(nfc(cell) == cell for row in table.rows for cell in row.cells)


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_no_damage_to_a_right_file_raises_anything_else(noise, first, length):
    whole = 'title;funder;starts\r\n"Grön; stad";Länsstyrelsen;2016-09\r\nCHANGE;ESF;2017\r\n'.encode()
    try:
        read(whole[:first] + noise + whole[first + length :])
    except TableRefused as refusal:
        assert refusal.problems


# Writing.

COLUMNS = (
    Column("title", "title", "title"),
    Column("funder", "funder", "funder"),
    Column("starts", "starts", "starts", kind="date"),
    Column("share", "share", "share", kind="amount"),
)
SEPTEMBER = parse_partial_date("2016-09")
ROWS = (
    {"title": "Grön stad", "funder": None, "starts": SEPTEMBER, "share": Money(Decimal("900.50"))},
    {"title": "=1+1", "funder": "ESF", "starts": date(2017, 1, 2), "share": Money(Decimal("31000000.00"))},
)
MIXED = (
    {"title": "a", "funder": "b", "starts": None, "share": Amount(Money(Decimal(5)), approximate=True)},
    {"title": "c", "funder": "d", "starts": None, "share": Money(Decimal("6.50"), "EUR")},
)


def sheet(data: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()


def written(rows: Any = ROWS, columns: Any = COLUMNS, **more: Any) -> bytes:
    return write_xlsx(columns, rows, sheet="Projekt", title="T", creator="C", created=CREATED, **more)


def test_csv_opens_in_a_swedish_excel():
    assert write_csv(COLUMNS, ROWS) == (
        b"\xef\xbb\xbf"
        + (
            "title;funder;starts;share\r\n"
            "Grön stad;;2016-09;900,50\r\n"
            "'=1+1;ESF;2017-01-02;31000000\r\n"
        ).encode()
    )  # fmt: skip


def test_currency_and_approximation_stand_beside_the_number_where_there_are_any():
    assert write_csv(COLUMNS, MIXED).decode("utf-8-sig").splitlines() == [
        "title;funder;starts;share;share, currency;share, approximate",
        "a;b;;5;SEK;approximately",
        "c;d;;6,50;EUR;",
    ]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-12,5", "-12,5"),
        ("+46", "+46"),
        ("-12\n", "'-12\n"),
        ("CHANGE", "CHANGE"),
        ("", ""),
    ],
)
def test_text_that_would_run_is_defused(text, safe):
    assert defuse(text) == safe


def test_headings_are_defused_too():
    assert write_csv([Column("x", "=x", "x")], []) == b"\xef\xbb\xbf'=x\r\n"


@given(
    st.lists(
        st.tuples(
            *[st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)] * 2
        ),
        max_size=8,
    )
)
def test_what_is_written_is_read_again(rows):
    columns = (Column("title", "title", lambda row: row[0]), Column("funder", "funder", lambda row: row[1]))
    kept = [tuple(text if text.strip() else "" for text in row) for row in rows]
    expected = [tuple(nfc(defuse(text)) for text in row) for row in kept if any(row)]
    # A formula after white space is harmless in a file, and refused when it comes in.
    if any(
        text.lstrip().startswith("=") and not defuse(text).startswith("'") for row in kept for text in row
    ):
        assert {problem.code for problem in refused(write_csv(columns, rows))} == {"formula"}
        return
    table = read(write_csv(columns, rows))
    assert (table.headers, [row.cells for row in table.rows]) == (("title", "funder"), expected)


def test_xlsx_keeps_numbers_dates_and_texts():
    assert sheet(written()) == [
        ["title", "funder", "starts", "share"],
        ["Grön stad", "", "2016-09", 900.5],
        ["=1+1", "ESF", date(2017, 1, 2), 31000000.0],
    ]


def test_xlsx_totals_stand_apart_one_line_per_currency():
    totals = {"starts": NOT_SUMMED, "share": [Money(Decimal(5)), Money(Decimal("6.50"), "EUR")]}
    assert sheet(written(MIXED, totals=totals, total_label="All 2")) == [
        ["title", "funder", "starts", "share", "share, currency", "share, approximate"],
        ["a", "b", "", 5.0, "SEK", "approximately"],
        ["c", "d", "", 6.5, "EUR", ""],
        ["", "", "", "", "", ""],
        ["All 2", "", "not summed", 5.0, "SEK", ""],
        ["All 2", "", "", 6.5, "EUR", ""],
    ]


def test_xlsx_holds_no_formula_no_link_and_a_frozen_filtered_heading():
    rows = [{"title": "=HYPERLINK(1)", "funder": "https://x.se", "starts": None, "share": None}]
    with zipfile.ZipFile(io.BytesIO(written(rows))) as book:
        page = book.read("xl/worksheets/sheet1.xml").decode()
        core = book.read("docProps/core.xml").decode()
    assert "<f>" not in page
    assert "hyperlink" not in page
    assert 'topLeftCell="A2"' in page
    assert 'state="frozen"' in page
    assert '<autoFilter ref="A1:D2"/>' in page
    assert "<dc:creator>C</dc:creator>" in core
    assert "2026-11-20T09:00:00Z" in core


def test_the_same_rows_and_moment_give_the_same_workbook():
    assert written() == written()


def test_xlsx_bends_to_the_limits_of_the_format():
    rows = [
        {"title": "x" * 40_000, "funder": "\ufffe", "starts": date(1850, 1, 1), "share": Decimal("1" * 17)}
    ]
    data = write_xlsx(COLUMNS, rows, sheet="A/B: [" + "c" * 40, title="", creator="", created=CREATED)
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names == ["A B " + "c" * 27]
    assert sheet(data)[1] == ["x" * 32_764 + "[…]", "\ufffd", "1850-01-01", "1" * 17]


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_gives_a_workbook_that_opens(text):
    data = write_xlsx(
        [Column("x", text, "x")], [{"x": text}], sheet=text, title=text, creator=text, created=CREATED
    )
    assert len(sheet(data)) <= 2


def test_json_holds_head_columns_rows_and_totals():
    document = json.loads(write_json(COLUMNS, MIXED, totals={"starts": NOT_SUMMED}, title="Grön"))
    assert document == {
        "title": "Grön",
        "columns": [{"name": name, "label": name} for name in ("title", "funder", "starts", "share")],
        "rows": [
            {
                "title": "a",
                "funder": "b",
                "starts": None,
                "share": {"amount": "5", "currency": "SEK", "approximate": True},
            },
            {"title": "c", "funder": "d", "starts": None, "share": {"amount": "6.50", "currency": "EUR"}},
        ],
        "totals": {"starts": "not summed"},
    }


def test_files_without_rows_have_their_headings():
    assert write_csv(COLUMNS, []) == b"\xef\xbb\xbftitle;funder;starts;share\r\n"
    assert sheet(written([])) == [["title", "funder", "starts", "share"]]
    assert json.loads(write_json(COLUMNS, []))["rows"] == []


def test_ten_thousand_rows_are_written_and_read_quickly():
    rows = [ROWS[0]] * 10_000
    start = time.perf_counter()
    plain = csv.writer(io.StringIO())
    for _ in range(5):
        plain.writerows([str(value) for value in row.values()] for row in rows)
    bare = (time.perf_counter() - start) / 5
    start = time.perf_counter()
    data = write_csv(COLUMNS, rows)
    assert len(read(data).rows) == 10_000
    # Two thirds of a second at most where it was measured; the yardstick bears a slower or busier machine.
    assert time.perf_counter() - start < max(1, 25 * bare)
