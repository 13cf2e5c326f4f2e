"""The list of a year's projects: which rows, in which groups, with which sums, and the same in every form."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pypdf
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from python_calamine import CalamineWorkbook

from projects.models import (
    Accounting,
    CoFinancingKind,
    Funder,
    Programme,
    ProjectRole,
    ProjectShare,
    ProjectUnit,
    State,
)
from reporting.project_list import WHY_NO_NUMBER, Group, InYear, LeftOut, Part, Row, Total, build
from reporting.reports import as_file
from strategy import attachments
from strategy.models import Municipality, Role, UnitKind
from strategy.walls import scope
from tests import factories
from values.money import Amount, Money

pytestmark = pytest.mark.django_db


def kronor(amount, *, approximate=False):
    return Amount(Money(Decimal(amount)), approximate)


@pytest.fixture
def place():
    place = factories.municipality("Jönköpings kommun")
    with scope(place.pk):
        yield place


@pytest.fixture
def reader(place):
    return factories.reader(place, Role.STRATEGIST)


@pytest.fixture
def social(place):
    """An administration that serves a board of its own."""
    board = factories.unit(place, "Socialnämnden", kind=UnitKind.BOARD)
    unit = factories.unit(place, "Socialförvaltningen")
    factories.serves(unit, board)
    return unit


def titles(reader, year):
    return [row.title for row in build(reader, year).rows]


def groups(reader, year):
    return [
        (group.part, group.board, [row.title for row in group.rows]) for group in build(reader, year).groups
    ]


def five_of_2017(place, social):
    """What the audit knew of 2017: tests/data/projects-2017.csv as the import takes it in."""
    units = [
        factories.unit(place, name)
        for name in ("Kultur- och fritidsförvaltningen", "Stadsbyggnadskontoret", "Utbildningsförvaltningen")
    ]
    with scope(installation=True):
        eu, _ = Funder.objects.get_or_create(name="EU", municipality=None)
        horizon, _ = Programme.objects.get_or_create(
            name="Horizon 2020", municipality=None, defaults={"funder": eu}
        )
    change = factories.project(
        place,
        "CHANGE",
        starts_on=date(2016, 9, 1),
        starts_precision="month",
        ends_on=date(2019, 8, 31),
        ends_precision="month",
        total_budget=Decimal(31_000_000),
        total_budget_approximate=True,
        role=ProjectRole.PARTNER,
        accounting=Accounting.ELSEWHERE,
        accounted_by="Region Jönköpings län",
        state=State.ENDED,
    )
    for unit in [*units, social]:
        ProjectUnit.objects.create(municipality=place, project=change, unit=unit)
    factories.project(
        place,
        "CoSIE",
        starts_on=date(2017, 12, 1),
        starts_precision="month",
        ends_on=date(2020, 11, 30),
        ends_precision="month",
        total_budget=Decimal(40_000_000),
        role=ProjectRole.PARTNER,
        owner_unit=social,
        funder=eu,
        programme=horizon,
        state=State.ENDED,
    )
    factories.project(
        place,
        "Growkomp",
        starts_on=date(2016, 2, 1),
        starts_precision="month",
        ends_on=date(2019, 1, 31),
        ends_precision="month",
        total_budget=Decimal(11_000_000),
        role=ProjectRole.PARTNER,
        funder=eu,
        state=State.ENDED,
    )
    factories.project(place, "Globala målen kommunikation", recorded_for_year=2017)
    factories.project(place, "Bredband utbyggnad", recorded_for_year=2017)


def row(project_id=0, **fields):
    return Row(
        **{
            "project_id": project_id,
            "register_id": "P-2026-1",
            "title": "",
            "part": Part.MAIN,
            "board": "",
            "unit": "",
            "taking_part": (),
            "project_number": "",
            "accounting": "",
            "accounted_by": "",
            "period": "",
            "in_year": (),
            "role": "",
            "co_financing": "",
            "funder": "",
            "programme": "",
            "total_budget": None,
            "own_share": (),
            "shares_lacking": 1,
            **fields,
        }
    )


def unnumbered(report):
    """The groups without the database's own keys."""
    return tuple(
        Group(group.part, group.board, tuple(row(**{**one.__dict__, "project_id": 0}) for one in group.rows))
        for group in report.groups
    )


def test_the_five_projects_of_2017_stand_by_board_and_what_is_unknown_apart(place, reader, social):
    five_of_2017(place, social)
    report = build(reader, 2017)
    assert unnumbered(report) == (
        Group(
            Part.MAIN,
            "Socialnämnden",
            (
                row(
                    register_id="P-2026-2",
                    title="CoSIE",
                    board="Socialnämnden",
                    unit="Socialförvaltningen",
                    period="2017-12 – 2020-11",
                    in_year=(InYear.STARTED,),
                    role="partner",
                    funder="EU",
                    programme="Horizon 2020",
                    total_budget=kronor("40000000.00"),
                ),
            ),
        ),
        Group(
            Part.MAIN,
            "",
            (
                row(
                    register_id="P-2026-3",
                    title="Growkomp",
                    period="2016-02 – 2019-01",
                    in_year=(InYear.RUNNING,),
                    role="partner",
                    funder="EU",
                    total_budget=kronor("11000000.00"),
                ),
                row(
                    register_id="P-2026-1",
                    title="CHANGE",
                    taking_part=(
                        "Kultur- och fritidsförvaltningen",
                        "Socialförvaltningen",
                        "Stadsbyggnadskontoret",
                        "Utbildningsförvaltningen",
                    ),
                    accounting="elsewhere",
                    accounted_by="Region Jönköpings län",
                    period="2016-09 – 2019-08",
                    in_year=(InYear.RUNNING,),
                    role="partner",
                    total_budget=kronor("31000000.00", approximate=True),
                ),
            ),
        ),
        Group(
            Part.ROLE_UNKNOWN,
            "",
            (
                row(register_id="P-2026-4", title="Globala målen kommunikation", part=Part.ROLE_UNKNOWN),
                row(register_id="P-2026-5", title="Bredband utbyggnad", part=Part.ROLE_UNKNOWN),
            ),
        ),
    )
    assert report.total == Total(rows=5, own_share=(), lacking=5)
    assert report.left_out == ()
    assert (report.municipality, report.year, report.made_on) == (place, 2017, factories.TODAY)


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        ((2016, 1, 1), (2016, 12, 31), None),
        ((2016, 1, 1), (2017, 1, 1), (InYear.ENDED,)),
        ((2017, 1, 1), (2018, 1, 1), (InYear.STARTED,)),
        ((2017, 12, 31), (2018, 12, 31), (InYear.STARTED,)),
        ((2016, 12, 31), (2018, 1, 1), (InYear.RUNNING,)),
        ((2017, 1, 1), (2017, 12, 31), (InYear.STARTED, InYear.ENDED)),
        ((2016, 6, 1), (2017, 12, 31), (InYear.ENDED,)),
        ((2018, 1, 1), (2018, 12, 31), None),
        ((2017, 6, 1), None, (InYear.STARTED,)),
        ((2016, 6, 1), None, (InYear.RUNNING,)),
        (None, (2018, 6, 1), (InYear.RUNNING,)),
        (None, (2016, 12, 31), None),
    ],
)
def test_a_project_belongs_to_the_year_when_one_of_its_days_does_both_ends_included(
    place, reader, starts, ends, said
):
    factories.project(
        place,
        starts_on=date(*starts) if starts else None,
        ends_on=date(*ends) if ends else None,
        recorded_for_year=2017,
    )
    assert [row.in_year for row in build(reader, 2017).rows] == ([said] if said else [])


def test_without_dates_a_project_stands_last_in_the_year_it_was_recorded_for_and_in_no_other(place, reader):
    factories.project(place, "Utan period", recorded_for_year=2017)
    factories.project(place, "Med start", starts_on=date(2017, 5, 1))
    factories.project(place, "Med slut", ends_on=date(2017, 5, 1))
    factories.project(place, "Utan allt")
    assert titles(reader, 2017) == ["Med slut", "Med start", "Utan period"]
    assert titles(reader, 2016) == ["Med slut"]
    assert titles(reader, 2018) == ["Med start"]


def test_each_role_has_its_part_and_an_unknown_role_is_not_guessed(place, reader, social):
    for role in ["", *reversed(ProjectRole.values)]:
        factories.project(place, role or "okänd", role=role, owner_unit=social, recorded_for_year=2017)
    assert groups(reader, 2017) == [
        (Part.MAIN, "Socialnämnden", ["co_financier", "partner", "owner"]),
        (Part.TAKES_PART, "Socialnämnden", ["participant"]),
        (Part.GRANTS, "Socialnämnden", ["grant_recipient"]),
        (Part.ROLE_UNKNOWN, "Socialnämnden", ["okänd"]),
    ]


def test_the_board_is_the_one_served_on_the_last_day_of_the_year(place, reader):
    unit = factories.unit(place, "Utbildningsförvaltningen")
    school = factories.unit(place, "Barn- och utbildningsnämnden", kind=UnitKind.BOARD)
    old = factories.unit(place, "Skolnämnden", kind=UnitKind.BOARD)
    factories.serves(unit, old, valid_to=date(2017, 12, 30))
    factories.serves(unit, school, valid_from=date(2017, 12, 31))
    factories.project(
        place, "Skola", role="owner", owner_unit=unit, starts_on=date(2015, 1, 1), ends_on=date(2019, 1, 1)
    )
    assert groups(reader, 2016) == [(Part.MAIN, "Skolnämnden", ["Skola"])]
    assert groups(reader, 2017) == [(Part.MAIN, "Barn- och utbildningsnämnden", ["Skola"])]


def test_several_boards_are_named_together_and_a_unit_below_serves_the_board_of_the_one_above(place, reader):
    unit = factories.unit(place, "Kultur- och fritidsförvaltningen")
    for name in ("Kulturnämnden", "Fritidsnämnden"):
        factories.serves(unit, factories.unit(place, name, kind=UnitKind.BOARD))
    below = factories.unit(place, "Sektor kultur", kind=UnitKind.SECTOR, parent=unit)
    factories.project(place, "Kultur", role="owner", owner_unit=below, recorded_for_year=2017)
    assert groups(reader, 2017) == [(Part.MAIN, "Fritidsnämnden, Kulturnämnden", ["Kultur"])]


def test_a_company_that_serves_no_board_stands_under_its_own_name(place, reader):
    board = factories.unit(place, "Tekniska nämnden", kind=UnitKind.BOARD)
    alone = factories.unit(place, "Stadens Energi AB", kind=UnitKind.COMPANY)
    serving = factories.unit(place, "Stadens Bostäder AB", kind=UnitKind.COMPANY)
    factories.serves(serving, board)
    for unit in (alone, serving):
        factories.project(place, unit.name, role="owner", owner_unit=unit, recorded_for_year=2017)
    assert groups(reader, 2017) == [
        (Part.MAIN, "Stadens Energi AB", ["Stadens Energi AB"]),
        (Part.MAIN, "Tekniska nämnden", ["Stadens Bostäder AB"]),
    ]


def test_boards_stand_in_swedish_order_and_projects_without_one_last(place, reader):
    for name in ("Äldrenämnden", "Ålderstigna nämnden", "Zoonämnden"):
        unit = factories.unit(place, f"{name}s förvaltning")
        factories.serves(unit, factories.unit(place, name, kind=UnitKind.BOARD))
        factories.project(place, name, role="owner", owner_unit=unit, recorded_for_year=2017)
    factories.project(place, "utan", role="owner", recorded_for_year=2017)
    assert [group.board for group in build(reader, 2017).groups] == [
        "Zoonämnden",
        "Ålderstigna nämnden",
        "Äldrenämnden",
        "",
    ]


def test_own_shares_are_summed_per_currency_and_what_is_lacking_is_counted(place, reader):
    for share, currency, approximate in (
        (Decimal("1000.50"), "SEK", False),
        (Decimal("2000"), "SEK", True),
        (Decimal("300"), "EUR", False),
        (Decimal("0"), "SEK", False),
        (None, "SEK", False),
    ):
        factories.project(
            place,
            role="owner",
            recorded_for_year=2017,
            own_share=share,
            own_share_currency=currency,
            own_share_approximate=approximate,
        )
    report = build(reader, 2017)
    euro = Amount(Money(Decimal("300"), "EUR"))
    assert report.total == Total(5, (kronor("3000.50", approximate=True), euro), lacking=1)
    assert report.tables[0].totals[-1].texts == ("cirka 3\u00a0000,50", "300\u00a0EUR")


def test_withdrawn_projects_are_nowhere_and_those_not_funded_are_named_below(place, reader):
    factories.project(
        place, "Makulerad", recorded_for_year=2017, withdrawn_at=timezone.now(), withdrawn_reason="Dubblett"
    )
    factories.project(place, "Avslag", recorded_for_year=2017, state=State.REJECTED, own_share=Decimal(5))
    factories.project(place, "Sökt", recorded_for_year=2017, state=State.APPLIED, own_share=Decimal(5))
    factories.project(place, "Beviljad", recorded_for_year=2017, state=State.GRANTED, own_share=Decimal(7))
    report = build(reader, 2017)
    assert [row.title for row in report.rows] == ["Beviljad"]
    assert report.total == Total(1, (kronor("7.00"),), 0)
    assert report.left_out == (
        LeftOut("P-2026-2", "Avslag", State.REJECTED),
        LeftOut("P-2026-3", "Sökt", State.APPLIED),
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"project_number": "7714", "accounting": "here"}, ["7714"]),
        ({"accounting": "elsewhere", "accounted_by": "Region Jönköpings län"}, ["Region Jönköpings län"]),
        ({}, [""]),
    ],
)
def test_the_project_number_or_why_there_is_none(place, reader, fields, said):
    factories.project(place, recorded_for_year=2017, **fields)
    (told,) = build(reader, 2017).rows
    assert said[0] in str(told.number_or_why)
    assert bool(told.number_or_why) == bool(said[0])


def test_why_there_is_no_number_is_said_plainly():
    with override("en"):
        told = [str(why) for why in WHY_NO_NUMBER.values()]
    assert [why for why in told if why.count(",") + why.count(":") > 1] == []
    assert told[2] == "none yet, not in any accounts"


def test_a_shared_project_stands_in_the_others_list_with_its_own_unit_role_and_share(place, reader, social):
    other = factories.municipality("Nässjö kommun")
    project = factories.project(
        place, "Growkomp", owner_unit=social, role="owner", own_share=Decimal(900), recorded_for_year=2017
    )
    ProjectUnit.objects.create(municipality=place, project=project, unit=social)
    with scope(other.pk):
        board = factories.unit(other, "Kommunstyrelsen", kind=UnitKind.BOARD)
        unit = factories.unit(other, "Kommunledningskontoret")
        factories.serves(unit, board)
        there = factories.reader(other, Role.STRATEGIST)
    ProjectShare.objects.create(
        owner_municipality=place,
        municipality=other,
        project=project,
        role=ProjectRole.CO_FINANCIER,
        co_financing=CoFinancingKind.WORKING_TIME,
        own_share=Decimal(100),
    )
    with scope(other.pk):
        ProjectShare.objects.update(unit=unit)
        assert unnumbered(build(there, 2017)) == (
            Group(
                Part.MAIN,
                "Kommunstyrelsen",
                (
                    row(
                        title="Growkomp",
                        board="Kommunstyrelsen",
                        unit="Kommunledningskontoret",
                        role="co_financier",
                        co_financing="working_time",
                        own_share=(kronor("100.00"),),
                        shares_lacking=0,
                    ),
                ),
            ),
        )
    assert [(one.unit, one.own_share) for one in build(reader, 2017).rows] == [
        ("Socialförvaltningen", (kronor("900.00"),))
    ]
    with scope(place.pk, reads=[other.pk]):
        report = build(reader, 2017, joint=(place, other))
    assert [(one.register_id, one.board, one.own_share) for one in report.rows] == [
        ("P-2026-1 Jönköpings kommun", "Socialnämnden – Jönköpings kommun", (kronor("1000.00"),))
    ]
    assert report.sender == "Jönköpings kommun, Nässjö kommun"


def test_another_municipalitys_projects_are_in_no_list(place, reader):
    other = factories.municipality("Nässjö kommun")
    with scope(other.pk):
        factories.project(other, "Främmande", recorded_for_year=2017)
    assert titles(reader, 2017) == []


def test_who_has_no_assignment_gets_no_list(place):
    stranger = factories.reader(place, Role.READER, starts_on=date(2027, 1, 1))
    with pytest.raises(PermissionDenied):
        build(stranger, 2017)


def test_the_queries_do_not_grow_with_the_rows(place, reader, social):
    def one_more():
        project = factories.project(place, role="owner", owner_unit=social, recorded_for_year=2017)
        ProjectUnit.objects.create(municipality=place, project=project, unit=social)

    one_more()
    with CaptureQueriesContext(connection) as one:
        build(reader, 2017)
    for _ in range(4):
        one_more()
    with CaptureQueriesContext(connection) as five:
        report = build(reader, 2017)
        assert as_file(report, "pdf")
    assert len(report.rows) == 5
    assert len(one) == len(five) == 5


# -- The forms --------------------------------------------------------------------------------------------


def test_the_pdf_is_tagged_names_its_language_and_title_and_holds_the_figures(place, reader, social):
    five_of_2017(place, social)
    report = build(reader, 2017)
    pdf = pypdf.PdfReader(io.BytesIO(as_file(report, "pdf")))
    pages = [page.extract_text() for page in pdf.pages]
    text = " ".join(" ".join(pages).split())
    root: Any = pdf.trailer["/Root"]
    assert root["/Lang"] == "sv"
    assert root["/MarkInfo"]["/Marked"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == f"{report.title} – Jönköpings kommun"
    structure = _structure(root["/StructTreeRoot"])
    # One table for each part, or for what of it stands on a page, each under all its headings.
    assert structure.count("/Table") >= 2
    assert structure.count("/TH") >= structure.count("/Table") * 7 + 3 + 5 + 2
    for said in ("CHANGE", "CoSIE", "31 000 000", "40 000 000", "11 000 000", "Socialnämnden", "P-2026-3"):
        assert said in text
    assert "Region Jönköpings län" in text
    assert report.content_hash in text.replace(" ", "")
    # The first page is a cover without running head; the others say whose they are and which of how many.
    assert pages[0].count("Jönköpings kommun") == 1
    for number, page in enumerate(pages[1:], start=2):
        assert f"Jönköpings kommun · {report.title}" in " ".join(page.split())
        assert f"{number} av {len(pages)}" in " ".join(page.split())
    # Of the screen's frame nothing.
    assert "Medel." not in text
    assert "Logga ut" not in text


def _structure(node):
    """The kinds of all elements of a PDF's structure tree."""
    found = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        one = one.get_object() if hasattr(one, "get_object") else one
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            if "/S" in one:
                found.append(one["/S"])
            if "/K" in one:
                waiting.append(one["/K"])
    return found


def test_nothing_on_paper_is_smaller_than_nine_points(place, reader, social):
    five_of_2017(place, social)
    pdf = pypdf.PdfReader(io.BytesIO(as_file(build(reader, 2017), "pdf")))
    sizes = set()

    def see(text, matrix, text_matrix, font, size):
        if text.strip():
            scale = abs(matrix[3] * text_matrix[3])
            sizes.add(round(size * scale, 2))

    for page in pdf.pages:
        page.extract_text(visitor_text=see)
    assert min(sizes) >= 9


def test_the_cover_shows_the_municipalitys_arms_where_it_has_any(place, reader, settings, tmp_path):
    settings.FILES_DIR = tmp_path
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><path d="M0 0h10v10H0z"/></svg>'
    file = attachments.store(place, "vapen.svg", svg, "image/svg+xml")
    Municipality.objects.filter(pk=place.pk).update(arms=file.sha256)
    place.refresh_from_db()
    html = as_file(build(factories.reader(place, Role.READER), 2017), "html").decode()
    assert '<img class="arms" src="data:image/svg+xml;base64,' in html
    assert as_file(build(factories.reader(place, Role.READER), 2017), "pdf").startswith(b"%PDF")


def test_arms_that_are_lost_do_not_stop_the_report(place, settings, tmp_path):
    settings.FILES_DIR = tmp_path
    Municipality.objects.filter(pk=place.pk).update(arms="0" * 64)
    place.refresh_from_db()
    html = as_file(build(factories.reader(place, Role.READER), 2017), "html").decode()
    assert '<p class="arms">Jönköpings kommun</p>' in html


def test_the_workbook_has_numbers_as_numbers_and_the_sum_apart(place, reader, social):
    factories.project(
        place,
        '=HYPERLINK("http://exempel.se")',
        role="owner",
        owner_unit=social,
        starts_on=date(2017, 1, 1),
        own_share=Decimal("1234.50"),
        total_budget=Decimal(5000),
    )
    factories.project(place, "Utan andel", role="owner", starts_on=date(2017, 2, 1))
    report = build(reader, 2017)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(as_file(report, "xlsx"))).get_sheet_by_index(0)
    lines = sheet.to_python()
    head = [str(column.label) for column in report.columns]
    assert lines[0] == head
    assert lines[1][head.index(str(report.columns[3].label))] == '=HYPERLINK("http://exempel.se")'
    assert lines[1][-2:] == [5000.0, 1234.5]
    assert lines[2][-2:] == ["", ""]
    assert lines[4][0] == report.total_label
    assert lines[4][-1] == 1234.5


def test_the_csv_holds_every_row_and_runs_no_formula(place, reader):
    factories.project(place, "=1+1", recorded_for_year=2017, own_share=Decimal("1234.50"))
    lines = list(
        csv.reader(io.StringIO(as_file(build(reader, 2017), "csv").decode("utf-8-sig")), delimiter=";")
    )
    assert len(lines) == 2
    assert "'=1+1" in lines[1]
    assert lines[1][-1] == "1234,50"


def test_the_json_says_amounts_as_decimal_text_and_what_is_not_stated_as_null(place, reader):
    factories.project(
        place, "Trygg hemma", recorded_for_year=2017, own_share=Decimal("1234.50"), own_share_approximate=True
    )
    report = build(reader, 2017)
    told = json.loads(as_file(report, "json"))
    assert told["rows"][0]["own_share"] == [{"amount": "1234.50", "currency": "SEK", "approximate": True}]
    assert told["rows"][0]["total_budget"] is None
    assert told["rows"][0]["role"] is None
    assert told["totals"]["own_share"] == [{"amount": "1234.50", "currency": "SEK", "approximate": True}]
    assert (told["municipality"], told["year"], told["made_on"], told["content_sha256"]) == (
        "Jönköpings kommun",
        2017,
        factories.TODAY.isoformat(),
        report.content_hash,
    )


def test_the_hash_follows_the_contents_and_neither_the_day_nor_the_language(place, reader):
    project = factories.project(place, role="owner", recorded_for_year=2017)
    first = build(reader, 2017).content_hash
    with override("en"):
        assert build(replace(reader, today=date(2027, 1, 1)), 2017).content_hash == first
    project.title = "Tryggare hemma"
    project.save()
    assert build(reader, 2017).content_hash != first


# -- The pages --------------------------------------------------------------------------------------------


def address(year=2017, **query):
    return reverse("report", args=["projektlista", year], query=query)


def enter(client, place, role, at=None):
    who = factories.person(place)
    factories.assignment(who, role, place, at)
    factories.login(client, who)


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.CONTACT_PERSON, Role.HEAD)])
def test_every_role_reads_the_list_and_all_but_the_employee_take_files(client, place, social, role):
    five_of_2017(place, social)
    enter(client, place, role)
    page = client.get(address())
    assert page.status_code == 200
    assert "CHANGE" in page.text
    assert ("format=pdf" in page.text) == (role != Role.EMPLOYEE)
    for form in ("pdf", "xlsx", "csv", "json"):
        answer = client.get(address(format=form))
        assert answer.status_code == (403 if role == Role.EMPLOYEE else 200)


def test_a_file_is_an_attachment_with_a_speaking_name_and_is_kept_nowhere(client, place):
    enter(client, place, Role.AUDITOR)
    answer = client.get(address(format="pdf"))
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert "2017" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    assert "no-store" in client.get(address())["Cache-Control"]


def test_a_list_too_long_for_paper_is_refused_as_pdf_in_a_sentence_and_given_as_excel(
    client, place, monkeypatch
):
    for title in ("Ett", "Två"):
        factories.project(place, title, recorded_for_year=2017)
    enter(client, place, Role.AUDITOR)
    assert "format=pdf" in client.get(address()).text
    monkeypatch.setattr("reporting.views.PAPER_ROWS", 1)
    refused = client.get(address(format="pdf"))
    assert (refused.status_code, refused["Content-Type"]) == (400, "text/plain; charset=utf-8")
    page = client.get(address())
    assert "format=pdf" not in page.text
    assert refused.text in page.text
    assert client.get(address(format="xlsx")).status_code == 200


def test_who_is_not_logged_in_is_asked_to(client, place):
    assert client.get(address()).status_code == 302
    assert client.get(reverse("reports")).status_code == 302


@pytest.mark.parametrize(
    "path", ["/rapporter/projektlista/1970/", "/rapporter/projektlista/99999/", "/rapporter/annat/2017/"]
)
def test_a_year_or_report_that_there_is_not_is_not_found(client, place, path):
    enter(client, place, Role.READER)
    assert client.get(path).status_code == 404


def test_a_form_that_there_is_not_is_refused_in_a_sentence(client, place):
    enter(client, place, Role.READER)
    answer = client.get(address(format="exe"))
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")


def test_a_report_only_reads(client, place):
    enter(client, place, Role.STRATEGIST)
    assert client.post(address()).status_code == 405


def test_the_years_of_the_register_may_be_chosen_and_lead_to_the_list(client, place):
    factories.project(place, starts_on=date(2015, 1, 1), ends_on=date(2027, 1, 1))
    enter(client, place, Role.READER)
    page = client.get(reverse("reports"))
    assert [choice.years for choice in page.context["choices"]] == [tuple(range(2027, 2014, -1))]
    answer = client.get(reverse("report_of_year", args=["projektlista"]), {"year": "2017"})
    assert (answer.status_code, answer.url) == (302, address())
    for wrong in ("", "abc", "99999", "²⁰17"):
        answer = client.get(reverse("report_of_year", args=["projektlista"]), {"year": wrong})
        assert answer.url == reverse("reports")


def test_a_year_without_projects_says_so(client, place):
    enter(client, place, Role.AUDITOR)
    page = client.get(address())
    assert page.status_code == 200
    assert 'class="empty"' in page.text
    assert "<table" not in page.text
    assert client.get(address(format="pdf")).status_code == 200


def test_a_joint_list_holds_the_municipalities_in_which_the_person_may(client, place):
    other = factories.municipality("Habo kommun")
    third = factories.municipality("Mullsjö kommun")
    who = factories.person(place)
    factories.assignment(who, Role.STRATEGIST, place)
    factories.project(place, "Här", recorded_for_year=2017)
    for there, role in ((other, Role.STRATEGIST), (third, Role.EMPLOYEE)):
        with scope(there.pk):
            factories.assignment(who, role, there)
            factories.project(there, f"Där {there}", recorded_for_year=2017)
    factories.login(client, who)
    assert "Där" not in client.get(address()).text
    page = client.get(address(kommuner="alla"))
    assert [row.register_id for row in page.context["report"].rows] == [
        "P-2026-1 Jönköpings kommun",
        "P-2026-1 Habo kommun",
        "P-2026-1 Mullsjö kommun",
    ]
    # A file holds what the person may take as a file.
    told = json.loads(client.get(address(kommuner="alla", format="json")).content)
    assert [row["title"] for row in told["rows"]] == ["Här", "Där Habo kommun"]


def test_the_page_costs_the_same_at_one_and_five_rows(client, place, social):
    enter(client, place, Role.AUDITOR)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address()).status_code == 200
        return len(seen)

    factories.project(place, owner_unit=social, recorded_for_year=2017)
    queries()
    one = queries()
    for _ in range(4):
        factories.project(place, owner_unit=social, recorded_for_year=2017)
    assert queries() == one
