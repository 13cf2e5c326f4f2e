"""Project number and registry number, given by economist and registrar; and who is to start a granted project."""

from datetime import date

import pytest

from projects.models import Project, State
from projects.numbers import FOLDED, numbers_to_give, projects_to_start
from strategy import history
from strategy.models import Role
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def unit(place):
    unit = factories.unit(place)
    factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
    return unit


@pytest.fixture
def economist(place, unit):
    return factories.reader(place, Role.ECONOMIST, unit, who=factories.person(place, "Ekonom"))


@pytest.fixture
def registrar(place):
    return factories.reader(place, Role.REGISTRAR, who=factories.person(place, "Registrator"))


def number_of(project):
    return f"/projekt/{project.pk}/projektnummer/"


def dnr_of(project):
    return f"/projekt/{project.pk}/diarienummer/"


def test_an_economist_gives_the_number_and_changes_nothing_else(client, place, unit, economist):
    project = factories.project(place, "Trygg hemma", owner_unit=unit, state=State.GRANTED)
    factories.login(client, economist.person)
    page = client.get(project.get_absolute_url())
    assert number_of(project) in page.text
    assert dnr_of(project) not in page.text
    assert client.get(number_of(project)).status_code == 200
    sent = {"project_number": "7714", "version": str(project.version), "title": "Annat"}
    assert client.post(number_of(project), sent)["Location"] == project.get_absolute_url()
    project.refresh_from_db()
    assert (project.project_number, project.accounting, project.title) == ("7714", "here", "Trygg hemma")
    assert history.acts(project)[0].person_id == economist.person.pk
    for path in ("andra", "lage", "saknas", "effekter", "diarienummer"):
        assert client.get(f"/projekt/{project.pk}/{path}/").status_code == 403


def test_why_is_asked_only_where_something_stood(client, place, unit, economist):
    project = factories.project(place, owner_unit=unit, accounting="not_yet")
    factories.login(client, economist.person)
    first = {"project_number": "7714", "accounting": "here", "version": str(project.version)}
    assert client.post(number_of(project), first).status_code == 302
    project.refresh_from_db()
    second = {"project_number": "7715", "accounting": "here", "version": str(project.version)}
    assert list(client.post(number_of(project), second).context["form"].errors) == ["reason"]
    client.post(number_of(project), second | {"reason": "Skrevs fel"})
    project.refresh_from_db()
    assert (project.project_number, history.acts(project)[0].reason) == ("7715", "Skrevs fel")


def test_elsewhere_is_said_with_whose_and_nothing_contradictory_is_saved(client, place, unit, economist):
    project = factories.project(place, owner_unit=unit)
    factories.login(client, economist.person)
    sent = {"accounting": "here", "accounted_by": "Region Jönköpings län", "version": str(project.version)}
    assert list(client.post(number_of(project), sent).context["form"].errors) == ["accounted_by"]
    assert client.post(number_of(project), sent | {"accounting": "elsewhere"}).status_code == 302
    long = {"project_number": "7" * 500, "version": "1"}
    assert client.post(number_of(project), long).status_code == 422


def test_the_second_of_two_is_told_what_the_first_saved(client, place, unit, economist):
    project = factories.project(place, owner_unit=unit)
    opened = str(project.version)
    factories.login(client, economist.person)
    client.post(number_of(project), {"project_number": "1", "version": opened})
    late = client.post(number_of(project), {"project_number": "2", "version": opened, "reason": "Ja"})
    assert late.status_code == 422
    project.refresh_from_db()
    assert project.project_number == "1"


def test_a_registrar_gives_the_registry_number_of_any_project(client, place, unit, registrar):
    project = factories.project(place, owner_unit=unit)
    factories.login(client, registrar.person)
    assert dnr_of(project) in client.get(project.get_absolute_url()).text
    client.post(dnr_of(project), {"dnr": "Ks 2026/12", "version": str(project.version)})
    project.refresh_from_db()
    assert project.dnr == "Ks 2026/12"
    change = {"dnr": "Ks 2026/13", "version": str(project.version)}
    assert list(client.post(dnr_of(project), change).context["form"].errors) == ["reason"]
    assert client.get(number_of(project)).status_code == 403


def test_neither_another_units_nor_a_foreign_project_gets_a_number(client, place, unit, economist):
    other = factories.project(place, owner_unit=factories.unit(place, "Tekniska"))
    elsewhere = factories.municipality("Grannkommun")
    with scope(elsewhere.pk):
        foreign = factories.project(elsewhere)
    factories.login(client, economist.person)
    for project, status in ((other, 403), (foreign, 404)):
        assert client.get(number_of(project)).status_code == status
        assert client.post(number_of(project), {"project_number": "1"}).status_code == status
    assert client.delete(number_of(other)).status_code == 405


def test_projects_without_a_number_wait_for_the_economist(place, unit, economist):
    wanting = factories.project(place, "Utan", owner_unit=unit, state=State.ONGOING)
    factories.project(place, "Idé", owner_unit=unit, state=State.IDEA)
    factories.project(place, "Med", owner_unit=unit, state=State.GRANTED, project_number="7714")
    factories.project(place, "Borta", owner_unit=unit, state=State.GRANTED, accounting="elsewhere")
    factories.project(place, "Annans", owner_unit=factories.unit(place, "Tekniska"), state=State.GRANTED)
    assert [(task.title, task.url) for task in numbers_to_give(economist)] == [
        (f"{wanting.register_id} Utan", number_of(wanting))
    ]
    # To others it is one of the things that the project lacks.
    assert list(numbers_to_give(factories.reader(place, Role.HEAD, unit))) == []


def test_many_projects_without_a_number_are_one_row(place, unit, economist):
    for _one in range(FOLDED + 1):
        factories.project(place, owner_unit=unit, state=State.GRANTED)
    (task,) = numbers_to_give(economist)
    assert len(task.about) == FOLDED + 1
    assert task.url == "/projekt/?utannummer=on"


def test_a_new_project_manager_is_told_to_start_the_project(client, place, unit):
    manager = factories.reader(place, Role.PROJECT_MANAGER, who=factories.person(place, "Ledare"))
    project = factories.project(
        place, "Trygg hemma", owner_unit=unit, state=State.GRANTED, starts_on=date(2026, 12, 1)
    )
    assert list(projects_to_start(manager)) == []
    Project.objects.filter(pk=project.pk).update(project_manager=manager.person)
    (task,) = projects_to_start(manager)
    assert (task.url, task.until) == (f"/projekt/{project.pk}/steg/ongoing/", date(2026, 12, 1))
    factories.login(client, manager.person)
    assert task.url in client.get("/att-gora/").text
    assert client.get(task.url).status_code == 200
