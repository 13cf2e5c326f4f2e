"""Two people who change a project's life in the same moment, each in a transaction of their own."""

import threading
from datetime import timedelta

from django.db import OperationalError, connections
from django.test import Client

from projects.models import Project, ProjectGate, ProjectStep, State
from strategy.models import Role
from strategy.walls import scope
from tests import factories
from tests.factories import TODAY


def test_of_two_who_take_the_same_step_in_the_same_moment_the_second_is_told(own_database):
    place = factories.municipality()
    clients = []
    with scope(place.pk):
        unit = factories.unit(place)
        project = factories.project(place, owner_unit=unit, state=State.IDEA)
        for number in (1, 2):
            who = factories.person(place, f"Person {number}")
            factories.assignment(who, Role.STRATEGIST, place)
            client = Client()
            factories.login(client, who)
            clients.append(client)
    start = threading.Barrier(2)
    answered: dict[int, tuple[int, str]] = {}

    def take(number):
        try:
            start.wait(timeout=10)
            answers = {"on": TODAY.isoformat(), "seen_state": "idea"}
            response = clients[number].post(f"/projekt/{project.pk}/steg/anchoring/", answers)
            answered[number] = (response.status_code, response.content.decode())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(status for status, _text in answered.values()) == [302, 409]
    first = next(number for number, (status, _text) in answered.items() if status == 302)
    assert f"Person {first + 1}" in answered[1 - first][1]
    with scope(place.pk):
        assert ProjectStep.objects.filter(project=project).count() == 1


def test_a_gate_that_is_dated_anew_holds_the_project_against_a_step_in_the_same_moment(own_database):
    place = factories.municipality("Bergstads kommun")
    with scope(place.pk):
        reader = factories.reader(place, Role.STRATEGIST)
        project = factories.project(place, state=State.IDEA)
        gate = ProjectGate.objects.create(
            municipality=place,
            project=project,
            kind="budget",
            done_on=TODAY,
            done_by=reader.person,
            evidence="Ja",
        )
    held: list[bool] = []

    def ask():
        try:
            with scope(place.pk):
                list(Project.objects.filter(pk=project.pk).select_for_update(of=("self",), nowait=True))
            held.append(False)
        except OperationalError:
            held.append(True)
        finally:
            connections.close_all()

    def asked():
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(timeout=30)

    asked()
    with scope(place.pk):
        ProjectGate.objects.filter(pk=gate.pk).update(done_on=TODAY - timedelta(days=1))
        asked()
    assert held == [False, True]
