"""The home page: what waits for whom, and why."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from projects.attention import rules
from projects.mine import mine
from projects.models import Project, ProjectUnit, State
from reporting.home import LATEST, build_home
from reporting.todo import FOLDED, projects_to_deal_with
from strategy import attachments
from strategy.models import ImportBatch, Role
from strategy.permissions import ROLES
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def social(place):
    """A unit with an ordinary contact person."""
    unit = factories.unit(place)
    factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
    return unit


def in_order(place, unit, title="I ordning", **fields):
    return factories.project(place, title, owner_unit=unit, **{"own_share": Decimal(0), **fields})


def waiting(reader):
    return [(one.title, one.when) for one in build_home(reader).waiting]


def labels(*names):
    return ", ".join(str(rules[name].label) for name in names)


def test_a_contact_person_is_told_of_the_own_units_projects_alone_with_the_reason(place, social):
    other = factories.unit(place, "Tekniska förvaltningen")
    project = in_order(place, social, "Trygg hemma", own_share=None)
    in_order(place, social, "Språkcafé")
    in_order(place, other, "Annans", own_share=None)
    factories.project(place, "Utan enhet")
    reader = factories.reader(place, Role.CONTACT_PERSON, social, subject="Erasmus+")
    (one,) = build_home(reader).waiting
    assert (one.title, one.when, one.why, one.url, one.tone) == (
        "P-2026-1 Trygg hemma",
        labels("own_share"),
        str(rules["own_share"].sentence),
        project.get_absolute_url(),
        "warn",
    )


def test_what_lies_below_the_own_unit_waits_too(place, social):
    below = factories.unit(place, "Sektor äldre", kind="sector", parent=social)
    in_order(place, below, "Nära vård", own_share=None)
    reader = factories.reader(place, Role.CONTACT_PERSON, social, subject="Erasmus+")
    assert [title for title, _ in waiting(reader)] == ["P-2026-1 Nära vård"]


def test_a_project_manager_is_told_of_the_projects_he_runs(place, social):
    who = factories.person(place)
    reader = factories.reader(place, Role.PROJECT_MANAGER, who=who)
    in_order(place, social, "Eget", own_share=None, project_manager=who)
    in_order(place, social, "Annans", own_share=None)
    assert waiting(reader) == [("P-2026-1 Eget", labels("own_share"))]


def test_the_strategist_is_told_of_everything_the_most_serious_first_and_vacancies_once(place, social):
    lonely = factories.unit(place, "Tekniska förvaltningen")
    factories.project(place, "Utan enhet")
    in_order(place, lonely, "Utan kontaktperson")
    in_order(place, social, "Slut", state=State.ONGOING, ends_on=date(2026, 11, 19))
    in_order(place, social)
    reader = factories.reader(place, Role.STRATEGIST)
    home = build_home(reader)
    serious, *others = home.waiting
    (vacancy,) = [one for one in others if one.kind == "vacancies"]
    assert (serious.title, serious.tone) == ("P-2026-1 Utan enhet", "stop")
    assert vacancy.url == reverse("responsibilities")
    assert "Tekniska förvaltningen" in vacancy.why
    (ended,) = [one for one in others if one.kind == "projects"]
    assert (ended.title, ended.tone) == ("P-2026-3 Slut", "warn")
    assert labels("end_passed") in ended.when


def test_a_head_of_department_is_told_of_the_vacancies_below(place, social):
    factories.unit(place, "Tekniska förvaltningen")
    below = factories.unit(place, "Sektor äldre", kind="sector", parent=social)
    reader = factories.reader(place, Role.HEAD, social)
    (one,) = build_home(reader).waiting
    assert below.name in one.why
    assert "Tekniska" not in one.why


def test_a_file_that_nobody_confirmed_waits_for_the_strategist(place, settings, tmp_path):
    settings.FILES_DIR = tmp_path
    reader = factories.reader(place, Role.STRATEGIST)
    file = attachments.store(place, "lista.csv", b"title\nCHANGE\n")
    ImportBatch.objects.create(municipality=place, kind="projects", file=file, uploaded_by=reader.person)
    ImportBatch.objects.create(
        municipality=place, kind="projects", file=file, uploaded_by=reader.person, state="cancelled"
    )
    assert len(build_home(reader).waiting) == 1
    assert build_home(factories.reader(place, Role.READER)).waiting == ()


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR, Role.EMPLOYEE, Role.ECONOMIST, Role.REGISTRAR])
def test_for_who_changes_nothing_nothing_waits(place, role):
    factories.project(place, recorded_for_year=2026)
    home = build_home(factories.reader(place, role))
    assert home.waiting == ()
    assert home.counts is not None
    assert home.register_url == ""


def test_the_auditor_is_led_to_the_lists_of_this_and_the_year_before(place):
    home = build_home(factories.reader(place, Role.AUDITOR))
    assert [link.url for link in home.links] == [
        reverse("report", args=["projektlista", 2026]),
        reverse("report", args=["projektlista", 2025]),
        reverse("reports"),
    ]


@pytest.mark.parametrize("role", [Role.STRATEGIST, Role.CONTACT_PERSON, Role.HEAD])
def test_who_may_register_a_project_finds_the_button(place, social, role):
    unit = factories.unit(place, "Tekniska förvaltningen")
    assert build_home(factories.reader(place, role, unit)).register_url == reverse("projects:register")


def test_this_years_projects_of_the_own_units_are_counted_by_state(place, social):
    other = factories.unit(place, "Tekniska förvaltningen")
    year = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
    in_order(place, social, state=State.ONGOING, **year)
    in_order(place, social, state=State.ONGOING, **year)
    in_order(place, social, state="", **year)
    in_order(place, social, state=State.ENDED, starts_on=date(2024, 1, 1), ends_on=date(2025, 12, 31))
    in_order(place, social, withdrawn_at=timezone.now(), withdrawn_reason="Dubblett", **year)
    in_order(place, other, state=State.ONGOING, **year)
    reader = factories.reader(place, Role.CONTACT_PERSON, social, subject="Erasmus+")
    counts = build_home(reader).counts
    strategist = build_home(factories.reader(place, Role.STRATEGIST)).counts
    assert counts is not None
    assert strategist is not None
    assert [(cells[0].row.state, cells[1].value) for cells in counts.rows] == [("ongoing", 2), ("", 1)]
    assert counts.totals[0].texts == ("3",)
    assert counts.rows[0][1].href == reverse("projects:list") + "?ar=2026&lage=ongoing&egna=on"
    assert [cells[1].value for cells in strategist.rows] == [3, 1]
    assert strategist.rows[0][1].href == reverse("projects:list") + "?ar=2026&lage=ongoing"


FOR_ALL = (Role.ADMINISTRATOR, Role.STRATEGIST, Role.AUDITOR, Role.NETWORK_SECRETARY)


@pytest.mark.parametrize(
    ("role", "of_a_unit"),
    [
        *((role, False) for role in ROLES if role not in (Role.CONTACT_PERSON, Role.HEAD)),
        *((role, True) for role in ROLES if role not in FOR_ALL),
    ],
)
def test_each_count_leads_to_exactly_its_rows(client, place, social, role, of_a_unit):
    other = factories.unit(place, "Tekniska förvaltningen")
    below = factories.unit(place, "Sektor äldre", kind="sector", parent=social)
    who = factories.person(place)
    subject = {"subject": "Erasmus+"} if role == Role.CONTACT_PERSON else {}
    reader = factories.reader(place, role, social if of_a_unit else None, who=who, **subject)
    year = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31), "state": State.ONGOING}
    in_order(place, social, "Vår", **year)
    in_order(place, below, "Vår sektors", **year)
    in_order(place, other, "Annans", **year)
    in_order(place, other, "Eget", project_manager=who, **year)
    taking_part = in_order(place, other, "Deltar", **{**year, "state": ""})
    ProjectUnit.objects.create(municipality=place, project=taking_part, unit=social)
    in_order(place, social, "Då", state=State.ENDED, starts_on=date(2024, 1, 1), ends_on=date(2025, 1, 1))
    in_order(place, social, "Dubblett", withdrawn_at=timezone.now(), withdrawn_reason="Dubblett", **year)
    factories.login(client, who)
    counts = build_home(reader).counts
    own = {"ongoing": 3, "": 1} if of_a_unit else {"ongoing": 1}
    expected = {"ongoing": 4, "": 1} if mine(reader) is None else own
    assert counts is not None
    assert {cells[0].row.state: cells[1].value for cells in counts.rows} == expected
    for cells in counts.rows:
        assert len(client.get(cells[1].href).context["listing"].rows) == cells[1].value


def test_who_runs_projects_is_told_of_these_and_not_of_the_whole_unit(place, social):
    who = factories.person(place)
    reader = factories.reader(place, Role.PROJECT_MANAGER, social, who=who)
    in_order(place, social, "Annans", own_share=None)
    nothing = build_home(reader).lead
    in_order(place, social, "Eget", project_manager=who)
    one = build_home(reader).lead
    in_order(place, social, "Eget också", project_manager=who, own_share=None)
    rest = build_home(reader).lead
    assert len({nothing, one, rest, ""}) == 4
    assert not [lead for lead in (nothing, one, rest) if social.name in lead]


def test_many_projects_of_one_rule_are_one_row_that_leads_to_exactly_these(client, place, social):
    who = factories.person(place)
    reader = factories.reader(place, Role.CONTACT_PERSON, social, subject="Erasmus+", who=who)
    for number in range(FOLDED + 1):
        in_order(place, social, f"Nummer {number}", own_share=None)
    in_order(place, social, "Med andel")
    in_order(place, factories.unit(place, "Tekniska förvaltningen"), "Annans", own_share=None)
    (one,) = build_home(reader).waiting
    assert one.url == "/att-gora/own-share/"
    assert str(FOLDED + 1) in one.title
    assert str(rules["own_share"].label) in one.title
    factories.login(client, who)
    rows = client.get(one.url).context["listing"].rows
    assert sorted(cells[0].text for cells in rows) == [f"Nummer {number}" for number in range(FOLDED + 1)]
    assert client.get("/att-gora/there-is-no-such-rule/").status_code == 404
    assert client.post(one.url).status_code == 405


def test_who_changes_nothing_has_no_list_of_projects_to_deal_with(client, place):
    who = factories.person(place)
    factories.assignment(who, Role.READER, place)
    factories.login(client, who)
    assert client.get("/att-gora/own-share/").status_code == 403


def test_of_all_that_waits_only_what_is_shown_one_by_one_is_read_whole(place, social):
    for number in range(FOLDED + 5):
        in_order(place, social, f"Nummer {number}", own_share=None)
    in_order(place, social, "Slut", state=State.ONGOING, ends_on=date(2026, 11, 19))
    reader = factories.reader(place, Role.CONTACT_PERSON, social, subject="Erasmus+")
    read = []

    def note(instance, **kwargs):
        read.append(instance.title)

    post_init.connect(note, sender=Project)
    try:
        list(projects_to_deal_with(reader))
    finally:
        post_init.disconnect(note, sender=Project)
    assert read == ["Slut"]


def test_a_project_with_several_reasons_waits_once(place, social):
    in_order(place, social, own_share=None, ends_on=date(2020, 1, 1))
    reader = factories.reader(place, Role.CONTACT_PERSON, social, subject="Erasmus+")
    assert waiting(reader) == [("P-2026-1 I ordning", labels("end_passed", "own_share"))]


def test_the_page_is_shown_with_its_links(client, place, social):
    project = in_order(place, social, "Trygg hemma", own_share=None)
    who = factories.person(place)
    factories.assignment(who, Role.STRATEGIST, place)
    factories.login(client, who)
    page = client.get(reverse("home"))
    assert page.status_code == 200
    assert project.get_absolute_url() in page.text
    assert page.text.count('class="button"') == 1
    assert reverse("home") == "/att-gora/"
    assert client.get("/").url == "/att-gora/"
    assert client.post(reverse("home")).status_code == 405


def test_a_contact_person_sees_newly_registered_projects_by_title_the_latest_first(client, place, social):
    who = factories.person(place)
    reader = factories.reader(place, Role.CONTACT_PERSON, social, subject="Erasmus+", who=who)
    for number in range(LATEST + 1):
        in_order(place, social, f"Nummer {number}", state=State.ONGOING)
    in_order(place, factories.unit(place, "Tekniska förvaltningen"), "Annans")
    titles = [one.title for one in build_home(reader).latest]
    assert titles == [f"Nummer {number}" for number in range(LATEST, 0, -1)]
    factories.login(client, who)
    assert "Nummer 5" in client.get(reverse("home")).text


def test_where_only_older_projects_exist_the_page_says_how_many_and_leads_to_them(client, place, social):
    who = factories.person(place)
    reader = factories.reader(place, Role.CONTACT_PERSON, social, subject="Erasmus+", who=who)
    for _ in range(2):
        in_order(place, social, state=State.ENDED, starts_on=date(2019, 1, 1), ends_on=date(2020, 1, 1))
    home = build_home(reader)
    assert (home.counts, home.older) == (None, 2)
    factories.login(client, who)
    page = client.get(reverse("home"))
    assert 'class="empty"' not in page.text
    assert len(client.get(home.list_url).context["listing"].rows) == 2


def test_an_empty_register_says_what_comes_here(client, place):
    who = factories.person(place)
    factories.assignment(who, Role.READER, place)
    factories.login(client, who)
    page = client.get(reverse("home"))
    assert 'class="empty"' in page.text
    assert 'class="todo"' not in page.text


@pytest.mark.parametrize("role", [Role.STRATEGIST, Role.CONTACT_PERSON, Role.PROJECT_MANAGER, Role.AUDITOR])
def test_the_queries_do_not_grow_with_what_waits(place, role):
    unit = factories.unit(place)
    reader = factories.reader(place, role, None if role == Role.AUDITOR else unit)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            build_home(reader)
        return len(seen)

    in_order(place, unit, own_share=None, recorded_for_year=2026)
    one = queries()
    for _ in range(4):
        in_order(place, unit, own_share=None, recorded_for_year=2026, state=State.ONGOING)
    # Folded into one row, five need not even be read.
    assert queries() <= one <= 16
