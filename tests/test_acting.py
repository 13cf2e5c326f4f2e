"""Who acts in a command: the municipality by code or name, the person by address."""

import pytest
from django.core.management import CommandError

from projects.models import Project
from strategy import history
from strategy.management.acting import acting
from strategy.models import Role, Unit
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    place = factories.municipality("Jönköpings kommun", code="0680")
    with scope(place.pk):
        factories.unit(place)
    return place


@pytest.mark.parametrize("wanted", ["0680", "Jönköpings kommun", " jo\u0308nko\u0308pings  KOMMUN "])
def test_a_command_acts_in_a_municipality_by_code_or_name_with_the_persons_rights(place, wanted):
    with scope(place.pk):
        strategist = factories.reader(place, Role.STRATEGIST)
    with acting(wanted, strategist.person.email.upper(), reason="prov") as reader:
        assert (reader.person, reader.municipality, reader.roles) == (
            strategist.person,
            place,
            frozenset([Role.STRATEGIST]),
        )
        project = factories.project(place)
        (act,) = history.acts(project)
        assert (act.who, act.page, act.reason) == (strategist.person.name, "manage.py", "prov")
    assert list(Unit.objects.all()) == []


def test_without_a_person_the_command_reads_and_may_change_nothing(place):
    with acting("0680") as reader:
        assert Project.objects.visible_to(reader).count() == 0
        assert Unit.objects.count() == 1
        assert not reader.can("project.import")
        assert not reader.can("project.register")


def test_who_or_where_that_is_not_known_is_told_in_a_sentence_with_status_2(place):
    other = factories.municipality("Habo kommun")
    with scope(other.pk):
        stranger = factories.reader(other, Role.STRATEGIST).person.email
    for municipality, mail in (
        ("Atlantis", stranger),
        ("0680", stranger),
        ("0680", "nobody@example.org"),
        ("", None),
    ):
        with pytest.raises(CommandError) as refused, acting(municipality, mail):
            pytest.fail("nobody acts here")
        assert refused.value.returncode == 2
        assert (municipality if municipality == "Atlantis" else mail or "0680") in str(refused.value)
