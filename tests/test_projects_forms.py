"""Registering and changing a project by hand: what is taken, what is refused, and two who save at once."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from projects.forms import parse_parties, party_line
from projects.models import Funder, PartyRole, Programme, Project, ProjectParty, ProjectUnit, State
from projects.registry import MESSAGES, register_project
from strategy import history
from strategy.models import Role, UnitKind
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db
REGISTER = "/projekt/nytt/"


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def unit(place):
    return factories.unit(place)


def logged_in(client, place, role, at=None):
    who = factories.person(place, str(role.label))
    factories.assignment(who, role, place, at)
    factories.login(client, who)
    return who


@pytest.fixture
def contact(client, place, unit):
    return logged_in(client, place, Role.CONTACT_PERSON, unit)


@pytest.fixture
def strategist(client, place):
    return logged_in(client, place, Role.STRATEGIST)


def errors(response):
    """The sentences of the form that came back, by field; what was typed must still stand there."""
    assert response.status_code == 422
    form = response.context["form"]
    return {field: [str(error) for error in found] for field, found in form.errors.items()}


def opened(client, project):
    """The form as it stands when somebody opens it: name → value."""
    return filled_in(client.get(f"/projekt/{project.pk}/andra/").context["form"])


def filled_in(form):
    answers = {}
    for field in form:
        value = field.value()
        if value not in (None, "", []):
            answers[field.html_name] = value
    return answers


# --- registering -----------------------------------------------------------------------------------------


def test_a_contact_person_registers_a_project_on_one_page_and_finds_it_first(client, place, unit, contact):
    factories.project(place, "Äldre", starts_on=date(2026, 1, 1))
    form = client.get(REGISTER).context["form"]
    assert form["owner_unit"].value() == unit.pk
    assert [value for value, _label in form.fields["owner_unit"].choices] == [str(unit.pk)]
    response = client.post(
        REGISTER,
        {
            "title": "  Spra\u030akcafé   över gränsen ",
            "funder": "Erasmus-kontoret",
            "programme": "Ungt utbyte",
            "starts": "2026-08",
            "ends": "2027-06-30",
            "role": "owner",
            "total_budget": "31 mkr",
            "own_share": "ca 400 tkr",
            "owner_unit": unit.pk,
        },
        follow=True,
    )
    project = Project.objects.get(title="Språkcafé över gränsen")
    assert response.redirect_chain == [(f"/projekt/{project.pk}/", 302)]
    assert next(str(message) for message in response.context["messages"]).count(project.register_id) == 1
    assert {
        name: getattr(project, name)
        for name in (
            *("owner_unit_id", "role", "starts_on", "starts_precision", "ends_on", "ends_precision"),
            *("total_budget", "total_budget_approximate", "own_share", "own_share_approximate"),
            *("own_share_currency", "recorded_for_year", "state", "co_financing", "accounting"),
        )
    } == {
        "owner_unit_id": unit.pk,
        "role": "owner",
        "starts_on": date(2026, 8, 1),
        "starts_precision": "month",
        "ends_on": date(2027, 6, 30),
        "ends_precision": "day",
        "total_budget": Decimal(31_000_000),
        "total_budget_approximate": False,
        "own_share": Decimal(400_000),
        "own_share_approximate": True,
        "own_share_currency": "SEK",
        "recorded_for_year": None,
        "state": "",
        "co_financing": "",
        "accounting": "",
    }
    assert project.funder is not None and project.programme is not None
    assert (project.funder.municipality, project.programme.funder) == (place, project.funder)
    rows = client.get("/projekt/").context["listing"].rows
    assert [row[0].text for row in rows] == ["Språkcafé över gränsen", "Äldre"]
    assert history.acts(project)[0].who == contact.name


def test_all_the_rest_may_be_filled_in_at_once(client, place, unit, strategist):
    before = factories.project(place, "Före")
    other = factories.unit(place, "Tekniska kontoret")
    manager = factories.person(place, "Projektledare")
    factories.assignment(manager, Role.PROJECT_MANAGER, place, unit)
    client.post(
        REGISTER,
        {
            "title": "Nära vård",
            "owner_unit": unit.pk,
            "acronym": "NV",
            "summary": "Rad ett\r\n\r\nRad två",
            "state": "ongoing",
            "units": [other.pk],
            "parties": "Nässjö kommun\n11 universitet i Europa\nTartu linn; ee; Partner\n",
            "project_manager": manager.pk,
            "co_financing": "money",
            "accounting": "elsewhere",
            "accounted_by": "Region Jönköpings län",
            "project_number": "7714",
            "decided_by": "Socialnämnden",
            "follows": before.register_id.lower(),
            "part_of": "2026-1",
            "note": "Ring",
            "own_share": "1 200 EUR",
        },
    )
    project = Project.objects.get(title="Nära vård")
    assert project.summary == "Rad ett\n\nRad två"
    assert (project.follows, project.part_of, project.project_manager) == (before, before, manager)
    assert (project.own_share, project.own_share_currency) == (Decimal(1200), "EUR")
    assert [part.unit for part in project.taking_part.all()] == [other]
    assert [(p.name, p.number, p.kind, p.place, p.country, p.role) for p in project.parties.all()] == [
        ("Nässjö kommun", 1, "", "", "", ""),
        ("", 11, "universitet", "Europa", "", ""),
        ("Tartu linn", 1, "", "", "EE", PartyRole.PARTNER),
    ]
    # Without dates it stands under the year it was registered in.
    assert project.recorded_for_year == timezone.localdate().year


def test_a_known_funder_is_found_whatever_the_capitals_and_an_unknown_becomes_our_own(
    client, place, unit, contact
):
    with scope(installation=True):
        shared, _created = Funder.objects.get_or_create(name="Tillväxtverket", municipality=None)
    for title, funder in (
        ("Ett", " tillväxtVERKET "),
        ("Två", "Sparbanksstiftelsen"),
        ("Tre", "sparbanksSTIFTELSEN"),
    ):
        client.post(REGISTER, {"title": title, "funder": funder, "owner_unit": unit.pk})
    found = {project.title: project.funder for project in Project.objects.all()}
    assert found["Ett"] == shared
    assert found["Två"] == found["Tre"]
    assert found["Två"] is not None
    assert found["Två"].municipality == place
    assert Funder.objects.filter(municipality=place).count() == 1
    assert not Programme.objects.filter(municipality=place).exists()


def test_the_owner_unit_must_be_given(client, unit, strategist):
    assert list(errors(client.post(REGISTER, {"title": "Utan enhet"}))) == ["owner_unit"]
    assert not Project.objects.exists()


def test_the_strategist_may_choose_among_all_units_that_may_own(client, place, unit, strategist):
    company = factories.unit(place, "Bostads AB", kind=UnitKind.COMPANY)
    factories.unit(place, "Socialnämnden", kind=UnitKind.BOARD)
    factories.unit(place, "Hemvården", kind=UnitKind.DEPARTMENT, parent=unit)
    factories.unit(place, "Nedlagd", valid_to=date(2020, 1, 1))
    form = client.get(REGISTER).context["form"]
    assert [value for value, _label in form.fields["owner_unit"].choices] == [
        "",
        str(company.pk),
        str(unit.pk),
    ]


def test_the_strategist_who_registers_for_a_unit_without_contact_person_is_marked(client, unit, strategist):
    client.post(REGISTER, {"title": "För enheten", "owner_unit": unit.pk})
    assert "Socialförvaltningen" in history.acts(Project.objects.get())[0].reason


def test_who_answers_for_no_owning_unit_is_told_whom_to_ask(client, place, unit):
    home = factories.unit(place, "Hemvården", kind=UnitKind.DEPARTMENT, parent=unit)
    logged_in(client, place, Role.CONTACT_PERSON, home)
    response = client.get(REGISTER)
    assert (response.status_code, response.context["can_own"]) == (200, False)
    assert client.post(REGISTER, {"title": "Ändå", "owner_unit": unit.pk}).status_code == 422


@pytest.mark.parametrize(
    "role", [Role.AUDITOR, Role.READER, Role.EMPLOYEE, Role.ECONOMIST, Role.ADMINISTRATOR]
)
def test_who_may_not_register_gets_no_form(client, place, unit, role):
    logged_in(client, place, role)
    assert client.get(REGISTER).status_code == 403
    assert client.post(REGISTER, {"title": "Nej", "owner_unit": unit.pk}).status_code == 403
    assert not Project.objects.exists()


@pytest.mark.parametrize("verb", ["put", "delete", "patch"])
def test_the_form_takes_get_and_post_alone(client, contact, verb):
    assert getattr(client, verb)(REGISTER).status_code == 405


def test_a_title_that_stands_already_is_asked_about_once(client, place, unit, contact):
    answers = {"title": "Trygg hemma", "owner_unit": unit.pk, "starts": "2026-01", "ends": "2026-12"}
    assert client.post(REGISTER, answers).status_code == 302
    twin = Project.objects.get()
    again = answers | {"title": " trygg  HEMMA "}
    (sentence,) = errors(response := client.post(REGISTER, again))["another"]
    assert twin.register_id in sentence
    assert 'name="another"' in response.content.decode()
    assert 'name="another"' not in client.get(REGISTER).content.decode()
    assert Project.objects.count() == 1
    # Ticked it stays ticked, whatever else is wrong.
    response = client.post(REGISTER, again | {"another": "on", "own_share": "mycket"})
    assert list(errors(response)) == ["own_share"]
    assert response.context["form"]["another"].value() is True
    assert client.post(REGISTER, again | {"another": "on"}).status_code == 302
    assert Project.objects.count() == 2


def test_a_title_of_another_time_another_municipality_or_a_withdrawn_project_is_free(
    client, place, unit, contact
):
    factories.project(place, "Trygg hemma", starts_on=date(2020, 1, 1), ends_on=date(2020, 12, 31))
    factories.project(place, "Trygg hemma", withdrawn_at=timezone.now(), withdrawn_reason="dubblett")
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        factories.project(other, "Trygg hemma")
    answers = {"title": "Trygg hemma", "owner_unit": unit.pk, "starts": "2021-01"}
    assert client.post(REGISTER, answers).status_code == 302


def test_a_standing_title_is_not_asked_about_when_the_project_is_changed(client, place, project, contact):
    factories.project(place, "CHANGE")
    answers = opened(client, project) | {"acronym": "C", "reason": "Rättat"}
    assert client.post(f"/projekt/{project.pk}/andra/", answers).status_code == 302


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"starts": "2026-09", "ends": "2026-08"}, "ends", "project_ends_after_it_starts"),
        (
            {"total_budget": "1 mkr", "own_share": "1 000 001 kr"},
            "own_share",
            "own_share_within_total_budget",
        ),
        (
            {"accounted_by": "Regionen", "accounting": "here"},
            "accounted_by",
            "accounted_by_another_is_elsewhere",
        ),
        ({"accounted_by": "Regionen"}, "accounted_by", "accounted_by_another_is_elsewhere"),
        ({"parties": "Nässjö kommun\nnässjö  Kommun"}, "parties", "a_party_stands_once"),
        ({"parties": "A; Lead partner\nB; lead"}, "parties", "a_project_has_one_lead_partner"),
        ({"owner_unit": "999999"}, "owner_unit", "project_owner_unit_in_same_municipality"),
        ({"owner_unit": "x"}, "owner_unit", "project_owner_unit_in_same_municipality"),
        ({"units": ["999999"]}, "units", "project_unit_unit_in_same_municipality"),
        ({"units": ["x"]}, "units", "project_unit_unit_in_same_municipality"),
        ({"project_manager": "999999"}, "project_manager", "project_manager_works_here"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(client, place, unit, contact, typed, field, message):
    response = client.post(REGISTER, {"title": "Trygg hemma", "owner_unit": unit.pk} | typed)
    if message == "a_project_has_one_lead_partner":
        assert list(errors(response)) == ["parties"]
    else:
        assert errors(response) == {field: [str(MESSAGES[message])]}
    assert response.context["form"]["title"].value() == "Trygg hemma"
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "   "),
        ("title", "x" * 251),
        ("title", "Trygg\x00 hemma"),
        ("title", "Trygg\x1b hemma"),
        ("summary", "Rad\x00"),
        ("starts", "2026-13"),
        ("starts", "2026"),
        ("ends", "i höst"),
        ("ends", "2026\x00"),
        ("own_share", "mycket"),
        ("own_share", "-1 kr"),
        ("total_budget", "9" * 20),
        ("state", "upptänkt"),
        ("role", "\x00"),
        ("owner_unit", "\x00"),
        ("funder", "x" * 201),
        ("follows", "Trygg hemma"),
        ("follows", "P-2026-99"),
        ("part_of", "P-2026-99999999999"),
        ("parties", "Tartu linn; Estland"),
        ("parties", "; EE"),
        ("project_number", "7" * 51),
    ],
)
def test_bad_input_comes_back_with_one_sentence_and_what_was_typed(client, unit, contact, field, value):
    answers = {"title": "Trygg hemma", "owner_unit": unit.pk, "decided_by": "Nämnden", field: value}
    response = client.post(REGISTER, answers)
    found = errors(response)
    assert list(found) == [field]
    assert len(found[field]) == 1
    assert response.context["form"][field].value() == value
    assert response.context["form"]["decided_by"].value() == "Nämnden"
    assert not Project.objects.exists()


def test_a_reason_that_nobody_asked_for_does_no_harm(client, unit, contact):
    response = client.post(REGISTER, {"title": "Ett", "owner_unit": unit.pk, "reason": "a\x00b"})
    assert response.status_code in (302, 400, 422)


def test_all_errors_are_told_at_once(client, contact):
    response = client.post(REGISTER, {"title": "", "starts": "x", "own_share": "y", "owner_unit": ""})
    assert sorted(errors(response)) == ["own_share", "owner_unit", "starts", "title"]


def test_units_people_and_projects_of_another_municipality_are_not_to_be_had(client, place, unit, strategist):
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        foreign = factories.unit(other, "Grannens förvaltning")
        somebody = factories.person(other)
        factories.assignment(somebody, Role.PROJECT_MANAGER, other, foreign)
        theirs = factories.project(other, register_year=2025, register_number=77)
    response = client.post(
        REGISTER,
        {
            "title": "Trygg hemma",
            "owner_unit": foreign.pk,
            "units": [foreign.pk],
            "project_manager": somebody.pk,
            "follows": theirs.register_id,
        },
    )
    assert sorted(errors(response)) == ["follows", "owner_unit", "project_manager", "units"]


def test_what_only_the_database_refuses_is_told_at_its_field(client, place, unit, contact, monkeypatch):
    monkeypatch.setattr("projects.forms.ProjectForm.clean", lambda form: form.cleaned_data)
    response = client.post(
        REGISTER, {"title": "Trygg hemma", "owner_unit": unit.pk, "starts": "2026-09", "ends": "2026-08"}
    )
    assert errors(response) == {"ends": [str(MESSAGES["project_ends_after_it_starts"])]}
    assert not Project.objects.exists()


# --- parties in words ------------------------------------------------------------------------------------


def test_what_stands_is_read_back_as_it_was():
    parties = [
        ProjectParty(name="Nässjö kommun"),
        ProjectParty(name="Tartu linn", country="EE", role=PartyRole.LEAD),
        ProjectParty(number=11, kind="universitet", place="Europa"),
        ProjectParty(name="Avdelning; underlig"),
    ]
    text = "\n".join(map(party_line, parties))
    assert parse_parties(text, parties) == parties
    read = parse_parties("\n".join(text.split("\n")[:3]))
    assert [(p.name, p.country, p.role, p.number, p.kind, p.place) for p in read] == [
        ("Nässjö kommun", "", "", 1, "", ""),
        ("Tartu linn", "EE", "lead", 1, "", ""),
        ("", "", "", 11, "universitet", "Europa"),
    ]


@pytest.mark.parametrize(
    ("stands", "typed"),
    [
        ("nässjö kommun", "Nässjö kommun"),
        ("Nässjö  kommun", "Nässjö kommun"),
        ("NÄSSJÖ KOMMUN", " Nässjö\u00a0kommun "),
    ],
)
def test_a_corrected_spelling_is_another_line_than_the_one_that_stands(stands, typed):
    party = ProjectParty(name=stands, country="SE", role=PartyRole.LEAD)
    (read,) = parse_parties(f"{typed}; SE; {PartyRole.LEAD.label}", [party])
    assert (read.name, read.country, read.role) == ("Nässjö kommun", "SE", "lead")
    assert parse_parties(f"\n  {party_line(party)} \n", [party]) == [party]


@pytest.mark.parametrize(
    ("text", "twice"),
    [
        ("2 kommuner\n2  kommuner", True),
        ("2 kommuner och 2 kommuner", True),
        ("2 kommuner i Norge\n2 kommuner i Norge", True),
        ("2 kommuner; NO; Partner\n2 kommuner; no; partner", True),
        ("2 kommuner\n3 kommuner", False),
        ("2 kommuner; NO\n2 kommuner; SE", False),
        ("2 kommuner i Norge\n2 kommuner i Polen", False),
    ],
)
def test_equal_counts_are_refused_and_not_kept_as_one(text, twice):
    if not twice:
        assert len(parse_parties(text)) == 2
        return
    with pytest.raises(ValidationError) as refused:
        parse_parties(text)
    (sentence,) = refused.value.messages
    assert "2 kommuner" in sentence


# --- changing --------------------------------------------------------------------------------------------


@pytest.fixture
def project(place, unit):
    project = factories.project(
        place,
        "CHANGE",
        owner_unit=unit,
        starts_on=date(2016, 9, 1),
        starts_precision="month",
        total_budget=Decimal(31_000_000),
        total_budget_approximate=True,
        funder=Funder.objects.create(municipality=place, name="Regionen"),
    )
    ProjectParty.objects.create(
        municipality=place, project=project, name="Nässjö kommun", role=PartyRole.PARTNER
    )
    ProjectUnit.objects.create(municipality=place, project=project, unit=factories.unit(place, "Kulturen"))
    return project


def test_a_field_is_corrected_with_a_reason_and_nothing_else_changes(client, project, contact):
    answers = opened(client, project)
    before = dict(Project.objects.filter(pk=project.pk).values().get())
    response = client.post(
        f"/projekt/{project.pk}/andra/", answers | {"ends": "2019-08", "reason": "Avtalet säger så"}
    )
    assert response.status_code == 302
    after = dict(Project.objects.filter(pk=project.pk).values().get())
    changed = {name: after[name] for name in after if after[name] != before[name]}
    assert changed == {"ends_on": date(2019, 8, 31), "ends_precision": "month", "version": 2}
    act = history.acts(project)[0]
    assert (act.who, act.reason) == (contact.name, "Avtalet säger så")
    assert [(one.before, one.after) for one in act.differences if one.after == "2019-08-31"] == [
        ("", "2019-08-31")
    ]
    assert [str(party) for party in project.parties.all()] == ["Nässjö kommun"]


def test_the_spelling_of_a_party_is_corrected_on_the_page(client, place, project, contact):
    project.parties.update(name="nässjö kommun")
    answers = opened(client, project)
    corrected = answers | {"parties": f"Nässjö kommun; {PartyRole.PARTNER.label}", "reason": "Stavning"}
    assert client.post(f"/projekt/{project.pk}/andra/", corrected).status_code == 302
    assert [(one.name, one.role) for one in project.parties.all()] == [("Nässjö kommun", "partner")]


def test_without_its_dates_a_project_stands_in_the_list_of_the_year_it_was_registered_in(
    client, place, unit, contact
):
    kept = {"owner_unit": unit, "register_year": 2024, "starts_on": date(2020, 1, 1)}
    project = factories.project(place, "Odaterad", ends_on=date(2021, 12, 31), **kept)
    told = factories.project(place, "Sagd", register_number=2, recorded_for_year=2017, **kept)
    for one in (project, told):
        answers = opened(client, one) | {"starts": "", "ends": "", "reason": "Datumen är okända"}
        assert client.post(f"/projekt/{one.pk}/andra/", answers).status_code == 302
        one.refresh_from_db()
    assert (project.starts_on, project.ends_on, project.recorded_for_year) == (None, None, 2024)
    assert told.recorded_for_year == 2017
    assert list(Project.objects.running_in(date(2024, 1, 1), date(2024, 12, 31))) == [project]


def test_the_reason_must_be_given(client, project, contact):
    answers = opened(client, project)
    response = client.post(f"/projekt/{project.pk}/andra/", answers | {"title": "Ny"})
    assert list(errors(response)) == ["reason"]


def test_an_unknown_owner_may_stay_unknown_but_a_known_one_is_not_taken_away(
    client, place, project, strategist
):
    unknown = factories.project(place, "Okänd")
    answers = opened(client, unknown)
    assert client.post(f"/projekt/{unknown.pk}/andra/", answers | {"reason": "Rättat"}).status_code == 302
    response = client.post(
        f"/projekt/{project.pk}/andra/", opened(client, project) | {"owner_unit": "", "reason": "Bort"}
    )
    assert list(errors(response)) == ["owner_unit"]


def test_a_contact_person_hands_no_project_to_another_unit(client, place, project, contact):
    other = factories.unit(place, "Tekniska kontoret")
    response = client.post(
        f"/projekt/{project.pk}/andra/", opened(client, project) | {"owner_unit": other.pk, "reason": "Dit"}
    )
    assert list(errors(response)) == ["owner_unit"]


def test_the_owner_unit_does_not_stand_among_the_units_taking_part_too(client, unit, project, contact):
    answers = opened(client, project) | {"units": [unit.pk], "reason": "Rättat"}
    assert list(errors(client.post(f"/projekt/{project.pk}/andra/", answers))) == ["units"]


def test_a_project_neither_follows_nor_is_part_of_itself(client, project, contact):
    answers = opened(client, project) | {"reason": "Rättat"}
    for field, message in (
        ("follows", "project_does_not_follow_itself"),
        ("part_of", "project_is_no_part_of_itself"),
    ):
        response = client.post(f"/projekt/{project.pk}/andra/", answers | {field: project.register_id})
        assert errors(response) == {field: [str(MESSAGES[message])]}


def test_who_saves_later_is_shown_what_the_other_changed(client, place, project, contact):
    answers = opened(client, project)
    colleague = factories.person(place, "Kollegan")
    with history.context(person=colleague.pk, municipality=place.pk):
        project.refresh_from_db()
        project.title = "CHANGE 2"
        project.save()
        ProjectParty.objects.create(municipality=place, project=project, name="Vaggeryds kommun")
    response = client.post(f"/projekt/{project.pk}/andra/", answers | {"acronym": "CH", "reason": "Rättat"})
    assert list(errors(response)) == ["__all__"]
    form = response.context["form"]
    assert form["acronym"].value() == "CH"
    assert {change.value for change in form.collision.changes} == {"CHANGE 2", "Vaggeryds kommun"}
    assert form.collision.who == "Kollegan"
    project.refresh_from_db()
    assert (project.title, project.acronym) == ("CHANGE 2", "")
    # Saved again knowingly: the form carries the new version.
    again = answers | {"acronym": "CH", "reason": "Rättat", "version": form["version"].value()}
    assert client.post(f"/projekt/{project.pk}/andra/", again).status_code == 302


def test_saving_again_after_a_collision_puts_nothing_back_that_was_not_touched_here(
    client, place, project, contact
):
    first, second = opened(client, project), opened(client, project)
    address = f"/projekt/{project.pk}/andra/"
    other = {"programme": "LIFE", "starts": "2016-10", "parties": "Vaggeryds kommun", "reason": "Avtalet"}
    assert client.post(address, first | other).status_code == 302
    mine = {"summary": "Vad projektet ska nå.", "starts": "2016-11", "reason": "Rättat"}
    response = client.post(address, second | mine)
    assert list(errors(response)) == ["__all__"]
    again = filled_in(response.context["form"])
    assert client.post(address, again).status_code == 302
    project = Project.objects.get(pk=project.pk)
    assert (project.programme.name, project.summary, project.start.label) == (
        "LIFE",
        "Vad projektet ska nå.",
        "2016-11",
    )
    assert [party.name for party in project.parties.all()] == ["Vaggeryds kommun"]


def test_a_form_without_its_version_overwrites_nothing(client, project, contact):
    answers = opened(client, project)
    for version in ("", "0", "x", "99"):
        response = client.post(
            f"/projekt/{project.pk}/andra/", answers | {"title": "Ny", "reason": "R", "version": version}
        )
        assert list(errors(response)) == ["__all__"]
    project.refresh_from_db()
    assert project.title == "CHANGE"


def test_the_unit_must_be_within_reach_of_who_registers(place, unit):
    other = factories.unit(place, "Tekniska kontoret")
    reader = factories.reader(place, Role.CONTACT_PERSON, unit)
    with pytest.raises(PermissionDenied):
        register_project(reader, Project(title="Annans", owner_unit=other))
    assert not Project.objects.exists()


# --- what it is for, the case, research, and the state ---------------------------------------------------


def test_a_known_state_is_no_field_of_the_form_and_a_hand_made_one_is_not_heard(
    client, place, unit, strategist
):
    project = factories.project(place, owner_unit=unit, state=State.ANCHORING)
    form = client.get(f"/projekt/{project.pk}/andra/").context["form"]
    assert "state" not in form.fields
    answers = filled_in(form) | {"state": "granted", "reason": "Genväg"}
    assert client.post(f"/projekt/{project.pk}/andra/", answers).status_code == 302
    project.refresh_from_db()
    assert project.state == State.ANCHORING


def test_an_unknown_state_may_be_given_in_the_form(client, place, unit, strategist):
    project = factories.project(place, owner_unit=unit)
    answers = opened(client, project) | {"state": "ongoing", "reason": "Enligt skolan"}
    assert client.post(f"/projekt/{project.pk}/andra/", answers).status_code == 302
    project.refresh_from_db()
    assert project.state == State.ONGOING


def test_what_it_is_for_and_the_case_are_kept_as_typed(client, place, unit, strategist):
    typed = {
        "level": "international",
        "kind": "research",
        "source": "network",
        "initiated_by": "En lärare på Strandskolan",
        "link_to_operations": "Språkundervisningen",
        "expected_effect": "Eleverna vågar tala",
        "dnr": "UN 2026/0042",
        "external_reference": "2026-1-SE01",
        "archive_place": "Kommunarkivet, akt 12",
        "research_led_by": "Jönköping University",
        "our_research_part": "Prövar metoden",
        "doctoral_students": 2,
    }
    response = client.post(
        REGISTER, {"title": "Utbyte", "owner_unit": unit.pk, "kept_until": "2035-12-31", **typed}
    )
    assert response.status_code == 302
    project = Project.objects.get(title="Utbyte")
    assert {name: getattr(project, name) for name in typed} == typed
    assert project.kept_until == date(2035, 12, 31)


@pytest.mark.parametrize("kind", ["", "development"])
@pytest.mark.parametrize(
    ("field", "value"), [("research_led_by", "JU"), ("our_research_part", "Metod"), ("doctoral_students", 0)]
)
def test_research_is_told_of_research_projects_alone(client, place, unit, strategist, kind, field, value):
    response = client.post(REGISTER, {"title": "Utbyte", "owner_unit": unit.pk, "kind": kind, field: value})
    assert errors(response) == {field: [str(MESSAGES["research_is_told_of_research_projects"])]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("initiated_by", "Anna 850709-9805"),
        ("initiated_by", "850709+9805"),
        ("doctoral_students", "-1"),
        ("doctoral_students", "två"),
        ("kept_until", "2035"),
        ("kept_until", "2035-02-30"),
        ("level", "galaktisk"),
        ("dnr", "x" * 51),
    ],
)
def test_bad_answers_about_the_case_come_back_with_a_sentence(client, place, unit, strategist, field, value):
    typed = {"title": "Utbyte", "owner_unit": unit.pk, "kind": "research", field: value}
    response = client.post(REGISTER, typed)
    assert list(errors(response)) == [field]
    assert response.context["form"][field].value() == value
