"""The global log and the log of readings: all that was done, nothing that the reader may not read elsewhere."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import pghistory
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext

from projects.models import GroupMeeting, Project, ProjectDocument, ProjectGroup, ProjectUnit, ReportedProject
from strategy import history
from strategy.history import tracked_models
from strategy.log import (
    MOST_IN_A_FILE,
    NOT_IN_THE_LOG,
    SHOWN_OF_AN_ACT,
    Asked,
    Found,
    LoggedAct,
    kinds,
    readings_of,
)
from strategy.models import Document, Handover, Reading, ReadingKind, Role, StoredFile
from strategy.permissions import ROLES
from strategy.readings import log_reading
from strategy.walls import scope
from tests import factories
from tests.everything import everything

pytestmark = pytest.mark.django_db

LOG, ACT, READINGS = "/granskning/logg/", "/granskning/logg/handling/", "/granskning/lasningar/"


@pytest.fixture
def place():
    return factories.municipality("Loggstads kommun")


def as_reader(client, place, role, **fields):
    with scope(place.pk):
        reader = factories.reader(place, role, **fields)
        factories.login(client, reader.person)
    return reader


def acts_of(reader, **asked) -> list[LoggedAct]:
    return list(Found(reader, Asked(**asked)))


def told(act: LoggedAct) -> list[tuple[str, str, str]]:
    return [(change.kind.name, change.name, change.deed) for change in act.changes]


def rows_of(page) -> list:
    """What stands behind the rows of a list page."""
    return [cells[0].row for cells in page.context["listing"].rows]


def test_every_tracked_model_is_told_in_the_log_or_left_out_with_a_reason():
    named = {model.__name__ for model in tracked_models()}
    assert {kind.model.__name__ for kind in kinds} | NOT_IN_THE_LOG.keys() == named
    assert not {kind.model.__name__ for kind in kinds} & NOT_IN_THE_LOG.keys()


def test_every_field_that_names_an_object_exists_in_its_events():
    for kind in kinds:
        fields = {field.name for field in history.event_model(kind.model)._meta.concrete_fields}
        assert set(kind.tells) <= fields, kind.name
        assert set(kind.fields) <= fields, kind.name


def test_every_table_of_the_log_is_read_by_municipality_and_time():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, indexname FROM pg_indexes WHERE indexname LIKE %s", [r"%\_log"])
        indexed = {table for table, _name in cursor.fetchall()}
    logged = {kind.model for kind in kinds}
    tables = {history.event_model(model)._meta.db_table for model in logged}
    # There are as many events of municipalities as somebody corrected one's name, and of a login two or three.
    assert tables - indexed == {"strategy_municipalityevent", "strategy_accountevent"}


def test_an_act_is_told_with_who_what_before_after_page_and_reason(place):
    with scope(place.pk):
        reader = factories.reader(place, Role.STRATEGIST)
        with history.context(
            person=reader.person.pk, municipality=place.pk, page="/projekt/1/", reason="Beslut § 4"
        ):
            unit = factories.unit(place, "Bildningsförvaltningen")
            project = factories.project(place, title="Läslust", owner_unit=unit)
        Project.objects.filter(pk=project.pk).update(title="Läslust 2")
        acts = acts_of(reader, obj=project.pk, kind="projects.project")
    assert len(acts) == 1  # a test is one transaction: one time, and the note lasts until it ends
    (act,) = acts
    assert (act.who, act.reason, act.page) == (reader.person.name, "Beslut § 4", "/projekt/1/")
    assert told(act) == [
        ("projects.project", "Läslust", "insert"),
        ("projects.project", "Läslust 2", "update"),
    ]
    assert [(one.label, one.before, one.after) for one in act.changes[1].differences] == [
        ("Titel", "Läslust", "Läslust 2")
    ]
    assert act.changes[0].url == f"/projekt/{project.pk}/"


def test_a_removed_row_and_one_written_outside_of_any_act_stand_in_the_log(place):
    with scope(place.pk):
        reader = factories.reader(place, Role.STRATEGIST)
        unit = factories.unit(place)
        project = factories.project(place)
        part = ProjectUnit.objects.create(municipality=place, project=project, unit=unit)
        part.delete()
        (act,) = acts_of(reader, kind="projects.projectunit")
    assert act.who == "systemet"
    assert told(act) == [
        ("projects.projectunit", "Socialförvaltningen, Trygg hemma", "insert"),
        ("projects.projectunit", "Socialförvaltningen, Trygg hemma", "delete"),
    ]
    assert act.changes[1].url == ""  # what is removed has no page


def test_an_event_whose_note_names_another_municipality_is_not_hidden_by_it(place):
    other = factories.municipality("Grannstads kommun")
    with scope(place.pk):
        reader = factories.reader(place, Role.STRATEGIST)
        with history.context(person=reader.person.pk, municipality=other.pk, reason="Dolt skäl"):
            project = factories.project(place)
        (act,) = acts_of(reader, kind="projects.project")
    assert told(act) == [("projects.project", project.title, "insert")]
    assert (act.reason, act.who) == ("", "någon i en annan kommun")


def test_another_municipalitys_acts_are_not_in_the_log(place):
    other = everything("Granne")
    with scope(place.pk):
        reader = factories.reader(place, Role.AUDITOR)
        mine = {change.kind.name for act in acts_of(reader) for change in act.changes}
        found = Found(reader, by_object=True)
        theirs = [
            change.name
            for change in found
            if change.object_id == other.row(Project).pk and change.kind.name == "projects.project"
        ]
    assert theirs == []
    # The municipality itself was made by the installation, in the same transaction here.
    assert mine == {"strategy.municipality", "strategy.person", "strategy.assignment"}


def test_what_was_done_elsewhere_about_a_person_known_here_stays_there(place):
    other = factories.municipality("Grannstads kommun")
    with scope(other.pk):
        shared = factories.person(other, "Delad Person")
        factories.assignment(shared, Role.CONTACT_PERSON, other, factories.unit(other))
    with scope(place.pk):
        factories.assignment(shared, Role.READER, place)
        reader = factories.reader(place, Role.AUDITOR)
        people = [change.object_id for change in Found(reader, Asked(kind="strategy.person"), by_object=True)]
    assert people == [reader.person.pk]


def test_a_shared_project_is_told_where_it_is_owned_and_its_share_in_both(place):
    whole = everything("Ägare", shared_with=place)
    with scope(place.pk):
        reader = factories.reader(place, Role.STRATEGIST)
        kinds_told = {change.kind.name for change in Found(reader, by_object=True)}
    assert "projects.projectshare" in kinds_told
    assert not {"projects.project", "projects.projectparty"} & kinds_told
    assert whole.row(Project).municipality_id != place.pk


# -- What the reader may not read elsewhere ---------------------------------------------------------------------


def secrets_of(place):
    """A project with a note, documents open and secret, and a report: what they hold must not leak."""
    with scope(place.pk):
        author = factories.person(place, "Frida Författare")
        factories.assignment(author, Role.CONTACT_PERSON, place, unit := factories.unit(place))
        project = factories.project(place, note="Känslig anteckning", owner_unit=unit)
        file = StoredFile.objects.create(municipality=place, sha256="b" * 64, name="uppsagning.pdf", size=1)
        for title, secret in (("Öppet beslut", False), ("Hemligt avtal", True)):
            Document.objects.create(
                municipality=place,
                file=file,
                kind="agreement",
                title=title,
                added_by=author,
                is_secret=secret,
                legal_ground="OSL 26 kap. 1 §" if secret else "",
            )
        ReportedProject.objects.create(
            municipality=place, title="Anmält i förtroende", unit=unit, reported_by=author
        )
    return project


HELD = ("Öppet beslut", "Hemligt avtal", "uppsagning.pdf", "Anmält i förtroende")


def everything_said(reader) -> str:
    acts = acts_of(reader)
    objects = list(Found(reader, by_object=True))
    return json.dumps(
        [[change.name, change.told] for act in acts for change in act.changes]
        + [[change.name, change.told] for change in objects],
        ensure_ascii=False,
    )


def test_the_administrator_reads_that_documents_and_reports_changed_and_not_what_they_held(place):
    secrets_of(place)
    with scope(place.pk):
        reader = factories.reader(place, Role.ADMINISTRATOR)
        said = everything_said(reader)
        documents = list(Found(reader, Asked(kind="strategy.document"), by_object=True))
    assert [held for held in HELD if held in said] == []
    assert [(one.readable, one.differences) for one in documents] == [(False, ()), (False, ())]


def test_the_auditor_reads_what_the_auditor_may_read(place):
    secrets_of(place)
    with scope(place.pk):
        said = everything_said(factories.reader(place, Role.AUDITOR))
    assert [held for held in (*HELD, "Känslig anteckning") if held not in said] == []


def test_a_note_is_closed_to_who_may_not_read_notes(place, monkeypatch):
    project = secrets_of(place)
    with scope(place.pk):
        reader = factories.reader(place, Role.STRATEGIST)
        monkeypatch.setitem(
            __import__("strategy.permissions", fromlist=["_TABLE"])._TABLE,
            "project.read_notes",
            tuple([0] * len(ROLES)),
        )
        said = everything_said(reader)
        (change,) = Found(reader, Asked(kind="projects.project", obj=project.pk), by_object=True)
    assert "Känslig anteckning" not in said
    assert "Anteckning" in [one.label for one in change.differences]  # the act is told, not what stood there


def test_what_a_group_dealt_with_is_told_to_who_reads_documents_and_to_nobody_else(client, place):
    """As on the group's own page; the page of the log, its file and the rows behind them."""
    with scope(place.pk):
        project = factories.project(place, owner_unit=factories.unit(place))
        group = ProjectGroup.objects.create(municipality=place, project=project, kind="steering")
        meeting = GroupMeeting.objects.create(
            municipality=place, group=group, held_on=date(2026, 9, 14), subject="Uppsägning av Alva"
        )
    told_to = {}
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        reader = as_reader(client, place, role)
        with scope(place.pk):
            (change,) = Found(reader, Asked(kind="projects.groupmeeting", obj=meeting.pk), by_object=True)
        told_to[role] = (
            "Uppsägning" in change.told,
            "Uppsägning" in client.get(LOG).text,
            "Uppsägning" in client.get(f"{LOG}?format=csv").text,
        )
        assert gettext("What was dealt with").lower() in [one.label.lower() for one in change.differences]
        client.logout()
    assert told_to == {Role.ADMINISTRATOR: (False, False, False), Role.AUDITOR: (True, True, True)}


def test_mail_is_not_in_the_log_and_what_was_done_with_logins_is(place):
    whole = everything("Post")
    with scope(whole.place.pk):
        reader = factories.reader(whole.place, Role.AUDITOR)
        told_kinds = {change.kind.name for change in Found(reader, by_object=True)}
    assert {"strategy.message", "strategy.account"} & told_kinds == {"strategy.account"}
    assert len(told_kinds) > 25


# -- The page -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_the_logs_are_for_administrator_strategist_and_auditor(client, place, role):
    with scope(place.pk):
        at = factories.unit(place) if role in {Role.CONTACT_PERSON, Role.HEAD} else None
    as_reader(client, place, role, at=at)
    allowed = role in {Role.ADMINISTRATOR, Role.STRATEGIST, Role.AUDITOR}
    for address in (LOG, READINGS):
        assert client.get(address).status_code == (200 if allowed else 403)
        assert client.post(address).status_code == 405
        assert client.get(f"{address}?format=csv").status_code == (200 if allowed else 403)
    assert client.get(ACT).status_code == (404 if allowed else 403)


def test_the_page_tells_and_each_filter_narrows(client, place):
    reader = as_reader(client, place, Role.STRATEGIST)
    with (
        scope(place.pk),
        history.context(person=reader.person.pk, municipality=place.pk, reason="Enligt beslut § 12"),
    ):
        project = factories.project(place, title="Läslust")
        unit = factories.unit(place, "Kulturförvaltningen")
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()

    def shown(**query):
        page = client.get(LOG, query)
        assert page.status_code == 200
        return [change.name for act in rows_of(page) for change in act.changes]

    assert {"Läslust", "Kulturförvaltningen"} <= set(shown())
    assert shown(slag="projects.project") == ["Läslust"]
    assert shown(slag="strategy.unit", objekt=unit.pk) == ["Kulturförvaltningen"]
    assert shown(slag="projects.project", objekt=project.pk + 1) == []
    assert shown(slag="projects.project", skal="BESLUT § 12") == ["Läslust"]
    assert shown(slag="projects.project", skal="100%") == []
    assert shown(slag="projects.project", vem=reader.person.pk) == ["Läslust"]
    assert shown(slag="projects.project", vem="systemet") == []
    assert shown(gjort="delete") == []
    assert shown(slag="projects.project", fran=tomorrow) == []
    assert shown(slag="projects.project", till=timezone.localdate().isoformat()) == ["Läslust"]


@pytest.mark.parametrize(
    "query",
    [
        {"fran": "igår"},
        {"fran": "2026-05-01", "till": "2026-04-01"},
        {"slag": "auth.user"},
        {"vem": "999999999"},
        {"gjort": "truncate"},
        {"objekt": "0"},
        {"objekt": "99999999999999999999"},
        {"objekt": "1.5"},
    ],
)
def test_a_filter_that_cannot_be_used_is_said_and_shows_nothing(client, place, query):
    as_reader(client, place, Role.STRATEGIST)
    page = client.get(LOG, query)
    assert page.status_code == 200
    assert page.context["errors"]
    assert not page.context["listing"].rows
    assert client.get(LOG, {**query, "format": "csv"}).status_code == 400


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999", "2"])
def test_a_page_that_is_not_there_shows_one_that_is(client, place, number):
    as_reader(client, place, Role.STRATEGIST)
    assert client.get(LOG, {"page": number}).context["listing"].rows


def test_a_large_act_shows_its_first_objects_and_the_rest_on_its_own_page(client, place):
    as_reader(client, place, Role.STRATEGIST)
    with scope(place.pk):
        for n in range(SHOWN_OF_AN_ACT + 5):
            factories.unit(place, f"Enhet {n:02}", kind="school")
    page = client.get(LOG, {"slag": "strategy.unit"})
    (row,) = rows_of(page)
    assert (len(row.changes), row.more) == (SHOWN_OF_AN_ACT, 5)
    names = [one.name for one in rows_of(client.get(row.url))]
    assert {f"Enhet {n:02}" for n in range(SHOWN_OF_AN_ACT + 5)} <= set(names)


@pytest.mark.parametrize(
    "query", ["", "?tid=igår", "?tid=2026-11-20T12:00:00&nr=", "?tid=2026-11-20T12:00:00%2B00:00&nr=x"]
)
def test_an_act_that_nobody_did_is_not_found(client, place, query):
    as_reader(client, place, Role.STRATEGIST)
    assert client.get(f"{ACT}{query}").status_code == 404


def test_another_municipalitys_act_is_not_found_by_its_time_and_note(client, place):
    other = factories.municipality("Grannstads kommun")
    with scope(other.pk):
        reader = factories.reader(other, Role.STRATEGIST)
        with history.context(municipality=other.pk):
            factories.project(other)
        (act,) = acts_of(reader, kind="projects.project")
    as_reader(client, place, Role.STRATEGIST)
    # Everything in a test has one time: another note tells the acts apart.
    page = client.get(act.url)
    names = [one.name for one in rows_of(page)] if page.status_code == 200 else []
    assert "Trygg hemma" not in names


def test_the_files_hold_one_row_for_each_object_and_are_logged_themselves(client, place):
    as_reader(client, place, Role.AUDITOR)
    with scope(place.pk):
        project = factories.project(place, title="=cmd()")
        Project.objects.filter(pk=project.pk).update(title="Läslust")
    answer = client.get(LOG, {"slag": "projects.project", "format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 3
    assert "=cmd() → Läslust" in answer.content.decode()
    assert not any(cell.startswith("=") for row in rows for cell in row)
    data = json.loads(client.get(LOG, {"slag": "projects.project", "format": "json"}).content)
    assert len(data["rows"]) == 2
    assert client.get(LOG, {"format": "xlsx"}).content.startswith(b"PK")
    with scope(place.pk):
        assert Reading.objects.filter(kind=ReadingKind.EXPORT).count() == 3
    assert MOST_IN_A_FILE == 10_000


def test_a_page_asks_as_much_for_many_acts_as_for_few(client, place):
    as_reader(client, place, Role.STRATEGIST)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LOG).status_code == 200
        return len(queries)

    def do(number):
        with scope(place.pk):
            unit = factories.unit(place, f"Förvaltning {number}")
            for n in range(number):
                # Acts of their own: a note each.
                with history.context(municipality=place.pk, reason=f"Beslut {number} {n}"):
                    project = factories.project(place, f"Projekt {number} {n}", owner_unit=unit)
                    ProjectUnit.objects.create(municipality=place, project=project, unit=unit)

    do(1)
    asked()  # warm
    few = asked()
    do(5)
    assert asked() == few
    assert few < 25


# -- What was handed out --------------------------------------------------------------------------------------------


def test_readings_are_filtered_and_a_documents_name_follows_the_document(client, place):
    secrets_of(place)
    reader = as_reader(client, place, Role.AUDITOR)
    with scope(place.pk):
        secret = Document.objects.get(is_secret=True)
        log_reading(reader, ReadingKind.SECRET_DOCUMENT, document=secret)
        log_reading(reader, ReadingKind.FILE, what="projekt.csv")
        assert [one.person for one in readings_of(reader, secret)] == [reader.person]

    def shown(**query):
        page = client.get(READINGS, query)
        return [cells[3].text for cells in page.context["listing"].rows]

    assert shown() == ["projekt.csv", "Hemligt avtal"]
    assert shown(slag="file") == ["projekt.csv"]
    assert shown(dokument=secret.pk) == ["Hemligt avtal"]
    assert shown(vem=reader.person.pk) == ["projekt.csv", "Hemligt avtal"]
    assert shown(till="2020-01-01") == []
    assert client.get(READINGS, {"dokument": 999999999}).context["errors"]
    client.logout()
    as_reader(client, place, Role.ADMINISTRATOR)
    assert shown() == ["projekt.csv", gettext("document %(number)d") % {"number": secret.pk}]


def test_another_municipalitys_readings_are_not_there(client, place):
    other = factories.municipality("Grannstads kommun")
    with scope(other.pk):
        theirs = factories.reader(other, Role.STRATEGIST)
        log_reading(theirs, ReadingKind.EXPORT, what="Grannens lista")
    as_reader(client, place, Role.AUDITOR)
    assert "Grannens lista" not in client.get(READINGS).content.decode()


def test_a_list_that_is_exported_is_logged_with_its_name_and_kind(client, place):
    reader = as_reader(client, place, Role.STRATEGIST)
    assert client.get("/projekt/", {"format": "csv"}).status_code == 200
    with scope(place.pk):
        (row,) = Reading.objects.all()
        assert (row.person, row.kind, row.what) == (reader.person, ReadingKind.EXPORT, "Projekt, CSV")


def test_a_note_is_no_place_to_hide_in_for_a_forger(place):
    """A note may hold anything its writer put there: the log still shows the act."""
    with scope(place.pk):
        reader = factories.reader(place, Role.AUDITOR)
        with pghistory.context(municipality=place.pk, person="' OR 1=1", reason=["ej", "text"], page=7):
            factories.project(place)
        (act,) = acts_of(reader, kind="projects.project")
    assert act.count == 1


def test_a_handover_is_told_by_what_was_in_it(place):
    with scope(place.pk):
        reader = factories.reader(place, Role.AUDITOR)
        receiver = factories.person(place, "Tove Tar")
        factories.assignment(receiver, Role.READER, place)
        Handover.objects.create(
            municipality=place,
            person=reader.person,
            receiver=receiver,
            on=timezone.localdate(),
            reason="Slutar",
            items=[
                {"kind": "project", "id": 1, "label": "Läslust", "skipped": ""},
                {"kind": "project", "id": 2, "label": "Trygg hemma", "skipped": "Makulerat."},
            ],
            ordered_by=reader.person,
        )
        (change,) = Found(reader, Asked(kind="strategy.handover"), by_object=True)
    assert "Läslust, Trygg hemma (Makulerat.)" in [one.after for one in change.differences]


def test_who_answers_for_the_project_sees_on_the_documents_page_who_was_handed_it(client, place):
    with scope(place.pk):
        unit, other = factories.unit(place), factories.unit(place, "Kulturförvaltningen")
        ours, theirs = factories.project(place, owner_unit=unit), factories.project(place, owner_unit=other)
        contact = factories.reader(place, Role.CONTACT_PERSON, unit)
        file = StoredFile.objects.create(municipality=place, sha256="c" * 64, name="beslut.pdf", size=1)
        kept = [
            Document.objects.create(
                municipality=place, file=file, kind="decision", title="Beslut", added_by=contact.person
            )
            for _number in range(2)
        ]
        for project, document in zip((ours, theirs), kept, strict=True):
            ProjectDocument.objects.create(municipality=place, project=project, document=document)
        log_reading(contact, ReadingKind.DOCUMENT, document=kept[0])
        factories.login(client, contact.person)
    page = client.get(f"/dokument/{kept[0].pk}/om/")
    assert [who for _when, who, _what in page.context["readings"]] == [contact.person.name]
    assert client.get(f"/dokument/{kept[1].pk}/om/").status_code in (403, 404)
