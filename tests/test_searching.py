"""The search in the register: in every form, exact first, guesses only where nothing is found."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects.models import Funder, PartyRole, Programme, Project, ProjectParty
from projects.searching import MOST_WORDS, found_keys, matching, spelt_alike, with_keys
from strategy.models import Role
from strategy.walls import scope
from tests import factories
from tests.test_values_text import FAMILIES, NEAR_WORDS
from values.text import search_terms

pytestmark = pytest.mark.django_db
LIST = "/projekt/"


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def strategist(client, place):
    who = factories.person(place, "Strategen")
    factories.assignment(who, Role.STRATEGIST, place)
    factories.login(client, who)
    return who


def found(query):
    keys = found_keys(matching(Project.objects.order_by("pk"), query), query)
    return [project.title for project in with_keys(Project.objects.all(), keys)]


def titles(response):
    assert response.status_code == 200
    return [row[0].text for row in response.context["listing"].rows]


def test_the_database_finds_the_forms_that_the_words_say(place):
    """PostgreSQL reads the patterns of values.text as Python does: every form, compound and near word."""
    words = {
        word
        for line in (FAMILIES + NEAR_WORDS).strip().splitlines()
        for word in line.replace("|", " ").replace(":", " ").split()
    }
    terms = {term for word in words for term in search_terms(word)}
    texts = sorted(words)
    wrong = []
    with connection.cursor() as cursor:
        for term in terms:
            for way in term.ways:
                if not way.pattern:
                    continue
                cursor.execute(
                    "SELECT text FROM unnest(%s::text[]) text WHERE text ~ %s AND position(%s in text) > 0",
                    [texts, way.pattern, way.part],
                )
                here = {row[0] for row in cursor.fetchall()}
                wrong += [
                    (term.written, text) for text in here ^ {text for text in texts if way.stands_in(text)}
                ]
    assert wrong == []


@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ("skolorna", "Skolprojekt i Gränna"),
        ("projekten", "Skolprojekt i Gränna"),
        ("ansökningarna", "Ansökan om bidrag"),
        ("bidragens", "Ansökan om bidrag"),
        ("SKOLA gränna", "Skolprojekt i Gränna"),
        ("målet", "Globala mål"),
    ],
)
def test_a_word_is_found_in_all_its_forms_and_within_compounds(place, query, hit):
    for title in ("Skolprojekt i Gränna", "Ansökan om bidrag", "Globala mål", "Något annat"):
        factories.project(place, title)
    assert found(query) == [hit]


def test_words_are_found_in_each_text_and_number_of_a_project(place):
    funder = Funder.objects.create(municipality=place, name="Socialstyrelsen")
    programme = Programme.objects.create(municipality=place, name="Erasmus+", funder=funder)
    project = factories.project(
        place,
        "Trygg hemma",
        acronym="TRYGG",
        summary="Välfärdsteknik för äldre",
        funder=funder,
        programme=programme,
        project_number="0007",
        dnr="KS 2020/0946",
        external_reference="2023-1-SE01-KA121",
        register_year=2017,
        register_number=3,
    )
    ProjectParty.objects.create(
        municipality=place, project=project, name="Tartu linn", country="EE", role=PartyRole.PARTNER
    )
    ProjectParty.objects.create(municipality=place, project=project, kind="universitet", number=11)
    factories.project(place, "Bredband", project_number="7714")
    for query in (
        *(
            "hemma trygg",
            "trygg",
            "välfärdstekniken",
            "socialstyrelsens",
            "erasmus+",
            "tartu",
            "universiteten",
        ),
        *("0007", "KS 2020/0946", '"KS 2020/0946"', "2023-1-SE01-KA121", "P-2017-3", "p-2017-3"),
        "äldre socialstyrelsen tartu 0007",
    ):
        assert found(query) == ["Trygg hemma"], query
    assert found("trygg bredband") == []


def test_a_code_is_sought_as_it_is(place):
    factories.project(place, "Ett", project_number="0007")
    factories.project(place, "Två", project_number="7")
    assert found("0007") == ["Ett"]


def test_what_stands_in_quotation_marks_is_sought_as_it_is(place):
    factories.project(place, "Globala målen i skolan")
    factories.project(place, "Målen för den globala skolan")
    assert found('"globala målen"') == ["Globala målen i skolan"]
    assert found("”globala skolor”") == []
    assert sorted(found("globala målen")) == ["Globala målen i skolan", "Målen för den globala skolan"]


def test_signs_of_patterns_are_signs(place):
    factories.project(place, "100 % förnybart (C++)")
    factories.project(place, "Annat")
    for query in ("100 %", "(c++)", "c++", "100 .*", '"%"', '"(c++)"'):
        assert found(query) == ["100 % förnybart (C++)"], query
    for query in ('"_"', '".*"', "för.ybart", '"\\"', "för[ny"):
        assert found(query) == [], query


def test_the_number_comes_first_then_titles_as_written_then_other_forms_then_other_texts(place):
    factories.project(place, "E", summary="Alla skolor i länet")
    factories.project(place, "D", summary="Alla i skolan")
    factories.project(place, "Skolor på landet")
    factories.project(place, "Förskolan växer")
    factories.project(place, "Hela skolan")
    assert found("skolan") == ["Hela skolan", "Förskolan växer", "Skolor på landet", "D", "E"]
    factories.project(place, "Om 7714", project_number="1")
    factories.project(place, "Numret", project_number="7714")
    factories.project(place, "Text", summary="Se 7714 i ekonomisystemet")
    assert found("7714") == ["Om 7714", "Numret", "Text"]


def test_a_misspelt_word_is_guessed_only_where_nothing_is_found(client, place, strategist):
    factories.project(place, "Stark integration")
    factories.project(place, "Digital skola")
    factories.project(place, "Bredband")
    for query, meant in (
        ("integartion", "Stark integration"),
        ("sokla", "Digital skola"),
        ("digtal skolan", "Digital skola"),
        ("brebdand", "Bredband"),
    ):
        response = client.get(LIST, {"q": query})
        assert titles(response) == [meant], query
        assert any(query in str(notice) for notice in response.context["notices"])
        assert query in response.content.decode()
    response = client.get(LIST, {"q": "integrationen"})
    assert titles(response) == ["Stark integration"]
    assert response.context["notices"] == []


def test_a_funder_spelt_alike_is_guessed(place):
    funder = Funder.objects.create(municipality=place, name="Tillväxtverket")
    project = factories.project(place, "Näring", funder=funder)
    factories.project(place, "Annat")
    assert spelt_alike(Project.objects.all(), "tillvextverket") == [project.pk]


@pytest.mark.parametrize("query", ["7715", '"integartion"', "qqqqqq", "esx", "x" * 200])
def test_codes_quoted_words_and_what_is_like_nothing_give_no_guesses(client, place, strategist, query):
    factories.project(place, "Stark integration", project_number="7714")
    response = client.get(LIST, {"q": query})
    assert titles(response) == []
    assert response.context["notices"] == []


def test_guesses_keep_to_the_other_filters_and_to_the_municipality(client, place, strategist):
    factories.project(place, "Stark integration", starts_on=date(2020, 1, 1), ends_on=date(2020, 12, 31))
    elsewhere = factories.municipality("Annan kommun")
    with scope(elsewhere.pk):
        factories.project(elsewhere, "Integration i grannkommunen")
    assert titles(client.get(LIST, {"q": "integartion"})) == ["Stark integration"]
    assert titles(client.get(LIST, {"q": "integartion", "ar": "2026"})) == []


def test_a_file_of_guesses_holds_what_the_page_shows(client, place, strategist):
    factories.project(place, "Stark integration")
    text = client.get(LIST, {"q": "integartion", "format": "csv"}).content.decode("utf-8-sig")
    assert "Stark integration" in text


def test_found_projects_are_paged_in_their_order(client, place, strategist):
    for number in range(60):
        factories.project(place, f"Projekt {number:02}")
    first = titles(client.get(LIST, {"q": "projekt"}))
    second = titles(client.get(LIST, {"q": "projekt", "page": "2"}))
    assert first + second == [f"Projekt {number:02}" for number in range(59, -1, -1)]
    assert titles(client.get(LIST, {"q": "projekt", "page": "99"})) == second


def test_a_pasted_page_is_refused_with_a_sentence(client, place, strategist):
    factories.project(place, "Projekt")
    words = " ".join(f"a{number}" for number in range(MOST_WORDS + 1))
    response = client.get(LIST, {"q": words})
    assert titles(response) == []
    assert len(response.context["errors"]) == 1
    assert str(MOST_WORDS) in response.context["errors"][0].text


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_may_be_searched_for(place, query):
    query = query.replace("\0", "")
    list(matching(Project.objects.all(), query)[:1])
    found_keys(Project.objects.order_by("pk"), query)
    spelt_alike(Project.objects.all(), query)


@pytest.mark.parametrize("query", ["projekt", "finns ingenstans", "projeckt"])
def test_the_number_of_queries_of_a_search_does_not_grow_with_the_rows(client, place, strategist, query):
    funder = Funder.objects.create(municipality=place, name="Länsstyrelsen")

    def one_more():
        project = factories.project(place, "Skolprojekt", funder=funder)
        ProjectParty.objects.create(municipality=place, project=project, name="Tartu linn")

    def count():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(LIST, {"q": query}).status_code == 200
        return len(captured)

    one_more()
    first = count()
    for _number in range(4):
        one_more()
    assert count() == first
