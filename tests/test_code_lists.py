"""The accounts' project codes: taken in, gone through many at a time, and led to their projects."""

import io
import json
import random
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from difflib import SequenceMatcher
from types import SimpleNamespace
from typing import Any

import pytest
import xlsxwriter
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from pages.files import TableRefused
from pages.imports import NotReady
from projects import code_lists
from projects.filling import codes_to_go_through
from projects.models import Project, ProjectNumber
from projects.registry import marked_reason
from strategy import history
from strategy.models import ImportBatch, RememberedWord, Role, StoredFile, UnitKind, UnitName
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIST, TAKE = reverse("projects:codes"), reverse("projects:codes_take")
CODES = """Projekt;Benämning;Ansvar;Fr o m;T o m
0007;Erasmus+ utbyte;410;2023-01-01;2025-12-31
7714;Tryggare tillsammans;320;2024-01;
7720;Investering Ringvägen;500;;
"""


@pytest.fixture
def place(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    return factories.municipality("Sjöstads kommun")


@pytest.fixture
def reader(place):
    with scope(place.pk), history.context(municipality=place.pk):
        yield factories.reader(place, Role.ECONOMIST)


@pytest.fixture
def strategist(place, client):
    with scope(place.pk):
        found = factories.reader(place, Role.STRATEGIST)
    factories.login(client, found.person)
    return found


def taken(reader, text: str = CODES, **more) -> ImportBatch:
    return code_lists.upload(reader, "koder.csv", text.encode(), **more)


def confirmed(reader, text: str = CODES, *, leave_out_refused: bool = False, **more) -> ImportBatch:
    batch = taken(reader, text, **more)
    seen = code_lists.preview_of(reader, batch).fingerprint
    code_lists.confirm(reader, batch, seen=seen, at=NOW, leave_out_refused=leave_out_refused)
    return batch


def codes() -> list[tuple[str, str, str]]:
    return list(ProjectNumber.objects.values_list("code", "name", "external"))


def said(reader, **answers: str) -> code_lists.Answered:
    rows = {row.code: row for row in ProjectNumber.objects.all()}
    by_code = {code.removeprefix("k"): answer for code, answer in answers.items()}
    return code_lists.answer(
        reader,
        {rows[code].pk: answer for code, answer in by_code.items()},
        {row.pk: row.version for row in rows.values()},
        at=NOW,
    )


# --- taking in -------------------------------------------------------------------------------------------


def test_a_list_of_codes_keeps_leading_zeros_and_months_as_their_days(reader):
    confirmed(reader)
    row = ProjectNumber.objects.get(code="0007")
    assert (row.name, row.ansvar_code, row.opened_on, row.closed_on) == (
        "Erasmus+ utbyte",
        "410",
        date(2023, 1, 1),
        date(2025, 12, 31),
    )
    assert ProjectNumber.objects.get(code="7714").opened_on == date(2024, 1, 1)


@pytest.mark.parametrize(
    "headings",
    [
        "Projektkod;Namn;Ansvarskod;Startdatum;Slutdatum",
        "kod;projektnamn;kst;öppnad;stängd",
        "PROJEKT ; Benämning; ANSVAR;Giltig fr o m;Giltig t o m",
        "code;name;ansvar;opened;closed",
        "Objekt;Text;Enhet;From;Tom",
    ],
)
def test_headings_are_known_in_several_spellings(reader, headings):
    batch = taken(reader, CODES.replace("Projekt;Benämning;Ansvar;Fr o m;T o m", headings, 1))
    assert {k: v for k, v in batch.counts.items() if v} == {"new": 3}


def test_columns_that_are_not_needed_are_passed_over_and_said(reader):
    text = "Projekt;Benämning;Ändrad av;Status\n1;A;Nils;Aktiv\n"
    preview = code_lists.preview_of(reader, taken(reader, text))
    assert preview.counts["new"] == 1
    assert "Ändrad av" in preview.notes[-1]
    assert "Status" in preview.notes[-1]


def test_the_same_list_twice_changes_nothing_and_a_new_name_is_shown(reader):
    confirmed(reader)
    assert taken(reader).counts["unchanged"] == 3
    preview = code_lists.preview_of(reader, taken(reader, CODES.replace("Tryggare tillsammans", "Tryggare")))
    (changed,) = [row for row in preview.rows if row.outcome == "changed"]
    assert [(one.before, one.after) for one in changed.differences] == [("Tryggare tillsammans", "Tryggare")]


def test_the_same_code_for_two_units_is_refused_in_both_rows_named_together(reader):
    text = CODES + "7714;Annat;410;;\n"
    preview = code_lists.preview_of(reader, taken(reader, text))
    assert [(one.line, one.column) for one in preview.troubles] == [(3, "Projekt"), (5, "Projekt")]
    message = preview.troubles[0].message
    assert "7714" in message
    assert "3, 5" in message
    assert "320, 410" in message
    with pytest.raises(NotReady):
        confirmed(reader, text)
    confirmed(reader, text, leave_out_refused=True)
    assert [code for code, _name, _answer in codes()] == ["0007", "7720"]


def test_the_same_row_twice_counts_once(reader):
    batch = taken(reader, CODES + "7714;Tryggare tillsammans;320;2024-01;\n")
    assert {k: v for k, v in batch.counts.items() if v} == {"new": 3}


def test_a_company_may_use_the_same_code_for_something_else(reader):
    confirmed(reader)
    confirmed(reader, CODES, source="Sjöstad Energi AB")
    assert ProjectNumber.objects.filter(code="7714").count() == 2


def test_all_that_is_wrong_is_told_at_once(reader):
    text = "Kod;Namn;Fr o m;T o m\n;Utan kod;;\n1;A;2025-13-01;\n2;B;2025-02-01;2025-01-01\n3;C;2025;\n4;801231-1234;;"
    preview = code_lists.preview_of(reader, taken(reader, text))
    assert [(one.line, one.column) for one in preview.troubles] == [
        (2, "Kod"),
        (3, "Fr o m"),
        (4, "T o m"),
        (5, "Fr o m"),
        (6, "Namn"),
    ]


def test_a_day_that_does_not_go_with_the_one_that_stands_is_refused_in_its_row(reader):
    confirmed(
        reader,
        CODES.replace("7720;Investering Ringvägen;500;;", "7720;Investering Ringvägen;500;;2024-06-30"),
    )
    text = "Projekt;Fr o m;T o m\n7714;;2023-12-31\n7720;2024-07-01;\n0007;2026-01-01;2026-12-31\n"
    preview = code_lists.preview_of(reader, taken(reader, text))
    assert [(one.line, one.column) for one in preview.troubles] == [(2, "T o m"), (3, "Fr o m")]
    assert "2024-01-01" in preview.troubles[0].message
    confirmed(reader, text, leave_out_refused=True)
    assert ProjectNumber.objects.get(code="0007").closed_on == date(2026, 12, 31)


def workbook(rows, **formats) -> bytes:
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True})
    sheet = book.add_worksheet("Koder")
    for line, cells in enumerate(rows):
        for place, cell in enumerate(cells):
            sheet.write(line, place, cell)
    book.close()
    return memory.getvalue()


def test_a_workbook_is_taken_in_and_codes_that_stand_as_numbers_are_told(reader):
    confirmed(reader)
    data = workbook([["Projekt", "Benämning"], ["0008", "Text"], [7, "Utan nollor"], [9001, "Tal"]])
    batch = code_lists.upload(reader, "koder.xlsx", data)
    preview = code_lists.preview_of(reader, batch)
    (trouble,) = preview.troubles
    assert (trouble.line, "0007" in trouble.message) == (3, True)
    assert "7" in preview.notes[-1]
    assert batch.counts["new"] == 2


def test_a_list_whose_headings_nobody_knows_is_pointed_out_once_and_remembered(reader):
    text = "Dim 3;Betyder;Org\n7714;Tryggare;320\n7715;Lugnare;320\n"
    batch = taken(reader, text)
    with pytest.raises(code_lists.PointOut) as asked:
        code_lists.preview_of(reader, batch)
    assert asked.value.headings == ("Dim 3", "Betyder", "Org")
    preview = code_lists.point_out(reader, batch, {"Dim 3": "code", "Betyder": "name"})
    assert preview.counts["new"] == 2
    assert RememberedWord.objects.filter(kind=code_lists.KIND).count() == 2
    assert taken(reader, text).counts["new"] == 2


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4", b"PK\x03\x04rubbish", b"\x00\x01;2", b"en enda rad"])
def test_what_is_no_list_is_refused_and_nothing_is_stored(reader, data):
    with pytest.raises(TableRefused):
        code_lists.upload(reader, "koder.csv", data)
    assert not StoredFile.objects.exists()


def test_whatever_the_bytes_of_a_workbook_the_answer_is_a_list_or_a_sentence(reader):
    whole = workbook([["Projekt", "Benämning"], *([f"{n:04}", f"Kod {n}"] for n in range(20))])
    chance = random.Random(7)
    for _round in range(150):
        broken = bytearray(whole)
        for _change in range(chance.choice((1, 3, 40))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        with suppress(TableRefused):
            code_lists.upload(reader, "koder.xlsx", bytes(broken))


def test_ten_thousand_codes_are_judged_and_written_in_seconds_with_few_queries(reader):
    text = "Projekt;Benämning;Ansvar\n" + "".join(f"{n:05};Kod {n};{n % 40}\n" for n in range(10_000))
    begun = time.perf_counter()
    with CaptureQueriesContext(connection) as caught:
        confirmed(reader, text)
    assert time.perf_counter() - begun < 20
    assert len(caught) < 80
    changed = text.replace("Kod ", "Ny kod ")
    with CaptureQueriesContext(connection) as caught:
        confirmed(reader, changed)
    assert len(caught) < 60
    assert ProjectNumber.objects.filter(name__startswith="Ny kod").count() == 10_000


def test_only_economist_and_strategist_take_lists_in_and_an_auditor_reads(reader):
    confirmed(reader)
    auditor = factories.reader(reader.municipality, Role.AUDITOR)
    assert code_lists.visible_to(auditor).count() == 3
    with pytest.raises(PermissionDenied):
        taken(auditor)
    assert code_lists.visible_to(factories.reader(reader.municipality, Role.EMPLOYEE)).count() == 0


# --- going through ---------------------------------------------------------------------------------------


def test_answers_are_kept_for_many_at_a_time_and_a_later_list_asks_of_the_new_alone(reader):
    confirmed(reader)
    assert said(reader, k0007="yes", k7714="no").count == 2
    confirmed(reader, CODES + "7730;Ny;320;;\n")
    told = code_lists.progress(reader)
    assert (told.answered, told.total, told.waiting, told.yes, told.without_project) == (2, 4, 2, 1, 1)
    assert ProjectNumber.objects.get(code="7714").answered_by == reader.person


def test_of_two_who_answer_the_same_code_the_second_is_told_and_the_first_stands(reader):
    confirmed(reader)
    row = ProjectNumber.objects.get(code="7714")
    said(reader, k7714="no")
    done = code_lists.answer(reader, {row.pk: "yes"}, {row.pk: row.version}, at=NOW)
    assert (done.count, [one.code for one in done.collided]) == (0, ["7714"])
    assert ProjectNumber.objects.get(code="7714").external == "no"


def test_a_name_that_a_list_changes_meanwhile_does_not_lose_an_answer(reader):
    confirmed(reader)
    row = ProjectNumber.objects.get(code="7714")
    confirmed(reader, CODES.replace("Tryggare tillsammans", "Tryggare"))
    assert code_lists.answer(reader, {row.pk: "yes"}, {row.pk: row.version}, at=NOW).count == 1


def test_an_answer_that_is_none_of_the_three_is_not_kept(reader):
    confirmed(reader)
    assert said(reader, k7714="kanske").count == 0
    assert codes()[1][2] == ""


def test_a_code_with_a_project_stays_external(reader):
    confirmed(reader)
    row = ProjectNumber.objects.get(code="7714")
    code_lists.join(reader, row, factories.project(reader.municipality), at=NOW)
    done = said(reader, k7714="no")
    assert (done.count, [one.code for one in done.joined]) == (0, ["7714"])


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *(("Erasmus+ utbyte", "yes"), ("EU-projekt skola", "yes"), ("Statsbidrag läxhjälp", "yes")),
        *(("Vinnova smarta gator", "yes"), ("Kulturprojekt", "yes"), ("Investering Ringvägen", "no")),
        *(("Gatubelysning", None), ("Museum", None), ("Lifecenter", None)),
    ],
)
def test_a_probable_answer_is_suggested_with_the_word_that_speaks_for_it(name, answer):
    found = code_lists.suggestion(ProjectNumber(code="1", name=name))
    assert (found and found.answer) == answer


# --- a code's project ------------------------------------------------------------------------------------


def test_the_project_with_the_number_is_offered_first_then_those_with_a_similar_title(reader):
    confirmed(reader)
    numbered = factories.project(reader.municipality, "Något annat", project_number="7714")
    similar = factories.project(reader.municipality, "Tryggare tillsammans i Sjöstad")
    factories.project(reader.municipality, "Gatubelysning")
    row = ProjectNumber.objects.get(code="7714")
    assert [one.project for one in code_lists.alike(reader, row)] == [numbered, similar]


def test_joining_writes_the_number_where_the_project_has_none_and_leaves_another(reader):
    confirmed(reader)
    empty = factories.project(reader.municipality, "Tryggare")
    other = factories.project(reader.municipality, "Utbyte", project_number="9999")
    code_lists.join(reader, ProjectNumber.objects.get(code="7714"), empty, at=NOW)
    code_lists.join(reader, ProjectNumber.objects.get(code="0007"), other, at=NOW)
    assert Project.objects.get(pk=empty.pk).project_number == "7714"
    assert Project.objects.get(pk=other.pk).project_number == "9999"
    assert ProjectNumber.objects.get(code="7714").external == "yes"
    with pytest.raises(code_lists.AlreadySettled):
        code_lists.join(reader, ProjectNumber.objects.get(code="7714"), other, at=NOW)


def test_a_code_says_that_its_project_is_in_the_accounts_and_parting_takes_back_only_what_joining_wrote(
    reader,
):
    confirmed(reader)
    open_, typed, elsewhere = (
        factories.project(reader.municipality, "Öppet", accounting="not_yet"),
        factories.project(reader.municipality, "Skrivet", project_number="7714", accounting="here"),
        factories.project(reader.municipality, "Annans", accounting="elsewhere"),
    )

    def joined_and_parted(project):
        row = ProjectNumber.objects.get(code="7714")
        code_lists.join(reader, row, project, at=NOW)
        project.refresh_from_db()
        between = (project.project_number, project.accounting)
        code_lists.part(reader, row, reason="Fel projekt")
        project.refresh_from_db()
        return between, (project.project_number, project.accounting)

    assert joined_and_parted(open_) == (("7714", "here"), ("", "not_yet"))
    assert joined_and_parted(typed) == (("7714", "here"), ("7714", "here"))
    assert joined_and_parted(elsewhere) == (("7714", "elsewhere"), ("", "elsewhere"))


def test_a_number_that_was_written_over_since_stays_when_the_code_is_taken_away(reader):
    confirmed(reader)
    project = factories.project(reader.municipality, "Öppet", accounting="not_yet")
    row = ProjectNumber.objects.get(code="7714")
    code_lists.join(reader, row, project, at=NOW)
    Project.objects.filter(pk=project.pk).update(project_number="8000")
    code_lists.part(reader, row, reason="Fel projekt")
    project.refresh_from_db()
    assert (project.project_number, project.accounting) == ("8000", "here")


def test_a_project_that_is_withdrawn_while_the_page_is_open_gets_no_code(reader):
    confirmed(reader)
    project = factories.project(reader.municipality, "Tryggare")
    row = ProjectNumber.objects.get(code="7714")
    Project.objects.filter(pk=project.pk).update(withdrawn_at=NOW, withdrawn_reason="Dubbelt")
    with pytest.raises(PermissionDenied):
        code_lists.join(reader, row, project, at=NOW)
    assert ProjectNumber.objects.get(code="7714").project is None


def test_what_the_strategist_does_for_a_unit_without_contact_person_is_marked_in_the_installations_language(
    reader,
):
    confirmed(reader)
    strategist = factories.reader(reader.municipality, Role.STRATEGIST)
    unit = factories.unit(reader.municipality, "Skolan")
    project = factories.project(reader.municipality, "Tryggare", owner_unit=unit)
    row = ProjectNumber.objects.get(code="7714")
    with translation.override("en"):
        with history.context(municipality=reader.municipality.pk):
            code_lists.join(strategist, row, project, at=NOW)
        joined = history.acts(row)[0].reason
        with history.context(municipality=reader.municipality.pk):
            code_lists.part(strategist, row, reason="Fel projekt")
        parted = history.acts(row)[0].reason
    with translation.override("sv"):
        mark = marked_reason(strategist, unit, "")
        assert joined == (
            translation.gettext("The project code %(code)s of the accounts was joined to %(project)s.")
            % {"code": "7714", "project": project.register_id}
            + f" ({mark})"
        )
    assert parted == f"Fel projekt ({mark})"
    assert "Skolan" in mark


def test_projects_are_compared_in_the_database_and_few_of_them_here(reader, monkeypatch):
    monkeypatch.setattr(code_lists, "LOOKED_AT", 2)
    confirmed(reader)
    near = factories.project(reader.municipality, "Tryggare tillsammans nu")
    for n in range(5):
        factories.project(reader.municipality, f"Tryggare gata {n}")
    compared = []

    def watched(*titles):
        compared.append(titles)
        return SequenceMatcher(*titles)

    monkeypatch.setattr(code_lists, "SequenceMatcher", watched)
    found = code_lists.alike(reader, ProjectNumber.objects.get(code="7714"))
    assert found[0].project == near
    assert len(compared) == 2


def test_taking_a_code_away_takes_its_number_too(reader):
    confirmed(reader)
    project = factories.project(reader.municipality, "Tryggare")
    row = ProjectNumber.objects.get(code="7714")
    code_lists.join(reader, row, project, at=NOW)
    code_lists.part(reader, row, reason="Fel projekt")
    assert Project.objects.get(pk=project.pk).project_number == ""
    assert ProjectNumber.objects.get(code="7714").project is None


def test_the_owner_unit_is_known_from_the_ansvar_code_by_name_or_by_its_other_projects(reader):
    confirmed(reader)
    named = factories.unit(reader.municipality, "Utbildningsförvaltningen")
    UnitName.objects.create(municipality=reader.municipality, unit=named, name="410", kind="other")
    owner = factories.unit(reader.municipality, "Socialförvaltningen")
    project = factories.project(reader.municipality, "Tryggare", owner_unit=owner)
    code_lists.join(reader, ProjectNumber.objects.get(code="7714"), project, at=NOW)
    confirmed(reader, CODES + "7731;Lugnare;320;;\n")
    assert code_lists.likely_unit(reader, ProjectNumber.objects.get(code="0007")) == named
    assert code_lists.likely_unit(reader, ProjectNumber.objects.get(code="7731")) == owner
    assert code_lists.likely_unit(reader, ProjectNumber.objects.get(code="7720")) is None


# --- undoing ---------------------------------------------------------------------------------------------


def test_undoing_a_list_hides_unanswered_codes_restores_names_and_leaves_the_answered(reader):
    confirmed(reader)
    second = confirmed(
        reader, CODES.replace("Tryggare tillsammans", "Tryggare") + "7730;Ny;320;;\n7731;Nyare;320;;\n"
    )
    said(reader, k7730="yes")
    done = code_lists.undo(reader, second, at=datetime.now(UTC), reason="Fel lista")
    assert (done.hidden, done.restored, [row.code for row in done.kept]) == (1, 1, ["7730"])
    shown = list(code_lists.visible_to(reader).values_list("code", "name"))
    assert ("7714", "Tryggare tillsammans") in shown
    assert [code for code, _name in shown] == ["0007", "7714", "7720", "7730"]
    with pytest.raises(code_lists.BatchMovedOn):
        code_lists.undo(reader, second, at=datetime.now(UTC))
    assert confirmed(reader, CODES + "7731;Nyare;320;;\n").counts["new"] == 1
    assert code_lists.visible_to(reader).filter(code="7731").exists()


def test_an_older_list_is_not_undone_while_a_later_one_of_the_same_accounts_stands(reader):
    first = confirmed(reader)
    confirmed(reader, source="Sjöstad Energi AB")
    second = confirmed(reader, CODES.replace("Tryggare tillsammans", "Tryggare"))
    with pytest.raises(code_lists.UndoneFirst) as refused:
        code_lists.undo(reader, first, at=datetime.now(UTC))
    assert f"{second.pk}, koder.csv" in str(refused.value)
    assert code_lists.visible_to(reader).filter(source="").count() == 3
    code_lists.undo(reader, second, at=datetime.now(UTC))
    code_lists.undo(reader, first, at=datetime.now(UTC))
    assert code_lists.visible_to(reader).filter(source="").count() == 0
    assert code_lists.visible_to(reader).count() == 3


def test_names_come_back_one_list_at_a_time(reader):
    confirmed(reader)
    second = confirmed(reader, CODES.replace("Tryggare tillsammans", "Tryggare"))
    third = confirmed(reader, CODES.replace("Tryggare tillsammans", "Tryggast"))
    names = []
    for batch in (third, second):
        done = code_lists.undo(reader, batch, at=datetime.now(UTC))
        assert (done.restored, done.kept) == (1, ())
        names.append(ProjectNumber.objects.get(code="7714").name)
    assert names == ["Tryggare", "Tryggare tillsammans"]


def test_a_code_that_was_answered_since_keeps_the_name_it_was_answered_under(reader):
    confirmed(reader)
    second = confirmed(reader, CODES.replace("Tryggare tillsammans", "Tryggare"))
    row = ProjectNumber.objects.get(code="7714")
    later = datetime(2026, 11, 20, 13, tzinfo=UTC)
    code_lists.answer(reader, {row.pk: "yes"}, {row.pk: row.version}, at=later)
    done = code_lists.undo(reader, second, at=later)
    assert (done.restored, [one.code for one in done.kept]) == (0, ["7714"])
    assert ProjectNumber.objects.get(code="7714").name == "Tryggare"


def test_a_code_whose_list_was_undone_rests_on_the_later_list_that_holds_it(reader):
    first = confirmed(reader)
    said(reader, k7714="yes")
    code_lists.undo(reader, first, at=datetime.now(UTC))
    confirmed(reader)
    said(reader, k7714="")
    assert code_lists.visible_to(reader).count() == 3


# --- what is to do ---------------------------------------------------------------------------------------


def test_economist_and_strategist_have_the_codes_to_do_and_others_have_not(reader):
    confirmed(reader)
    said(reader, k7714="yes")
    for role in (Role.ECONOMIST, Role.STRATEGIST):
        first, second = codes_to_go_through(factories.reader(reader.municipality, role))
        assert (first.since, first.url.endswith("saknas"), second.url.endswith("utan-projekt")) == (
            date(2026, 11, 20),
            True,
            True,
        )
    ImportBatch.objects.update(confirmed_at=datetime(2026, 11, 19, 23, 30, tzinfo=UTC))
    assert next(iter(codes_to_go_through(reader))).since == date(2026, 11, 20)
    for role in (Role.AUDITOR, Role.EMPLOYEE, Role.READER):
        assert list(codes_to_go_through(factories.reader(reader.municipality, role))) == []


# --- pages -----------------------------------------------------------------------------------------------


def upload(client, text: str = CODES, **more):
    return client.post(TAKE, {"source": "", "file": SimpleUploadedFile("koder.csv", text.encode()), **more})


def in_place(strategist, text: str = CODES) -> dict[str, ProjectNumber]:
    with scope(strategist.municipality.pk), history.context(municipality=strategist.municipality.pk):
        confirmed(strategist, text)
        return {row.code: row for row in ProjectNumber.objects.all()}


def test_a_list_goes_from_upload_to_answers_in_the_browser(client, strategist):
    answer = upload(client)
    preview = client.get(answer.url)
    assert [figure["value"] for figure in preview.context["figures"]] == ["3", "0", "0", "0"]
    with scope(strategist.municipality.pk):
        batch = ImportBatch.objects.get()
    seen = {"seen": preview.context["preview"].fingerprint}
    assert client.post(reverse("projects:codes_confirm", args=[batch.pk]), seen).url == LIST
    page = client.get(LIST)
    html = page.content.decode()
    assert page.context["progress"].waiting == 3
    assert " checked" not in html
    with scope(strategist.municipality.pk):
        rows = {row.code: row for row in ProjectNumber.objects.all()}
    sent: dict[str, object] = {f"v-{row.pk}": row.version for row in rows.values()}
    sent |= {f"svar-{rows['0007'].pk}": "yes", "alla": "no", "fraga": "svar=saknas&page=2"}
    kept = client.post(reverse("projects:codes_answer"), sent)
    assert kept.url == f"{LIST}?svar=saknas"
    with scope(strategist.municipality.pk):
        assert codes() == [
            ("0007", "Erasmus+ utbyte", "yes"),
            ("7714", "Tryggare tillsammans", "no"),
            ("7720", "Investering Ringvägen", "no"),
        ]


def test_the_codes_are_found_by_text_ansvar_and_answer(client, strategist):
    in_place(strategist)

    def found(query: str) -> list[str]:
        return [cells[0].text for cells in client.get(f"{LIST}?{query}").context["listing"].rows]

    assert found("q=trygg") == ["7714"]
    assert found("q=77") == ["7714", "7720"]
    assert found("ansvar=410") == ["0007"]
    assert found("svar=no") == []
    assert (
        client.get(f"{LIST}?format=csv&svar=").content.decode("utf-8-sig").splitlines()[1].startswith("0007;")
    )


def test_a_yes_leads_to_a_registered_project_prefilled_from_the_code(client, strategist):
    rows = in_place(strategist)
    with scope(strategist.municipality.pk):
        unit = factories.unit(strategist.municipality, "Utbildningsförvaltningen")
    page = client.get(reverse("projects:code_project", args=[rows["0007"].pk]))
    assert page.status_code == 200
    address = reverse("projects:code_register", args=[rows["0007"].pk])
    form = client.get(address).context["form"]
    assert (form["title"].value(), form["project_number"].value()) == ("Erasmus+ utbyte", "0007")
    sent = {bound.html_name: bound.value() or "" for bound in form if bound.name not in ("units", "parties")}
    sent |= {
        "owner_unit": unit.pk,
        "starts": "2023-01-01",
        "ends": "2025-12-31",
        "total_budget": "",
        "own_share": "",
    }
    done = client.post(address, sent)
    assert done.status_code == 302, done.context["form"].errors
    with scope(strategist.municipality.pk):
        project = Project.objects.get()
        row = ProjectNumber.objects.get(code="0007")
        assert (row.project, row.external, project.project_number) == (project, "yes", "0007")
    assert client.get(address).url == reverse("projects:code_project", args=[row.pk])


def test_a_code_is_joined_to_a_project_and_not_to_a_withdrawn_or_missing_one(client, strategist):
    rows = in_place(strategist)
    with scope(strategist.municipality.pk):
        project = factories.project(strategist.municipality, "Tryggare tillsammans")
        gone = factories.project(
            strategist.municipality, "Borta", withdrawn_at=NOW, withdrawn_reason="Dubbel"
        )
    address = reverse("projects:code_project", args=[rows["7714"].pk])
    assert client.post(address, {}).status_code == 422
    assert client.post(address, {"register_id": gone.register_id}).status_code == 422
    assert client.post(address, {"project": "999999"}).status_code == 422
    assert client.post(address, {"project": str(project.pk)}).status_code == 302
    with scope(strategist.municipality.pk):
        assert ProjectNumber.objects.get(code="7714").project == project
    part = reverse("projects:code_part", args=[rows["7714"].pk])
    client.post(part, {"reason": ""})
    client.post(part, {"reason": "Fel projekt"})
    with scope(strategist.municipality.pk):
        assert ProjectNumber.objects.get(code="7714").project is None


def test_an_unknown_list_leads_to_pointing_out_its_columns(client, strategist):
    page = client.get(upload(client, "Dim 3;Betyder\n7714;Tryggare\n7715;Lugnare\n").url, follow=True)
    assert page.request["PATH_INFO"].endswith("/kolumner/")
    address = page.request["PATH_INFO"]
    assert client.post(address, {"code": "", "name": "Betyder"}).status_code == 422
    assert client.post(address, {"code": "Dim 3", "name": "Dim 3"}).status_code == 422
    preview = client.post(address, {"code": "Dim 3", "name": "Betyder"}, follow=True)
    assert preview.context["preview"].counts["new"] == 2


def test_what_the_database_refuses_at_the_last_moment_is_told_above_the_list(client, strategist, monkeypatch):
    address = upload(client).url
    seen = client.get(address).context["preview"].fingerprint

    def refuses(*_given, **_more):
        cause: Any = Exception()
        cause.diag = SimpleNamespace(constraint_name="a_code_stands_once_in_its_accounts")
        raise IntegrityError from cause

    monkeypatch.setattr(code_lists, "confirm", refuses)
    answer = client.post(f"{address}bekrafta/", {"seen": seen})
    assert answer.status_code == 409
    assert str(code_lists.MESSAGES["a_code_stands_once_in_its_accounts"]) in answer.content.decode()


def test_undoing_the_older_of_two_lists_is_refused_on_the_page(client, strategist):
    in_place(strategist)
    in_place(strategist, CODES + "7730;Ny;320;;\n")
    with scope(strategist.municipality.pk):
        first, second = ImportBatch.objects.order_by("pk")
    answer = client.post(reverse("projects:codes_undo", args=[first.pk]), follow=True)
    assert f"{second.pk}, koder.csv" in " ".join(map(str, answer.context["messages"]))
    with scope(strategist.municipality.pk):
        assert ProjectNumber.objects.count() == code_lists.visible_to(strategist).count() == 4


def test_a_file_that_is_no_list_is_refused_on_the_page(client, strategist):
    assert upload(client, "bara text").status_code == 422
    assert client.post(TAKE, {"source": ""}).status_code == 422


def test_the_pages_are_for_who_may_and_only_for_their_own_municipality(client, place, strategist):
    rows = in_place(strategist)
    other = factories.municipality("Annan kommun")
    with scope(other.pk):
        foreign = factories.reader(other, Role.STRATEGIST)
    with scope(place.pk):
        auditor = factories.reader(place, Role.AUDITOR)
        employee = factories.reader(place, Role.EMPLOYEE)
    pages = [reverse("projects:code_project", args=[rows["7714"].pk]), LIST]
    for who, expected in ((foreign, [404, 200]), (auditor, [200, 200]), (employee, [403, 403])):
        client.logout()
        factories.login(client, who.person)
        assert [client.get(page).status_code for page in pages] == expected
        assert client.post(reverse("projects:codes_answer"), {}).status_code == (
            302 if who is foreign else 403
        )
    assert client.get(reverse("projects:codes_answer")).status_code == 405


def test_the_list_takes_as_many_queries_for_fifty_codes_as_for_three(client, strategist):
    def queries() -> int:
        client.get(LIST)
        with CaptureQueriesContext(connection) as caught:
            assert client.get(LIST).status_code == 200
        return len(caught)

    in_place(strategist)
    three = queries()
    with scope(strategist.municipality.pk):
        ProjectNumber.objects.bulk_create(
            ProjectNumber(municipality=strategist.municipality, code=f"8{n:03}") for n in range(60)
        )
    assert queries() == three


# --- the command -----------------------------------------------------------------------------------------


def test_the_command_shows_then_takes_a_list_in(place, capsys, tmp_path):
    with scope(place.pk):
        economist = factories.reader(place, Role.ECONOMIST)
        factories.unit(place, "Sjöstad Energi AB", kind=UnitKind.COMPANY)
    path = tmp_path / "koder.csv"
    path.write_text("Dim;Betyder\n1;A\n2;B\n")
    given = [
        "take_code_list",
        str(path),
        "--municipality",
        place.name,
        "--as",
        economist.person.email,
        "--json",
    ]
    with pytest.raises(CommandError):
        call_command(*given)
    capsys.readouterr()
    given += ["--column", "Dim=code", "--column", "Betyder=name", "--source", "Sjöstad Energi AB"]
    call_command(*given)
    assert json.loads(capsys.readouterr().out)["confirmed"] is False
    call_command(*given, "--confirm")
    assert json.loads(capsys.readouterr().out)["confirmed"] is True
    with scope(place.pk):
        assert codes() == [("1", "A", ""), ("2", "B", "")]
    call_command(*given, "--confirm")
    assert json.loads(capsys.readouterr().out)["counts"]["unchanged"] == 2


def test_the_command_says_how_a_column_is_given(place):
    with pytest.raises(CommandError) as refused:
        call_command(
            "take_code_list", __file__, "--municipality", place.name, "--as", "x@y.se", "--column", "Dim"
        )
    assert refused.value.returncode == 2
