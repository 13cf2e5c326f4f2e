"""What is told of logins, reports without an account and mailed links: to whom it matters, and no further."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from projects.forms import managers
from strategy import history
from strategy.handover import (
    Choice,
    close_account,
    hand_over,
    held_by,
    receivers,
)
from strategy.history import UNTOLD, event_model, tracked_models
from strategy.log import Asked, Found
from strategy.models import Account, Handover, Role
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return factories.municipality()


@pytest.fixture
def administrator(client, place):
    with scope(place.pk):
        reader = factories.reader(place, Role.ADMINISTRATOR)
        factories.login(client, reader.person)
    return reader


@pytest.fixture
def karin(place):
    with scope(place.pk):
        who = factories.person(place, "Karin Ek", email="karin@example.org")
        factories.assignment(who, Role.EMPLOYEE, place)
        return Account.objects.create_user("karin@example.org", who, "lösenord för prov")


def test_what_the_command_did_with_a_login_stands_in_the_log_with_the_reason(administrator, karin, place):
    call_command(
        "local_account", karin.email, "--for-emergencies", "--reason", "Jour i december", stdout=StringIO()
    )
    with scope(place.pk):
        changes = [
            (change.name, [(one.label, one.before, one.after) for one in change.differences])
            for act in Found(administrator, Asked(kind="strategy.account", deed="update"))
            for change in act.changes
        ]
        (act,) = Found(administrator, Asked(kind="strategy.account", reason="jour i"))
    assert changes == [("Karin Ek", [("För nödlägen", "nej", "ja")])]
    assert (act.reason, act.page) == ("Jour i december", "manage.py local_account")


def test_another_municipality_reads_nothing_of_it(karin):
    neighbour = factories.municipality("Grannkommunen")
    with scope(neighbour.pk):
        reader = factories.reader(neighbour, Role.ADMINISTRATOR)
        found = list(Found(reader, Asked(kind="strategy.account")))
    assert [change.name for act in found for change in act.changes if change.name == "Karin Ek"] == []


def test_the_administrator_sees_that_a_login_is_kept_for_emergencies_and_nobody_else(
    client, administrator, karin, place
):
    Account.objects.filter(pk=karin.pk).update(for_emergencies=True)
    with scope(place.pk):
        address = reverse("assignment", args=[karin.person.assignments.get().pk])
        strategist = factories.reader(place, Role.STRATEGIST)
    told = [fact.label for fact in client.get(address).context["facts"]]
    assert "Inloggningen" in told or "The login" in told
    factories.login(client, strategist.person)
    seen = [fact.label for fact in client.get(address).context["facts"]]
    assert "Inloggningen" not in seen and "The login" not in seen


def test_every_field_that_is_told_has_a_name():
    without = [
        (model.__name__, field.name)
        for model in tracked_models()
        for field in event_model(model)._meta.concrete_fields
        if not field.name.startswith("pgh_")
        and field.name not in UNTOLD
        and getattr(field, "_verbose_name", None) is None
        and field.name not in history.LABELS
        and model.__name__ != "Message"
    ]
    assert without == []


def test_who_reported_by_mail_alone_is_not_offered_where_something_is_given(administrator, karin, place):
    with scope(place.pk):
        by_mail = factories.person(place, "Maja Post", email="maja@example.org")
        factories.assignment(by_mail, Role.EMPLOYEE, place)
        manager = factories.person(place, "Pelle Projekt", email="pelle@example.org")
        factories.assignment(manager, Role.PROJECT_MANAGER, place)
        offered = set(managers(administrator, None))
        receiving = set(receivers(administrator, manager))
    assert {karin.person, manager} <= offered and by_mail not in offered
    # A handover names them apart: whoever leaves may know that somebody without a login takes over.
    assert {karin.person, by_mail} <= receiving


def test_the_login_page_leads_to_reports_without_an_account_where_some_municipality_takes_them(client, place):
    link = "/anmal/utan-konto/"
    assert link not in client.get("/konto/login/").content.decode()
    with scope(place.pk):
        place.takes_reports_by_mail = True
        place.save(update_fields=["takes_reports_by_mail"])
    assert link in client.get("/konto/login/").content.decode()


def test_the_administrator_reads_the_address_to_publish_and_a_second_press_changes_nothing(
    client, administrator, place
):
    with scope(place.pk):
        from strategy.models import MailDomain

        MailDomain.objects.create(municipality=place, domain="sjostad.example")
    switch = "/ansvar/kommunen/anmalningar/"
    client.post(switch, {"takes": "on", "reason": "A"})
    page = client.get("/ansvar/kommunen/").content.decode()
    assert "/anmal/utan-konto/</a>" in page
    answer = client.post(switch, {"takes": "on", "reason": "B"}, follow=True)
    assert [message.level_tag for message in answer.context["messages"]] == ["warning"]


def test_a_mailed_link_that_works_no_longer_gives_back_what_was_typed(client):
    answer = client.post("/anmal/utan-konto/WzEs/", {"title": "Läslust", "name": "Maja"})
    text = answer.content.decode()
    assert answer.status_code == 410
    assert "Läslust" in text and "Maja" in text
    assert 'href="/anmal/utan-konto/"' not in text  # no municipality takes them: that page is not there


def test_the_token_of_a_mailed_link_stands_in_no_history(rf):
    from django.urls import resolve

    from strategy.requests import _page

    request = rf.get("/anmal/utan-konto/WzEsIDJd:1x:y/")
    request.resolver_match = resolve(request.path)
    assert _page(request) == "/anmal/utan-konto/…/"
    request = rf.get("/projekt/1/")
    request.resolver_match = resolve(request.path)
    assert _page(request) == "/projekt/1/"


def test_a_login_is_not_closed_before_the_last_day_of_what_is_still_held(administrator, karin, place):
    with scope(place.pk):
        today, unit = administrator.today, factories.unit(place)
        last = today + timedelta(days=10)
        factories.assignment(karin.person, Role.CONTACT_PERSON, place, unit, ends_on=last)
        outcome = hand_over(
            administrator, karin.person, [], on=today, reason="Slutar", close_login=True, now=timezone.now()
        )
        assert len(outcome.refused) == 1 and last.isoformat() in outcome.refused[0].why
        assert not Handover.objects.exists()
        assert last.isoformat() in close_account(karin.person, today)
        assert Account.objects.get(pk=karin.pk).is_active
        outcome = hand_over(
            administrator,
            karin.person,
            [],
            on=last + timedelta(days=1),
            reason="Slutar",
            close_login=True,
            now=timezone.now(),
        )
        assert outcome.refused == []
        # A login has nobody after.
        assert [one.receiver for one in outcome.handovers] == [None]


def test_who_was_to_take_over_is_told_of_the_cancelling_and_what_is_given_is_named(
    client, administrator, karin, place, mailoutbox
):
    with scope(place.pk):
        today, unit = administrator.today, factories.unit(place)
        anna = factories.person(place, "Anna Alm", email="anna@example.org")
        factories.assignment(anna, Role.PROJECT_MANAGER, place)
        factories.assignment(karin.person, Role.CONTACT_PERSON, place, unit)
        factories.project(place, title="Läslust", owner_unit=unit, project_manager=karin.person)
        choices = [
            Choice(one, anna)
            for group in held_by(administrator, karin.person)
            for one in group.held
            if not one.alone
        ]
        outcome = hand_over(
            administrator,
            karin.person,
            choices,
            on=today + timedelta(days=10),
            reason="Byter jobb",
            now=timezone.now(),
        )
        (waiting,) = [one for one in outcome.handovers if one.done_at is None]
    page = client.get(f"/ansvar/personer/{karin.person_id}/overlamning/")
    assert len(page.context["remaining"]) == 2
    mailed = [mail.body for mail in mailoutbox if mail.to == ["anna@example.org"]]
    assert any("Läslust" in body and "http" in body for body in mailed)
    mailoutbox.clear()
    answer = client.post(f"/ansvar/overlamningar/{waiting.pk}/angra/", follow=True)
    assert [mail.to for mail in mailoutbox] == [["anna@example.org"]]
    assert [message.level_tag for message in answer.context["messages"]] == ["success", "warning"]
