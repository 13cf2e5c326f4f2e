"""A project's page: what it shows to whom, its history, withdrawing and sharing."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pages.columns import NOT_STATED
from projects.attention import rules
from projects.life import needed_in, take_step
from projects.models import (
    EffectFollowUp,
    Funder,
    GateKind,
    Kind,
    Level,
    PartyRole,
    Project,
    ProjectGate,
    ProjectParty,
    ProjectRole,
    ProjectShare,
    ProjectUnit,
    Source,
    State,
)
from projects.registry import MESSAGES
from strategy import history
from strategy.models import Role
from strategy.permissions import resolve_reader
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def unit(place):
    return factories.unit(place)


def logged_in(client, place, role, at=None, who=None):
    who = who or factories.person(place, str(role.label))
    factories.assignment(who, role, place, at)
    factories.login(client, who)
    return who


@pytest.fixture
def strategist(client, place):
    return logged_in(client, place, Role.STRATEGIST)


def facts(response):
    """What the page says, by its label; None where it is not stated."""
    assert response.status_code == 200
    return {
        str(fact["label"]): (str(fact["value"]) if fact["value"] else None)
        for fact in response.context["facts"]
    }


def buttons(response, project):
    """Which of the pages where something is changed the page leads to."""
    content = response.content.decode()
    return [
        name
        for name in ("andra", "makulera", "dela", "var-del")
        if f'"/projekt/{project.pk}/{name}/"' in content
    ]


# --- what it shows ---------------------------------------------------------------------------------------


def test_the_page_tells_all_that_is_known(client, place, unit, strategist):
    factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
    before = factories.project(place, "Föregångaren")
    whole = factories.project(place, "Helheten")
    manager = factories.person(place, "Projektledare Skolan")
    factories.assignment(manager, Role.PROJECT_MANAGER, place, unit)
    project = factories.project(
        place,
        "Trygg hemma",
        owner_unit=unit,
        project_manager=manager,
        role=ProjectRole.PARTNER,
        state=State.ONGOING,
        funder=Funder.objects.create(municipality=place, name="Socialstyrelsen"),
        starts_on=date(2024, 12, 1),
        starts_precision="month",
        ends_on=date(2027, 11, 30),
        ends_precision="day",
        total_budget=Decimal(40_200_000),
        total_budget_approximate=True,
        own_share=Decimal(3_812_400),
        accounting="here",
        project_number="7714",
        decided_by="Socialnämnden",
        level=Level.INTERNATIONAL,
        kind=Kind.RESEARCH,
        research_led_by="Jönköping University",
        our_research_part="Prövar metoden",
        doctoral_students=2,
        source=Source.NETWORK,
        initiated_by="En lärare",
        dnr="SN 2024/0163",
        external_reference="101093212",
        follows=before,
        part_of=whole,
    )
    ProjectUnit.objects.create(
        municipality=place, project=project, unit=factories.unit(place, "Tekniska kontoret")
    )
    ProjectParty.objects.create(
        municipality=place, project=project, name="Tartu linn", country="EE", role=PartyRole.PARTNER
    )
    ProjectParty.objects.create(
        municipality=place, project=project, number=11, kind="universitet", place="Europa"
    )
    response = client.get(f"/projekt/{project.pk}/")
    said = [value for value in facts(response).values() if value]
    assert said[:21] == [
        "Socialförvaltningen",
        "Tekniska kontoret",
        "Projektledare Skolan",
        "Kontaktperson",
        str(ProjectRole.PARTNER.label),
        "Socialstyrelsen",
        "2024-12 – 2027-11-30",
        said[7],
        str(Level.INTERNATIONAL.label),
        str(Kind.RESEARCH.label),
        "Jönköping University",
        "Prövar metoden",
        "2",
        str(Source.NETWORK.label),
        "En lärare",
        "Socialnämnden",
        "SN 2024/0163",
        "101093212",
        str(project.get_accounting_display()),
        "7714",
        f"{before.register_id} Föregångaren",
    ]
    assert said[21] == f"{whole.register_id} Helheten"
    assert said[7].startswith(f"Tartu linn (EE, {PartyRole.PARTNER.label}), 11 universitet (Europa), 12 ")
    own, total = response.context["figures"]
    assert own["value"] == "3\u00a0812\u00a0400\u00a0kr"
    assert (
        total["value"].endswith("40\u00a0200\u00a0000\u00a0kr")
        and total["value"] != "40\u00a0200\u00a0000\u00a0kr"
    )
    assert [step["label"] for step in response.context["steps"] if step["current"]] == [State.ONGOING.label]
    # What this state needs first, and then what belongs to the steps before, the latest of them first.
    assert [(one["label"], one["earlier"]) for one in response.context["found"]] == [
        (need.label, state != State.ONGOING)
        for state in (State.ONGOING, State.GRANTED, State.DECIDED_TO_APPLY)
        for need in needed_in(State.ONGOING)
        if need.from_state == state
        and (need.gate or need.name in ("link_to_operations", "expected_effect", "decision_document"))
    ]
    # From the other side.
    assert f"{project.register_id} Trygg hemma" in facts(client.get(f"/projekt/{before.pk}/")).values()
    assert f"{project.register_id} Trygg hemma" in facts(client.get(f"/projekt/{whole.pk}/")).values()


def test_what_is_not_known_is_said(client, place, strategist):
    project = factories.project(place, "Bredband utbyggnad", recorded_for_year=2017)
    response = client.get(f"/projekt/{project.pk}/")
    told = facts(response)
    assert [value for value in told.values() if value] == [
        next(v for v in told.values() if v and "2017" in v),
        "2026-11-20",
    ]
    assert response.content.decode().count(f'class="missing">{NOT_STATED}') >= 10
    assert [figure["value"] for figure in response.context["figures"]] == [None, None]
    assert [one["label"] for one in response.context["found"]] == [
        rules[name].label for name in ("owner_unit", "own_share")
    ]
    assert str(rules["owner_unit"].sentence) in response.content.decode()
    # Each leads to the field that mends it.
    assert [one["url"] for one in response.context["found"]] == [
        f"/projekt/{project.pk}/andra/#id_{field}" for field in ("owner_unit", "own_share")
    ]
    assert f'href="/projekt/{project.pk}/andra/#id_own_share"' in response.content.decode()


@pytest.mark.parametrize(
    ("state", "asked"), [("idea", False), ("decided_to_apply", False), ("applied", True)]
)
def test_the_own_share_is_asked_for_from_the_application_on(client, place, strategist, state, asked):
    project = factories.project(place, state=state)
    told = client.get(f"/projekt/{project.pk}/").context["found"]
    assert (rules["own_share"].label in [one["label"] for one in told]) == asked


@pytest.mark.parametrize("state", ["", *State.values])
def test_every_state_has_its_place_on_the_way(client, place, strategist, state):
    project = factories.project(place, state=state)
    steps = client.get(f"/projekt/{project.pk}/").context["steps"]
    assert [step["current"] for step in steps].count(True) == 1


def test_the_strategist_acts_for_a_unit_without_a_contact_person_and_says_so(client, place, unit, strategist):
    project = factories.project(place, owner_unit=unit)
    page = client.get(f"/projekt/{project.pk}/")
    assert page.context["vacant"]
    client.post(f"/projekt/{project.pk}/makulera/", {"reason": "Dubblett"})
    (act, *_before) = history.acts(project)
    assert act.reason.startswith("Dubblett (") and "Socialförvaltningen" in act.reason


def test_with_a_contact_person_nothing_is_marked(client, place, unit, strategist):
    factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
    project = factories.project(place, owner_unit=unit)
    assert not client.get(f"/projekt/{project.pk}/").context["vacant"]
    client.post(f"/projekt/{project.pk}/makulera/", {"reason": "Dubblett"})
    assert history.acts(project)[0].reason == "Dubblett"


def test_the_history_tells_one_click_at_a_time_with_its_reason(client, place, strategist):
    project = factories.project(place)
    with history.context(person=strategist.pk, municipality=place.pk, reason="Avtalet"):
        project.title = "Ny titel"
        project.own_share = Decimal(1000)
        project.save()
        ProjectParty.objects.create(municipality=place, project=project, name="Nässjö kommun")
    entries = client.get(f"/projekt/{project.pk}/").context["entries"]
    latest = next(entry for entry in entries if entry.reason)
    assert (latest.who, latest.reason) == (strategist.name, "Avtalet")
    assert [(change.before, change.after) for change in latest.changes] == [
        ("Trygg hemma", "Ny titel"),
        (None, "1\u00a0000"),
        (None, "Nässjö kommun"),
    ]


def test_a_long_history_is_shown_in_full_when_asked_for(client, place, strategist):
    project = factories.project(place)
    for number in range(15):
        project.title = f"Titel {number}"
        project.save()
    short = client.get(f"/projekt/{project.pk}/")
    assert (len(short.context["entries"]), short.context["older"]) == (10, 6)
    assert len(client.get(f"/projekt/{project.pk}/?historik=alla").context["entries"]) == 16


# --- who may ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "at_unit", "shown"),
    [
        (Role.STRATEGIST, False, ["andra", "makulera", "dela"]),
        (Role.CONTACT_PERSON, True, ["andra", "makulera"]),
        (Role.HEAD, True, ["andra", "makulera"]),
        (Role.PROJECT_MANAGER, True, []),
        (Role.AUDITOR, False, []),
        (Role.READER, False, []),
        (Role.EMPLOYEE, False, []),
        (Role.ADMINISTRATOR, False, []),
    ],
)
def test_buttons_are_shown_and_posts_taken_by_permission(client, place, unit, role, at_unit, shown):
    project = factories.project(place, owner_unit=unit)
    logged_in(client, place, role, unit if at_unit else None)
    assert buttons(client.get(f"/projekt/{project.pk}/"), project) == shown
    for name in ("andra", "makulera", "dela"):
        address = f"/projekt/{project.pk}/{name}/"
        answers = (client.get(address).status_code, client.post(address).status_code)
        assert answers == ((200, 422) if name in shown else (403, 403)), name
    project.refresh_from_db()
    assert (project.version, project.is_withdrawn) == (1, False)


def test_a_contact_person_changes_nothing_of_another_unit(client, place, unit):
    other = factories.unit(place, "Tekniska kontoret")
    project = factories.project(place, owner_unit=other)
    logged_in(client, place, Role.CONTACT_PERSON, unit)
    assert buttons(client.get(f"/projekt/{project.pk}/"), project) == []
    assert client.post(f"/projekt/{project.pk}/makulera/", {"reason": "Bort"}).status_code == 403


def test_a_project_manager_changes_the_project_that_he_or_she_runs(client, place, unit):
    who = logged_in(client, place, Role.PROJECT_MANAGER)
    project = factories.project(place, owner_unit=unit, project_manager=who)
    assert buttons(client.get(f"/projekt/{project.pk}/"), project) == ["andra"]
    assert client.get(f"/projekt/{project.pk}/andra/").status_code == 200


def test_an_employee_reads_the_register_level_without_history(client, place):
    project = factories.project(place)
    logged_in(client, place, Role.EMPLOYEE)
    assert client.get(f"/projekt/{project.pk}/").context["entries"] == ()


@pytest.mark.parametrize("path", ["", "andra/", "makulera/", "dela/", "var-del/"])
def test_another_municipalitys_project_is_not_there_and_the_try_is_logged(
    client, place, strategist, caplog, path
):
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        project = factories.project(other, "Grannens")
    with caplog.at_level("WARNING", "medel.permissions"):
        response = client.get(f"/projekt/{project.pk}/{path}")
    assert response.status_code == 404
    assert b"Grannens" not in response.content
    assert [record.name for record in caplog.records if record.name == "medel.permissions"]
    assert client.post(f"/projekt/{project.pk}/{path}").status_code == (404 if path else 405)


def test_whom_no_assignment_binds_to_the_municipality_is_led_nowhere(client, place):
    other = factories.municipality("Grannkommun")
    who = logged_in(client, place, Role.STRATEGIST)
    with scope(other.pk):
        factories.assignment(who, Role.EMPLOYEE, other)
        project = factories.project(other, "Grannens")
    response = client.get(f"/projekt/{project.pk}/")
    assert response.status_code == 404
    assert response.context["place"] == other
    with scope(other.pk):
        other_project = factories.project(other)
    third = factories.municipality("Tredje kommun")
    with scope(third.pk):
        hidden = factories.project(third)
    assert client.get(f"/projekt/{hidden.pk}/").context.get("place") is None
    assert client.post(f"/projekt/{other_project.pk}/andra/").status_code == 404


@pytest.mark.parametrize("verb", ["post", "put", "delete"])
def test_the_page_only_reads(client, place, strategist, verb):
    project = factories.project(place)
    assert getattr(client, verb)(f"/projekt/{project.pk}/").status_code == 405


@pytest.mark.parametrize("path", ["andra/", "makulera/", "dela/", "var-del/"])
def test_forms_take_get_and_post_alone(client, place, strategist, path):
    project = factories.project(place)
    for verb in ("put", "delete", "patch"):
        assert getattr(client, verb)(f"/projekt/{project.pk}/{path}").status_code == 405


# --- withdrawing -----------------------------------------------------------------------------------------


def test_withdrawing_asks_for_a_reason_and_the_page_says_it_on_top(client, place, unit, strategist):
    project = factories.project(place, owner_unit=unit)
    address = f"/projekt/{project.pk}/makulera/"
    refused = client.post(address, {"reason": "  "})
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["reason"]
    assert client.post(address, {"reason": "Registrerat två gånger"}).status_code == 302
    project.refresh_from_db()
    assert project.withdrawn_reason == "Registrerat två gånger"
    page = client.get(f"/projekt/{project.pk}/")
    assert "Registrerat två gånger" in page.content.decode()
    assert buttons(page, project) == []
    for name in ("andra", "makulera", "dela"):
        assert client.get(f"/projekt/{project.pk}/{name}/").status_code == 403
        assert client.post(f"/projekt/{project.pk}/{name}/", {"reason": "Igen"}).status_code == 403


def test_a_contact_person_withdraws_the_units_project(client, place, unit):
    who = logged_in(client, place, Role.CONTACT_PERSON, unit)
    project = factories.project(place, owner_unit=unit)
    client.post(f"/projekt/{project.pk}/makulera/", {"reason": "Blev inte av"})
    act = history.acts(project)[0]
    assert (act.who, act.reason, act.page) == (who.name, "Blev inte av", f"/projekt/{project.pk}/makulera/")


# --- sharing ---------------------------------------------------------------------------------------------


@pytest.fixture
def habo():
    return factories.municipality("Habo kommun")


def test_a_project_is_shared_and_taken_back(client, place, habo, strategist):
    project = factories.project(place)
    address = f"/projekt/{project.pk}/dela/"
    assert client.post(address, {"municipality": habo.pk}).status_code == 302
    (share,) = ProjectShare.objects.all()
    assert (share.project, share.municipality) == (project, habo)
    assert "Habo kommun" in client.get(f"/projekt/{project.pk}/").content.decode()
    twice = client.post(address, {"municipality": habo.pk})
    assert (twice.status_code, list(twice.context["form"].errors)) == (422, ["municipality"])
    client.post(address, {"remove": share.pk})
    assert ProjectShare.objects.exists()  # a reason is asked for
    assert client.post(address, {"remove": share.pk, "reason": "Fel kommun"}).status_code == 302
    assert not ProjectShare.objects.exists()
    assert "Fel kommun" in {act.reason for act in history.acts(project)}
    assert client.post(address, {"remove": "999999"}).status_code == 302


@pytest.mark.parametrize("value", ["", "0", "x", "\x00"])
def test_sharing_with_what_is_no_other_municipality_is_refused_in_a_sentence(
    client, place, strategist, value
):
    project = factories.project(place)
    response = client.post(f"/projekt/{project.pk}/dela/", {"municipality": value})
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["municipality"])


def test_a_project_is_not_shared_with_its_owner(client, place, strategist):
    project = factories.project(place)
    assert client.post(f"/projekt/{project.pk}/dela/", {"municipality": place.pk}).status_code == 422


@pytest.fixture
def shared(place, habo, unit):
    """A project of the place, shared with Habo."""
    project = factories.project(
        place,
        "Gemensamt",
        owner_unit=unit,
        total_budget=Decimal(1000),
        own_share=Decimal(700),
        funder=Funder.objects.create(municipality=place, name="Egen finansiär"),
    )
    ProjectShare.objects.create(owner_municipality=place, municipality=habo, project=project)
    return project


@pytest.fixture
def browser(client):
    """A client that knocks as in life, with no municipality named before the login is looked up."""

    class Browser:
        def get(self, *args):
            with scope():
                return client.get(*args)

        def post(self, *args):
            with scope():
                return client.post(*args)

    return Browser()


def in_habo(client, habo, role=Role.STRATEGIST, at=None):
    with scope(habo.pk):
        return logged_in(client, habo, role, at)


def test_who_shares_a_project_sees_it_with_the_own_part(client, browser, place, habo, shared):
    in_habo(client, habo)
    page = browser.get(f"/projekt/{shared.pk}/")
    told = facts(page)
    assert place.name in told.values()
    assert "Socialförvaltningen" not in page.content.decode()
    assert page.context["figures"][0]["value"] is None
    assert buttons(page, shared) == ["var-del"]
    assert browser.post(f"/projekt/{shared.pk}/andra/", {"title": "Nytt"}).status_code == 403


def test_the_own_part_is_filled_in_by_the_municipality_that_shares(client, browser, place, habo, shared):
    with scope(habo.pk):
        unit = factories.unit(habo, "Kommunledningskontoret")
    who = in_habo(client, habo)
    address = f"/projekt/{shared.pk}/var-del/"
    opened = browser.get(address).context["form"]["version"].value()
    answers = {
        "unit": unit.pk,
        "role": "partner",
        "own_share": "ca 300 kr",
        "reason": "Avtal",
        "version": opened,
    }
    assert browser.post(address, answers).status_code == 302
    with scope(habo.pk):
        share = ProjectShare.objects.select_related("unit").get(project=shared)
        assert (share.unit, share.role, share.own_share, share.own_share_approximate) == (
            unit,
            "partner",
            Decimal(300),
            True,
        )
        act = history.acts(share)[0]
        assert (act.who, act.reason.split(" (")[0]) == (who.name, "Avtal")
    page = browser.get(f"/projekt/{shared.pk}/")
    assert "300" in page.context["figures"][0]["value"]
    # Somebody else with the older version open is told what was saved.
    late = browser.post(address, answers | {"own_share": "400 kr"})
    assert late.status_code == 422
    assert late.context["form"].collision.who == who.name


def test_the_own_part_is_not_larger_than_the_whole(client, browser, habo, shared):
    in_habo(client, habo)
    response = browser.post(
        f"/projekt/{shared.pk}/var-del/", {"own_share": "1 001 kr", "reason": "Avtal", "version": "1"}
    )
    assert response.context["form"].errors == {"own_share": [str(MESSAGES["own_share_within_total_budget"])]}


def test_a_unit_of_the_owner_cannot_be_ours(client, browser, habo, shared, unit):
    in_habo(client, habo)
    response = browser.post(
        f"/projekt/{shared.pk}/var-del/", {"unit": unit.pk, "reason": "Avtal", "version": "1"}
    )
    assert response.context["form"].errors == {
        "unit": [str(MESSAGES["project_owner_unit_in_same_municipality"])]
    }


def test_the_contact_person_fills_in_the_part_of_the_own_unit_alone(client, browser, habo, shared):
    with scope(habo.pk):
        unit = factories.unit(habo, "Socialkontoret")
    in_habo(client, habo, Role.CONTACT_PERSON, unit)
    assert browser.get(f"/projekt/{shared.pk}/var-del/").status_code == 403
    with scope(habo.pk):
        ProjectShare.objects.update(unit=unit)
    assert browser.get(f"/projekt/{shared.pk}/var-del/").status_code == 200


def test_the_owner_has_no_part_beside_the_project(client, place, strategist):
    project = factories.project(place)
    assert client.get(f"/projekt/{project.pk}/var-del/").status_code == 404


# --- how many queries ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.STRATEGIST, Role.CONTACT_PERSON])
def test_the_number_of_queries_does_not_grow_with_the_parts_and_the_history(client, place, unit, habo, role):
    who = logged_in(client, place, role, unit if role == Role.CONTACT_PERSON else None)
    project = factories.project(place, owner_unit=unit, state=State.ONGOING)

    def one_more(number):
        ProjectUnit.objects.create(
            municipality=place, project=project, unit=factories.unit(place, f"Förvaltning {number}")
        )
        ProjectParty.objects.create(municipality=place, project=project, name=f"Part {number}")
        factories.project(place, follows=project)
        factories.project(place, part_of=project)
        ProjectShare.objects.create(
            owner_municipality=place, municipality=factories.municipality(f"Kommun {number}"), project=project
        )
        Project.objects.filter(pk=project.pk).update(title=f"Titel {number}")
        ProjectGate.objects.create(
            municipality=place,
            project=project,
            kind=list(GateKind)[number],
            done_on=factories.TODAY,
            done_by=who,
            evidence="Ja",
        )
        EffectFollowUp.objects.create(municipality=place, project=project, due_on=date(2027, 1, 1 + number))

    def queries(path):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/projekt/{project.pk}/{path}").status_code == 200
        return len(captured)

    paths = ("", "andra/", "effekter/")
    with history.context(person=who.pk, municipality=place.pk):
        one_more(0)
    first = [queries(path) for path in paths]
    for number in range(1, 5):
        with history.context(person=who.pk, municipality=place.pk):
            one_more(number)
    assert [queries(path) for path in paths] == first


def test_a_withdrawn_project_is_found_by_its_address(client, place):
    logged_in(client, place, Role.READER)
    project = factories.project(place, withdrawn_at=timezone.now(), withdrawn_reason="Dubblett")
    assert "Dubblett" in client.get(f"/projekt/{project.pk}/").content.decode()


@pytest.mark.parametrize(
    ("role", "reads"),
    [(Role.STRATEGIST, True), (Role.AUDITOR, True), (Role.EMPLOYEE, False), (Role.READER, False)],
)
def test_a_note_follows_responsibility_and_is_no_part_of_the_register_level(client, place, role, reads):
    project = factories.project(place, note="Bara för dem som ansvarar")
    logged_in(client, place, role)
    page = client.get(f"/projekt/{project.pk}/").content.decode()
    assert ("Bara för dem som ansvarar" in page) is reads


# --- the life, what is next and what is missing ----------------------------------------------------------


def test_the_way_bears_the_days_of_its_steps_and_the_next_step_says_what_it_needs(
    client, place, unit, strategist
):
    reader = resolve_reader(strategist, place, factories.TODAY)
    project = factories.project(place, owner_unit=unit, state=State.IDEA, ends_on=date(2027, 6, 30))
    take_step(reader, project, State.ANCHORING, on=date(2026, 11, 2))
    page = client.get(project.get_absolute_url())
    steps = [(step["label"], step["day"], step["current"]) for step in page.context["steps"][:3]]
    assert steps == [
        (State.IDEA.label, None, False),
        (State.ANCHORING.label, date(2026, 11, 2), True),
        (State.DECIDED_TO_APPLY.label, None, False),
    ]
    step = page.context["next_step"]
    assert step["url"] == f"/projekt/{project.pk}/steg/decided_to_apply/"
    assert [need["met"] for need in step["needs"]] == [True, False, False, False, False, False]
    assert [other["url"] for other in step["others"]] == [f"/projekt/{project.pk}/steg/broken_off/"]
    assert page.context["next_date"]["day"] == date(2027, 6, 30)
    assert page.context["found"][0]["label"] == rules["contact_person"].label
    EffectFollowUp.objects.create(municipality=place, project=project, due_on=date(2026, 11, 1))
    late = client.get(project.get_absolute_url()).context["next_date"]
    assert (late["day"], late["late"]) == (date(2026, 11, 1), True)


def test_who_may_not_change_is_led_to_no_page_where_something_is_changed(client, place, unit):
    project = factories.project(place, owner_unit=unit, state=State.ONGOING)
    logged_in(client, place, Role.AUDITOR)
    content = client.get(project.get_absolute_url()).content.decode()
    for path in ("steg/", "lage/", "saknas/", "moment/", "effekter/", "andra/"):
        assert f'"/projekt/{project.pk}/{path}' not in content, path


def test_what_shows_that_a_gate_is_passed_is_not_read_at_the_register_level(client, place, unit):
    project = factories.project(place, owner_unit=unit, state=State.IDEA)
    head = factories.reader(place, Role.HEAD, unit)
    ProjectGate.objects.create(
        municipality=place,
        project=project,
        kind=GateKind.BUDGET,
        done_on=factories.TODAY,
        done_by=head.person,
        evidence="Ledningsgruppens anteckning",
    )
    logged_in(client, place, Role.EMPLOYEE)
    page = client.get(project.get_absolute_url())
    assert [bool(gate["day"]) for gate in page.context["gates"]].count(True) == 1
    assert "Ledningsgruppens" not in page.content.decode()
