"""The life of a project: what each state needs, steps taken and refused, corrections, gates, effects, follow-ups."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone
from django.utils.translation import gettext

from pages.forms import constraint_name
from projects.attention import attention, attention_since
from projects.effects import plan_follow_ups, proposed_dates, refused_date, years_after
from projects.forms import ProjectForm
from projects.gates import pass_gates
from projects.life import (
    ASIDE,
    LEFT_IN_PEACE,
    MESSAGES,
    PASSED,
    STEPS,
    StepRefused,
    asked_for,
    correct_state,
    correctable_to,
    give_state,
    lacking_what_their_state_needs,
    needed_in,
    needs,
    standing_steps,
    step_label,
    steps_from,
    take_step,
    unmet,
)
from projects.life_forms import EffectsForm
from projects.models import (
    ORDER,
    WAYS,
    EffectFollowUp,
    Funder,
    GateKind,
    Project,
    ProjectDocument,
    ProjectGate,
    ProjectShare,
    ProjectStep,
    State,
)
from strategy import history, permissions
from strategy.models import Document, Role, StoredFile
from strategy.permissions import ROLES, Reach
from strategy.todo import sources
from strategy.walls import scope
from tests import factories
from tests.factories import TODAY

pytestmark = pytest.mark.django_db

LONG_AGO = date(2020, 1, 2)


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def unit(place):
    """A unit with an ordinary contact person."""
    unit = factories.unit(place)
    factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
    return unit


@pytest.fixture
def reader(place):
    return factories.reader(place, Role.STRATEGIST, who=factories.person(place, "Strateg"))


@pytest.fixture
def strategist(client, place, reader):
    factories.login(client, reader.person)
    return reader.person


# How each need is met; a project without one of them lacks that alone.
FIELDS: dict[str, dict[str, object]] = {
    "link_to_operations": {"link_to_operations": "Hemtjänsten"},
    "expected_effect": {"expected_effect": "Tryggare hemma"},
    "amount": {"own_share": Decimal(100)},
    "period": {"starts_on": date(2025, 1, 1), "ends_on": date(2025, 12, 31)},
    "external_reference": {"external_reference": "2024-1"},
    "accounting": {"project_number": "7714"},
    "final_reported_on": {"final_reported_on": date(2026, 1, 31)},
    "achieved_effect": {"achieved_effect": "Tryggare"},
    "kept_up": {"kept_up": "Ingår i arbetet"},
    "kept_until": {"kept_until": date(2035, 12, 31)},
    "archive_place": {"archive_place": "Kommunarkivet"},
}


def whole(place, unit, reader, state=State.IDEA, *, without=(), **fields):
    """A project that has all that any state needs, but for what is named."""
    given: dict[str, object] = {}
    for name, values in FIELDS.items():
        if name not in without:
            given |= values
    if "owner_unit" not in without:
        given["owner_unit"] = unit
    if "funder" not in without:
        given["funder"] = Funder.objects.filter(municipality=place).first() or Funder.objects.create(
            municipality=place, name="Socialstyrelsen"
        )
    if "project_manager" not in without:
        given["project_manager"] = reader.person
    if "kept_up" not in without:
        given["kept_up_by"] = unit
    project = factories.project(place, state=state, **{**given, **fields})
    for kind in GateKind:
        if f"gate_{kind.value}" not in without:
            add_gate(place, project, reader, kind)
    if "decision_document" not in without:
        add_document(place, project, reader, "decision")
    if "final_report" not in without:
        add_document(place, project, reader, "final_report")
    if "retention" in without:
        add_document(place, project, reader, "letter", retention="")
    if "follow_up_date" not in without:
        EffectFollowUp.objects.create(municipality=place, project=project, due_on=date(2027, 6, 1))
    return project


def add_gate(place, project, reader, kind, on=LONG_AGO):
    return ProjectGate.objects.create(
        municipality=place,
        project=project,
        kind=kind,
        done_on=on,
        done_by=reader.person,
        evidence="Ledningsgruppen § 3",
    )


def add_document(place, project, reader, kind, retention="until"):
    number = Document.objects.count()
    file = StoredFile.objects.create(municipality=place, sha256=f"{number:064d}", name="a.pdf", size=1)
    document = Document.objects.create(
        municipality=place,
        file=file,
        kind=kind,
        title=f"Handling {number}",
        added_by=reader.person,
        retention=retention,
        kept_until=date(2035, 12, 31) if retention else None,
    )
    ProjectDocument.objects.create(municipality=place, project=project, document=document)
    return document


def refused(call):
    """The problems of a step that was refused: (need's name or field, sentence)."""
    with pytest.raises(StepRefused) as info:
        call()
    return [
        (problem.need.name if problem.need else problem.field, problem.text)
        for problem in info.value.problems
    ]


def names(problems):
    return sorted(name for name, _text in problems)


# --- the table -------------------------------------------------------------------------------------------


def test_every_state_is_reached_from_the_idea():
    reached, waiting = {State.IDEA}, [State.IDEA]
    while waiting:
        for following in set(WAYS[waiting.pop()]) - reached:
            reached.add(following)
            waiting.append(following)
    assert reached == set(State)
    assert set(WAYS) == set(PASSED) == set(State)
    assert set(STEPS) == {following for ways in WAYS.values() for following in ways}
    assert all(step_label(here, there) for here, ways in WAYS.items() for there in ways)


@pytest.mark.parametrize("here", State)
def test_what_a_state_needs_the_states_after_it_need_too(here):
    for there in WAYS[here]:
        if here in ASIDE or there in ASIDE:
            assert not set(needed_in(there)) or there not in ASIDE
            continue
        assert set(needed_in(here)) <= set(needed_in(there)), (here, there)
        # And the step asks for exactly what comes with it.
        assert set(asked_for(here, there)) == set(needed_in(there)) - set(needed_in(here))


def test_a_step_to_what_is_beside_the_way_asks_for_nothing():
    assert [asked_for(here, there) for here, ways in WAYS.items() for there in ways if there in ASIDE] == [
        () for here, ways in WAYS.items() for there in ways if there in ASIDE
    ]
    assert asked_for(State.ONGOING, State.PAUSED) == asked_for(State.PAUSED, State.ONGOING) == ()


def test_a_step_that_passes_over_a_state_asks_for_what_that_one_needs():
    assert asked_for(State.IDEA, State.DECIDED_TO_APPLY) == needed_in(State.DECIDED_TO_APPLY)


def test_what_went_no_further_is_archived_without_what_the_way_asks_for():
    assert {need.from_state for need in asked_for(State.REJECTED, State.ARCHIVED)} == {State.ARCHIVED}


def test_every_need_says_what_to_do_and_leads_to_a_page_where_it_is_done(place):
    project = factories.project(place)
    for need in needs:
        assert str(need.label) and str(need.sentence).endswith("."), need.name
        assert resolve(need.place(project).split("#")[0]), need.name
        for field in need.fields:
            assert field in {*ProjectForm.base_fields, *EffectsForm.base_fields, "gates", "follow_ups"}, field
        assert need.from_state in ORDER


def test_the_usual_step_stands_first():
    assert {here: steps_from(here)[0] for here in State if WAYS[here]} == {
        State.IDEA: State.ANCHORING,
        State.ANCHORING: State.DECIDED_TO_APPLY,
        State.DECIDED_TO_APPLY: State.APPLIED,
        State.APPLIED: State.GRANTED,
        State.GRANTED: State.ONGOING,
        State.ONGOING: State.FINAL_REPORTED,
        State.PAUSED: State.ONGOING,
        State.FINAL_REPORTED: State.ENDED,
        State.ENDED: State.ARCHIVED,
        State.REJECTED: State.DECIDED_TO_APPLY,
        State.TAKEN_BACK: State.DECIDED_TO_APPLY,
        State.BROKEN_OFF: State.ARCHIVED,
    }


def test_the_six_gates_are_each_needed_somewhere():
    assert sorted(need.gate for need in needs if need.gate) == sorted(GateKind)


@pytest.mark.parametrize("name", needs.names)
def test_each_need_is_lacking_where_it_is_missing_and_nowhere_else(place, unit, reader, name):
    project = whole(place, unit, reader, without=(name,))
    complete = whole(place, unit, reader)
    assert [need.name for need in unmet(project, tuple(needs))] == [name]
    assert unmet(complete, tuple(needs)) == ()
    assert [found.pk for found in needs[name].find(Project.objects.all())] == [project.pk]


@pytest.mark.parametrize("name", needs.names)
def test_the_step_into_the_state_is_refused_for_what_it_needs(place, unit, reader, name):
    need = needs[name]
    here = next(state for state, ways in WAYS.items() if need.from_state in ways and state not in ASIDE)
    project = whole(place, unit, reader, here, without=(name,))
    problems = refused(lambda: take_step(reader, project, need.from_state, on=TODAY))
    assert problems == [(name, str(need.sentence))]
    project.refresh_from_db()
    assert (project.state, ProjectStep.objects.count()) == (here, 0)


@pytest.mark.parametrize("state", State)
def test_one_rule_tells_of_what_the_state_needs(place, unit, reader, state):
    for name in needs.names:
        whole(place, unit, reader, state, without=(name,), title=name)
    found = set(Project.objects.filter(lacking_what_their_state_needs()).values_list("title", flat=True))
    expected = {need.name for need in needed_in(state) if not need.told_by}
    assert found == (set() if state in LEFT_IN_PEACE else expected)


def test_a_document_that_is_withdrawn_is_no_evidence(place, unit, reader):
    project = whole(place, unit, reader, without=("decision_document",))
    document = add_document(place, project, reader, "agreement")
    assert unmet(project, [needs["decision_document"]]) == ()
    Document.objects.filter(pk=document.pk).update(withdrawn_at=timezone.now(), withdrawn_reason="Fel fil")
    assert unmet(project, [needs["decision_document"]]) == (needs["decision_document"],)


def test_what_is_preserved_for_good_needs_no_last_day(place, unit, reader):
    project = whole(place, unit, reader, without=("kept_until",))
    document = add_document(place, project, reader, "plan")
    Document.objects.filter(pk=document.pk).update(retention="preserved", kept_until=None)
    assert unmet(project, tuple(needs)) == ()


@pytest.mark.parametrize("accounting", ["elsewhere", "not_applicable"])
def test_who_is_accounted_for_elsewhere_needs_no_project_number(place, unit, reader, accounting):
    project = whole(place, unit, reader, without=("accounting",), accounting=accounting)
    assert unmet(project, tuple(needs)) == ()


def test_all_needs_are_asked_in_one_query(place, unit, reader):
    project = whole(place, unit, reader)
    with CaptureQueriesContext(connection) as captured:
        unmet(project, tuple(needs))
    assert len(captured) == 1


# --- steps -----------------------------------------------------------------------------------------------


def test_a_project_goes_all_its_way(place, unit, reader):
    project = whole(place, unit, reader)
    way = [
        *(State.ANCHORING, State.DECIDED_TO_APPLY, State.APPLIED, State.GRANTED, State.ONGOING),
        *(State.PAUSED, State.ONGOING, State.FINAL_REPORTED, State.ENDED, State.ARCHIVED),
    ]
    for number, state in enumerate(way):
        on = TODAY - timedelta(days=20 - number)
        with history.context(person=reader.person.pk, municipality=place.pk):
            step = take_step(reader, project, state, on=on, comment="Som planerat")
        assert (project.state, step.taken_by) == (state, reader.person)
    assert [step.to_state for step in standing_steps(project.steps.all())] == way
    assert project.steps.get(to_state=State.DECIDED_TO_APPLY).gates == ["anchoring", "suitability", "budget"]
    told = [
        (act.reason, act.who, one.before, one.after)
        for act in history.acts(project)
        for one in act.differences
        if one.name == "state" and act.reason
    ]
    labels = [str(state.label) for state in (State.IDEA, *way)]
    assert sorted(told) == sorted(
        ("Som planerat", "Strateg", before, after) for before, after in pairwise(labels)
    )


def test_a_refused_step_names_all_that_is_missing_with_where_to_fill_it_in(place, reader):
    project = factories.project(place, state=State.IDEA)
    with pytest.raises(StepRefused) as info:
        take_step(reader, project, State.DECIDED_TO_APPLY, on=TODAY + timedelta(days=1))
    told = [
        (problem.need.name if problem.need else problem.field, bool(problem.url))
        for problem in info.value.problems
    ]
    assert told == [
        ("on", False),
        ("owner_unit", True),
        ("link_to_operations", True),
        ("expected_effect", True),
        ("gate_anchoring", True),
        ("gate_suitability", True),
        ("gate_budget", True),
    ]


def test_what_belonged_to_steps_before_hinders_nobody(place, unit, reader):
    project = whole(
        place, unit, reader, State.ONGOING, without=("gate_anchoring", "link_to_operations", "funder")
    )
    take_step(reader, project, State.FINAL_REPORTED, on=TODAY)
    assert project.state == State.FINAL_REPORTED
    assert [need.name for need in unmet(project, needed_in(project.state))] == [
        "link_to_operations",
        "gate_anchoring",
        "funder",
    ]


def test_a_gate_dated_after_the_step_is_named(place, unit, reader):
    project = whole(place, unit, reader, without=("gate_budget",))
    add_gate(place, project, reader, GateKind.BUDGET, on=TODAY)
    problems = refused(
        lambda: take_step(reader, project, State.DECIDED_TO_APPLY, on=TODAY - timedelta(days=1))
    )
    assert names(problems) == ["gate_budget"]
    assert str(GateKind.BUDGET.label) in problems[0][1] and TODAY.isoformat() in problems[0][1]
    take_step(reader, project, State.DECIDED_TO_APPLY, on=TODAY)
    assert project.state == State.DECIDED_TO_APPLY


@pytest.mark.parametrize("there", State)
@pytest.mark.parametrize("here", ["", State.IDEA, State.ONGOING, State.ARCHIVED])
def test_there_is_no_step_beside_the_ways(place, unit, reader, here, there):
    project = whole(place, unit, reader, here)
    if here and there in WAYS[State(here)]:
        take_step(reader, project, there, on=TODAY, comment="Varför")
    else:
        assert names(refused(lambda: take_step(reader, project, there, on=TODAY))) == [""]
        project.refresh_from_db()
        assert project.state == here


def test_breaking_off_asks_why(place, unit, reader):
    project = whole(place, unit, reader, State.ONGOING)
    assert names(refused(lambda: take_step(reader, project, State.BROKEN_OFF, on=TODAY, comment=" "))) == [
        "comment"
    ]
    take_step(reader, project, State.BROKEN_OFF, on=TODAY, comment="Parten drog sig ur")
    assert project.state == State.BROKEN_OFF


def test_a_step_is_not_dated_before_the_one_before_it_nor_in_the_future(place, unit, reader):
    project = whole(place, unit, reader)
    take_step(reader, project, State.ANCHORING, on=TODAY - timedelta(days=3))

    def decide(on):
        return take_step(reader, project, State.DECIDED_TO_APPLY, on=on)

    assert names(refused(lambda: decide(TODAY - timedelta(days=4)))) == ["on"]
    assert names(refused(lambda: decide(TODAY + timedelta(days=1)))) == ["on"]
    assert decide(TODAY - timedelta(days=3)).taken_on == TODAY - timedelta(days=3)


def test_the_second_who_takes_the_same_step_is_told_who_took_it(place, unit, reader):
    other = factories.reader(place, Role.STRATEGIST, who=factories.person(place, "Den andra"))
    project = whole(place, unit, reader)
    take_step(reader, project, State.ANCHORING, on=TODAY)
    ((_name, text),) = refused(
        lambda: take_step(other, project, State.ANCHORING, on=TODAY, seen_state=State.IDEA)
    )
    assert "Strateg" in text and TODAY.isoformat() in text


def test_who_saw_another_state_decides_anew(place, unit, reader):
    project = whole(place, unit, reader, State.ONGOING)
    take_step(reader, project, State.PAUSED, on=TODAY)
    # Breaking off is a step from both; what was looked at was a running project.
    ((_name, text),) = refused(
        lambda: take_step(
            reader, project, State.BROKEN_OFF, on=TODAY, comment="Nej", seen_state=State.ONGOING
        )
    )
    assert "Strateg" in text
    assert project.state == State.PAUSED


def test_a_withdrawn_project_takes_no_step(place, unit, reader):
    project = whole(place, unit, reader, withdrawn_at=timezone.now(), withdrawn_reason="Dubblett")
    for call in (
        lambda: take_step(reader, project, State.ANCHORING, on=TODAY),
        lambda: correct_state(reader, project, "", reason="Fel"),
        lambda: give_state(reader, project, State.IDEA),
        lambda: pass_gates(reader, project, [GateKind.BUDGET], on=TODAY, by=reader.person, evidence="Ja"),
        lambda: plan_follow_ups(reader, project, [TODAY]),
    ):
        with pytest.raises(PermissionDenied):
            call()


def test_who_may_not_change_the_project_takes_no_step(place, unit, reader):
    other = factories.reader(place, Role.CONTACT_PERSON, factories.unit(place, "Tekniska"))
    project = whole(place, unit, reader)
    with pytest.raises(PermissionDenied):
        take_step(other, project, State.ANCHORING, on=TODAY)


def test_the_database_itself_lets_no_state_be_reached_past_its_step(place, unit, reader):
    project = whole(place, unit, reader)
    with pytest.raises(IntegrityError) as info, transaction.atomic():
        Project.objects.filter(pk=project.pk).update(state=State.GRANTED)
    assert constraint_name(info.value) in MESSAGES


# --- corrections and the unknown state -------------------------------------------------------------------


def test_a_step_that_was_never_taken_is_corrected_with_a_reason(place, unit, reader):
    project = whole(place, unit, reader)
    take_step(reader, project, State.ANCHORING, on=TODAY - timedelta(days=9))
    take_step(reader, project, State.DECIDED_TO_APPLY, on=TODAY - timedelta(days=8))
    take_step(reader, project, State.APPLIED, on=TODAY)
    assert correctable_to(project, project.steps.all()) == [
        State.IDEA,
        State.ANCHORING,
        State.DECIDED_TO_APPLY,
    ]
    assert names(refused(lambda: correct_state(reader, project, State.DECIDED_TO_APPLY, reason=" "))) == [
        "reason"
    ]
    assert names(refused(lambda: correct_state(reader, project, State.GRANTED, reason="Fel"))) == ["state"]
    correct_state(reader, project, State.DECIDED_TO_APPLY, reason="Ansökan gick aldrig i väg")
    assert project.state == State.DECIDED_TO_APPLY
    assert [step.to_state for step in standing_steps(project.steps.all())] == [
        State.ANCHORING,
        State.DECIDED_TO_APPLY,
    ]
    # The real step may be dated before the day of the correction.
    take_step(reader, project, State.APPLIED, on=TODAY - timedelta(days=1))
    assert project.state == State.APPLIED


def test_what_was_imported_is_corrected_to_any_state_before_or_to_unknown(place, reader):
    project = factories.project(place, state=State.ENDED)
    before = [state.value for state in ORDER[: ORDER.index(State.ENDED)]]
    assert correctable_to(project, []) == [*before, ""]
    correct_state(reader, project, "", reason="Filen hade fel läge")
    assert project.state == ""
    give_state(reader, project, State.ARCHIVED, reason="Enligt arkivet")
    assert project.state == State.ARCHIVED


def test_a_known_state_is_not_given_again(place, reader):
    project = factories.project(place, state=State.IDEA)
    assert names(refused(lambda: give_state(reader, project, State.GRANTED))) == [""]
    project.refresh_from_db()
    assert project.state == State.IDEA


# --- the pages -------------------------------------------------------------------------------------------


def address(project, state):
    return f"/projekt/{project.pk}/steg/{state}/"


def test_the_page_of_a_step_says_what_it_needs_and_takes_all_of_it_at_once(client, place, unit, strategist):
    project = factories.project(place, "Skolutbyte", state=State.IDEA, owner_unit=unit)
    page = client.get(address(project, "decided_to_apply"))
    assert page.status_code == 200
    assert [need["met"] for need in page.context["needs"]] == [True, False, False, False, False, False]
    form = page.context["form"]
    assert list(form.fields) == [
        *("seen_state", "link_to_operations", "expected_effect", "gates", "gates_on", "gates_by"),
        *("gates_evidence", "on", "comment"),
    ]
    answers = {
        "seen_state": "idea",
        "link_to_operations": "Språkundervisningen",
        "expected_effect": "Eleverna vågar tala",
        "gates": ["anchoring", "suitability", "budget"],
        "gates_on": "2026-11-03",
        "gates_by": strategist.pk,
        "gates_evidence": "Skolans ledningsgrupp 2026-11-03",
        "on": "2026-11-03",
        "comment": "Enligt plan",
    }
    response = client.post(address(project, "decided_to_apply"), answers, follow=True)
    assert response.redirect_chain == [(project.get_absolute_url(), 302)]
    project.refresh_from_db()
    assert (project.state, project.link_to_operations) == ("decided_to_apply", "Språkundervisningen")
    assert ProjectGate.objects.filter(project=project, done_on=date(2026, 11, 3)).count() == 3
    # One click, one act.
    act, *_before = history.acts(project)
    assert (act.reason, act.who) == ("Enligt plan", strategist.name)
    assert len([one for one in act.differences if one.part]) == 4


def test_a_refused_step_keeps_what_was_typed_and_links_to_what_is_missing(client, place, unit, strategist):
    project = factories.project(place, state=State.APPLIED, owner_unit=unit)
    response = client.post(
        address(project, "granted"), {"on": "2026-11-01", "external_reference": "VR-1", "starts": "2027-01"}
    )
    assert response.status_code == 422
    form = response.context["form"]
    assert (form["external_reference"].value(), form["starts"].value()) == ("VR-1", "2027-01")
    content = response.content.decode()
    assert f'href="{project.get_absolute_url()}#documents"' in content
    assert set(form.errors) == {"starts", "__all__"}
    project.refresh_from_db()
    assert (project.state, project.external_reference, project.starts_on) == ("applied", "", None)


def test_what_cannot_be_read_is_told_together_with_what_is_missing(client, place, unit, strategist):
    project = factories.project(place, state=State.GRANTED, owner_unit=unit)
    response = client.post(address(project, "ongoing"), {"on": "i går"})
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"on", "project_manager", "accounting", "gates"}


def test_what_is_filled_in_may_be_saved_without_the_step(client, place, unit, strategist):
    project = factories.project(place, state=State.APPLIED, owner_unit=unit)
    answers = {"on": "2026-11-01", "external_reference": "VR-1", "save": "1"}
    response = client.post(address(project, "granted"), answers)
    assert (response.status_code, response["Location"]) == (302, address(project, "granted"))
    project.refresh_from_db()
    assert (project.state, project.external_reference) == ("applied", "VR-1")


@pytest.mark.parametrize("state", ["granted", "archived", "idea"])
def test_a_hand_made_step_to_a_state_that_is_not_on_the_way_is_refused_in_words(
    client, place, unit, strategist, state
):
    project = factories.project(place, state=State.ANCHORING, owner_unit=unit)
    response = client.post(address(project, state), {"on": "2026-11-01"})
    assert response.status_code == (404 if state == "idea" else 409)
    project.refresh_from_db()
    assert project.state == State.ANCHORING
    assert client.get(address(project, state)).status_code == response.status_code
    assert client.post(address(project, "nonsens"), {"on": "2026-11-01"}).status_code == 404


def test_the_second_is_shown_on_the_page_who_took_the_step(client, place, unit, reader, strategist):
    other = factories.reader(place, Role.STRATEGIST, who=factories.person(place, "Den första"))
    project = whole(place, unit, reader)
    take_step(other, project, State.ANCHORING, on=TODAY)
    response = client.post(address(project, "anchoring"), {"on": TODAY.isoformat(), "seen_state": "idea"})
    assert response.status_code == 409
    assert "Den första" in response.content.decode()


@pytest.mark.parametrize(
    "path",
    ["steg/anchoring/", "lage/", "saknas/", "moment/budget/", "effekter/", "uppfoljningar/"],
)
def test_who_may_not_change_reaches_none_of_the_pages(client, place, unit, reader, path):
    project = whole(place, unit, reader)
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        foreign = factories.project(other)
    who = factories.person(place, "Läsare")
    factories.assignment(who, Role.AUDITOR, place)
    factories.login(client, who)
    assert client.get(f"/projekt/{project.pk}/{path}").status_code == 403
    assert client.post(f"/projekt/{project.pk}/{path}", {"propose": "1"}).status_code == 403
    assert client.post(f"/projekt/{foreign.pk}/{path}", {"propose": "1"}).status_code == 404
    assert client.delete(f"/projekt/{project.pk}/{path}").status_code == 405


def test_the_state_of_an_unknown_project_is_given_and_what_is_missing_then_shown(
    client, place, unit, strategist
):
    project = factories.project(place, owner_unit=unit)
    assert client.post(f"/projekt/{project.pk}/lage/", {"state": ""}).status_code == 422
    client.post(f"/projekt/{project.pk}/lage/", {"state": "ongoing", "reason": "Enligt rektor"})
    project.refresh_from_db()
    assert project.state == "ongoing"
    assert history.acts(project)[0].reason == "Enligt rektor"
    told = [str(one["label"]) for one in client.get(project.get_absolute_url()).context["found"]]
    assert len(told) == len(needed_in(State.ONGOING)) - 1  # of the owner unit alone nothing is said


def test_a_correction_is_made_on_the_page(client, place, unit, strategist):
    project = factories.project(place, state=State.ONGOING, owner_unit=unit)
    address, seen = f"/projekt/{project.pk}/lage/", {"seen_state": "ongoing"}
    assert 'name="seen_state" value="ongoing"' in client.get(address).content.decode()
    assert client.post(address, seen | {"state": "archived", "reason": "Fel"}).status_code == 422
    client.post(address, seen | {"state": "unknown", "reason": "Vet inte"})
    project.refresh_from_db()
    assert project.state == ""


@pytest.mark.parametrize("seen", [{}, {"seen_state": ""}, {"seen_state": "applied"}])
def test_a_form_about_the_state_opened_in_another_state_changes_nothing(
    client, place, unit, reader, strategist, seen
):
    project = factories.project(place, state=State.APPLIED, owner_unit=unit)
    correct_state(reader, project, "decided_to_apply", reason="Inte skickad")
    answer = client.post(
        f"/projekt/{project.pk}/lage/", seen | {"state": "idea", "reason": "Rektor säger så"}
    )
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "Strateg" in text and str(State.DECIDED_TO_APPLY.label) in text
    project.refresh_from_db()
    assert (project.state, project.steps.count()) == ("decided_to_apply", 1)
    with pytest.raises(StepRefused):
        correct_state(reader, project, "idea", reason="Fel", seen_state="applied")
    unknown = factories.project(place, "Okänt", owner_unit=unit)
    with pytest.raises(StepRefused):
        give_state(reader, unknown, State.GRANTED, seen_state="applied")


def test_what_is_missing_is_filled_in_on_one_page(client, place, unit, strategist):
    project = factories.project(place, state=State.ONGOING, owner_unit=unit, accounting="not_yet")
    address = f"/projekt/{project.pk}/saknas/"
    assert client.get(address).status_code == 200
    client.post(address, {"link_to_operations": "Skolan", "project_number": "7714", "starts": "2026-01"})
    project.refresh_from_db()
    assert (project.link_to_operations, project.project_number, project.starts_on) == (
        "Skolan",
        "7714",
        date(2026, 1, 1),
    )
    # Who gives a number has said where the project is booked.
    assert project.accounting == "here"
    assert client.post(address, {"own_share": "mycket"}).status_code == 422
    future = {"gates": "budget", "gates_on": "2026-12-24", "gates_by": strategist.pk, "gates_evidence": "Ja"}
    assert client.post(address, future).status_code == 422


def test_who_fills_in_what_somebody_else_has_filled_in_meanwhile_is_told(client, place, unit, strategist):
    project = factories.project(place, state=State.GRANTED, owner_unit=unit)
    address = f"/projekt/{project.pk}/saknas/"
    Project.objects.filter(pk=project.pk).update(expected_effect="Tryggare", link_to_operations="Skolan")
    typed = {"expected_effect": "Lugnare", "link_to_operations": "Skolan", "external_reference": "2026-7"}
    answer = client.post(address, typed)
    assert answer.status_code == 422
    (told,) = answer.context["form"].non_field_errors()
    effect = str(EffectsForm.base_fields["expected_effect"].label)
    assert f": {effect}." in told
    assert "2026-7" in answer.content.decode()
    # The page that was shown then asks for the rest alone.
    assert client.post(address, {"external_reference": "2026-7"}).status_code == 302
    project.refresh_from_db()
    assert (project.expected_effect, project.external_reference) == ("Tryggare", "2026-7")


def test_gates_and_follow_ups_that_stand_by_now_are_told_too(client, place, unit, reader, strategist):
    project = whole(place, unit, reader, State.FINAL_REPORTED, without=("external_reference",))
    plan_follow_ups(reader, project, [date(2026, 12, 31)])
    typed = {"gates": "budget", "gates_on": "2026-01-01", "gates_by": strategist.pk, "gates_evidence": "Ja"}
    answer = client.post(
        f"/projekt/{project.pk}/saknas/", typed | {"follow_ups": "2027-05-01", "external_reference": "7"}
    )
    assert answer.status_code == 422
    (told,) = answer.context["form"].non_field_errors()
    assert str(GateKind.BUDGET.label) in told and len(told.split(". ")[0].split(",")) == 2


def test_an_empty_box_takes_nothing_away(client, place, unit, strategist):
    project = factories.project(place, state=State.GRANTED, owner_unit=unit, starts_on=date(2026, 1, 1))
    client.post(f"/projekt/{project.pk}/saknas/", {"starts": "", "ends": "2027-12"})
    project.refresh_from_db()
    assert (project.starts_on, project.ends_on) == (date(2026, 1, 1), date(2027, 12, 31))


# --- gates -----------------------------------------------------------------------------------------------


def test_a_gate_is_noted_corrected_and_removed(client, place, unit, strategist):
    project = factories.project(place, state=State.IDEA, owner_unit=unit)
    address = f"/projekt/{project.pk}/moment/budget/"
    answers = {"done_on": "2026-11-03", "done_by": strategist.pk}
    assert list(client.post(address, answers).context["form"].errors) == ["evidence"]
    late = client.post(address, answers | {"done_on": "2026-11-21", "evidence": "Ja"})
    assert list(late.context["form"].errors) == ["done_on"]
    client.post(address, answers | {"evidence": "Ledningsgruppen"})
    gate = ProjectGate.objects.get(project=project)
    assert (gate.kind, gate.done_on, gate.done_by, gate.evidence) == (
        "budget",
        date(2026, 11, 3),
        strategist,
        "Ledningsgruppen",
    )
    client.post(address, answers | {"evidence": "Nämnden", "reason": "Rättat", "version": "1"})
    gate.refresh_from_db()
    assert (gate.evidence, gate.version, history.acts(gate)[0].reason) == ("Nämnden", 2, "Rättat")
    # Somebody else with the older version open is told.
    assert client.post(address, answers | {"evidence": "X", "reason": "Y", "version": "1"}).status_code == 422
    assert client.post(address, {"remove": "1", "remove-version": "2"}).status_code == 422
    removal = {"remove": "1", "remove-reason": "Gällde ett annat projekt"}
    # What somebody has corrected since is not removed unseen.
    unseen = client.post(address, removal | {"remove-version": "1"})
    assert unseen.status_code == 422
    assert "Strateg" in str(unseen.context["removal"].non_field_errors())
    client.post(address, removal | {"remove-version": "2"})
    assert not ProjectGate.objects.filter(project=project).exists()


def test_a_gate_on_which_a_step_rests_is_neither_removed_nor_dated_after_it(
    client, place, unit, reader, strategist
):
    project = whole(place, unit, reader)
    take_step(reader, project, State.DECIDED_TO_APPLY, on=TODAY - timedelta(days=5))
    address = f"/projekt/{project.pk}/moment/budget/"
    remove = {"remove": "1", "remove-reason": "Fel"}
    removal = client.post(address, remove | {"remove-version": "1"})
    assert list(removal.context["removal"].errors) == ["__all__"]
    assert removal.status_code == 422
    answers = {"done_by": strategist.pk, "evidence": "Ja", "reason": "Rätt dag", "version": "1"}
    later = client.post(address, answers | {"done_on": TODAY.isoformat()})
    assert list(later.context["form"].errors) == ["done_on"]
    assert client.post(address, answers | {"done_on": "2026-01-01"}).status_code == 302
    correct_state(reader, project, State.IDEA, reason="Aldrig beslutat")
    assert client.post(address, remove | {"remove-version": "2"}).status_code == 302


def test_a_gate_is_guarded_as_long_as_a_step_that_rests_on_it_stands(place, unit, reader):
    project = whole(place, unit, reader)
    gate = ProjectGate.objects.get(project=project, kind="budget")

    def may_be_dated_later():
        gate.done_on = TODAY
        try:
            with transaction.atomic():
                gate.save()
        except IntegrityError as refused:
            assert constraint_name(refused) == "a_gate_stands_before_its_step"
            return False
        return True

    take_step(reader, project, State.DECIDED_TO_APPLY, on=TODAY - timedelta(days=5))
    take_step(reader, project, State.APPLIED, on=TODAY - timedelta(days=4))
    # Back to the state that the step led to: it still rests on the gate.
    correct_state(reader, project, "decided_to_apply", reason="Inte skickad")
    assert not may_be_dated_later()
    take_step(reader, project, State.APPLIED, on=TODAY - timedelta(days=4))
    take_step(reader, project, State.REJECTED, on=TODAY - timedelta(days=3))
    take_step(reader, project, State.DECIDED_TO_APPLY, on=TODAY - timedelta(days=2))
    # The way led through this state twice: the correction goes back to the latest time.
    take_step(reader, project, State.APPLIED, on=TODAY - timedelta(days=2))
    correct_state(reader, project, "decided_to_apply", reason="Inte skickad igen")
    assert not may_be_dated_later()
    correct_state(reader, project, "idea", reason="Aldrig beslutat")
    assert may_be_dated_later()


def test_the_strategist_who_passes_gates_for_a_vacant_unit_is_marked_so(place, reader):
    vacant = factories.unit(place, "Utan kontaktperson")
    project = factories.project(place, owner_unit=vacant, state=State.IDEA)
    with history.context(person=reader.person.pk, municipality=place.pk):
        pass_gates(
            reader, project, [GateKind.BUDGET], on=TODAY, by=reader.person, evidence="Ja", reason="Möte"
        )
    (said,) = [act.reason for act in history.acts(ProjectGate.objects.get(project=project)) if act.reason]
    assert said.startswith("Möte (") and "Utan kontaktperson" in said


TITLE = "Barnets skyddade adress"


def with_secret_evidence(place, project, reader):
    """A gate that rests on a document marked secret, and on nothing else."""
    document = add_document(place, project, reader, "decision")
    Document.objects.filter(pk=document.pk).update(
        title=TITLE, is_secret=True, legal_ground="OSL 26 kap. 1 §"
    )
    ProjectGate.objects.create(
        municipality=place,
        project=project,
        kind="budget",
        done_on=date(2026, 11, 1),
        done_by=reader.person,
        document=document,
    )
    return document


@pytest.mark.parametrize(
    ("role", "own", "reads"),
    [
        (Role.STRATEGIST, False, True),
        (Role.REGISTRAR, False, True),
        (Role.AUDITOR, False, True),
        (Role.HEAD, True, True),
        (Role.HEAD, False, False),
        (Role.ECONOMIST, True, False),
        (Role.READER, False, False),
        (Role.NETWORK_SECRETARY, False, False),
        (Role.ADMINISTRATOR, False, False),
    ],
)
def test_the_title_of_a_document_stands_in_history_and_gates_for_who_reads_the_document(
    client, place, unit, reader, role, own, reads
):
    """Others are told its number, and that it is there."""
    project = factories.project(place, state=State.IDEA, owner_unit=unit)
    document = with_secret_evidence(place, project, reader)
    ends = {Role.HEAD, Role.ECONOMIST}
    other = factories.unit(place, "Kulturförvaltningen")
    who = factories.reader(place, role, (unit if own else other) if role in ends else None)
    factories.login(client, who.person)
    page = client.get(f"/projekt/{project.pk}/").text
    gates, entries = page.split('id="gates"')[1].split("</section>")[0], history.acts(project, reader=who)
    told = [
        one.after
        for act in entries
        for one in act.differences
        if "dokument" in one.after or TITLE in one.after
    ]
    assert (TITLE in page, TITLE in gates, any(TITLE in one for one in told)) == (reads, reads, reads)
    assert (f"dokument {document.pk}" in gates, any(f"dokument {document.pk}" in one for one in told)) == (
        not reads,
        not reads,
    )


def test_a_history_that_nobody_reads_names_no_document(place, unit, reader):
    project = factories.project(place, state=State.IDEA, owner_unit=unit)
    document = with_secret_evidence(place, project, reader)
    for told in (history.acts(project), history.changes_since(project, 0)):
        assert TITLE not in str(told)
    assert f"dokument {document.pk}" in str(history.acts(project))


def test_the_queries_of_a_history_do_not_grow_with_its_documents(place, unit, reader):
    counts = []
    for kinds in (GateKind.values[:1], GateKind.values[:5]):
        project = factories.project(place, f"Nr {len(kinds)}", state=State.IDEA, owner_unit=unit)
        for kind in kinds:
            ProjectGate.objects.create(
                municipality=place,
                project=project,
                kind=kind,
                done_on=date(2026, 11, 1),
                done_by=reader.person,
                document=add_document(place, project, reader, "decision"),
            )
        with CaptureQueriesContext(connection) as queries:
            said = str(history.acts(project, reader=reader))
        assert said.count("Handling ") == len(kinds)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_form_of_a_gate_keeps_a_document_that_who_corrects_it_may_not_read(
    client, place, unit, reader, monkeypatch
):
    """It is offered by its number: kept, or replaced, and never told."""
    project = factories.project(place, state=State.IDEA, owner_unit=unit)
    document = with_secret_evidence(place, project, reader)
    # As the table stands, who changes a project reads its secret documents; the form does not lean on that.
    monkeypatch.setitem(permissions._TABLE, "document.read_secret", (Reach.NONE,) * len(ROLES))
    factories.login(client, reader.person)
    address = f"/projekt/{project.pk}/moment/budget/"
    page = client.get(address)
    choices = dict(page.context["form"].fields["document"].choices)
    assert TITLE not in page.text
    assert [str(label) for key, label in choices.items() if key] == [
        gettext("%(document)s, which you may not read") % {"document": f"dokument {document.pk}"}
    ]
    answers = {"done_on": "2026-11-03", "done_by": reader.person.pk, "reason": "Rätt dag", "version": "1"}
    assert client.post(address, answers | {"document": document.pk}).status_code == 302
    gate = ProjectGate.objects.get(project=project)
    assert (gate.document, gate.done_on, gate.version) == (document, date(2026, 11, 3), 2)
    # What somebody else saved meanwhile is told without the title too.
    ProjectGate.objects.filter(pk=gate.pk).update(evidence="Nämnden")
    late = client.post(address, answers | {"document": document.pk, "evidence": "X"})
    assert late.status_code == 422 and TITLE not in late.text


def test_a_document_of_the_project_is_evidence_and_another_is_not(client, place, unit, reader, strategist):
    project = factories.project(place, state=State.IDEA, owner_unit=unit)
    document = add_document(place, project, reader, "minutes")
    other = add_document(place, factories.project(place, "Annat", owner_unit=unit), reader, "minutes")
    address = f"/projekt/{project.pk}/moment/anchoring/"
    answers = {"done_on": "2026-11-03", "done_by": strategist.pk}
    assert client.post(address, answers | {"document": other.pk}).status_code == 422
    assert client.post(address, answers | {"document": document.pk}).status_code == 302
    assert ProjectGate.objects.get(project=project).document == document
    assert client.get(f"/projekt/{project.pk}/moment/nagot/").status_code == 404


# --- effects and follow-ups ------------------------------------------------------------------------------


def test_a_follow_up_is_one_to_three_years_after_the_end(place):
    project = factories.project(place, ends_on=date(2024, 2, 29))
    assert proposed_dates(project) == (date(2025, 2, 28), date(2027, 2, 28))
    days = (date(2025, 2, 27), date(2025, 2, 28), date(2027, 2, 28), date(2027, 3, 1))
    assert [bool(refused_date(project, day)) for day in days] == [True, False, False, True]
    assert proposed_dates(factories.project(place)) == ()
    assert years_after(date(2026, 11, 20), 1) == date(2027, 11, 20)


def test_no_follow_up_is_proposed_on_a_day_that_has_passed(place):
    project = factories.project(place, ends_on=date(2025, 6, 30))
    assert proposed_dates(project, today=date(2026, 6, 30)) == (date(2026, 6, 30), date(2028, 6, 30))
    assert proposed_dates(project, today=date(2026, 7, 1)) == (date(2028, 6, 30),)
    assert proposed_dates(project, today=date(2028, 7, 1)) == ()


@pytest.mark.parametrize("ends_on", [date(2019, 8, 31), date(2026, 8, 31)], ids=str)
def test_follow_ups_that_nobody_wrote_are_never_planned(client, place, unit, strategist, ends_on):
    project = factories.project(place, owner_unit=unit, ends_on=ends_on, state=State.ENDED)
    page = f"/projekt/{project.pk}/saknas/"
    form = client.get(page).context["form"]
    answers = {field.html_name: field.value() for field in form if field.value() not in (None, [])}
    client.post(page, answers | {"achieved_effect": "Tryggare"})
    assert not project.follow_ups.exists()
    written = f"{ends_on.year + 1}-08-31, {ends_on.year + 3}-08-31"
    proposed = str(form["follow_ups"].help_text)
    assert (written in proposed) == (ends_on.year == 2026)
    client.post(page, {"follow_ups": written})
    assert [one.due_on.year for one in project.follow_ups.all()] == [ends_on.year + 1, ends_on.year + 3]


def test_the_address_of_the_follow_ups_leads_to_the_page_of_the_effects(client, place, unit, strategist):
    project = factories.project(place, owner_unit=unit, state=State.ENDED)
    response = client.get(f"/projekt/{project.pk}/uppfoljningar/")
    assert response["Location"] == f"/projekt/{project.pk}/effekter/#follow-ups"


def test_follow_ups_are_planned_with_one_click_and_then_done(client, place, unit, strategist):
    project = factories.project(place, owner_unit=unit, ends_on=date(2025, 11, 30), state=State.ENDED)
    plan = f"/projekt/{project.pk}/uppfoljningar/"
    client.post(plan, {"propose": "1"})
    client.post(plan, {"propose": "1"})
    first, second = project.follow_ups.all()
    assert (first.due_on, second.due_on) == (date(2026, 11, 30), date(2028, 11, 30))
    assert client.post(plan, {"due_on": "2029-01-01"}).status_code == 422
    assert client.post(plan, {"due_on": "2026-11-30"}).status_code == 422
    assert client.post(plan, {"due_on": "2027"}).status_code == 422
    page = f"/projekt/uppfoljning/{first.pk}/"
    answers = {"due_on": "2026-11-30", "version": "1"}
    assert list(client.post(page, answers | {"done_on": "2026-11-01"}).context["form"].errors) == ["outcome"]
    assert list(client.post(page, answers | {"outcome": "Används"}).context["form"].errors) == ["done_on"]
    assert client.post(page, answers | {"done_on": "2026-11-21", "outcome": "Används"}).status_code == 422
    client.post(page, answers | {"done_on": "2026-11-01", "outcome": "Används varje vecka"})
    first.refresh_from_db()
    assert (first.done_on, first.done_by, first.outcome) == (
        date(2026, 11, 1),
        strategist,
        "Används varje vecka",
    )
    assert client.post(page, {"remove": "1", "remove-version": "2"}).status_code == 422
    removal = {"remove": "1", "remove-reason": "Enheten är nedlagd"}
    assert client.post(page, removal | {"remove-version": "1"}).status_code == 422
    client.post(f"/projekt/uppfoljning/{second.pk}/", removal | {"remove-version": "1"})
    assert list(project.follow_ups.all()) == [first]


def test_another_municipalitys_follow_up_is_not_there(client, place, strategist):
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        project = factories.project(other)
        row = EffectFollowUp.objects.create(municipality=other, project=project, due_on=TODAY)
    assert client.get(f"/projekt/uppfoljning/{row.pk}/").status_code == 404
    assert client.post(f"/projekt/uppfoljning/{row.pk}/", {"due_on": "2026-11-20"}).status_code == 404


def test_the_effects_are_written_on_their_own_page(client, place, unit, strategist):
    project = factories.project(place, owner_unit=unit, state=State.ONGOING)
    address = f"/projekt/{project.pk}/effekter/"
    answers = {"achieved_effect": "Tryggare", "kept_up": "I vardagen", "kept_up_by": unit.pk, "version": "1"}
    assert list(client.post(address, answers).context["form"].errors) == ["reason"]
    late = client.post(address, answers | {"final_reported_on": "2026-11-21", "reason": "Klart"})
    assert list(late.context["form"].errors) == ["final_reported_on"]
    client.post(address, answers | {"final_reported_on": "2026-11-19", "reason": "Klart"})
    project.refresh_from_db()
    assert (project.achieved_effect, project.kept_up_by, project.final_reported_on) == (
        "Tryggare",
        unit,
        date(2026, 11, 19),
    )


@pytest.mark.parametrize(("days", "told"), [(31, []), (30, ["warn"]), (0, ["warn"]), (-1, ["stop"])], ids=str)
def test_a_follow_up_waits_for_who_may_change_the_project(place, unit, reader, days, told):
    due = TODAY + timedelta(days=days)
    project = factories.project(place, "Trygg hemma", owner_unit=unit)
    EffectFollowUp.objects.create(municipality=place, project=project, due_on=due)
    EffectFollowUp.objects.create(
        municipality=place,
        project=project,
        due_on=date(2026, 1, 1),
        done_on=TODAY,
        done_by=reader.person,
        outcome="Klart",
    )
    contact = factories.reader(place, Role.HEAD, unit)
    elsewhere = factories.reader(place, Role.CONTACT_PERSON, factories.unit(place, "Tekniska"))
    manager = factories.reader(place, Role.PROJECT_MANAGER)
    auditor = factories.reader(place, Role.AUDITOR)
    find = sources["follow_ups"].find
    for who in (reader, contact):
        assert [(task.tone, task.until) for task in find(who)] == [(tone, due) for tone in told]
    for who in (elsewhere, manager, auditor):
        assert list(find(who)) == []
    Project.objects.filter(pk=project.pk).update(project_manager=manager.person)
    assert len(list(find(manager))) == len(told)


# --- since when ------------------------------------------------------------------------------------------


def test_since_when_is_said_as_far_as_it_is_known(place, unit, reader):
    registered = timezone.localdate()
    bare = factories.project(place, "Bar", ends_on=date(2020, 5, 31))
    lonely = factories.unit(place, "Stadsbyggnadskontoret")
    factories.assignment(
        factories.person(place), Role.CONTACT_PERSON, place, lonely, ends_on=date(2021, 1, 31)
    )
    vacant = factories.project(place, owner_unit=lonely, own_share=Decimal(0))
    stepped = whole(place, unit, reader, ends_on=date(2027, 12, 31))
    take_step(reader, stepped, State.DECIDED_TO_APPLY, on=date(2026, 3, 1))
    Project.objects.filter(pk=stepped.pk).update(expected_effect="")
    found = {
        pk: [(rule.name, since) for rule, since in told]
        for pk, told in attention_since(Project.objects.of(place), TODAY).items()
    }
    assert found == {
        bare.pk: [
            ("owner_unit", registered),
            ("end_passed", date(2020, 6, 1)),
            ("own_share", registered),
        ],
        vacant.pk: [("contact_person", registered)],
        stepped.pk: [("state_needs", date(2026, 3, 1))],
    }
    Project.objects.filter(pk__in=[bare.pk, vacant.pk]).update(registered_at="2019-01-01T12:00Z")
    again = attention_since(Project.objects.of(place), TODAY)
    assert [since for _rule, since in again[bare.pk]] == [
        date(2019, 1, 1),
        date(2020, 6, 1),
        date(2019, 1, 1),
    ]
    assert [since for _rule, since in again[vacant.pk]] == [date(2021, 2, 1)]
    assert {pk: [rule for rule, _since in told] for pk, told in again.items()} == attention(
        Project.objects.of(place), TODAY
    )


def test_of_another_municipalitys_project_no_day_is_known_and_its_needs_are_the_owners():
    owner, other = factories.municipality("Nässjö kommun"), factories.municipality("Vaggeryds kommun")
    with scope(owner.pk):
        project = factories.project(owner, "Growkomp", state=State.ONGOING)
        ProjectShare.objects.create(owner_municipality=owner, municipality=other, project=project)
    with scope(other.pk):
        found = attention_since(Project.objects.of(other), TODAY)
        assert [(rule.name, since) for rule, since in found[project.pk]] == [
            ("owner_unit", None),
            ("own_share", None),
        ]
