"""Who acts in a command: the municipality by code or name, the person by address."""

import errno
import os

import pytest
from django.core.management import CommandError

from projects.models import Project
from strategy import history
from strategy.management.acting import acting, find_municipality
from strategy.management.files import unreadable, unwritable
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


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        *((name, "Jönköpings kommun") for name in ("Jönköping", "jönköpings", "Jönköping kommun")),
        *((name, "Habo kommun") for name in ("Habo", " HABO  kommun", "Habo kommuns")),
        *((name, "Borås stad") for name in ("Borås", "Borås kommun", "borås Stad")),
        ("Grums", "Grums kommun"),
        # Its whole name goes before another's everyday one.
        ("Vätterbygden", "Vätterbygden"),
    ],
)
def test_the_everyday_name_of_a_municipality_will_do(place, wanted, found):
    for name in ("Habo kommun", "Borås stad", "Grums kommun", "Vätterbygden", "Vätterbygdens kommun"):
        factories.municipality(name)
    assert find_municipality(wanted).name == found


def test_an_everyday_name_of_several_is_asked_about_and_none_is_chosen(place):
    for name in ("Habo kommun", "Habo stad"):
        factories.municipality(name)
    with pytest.raises(CommandError) as refused:
        find_municipality("habo")
    assert refused.value.returncode == 2
    assert all(name in str(refused.value) for name in ("Habo kommun", "Habo stad"))
    assert "Jönköpings" not in str(refused.value)


@pytest.mark.parametrize("wanted", ["", " ", "kommun", "öping", "Jönköpingss", "stad"])
def test_a_part_of_a_name_is_no_name(place, wanted):
    with pytest.raises(CommandError):
        find_municipality(wanted)


@pytest.mark.parametrize("tell", [unreadable, unwritable])
def test_why_a_file_is_out_of_reach_is_told_without_the_words_of_the_system(tell, tmp_path):
    path = tmp_path / "lista.csv"
    codes = (errno.ENOENT, errno.EISDIR, errno.EACCES, errno.ENOSPC, errno.EIO)
    told = [tell(path, OSError(code, os.strerror(code))) for code in codes]
    assert all(str(tmp_path) in sentence and sentence.endswith(".") for sentence in told)
    assert not any(os.strerror(code) in sentence for code, sentence in zip(codes, told, strict=True))
    assert len(set(told)) == 5
    assert "EIO" in told[-1]


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
