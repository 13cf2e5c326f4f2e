"""The permission table restated cell by cell, and tried on own and foreign objects."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from projects.models import Project
from strategy.models import Role, Unit, UnitKind
from strategy.permissions import (
    ALL,
    NONE,
    OWN,
    ROLES,
    UNIT,
    can,
    declare,
    municipalities_where,
    require,
    resolve_reader,
    table,
)
from strategy.responsibilities import visible_assignments, visible_people
from strategy.walls import scope
from tests import factories
from tests.factories import TODAY

pytestmark = pytest.mark.django_db

LETTERS = {"a": ALL, "u": UNIT, "o": OWN, "-": NONE}
# One letter a role, in this order.
ORDER = [
    Role.ADMINISTRATOR,
    Role.STRATEGIST,
    Role.CONTACT_PERSON,
    Role.PROJECT_MANAGER,
    Role.PROJECT_OWNER,
    Role.ECONOMIST,
    Role.HEAD,
    Role.REGISTRAR,
    Role.APPLICATION_OFFICER,
    Role.NETWORK_SECRETARY,
    Role.READER,
    Role.AUDITOR,
    Role.EMPLOYEE,
]
EXPECTED = {
    "responsibilities.read": "aaaaaaaaaaaaa",
    "assignment.give": "aa----u------",
    "auditor.invite": "a------------",
    "person.change": "a------------",
    "organisation.change": "a------------",
    "history.read": "aaaaaaaaaaaa-",
    "log.read": "aa---------a-",
    "handover.make": "aa----u------",
    "document.read": "-auoouuau--a-",
    "document.read_secret": "-auoo-ua---a-",
    "document.add": "-auoouuau----",
    "document.withdraw": "-au---ua-----",
    "report.make": "aaaaaaaaaaa-a",
    "report.read": "-au---u----a-",
    "report.settle": "-au---u------",
    "code_list.read": "-a---a-----a-",
    "code_list.take": "-a---a-------",
    "grant_list.read": "-a---a-----a-",
    "grant_list.take": "-a-----------",
    "project.read": "aaaaaaaaaaaaa",
    "project.export": "aaaaaaaaaaaa-",
    "project.read_notes": "aauoouu----a-",
    "project.register": "-auuu-u-u----",
    "project.change": "-auoo-u------",
    "project.number": "-auoouu------",
    "project.dnr": "-auoo-ua-----",
    "project.withdraw": "-au---u------",
    "project.share": "-a-----------",
    "project.import": "-a-----------",
    "import.read": "aa---------a-",
}
WITHOUT_UNIT = (Role.ADMINISTRATOR, Role.AUDITOR)


def test_the_table_is_the_one_restated_here():
    assert list(ROLES) == ORDER
    assert set(ROLES) == set(Role)
    assert table() == {action: tuple(LETTERS[one] for one in reaches) for action, reaches in EXPECTED.items()}


@pytest.mark.parametrize("role", ORDER)
def test_each_cell_on_own_and_foreign_objects(role):
    place, elsewhere = factories.municipality(), factories.municipality("Åby kommun")
    with scope(elsewhere.pk):
        foreign = factories.project(elsewhere, owner_unit=factories.unit(elsewhere, "Åbyförvaltningen"))
    with scope(place.pk):
        unit, other = factories.unit(place), factories.unit(place, "Kulturförvaltningen")
        below = factories.unit(place, "Hemtjänsten", kind=UnitKind.SECTOR, parent=unit)
        reader = factories.reader(place, role, None if role in WITHOUT_UNIT else unit)
        objects = {
            "own": factories.project(place, "Egen", owner_unit=unit),
            "below": factories.project(place, "Under", owner_unit=below),
            "other": factories.project(place, "Annan", owner_unit=other),
            "unknown": factories.project(place, "Okänd"),
            "run": factories.project(place, "Ledd", owner_unit=other, project_manager=reader.person),
            "foreign": foreign,
        }
        reached = {
            ALL: {"own", "below", "other", "unknown", "run"},
            UNIT: {"own", "below", "run"},
            OWN: {"run"},
            NONE: set(),
        }
        for action, reaches in EXPECTED.items():
            reach = LETTERS[reaches[ORDER.index(role)]]
            allowed = {name for name, project in objects.items() if reader.can(action, project)}
            assert (action, allowed) == (action, reached[reach])
            assert bool(reader.can(action)) == (reach != NONE)
            for name, project in objects.items():
                decision = can(reader, action, project)
                assert bool(decision.reason) != bool(decision)
                if name not in allowed:
                    with pytest.raises(PermissionDenied) as refused:
                        require(reader, action, project)
                    assert str(refused.value) == decision.reason
            units = reader.units(action)
            if reach == ALL or (reach == UNIT and role in WITHOUT_UNIT):
                assert units is None
            else:
                assert units == (frozenset({unit.pk, below.pk}) if reach == UNIT else frozenset())


def test_a_unit_answers_for_itself_and_a_board_for_what_serves_it():
    place = factories.municipality()
    with scope(place.pk):
        board = factories.unit(place, "Socialnämnden", kind=UnitKind.BOARD)
        unit, former = factories.unit(place), factories.unit(place, "Förr")
        factories.serves(unit, board)
        factories.serves(former, board, valid_to=TODAY.replace(year=2020))
        head = factories.reader(place, Role.HEAD, board)
        assert {one: bool(head.can("assignment.give", one)) for one in (board, unit, former)} == {
            board: True,
            unit: True,
            former: False,
        }


def test_two_assignments_reach_as_far_as_both_together():
    place = factories.municipality()
    with scope(place.pk):
        first, second = factories.unit(place), factories.unit(place, "Kulturförvaltningen")
        reader = factories.reader(place, Role.CONTACT_PERSON, first)
        reader = factories.reader(place, Role.HEAD, second, who=reader.person)
        assert reader.units("project.change") == frozenset({first.pk, second.pk})
        assert reader.units("assignment.give") == frozenset({second.pk})
        assert reader.main is not None
        assert reader.main.role == Role.CONTACT_PERSON


def test_an_assignment_that_is_over_or_to_come_gives_nothing():
    place = factories.municipality()
    with scope(place.pk):
        who = factories.person(place)
        factories.assignment(who, Role.STRATEGIST, place, ends_on=TODAY.replace(day=19))
        factories.assignment(who, Role.ADMINISTRATOR, place, starts_on=TODAY.replace(day=21))
        reader = resolve_reader(who, place, TODAY)
        assert reader.held == ()
        assert [action for action in EXPECTED if reader.can(action) or reader.can(action, place)] == []
        assert list(visible_assignments(reader)) == []
        assert list(visible_people(reader)) == []
        assert list(Project.objects.visible_to(reader)) == []


def test_nobody_may_anything_without_a_login():
    place = factories.municipality()
    assert [action for action in EXPECTED if can(None, action) or can(None, action, place)] == []
    with pytest.raises(PermissionDenied):
        require(None, "project.read")


def test_a_misspelt_action_is_an_error_for_everybody():
    place, elsewhere = factories.municipality(), factories.municipality("Åby kommun")
    with scope(place.pk):
        strategist = factories.reader(place, Role.STRATEGIST)
        nobody = resolve_reader(factories.person(place), place, TODAY)
    for reader in (strategist, nobody, None):
        for obj in (None, place, elsewhere):
            with pytest.raises(KeyError):
                can(reader, "project.chnge", obj)


def test_an_action_is_declared_once_and_for_every_role():
    with pytest.raises(ValueError, match="declared twice"):
        declare({"project.read": (ALL,) * 13})
    with pytest.raises(ValueError, match="needs 13"):
        declare({"project.invent": (ALL,)})
    assert "project.invent" not in table()


def test_a_refusal_is_logged(caplog):
    place = factories.municipality()
    with scope(place.pk):
        reader = factories.reader(place, Role.READER)
        project = factories.project(place)
        with pytest.raises(PermissionDenied):
            reader.require("project.change", project)
    assert f"person {reader.person.pk} may not project.change on Project {project.pk}" in caplog.text


def test_resolving_a_reader_takes_as_many_queries_for_five_assignments_as_for_one(django_assert_num_queries):
    place = factories.municipality()
    with scope(place.pk):
        unit = factories.unit(place)
        who = factories.reader(place, Role.CONTACT_PERSON, unit).person
        with django_assert_num_queries(2):
            resolve_reader(who, place, TODAY)
        for number in range(4):
            at = factories.unit(place, f"Enhet {number}", parent=unit, kind=UnitKind.UNIT)
            factories.assignment(who, Role.ECONOMIST, place, at)
        with django_assert_num_queries(2):
            assert len(resolve_reader(who, place, TODAY).held) == 5
        assert Unit.objects.count() == 5


def test_where_a_person_may_do_what_is_told_for_all_municipalities_in_one_query(django_assert_num_queries):
    places = tuple(factories.municipality(f"Kommun {number}") for number in range(len(ROLES) + 1))
    with scope(places[0].pk):
        who = factories.person(places[0])
    for place, role in zip(places, ROLES, strict=False):
        with scope(place.pk):
            needs_one = role in (Role.CONTACT_PERSON, Role.HEAD)
            factories.assignment(who, role, place, factories.unit(place) if needs_one else None)
    with scope(places[-1].pk):
        factories.assignment(who, Role.STRATEGIST, places[-1], ends_on=TODAY.replace(year=2025))
    with scope(places[0].pk, reads=[place.pk for place in places]):
        reader = resolve_reader(who, places[0], TODAY, places)
        for action in table():
            expected = tuple(place for place in places if resolve_reader(who, place, TODAY).can(action))
            with django_assert_num_queries(1):
                assert municipalities_where(reader, action) == expected
