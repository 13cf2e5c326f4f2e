"""An address that only a button opens: whoever reloads it, or turns the language there, is told where to go."""

import pytest

from strategy.models import Role
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def strategist(client):
    place = factories.municipality()
    with scope(place.pk):
        reader = factories.reader(place, Role.STRATEGIST)
        factories.login(client, reader.person)
        yield reader


def test_it_is_a_page_that_says_what_to_do(client, strategist):
    response = client.get("/valj-kommun/")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert 'href="/att-gora/"' in response.text and "<h1>" in response.text
    assert "no-store" in response["Cache-Control"]


def test_other_verbs_are_answered_as_before(client, strategist):
    response = client.delete("/valj-kommun/")
    assert (response.status_code, response.content) == (405, b"")


def test_the_language_is_turned_there_too(client, strategist):
    assert client.get("/valj-kommun/", headers={"accept-language": "en"}).text.count("<h1>") == 1
