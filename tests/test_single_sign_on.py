"""Single sign-on against an OpenID provider that is not ours (oidc-provider-mock), on loopback.

The normal flow is the provider's own. Where a token is to be wrong, the provider's answer is taken and changed
on its way to us.
"""

from __future__ import annotations

import html
import json
import logging
import os
import re
import time
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import jwt
import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialToken
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from oidc_provider_mock import run_server_in_thread

from config import environment
from strategy import single_sign_on
from strategy.models import Account, Assignment, MailDomain, Person, Role, UnitName, UnitNameKind
from strategy.permissions import resolve_reader
from strategy.walls import scope
from tests import factories

pytestmark = [
    pytest.mark.django_db,
    # The provider's own use of its library.
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),
]

ANNA: dict[str, Any] = {
    "email": "anna.svensson@sjostad.se",
    "email_verified": True,
    "name": "Anna Svensson",
    "department": "Socialförvaltningen",
}


class TheirProvider:
    """The running provider: its address, its people, its key."""

    def __init__(self, server):
        self.address = f"http://localhost:{server.server_port}"
        self.server = server
        app = server.app
        with app.test_request_context():
            app.preprocess_request()
            self.storage = flask.g.oidc_provider_mock_storage

    def person(self, sub, **claims):
        answer = requests.put(f"{self.address}/users/{sub}", json=claims, timeout=5)
        assert answer.status_code == 204

    def private_pem(self):
        return self.storage.jwk.as_pem(is_private=True)

    def new_key(self):
        self.storage.jwk = type(self.storage.jwk).generate_key(is_private=True)


@pytest.fixture(scope="module")
def server():
    logging.getLogger("werkzeug").setLevel("WARNING")
    with run_server_in_thread() as running:
        yield TheirProvider(running)


@pytest.fixture
def provider(server, settings):
    cache.clear()
    settings.SINGLE_SIGN_ON = environment.SingleSignOn(
        server_url=server.address, client_id="medel", client_secret="hemligt", name="Sjöstads konto"
    )
    server.storage._users.clear()
    server.person("anna", **ANNA)
    yield server
    cache.clear()


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        MailDomain.objects.create(municipality=place, domain="sjostad.se")
        factories.unit(place, "Socialförvaltningen")
        factories.unit(place, "Barn- och utbildningsförvaltningen")
    return place


def found(pattern, page):
    """The one group of the pattern, which must be there."""
    match = re.search(pattern, page, re.S)
    assert match, page
    return match[1]


def begin(client, **data):
    """Presses the button; the address at the provider that the page moves on to."""
    page = client.post("/konto/arbetskonto/", data)
    assert page.status_code == 200, page.content.decode()
    return html.unescape(found(r'content="0; url=([^"]+)"', page.content.decode()))


def at_the_provider(address, sub, **form):
    """Logs in there; the address that the provider sends the browser back to."""
    answer = requests.post(address, data={"sub": sub, **form}, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def sign_on(client, sub="anna", **data):
    return client.get(at_the_provider(begin(client, **data), sub))


def is_logged_in(client):
    return "_auth_user_id" in client.session


def sentence(response):
    return html.unescape(found(r"</h1>\s*<p>(.*?)</p>", response.content.decode()))


def anna():
    with scope():
        return Account.objects.filter(email=ANNA["email"]).first()


def assignments(place, account):
    with scope(place.pk):
        rows = Assignment.objects.filter(person=account.person_id).order_by("pk").select_related("unit")
        return [(one.role, one.unit and one.unit.name, one.starts_on, one.ends_on) for one in rows]


def today():
    return timezone.localdate()


# -- The way in -----------------------------------------------------------------------------------------------


def test_the_first_login_makes_person_account_and_plain_employee_of_the_unit(client, provider, place):
    response = sign_on(client)

    assert (response.status_code, response["Location"]) == (302, reverse("home"))
    assert client.get(reverse("home")).status_code == 200
    account = anna()
    assert not account.has_usable_password()
    assert assignments(place, account) == [("employee", "Socialförvaltningen", today(), None)]
    with scope(place.pk):
        person = Person.objects.get(pk=account.person_id)
        assert (person.name, person.email, person.registered_in) == (ANNA["name"], ANNA["email"], place)
        reader = resolve_reader(person, place, today())
        assert reader.roles == {Role.EMPLOYEE}
        told = person.events.get(pgh_label="insert").pgh_context.metadata  # type: ignore[attr-defined]
        with translation.override("sv"):
            assert told["reason"] == gettext("Single sign-on")
        assert (told["municipality"], told["person"]) == (place.pk, person.pk)


def test_the_second_login_finds_the_subject_even_with_another_address(client, provider, place):
    sign_on(client)
    client.logout()
    provider.person("anna", **{**ANNA, "email": "anna.karlsson@elsewhere.example", "email_verified": False})
    assert sign_on(client)["Location"] == reverse("home")
    assert is_logged_in(client)
    with scope():
        assert (Account.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_the_question_has_pkce_state_and_nonce_and_no_secret(client, provider, place):
    asked = parse_qs(urlsplit(begin(client)).query)
    assert asked.keys() == {
        *("client_id", "redirect_uri", "scope", "response_type", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    assert asked["redirect_uri"] == ["http://testserver/konto/arbetskonto/svar/"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_secret_is_given_as_the_provider_wants_it(client, provider, settings, place, method):
    made = requests.post(
        f"{provider.address}/oauth2/clients",
        json={
            "redirect_uris": ["http://testserver/konto/arbetskonto/svar/"],
            "token_endpoint_auth_method": method,
        },
        timeout=5,
    ).json()
    settings.SINGLE_SIGN_ON = replace(
        settings.SINGLE_SIGN_ON, client_id=made["client_id"], client_secret=made["client_secret"]
    )
    assert sign_on(client).status_code == 302
    client.logout()
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, client_secret="another")
    assert sign_on(client).status_code == 403


def test_neither_token_nor_claim_is_kept(client, provider, place):
    sign_on(client)
    assert SocialToken.objects.count() == 0
    kept = SocialAccount.objects.get()
    assert kept.extra_data.keys() == {"issuer", "subject", "municipality", "assignment"}
    assert "Anna" not in json.dumps(kept.extra_data)


def test_the_login_begins_by_a_post_alone(client, provider, place):
    assert client.get("/konto/arbetskonto/").status_code == 405


def test_after_the_login_one_comes_to_the_page_that_was_asked_for(client, provider, place):
    assert sign_on(client, next="/projekt/?q=skola")["Location"] == "/projekt/?q=skola"


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_login_leads_out_of_the_site(client, provider, place, next_page):
    assert sign_on(client, next=next_page)["Location"] == reverse("home")


def test_logging_out_here_ends_the_session_here(client, provider, place):
    sign_on(client)
    client.post("/konto/logout/")
    assert not is_logged_in(client)
    assert client.get("/projekt/").status_code == 302


def test_who_was_logged_in_as_somebody_else_is_that_no_longer(client, provider, place):
    with scope(place.pk):
        other = factories.person(place)
        factories.assignment(other, Role.READER, place)
    factories.login(client, other)
    sign_on(client)
    assert client.session["_auth_user_id"] == str(anna().pk)


def test_the_button_stands_before_the_local_form(client, provider, place):
    page = client.get("/konto/login/?next=/projekt/").content.decode()
    assert page.index("Sjöstads konto") < page.index('name="password"')
    assert page.count('name="next" value="/projekt/"') == 2
    assert page.count('class="button"') == 1


def test_off_there_is_no_button_and_no_address(client):
    page = client.get("/konto/login/").content.decode()
    assert "/konto/arbetskonto/" not in page
    assert client.post("/konto/arbetskonto/").status_code == 404
    assert client.get("/konto/arbetskonto/svar/?state=x&code=y").status_code == 404


# -- What the provider says is checked --------------------------------------------------------------------------


@pytest.fixture
def tampered(provider, monkeypatch):
    """`tampered(change)`: the id_token is changed on its way; `key` and `header` sign it otherwise."""

    def with_change(change=lambda claims: None, *, key=None, algorithm="RS256", **header):
        real = single_sign_on.Provider.get_access_token_data

        def answer(self, *args, **kwargs):
            told = real(self, *args, **kwargs)
            claims = jwt.decode(told["id_token"], options={"verify_signature": False})
            header.setdefault("kid", jwt.get_unverified_header(told["id_token"]).get("kid"))
            change(claims)
            told["id_token"] = jwt.encode(
                claims,
                provider.private_pem() if key is None else key,
                algorithm=algorithm,
                headers={name: value for name, value in header.items() if value is not None},
            )
            return told

        monkeypatch.setattr(single_sign_on.Provider, "get_access_token_data", answer)

    return with_change


def test_a_token_that_is_only_signed_anew_is_taken(client, tampered, place):
    tampered()
    assert sign_on(client).status_code == 302
    assert is_logged_in(client)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda claims: claims.update(aud="another"), id="wrong audience"),
        pytest.param(
            lambda claims: claims.update(aud=["medel", "another"]), id="several audiences without azp"
        ),
        pytest.param(lambda claims: claims.update(azp="another"), id="another authorised party"),
        pytest.param(lambda claims: claims.update(exp=int(time.time()) - 300), id="expired"),
        pytest.param(lambda claims: claims.pop("exp"), id="without an end"),
        pytest.param(lambda claims: claims.update(iat=int(time.time()) + 600), id="from the future"),
        pytest.param(lambda claims: claims.update(iss="https://evil.example"), id="wrong issuer"),
        pytest.param(lambda claims: claims.pop("iss"), id="without issuer"),
        pytest.param(lambda claims: claims.update(nonce="another"), id="wrong nonce"),
        pytest.param(lambda claims: claims.pop("nonce"), id="without nonce"),
        pytest.param(lambda claims: claims.update(sub="somebody else"), id="another subject than userinfo's"),
        pytest.param(lambda claims: claims.pop("sub"), id="without subject"),
        pytest.param(lambda claims: claims.update(sub=""), id="empty subject"),
    ],
)
def test_a_token_that_is_not_what_it_must_be_is_refused(client, tampered, place, caplog, change):
    tampered(change)
    response = sign_on(client)
    assert (response.status_code, is_logged_in(client), anna()) == (403, False, None)
    assert "medel.security" in {record.name for record in caplog.records}


def test_several_audiences_with_us_as_the_authorised_party_are_taken(client, tampered, place):
    tampered(lambda claims: claims.update(aud=["medel", "another"], azp="medel"))
    assert sign_on(client).status_code == 302


def test_a_clock_half_a_minute_wrong_does_no_harm(client, tampered, place):
    tampered(lambda claims: claims.update(exp=int(time.time()) - 10))
    assert sign_on(client).status_code == 302


def test_a_token_signed_with_an_unknown_key_is_refused(client, tampered, place):
    tampered(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    assert (sign_on(client).status_code, is_logged_in(client)) == (403, False)


def test_an_unsigned_token_is_refused(client, tampered, place):
    tampered(key="", algorithm="none")
    assert (sign_on(client).status_code, is_logged_in(client)) == (403, False)


@pytest.mark.parametrize("key", ["hemligt" * 10, "public"])
def test_a_token_signed_with_a_shared_secret_is_refused(client, tampered, place, provider, key):
    if key == "public":  # the old confusion of a public key with a secret
        key = "n" + provider.storage.jwk.as_dict()["n"]
    tampered(key=key, algorithm="HS256")
    assert (sign_on(client).status_code, is_logged_in(client)) == (403, False)


def test_a_key_that_the_provider_changes_is_fetched_anew(client, provider, place):
    sign_on(client)
    client.logout()
    provider.new_key()
    assert sign_on(client).status_code == 302
    assert is_logged_in(client)


def test_the_keys_are_fetched_anew_once_and_no_more(client, tampered, place, monkeypatch):
    sign_on(client)
    client.logout()
    tampered(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    asked = []
    real = single_sign_on.Provider._asked

    def noted(self, address):
        asked.append(address)
        return real(self, address)

    monkeypatch.setattr(single_sign_on.Provider, "_asked", noted)
    assert sign_on(client).status_code == 403
    assert [urlsplit(address).path for address in asked] == ["/jwks"]


def test_a_provider_that_calls_itself_something_else_is_not_asked(client, provider, settings, place):
    settings.SINGLE_SIGN_ON = replace(
        settings.SINGLE_SIGN_ON, server_url=provider.address.replace("localhost", "127.0.0.1") + "/x"
    )
    assert client.post("/konto/arbetskonto/").status_code == 502


def test_an_answer_of_another_provider_is_refused(client, provider, place):
    back = at_the_provider(begin(client), "anna")
    assert client.get(back + "&iss=https://evil.example").status_code == 403
    assert not is_logged_in(client)


def test_an_answer_that_was_not_asked_for_is_refused(client, provider, place):
    back = at_the_provider(begin(client), "anna")
    client.session.flush()
    client.cookies.clear()
    assert (client.get(back).status_code, is_logged_in(client)) == (400, False)
    assert client.get("/konto/arbetskonto/svar/").status_code == 400


def test_an_answer_is_taken_once(client, provider, place):
    back = at_the_provider(begin(client), "anna")
    client.get(back)
    client.logout()
    assert (client.get(back).status_code, is_logged_in(client)) == (400, False)


def test_a_person_whom_the_provider_refuses_is_told(client, provider, place):
    back = at_the_provider(begin(client), "anna", action="deny")
    response = client.get(back)
    assert response.status_code == 403
    assert not is_logged_in(client)


def test_a_person_removed_at_the_provider_during_the_login_is_told(client, provider, place):
    back = at_the_provider(begin(client), "anna")
    provider.storage._users.clear()
    assert (client.get(back).status_code, is_logged_in(client), anna()) == (403, False, None)


def test_a_provider_that_is_down_is_said_so_and_the_local_login_stays(client, settings, place):
    cache.clear()
    settings.SINGLE_SIGN_ON = environment.SingleSignOn("http://127.0.0.1:9", "medel", "hemligt")
    response = client.post("/konto/arbetskonto/")
    assert response.status_code == 502
    assert "/konto/login/" in response.content.decode()
    assert 'name="password"' in client.get("/konto/login/").content.decode()


def test_a_provider_that_goes_down_during_the_login_is_said_so(client, provider, place, monkeypatch):
    back = at_the_provider(begin(client), "anna")

    def down(*args, **kwargs):
        raise requests.ConnectionError("down")

    monkeypatch.setattr(single_sign_on.Provider, "get_access_token_data", down)
    assert (client.get(back).status_code, is_logged_in(client)) == (502, False)


def test_the_provider_is_asked_outside_of_any_transaction(client, provider, place, monkeypatch):
    depths = []
    outside = len(connection.savepoint_ids)
    for name in ("_asked", "_userinfo", "get_access_token_data"):
        real = getattr(single_sign_on.Provider, name)

        def noted(self, *args, real=real, **kwargs):
            depths.append(len(connection.savepoint_ids))
            return real(self, *args, **kwargs)

        monkeypatch.setattr(single_sign_on.Provider, name, noted)
    sign_on(client)
    assert is_logged_in(client)
    assert depths == [outside] * 4
    # Who is logged in already is no other.
    sign_on(client)
    assert set(depths) == {outside}


def test_a_provider_that_is_down_is_not_asked_again_for_some_seconds(client, settings, place, monkeypatch):
    cache.clear()
    settings.SINGLE_SIGN_ON = environment.SingleSignOn("http://127.0.0.1:9", "medel", "hemligt")
    asked = []
    real = single_sign_on.Provider._asked

    def noted(self, address):
        asked.append(address)
        return real(self, address)

    monkeypatch.setattr(single_sign_on.Provider, "_asked", noted)
    assert [client.post("/konto/arbetskonto/").status_code for _time in range(3)] == [502] * 3
    assert len(asked) == 1
    monkeypatch.setattr(single_sign_on, "NOT_ASKED_AGAIN", 0)
    cache.clear()
    client.post("/konto/arbetskonto/")
    client.post("/konto/arbetskonto/")
    assert len(asked) == 3


# -- Who is let in ----------------------------------------------------------------------------------------------


def refused(client, provider, **claims):
    provider.person("anna", **{**ANNA, **claims})
    response = sign_on(client)
    assert (response.status_code, is_logged_in(client), SocialAccount.objects.count()) == (403, False, 0)
    return sentence(response)


def test_an_address_that_is_not_verified_does_not_let_in(client, provider, place):
    assert "email_verified" in refused(client, provider, email_verified=False)


def test_an_address_of_which_nothing_is_said_is_taken_where_the_directory_is_trusted(
    client, provider, place, settings
):
    provider.person("anna", **{**ANNA, "email_verified": None})
    assert sign_on(client).status_code == 403
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, trusts_mail=True)
    assert sign_on(client).status_code == 302


def test_another_claim_than_email_is_not_verified_by_email_verified(client, provider, place, settings):
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, mail_claim="upn")
    assert refused(client, provider, upn=ANNA["email"])


@pytest.mark.parametrize("email", ["anna@annan.example", "anna@sub.sjostad.se", "anna@xsjostad.se"])
def test_an_address_of_another_domain_does_not_let_in(client, provider, place, email):
    assert email.partition("@")[2] in refused(client, provider, email=email)


@pytest.mark.parametrize("email", ["", "anna", "anna@sjostad.se@evil.example", "@sjostad.se", 7, None])
def test_what_is_no_address_does_not_let_in(client, provider, place, email):
    assert refused(client, provider, email=email)


def test_a_domain_in_capitals_is_the_same(client, provider, place):
    provider.person("anna", **{**ANNA, "email": "Anna.Svensson@SJOSTAD.SE"})
    sign_on(client)
    assert anna() is not None


def test_the_municipality_claim_decides_where_a_domain_serves_several(client, provider, place, settings):
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, municipality_claim="kommun")
    neighbour = factories.municipality("Grannkommunen", code="1490")
    provider.person("anna", **ANNA, kommun="1490")
    sign_on(client)
    assert assignments(neighbour, anna()) == [("employee", None, today(), None)]


def test_a_municipality_that_is_not_here_is_said(client, provider, place, settings):
    settings.SINGLE_SIGN_ON = replace(settings.SINGLE_SIGN_ON, municipality_claim="kommun")
    assert "9999" in refused(client, provider, kommun="9999")


def test_who_has_a_local_account_keeps_it_and_all_assignments(client, provider, place):
    with scope(place.pk):
        who = factories.person(place, "Anna S", email=ANNA["email"])
        factories.assignment(who, Role.STRATEGIST, place)
        account = Account.objects.create_user(who.email, who, "lösenord för prov")
    sign_on(client)
    assert client.session["_auth_user_id"] == str(account.pk)
    assert assignments(place, account) == [("international_strategist", None, date(2020, 1, 1), None)]
    account.refresh_from_db()
    assert account.has_usable_password()
    with scope(place.pk):
        assert Person.objects.get(pk=who.pk).name == "Anna S"


def test_a_person_known_without_account_or_assignment_gets_both(client, provider, place):
    with scope(place.pk):
        who = factories.person(place, "Anna S", email=ANNA["email"])
        factories.assignment(who, Role.READER, place, ends_on=date(2021, 1, 1))
    sign_on(client)
    assert anna().person_id == who.pk
    assert assignments(place, anna())[1:] == [("employee", "Socialförvaltningen", today(), None)]


def test_a_person_known_from_another_municipality_is_the_same_person(client, provider, place):
    neighbour = factories.municipality("Grannkommunen")
    with scope(neighbour.pk):
        who = factories.person(neighbour, "Anna S", email=ANNA["email"])
        factories.assignment(who, Role.READER, neighbour)
    sign_on(client)
    assert anna().person_id == who.pk
    assert len(assignments(place, anna())) == 1
    assert len(assignments(neighbour, anna())) == 1


def test_an_address_that_belongs_to_another_subject_opens_nothing(client, provider, place):
    sign_on(client)
    client.logout()
    provider.person("namesake", **ANNA)
    response = sign_on(client, "namesake")
    assert (response.status_code, is_logged_in(client), SocialAccount.objects.count()) == (403, False, 1)


def test_an_address_passed_on_is_disconnected_by_command_and_joined_anew(client, provider, place):
    sign_on(client)
    client.logout()
    provider.person("namesake", **ANNA)
    call_command("local_account", ANNA["email"], "--disconnect", stdout=StringIO())
    assert sign_on(client, "namesake").status_code == 302
    assert SocialAccount.objects.get().extra_data["subject"] == "namesake"


def test_the_account_that_runs_the_installation_is_not_joined_by_an_address(client, provider, place):
    with scope(place.pk):
        who = factories.person(place, email=ANNA["email"])
    with scope(person=who.pk, installation=True):
        Account.objects.create(email=ANNA["email"], person=who, runs_installation=True)
    assert sign_on(client).status_code == 403
    assert SocialAccount.objects.count() == 0


def test_an_account_that_runs_the_installation_since_it_was_joined_is_not_let_in(client, provider, place):
    sign_on(client)
    client.logout()
    account = anna()
    with scope(person=account.person_id, installation=True):
        account.runs_installation = True
        account.save(update_fields=["runs_installation"])
    response = sign_on(client)
    assert (response.status_code, is_logged_in(client)) == (403, False)
    assert client.get("/installation/").status_code == 302


def test_a_closed_account_is_not_joined(client, provider, place):
    with scope(place.pk):
        who = factories.person(place, email=ANNA["email"])
        Account.objects.create(email=ANNA["email"], person=who, is_active=False)
    assert sign_on(client).status_code == 403
    assert SocialAccount.objects.count() == 0


def test_an_account_closed_here_does_not_come_in(client, provider, place):
    sign_on(client)
    client.logout()
    account = anna()
    with scope(person=account.person_id):
        Account.objects.filter(pk=account.pk).update(is_active=False)
    response = sign_on(client)
    assert (response["Location"], is_logged_in(client)) == ("/konto/inactive/", False)


def test_an_assignment_that_was_ended_here_does_not_come_back(client, provider, place):
    sign_on(client)
    client.logout()
    with scope(place.pk):
        Assignment.objects.filter(person=anna().person_id).update(
            starts_on=today() - timedelta(days=9), ends_on=today() - timedelta(days=1)
        )
    provider.person("anna", **{**ANNA, "department": "Barn- och utbildningsförvaltningen"})
    sign_on(client)
    assert len(assignments(place, anna())) == 1
    assert client.get(reverse("home")).status_code == 403


# -- Name and unit ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Anna Svensson"}, "Anna Svensson"),
        ({"name": "  Anna\u0000\tSvensson\n"}, "Anna Svensson"),
        ({"name": None, "given_name": "Anna", "family_name": "Svensson"}, "Anna Svensson"),
        ({"name": None}, "Anna Svensson"),
        ({"name": ""}, "Anna Svensson"),
        ({"name": 850101}, "850101"),
        ({"name": "Anna Svensson 19850101-1234"}, "Anna Svensson"),
        ({"name": "850101+1234, Anna"}, "Anna"),
        ({"name": "8501011234"}, "Anna Svensson"),
        ({"name": "850101-1234 850101 1234"}, "Anna Svensson"),
        ({"name": "Anna 850101 850101-1234 1234"}, "Anna"),
        ({"name": "8501850101-1234011234"}, "Anna Svensson"),
        ({"name": "Å" * 300}, "Å" * 120),
        ({"name": ["Anna", "Annie"]}, "Anna"),
        ({"name": {"first": "Anna"}}, "Anna Svensson"),
    ],
)
def test_the_name_is_what_a_page_can_show(client, provider, place, claims, name):
    provider.person("anna", **{**ANNA, **claims})
    assert sign_on(client).status_code == 302
    with scope(place.pk):
        assert Person.objects.get(pk=anna().person_id).name == name


@pytest.mark.parametrize(
    ("claim", "unit"),
    [
        ("Socialförvaltningen", "Socialförvaltningen"),
        ("socialförvaltningen ", "Socialförvaltningen"),
        ("SOCIALFÖRVALTNINGEN", "Socialförvaltningen"),
        ("Omsorgen", "Socialförvaltningen"),
        ("SF", "Socialförvaltningen"),
        (["SF", "Omsorgen"], "Socialförvaltningen"),
        ("Sektor X", None),
        ("", None),
        (None, None),
        ({"a": 1}, None),
        ("%", None),
    ],
)
def test_the_unit_is_found_by_any_of_its_names(client, provider, place, claim, unit):
    with scope(place.pk):
        found = place_unit(place, "Socialförvaltningen")
        UnitName.objects.create(municipality=place, unit=found, name="Omsorgen", kind=UnitNameKind.FORMER)
        UnitName.objects.create(municipality=place, unit=found, name="SF", kind=UnitNameKind.OTHER)
    provider.person("anna", **{**ANNA, "department": claim})
    sign_on(client)
    assert assignments(place, anna()) == [("employee", unit, today(), None)]


def place_unit(place, name):
    from strategy.models import Unit

    return Unit.objects.get(municipality=place, name=name)


def test_a_name_that_two_units_have_names_none(client, provider, place):
    with scope(place.pk):
        for name in ("Socialförvaltningen", "Barn- och utbildningsförvaltningen"):
            UnitName.objects.create(
                municipality=place,
                unit=place_unit(place, name),
                name="Förvaltningen",
                kind=UnitNameKind.OTHER,
            )
    provider.person("anna", **{**ANNA, "department": "Förvaltningen"})
    sign_on(client)
    assert assignments(place, anna()) == [("employee", None, today(), None)]


def begun_earlier(place):
    with scope(place.pk):
        Assignment.objects.filter(person=anna().person_id).update(starts_on=today() - timedelta(days=9))


def test_another_unit_at_a_later_login_ends_the_old_assignment_and_gives_a_new_one(client, provider, place):
    sign_on(client)
    client.logout()
    begun_earlier(place)
    provider.person("anna", **{**ANNA, "department": "Barn- och utbildningsförvaltningen"})
    sign_on(client)
    began, yesterday = today() - timedelta(days=9), today() - timedelta(days=1)
    assert assignments(place, anna()) == [
        ("employee", "Socialförvaltningen", began, yesterday),
        ("employee", "Barn- och utbildningsförvaltningen", today(), None),
    ]
    client.logout()
    provider.person("anna", **{**ANNA, "department": "Ett namn som registret inte har"})
    sign_on(client)
    assert assignments(place, anna())[1:] == [("employee", None, today(), None)]


def test_another_unit_on_the_first_day_moves_the_assignment(client, provider, place):
    sign_on(client)
    provider.person("anna", **{**ANNA, "department": "Barn- och utbildningsförvaltningen"})
    sign_on(client)
    assert assignments(place, anna()) == [("employee", "Barn- och utbildningsförvaltningen", today(), None)]


def test_where_nothing_is_said_of_the_unit_the_assignment_stays(client, provider, place):
    sign_on(client)
    begun_earlier(place)
    provider.person("anna", **{name: value for name, value in ANNA.items() if name != "department"})
    sign_on(client)
    provider.person("anna", **{**ANNA, "department": ""})
    sign_on(client)
    assert [unit for _role, unit, _first, _last in assignments(place, anna())] == ["Socialförvaltningen"]


def test_what_an_administrator_gave_is_not_moved(client, provider, place):
    with scope(place.pk):
        who = factories.person(place, email=ANNA["email"])
        factories.assignment(who, Role.EMPLOYEE, place, place_unit(place, "Socialförvaltningen"))
        factories.assignment(
            who, Role.CONTACT_PERSON, place, place_unit(place, "Socialförvaltningen"), subject="EU"
        )
    sign_on(client)
    before = assignments(place, anna())
    provider.person("anna", **{**ANNA, "department": "Barn- och utbildningsförvaltningen"})
    sign_on(client)
    assert assignments(place, anna()) == before


def test_a_unit_to_which_somebody_comes_later_anyway_is_given_until_then(client, provider, place):
    sign_on(client)
    begun_earlier(place)
    later = today() + timedelta(days=30)
    with scope(place.pk):
        other = place_unit(place, "Barn- och utbildningsförvaltningen")
        factories.assignment(
            Person.objects.get(pk=anna().person_id), Role.EMPLOYEE, place, other, starts_on=later
        )
    provider.person("anna", **{**ANNA, "department": other.name})
    assert sign_on(client).status_code == 302
    assert assignments(place, anna())[2] == (
        "employee", other.name, today(), later - timedelta(days=1)
    )  # fmt: skip


# -- Only emergencies ------------------------------------------------------------------------------------------


@pytest.fixture
def emergencies(provider, settings, place):
    settings.LOCAL_LOGIN = "emergencies"
    with scope(place.pk):
        for name, kept in (("vanlig", False), ("reserv", True)):
            who = factories.person(place, name, email=f"{name}@sjostad.se")
            factories.assignment(who, Role.ADMINISTRATOR, place)
            account = Account.objects.create_user(who.email, who, "lösenord för prov")
            Account.objects.filter(pk=account.pk).update(for_emergencies=kept)


def try_login(client, name, password="lösenord för prov"):
    return client.post("/konto/login/", {"login": f"{name}@sjostad.se", "password": password})


def test_in_emergencies_the_kept_account_logs_in_and_it_is_logged(client, emergencies, caplog):
    try_login(client, "reserv")
    assert is_logged_in(client)
    (line,) = [one for one in caplog.records if one.getMessage().startswith("emergency login")]
    assert (line.name, line.levelname) == ("medel.security", "WARNING")


def test_other_local_accounts_are_answered_as_if_the_password_were_wrong(client, emergencies):
    right, wrong = try_login(client, "vanlig"), try_login(client, "vanlig", "fel fel fel fel")
    assert not is_logged_in(client)
    errors = [re.findall(r"<ul>.*?</ul>", one.content.decode(), re.S)[0] for one in (right, wrong)]
    assert errors[0] == errors[1]


def test_single_sign_on_is_no_emergency(client, emergencies, caplog):
    sign_on(client)
    assert is_logged_in(client)
    assert not [one for one in caplog.records if one.getMessage().startswith("emergency login")]


def test_the_local_form_stands_behind_a_link(client, emergencies):
    page = client.get("/konto/login/").content.decode()
    assert 'name="password"' not in page
    assert "?nodlage=1" in page
    assert 'name="password"' in client.get("/konto/login/?nodlage=1").content.decode()
    assert 'name="password"' in try_login(client, "vanlig").content.decode()


def test_a_new_password_is_mailed_to_kept_accounts_alone(client, emergencies, mailoutbox, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    answers = [
        client.post("/konto/password/reset/", {"email": f"{name}@sjostad.se"})["Location"]
        for name in ("vanlig", "reserv", "ingen")
    ]
    assert len(set(answers)) == 1
    assert [mail.to for mail in mailoutbox] == [["reserv@sjostad.se"]]


# -- The settings ----------------------------------------------------------------------------------------------


@pytest.fixture
def environ(monkeypatch):
    for name in list(os.environ):
        if name.startswith("MEDEL_OIDC_"):
            monkeypatch.delenv(name)
    return lambda **given: [monkeypatch.setenv(f"MEDEL_OIDC_{name}", value) for name, value in given.items()]


def test_without_settings_it_is_off(environ):
    assert environment.single_sign_on() is None


def test_the_settings_are_read(environ, tmp_path):
    (tmp_path / "secret").write_text("hemligt\n")
    environ(
        SERVER_URL="https://login.sjostad.se/realms/kommun/.well-known/openid-configuration",
        CLIENT_ID="medel",
        CLIENT_SECRET_FILE=str(tmp_path / "secret"),
        NAME="Sjöstads konto",
        UNIT_CLAIM="avdelning",
    )
    assert environment.single_sign_on() == environment.SingleSignOn(
        "https://login.sjostad.se/realms/kommun", "medel", "hemligt", "Sjöstads konto", "avdelning"
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"SERVER_URL": "https://a.example"}, "MEDEL_OIDC_CLIENT_ID and MEDEL_OIDC_CLIENT_SECRET"),
        ({"SERVER_URL": "https://a.example", "CLIENT_ID": "m"}, "MEDEL_OIDC_CLIENT_SECRET"),
        ({"CLIENT_SECRET": "x"}, "MEDEL_OIDC_SERVER_URL"),
        ({"NAME": "x"}, "MEDEL_OIDC_NAME"),
        ({"SERVER_URL": "http://a.example", "CLIENT_ID": "m", "CLIENT_SECRET": "x"}, "https://"),
        (
            {"SERVER_URL": "https://a.example", "CLIENT_ID": "m", "CLIENT_SECRET": "x", "SCOPES": "email"},
            "openid",
        ),
    ],
)
def test_half_of_the_settings_stop_the_start_with_one_sentence(environ, given, named):
    environ(**given)
    with pytest.raises(ImproperlyConfigured) as stopped:
        environment.single_sign_on()
    assert named in str(stopped.value)
    assert str(stopped.value).count(". ") == 0
