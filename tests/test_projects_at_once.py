"""Two people who save the same project in the same moment, each in a transaction of their own."""

import threading

from django.db import connections
from django.test import Client

from strategy.models import Role
from strategy.walls import scope
from tests import factories
from tests.test_projects_forms import opened


def test_of_two_who_save_in_the_same_moment_the_second_is_told(own_database):
    place = factories.municipality()
    clients = []
    with scope(place.pk):
        unit = factories.unit(place)
        project = factories.project(place, "Från början", owner_unit=unit)
        for number in (1, 2):
            who = factories.person(place, f"Person {number}")
            factories.assignment(who, Role.STRATEGIST, place)
            client = Client()
            factories.login(client, who)
            clients.append(client)
    forms = [opened(client, project) for client in clients]
    start = threading.Barrier(2)
    answered: dict[int, int] = {}

    def save(number):
        try:
            start.wait(timeout=10)
            answers = forms[number] | {"title": f"Titel {number}", "reason": "Samtidigt"}
            answered[number] = clients[number].post(f"/projekt/{project.pk}/andra/", answers).status_code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(answered.values()) == [302, 422]
    saved = next(number for number, status in answered.items() if status == 302)
    with scope(place.pk):
        project.refresh_from_db()
        assert (project.title, project.version) == (f"Titel {saved}", 2)
