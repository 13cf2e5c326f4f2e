"""The second factor of local accounts: setting up, logging in, losing it, and whose login needs one."""

from __future__ import annotations

import html
import re
import time
from datetime import date, timedelta
from io import StringIO
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from strategy import history, second_factor
from strategy.accounts import one_time_address
from strategy.models import Account, Assignment, Message, Person, Role
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db
RIGHT = "lösenord för prov"


@pytest.fixture(autouse=True)
def nothing_is_remembered():
    cache.clear()


@pytest.fixture
def place():
    return factories.municipality()


def account_of(place, role=Role.READER, email="karin@example.org", **fields):
    with scope(place.pk):
        who = factories.person(place, email.partition("@")[0].title(), email=email)
        factories.assignment(who, role, place, **fields)
        return Account.objects.create_user(email, who, RIGHT)


@pytest.fixture
def karin(place):
    return account_of(place)


def code_of(secret, steps=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def log_in(client, email="karin@example.org", password=RIGHT, **data):
    return client.post("/konto/login/", {"login": email, "password": password, **data})


def is_logged_in(client):
    return "_auth_user_id" in client.session


def set_up(client):
    """Through the pages: the password again, the key read off the page, its code. Gives the key."""
    asked = client.get("/konto/andra-faktor/ny/")
    assert asked["Location"].startswith("/konto/reauthenticate/?next=")
    assert client.post(asked["Location"], {"password": RIGHT})["Location"] == "/konto/andra-faktor/ny/"
    page = client.get("/konto/andra-faktor/ny/").content.decode()
    secret = found(r'class="key">([A-Z2-7 ]+)<', page).replace(" ", "")
    answer = client.post("/konto/andra-faktor/ny/", {"code": code_of(secret)})
    assert answer["Location"] == "/konto/andra-faktor/koder/"
    return secret


def some_time_later():
    """So long after the last code that the app shows another."""
    for one in Authenticator.objects.filter(type="totp"):
        one.data.pop(second_factor.LAST_STEP, None)
        one.save()


@pytest.fixture
def protected(client, karin):
    """Karin's account with a second factor, logged out: the key and the recovery codes."""
    log_in(client)
    secret = set_up(client)
    codes = re.findall(r'class="key">(\d+)<', client.get("/konto/andra-faktor/koder/").content.decode())
    client.post("/konto/logout/")
    cache.clear()
    some_time_later()
    return secret, codes


def found(pattern, page):
    """The one group of the pattern, which must be there."""
    match = re.search(pattern, page, re.S)
    assert match, page
    return match[1]


def errors(response):
    return html.unescape(" ".join(re.findall(r'role="alert".*?</div>', response.content.decode(), re.S)))


# -- Setting up -----------------------------------------------------------------------------------------------


def test_the_picture_is_inline_and_needs_no_style_and_no_script(client, karin):
    log_in(client)
    client.post("/konto/reauthenticate/?next=/konto/andra-faktor/ny/", {"password": RIGHT})
    page = client.get("/konto/andra-faktor/ny/").content.decode()
    picture = found(r"(<svg.*?</svg>)", page)
    assert "style" not in picture
    assert 'role="img"' in picture
    assert "data:" not in page


def test_a_wrong_code_turns_nothing_on_and_keeps_the_key(client, karin):
    log_in(client)
    client.post("/konto/reauthenticate/?next=/konto/andra-faktor/ny/", {"password": RIGHT})
    key = found(r'class="key">([^<]+)<', client.get("/konto/andra-faktor/ny/").content.decode())
    answer = client.post("/konto/andra-faktor/ny/", {"code": "000000"})
    assert answer.status_code == 200
    assert key in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_secrets_are_encrypted_under_the_sites_key(client, karin, settings):
    log_in(client)
    secret = set_up(client)
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in kept
    assert second_factor.SecondFactors().decrypt(kept) == secret
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key of the site " * 3
    assert second_factor.SecondFactors().decrypt(kept) == secret


def test_ten_recovery_codes_are_shown_and_can_be_saved(client, karin):
    log_in(client)
    set_up(client)
    page = client.get("/konto/andra-faktor/koder/").content.decode()
    shown = re.findall(r'class="key">(\d{8})<', page)
    file = client.get("/konto/andra-faktor/koder/fil/")
    assert len(set(shown)) == 10
    told = file.content.decode()
    assert re.findall(r"^\d{8}$", told, re.M) == shown
    # Found again in a year, it says what it is and whose.
    assert "Medel" in told and karin.email in told
    assert file["Content-Disposition"].startswith("attachment")


def test_new_recovery_codes_replace_the_old(client, protected):
    secret, codes = protected
    log_in(client)
    client.post("/konto/andra-faktor/kod/", {"code": code_of(secret)})
    client.post("/konto/reauthenticate/?next=/konto/andra-faktor/", {"password": RIGHT})
    client.post("/konto/andra-faktor/koder/nya/")
    page = client.get("/konto/andra-faktor/koder/").content.decode()
    assert set(codes).isdisjoint(re.findall(r'class="key">(\d{8})<', page))


def test_who_logs_in_with_the_work_account_alone_needs_none(client, place):
    account = account_of(place)
    account.set_unusable_password()
    account.save()
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    for name in ("", "ny/", "ta-bort/", "koder/", "koder/nya/", "koder/fil/"):
        assert client.get(f"/konto/andra-faktor/{name}").status_code == 403


def test_the_pages_ask_for_a_login(client):
    for name in ("", "ny/", "ta-bort/", "koder/", "koder/nya/", "koder/fil/", "kod-igen/"):
        assert client.get(f"/konto/andra-faktor/{name}")["Location"].startswith("/konto/login/")
    assert client.get("/konto/andra-faktor/kod/")["Location"] == "/konto/login/"


# -- Logging in -----------------------------------------------------------------------------------------------


def test_after_the_password_the_code_is_asked_for_and_then_the_page_that_was_wanted_comes(client, protected):
    secret, _codes = protected
    answer = log_in(client, next="/projekt/")
    assert answer["Location"] == "/konto/andra-faktor/kod/"
    assert not is_logged_in(client)
    assert client.get("/projekt/").status_code == 302
    answer = client.post("/konto/andra-faktor/kod/", {"code": code_of(secret)})
    assert answer["Location"] == "/projekt/"
    assert is_logged_in(client)


@pytest.mark.parametrize(
    "written", [lambda code: f" {code[:3]} {code[3:]} ", lambda code: f"{code[:3]} {code[3:]}"]
)
def test_a_code_may_be_written_with_spaces(client, protected, written):
    log_in(client)
    client.post("/konto/andra-faktor/kod/", {"code": written(code_of(protected[0]))})
    assert is_logged_in(client)


def test_a_clock_half_a_minute_wrong_does_no_harm_and_two_minutes_do(client, protected):
    log_in(client)
    client.post("/konto/andra-faktor/kod/", {"code": code_of(protected[0], -4)})
    assert not is_logged_in(client)
    client.post("/konto/andra-faktor/kod/", {"code": code_of(protected[0], -1)})
    assert is_logged_in(client)


def test_a_code_is_taken_once_whatever_process_answers(client, protected):
    code = code_of(protected[0])
    log_in(client)
    client.post("/konto/andra-faktor/kod/", {"code": code})
    cache.clear()  # what one process remembers another does not
    other = Client()
    log_in(other)
    other.post("/konto/andra-faktor/kod/", {"code": code})
    assert (is_logged_in(client), is_logged_in(other)) == (True, False)


@pytest.mark.parametrize(
    "written", [lambda code: f"{code[:3]}-{code[3:]}", lambda code: f"{code[:3]}. {code[3:]}"]
)
def test_a_code_is_taken_once_however_it_is_written(client, protected, written):
    code = code_of(protected[0])
    for browser, text in ((client, written(code)), (Client(), written(code)), (Client(), code)):
        cache.clear()
        log_in(browser)
        browser.post("/konto/andra-faktor/kod/", {"code": text})
        assert is_logged_in(browser) == (browser is client)


def test_an_earlier_code_is_not_taken_after_a_later_one_and_the_next_is(client, protected):
    secret, _codes = protected
    taken = []
    for steps in (0, -1, 1):
        cache.clear()
        browser = Client()
        log_in(browser)
        browser.post("/konto/andra-faktor/kod/", {"code": code_of(secret, steps)})
        taken.append(is_logged_in(browser))
    assert taken == [True, False, True]


def test_the_code_that_turned_it_on_does_not_log_in_as_well(client, karin):
    log_in(client)
    secret = set_up(client)
    step = Authenticator.objects.get(type="totp").data[second_factor.LAST_STEP]
    client.post("/konto/logout/")
    cache.clear()
    log_in(client)
    client.post("/konto/andra-faktor/kod/", {"code": format_hotp_value(hotp_value(secret, step))})
    assert not is_logged_in(client)
    client.post("/konto/andra-faktor/kod/", {"code": format_hotp_value(hotp_value(secret, step + 1))})
    assert is_logged_in(client)


def test_a_recovery_code_is_taken_once(client, protected):
    _secret, codes = protected
    other = Client()
    for browser in (client, other):
        log_in(browser)
        browser.post("/konto/andra-faktor/kod/", {"code": codes[3]})
    assert (is_logged_in(client), is_logged_in(other)) == (True, False)
    other.post("/konto/andra-faktor/kod/", {"code": codes[4]})
    assert is_logged_in(other)


@pytest.mark.parametrize("code", ["", "000000", "x", "１２３４５６", "0" * 500, "\x00"])
def test_a_wrong_code_is_told_and_logs_nobody_in(client, protected, code):
    log_in(client)
    answer = client.post("/konto/andra-faktor/kod/", {"code": code})
    assert answer.status_code == 200
    assert errors(answer)
    assert not is_logged_in(client)


def test_a_form_without_a_code_is_no_error(client, protected):
    log_in(client)
    assert client.post("/konto/andra-faktor/kod/", {}).status_code == 302
    assert not is_logged_in(client)


def test_after_five_wrong_codes_not_even_the_right_one_is_taken_for_a_quarter_of_an_hour(
    client, protected, caplog
):
    secret, codes = protected
    for _try in range(5):
        browser = Client(REMOTE_ADDR=f"10.0.0.{_try}")
        log_in(browser)
        browser.post("/konto/andra-faktor/kod/", {"code": "000000"})
        cache.clear()
    log_in(client)
    for code in (code_of(secret), codes[0]):
        client.post("/konto/andra-faktor/kod/", {"code": code})
    assert not is_logged_in(client)
    assert len([one for one in caplog.records if "wrong second factor" in one.getMessage()]) == 5
    authenticator = Authenticator.objects.get(type="totp")
    authenticator.data["wrong_at"] = (timezone.now() - timedelta(minutes=16)).isoformat()
    authenticator.save()
    client.post("/konto/andra-faktor/kod/", {"code": code_of(secret)})
    assert is_logged_in(client)


def test_a_right_code_begins_the_count_anew(client, protected):
    _secret, codes = protected
    for wrong, right in ((4, codes[0]), (4, codes[1])):
        log_in(client)
        for _try in range(wrong):
            client.post("/konto/andra-faktor/kod/", {"code": "000000"})
        client.post("/konto/andra-faktor/kod/", {"code": right})
        assert is_logged_in(client)
        client.post("/konto/logout/")


def test_without_the_password_no_code_is_asked_for(client, protected):
    log_in(client, password="fel fel fel fel")
    assert (
        client.post("/konto/andra-faktor/kod/", {"code": code_of(protected[0])})["Location"]
        == "/konto/login/"
    )
    assert not is_logged_in(client)


def test_a_new_password_by_mail_does_not_go_past_the_second_factor(client, protected, karin):
    karin.refresh_from_db()
    address = urlsplit(one_time_address(karin)).path
    client.post(
        client.get(address)["Location"],
        {"password1": "ett helt nytt lösenord", "password2": "ett helt nytt lösenord"},
    )
    assert not is_logged_in(client)
    answer = log_in(client, password="ett helt nytt lösenord")
    assert answer["Location"] == "/konto/andra-faktor/kod/"


def test_a_secret_that_the_sites_key_no_longer_opens_is_said(client, protected, settings):
    settings.SECRET_KEY = "another key of the site " * 3
    log_in(client)
    answer = client.post("/konto/andra-faktor/kod/", {"code": code_of(protected[0])})
    assert answer.status_code == 200
    assert errors(answer)
    assert not is_logged_in(client)


# -- Removing -------------------------------------------------------------------------------------------------


def test_removing_asks_who_it_is_again(client, protected):
    secret, _codes = protected
    log_in(client)
    client.post("/konto/andra-faktor/kod/", {"code": code_of(secret)})
    answer = client.post("/konto/andra-faktor/ta-bort/")
    assert answer["Location"].startswith("/konto/reauthenticate/?next=")
    assert Authenticator.objects.count() == 2
    client.post("/konto/reauthenticate/?next=/konto/andra-faktor/ta-bort/", {"password": RIGHT})
    assert client.get("/konto/andra-faktor/ta-bort/").status_code == 200
    assert Authenticator.objects.count() == 2  # opening a page removes nothing
    client.post("/konto/andra-faktor/ta-bort/")
    assert Authenticator.objects.count() == 0
    client.post("/konto/logout/")
    log_in(client)
    assert is_logged_in(client)


def test_a_wrong_password_again_does_not_confirm(client, karin):
    log_in(client)
    assert client.post("/konto/reauthenticate/", {"password": "fel fel fel fel"}).status_code == 200
    assert client.get("/konto/andra-faktor/ny/").status_code == 302


# -- Required -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "role", "sent"),
    [
        ("optional", Role.ADMINISTRATOR, False),
        ("administrators", Role.READER, False),
        ("administrators", Role.ADMINISTRATOR, True),
        ("everybody", Role.READER, True),
    ],
)
def test_who_needs_a_second_factor_sets_it_up_first(client, place, settings, setting, role, sent):
    settings.SECOND_FACTOR = setting
    account_of(place, role)
    log_in(client)
    for address in (reverse("home"), "/projekt/", "/ansvar/"):
        answer = client.get(address)
        assert (answer.status_code == 302 and answer["Location"] == "/konto/andra-faktor/ny/") is sent
    assert (client.post("/valj-kommun/", {}).status_code == 302) or not sent
    if sent:
        set_up(client)
        assert client.get("/projekt/").status_code == 200


def test_a_part_of_a_page_is_sent_whole_to_the_setting_up(client, karin, settings):
    settings.SECOND_FACTOR = "everybody"
    log_in(client)
    answer = client.get("/projekt/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/konto/andra-faktor/ny/"


def test_who_runs_the_installation_needs_one_too(client, place, settings):
    settings.SECOND_FACTOR = "administrators"
    account = account_of(place)
    Account.objects.filter(pk=account.pk).update(runs_installation=True)
    log_in(client)
    assert client.get("/installation/")["Location"] == "/konto/andra-faktor/ny/"


def test_without_an_assignment_too(client, place, settings):
    settings.SECOND_FACTOR = "everybody"
    account_of(place, ends_on=date(2021, 1, 1))
    log_in(client)
    assert client.get(reverse("home"))["Location"] == "/konto/andra-faktor/ny/"


def test_where_it_is_required_it_costs_one_query(client, karin, settings):
    log_in(client)
    client.get("/hjalp/")
    with CaptureQueriesContext(
        connection,
    ) as before:
        client.get("/ansvar/")
    settings.SECOND_FACTOR = "everybody"
    set_up(client)
    client.get("/ansvar/")
    with CaptureQueriesContext(connection) as after:
        client.get("/ansvar/")
    assert len(after) == len(before) + 1


# -- Lost -----------------------------------------------------------------------------------------------------


@pytest.fixture
def administrator(place):
    account_of(place, Role.ADMINISTRATOR, "administrator@example.org")
    browser = Client()
    log_in(browser, "administrator@example.org")
    browser.post("/konto/reauthenticate/", {"password": RIGHT})
    return browser


def test_the_administrator_takes_a_lost_one_away_with_a_reason(
    client, protected, karin, administrator, place
):
    address = f"/ansvar/personer/{karin.person_id}/andra-faktor/"
    assert administrator.get(address).status_code == 200
    assert Authenticator.objects.count() == 2
    assert administrator.post(address, {"reason": ""}).status_code == 200
    assert Authenticator.objects.count() == 2
    assert administrator.post(address, {"reason": "Telefonen är borta"})["Location"] == "/ansvar/"
    assert Authenticator.objects.count() == 0
    with scope(place.pk):
        person = Person.objects.get(pk=karin.person_id)
        act = history.acts(person)[0]
        assert (act.reason, [one.name for one in act.differences]) == (
            "Telefonen är borta",
            ["second_factor_taken_away_at"],
        )
        assert act.person_id == Account.objects.get(email="administrator@example.org").person_id
    log_in(client)
    assert is_logged_in(client)


@pytest.mark.parametrize("kept", ["runs_installation", "for_emergencies"])
def test_the_administrator_takes_none_from_an_account_by_which_the_installation_is_kept(
    client, protected, karin, administrator, place, kept
):
    with scope(place.pk, installation=True):
        held = Assignment.objects.get(person=karin.person_id)
        setattr(karin, kept, True)
        karin.save(update_fields=[kept])
    address = f"/ansvar/personer/{karin.person_id}/andra-faktor/"
    assert administrator.get(address).status_code == 403
    assert administrator.post(address, {"reason": "Telefonen är borta"}).status_code == 403
    assert Authenticator.objects.count() == 2
    assert address not in administrator.get(reverse("assignment", args=[held.pk])).content.decode()


def test_the_administrator_is_asked_who_it_is_first_and_the_person_is_told(
    client, protected, karin, administrator, settings
):
    settings.EMAIL_BACKEND = "strategy.messages.OutboxBackend"
    address = f"/ansvar/personer/{karin.person_id}/andra-faktor/"
    other = Client()
    log_in(other, "administrator@example.org")
    for answer in (other.get(address), other.post(address, {"reason": "Telefonen är borta"})):
        assert answer["Location"].startswith("/konto/reauthenticate/?next=")
    assert Authenticator.objects.count() == 2
    administrator.post(address, {"reason": "Telefonen är borta"})
    with scope(installation=True):
        mail = Message.objects.get()
    assert mail.recipient == karin.email
    assert "Telefonen är borta" in mail.body


def test_nobody_goes_round_the_password_with_the_own_one(client, administrator):
    own = Account.objects.get(email="administrator@example.org")
    answer = administrator.post(f"/ansvar/personer/{own.person_id}/andra-faktor/", {"reason": "x"})
    assert answer["Location"] == "/konto/andra-faktor/"


def test_where_there_is_none_nothing_is_written(karin, administrator, place):
    administrator.post(f"/ansvar/personer/{karin.person_id}/andra-faktor/", {"reason": "Prov"})
    with scope(place.pk):
        assert Person.objects.get(pk=karin.person_id).second_factor_taken_away_at is None


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_nobody_else_takes_it_away(client, karin, place, role):
    with scope(place.pk):
        who = factories.person(place)
        at = factories.unit(place) if role in (Role.CONTACT_PERSON, Role.HEAD) else None
        factories.assignment(who, role, place, at)
    factories.login(client, who)
    address = f"/ansvar/personer/{karin.person_id}/andra-faktor/"
    assert (client.get(address).status_code, client.post(address, {"reason": "x"}).status_code) == (403, 403)


def test_a_person_of_another_municipality_is_not_there(administrator):
    neighbour = factories.municipality("Grannkommunen")
    other = account_of(neighbour, email="annan@example.org")
    assert administrator.get(f"/ansvar/personer/{other.person_id}/andra-faktor/").status_code == 404


def test_it_is_taken_away_by_command_where_no_administrator_is_left(protected, karin, place):
    out = StringIO()
    call_command(
        "local_account", "karin@example.org", "--take-away-second-factor", "--reason", "Borta", stdout=out
    )
    assert Authenticator.objects.count() == 0
    assert "karin@example.org" in out.getvalue()
    with scope(place.pk):
        assert Person.objects.get(pk=karin.person_id).second_factor_taken_away_at is not None


def test_an_account_is_kept_for_emergencies_by_command_and_gets_an_address(karin, settings):
    settings.LOCAL_LOGIN = "emergencies"
    out = StringIO()
    call_command("local_account", "karin@example.org", "--for-emergencies", stdout=out)
    karin.refresh_from_db()
    assert karin.for_emergencies
    assert "/konto/password/reset/key/" in out.getvalue()
    call_command("local_account", "karin@example.org", "--not-for-emergencies", stdout=out)
    karin.refresh_from_db()
    assert not karin.for_emergencies


def test_an_account_is_closed_and_opened_by_command(client, karin):
    call_command("local_account", "karin@example.org", "--close", stdout=StringIO())
    log_in(client)
    assert not is_logged_in(client)
    call_command("local_account", "karin@example.org", "--open", stdout=StringIO())
    log_in(client)
    assert is_logged_in(client)


@pytest.mark.parametrize(
    "words", [["ingen@example.org", "--for-emergencies"], ["karin@example.org"],
              ["karin@example.org", "--take-away-second-factor"]]
)  # fmt: skip
def test_what_the_command_cannot_do_is_said_in_a_sentence(karin, words):
    with pytest.raises(CommandError) as refused:
        call_command("local_account", *words)
    assert str(refused.value).endswith(".")
