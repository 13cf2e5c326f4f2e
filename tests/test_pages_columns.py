import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from pages.columns import NOT_SUMMED, Column, Mark, in_file, is_missing, listing, on_screen
from values.money import Amount, Money
from values.precision import parse_partial_date

NBSP = "\u00a0"


@dataclass
class Unit:
    name: str


@dataclass
class Project:
    title: str = "CHANGE"
    unit: Unit | None = None
    share: Any = None
    marks: Any = ()

    def state(self) -> str:
        return "Ongoing"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def html(*args: Any, **kwargs: Any) -> str:
    table = listing(*args, **kwargs)
    page = render_to_string("components/table.html", {"listing": table})
    return re.sub(r"\s*\n\s*", "", page)


def test_a_value_is_found_along_a_path():
    project = Project(unit=Unit("Socialförvaltningen"))
    assert Column("unit", "Unit", "unit.name").of(project) == "Socialförvaltningen"


def test_a_path_through_nothing_gives_nothing():
    assert Column("unit", "Unit", "unit.name").of(Project()) is None


def test_a_misspelt_path_is_an_error():
    with pytest.raises(AttributeError):
        Column("unit", "Unit", "unti.name").of(Project())


def test_a_value_is_found_by_a_method_a_callable_or_a_key():
    assert Column("state", "State", "state").of(Project()) == "Ongoing"
    assert Column("title", "Title", lambda row: row.title.lower()).of(Project()) == "change"
    assert Column("title", "Title", "title").of({"title": "CoSIE"}) == "CoSIE"


@pytest.mark.parametrize(
    ("value", "figures", "shown"),
    [
        (None, False, ""),
        ("  ", False, ""),
        ([], False, ""),
        (0, True, "0"),
        (Decimal(0), False, "0"),
        (2016, False, "2016"),
        (12345, True, f"12{NBSP}345"),
        (Decimal("-1234.5"), True, f"−1{NBSP}234,5"),
        (True, False, "yes"),
        (False, False, "no"),
        (date(2016, 9, 1), False, "2016-09-01"),
        (datetime(2026, 11, 20, 12, 0, tzinfo=UTC), False, "2026-11-20 13:00"),
        (parse_partial_date("2016-09"), False, "2016-09"),
        (Money(Decimal("31000000.00")), True, f"31{NBSP}000{NBSP}000"),
        (Money(Decimal("31000000.00")), False, f"31{NBSP}000{NBSP}000{NBSP}kr"),
        (Money(Decimal("12.50")), True, "12,50"),
        (Money(Decimal(1200), "EUR"), True, f"1{NBSP}200{NBSP}EUR"),
        (Amount(Money(Decimal(400)), approximate=True), True, "approximately 400"),
        (Mark("Ongoing", "half"), False, "Ongoing"),
        (["Tekniska kontoret", None, "Habo"], False, "Tekniska kontoret, Habo"),
    ],
)  # fmt: skip
def test_a_value_is_shown_in_swedish_form(value, figures, shown):
    assert on_screen(value, figures=figures) == shown


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        ("", None),
        (0, 0),
        (Decimal("1.50"), Decimal("1.50")),
        (Money(Decimal("31000000.00")), Decimal(31000000)),
        (Amount(Money(Decimal("900.50"), "EUR"), approximate=True), Decimal("900.50")),
        ([Money(Decimal(7))], Decimal(7)),
        ([Money(Decimal(7)), Money(Decimal(8), "EUR")], f"7{NBSP}kr, 8{NBSP}EUR"),
        (date(2016, 9, 1), date(2016, 9, 1)),
        (parse_partial_date("2016-09-01"), date(2016, 9, 1)),
        (parse_partial_date("2016-09"), "2016-09"),
        (datetime(2026, 11, 20, 12, 0, tzinfo=UTC), datetime(2026, 11, 20, 13, 0)),  # noqa: DTZ001
        (["a", "b"], "a, b"),
        (Mark("Ongoing", "half"), "Ongoing"),
    ],
)
def test_a_value_stays_data_in_a_file(value, kept):
    assert in_file(value) == kept
    assert type(in_file(value)) is type(kept)


def test_zero_and_false_are_values():
    assert [is_missing(value) for value in (0, Decimal(0), False, None, "", " ", [None])] == [
        False,
        False,
        False,
        True,
        True,
        True,
        True,
    ]


COLUMNS = (
    Column(
        "title", "Project", "title", row_header=True, href=lambda row: "/p/1", small=lambda row: "P-2026-1"
    ),
    Column("unit", "Unit", "unit.name"),
    Column("budget", "Total budget", lambda row: None, kind="amount"),
    Column("share", "Our share", "share", kind="amount"),
    Column("state", "State", lambda row: Mark("Ongoing", "half"), kind="mark", first=True),
    Column("todo", "To do", "marks", kind="mark", missing=""),
)


def test_a_table_is_laid_out_with_headings_and_totals():
    rows = [Project(share=Money(Decimal(5))), Project(share=Money(Decimal(6), "EUR"))]
    totals = {"budget": NOT_SUMMED, "share": [Money(Decimal(5)), Money(Decimal(6), "EUR")]}
    page = html(COLUMNS, rows, name="Projects", totals=totals)
    assert '<th scope="row"><span><a href="/p/1">CHANGE</a><small>P-2026-1</small></span></th>' in page
    assert '<td data-label="Unit"><span class="missing">not stated</span></td>' in page
    assert '<td class="num" data-label="Our share">5</td>' in page
    assert f'<td class="num" data-label="Our share">6{NBSP}EUR</td>' in page
    assert '<td class="first"><span class="mark"><svg' in page
    assert "<td></td>" in page
    assert (
        '<tfoot><tr><th scope="row" colspan="2">All 2 rows</th>'
        '<td class="num" data-label="Total budget"><span class="missing">not summed</span></td>'
        f'<td class="num" data-label="Our share"><span>5<br>6{NBSP}EUR</span></td><td></td><td></td></tr>'
    ) in page
    assert "<caption>Amounts in kronor where no other currency is given.</caption>" in page


def test_text_from_a_row_is_never_markup():
    page = html([Column("title", "Title", "title")], [Project(title="<script>alert(1)</script>")], name="x")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_period_breaks_between_its_days_and_never_within_one():
    def cell(text):
        return listing([Column("when", "When", lambda row: text)], [object()], name="N").rows[0][0].content

    assert cell("2024-01-01 – 2027-12-31") == (
        '<span><span class="when">2024-01-01</span> – <span class="when">2027-12-31</span></span>'
    )
    assert (
        cell("2024-01 – …") == '<span><span class="when">2024-01</span> – <span class="when">…</span></span>'
    )
    assert cell("KS 2024-01 – 2") == "KS 2024-01 – 2"


def test_a_script_address_is_not_linked():
    column = Column("web", "Web", "title", kind="link")
    assert "<a" not in html([column], [Project(title="javascript:alert(1)")], name="x")
    assert '<a href="https://example.se">' in html([column], [Project(title="https://example.se")], name="x")


def test_rows_stand_under_the_heading_of_their_group():
    table = listing(
        [Column("title", "Title", "title")], name="x", groups=[("Socialnämnden", [Project()]), ("", [])]
    )
    assert [(group.title, len(group.rows)) for group in table.groups] == [("Socialnämnden", 1), ("", 0)]
    assert '<th scope="rowgroup" colspan="1">Socialnämnden</th>' in render_to_string(
        "components/table.html", {"listing": table}
    )


def test_a_total_without_a_column_is_an_error():
    with pytest.raises(ValueError, match="no column for the totals shore"):
        listing(COLUMNS, [], name="x", totals={"shore": 1})
    with pytest.raises(ValueError, match="holds the label"):
        listing(COLUMNS, [], name="x", totals={"title": 1})


EVIL = '<b onmouseover="x">\'&'


@pytest.mark.parametrize(
    "column",
    [
        Column("c", "C", lambda row: EVIL),
        Column("c", "C", lambda row: SafeString(EVIL)),
        Column("c", "C", lambda row: [EVIL, EVIL]),
        Column("c", "C", lambda row: Mark(EVIL, "half", "warn"), kind="mark"),
        Column("c", "C", lambda row: Mark(SafeString(EVIL), "half"), kind="mark"),
        Column("c", "C", lambda row: [Mark(EVIL), Mark(EVIL, "ring")], kind="mark"),
        Column("c", "C", lambda row: "x", small=lambda row: EVIL),
        Column("c", "C", lambda row: "x", href=lambda row: "/p/?q=" + EVIL),
        Column("c", "C", lambda row: "https://example.org/" + EVIL, kind="link"),
        Column("c", "C", lambda row: EVIL, row_header=True, first=True),
        Column("c", "C", lambda row: EVIL, kind="amount", first=True),
        Column("c", "C", lambda row: None, missing=EVIL),
        Column("c", EVIL, lambda row: "x"),
    ],
)
def test_no_kind_of_cell_lets_markup_through(column):
    page = html([column], [Project()], name="x")
    assert "<b " not in page
    assert 'onmouseover="' not in page
    assert "&lt;b onmouseover" in page


def test_a_columns_own_template_escapes_as_templates_do():
    column = Column("c", "C", lambda row: EVIL, html="components/note.html", missing=EVIL)
    assert "<b " not in html([column], [Project()], name="x")
