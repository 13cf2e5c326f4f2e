"""A long import is written by the worker: with the person's rights, whole or not at all, and started again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from projects import exchange
from projects.exchange import batches
from projects.exchange.jobs import take_in
from projects.models import ImportedProject, Project
from strategy import history
from strategy.models import Assignment, BatchState, ImportBatch, Role
from strategy.permissions import Reader
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db

FILE = b"title;acronym\nEtt;E\nTv\xc3\xa5;T\nTre;R\n"


@pytest.fixture
def strategist(settings, tmp_path, monkeypatch, client):
    """Logged in, and an import of more than two projects is long."""
    settings.FILES_DIR = tmp_path
    monkeypatch.setattr(batches, "MOST_AT_ONCE", 2)
    place = factories.municipality("Jönköpings kommun")
    with scope(place.pk):
        reader = factories.reader(place, Role.STRATEGIST)
    factories.login(client, reader.person)
    return reader


def uploaded(reader: Reader, data: bytes = FILE) -> ImportBatch:
    with scope(reader.municipality.pk), history.context(municipality=reader.municipality.pk):
        return exchange.upload(reader, "lista.csv", data, year=None)


def page(name: str, batch: ImportBatch) -> str:
    return reverse(f"projects:{name}", args=[batch.pk])


def started(client, batch: ImportBatch) -> None:
    seen = client.get(page("import_preview", batch)).context["preview"].fingerprint
    assert client.post(page("import_confirm", batch), {"seen": seen}).url == page("import_preview", batch)


def ask(sql: str, *params: Any) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def work(reader: Reader, batch: ImportBatch) -> None:
    take_in(municipality=reader.municipality.pk, batch=batch.pk, person=reader.person.pk)


def standing(reader: Reader, batch: ImportBatch) -> tuple[str, int, int]:
    with scope(reader.municipality.pk):
        return (
            ImportBatch.objects.get(pk=batch.pk).state,
            Project.objects.count(),
            ImportedProject.objects.count(),
        )


def test_a_long_import_waits_for_the_worker_and_is_then_taken_in_by_the_person(client, strategist):
    batch = uploaded(strategist)
    started(client, batch)
    assert standing(strategist, batch) == (BatchState.JUDGED, 0, 0)
    waiting = client.get(page("import_preview", batch))
    assert waiting.context["stopped"] is False
    assert "hx-get" in waiting.content.decode() and page("import_progress", batch) in waiting.content.decode()
    fragment = client.get(page("import_progress", batch), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment and 'id="progress"' in fragment
    ((args,),) = ask("SELECT args FROM procrastinate_jobs WHERE task_name LIKE '%%take_in'")
    assert json.loads(str(args)) == {
        "municipality": strategist.municipality.pk,
        "batch": batch.pk,
        "person": strategist.person.pk,
    }
    work(strategist, batch)
    assert standing(strategist, batch) == (BatchState.CONFIRMED, 3, 3)
    done = client.get(page("import_progress", batch), headers={"HX-Request": "true"})
    assert done["HX-Redirect"] == page("import_preview", batch)
    assert client.get(page("import_progress", batch)).url == page("import_preview", batch)
    with scope(strategist.municipality.pk):
        (act,) = history.acts(Project.objects.get(title="Ett"))
        assert (act.who, str(batch.pk) in act.reason) == (strategist.person.name, True)


def test_a_short_import_is_written_at_once(client, strategist):
    batch = uploaded(strategist, b"title\nEtt\nTv\xc3\xa5\n")
    started(client, batch)
    assert standing(strategist, batch) == (BatchState.CONFIRMED, 2, 2)


def test_broken_off_it_leaves_nothing_says_so_and_is_started_again(client, strategist, monkeypatch):
    batch = uploaded(strategist)
    started(client, batch)

    def killed(*_args: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(batches, "_replace_parts", killed)
        with pytest.raises(MemoryError):
            work(strategist, batch)
    assert standing(strategist, batch) == (BatchState.JUDGED, 0, 0)
    shown = client.get(page("import_preview", batch))
    assert len(shown.context["problems"]) == 1
    started(client, batch)
    work(strategist, batch)
    assert standing(strategist, batch) == (BatchState.CONFIRMED, 3, 3)


def test_a_worker_that_died_is_seen_and_the_import_may_be_started_again(client, strategist):
    batch = uploaded(strategist)
    started(client, batch)
    ask("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL WHERE task_name LIKE '%%take_in'")
    shown = client.get(page("import_preview", batch))
    assert shown.context["stopped"] is True
    again = client.post(page("import_confirm", batch), {"seen": shown.context["wanted"]["seen"]})
    assert again.status_code == 302
    with scope(strategist.municipality.pk):
        told = exchange.progress(ImportBatch.objects.get(pk=batch.pk), timezone.now())
    assert told == exchange.Progress.WAITING
    # Both jobs run in the end, and the second finds it done.
    work(strategist, batch)
    work(strategist, batch)
    assert standing(strategist, batch) == (BatchState.CONFIRMED, 3, 3)


def test_a_worker_at_work_is_told_from_one_that_is_silent(client, strategist):
    batch = uploaded(strategist)
    started(client, batch)
    ((worker,),) = ask("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
    ask("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", worker)
    with scope(strategist.municipality.pk):
        batch = ImportBatch.objects.get(pk=batch.pk)
    now = timezone.now()
    assert exchange.progress(batch, now) == exchange.Progress.WORKING
    assert exchange.progress(batch, now + timedelta(minutes=5)) == exchange.Progress.STOPPED


def test_a_register_that_changed_meanwhile_is_told_and_the_new_preview_shown(client, strategist):
    batch = uploaded(strategist)
    started(client, batch)
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        factories.project(strategist.municipality, "Ett")
    work(strategist, batch)
    assert standing(strategist, batch) == (BatchState.JUDGED, 1, 0)
    shown = client.get(page("import_preview", batch))
    assert (len(shown.context["problems"]), shown.context["preview"].counts["changed"]) == (1, 1)


def test_who_has_lost_the_right_meanwhile_takes_nothing_in(client, strategist):
    batch = uploaded(strategist)
    started(client, batch)
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        Assignment.objects.filter(person=strategist.person).update(
            ends_on=timezone.localdate() - timedelta(days=1)
        )
    work(strategist, batch)
    assert standing(strategist, batch) == (BatchState.JUDGED, 0, 0)


def test_a_cancelled_import_is_left_alone_by_the_worker(client, strategist):
    batch = uploaded(strategist)
    started(client, batch)
    client.post(page("import_cancel", batch))
    work(strategist, batch)
    assert standing(strategist, batch) == (BatchState.CANCELLED, 0, 0)
