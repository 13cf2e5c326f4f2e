"""Documents of projects: adding, reading, changing, withdrawing, and the log of who was handed out what."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from projects.documents import add_to_project, choosable
from projects.models import Project, ProjectDocument, ProjectShare
from strategy import history
from strategy.attachments import path_of
from strategy.documents import (
    DocumentRefused,
    change_document,
    hand_out,
    may,
    visible_documents,
    whose,
    withdraw_document,
)
from strategy.models import Document, Reading, Role, StoredFile
from strategy.permissions import ROLES, resolve_reader
from strategy.walls import scope
from tests import factories
from tests.test_document_contents import EXE, pdf, with_part

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(settings, tmp_path):
    settings.FILES_DIR = tmp_path
    place = factories.municipality()
    with scope(place.pk):
        yield place


@pytest.fixture
def unit(place):
    return factories.unit(place)


@pytest.fixture
def project(place, unit):
    return factories.project(place, owner_unit=unit)


def logged_in(client, place, role, at=None, who=None):
    reader = factories.reader(place, role, at, who=who)
    factories.login(client, reader.person)
    return reader


@pytest.fixture
def strategist(client, place):
    return logged_in(client, place, Role.STRATEGIST)


def sent(name="beslut.pdf", data=None):
    return SimpleUploadedFile(name, pdf() if data is None else data)


def add(client, project, **fields):
    # The file last, as the browser sends it.
    file = fields.pop("file", None)
    fields = {"kind": "decision", **fields, "file": sent() if file is None else file}
    return client.post(f"/projekt/{project.pk}/dokument/nytt/", fields)


def document(reader, project, name="Beslut", contents=b"", **facts):
    """A document of the project, with contents of its own."""
    facts.setdefault("kind", "decision")
    return add_to_project(
        reader, project, sent("fil.pdf", pdf(contents or name.encode())), title=name, **facts
    )[0]


SECRET = {"is_secret": True, "legal_ground": "OSL 26 kap. 1 §"}


def errors(response):
    assert response.status_code == 422
    return {name: [str(one) for one in said] for name, said in response.context["form"].errors.items()}


def readings():
    return [
        (row.person.name, row.kind, row.document and row.document.title, row.what)
        for row in Reading.objects.select_related("person", "document").order_by("pk")
    ]


# --- adding ----------------------------------------------------------------------------------------------


def test_a_document_is_added_with_its_file_and_stands_on_the_projects_page(
    client, place, project, strategist
):
    response = add(
        client,
        project,
        title="Beslut om bidrag",
        dated_on="2026-09-14",
        dnr="KS 2026/0163",
        retention="until",
        kept_until="2036-12-31",
        file=sent("Beslut.PDF"),
    )
    assert response.url == f"/projekt/{project.pk}/#documents"
    added = Document.objects.select_related("file").get()
    assert (added.kind, added.title, added.dnr, added.dated_on) == (
        "decision",
        "Beslut om bidrag",
        "KS 2026/0163",
        date(2026, 9, 14),
    )
    assert (added.retention, added.kept_until, added.is_secret, added.added_by) == (
        "until",
        date(2036, 12, 31),
        False,
        strategist.person,
    )
    assert (added.file.name, added.file.size, added.file.content_type) == (
        "Beslut.pdf",
        len(pdf()),
        "application/pdf",
    )
    assert path_of(added.file.sha256).read_bytes() == pdf()
    assert ProjectDocument.objects.get().project == project
    page = client.get(response.url).content.decode()
    assert f'href="/dokument/{added.pk}/"' in page and "KS 2026/0163" in page


def test_a_document_without_a_title_is_called_as_its_file(client, project, strategist):
    add(client, project, file=sent("../../Beslut_om bidrag.pdf"))
    add(client, project, file=sent("19811218-9876.pdf", pdf(b"/A 1")))
    assert list(Document.objects.order_by("pk").values_list("title", "file__name")) == [
        ("Beslut om bidrag", "Beslut_om bidrag.pdf"),
        (str(Document(kind="decision").get_kind_display()), "19811218-9876.pdf"),
    ]


def test_a_name_that_does_not_agree_with_the_contents_is_mended_and_told(client, project, strategist):
    response = add(client, project, file=sent("x.pdf.exe"))
    assert StoredFile.objects.get().name == "x.pdf"
    said = [str(one) for one in client.get(response.url).context["messages"]]
    assert any("x.pdf" in one and "exe" not in one for one in said)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("tom.pdf", b"", "empty"),
        ("faktura.pdf", EXE, "program"),
        ("kalkyl.xlsx", with_part("xl/worksheets/sheet1.xml", b" " * 64 * 1024 * 1024), "bomb"),
    ],
)
def test_what_is_not_taken_is_said_at_the_file_and_nothing_is_kept(
    client, project, strategist, settings, name, data, code
):
    response = add(client, project, title="Beslut", file=sent(name, data))
    with pytest.raises(DocumentRefused) as refused:
        add_to_project(strategist, project, sent(name, data), kind="decision")
    assert (refused.value.code, errors(response)) == (code, {"file": [str(refused.value)]})
    assert 'value="Beslut"' in response.content.decode()
    assert not Document.objects.exists() and not StoredFile.objects.exists()
    assert not list(settings.FILES_DIR.glob("??/??/*"))


def test_a_file_over_the_limit_is_not_read_to_its_end_and_what_was_typed_is_kept(
    client, project, strategist, settings, monkeypatch
):
    settings.DOCUMENT_LIMIT = 1024 * 1024
    # The browser's file never comes so far.
    monkeypatch.setattr("projects.views.documents.add_to_project", None)
    for size in (1024 * 1024 + 1, 4 * 1024 * 1024):
        response = add(client, project, title="Avtalet", file=sent("a.pdf", b"%PDF-" + b"x" * size))
        assert list(errors(response)) == ["file"] and "1 MB" in errors(response)["file"][0]
        assert 'value="Avtalet"' in response.content.decode()
    assert not StoredFile.objects.exists()


def test_a_page_that_takes_documents_takes_more_than_a_page_of_register_files(
    client, project, strategist, settings
):
    settings.REGISTER_FILE_LIMIT = 100
    assert add(client, project).status_code == 302


def test_the_same_contents_are_added_twice_only_when_it_is_meant(client, place, project, strategist):
    add(client, project, title="Beslut om bidrag")
    again = add(client, project, title="Beslutet", file=sent("annat namn.pdf"))
    assert list(errors(again)) == ["again"] and "Beslut om bidrag" in errors(again)["again"][0]
    assert Document.objects.count() == StoredFile.objects.count() == 1
    assert add(client, project, title="Beslutet", again="on").status_code == 302
    # In another project the same agreement may well stand.
    assert add(client, factories.project(place, "En annan")).status_code == 302
    assert Document.objects.count() == 3


def test_the_strategist_who_changes_or_withdraws_a_document_of_a_vacant_unit_is_marked_so(
    place, unit, project, strategist
):
    one = document(strategist, project)
    one.dnr = "2026-7"
    with history.context(person=strategist.person.pk, municipality=place.pk):
        change_document(strategist, one, reason="Fel nummer")
    with history.context(person=strategist.person.pk, municipality=place.pk):
        withdraw_document(strategist, one, reason="Fel fil", at=timezone.now())
    said = [act.reason for act in history.acts(one) if act.reason]
    assert [reason.split(" (")[0] for reason in said] == ["Fel fil", "Fel nummer"]
    assert all(unit.name in reason for reason in said)


def test_a_document_added_twice_that_one_may_not_read_is_not_named(client, place, unit, project):
    strategist = factories.reader(place, Role.STRATEGIST)
    document(strategist, project, "Hotbild", b"/X 1", **SECRET)
    logged_in(client, place, Role.ECONOMIST, unit)
    (said,) = errors(add(client, project, file=sent("a.pdf", pdf(b"/X 1"))))["again"]
    assert "Hotbild" not in said


def test_wrong_answers_are_told_each_at_its_field(client, project, strategist):
    response = add(
        client,
        project,
        kind="",
        title="Om 811218-9876",
        dated_on="2026-09",
        is_secret="on",
        retention="until",
        file="",
    )
    assert set(errors(response)) == {"kind", "title", "dated_on", "legal_ground", "kept_until", "file"}
    response = add(client, project, legal_ground="OSL 26:1", retention="preserved", kept_until="2030-01-01")
    assert set(errors(response)) == {"legal_ground", "kept_until", "file"}
    response = add(client, project, dated_on="2026-09-01", retention="until", kept_until="2026-08-31")
    assert set(errors(response)) == {"kept_until", "file"}
    assert not Document.objects.exists()


def test_a_withdrawn_project_takes_no_document_and_its_documents_are_still_read(
    client, place, project, strategist
):
    kept = document(strategist, project)
    Project.objects.filter(pk=project.pk).update(withdrawn_at=timezone.now(), withdrawn_reason="Dubbelt")
    assert add(client, project).status_code == 403
    assert client.get(f"/dokument/{kept.pk}/andra/").status_code == 403
    assert client.post(f"/dokument/{kept.pk}/makulera/", {"reason": "x"}).status_code == 403
    assert client.get(f"/dokument/{kept.pk}/").status_code == 200
    assert "dokument/nytt" not in client.get(f"/projekt/{project.pk}/").content.decode()


# --- who may ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("whose_project", ["own unit", "another unit", "run by oneself", "no unit"])
def test_the_list_and_the_single_document_agree_for_every_role(place, unit, project, role, whose_project):
    strategist = factories.reader(place, Role.STRATEGIST)
    other = factories.unit(place, "Tekniska kontoret")
    who = factories.person(place)
    at = other if role in {Role.CONTACT_PERSON, Role.HEAD, Role.ECONOMIST} else None
    factories.assignment(who, role, place, at)
    reader = resolve_reader(who, place, factories.TODAY, (place,))
    Project.objects.filter(pk=project.pk).update(
        owner_unit={"own unit": other, "no unit": None}.get(whose_project, unit),
        project_manager=who if whose_project == "run by oneself" else None,
    )
    project.refresh_from_db()
    both = [document(strategist, project, "Öppet"), document(strategist, project, "Hemligt", **SECRET)]
    belonging = whose(both)
    one_by_one = {one for one in both if may(reader, "document.read", one, belonging[one.pk])}
    assert set(visible_documents(reader)) == one_by_one
    assert {one.is_secret for one in one_by_one} <= {
        False,
        bool(reader.can("document.read", project) and reader.can("document.read_secret", project)),
    }


def test_who_may_not_read_documents_sees_only_how_many_there_are(client, place, project):
    strategist = factories.reader(place, Role.STRATEGIST)
    kept = document(strategist, project, "Avtal med finansiären")
    logged_in(client, place, Role.EMPLOYEE)
    page = client.get(f"/projekt/{project.pk}/").content.decode()
    assert "Avtal med" not in page and f"/dokument/{kept.pk}" not in page and "dokument/nytt" not in page
    assert 'id="documents"' in page
    for address in ("", "om/", "andra/", "makulera/"):
        assert client.get(f"/dokument/{kept.pk}/{address}").status_code == 403
    assert client.post(f"/dokument/{kept.pk}/").status_code == 403
    assert client.get("/dokument/").status_code == 403
    assert readings() == []


def test_who_may_not_read_what_is_secret_sees_the_rest(client, place, unit, project):
    strategist = factories.reader(place, Role.STRATEGIST)
    secret = document(strategist, project, "Hotbild", **SECRET)
    document(strategist, project, "Budget", kind="budget")
    logged_in(client, place, Role.ECONOMIST, unit)
    for page in (client.get(f"/projekt/{project.pk}/"), client.get("/dokument/")):
        assert "Budget" in page.content.decode() and "Hotbild" not in page.content.decode()
    assert client.get(f"/dokument/{secret.pk}/").status_code == 403
    assert client.post(f"/dokument/{secret.pk}/").status_code == 403


def test_another_municipalitys_document_is_not_there_and_a_shared_projects_stays_with_its_owner(
    client, place, project
):
    mine = document(factories.reader(place, Role.STRATEGIST), project)
    other = factories.municipality("Grannkommun")
    ProjectShare.objects.create(owner_municipality=place, municipality=other, project=project)
    with scope(other.pk):
        logged_in(client, other, Role.STRATEGIST)
        for address in ("", "om/", "andra/", "makulera/"):
            assert client.get(f"/dokument/{mine.pk}/{address}").status_code == 404
        assert client.post(f"/dokument/{mine.pk}/").status_code == 404
        assert titles(client.get("/dokument/")) == []
        page = client.get(f"/projekt/{project.pk}/")
        assert page.status_code == 200 and 'id="documents"' not in page.content.decode()
        assert client.get(f"/projekt/{project.pk}/dokument/nytt/").status_code == 404


# --- handing out -----------------------------------------------------------------------------------------


def test_a_document_is_handed_out_as_an_attachment_and_logged(client, place, project, strategist):
    kept = document(strategist, project, "Beslut", dnr="KS 2026/1")
    response = client.get(f"/dokument/{kept.pk}/")
    assert b"".join(response.streaming_content) == pdf(b"Beslut")
    assert {
        name: response[name]
        for name in (
            "Content-Type",
            "Content-Disposition",
            "Content-Security-Policy",
            "X-Content-Type-Options",
            "Cache-Control",
            "Content-Length",
        )
    } == {
        "Content-Type": "application/pdf",
        "Content-Disposition": 'attachment; filename="fil.pdf"',
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Content-Length": str(len(pdf(b"Beslut"))),
    }
    (who, kind, title, what) = readings()[0]
    assert (who, kind, title) == (strategist.person.name, "document", "Beslut")
    assert what.endswith("KS 2026/1") and what != "Beslut"


def test_a_name_with_letters_of_ours_is_written_as_the_standard_says(client, project, strategist):
    add(client, project, file=sent('Åtgärd "å" – slut.pdf'))
    response = client.get(f"/dokument/{Document.objects.get().pk}/")
    name = "attachment; filename*=utf-8''%C3%85tg%C3%A4rd%20_%C3%A5_%20%E2%80%93%20slut.pdf"
    assert response["Content-Disposition"] == name


@pytest.mark.parametrize("method", ["head", "put", "delete", "patch", "options"])
def test_other_verbs_are_refused_and_nothing_is_logged(client, project, strategist, method):
    kept = document(strategist, project)
    assert getattr(client, method)(f"/dokument/{kept.pk}/").status_code == 405
    assert readings() == []


def test_a_secret_document_comes_at_the_press_of_a_button_that_says_that_it_is_logged(client, place, project):
    kept = document(factories.reader(place, Role.STRATEGIST), project, "Hotbild", **SECRET)
    logged_in(client, place, Role.AUDITOR)
    page = client.get(f"/dokument/{kept.pk}/")
    assert page["Content-Type"].startswith("text/html") and readings() == []
    assert f'action="/dokument/{kept.pk}/"' in page.content.decode()
    handed = client.post(f"/dokument/{kept.pk}/")
    assert b"".join(handed.streaming_content) == pdf(b"Hotbild")
    assert [(kind, title) for _who, kind, title, _what in readings()] == [("secret_document", "Hotbild")]
    # The log is read by those who may not read the document: it says what it was, not what it is called.
    assert "Hotbild" not in readings()[0][3]


def test_a_file_that_is_no_longer_what_was_stored_is_said_plainly_and_not_handed_out(
    client, project, strategist
):
    kept = document(strategist, project)
    path = path_of(kept.file.sha256)
    path.chmod(0o600)
    path.write_bytes(b"%PDF-bytt")
    response = client.get(f"/dokument/{kept.pk}/", follow=True)
    assert response.redirect_chain == [(f"/dokument/{kept.pk}/om/", 302)]
    assert [message.level_tag for message in response.context["messages"]] == ["error"]
    path.unlink()
    assert client.get(f"/dokument/{kept.pk}/").status_code == 302
    assert readings() == []


def test_what_cannot_be_logged_is_not_handed_out(client, project, strategist, monkeypatch):
    kept = document(strategist, project)

    def broken(*args, **kwargs):
        raise RuntimeError("the log is away")

    monkeypatch.setattr("strategy.documents.log_reading", broken)
    client.raise_request_exception = False
    assert client.get(f"/dokument/{kept.pk}/").status_code == 500


# --- changing and withdrawing ----------------------------------------------------------------------------


def facts_of(kept, **changed):
    page = {
        "kind": kept.kind,
        "title": kept.title,
        "dnr": kept.dnr,
        "dated_on": kept.dated_on or "",
        "legal_ground": kept.legal_ground,
        "retention": kept.retention,
        "kept_until": kept.kept_until or "",
        "version": kept.version,
        "reason": "Rättat efter diariet",
    }
    return page | changed


def test_what_is_said_of_a_document_is_changed_for_a_reason_and_its_file_stays(
    client, place, project, strategist
):
    kept = document(strategist, project, "Beslut")
    response = client.post(
        f"/dokument/{kept.pk}/andra/", facts_of(kept, title="Avtalet", dnr="KS 2026/7", file=sent("ny.pdf"))
    )
    assert response.url == f"/dokument/{kept.pk}/om/"
    changed = Document.objects.get()
    assert (changed.title, changed.dnr, changed.file_id, changed.version) == (
        "Avtalet",
        "KS 2026/7",
        kept.file_id,
        2,
    )
    act = history.acts(changed)[0]
    assert act.reason.startswith("Rättat efter diariet") and len(act.differences) == 2


def test_two_people_who_change_the_same_document_overwrite_nothing(client, place, project, strategist):
    kept = document(strategist, project, "Beslut")
    opened = client.get(f"/dokument/{kept.pk}/andra/").context["form"]
    as_opened = {"opened": opened["opened"].value(), "version": opened["version"].value()}
    client.post(f"/dokument/{kept.pk}/andra/", facts_of(kept, dnr="KS 2026/7"))
    response = client.post(f"/dokument/{kept.pk}/andra/", facts_of(kept, title="Avtal", **as_opened))
    assert response.status_code == 422 and response.context["form"].collision.changes
    assert 'value="KS 2026/7"' in response.content.decode() and 'value="Avtal"' in response.content.decode()
    assert Document.objects.get().title == "Beslut"


def test_who_marks_a_document_secret_without_reading_such_is_led_to_the_project(client, place, unit, project):
    kept = document(factories.reader(place, Role.STRATEGIST), project)
    logged_in(client, place, Role.ECONOMIST, unit)
    response = client.post(
        f"/dokument/{kept.pk}/andra/", facts_of(kept, is_secret="on", legal_ground="OSL 26:1")
    )
    assert response.url == f"/projekt/{project.pk}/"
    assert client.post(f"/dokument/{kept.pk}/andra/", facts_of(kept)).status_code == 403


def test_a_withdrawn_document_is_read_marked_and_changed_no_more(client, place, project, strategist):
    kept = document(strategist, project, "Fel avtal")
    assert errors(client.post(f"/dokument/{kept.pk}/makulera/", {"reason": " "})).keys() == {"reason"}
    response = client.post(f"/dokument/{kept.pk}/makulera/", {"reason": "Hör till ett annat projekt"})
    assert response.url == f"/projekt/{project.pk}/"
    assert "Hör till ett annat projekt" in client.get(response.url).content.decode()
    assert client.get(f"/dokument/{kept.pk}/").status_code == 200
    assert "Hör till ett annat projekt" in client.get(f"/dokument/{kept.pk}/om/").content.decode()
    assert client.post(f"/dokument/{kept.pk}/makulera/", {"reason": "igen"}).status_code == 403
    assert client.post(f"/dokument/{kept.pk}/andra/", facts_of(kept, version=2)).status_code == 403
    # What is withdrawn is not evidence, and the same contents may be added again.
    assert not choosable(strategist, project).exists()
    assert add(client, project, file=sent("a.pdf", pdf(b"Fel avtal"))).status_code == 302


@pytest.mark.parametrize(
    ("role", "adds", "withdraws"),
    [
        (Role.STRATEGIST, True, True),
        (Role.CONTACT_PERSON, True, True),
        (Role.ECONOMIST, True, False),
        (Role.AUDITOR, False, False),
        (Role.READER, False, False),
        (Role.ADMINISTRATOR, False, False),
    ],
)
def test_who_adds_and_who_withdraws(client, place, unit, project, role, adds, withdraws):
    kept = document(factories.reader(place, Role.STRATEGIST), project)
    at = unit if role in {Role.CONTACT_PERSON, Role.ECONOMIST} else None
    logged_in(client, place, role, at)
    expected = {True: 302, False: 403}
    assert add(client, project, file=sent("b.pdf", pdf(b"/B 2"))).status_code == expected[adds]
    assert client.get(f"/dokument/{kept.pk}/andra/").status_code == {True: 200, False: 403}[adds]
    answer = client.post(f"/dokument/{kept.pk}/makulera/", {"reason": "prov"})
    assert answer.status_code == expected[withdraws]


def test_permission_is_asked_by_the_deeds_too(place, unit, project):
    employee = factories.reader(place, Role.EMPLOYEE)
    kept = document(factories.reader(place, Role.STRATEGIST), project)
    for deed in (
        lambda: document(employee, project),
        lambda: hand_out(employee, kept, whose([kept])[kept.pk]),
        lambda: change_document(employee, kept, reason="prov"),
        lambda: withdraw_document(employee, kept, reason="prov", at=timezone.now()),
    ):
        with pytest.raises(PermissionDenied):
            deed()
    assert readings() == [] and Document.objects.count() == 1


def test_a_document_that_belongs_to_nothing_is_only_for_who_reads_them_all(place, unit, project):
    strategist = factories.reader(place, Role.STRATEGIST)
    kept = document(strategist, project)
    ProjectDocument.objects.all().delete()
    contact = factories.reader(place, Role.CONTACT_PERSON, unit)
    assert list(visible_documents(strategist)) == [kept] and not visible_documents(contact).exists()
    belonging = whose([kept])[kept.pk]
    assert may(strategist, "document.read", kept, belonging)
    assert not may(contact, "document.read", kept, belonging)


# --- the list --------------------------------------------------------------------------------------------


def titles(response):
    assert response.status_code == 200
    return [cells[0].text for cells in response.context["listing"].rows]


def test_the_list_is_found_by_kind_project_secrecy_retention_and_text(client, place, project, strategist):
    other = factories.project(place, "Bredband")
    document(strategist, project, "Beslut om bidrag", dated_on=date(2026, 3, 1), dnr="KS 2026/1")
    document(strategist, project, "Hotbild", kind="letter", dated_on=date(2026, 2, 1), **SECRET)
    document(strategist, other, "Avtal", kind="agreement", dated_on=date(2026, 1, 1), retention="preserved")
    gone = document(strategist, other, "Fel", kind="agreement")
    Document.objects.filter(pk=gone.pk).update(withdrawn_at=timezone.now(), withdrawn_reason="Fel")

    def found(query):
        return titles(client.get(f"/dokument/?{query}"))

    assert found("") == ["Beslut om bidrag", "Hotbild", "Avtal"]
    assert found("q=bidrag") == found("q=2026/1") == ["Beslut om bidrag"]
    assert found("slag=letter") == found("sekretess=ja") == ["Hotbild"]
    assert found("sekretess=nej") == ["Beslut om bidrag", "Avtal"]
    assert found("bevarande=saknas") == ["Beslut om bidrag", "Hotbild"]
    assert found("bevarande=preserved") == found("projekt=bredband") == ["Avtal"]
    assert found(f"projekt={project.register_id}") == ["Beslut om bidrag", "Hotbild"]
    assert found("makulerade=enbart") == ["Fel"]
    assert found("makulerade=aven") == ["Beslut om bidrag", "Hotbild", "Avtal", "Fel"]
    assert found("q=finns+inte") == []
    assert client.get("/dokument/?slag=hittepå").context["errors"]


def test_a_file_of_the_list_holds_its_rows_and_is_logged(client, place, project, strategist):
    document(strategist, project, "Hotbild", **SECRET)
    text = client.get("/dokument/?format=csv").content.decode("utf-8-sig")
    assert "Hotbild" in text and "OSL 26 kap. 1 §" in text and "Trygg hemma" in text
    assert [(kind, what.split(", ")[1]) for _who, kind, _title, what in readings()] == [("export", "CSV")]


def test_the_queries_do_not_grow_with_the_documents(client, place, unit, project):
    strategist = factories.reader(place, Role.STRATEGIST)
    logged_in(client, place, Role.CONTACT_PERSON, unit)

    def queries(address):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    addresses = ("/dokument/", f"/projekt/{project.pk}/")
    document(strategist, project, "Ett")
    few = [queries(address) for address in addresses]
    for number in range(5):
        another = factories.project(place, f"Projekt {number}", owner_unit=unit)
        document(strategist, project, f"Mer {number}")
        document(strategist, another, f"Annat {number}")
    assert [queries(address) for address in addresses] == few


def test_the_page_of_a_document_tells_who_was_handed_it(client, place, project, strategist):
    kept = document(strategist, project)
    client.get(f"/dokument/{kept.pk}/")
    page = client.get(f"/dokument/{kept.pk}/om/")
    assert [who for _when, who, _what in page.context["readings"]] == [strategist.person.name]
    assert kept.file.sha256 in page.content.decode()
    logged_in(client, place, Role.REGISTRAR)
    assert not client.get(f"/dokument/{kept.pk}/om/").context["readings"]


def test_the_addresses_are_known_by_name():
    assert (reverse("documents"), reverse("document", args=[7])) == ("/dokument/", "/dokument/7/")
