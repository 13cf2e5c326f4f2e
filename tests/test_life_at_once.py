"""Two people who take the same step in the same moment, each in a transaction of their own."""

import threading

from django.db import connections
from django.test import Client

from projects.models import ProjectStep, State
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
