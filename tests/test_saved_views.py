"""Columns that a person keeps, and views saved under a name: whose they are, who sees them, what may go wrong."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.columns import USUAL
from projects.models import Funder, Kind, Level, PartyRole, ProjectParty, State
from projects.views.project_list import LISTING
from strategy.lists import VIEW, filters_of, keep_columns, kept, save_view
from strategy.models import Role, SavedView
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/projekt/"
COLUMNS, SAVE, VIEWS = "/vyer/projekt/kolumner/", "/vyer/projekt/spara/", "/vyer/projekt/"
EVERY = [name for name, _label in LISTING.columns()]


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


def somebody(place, role=Role.EMPLOYEE, name="Anställd"):
    who = factories.person(place, name)
    factories.assignment(who, role, place)
    return who


@pytest.fixture
def reader(client, place):
    who = somebody(place, Role.STRATEGIST, "Strategen")
    factories.login(client, who)
    return who


def view_of(who, place, name="Skolor", **fields):
    return SavedView.objects.create(municipality=place, person=who, listing="projects", name=name, **fields)


def shown(response):
    assert response.status_code == 200
    return [column.name for column in response.context["listing"].columns]


def titles(response):
    assert response.status_code == 200
    return [row[0].text for row in response.context["listing"].rows]


# --- columns ---------------------------------------------------------------------------------------------


def test_a_person_chooses_columns_once_and_keeps_them(client, place, reader):
    factories.project(place)
    assert shown(client.get(LIST)) == list(USUAL)
    response = client.post(f"{COLUMNS}?ar=2026", {"columns": ["dnr", "state"]})
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?ar=2026")
    assert shown(client.get(LIST)) == ["project", "dnr", "state"]
    assert client.get(COLUMNS).context["form"]["columns"].value() == ("project", "dnr", "state")


def test_the_first_column_cannot_be_removed(client, place, reader):
    factories.project(place)
    client.post(COLUMNS, {"columns": []})
    assert shown(client.get(LIST)) == ["project"]


def test_the_usual_columns_are_not_kept(client, place, reader):
    client.post(COLUMNS, {"columns": ["dnr"]})
    client.post(COLUMNS, {"columns": list(USUAL[1:])})
    assert SavedView.objects.count() == 0


def test_a_column_that_is_not_there_is_refused_with_a_sentence(client, place, reader):
    response = client.post(COLUMNS, {"columns": ["password"]})
    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["columns"]
    assert SavedView.objects.count() == 0


def test_a_kept_column_that_is_gone_is_passed_over(client, place, reader):
    factories.project(place)
    view_of(reader, place, "", columns=["gone", "dnr"])
    assert shown(client.get(LIST)) == ["project", "dnr"]


def test_what_one_chooses_another_does_not_see(client, place, reader):
    factories.project(place)
    view_of(somebody(place), place, "", columns=["dnr"])
    assert shown(client.get(LIST)) == list(USUAL)


def test_each_column_shows_what_the_register_knows(client, place, reader):
    funder = Funder.objects.create(municipality=place, name="Vinnova")
    project = factories.project(
        place,
        level=Level.NATIONAL,
        kind=Kind.RESEARCH,
        funder=funder,
        dnr="KS 2020/0946",
        external_reference="2023-00123",
        project_manager=reader,
        state=State.ONGOING,
    )
    ProjectParty.objects.create(
        municipality=place, project=project, name="Tartu linn", role=PartyRole.PARTNER
    )
    ProjectParty.objects.create(municipality=place, project=project, kind="universitet", number=11)
    client.post(COLUMNS, {"columns": EVERY[1:]})
    response = client.get(LIST)
    assert shown(response) == EVERY
    row = {cell.column.name: cell.text for cell in response.context["listing"].rows[0]}
    assert {name: row[name] for name in ("level", "kind", "funder", "dnr", "external_reference")} == {
        "level": str(Level.NATIONAL.label),
        "kind": str(Kind.RESEARCH.label),
        "funder": "Vinnova",
        "dnr": "KS 2020/0946",
        "external_reference": "2023-00123",
    }
    assert row["parties"] == "Tartu linn, 11 universitet"
    assert row["project_manager"] == "Strategen"
    assert row["registered"]


def test_a_file_has_the_columns_on_screen(client, place, reader):
    factories.project(place, dnr="KS 2020/0946")
    client.post(COLUMNS, {"columns": ["dnr"]})
    text = client.get(f"{LIST}?format=csv").content.decode("utf-8-sig")
    heads, row = csv.reader(io.StringIO(text), delimiter=";")
    labels = dict(LISTING.columns())
    assert [str(labels["project"]), str(labels["dnr"])] == [heads[2], heads[-1]]
    assert (len(heads), row[-1]) == (5, "KS 2020/0946")
    for form in ("xlsx", "json"):
        assert client.get(f"{LIST}?format={form}").status_code == 200


def test_all_columns_cost_the_same_number_of_queries_at_one_and_five_rows(client, place, reader):
    client.post(COLUMNS, {"columns": EVERY[1:]})

    def one_more():
        project = factories.project(
            place,
            owner_unit=factories.unit(place, f"Enhet {SavedView.objects.count()}{id(object())}"),
            project_manager=reader,
        )
        for name in ("Tartu linn", "Habo kommun"):
            ProjectParty.objects.create(municipality=place, project=project, name=name)

    def count(address):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    one_more()
    first = [count(LIST), count(f"{LIST}?format=csv")]
    for _number in range(4):
        one_more()
    assert [count(LIST), count(f"{LIST}?format=csv")] == first


# --- views -----------------------------------------------------------------------------------------------


def test_a_view_keeps_filters_and_columns_under_a_name(client, place, reader):
    factories.project(place, "Pågår", state=State.ONGOING, dnr="KS 1")
    factories.project(place, "Klart", state=State.ENDED)
    client.post(COLUMNS, {"columns": ["dnr", "state"]})
    response = client.post(f"{SAVE}?lage=ongoing&page=3&format=csv", {"name": " Pågående  nu "})
    view = SavedView.objects.get(name="Pågående nu")
    assert (view.query, view.columns, view.shared) == ("lage=ongoing", ["project", "dnr", "state"], False)
    assert response["Location"] == f"{LIST}?lage=ongoing&{VIEW}={view.pk}"
    client.post(COLUMNS, {"columns": ["period"]})
    opened = client.get(response["Location"])
    assert (titles(opened), shown(opened)) == (["Pågår"], ["project", "dnr", "state"])
    assert [(one.label, one.current) for one in opened.context["choices"]][1] == ("Pågående nu", True)


def test_a_name_is_composed_and_at_most_eighty_characters(client, place, reader):
    client.post(SAVE, {"name": "A\u030ardag"})
    assert SavedView.objects.get().name == "\u00c5rdag"
    response = client.post(SAVE, {"name": "x" * 81})
    assert list(response.context["form"].errors) == ["name"]
    for empty in ("", "  ", "\u200b"):
        assert list(client.post(SAVE, {"name": empty}).context["form"].errors) == ["name"]
    assert SavedView.objects.count() == 1


def test_a_name_stands_once_and_is_replaced_when_that_is_ticked(client, place, reader):
    client.post(f"{SAVE}?ar=2025", {"name": "Skolor"})
    refused = client.post(f"{SAVE}?ar=2026", {"name": "skolor"})
    assert list(refused.context["form"].errors) == ["name"]
    assert "replace" in refused.context["form"].fields
    client.post(f"{SAVE}?ar=2026", {"name": "skolor", "replace": "on"})
    assert [(view.name, view.query) for view in SavedView.objects.all()] == [("skolor", "ar=2026")]


def test_saving_from_an_open_view_of_ones_own_offers_to_replace_it(client, place, reader):
    view = view_of(reader, place, query="ar=2025")
    form = client.get(f"{SAVE}?ar=2026&{VIEW}={view.pk}").context["form"]
    assert (form["name"].value(), form["replace"].value()) == ("Skolor", True)


def test_others_are_offered_what_is_shared_and_nothing_else(client, place, reader):
    colleague = somebody(place, name="Kollegan")
    private = view_of(colleague, place, "Hemlig")
    shared = view_of(colleague, place, "Delad", shared=True, columns=["dnr"])
    factories.project(place)
    response = client.get(LIST)
    assert [(one.label, one.by) for one in response.context["choices"]][1:-1] == [("Delad", "Kollegan")]
    assert shown(client.get(f"{LIST}?{VIEW}={shared.pk}")) == ["project", "dnr"]
    assert client.get(f"{LIST}?{VIEW}={private.pk}").status_code == 404
    page = client.get(VIEWS)
    assert [line["view"] for line in page.context["shared"]] == [shared]
    assert b"Hemlig" not in page.content


@pytest.mark.parametrize("key", ["999999", "x", "-1", "9" * 30, "%00"])
def test_a_view_that_is_not_there_is_not_found(client, place, reader, key):
    assert client.get(f"{LIST}?{VIEW}={key}").status_code == 404
    assert client.get(f"{SAVE}?{VIEW}={key}").status_code == 404


def test_a_view_of_another_municipality_is_not_found(client, place, reader):
    elsewhere = factories.municipality("Annan kommun")
    with scope(elsewhere.pk):
        foreign = view_of(somebody(elsewhere), elsewhere, shared=True)
    assert client.get(f"{LIST}?{VIEW}={foreign.pk}").status_code == 404
    assert client.get(f"/vyer/{foreign.pk}/andra/").status_code == 404
    assert client.post(f"/vyer/{foreign.pk}/ta-bort/").status_code == 404


def test_a_view_whose_filter_cannot_be_used_any_more_says_so(client, place, reader):
    factories.project(place)
    view = view_of(reader, place, query="enhet=999999")
    response = client.get(LISTING.address(view.query, view))
    assert titles(response) == []
    assert len(response.context["errors"]) == 1
    assert any("Skolor" in str(notice) for notice in response.context["notices"])


def test_an_own_view_is_renamed_shared_and_removed(client, place, reader):
    view = view_of(reader, place)
    view_of(reader, place, "Annan")
    taken = client.post(f"/vyer/{view.pk}/andra/", {"name": "annan"})
    assert list(taken.context["form"].errors) == ["name"]
    assert client.post(f"/vyer/{view.pk}/andra/", {"name": "Nytt", "shared": "on"}).status_code == 302
    view.refresh_from_db()
    assert (view.name, view.shared) == ("Nytt", True)
    assert client.post(f"/vyer/{view.pk}/ta-bort/").status_code == 302
    assert list(SavedView.objects.values_list("name", flat=True)) == ["Annan"]


def test_a_shared_view_is_removed_by_its_person_or_the_strategist_alone(client, place, reader):
    owner = somebody(place, name="Ägaren")
    view = view_of(owner, place, shared=True)
    private = view_of(owner, place, "Hemlig")
    assert client.post(f"/vyer/{private.pk}/ta-bort/").status_code == 404
    assert client.get(f"/vyer/{view.pk}/andra/").status_code == 403
    factories.login(client, somebody(place, name="En annan"))
    assert client.post(f"/vyer/{view.pk}/ta-bort/").status_code == 403
    assert SavedView.objects.filter(pk=view.pk).exists()
    client.force_login(reader.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(f"/vyer/{view.pk}/ta-bort/").status_code == 302
    assert list(SavedView.objects.all()) == [private]


def test_the_choice_of_columns_is_no_view_to_be_opened_or_removed(client, place, reader):
    always = view_of(reader, place, "", columns=["dnr"])
    assert client.get(f"{LIST}?{VIEW}={always.pk}").status_code == 404
    assert client.get(f"/vyer/{always.pk}/andra/").status_code == 404
    assert client.post(f"/vyer/{always.pk}/ta-bort/").status_code == 404


def test_no_get_removes_and_no_list_is_made_up(client, place, reader):
    view = view_of(reader, place)
    assert client.get(f"/vyer/{view.pk}/ta-bort/").status_code == 405
    assert client.post(VIEWS).status_code == 405
    assert client.put(COLUMNS).status_code == 405
    assert client.get("/vyer/personer/").status_code == 404
    assert client.get("/vyer/personer/kolumner/").status_code == 404
    assert client.get("/vyer/personer/spara/").status_code == 404
    assert SavedView.objects.count() == 1


def test_a_name_and_a_query_are_never_markup_nor_lead_elsewhere(client, place, reader):
    name = '<script>alert("x")</script>'
    response = client.post(f"{SAVE}?next=//example.org&q=%22%3E%3Cscript%3E", {"name": name})
    assert response["Location"].startswith(f"{LIST}?")
    for address in (LIST, VIEWS, response["Location"]):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert '"><script>' not in page


def test_too_long_filters_are_not_saved(client, place, reader):
    assert client.post(f"{SAVE}?q={'x' * 3000}", {"name": "Lång"}).status_code == 404
    assert SavedView.objects.count() == 0


def test_of_an_address_only_what_chooses_rows_is_saved():
    assert filters_of("ar=2026&page=2&format=csv&vy=7&q=%C3%A5") == "ar=2026&q=%C3%A5"


def test_what_is_kept_comes_from_one_query(place, django_assert_num_queries):
    who = factories.reader(place, Role.STRATEGIST)
    save_view(who, LISTING, name="Mina", query="ar=2026", columns=["dnr"], shared=True)
    keep_columns(who, LISTING, ["state"])
    with django_assert_num_queries(1):
        found = kept(who, LISTING)
        assert [view.name for view in found.own] == ["Mina"]
        assert found.columns() == ("project", "state")
        assert found.columns(found.own[0]) == ("project", "dnr")
