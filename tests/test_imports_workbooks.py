"""Workbooks into the register: the template and back, our own files, lost zeros and dates, hand corrections."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from pages.files import TableRefused, read_table
from projects import exchange
from projects.exchange.columns import COMPANIONS, FIELDS, REPEATED
from projects.exchange.template import GUIDE
from projects.management.commands.import_projects import Command
from projects.models import Project, ProjectRole, State
from projects.registry import change_project
from projects.views.imports import KINDS
from strategy import history
from strategy.models import BatchState, ImportBatch, Role, StoredFile, UnitKind
from strategy.permissions import Reader
from strategy.walls import scope
from tests import factories
from tests.test_spreadsheets import SHEET, several, with_part

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
UNITS = ("Utbildningsförvaltningen", "Socialförvaltningen")
LANGUAGES = ("sv", "en")


@pytest.fixture
def reader(settings, tmp_path):
    """The strategist of Jönköping, inside its scope, with files of its own."""
    settings.FILES_DIR = tmp_path
    place = factories.municipality("Jönköpings kommun", code="0680")
    with scope(place.pk), history.context(municipality=place.pk, page="test"):
        for name in UNITS:
            factories.unit(place, name)
        yield factories.reader(place, Role.STRATEGIST)


@pytest.fixture
def strategist(settings, tmp_path):
    """As `reader`, outside of any scope, as a page or a command finds it."""
    settings.FILES_DIR = tmp_path
    place = factories.municipality("Jönköpings kommun", code="0680")
    with scope(place.pk):
        for name in UNITS:
            factories.unit(place, name)
        return factories.reader(place, Role.STRATEGIST)


def book(headings: Sequence[str], *lines: Sequence[Any], formats: Mapping[int, str] | None = None) -> bytes:
    memory = io.BytesIO()
    workbook = xlsxwriter.Workbook(memory, {"in_memory": True})
    sheet = workbook.add_worksheet("Projekt")
    forms = {place: workbook.add_format({"num_format": code}) for place, code in (formats or {}).items()}
    sheet.write_row(0, 0, headings)
    for number, line in enumerate(lines, start=1):
        for place, value in enumerate(line):
            if isinstance(value, int | float):
                sheet.write_number(number, place, value, forms.get(place))
            elif value:
                sheet.write_string(number, place, value)
    workbook.close()
    return memory.getvalue()


def filled(template: bytes, *lines: Mapping[int, Any]) -> bytes:
    """The template with lines (place → value) as Excel would write them."""

    def cells(number: int, line: Mapping[int, Any]) -> str:
        told = ""
        for place, value in sorted(line.items()):
            address = f"{xlsxwriter.utility.xl_col_to_name(place)}{number}"
            if isinstance(value, int):
                told += f'<c r="{address}"><v>{value}</v></c>'
            else:
                told += f'<c r="{address}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return told

    added = "".join(
        f'<row r="{number}">{cells(number, line)}</row>' for number, line in enumerate(lines, start=2)
    )
    return with_part(template, SHEET, lambda text: text.replace("</sheetData>", f"{added}</sheetData>"))


def uploaded(reader: Reader, data: bytes, name: str = "lista.xlsx", **answers: str) -> ImportBatch:
    batch = exchange.upload(reader, name, data, year=None)
    exchange.answer(reader, batch, answers)
    return batch


def confirmed(reader: Reader, data: bytes, name: str = "lista.xlsx", **answers: str) -> ImportBatch:
    batch = uploaded(reader, data, name, **{"amounts": "exact", **answers})
    exchange.confirm(reader, batch, seen=exchange.preview_of(reader, batch).fingerprint, at=NOW)
    return batch


def outcomes(reader: Reader, data: bytes, **answers: str) -> dict[str, int]:
    preview = exchange.preview_of(reader, uploaded(reader, data, **answers))
    return {outcome: count for outcome, count in preview.counts.items() if count}


# --- what a workbook loses -------------------------------------------------------------------------------


def test_a_workbook_goes_in_as_a_text_file_does(reader):
    data = book(
        ("Titel", "Status", "Start", "Slut", "Totalbudget", "Projektnummer", "Dnr", "Nivå", "Typ"),
        ("Trygg hemma", "Pågående", 46266, "2028-08", 400000, 7, "KS 2026/1", "lokal", "utveckling"),
        formats={2: "yyyy-mm-dd", 4: '#,##0 "kr"', 5: "0000"},
    )
    confirmed(reader, data)
    assert list(
        Project.objects.values_list(
            *("title", "state", "starts_on", "ends_on", "ends_precision", "total_budget"),
            *("project_number", "dnr", "level", "kind"),
        )
    ) == [
        (
            *("Trygg hemma", State.ONGOING, date(2026, 9, 1), date(2028, 8, 31), "month", Decimal(400000)),
            *("0007", "KS 2026/1", "local", "development"),
        )
    ]
    assert outcomes(reader, data) == {"unchanged": 1}


def test_a_date_that_lost_its_format_is_read_and_said(reader):
    batch = uploaded(reader, book(("title", "starts"), ("En", 46266), ("Två", "2026-09")))
    preview = exchange.preview_of(reader, batch)
    assert [[one.after for one in row.differences if one.label] for row in preview.rows] == [
        ["2026-09-01"],
        ["2026-09"],
    ]
    (note,) = preview.notes
    assert "46266" in note and "2026-09-01" in note


@pytest.mark.parametrize("number", [2026, 400000, 1.5])
def test_a_number_that_is_no_plausible_day_is_refused_in_a_column_of_dates(reader, number):
    assert outcomes(reader, book(("title", "starts"), ("En", number))) == {"refused": 1}


@pytest.mark.parametrize(
    ("answer", "numbers"), [("with_zeros", ["0007", "7714"]), ("as_they_stand", ["7", "7714"])]
)
def test_project_numbers_that_may_have_lost_their_zeros_are_asked_about_once(reader, answer, numbers):
    data = book(("title", "project_number"), ("En", 7), ("Två", 7714))
    batch = uploaded(reader, data)
    (question,) = exchange.preview_of(reader, batch).questions
    assert (question.key, question.lines) == ("zeros", [2])
    confirmed(reader, data, zeros=answer)
    assert list(Project.objects.order_by("title").values_list("project_number", flat=True)) == numbers


@pytest.mark.parametrize(
    "data",
    [
        book(("title", "project_number"), ("En", 7714), ("Två", 7715)),
        book(("title", "project_number"), ("En", "7"), ("Två", "7714")),
        book(("title", "project_number"), ("En", 7), ("Två", 7714), formats={1: "0000"}),
        b"title;project_number\nEn;7\nTv\xc3\xa5;7714\n",
    ],
)
def test_where_no_zero_can_be_lost_nothing_is_asked(reader, data):
    assert outcomes(reader, data) == {"new": 2}


def test_a_text_that_begins_as_a_formula_does_is_a_text_in_a_workbook(reader):
    confirmed(reader, book(("title", "note"), ("=1+1", "'=x"), ("+46", "-")))
    assert list(Project.objects.order_by("pk").values_list("title", "note")) == [("=1+1", "'=x"), ("+46", "")]


# --- several sheets --------------------------------------------------------------------------------------


def test_a_workbook_of_several_tables_waits_for_a_person_to_choose(reader):
    data = several("2025", "2026", table=("2025", "2026"))
    with pytest.raises(TableRefused) as refused:
        exchange.upload(reader, "x.xlsx", data, year=None)
    assert refused.value.code == "which_sheet"
    assert StoredFile.objects.count() == 0
    batch = exchange.upload(reader, "x.xlsx", data, year=2026, may_choose=True)
    assert exchange.sheets_of(batch) == ("2025", "2026")
    exchange.choose_sheet(reader, batch, "2026")
    assert [row.name for row in exchange.preview_of(reader, batch).rows] == ["Ur 2026"]
    assert batch.answers == {"year": 2026, "sheet": "2026"}


# --- the template ----------------------------------------------------------------------------------------


def test_every_column_of_an_import_stands_in_the_template_with_a_word_on_what_to_write():
    assert GUIDE.keys() == FIELDS.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_heading_means_two_columns(language):
    known: dict[str, str] = {}
    for name, one in FIELDS.items():
        with translation.override(language):
            label = str(one.label)
        for heading in {name, *one.also, label}:
            key = heading.casefold().replace("_", " ").replace("-", " ")
            assert known.setdefault(key, name) == name, heading
    with translation.override(language):
        for text in (*REPEATED, *(one.label for one in COMPANIONS)):
            assert str(text).casefold() not in known


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("other", LANGUAGES)
def test_a_filled_in_template_comes_back_whole_in_either_language(reader, language, other):
    place = reader.municipality
    factories.unit(place, "Rädda & Leva <AB>", kind=UnitKind.COMPANY)
    with translation.override(language):
        template = exchange.write_template(reader)
        names = list(GUIDE)
        line: dict[int, Any] = {
            names.index(name): value
            for name, value in {
                "title": "Trygg <hemma> & trygg",
                "acronym": "TH",
                "summary": "Rad ett\nrad två",
                "programme": "Nytt program",
                "funder": "Ny finansiär",
                "starts": "2026-09",
                "ends": "2028-08-31",
                "state": str(State.PAUSED.label),
                "total_budget_sek": 1200000,
                "own_share_sek": "ca 400 tkr",
                "role": str(ProjectRole.CO_FINANCIER.label),
                "accounted_by": "Region Jönköpings län",
                "project_number": "0007",
                "level": str(dict(FIELDS["level"].widget.choices)["regional"]),
                "kind": str(dict(FIELDS["kind"].widget.choices)["research"]),
                "source": str(dict(FIELDS["source"].widget.choices)["network"]),
                "co_financing": str(dict(FIELDS["co_financing"].widget.choices)["both"]),
                "dnr": "KS 2026/12",
                "external_reference": "2026-01234",
                "initiated_by": "En lärare",
                "link_to_operations": "Färre fall",
                "expected_effect": "Hälften",
                "achieved_effect": "Allt",
                "partners": "Habo kommun; 3 universitet",
                "owner": "Rädda & Leva <AB>",
                "units": "Utbildningsförvaltningen; Socialförvaltningen",
                "decided_by": "Socialnämnden",
                "note": "=ingen formel",
            }.items()
        }
        assert len(line) == len(names) - 1  # the register id of a new project is not known yet
    with translation.override(other):
        data = filled(template, line)
        confirmed(reader, data)
        assert outcomes(reader, data) == {"unchanged": 1}
    project = Project.objects.get()
    assert {
        name: str(getattr(project, name))
        for name in (
            *("title", "acronym", "summary", "programme", "funder", "state", "role", "accounting"),
            *("accounted_by", "project_number", "level", "kind", "source", "co_financing", "dnr"),
            *("external_reference", "initiated_by", "link_to_operations", "expected_effect"),
            *("achieved_effect", "owner_unit", "decided_by", "note", "starts_on", "ends_on"),
            *("starts_precision", "ends_precision", "total_budget", "own_share"),
        )
    } == {
        "title": "Trygg <hemma> & trygg",
        "acronym": "TH",
        "summary": "Rad ett\nrad två",
        "programme": "Nytt program",
        "funder": "Ny finansiär",
        "state": "paused",
        "role": "co_financier",
        "accounting": "elsewhere",
        "accounted_by": "Region Jönköpings län",
        "project_number": "0007",
        "level": "regional",
        "kind": "research",
        "source": "network",
        "co_financing": "both",
        "dnr": "KS 2026/12",
        "external_reference": "2026-01234",
        "initiated_by": "En lärare",
        "link_to_operations": "Färre fall",
        "expected_effect": "Hälften",
        "achieved_effect": "Allt",
        "owner_unit": "Rädda & Leva <AB>",
        "decided_by": "Socialnämnden",
        "note": "=ingen formel",
        "starts_on": "2026-09-01",
        "ends_on": "2028-08-31",
        "starts_precision": "month",
        "ends_precision": "day",
        "total_budget": "1200000.00",
        "own_share": "400000.00",
    }
    assert sorted(part.unit.name for part in project.taking_part.select_related("unit")) == sorted(UNITS)
    assert project.parties.count() == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_explanations_and_the_example_are_never_taken_for_projects(reader, language):
    with translation.override(language):
        template = exchange.write_template(reader)
        with pytest.raises(TableRefused) as refused:
            exchange.read_projects(template)
        assert refused.value.code == "no_rows"
        with zipfile.ZipFile(io.BytesIO(template)) as archive:
            names = archive.read("xl/workbook.xml").decode()
        guide = (
            "Explanation and lists"
            if "Explanation" in names
            else names.split('<sheet name="')[2].split('"')[0]
        )
        with pytest.raises(TableRefused) as refused:
            exchange.read_projects(template, sheet=guide)
        assert refused.value.code == "no_such_sheet"


def test_the_template_offers_the_municipalitys_own_lists_and_keeps_its_heading_in_sight(reader):
    factories.unit(reader.municipality, "Byggnadsnämnden", kind=UnitKind.BOARD)
    with zipfile.ZipFile(io.BytesIO(exchange.write_template(reader))) as archive:
        sheet = archive.read(SHEET).decode()
        texts = archive.read("xl/sharedStrings.xml").decode()
        comments = archive.read("xl/comments1.xml").decode()
    assert sheet.count("<dataValidation ") == 10
    assert 'state="frozen"' in sheet
    assert "Socialförvaltningen" in texts and "Vinnova" in texts and "Byggnadsnämnden" not in texts
    assert comments.count("<comment ") == len(FIELDS)


# --- our own files taken in again ------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_as_a_workbook_is_taken_in_again_without_change(client, strategist, settings, language):
    place = strategist.municipality
    with scope(place.pk), history.context(municipality=place.pk):
        unit = factories.unit(place, "Kulturförvaltningen")
        rows: list[dict[str, Any]] = [
            {"total_budget": Decimal(400000), "total_budget_approximate": True, "own_share": Decimal("1.5")},
            {"total_budget": Decimal(1200), "total_budget_currency": "EUR", "state": State.GRANTED},
            {"accounting": "elsewhere", "accounted_by": "Region Jönköpings län"},
            {"accounting": "not_yet", "role": ProjectRole.OWNER, "owner_unit": unit},
            {"project_number": "0007", "starts_on": date(2026, 9, 1), "starts_precision": "month"},
        ]
        for number, given in enumerate(rows, start=1):
            factories.project(place, f"Projekt {number}", **given)
    factories.login(client, strategist.person)
    client.cookies["django_language"] = language
    data = client.get(reverse("projects:list") + "?format=xlsx").content
    assert data.startswith(b"PK")
    with scope(place.pk), history.context(municipality=place.pk):
        assert outcomes(strategist, data) == {"unchanged": 5}
        (batch,) = ImportBatch.objects.all()
        assert len(exchange.preview_of(strategist, batch).notes) == 2


# --- what was corrected by hand --------------------------------------------------------------------------


def corrected(reader: Reader, *titles: str) -> bytes:
    """Imported, and the acronym then corrected by hand."""
    data = book(("title", "acronym", "dnr"), *[(title, "FEL", "1") for title in titles])
    confirmed(reader, data)
    for project in Project.objects.filter(title__in=titles):
        project.acronym = "RÄTT"
        change_project(reader, project, reason="rättat")
    return data


def test_what_was_corrected_by_hand_is_not_overwritten_unasked(reader):
    data = corrected(reader, "En")
    batch = uploaded(reader, data)
    preview = exchange.preview_of(reader, batch)
    (question,) = preview.questions
    assert (question.key, preview.counts["asked"]) == ("corrected:2", 1)
    assert "RÄTT" in question.help and "FEL" in question.help
    kept = exchange.answer(reader, batch, {"corrected:2": "keep"})
    assert kept.counts["unchanged"] == 1
    taken = exchange.answer(reader, batch, {"corrected:2": "take"})
    assert taken.counts["changed"] == 1
    (row,) = taken.rows
    ((before, after, remark),) = [(one.before, one.after, one.remark) for one in row.differences]
    assert (before, after, bool(remark)) == ("RÄTT", "FEL", True)
    exchange.confirm(reader, batch, seen=taken.fingerprint, at=NOW)
    assert Project.objects.get().acronym == "FEL"


def test_of_several_the_answer_is_given_once_or_for_each(reader):
    batch = uploaded(reader, corrected(reader, "En", "Två"))
    (question,) = exchange.preview_of(reader, batch).questions
    assert (question.key, question.lines) == ("corrected", [2, 3])
    assert exchange.answer(reader, batch, {"corrected": "keep"}).counts["unchanged"] == 2
    assert exchange.answer(reader, batch, {"corrected": "take"}).counts["changed"] == 2
    each = exchange.answer(reader, batch, {"corrected": "each"})
    assert [question.key for question in each.unanswered] == ["corrected:2", "corrected:3"]
    both = exchange.answer(reader, batch, {"corrected:2": "keep", "corrected:3": "take"})
    assert (both.counts["unchanged"], both.counts["changed"]) == (1, 1)


def test_keeping_the_correction_takes_the_rest_of_the_row(reader):
    corrected(reader, "En")
    confirmed(reader, book(("title", "acronym", "dnr"), ("En", "FEL", "2")), **{"corrected:2": "keep"})
    assert Project.objects.values_list("acronym", "dnr").get() == ("RÄTT", "2")


def test_what_the_file_agrees_with_or_nobody_corrected_is_not_asked_about(reader):
    corrected(reader, "En")
    assert outcomes(reader, book(("title", "acronym", "dnr"), ("En", "RÄTT", "2"))) == {"changed": 1}
    assert outcomes(reader, book(("title", "dnr"), ("En", "3"))) == {"changed": 1}
    factories.project(reader.municipality, "Aldrig inläst", acronym="A")
    assert outcomes(reader, book(("title", "acronym"), ("Aldrig inläst", "B"))) == {"changed": 1}


def test_an_import_that_is_undone_asks_about_nothing(reader):
    batch = confirmed(reader, book(("title", "acronym"), ("En", "A")))
    factories.project(reader.municipality, "Två", acronym="0")
    second = confirmed(reader, book(("title", "acronym"), ("Två", "1")))
    exchange.undo(reader, second, at=NOW)
    assert outcomes(reader, book(("title", "acronym"), ("Två", "2"))) == {"changed": 1}
    assert batch.state == BatchState.CONFIRMED


# --- what the preview says -------------------------------------------------------------------------------


def test_the_municipality_as_owner_is_said_to_leave_the_unit_not_stated(reader):
    (note,) = exchange.preview_of(
        reader, uploaded(reader, book(("title", "owner"), ("En", "Jönköpings kommun")))
    ).notes
    assert "2" in note


def test_a_state_that_follows_from_the_dates_is_marked_so(reader):
    batch = uploaded(
        reader, book(("title", "ends", "state"), ("En", "2019-01", ""), ("Två", "2019-01", "Avslutad"))
    )
    first, second = exchange.preview_of(reader, batch).rows
    label = str(FIELDS["state"].label)
    assert [bool(one.remark) for one in first.differences if one.label == label] == [True]
    assert [bool(one.remark) for one in second.differences if one.label == label] == [False]


def test_an_import_may_set_any_state_and_its_undoing_restores_it(reader):
    factories.project(reader.municipality, "En", state=State.IDEA)
    batch = confirmed(reader, book(("title", "state"), ("En", "Avslutad")))
    assert Project.objects.get().state == State.ENDED
    exchange.undo(reader, batch, at=NOW)
    assert Project.objects.get().state == State.IDEA
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('medel.takes_in', true)")
        assert cursor.fetchone()[0] == ""


# --- the pages -------------------------------------------------------------------------------------------

LIST, UPLOAD = reverse("projects:imports"), reverse("projects:import_upload")


def page(name: str, batch: ImportBatch) -> str:
    return reverse(f"projects:{name}", args=[batch.pk])


def sent(client, data: bytes, name: str = "lista.xlsx"):
    return client.post(UPLOAD, {"year": "", "file": SimpleUploadedFile(name, data)})


def only_batch(reader: Reader) -> ImportBatch:
    with scope(reader.municipality.pk):
        return ImportBatch.objects.select_related("file").latest("pk")


def test_a_person_chooses_the_sheet_on_the_page_and_goes_on(client, strategist):
    factories.login(client, strategist.person)
    answer = sent(client, several("2025", "2026", table=("2025", "2026")))
    batch = only_batch(strategist)
    assert answer.url == page("import_preview", batch)
    shown = client.get(answer.url)
    assert shown.context["form"].fields["sheet"].choices == [("2025", "2025"), ("2026", "2026")]
    none = client.post(page("import_sheet", batch))
    assert list(none.context["form"].errors) == ["sheet"]
    assert client.post(page("import_sheet", batch), {"sheet": "2027"}).context["form"].errors
    assert client.post(page("import_sheet", batch), {"sheet": "2026"}).url == answer.url
    assert [row.name for row in client.get(answer.url).context["preview"].rows] == ["Ur 2026"]
    assert client.get(page("import_sheet", batch)).status_code == 405
    workbook = client.get(page("import_file", batch))
    assert workbook["Content-Type"].endswith("spreadsheetml.sheet")
    assert workbook["Content-Disposition"].startswith("attachment")


def test_a_broken_workbook_is_refused_in_sentences_and_not_stored(client, strategist):
    factories.login(client, strategist.person)
    answer = sent(client, b"PK\x03\x04" + b"\0" * 100)
    assert (answer.status_code, len(answer.context["problems"])) == (200, 1)
    with scope(strategist.municipality.pk):
        assert StoredFile.objects.count() == 0


def _labels() -> list[str]:
    found = []
    for language in LANGUAGES:
        with translation.override(language):
            found += [str(one.label) for one in FIELDS.values()]
    return found


def test_the_template_is_handed_out_to_who_may_import(client, strategist):
    factories.login(client, strategist.person)
    answer = client.get(reverse("projects:import_template"))
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    assert read_table(answer.content, known_headers=_labels()).rows == ()
    assert client.post(reverse("projects:import_template")).status_code == 405
    with scope(strategist.municipality.pk):
        auditor = factories.reader(strategist.municipality, Role.AUDITOR)
    factories.login(client, auditor.person)
    assert client.get(reverse("projects:import_template")).status_code == 403


def test_imports_undone_in_the_wrong_order_are_refused_on_the_page(client, strategist):
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        first = confirmed(strategist, book(("title", "acronym"), ("En", "1")), "ett.xlsx")
        confirmed(strategist, book(("title", "acronym"), ("En", "2")), "två.xlsx")
    factories.login(client, strategist.person)
    answer = client.post(page("import_undo", first), follow=True)
    (said,) = answer.context["messages"]
    assert (said.level_tag, "två.xlsx" in said.message) == ("error", True)
    with scope(strategist.municipality.pk):
        assert ImportBatch.objects.get(pk=first.pk).state == BatchState.CONFIRMED


@pytest.fixture
def history_of_imports(strategist):
    """Three files of two persons: one taken in, one waiting, one cancelled."""
    place = strategist.municipality
    with scope(place.pk), history.context(municipality=place.pk):
        other = factories.reader(place, Role.STRATEGIST)
        confirmed(strategist, book(("title",), ("En",)), "Årets projekt.xlsx")
        uploaded(other, book(("title",), ("Två",)), "bidrag.xlsx")
        exchange.cancel(other, uploaded(other, book(("title",), ("Tre",)), "annat.xlsx"))
    return strategist, other


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["annat.xlsx", "bidrag.xlsx", "Årets projekt.xlsx"]),
        ({"q": "ÅRETS"}, ["Årets projekt.xlsx"]),
        ({"lage": "judged"}, ["bidrag.xlsx"]),
        ({"slag": "projects"}, ["annat.xlsx", "bidrag.xlsx", "Årets projekt.xlsx"]),
        ({"slag": "project_codes"}, []),
        ({"lage": "confirmed"}, ["Årets projekt.xlsx"]),
        ({"av": "other"}, ["annat.xlsx", "bidrag.xlsx"]),
        ({"fran": "today"}, ["annat.xlsx", "bidrag.xlsx", "Årets projekt.xlsx"]),
        ({"till": "2020-01-01"}, []),
        ({"fran": "2199-01-01"}, []),
    ],
)
def test_the_list_of_imports_is_filtered(client, history_of_imports, query, names):
    strategist, other = history_of_imports
    given = {
        key: {"other": str(other.person.pk), "today": date.today().isoformat()}.get(value, value)  # noqa: DTZ011
        for key, value in query.items()
    }
    factories.login(client, strategist.person)
    answer = client.get(LIST, given)
    rows = answer.context["listing"].rows
    assert [cells[0].text for cells in rows] == names
    assert all(cells[0].href.startswith("/projekt/inlasning/") for cells in rows)


def test_every_kind_of_file_stands_in_the_list_with_a_link_to_where_it_is_dealt_with(client, strategist):
    place = strategist.municipality
    with scope(place.pk), history.context(municipality=place.pk):
        first = uploaded(strategist, book(("title",), ("En",)), "projekt.xlsx")
        for kind in ("project_codes", "public_list"):
            ImportBatch.objects.create(
                municipality=place, kind=kind, file=first.file, uploaded_by=strategist.person
            )
    factories.login(client, strategist.person)
    rows = client.get(LIST).context["listing"].rows
    assert [(cells[2].text, cells[0].href.split("/")[2]) for cells in rows] == [
        (str(KINDS["public_list"].label), "finansiarernas-listor"),
        (str(KINDS["project_codes"].label), "koder"),
        (str(KINDS["projects"].label), "inlasning"),
    ]


@pytest.mark.parametrize("query", ["fran=igår", "lage=okänt", "slag=okänt", "av=999999", "av=x"])
def test_a_filter_that_cannot_be_used_shows_its_error_and_no_rows(client, history_of_imports, query):
    factories.login(client, history_of_imports[0].person)
    answer = client.get(f"{LIST}?{query}")
    assert (len(answer.context["errors"]), list(answer.context["listing"].rows)) == (1, [])


# --- the command -----------------------------------------------------------------------------------------


def run(capsys, *arguments: object, status: int = 0) -> dict[str, Any]:
    """The one object on standard output."""
    try:
        call_command("import_projects", *arguments, "--json")
        code = 0
    except CommandError as refused:
        code = refused.returncode
    said = capsys.readouterr()
    told: dict[str, Any] = json.loads(said.out)
    assert (code, told["status"]) == (status, status)
    return told


def test_the_command_takes_a_workbook_in_once_and_then_changes_nothing(strategist, tmp_path, capsys):
    path = tmp_path / "lista.xlsx"
    path.write_bytes(book(("title", "project_number"), ("En", "0007")))
    base = (path, "--municipality", "0680", "--as", strategist.person.email)
    assert run(capsys, *base)["result"] == "preview"
    assert run(capsys, *base, "--confirm")["result"] == "taken_in"
    again = run(capsys, *base, "--confirm")
    assert (again["result"], again["counts"]["unchanged"]) == ("unchanged", 1)
    with scope(strategist.municipality.pk):
        assert (Project.objects.count(), ImportBatch.objects.count()) == (1, 1)


def test_the_command_tells_each_refusal_as_one_object(strategist, tmp_path, capsys):
    place = ("--municipality", "0680")
    me = ("--as", strategist.person.email)
    path = tmp_path / "lista.xlsx"
    path.write_bytes(several("2025", "2026", table=("2025", "2026")))
    told = run(capsys, path, *place, *me, status=1)
    assert (told["result"], told["sheets"], told["confirmed"]) == ("refused", ["2025", "2026"], False)
    assert run(capsys, path, *place, *me, "--sheet", "2026", "--confirm")["result"] == "taken_in"
    path.write_bytes(b"PK\x03\x04")
    assert len(run(capsys, path, *place, *me, status=1)["problems"]) == 1
    path.write_bytes(book(("title", "project_number"), ("En", 7), ("Två", 7714)))
    assert len(run(capsys, path, *place, *me, status=1)["questions"]) == 1
    assert run(capsys, path, *place, *me, "--zeros", "fill", "--confirm")["result"] == "taken_in"
    assert run(capsys, path, *place, *me, "--word", "x=y", status=2)["result"] == "wrong_use"
    assert run(capsys, tmp_path / "saknas.xlsx", *place, *me, status=2)["error"]
    assert run(capsys, path, *place, status=2)["result"] == "wrong_use"
    assert run(capsys, *place, *me, status=2)["result"] == "wrong_use"
    assert run(capsys, path, "--municipality", "Atlantis", *me, status=2)["result"] == "wrong_use"
    with scope(strategist.municipality.pk):
        auditor = factories.reader(strategist.municipality, Role.AUDITOR)
    assert run(capsys, path, *place, "--as", auditor.person.email, status=1)["error"]


def test_the_command_asks_about_hand_corrections_and_takes_the_answer(strategist, tmp_path, capsys):
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        data = corrected(strategist, "En", "Två")
    path = tmp_path / "lista.xlsx"
    path.write_bytes(data)
    base = (path, "--municipality", "0680", "--as", strategist.person.email, "--confirm")
    assert "--corrected" in run(capsys, *base, status=1)["refused"]
    assert run(capsys, *base, "--corrected", "keep")["result"] == "unchanged"
    assert run(capsys, *base, "--corrected", "take")["result"] == "taken_in"


def test_a_database_that_breaks_off_and_an_unknown_option_are_told_as_one_object_too(
    strategist, tmp_path, capsys, monkeypatch
):
    def away(*_args: object, **_given: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    path = tmp_path / "lista.xlsx"
    path.write_bytes(book(("title",), ("En",)))
    base = ("--municipality", "0680", "--as", strategist.person.email)
    with monkeypatch.context() as patched:
        patched.setattr(exchange, "upload", away)
        assert run(capsys, path, *base, "--confirm", status=1)["error"]
    monkeypatch.setattr("sys.argv", ["manage.py", "import_projects", "--json", "--finns-inte"])
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(sys.argv)
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, told["status"], told["result"]) == (2, 2, "wrong_use")


def test_the_command_writes_the_template(strategist, tmp_path, capsys):
    path = tmp_path / "mall.xlsx"
    assert run(capsys, "--template", path, "--municipality", "0680")["result"] == "template"
    with scope(strategist.municipality.pk):
        assert path.read_bytes().startswith(b"PK")
    assert run(capsys, "--template", tmp_path / "saknas" / "m.xlsx", "--municipality", "0680", status=2)[
        "error"
    ]


def test_judging_costs_the_same_number_of_queries_for_five_and_fifty_corrected_rows(reader):
    counted = []
    for number in (5, 50):
        data = corrected(reader, *[f"Projekt {number}-{one}" for one in range(number)])
        sheet = exchange.read_projects(data)
        with CaptureQueriesContext(connection) as queries:
            exchange.Judge(reader.municipality, sheet, {}, reader.today).preview()
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 20
