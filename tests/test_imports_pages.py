"""The pages of an import: upload, questions and preview, confirmation, result, undo, and who may see them."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import gettext

from projects import exchange
from projects.models import Project
from projects.registry import MESSAGES, change_project
from projects.views.imports import UploadForm
from strategy import history
from strategy.models import BatchState, ImportBatch, Role, StoredFile
from strategy.permissions import Reader
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db

FACTS = Path(__file__).parent / "data" / "projects-2017.csv"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
UNITS = (
    "Utbildningsförvaltningen",
    "Socialförvaltningen",
    "Kultur- och fritidsförvaltningen",
    "Stadsbyggnadskontoret",
)
LIST, UPLOAD = reverse("projects:imports"), reverse("projects:import_upload")


@pytest.fixture
def reader(settings, tmp_path, client):
    """The strategist of Jönköping, logged in."""
    settings.FILES_DIR = tmp_path
    place = factories.municipality("Jönköpings kommun")
    with scope(place.pk):
        for name in UNITS:
            factories.unit(place, name)
        reader = factories.reader(place, Role.STRATEGIST)
    factories.login(client, reader.person)
    return reader


def page(name: str, batch: ImportBatch) -> str:
    return reverse(f"projects:{name}", args=[batch.pk])


def upload(client, data: bytes, year: str = ""):
    return client.post(UPLOAD, {"year": year, "file": SimpleUploadedFile("lista.csv", data, "text/csv")})


def batch_of(reader: Reader) -> ImportBatch:
    with scope(reader.municipality.pk):
        return ImportBatch.objects.select_related("file").get()


def uploaded(reader: Reader, data: bytes = b"title;acronym\nTrygg hemma;TH\n") -> ImportBatch:
    with scope(reader.municipality.pk), history.context(municipality=reader.municipality.pk):
        return exchange.upload(reader, "lista.csv", data, year=None)


def titles(reader: Reader) -> list[str]:
    with scope(reader.municipality.pk):
        return list(Project.objects.standing().order_by("pk").values_list("title", flat=True))


def test_the_list_of_2017_goes_all_the_way_in_and_out_again_in_the_browser(client, reader):
    answer = client.post(
        UPLOAD, {"year": "2017", "file": SimpleUploadedFile("projects-2017.csv", FACTS.read_bytes())}
    )
    batch = batch_of(reader)
    assert answer.url == page("import_preview", batch)
    preview = client.get(answer.url)
    questions = preview.context["questions"]
    assert len(questions.fields) == 3
    assert page("import_confirm", batch) not in preview.content.decode()
    chosen = {"amounts": "approximate", "word:role:gemensam satsning": "partner"}
    answers = {one.field_name: chosen.get(one.key, "decided_by") for one in questions.questions}
    assert client.post(answer.url, answers).url == answer.url
    preview = client.get(answer.url)
    assert preview.context["preview"].unanswered == ()
    assert [figure["value"] for figure in preview.context["figures"]] == ["5", "0", "0", "0", "0"]
    confirmed = client.post(
        page("import_confirm", batch), {"seen": preview.context["preview"].fingerprint}, follow=True
    )
    assert confirmed.redirect_chain == [(answer.url, 302)]
    assert len(titles(reader)) == 5
    assert [row.name for row in preview.context["preview"].rows] == titles(reader)
    assert [cells[1].text for cells in confirmed.context["rows"].rows] == titles(reader)
    undone = client.post(page("import_undo", batch), {"reason": "prov"}, follow=True)
    assert [figure["value"] for figure in undone.context["figures"]] == ["5", "0", "0"]
    assert titles(reader) == []
    assert (
        client.post(
            UPLOAD, {"year": "2017", "file": SimpleUploadedFile("a.csv", FACTS.read_bytes())}
        ).status_code
        == 302
    )


def test_sending_no_answer_says_that_one_is_needed(client, reader):
    client.post(UPLOAD, {"year": "2017", "file": SimpleUploadedFile("projects-2017.csv", FACTS.read_bytes())})
    answer = client.post(page("import_preview", batch_of(reader)), {}, follow=True)
    (said,) = answer.context["messages"]
    assert (said.level_tag, len(answer.context["preview"].unanswered)) == ("error", 3)


def test_a_file_that_cannot_be_read_is_refused_with_every_reason_and_the_year_is_kept(client, reader):
    answer = upload(client, "title;role;löneklass;hemligt\na;;b;c\n".encode(), year="2017")
    assert answer.status_code == 200
    (problem,) = answer.context["problems"]
    assert "löneklass, hemligt" in problem["text"]
    assert 'value="2017"' in answer.content.decode()
    with scope(reader.municipality.pk):
        assert (ImportBatch.objects.count(), StoredFile.objects.count()) == (0, 0)


def test_a_file_that_is_too_large_gives_one_sentence_and_is_not_stored(client, reader, settings):
    settings.REGISTER_FILE_LIMIT = 1000
    for data in (b"title;acronym\n" + b"Ett;E\n" * 500, b"title;acronym\n" + b"Ett;E\n" * 300_000):
        answer = upload(client, data, year="2017")
        assert answer.status_code == 200
        assert list(answer.context["form"].errors) == ["file"]
        assert len(answer.context["form"].errors["file"]) == 1
        assert 'value="2017"' in answer.content.decode()
    with scope(reader.municipality.pk):
        assert (ImportBatch.objects.count(), StoredFile.objects.count()) == (0, 0)


@pytest.mark.parametrize("year", ["17", "tjugo", "2200"])
def test_a_year_that_is_none_is_refused(client, reader, year):
    answer = upload(client, b"title;acronym\na;b\n", year=year)
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, ["year"])


def test_no_file_is_asked_for_in_a_sentence(client, reader):
    answer = client.post(UPLOAD, {"year": ""})
    assert answer.context["form"].errors["file"] == [
        str(UploadForm.base_fields["file"].error_messages["required"])
    ]


def test_refused_rows_are_told_with_line_and_column_and_are_left_out_only_when_ticked(client, reader):
    batch = uploaded(reader, b"title;starts;ends\nEtt;2019-01;2018-12\nTv\xc3\xa5;;\n")
    preview = client.get(page("import_preview", batch))
    assert [[cell.text for cell in cells] for cells in preview.context["troubles"].rows] == [
        ["2", "ends", str(MESSAGES["project_ends_after_it_starts"])]
    ]
    seen = {"seen": preview.context["preview"].fingerprint}
    refused = client.post(page("import_confirm", batch), seen)
    assert (refused.status_code, titles(reader)) == (409, [])
    client.post(page("import_confirm", batch), seen | {"leave_out": "1"})
    assert titles(reader) == ["Två"]


def test_all_errors_of_a_long_file_come_as_a_file(client, reader):
    batch = uploaded(reader, b"title;starts\n" + b"Ett;igen\n" * 250)
    preview = client.get(page("import_preview", batch))
    assert len(preview.context["troubles"].rows) == 200
    table = client.get(page("import_preview", batch) + "?format=csv")
    assert len(table.content.decode("utf-8-sig").splitlines()) == 1 + len(preview.context["preview"].troubles)
    assert "attachment" in table["Content-Disposition"]


def test_of_ten_thousand_rows_the_first_two_hundred_are_shown(client, reader):
    lines = "".join(f"Projekt {number};P{number}\n" for number in range(1000))
    preview = client.get(page("import_preview", uploaded(reader, f"title;acronym\n{lines}".encode())))
    assert (preview.context["shown"], preview.context["row_count"]) == (200, 1000)
    assert preview.context["figures"][0]["value"] == "1\N{NO-BREAK SPACE}000"
    assert "1\N{NO-BREAK SPACE}000" in preview.context["confirm_label"]
    assert len(preview.context["rows"].rows) == 200


def test_a_confirmation_of_something_else_than_was_seen_shows_the_new_preview(client, reader):
    with scope(reader.municipality.pk), history.context(municipality=reader.municipality.pk):
        project = factories.project(reader.municipality, "Trygg hemma")
    batch = uploaded(reader)
    seen = client.get(page("import_preview", batch)).context["preview"].fingerprint
    with scope(reader.municipality.pk), history.context(municipality=reader.municipality.pk):
        project.acronym = "X"
        change_project(reader, project, reason="rättat")
    answer = client.post(page("import_confirm", batch), {"seen": seen})
    assert (answer.status_code, answer.context["preview"].fingerprint != seen) == (409, True)
    with scope(reader.municipality.pk):
        project.refresh_from_db()
    assert project.acronym == "X"


def test_a_file_that_changes_nothing_says_so_and_has_nothing_to_confirm(client, reader):
    with scope(reader.municipality.pk):
        factories.project(reader.municipality, "Trygg hemma", acronym="TH")
    batch = uploaded(reader)
    preview = client.get(page("import_preview", batch))
    assert preview.context["writes"] == 0
    assert page("import_confirm", batch) not in preview.content.decode()


def test_a_cancelled_import_is_neither_confirmed_nor_undone(client, reader):
    batch = uploaded(reader)
    seen = client.get(page("import_preview", batch)).context["preview"].fingerprint
    assert client.post(page("import_cancel", batch)).url == LIST
    client.post(page("import_confirm", batch), {"seen": seen})
    client.post(page("import_undo", batch))
    assert (batch_of(reader).state, titles(reader)) == (BatchState.CANCELLED, [])


def test_the_file_comes_back_as_it_was_and_as_an_attachment(client, reader):
    data = b"title;acronym\r\n\xc5ngar;\xc5\r\n"
    answer = client.get(page("import_file", uploaded(reader, data)))
    assert (answer.content, answer["Content-Disposition"]) == (data, 'attachment; filename="lista.csv"')
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_what_stands_in_a_file_is_shown_as_text(client, reader):
    batch = uploaded(reader, b"title;role;partners\n<b>Ett</b>;<i>ny</i>;<u>alla</u>\n")
    shown = client.get(page("import_preview", batch)).content.decode()
    assert not re.search("<b>Ett|<i>ny|<u>alla", shown)
    assert "&lt;i&gt;ny" in shown


def test_the_list_costs_the_same_queries_for_one_import_and_five(client, reader):
    counted = []
    for more in (1, 4):
        for _number in range(more):
            uploaded(reader)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(LIST)
        counted.append(len(queries))
    assert len(answer.context["listing"].rows) == 5
    assert counted[0] == counted[1]


def test_the_page_tells_who_uploaded_took_in_and_undid_a_file_when_and_why(client, reader):
    batch = uploaded(reader)
    with scope(reader.municipality.pk):
        colleague = factories.reader(reader.municipality, Role.STRATEGIST).person
        colleague.name = "Kollegan"
        colleague.save()
    seen = client.get(page("import_preview", batch)).context["preview"].fingerprint
    client.post(page("import_confirm", batch), {"seen": seen})
    factories.login(client, colleague)
    shown = client.post(page("import_undo", batch), {"reason": "fel fil"}, follow=True)
    told = [(entry.what, entry.who) for entry in shown.context["entries"]]
    assert told == [
        (str(BatchState.UNDONE.label), "Kollegan"),
        (str(BatchState.CONFIRMED.label), reader.person.name),
        (gettext("Uploaded"), gettext("the system")),
    ]
    assert "fel fil" in shown.context["entries"][0].reason
    assert "fel fil" in shown.content.decode()


def test_the_register_is_taken_out_corrected_and_taken_in_again(client, reader):
    with scope(reader.municipality.pk):
        factories.project(reader.municipality, "Trygg hemma", note="gammal")
        factories.project(reader.municipality, "Borta", withdrawn_at=NOW, withdrawn_reason="dubblett")
    neighbour = factories.municipality("Habo kommun")
    with scope(neighbour.pk):
        factories.project(neighbour, "Grannens")
    address = reverse("projects:import_register")
    assert address in client.get(UPLOAD).content.decode()
    answer = client.get(address)
    assert answer["Content-Disposition"].startswith("attachment")
    assert [line.split(";")[1] for line in answer.content.decode("utf-8-sig").splitlines()] == [
        "title",
        "Trygg hemma",
    ]
    batch = uploaded(reader, answer.content.replace(b"gammal", b"ny"))
    preview = client.get(page("import_preview", batch)).context["preview"]
    (row,) = preview.rows
    assert [(one.before, one.after) for one in row.differences] == [("gammal", "ny")]
    assert client.post(address).status_code == 405
    for role in (Role.AUDITOR, Role.CONTACT_PERSON, Role.EMPLOYEE):
        act_as(client, reader, role)
        assert client.get(address).status_code == 403


# --- who may ---------------------------------------------------------------------------------------------


GET_PAGES = ("import_preview", "import_file")
POST_PAGES = ("import_confirm", "import_cancel", "import_undo")


def act_as(client, reader: Reader, role: Role) -> None:
    with scope(reader.municipality.pk):
        unit = (
            factories.unit(reader.municipality, f"Enhet för {role}") if role == Role.CONTACT_PERSON else None
        )
        other = factories.reader(reader.municipality, role, unit)
    factories.login(client, other.person)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_an_auditor_and_an_administrator_read_imports_and_change_none(client, reader, role):
    batch = uploaded(reader)
    act_as(client, reader, role)
    assert [
        client.get(LIST).status_code,
        *(client.get(page(name, batch)).status_code for name in GET_PAGES),
    ] == [
        200,
        200,
        200,
    ]
    assert "<form" not in re.sub(
        r"(?s)<header.*?</header>", "", client.get(page("import_preview", batch)).content.decode()
    )
    assert client.get(LIST).context["primary_action"] is None
    refused = [client.post(page(name, batch), {"seen": "x"}) for name in (*POST_PAGES, "import_preview")]
    assert [
        answer.status_code for answer in [*refused, client.get(UPLOAD), upload(client, b"title;role\na;b\n")]
    ] == [403] * 6
    assert batch_of(reader).state == BatchState.JUDGED


@pytest.mark.parametrize("role", [Role.CONTACT_PERSON, Role.EMPLOYEE, Role.ECONOMIST, Role.READER])
def test_others_neither_read_nor_take_in(client, reader, role):
    batch = uploaded(reader)
    act_as(client, reader, role)
    answers = [client.get(address) for address in (LIST, UPLOAD, *(page(name, batch) for name in GET_PAGES))]
    answers += [client.post(page(name, batch)) for name in POST_PAGES]
    assert {answer.status_code for answer in answers} == {403}


def test_another_municipalitys_import_is_not_found_and_the_attempt_is_logged(client, reader, caplog):
    other = factories.municipality("Habo kommun")
    with scope(other.pk):
        stranger = factories.reader(other, Role.STRATEGIST)
    batch = uploaded(stranger)
    answers = [client.get(page(name, batch)) for name in GET_PAGES]
    answers += [client.post(page(name, batch), {"seen": "x"}) for name in POST_PAGES]
    assert {answer.status_code for answer in answers} == {404}
    assert [
        record.name for record in caplog.records if f"ImportBatch {batch.pk} " in record.getMessage()
    ] == ["medel.permissions"] * len(answers)
    assert str(batch.file) not in client.get(LIST).content.decode()


@pytest.mark.parametrize("name", POST_PAGES)
def test_no_link_acts(client, reader, name):
    batch = uploaded(reader)
    assert client.get(page(name, batch)).status_code == 405
