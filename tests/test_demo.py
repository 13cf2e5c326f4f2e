"""The demo: repeatable, complete, and nothing invented about real municipalities."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from projects.models import Funder, Programme, Project
from reporting import demo
from strategy import history
from strategy.models import Assignment, Municipality, Role
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


def _counts() -> dict[str, tuple[int, int]]:
    counts = {}
    for place in Municipality.objects.order_by("pk"):
        with scope(place.pk):
            counts[place.name] = (
                Assignment.objects.filter(municipality=place).count(),
                Project.objects.filter(municipality=place).count(),
            )
    return counts


def test_the_demo_stands_and_a_second_run_changes_nothing():
    assert demo.build(factories.TODAY) is True
    first = _counts()
    assert demo.build(factories.TODAY) is False
    assert _counts() == first
    assert first == {
        "Jönköpings kommun": (13, 0),
        "Habo kommun": (2, 0),
        "Mullsjö kommun": (2, 0),
        "Vaggeryds kommun": (2, 0),
        "Sjöstads kommun": (6, 11),
    }


def test_there_is_one_login_for_each_role_in_jonkoping_and_each_can_log_in(client):
    demo.build(factories.TODAY)
    logins = [login for login in demo.logins(factories.TODAY) if login.municipality == "Jönköpings kommun"]
    assert sorted(login.role for login in logins) == sorted(Role)
    for login in logins:
        assert client.login(request=_request(), email=login.email, password=demo.PASSWORD), login.email


def _request():
    from django.test import RequestFactory

    return RequestFactory().post("/konto/login/")


def test_the_strategist_is_one_person_in_four_municipalities():
    demo.build(factories.TODAY)
    people = set()
    for place in Municipality.objects.exclude(name="Sjöstads kommun"):
        with scope(place.pk):
            people.add(Assignment.objects.get(municipality=place, role=Role.STRATEGIST).person_id)
    assert len(people) == 1


def test_each_project_of_the_demo_is_an_act_of_its_own_with_its_own_reason():
    demo.build(factories.TODAY)
    place = Municipality.objects.get(name="Sjöstads kommun")
    with scope(place.pk):
        told = {
            project.title: [act.reason for act in history.acts(project)]
            for project in Project.objects.filter(municipality=place)
        }
    assert told["Trygg hemma"] == [""]
    assert "Kommunledningskontoret" in told["Digital samverkan i länet"][0]


def test_the_demo_is_refused_where_there_are_municipalities():
    factories.municipality("Någon annan kommun")
    with pytest.raises(CommandError):
        call_command("demo")
    out = StringIO()
    call_command("demo", if_empty=True, stdout=out)
    assert out.getvalue() == ""
    assert Municipality.objects.count() == 1


def _printed(**options):
    out, err = StringIO(), StringIO()
    call_command("demo", stdout=out, stderr=err, **options)
    return out.getvalue().splitlines(), err.getvalue()


def test_a_login_is_one_line_with_all_its_municipalities():
    demo.build(factories.TODAY)
    heading, *lines = _printed(logins=True, language="sv")[0]
    assert heading == "Lösenord för alla: medel-visning"
    assert len(lines) == len({login.email for login in demo.logins(factories.TODAY)})
    (strategist,) = (line for line in lines if demo.STRATEGIST in line)
    assert strategist.split(maxsplit=1)[1] == (
        "Internationell strateg, "
        "Jönköpings kommun (Strategienheten), Habo kommun, Mullsjö kommun, Vaggeryds kommun"
    )


def test_what_is_printed_is_in_the_language_asked_for():
    demo.build(factories.TODAY)
    heading, *lines = _printed(logins=True, language="en")[0]
    assert heading == "Password for all: medel-visning"
    assert [line.split(maxsplit=1)[1] for line in lines if demo.INSTALLATION in line] == [
        "Administrator, the installation"
    ]


def test_a_real_site_is_warned_of_the_published_password(settings):
    warning = (
        "Warning: the password of the demo's accounts is published, and this site is not a local one: "
        "keep it where nobody else reaches it, or begin again with an empty database.\n"
    )
    settings.LOCAL = False
    assert _printed(warn=True, language="en") == ([], "")
    loaded = _printed(language="en")
    assert (loaded[1], loaded[0][0]) == (
        f"The demo is loaded.\n{warning}",
        "Password for all: medel-visning",
    )
    assert _printed(warn=True, language="en") == ([], warning)
    settings.LOCAL = True
    assert _printed(warn=True, language="en") == ([], "")


def test_municipalities_of_the_same_names_are_not_the_demo():
    factories.municipality("Jönköpings kommun")
    with pytest.raises(CommandError):
        call_command("demo", logins=True)


def test_the_funders_and_programmes_that_ship_are_there_for_everybody():
    assert Funder.objects.filter(municipality=None, name="Svenska ESF-rådet").exists()
    assert Programme.objects.filter(municipality=None, name="Erasmus+", funder__name="EU").exists()
