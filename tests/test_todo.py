"""What waits for a person: gathered from the sources of every floor, in the order in which it is dealt with."""

from datetime import date

import pytest
from django.urls import reverse

from reporting.home import MANY, SHOWN, build_home
from strategy import todo
from strategy.models import Role
from strategy.todo import FIRST, Source, Task
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def only(monkeypatch):
    """Sources of the test's own instead of those of the floors."""

    def put(*sources):
        monkeypatch.setattr("reporting.home.sources", sources)

    return put


def task(title, **fields):
    return Task(title=title, url="/", why="", **fields)


def titles(reader, **chosen):
    return [one.title for one in build_home(reader, chosen).waiting]


def test_who_waits_for_an_answer_comes_first_then_what_is_serious_then_the_nearest_day_then_the_longest(
    place, only
):
    reader = factories.reader(place, Role.READER)
    only(
        Source(
            "others",
            "Others",
            lambda reader: [
                task("ny", since=date(2026, 11, 1)),
                task("gammal", since=date(2026, 1, 1)),
                task("senare", until=date(2026, 12, 24)),
                task("snart", until=date(2026, 11, 24)),
                task("allvarlig", tone="stop"),
            ],
        ),
        Source("people", "People", lambda reader: [task("anmäld")], place=FIRST),
    )
    assert titles(reader) == ["anmäld", "allvarlig", "snart", "senare", "gammal", "ny"]


def test_how_long_it_waits_is_said_in_words(place, only):
    reader = factories.reader(place, Role.READER)
    days = {"idag": date(2026, 11, 20), "tolv": date(2026, 11, 8), "länge": date(2020, 5, 1)}
    only(Source("one", "One", lambda reader: [task(name, since=day) for name, day in days.items()]))
    said = {one.title: one.time for one in build_home(reader).waiting}
    assert "12" in said["tolv"]
    assert "2020-05-01" in said["länge"]
    assert not any(sign.isdigit() for sign in said["idag"])


def test_many_can_be_narrowed_by_kind_and_by_whose(client, place, only):
    who = factories.person(place)
    reader = factories.reader(place, Role.READER, who=who)
    only(
        Source("one", "Ett", lambda reader: [task(f"A{n}", whose="Skolan") for n in range(MANY)]),
        Source("two", "Två", lambda reader: [task("B", whose="Omsorgen"), task("C")]),
    )
    assert titles(reader, slag="two") == ["B", "C"]
    assert titles(reader, vems="Omsorgen") == ["B"]
    assert titles(reader, slag="one", vems="Omsorgen") == []
    # What is no longer among the choices narrows nothing: it is done.
    assert len(titles(reader, slag="three")) == MANY + 2
    factories.login(client, who)
    page = client.get(reverse("home"), {"slag": "two"})
    assert 'name="slag"' in page.text
    assert "A1" not in page.text
    assert "B" in page.text


def test_few_need_no_filter(place, only):
    only(Source("one", "Ett", lambda reader: [task("A")]), Source("two", "Två", lambda reader: [task("B")]))
    assert build_home(factories.reader(place, Role.READER)).form is None


def test_of_very_many_the_page_shows_the_first_and_says_how_many_more(place, only):
    only(Source("one", "Ett", lambda reader: [task(f"A{n}") for n in range(SHOWN + 7)]))
    home = build_home(factories.reader(place, Role.READER))
    assert (len(home.waiting), home.more, home.total) == (SHOWN, 7, SHOWN + 7)


def test_who_acts_for_a_unit_without_a_contact_person_is_told_so(client, place, only):
    who = factories.person(place)
    factories.assignment(who, Role.STRATEGIST, place)
    factories.login(client, who)
    only(
        Source(
            "one", "Ett", lambda reader: [task("A", whose="Skolan", marked=True), task("B", whose="Torget")]
        )
    )
    page = client.get(reverse("home"))
    assert page.text.count("todo__whose") == 2
    assert len({part.split("</p>")[0] for part in page.text.split('todo__whose">')[1:]}) == 2


def test_every_floor_has_registered_its_sources():
    assert {"reports_in", "vacancies", "imports", "projects"} <= {source.name for source in todo.sources}
