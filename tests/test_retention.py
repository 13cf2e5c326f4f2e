"""How long documents are kept: said of one without a reason where nothing stood, and of many on one page."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile

from projects.documents import add_to_project
from projects.life import needs, unmet
from strategy import history
from strategy.documents import say_how_long
from strategy.models import Document, Role
from strategy.walls import scope
from tests import factories
from tests.test_document_contents import pdf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def place(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def project(place):
    unit = factories.unit(place)
    factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
    return factories.project(place, owner_unit=unit)


@pytest.fixture
def strategist(client, place):
    reader = factories.reader(place, Role.STRATEGIST)
    factories.login(client, reader.person)
    return reader


def document(reader, project, title, **facts):
    file = SimpleUploadedFile("fil.pdf", pdf(title.encode()))
    return add_to_project(reader, project, file, kind="decision", title=title, **facts)[0]


def page_of(project):
    return f"/projekt/{project.pk}/dokument/bevarande/"


def kept():
    return list(Document.objects.order_by("pk").values_list("title", "retention", "kept_until"))


def test_what_was_empty_is_filled_in_without_a_reason_and_what_stood_is_not_changed_without_one(
    client, project, strategist
):
    one = document(strategist, project, "Beslut")
    address = f"/dokument/{one.pk}/andra/"
    facts = {"kind": "decision", "title": "Beslut", "retention": "preserved", "version": "1"}
    assert client.post(address, facts).status_code == 302
    assert kept() == [("Beslut", "preserved", None)]
    for changed in (
        {"retention": ""},
        {"title": "Annat"},
        {"is_secret": "on", "legal_ground": "OSL 26 kap. 1 §"},
    ):
        refused = client.post(address, facts | {"version": "2"} | changed)
        assert list(refused.context["form"].errors) == ["reason"]
    assert kept() == [("Beslut", "preserved", None)]


def test_all_documents_of_a_project_are_said_at_once(client, project, strategist):
    for title in ("Ett", "Två", "Tre"):
        document(strategist, project, title)
    document(strategist, project, "Fyra", retention="until", kept_until=date(2030, 1, 1))
    assert unmet(project, [needs["retention"]])
    assert page_of(project) in client.get(project.get_absolute_url()).text
    page = client.get(page_of(project))
    chosen = page.context["form"]["documents"].value()
    assert len(chosen) == 3
    answer = client.post(
        page_of(project), {"documents": chosen, "retention": "until", "kept_until": "2036-12-31"}
    )
    assert answer["Location"] == f"{project.get_absolute_url()}#documents"
    until = ("until", date(2036, 12, 31))
    assert kept() == [
        ("Ett", *until),
        ("Två", *until),
        ("Tre", *until),
        ("Fyra", "until", date(2030, 1, 1)),
    ]
    assert not unmet(project, [needs["retention"]])
    assert history.acts(Document.objects.get(title="Ett"))[0].person_id == strategist.person.pk
    # Nothing is left to say: the page leads back.
    assert client.get(page_of(project)).status_code == 302


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({}, ["documents", "retention"]),
        ({"retention": "until"}, ["documents", "kept_until"]),
        ({"retention": "preserved", "kept_until": "2036-12-31"}, ["documents", "kept_until"]),
        ({"retention": "until", "kept_until": "2036"}, ["documents", "kept_until"]),
        ({"retention": "nonsens", "documents": ["999999"]}, ["documents", "retention"]),
    ],
    ids=str,
)
def test_wrong_answers_are_told_and_nothing_is_saved(client, project, strategist, answers, wrong):
    document(strategist, project, "Ett")
    response = client.post(page_of(project), answers)
    assert (response.status_code, set(response.context["form"].errors)) == (422, set(wrong))
    assert kept() == [("Ett", "", None)]


def test_a_day_before_a_documents_own_is_refused(client, project, strategist):
    one = document(strategist, project, "Ett", dated_on=date(2026, 5, 1))
    answers = {"documents": [one.pk], "retention": "until", "kept_until": "2026-04-30"}
    assert client.post(page_of(project), answers).status_code == 422


def test_what_somebody_else_has_said_meanwhile_stands(project, strategist):
    one = document(strategist, project, "Ett")
    seen = [Document.objects.get(pk=one.pk)]
    Document.objects.filter(pk=one.pk).update(retention="preserved")
    assert say_how_long(strategist, seen, retention="until", kept_until=date(2036, 1, 1)) == []
    assert kept() == [("Ett", "preserved", None)]


def test_who_does_not_keep_the_projects_documents_says_nothing_of_them(client, place, project, strategist):
    one = document(strategist, project, "Ett")
    secret = document(strategist, project, "Två", is_secret=True, legal_ground="OSL 26 kap. 1 §")
    auditor = factories.reader(place, Role.AUDITOR, who=factories.person(place, "Revisor"))
    with pytest.raises(PermissionDenied):
        say_how_long(auditor, [one], retention="preserved", kept_until=None)
    factories.login(client, auditor.person)
    assert client.get(page_of(project)).status_code == 403
    economist = factories.reader(
        place, Role.ECONOMIST, project.owner_unit, who=factories.person(place, "Ekonom")
    )
    factories.login(client, economist.person)
    # What one may not read is neither named nor touched.
    assert "Två" not in client.get(page_of(project)).text
    posted = {"documents": [one.pk, secret.pk], "retention": "preserved"}
    assert client.post(page_of(project), posted).status_code == 422
    assert client.post(page_of(project), posted | {"documents": [one.pk]}).status_code == 302
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        foreign = factories.project(other)
    assert client.get(page_of(foreign)).status_code == 404
    assert client.post(page_of(foreign), posted).status_code == 404
    assert client.delete(page_of(project)).status_code == 405
