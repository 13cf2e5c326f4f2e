"""The municipality's mail domains, and the switch for reports of people without an account."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from strategy import history
from strategy.models import MailDomain, Municipality, Role
from strategy.organisation import mail_domain_of
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db

PAGE, ADD, SWITCH = "/ansvar/kommunen/", "/ansvar/kommunen/postdomaner/", "/ansvar/kommunen/anmalningar/"


@pytest.fixture
def place():
    return factories.municipality("Domänstads kommun")


def login(client, place, role=Role.ADMINISTRATOR):
    with scope(place.pk):
        reader = factories.reader(place, role, who=factories.person(place, email="anna@sjostad.se"))
        factories.login(client, reader.person)
    return reader


def domains(place):
    with scope(place.pk):
        return [one.domain for one in MailDomain.objects.filter(municipality=place)]


def takes(place):
    return Municipality.objects.get(pk=place.pk).takes_reports_by_mail


def remove(pk):
    return f"{ADD}{pk}/ta-bort/"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Sjostad.se", "sjostad.se"),
        (" @sjostad.se ", "sjostad.se"),
        ("anna.berg@skola.sjostad.se", "skola.sjostad.se"),
        ("sjöstad.se", ""),
        ("sjostad", ""),
        ("-sjostad.se", ""),
        ("sjostad.se/login", ""),
        ("", ""),
    ],
)
def test_a_domain_is_read_as_it_stands_in_addresses(written, read):
    assert mail_domain_of(written) == read


def test_the_administrator_adds_a_domain_and_it_stands_in_the_history(client, place):
    reader = login(client, place)
    assert client.post(ADD, {"domain": "@Sjostad.SE"}).status_code == 302
    assert domains(place) == ["sjostad.se"]
    assert "sjostad.se" in client.get(PAGE).content.decode()
    with scope(place.pk):
        (act,) = history.acts(MailDomain.objects.get())
        assert act.who == reader.person.name


def test_what_is_no_domain_is_refused_with_what_to_write(client, place):
    login(client, place)
    page = client.post(ADD, {"domain": "sjöstad"})
    assert page.status_code == 200
    assert "sjostad.se" in page.content.decode()
    assert domains(place) == []


def test_a_domain_names_one_municipality_alone(client, place):
    other = factories.municipality("Grannstads kommun")
    with scope(other.pk):
        MailDomain.objects.create(municipality=other, domain="sjostad.se")
    login(client, place)
    page = client.post(ADD, {"domain": "sjostad.se"})
    assert page.status_code == 200
    assert page.context["form"].errors["domain"]
    assert domains(place) == []
    assert domains(other) == ["sjostad.se"]


@pytest.mark.parametrize("domain", ["grannstad.se", "nysjostad.se", "sjostad.se.grannstad.se", "gmail.com"])
def test_the_administrator_takes_no_domain_that_the_own_address_does_not_lie_in(client, place, domain):
    login(client, place)
    page = client.post(ADD, {"domain": domain})
    assert page.status_code == 200
    (sentence,) = page.context["form"].errors["domain"]
    assert "sjostad.se" in sentence
    assert "add_mail_domain" in sentence
    assert domains(place) == []


def test_the_administrator_adds_a_domain_below_the_own(client, place):
    login(client, place)
    assert client.post(ADD, {"domain": "skola.sjostad.se"}).status_code == 302
    assert domains(place) == ["skola.sjostad.se"]


def command(*given):
    out = StringIO()
    call_command("add_mail_domain", *given, stdout=out)
    return out.getvalue()


def test_who_runs_the_installation_adds_any_domain_once_and_it_stands_in_the_history(place):
    told = [json.loads(command("@Edu.Example", "--municipality", "Domänstad", "--json")) for _ in range(2)]
    assert [one["added"] for one in told] == [True, False]
    assert told[0]["domain"] == "edu.example"
    assert domains(place) == ["edu.example"]
    assert "edu.example" in command("edu.example", "--municipality", "Domänstad")
    with scope(place.pk):
        (act,) = history.acts(MailDomain.objects.get())
        assert act.page == "manage.py add_mail_domain"


def test_the_command_refuses_what_is_no_domain_and_what_is_anothers(place):
    other = factories.municipality("Grannstads kommun")
    command("edu.example", "--municipality", "Grannstad")
    for domain in ("edu.example", "edu", "sjöstad.se"):
        with pytest.raises(CommandError) as refused:
            command(domain, "--municipality", "Domänstad")
        assert str(refused.value).endswith(".")
    assert (domains(place), domains(other)) == ([], ["edu.example"])


def test_another_municipalitys_domain_is_not_removed(client, place):
    other = factories.municipality("Grannstads kommun")
    with scope(other.pk):
        theirs = MailDomain.objects.create(municipality=other, domain="grannstad.se")
    login(client, place)
    assert client.post(remove(theirs.pk), {"reason": "Fel"}).status_code == 404
    assert domains(other) == ["grannstad.se"]


def test_reports_without_an_account_need_a_domain(client, place):
    login(client, place)
    page = client.post(SWITCH, {"takes": "on", "reason": "Beslut"})
    assert page.status_code == 200
    assert page.context["form"].non_field_errors()
    assert not takes(place)
    client.post(ADD, {"domain": "sjostad.se"})
    assert client.post(SWITCH, {"takes": "on", "reason": "Beslut"}).status_code == 302
    assert takes(place)
    # A window opened before sends the same again: it stays on.
    assert client.post(SWITCH, {"takes": "on", "reason": "Beslut"}).status_code == 302
    assert takes(place)


def test_the_last_domain_stays_while_people_without_an_account_may_report(client, place):
    login(client, place)
    client.post(ADD, {"domain": "sjostad.se"})
    client.post(ADD, {"domain": "skola.sjostad.se"})
    client.post(SWITCH, {"takes": "on", "reason": "Beslut"})
    with scope(place.pk):
        first, second = MailDomain.objects.order_by("domain")
    assert client.post(remove(second.pk), {"reason": "Används inte"}).status_code == 302
    page = client.post(remove(first.pk), {"reason": "Används inte"})
    assert page.status_code == 200
    assert page.context["form"].non_field_errors()
    assert domains(place) == ["sjostad.se"]
    client.post(SWITCH, {"takes": "off", "reason": "Pausas"})
    assert client.post(remove(first.pk), {"reason": "Används inte"}).status_code == 302
    assert domains(place) == []


def test_nothing_is_switched_or_removed_without_a_reason_or_by_get(client, place):
    login(client, place)
    client.post(ADD, {"domain": "sjostad.se"})
    with scope(place.pk):
        domain = MailDomain.objects.get()
    assert client.post(SWITCH, {"takes": "on"}).status_code == 200
    assert client.post(SWITCH, {"takes": "kanske", "reason": "Beslut"}).status_code == 200
    assert client.post(remove(domain.pk)).status_code == 200
    for address in (SWITCH, remove(domain.pk), ADD):
        assert client.get(address).status_code == 200
        assert client.delete(address).status_code == 405
    assert (domains(place), takes(place)) == (["sjostad.se"], False)


@pytest.mark.parametrize("role", [Role.STRATEGIST, Role.AUDITOR, Role.EMPLOYEE])
def test_only_the_administrator_changes_domains_and_everybody_reads_them(client, place, role):
    with scope(place.pk):
        domain = MailDomain.objects.create(municipality=place, domain="sjostad.se")
    login(client, place, role)
    page = client.get(PAGE).content.decode()
    assert "sjostad.se" in page
    assert ADD not in page
    for address in (ADD, SWITCH, remove(domain.pk)):
        assert client.get(address).status_code == 403
        assert client.post(address, {"domain": "x.se", "reason": "y", "takes": "on"}).status_code == 403
    assert (domains(place), takes(place)) == (["sjostad.se"], False)
