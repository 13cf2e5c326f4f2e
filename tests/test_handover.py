"""Handing on what a person answers for: on one page, in one go, on a day, with the history kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.translation import gettext

from projects.models import GroupMember, Project, ProjectGroup
from strategy import history
from strategy.handover import (
    Choice,
    DayIsOver,
    NobodyChosen,
    carry_out_due,
    duties,
    hand_over,
    held_by,
    receivers,
)
from strategy.models import Account, Assignment, Handover, Message, Role
from strategy.permissions import resolve_reader
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()
NOW = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("Europe/Stockholm"))
IN_A_WEEK = TODAY + timedelta(days=7)


class Office:
    """A municipality with a strategist, somebody who leaves and somebody who comes after."""

    def __init__(self, name: str = "Överlämnings kommun") -> None:
        self.place = place = factories.municipality(name)
        with scope(place.pk):
            self.unit = factories.unit(place, "Bildningsförvaltningen")
            self.other = factories.unit(place, "Socialförvaltningen")
            self.strategist = factories.person(place, "Sten Strateg")
            factories.assignment(self.strategist, Role.STRATEGIST, place)
            self.leaver = factories.person(place, "Lena Lämnar")
            self.contact = factories.assignment(self.leaver, Role.CONTACT_PERSON, place, self.unit)
            self.receiver = factories.person(place, "Tove Tar")
            factories.assignment(self.receiver, Role.EMPLOYEE, place)

    def reader(self, person=None):
        return resolve_reader(person or self.strategist, self.place, TODAY, (self.place,))

    def project(self, title="Läslust", **fields) -> Project:
        fields.setdefault("owner_unit", self.unit)
        fields.setdefault("project_manager", self.leaver)
        return factories.project(self.place, title, **fields)

    def give(self, *, on=TODAY, to="receiver", who=None, only=None, **fields):
        """Everything that is held and may be given, to one receiver."""
        reader = self.reader(who)
        receiver = getattr(self, to) if isinstance(to, str) else to
        held = [one for group in held_by(reader, self.leaver) for one in group.held]
        choices = [Choice(one, receiver) for one in held if only is None or one.kind in only]
        with history.context(person=reader.person.pk, municipality=self.place.pk, page="/prov/"):
            return hand_over(reader, self.leaver, choices, on=on, reason="Lena slutar", now=NOW, **fields)

    def held(self, person, day=TODAY):
        rows = Assignment.objects.filter(person=person, municipality=self.place).valid_on(day)
        return sorted((row.role, row.unit.name if row.unit else "") for row in rows)


@pytest.fixture
def office():
    return Office()


def the_worker(day):
    return carry_out_due(day, timezone.make_aware(datetime.combine(day, datetime.min.time())))


def login(client, office, person):
    with scope(office.place.pk):
        factories.login(client, person)


def address(person):
    return f"/ansvar/personer/{person.pk}/overlamning/"


# -- One go -------------------------------------------------------------------------------------------------


def test_each_floor_says_what_a_person_answers_for():
    assert {"assignment", "project", "group_seat"} <= set(duties.names)


def test_everything_is_given_on_from_today_as_one_act_with_the_reason(office):
    with scope(office.place.pk):
        project = office.project()
        outcome = office.give()
        assert sorted(outcome.given) == ["Kontaktperson, Bildningsförvaltningen", "Läslust"]
        assert (outcome.refused, outcome.waiting) == ([], [])
        assert office.held(office.leaver, TODAY) == []
        assert office.held(office.leaver, TODAY - timedelta(days=1)) == [
            ("contact_person", "Bildningsförvaltningen")
        ]
        assert office.held(office.receiver, TODAY) == [
            ("contact_person", "Bildningsförvaltningen"),
            ("employee", ""),
        ]
        project.refresh_from_db()
        assert project.project_manager_id == office.receiver.pk
        act = history.acts(project)[0]
        assert (act.who, act.reason) == ("Sten Strateg", "Lena slutar")
        (handover,) = Handover.objects.all()
        assert handover.done_at == NOW
        assert [item["label"] for item in handover.items] == [
            "Kontaktperson, Bildningsförvaltningen",
            "Läslust",
        ]


def test_an_assignment_keeps_its_last_day_with_the_receiver(office):
    with scope(office.place.pk):
        last = TODAY + timedelta(days=90)
        Assignment.objects.filter(pk=office.contact.pk).update(ends_on=last)
        office.give(on=IN_A_WEEK)
        given = Assignment.objects.get(person=office.receiver, role=Role.CONTACT_PERSON)
        assert (given.starts_on, given.ends_on, given.unit) == (IN_A_WEEK, last, office.unit)
        office.contact.refresh_from_db()
        assert office.contact.ends_on == IN_A_WEEK - timedelta(days=1)


def test_an_assignment_may_end_with_nobody_after_and_a_project_may_not(office):
    with scope(office.place.pk):
        project = office.project()
        outcome = office.give(to=None)
        assert outcome.given == ["Kontaktperson, Bildningsförvaltningen"]
        assert [one.label for one in outcome.refused] == ["Läslust"]
        project.refresh_from_db()
        assert project.project_manager_id == office.leaver.pk
        assert office.held(office.leaver) == []


def test_the_last_administrator_is_handed_over_and_not_merely_ended(office):
    with scope(office.place.pk):
        role = factories.assignment(office.leaver, Role.ADMINISTRATOR, office.place)
        second = factories.person(office.place, "Adam Admin")
        factories.assignment(second, Role.ADMINISTRATOR, office.place, ends_on=TODAY)
        refused = office.give(to=None, who=second, on=IN_A_WEEK, only=["assignment"]).refused
        assert [one.label for one in refused] == [
            f"{role.get_role_display()}, {gettext('the whole municipality')}"
        ]
        given = office.give(who=second, on=IN_A_WEEK, only=["assignment"]).given
        assert given == [f"{role.get_role_display()}, {gettext('the whole municipality')}"]
        assert ("administrator", "") in office.held(office.receiver, IN_A_WEEK)


def test_who_has_the_assignment_already_keeps_it_and_the_leavers_ends(office):
    with scope(office.place.pk):
        manager = factories.assignment(office.leaver, Role.PROJECT_MANAGER, office.place, office.unit)
        factories.assignment(office.receiver, Role.PROJECT_MANAGER, office.place, office.unit)
        outcome = office.give(only=["assignment"])
        assert len(outcome.given) == 2
        manager.refresh_from_db()
        assert manager.ends_on == TODAY - timedelta(days=1)
        assert Assignment.objects.filter(person=office.receiver, role=Role.PROJECT_MANAGER).count() == 1


def test_an_assignment_that_begins_on_the_day_or_later_is_named_and_stays(office):
    with scope(office.place.pk):
        later = factories.assignment(
            office.leaver, Role.PROJECT_MANAGER, office.place, office.other, starts_on=IN_A_WEEK
        )
        outcome = office.give(only=["assignment"], on=IN_A_WEEK)
        assert outcome.given == ["Kontaktperson, Bildningsförvaltningen"]
        (refused,) = outcome.refused
        assert IN_A_WEEK.isoformat() in refused.why
        later.refresh_from_db()
        assert later.person_id == office.leaver.pk


def test_finished_and_withdrawn_projects_keep_who_ran_them(office):
    with scope(office.place.pk):
        office.project("Avslutat", state="ended")
        office.project("Makulerat", withdrawn_at=NOW, withdrawn_reason="Dubbel")
        groups = held_by(office.reader(), office.leaver)
        assert [group.duty.name for group in groups] == ["assignment"]


def test_the_past_is_left_as_it_was(office):
    with scope(office.place.pk), pytest.raises(DayIsOver):
        office.give(on=TODAY - timedelta(days=1))


def test_nothing_chosen_is_nothing_done(office):
    with scope(office.place.pk), pytest.raises(NobodyChosen):
        office.give(only=[])


# -- What the acting person may not give ------------------------------------------------------------------------


def test_a_head_gives_on_what_belongs_to_the_own_unit_and_the_rest_is_named(office):
    with scope(office.place.pk):
        head = factories.person(office.place, "Hedvig Chef")
        factories.assignment(head, Role.HEAD, office.place, office.unit)
        ours, theirs = office.project(), office.project("Annans", owner_unit=office.other)
        outcome = office.give(who=head)
        assert sorted(outcome.given) == ["Kontaktperson, Bildningsförvaltningen", "Läslust"]
        assert [one.label for one in outcome.refused] == ["Annans"]
        ours.refresh_from_db()
        theirs.refresh_from_db()
        assert (ours.project_manager_id, theirs.project_manager_id) == (
            office.receiver.pk,
            office.leaver.pk,
        )


def test_a_strategist_gives_on_no_role_of_the_administrators(office):
    with scope(office.place.pk):
        factories.assignment(office.leaver, Role.ECONOMIST, office.place, office.unit)
        outcome = office.give(only=["assignment"])
        assert outcome.given == ["Kontaktperson, Bildningsförvaltningen"]
        assert [one.label for one in outcome.refused] == ["Ekonom, Bildningsförvaltningen"]
        assert ("economist", "Bildningsförvaltningen") in office.held(office.leaver)


def test_nobody_gives_an_assignment_to_him_or_herself(office):
    with scope(office.place.pk):
        outcome = office.give(to="strategist")
        assert outcome.given == []
        assert len(outcome.refused) == 1
        assert office.held(office.leaver) == [("contact_person", "Bildningsförvaltningen")]


def test_an_administrator_makes_him_or_herself_manager_of_no_project(office):
    with scope(office.place.pk):
        admin = factories.person(office.place, "Adam Admin")
        factories.assignment(admin, Role.ADMINISTRATOR, office.place)
        project = office.project()
        assert office.give(who=admin, to=admin, only=["project"]).given == []
        assert office.give(who=admin, to="receiver", only=["project"]).given == ["Läslust"]
        project.refresh_from_db()
        assert project.project_manager_id == office.receiver.pk


def test_a_role_without_the_right_gives_on_nothing(office, client):
    login(client, office, office.receiver)
    assert client.get(address(office.leaver)).status_code == 403
    assert client.post(address(office.leaver), {"on": TODAY.isoformat(), "reason": "x"}).status_code == 403


def test_receivers_have_an_assignment_and_an_open_login(office):
    with scope(office.place.pk):
        gone = factories.person(office.place, "Gun Gick")
        factories.assignment(gone, Role.READER, office.place, ends_on=TODAY - timedelta(days=1))
        closed = factories.person(office.place, "Klas Stängd")
        factories.assignment(closed, Role.READER, office.place)
        Account.objects.create_user(closed.email, closed)
        Account.objects.filter(person=closed).update(is_active=False)
        assert list(receivers(office.reader(), office.leaver)) == [office.strategist, office.receiver]


# -- On the day -------------------------------------------------------------------------------------------------


def test_what_has_no_dates_waits_for_the_day_and_is_carried_out_once(office):
    with scope(office.place.pk):
        project = office.project()
        outcome = office.give(on=IN_A_WEEK)
        assert outcome.given == ["Kontaktperson, Bildningsförvaltningen"]
        assert outcome.waiting == ["Läslust"]
        project.refresh_from_db()
        assert project.project_manager_id == office.leaver.pk
        # It waits already: it is not offered again.
        assert held_by(office.reader(), office.leaver) == ()
    assert the_worker(IN_A_WEEK - timedelta(days=1)) == 0
    assert the_worker(IN_A_WEEK) == 1
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.project_manager_id == office.receiver.pk
        version = project.version
    assert the_worker(IN_A_WEEK) == 0
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.version == version
        waited = Handover.objects.get(items__0__kind="project")
        assert waited.done_at is not None
        assert [item["skipped"] for item in waited.items] == [""]


def test_a_day_that_passed_while_the_worker_was_away_is_caught_up_with(office):
    with scope(office.place.pk):
        project = office.project()
        office.give(on=IN_A_WEEK)
    assert the_worker(IN_A_WEEK + timedelta(days=3)) == 1
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.project_manager_id == office.receiver.pk


def test_a_seat_in_a_group_ends_and_the_receivers_begins(office):
    with scope(office.place.pk):
        group = ProjectGroup.objects.create(
            municipality=office.place, project=office.project(project_manager=None), kind="steering"
        )
        seat = GroupMember.objects.create(
            municipality=office.place,
            group=group,
            person=office.leaver,
            unit=office.unit,
            function="Ordförande",
        )
        assert office.give(on=IN_A_WEEK, only=["group_seat"]).waiting == [
            f"{group.get_kind_display()}, Läslust"
        ]
    the_worker(IN_A_WEEK)
    with scope(office.place.pk):
        seat.refresh_from_db()
        after = GroupMember.objects.exclude(pk=seat.pk).get()
        assert seat.ends_on == IN_A_WEEK - timedelta(days=1)
        assert (after.person, after.unit, after.function, after.starts_on) == (
            office.receiver,
            office.unit,
            "Ordförande",
            IN_A_WEEK,
        )


def test_what_changed_meanwhile_is_skipped_and_told(office):
    with scope(office.place.pk):
        withdrawn, taken, left = (
            office.project("Makuleras"),
            office.project("Tas av annan"),
            office.project("Går"),
        )
        office.give(on=IN_A_WEEK, only=["project"])
        Project.objects.filter(pk=withdrawn.pk).update(withdrawn_at=NOW, withdrawn_reason="Dubbel")
        Project.objects.filter(pk=taken.pk).update(project_manager=office.strategist)
    the_worker(IN_A_WEEK)
    with scope(office.place.pk):
        for project in (withdrawn, taken, left):
            project.refresh_from_db()
        assert [one.project_manager_id for one in (withdrawn, taken, left)] == [
            office.leaver.pk,
            office.strategist.pk,
            office.receiver.pk,
        ]
        handover = Handover.objects.get()
        assert {item["label"]: bool(item["skipped"]) for item in handover.items} == {
            "Makuleras": True,
            "Tas av annan": True,
            "Går": False,
        }
        assert handover.done_at is not None


def seat_of(office):
    group = ProjectGroup.objects.create(
        municipality=office.place, project=office.project(project_manager=None), kind="steering"
    )
    return GroupMember.objects.create(
        municipality=office.place, group=group, person=office.leaver, unit=office.unit, function="ordförande"
    )


def test_a_seat_that_ends_with_nobody_waits_for_its_day_and_then_ends(office, client):
    with scope(office.place.pk):
        seat = seat_of(office)
        outcome = office.give(on=IN_A_WEEK, only=["group_seat"], to=None)
        assert len(outcome.waiting) == 1
        (handover,) = Handover.objects.all()
        assert (handover.receiver, handover.done_at) == (None, None)
    login(client, office, office.strategist)
    assert gettext("To nobody from %(day)s: it ends") % {"day": IN_A_WEEK.isoformat()} in (
        client.get(address(office.leaver)).content.decode()
    )
    assert the_worker(IN_A_WEEK) == 1
    with scope(office.place.pk):
        seat.refresh_from_db()
        assert seat.ends_on == IN_A_WEEK - timedelta(days=1)
        assert GroupMember.objects.count() == 1
        assert [item["skipped"] for item in Handover.objects.get().items] == [""]


def test_what_is_gone_is_named_and_the_rest_and_other_municipalities_are_carried_out(office):
    with scope(office.place.pk):
        seat, project = seat_of(office), office.project("Annat")
        office.give(on=IN_A_WEEK, only=["group_seat", "project"])
        seat.delete()
    the_worker(IN_A_WEEK)
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.project_manager == office.receiver
        handover = Handover.objects.get()
        assert handover.done_at is not None
        assert {item["kind"]: bool(item["skipped"]) for item in handover.items} == {
            "group_seat": True,
            "project": False,
        }


def test_a_handover_that_fails_hinders_no_other_municipality(office, monkeypatch):
    after = Office("Övre kommunen")
    with scope(office.place.pk):
        office.project()
        office.give(on=IN_A_WEEK, only=["project"])
    with scope(after.place.pk):
        there = after.project()
        after.give(on=IN_A_WEEK, only=["project"])
    duty = duties["project"]

    def fails_here(giving, pk):
        if giving.municipality == office.place:
            raise RuntimeError("broken")
        duty.give(giving, pk)

    monkeypatch.setattr("strategy.handover.duties", {"project": replace(duty, give=fails_here)})
    with pytest.raises(RuntimeError):
        the_worker(IN_A_WEEK)
    with scope(after.place.pk):
        there.refresh_from_db()
        assert there.project_manager == after.receiver


def test_the_row_of_a_handover_is_in_the_installations_language(office):
    with scope(office.place.pk):
        seat_of(office)
        Account.objects.create_user(office.leaver.email, office.leaver)
        factories.assignment(office.strategist, Role.ADMINISTRATOR, office.place)
        with translation.override("en"):
            office.give(on=IN_A_WEEK, only=["group_seat", "assignment"], close_login=True)
        labels = {item["kind"]: item["label"] for row in Handover.objects.all() for item in row.items}
    assert labels == {
        "assignment": "Kontaktperson, Bildningsförvaltningen",
        "group_seat": "Styrgrupp, Läslust",
        "login": "Inloggningen",
    }


def test_the_strategist_who_gives_a_project_on_for_a_vacant_unit_is_marked_so(office):
    with scope(office.place.pk):
        project = office.project(owner_unit=office.other)
        office.give(only=["project"])
        said = history.acts(project)[0].reason
    assert said.startswith("Lena slutar (") and office.other.name in said


@pytest.mark.parametrize("how", ["closed login", "no assignment"])
def test_a_receiver_who_left_meanwhile_receives_nothing(office, how):
    with scope(office.place.pk):
        project = office.project()
        office.give(on=IN_A_WEEK, only=["project"])
        if how == "closed login":
            Account.objects.create_user(office.receiver.email, office.receiver)
            Account.objects.filter(person=office.receiver).update(is_active=False)
        else:
            Assignment.objects.filter(person=office.receiver).update(ends_on=TODAY - timedelta(days=1))
    the_worker(IN_A_WEEK)
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.project_manager_id == office.leaver.pk
        (item,) = Handover.objects.get().items
        assert item["skipped"]


def test_a_cancelled_handover_is_not_carried_out(office, client):
    with scope(office.place.pk):
        project = office.project()
        office.give(on=IN_A_WEEK, only=["project"])
        handover = Handover.objects.get()
    login(client, office, office.strategist)
    cancel = f"/ansvar/overlamningar/{handover.pk}/angra/"
    assert client.get(cancel).status_code == 405
    assert client.post(cancel).status_code == 302
    assert client.post(cancel).status_code == 403  # a second window
    assert the_worker(IN_A_WEEK) == 0
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.project_manager_id == office.leaver.pk


def test_another_municipalitys_handover_is_not_there(office, client):
    with scope(office.place.pk):
        office.project()
        office.give(on=IN_A_WEEK, only=["project"])
        handover = Handover.objects.get()
    other = factories.municipality("Grannstads kommun")
    with scope(other.pk):
        stranger = factories.reader(other, Role.STRATEGIST)
        factories.login(client, stranger.person)
    assert client.post(f"/ansvar/overlamningar/{handover.pk}/angra/").status_code == 404
    assert client.get(address(office.leaver)).status_code == 404
    assert client.post(address(office.leaver), {"on": TODAY.isoformat(), "reason": "x"}).status_code == 404


def test_only_who_ordered_it_or_reaches_all_cancels(office, client):
    with scope(office.place.pk):
        head = factories.person(office.place, "Hedvig Chef")
        factories.assignment(head, Role.HEAD, office.place, office.unit)
        office.project()
        office.give(on=IN_A_WEEK, only=["project"])
        handover = Handover.objects.get()
    login(client, office, head)
    assert client.post(f"/ansvar/overlamningar/{handover.pk}/angra/").status_code == 403


# -- The login ----------------------------------------------------------------------------------------------------


def admin_of(office):
    admin = factories.person(office.place, "Adam Admin")
    factories.assignment(admin, Role.ADMINISTRATOR, office.place)
    return admin


def may_log_in(person):
    return Account.objects.get(person=person).is_active


def test_the_administrator_closes_the_login_from_the_day(office):
    with scope(office.place.pk):
        admin = admin_of(office)
        Account.objects.create_user(office.leaver.email, office.leaver)
        outcome = office.give(who=admin, on=IN_A_WEEK, close_login=True)
        assert outcome.waiting == [gettext("The login")]
        assert may_log_in(office.leaver)
    the_worker(IN_A_WEEK)
    with scope(office.place.pk):
        assert not may_log_in(office.leaver)


def test_a_login_that_another_municipality_needs_stays_open(office):
    other = factories.municipality("Grannstads kommun")
    with scope(office.place.pk):
        admin = admin_of(office)
        Account.objects.create_user(office.leaver.email, office.leaver)
    with scope(other.pk):
        factories.assignment(office.leaver, Role.CONTACT_PERSON, other, factories.unit(other))
    with scope(office.place.pk):
        outcome = office.give(who=admin, close_login=True)
        assert len(outcome.refused) == 1
        assert may_log_in(office.leaver)


@pytest.mark.parametrize("kept", ["runs_installation", "for_emergencies"])
def test_no_municipality_closes_a_login_by_which_the_installation_is_kept(office, kept):
    with scope(office.place.pk, installation=True):
        admin = admin_of(office)
        account = Account.objects.create_user(office.leaver.email, office.leaver)
        later = office.give(who=admin, on=IN_A_WEEK, close_login=True, only=["assignment"])
        assert later.waiting == [gettext("The login")]
        setattr(account, kept, True)
        account.save(update_fields=[kept])
        # Ordered before it was kept for that: on the day it is skipped.
    the_worker(IN_A_WEEK)
    with scope(office.place.pk):
        assert may_log_in(office.leaver)
        outcome = office.give(who=admin, close_login=True, only=[])
        assert len(outcome.refused) == 1
        assert may_log_in(office.leaver)


def test_a_strategist_closes_no_login(office):
    with scope(office.place.pk):
        Account.objects.create_user(office.leaver.email, office.leaver)
        outcome = office.give(close_login=True)
        assert len(outcome.refused) == 1
        assert may_log_in(office.leaver)


# -- The page -----------------------------------------------------------------------------------------------------


def form_of(office, client, **changed):
    form = client.get(address(office.leaver)).context["form"]
    data = {name: "on" for name in form.fields if name.startswith("give-")}
    data |= {name: "" for name in form.fields if name.startswith("to-")}
    data |= {"receiver": str(office.receiver.pk), "on": TODAY.isoformat(), "reason": "Lena slutar"}
    return {key: value for key, value in {**data, **changed}.items() if value is not None}


def test_the_page_shows_everything_ticked_and_gives_it_on(office, client):
    with scope(office.place.pk):
        project = office.project()
    login(client, office, office.strategist)
    page = client.get(address(office.leaver)).content.decode()
    assert "Läslust" in page
    assert page.count('type="checkbox"') == 2
    assert page.count("checked") == 2
    answer = client.post(address(office.leaver), form_of(office, client), follow=True)
    assert answer.redirect_chain
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.project_manager_id == office.receiver.pk
    assert project.title in answer.content.decode()


def test_what_is_not_ticked_stays_and_each_may_have_its_own_receiver(office, client):
    with scope(office.place.pk):
        first, second = office.project("Ett"), office.project("Två")
    login(client, office, office.strategist)
    client.post(
        address(office.leaver),
        form_of(
            office,
            client,
            **{
                f"give-project-{first.pk}": None,
                f"to-project-{second.pk}": str(office.strategist.pk),
            },
        ),
    )
    with scope(office.place.pk):
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.project_manager, second.project_manager) == (office.leaver, office.strategist)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"on": (TODAY - timedelta(days=1)).isoformat()}, "on"),
        ({"on": "nästa vecka"}, "on"),
        ({"reason": " "}, "reason"),
        ({"receiver": "999999999"}, "receiver"),
        ({"give-project-999999999": "on"}, None),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_given(office, client, changed, field):
    login(client, office, office.strategist)
    answer = client.post(address(office.leaver), form_of(office, client, **changed))
    assert answer.status_code == 200
    assert (field or "__all__") in answer.context["form"].errors
    with scope(office.place.pk):
        assert office.held(office.leaver) == [("contact_person", "Bildningsförvaltningen")]
        assert not Handover.objects.exists()


def test_a_receiver_of_another_municipality_is_no_choice(office, client):
    other = factories.municipality("Grannstads kommun")
    with scope(other.pk):
        stranger = factories.person(other)
        factories.assignment(stranger, Role.READER, other)
    login(client, office, office.strategist)
    answer = client.post(
        address(office.leaver),
        form_of(office, client, **{f"to-assignment-{office.contact.pk}": str(stranger.pk)}),
    )
    assert f"to-assignment-{office.contact.pk}" in answer.context["form"].errors


def test_the_second_window_is_told_that_the_first_was_quicker(office, client):
    login(client, office, office.strategist)
    opened = form_of(office, client)
    assert client.post(address(office.leaver), opened).status_code == 302
    answer = client.post(address(office.leaver), opened)
    assert answer.status_code == 200
    assert answer.context["form"].non_field_errors()
    with scope(office.place.pk):
        assert Handover.objects.count() == 1


def test_the_receiver_is_told_by_mail_what_to_take_over(office):
    with scope(office.place.pk):
        office.project()
        office.give(on=IN_A_WEEK)
    with scope(office.place.pk, installation=True):
        told = [(one.recipient, one.body) for one in Message.objects.order_by("pk")]
    told += [(one.to[0], str(one.body)) for one in mail.outbox]
    assert any(to == office.receiver.email and "Läslust" in body for to, body in told)


def test_the_way_there_stands_on_the_assignment_and_where_it_is_ended(office, client):
    login(client, office, office.strategist)
    for page in (f"/ansvar/{office.contact.pk}/", f"/ansvar/{office.contact.pk}/avsluta/"):
        assert address(office.leaver) in client.get(page).content.decode()


def test_the_page_asks_as_much_for_five_projects_as_for_one(office, client):
    login(client, office, office.strategist)

    def asked(number):
        with scope(office.place.pk):
            for n in range(number):
                office.project(f"Projekt {n}")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address(office.leaver)).status_code == 200
        return len(queries)

    asked(1)  # warm
    assert asked(1) == asked(5)


def test_a_person_nobody_knows_is_not_found(office, client):
    login(client, office, office.strategist)
    assert client.get("/ansvar/personer/999999999/overlamning/").status_code == 404


def test_what_ends_with_somebody_after_it_is_not_offered_again(office):
    with scope(office.place.pk):
        office.give(on=IN_A_WEEK)
        assert held_by(office.reader(), office.leaver) == ()


def test_what_ends_the_persons_access_is_ticked_by_hand_alone(office, client):
    with scope(office.place.pk):
        factories.assignment(office.leaver, Role.READER, office.place)
        admin = admin_of(office)
    login(client, office, admin)
    form = client.get(address(office.leaver)).context["form"]
    ticked = [field.initial for name, field in form.fields.items() if name.startswith("give-")]
    assert sorted(ticked) == [False, True]


def test_without_any_receiver_one_sentence_says_so(office, client):
    with scope(office.place.pk):
        office.project()
    login(client, office, office.strategist)
    answer = client.post(address(office.leaver), form_of(office, client, receiver=""))
    assert list(answer.context["form"].errors) == ["receiver"]


def test_the_workers_daily_job_carries_it_out(office, monkeypatch):
    from procrastinate.contrib.django import app

    from strategy import jobs

    with scope(office.place.pk):
        project = office.project()
        office.give(on=IN_A_WEEK, only=["project"])
    jobs.carry_out_handovers(timestamp=0)
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.project_manager_id == office.leaver.pk
    monkeypatch.setattr("strategy.jobs.timezone.localdate", lambda: IN_A_WEEK)
    jobs.carry_out_handovers(timestamp=0)
    with scope(office.place.pk):
        project.refresh_from_db()
        assert project.project_manager_id == office.receiver.pk
    assert "strategy.jobs.carry_out_handovers" in {
        task.task.name for task in app.periodic_registry.periodic_tasks.values()
    }


def test_the_history_of_a_handover_on_its_day_names_who_ordered_it_and_why(office):
    with scope(office.place.pk):
        project = office.project()
        office.give(on=IN_A_WEEK, only=["project"])
    the_worker(IN_A_WEEK)
    with scope(office.place.pk):
        act = history.acts(project)[0]
        assert (act.who, act.reason) == ("Sten Strateg", "Lena slutar")


def test_one_handover_that_fails_takes_no_other_with_it(office, monkeypatch):
    with scope(office.place.pk):
        first, second = office.project("Ett"), office.project("Två")
        for project in (first, second):
            reader = office.reader()
            held = [
                one
                for group in held_by(reader, office.leaver)
                for one in group.held
                if (one.kind, one.id) == ("project", project.pk)
            ]
            hand_over(
                reader,
                office.leaver,
                [Choice(one, office.receiver) for one in held],
                on=IN_A_WEEK,
                reason="Slutar",
                now=NOW,
            )
    whole = duties["project"].give

    def breaks(giving, pk):
        if pk == first.pk:
            raise RuntimeError("the disk is full")
        whole(giving, pk)

    monkeypatch.setitem(duties._items, "project", replace(duties["project"], give=breaks))
    with pytest.raises(RuntimeError):
        the_worker(IN_A_WEEK)
    with scope(office.place.pk):
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.project_manager, second.project_manager) == (office.leaver, office.receiver)
        assert Handover.objects.filter(done_at__isnull=True).count() == 1
    monkeypatch.undo()
    assert the_worker(IN_A_WEEK) == 1
