"""Funders' public lists: read as published, recognised as ours, held against the register, settled."""

import csv
import io
import random
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from pages.files import TableRefused
from pages.imports import NotReady, require_ready
from projects.code_lists import UndoneFirst
from projects.filling import grants_to_settle
from projects.models import GrantListProfile, ListedGrant, Project
from projects.public_lists import taking
from projects.public_lists.matching import Recognised, Recogniser, name_key, organisation_number
from projects.public_lists.profiles import SHIPPED, Profile
from projects.public_lists.reading import (
    ChangedFormat,
    Grant,
    find_ours,
    parts,
    read_amount,
    read_any,
    read_day,
    read_text,
)
from projects.registry import marked_reason
from strategy import history
from strategy.models import ImportBatch, Reading, Role, StoredFile, UnitKind, UnitName
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parent / "data" / "public_lists"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIST, TAKE = reverse("projects:grants"), reverse("projects:grants_take")


@pytest.fixture
def place(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    place = factories.municipality("Jönköpings kommun", organisation_number="212000-0530")
    with scope(place.pk):
        factories.unit(place, "Socialförvaltningen")
        factories.unit(place, "Jönköping Energi AB", kind=UnitKind.COMPANY)
    return place


@pytest.fixture
def reader(place):
    with scope(place.pk):
        yield factories.reader(place, Role.STRATEGIST)


@pytest.fixture
def strategist(place, client):
    with scope(place.pk):
        found = factories.reader(place, Role.STRATEGIST)
    factories.login(client, found.person)
    return found


def cordis() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name in ("project.csv", "organization.csv"):
            archive.write(DATA / name, name)
    return memory.getvalue()


def taken(reader, name: str, **more) -> ImportBatch:
    data = cordis() if name.endswith(".zip") else (DATA / name).read_bytes()
    return taking.upload(reader, name, data, **more)


def grants(batch: ImportBatch) -> list[Grant]:
    return [Grant.of_data(told) for told in batch.answers["grants"]]


def confirmed(reader, name: str) -> ImportBatch:
    batch = taken(reader, name)
    with history.context(municipality=reader.municipality.pk, person=reader.person.pk):
        taking.confirm(reader, batch, seen=taking.preview_of(reader, batch)[1].fingerprint, at=NOW)
    return batch


# --- what is ours ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["212000-0530", "2120000530", "SE212000053001", "SE 212000-0530 01", "16212000-0530", "se2120000530"],
)
def test_an_organisation_number_is_known_in_every_spelling(text):
    assert organisation_number(text) == "212000-0530"


@pytest.mark.parametrize(
    "text", ["", "DE123456789", "212000-0531", "FR78882949506", "801231-1234", "21200005301"]
)
def test_what_is_no_swedish_organisation_number_is_none(text):
    assert organisation_number(text) == ""


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Jönköpings kommun",
            "JÖNKÖPINGS KOMMUN",
            "Jönköping kommun",
            "Kommunen Jönköping",
            "Jönköpings stad",
        ),
        *("Municipality of Jönköping", "The Municipality of Jönköping", "Jönköping Municipality"),
        *("City of Jönköping", "Jönköpings kommun.", "Jönköping Energi AB"),
        *("Socialförvaltningen, Jönköpings kommun", "Jönköpings kommun - Socialförvaltningen"),
    ],
)
def test_the_municipality_its_companies_and_units_are_ours_by_name(reader, name):
    found = Recogniser(reader.municipality).recognise(name, "")
    assert found is not None
    assert found.ours


def test_a_former_name_of_a_unit_is_ours_together_with_the_municipality_and_leads_to_the_unit(reader):
    unit = factories.unit(reader.municipality, "Utbildningsförvaltningen")
    UnitName.objects.create(
        municipality=reader.municipality, unit=unit, name="Barn- och ungdomskontoret", kind="former"
    )
    recogniser = Recogniser(reader.municipality)
    found = recogniser.recognise("Barn- och ungdomskontoret, Jönköpings kommun", "")
    assert found is not None
    assert (found.ours, found.unit_id) == (True, unit.pk)
    assert recogniser.recognise("Barn- och ungdomskontoret", "") is None


def test_the_organisation_number_decides_whatever_the_name(reader):
    recogniser = Recogniser(reader.municipality)
    ours = recogniser.recognise("Något helt annat", "SE212000053001")
    assert ours is not None
    assert ours.ours
    other = recogniser.recognise("Jönköpings kommun", "212000-1355")
    assert other is not None
    assert (other.ours, "212000-1355" in other.how) == (False, True)


@pytest.mark.parametrize("name", ["JONKOPINGS KOMMUN", "Jönköpings kulturskola", "Jönköping"])
def test_a_name_that_is_alike_is_perhaps_ours_and_never_ours_by_itself(reader, name):
    found = Recogniser(reader.municipality).recognise(name, "")
    assert found is not None
    assert not found.ours


@pytest.mark.parametrize(
    "name", ["Håbo kommun", "Heby kommun", "HÅBO KOMMUN", "Hjo kommun", "Region Jönköpings län", ""]
)
def test_another_municipality_whose_name_is_like_ours_is_not_ours(reader, name):
    habo = factories.municipality("Habo kommun")
    with scope(habo.pk):
        assert Recogniser(habo).recognise(name, "") is None


def test_what_a_person_has_said_of_a_name_is_remembered(reader):
    recogniser = Recogniser(
        reader.municipality, {"jönköpings kulturskola": "ours", "jönköpings kommun": "not_ours"}
    )
    school = recogniser.recognise("Jönköpings kulturskola", "")
    assert school is not None
    assert school.ours
    assert recogniser.recognise("Jönköpings kommun", "") is None


def test_names_are_compared_without_case_and_signs():
    assert name_key("JÖNKÖPINGS  kommun, (Sweden)") == "jönköpings kommun sweden"


# --- cells -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("75 354 267", "75354267"), ("2073781,25", "2073781.25"), ("56868.983", "56868.98")),
        *(("200,000.00", "200000"), ("1.234.567,5", "1234567.5"), ("250 000 kr", "250000"), ("0", "0")),
        *(("1,234,567", "1234567"), ("€ 1 200", "1200"), ("1 000", "1000")),
    ],
)
def test_an_amount_is_read_in_every_published_form(text, number):
    assert read_amount(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "-1", "−5 000", "N.a.", "200,000", "12 EUR per dag", "1,2,3"])
def test_what_is_no_amount_or_may_be_two_is_none(text):
    assert read_amount(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-04-01", date(2024, 4, 1)),
        ("2024-04-01T00:00:00", date(2024, 4, 1)),
        ("16/03/2020", date(2020, 3, 16)),
        ("20240401", date(2024, 4, 1)),
        ("31/02/2020", None),
        ("snart", None),
        ("", None),
    ],
)
def test_a_day_is_read_in_every_published_form(text, day):
    assert read_day(text) == day


# --- the published forms ---------------------------------------------------------------------------------


def test_every_shipped_profile_says_where_and_when_its_form_was_seen():
    assert [profile.name for profile in SHIPPED if not (profile.source and profile.seen)] == []


def test_cordis_is_read_from_its_package_with_dates_and_totals_from_the_second_table(reader):
    batch = taken(reader, "cordis.zip")
    first, second = grants(batch)
    assert (first.reference, first.title, first.acronym, first.role) == (
        "101000001",
        "Warm homes for all",
        "WARMHOME",
        "coordinator",
    )
    assert (first.amount, first.total, first.currency) == (Decimal("299250.50"), Decimal("2073781.25"), "EUR")
    assert (first.starts, first.ends, first.programme) == (
        date(2023, 1, 1),
        date(2026, 12, 31),
        "Horisont Europa",
    )
    assert first.url == "https://cordis.europa.eu/project/id/101000001"
    assert (second.title, second.amount, second.starts) == ("Blue lakes", None, date(2024, 2, 1))
    assert [told["recipient"] for told in batch.answers["perhaps"]] == ["JONKOPING MUNICIPALITY"]
    assert batch.answers["read"] == 5


def test_cordis_in_two_files_is_the_same_and_one_alone_says_what_is_missing(reader):
    whole = taken(reader, "cordis.zip")
    other = ("project.csv", (DATA / "project.csv").read_bytes())
    both = taken(reader, "organization.csv", others=[other])
    assert grants(both) == grants(whole)
    assert both.file.name == "organization.zip"
    alone = taken(reader, "organization.csv")
    assert [grant.title for grant in grants(alone)] == ["WARMHOME", "BLUELAKE"]
    assert "project.csv" in alone.answers["notes"][0]


def test_kohesio_names_the_unit_and_reads_its_days_with_the_day_first(reader):
    (grant,) = grants(taken(reader, "kohesio.csv"))
    assert (grant.title, grant.reference) == ("Öppna dörrar", "2021SE05SFPR001_23-901-S01")
    assert (grant.amount, grant.total, grant.currency) == (Decimal("134991.36"), Decimal("337478.40"), "EUR")
    assert (grant.starts, grant.ends) == (date(2023, 9, 4), None)
    assert grant.unit_id is not None


def test_the_sum_of_an_erasmus_project_with_partners_is_the_whole_projects(reader):
    alone, shared = grants(taken(reader, "erasmus.csv"))
    assert (alone.role, alone.amount, alone.total) == ("coordinator", Decimal("32500.00"), None)
    assert (shared.role, shared.amount, shared.total) == ("partner", None, Decimal("250000.00"))


def test_the_esf_councils_list_is_read_and_an_empty_sum_is_not_stated(reader):
    first, second = grants(taken(reader, "esf.csv"))
    assert (first.amount, first.total, first.summary) == (Decimal(1989562), Decimal(4973906), "Om dörrar.")
    assert (second.amount, second.total) == (None, Decimal(2000000))


def test_vinnovas_open_data_is_read_as_json(reader):
    (grant,) = grants(taken(reader, "vinnova.json"))
    assert (grant.reference, grant.total, grant.amount) == ("2021-90001", Decimal(500000), None)
    assert (grant.starts, grant.ends) == (date(2021, 3, 1), date(2023, 2, 28))


def test_a_list_in_a_changed_form_is_refused_with_the_missing_and_the_new_columns(reader):
    data = (DATA / "esf.csv").read_text("utf-8-sig").replace("Stödmottagare / Beneficiary", "Mottagare", 1)
    with pytest.raises(ChangedFormat) as refused:
        taking.upload(reader, "esf.csv", data.encode(), profile="ESF-rådets projektbank")
    assert refused.value.missing == ("Stödmottagare / Beneficiary",)
    assert refused.value.new == ("Mottagare",)
    assert "Stödmottagare / Beneficiary" in refused.value.message
    assert not StoredFile.objects.exists()


def test_an_unknown_list_is_stored_and_its_columns_are_pointed_out_once(reader):
    batch = taken(reader, "stiftelsen.csv")
    assert "grants" not in batch.answers
    columns = {
        "title": "Projekt",
        "recipient": "Sökande",
        "reference": "Ärende",
        "amount": "Beviljat",
        "starts": "Från",
    }
    taking.point_out(
        reader,
        batch,
        name="Stiftelsens lista",
        columns=columns,
        given={"funder": "Stiftelsen", "currency": "SEK"},
    )
    (grant,) = grants(batch)
    assert (grant.reference, grant.title, grant.amount, grant.funder) == (
        "A-17",
        "Fritidsgården",
        Decimal(250000),
        "Stiftelsen",
    )
    assert GrantListProfile.objects.get().columns["title"] == "Projekt"
    again = taken(reader, "stiftelsen.csv")
    assert (again.answers["profile"], grants(again)) == ("Stiftelsens lista", [grant])


def changed_cordis() -> bytes:
    """The participants' VAT number and the projects' title are headed otherwise."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, before, after in (
            ("project.csv", '"title"', '"projectTitle"'),
            ("organization.csv", '"vatNumber"', '"vatNo"'),
        ):
            archive.writestr(name, (DATA / name).read_text("utf-8-sig").replace(before, after, 1))
    return memory.getvalue()


def pointed_out(page, **more: str) -> dict[str, Any]:
    form = page.context["form"]
    sent = {bound.html_name: bound.value() or "" for bound in form}
    return {name: value for name, value in sent.items() if value not in ("", False)} | more


def test_a_changed_list_of_two_tables_is_mapped_and_the_shipped_profile_goes_on_knowing_its_own(
    client, strategist
):
    answer = client.post(TAKE, {"profile": "", "file": SimpleUploadedFile("ny.zip", changed_cordis())})
    page = client.get(answer.url, follow=True)
    assert "vatNumber" in page.context["lead"]
    form = page.context["form"]
    assert (form["name"].value(), form["key"].value(), form["c_total"].value()) == (
        "CORDIS 2026",
        "id",
        "\x1etotalCost",
    )
    assert [name for name, _choices in form.fields["c_title"].choices] == [
        "",
        "organization.csv",
        "project.csv",
    ]
    assert (form["c_title"].value(), form["c_organisation_number"].value()) == ("", "")
    sent = pointed_out(page, c_title="\x1eprojectTitle", c_organisation_number="vatNo")
    address = page.request["PATH_INFO"]
    refused = client.post(address, sent | {"name": "cordis"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["name"])
    without = client.post(address, {name: value for name, value in sent.items() if name != "key"})
    assert list(without.context["form"].errors) == ["key"]
    preview = client.post(address, sent, follow=True)
    told = [
        (row.name, row.target.grant.total, row.target.grant.starts, row.target.grant.programme)
        for row in preview.context["preview"].rows
    ]
    assert told == [
        ("Warm homes for all", Decimal("2073781.25"), date(2023, 1, 1), "Horisont Europa"),
        ("Blue lakes", Decimal(1000000), date(2024, 2, 1), "Horisont Europa"),
    ]
    with scope(strategist.municipality.pk):
        whole = taken(strategist, "cordis.zip")
        changed = taking.upload(strategist, "ny.zip", changed_cordis())
        assert (whole.answers["columns"], changed.answers["columns"]) == ("CORDIS", "CORDIS 2026")
        assert whole.answers["profile"] == changed.answers["profile"] == "CORDIS"
        assert grants(whole) == grants(changed)


def test_pointed_out_columns_are_replaced_only_when_that_is_said_and_can_be_removed(client, strategist):
    first = {"name": "Stiftelsen", "c_title": "Projekt", "c_recipient": "Sökande", "currency": "SEK"}
    columns = client.get(upload(client, "stiftelsen.csv").url, follow=True).request["PATH_INFO"]
    client.post(columns, first)
    assert list(client.get(columns).context["form"].fields)[1] == "replace"
    assert client.post(columns, first | {"c_title": "Ärende"}).status_code == 422
    with scope(strategist.municipality.pk):
        row = GrantListProfile.objects.get()
        assert row.columns["title"] == "Projekt"
    assert client.post(columns, first | {"c_title": "Ärende", "replace": "on"}).status_code == 302
    with scope(strategist.municipality.pk):
        assert GrantListProfile.objects.get().columns["title"] == "Ärende"
    address = reverse("projects:list_profile", args=[row.pk])
    assert address in client.get(TAKE).content.decode()
    page = client.get(address)
    assert [fact["value"] for fact in page.context["facts"]] == ["Ärende", "Sökande"]
    assert client.delete(address).status_code == 405
    assert client.post(address).url == TAKE
    with scope(strategist.municipality.pk):
        assert not GrantListProfile.objects.exists()


def test_columns_kept_under_a_shipped_name_stand_beside_it(reader):
    GrantListProfile.objects.create(
        municipality=reader.municipality,
        name="CORDIS",
        columns={"title": "projectAcronym", "recipient": "name", "organisation_number": "vatNo"},
    )
    assert taken(reader, "cordis.zip").answers["columns"] == "CORDIS"
    assert len(taking.profiles_of(reader)) == len(SHIPPED) + 1


def test_a_day_that_cannot_be_read_is_told_with_its_line(reader):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.write(DATA / "organization.csv", "organization.csv")
        text = (DATA / "project.csv").read_text("utf-8-sig").replace("2024-02-01", "2024-02-30", 1)
        archive.writestr("project.csv", text)
    batch = taking.upload(reader, "cordis.zip", memory.getvalue())
    assert grants(batch)[1].starts is None
    (note,) = batch.answers["notes"]
    assert "3" in note
    assert "project.csv" in note


def test_what_is_granted_to_us_stands_on_the_project_page_with_one_query_however_many(client, strategist):
    def label() -> str:
        with translation.override("sv"):
            return translation.gettext("Granted to us according to a public list")

    def granted(page) -> list[tuple[str, bool]]:
        return [
            (fact["value"].replace("\xa0", " "), bool(fact["url"]))
            for fact in page.context["facts"]
            if fact["label"] == label()
        ]

    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        batch = confirmed(strategist, "esf.csv")
        project = factories.project(strategist.municipality, "Öppna dörrar")
        one = ListedGrant.objects.get(reference="23-901-S01")
        taking.join(strategist, one, project, at=NOW)
    address = project.get_absolute_url()
    client.get(address)
    with CaptureQueriesContext(connection) as caught:
        page = client.get(address)
    assert granted(page) == [("1 989 562 kr, 23-901-S01, ESF-rådets projektbank", True)]
    assert "1 989 562" in page.content.decode().replace("\xa0", " ").replace("&nbsp;", " ")
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        for number in range(4):
            ListedGrant.objects.create(
                municipality=strategist.municipality,
                batch=batch,
                source="X",
                reference=f"R-{number}",
                title="Annat",
                recipient="Jönköpings kommun",
                outcome="joined",
                project=project,
                settled_by=strategist.person,
                settled_at=NOW,
            )
    with CaptureQueriesContext(connection) as more:
        page = client.get(address)
    assert (len(granted(page)), len(more)) == (5, len(caught))


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True})
    for name, rows in sheets:
        sheet = book.add_worksheet(name)
        for line, cells in enumerate(rows):
            sheet.write_row(line, 0, cells)
    book.close()
    return memory.getvalue()


def esf_rows() -> list[list[object]]:
    return [list(row) for row in csv.reader((DATA / "esf.csv").open(encoding="utf-8-sig"), delimiter=";")]


def test_a_workbook_with_a_title_above_its_table_is_read(reader):
    data = workbook(("Projekt", [["Projektbanken, uttag 2026-11-01"], [], *esf_rows()]), ("Om", [["Text"]]))
    batch = taking.upload(reader, "esf.xlsx", data)
    assert [grant.reference for grant in grants(batch)] == ["23-901-S01", "25-902-S02"]


def test_of_several_sheets_somebody_says_which(reader):
    data = workbook(("2025", esf_rows()[:2]), ("2026", [esf_rows()[0], esf_rows()[2]]))
    batch = taking.upload(reader, "esf.xlsx", data)
    assert "grants" not in batch.answers
    taking.choose_sheet(reader, batch, "2026")
    assert [grant.reference for grant in grants(batch)] == ["25-902-S02"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n", "pdf"),
        (b"<!DOCTYPE html><html></html>", "page"),
        (b"a\x00b;c", "binary"),
        (b"{not json", "json"),
        (b"[]", "no_rows"),
        (b"only one column\nrow\n", "no_header"),
        (b"PK\x03\x04broken", "damaged"),
    ],
)
def test_what_is_no_list_is_refused_in_a_sentence(reader, data, code):
    with pytest.raises(TableRefused) as refused:
        taking.upload(reader, "lista.csv", data)
    assert refused.value.code == code
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize("name", ["cordis.zip", "esf.csv", "vinnova.json", "esf.xlsx", "erasmus.csv"])
def test_whatever_the_bytes_the_answer_is_a_list_or_a_sentence(reader, name):
    whole = {
        "cordis.zip": cordis,
        "esf.xlsx": lambda: workbook(("Projekt", esf_rows())),
    }.get(name, lambda: (DATA / name).read_bytes())()
    chance = random.Random(name)
    for _round in range(120):
        broken = bytearray(whole)
        for _change in range(chance.choice((1, 3, 40))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        if chance.random() < 0.3:
            del broken[chance.randrange(len(broken)) :]
        with suppress(TableRefused):
            taking.upload(reader, name, bytes(broken))


def test_half_a_letter_and_a_nul_are_no_part_of_a_text(reader):
    data = (DATA / "vinnova.json").read_text("utf-8").replace("Smarta gator", "Smarta\\u0000 \\ud800gator")
    (grant,) = grants(taking.upload(reader, "vinnova.json", data.encode()))
    assert grant.title == "Smarta gator"


def test_a_package_that_unpacks_to_more_than_any_list_is_refused(reader, monkeypatch):
    monkeypatch.setattr("projects.public_lists.reading.MOST_UNPACKED", 100)
    with pytest.raises(TableRefused) as refused:
        taking.upload(reader, "cordis.zip", cordis())
    assert refused.value.code == "too_large_unpacked"


def test_a_package_that_takes_long_to_read_is_left_to_the_command(reader, monkeypatch, tmp_path):
    monkeypatch.setattr(taking, "MOST_UNPACKED_AT_ONCE", 100)
    with pytest.raises(TableRefused) as refused:
        taking.upload(reader, "cordis.zip", cordis())
    assert refused.value.code == "too_large_unpacked"
    assert not StoredFile.objects.exists()
    path = tmp_path / "cordis.zip"
    path.write_bytes(cordis())
    kept = taking.keep_extract(reader, path.name, taking.Package.of(path.name, path))
    assert kept.counts["new"] == 2


def packed(name: str, *pieces: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as file:
        for piece in pieces:
            file.write(piece)
    return memory.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("l.zip", lambda: packed("a.csv", b"a;b\n", *[b"x" * 1024**2] * 30), "too_large_unpacked"),
        ("a.csv", lambda: b"a;b\n" + b"x" * 2 * 1024**2, "line_too_long"),
        ("a.csv", lambda: b"a;b\n" * 50 + b"x" * 2 * 1024**2, "line_too_long"),
        ("a.csv", lambda: b"a;b\n" * 50 + b'"' + b'x\n";"' * 2 * 1024**2, "line_too_long"),
        ("a.csv", lambda: b";".join(b"k%d" % n for n in range(3000)) + b"\n1;2\n", "too_many_columns"),
        ("a.json", lambda: b"[" + b"{}," * 600_000 + b'{"a":1}]', "too_large"),
        ("a.json", lambda: b'[{"a":[' + b"1," * 4_000_001 + b"1]}]", "too_large"),
        ("a.json", lambda: b'[{"a":"' + b"x" * 31 * 1024**2 + b'"}]', "too_large"),
        (
            "a.json",
            lambda: b"[{" + b",".join(b'"k%d":1' % n for n in range(3000)) + b"}]",
            "too_many_columns",
        ),
    ],
    ids=["zip", "long line", "long line below", "long row", "columns", "objects", "values", "length", "keys"],
)
def test_what_would_take_all_memory_is_refused_before_it_is_made(name, data, code):
    import tracemalloc

    bytes_of_it = data()
    tracemalloc.start()
    with pytest.raises(TableRefused) as refused:
        for _row in read_any(parts(bytes_of_it, name)[0]).rows:
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.code == code
    assert peak < 110 * 1024 * 1024


def test_mark_up_is_no_part_of_a_text_however_it_is_written():
    assert read_text("<b>Ny</b> skola &lt;i hx-post=/x&gt;nu&lt;/i&gt;", 100) == "Ny skola nu"
    assert read_text("5 &lt; 7 och 9 > 8", 100) == "5 < 7 och 9 > 8"


def link_of(cell: str, **given: str) -> str:
    columns = {"title": "Titel", "recipient": "Mottagare", "reference": "Dnr"}
    if cell:
        columns["url"] = "Länk"
    data = f"Titel\tMottagare\tDnr\tLänk\nSkola\tSjöstads kommun\tA 1/2\t{cell}\n"

    class Ours:
        def recognise(self, name: str, number: str) -> Recognised:
            return Recognised(True, "name")

    profile = Profile("Lista", columns, given=given)
    (grant,) = find_ours(parts(data.encode(), "a.csv"), profile, Ours()).ours  # type: ignore[arg-type]
    return grant.url


def test_the_profile_fills_the_reference_into_its_address_and_a_cell_fills_in_nothing():
    assert link_of("", url="https://x.example/id/{reference}") == "https://x.example/id/A%201%2F2"
    cell = "https://x.example/{reference}{reference:>600000000}{reference.__class__}"
    assert link_of(cell) == cell


def test_a_line_that_cannot_be_read_is_counted_and_the_rest_is_read():
    (part,) = parts(b"a;b;c\n1;2;3\n4;5\n6;7;8\n")
    listing = read_any(part)
    assert [list(cells) for _line, cells in listing.rows] == [
        ["1", "2", "3"],
        ["4", "5", ""],
        ["6", "7", "8"],
    ]
    assert listing.broken == [3]


def test_a_long_list_takes_no_memory_to_speak_of(reader, tmp_path):
    import tracemalloc

    path = tmp_path / "organization.csv"
    header, ours, *_rest = (DATA / "organization.csv").read_text().splitlines()
    other = ours.replace("SE212000053001", "").replace("JONKOPINGS KOMMUN", "Any other body")
    with path.open("w") as file:
        file.write(header + "\n")
        for _number in range(60_000):
            file.write(other + "\n")
        file.write(ours + "\n")
    package = taking.Package.of("organization.csv", path)
    tracemalloc.start()
    _profile, found = taking.read(reader, package)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found is not None
    assert (found.read, len(found.ours)) == (60_001, 1)
    assert peak < 20 * 1024 * 1024 < path.stat().st_size * 3


# --- held against the register ---------------------------------------------------------------------------


def held(reader, **fields):
    told: dict[str, Any] = {
        "reference": "X",
        "title": "Warm homes for all",
        "acronym": "",
        "starts": date(2023, 1, 1),
        "ends": None,
    }
    return [(one.title, one.sure) for one in taking.Register(reader).candidates(**(told | fields))]


def test_a_project_with_the_funders_reference_is_known_and_stands_alone(reader):
    factories.project(reader.municipality, "Varma hem", external_reference="23-901-S01")
    factories.project(reader.municipality, "Warm homes for all")
    assert held(reader, reference="2021SE05SFPR001_23-901-S01") == [("Varma hem", True)]


def test_a_similar_title_or_the_same_acronym_at_the_same_time_is_perhaps_known(reader):
    factories.project(reader.municipality, "Warm homes for everybody", starts_on=date(2023, 2, 1))
    factories.project(reader.municipality, "Ett hem", acronym="WARMHOME")
    factories.project(reader.municipality, "Något annat")
    assert held(reader, acronym="WarmHome", title="Nothing alike") == [("Ett hem", False)]
    assert held(reader, title="Warm homes everybody") == [("Warm homes for everybody", False)]


def test_a_project_of_another_time_is_not_the_one(reader):
    factories.project(
        reader.municipality, "Warm homes for all", starts_on=date(2014, 1, 1), ends_on=date(2016, 12, 31)
    )
    assert held(reader) == []


def test_seven_granted_projects_that_the_register_does_not_know_are_seven(reader):
    known = factories.project(reader.municipality, "Öppna dörrar", external_reference="23-901-S01")
    batch = taken(reader, "esf.csv")
    judge, preview = taking.preview_of(reader, batch)
    assert preview.counts["new"] == 2
    assert [plan.grant.reference for plan in judge.unknown] == ["25-902-S02"]
    with history.context(municipality=reader.municipality.pk):
        taking.confirm(reader, batch, seen=preview.fingerprint, at=NOW)
    joined, waiting = ListedGrant.objects.order_by("reference")
    assert (joined.outcome, joined.project, joined.settled_by) == ("joined", known, reader.person)
    assert (waiting.outcome, waiting.project) == ("", None)
    assert taking.waiting(reader).waiting == 1


def test_the_same_list_twice_changes_nothing_and_next_years_shows_only_what_is_new(reader):
    confirmed(reader, "esf.csv")
    again = taken(reader, "esf.csv")
    assert {k: v for k, v in again.counts.items() if v} == {"unchanged": 2}
    data = (DATA / "esf.csv").read_text("utf-8-sig")
    line = data.splitlines()[-1].replace("25-902-S02", "26-903-S01").replace("Allaktivitetshus", "Nytt hus")
    next_year = taking.upload(
        reader, "esf-2027.csv", f"{data}{line}\n".replace("2 000 000", "2 100 000", 1).encode()
    )
    assert {k: v for k, v in next_year.counts.items() if v} == {"new": 1, "changed": 1, "unchanged": 1}


def test_what_was_settled_stays_settled_when_a_later_list_changes_it(reader):
    confirmed(reader, "esf.csv")
    grant = ListedGrant.objects.get(reference="25-902-S02")
    taking.set_aside(reader, grant, reason="Ett bolags eget", at=NOW)
    data = (DATA / "esf.csv").read_text("utf-8-sig").replace("2 000 000", "2 100 000", 1)
    batch = taking.upload(reader, "esf.csv", data.encode())
    taking.confirm(reader, batch, seen=taking.preview_of(reader, batch)[1].fingerprint, at=NOW)
    grant.refresh_from_db()
    assert (grant.outcome, grant.total_budget) == ("set_aside", Decimal(2100000))


def test_a_list_that_would_do_something_else_than_was_seen_is_not_confirmed(reader):
    batch = taken(reader, "esf.csv")
    seen = taking.preview_of(reader, batch)[1].fingerprint
    factories.project(reader.municipality, "Öppna dörrar", external_reference="23-901-S01")
    with pytest.raises(NotReady):
        taking.confirm(reader, batch, seen=seen, at=NOW)
    assert not ListedGrant.objects.exists()


def test_undoing_a_list_hides_what_nobody_has_settled_and_taking_it_in_again_brings_it_back(reader):
    batch = confirmed(reader, "esf.csv")
    first, second = ListedGrant.objects.order_by("reference")
    taking.set_aside(reader, first, reason="Ett bolags eget", at=NOW)
    assert taking.undo(reader, batch, at=datetime.now(UTC)) == (1, 1, 0)
    assert list(taking.visible_to(reader)) == [first]
    again = confirmed(reader, "esf.csv")
    assert (again.counts["new"], again.counts["unchanged"]) == (1, 1)
    assert set(taking.visible_to(reader)) == {first, second}


def changed_list(reader) -> ImportBatch:
    """The same list a year later, with another sum; confirmed."""
    data = (DATA / "esf.csv").read_text("utf-8-sig").replace("2 000 000", "2 100 000", 1)
    batch = taking.upload(reader, "esf-2027.csv", data.encode())
    taking.confirm(reader, batch, seen=taking.preview_of(reader, batch)[1].fingerprint, at=NOW)
    return batch


def test_undoing_a_list_takes_back_what_confirming_it_did_and_the_later_list_goes_first(reader):
    first = confirmed(reader, "esf.csv")
    project = factories.project(reader.municipality, "Hus", external_reference="25-902-S02")
    second = changed_list(reader)
    grant = ListedGrant.objects.get(reference="25-902-S02")
    assert (grant.outcome, grant.project, grant.total_budget) == ("joined", project, Decimal(2100000))
    with pytest.raises(UndoneFirst) as refused:
        taking.undo(reader, first, at=datetime.now(UTC))
    assert f"{second.pk}, esf-2027.csv" in str(refused.value)
    assert taking.undo(reader, second, at=datetime.now(UTC)) == (0, 0, 1)
    grant.refresh_from_db()
    assert (grant.outcome, grant.project, grant.reason, grant.total_budget) == (
        "",
        None,
        "",
        Decimal(2000000),
    )
    assert set(taking.visible_to(reader)) == set(ListedGrant.objects.all())
    assert taking.undo(reader, first, at=datetime.now(UTC)) == (2, 0, 0)
    assert not taking.visible_to(reader).exists()


def test_what_a_list_joined_by_itself_is_hidden_with_it_and_what_a_person_joined_stays(reader):
    project = factories.project(reader.municipality, "Öppna dörrar", external_reference="23-901-S01")
    batch = confirmed(reader, "esf.csv")
    known, other = ListedGrant.objects.order_by("reference")
    assert (known.reference, known.outcome) == ("23-901-S01", "joined")
    taking.join(reader, other, project, at=NOW)
    assert taking.undo(reader, batch, at=datetime.now(UTC)) == (1, 1, 0)
    assert list(taking.visible_to(reader)) == [other]


def test_what_somebody_settles_in_the_same_moment_is_not_overwritten_by_the_list(reader, monkeypatch):
    confirmed(reader, "esf.csv")
    ready, locked = require_ready, []

    def settled_meanwhile(*given, **more):
        # Another connection would wait here: the row is held by the list that is being confirmed.
        locked.append("FOR UPDATE OF" in " ".join(query["sql"] for query in caught.captured_queries))
        ListedGrant.objects.filter(reference="25-902-S02").update(reason="Skrivet emellan")
        ready(*given, **more)

    monkeypatch.setattr(taking, "require_ready", settled_meanwhile)
    with CaptureQueriesContext(connection) as caught:
        changed_list(reader)
    grant = ListedGrant.objects.get(reference="25-902-S02")
    assert (grant.reason, grant.total_budget) == ("Skrivet emellan", Decimal(2100000))
    listed = [query["sql"] for query in caught.captured_queries if "listedgrant" in query["sql"]]
    assert locked == [True]
    assert any('FOR UPDATE OF "projects_listedgrant"' in sql for sql in listed)


# --- settling --------------------------------------------------------------------------------------------


def test_joining_gives_the_project_the_funders_reference_and_is_told_in_its_history(reader):
    confirmed(reader, "esf.csv")
    grant = ListedGrant.objects.get(reference="25-902-S02")
    project = factories.project(reader.municipality, "Allaktivitetshuset")
    with history.context(municipality=reader.municipality.pk, person=reader.person.pk):
        taking.join(reader, grant, project, at=NOW)
    project.refresh_from_db()
    grant.refresh_from_db()
    assert (project.external_reference, grant.outcome, grant.project) == ("25-902-S02", "joined", project)


def test_of_two_persons_who_settle_the_same_the_second_is_told(reader):
    confirmed(reader, "esf.csv")
    grant = ListedGrant.objects.get(reference="25-902-S02")
    same = ListedGrant.objects.get(pk=grant.pk)
    taking.set_aside(reader, grant, reason="Ett bolags eget", at=NOW)
    with pytest.raises(taking.AlreadySettled) as told:
        taking.join(reader, same, factories.project(reader.municipality), at=NOW)
    assert reader.person.name in str(told.value)
    assert "Ett bolags eget" in str(told.value)


def test_the_list_is_handed_out_as_it_came_and_the_reading_is_logged(client, strategist):
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        batch = confirmed(strategist, "esf.csv")
    answer = client.get(reverse("projects:grants_file", args=[batch.pk]))
    assert answer.content == (DATA / "esf.csv").read_bytes()
    assert answer["Content-Disposition"] == 'attachment; filename="esf.csv"'
    with scope(strategist.municipality.pk):
        assert Reading.objects.filter(kind="file", what="esf.csv").exists()


def test_a_settled_grant_can_be_opened_again(reader):
    confirmed(reader, "esf.csv")
    grant = ListedGrant.objects.get(reference="25-902-S02")
    taking.set_aside(reader, grant, reason="Fel", at=NOW)
    taking.open_again(reader, grant, reason="Det var vårt")
    grant.refresh_from_db()
    assert (grant.outcome, grant.reason, grant.settled_by) == ("", "", None)


def test_a_grant_that_is_opened_again_leaves_no_reference_that_would_join_it_to_the_same_project(reader):
    confirmed(reader, "esf.csv")
    grant = ListedGrant.objects.get(reference="25-902-S02")
    wrong = factories.project(reader.municipality, "Fel projekt")
    taking.join(reader, grant, wrong, at=NOW)
    taking.open_again(reader, grant, reason="Fel projekt")
    wrong.refresh_from_db()
    assert wrong.external_reference == ""
    changed_list(reader)
    grant.refresh_from_db()
    assert (grant.outcome, grant.project) == ("", None)


def test_a_reference_that_a_person_wrote_stays_when_a_grant_is_opened_again(reader):
    confirmed(reader, "esf.csv")
    grant = ListedGrant.objects.get(reference="25-902-S02")
    project = factories.project(reader.municipality, "Huset", external_reference="25-902-S02")
    taking.join(reader, grant, project, at=NOW)
    taking.open_again(reader, grant, reason="Fel projekt")
    project.refresh_from_db()
    assert project.external_reference == "25-902-S02"


def test_a_project_that_is_withdrawn_while_the_page_is_open_gets_no_grant(reader):
    confirmed(reader, "esf.csv")
    grant = ListedGrant.objects.get(reference="25-902-S02")
    project = factories.project(reader.municipality, "Huset")
    Project.objects.filter(pk=project.pk).update(withdrawn_at=NOW, withdrawn_reason="Dubbelt")
    with pytest.raises(PermissionDenied):
        taking.join(reader, grant, project, at=NOW)
    grant.refresh_from_db()
    assert grant.outcome == ""


def test_what_is_kept_and_told_of_a_grant_is_in_the_installations_language_with_the_strategists_mark(reader):
    unit = factories.unit(reader.municipality, "Fritid")
    project = factories.project(reader.municipality, "Huset", owner_unit=unit)
    with translation.override("en"), history.context(municipality=reader.municipality.pk):
        batch = taken(reader, "esf.csv")
        taking.confirm(reader, batch, seen=taking.preview_of(reader, batch)[1].fingerprint, at=NOW)
        grant = ListedGrant.objects.get(reference="25-902-S02")
        taking.join(reader, grant, project, at=NOW)
        joined = history.acts(grant)[0].reason
        taking.open_again(reader, grant, reason="Fel")
        opened = history.acts(grant)[0].reason
        ListedGrant.objects.filter(pk=grant.pk).update(unit=unit)
        taking.set_aside(reader, grant, reason="Inget för oss", at=NOW)
        aside = history.acts(grant)[0].reason
    with translation.override("sv"):
        mark = marked_reason(reader, unit, "")
        ways = {translation.gettext(way) for way in ("Organisation number", "The municipality's name")}
        told = translation.gettext(
            "The grant %(reference)s in the list of %(source)s was joined to %(project)s."
        )
    assert joined == (
        told % {"reference": grant.reference, "source": grant.source, "project": project.register_id}
        + f" ({mark})"
    )
    assert (opened, aside) == (f"Fel ({mark})", f"Inget för oss ({mark})")
    assert {row.matched_by for row in ListedGrant.objects.all()} <= ways
    assert "Organisation number" not in ways


def test_the_strategist_has_the_waiting_grants_to_do_and_others_have_not(reader):
    confirmed(reader, "esf.csv")
    (task,) = grants_to_settle(reader)
    assert task.since == date(2026, 11, 20)
    ImportBatch.objects.update(confirmed_at=datetime(2026, 11, 19, 23, 30, tzinfo=UTC))
    assert next(iter(grants_to_settle(reader))).since == date(2026, 11, 20)
    for role in (Role.ECONOMIST, Role.AUDITOR, Role.EMPLOYEE):
        assert list(grants_to_settle(factories.reader(reader.municipality, role))) == []


def test_only_the_strategist_takes_lists_in(reader):
    economist = factories.reader(reader.municipality, Role.ECONOMIST)
    with pytest.raises(PermissionDenied):
        taking.upload(economist, "esf.csv", (DATA / "esf.csv").read_bytes())


# --- pages -----------------------------------------------------------------------------------------------


def upload(client, name: str, data: bytes | None = None, **more):
    file = SimpleUploadedFile(name, (DATA / name).read_bytes() if data is None else data)
    return client.post(TAKE, {"profile": "", "file": file, **more})


def test_a_list_goes_from_upload_to_a_registered_project_in_the_browser(client, strategist):
    answer = upload(client, "esf.csv")
    preview = client.get(answer.url)
    assert [figure["value"] for figure in preview.context["figures"][:3]] == ["2", "2", "2"]
    with scope(strategist.municipality.pk):
        batch = ImportBatch.objects.get()
    seen = {"seen": preview.context["preview"].fingerprint}
    assert client.post(reverse("projects:grants_confirm", args=[batch.pk]), seen).url == LIST
    page = client.get(LIST)
    assert [cells[0].text for cells in page.context["listing"].rows] == ["Allaktivitetshus", "Öppna dörrar"]
    with scope(strategist.municipality.pk):
        grant = ListedGrant.objects.get(reference="25-902-S02")
        unit = strategist.municipality.units.first() if hasattr(strategist.municipality, "units") else None
        unit = unit or factories.unit(strategist.municipality, "Kulturförvaltningen")
    register = reverse("projects:grant_register", args=[grant.pk])
    form = client.get(register).context["form"]
    assert form["title"].value() == "Allaktivitetshus"
    sent = {bound.html_name: bound.value() or "" for bound in form if bound.name not in ("units", "parties")}
    sent |= {"owner_unit": unit.pk, "starts": "2026-09-04", "ends": "2028-03-31", "total_budget": "2 000 000"}
    done = client.post(register, sent)
    assert done.status_code == 302, done.context["form"].errors
    with scope(strategist.municipality.pk):
        project = Project.objects.get()
        grant.refresh_from_db()
        assert (grant.outcome, grant.project, project.external_reference) == (
            "registered",
            project,
            "25-902-S02",
        )
        assert (project.total_budget, project.own_share) == (Decimal(2000000), None)


def test_an_unknown_list_leads_to_pointing_out_its_columns_with_likely_ones_chosen(client, strategist):
    answer = upload(client, "stiftelsen.csv")
    page = client.get(answer.url, follow=True)
    form = page.context["form"]
    assert form["c_title"].value() == "Projekt"
    assert (form["c_recipient"].value(), form["c_amount"].value(), form["c_starts"].value()) == (
        "Sökande",
        "Beviljat",
        "Från",
    )
    assert [cells[1].text for cells in page.context["sample"].rows][1] == "Fritidsgården · Biblioteket"
    sent = {"name": "Stiftelsen", "c_title": "Projekt", "c_recipient": "Sökande", "currency": "SEK"}
    preview = client.post(page.request["PATH_INFO"], sent, follow=True)
    assert [row.name for row in preview.context["preview"].rows] == ["Fritidsgården"]


def test_mark_up_in_a_list_is_text_where_names_that_are_alike_are_asked_about(client, strategist):
    alike = "Folkets park i Jönköpings kommundel"
    rows = [
        "Titel\tMottagare\tDnr",
        f'&lt;i hx-post=/projekt/5/makulera/ hx-trigger=load a="\t{alike}\tA1',
        f'" b&gt;\t{alike}\tA2',
        f"<i hx-get=/x\t{alike}\tA3",
    ]
    columns = client.get(upload(client, "okand.csv", "\n".join(rows).encode()).url, follow=True)
    sent = {"c_title": "Titel", "c_recipient": "Mottagare", "c_reference": "Dnr", "currency": "SEK"}
    preview = client.post(columns.request["PATH_INFO"], {"name": "Lista", **sent}, follow=True)
    page = preview.content.decode()
    assert "makulera" in page
    assert "<i hx-" not in page


def test_a_changed_form_is_told_on_the_page_and_can_be_pointed_out(client, strategist):
    data = (
        (DATA / "esf.csv")
        .read_text("utf-8-sig")
        .replace("Stödmottagare / Beneficiary", "Mottagare", 1)
        .encode()
    )
    refused = upload(client, "esf.csv", data, profile="ESF-rådets projektbank")
    assert refused.status_code == 422
    (problem,) = refused.context["problems"]
    assert "Stödmottagare / Beneficiary" in problem["text"]
    page = client.get(upload(client, "esf.csv", data).url, follow=True)
    assert "Stödmottagare / Beneficiary" in page.context["lead"]
    assert page.context["form"]["c_title"].value() == "Namn på insatsen / Operation Name"


def test_names_that_are_alike_are_asked_about_and_the_answer_is_remembered(client, strategist):
    answer = client.post(TAKE, {"profile": "", "file": SimpleUploadedFile("cordis.zip", cordis())})
    page = client.get(answer.url)
    form = page.context["recipients"]
    assert list(form.names.values()) == ["JONKOPING MUNICIPALITY"]
    with scope(strategist.municipality.pk):
        batch = ImportBatch.objects.get()
    again = client.post(reverse("projects:grants_recipients", args=[batch.pk]), {"n0": "ours"}, follow=True)
    assert again.context["recipients"] is None
    assert len(again.context["preview"].rows) == 3
    answer = client.post(TAKE, {"profile": "", "file": SimpleUploadedFile("cordis.zip", cordis())})
    assert len(client.get(answer.url).context["preview"].rows) == 3


def test_a_grant_is_set_aside_with_a_reason_and_not_without(client, strategist):
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        confirmed(strategist, "esf.csv")
        grant = ListedGrant.objects.get(reference="25-902-S02")
    address = reverse("projects:grant_set_aside", args=[grant.pk])
    assert client.post(address, {"reason": " "}).status_code == 422
    assert client.post(address, {"reason": "Ett bolags eget"}).url == LIST
    assert client.get(reverse("projects:grant_settle", args=[grant.pk])).status_code == 200
    # Opened again it is the page on which the form stands.
    assert client.get(address).url == reverse("projects:grant_settle", args=[grant.pk])
    assert client.delete(address).status_code == 405


def test_a_grant_is_joined_to_a_project_by_its_register_id(client, strategist):
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        confirmed(strategist, "esf.csv")
        grant = ListedGrant.objects.get(reference="25-902-S02")
        project = factories.project(strategist.municipality, "Något")
    address = reverse("projects:grant_settle", args=[grant.pk])
    assert client.post(address, {"register_id": ""}).status_code == 422
    assert client.post(address, {"register_id": "P-1999-1"}).status_code == 422
    assert client.post(address, {"register_id": project.register_id}).url == LIST


def test_another_municipalitys_grant_is_not_there_and_an_employee_sees_none(client, place, strategist):
    other = factories.municipality("Annan kommun", organisation_number="212000-1355")
    with scope(other.pk), history.context(municipality=other.pk):
        foreign = factories.reader(other, Role.STRATEGIST)
        confirmed(foreign, "esf.csv")
        factories.reader(other, Role.STRATEGIST)
    with scope(place.pk):
        employee = factories.reader(place, Role.EMPLOYEE)
    client.logout()
    factories.login(client, employee.person)
    assert client.get(LIST).status_code == 403
    assert client.get(TAKE).status_code == 403


def test_the_list_takes_as_many_queries_for_five_grants_as_for_one(client, strategist):
    def queries() -> int:
        client.get(LIST)
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(LIST).status_code == 200
        return len(caught)

    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        batch = confirmed(strategist, "vinnova.json")
    one = queries()
    with scope(strategist.municipality.pk):
        first = ListedGrant.objects.get()
        for number in range(4):
            ListedGrant.objects.create(
                municipality=strategist.municipality,
                batch=batch,
                source=first.source,
                reference=f"R-{number}",
                title="Annat",
                recipient=first.recipient,
            )
    assert queries() == one


# --- the command -----------------------------------------------------------------------------------------


def test_the_command_shows_then_takes_a_list_in_and_keeps_the_extract_of_a_large_one(
    place, settings, capsys, tmp_path, django_capture_on_commit_callbacks
):
    import json

    with scope(place.pk):
        strategist = factories.reader(place, Role.STRATEGIST)
    path = tmp_path / "cordis.zip"
    path.write_bytes(cordis())
    given = [
        "take_public_list",
        str(path),
        "--municipality",
        place.name,
        "--as",
        strategist.person.email,
        "--json",
    ]
    call_command(*given)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["profile"], shown["counts"]["new"], shown["unknown"], shown["confirmed"]) == (
        "CORDIS",
        2,
        2,
        False,
    )
    settings.REGISTER_FILE_LIMIT = 10
    call_command(*given, "--confirm")
    told = json.loads(capsys.readouterr().out)
    assert told["confirmed"] is True
    with scope(place.pk):
        batch = ImportBatch.objects.get(pk=told["import"])
        assert batch.answers["extract"] is True
        assert ListedGrant.objects.count() == 2


def test_the_command_says_what_is_wrong_and_writes_nothing(place, tmp_path):
    with scope(place.pk):
        strategist = factories.reader(place, Role.STRATEGIST)
    common = ["--municipality", place.name, "--as", strategist.person.email]
    with pytest.raises(CommandError) as refused:
        call_command("take_public_list", str(DATA / "stiftelsen.csv"), *common)
    assert refused.value.returncode == 1
    changed = tmp_path / "cordis.zip"
    changed.write_bytes(changed_cordis())
    with pytest.raises(CommandError, match="vatNumber") as unlike:
        call_command("take_public_list", str(changed), *common)
    assert unlike.value.returncode == 1
    with scope(place.pk):
        assert not ImportBatch.objects.exists()
    with pytest.raises(CommandError) as missing:
        call_command("take_public_list", str(tmp_path / "inte.csv"), *common)
    assert missing.value.returncode == 2


def test_a_refusal_is_one_json_object_too(place, capsys):
    import json

    with scope(place.pk):
        auditor = factories.reader(place, Role.AUDITOR)
    common = ["--municipality", place.name, "--as", auditor.person.email, "--json"]
    with pytest.raises(CommandError) as refused:
        call_command("take_public_list", str(DATA / "stiftelsen.csv"), *common)
    told = json.loads(capsys.readouterr().out)
    assert told == {"error": str(refused.value), "confirmed": False}
