"""What must be dealt with: each rule on the day it begins and ends to speak."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects.attention import attention, rules
from projects.models import Project, ProjectShare, State
from strategy.models import Role
from strategy.walls import scope
from tests import factories
from tests.factories import TODAY

pytestmark = pytest.mark.django_db


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


def in_order(place, unit, **fields):
    """A project in which nothing is to be dealt with."""
    return factories.project(place, **{"owner_unit": unit, "own_share": Decimal(0), **fields})


def found(place, today=TODAY):
    """Which rules speak; what a state needs is tested with the table itself (test_life)."""
    told = attention(Project.objects.of(place), today)
    names = {pk: [rule.name for rule in rules if rule.name != "state_needs"] for pk, rules in told.items()}
    return {pk: rules for pk, rules in names.items() if rules}


def test_the_rules_stand_in_the_registry_from_the_start():
    assert rules.names == ("owner_unit", "contact_person", "end_passed", "own_share", "state_needs")


def test_a_project_in_order_is_not_spoken_of(place, unit):
    in_order(place, unit)
    assert found(place) == {}


def test_a_project_about_which_nothing_is_known_lacks_owner_unit_and_own_share(place):
    project = factories.project(place)
    assert found(place) == {project.pk: ["owner_unit", "own_share"]}


def test_a_withdrawn_project_is_nothing_to_deal_with(place):
    factories.project(place, withdrawn_at=timezone.now(), withdrawn_reason="Dubblett")
    factories.project(
        place, withdrawn_at=timezone.now(), withdrawn_reason="Dubblett", ends_on=date(2020, 1, 1)
    )
    assert found(place) == {}


@pytest.mark.parametrize(
    "assignment",
    [
        {"subject": "Erasmus+"},
        {"starts_on": TODAY + timedelta(days=1)},
        {"ends_on": TODAY - timedelta(days=1)},
    ],
    ids=["for a subject only", "from tomorrow", "until yesterday"],
)
def test_a_unit_lacks_a_contact_person_when_the_only_one_is(place, assignment):
    lonely = factories.unit(place, "Stadsbyggnadskontoret")
    factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, lonely, **assignment)
    project = in_order(place, lonely)
    assert found(place) == {project.pk: ["contact_person"]}


def test_a_contact_person_answers_from_the_first_to_the_last_day(place):
    unit = factories.unit(place, "Stadsbyggnadskontoret")
    factories.assignment(
        factories.person(place), Role.CONTACT_PERSON, place, unit, starts_on=TODAY, ends_on=TODAY
    )
    in_order(place, unit)
    assert found(place) == {}
    assert list(found(place, TODAY + timedelta(days=1)).values()) == [["contact_person"]]


def test_a_contact_person_further_up_is_not_the_units_own(place, unit):
    below = factories.unit(place, "Vård och omsorg", parent=unit)
    project = in_order(place, below)
    assert found(place) == {project.pk: ["contact_person"]}


def test_another_role_is_no_contact_person(place):
    lonely = factories.unit(place, "Stadsbyggnadskontoret")
    factories.assignment(factories.person(place), Role.HEAD, place, lonely)
    project = in_order(place, lonely)
    assert found(place) == {project.pk: ["contact_person"]}


def test_a_finished_project_needs_no_contact_person(place):
    in_order(place, factories.unit(place, "Stadsbyggnadskontoret"), state=State.ENDED)
    assert found(place) == {}


def test_the_last_day_is_the_projects_own_and_the_day_after_it_must_be_dealt_with(place, unit):
    project = in_order(place, unit, state=State.ONGOING, ends_on=TODAY)
    assert found(place) == {}
    assert found(place, TODAY + timedelta(days=1)) == {project.pk: ["end_passed"]}


@pytest.mark.parametrize("state", ["", *State.values])
def test_the_end_has_passed_in_every_state_but_those_after_which_nothing_happens(place, unit, state):
    in_order(place, unit, state=state, ends_on=TODAY - timedelta(days=1))
    over = {"rejected", "taken_back", "final_reported", "ended", "archived", "broken_off"}
    assert list(found(place).values()) == ([] if state in over else [["end_passed"]])


def test_an_own_share_of_nothing_is_known_and_a_missing_one_is_not(place, unit):
    in_order(place, unit, own_share=Decimal(0))
    project = in_order(place, unit, own_share=None)
    assert found(place) == {project.pk: ["own_share"]}


def test_an_application_that_came_to_nothing_has_no_own_share_to_give(place, unit):
    in_order(place, unit, own_share=None, state=State.REJECTED)
    in_order(place, unit, own_share=None, state=State.TAKEN_BACK)
    assert found(place) == {}


def test_in_a_shared_project_each_municipality_deals_with_its_own_row():
    owner, other = factories.municipality("Nässjö kommun"), factories.municipality("Vaggeryds kommun")
    with scope(other.pk):
        unit = factories.unit(other, "Kommunledningskontoret")
    with scope(owner.pk):
        project = factories.project(owner, "Growkomp", ends_on=date(2020, 1, 1))
        ProjectShare.objects.create(owner_municipality=owner, municipality=other, project=project)
        assert found(owner) == {project.pk: ["owner_unit", "end_passed", "own_share"]}
    with scope(other.pk):
        assert found(other) == {project.pk: ["owner_unit", "own_share"]}
        ProjectShare.objects.update(unit=unit, own_share=Decimal(100))
        assert found(other) == {project.pk: ["contact_person"]}
        factories.assignment(factories.person(other), Role.CONTACT_PERSON, other, unit)
        assert found(other) == {}
    with scope(owner.pk):
        assert found(owner) == {project.pk: ["owner_unit", "end_passed", "own_share"]}


def test_all_rules_are_asked_in_one_query_however_many_projects(place):
    factories.project(place)
    with CaptureQueriesContext(connection) as one:
        attention(Project.objects.of(place), TODAY)
    for _ in range(4):
        factories.project(place)
    with CaptureQueriesContext(connection) as five:
        assert len(attention(Project.objects.of(place), TODAY)) == 5
    assert len(one) == len(five) == 1


def test_what_the_state_needs_is_one_rule_that_says_nothing_again_of_what_others_say(place, unit):
    """The owner unit and the own share are told of by rules of their own."""
    project = factories.project(place, state=State.ONGOING)
    told = attention(Project.objects.of(place), TODAY)
    assert [rule.name for rule in told[project.pk]] == ["owner_unit", "own_share", "state_needs"]


@pytest.mark.parametrize("state", ["", State.IDEA, State.ANCHORING, State.REJECTED, State.ARCHIVED])
def test_of_some_states_nothing_is_asked(place, unit, state):
    in_order(place, unit, state=state)
    assert attention(Project.objects.of(place), TODAY) == {}
