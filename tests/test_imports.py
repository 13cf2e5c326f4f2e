"""Imports: what a file does to the register, what it never does, and how it is undone."""

import errno
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django.utils.translation import gettext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pages.files import TableRefused
from pages.imports import NotReady
from projects import exchange
from projects.exchange import batches
from projects.forms import ProjectForm
from projects.models import (
    CoFinancingKind,
    Funder,
    ImportedProject,
    Programme,
    Project,
    ProjectParty,
    ProjectRole,
    ProjectUnit,
    State,
)
from projects.registry import MESSAGES, change_project, withdraw_project
from projects.texts import TextRefused, plain
from strategy import history
from strategy.management.files import unreadable
from strategy.models import BatchState, ImportBatch, RememberedWord, Role, StoredFile, UnitKind, UnitName
from strategy.permissions import Reader
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db

FACTS = Path(__file__).parent / "data" / "projects-2017.csv"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECIDED = "beslutat av det regionala politiska organet med politiker från varje kommun i länet"
UNITS = (
    "Utbildningsförvaltningen",
    "Socialförvaltningen",
    "Kultur- och fritidsförvaltningen",
    "Stadsbyggnadskontoret",
)
# Every value of a project that an import may set.
TOLD = (
    "title",
    "state",
    "role",
    "funder__name",
    "programme__name",
    "starts_on",
    "starts_precision",
    "ends_on",
    "ends_precision",
    "recorded_for_year",
    "total_budget",
    "total_budget_currency",
    "total_budget_approximate",
    "own_share",
    "accounting",
    "accounted_by",
    "decided_by",
    "note",
    "owner_unit__name",
    "withdrawn_at",
)


@pytest.fixture
def reader(settings, tmp_path):
    """The strategist of Jönköping, inside its scope, with files of its own."""
    settings.FILES_DIR = tmp_path
    place = factories.municipality("Jönköpings kommun")
    with scope(place.pk), history.context(municipality=place.pk, page="test"):
        for name in UNITS:
            factories.unit(place, name)
        yield factories.reader(place, Role.STRATEGIST)


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def uploaded(reader: Reader, data: bytes, year: Any = None, **answers: str) -> ImportBatch:
    batch = exchange.upload(reader, "lista.csv", data, year=year)
    exchange.answer(reader, batch, answers)
    return batch


def confirmed(reader: Reader, data: bytes, year: Any = None, **answers: str) -> ImportBatch:
    batch = uploaded(reader, data, year, **{"amounts": "exact", **answers})
    exchange.confirm(reader, batch, seen=exchange.preview_of(reader, batch).fingerprint, at=NOW)
    return batch


def outcomes(reader: Reader, data: bytes, **answers: str) -> list[tuple[int, str]]:
    batch = uploaded(reader, data, **answers)
    return [(row.line, row.outcome.value) for row in exchange.preview_of(reader, batch).rows]


def troubles(reader: Reader, data: bytes) -> list[tuple[int, str, str]]:
    batch = uploaded(reader, data)
    return [(one.line, one.column, one.message) for one in exchange.preview_of(reader, batch).troubles]


def of_2017(reader: Reader) -> ImportBatch:
    batch = exchange.upload(reader, "projects-2017.csv", FACTS.read_bytes(), year=2017)
    preview = exchange.preview_of(reader, batch)
    answers = {"amounts": "approximate", "word:role:gemensam satsning": "partner"}
    answers |= {f"word:partners:{DECIDED}": "decided_by"}
    assert {question.key for question in preview.unanswered} == answers.keys()
    preview = exchange.answer(reader, batch, answers)
    exchange.confirm(reader, batch, seen=preview.fingerprint, at=NOW)
    return batch


def everything() -> list[object]:
    """All that an import may touch, except its own batch and file."""
    return [
        list(Project.objects.order_by("pk").values()),
        list(ProjectParty.objects.order_by("pk").values()),
        list(ProjectUnit.objects.order_by("pk").values()),
        list(Funder.objects.order_by("pk").values()),
        list(Programme.objects.order_by("pk").values()),
        list(RememberedWord.objects.order_by("pk").values()),
        list(ImportedProject.objects.order_by("pk").values()),
    ]


# --- the real file ---------------------------------------------------------------------------------------


def test_the_file_of_2017_gives_exactly_the_five_projects_that_the_audit_named(reader):
    batch = of_2017(reader)
    mkr = Decimal(1_000_000)
    month = ("month", "month")
    assert list(Project.objects.order_by("register_number").values_list(*TOLD)) == [
        (
            *("CHANGE", "ended", "partner", None, None),
            *(date(2016, 9, 1), month[0], date(2019, 8, 31), month[1], None),
            *(31 * mkr, "SEK", True, None),
            *("elsewhere", "Region Jönköpings län", DECIDED, "", None, None),
        ),
        (
            *("CoSIE", "ended", "partner", "EU", "Horizon 2020"),
            *(date(2017, 12, 1), month[0], date(2020, 11, 30), month[1], None),
            *(40 * mkr, "SEK", True, None),
            *("", "", "", "", "Socialförvaltningen", None),
        ),
        (
            *("Growkomp", "ended", "partner", "EU", None),
            *(date(2016, 2, 1), month[0], date(2019, 1, 31), month[1], None),
            *(11 * mkr, "SEK", True, None),
            *("", "", "", "", None, None),
        ),
        *(
            (
                *(title, "", "", None, None),
                *(None, "day", None, "day", 2017),
                *(None, "SEK", False, None),
                *("", "", "", "", None, None),
            )
            for title in ("Globala målen kommunikation", "Bredband utbyggnad")
        ),
    ]
    assert list(ProjectUnit.objects.order_by("unit__name").values_list("project__title", "unit__name")) == [
        ("CHANGE", name) for name in sorted(UNITS)
    ]
    parties = ("project__title", "name", "number", "kind", "place")
    assert list(ProjectParty.objects.order_by("pk").values_list(*parties)) == [
        ("CoSIE", "", 11, "universitet", "Europa"),
        ("CoSIE", "", 9, "offentliga organisationer", "Europa"),
        ("Growkomp", "Nässjö kommun", 1, "", ""),
        ("Growkomp", "Vaggeryds kommun", 1, "", ""),
    ]
    assert batch.state == BatchState.CONFIRMED
    assert batch.counts == {"refused": 0, "asked": 0, "new": 5, "changed": 0, "unchanged": 0}
    assert sorted(RememberedWord.objects.values_list("column", "word", "meaning")) == [
        ("partners", DECIDED, "decided_by"),
        ("role", "gemensam satsning", "partner"),
    ]
    told = history.acts(Project.objects.get(title="CHANGE"))
    assert [(act.kind, act.reason) for act in told] == [
        ("created", f"{told[0].reason}"),
    ]
    assert "projects-2017.csv" in told[0].reason


def test_the_same_file_twice_changes_nothing_and_asks_nothing_again(reader):
    of_2017(reader)
    before = everything()
    batch = exchange.upload(reader, "projects-2017.csv", FACTS.read_bytes(), year=2017)
    preview = exchange.preview_of(reader, batch)
    assert preview.counts == {"refused": 0, "asked": 0, "new": 0, "changed": 0, "unchanged": 5}
    assert preview.unanswered == ()
    exchange.confirm(reader, batch, seen=preview.fingerprint, at=NOW)
    assert everything() == before


def test_an_export_taken_in_again_changes_nothing(reader):
    of_2017(reader)
    project = Project.objects.get(title="Growkomp")
    project.summary = "=HYPERLINK(1)\nandra raden"
    project.own_share = Decimal("1200.50")
    project.own_share_currency = "EUR"
    project.save()
    before = everything()
    data = exchange.export_projects(Project.objects.order_by("pk"))
    batch = exchange.upload(reader, "ut.csv", data, year=None)
    preview = exchange.preview_of(reader, batch)
    assert (preview.counts["unchanged"], preview.unanswered, preview.troubles) == (5, (), ())
    assert everything() == before


# --- all or nothing --------------------------------------------------------------------------------------


def test_killed_half_way_it_leaves_nothing(reader, monkeypatch):
    batch = uploaded(reader, csv("title;partners;owner", "Trygg hemma;Habo kommun;Socialförvaltningen"))
    preview = exchange.preview_of(reader, batch)
    before = everything()
    written = []

    def killed(*args: object) -> None:
        written.append(Project.objects.count())
        raise KeyboardInterrupt

    monkeypatch.setattr(batches, "_replace_parts", killed)
    with pytest.raises(KeyboardInterrupt):
        exchange.confirm(reader, batch, seen=preview.fingerprint, at=NOW)
    batch.refresh_from_db()
    assert (written, everything(), batch.state) == ([1], before, BatchState.JUDGED)


def test_a_file_is_not_confirmed_when_somebody_changed_the_register_after_the_preview(reader):
    project = factories.project(reader.municipality, "Trygg hemma")
    batch = uploaded(reader, csv("title;acronym", "Trygg hemma;TH"))
    seen = exchange.preview_of(reader, batch)
    assert seen.counts["changed"] == 1
    project.acronym = "TRYGG"
    change_project(reader, project, reason="Rätt förkortning")
    with pytest.raises(NotReady) as refused:
        exchange.confirm(reader, batch, seen=seen.fingerprint, at=NOW)
    (row,) = refused.value.preview.rows
    assert [(one.before, one.after) for one in row.differences] == [("TRYGG", "TH")]
    exchange.confirm(reader, batch, seen=refused.value.preview.fingerprint, at=NOW)
    project.refresh_from_db()
    assert project.acronym == "TH"


def test_questions_must_be_answered_before_anything_is_written(reader):
    batch = uploaded(reader, csv("title;role", "Trygg hemma;gemensam satsning"))
    preview = exchange.preview_of(reader, batch)
    with pytest.raises(NotReady):
        exchange.confirm(reader, batch, seen=preview.fingerprint, at=NOW)
    assert Project.objects.count() == 0


def test_refused_rows_are_left_out_only_when_somebody_says_so(reader):
    batch = uploaded(reader, csv("title;owner", "Ett;Socialförvaltningen", "Två;Rymdförvaltningen"))
    seen = exchange.preview_of(reader, batch).fingerprint
    with pytest.raises(NotReady):
        exchange.confirm(reader, batch, seen=seen, at=NOW)
    exchange.confirm(reader, batch, seen=seen, at=NOW, leave_out_refused=True)
    assert list(Project.objects.values_list("title", flat=True)) == ["Ett"]


def test_a_batch_is_confirmed_once(reader):
    batch = confirmed(reader, csv("title;acronym", "Ett;E"))
    with pytest.raises(exchange.BatchMovedOn):
        exchange.confirm(reader, batch, seen="", at=NOW)


def test_only_the_strategist_takes_in(reader):
    unit = factories.unit(reader.municipality, "Tekniska kontoret")
    data = csv("title;acronym", "Ett;E")
    batch = uploaded(reader, data)
    for role, at in ((Role.CONTACT_PERSON, unit), (Role.AUDITOR, None), (Role.ADMINISTRATOR, None)):
        other = factories.reader(reader.municipality, role, at)
        for deed in (
            lambda who: exchange.upload(who, "a.csv", data, year=None),
            lambda who: exchange.answer(who, batch, {}),
            lambda who: exchange.confirm(who, batch, seen="", at=NOW),
            lambda who: exchange.cancel(who, batch),
            lambda who: exchange.undo(who, batch, at=NOW),
        ):
            with pytest.raises(PermissionDenied):
                deed(other)


# --- undoing ---------------------------------------------------------------------------------------------


def test_an_undone_import_withdraws_the_new_and_restores_the_changed(reader):
    social = reader.municipality.pk and UNITS[1]
    project = factories.project(reader.municipality, "Trygg hemma", acronym="TH", starts_on=date(2020, 1, 1))
    ProjectParty.objects.create(
        municipality=reader.municipality, project=project, name="Habo kommun", role="lead", country="SE"
    )
    before = Project.objects.values(*TOLD, "acronym", "owner_unit_id").get(pk=project.pk)
    batch = confirmed(
        reader,
        csv(
            "title;acronym;starts;partners;owner;units;own_share_sek",
            f"trygg  HEMMA;TRYGG;2020-02;Nässjö kommun;{social};Stadsbyggnadskontoret;100",
            "Ny;N;;;;;",
        ),
    )
    assert batch.counts["changed"] == 1
    assert batch.counts["new"] == 1
    project.refresh_from_db()
    assert (project.title, project.acronym, project.starts_precision) == ("trygg HEMMA", "TRYGG", "month")
    undone = exchange.undo(reader, batch, at=NOW, reason="fel fil")
    assert (undone.withdrawn, undone.restored, undone.kept) == (1, 1, ())
    assert Project.objects.values(*TOLD, "acronym", "owner_unit_id").get(pk=project.pk) == before
    assert list(project.parties.values_list("name", "role", "country")) == [("Habo kommun", "lead", "SE")]
    assert project.taking_part.count() == 0
    new = Project.objects.get(title="Ny")
    assert new.withdrawn_at == NOW
    assert f"{batch.pk}" in new.withdrawn_reason
    assert "fel fil" in new.withdrawn_reason
    assert history.acts(new)[0].reason == new.withdrawn_reason


def test_rows_changed_after_the_import_are_named_and_stay_when_it_is_undone(reader):
    old = factories.project(reader.municipality, "Gammal")
    batch = confirmed(reader, csv("title;acronym", "Ett;E", "Två;T", "Gammal;G"))
    for title in ("Ett", "Gammal"):
        project = Project.objects.get(title=title)
        project.summary = "Rättat för hand"
        change_project(reader, project, reason="rättat")
    undone = exchange.undo(reader, batch, at=NOW)
    assert (undone.withdrawn, undone.restored) == (1, 0)
    assert [project.title for project in undone.kept] == ["Ett", "Gammal"]
    old.refresh_from_db()
    assert (old.acronym, old.summary) == ("G", "Rättat för hand")
    assert list(
        Project.objects.filter(withdrawn_at__isnull=True).order_by("pk").values_list("title", flat=True)
    ) == [
        "Gammal",
        "Ett",
    ]
    batch.refresh_from_db()
    assert {name: batch.counts[name] for name in ("withdrawn", "restored", "kept")} == {
        "withdrawn": 1,
        "restored": 0,
        "kept": 2,
    }


def test_an_import_is_not_undone_before_a_later_one_of_the_same_projects_even_of_their_parties_alone(reader):
    first = confirmed(reader, csv("title;partners", "Ett;Habo kommun", "Två;Habo kommun"))
    second = confirmed(reader, csv("title;partners;acronym", "Ett;Nässjö kommun;", "Två;Nässjö kommun;T"))
    other = confirmed(reader, csv("title;acronym", "Tre;3"))
    before = everything()
    with pytest.raises(exchange.UndoneFirst) as refused:
        exchange.undo(reader, first, at=NOW)
    assert f"{second.pk}, lista.csv" in str(refused.value)
    assert everything() == before
    assert exchange.undo(reader, other, at=NOW).withdrawn == 1
    assert exchange.undo(reader, second, at=NOW).restored == 2
    assert list(ProjectParty.objects.values_list("project__title", "name")) == [
        ("Ett", "Habo kommun"),
        ("Två", "Habo kommun"),
    ]


def test_imports_are_undone_in_the_reverse_of_their_order_each_to_what_stood_before_it(reader):
    old = factories.project(reader.municipality, "Gammal", acronym="0")
    files = [
        csv("title;acronym;partners", "Gammal;1;Habo kommun", "Ny;1;Habo kommun"),
        csv("title;acronym;partners", "Gammal;2;Nässjö kommun", "Ny;2;Nässjö kommun"),
        csv("title;acronym;partners", "Gammal;2;Vaggeryds kommun", "Ny;3;Nässjö kommun"),
    ]

    def standing() -> list[tuple[str, str, list[str]]]:
        return [
            (project.title, project.acronym, [str(party) for party in project.parties.all()])
            for project in Project.objects.standing().order_by("title")
        ]

    told = [standing()]
    done = []
    for data in files:
        done.append(confirmed(reader, data))
        told.append(standing())
    for batch in reversed(done):
        told.pop()
        assert exchange.undo(reader, batch, at=NOW).kept == ()
        # And once more forth and back, as when somebody tries another file in between.
        if batch is done[1]:
            again = confirmed(reader, files[2])
            assert exchange.undo(reader, again, at=NOW).kept == ()
        assert standing() == told[-1]
    assert told == [[("Gammal", "0", [])]]
    assert [act.kind for act in history.acts(old)][-1] == "created"


def test_a_correction_by_hand_between_two_imports_stays_when_both_are_undone(reader):
    project = factories.project(reader.municipality, "Gammal")
    first = confirmed(reader, csv("title;acronym", "Gammal;A"))
    project.refresh_from_db()
    project.summary = "Rättat för hand"
    change_project(reader, project, reason="rättat")
    second = confirmed(reader, csv("title;acronym", "Gammal;B"))
    assert exchange.undo(reader, second, at=NOW).kept == ()
    assert exchange.undo(reader, first, at=NOW).kept == (project,)
    project.refresh_from_db()
    assert (project.acronym, project.summary) == ("A", "Rättat för hand")


def test_after_an_undo_the_file_may_be_imported_again_and_gets_new_register_ids(reader):
    first = of_2017(reader)
    ids = [project.register_id for project in Project.objects.order_by("pk")]
    exchange.undo(reader, first, at=NOW)
    second = exchange.upload(reader, "projects-2017.csv", FACTS.read_bytes(), year=2017)
    exchange.answer(reader, second, {"amounts": "approximate"})
    preview = exchange.preview_of(reader, second)
    assert preview.counts["new"] == 5
    exchange.confirm(reader, second, seen=preview.fingerprint, at=NOW)
    again = [project.register_id for project in Project.objects.standing().order_by("pk")]
    assert len(again) == 5
    assert not set(again) & set(ids)


def test_an_import_is_undone_once(reader):
    batch = confirmed(reader, csv("title;acronym", "Ett;E"))
    exchange.undo(reader, batch, at=NOW)
    with pytest.raises(exchange.BatchMovedOn):
        exchange.undo(reader, batch, at=NOW)


# --- one rule by hand and from a file ---------------------------------------------------------------------


@pytest.mark.parametrize("column", ["title", "funder", "partners", "note", "owner"])
@pytest.mark.parametrize("text", ["E\x07tt", "Anna Ek 800101-1234", "Anna Ek 198001011234"])
def test_a_file_brings_in_nothing_that_the_form_would_refuse(reader, column, text):
    cells = {"title": "Ett", "acronym": "E", column: text}
    data = csv(";".join(cells), ";".join(cells.values()))
    with pytest.raises(TextRefused) as refused:
        plain(text)
    assert troubles(reader, data) == [(2, column, str(refused.value))]


@pytest.mark.parametrize(
    "text", ["212000-0530", "556677-8899", "0706-123456", "P-2026-14", "KS 2017-1234", "2016-09-01", "1980"]
)
def test_numbers_of_organisations_projects_and_telephones_are_no_personal_ones(text):
    assert plain(text) == text


def test_the_form_takes_as_long_a_text_as_a_file_may_bring(reader):
    confirmed(reader, csv("title;summary;note", f"{'x' * 250};{'y' * 20_000};{'z' * 20_000}"))
    project = Project.objects.get()
    form = ProjectForm(reader=reader, instance=project)
    for name in ("title", "summary", "note"):
        field = form.fields[name]
        assert field.clean(getattr(project, name)) == getattr(project, name)
        with pytest.raises(ValidationError):
            field.clean("x" * (len(getattr(project, name)) + 1))


def test_a_party_that_is_spelt_otherwise_in_a_file_is_corrected_and_keeps_its_role(reader):
    project = factories.project(reader.municipality, "Ett")
    ProjectParty.objects.create(
        municipality=reader.municipality, project=project, name="NÄSSJÖ KOMMUN", role="lead", country="SE"
    )
    batch = confirmed(reader, csv("title;partners", "Ett;Nässjö kommun"))
    told = ("name", "role", "country")
    assert list(project.parties.values_list(*told)) == [("Nässjö kommun", "lead", "SE")]
    assert outcomes(reader, csv("title;partners", "Ett;Nässjö kommun")) == [(2, "unchanged")]
    exchange.undo(reader, batch, at=NOW)
    assert list(project.parties.values_list(*told)) == [("NÄSSJÖ KOMMUN", "lead", "SE")]


def test_a_formula_is_refused_in_a_sentence_unless_it_is_said_to_be_text(reader):
    data = csv("title;note", '"=HYPERLINK(""http://x"")";a', "Två;  =1+1", "'=Tre;a")
    batch = uploaded(reader, data)
    assert [(one.line, one.column) for one in exchange.preview_of(reader, batch).troubles] == [
        (2, "title"),
        (3, "note"),
    ]
    exchange.confirm(
        reader, batch, seen=exchange.preview_of(reader, batch).fingerprint, at=NOW, leave_out_refused=True
    )
    assert list(Project.objects.values_list("title", flat=True)) == ["=Tre"]


def test_texts_that_a_spreadsheet_would_run_are_told_before_they_are_taken_in(reader):
    batch = uploaded(reader, csv("title;note", "@Ett;a", "Två;+46 36 10", "Tre;-1"))
    preview = exchange.preview_of(reader, batch)
    assert (len(preview.notes), preview.counts["new"]) == (1, 3)
    assert "2, 3" in preview.notes[0]
    data = csv("title;note", "Ett;a", "Två;b")
    assert exchange.preview_of(reader, uploaded(reader, data)).notes == ()


@pytest.mark.parametrize(
    "data", [csv("title", "Vård, skola och 2 till", "Två"), csv("Projekt", "Ett", "", "T")]
)
def test_a_list_of_titles_alone_is_taken_in(reader, data):
    assert [outcome for _line, outcome in outcomes(reader, data)] == ["new", "new"]


def test_what_stands_in_the_history_is_in_one_language_whoever_clicks(reader, settings):
    told = ("Import %(number)d, %(file)s", "Import %(number)d, %(file)s, was undone")
    with translation.override("en"):
        batch = confirmed(reader, csv("title;acronym", "Ett;E"))
        project = Project.objects.get()
        reasons = [history.acts(project)[0].reason]
        exchange.undo(reader, batch, at=NOW)
        reasons.append(history.acts(project)[0].reason.removesuffix("."))
    what = {"number": batch.pk, "file": "lista.csv"}
    with translation.override(settings.LANGUAGE_CODE):
        assert reasons == [gettext(text) % what for text in told]
    assert reasons[0] != told[0] % what


# --- which project a row speaks of -----------------------------------------------------------------------


def test_a_row_is_known_by_its_register_id_whatever_its_title(reader):
    project = factories.project(reader.municipality, "Trygg hemma")
    confirmed(reader, csv("register_id;title", f"{project.register_id};Tryggare hemma"))
    project.refresh_from_db()
    assert project.title == "Tryggare hemma"


def test_decomposed_letters_case_and_spaces_make_no_other_title(reader):
    factories.project(reader.municipality, "Ängar och bäckar", acronym="E")
    assert outcomes(reader, csv("title;acronym", "A\u0308NGAR  och\u00a0ba\u0308ckar;E")) == [(2, "changed")]
    assert outcomes(reader, csv("title;acronym", "A\u0308ngar och\u00a0ba\u0308ckar;E")) == [(2, "unchanged")]


@pytest.mark.parametrize(
    ("starts", "ends", "outcome"),
    [
        ("2016-01", "2016-12", "unchanged"),
        ("2016-12", "2017-06", "changed"),
        ("", "", "unchanged"),
        ("2017-01", "2017-12", "new"),
        ("2017-01", "", "new"),
        ("", "2015-12", "new"),
    ],
)
def test_a_title_matches_unless_the_periods_contradict(reader, starts, ends, outcome):
    dated = {"starts_on": date(2016, 1, 1), "ends_on": date(2016, 12, 31)}
    precision = {"starts_precision": "month", "ends_precision": "month"}
    factories.project(reader.municipality, "Trygg hemma", **dated, **precision)
    assert outcomes(reader, csv("title;starts;ends", f"Trygg hemma;{starts};{ends}")) == [(2, outcome)]


def test_a_withdrawn_project_is_not_matched_and_its_register_id_is_refused(reader):
    project = factories.project(reader.municipality, "Trygg hemma")
    withdraw_project(reader, project, reason="dubblett", at=NOW)
    assert outcomes(reader, csv("title;acronym", "Trygg hemma;T")) == [(2, "new")]
    assert [
        line for line, _column, _why in troubles(reader, csv("register_id;title", f"{project.register_id};T"))
    ] == [2]


def test_several_candidates_are_asked_about_and_may_be_none_of_them(reader):
    one, two = (factories.project(reader.municipality, "Sommarjobb") for _ in range(2))
    data = csv("title;acronym", "Sommarjobb;S")
    batch = uploaded(reader, data)
    (question,) = exchange.preview_of(reader, batch).unanswered
    assert [value for value, _label in question.choices] == [str(one.pk), str(two.pk), "new"]
    assert outcomes(reader, data) == [(2, "asked")]
    assert outcomes(reader, data, **{"match:2": "new"}) == [(2, "new")]
    confirmed(reader, data, **{"match:2": str(two.pk)})
    assert list(Project.objects.order_by("pk").values_list("acronym", flat=True)) == ["", "S"]


@pytest.mark.parametrize("title", ["Summa", "SUMMA:", "Totalt", "Total summa", "Delsumma 2026"])
def test_a_sum_below_the_list_is_asked_about_and_becomes_no_project(reader, title):
    data = csv("title;own_share_sek", "Trygg hemma;100000", f"{title};100000")
    assert outcomes(reader, data, amounts="exact") == [(2, "new"), (3, "asked")]
    batch = confirmed(reader, data, **{"match:3": "sum"})
    assert list(Project.objects.values_list("title", flat=True)) == ["Trygg hemma"]
    assert any(title in note for note in exchange.preview_of(reader, batch).notes)


def test_a_project_may_be_called_as_a_sum_is_and_one_that_begins_so_is_not_asked_about(reader):
    data = csv("title", "Summa", "Total trygghet", "Summa summarum")
    assert outcomes(reader, data, **{"match:2": "new"}) == [(2, "new"), (3, "new"), (4, "new")]


def test_one_title_with_two_project_numbers_is_asked_about_and_may_be_two_projects(reader):
    data = csv("title;project_number;acronym", "Lärlyftet;7723;A", "Lärlyftet;7724;B")
    assert outcomes(reader, data) == [(2, "new"), (3, "asked")]
    assert outcomes(reader, data, **{"match:3": "same"}) == [(2, "refused"), (3, "refused")]
    confirmed(reader, data, **{"match:3": "new"})
    assert sorted(Project.objects.values_list("project_number", "acronym")) == [("7723", "A"), ("7724", "B")]
    # Each is known by its number from then on, in a file of both as in a file of one.
    assert outcomes(reader, data) == [(2, "unchanged"), (3, "unchanged")]
    assert outcomes(reader, csv("title;project_number;acronym", "Lärlyftet;7724;C")) == [(2, "changed")]
    assert outcomes(reader, csv("title;project_number", "Lärlyftet;7723", "Lärlyftet;7723")) == [
        (2, "refused"),
        (3, "refused"),
    ]


def test_another_municipalitys_project_is_neither_matched_nor_found_by_its_id(reader):
    other = factories.municipality("Habo kommun")
    with scope(other.pk):
        factories.project(other, "Trygg hemma", register_number=77, register_year=2020)
    assert outcomes(reader, csv("title;acronym", "Trygg hemma;T")) == [(2, "new")]
    assert [line for line, *_rest in troubles(reader, csv("register_id;title", "P-2020-77;T"))] == [2]


def test_the_same_project_twice_in_a_file_is_refused_with_both_lines(reader):
    project = factories.project(reader.municipality, "Gammal")
    found = troubles(
        reader,
        csv(
            "register_id;title;starts;ends",
            ";Trygg hemma;2016-01;2016-12",
            ";TRYGG HEMMA;2016-06;2017-12",
            ";Trygg hemma;2019-01;2019-12",
            f"{project.register_id};;;",
            ";gammal;;",
        ),
    )
    assert [(line, column) for line, column, _why in found] == [
        (2, "title"),
        (3, "title"),
        (5, "register_id"),
        (6, "title"),
    ]
    assert all(str(other) in found[place][2] for place, other in enumerate((3, 2, 6, 5)))


# --- what a row says -------------------------------------------------------------------------------------


def test_an_empty_cell_clears_nothing_and_is_not_filled(reader):
    project = factories.project(
        reader.municipality,
        "Trygg hemma",
        acronym="TH",
        role="partner",
        state="paused",
        own_share=Decimal(100),
        ends_on=date(2020, 12, 31),
        accounting="not_yet",
    )
    ProjectParty.objects.create(municipality=reader.municipality, project=project, name="Habo kommun")
    data = csv(
        "title;acronym;role;state;own_share_sek;starts;ends;accounted_by;partners;owner;note",
        "Trygg hemma;;uppgift saknas;-;;;;;;;",
    )
    assert outcomes(reader, data) == [(2, "unchanged")]


def test_the_state_comes_from_the_file_else_from_both_dates_else_it_is_not_stated(reader):
    confirmed(
        reader,
        csv(
            "titel;läge;start;slut",
            "Slut;;2016-01;2016-12",
            "Pågår;;2026-01;2026-12",
            "Framtid;;2027-01;2027-12",
            "Öppen;;2016-01;",
            "Odaterad;;;",
            "Sagd;pausad;2016-01;2016-12",
        ),
    )
    assert dict(Project.objects.values_list("title", "state")) == {
        "Slut": "ended",
        "Pågår": "ongoing",
        "Framtid": "",
        "Öppen": "",
        "Odaterad": "",
        "Sagd": "paused",
    }


def test_the_year_of_a_file_is_kept_where_there_are_no_dates(reader):
    factories.project(reader.municipality, "Gammal", starts_on=date(2016, 1, 1), recorded_for_year=2015)
    confirmed(reader, csv("title;starts", "Daterad;2016-09", "Odaterad;", "Gammal;"), year=2017)
    assert dict(Project.objects.values_list("title", "recorded_for_year")) == {
        "Daterad": None,
        "Odaterad": 2017,
        "Gammal": 2015,
    }


def test_amounts_and_dates_are_read_as_swedes_write_them(reader):
    confirmed(
        reader,
        csv(
            "title;total_budget_sek;own_share_sek;starts;ends",
            "Ett;31 mkr;900 tkr;2016-09;2019-08",
            "Två;1 234 567,50;ca 1 200 EUR;20160901;2016-09-30",
        ),
    )
    told = (
        "total_budget",
        "own_share",
        "own_share_currency",
        "own_share_approximate",
        "starts_on",
        "ends_on",
    )
    assert list(Project.objects.order_by("pk").values_list(*told)) == [
        (Decimal(31_000_000), Decimal(900_000), "SEK", False, date(2016, 9, 1), date(2019, 8, 31)),
        (Decimal("1234567.50"), Decimal(1200), "EUR", True, date(2016, 9, 1), date(2016, 9, 30)),
    ]


def test_cirka_is_asked_once_a_file_and_not_where_the_amounts_say_it_or_stand_already(reader):
    data = csv("title;total_budget_sek", "Ett;1000", "Två;2000")
    batch = uploaded(reader, data)
    assert [(one.key, one.lines) for one in exchange.preview_of(reader, batch).unanswered] == [
        ("amounts", [2, 3])
    ]
    confirmed(reader, data, amounts="approximate")
    assert set(Project.objects.values_list("total_budget_approximate", flat=True)) == {True}
    for again in (
        data,
        csv("title;total_budget_sek", "Tre;ca 1000", "Fyra;2000"),
        csv("title;acronym", "Fem;F"),
    ):
        assert exchange.preview_of(reader, uploaded(reader, again)).unanswered == ()


def test_a_foreign_word_is_asked_about_once_however_it_is_written_and_remembered(reader):
    data = csv("title;role", "Ett;Gemensam satsning", "Två;gemensam  SATSNING", "Tre;MEDSÖKANDE")
    batch = uploaded(reader, data)
    (question,) = exchange.preview_of(reader, batch).unanswered
    assert (question.key, question.lines) == ("word:role:gemensam satsning", [2, 3])
    confirmed(reader, data, **{question.key: "not_stated"})
    assert list(Project.objects.order_by("pk").values_list("role", flat=True)) == ["", "", "partner"]
    assert outcomes(reader, csv("title;role", "Fyra;gemensam satsning")) == [(2, "new")]
    confirmed(reader, csv("title;role", "Fyra;gemensam satsning"), **{question.key: "owner"})
    assert Project.objects.get(title="Fyra").role == "owner"
    assert list(RememberedWord.objects.values_list("word", "meaning")) == [("gemensam satsning", "owner")]


@pytest.mark.parametrize(
    ("answer", "parties", "decided_by", "note"),
    [
        ("party", ["alla skolor i länet"], "", "Sedan tidigare"),
        ("decided_by", [], "alla skolor i länet", "Sedan tidigare"),
        ("note", [], "", "Sedan tidigare\nalla skolor i länet"),
    ],
)
def test_a_text_among_the_parties_is_a_party_a_decision_or_a_note(reader, answer, parties, decided_by, note):
    project = factories.project(reader.municipality, "Ett", note="Sedan tidigare")
    data = csv("title;parter", "Ett;alla skolor i länet")
    confirmed(reader, data, **{"word:partners:alla skolor i länet": answer})
    project.refresh_from_db()
    assert ([str(one) for one in project.parties.all()], project.decided_by, project.note) == (
        parties,
        decided_by,
        note,
    )
    assert outcomes(reader, data) == [(2, "unchanged")]


def test_parties_are_names_or_counts_or_both(reader):
    confirmed(
        reader,
        csv(
            "title;partners",
            "Ett;Nässjö kommun, Vaggeryds kommun och Region Jönköpings län",
            "Två;11 universitet i Europa; Nässjö kommun".replace("; ", ", "),
            "Tre;Myndigheten för ungdoms- och civilsamhällesfrågor",
            'Fyra;"Science Park, Jönköping;"',
        ),
    )
    assert {
        project.title: [str(party) for party in project.parties.all()] for project in Project.objects.all()
    } == {
        "Ett": ["Nässjö kommun", "Vaggeryds kommun", "Region Jönköpings län"],
        "Två": ["11 universitet Europa", "Nässjö kommun"],
        "Tre": ["Myndigheten för ungdoms- och civilsamhällesfrågor"],
        "Fyra": ["Science Park, Jönköping"],
    }


def test_one_unit_owns_several_take_part_and_the_municipality_is_no_unit(reader):
    place = reader.municipality
    renamed = factories.unit(place, "Arbetsmarknadsavdelningens förvaltning")
    UnitName.objects.create(municipality=place, unit=renamed, name="Arbetsmarknadskontoret", kind="former")
    factories.unit(place, "Fritidsgården", kind=UnitKind.UNIT)
    confirmed(
        reader,
        csv(
            "title;owner;units",
            "Ett;SOCIALFÖRVALTNINGEN;",
            "Två;Kultur- och fritidsförvaltningen och Socialförvaltningen;",
            "Tre;Jönköpings kommun;Fritidsgården",
            "Fyra;Arbetsmarknadskontoret;",
            "Fem;;",
        ),
    )
    assert {
        project.title: (
            project.owner_unit.name if project.owner_unit else None,
            sorted(part.unit.name for part in project.taking_part.all()),
        )
        for project in Project.objects.all()
    } == {
        "Ett": ("Socialförvaltningen", []),
        "Två": (None, ["Kultur- och fritidsförvaltningen", "Socialförvaltningen"]),
        "Tre": (None, ["Fritidsgården"]),
        "Fyra": ("Arbetsmarknadsavdelningens förvaltning", []),
        "Fem": (None, []),
    }


def test_accounted_by_another_is_elsewhere_and_by_the_municipality_itself_is_here(reader):
    confirmed(reader, csv("title;accounted_by", "Ett;Region Jönköpings län", "Två;jönköpings kommun", "Tre;"))
    assert list(Project.objects.order_by("pk").values_list("accounting", "accounted_by")) == [
        ("elsewhere", "Region Jönköpings län"),
        ("here", ""),
        ("", ""),
    ]


def test_funders_are_found_by_name_and_unknown_ones_become_the_municipalitys_own_once(reader):
    with scope(installation=True):
        shared = Funder.objects.create(name="Delad finansiär")
    with scope(reader.municipality.pk):
        batch = confirmed(
            reader,
            csv(
                "title;funder;programme",
                "Ett;delad  FINANSIÄR;",
                "Två;Vår egen stiftelse;Eget program",
                "Tre;vår EGEN stiftelse;Eget program",
            ),
        )
        own = Funder.objects.get(municipality=reader.municipality)
        assert (own.name, own.kind) == ("Vår egen stiftelse", "")
        assert list(Project.objects.order_by("pk").values_list("funder", flat=True)) == [
            shared.pk,
            own.pk,
            own.pk,
        ]
        assert Programme.objects.get(municipality=reader.municipality).name == "Eget program"
        assert batch.counts["new"] == 3


def test_a_formula_stays_text_and_is_defused_on_the_way_out(reader):
    formula = '=HYPERLINK("http://x.se")'
    confirmed(reader, csv("title;note", '"\'=HYPERLINK(""http://x.se"")";a'))
    assert Project.objects.get().title == formula
    assert b"'=HYPERLINK" in exchange.export_projects(Project.objects.order_by("pk"))


def test_every_error_of_a_file_is_told_at_once_with_line_and_column(reader):
    factories.unit(reader.municipality, "Socialnämnden", kind=UnitKind.BOARD)
    factories.unit(reader.municipality, "Enheten", kind=UnitKind.UNIT)
    found = troubles(
        reader,
        csv(
            "title;starts;slut;total_budget_sek;vår del;owner",
            "Baklänges;2019-01;2018-12;;;",
            "Större;;;100;200;",
            "Okänd;;;;;Rymdförvaltningen",
            "Nämnd;;;;;Socialnämnden",
            "Liten;;;;;Enheten",
            "Fel;2016-13;2016;tio kronor;-5;",
            ";2016-01;;;;",
            f"{'x' * 251};;;;;",
        ),
    )
    assert [(line, column) for line, column, _why in found] == [
        (2, "slut"),
        (3, "vår del"),
        (4, "owner"),
        (5, "owner"),
        (6, "owner"),
        (7, "starts"),
        (7, "slut"),
        (7, "total_budget_sek"),
        (7, "vår del"),
        (8, "title"),
        (9, "title"),
    ]
    assert found[0][2] == str(MESSAGES["project_ends_after_it_starts"])
    assert found[1][2] == str(MESSAGES["own_share_within_total_budget"])
    assert "Rymdförvaltningen" in found[2][2]
    assert str(MESSAGES["owner_unit_may_own"]) in found[4][2]


def test_what_stands_and_what_comes_must_fit_together(reader):
    factories.project(reader.municipality, "Ett", ends_on=date(2018, 12, 31), total_budget=Decimal(100))
    found = troubles(
        reader, csv("register_id;starts;own_share_sek", f"{Project.objects.get().register_id};2019-01;200")
    )
    assert [(line, column) for line, column, _why in found] == [(2, "starts"), (2, "own_share_sek")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (csv("title;löneklass;role", "a;b;c"), "unknown_column"),
        (csv("title;titel", "a;b"), "heading_twice"),
        (csv("title;title", "a;b"), "heading_twice"),
        (csv("namn", "a"), "no_header"),
        (csv("role;owner", "partner;x"), "no_title"),
        (csv("title;role"), "no_rows"),
        (csv("title;role", "a;partner;c"), "too_many_cells"),
        (b"", "empty"),
        (b"%PDF-1.7", "pdf"),
        (b"title;role\na;\x00", "binary"),
        (b"MZ\x90\x00\x03\x00\x00\x00", "binary"),
    ],
)
def test_what_is_no_table_of_projects_is_refused_and_nothing_is_stored(reader, data, code):
    with pytest.raises(TableRefused) as refused:
        exchange.upload(reader, "lista.csv", data, year=None)
    assert refused.value.code == code
    assert (ImportBatch.objects.count(), StoredFile.objects.count()) == (0, 0)


def test_wrong_headings_and_wrong_rows_are_told_together(reader):
    with pytest.raises(TableRefused) as refused:
        exchange.upload(reader, "lista.csv", csv("title;role;hemligt", "a;b;c;d;e"), year=None)
    assert [(one.code, one.line) for one in refused.value.problems] == [
        ("unknown_column", 1),
        ("too_many_cells", 2),
    ]
    # The headings are named as the template has them.
    assert "Titel, " in refused.value.problems[0].message
    assert "register_id" not in refused.value.problems[0].message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_title_above_the_headings_and_any_usual_encoding_and_separator_are_read(
    reader, encoding, delimiter
):
    lines = [
        "Projekt 2017",
        "",
        delimiter.join(["Titel", "Ägare"]),
        delimiter.join(["Ängar", "Socialförvaltningen"]),
    ]
    assert outcomes(reader, "\r\n".join(lines).encode(encoding)) == [(4, "new")]


# --- cost ------------------------------------------------------------------------------------------------


def rows(count: int, *, changed: str = "") -> bytes:
    head = "title;programme;funder;starts;ends;own_share_sek;role;partners;owner;units;acronym"
    line = "Projekt {0};Program {0};Finansiär {0};2016-09;2019-08;{0}00;partner;Part {0};Socialförvaltningen;{1};{2}"
    return csv(head, *(line.format(number, UNITS[0], changed) for number in range(1, count + 1)))


def test_judging_writing_and_undoing_cost_the_same_number_of_queries_for_5_and_50_rows(reader):
    judged, written, changed, undone = [], [], [], []
    for count in (5, 50):
        batch = uploaded(reader, rows(count), amounts="exact")
        with CaptureQueriesContext(connection) as queries:
            preview = exchange.preview_of(reader, batch)
        judged.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            exchange.confirm(reader, batch, seen=preview.fingerprint, at=NOW)
        written.append(len(queries))
        batch = uploaded(reader, rows(count, changed="X").replace(b";Part ", b";Annan "), amounts="exact")
        preview = exchange.preview_of(reader, batch)
        assert preview.counts["changed"] == count
        with CaptureQueriesContext(connection) as queries:
            exchange.confirm(reader, batch, seen=preview.fingerprint, at=NOW)
        changed.append(len(queries))
        with CaptureQueriesContext(connection) as queries:
            exchange.undo(reader, batch, at=NOW)
        undone.append(len(queries))
        for project in Project.objects.standing():
            withdraw_project(reader, project, reason="nästa varv", at=NOW)
    assert judged[0] == judged[1] <= 12
    assert written[0] == written[1] <= 30
    assert changed[0] == changed[1] <= 35
    assert undone[0] == undone[1] <= 20


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.lists(st.text(max_size=30), min_size=11, max_size=11), min_size=1, max_size=6).map(
            lambda table: "\n".join(
                [
                    "register_id;title;starts;ends;total_budget_sek;own_share_sek;role;state;partners;owner;units",
                    *(";".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in line) for line in table),
                ]
            ).encode("utf-8", errors="replace")
        ),
    )
)
def test_no_bytes_whatever_crash_the_judge(reader, data):
    try:
        sheet = exchange.read_projects(data)
    except TableRefused as refused:
        assert refused.problems
        return
    preview = exchange.Judge(reader.municipality, sheet, {"year": 2017}, reader.today).preview()
    assert sum(preview.counts.values()) == len(sheet.rows)
    assert json.dumps(preview.as_data())


# --- the command -----------------------------------------------------------------------------------------


@pytest.fixture
def strategist(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    place = factories.municipality("Jönköpings kommun", code="0680")
    with scope(place.pk):
        for name in UNITS:
            factories.unit(place, name)
        return factories.reader(place, Role.STRATEGIST)


def run(*arguments: object, mail: str, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("import_projects", FACTS, *arguments, "--municipality", "0680", "--as", mail)
    return capsys.readouterr().out


ANSWERS = (
    "--year",
    "2017",
    "--word",
    "Gemensam satsning=partner",
    "--word",
    f"{DECIDED}=decided_by",
    "--approximate",
)


def test_the_command_lists_unanswered_words_and_writes_nothing(strategist, capsys):
    with pytest.raises(CommandError) as refused:
        run("--year", "2017", "--confirm", mail=strategist.person.email, capsys=capsys)
    assert refused.value.returncode == 1
    shown = capsys.readouterr().out
    assert "gemensam satsning" in shown
    assert DECIDED in shown
    assert "gemensam satsning" not in str(refused.value)
    assert "--word" in str(refused.value)
    with scope(strategist.municipality.pk):
        assert (Project.objects.count(), ImportBatch.objects.count(), StoredFile.objects.count()) == (0, 0, 0)


def test_the_command_shows_the_preview_and_writes_only_when_told_to(strategist, capsys):
    told = json.loads(run(*ANSWERS, "--json", mail=strategist.person.email.upper(), capsys=capsys))
    assert (told["counts"]["new"], told["confirmed"]) == (5, False)
    with scope(strategist.municipality.pk):
        assert (Project.objects.count(), ImportBatch.objects.count()) == (0, 0)
    run(*ANSWERS, "--confirm", mail=strategist.person.email, capsys=capsys)
    with scope(strategist.municipality.pk):
        assert Project.objects.count() == 5
        batch = ImportBatch.objects.get()
        assert (batch.state, batch.uploaded_by, batch.file.name, batch.answers["year"]) == (
            BatchState.CONFIRMED,
            strategist.person,
            "projects-2017.csv",
            2017,
        )
        (act,) = history.acts(Project.objects.get(title="CoSIE"))
        assert act.who == strategist.person.name
    told = json.loads(run(*ANSWERS, "--confirm", "--json", mail=strategist.person.email, capsys=capsys))
    assert (told["counts"]["unchanged"], told["confirmed"]) == (5, False)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--word", "gemensam satsning=kungen"), 2),
        (("--word", "finns inte=partner"), 2),
        (("--word", "partner"), 2),
        (("--year", "17"), 2),
        (("--municipality", "Atlantis"), 2),
        (("--as", "nobody@example.org"), 2),
    ],
)
def test_wrong_use_of_the_command_has_status_2(strategist, capsys, arguments, status):
    base = {"--municipality": "0680", "--as": strategist.person.email}
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    with pytest.raises(CommandError) as refused:
        call_command("import_projects", FACTS, *(part for pair in (base | given).items() for part in pair))
    assert refused.value.returncode == status


def test_a_file_that_cannot_be_read_is_told_in_our_own_words_with_status_2(strategist, tmp_path):
    for path, code in ((tmp_path / "saknas.csv", errno.ENOENT), (tmp_path, errno.EISDIR)):
        with pytest.raises(CommandError) as refused:
            call_command("import_projects", path, "--municipality", "0680", "--as", strategist.person.email)
        assert (str(refused.value), refused.value.returncode) == (unreadable(path, OSError(code, "")), 2)


def test_the_command_has_the_persons_rights(strategist, capsys):
    with scope(strategist.municipality.pk):
        auditor = factories.reader(strategist.municipality, Role.AUDITOR)
    with pytest.raises(CommandError) as refused:
        run(*ANSWERS, "--confirm", mail=auditor.person.email, capsys=capsys)
    assert refused.value.returncode == 1


def test_the_words_that_our_own_pages_show_are_known_in_both_languages():
    from django.conf import settings
    from django.utils import translation

    from projects.exchange.columns import ProjectResource

    for name, choices in (
        ("state", State.choices),
        ("role", ProjectRole.choices),
        ("co_financing", CoFinancingKind.choices),
    ):
        widget = ProjectResource().fields[name].widget
        for language, _language in settings.LANGUAGES:
            with translation.override(language):
                assert [widget.clean(str(label).upper()) for _value, label in choices] == [
                    value for value, _label in choices
                ]
