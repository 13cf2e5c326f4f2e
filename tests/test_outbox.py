"""Mail leaves once, and only if what it tells of was saved; the worker outlives the database going away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from django.conf import settings
from django.core.mail import EmailMessage, send_mail
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from procrastinate.contrib.django import app

from strategy import attachments, jobs, messages
from strategy.messages import ATTEMPTS, pause_after, send_waiting
from strategy.models import Message, StoredFile
from strategy.requests import server_error
from strategy.walls import scope
from tests import factories


class Post:
    """A mail server that notes what it is given, and is away when told to be."""

    def __init__(self, *args, **kwargs):
        pass

    sent: list[str] = []
    away = False
    slow = 0.0

    def send_messages(self, mails):
        time.sleep(Post.slow)
        if Post.away:
            raise ConnectionRefusedError("the mail server does not answer")
        Post.sent += [mail.to[0] for mail in mails]
        return len(mails)


@pytest.fixture
def post(settings):
    settings.OUTGOING_EMAIL_BACKEND = "tests.test_outbox.Post"
    settings.EMAIL_BACKEND = "strategy.messages.OutboxBackend"
    Post.sent, Post.away, Post.slow = [], False, 0.0
    return Post


@pytest.fixture(autouse=True)
def nightly_work_touches_nothing_real(settings, monkeypatch, tmp_path):
    """A test that runs at night must neither sweep this machine's files nor make a backup."""
    settings.FILES_DIR = tmp_path / "files"
    monkeypatch.setattr(
        subprocess, "run", lambda *_args, **_options: subprocess.CompletedProcess([], 0, "", "")
    )


def ask(sql, params=()):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def waiting(**fields):
    with scope(installation=True):
        return list(
            Message.objects.filter(sent_at__isnull=True, **fields).values_list("recipient", flat=True)
        )


def empty_the_outbox():
    with scope(installation=True):
        Message.objects.filter(sent_at__isnull=True).update(sent_at=timezone.now())
    ask("DELETE FROM procrastinate_events")
    ask("DELETE FROM procrastinate_jobs")


# -- The outbox -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_mail_is_a_row_and_a_job_and_leaves_with_the_next_round(post):
    assert send_mail("Ny uppgift", "Läs i Medel.", None, ["a@example.org", "b@example.org"]) == 1
    assert (Post.sent, sorted(waiting())) == ([], ["a@example.org", "b@example.org"])
    assert ask("SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE '%%send_waiting_messages'") == [
        (1,)
    ]
    assert send_waiting(timezone.now()) == (2, 0)
    assert (sorted(Post.sent), waiting()) == (["a@example.org", "b@example.org"], [])
    assert send_waiting(timezone.now()) == (0, 0)


@pytest.mark.django_db
def test_what_was_rolled_back_is_never_told_by_mail(post):
    place = factories.municipality()
    with pytest.raises(ZeroDivisionError), scope(place.pk):
        send_mail("Ny uppgift", "Läs i Medel.", None, ["a@example.org"])
        raise ZeroDivisionError
    assert waiting() == []
    assert ask("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


@pytest.mark.django_db
def test_a_header_that_hides_another_is_refused_before_it_is_stored(post):
    with pytest.raises(ValueError, match="newlines"):
        send_mail("Hej\nBcc: alla@example.org", "Text", None, ["a@example.org"])
    with pytest.raises(ValueError, match="attachments"):
        EmailMessage(
            "Hej", "Text", None, ["a@example.org"], attachments=[("a.txt", "a", "text/plain")]
        ).send()
    assert waiting() == []


@pytest.mark.django_db
def test_a_mail_that_cannot_leave_is_tried_again_ever_more_seldom_and_kept(post, caplog):
    send_mail("Hej", "Text", None, ["a@example.org"])
    Post.away = True
    now = timezone.now() + timedelta(seconds=1)
    assert send_waiting(now) == (0, 1)
    assert send_waiting(now) == (0, 0)  # not before its pause is over
    tries = 1
    while send_waiting(now + pause_after(tries)) == (0, 1):
        tries += 1
    assert tries == ATTEMPTS
    assert timedelta(days=2) < pause_after(ATTEMPTS - 1) < timedelta(days=4)
    assert caplog.records[-1].levelname == "ERROR"
    assert waiting(last_error__contains="does not answer") == ["a@example.org"]
    # Another try is a person's decision, and the row is there for it.
    Post.away = False
    with scope(installation=True):
        Message.objects.filter(recipient="a@example.org").update(attempts=0)
    assert send_waiting(now) == (1, 0)
    assert Post.sent == ["a@example.org"]


@pytest.mark.django_db
def test_one_mail_that_cannot_be_sent_holds_up_no_other(post, monkeypatch):
    send_mail("Hej", "Text", None, ["a@example.org"])
    send_mail("Hej", "Text", None, ["b@example.org"])
    whole = Post.send_messages

    def choosy(self, mails):
        if mails[0].to == ["a@example.org"]:
            raise UnicodeEncodeError("ascii", "ä", 0, 1, "not an address that this server takes")
        return whole(self, mails)

    monkeypatch.setattr(Post, "send_messages", choosy)
    assert send_waiting(timezone.now() + timedelta(seconds=1)) == (1, 1)
    assert (Post.sent, waiting()) == (["b@example.org"], ["a@example.org"])


@pytest.mark.django_db
def test_a_mail_is_never_deleted_and_its_text_is_forgotten_after_a_month(post):
    send_mail("Nytt lösenord", "engångsadress", None, ["a@example.org"])
    send_mail("Väntar", "ännu inte sänt", None, ["b@example.org"])
    with scope(installation=True):
        with pytest.raises(DatabaseError, match="delete rows"), transaction.atomic():
            ask("DELETE FROM strategy_message")
        Message.objects.filter(recipient="a@example.org").update(sent_at=timezone.now() - timedelta(days=31))
    assert messages.forget_old_texts(timezone.now()) == 1
    with scope(installation=True):
        texts = Message.objects.order_by("id").values_list("recipient", "body")
        assert list(texts) == [("a@example.org", ""), ("b@example.org", "ännu inte sänt")]


def test_two_workers_send_each_mail_once(own_database, django_db_blocker, post):
    empty_the_outbox()
    addresses = sorted(f"person{number}@example.org" for number in range(12))
    send_mail("Hej", "Text", None, addresses)
    Post.sent, Post.slow = [], 0.02
    counts = []

    def work():
        try:
            counts.append(send_waiting(timezone.now()))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(Post.sent) == addresses
    assert sum(sent for sent, _failed in counts) == 12
    assert waiting() == []


# -- Jobs -------------------------------------------------------------------------------------------------


def test_a_deferred_job_is_run_by_the_worker_as_the_application_role(own_database, post, tmp_path, settings):
    empty_the_outbox()
    settings.OUTGOING_EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    send_mail("Ny uppgift", "Läs i Medel.", None, ["a@example.org"])
    assert ask("SELECT current_user") == [("medel_app",)]
    call_command("worker", once=True)
    assert [path.read_text().count("To: a@example.org") for path in tmp_path.iterdir()] == [1]
    assert waiting() == []
    # What went well leaves no job behind.
    assert ask("SELECT count(*) FROM procrastinate_jobs WHERE task_name LIKE '%%send_waiting_messages'") == [
        (0,)
    ]


def test_each_job_opens_the_scope_it_works_in_and_leaves_none_behind(own_database, post):
    seen = []

    @app.task(name="tests.look")
    def look(place: int) -> None:
        row = (
            "SELECT current_user, (SELECT count(*) FROM strategy_unit), current_setting('medel.reads', true)"
        )
        before = ask(row)[0]
        with scope(place):
            inside = ask(row)[0]
        seen.append((before, inside, ask(row)[0]))

    try:
        empty_the_outbox()
        places = [factories.municipality("Sjöstad"), factories.municipality("Bergstad")]
        for place in places:
            with scope(place.pk):
                factories.unit(place)
            look.defer(place=place.pk)
        call_command("worker", once=True)
    finally:
        del app.tasks["tests.look"]
    for place, (before, inside, after) in zip(places, seen, strict=True):
        assert (before[:2], before[2] or "") == (("medel_app", 0), "")
        assert inside == ("medel_app", 1, f"{{{place.pk}}}")
        assert (after[:2], after[2] or "") == (("medel_app", 0), "")


def test_a_job_whose_worker_was_killed_is_run_again(own_database, post):
    empty_the_outbox()
    send_mail("Hej", "Text", None, ["a@example.org"])
    ask("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
    jobs.restart_stalled_jobs.configure(task_kwargs={"timestamp": 0}).defer()
    call_command("worker", once=True)
    assert ask("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'") == [(0,)]
    call_command("worker", once=True)
    assert Post.sent == ["a@example.org"]


def test_a_job_that_failed_long_ago_is_forgotten_and_a_late_one_kept(own_database, post):
    empty_the_outbox()
    for age in ("89 days", "91 days"):
        ask("INSERT INTO procrastinate_jobs (task_name, queue_name) VALUES (%s, 'x')", [age])
    ask("UPDATE procrastinate_jobs SET status = 'doing'")
    ask("UPDATE procrastinate_jobs SET status = 'failed'")
    ask(
        "UPDATE procrastinate_events e SET at = now() - j.task_name::interval"
        " FROM procrastinate_jobs j WHERE j.id = e.job_id"
    )
    jobs.forget_old_jobs.configure(task_kwargs={"timestamp": 0}).defer()
    call_command("worker", once=True)
    assert ask("SELECT task_name FROM procrastinate_jobs WHERE status = 'failed'") == [("89 days",)]
    empty_the_outbox()


def test_the_periodic_work_is_declared():
    assert sorted(task.task.func.__name__ for task in app.periodic_registry.periodic_tasks.values()) == [
        "carry_out_handovers",
        "forget_old_jobs",
        "nightly_backup",
        "nightly_sweep",
        "restart_stalled_jobs",
        "sweep_outbox",
    ]


def test_the_nightly_backup_is_made_with_an_owners_address_alone_and_says_what_went_wrong(
    settings, monkeypatch
):
    called = []

    def run(command, **_options):
        called.append([Path(part).name for part in command[1:]])
        return subprocess.CompletedProcess(command, 1, "", "The disk is full: make room.\n")

    monkeypatch.setattr(subprocess, "run", run)
    settings.DATABASE_URL = settings.DATABASE_OWNER_URL = "postgresql://one@/medel"
    jobs.nightly_backup(timestamp=0)
    assert called == []
    settings.DATABASE_OWNER_URL = "postgresql://other@/medel"
    with pytest.raises(RuntimeError, match="The nightly backup was not made: The disk is full"):
        jobs.nightly_backup(timestamp=0)
    assert called == [["bootstrap.py", "backup"]]


@pytest.mark.django_db
def test_the_nightly_sweep_takes_old_files_that_no_row_names(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    place = factories.municipality()
    with scope(place.pk):
        kept = attachments.store(place, "behålls.csv", b"a;b")
        try:
            with transaction.atomic():
                lost = attachments.store(place, "aldrig sparad.csv", b"c;d").sha256
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert StoredFile.objects.count() == 1
    now = timezone.now()
    assert attachments.sweep(now) == 0  # young
    assert attachments.path_of(lost).exists()
    assert attachments.sweep(now + timedelta(days=2)) == 1
    assert not attachments.path_of(lost).exists()
    with scope(place.pk):
        assert attachments.contents(kept) == b"a;b"


def test_no_file_is_swept_while_one_is_being_stored(own_database, settings, tmp_path):
    settings.FILES_DIR = tmp_path
    place = factories.municipality("Sopstad")
    old = tmp_path / "aa" / "bb" / ("aabb" + "0" * 60)
    old.parent.mkdir(parents=True)
    old.write_bytes(b"x")
    swept = []

    def sweep():
        try:
            swept.append(attachments.sweep(timezone.now() + timedelta(days=2)))
        finally:
            connection.close()

    with scope(place.pk):
        attachments.store(place, "ny.csv", b"e;f")
        other = threading.Thread(target=sweep)
        other.start()
        other.join()
    assert (swept, old.exists()) == ([0], True)
    assert attachments.sweep(timezone.now() + timedelta(days=2)) == 1


# -- The worker as a process ------------------------------------------------------------------------------


@pytest.fixture
def worker(own_database, tmp_path):
    """`manage.py worker` on the module's own database, by the application role's login where there is one."""
    environment = {
        **os.environ,
        "DATABASE_URL": _named(settings.DATABASE_URL, own_database),
        "DATABASE_OWNER_URL": _named(settings.DATABASE_URL, own_database),  # so no nightly backup
        "MEDEL_SECRET_KEY": "of the tests alone " * 4,
        "MEDEL_LOCAL": "1",
        "MEDEL_VAR": str(tmp_path),
        "MEDEL_SMTP_HOST": "",
        "PYTHONUNBUFFERED": "1",
    }
    empty_the_outbox()
    connection.close()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=settings.BASE_DIR,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


def _named(url, database):
    address, _, rest = url.partition("?")
    return address.rpartition("/")[0] + f"/{database}" + (f"?{rest}" if rest else "")


def eventually(what, expected, patience=30.0):
    end = time.monotonic() + patience
    while what() != expected and time.monotonic() < end:
        time.sleep(0.1)
    assert what() == expected


def written(folder):
    return sorted(
        line.removeprefix("To: ")
        for path in folder.glob("mail/*")
        for line in path.read_text().splitlines()
        if line.startswith("To: ")
    )


def test_the_worker_sends_stands_a_database_that_goes_away_and_stops_when_told(
    worker, own_database, tmp_path, post
):
    send_mail("Hej", "Text", None, ["before@example.org"])
    eventually(lambda: written(tmp_path), ["before@example.org"])
    connection.close()
    with psycopg.connect(settings.DATABASE_OWNER_URL, dbname="postgres", autocommit=True) as owner:
        owner.execute(f'ALTER DATABASE "{own_database}" ALLOW_CONNECTIONS false')
        try:
            # The owner is a member of the application role and may end its connections.
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename IS NOT NULL",
                [own_database],
            )
            time.sleep(3)
            assert worker.poll() is None
        finally:
            owner.execute(f'ALTER DATABASE "{own_database}" ALLOW_CONNECTIONS true')
    send_mail("Hej", "Text", None, ["after@example.org"])
    eventually(lambda: written(tmp_path), ["after@example.org", "before@example.org"])
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert "Traceback" not in worker.stderr.read().rpartition("begun anew")[2]


def test_the_worker_ends_at_once_when_it_has_nothing_to_do(worker):
    time.sleep(2.5)
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert time.monotonic() - began < 5


# -- The web while the database is away -------------------------------------------------------------------


def away(*_args, **_kwargs):
    raise OperationalError("connection refused")


@pytest.mark.django_db
def test_a_page_says_that_the_database_is_away_and_keeps_what_was_typed(monkeypatch):
    place = factories.municipality()
    with scope(place.pk):
        who = factories.person(place)
    client = Client(raise_request_exception=False)
    factories.login(client, who)
    monkeypatch.setattr("strategy.requests.municipalities_of", away)
    typed = {
        "title": 'Trygg "hemma" & <nära>',
        "units": ["1", "2"],
        "password": "hemligt ett",
        "new_password1": "hemligt två",
    }
    answer = client.post("/", urlencode(typed, doseq=True), content_type="application/x-www-form-urlencoded")
    page = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert 'name="title" value="Trygg &quot;hemma&quot; &amp; &lt;nära&gt;"' in page
    assert 'name="units" value="1"' in page
    assert 'name="units" value="2"' in page
    assert "hemligt" not in page


@pytest.mark.django_db
def test_the_login_page_keeps_no_password_while_the_database_is_away(monkeypatch):
    monkeypatch.setattr("strategy.requests.scope", away)
    answer = Client(raise_request_exception=False).post(
        "/konto/login/",
        "login=a%40example.org&password=hemligt",
        content_type="application/x-www-form-urlencoded",
    )
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "a@example.org" in answer.content.decode()
    assert "hemligt" not in answer.content.decode()


@pytest.mark.django_db
def test_another_error_is_not_told_as_the_database_being_away(monkeypatch):
    def broken(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr("strategy.requests.scope", broken)
    answer = Client(raise_request_exception=False).get("/konto/login/")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (500, None)


def test_the_page_of_errors_is_ours():
    assert get_resolver().resolve_error_handler(500) is server_error
