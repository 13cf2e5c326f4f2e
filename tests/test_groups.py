"""Groups around a project: members and their units, meetings and minutes, and who may change them."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects.documents import add_to_project
from projects.groups import MESSAGES, save_meeting
from projects.models import GroupMeeting, GroupMember, Project, ProjectGroup
from strategy import history
from strategy.models import Document, Role
from strategy.walls import scope
from tests import factories
from tests.test_document_contents import EXE, pdf

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def unit(place):
    return factories.unit(place)


@pytest.fixture
def project(place, unit):
    return factories.project(place, owner_unit=unit)


@pytest.fixture
def group(place, project):
    return ProjectGroup.objects.create(municipality=place, project=project, kind="steering")


def logged_in(client, place, role, at=None):
    reader = factories.reader(place, role, at)
    factories.login(client, reader.person)
    return reader


@pytest.fixture
def strategist(client, place):
    return logged_in(client, place, Role.STRATEGIST)


def errors(response):
    assert response.status_code == 422
    return {name: [str(one) for one in said] for name, said in response.context["form"].errors.items()}


def document(reader, project, name="Protokoll", **facts):
    facts.setdefault("kind", "minutes")
    upload = SimpleUploadedFile("fil.pdf", pdf(name.encode()))
    return add_to_project(reader, project, upload, title=name, **facts)[0]


def rows(listing):
    return [] if listing is None else [[cell.text for cell in cells] for cells in listing.rows]


# --- the group -------------------------------------------------------------------------------------------


def test_a_group_is_added_and_stands_on_the_projects_page_with_its_members_units(
    client, place, project, strategist
):
    response = client.post(
        f"/projekt/{project.pk}/grupper/ny/", {"kind": "steering", "task": "Beslutar om budget"}
    )
    group = ProjectGroup.objects.get()
    assert response.url == f"/projekt/grupper/{group.pk}/"
    assert (group.project, group.kind, group.name, group.task) == (
        project,
        "steering",
        "",
        "Beslutar om budget",
    )
    for name in ("Skolan", "Tekniska kontoret"):
        client.post(f"/projekt/grupper/{group.pk}/medlem/", {"unit": factories.unit(place, name).pk})
    client.post(f"/projekt/grupper/{group.pk}/mote/", {"held_on": "2026-11-02"})
    page = client.get(f"/projekt/{project.pk}/").content.decode()
    assert 'id="groups"' in page and f'href="/projekt/grupper/{group.pk}/"' in page
    assert "Skolan, Tekniska kontoret" in page and "2026-11-02" in page


def test_a_second_group_of_a_kind_has_a_name_of_its_own(client, place, project, group, strategist):
    again = client.post(f"/projekt/{project.pk}/grupper/ny/", {"kind": "steering"})
    assert errors(again) == {"name": [str(MESSAGES["a_group_stands_once"])]}
    assert (
        client.post(f"/projekt/{project.pk}/grupper/ny/", {"kind": "steering", "name": "Etapp 2"}).status_code
        == 302
    )
    assert errors(client.post(f"/projekt/{project.pk}/grupper/ny/", {"kind": "hittepå"})).keys() == {"kind"}
    assert errors(client.post(f"/projekt/{project.pk}/grupper/ny/", {})).keys() == {"kind"}


def test_two_people_who_change_the_same_group_overwrite_nothing(client, place, group, strategist):
    address = f"/projekt/grupper/{group.pk}/andra/"
    form = client.get(address).context["form"]
    as_opened = {"version": form["version"].value(), "opened": form["opened"].value(), "kind": "steering"}
    first = {"name": "", "task": "Beslutar om budget", "reason": "Tydligare", **as_opened}
    assert client.post(address, first).status_code == 302
    second = client.post(address, {"name": "Styrgruppen", "task": "", "reason": "Namn", **as_opened})
    assert second.status_code == 422 and second.context["form"].collision.changes
    # What the second did not touch takes what now stands.
    assert (
        "Beslutar om budget" in second.content.decode() and 'value="Styrgruppen"' in second.content.decode()
    )
    group.refresh_from_db()
    assert (group.name, group.task) == ("", "Beslutar om budget")
    carried = second.context["form"]
    assert (
        client.post(
            address,
            {
                "name": "Styrgruppen",
                "task": "Beslutar om budget",
                "kind": "steering",
                "reason": "Namn",
                "version": carried["version"].value(),
                "opened": carried["opened"].value(),
            },
        ).status_code
        == 302
    )
    group.refresh_from_db()
    assert (group.name, group.task, group.version) == ("Styrgruppen", "Beslutar om budget", 3)


def test_a_group_ends_on_a_day_after_its_meetings_and_takes_no_later_meeting(
    client, place, group, strategist
):
    GroupMeeting.objects.create(municipality=place, group=group, held_on=date(2026, 6, 1))
    address = f"/projekt/grupper/{group.pk}/avsluta/"
    seen = {"version": group.version}
    assert (
        "2026-06-01"
        in errors(client.post(address, seen | {"last_day": "2026-05-31", "reason": "Klart"}))["last_day"][0]
    )
    assert errors(client.post(address, seen | {"last_day": "2026-06", "reason": ""})).keys() == {
        "last_day",
        "reason",
    }
    ended = client.post(address, seen | {"last_day": "2026-06-30", "reason": "Projektet är klart"})
    assert ended.status_code == 302
    group.refresh_from_db()
    assert group.ended_on == date(2026, 6, 30)
    late = client.post(f"/projekt/grupper/{group.pk}/mote/", {"held_on": "2026-07-01"})
    assert "2026-06-30" in errors(late)["held_on"][0]
    form = {"kind": "steering", "version": group.version, "reason": "Fel dag"}
    assert errors(
        client.post(f"/projekt/grupper/{group.pk}/andra/", form | {"ended_on": "2026-05-01"})
    ).keys() == {"ended_on"}
    assert client.post(f"/projekt/grupper/{group.pk}/andra/", form | {"ended_on": ""}).status_code == 302
    group.refresh_from_db()
    assert group.ended_on is None


def test_only_an_empty_group_is_taken_away(client, place, project, unit, group, strategist):
    address = f"/projekt/grupper/{group.pk}/ta-bort/"
    member = GroupMember.objects.create(municipality=place, group=group, unit=unit)
    assert client.post(address, {"reason": "Fel projekt"}).url == f"/projekt/grupper/{group.pk}/"
    member.delete()
    removed = client.post(address, {"reason": "Fel projekt", "version": group.version})
    assert removed.url == f"/projekt/{project.pk}/#groups"
    assert not ProjectGroup.objects.exists()
    assert [act.reason[:11] for act in history.acts(project) if act.reason] == ["Fel projekt"]


# --- members ---------------------------------------------------------------------------------------------


def test_a_member_is_a_person_for_a_unit_a_units_seat_or_another_organisations_function(
    client, place, unit, group, strategist
):
    head = factories.person(place, "Enhetschef Skolan")
    factories.assignment(head, Role.HEAD, place, unit)
    address = f"/projekt/grupper/{group.pk}/medlem/"
    for fields in (
        {"person": head.pk, "function": "ordförande", "starts_on": "2026-01"},
        {"unit": unit.pk, "function": "ekonom"},
        {"organisation": "Region Jönköpings län", "function": "samordnare"},
    ):
        assert client.post(address, fields).status_code == 302
    page = client.get(f"/projekt/grupper/{group.pk}/")
    assert [cells[:4] for cells in rows(page.context["members"])] == [
        ["Enhetschef Skolan", "Socialförvaltningen", "ordförande", rows(page.context["members"])[0][3]],
        ["ekonom", "Socialförvaltningen", "", ""],
        ["samordnare", "Region Jönköpings län", "", ""],
    ]
    assert GroupMember.objects.get(person=head).starts_on == date(2026, 1, 1)


def test_what_cannot_be_a_member_is_said_at_its_field(client, place, unit, group, strategist):
    address = f"/projekt/grupper/{group.pk}/medlem/"
    two = factories.person(place, "Har två enheter")
    factories.assignment(two, Role.HEAD, place, unit)
    factories.assignment(two, Role.HEAD, place, factories.unit(place, "Skolan"))
    outside = factories.person(place, "Utan uppdrag")
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        foreign = factories.unit(other)
    for fields, where in (
        ({}, {"unit"}),
        ({"person": two.pk}, {"unit"}),
        ({"person": outside.pk, "unit": unit.pk}, {"person"}),
        ({"unit": foreign.pk}, {"unit"}),
        ({"unit": unit.pk, "organisation": "Region"}, {"organisation"}),
        ({"organisation": "Region", "function": "811218-9876"}, {"function"}),
        ({"unit": unit.pk, "starts_on": "2026-09", "ends_on": "2026-08"}, {"ends_on"}),
        ({"unit": unit.pk, "function": "x" * 101}, {"function"}),
    ):
        assert errors(client.post(address, fields)).keys() == where, fields
    assert not GroupMember.objects.exists()


def test_the_same_member_sits_once_at_a_time(client, place, unit, group, strategist):
    address = f"/projekt/grupper/{group.pk}/medlem/"
    assert client.post(address, {"unit": unit.pk, "ends_on": "2025-12-31"}).status_code == 302
    assert client.post(address, {"unit": unit.pk, "starts_on": "2026-01-01"}).status_code == 302
    assert "__all__" in errors(client.post(address, {"unit": unit.pk, "starts_on": "2026-06"}))
    # Two seats of a unit differ by their function.
    assert client.post(address, {"unit": unit.pk, "function": "ekonom"}).status_code == 302


def test_a_membership_ends_with_a_day_and_one_entered_by_mistake_is_taken_away(
    client, place, unit, group, strategist
):
    left = GroupMember.objects.create(municipality=place, group=group, unit=unit, function="rektor")
    mistake = GroupMember.objects.create(municipality=place, group=group, unit=unit, function="fel")
    address = f"/projekt/medlemmar/{left.pk}/andra/"
    assert "ta-bort" in client.get(address).content.decode()
    client.post(address, {"unit": unit.pk, "function": "rektor", "ends_on": "2026-10", "version": 1})
    left.refresh_from_db()
    assert left.ends_on == date(2026, 10, 31)
    remove = f"/projekt/medlemmar/{mistake.pk}/ta-bort/"
    assert errors(client.post(remove, {"version": 1})).keys() == {"reason"}
    client.post(remove, {"reason": "Satt aldrig i gruppen", "version": 1})
    assert list(GroupMember.objects.all()) == [left]
    (act,) = [act for act in history.acts(group) if act.reason.startswith("Satt aldrig i gruppen")]
    assert "fel" in act.differences[0].before
    page = client.get(f"/projekt/grupper/{group.pk}/")
    assert "Satt aldrig i gruppen" in page.content.decode()


# --- meetings --------------------------------------------------------------------------------------------


def test_the_groups_history_tells_of_a_meeting_and_not_what_it_dealt_with(place, group, strategist):
    meeting = GroupMeeting(
        municipality=place, group=group, held_on=date(2026, 11, 2), subject="Det som få får läsa"
    )
    save_meeting(strategist, meeting, reason="prov")
    meeting.subject, meeting.held_on = "Annat som få får läsa", date(2026, 11, 3)
    save_meeting(strategist, meeting, reason="prov")
    part = str(GroupMeeting._meta.verbose_name)
    told = [one.after for act in history.acts(group) for one in act.differences if one.part == part]
    assert sorted(told) == ["2026-11-02", "2026-11-03"]


def test_minutes_come_with_the_meeting_and_stand_among_the_documents(
    client, place, project, group, strategist
):
    response = client.post(
        f"/projekt/grupper/{group.pk}/mote/",
        {
            "held_on": "2026-11-02",
            "subject": "Budget och tidplan",
            "file": SimpleUploadedFile("protokoll.pdf", pdf()),
        },
    )
    assert response.status_code == 302
    meeting = GroupMeeting.objects.select_related("minutes").get()
    assert (meeting.held_on, meeting.subject) == (date(2026, 11, 2), "Budget och tidplan")
    assert meeting.minutes is not None
    assert (meeting.minutes.kind, meeting.minutes.dated_on) == ("minutes", date(2026, 11, 2))
    assert meeting.minutes.of_project.project == project
    page = client.get(response.url).content.decode()
    assert f'href="/dokument/{meeting.minutes_id}/"' in page and "Budget och tidplan" in page


def test_minutes_are_chosen_among_the_projects_own_documents_alone(
    client, place, unit, project, group, strategist
):
    own = document(strategist, project)
    anothers = document(strategist, factories.project(place, "En annan", owner_unit=unit), "Annans")
    gone = document(strategist, project, "Makulerat")
    Document.objects.filter(pk=gone.pk).update(withdrawn_at=timezone.now(), withdrawn_reason="Fel")
    address = f"/projekt/grupper/{group.pk}/mote/"
    for wrong in (anothers.pk, gone.pk, 999_999, "x"):
        assert errors(client.post(address, {"held_on": "2026-11-02", "minutes": wrong})).keys() == {"minutes"}
    with pytest.raises(PermissionDenied):
        save_meeting(
            strategist, GroupMeeting(group=group, held_on=date(2026, 11, 2), minutes=anothers), reason="prov"
        )
    both = {"held_on": "2026-11-02", "minutes": own.pk, "file": SimpleUploadedFile("a.pdf", pdf(b"/A 1"))}
    assert errors(client.post(address, both)).keys() == {"file"}
    assert not GroupMeeting.objects.exists()
    assert client.post(address, {"held_on": "2026-11-02", "minutes": own.pk}).status_code == 302
    assert GroupMeeting.objects.get().minutes == own


def test_minutes_that_stand_among_the_documents_are_chosen_there_and_not_sent_again(
    client, place, project, group, strategist
):
    document(strategist, project, "Protokoll 2")
    again = SimpleUploadedFile("a.pdf", pdf(b"Protokoll 2"))
    (said,) = errors(
        client.post(f"/projekt/grupper/{group.pk}/mote/", {"held_on": "2026-11-02", "file": again})
    )["file"]
    assert "Protokoll 2" in said
    assert not GroupMeeting.objects.exists()


@pytest.mark.parametrize(("name", "data"), [("tom.pdf", b""), ("protokoll.pdf", EXE)])
def test_minutes_that_are_not_taken_leave_no_meeting(client, place, group, strategist, name, data):
    response = client.post(
        f"/projekt/grupper/{group.pk}/mote/",
        {"held_on": "2026-11-02", "subject": "Budget", "file": SimpleUploadedFile(name, data)},
    )
    assert errors(response).keys() == {"file"} and "Budget" in response.content.decode()
    assert not GroupMeeting.objects.exists() and not Document.objects.exists()


def test_minutes_over_the_limit_are_said_to_be(client, group, strategist, settings):
    settings.DOCUMENT_LIMIT = 1024 * 1024
    response = client.post(
        f"/projekt/grupper/{group.pk}/mote/",
        {"held_on": "2026-11-02", "file": SimpleUploadedFile("a.pdf", b"x" * 1024 * 1025)},
    )
    assert "1 MB" in errors(response)["file"][0]


def test_a_group_meets_once_a_day_and_a_meeting_that_was_not_held_is_taken_away(
    client, place, project, group, strategist
):
    kept = document(strategist, project)
    meeting = GroupMeeting.objects.create(
        municipality=place, group=group, held_on=date(2026, 11, 2), minutes=kept
    )
    again = client.post(f"/projekt/grupper/{group.pk}/mote/", {"held_on": "2026-11-02"})
    assert errors(again) == {"held_on": [str(MESSAGES["a_group_meets_once_a_day"])]}
    address = f"/projekt/moten/{meeting.pk}/andra/"
    form = {
        "held_on": "2026-11-03",
        "subject": "Tidplan",
        "minutes": kept.pk,
        "version": 1,
        "reason": "Flyttat",
    }
    assert client.post(address, form).status_code == 302
    meeting.refresh_from_db()
    assert (meeting.held_on, meeting.subject, meeting.minutes) == (date(2026, 11, 3), "Tidplan", kept)
    remove = f"/projekt/moten/{meeting.pk}/ta-bort/"
    # Not as it was seen by who opened the page before the meeting was moved.
    assert client.post(remove, {"reason": "Ställdes in", "version": 1}).status_code == 422
    client.post(remove, {"reason": "Ställdes in", "version": 2})
    assert not GroupMeeting.objects.exists() and Document.objects.filter(pk=kept.pk).exists()


def test_minutes_that_one_may_not_read_stay_when_one_changes_the_meeting(client, place, unit, project, group):
    kept = document(
        factories.reader(place, Role.STRATEGIST), project, "Hotbild", is_secret=True, legal_ground="OSL 26:1"
    )
    meeting = GroupMeeting.objects.create(
        municipality=place, group=group, held_on=date(2026, 11, 2), minutes=kept
    )
    # Whoever runs the project reads its documents; an economist neither reads what is secret nor changes groups.
    logged_in(client, place, Role.ECONOMIST, unit)
    page = client.get(f"/projekt/grupper/{group.pk}/").content.decode()
    assert "Hotbild" not in page and f"/dokument/{kept.pk}/" not in page
    assert client.post(f"/projekt/moten/{meeting.pk}/andra/", {"held_on": "2026-11-03"}).status_code == 403


# --- who may ---------------------------------------------------------------------------------------------

ADDRESSES = (
    ("group_add", "/projekt/{project}/grupper/ny/"),
    ("group_change", "/projekt/grupper/{group}/andra/"),
    ("group_end", "/projekt/grupper/{group}/avsluta/"),
    ("group_remove", "/projekt/grupper/{group}/ta-bort/"),
    ("member_add", "/projekt/grupper/{group}/medlem/"),
    ("meeting_add", "/projekt/grupper/{group}/mote/"),
    ("member_change", "/projekt/medlemmar/{member}/andra/"),
    ("member_remove", "/projekt/medlemmar/{member}/ta-bort/"),
    ("meeting_change", "/projekt/moten/{meeting}/andra/"),
    ("meeting_remove", "/projekt/moten/{meeting}/ta-bort/"),
)


@pytest.fixture
def whole(place, unit, project, group):
    member = GroupMember.objects.create(municipality=place, group=group, unit=unit)
    meeting = GroupMeeting.objects.create(
        municipality=place, group=group, held_on=date(2026, 1, 1), subject="Hot mot en medarbetare"
    )
    return {"project": project.pk, "group": group.pk, "member": member.pk, "meeting": meeting.pk}


@pytest.mark.parametrize("name", [name for name, _address in ADDRESSES])
def test_who_changes_the_project_changes_its_groups_and_nobody_else(client, place, unit, whole, name):
    address = dict(ADDRESSES)[name].format(**whole)
    with scope(place.pk):
        logged_in(client, place, Role.CONTACT_PERSON, unit)
    assert client.get(address).status_code in {200, 302}
    for role in (Role.EMPLOYEE, Role.AUDITOR, Role.ADMINISTRATOR, Role.ECONOMIST):
        logged_in(client, place, role, unit if role == Role.ECONOMIST else None)
        assert (client.get(address).status_code, client.post(address, {}).status_code) == (403, 403), role
    logged_in(client, place, Role.CONTACT_PERSON, factories.unit(place, "Tekniska kontoret"))
    assert client.post(address, {}).status_code == 403
    Project.objects.filter(pk=whole["project"]).update(
        withdrawn_at=timezone.now(), withdrawn_reason="Dubbelt"
    )
    logged_in(client, place, Role.STRATEGIST)
    assert client.post(address, {}).status_code == 403
    assert client.put(address).status_code == 405


@pytest.mark.parametrize("name", ["group", *(name for name, _address in ADDRESSES)])
def test_another_municipalitys_group_is_not_there(client, place, whole, name):
    address = {"group": "/projekt/grupper/{group}/", **dict(ADDRESSES)}[name].format(**whole)
    other = factories.municipality("Grannkommun")
    with scope(other.pk):
        logged_in(client, other, Role.STRATEGIST)
        assert client.get(address).status_code == 404
        if name != "group":
            assert client.post(address, {}).status_code == 404


def test_who_may_not_read_documents_sees_who_sits_and_when_they_met_but_not_what_was_dealt_with(
    client, place, project, group, whole
):
    kept = document(factories.reader(place, Role.STRATEGIST), project, "Protokoll om hot")
    GroupMeeting.objects.filter(pk=whole["meeting"]).update(minutes=kept)
    logged_in(client, place, Role.EMPLOYEE)
    page = client.get(f"/projekt/grupper/{group.pk}/")
    text = page.content.decode()
    assert page.status_code == 200 and "Socialförvaltningen" in text and "2026-01-01" in text
    assert "Hot mot" not in text and "Protokoll om hot" not in text and "andra/" not in text
    logged_in(client, place, Role.STRATEGIST)
    text = client.get(f"/projekt/grupper/{group.pk}/").content.decode()
    assert "Hot mot" in text and "Protokoll om hot" in text


def test_the_queries_do_not_grow_with_groups_members_and_meetings(client, place, unit, project, group, whole):
    strategist = logged_in(client, place, Role.STRATEGIST)

    def queries(address):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    def row(number, of):
        person = factories.person(place, f"Person {number}")
        factories.assignment(person, Role.HEAD, place, unit)
        GroupMember.objects.create(municipality=place, group=of, unit=unit, person=person)
        kept = document(strategist, project, f"Protokoll {number} {of}")
        GroupMeeting.objects.create(
            municipality=place, group=of, held_on=date(2026, 2, 1 + number), minutes=kept
        )

    def more(number):
        row(number, group)
        another = ProjectGroup.objects.create(
            municipality=place, project=project, kind="working", name=f"Grupp {number}"
        )
        row(number, another)

    addresses = (f"/projekt/{project.pk}/", f"/projekt/grupper/{group.pk}/")
    # Once without counting: what is written after a page in the same transaction is told as done on it.
    queries(addresses[0])
    more(1)
    few = [queries(address) for address in addresses]
    for number in range(2, 6):
        more(number)
    assert [queries(address) for address in addresses] == few
