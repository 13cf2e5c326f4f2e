"""The list of projects: what it shows, what each filter keeps, its sums and its files."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from python_calamine import CalamineWorkbook

from pages.columns import NOT_SUMMED
from projects.attention import rules
from projects.models import (
    Accounting,
    Funder,
    Kind,
    Level,
    Programme,
    Project,
    ProjectRole,
    ProjectShare,
    ProjectUnit,
    State,
)
from strategy.models import Role, Unit, UnitKind
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/projekt/"


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def unit(place):
    return factories.unit(place)


@pytest.fixture
def strategist(client, place):
    return logged_in(client, place, Role.STRATEGIST)


def logged_in(client, place, role, at=None):
    who = factories.person(place, str(role.label))
    factories.assignment(who, role, place, at)
    factories.login(client, who)
    return who


def titles(response):
    """The titles of the rows on the page, in their order."""
    assert response.status_code == 200
    return [row[0].text for row in response.context["listing"].rows]


def cells(response, title):
    """The texts of one row by column."""
    row = next(row for row in response.context["listing"].rows if row[0].text == title)
    return {cell.column.name: cell.text for cell in row}


def totals(response):
    return {total.column.name: total.said or total.texts for total in response.context["listing"].totals}


# --- what stands there -----------------------------------------------------------------------------------


def test_the_list_shows_each_project_with_what_is_known(client, place, unit, strategist):
    funder = Funder.objects.create(municipality=place, name="Länsstyrelsen")
    programme = Programme.objects.create(municipality=place, name="Bygdemedel", funder=funder)
    project = factories.project(
        place,
        "Trygg hemma",
        summary="Medskapande i sociala tjänster",
        owner_unit=unit,
        funder=funder,
        programme=programme,
        role=ProjectRole.PARTNER,
        state=State.ONGOING,
        starts_on=date(2024, 12, 1),
        starts_precision="month",
        ends_on=date(2027, 11, 30),
        ends_precision="month",
        total_budget=Decimal(40_200_000),
        own_share=Decimal(3_812_400),
        own_share_approximate=True,
        project_number="7714",
    )
    factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
    response = client.get(LIST)
    about = "40\u00a0200\u00a0000"
    assert cells(response, "Trygg hemma") == {
        "project": "Trygg hemma",
        "funding": "Bygdemedel, Länsstyrelsen",
        "period": "2024-12 – 2027-11",
        "role": str(ProjectRole.PARTNER.label),
        "total_budget": about,
        "own_share": cells(response, "Trygg hemma")["own_share"],
        "project_number": "7714",
        "state": str(State.ONGOING.label),
        "attention": cells(response, "Trygg hemma")["attention"],
    }
    assert "3\u00a0812\u00a0400" in cells(response, "Trygg hemma")["own_share"]
    row = response.context["listing"].rows[0]
    assert row[0].href == f"/projekt/{project.pk}/"
    assert row[0].small == f"{project.register_id} · Medskapande i sociala tjänster"
    assert next(cell for cell in row if cell.column.name == "role").small == "Socialförvaltningen"


def test_what_is_not_known_is_said_and_never_shown_as_nothing(client, place, strategist):
    factories.project(place, "Bredband utbyggnad")
    response = client.get(LIST)
    known = {name: text for name, text in cells(response, "Bredband utbyggnad").items() if text}
    assert set(known) == {"project", "attention"}
    assert response.content.count(b'class="missing"') >= 7


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"project_number": "7714", "accounting": Accounting.HERE}, "7714"),
        (
            {"accounting": Accounting.ELSEWHERE, "accounted_by": "Region Jönköpings län"},
            "Region Jönköpings län",
        ),
        ({"accounting": Accounting.NOT_YET}, ""),
        ({}, None),
    ],
)
def test_the_project_number_or_why_there_is_none(client, place, strategist, fields, said):
    factories.project(place, **fields)
    text = cells(client.get(LIST), "Trygg hemma")["project_number"]
    assert (said in text and text != "") if said is not None else text == ""


def test_what_must_be_dealt_with_stands_in_a_column_of_its_own(client, place, strategist):
    project = factories.project(place, "Utan enhet", own_share=Decimal(1), starts_on=date(2026, 1, 1))
    response = client.get(LIST)
    expected = ", ".join(str(rules[name].label) for name in ("owner_unit",))
    assert cells(response, project.title)["attention"] == expected


def test_the_latest_registered_stands_first_and_in_a_year_those_without_dates_last(client, place, strategist):
    factories.project(place, "Äldre", starts_on=date(2026, 1, 1))
    factories.project(place, "Utan datum", recorded_for_year=2026)
    factories.project(place, "Nyare", starts_on=date(2025, 1, 1))
    factories.project(place, "Senast", recorded_for_year=2026)
    assert titles(client.get(LIST)) == ["Senast", "Nyare", "Utan datum", "Äldre"]
    assert titles(client.get(f"{LIST}?ar=2026")) == ["Nyare", "Äldre", "Senast", "Utan datum"]


def test_an_empty_register_says_so(client, strategist):
    response = client.get(LIST)
    assert titles(response) == []
    assert response.context["empty_text"]


# --- filters ---------------------------------------------------------------------------------------------


@pytest.fixture
def years(place):
    factories.project(place, "Före", starts_on=date(2015, 1, 1), ends_on=date(2016, 12, 31))
    factories.project(place, "Slutar", starts_on=date(2016, 1, 1), ends_on=date(2017, 1, 1))
    factories.project(place, "Startar", starts_on=date(2017, 12, 31), ends_on=date(2019, 1, 1))
    factories.project(place, "Pågår", starts_on=date(2016, 1, 1))
    factories.project(place, "Efter", starts_on=date(2018, 1, 1))
    factories.project(place, "Utan datum 2017", recorded_for_year=2017)
    factories.project(place, "Utan datum 2018", recorded_for_year=2018)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ar=2017", ["Pågår", "Startar", "Slutar", "Utan datum 2017"]),
        ("ar=2017&hur=startade", ["Startar", "Utan datum 2017"]),
        ("ar=2017&hur=slutade", ["Slutar", "Utan datum 2017"]),
        ("ar=2014", []),
    ],
)
def test_a_year_keeps_what_runs_starts_or_ends_in_it(client, strategist, years, query, found):
    assert titles(client.get(f"{LIST}?{query}")) == found


@pytest.mark.parametrize(
    "query", ["ar=1", "ar=20177", "ar=²⁰¹⁷", "ar=2017a", "lage=upptänkt", "enhet=999999", "q=a%00b"]
)
def test_a_filter_that_cannot_be_used_shows_its_error_and_no_rows(client, strategist, years, query):
    response = client.get(f"{LIST}?{query}")
    assert titles(response) == []
    assert len(response.context["errors"]) == 1


def test_the_text_is_sought_in_title_number_party_and_funder(client, place, strategist):
    funder = Funder.objects.create(municipality=place, name="Socialstyrelsen")
    factories.project(place, "Trygg hemma", funder=funder, project_number="7714")
    factories.project(place, "Bredband")
    for query in ("trygg", "7714", "socialstyrelsen", "P-2026-1"):
        assert titles(client.get(LIST, {"q": query})) == ["Trygg hemma"], query
    assert titles(client.get(LIST, {"q": "finns inte"})) == []


def test_a_state_and_a_role_may_be_asked_for_also_as_not_stated(client, place, strategist):
    factories.project(place, "Pågår", state=State.ONGOING, role=ProjectRole.OWNER)
    factories.project(place, "Okänt")
    assert titles(client.get(f"{LIST}?lage=ongoing")) == ["Pågår"]
    assert titles(client.get(f"{LIST}?lage=saknas")) == ["Okänt"]
    assert titles(client.get(f"{LIST}?roll=owner")) == ["Pågår"]
    assert titles(client.get(f"{LIST}?roll=saknas")) == ["Okänt"]


def test_a_board_is_asked_for_with_everything_below_it(client, place, strategist):
    board = factories.unit(place, "Socialnämnden", kind=UnitKind.BOARD)
    administration = factories.unit(place)
    factories.serves(administration, board)
    home = factories.unit(place, "Hemvården", kind=UnitKind.DEPARTMENT, parent=administration)
    other = factories.unit(place, "Bildningsförvaltningen")
    factories.project(place, "Ägt", owner_unit=administration)
    ProjectUnit.objects.create(municipality=place, project=factories.project(place, "Deltar"), unit=home)
    factories.project(place, "Annan", owner_unit=other)
    factories.project(place, "Ingen")
    assert titles(client.get(f"{LIST}?enhet={board.pk}")) == ["Deltar", "Ägt"]
    assert titles(client.get(f"{LIST}?enhet={home.pk}")) == ["Deltar"]
    assert titles(client.get(f"{LIST}?enhet=saknas")) == ["Ingen", "Deltar"]


def test_a_funder_is_asked_for_also_as_not_stated(client, place, strategist):
    funder = Funder.objects.create(municipality=place, name="Tillväxtverket")
    factories.project(place, "Med", funder=funder)
    factories.project(place, "Utan")
    assert titles(client.get(f"{LIST}?finansiar={funder.pk}")) == ["Med"]
    assert titles(client.get(f"{LIST}?finansiar=saknas")) == ["Utan"]


def test_programme_level_and_kind_are_asked_for_also_as_not_stated(client, place, strategist):
    programme = Programme.objects.create(municipality=place, name="Erasmus+")
    factories.project(place, "Med", programme=programme, level=Level.INTERNATIONAL, kind=Kind.MOBILITY)
    factories.project(place, "Utan")
    for asked in (f"program={programme.pk}", "niva=international", "slag=mobility"):
        assert titles(client.get(f"{LIST}?{asked}")) == ["Med"], asked
    for asked in ("program=saknas", "niva=saknas", "slag=saknas"):
        assert titles(client.get(f"{LIST}?{asked}")) == ["Utan"], asked
    for wrong in ("program=999999", "niva=galaxy", "slag=x"):
        response = client.get(f"{LIST}?{wrong}")
        assert (titles(response), len(response.context["errors"])) == ([], 1), wrong


def test_a_programme_stands_once_among_the_choices_though_it_has_several_funders(client, place, strategist):
    programme = Programme.objects.create(municipality=place, name="Gemensam satsning")
    for name in ("Vinnova", "Formas"):
        funder = Funder.objects.create(municipality=place, name=name)
        factories.project(place, programme=programme, funder=funder)
    form = client.get(LIST).context["form"]
    assert [label for _key, label in form.fields["program"].choices][1:-1] == ["Gemensam satsning"]
    assert [label for _key, label in form.fields["finansiar"].choices][1:-1] == ["Formas", "Vinnova"]


def test_lacking_a_project_number_is_not_to_be_booked_elsewhere_or_not_at_all(client, place, strategist):
    factories.project(place, "Har", project_number="0007")
    factories.project(place, "Hos regionen", accounting=Accounting.ELSEWHERE, accounted_by="Regionen")
    factories.project(place, "Bokförs inte", accounting=Accounting.NONE)
    factories.project(place, "Ännu inte", accounting=Accounting.NOT_YET)
    factories.project(place, "Hos oss", accounting=Accounting.HERE)
    factories.project(place, "Okänt")
    assert titles(client.get(f"{LIST}?utannummer=on")) == ["Okänt", "Hos oss", "Ännu inte"]


def test_the_less_used_filters_are_folded_away_until_one_is_used(client, place, strategist):
    assert not client.get(LIST).context["folded"].open
    for asked in ("niva=local", "utannummer=on", "niva=galaxy"):
        assert client.get(f"{LIST}?{asked}").context["folded"].open, asked


def withdrawn(place, title, **fields):
    from django.utils import timezone

    return factories.project(place, title, withdrawn_at=timezone.now(), withdrawn_reason="Dubblett", **fields)


def test_withdrawn_projects_are_shown_when_asked_for_and_never_summed(client, place, strategist):
    factories.project(place, "Står", own_share=Decimal(100))
    withdrawn(place, "Makulerad", own_share=Decimal(1000))
    assert titles(client.get(LIST)) == ["Står"]
    assert titles(client.get(f"{LIST}?makulerade=enbart")) == ["Makulerad"]
    both = client.get(f"{LIST}?makulerade=aven")
    assert titles(both) == ["Makulerad", "Står"]
    assert totals(both) == {"total_budget": str(NOT_SUMMED), "own_share": ("100",)} | dict.fromkeys(
        ("project_number", "state", "attention"), ()
    )


def test_a_contact_person_may_ask_for_the_own_unit_alone(client, place, unit):
    logged_in(client, place, Role.CONTACT_PERSON, unit)
    factories.project(place, "Vår", owner_unit=unit)
    factories.project(place, "Annans", owner_unit=factories.unit(place, "Tekniska kontoret"))
    assert titles(client.get(LIST)) == ["Annans", "Vår"]
    assert titles(client.get(f"{LIST}?egna=on")) == ["Vår"]


# --- sums and files --------------------------------------------------------------------------------------


def test_own_shares_are_summed_for_each_currency_and_total_budgets_never(client, place, strategist):
    for amount, currency in ((100, "SEK"), (50, "SEK"), (7, "EUR")):
        factories.project(
            place,
            own_share=Decimal(amount),
            own_share_currency=currency,
            total_budget=Decimal(9),
            total_budget_currency="NOK",
        )
    factories.project(place, "Okänd")
    assert totals(client.get(LIST)) == {
        "total_budget": str(NOT_SUMMED),
        "own_share": (
            "150",
            "7\u00a0EUR",
            ngettext("%(count)d not stated", "%(count)d not stated", 1) % {"count": 1},
        ),
        "project_number": (),
        "state": (),
        "attention": (),
    }


def test_a_sum_is_approximate_when_one_of_its_amounts_is(client, place, strategist):
    factories.project(place, own_share=Decimal(100))
    factories.project(place, own_share=Decimal(50), own_share_approximate=True)
    factories.project(place, own_share=Decimal(7), own_share_currency="EUR")
    (kronor, euro) = totals(client.get(LIST))["own_share"]
    assert kronor == str(gettext("approximately %(money)s")) % {"money": "150"}
    assert euro == "7\u00a0EUR"


def read_csv(response):
    text = response.content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))


def test_a_csv_holds_what_is_on_screen_of_all_pages(client, place, unit, strategist):
    factories.project(place, "Annat år", starts_on=date(2010, 1, 1), ends_on=date(2010, 2, 1))
    for number in range(60):
        factories.project(
            place, f"Projekt {number}", starts_on=date(2017, 1, 1), own_share=Decimal(number), owner_unit=unit
        )
    on_screen = titles(client.get(f"{LIST}?ar=2017")) + titles(client.get(f"{LIST}?ar=2017&page=2"))
    heads, *rows = read_csv(client.get(f"{LIST}?ar=2017&format=csv"))
    screen = client.get(f"{LIST}?ar=2017")
    assert set(map(str, (column.label for column in screen.context["listing"].columns))) < set(heads)
    title = heads.index(str(screen.context["listing"].columns[0].label))
    assert len(on_screen) == 60
    assert [row[title] for row in rows] == on_screen
    assert next((row[0], row[1]) for row in rows) == ("P-2026-61", place.name)
    share = heads.index(
        str(next(c.label for c in screen.context["listing"].columns if c.name == "own_share"))
    )
    assert [row[share] for row in rows] == [str(number) for number in range(59, -1, -1)]


def test_xlsx_and_json_hold_the_same_rows(client, place, strategist):
    factories.project(place, "=HYPERLINK(1)", own_share=Decimal("12.50"), own_share_currency="EUR")
    sheet = CalamineWorkbook.from_filelike(
        io.BytesIO(client.get(f"{LIST}?format=xlsx").content)
    ).get_sheet_by_index(0)
    _heads, row, *_rest = sheet.to_python()
    assert row[:3] == ["P-2026-1", place.name, "=HYPERLINK(1)"]
    document = json.loads(client.get(f"{LIST}?format=json").content)
    assert [(row["register_id"], row["project"]) for row in document["rows"]] == [
        ("P-2026-1", "=HYPERLINK(1)")
    ]
    assert document["rows"][0]["own_share"] in (
        [{"amount": "12.50", "currency": "EUR", "approximate": False}],
        {"amount": "12.50", "currency": "EUR", "approximate": False},
    )


# --- several municipalities ------------------------------------------------------------------------------


@pytest.fixture
def shared(client, place):
    """The strategist of two municipalities; the first shares a project with the second."""
    habo = factories.municipality("Habo kommun")
    elsewhere = factories.municipality("Annan kommun")
    who = logged_in(client, place, Role.STRATEGIST)
    project = factories.project(
        place, "Gemensamt", own_share=Decimal(100), role=ProjectRole.OWNER, owner_unit=factories.unit(place)
    )
    share = ProjectShare.objects.create(owner_municipality=place, municipality=habo, project=project)
    with scope(habo.pk):
        factories.assignment(who, Role.STRATEGIST, habo)
        ProjectShare.objects.filter(pk=share.pk).update(
            role=ProjectRole.PARTNER,
            own_share=Decimal(30),
            unit=factories.unit(habo, "Kommunledningskontoret"),
        )
        factories.project(habo, "Habos eget", own_share=Decimal(5))
    with scope(elsewhere.pk):
        factories.project(elsewhere, "Någon annans", own_share=Decimal(9000))
    return habo


def test_a_shared_project_is_seen_with_the_own_unit_role_and_share(client, place, shared):
    session = client.session
    session["municipality"] = shared.pk
    session.save()
    response = client.get(LIST)
    assert titles(response) == ["Habos eget", "Gemensamt"]
    row = cells(response, "Gemensamt")
    assert (row["role"], row["own_share"]) == (str(ProjectRole.PARTNER.label), "30")
    role = next(c for c in response.context["listing"].rows[1] if c.column.name == "role")
    assert role.small == "Kommunledningskontoret"
    assert totals(response)["own_share"] == ("35",)
    with scope(shared.pk):
        unit = Unit.objects.get(name="Kommunledningskontoret")
    assert titles(client.get(f"{LIST}?enhet={unit.pk}")) == ["Gemensamt"]
    assert titles(client.get(f"{LIST}?roll=partner")) == ["Gemensamt"]
    assert titles(client.get(f"{LIST}?roll=owner")) == []


def test_a_joint_list_counts_a_shared_project_once_and_sums_what_each_bears(client, place, shared):
    response = client.get(f"{LIST}?kommuner=alla")
    assert titles(response) == ["Habos eget", "Gemensamt"]
    assert cells(response, "Gemensamt")["own_share"] == "130"
    assert totals(response)["own_share"] == ("135",)
    assert [row[0].small.split(" · ")[1] for row in response.context["listing"].rows] == [
        shared.name,
        place.name,
    ]
    _heads, *rows = read_csv(client.get(f"{LIST}?kommuner=alla&format=csv"))
    assert [row[:3] for row in rows] == [
        ["P-2026-1", shared.name, "Habos eget"],
        ["P-2026-1", place.name, "Gemensamt"],
    ]


def test_a_joint_list_tells_what_each_municipality_must_deal_with(client, place, shared):
    response = client.get(f"{LIST}?kommuner=alla")
    assert str(rules["owner_unit"].label) in cells(response, "Habos eget")["attention"]


def test_who_has_one_municipality_gets_no_joint_list(client, place, strategist):
    factories.project(place, "Vårt")
    elsewhere = factories.municipality("Annan kommun")
    with scope(elsewhere.pk):
        factories.project(elsewhere, "Någon annans")
    response = client.get(f"{LIST}?kommuner=alla")
    assert titles(response) == ["Vårt"]
    assert not response.context["may_be_joint"]


# --- who may ---------------------------------------------------------------------------------------------


def test_the_auditor_reads_the_list_without_a_button(client, place, unit):
    factories.project(place, owner_unit=unit)
    logged_in(client, place, Role.AUDITOR)
    response = client.get(LIST)
    assert titles(response) == ["Trygg hemma"]
    assert response.context["primary_action"] is None
    assert reverse("projects:register").encode() not in response.content
    assert client.get(f"{LIST}?format=csv").status_code == 200


def test_an_employee_reads_the_list_but_takes_no_file(client, place):
    factories.project(place)
    logged_in(client, place, Role.EMPLOYEE)
    response = client.get(LIST)
    assert titles(response) == ["Trygg hemma"]
    assert response.context["downloads"] == ()
    assert client.get(f"{LIST}?format=csv").status_code == 403


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
def test_the_list_only_reads(client, strategist, verb):
    assert getattr(client, verb)(LIST).status_code == 405


def test_nobody_sees_another_municipalitys_project(client, place, strategist):
    factories.project(place, "Vårt")
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        factories.project(other, "Grannens")
    assert titles(client.get(LIST)) == ["Vårt"]


def test_htmx_gets_the_rows_alone(client, place, strategist):
    factories.project(place, "Vårt")
    response = client.get(LIST, headers={"HX-Request": "true"})
    assert b"<html" not in response.content
    assert b"V\xc3\xa5rt" in response.content


# --- how many queries ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.STRATEGIST, Role.CONTACT_PERSON])
@pytest.mark.parametrize("form", ["", "?format=csv", "?kommuner=alla"])
def test_the_number_of_queries_does_not_grow_with_the_rows(client, place, unit, role, form):
    who = logged_in(client, place, role, unit if role == Role.CONTACT_PERSON else None)
    habo = factories.municipality("Habo kommun")
    with scope(habo.pk):
        factories.assignment(who, Role.EMPLOYEE, habo)
    funder = Funder.objects.create(municipality=place, name="Länsstyrelsen")

    def one_more():
        project = factories.project(
            place,
            owner_unit=unit,
            funder=funder,
            state=State.ONGOING,
            own_share=Decimal(1),
            starts_on=date(2026, 1, 1),
        )
        ProjectUnit.objects.create(municipality=place, project=project, unit=unit)
        ProjectShare.objects.create(owner_municipality=place, municipality=habo, project=project)

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(LIST + form).status_code == 200
        return [query["sql"] for query in captured.captured_queries]

    one_more()
    first = queries()
    for _number in range(4):
        one_more()
    five = queries()
    assert len(first) == len(five), "\n".join(five)
    assert Project.objects.count() == 5


def test_a_joint_list_costs_the_same_number_of_queries_for_two_and_three_municipalities(client, place):
    who = logged_in(client, place, Role.STRATEGIST)

    def one_more(name):
        other = factories.municipality(name)
        with scope(other.pk):
            factories.assignment(who, Role.STRATEGIST, other)
            factories.project(other, own_share=Decimal(1))

    def count():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"{LIST}?kommuner=alla").status_code == 200
        return len(captured)

    factories.project(place)
    one_more("Andra kommunen")
    two = count()
    one_more("Tredje kommunen")
    assert count() == two


def test_the_years_pdf_is_of_the_municipalities_that_the_list_shows(client, place, shared):
    def pdf(address):
        return [one.url for one in client.get(address).context["downloads"] if "/rapporter/" in one.url]

    factories.project(place, recorded_for_year=2026)
    assert pdf(f"{LIST}?ar=2026") == ["/rapporter/projektlista/2026/?format=pdf"]
    assert pdf(f"{LIST}?ar=2026&kommuner=alla") == ["/rapporter/projektlista/2026/?format=pdf&kommuner=alla"]
    assert pdf(LIST) == []
