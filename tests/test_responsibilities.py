"""The page Responsibilities: who answers for what, where nobody does, and who may change it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django import forms
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pages.forms import constraint_message, constraint_name
from strategy import history
from strategy.models import Account, Assignment, Message, Person, Role, UnitKind
from strategy.responsibilities import (
    MESSAGES,
    Somebody,
    change_assignment,
    end_assignment,
    gaps,
    give_assignment,
    may_change,
    may_give,
    may_shorten,
    roles_given_by,
    units_given_by,
)
from strategy.walls import scope
from tests import factories
from tests.factories import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return factories.municipality()


@pytest.fixture(autouse=True)
def mail_goes_to_the_outbox(settings):
    settings.EMAIL_BACKEND = "strategy.messages.OutboxBackend"


@pytest.fixture
def inside(place):
    with scope(place.pk):
        yield place


def outbox():
    with scope(installation=True):
        return list(Message.objects.all())


def give(reader, who=None, role=Role.CONTACT_PERSON, unit=None, **fields):
    fields.setdefault("starts_on", TODAY)
    who = who or Somebody(name="Ny Person", email="ny@example.org")
    return give_assignment(reader, who, role=role, unit=unit, **fields)


def test_every_constraint_of_people_and_organisation_has_a_sentence():
    from strategy import organisation
    from strategy.models import (
        BoardService,
        MailDomain,
        Municipality,
        MunicipalityMember,
        Population,
        Unit,
        UnitName,
    )

    models = (
        Person,
        Account,
        Assignment,
        Municipality,
        MunicipalityMember,
        Population,
        Unit,
        UnitName,
        BoardService,
        MailDomain,
    )
    names = {constraint.name for model in models for constraint in model._meta.constraints}
    said = set(MESSAGES) | set(organisation.MESSAGES)
    # The key that composite references lead to is never typed; these speak from triggers.
    assert names - {"unit_key_with_municipality"} == said - {
        "unit_tree_has_no_cycle",
        "unit_stays_what_it_is",
        "board_service_is_to_a_board",
        "strategy_maildomain_domain_key",  # a unique field, named by Django
    }


# -- Who may give what --------------------------------------------------------------------------------------


def test_the_administrator_gives_every_role_and_leaders_two(inside):
    unit = factories.unit(inside)
    given = {
        role: roles_given_by(
            factories.reader(inside, role, unit if role not in (Role.ADMINISTRATOR, Role.AUDITOR) else None)
        )
        for role in Role
    }
    leaders = (Role.CONTACT_PERSON, Role.PROJECT_MANAGER)
    assert {role: roles for role, roles in given.items() if roles} == {
        Role.ADMINISTRATOR: given[Role.ADMINISTRATOR],
        Role.STRATEGIST: leaders,
        Role.HEAD: leaders,
    }
    assert set(given[Role.ADMINISTRATOR]) == set(Role)


def test_a_head_gives_in_the_own_unit_and_what_lies_below_it_alone(inside):
    own, other = factories.unit(inside), factories.unit(inside, "Kulturförvaltningen")
    below = factories.unit(inside, "Hemtjänsten", kind=UnitKind.DEPARTMENT, parent=own)
    head = factories.reader(inside, Role.HEAD, own)
    assert [bool(may_give(head, Role.CONTACT_PERSON, unit)) for unit in (own, below, other, None)] == [
        True,
        True,
        False,
        False,
    ]
    assert list(units_given_by(head, TODAY)) == [below, own]
    assert not may_give(head, Role.ECONOMIST, own)


def test_nobody_gives_an_own_assignment_not_even_by_the_own_address(inside):
    admin = factories.reader(inside, Role.ADMINISTRATOR)
    unit = factories.unit(inside)
    for who in (Somebody(known=admin.person), Somebody(name="Jag", email=admin.person.email.upper())):
        with pytest.raises(PermissionDenied):
            give(admin, who, unit=unit)
    assert Assignment.objects.filter(person=admin.person).count() == 1


def test_an_own_assignment_may_be_shortened_but_not_prolonged_or_changed(inside):
    strategist = factories.reader(inside, Role.STRATEGIST)
    unit = factories.unit(inside)
    last = TODAY + timedelta(days=100)
    own = factories.assignment(strategist.person, Role.PROJECT_MANAGER, inside, unit, ends_on=last)
    assert (bool(may_change(strategist, own)), bool(may_shorten(strategist, own))) == (False, True)
    for fields in (
        {"starts_on": own.starts_on, "ends_on": None},
        {"starts_on": own.starts_on, "ends_on": last + timedelta(days=1)},
        {"starts_on": own.starts_on - timedelta(days=1), "ends_on": own.ends_on},
    ):
        with pytest.raises(PermissionDenied):
            change_assignment(strategist, own, reason="Behövs", **fields)
    end_assignment(strategist, own, last_day=TODAY, reason="Slutar")
    own.refresh_from_db()
    assert own.ends_on == TODAY


def test_what_is_over_is_ended_no_earlier_but_its_dates_may_be_corrected(client, place):
    with scope(place.pk):
        unit = factories.unit(place)
        days = {"starts_on": date(2019, 1, 1), "ends_on": date(2022, 12, 31)}
        over = factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit, **days)
    admin = as_role(client, place, Role.ADMINISTRATOR)
    with scope(place.pk):
        own = factories.assignment(admin.person, Role.PROJECT_MANAGER, place, unit, **days)
        for one in (over, own):
            assert not may_shorten(admin, one)
            with pytest.raises(PermissionDenied):
                end_assignment(admin, one, last_day=date(2020, 6, 30), reason="Skrivs om")
        with pytest.raises(PermissionDenied):
            change_assignment(
                admin, own, starts_on=own.starts_on, ends_on=date(2020, 6, 30), reason="Skrivs om"
            )
    assert "/avsluta/" not in client.get(f"/ansvar/{over.pk}/").content.decode()
    ended = {"last_day": "2020-06-30", "reason": "Skrivs om", "version": "1"}
    assert client.post(f"/ansvar/{over.pk}/avsluta/", ended).status_code == 403
    corrected = {"starts_on": "2019-01-01", "ends_on": "2020-06-30", "reason": "Fel år", "version": "1"}
    assert client.post(f"/ansvar/{over.pk}/andra/", corrected).status_code == 302
    with scope(place.pk):
        assert list(
            Assignment.objects.filter(unit=unit).order_by("pk").values_list("ends_on", flat=True)
        ) == [
            date(2020, 6, 30),
            date(2022, 12, 31),
        ]


def test_the_last_administrator_is_not_ended_before_another_is_named(client, place):
    admin = as_role(client, place, Role.ADMINISTRATOR)
    with scope(place.pk):
        own = admin.person.assignments.get()
        with pytest.raises(PermissionDenied):
            end_assignment(admin, own, last_day=TODAY, reason="Slutar")
    ended = {"last_day": TODAY.isoformat(), "reason": "Slutar", "version": "1"}
    refused = client.post(f"/ansvar/{own.pk}/avsluta/", ended)
    assert list(refused.context["form"].errors) == ["last_day"]
    with scope(place.pk):
        late = factories.assignment(
            factories.person(place), Role.ADMINISTRATOR, place, starts_on=TODAY + timedelta(days=2)
        )
    assert list(client.post(f"/ansvar/{own.pk}/avsluta/", ended).context["form"].errors) == ["last_day"]
    dates = {"ends_on": "", "reason": "Genast", "version": "1"}
    assert client.post(f"/ansvar/{late.pk}/andra/", {**dates, "starts_on": "2026-11-21"}).status_code == 302
    # The other one is the last in turn.
    shortened = {**dates, "starts_on": "2026-11-21", "ends_on": "2026-12-31", "version": "2"}
    assert client.post(f"/ansvar/{late.pk}/andra/", shortened).status_code == 302
    assert client.post(f"/ansvar/{own.pk}/avsluta/", ended).status_code == 302
    sooner = {**shortened, "ends_on": "2026-12-01", "version": "3"}
    with scope(place.pk):
        factories.login(
            client, factories.reader(place, Role.ADMINISTRATOR, ends_on=date(2026, 11, 30)).person
        )
    assert list(client.post(f"/ansvar/{late.pk}/andra/", sooner).context["form"].errors) == ["ends_on"]


def test_a_strategists_own_role_is_the_administrators_even_to_shorten(inside):
    strategist = factories.reader(inside, Role.STRATEGIST)
    assert not may_shorten(strategist, strategist.person.assignments.get())


@pytest.mark.parametrize(
    "role", [Role.STRATEGIST, Role.HEAD, Role.CONTACT_PERSON, Role.AUDITOR, Role.EMPLOYEE]
)
def test_an_auditor_is_invited_by_the_administrator_alone(inside, role):
    unit = factories.unit(inside)
    asks = factories.reader(inside, role, None if role == Role.AUDITOR else unit)
    with pytest.raises(PermissionDenied):
        give(asks, role=Role.AUDITOR, ends_on=TODAY + timedelta(days=30))
    assert not Assignment.objects.filter(person__email="ny@example.org").exists()


# -- What giving leads to -----------------------------------------------------------------------------------


def test_an_auditor_is_invited_by_mail_with_an_address_that_works_once(place, client):
    with scope(place.pk):
        admin = factories.reader(place, Role.ADMINISTRATOR)
        auditor = give(admin, role=Role.AUDITOR, ends_on=TODAY + timedelta(days=30))
        account = Account.objects.get(person=auditor.person)
    (message,) = outbox()
    assert (message.recipient, account.has_usable_password()) == ("ny@example.org", False)
    assert "http://127.0.0.1:8000/konto/" in message.body
    assert (TODAY + timedelta(days=30)).isoformat() in message.body
    (address,) = [line for line in message.body.splitlines() if "/key/" in line]
    path = address.removeprefix("http://127.0.0.1:8000")
    form = client.get(path, follow=True)
    assert form.status_code == 200
    new = {"password1": "hemligt nog för alla", "password2": "hemligt nog för alla"}
    assert client.post(form.redirect_chain[-1][0], new).status_code == 302
    account.refresh_from_db()
    assert account.check_password("hemligt nog för alla")
    again = client.get(path, follow=True)
    assert again.context["token_fail"] is True


def test_who_is_known_in_another_municipality_gets_an_assignment_by_address_alone(place):
    elsewhere = factories.municipality("Åby kommun")
    with scope(elsewhere.pk):
        known = factories.person(elsewhere, "Anna Ek", email="anna.ek@example.org")
        factories.assignment(known, Role.STRATEGIST, elsewhere)
    with scope(place.pk):
        admin = factories.reader(place, Role.ADMINISTRATOR)
        assert not Person.objects.filter(pk=known.pk).exists()
        given = give(admin, Somebody(name="Anna E", email="Anna.Ek@example.org"), role=Role.STRATEGIST)
        assert (given.person_id, given.person.name) == (known.pk, "Anna Ek")
        assert (
            Assignment.objects.count() == 2
        )  # the administrator's and this; the other stays behind its wall


def test_each_change_stands_in_the_history_with_its_reason(inside):
    admin = factories.reader(inside, Role.ADMINISTRATOR)
    unit = factories.unit(inside)
    with history.context(person=admin.person.pk, municipality=inside.pk, page="/ansvar/nytt/"):
        given = give(admin, unit=unit, reason="Enligt beslut 12")
    with history.context(person=admin.person.pk, municipality=inside.pk, page="/ansvar/1/avsluta/"):
        end_assignment(admin, given, last_day=TODAY, reason="Byter tjänst")
    told = history.acts(given)
    assert [(act.who, act.reason, act.kind) for act in told] == [
        (admin.person.name, "Byter tjänst", "changed"),
        (admin.person.name, "Enligt beslut 12", "created"),
    ]
    assert [(one.before, one.after) for one in told[0].differences] == [("", TODAY.isoformat())]


# -- What the database refuses ------------------------------------------------------------------------------


def refused(make) -> str:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        make()
    name = constraint_name(caught.value) or ""
    assert constraint_message(caught.value) == str(MESSAGES[name])
    return name


def test_the_database_refuses_a_second_ordinary_contact_person_on_one_day(inside):
    unit = factories.unit(inside)
    factories.assignment(
        factories.person(inside), Role.CONTACT_PERSON, inside, unit, starts_on=TODAY, ends_on=TODAY
    )
    other = factories.person(inside)

    def take(first, last=None, subject=""):
        return Assignment.objects.create(
            municipality=inside,
            person=other,
            role=Role.CONTACT_PERSON,
            unit=unit,
            starts_on=first,
            ends_on=last,
            subject=subject,
        )

    assert refused(lambda: take(TODAY)) == "one_ordinary_contact_person_at_a_time"
    assert refused(lambda: take(date(2020, 1, 1))) == "one_ordinary_contact_person_at_a_time"
    assert take(TODAY, subject="Erasmus+").pk
    assert take(TODAY + timedelta(days=1)).pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("medel_app",)


def test_the_database_refuses_an_auditor_without_an_end_and_roles_in_the_wrong_place(inside):
    unit, who = factories.unit(inside), factories.person(inside)

    def take(role, at=None, **fields):
        fields.setdefault("starts_on", TODAY)
        return lambda: Assignment.objects.create(
            municipality=inside, person=who, role=role, unit=at, **fields
        )

    assert [
        refused(take(Role.AUDITOR)),
        refused(take(Role.CONTACT_PERSON)),
        refused(take(Role.ADMINISTRATOR, unit)),
        refused(take(Role.HEAD, unit, subject="Klimat")),
        refused(take(Role.READER, ends_on=TODAY - timedelta(days=1))),
    ] == [
        "auditor_has_an_end_date",
        "role_needs_a_unit",
        "role_is_for_the_whole_municipality",
        "only_a_contact_person_has_a_subject",
        "assignment_ends_after_it_starts",
    ]


# -- Where nobody answers -----------------------------------------------------------------------------------


def test_vacancies_are_owning_units_without_an_ordinary_contact_person_on_the_day(inside):
    reader = factories.reader(inside, Role.STRATEGIST)
    social = factories.unit(inside)
    culture = factories.unit(inside, "Kulturförvaltningen")
    factories.unit(inside, "Nedlagda förvaltningen", valid_to=TODAY - timedelta(days=1))
    factories.unit(inside, "Socialnämnden", kind=UnitKind.BOARD)
    factories.unit(inside, "Skolan", kind=UnitKind.SCHOOL, parent=social)
    factories.assignment(
        factories.person(inside), Role.CONTACT_PERSON, inside, social, ends_on=TODAY + timedelta(days=60)
    )
    factories.assignment(factories.person(inside), Role.CONTACT_PERSON, inside, culture, subject="Bibliotek")
    lacking = gaps(reader, TODAY)
    assert [vacancy.unit for vacancy in lacking.vacancies] == [culture]
    assert [(one.assignment.unit, one.last_day) for one in lacking.endings] == [
        (social, TODAY + timedelta(days=60))
    ]
    assert lacking.acting == (reader.person,)
    assert [vacancy.unit for vacancy in gaps(reader, TODAY + timedelta(days=61)).vacancies] == [
        culture,
        social,
    ]


def test_an_end_that_somebody_follows_on_the_next_day_is_no_gap(inside):
    reader = factories.reader(inside, Role.STRATEGIST)
    unit = factories.unit(inside)
    factories.assignment(
        factories.person(inside), Role.CONTACT_PERSON, inside, unit, ends_on=TODAY + timedelta(days=5)
    )
    factories.assignment(
        factories.person(inside), Role.CONTACT_PERSON, inside, unit, starts_on=TODAY + timedelta(days=6)
    )
    assert gaps(reader, TODAY).endings == ()


def test_a_colleague_in_the_same_role_does_not_hide_an_end(inside):
    reader = factories.reader(inside, Role.STRATEGIST)
    unit = factories.unit(inside)
    factories.assignment(factories.person(inside), Role.PROJECT_MANAGER, inside, unit)
    ending = factories.assignment(
        factories.person(inside), Role.PROJECT_MANAGER, inside, unit, ends_on=TODAY + timedelta(days=5)
    )
    assert [one.assignment for one in gaps(reader, TODAY).endings] == [ending]


def test_gaps_take_as_many_queries_for_five_units_as_for_one(inside, django_assert_num_queries):
    reader = factories.reader(inside, Role.STRATEGIST)
    factories.unit(inside, "A")
    with django_assert_num_queries(2):
        gaps(reader, TODAY)
    for name in "BCDE":
        unit = factories.unit(inside, name)
        factories.assignment(
            factories.person(inside), Role.CONTACT_PERSON, inside, unit, ends_on=TODAY + timedelta(days=3)
        )
    with django_assert_num_queries(2):
        assert len(gaps(reader, TODAY).endings) == 4


# -- The pages ----------------------------------------------------------------------------------------------


def as_role(client, place, role, unit=None):
    with scope(place.pk):
        reader = factories.reader(place, role, unit)
        factories.login(client, reader.person)
    return reader


def test_the_page_shows_vacancies_first_and_everybody_by_unit_and_role(client, place):
    admin = as_role(client, place, Role.ADMINISTRATOR)
    with scope(place.pk):
        social, culture = factories.unit(place), factories.unit(place, "Kulturförvaltningen")
        contact = factories.person(place, "Karin Kontakt")
        factories.assignment(contact, Role.CONTACT_PERSON, place, social)
        factories.assignment(factories.person(place, "Hans Chef"), Role.HEAD, place, social)
        factories.assignment(
            factories.person(place, "Förre"), Role.HEAD, place, social, ends_on=date(2021, 1, 1)
        )
    page = client.get("/ansvar/")
    assert page.status_code == 200
    assert [item.title for item in page.context["vacancies"]] == ["Kulturförvaltningen"]
    assert page.context["vacancies"][0].url == f"/ansvar/nytt/?enhet={culture.pk}&roll=contact_person"
    assert [tuple(cell.text for cell in cells[:3]) for cells in page.context["listing"].rows] == [
        (page.context["listing"].rows[0][0].text, str(Role.ADMINISTRATOR.label), admin.person.name),
        ("Socialförvaltningen", str(Role.CONTACT_PERSON.label), "Karin Kontakt"),
        ("Socialförvaltningen", str(Role.HEAD.label), "Hans Chef"),
    ]
    then = client.get("/ansvar/?dag=2020-06-01")
    assert "Förre" in {cells[2].text for cells in then.context["listing"].rows}
    assert client.get("/ansvar/?dag=2020-13-01").context["listing"].rows == ()
    assert "Karin Kontakt" in client.get("/ansvar/?format=csv").content.decode("utf-8-sig")


def test_the_page_takes_as_many_queries_for_five_assignments_as_for_one(client, place):
    as_role(client, place, Role.ADMINISTRATOR)
    counts = []
    for names in ("A", "BCDE"):
        with scope(place.pk):
            for name in names:
                unit = factories.unit(place, name)
                factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
                factories.unit(place, f"Vakant {name}")
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/ansvar/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[1] <= 22


PAGES = ("/ansvar/nytt/", "/ansvar/{pk}/andra/", "/ansvar/{pk}/avsluta/")


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.ADMINISTRATOR, (200, 200, 200)),
        (Role.STRATEGIST, (200, 200, 200)),
        (Role.HEAD, (200, 200, 200)),
        (Role.CONTACT_PERSON, (403, 403, 403)),
        (Role.READER, (403, 403, 403)),
        (Role.AUDITOR, (403, 403, 403)),
        (Role.EMPLOYEE, (403, 403, 403)),
    ],
)
def test_who_opens_the_pages_that_change_responsibilities(client, place, role, expected):
    with scope(place.pk):
        unit = factories.unit(place)
        given = factories.assignment(factories.person(place), Role.PROJECT_MANAGER, place, unit)
    as_role(client, place, role, None if role in (Role.ADMINISTRATOR, Role.AUDITOR) else unit)
    assert tuple(client.get(page.format(pk=given.pk)).status_code for page in PAGES) == expected
    assert client.get(f"/ansvar/{given.pk}/").status_code == 200


def test_wrong_verbs_and_foreign_assignments_are_refused(client, place, caplog):
    elsewhere = factories.municipality("Åby kommun")
    with scope(elsewhere.pk):
        foreign = factories.assignment(factories.person(elsewhere), Role.READER, elsewhere)
    as_role(client, place, Role.ADMINISTRATOR)
    assert client.post("/ansvar/").status_code == 405
    assert client.post(f"/ansvar/{foreign.pk}/").status_code == 405
    assert client.delete("/ansvar/nytt/").status_code == 405
    assert client.get("/ansvar/0/").status_code == 404
    for page in ("/ansvar/{pk}/", "/ansvar/{pk}/andra/", "/ansvar/{pk}/avsluta/"):
        assert client.get(page.format(pk=foreign.pk)).status_code == 404
    assert (
        client.post(f"/ansvar/{foreign.pk}/avsluta/", {"last_day": "2026-01-01", "reason": "x"}).status_code
        == 404
    )
    assert f"Assignment {foreign.pk}" in caplog.text
    with scope(elsewhere.pk):
        foreign.refresh_from_db()
        assert foreign.ends_on is None


def form_data(**fields):
    return {
        "person": "",
        "email": "ny@example.org",
        "name": "Ny Person",
        "role": "contact_person",
        "unit": "",
        "starts_on": "2026-11-20",
        **fields,
    }


def test_an_assignment_is_given_on_the_page(client, place):
    as_role(client, place, Role.STRATEGIST)
    with scope(place.pk):
        unit = factories.unit(place)
    done = client.post("/ansvar/nytt/", form_data(unit=unit.pk, ends_on="2027-06", reason="Ersätter Karin"))
    assert (done.status_code, done["Location"]) == (302, "/ansvar/")
    with scope(place.pk):
        given = Assignment.objects.get(person__email="ny@example.org")
        assert (given.role, given.unit, given.starts_on, given.ends_on) == (
            Role.CONTACT_PERSON,
            unit,
            date(2026, 11, 20),
            date(2027, 6, 30),
        )
        assert history.acts(given)[0].reason == "Ersätter Karin"
    assert [message.recipient for message in outbox()] == ["ny@example.org"]


def test_an_overlap_is_said_in_one_sentence_and_what_was_typed_is_kept(client, place):
    as_role(client, place, Role.ADMINISTRATOR)
    with scope(place.pk):
        unit = factories.unit(place)
        factories.assignment(factories.person(place, "Karin Kontakt"), Role.CONTACT_PERSON, place, unit)
    page = client.post("/ansvar/nytt/", form_data(unit=unit.pk))
    assert page.status_code == 200
    assert page.context["form"].errors == {
        "starts_on": [str(MESSAGES["one_ordinary_contact_person_at_a_time"])]
    }
    assert page.context["form"]["email"].value() == "ny@example.org"
    with scope(place.pk):
        assert not Person.objects.filter(email="ny@example.org").exists()
    assert outbox() == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"email": ""}, ["email"]),
        ({"name": ""}, ["name"]),
        ({"starts_on": "2026-13"}, ["starts_on"]),
        ({"ends_on": "2020-01-01"}, ["ends_on"]),
        ({"role": "auditor"}, ["ends_on"]),
        ({"role": "emperor"}, ["role"]),
        ({"role": "head_of_department"}, ["unit"]),
        ({"unit": "999999999"}, ["unit"]),
        ({"name": "Ny Person 19121212-1212", "role": "reader"}, ["name"]),
        ({"role": "reader", "subject": "Klimat"}, ["subject"]),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_is_written(client, place, fields, wrong):
    as_role(client, place, Role.ADMINISTRATOR)
    page = client.post("/ansvar/nytt/", form_data(**fields))
    assert (page.status_code, list(page.context["form"].errors)) == (200, wrong)
    with scope(place.pk):
        assert Assignment.objects.count() == 1
    assert outbox() == []


def says_django(told: str) -> bool:
    kinds = (forms.ChoiceField, forms.ModelChoiceField)
    return any(str(kind.default_error_messages["invalid_choice"]).partition(".")[0] in told for kind in kinds)


@pytest.mark.parametrize(
    ("page", "field"),
    [
        *(("/ansvar/nytt/", field) for field in ("person", "role", "unit")),
        *(("/ansvar/enheter/ny/", field) for field in ("kind", "parent")),
        ("/ansvar/enheter/{unit}/namn/", "kind"),
        ("/ansvar/enheter/{unit}/namnd/", "board"),
        ("/ansvar/kommunen/andra/", "kind"),
        ("/ansvar/kommunen/medlemmar/", "member"),
    ],
)
@pytest.mark.parametrize("value", ["999999999", "emperor"])
def test_a_choice_that_is_not_in_the_list_is_told_in_one_own_sentence(client, place, page, field, value):
    with scope(place.pk):
        unit = factories.unit(place)
    as_role(client, place, Role.ADMINISTRATOR)
    form = client.post(page.format(unit=unit.pk), {field: value}).context["form"]
    (told,) = form.errors[field]
    assert str(form.fields[field].label) in told
    assert not says_django(told)
    if field == "person":
        assert "email" not in form.errors


@pytest.mark.parametrize("field", ["enhet", "roll"])
def test_a_filter_that_is_not_in_the_list_is_told_in_one_own_sentence(client, place, field):
    as_role(client, place, Role.ADMINISTRATOR)
    filtered = client.get(f"/ansvar/?{field}=999999999")
    (told,) = [error.text for error in filtered.context["errors"]]
    assert not says_django(told)


def test_a_hand_made_post_neither_gives_nor_prolongs_an_own_assignment(client, place):
    admin = as_role(client, place, Role.ADMINISTRATOR)
    with scope(place.pk):
        unit = factories.unit(place)
        own = factories.assignment(
            admin.person, Role.PROJECT_MANAGER, place, unit, ends_on=date(2026, 12, 31)
        )
    for who in ({"email": admin.person.email.upper()}, {"person": admin.person.pk, "email": ""}):
        page = client.post("/ansvar/nytt/", form_data(unit=unit.pk, **who))
        assert page.status_code == 200
        assert page.context["form"].errors
    prolonged = client.post(
        f"/ansvar/{own.pk}/andra/",
        {"starts_on": "2020-01-01", "ends_on": "2030-01-01", "reason": "Vill", "version": "1"},
    )
    assert prolonged.context["form"].non_field_errors()
    later = client.post(
        f"/ansvar/{own.pk}/avsluta/", {"last_day": "2030-01-01", "reason": "Vill", "version": "1"}
    )
    assert list(later.context["form"].errors) == ["last_day"]
    with scope(place.pk):
        own.refresh_from_db()
        assert (own.ends_on, Assignment.objects.filter(person=admin.person).count()) == (
            date(2026, 12, 31),
            2,
        )
    sooner = client.post(
        f"/ansvar/{own.pk}/avsluta/", {"last_day": "2026-11-30", "reason": "Slutar", "version": "1"}
    )
    assert sooner.status_code == 302


def test_a_head_changes_nothing_of_another_unit_by_a_hand_made_post(client, place):
    with scope(place.pk):
        own, other = factories.unit(place), factories.unit(place, "Kulturförvaltningen")
        given = factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, other)
        economist = factories.assignment(factories.person(place), Role.ECONOMIST, place, own)
    as_role(client, place, Role.HEAD, own)
    for one in (given, economist):
        for page, data in (
            ("andra", {"starts_on": "2020-01-01", "ends_on": "2026-01-01", "reason": "x", "version": "1"}),
            ("avsluta", {"last_day": "2026-01-01", "reason": "x", "version": "1"}),
        ):
            assert client.post(f"/ansvar/{one.pk}/{page}/", data).status_code == 403
    assert list(client.post("/ansvar/nytt/", form_data(unit=other.pk)).context["form"].errors) == ["unit"]
    assert list(
        client.post("/ansvar/nytt/", form_data(unit=own.pk, role="economist")).context["form"].errors
    ) == ["role"]


def test_two_people_changing_one_assignment_see_each_other(client, place):
    admin = as_role(client, place, Role.ADMINISTRATOR)
    with scope(place.pk):
        given = factories.assignment(factories.person(place), Role.READER, place)
        with history.context(person=admin.person.pk, municipality=place.pk):
            change_assignment(
                admin, given, starts_on=given.starts_on, ends_on=date(2027, 1, 31), reason="Först"
            )
    page = client.post(
        f"/ansvar/{given.pk}/andra/",
        {"starts_on": "2020-01-01", "ends_on": "2028-01-31", "reason": "Sedan", "version": "1"},
    )
    (seen,) = page.context["form"].collision.changes
    assert (seen.value, seen.who) == ("2027-01-31", admin.person.name)
    again = {"starts_on": "2020-01-01", "ends_on": "2028-01-31", "reason": "Sedan", "version": "2"}
    assert client.post(f"/ansvar/{given.pk}/andra/", again).status_code == 302


def test_the_administrator_corrects_a_name_and_nobody_else(client, place):
    with scope(place.pk):
        who = factories.person(place, "Karin Kontackt")
        factories.assignment(who, Role.READER, place)
    as_role(client, place, Role.ADMINISTRATOR)
    address = reverse("person_change", args=[who.pk])
    right = {"name": "Karin Kontakt", "title": "", "phone": "", "version": "1"}
    assert client.post(address, right).status_code == 302
    assert client.post(address, {**right, "name": "Gammal"}).context["form"].collision is not None
    wrong = client.post(address, {**right, "name": "Karin 850101-1234", "version": "2"})
    assert list(wrong.context["form"].errors) == ["name"]
    elsewhere = factories.municipality("Åby kommun")
    with scope(elsewhere.pk):
        known = factories.person(elsewhere)
    with scope(place.pk):
        factories.assignment(known, Role.READER, place)
    assert client.post(reverse("person_change", args=[known.pk]), right).status_code == 403
    client.logout()
    as_role(client, place, Role.STRATEGIST)
    assert client.get(address).status_code == 403
    with scope(place.pk):
        who.refresh_from_db()
    assert who.name == "Karin Kontakt"
