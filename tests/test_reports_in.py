"""Reported projects: in under a minute, to who answers, settled once, and told; with and without an account."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from projects import report_forms, reports_in
from projects.documents import add_to_project
from projects.models import Funder, Project, ReportedProject, ReportLink, ReportState, State
from projects.reports_in import (
    FROM_A_PERSON,
    LATE,
    LINK_WORKS,
    LINKS_TO_AN_ADDRESS,
    MAILS,
    MESSAGES,
    SHOWN,
    AlreadySettled,
    Said,
    TooMany,
    Waits,
    ask_for_link,
    decline_report,
    join_report,
    make_report,
    reports_to_settle,
)
from projects.similar import similar_to
from strategy import attachments, history
from strategy.models import (
    Account,
    Assignment,
    Document,
    MailDomain,
    Message,
    Person,
    Reading,
    Role,
    StoredFile,
    UnitKind,
)
from strategy.permissions import resolve_reader
from strategy.walls import scope
from tests import factories
from values.money import Amount, Money
from values.precision import parse_partial_date

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
MAKE = "/anmal/"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    return tmp_path


@pytest.fixture
def place():
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def office(place):
    return factories.unit(place, "Utbildningsförvaltningen")


@pytest.fixture
def school(place, office):
    return factories.unit(place, "Kålgårdsskolan", kind=UnitKind.SCHOOL, parent=office)


@pytest.fixture
def contact(place, office):
    who = factories.person(place, "Kontaktperson Ett")
    factories.assignment(who, Role.CONTACT_PERSON, place, office)
    return who


@pytest.fixture
def teacher(place, school):
    who = factories.person(place, "Lärare Ett")
    factories.assignment(who, Role.EMPLOYEE, place, school)
    return who


def reader_of(who, place):
    return resolve_reader(who, place, timezone.localdate(), (place,))


def report(place, who, unit=None, title="Språkcafé över gränsen", **fields):
    fields.setdefault("reported_by", who)
    return ReportedProject.objects.create(municipality=place, title=title, unit=unit, **fields)


def strategist(place):
    who = factories.person(place, "Strateg Ett")
    factories.assignment(who, Role.STRATEGIST, place)
    return who


def mails():
    return [(mail.recipient, mail.subject) for mail in Message.objects.order_by("pk")]


def waiting(who, place):
    return [task.title for task in reports_to_settle(reader_of(who, place))]


# -- Reporting --------------------------------------------------------------------------------------------


def test_a_teacher_reports_with_a_letter_and_the_unit_is_known_from_the_login(
    client, place, teacher, school, contact
):
    factories.login(client, teacher)
    page = client.get(MAKE)
    assert school.name in page.text
    assert 'name="unit"' not in page.text
    answer = client.post(
        MAKE,
        {
            "title": "Språkcafé över gränsen",
            "funder": "Erasmus+",
            "amount": "ca 400 tkr",
            "starts": "2026-08",
            "ends": "2027-07",
            "file": SimpleUploadedFile("../../beslut.pdf", PDF),
        },
        follow=True,
    )
    kept = ReportedProject.objects.get()
    assert (kept.title, kept.funder, kept.unit, kept.reported_by, kept.state, kept.by_mail) == (
        "Språkcafé över gränsen",
        "Erasmus+",
        school,
        teacher,
        ReportState.RECEIVED,
        False,
    )
    assert kept.sum == Amount(Money(Decimal("400000.00"), "SEK"), True)
    assert (kept.starts_on, kept.ends_on, kept.ends_precision) == (
        date(2026, 8, 1),
        date(2027, 7, 31),
        "month",
    )
    assert kept.file is not None
    assert kept.file.name == "beslut.pdf"
    # What was read of the amount is said back, and who takes it further.
    assert "400\N{NO-BREAK SPACE}000" in answer.text
    assert contact.name in answer.text
    assert waiting(contact, place) != []
    assert [recipient for recipient, _subject in mails()] == [contact.email]


def test_only_the_title_must_be_given(client, place, teacher):
    factories.login(client, teacher)
    assert client.post(MAKE, {"title": "Utbyte"}).status_code == 302
    page = client.post(MAKE, {"title": " ", "funder": "Erasmus+"})
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["title"]
    assert 'value="Erasmus+"' in page.text


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("ca 400 tkr", Amount(Money(Decimal("400000"), "SEK"), True)),
        ("25 000 EUR", Amount(Money(Decimal("25000"), "EUR"), False)),
        ("1,5 mkr", Amount(Money(Decimal("1500000"), "SEK"), False)),
        ("", None),
    ],
)
def test_the_amount_is_read_as_people_write_it(client, place, teacher, typed, amount):
    factories.login(client, teacher)
    client.post(MAKE, {"title": "Utbyte", "amount": typed})
    assert ReportedProject.objects.get().sum == amount


def test_an_amount_in_words_and_an_end_before_the_start_are_told_and_what_was_typed_stays(
    client, place, teacher
):
    factories.login(client, teacher)
    typed = {"title": "Utbyte", "amount": "ca fyrahundra", "starts": "2026-08-01", "ends": "2026-07-31"}
    page = client.post(MAKE, typed)
    assert page.status_code == 422
    assert sorted(page.context["form"].errors) == ["amount", "ends"]
    for value in typed.values():
        assert f'value="{value}"' in page.text
    assert not ReportedProject.objects.exists()


@pytest.mark.parametrize(
    ("name", "data"), [("beslut.pdf", b"MZ\x90\x00" + b"\0" * 200), ("beslut.pdf", b""), ("a.exe", b"MZ\x90")]
)
def test_a_file_is_judged_by_its_content_and_what_was_typed_stays(client, place, teacher, name, data):
    factories.login(client, teacher)
    page = client.post(MAKE, {"title": "Utbyte", "file": SimpleUploadedFile(name, data)})
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["file"]
    assert 'value="Utbyte"' in page.text
    assert not StoredFile.objects.exists()


def test_a_good_file_beside_another_error_is_asked_for_again(client, place, teacher):
    factories.login(client, teacher)
    page = client.post(MAKE, {"title": "", "file": SimpleUploadedFile("beslut.pdf", PDF)})
    assert sorted(page.context["form"].errors) == ["file", "title"]
    assert not StoredFile.objects.exists()


def test_of_several_units_one_is_chosen_and_without_any_the_tree_is_shown(client, place, teacher, school):
    other = factories.unit(place, "Gymnasiet", kind=UnitKind.SCHOOL)
    factories.assignment(teacher, Role.PROJECT_MANAGER, place, other)
    factories.login(client, teacher)
    shown = [key for key, _label in client.get(MAKE).context["form"].fields["unit"].choices]
    assert sorted(filter(None, shown)) == sorted([str(school.pk), str(other.pk)])
    client.post(MAKE, {"title": "Utbyte", "unit": other.pk})
    assert ReportedProject.objects.get().unit == other
    client.logout()
    who = factories.person(place)
    factories.assignment(who, Role.READER, place)
    factories.login(client, who)
    shown = [key for key, _label in client.get(MAKE).context["form"].fields["unit"].choices]
    assert {"", str(school.pk), str(other.pk)} <= set(shown)


def test_who_settles_reports_reports_for_other_units_too(client, place, school, office, contact):
    factories.login(client, contact)
    form = client.get(MAKE).context["form"]
    assert form["unit"].value() == office.pk
    client.post(MAKE, {"title": "Utbyte", "unit": school.pk})
    assert ReportedProject.objects.get().unit == school


def test_a_second_click_is_the_same_report(client, place, teacher, contact):
    factories.login(client, teacher)
    first, second = (client.post(MAKE, {"title": "Utbyte", "amount": "400 tkr"}) for _ in range(2))
    assert first.url == second.url
    assert client.post(MAKE, {"title": "Utbyte", "amount": "500 tkr"}).url != first.url
    assert (ReportedProject.objects.count(), len(mails())) == (2, 2)


def test_another_municipalitys_unit_is_not_among_the_choices(client, place):
    foreign = factories.municipality("Bergstads kommun")
    with scope(foreign.pk):
        elsewhere = factories.unit(foreign, "Skolan")
    who = factories.person(place)
    factories.unit(place)
    factories.assignment(who, Role.READER, place)
    factories.login(client, who)
    assert client.post(MAKE, {"title": "Utbyte", "unit": elsewhere.pk}).status_code == 422
    assert not ReportedProject.objects.exists()


def test_an_auditor_reports_nothing(client, place):
    who = factories.person(place)
    factories.assignment(who, Role.AUDITOR, place)
    factories.login(client, who)
    assert client.get(MAKE).status_code == 403
    assert client.post(MAKE, {"title": "Utbyte"}).status_code == 403
    assert MAKE not in client.get(reverse("home")).text.replace("/anmal/lista", "")


def test_the_link_stands_in_the_menu_and_on_the_first_page(client, place, teacher):
    factories.login(client, teacher)
    assert client.get(reverse("home")).text.count(f'href="{MAKE}"') == 2


def test_how_an_amount_is_read_is_said_beside_the_field(client):
    assert "400\N{NO-BREAK SPACE}000" in client.get("/anmal/belopp/", {"amount": "ca 400 tkr"}).text
    assert 'class="error"' in client.get("/anmal/belopp/", {"amount": "ca fyrahundra"}).text
    assert client.get("/anmal/belopp/").text.strip() == ""
    assert client.post("/anmal/belopp/").status_code == 405


def test_more_than_twenty_reports_in_an_hour_are_refused_with_a_sentence(client, place, teacher, contact):
    factories.login(client, teacher)
    for number in range(FROM_A_PERSON):
        assert client.post(MAKE, {"title": f"Nummer {number}"}).status_code == 302
    page = client.post(MAKE, {"title": "En till", "file": SimpleUploadedFile("beslut.pdf", PDF)})
    assert (page.status_code, page["Retry-After"]) == (429, "3600")
    assert str(FROM_A_PERSON) in page.text
    assert ReportedProject.objects.count() == FROM_A_PERSON
    # Neither the disk nor the mail nor the list of what waits fills up.
    assert not StoredFile.objects.exists()
    assert len(mails()) == MAILS + 1
    assert len(waiting(contact, place)) == SHOWN + 1


def test_a_municipality_takes_no_flood_from_many_accounts(place, school, monkeypatch):
    monkeypatch.setattr(reports_in, "IN_A_MUNICIPALITY", 3)
    for number in range(3):
        who = factories.person(place)
        factories.assignment(who, Role.EMPLOYEE, place, school)
        make_report(reader_of(who, place), Said(f"Nummer {number}"), unit=school, now=timezone.now())
    who = factories.person(place)
    factories.assignment(who, Role.EMPLOYEE, place, school)
    with pytest.raises(TooMany):
        make_report(reader_of(who, place), Said("En till"), unit=school, now=timezone.now())


def test_an_hour_later_there_is_room_again(place, teacher, school, monkeypatch):
    monkeypatch.setattr(reports_in, "FROM_A_PERSON", 1)
    reader, now = reader_of(teacher, place), timezone.now()
    make_report(reader, Said("Ett"), unit=school, now=now)
    with pytest.raises(TooMany):
        make_report(reader, Said("Två"), unit=school, now=now)
    make_report(reader, Said("Två"), unit=school, now=now + timedelta(minutes=61))


# -- Whom it waits for ------------------------------------------------------------------------------------


def test_it_waits_for_the_contact_person_of_the_unit_above_and_nobody_else(place, teacher, school, contact):
    other = factories.unit(place, "Tekniska förvaltningen")
    stranger = factories.person(place)
    factories.assignment(stranger, Role.CONTACT_PERSON, place, other)
    acting = strategist(place)
    report(place, teacher, school)
    assert len(waiting(contact, place)) == 1
    assert waiting(stranger, place) == waiting(acting, place) == waiting(teacher, place) == []


def test_where_nobody_is_contact_person_the_strategist_acts_marked_so(place, teacher, school):
    acting = strategist(place)
    make_report(reader_of(teacher, place), Said("Utbyte"), unit=school, now=timezone.now())
    (task,) = reports_to_settle(reader_of(acting, place))
    assert (task.marked, task.whose, task.since) == (True, "Utbildningsförvaltningen", timezone.localdate())
    assert [recipient for recipient, _subject in mails()] == [acting.email]


def test_without_a_unit_it_waits_for_the_strategist(place, teacher, contact):
    acting = strategist(place)
    report(place, teacher)
    assert len(waiting(acting, place)) == 1
    assert waiting(contact, place) == []


def test_what_lay_for_two_weeks_is_serious_and_waits_for_the_strategist_too(place, teacher, school, contact):
    acting = strategist(place)
    report(place, teacher, school)
    ReportedProject.objects.update(reported_at=timezone.now() - LATE - timedelta(days=1))
    assert [task.tone for task in reports_to_settle(reader_of(acting, place))] == ["stop"]
    assert [task.tone for task in reports_to_settle(reader_of(contact, place))] == ["stop"]


def test_what_is_settled_waits_no_more(place, teacher, school, contact):
    one = report(place, teacher, school)
    decline_report(reader_of(contact, place), one, reason="Inga externa medel", at=timezone.now())
    assert waiting(contact, place) == []


def test_the_queries_do_not_grow_with_what_waits(place, teacher, school, contact):
    reader = reader_of(contact, place)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            list(reports_to_settle(reader))
        return len(seen)

    report(place, teacher, school)
    one = queries()
    for number in range(6):
        report(place, teacher, school, f"Nummer {number}")
    assert queries() == one


def test_many_are_folded_and_the_row_leads_to_all_that_wait(client, place, teacher, school, contact):
    for number in range(SHOWN + 3):
        report(place, teacher, school, f"Nummer {number}")
    report(place, teacher, factories.unit(place, "Tekniska förvaltningen"), "Annans")
    *_, folded = reports_to_settle(reader_of(contact, place))
    assert "3" in folded.title
    factories.login(client, contact)
    assert len(client.get(folded.url).context["listing"].rows) == SHOWN + 3


def test_what_waits_is_found_in_the_database_and_no_more_rows_are_read_than_shown(
    client, place, teacher, school, contact
):
    acting = strategist(place)
    vacant = factories.unit(place, "Tekniska förvaltningen")
    for number in range(SHOWN + 1):
        report(place, teacher, None if number % 2 else vacant, f"Vakant {number}")
    report(place, teacher, school, "Kontaktpersonens")
    late = report(place, teacher, school, "Sen")
    ReportedProject.objects.filter(pk=late.pk).update(reported_at=timezone.now() - LATE - timedelta(days=1))
    found, in_all, marked = Waits(reader_of(acting, place)).first(3)
    assert [(one.report.title, one.marked, one.late) for one in found] == [
        ("Sen", False, True),
        ("Vakant 0", True, False),
        ("Vakant 1", True, False),
    ]
    assert (in_all, marked) == (SHOWN + 2, SHOWN + 1)
    *shown, folded = reports_to_settle(reader_of(acting, place))
    assert (len(shown), folded.marked, folded.tone) == (SHOWN, True, "warn")
    factories.login(client, acting)
    assert len(client.get(folded.url).context["listing"].rows) == SHOWN + 2


# -- One report -------------------------------------------------------------------------------------------


def test_the_page_says_what_was_said_by_whom_and_hands_out_the_file_logged(
    client, place, teacher, school, contact
):
    factories.login(client, teacher)
    client.post(MAKE, {"title": "Utbyte", "file": SimpleUploadedFile("beslut.pdf", PDF)})
    one = ReportedProject.objects.get()
    client.logout()
    factories.login(client, contact)
    page = client.get(f"/anmal/{one.pk}/")
    assert teacher.name in page.text
    file = client.get(f"/anmal/{one.pk}/fil/")
    assert file.content == PDF
    assert file["Content-Disposition"] == 'attachment; filename="beslut.pdf"'
    assert [(row.person, row.kind, row.what) for row in Reading.objects.all()] == [
        (contact, "file", gettext("File of reported project %(number)d") % {"number": one.pk})
    ]


def test_a_reported_file_that_has_become_a_document_is_handed_out_as_the_document(
    client, place, teacher, contact, school, office
):
    """By the document's permission: marked secret in another unit's project, those who reported it read it no more."""
    other = factories.unit(place, "Kulturförvaltningen")
    boss = factories.person(place, "Strateg Två")
    factories.assignment(boss, Role.STRATEGIST, place)
    factories.login(client, teacher)
    client.post(MAKE, {"title": "Utbyte", "file": SimpleUploadedFile("skyddad adress.pdf", PDF)})
    client.logout()
    one = ReportedProject.objects.get()
    project = factories.project(place, owner_unit=other)
    with history.context(person=boss.pk, municipality=place.pk):
        join_report(reader_of(boss, place), one, project, at=timezone.now(), kind="decision")
    document = Document.objects.get()
    accounts = {teacher: Account.objects.get(person=teacher)} | {
        who: factories.login(client, who) for who in (contact, boss)
    }
    became = gettext("now a document of %(project)s") % {"project": project.register_id}
    seen = {}
    for secret in (False, True):
        document.is_secret, document.legal_ground = secret, "OSL 26 kap. 1 §" if secret else ""
        document.save()
        for who, account in accounts.items():
            client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
            answer = client.get(f"/anmal/{one.pk}/fil/")
            assert (answer.status_code, answer["Location"]) == (302, f"/dokument/{document.pk}/")
            page = client.get(f"/anmal/{one.pk}/").text
            assert "skyddad adress" not in page and became in page
            seen[secret, who] = (
                client.get(answer["Location"]).status_code,
                f"/dokument/{document.pk}/om/" in page,
            )
            client.logout()
    refused, read = (403, False), (200, True)
    assert seen == {
        (secret, who): read if who == boss else refused
        for secret in (False, True)
        for who in (teacher, contact, boss)
    }
    assert [row.kind for row in Reading.objects.all()] == ["document"]


def test_a_reported_file_that_the_project_had_already_is_handed_out_as_that_document(
    client, place, teacher, contact, office
):
    boss = factories.person(place, "Strateg Två")
    factories.assignment(boss, Role.STRATEGIST, place)
    project = factories.project(place, owner_unit=factories.unit(place, "Kulturförvaltningen"))
    standing, _notes = add_to_project(
        reader_of(boss, place),
        project,
        SimpleUploadedFile("x.pdf", PDF),
        kind="decision",
        title="Hemligt",
        is_secret=True,
        legal_ground="OSL 26 kap. 1 §",
    )
    factories.login(client, teacher)
    client.post(MAKE, {"title": "Utbyte", "file": SimpleUploadedFile("beslut.pdf", PDF)})
    one = ReportedProject.objects.get()
    assert client.get(f"/anmal/{one.pk}/fil/").status_code == 200  # no document yet
    join_report(reader_of(boss, place), one, project, at=timezone.now(), kind="decision")
    assert client.get(f"/anmal/{one.pk}/fil/")["Location"] == f"/dokument/{standing.pk}/"
    assert client.get(f"/dokument/{standing.pk}/").status_code == 403


def test_another_units_report_is_not_there_and_a_hand_made_post_settles_nothing(
    client, place, teacher, school
):
    other = factories.unit(place, "Tekniska förvaltningen")
    stranger = factories.person(place)
    factories.assignment(stranger, Role.CONTACT_PERSON, place, other)
    one = report(place, teacher, school)
    target = factories.project(place, owner_unit=other)
    factories.login(client, stranger)
    for path, typed in (
        ("", {}),
        ("fil/", {}),
        ("registrera/", {"title": "Utbyte"}),
        ("koppla/", {"project": target.register_id}),
        ("avboj/", {"reason": "Nej"}),
    ):
        assert client.get(f"/anmal/{one.pk}/{path}").status_code in (404, 405)
        assert client.post(f"/anmal/{one.pk}/{path}", typed).status_code in (404, 405)
    one.refresh_from_db()
    assert one.state == ReportState.RECEIVED


def test_who_reported_sees_the_report_and_settles_nothing(client, place, teacher, school, contact):
    one = report(place, teacher, school)
    factories.login(client, teacher)
    page = client.get(f"/anmal/{one.pk}/")
    assert page.status_code == 200
    assert "similar" not in page.context
    assert "/avboj/" not in page.text
    assert client.post(f"/anmal/{one.pk}/avboj/", {"reason": "Nej"}).status_code == 403
    assert client.get(f"/anmal/{one.pk}/registrera/").status_code == 403
    assert client.get("/anmal/lista/").status_code == 403


def test_the_page_shows_what_it_may_be_about_with_the_reasons(place, teacher, school, contact):
    erasmus = Funder.objects.create(municipality=place, name="Erasmus+")
    twin = factories.project(place, "Språkcafé över gränsen")
    period = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
    alike = factories.project(place, "Språkcaféet", funder=erasmus, **period)
    funder_and_time = factories.project(place, "Mobilitet", funder=erasmus, **period)
    factories.project(place, "Bredband")
    factories.project(place, "Mobilitet förr", funder=erasmus, ends_on=date(2020, 1, 1))
    earlier = report(place, teacher, school, "Språkcafé")
    one = report(
        place, teacher, school, funder="erasmus+", starts_on=date(2026, 8, 1), ends_on=date(2027, 7, 31)
    )
    found = similar_to(reader_of(contact, place), one)
    assert {row.project or row.report for row in found} == {twin, alike, funder_and_time, earlier}
    assert found[0].project == twin
    reasons = {row.project or row.report: len(row.reasons) for row in found}
    assert reasons == {twin: 1, alike: 3, funder_and_time: 2, earlier: 1}
    assert all(row.may_be_joined == (row.project is not None) for row in found)


def test_what_is_similar_costs_as_many_queries_at_one_and_at_five(place, teacher, school, contact):
    reader = reader_of(contact, place)
    one = report(place, teacher, school)

    def queries():
        with CaptureQueriesContext(connection) as seen:
            similar_to(reader, one)
        return len(seen)

    factories.project(place, "Språkcafé", owner_unit=school.parent)
    first = queries()
    for number in range(4):
        factories.project(place, f"Språkcafé {number}", owner_unit=school.parent)
        report(place, teacher, school, f"Språkcafé {number}")
    assert queries() == first


# -- Settling ---------------------------------------------------------------------------------------------


def test_it_is_completed_in_the_registers_form_filled_in_with_what_was_said(
    client, place, teacher, school, office, contact
):
    factories.login(client, teacher)
    client.post(
        MAKE,
        {
            "title": "Utbyte",
            "funder": "Erasmus+",
            "amount": "ca 400 tkr",
            "starts": "2026-08",
            "file": SimpleUploadedFile("beslut.pdf", PDF),
        },
    )
    client.logout()
    one = ReportedProject.objects.get()
    factories.login(client, contact)
    address = f"/anmal/{one.pk}/registrera/"
    form = client.get(address).context["form"]
    names = ("title", "funder", "programme", "own_share", "starts", "owner_unit", "units")
    # People say Erasmus+ of who gives the money: the register knows it as a programme.
    assert {name: form[name].value() for name in names} == {
        "title": "Utbyte",
        "funder": Funder.objects.get(programmes__name="Erasmus+").name,
        "programme": "Erasmus+",
        "own_share": "ca 400\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}kr",
        "starts": "2026-08",
        "owner_unit": office.pk,
        "units": [school.pk],
    }
    sent = {
        "title": "Utbyte",
        "funder": "Erasmus+",
        "own_share": "ca 400 tkr",
        "starts": "2026-08",
        "owner_unit": office.pk,
        "units": [school.pk],
        "state": "granted",
        "initiated_by": form["initiated_by"].value(),
        "source": form["source"].value(),
        "document_kind": "decision",
    }
    assert client.post(address, {**sent, "title": ""}).status_code == 422
    Message.objects.update(sent_at=timezone.now())
    answer = client.post(address, sent)
    project = Project.objects.get()
    assert answer.url == project.get_absolute_url()
    assert (project.state, project.owner_unit, project.initiated_by, project.source) == (
        State.GRANTED,
        office,
        "Medarbetare, Kålgårdsskolan",
        "own",
    )
    one.refresh_from_db()
    assert (one.state, one.project, one.settled_by) == (ReportState.REGISTERED, project, contact)
    assert [(row.document.kind, row.document.file) for row in project.documents.all()] == [
        ("decision", one.file)
    ]
    assert Message.objects.filter(sent_at=None).get().recipient == teacher.email
    assert project.register_id in Message.objects.filter(sent_at=None).get().body
    # The second to settle it is told, and nothing more is registered.
    again = client.post(address, sent, follow=True)
    assert contact.name in again.text
    assert Project.objects.count() == 1


def test_it_is_joined_to_a_known_project_by_register_id(client, place, teacher, school, office, contact):
    known = factories.project(place, "Språkcafé", owner_unit=office)
    gone = factories.project(
        place, "Fel", owner_unit=office, withdrawn_at=timezone.now(), withdrawn_reason="Dubblett"
    )
    one = report(place, teacher, school)
    factories.login(client, contact)
    for wrong in ("", "P-2026-999", "Språkcafé", gone.register_id):
        page = client.post(f"/anmal/{one.pk}/koppla/", {"project": wrong})
        assert page.status_code == 422
        assert list(page.context["form"].errors) == ["project"]
    client.post(f"/anmal/{one.pk}/koppla/", {"project": known.register_id})
    one.refresh_from_db()
    assert (one.state, one.project) == (ReportState.JOINED, known)
    assert known.register_id in Message.objects.get().body


def test_what_the_file_is_is_asked_for_and_never_guessed(client, place, teacher, school, office, contact):
    known = factories.project(place, "Utbyte", owner_unit=office)
    one = report(place, teacher, school, "Utbyte", file=attachments.store(place, "brev.pdf", PDF))
    factories.login(client, contact)
    page = client.get(f"/anmal/{one.pk}/")
    assert '<option value="decision" selected' not in page.text
    assert [similar.project for similar in page.context["similar"]] == [known]
    assert page.text.count('name="kind"') == 2
    address = f"/anmal/{one.pk}/koppla/"
    refused = client.post(address, {"project": known.register_id})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["kind"])
    registering = client.get(f"/anmal/{one.pk}/registrera/").context["form"]
    assert registering["document_kind"].value() in (None, "")
    client.post(address, {"project": known.register_id, "kind": "other"})
    assert [row.document.kind for row in known.documents.all()] == ["other"]


def test_the_form_that_completes_a_report_asks_first_how_far_it_has_come(
    client, place, teacher, school, office, contact
):
    one = report(place, teacher, school, file=attachments.store(place, "beslut.pdf", PDF))
    factories.login(client, contact)
    form = client.get(f"/anmal/{one.pk}/registrera/").context["form"]
    first, *others = form.field_groups
    assert [field.name for field in first.rows[0]] == ["state", "document_kind"]
    assert first.rows[0][0].help_text
    # What is only proposed opens no fold; what is wrong does.
    assert not any(group.opens for group in others if group.folded)
    refused = client.post(f"/anmal/{one.pk}/registrera/", {"title": "X", "parties": "; ; ;"})
    assert [group.opens for group in refused.context["form"].field_groups if group.folded].count(True) == 1


def test_a_report_with_a_file_alone_says_that_there_is_one(place, teacher, school, contact):
    report(place, teacher, school, file=attachments.store(place, "beslut.pdf", PDF))
    (task,) = reports_to_settle(reader_of(contact, place))
    assert "No more than the title" not in task.why and "Bara titeln" not in task.why


def test_what_waits_is_listed_with_the_oldest_first(client, place, teacher, school, contact):
    pks = [report(place, teacher, school, f"Nummer {number}").pk for number in range(3)]
    factories.login(client, contact)

    def listed(query):
        rows = client.get(f"/anmal/lista/{query}").context["listing"].rows
        return [int(row[0].href.strip("/").split("/")[-1]) for row in rows]

    assert listed("?vantar=on") == pks
    assert listed("") == pks[::-1]


def test_a_file_goes_along_only_where_who_joins_adds_documents(place, teacher, school, office, contact):
    other = factories.unit(place, "Tekniska förvaltningen")
    file = attachments.store(place, "beslut.pdf", PDF)
    ours = factories.project(place, "Vårt", owner_unit=office)
    theirs = factories.project(place, "Deras", owner_unit=other)
    reader = reader_of(contact, place)
    assert join_report(reader, report(place, teacher, school, file=file), ours, at=timezone.now())
    assert not join_report(reader, report(place, teacher, school, file=file), theirs, at=timezone.now())
    # The same file twice is one document.
    assert join_report(reader, report(place, teacher, school, file=file), ours, at=timezone.now())
    assert (ours.documents.count(), theirs.documents.count()) == (1, 0)


def test_another_municipalitys_project_is_no_known_project(client, place, teacher, school, contact):
    foreign = factories.municipality("Bergstads kommun")
    with scope(foreign.pk):
        elsewhere = factories.project(foreign, "Språkcafé", register_number=77)
    one = report(place, teacher, school)
    factories.login(client, contact)
    assert client.post(f"/anmal/{one.pk}/koppla/", {"project": elsewhere.register_id}).status_code == 422


def test_it_is_declined_with_a_reason_that_the_reporter_reads(client, place, teacher, school, contact):
    one = report(place, teacher, school)
    factories.login(client, contact)
    assert client.post(f"/anmal/{one.pk}/avboj/", {"reason": " "}).status_code == 422
    # Opened again, as by a change of language after a refusal, it is the report's page.
    for form in ("avboj", "koppla"):
        assert client.get(f"/anmal/{one.pk}/{form}/")["Location"] == f"/anmal/{one.pk}/"
        assert client.delete(f"/anmal/{one.pk}/{form}/").status_code == 405
    client.post(f"/anmal/{one.pk}/avboj/", {"reason": "Inga externa medel"})
    one.refresh_from_db()
    assert (one.state, one.reason, one.settled_by) == (ReportState.DECLINED, "Inga externa medel", contact)
    assert "Inga externa medel" in Message.objects.get().body
    client.logout()
    factories.login(client, teacher)
    assert "Inga externa medel" in client.get("/anmal/mina/").text


def test_what_the_database_refuses_of_a_settling_is_told_in_a_sentence(
    client, place, teacher, school, office, contact, monkeypatch
):
    def refuse(*args, **kwargs):
        ReportedProject.objects.filter(pk=one.pk).update(settled_by=stranger)

    foreign = factories.municipality("Bergstads kommun")
    with scope(foreign.pk):
        stranger = factories.person(foreign)
    known = factories.project(place, "Språkcafé", owner_unit=office)
    one = report(place, teacher, school)
    factories.login(client, contact)
    monkeypatch.setattr("projects.reports_in._settle", refuse)
    joined = client.post(f"/anmal/{one.pk}/koppla/", {"project": known.register_id})
    declined = client.post(f"/anmal/{one.pk}/avboj/", {"reason": "Inga externa medel"})
    sentence = str(MESSAGES["settled_by_works_here"])
    for answer in (joined, declined):
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True)


def test_a_project_withdrawn_since_the_page_was_opened_takes_no_report(
    place, teacher, school, office, contact
):
    known = factories.project(place, "Språkcafé", owner_unit=office)
    Project.objects.filter(pk=known.pk).update(withdrawn_at=timezone.now(), withdrawn_reason="Dubblett")
    with pytest.raises(PermissionDenied):
        join_report(reader_of(contact, place), report(place, teacher, school), known, at=timezone.now())


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_currency": "EUR"},
        {"amount_approximate": True},
        {"starts_precision": "month"},
        {"ends_precision": "month"},
        {"by_mail": True},
    ],
)
def test_what_was_reported_stays_as_it_was_said(place, teacher, school, changed):
    one = report(place, teacher, school, amount=400_000)
    with pytest.raises(ProgrammingError, match="stays_as_it_was_said"), transaction.atomic():
        ReportedProject.objects.filter(pk=one.pk).update(**changed)


def test_the_second_of_two_who_settle_it_changes_nothing(place, teacher, school, contact):
    one = report(place, teacher, school)
    decline_report(reader_of(contact, place), one, reason="Nej", at=timezone.now())
    with pytest.raises(AlreadySettled):
        decline_report(reader_of(strategist(place), place), one, reason="Nej!", at=timezone.now())
    one.refresh_from_db()
    assert (one.reason, len(mails())) == ("Nej", 1)


def test_the_strategist_acts_for_a_vacant_unit_marked_so_in_the_history(place, teacher, school):
    acting, one = strategist(place), report(place, teacher, school)
    with history.context(person=acting.pk, municipality=place.pk):
        decline_report(reader_of(acting, place), one, reason="Nej", at=timezone.now())
    (told,) = [act.reason for act in history.acts(one) if act.person_id == acting.pk]
    assert told.startswith("Nej")
    assert school.name in told


def test_own_reports_stand_alone_on_their_page(client, place, teacher, school):
    other = factories.person(place)
    factories.assignment(other, Role.EMPLOYEE, place, school)
    report(place, teacher, school, "Mitt")
    report(place, other, school, "Annans")
    factories.login(client, teacher)
    assert [cells[0].text for cells in client.get("/anmal/mina/").context["listing"].rows] == ["Mitt"]


def test_the_list_is_filtered_by_text_state_unit_and_day(client, place, teacher, school, office):
    other = factories.unit(place, "Tekniska förvaltningen")
    report(place, teacher, school, "Språkcafé", funder="Erasmus+")
    report(place, teacher, other, "Cykelväg")
    report(place, teacher, None, "Utan enhet")
    factories.login(client, strategist(place))

    def found(**chosen):
        return sorted(cells[0].text for cells in client.get("/anmal/lista/", chosen).context["listing"].rows)

    assert found() == ["Cykelväg", "Språkcafé", "Utan enhet"]
    assert found(q="erasmus") == ["Språkcafé"]
    assert found(enhet=office.pk) == ["Språkcafé"]
    assert found(enhet="saknas") == ["Utan enhet"]
    assert found(lage="declined") == []
    assert found(fran="2999-01-01") == []
    assert found(till="2999-01-01") == ["Cykelväg", "Språkcafé", "Utan enhet"]
    assert client.get("/anmal/lista/", {"format": "csv"}).status_code == 200


# -- Without an account -----------------------------------------------------------------------------------


@pytest.fixture
def domain(place):
    place.takes_reports_by_mail = True
    place.save()
    MailDomain.objects.create(municipality=place, domain="sjostad.example")
    return "sjostad.example"


def opened_before(seconds=10):
    return signing.dumps(timezone.now().timestamp() - seconds, salt=report_forms._SALT)


def ask(client, address, **fields):
    return client.post("/anmal/utan-konto/", {"email": address, "opened": opened_before(), **fields})


def without_token(answer):
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.text)


def link_of(place):
    with scope(place.pk):
        body = Message.objects.filter(body__contains="/anmal/utan-konto/").latest("pk").body
    found = re.search(r"/anmal/utan-konto/\S+", body)
    assert found
    return found[0]


def test_where_no_municipality_has_switched_it_on_there_is_no_such_page(client, place):
    assert client.get("/anmal/utan-konto/").status_code == 404
    assert "/anmal/utan-konto/" not in client.get(reverse("help")).text
    assert client.post("/anmal/utan-konto/", {"email": "a@sjostad.example"}).status_code == 404


def test_who_has_no_account_reports_through_a_mailed_link_and_reads_the_outcome_by_mail(
    client, place, domain, school, contact
):
    assert "/anmal/utan-konto/" in client.get(reverse("help")).text
    assert place.name in client.get("/anmal/utan-konto/").text
    assert ask(client, "Anna.Ek@Sjostad.example").status_code == 200
    address = link_of(place)
    # Mail scanners open links: nothing comes of it.
    for _ in range(3):
        assert client.get(address).status_code == 200
    assert not ReportedProject.objects.exists()
    assert not Person.objects.filter(email="anna.ek@sjostad.example").exists()
    typed = {"title": "Utbyte", "amount": "ca 400 tkr", "name": "Anna Ek", "unit": school.pk}
    assert client.post(address, {**typed, "opened": opened_before(), "name": ""}).status_code == 422
    thanks = client.post(address, {**typed, "opened": opened_before()})
    assert "400\N{NO-BREAK SPACE}000" in thanks.text
    one = ReportedProject.objects.get()
    assert (one.by_mail, one.unit, one.reported_by.name, one.reported_by.email) == (
        True,
        school,
        "Anna Ek",
        "anna.ek@sjostad.example",
    )
    given = Assignment.objects.get(person=one.reported_by)
    assert (given.role, given.unit) == (Role.EMPLOYEE, school)
    assert not Account.objects.filter(person=one.reported_by).exists()
    assert len(waiting(contact, place)) == 1
    decline_report(reader_of(contact, place), one, reason="Inga externa medel", at=timezone.now())
    told = Message.objects.latest("pk")
    assert told.recipient == "anna.ek@sjostad.example"
    assert "/anmal/mina/" not in told.body
    # The link works once.
    again = client.post(address, {**typed, "opened": opened_before()})
    assert (again.status_code, client.get(address).status_code) == (410, 410)
    assert ReportedProject.objects.count() == 1


def test_who_is_known_reports_as_the_same_person(client, place, domain, school, teacher):
    teacher.email = "larare@sjostad.example"
    teacher.save()
    ask(client, "larare@sjostad.example")
    client.post(link_of(place), {"title": "Utbyte", "name": "Någon annan", "opened": opened_before()})
    assert ReportedProject.objects.get().reported_by == teacher
    assert Assignment.objects.filter(person=teacher).count() == 1
    teacher.refresh_from_db()
    assert teacher.name == "Lärare Ett"


def test_who_is_known_elsewhere_alone_becomes_an_employee_here(client, place, domain):
    elsewhere = factories.municipality("Bergstads kommun")
    with scope(elsewhere.pk):
        who = factories.person(elsewhere, email="bytt@sjostad.example")
        factories.assignment(who, Role.READER, elsewhere)
    ask(client, "bytt@sjostad.example")
    client.post(link_of(place), {"title": "Utbyte", "name": "Ny Namnsdotter", "opened": opened_before()})
    assert ReportedProject.objects.get().reported_by_id == who.pk
    assert [one.role for one in Assignment.objects.filter(person=who)] == [Role.EMPLOYEE]


def test_the_answer_is_the_same_whatever_the_address_is(client, place, domain, teacher):
    teacher.email = "larare@sjostad.example"
    teacher.save()
    answers = [
        ask(client, address)
        for address in ("larare@sjostad.example", "okand@sjostad.example", "nagon@annan.example")
    ]
    assert {(answer.status_code, without_token(answer)) for answer in answers} == {
        (200, without_token(answers[0]))
    }
    assert [recipient for recipient, _subject in mails()] == [
        "larare@sjostad.example",
        "okand@sjostad.example",
    ]


def test_a_municipality_that_switched_it_off_sends_nothing_and_its_links_work_no_longer(
    client, place, domain
):
    ask(client, "a@sjostad.example")
    address = link_of(place)
    other = factories.municipality("Bergstads kommun", takes_reports_by_mail=True)
    place.takes_reports_by_mail = False
    place.save()
    ask(client, "b@sjostad.example")
    assert len(mails()) == 1
    assert client.get(address).status_code == 410
    assert other.name in client.get("/anmal/utan-konto/").text


def test_a_link_that_was_tampered_with_or_has_expired_stores_nothing(client, place, domain, monkeypatch):
    ask(client, "a@sjostad.example")
    address = link_of(place)
    typed = {"title": "Utbyte", "name": "Anna Ek", "opened": opened_before()}
    for wrong in (address[:-3] + "xx/", "/anmal/utan-konto/hej/", address.replace(":", ";", 1)):
        assert client.get(wrong).status_code == 410
        assert client.post(wrong, typed).status_code == 410
    link = ReportLink.objects.get()
    # Another salt is another purpose.
    other = signing.dumps([place.pk, link.pk], salt="another")
    assert client.get(f"/anmal/utan-konto/{other}/").status_code == 410
    monkeypatch.setattr(reports_in, "LINK_WORKS", -LINK_WORKS)
    assert client.get(address).status_code == 410
    assert not ReportedProject.objects.exists()


def test_a_robot_that_fills_in_what_nobody_sees_is_thanked_and_nothing_happens(client, place, domain):
    assert ask(client, "a@sjostad.example", website="http://spam.example").status_code == 200
    assert mails() == []
    ask(client, "a@sjostad.example")
    address = link_of(place)
    typed = {"title": "Utbyte", "name": "Anna Ek", "opened": opened_before()}
    assert client.post(address, {**typed, "website": "x"}).status_code == 200
    assert not ReportedProject.objects.exists()


@pytest.mark.parametrize("opened", ["", "x:y:z", None, "too long ago"])
def test_a_form_sent_at_once_or_with_a_forged_time_is_kindly_asked_for_again(client, place, domain, opened):
    mark = {
        None: opened_before(0),
        "too long ago": opened_before(),
    }.get(opened, opened)
    page = client.post("/anmal/utan-konto/", {"email": "a@sjostad.example", "opened": mark})
    if opened == "too long ago":
        assert page.status_code == 200
        return
    assert page.status_code == 422
    assert 'value="a@sjostad.example"' in page.text
    assert mails() == []


def test_an_address_gets_few_links_in_an_hour_and_nobody_is_told(client, place, domain):
    answers = [without_token(ask(client, "a@sjostad.example")) for _ in range(LINKS_TO_AN_ADDRESS + 2)]
    assert len(set(answers)) == 1
    assert len(mails()) == LINKS_TO_AN_ADDRESS


def test_one_network_address_gets_no_more_than_its_share(client, place, domain, monkeypatch):
    monkeypatch.setattr(reports_in, "LINKS_FROM_A_NETWORK", 2)
    statuses = [ask(client, f"a{number}@sjostad.example").status_code for number in range(3)]
    assert statuses == [200, 200, 429]
    elsewhere = client.post(
        "/anmal/utan-konto/",
        {"email": "b@sjostad.example", "opened": opened_before()},
        REMOTE_ADDR="192.0.2.7",
    )
    assert elsewhere.status_code == 200
    assert len(mails()) == 3


def test_a_flood_from_many_addresses_is_stopped_at_the_municipalitys_limit(place, domain, monkeypatch):
    monkeypatch.setattr(reports_in, "LINKS_IN_A_MUNICIPALITY", 4)
    for number in range(30):
        ask_for_link(f"a{number}@sjostad.example", network=f"n{number}", now=timezone.now())
    assert (len(mails()), ReportLink.objects.count()) == (4, 4)


def test_old_links_are_taken_away(place, domain):
    ask_for_link("a@sjostad.example", network="", now=timezone.now())
    ask_for_link("b@sjostad.example", network="", now=timezone.now() + timedelta(days=3))
    assert [link.address for link in ReportLink.objects.all()] == ["b@sjostad.example"]


def test_who_is_logged_in_is_led_to_the_ordinary_form(client, place, domain, teacher):
    factories.login(client, teacher)
    assert client.get("/anmal/utan-konto/").url == MAKE
    assert client.get("/anmal/utan-konto/x/").url == MAKE


def test_a_partial_date_of_a_year_alone_asks_for_the_month(client, place, teacher):
    factories.login(client, teacher)
    page = client.post(MAKE, {"title": "Utbyte", "starts": "2026"})
    assert list(page.context["form"].errors) == ["starts"]
    assert parse_partial_date("2026-08").first == date(2026, 8, 1)
