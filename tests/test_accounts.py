"""Logins: the pages around the password, the lock, mail, and who is logged in without an assignment."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import StringIO
from urllib.parse import urlencode

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.signals import user_login_failed
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext

from strategy import history
from strategy.accounts import forget_old_logins, one_time_address
from strategy.management.acting import find_municipality
from strategy.messages import send_waiting
from strategy.models import Account, Assignment, Message, Municipality, Person, Population, Role, Unit
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db
RIGHT, NEW = "lösenord för prov", "ett helt nytt lösenord"


@pytest.fixture(autouse=True)
def mail_goes_to_the_outbox(settings):
    settings.EMAIL_BACKEND = "strategy.messages.OutboxBackend"


@pytest.fixture
def place():
    return factories.municipality()


@pytest.fixture
def karin(place):
    with scope(place.pk):
        return account_of(place, "karin@example.org")


def account_of(place, email, role=Role.READER, **fields):
    who = factories.person(place, email.partition("@")[0].title(), email=email)
    factories.assignment(who, role, place, **fields)
    return Account.objects.create_user(email, who, RIGHT)


def try_login(client, email, password=RIGHT, address="10.0.0.1"):
    return client.post("/konto/login/", {"login": email, "password": password}, REMOTE_ADDR=address)


def is_logged_in(client):
    return "_auth_user_id" in client.session


def outbox():
    with scope(installation=True):
        return list(Message.objects.all())


# -- Login, lock, log out -----------------------------------------------------------------------------------


def test_a_login_leads_to_the_first_page_and_the_address_may_be_written_in_capitals(client, karin):
    assert client.get("/konto/login/").status_code == 200
    done = try_login(client, "KARIN@example.org")
    assert (done.status_code, done["Location"]) == (302, "/att-gora/")
    assert is_logged_in(client)


def test_from_the_address_the_keyboard_goes_to_the_password_and_the_link_stands_after_the_form(client):
    page = client.get("/konto/login/").text
    form = page[page.index('name="login"') : page.index("</form>", page.index('name="login"'))]
    assert "<a " not in form
    assert "/konto/password/reset/" in page[page.index(form) + len(form) :]
    empty = client.post("/konto/login/", {"login": "", "password": ""}).context["form"]
    for name in ("login", "password"):
        assert empty.errors[name] == [
            str(gettext("Fill in “%(label)s”.") % {"label": empty.fields[name].label})
        ]


def test_a_wrong_password_is_told_without_saying_whether_the_account_exists(client, karin):
    wrong = try_login(client, "karin@example.org", "fel")
    nobody = try_login(client, "ingen@example.org", "fel")
    assert (wrong.status_code, nobody.status_code, is_logged_in(client)) == (200, 200, False)
    assert wrong.context["form"].errors == nobody.context["form"].errors


def test_an_address_longer_than_any_is_a_wrong_login_like_others(client):
    assert try_login(client, f"{'a' * 300}@example.org", "fel").status_code == 200


def test_after_eight_tries_the_account_is_locked_at_that_address_and_there_alone(client, place, karin):
    with scope(place.pk):
        account_of(place, "olle@example.org")
    answers = [try_login(client, "karin@example.org", "fel").status_code for _ in range(8)]
    assert answers == [200] * 7 + [429]
    locked = try_login(client, "karin@example.org")
    assert (locked.status_code, locked.context["minutes"], is_logged_in(client)) == (429, 15, False)
    # Written otherwise it is the same account.
    assert try_login(client, " Karin@Example.org").status_code == 429
    # Another account behind the same address, and the same account from another address.
    assert try_login(client, "olle@example.org").status_code == 302
    client.logout()
    assert try_login(client, "karin@example.org", address="10.0.0.2").status_code == 302


def test_seven_tries_and_a_right_one_begin_the_count_anew(client, karin):
    for _ in range(2):
        for _ in range(7):
            assert try_login(client, "karin@example.org", "fel").status_code == 200
        assert try_login(client, "karin@example.org").status_code == 302
        client.logout()


def test_a_new_password_by_mail_opens_the_lock(client, karin):
    for _ in range(8):
        try_login(client, "karin@example.org", "fel")
    choose_password(client, one_time_address(karin))
    assert try_login(client, "karin@example.org", NEW).status_code == 302


def test_the_address_of_who_asks_is_taken_from_a_named_proxy_alone(client, karin, settings):
    def wrong(forwarded):
        return client.post(
            "/konto/login/",
            {"login": "karin@example.org", "password": "fel"},
            REMOTE_ADDR="10.1.1.1",
            HTTP_X_FORWARDED_FOR=forwarded,
        ).status_code

    assert [wrong(f"198.51.100.{n}") for n in range(8)][-1] == 429  # nobody believes the header
    settings.TRUSTED_PROXIES = ["10.1.1.1"]
    assert wrong("198.51.100.9") == 200


def test_wrong_logins_and_the_beginning_of_a_lock_are_logged_with_account_and_address(client, karin, caplog):
    caplog.set_level("INFO", "medel.security")
    for _ in range(10):
        try_login(client, " Karin@Example.org", "fel", address="10.0.0.7")
    wrong = "login failed: account 'karin@example.org' from 10.0.0.7"
    locked = "locked: account 'karin@example.org' from 10.0.0.7 after 8 failed logins"
    lines = [record.getMessage() for record in caplog.records if record.name == "medel.security"]
    assert sorted(lines[:9]) == sorted([wrong] * 8 + [locked])
    assert lines[9:] == [wrong] * 2
    assert "fel" not in "".join(lines)


def test_what_is_typed_as_an_account_begins_no_line_of_the_log(rf, caplog):
    caplog.set_level("INFO", "medel.security")
    for typed in ("a@example.org\nlocked: account 'b'", "a" * 9999):
        request = rf.post("/konto/login/", {"login": typed}, REMOTE_ADDR="10.0.0.7")
        user_login_failed.send(__name__, credentials={"email": typed}, request=request)
    lines = [record.getMessage() for record in caplog.records if record.name == "medel.security"]
    assert lines[0] == "login failed: account \"a@example.org\\nlocked: account 'b'\" from 10.0.0.7"
    assert len(lines) == 2
    assert len(lines[1]) < 150


def test_a_right_login_is_no_wrong_one_in_the_log(client, karin, caplog):
    caplog.set_level("INFO", "medel.security")
    assert try_login(client, "karin@example.org").status_code == 302
    assert [record for record in caplog.records if record.name == "medel.security"] == []


def test_old_logins_tries_and_sessions_are_forgotten(client, karin):
    try_login(client, "karin@example.org", "fel")
    try_login(client, "karin@example.org")
    now = timezone.now()

    def kept():
        return [model.objects.count() for model in (AccessAttempt, AccessLog, Session)]

    AccessAttempt.objects.create(username="x", ip_address="10.0.0.1", failures_since_start=1)
    standing = kept()
    assert min(standing) > 0
    forget_old_logins(now + timedelta(hours=9))
    assert kept() == standing
    forget_old_logins(now + timedelta(hours=11))
    assert kept() == [*standing[:2], 0]
    forget_old_logins(now + timedelta(days=91))
    assert kept() == [0, 0, 0]


def test_logging_out_takes_a_post(client, karin):
    try_login(client, "karin@example.org")
    assert client.get("/konto/logout/").status_code == 200
    assert is_logged_in(client)
    assert client.post("/konto/logout/").status_code == 302
    assert not is_logged_in(client)


def test_nobody_signs_up(client):
    assert client.get("/konto/signup/").status_code == 302
    client.post("/konto/signup/", {"email": "ny@example.org", "password1": NEW})
    assert not Account.objects.filter(email="ny@example.org").exists()


def test_nobody_changes_the_address_that_is_the_login(client, karin):
    client.force_login(karin, backend="allauth.account.auth_backends.AuthenticationBackend")
    for address in ("/konto/email/", "/konto/confirm-email/", "/konto/password/set/"):
        assert client.get(address).status_code == 404
    assert client.post("/konto/email/", {"email": "ny@example.org", "action_add": ""}).status_code == 404


def test_a_closed_account_does_not_come_in(client, karin):
    karin.is_active = False
    karin.save()
    answer = try_login(client, "karin@example.org")
    assert (answer.status_code, is_logged_in(client)) == (302, False)
    assert client.get(answer["Location"]).templates[0].name == "account/account_inactive.html"


# -- Passwords ----------------------------------------------------------------------------------------------


def choose_password(client, address, password=NEW):
    path = re.sub(r"^https?://[^/]+", "", address)
    form = client.get(path, follow=True)
    target = form.redirect_chain[-1][0] if form.redirect_chain else path
    return client.post(target, {"password1": password, "password2": password})


def test_a_forgotten_password_is_mailed_through_the_outbox_into_a_file(client, karin, settings, tmp_path):
    settings.OUTGOING_EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    asked = client.post("/konto/password/reset/", {"email": "karin@example.org"})
    assert (asked.status_code, asked["Location"]) == (302, "/konto/password/reset/done/")
    (message,) = outbox()
    assert (message.recipient, message.sent_at) == ("karin@example.org", None)
    assert message.subject.startswith("Medel: ")
    (address,) = re.findall(r"http://\S+", message.body)
    assert send_waiting(timezone.now() + timedelta(seconds=1)) == (1, 0)
    (sent,) = tmp_path.iterdir()
    assert "karin@example.org" in sent.read_text()
    done = choose_password(client, address)
    assert (done.status_code, done["Location"]) == (302, "/konto/password/reset/key/done/")
    assert client.get(done["Location"]).status_code == 200
    karin.refresh_from_db()
    assert karin.check_password(NEW)


def test_nobody_is_told_or_mailed_for_an_unknown_address(client, karin):
    asked = client.post("/konto/password/reset/", {"email": "ingen@example.org"})
    assert (asked.status_code, asked["Location"], outbox()) == (302, "/konto/password/reset/done/", [])


def test_opening_a_one_time_address_changes_nothing_and_using_it_closes_it(client, karin):
    address = one_time_address(karin)
    for _ in range(2):  # a mail scanner, then the person
        client.get(re.sub(r"^https?://[^/]+", "", address), follow=True)
    karin.refresh_from_db()
    assert karin.check_password(RIGHT)
    assert choose_password(client, address).status_code == 302
    again = client.get(re.sub(r"^https?://[^/]+", "", address), follow=True)
    assert again.context["token_fail"] is True
    karin.refresh_from_db()
    assert karin.check_password(NEW)


@pytest.mark.parametrize("weak", ["kort", "password1234", "karin@example.org"])
def test_a_weak_password_is_refused_with_a_sentence(client, karin, weak):
    answer = choose_password(client, one_time_address(karin), weak)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    karin.refresh_from_db()
    assert karin.check_password(RIGHT)


def test_a_password_is_changed_behind_the_login(client, karin):
    client.force_login(karin, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/konto/password/change/").status_code == 200
    data = {"oldpassword": RIGHT, "password1": NEW, "password2": NEW}
    assert client.post("/konto/password/change/", {**data, "oldpassword": "fel"}).status_code == 200
    assert client.post("/konto/password/change/", data).status_code == 302
    karin.refresh_from_db()
    assert karin.check_password(NEW)


# -- Without an assignment ----------------------------------------------------------------------------------


def test_an_expired_auditor_is_told_until_when_and_reads_nothing(client, place):
    last = timezone.localdate() - timedelta(days=1)
    with scope(place.pk):
        auditor = account_of(place, "revisor@example.org", Role.AUDITOR, ends_on=last)
        project = factories.project(place)
    client.force_login(auditor, backend="allauth.account.auth_backends.AuthenticationBackend")
    for address in ("/", "/ansvar/", "/projekt/", f"/projekt/{project.pk}/"):
        page = client.get(address)
        if page.status_code == 404:  # an address that is not built has no reader to ask
            continue
        assert page.status_code == 403
        assert [(one.ends_on, one.municipality) for one in page.context["over"]] == [(last, place)]
        assert last.isoformat() in page.content.decode()
        assert "Trygg hemma" not in page.content.decode()


def test_an_assignment_to_come_is_told_with_its_first_day(client, place):
    first = timezone.localdate() + timedelta(days=3)
    with scope(place.pk):
        soon = account_of(place, "snart@example.org", starts_on=first)
    client.force_login(soon, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get("/ansvar/")
    assert (page.status_code, [one.starts_on for one in page.context["to_come"]]) == (403, [first])


def test_an_assignment_holds_through_its_last_day(client, place):
    with scope(place.pk):
        auditor = account_of(place, "revisor@example.org", Role.AUDITOR, ends_on=timezone.localdate())
    client.force_login(auditor, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/ansvar/").status_code == 200


# -- Municipality, help, health -----------------------------------------------------------------------------


def test_who_has_several_municipalities_chooses_one_and_no_other(client, place, caplog):
    second, foreign = factories.municipality("Habo kommun"), factories.municipality("Åby kommun")
    with scope(place.pk):
        account = account_of(place, "delad@example.org")
        unit = factories.unit(place)
    with scope(second.pk):
        factories.assignment(account.person, Role.STRATEGIST, second)
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")

    def where():
        return client.get("/ansvar/").context["reader"].municipality

    assert where() == place
    chosen = client.post("/valj-kommun/", {"municipality": second.pk, "next": "/ansvar/?roll=reader"})
    assert (chosen["Location"], where()) == ("/ansvar/", second)
    assert client.get(f"/ansvar/enheter/{unit.pk}/").status_code == 404
    back = client.post("/valj-kommun/", {"municipality": place.pk, "next": f"/ansvar/enheter/{unit.pk}/"})
    assert back["Location"] == "/att-gora/"  # one object is not there in the other municipality
    away = client.post("/valj-kommun/", {"municipality": place.pk, "next": "https://example.org/"})
    assert away["Location"] == "/att-gora/"
    assert client.post("/valj-kommun/", {"municipality": foreign.pk}).status_code == 404
    assert client.get("/valj-kommun/").status_code == 405
    assert (where(), "asked for municipality" in caplog.text) == (place, True)


def test_a_form_acts_in_the_municipality_where_it_was_opened_whatever_another_tab_has_chosen(client, place):
    second, foreign = factories.municipality("Habo kommun"), factories.municipality("Åby kommun")
    with scope(place.pk):
        account = account_of(place, "delad@example.org", Role.ADMINISTRATOR)
    with scope(second.pk):
        factories.assignment(account.person, Role.ADMINISTRATOR, second)
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get("/ansvar/kommunen/invanare/")
    forms = page.text.count('name="csrfmiddlewaretoken"')
    assert forms > 2
    assert page.text.count(f'name="opened_in" value="{place.pk}"') == forms
    client.post("/valj-kommun/", {"municipality": second.pk, "opened_in": place.pk})  # in another tab
    typed = {"year": "2025", "inhabitants": "140000", "opened_in": place.pk}
    saved = client.post("/ansvar/kommunen/invanare/", typed, follow=True)
    assert saved.context["reader"].municipality == place
    with scope(reads=[place.pk, second.pk]):
        assert list(Population.objects.values_list("municipality", flat=True)) == [place.pk]
    for gone in (foreign.pk, "x"):
        refused = client.post("/ansvar/kommunen/invanare/", {**typed, "opened_in": gone})
        assert refused.status_code == 403
    # Turning away and logging out are refused to nobody.
    turned = client.post("/valj-kommun/", {"municipality": second.pk, "opened_in": foreign.pk})
    assert turned.status_code == 302
    assert client.post("/konto/logout/", {"opened_in": foreign.pk}).status_code == 302


def test_who_has_one_municipality_sends_nothing_of_it(client, karin):
    client.force_login(karin, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "opened_in" not in client.get("/hjalp/").text


def test_help_is_open_and_names_people_behind_the_login_alone(client, place):
    with scope(place.pk):
        account_of(place, "strateg@example.org", Role.STRATEGIST)
        reader = account_of(place, "lasare@example.org")
    outside = client.get("/hjalp/")
    assert outside.status_code == 200
    assert "strateg@example.org" not in outside.content.decode()
    client.force_login(reader, backend="allauth.account.auth_backends.AuthenticationBackend")
    inside = client.get("/hjalp/")
    assert "strateg@example.org" in inside.content.decode()
    assert inside.context["held"] == [{"role": Role.READER.label, "where": str(place)}]
    assert client.post("/hjalp/").status_code == 405


def test_health_is_ok_without_a_login(client):
    answer = client.get("/halsa/")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_filter_used_after_the_session_is_over_leads_the_whole_page_to_the_login(client):
    asked = client.get("/ansvar/?roll=reader", headers={"HX-Request": "true"})
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked["HX-Redirect"] == "/konto/login/?next=/ansvar/%3Froll%3Dreader"


def test_a_reason_that_a_page_does_not_ask_for_is_not_told(client, place):
    with scope(place.pk):
        account = account_of(place, "admin@example.org", Role.ADMINISTRATOR)
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    new = {"name": "Socialförvaltningen", "kind": "administration", "valid_from": "2020-01-01"}
    assert client.post("/ansvar/enheter/ny/", {**new, "reason": "Påhittat"}).status_code == 302
    with scope(place.pk):
        assert [act.reason for act in history.acts(Unit.objects.get())] == [""]


def test_everything_else_asks_for_a_login(client):
    for address in ("/ansvar/", "/ansvar/nytt/", "/ansvar/enheter/", "/ansvar/kommunen/", "/installation/"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/konto/login/?next={address}")


def test_what_was_typed_waits_when_the_database_is_away(client, place, monkeypatch):
    from django.db import OperationalError

    with scope(place.pk):
        account = account_of(place, "admin@example.org", Role.ADMINISTRATOR)
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.raise_request_exception = False

    def away(*args, **kwargs):
        raise OperationalError("the connection is closed")

    monkeypatch.setattr("strategy.views.organisation.UnitForm", away)
    typed = urlencode({"name": "Ny <enhet>", "password": "hemligt", "kind": "unit"})
    page = client.post("/ansvar/enheter/ny/", typed, content_type="application/x-www-form-urlencoded")
    assert (page.status_code, page["Retry-After"]) == (503, "10")
    assert page.context["typed"] == [("name", "Ny <enhet>"), ("kind", "unit")]
    text = page.content.decode()
    assert 'name="name" value="Ny &lt;enhet&gt;"' in text
    assert 'action="/ansvar/enheter/ny/"' in text


# -- Who runs the installation ------------------------------------------------------------------------------


@pytest.fixture
def keeper():
    call_command(
        "add_administrator", "drift@example.org", "--installation", "--name", "Driften", stdout=StringIO()
    )
    return Account.objects.get(email="drift@example.org")


def test_who_runs_the_installation_adds_a_municipality_and_names_its_administrator(client, keeper):
    client.force_login(keeper, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/", follow=True).redirect_chain == [("/installation/", 302)]
    assert client.get("/installation/").status_code == 200
    data = {
        "name": "Sjöstads kommun",
        "code": "9001",
        "kind": "municipality",
        "organisation_number": "2120000530",
    }
    wrong = client.post("/installation/kommun/", {**data, "organisation_number": "212000-0531"})
    assert list(wrong.context["form"].errors) == ["organisation_number"]
    added = client.post("/installation/kommun/", data)
    place = Municipality.objects.get(code="9001")
    assert (added["Location"], place.organisation_number) == (
        f"/installation/kommun/{place.pk}/administrator/",
        "212000-0530",
    )
    named = client.post(added["Location"], {"email": "admin@example.org", "name": "Adam Admin"})
    assert named["Location"] == "/installation/"
    with scope(place.pk):
        assert [(one.person.name, one.role) for one in Assignment.objects.select_related("person")] == [
            ("Adam Admin", Role.ADMINISTRATOR)
        ]
    assert [message.recipient for message in outbox()] == ["admin@example.org"]


def test_who_runs_the_installation_reads_no_municipality_and_gives_no_own_assignment(client, keeper, place):
    with scope(place.pk):
        project = factories.project(place)
        unit = factories.unit(place)
    client.force_login(keeper, backend="allauth.account.auth_backends.AuthenticationBackend")
    for address in ("/ansvar/", f"/ansvar/enheter/{unit.pk}/", "/ansvar/kommunen/"):
        assert client.get(address).status_code == 403
    assert "Trygg hemma" not in client.get("/installation/").content.decode()
    own = client.post(
        f"/installation/kommun/{place.pk}/administrator/", {"email": keeper.email, "name": "Jag"}
    )
    assert own.status_code == 403
    with scope(installation=True), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM projects_project WHERE id = %s", [project.pk])
        assert cursor.fetchone() == (0,)


def test_a_municipalitys_administrator_does_not_run_the_installation(client, place):
    with scope(place.pk):
        admin = account_of(place, "admin@example.org", Role.ADMINISTRATOR)
    client.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    for address in (
        "/installation/",
        "/installation/kommun/",
        f"/installation/kommun/{place.pk}/administrator/",
    ):
        assert client.get(address).status_code == 403
        assert client.post(address).status_code == 403


# -- Commands -----------------------------------------------------------------------------------------------


def run(*words):
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_municipality_is_added_by_command_once(db):
    words = ("add_municipality", "9002", "  Åby   kommun ", "--organisation-number", "2120000530", "--json")
    first, second = json.loads(run(*words)), json.loads(run(*words))
    assert {key: first[key] for key in ("code", "name", "kind", "organisation_number", "added")} == {
        "code": "9002",
        "name": "Åby kommun",
        "kind": "municipality",
        "organisation_number": "212000-0530",
        "added": True,
    }
    assert second == {**first, "added": False}


@pytest.mark.parametrize(
    "words",
    [
        ("902", "Åby kommun"),
        ("-", "Åby kommun"),
        ("9002", ""),
        ("9002", "Åby kommun", "--organisation-number", "212000-0531"),
        ("9001", "Åby kommun"),
        ("9002", "sjöstads  KOMMUN"),
    ],
)
def test_a_municipality_that_cannot_be_is_refused_in_a_sentence(words):
    run("add_municipality", "9001", "Sjöstads kommun")
    with pytest.raises(CommandError) as refused:
        run("add_municipality", *words)
    assert str(refused.value).endswith(".")
    assert Municipality.objects.count() == 1


def test_a_cooperation_body_needs_no_code(db):
    run("add_municipality", "-", "Samverkan Vätterbygden", "--kind", "cooperation_body")
    assert find_municipality("samverkan vätterbygden").code is None


def test_an_administrator_is_named_by_command_and_comes_in_by_the_address(client, place):
    words = (
        "add_administrator",
        "Adam@example.org",
        "--municipality",
        place.code,
        "--name",
        "Adam Admin",
        "--json",
    )
    first, second = json.loads(run(*words)), json.loads(run(*words))
    assert (first["mail"], first["municipality"], first["installation"]) == (
        "adam@example.org",
        place.code,
        False,
    )
    with scope(place.pk):
        assert [(one.person.name, one.role) for one in Assignment.objects.select_related("person")] == [
            ("Adam Admin", Role.ADMINISTRATOR)
        ]
    assert choose_password(client, second["one_time_address"]).status_code == 302
    assert try_login(client, "adam@example.org", NEW).status_code == 302
    assert client.get("/ansvar/").status_code == 200


def test_who_runs_the_installation_needs_no_municipality(db):
    told = json.loads(run("add_administrator", "drift@example.org", "--installation", "--json"))
    again = json.loads(run("add_administrator", "drift@example.org", "--installation", "--json"))
    assert (told["installation"], told["municipality"], again["installation"]) == (True, None, True)
    account = Account.objects.get(email="drift@example.org")
    with scope(person=account.person_id):
        assert Person.objects.get().name == "drift"


@pytest.mark.parametrize(
    "words",
    [("inte en adress", "--installation"), ("a@example.org",), ("a@example.org", "--municipality", "0000")],
)
def test_an_administrator_that_cannot_be_is_refused_in_a_sentence(words, place):
    with pytest.raises(CommandError) as refused:
        run("add_administrator", *words)
    assert str(refused.value).endswith(".")
    assert not Account.objects.exists()


def test_no_page_behind_the_login_is_kept_by_the_browser(client):
    place = factories.municipality()
    with scope(place.pk):
        who = factories.person(place)
        factories.assignment(who, Role.READER, place)
    factories.login(client, who)
    assert client.get("/projekt/")["Cache-Control"] == "private, no-store"
