"""The organisation: units in a tree over time, their names and boards, and the municipality's own facts."""

from __future__ import annotations

import hashlib
import io
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from pages.forms import constraint_message, constraint_name
from strategy import history
from strategy.models import (
    BoardService,
    Municipality,
    MunicipalityKind,
    MunicipalityMember,
    Population,
    Role,
    StoredFile,
    Unit,
    UnitKind,
    UnitName,
    UnitNameKind,
)
from strategy.organisation import (
    MESSAGES,
    NoMembers,
    NotYetRenamed,
    UnitsBelow,
    add_member,
    change_unit,
    end_unit,
    tree,
)
from strategy.walls import scope
from tests import factories
from tests.factories import TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    return factories.municipality()


@pytest.fixture
def inside(place):
    with scope(place.pk):
        yield place


def as_role(client, place, role, unit=None):
    with scope(place.pk):
        reader = factories.reader(place, role, unit)
        factories.login(client, reader.person)
    return reader


# -- What the functions do ----------------------------------------------------------------------------------


def test_a_new_name_keeps_the_old_one_until_the_day_before(inside):
    admin = factories.reader(inside, Role.ADMINISTRATOR)
    unit = factories.unit(inside, "Socialtjänsten")
    for name, day in (
        ("Socialförvaltningen", date(2020, 1, 1)),
        ("Välfärdsförvaltningen", date(2024, 1, 1)),
        ("Socialförvaltningen", date(2026, 1, 1)),
        ("Vård och omsorg", date(2026, 10, 1)),
    ):
        unit.name = name
        unit = change_unit(admin, unit, renamed_on=day, reason="Ny organisation")
    assert [(name.name, name.kind, name.until) for name in unit.names.order_by("until")] == [
        ("Socialtjänsten", UnitNameKind.FORMER, date(2019, 12, 31)),
        ("Välfärdsförvaltningen", UnitNameKind.FORMER, date(2025, 12, 31)),
        ("Socialförvaltningen", UnitNameKind.FORMER, date(2026, 9, 30)),
    ]
    unit.name = "  Vård   och omsorg "
    assert change_unit(admin, unit, renamed_on=TODAY, reason="Mellanslag").name == "Vård och omsorg"
    assert unit.names.count() == 3


def test_a_unit_does_not_end_before_what_lies_below_it(inside):
    admin = factories.reader(inside, Role.ADMINISTRATOR)
    unit = factories.unit(inside)
    below = factories.unit(inside, "Hemtjänsten", kind=UnitKind.DEPARTMENT, parent=unit)
    with pytest.raises(UnitsBelow) as refused:
        end_unit(admin, unit, last_day=TODAY, reason="Läggs ned")
    assert refused.value.units == [below]
    end_unit(admin, below, last_day=TODAY, reason="Läggs ned")
    assert end_unit(admin, unit, last_day=TODAY, reason="Läggs ned").valid_to == TODAY


def test_the_tree_shows_units_below_each_other_and_ended_ones_apart(inside, django_assert_num_queries):
    reader = factories.reader(inside, Role.EMPLOYEE)
    unit = factories.unit(inside)
    below = factories.unit(inside, "Hemtjänsten", kind=UnitKind.DEPARTMENT, parent=unit)
    ended = factories.unit(inside, "Gamla", valid_to=TODAY - timedelta(days=1))
    orphan = factories.unit(inside, "Kvarvarande", kind=UnitKind.DEPARTMENT, parent=ended)
    board = factories.unit(inside, "Socialnämnden", kind=UnitKind.BOARD)
    service = factories.serves(unit, board)
    with django_assert_num_queries(3):
        found = tree(reader, TODAY)
    assert [[branch.unit for branch in root] for root in found.standing] == [[board], [unit, below], [orphan]]
    assert [branch.unit for branch in found.ended] == [ended]
    assert found.standing[1].services == [service]


# -- What the database refuses ------------------------------------------------------------------------------


def refused(make) -> str:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        make()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    name = constraint_name(caught.value) or ""
    assert constraint_message(caught.value) == str(MESSAGES[name])
    return name


def test_the_database_refuses_rings_and_units_of_others(place):
    elsewhere = factories.municipality("Åby kommun")
    with scope(elsewhere.pk):
        foreign = factories.unit(elsewhere)
    with scope(place.pk):
        unit = factories.unit(place)
        below = factories.unit(place, "Hemtjänsten", kind=UnitKind.DEPARTMENT, parent=unit)
        board = factories.unit(place, "Socialnämnden", kind=UnitKind.BOARD)

        def move(one, parent_id):
            return lambda: Unit.objects.filter(pk=one.pk).update(parent_id=parent_id)

        assert [
            refused(move(unit, below.pk)),
            refused(move(unit, unit.pk)),
            refused(move(unit, foreign.pk)),
            refused(lambda: factories.unit(place, "socialFÖRVALTNINGEN")),
            refused(lambda: factories.unit(place, "X", is_executive_board=True)),
            refused(lambda: factories.unit(place, "X", valid_from=TODAY, valid_to=TODAY - timedelta(days=1))),
            refused(lambda: factories.serves(unit, below)),
            refused(lambda: factories.serves(board, board)),
            refused(lambda: [factories.serves(unit, board), factories.serves(unit, board)]),
        ] == [
            "unit_tree_has_no_cycle",
            "unit_tree_has_no_cycle",
            "unit_parent_in_same_municipality",
            "unit_name_is_taken",
            "executive_board_is_a_board",
            "unit_ends_after_it_starts",
            "board_service_is_to_a_board",
            "a_board_does_not_serve_itself",
            "one_board_service_at_a_time",
        ]
        assert factories.unit(place, "Kulturförvaltningen", valid_to=TODAY).pk
        assert factories.unit(place, "Kulturförvaltningen", valid_from=TODAY + timedelta(days=1)).pk


def test_the_database_refuses_municipalities_that_cannot_be(place):
    federation = factories.municipality("Förbundet", code=None, kind=MunicipalityKind.FEDERATION)

    def member(of, who, **fields):
        return lambda: MunicipalityMember.objects.create(municipality=of, member=who, **fields)

    def people(year):
        return lambda: Population.objects.create(municipality=place, year=year, inhabitants=1)

    with scope(installation=True):
        member(federation, place)()
        people(2025)()
        assert [
            refused(lambda: factories.municipality("A", code="902")),
            refused(lambda: factories.municipality("A", code=None)),
            refused(lambda: factories.municipality("A", organisation_number="212000-0531")),
            refused(member(federation, federation)),
            refused(member(federation, place)),
            refused(people(2025)),
            refused(people(25)),
        ] == [
            "municipality_code_has_four_digits",
            "a_municipality_has_a_code",
            "organisation_number_has_its_check_digit",
            "nobody_is_a_member_of_itself",
            "one_membership_at_a_time",
            "one_population_a_year",
            "population_year_is_a_year",
        ]


# -- The pages ----------------------------------------------------------------------------------------------

READ = ("/ansvar/enheter/", "/ansvar/enheter/{pk}/", "/ansvar/kommunen/")
CHANGE = (
    "/ansvar/enheter/ny/",
    "/ansvar/enheter/{pk}/andra/",
    "/ansvar/enheter/{pk}/avsluta/",
    "/ansvar/enheter/{pk}/namn/",
    "/ansvar/enheter/{pk}/namnd/",
    "/ansvar/namnder/{service}/avsluta/",
    "/ansvar/kommunen/andra/",
    "/ansvar/kommunen/invanare/",
    "/ansvar/kommunen/medlemmar/",
)


@pytest.mark.parametrize("role", list(Role))
def test_everybody_reads_the_organisation_and_the_administrator_alone_alters_it(client, place, role):
    with scope(place.pk):
        unit = factories.unit(place)
        service = factories.serves(unit, factories.unit(place, "Socialnämnden", kind=UnitKind.BOARD))
    as_role(client, place, role, None if role in (Role.ADMINISTRATOR, Role.AUDITOR) else unit)
    pages = {"pk": unit.pk, "service": service.pk}
    assert {client.get(page.format(**pages)).status_code for page in READ} == {200}
    assert {client.post(page.format(**pages)).status_code for page in READ} == {405}
    expected = {200} if role == Role.ADMINISTRATOR else {403}
    assert {client.get(page.format(**pages)).status_code for page in CHANGE} == expected
    assert {client.post(page.format(**pages)).status_code for page in CHANGE} == expected
    assert {client.delete(page.format(**pages)).status_code for page in CHANGE} == {405}


def test_another_municipalitys_units_are_not_there(client, place):
    elsewhere = factories.municipality("Åby kommun")
    with scope(elsewhere.pk):
        unit = factories.unit(elsewhere, "Åbyförvaltningen")
        service = factories.serves(unit, factories.unit(elsewhere, "Åbynämnden", kind=UnitKind.BOARD))
    as_role(client, place, Role.ADMINISTRATOR)
    pages = {"pk": unit.pk, "service": service.pk}
    for page in (*READ, *CHANGE):
        if "{" in page:
            assert client.get(page.format(**pages)).status_code == 404
            assert client.post(page.format(**pages)).status_code == (405 if page in READ else 404)
    assert "Åby" not in client.get("/ansvar/enheter/").content.decode()


def test_a_unit_is_added_renamed_and_ended_on_its_pages(client, place):
    admin = as_role(client, place, Role.ADMINISTRATOR)
    new = {"name": "Socialförvaltningen", "kind": "administration", "parent": "", "valid_from": "2020-01"}
    added = client.post("/ansvar/enheter/ny/", new)
    with scope(place.pk):
        unit = Unit.objects.get()
        factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
    assert (added["Location"], unit.valid_from) == (f"/ansvar/enheter/{unit.pk}/", date(2020, 1, 1))
    renamed = client.post(
        f"/ansvar/enheter/{unit.pk}/andra/",
        {
            **new,
            "name": "Vård och omsorg",
            "renamed_on": "2026-07-01",
            "reason": "Beslut KF 12",
            "version": "1",
        },
    )
    assert renamed.status_code == 302
    stale = client.post(
        f"/ansvar/enheter/{unit.pk}/andra/", {**new, "name": "Annat", "reason": "Gammal", "version": "1"}
    )
    assert [(seen.value, seen.who) for seen in stale.context["form"].collision.changes] == [
        ("Vård och omsorg", admin.person.name),
        (f"Socialförvaltningen, {UnitNameKind.FORMER.label}, 2026-06-30", admin.person.name),
    ]
    ended = client.post(
        f"/ansvar/enheter/{unit.pk}/avsluta/", {"last_day": "2026-12-31", "reason": "Slås ihop"}, follow=True
    )
    assert [message.level_tag for message in ended.context["messages"]] == ["success", "warning"]
    with scope(place.pk):
        unit.refresh_from_db()
        assert (unit.name, unit.valid_to) == ("Vård och omsorg", date(2026, 12, 31))
        assert list(UnitName.objects.values_list("name", "until")) == [
            ("Socialförvaltningen", date(2026, 6, 30))
        ]
        assert [act.reason for act in history.acts(unit)] == ["Slås ihop", "Beslut KF 12", ""]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "socialnämnden"}, ["name"]),
        ({"kind": "empire"}, ["kind"]),
        ({"is_executive_board": "on"}, ["is_executive_board"]),
        ({"valid_from": "2026-02-30"}, ["valid_from"]),
        ({"valid_to": "2019"}, ["valid_to"]),
        ({"parent": "999999999"}, ["parent"]),
    ],
)
def test_a_unit_that_cannot_be_is_told_at_its_field(client, place, fields, wrong):
    with scope(place.pk):
        factories.unit(place, "Socialnämnden", kind=UnitKind.BOARD)
    as_role(client, place, Role.ADMINISTRATOR)
    data = {"name": "Ny", "kind": "administration", "valid_from": "2020-01-01", **fields}
    page = client.post("/ansvar/enheter/ny/", data)
    assert (page.status_code, list(page.context["form"].errors)) == (200, wrong)
    assert page.context["form"]["name"].value() == data["name"]
    with scope(place.pk):
        assert Unit.objects.count() == 1


def test_a_unit_moved_below_itself_is_told_so(client, place):
    with scope(place.pk):
        unit = factories.unit(place)
        below = factories.unit(place, "Hemtjänsten", kind=UnitKind.DEPARTMENT, parent=unit)
    as_role(client, place, Role.ADMINISTRATOR)
    page = client.post(
        f"/ansvar/enheter/{unit.pk}/andra/",
        {
            "name": unit.name,
            "kind": unit.kind,
            "parent": below.pk,
            "valid_from": "1971-01-01",
            "reason": "x",
            "version": "1",
        },
    )
    assert page.context["form"].errors == {"parent": [str(MESSAGES["unit_tree_has_no_cycle"])]}


def changed(client, unit, **fields):
    data = {"name": unit.name, "kind": unit.kind, "parent": unit.parent_id or "", "reason": "Rättat"}
    return client.post(
        f"/ansvar/enheter/{unit.pk}/andra/",
        {**data, "valid_from": unit.valid_from.isoformat(), "version": unit.version, **fields},
        follow=True,
    )


def test_a_standing_unit_ends_on_the_page_for_that_alone(client, place):
    with scope(place.pk):
        unit = factories.unit(place)
        factories.unit(place, "Hemtjänsten", kind=UnitKind.DEPARTMENT, parent=unit)
    as_role(client, place, Role.ADMINISTRATOR)
    assert "valid_to" not in client.get(f"/ansvar/enheter/{unit.pk}/andra/").context["form"].fields
    assert changed(client, unit, valid_to="2026-10-31").redirect_chain
    with scope(place.pk):
        unit.refresh_from_db()
        assert unit.valid_to is None


def test_the_last_day_of_a_unit_is_corrected_not_before_what_lies_below_it_and_with_a_warning(client, place):
    with scope(place.pk):
        unit = factories.unit(place, valid_to=date(2027, 12, 31))
        below = factories.unit(place, "Hemtjänsten", kind=UnitKind.DEPARTMENT, parent=unit)
        factories.assignment(factories.person(place), Role.CONTACT_PERSON, place, unit)
        admin = factories.reader(place, Role.ADMINISTRATOR)
        factories.login(client, admin.person)
    refused = changed(client, unit, valid_to="2026-12-31")
    assert refused.context["form"].errors == {"valid_to": [str(UnitsBelow([below]))]}
    with scope(place.pk):
        earlier = Unit.objects.get(pk=unit.pk)
        earlier.valid_to = date(2026, 12, 31)
        with pytest.raises(UnitsBelow):
            change_unit(admin, earlier, renamed_on=TODAY, reason="Förbi sidan")
        end_unit(admin, below, last_day=TODAY, reason="Läggs ned")
    corrected = changed(client, unit, valid_to="2026-12-31")
    assert [message.level_tag for message in corrected.context["messages"]] == ["success", "warning"]
    with scope(place.pk):
        unit.refresh_from_db()
        assert unit.valid_to == date(2026, 12, 31)
    changed(client, unit, valid_to="")
    with scope(place.pk):
        unit.refresh_from_db()
        assert unit.valid_to is None


def test_a_page_opened_while_the_unit_stood_does_not_take_away_its_last_day(client, place):
    with scope(place.pk):
        unit = factories.unit(place)
        admin = factories.reader(place, Role.ADMINISTRATOR)
        factories.login(client, admin.person)
        version = end_unit(admin, Unit.objects.get(pk=unit.pk), last_day=TODAY, reason="Läggs ned").version
    assert changed(client, unit, name="Vård").context["form"].collision
    assert changed(client, unit, name="Vård", version=version).redirect_chain
    with scope(place.pk):
        unit.refresh_from_db()
        assert (unit.name, unit.valid_to) == ("Vård", TODAY)


def test_a_unit_below_an_ended_one_is_saved_there_or_moved(client, place):
    with scope(place.pk):
        ended = factories.unit(place, valid_to=TODAY - timedelta(days=1))
        unit = factories.unit(place, "Hemtjänsten", kind=UnitKind.DEPARTMENT, parent=ended)
        other = factories.unit(place, "Gamla", valid_to=TODAY - timedelta(days=1))
    as_role(client, place, Role.ADMINISTRATOR)
    assert changed(client, unit, name="Hemvården").redirect_chain
    with scope(place.pk):
        unit.refresh_from_db()
        assert (unit.name, unit.parent) == ("Hemvården", ended)
    assert list(changed(client, unit, parent=other.pk).context["form"].errors) == ["parent"]
    changed(client, unit, parent="")
    with scope(place.pk):
        unit.refresh_from_db()
        assert unit.parent is None


def test_names_and_boards_are_added_and_a_board_is_ended(client, place):
    with scope(place.pk):
        unit = factories.unit(place)
        board = factories.unit(place, "Socialnämnden", kind=UnitKind.BOARD)
    as_role(client, place, Role.ADMINISTRATOR)
    name = {"name": "SOC", "kind": "other", "until": ""}
    assert client.post(f"/ansvar/enheter/{unit.pk}/namn/", name).status_code == 302
    assert list(
        client.post(f"/ansvar/enheter/{unit.pk}/namn/", {**name, "name": "soc"}).context["form"].errors
    ) == ["name"]
    served = {"board": board.pk, "valid_from": "2020-01-01", "valid_to": ""}
    assert client.post(f"/ansvar/enheter/{unit.pk}/namnd/", served).status_code == 302
    assert list(client.post(f"/ansvar/enheter/{unit.pk}/namnd/", served).context["form"].errors) == ["board"]
    assert list(
        client.post(f"/ansvar/enheter/{unit.pk}/namnd/", {**served, "board": unit.pk}).context["form"].errors
    ) == ["board"]
    with scope(place.pk):
        service = BoardService.objects.get()
    end = f"/ansvar/namnder/{service.pk}/avsluta/"
    assert list(client.post(end, {"last_day": "2019-01-01", "reason": "x"}).context["form"].errors) == [
        "last_day"
    ]
    assert client.post(end, {"last_day": "2026-12-31", "reason": "Ny nämnd"}).status_code == 302
    with scope(place.pk):
        service.refresh_from_db()
        assert service.valid_to == date(2026, 12, 31)
        assert "Ny nämnd" in [act.reason for act in history.acts(unit)]


def test_the_municipalitys_facts_are_corrected_with_a_reason(client, place):
    admin = as_role(client, place, Role.ADMINISTRATOR)
    data = {
        "name": place.name,
        "code": place.code,
        "kind": "municipality",
        "organisation_number": "2120000530",
    }
    wrong = client.post(
        "/ansvar/kommunen/andra/", {**data, "organisation_number": "850101-1234", "version": "1"}
    )
    assert sorted(wrong.context["form"].errors) == ["organisation_number", "reason"]
    right = client.post("/ansvar/kommunen/andra/", {**data, "reason": "Saknades", "version": "1"})
    assert right.status_code == 302
    page, figure = "/ansvar/kommunen/invanare/", {"year": "2025", "inhabitants": "140000"}
    assert client.post(page, figure).status_code == 302
    figure["inhabitants"] = "141000"
    assert list(client.post(page, figure).context["form"].errors) == ["reason"]
    assert client.post(page, {**figure, "reason": "Fel siffra"}).status_code == 302
    assert list(
        client.post("/ansvar/kommunen/invanare/", {"year": "25", "inhabitants": "1"}).context["form"].errors
    ) == ["year"]
    place.refresh_from_db()
    assert place.organisation_number == "212000-0530"
    assert list(Population.objects.filter(municipality=place).values_list("year", "inhabitants")) == [
        (2025, 141000)
    ]
    with scope(place.pk):
        told = [(act.who, act.reason) for act in history.acts(place)]
    assert (admin.person.name, "Saknades") in told
    assert (admin.person.name, "Fel siffra") in told


def test_a_federation_says_its_members_over_time(client):
    federation = factories.municipality("Förbundet", code=None, kind=MunicipalityKind.FEDERATION)
    member = factories.municipality("Habo kommun")
    as_role(client, federation, Role.ADMINISTRATOR)
    data = {"member": member.pk, "valid_from": "2020-01-01", "valid_to": ""}
    assert client.post("/ansvar/kommunen/medlemmar/", data).status_code == 302
    assert list(client.post("/ansvar/kommunen/medlemmar/", data).context["form"].errors) == ["member"]
    own = client.post("/ansvar/kommunen/medlemmar/", {**data, "member": federation.pk})
    assert list(own.context["form"].errors) == ["member"]
    assert [one["name"] for one in client.get("/ansvar/kommunen/").context["members"]] == ["Habo kommun"]


def test_a_municipality_has_no_members(client, place):
    member = factories.municipality("Habo kommun")
    admin = as_role(client, place, Role.ADMINISTRATOR)
    data = {"member": member.pk, "valid_from": "2020-01-01", "valid_to": ""}
    refused = client.post("/ansvar/kommunen/medlemmar/", data)
    assert refused.context["form"].errors == {"__all__": [str(NoMembers())]}
    with scope(place.pk), pytest.raises(NoMembers):
        add_member(admin, member=member, valid_from=TODAY)


def test_a_new_name_is_not_given_before_its_day(client, place):
    with scope(place.pk):
        unit = factories.unit(place)
    admin = as_role(client, place, Role.ADMINISTRATOR)
    tomorrow = TODAY + timedelta(days=1)
    refused = changed(client, unit, name="Vård", renamed_on=tomorrow.isoformat())
    assert refused.context["form"].errors == {"renamed_on": [str(NotYetRenamed())]}
    with scope(place.pk):
        unit.name = "Vård"
        with pytest.raises(NotYetRenamed):
            change_unit(admin, unit, renamed_on=tomorrow, reason="För tidigt")
        unit.refresh_from_db()
    assert unit.name == "Socialförvaltningen"
    # The day says nothing where the name stays.
    assert changed(client, unit, renamed_on=tomorrow.isoformat()).redirect_chain
    assert changed(client, unit, name="Vård", renamed_on=TODAY.isoformat(), version=2).redirect_chain


def test_pages_take_as_many_queries_for_five_as_for_one(client, place):
    as_role(client, place, Role.ADMINISTRATOR)
    with scope(place.pk):
        unit = factories.unit(place)
        board = factories.unit(place, "Nämnd 0", kind=UnitKind.BOARD)
    counts = []
    for names in ("A", "BCDE"):
        with scope(place.pk):
            for name in names:
                factories.unit(place, name, kind=UnitKind.DEPARTMENT, parent=unit)
                factories.serves(unit, factories.unit(place, f"Nämnd {name}", kind=UnitKind.BOARD))
                factories.serves(factories.unit(place, f"Förvaltning {name}"), board)
                UnitName.objects.create(municipality=place, unit=unit, name=f"Förr {name}", kind="former")
                factories.assignment(factories.person(place), Role.PROJECT_MANAGER, place, unit)
                Population.objects.create(municipality=place, year=2020 + ord(name) - 65, inhabitants=5)
        asked = []
        for page in (
            "/ansvar/enheter/",
            f"/ansvar/enheter/{unit.pk}/",
            f"/ansvar/enheter/{board.pk}/",
            "/ansvar/kommunen/",
        ):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(page).status_code == 200
            asked.append(len(queries))
        counts.append(asked)
    assert counts[0] == counts[1]


def test_the_installations_page_takes_as_many_queries_for_five_as_for_one(client):
    place = factories.municipality("A kommun")
    with scope(place.pk):
        who = factories.person(place)
        account = factories.login(client, who)
    account.runs_installation = True
    account.save()
    counts = []
    for names in ("", "BCDE"):
        for name in names:
            factories.municipality(f"{name} kommun")
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/installation/")
        assert len(page.context["places"].rows) == 1 + len(names)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_municipality_is_written_from_within_or_by_the_installation_alone(place):
    elsewhere = factories.municipality("Åby kommun")
    with scope(place.pk):
        assert Municipality.objects.filter(pk=elsewhere.pk).update(name="Tagen") == 0


def _picture(kind: str = "PNG", size: tuple[int, int] = (40, 50)) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", size, "#0b5c60").save(kept, kind)
    return kept.getvalue()


def test_the_arms_are_taken_in_by_their_contents_and_stand_in_the_history(client):
    place = factories.municipality()
    with scope(place.pk):
        who = factories.person(place)
        factories.assignment(who, Role.ADMINISTRATOR, place)
    factories.login(client, who)
    address = reverse("arms_set")
    bad = {
        "a PDF called png": b"%PDF-1.7 nothing",
        "an empty file": b"",
        "a broken picture": _picture()[:60],
        "a picture of another kind": _picture("GIF"),
        "a picture too large": _picture(size=(5000, 4000)),
    }
    for data in bad.values():
        answer = client.post(
            address, {"picture": SimpleUploadedFile("vapen.png", data), "reason": "Ny logga"}
        )
        assert answer.status_code == 200
        assert answer.context["form"].errors.keys() == {"picture"}
    place.refresh_from_db()
    assert place.arms == ""

    data = _picture()
    answer = client.post(
        address, {"picture": SimpleUploadedFile("../../vapen.png", data), "reason": "Ny logga"}
    )
    assert answer.status_code == 302
    place.refresh_from_db()
    assert place.arms == hashlib.sha256(data).hexdigest()
    with scope(place.pk):
        assert history.acts(place)[0].reason == "Ny logga"
        assert StoredFile.objects.get(municipality=place).name == "vapen.png"


def test_only_the_administrator_chooses_the_arms(client):
    place = factories.municipality()
    with scope(place.pk):
        who = factories.person(place)
        factories.assignment(who, Role.STRATEGIST, place)
    factories.login(client, who)
    answer = client.post(
        reverse("arms_set"), {"picture": SimpleUploadedFile("v.png", _picture()), "reason": "x"}
    )
    assert answer.status_code == 403
    place.refresh_from_db()
    assert place.arms == ""
