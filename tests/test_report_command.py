"""manage.py report: the same report into a file, with somebody's rights or as the system reads."""

import errno
import json
from io import BytesIO, StringIO

import pypdf
import pytest
from django.core.management import CommandError, call_command

from reporting.management.commands.report import write
from strategy.management.files import unwritable
from strategy.models import Role
from strategy.walls import scope
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place():
    place = factories.municipality("Jönköpings kommun", code="0680")
    with scope(place.pk):
        factories.project(place, "CHANGE", recorded_for_year=2017)
    return place


def report(*arguments, municipality="0680", year="2017", form="csv"):
    out = StringIO()
    call_command(
        "report",
        "project-list",
        "--municipality",
        municipality,
        "--year",
        year,
        "--format",
        form,
        *map(str, arguments),
        stdout=out,
    )
    return out.getvalue()


@pytest.mark.parametrize("municipality", ["0680", "Jönköpings kommun"])
def test_the_municipality_is_given_by_code_or_name(place, tmp_path, municipality):
    file = tmp_path / "lista.csv"
    report("-o", file, municipality=municipality)
    assert "CHANGE" in file.read_text("utf-8-sig")


@pytest.mark.parametrize(
    ("form", "beginning"),
    [
        ("html", b"<!doctype html>"),
        ("pdf", b"%PDF-"),
        ("xlsx", b"PK"),
        ("csv", b"\xef\xbb\xbf"),
        ("json", b"{"),
    ],
)
def test_each_form_is_written(place, tmp_path, form, beginning):
    file = tmp_path / f"lista.{form}"
    report("-o", file, form=form)
    assert file.read_bytes().lstrip().startswith(beginning)


def test_the_html_file_needs_nothing_beside_it(place, tmp_path):
    file = tmp_path / "lista.html"
    report("-o", file, form="html")
    text = file.read_text()
    assert "CHANGE" in text
    assert "<link" not in text
    assert "@import" not in text
    assert 'href="/' not in text
    assert ".project-list" in text


def test_what_was_written_is_told_as_json(place, tmp_path):
    file = tmp_path / "lista.csv"
    told = json.loads(report("-o", file, "--json"))
    assert (told["file"], told["rows"], told["bytes"]) == (str(file), 1, file.stat().st_size)


def test_with_a_persons_address_the_report_is_made_with_that_persons_rights(place, tmp_path):
    with scope(place.pk):
        auditor, employee = factories.person(place), factories.person(place)
        factories.assignment(auditor, Role.AUDITOR, place)
        factories.assignment(employee, Role.EMPLOYEE, place)
    report("-o", tmp_path / "a.csv", "--as", auditor.email)
    assert (tmp_path / "a.csv").exists()
    with pytest.raises(CommandError):
        report("-o", tmp_path / "b.csv", "--as", employee.email)
    with pytest.raises(CommandError):
        report("-o", tmp_path / "c.csv", "--as", "ingen@example.org")
    assert not (tmp_path / "b.csv").exists()
    assert not (tmp_path / "c.csv").exists()


@pytest.mark.parametrize("year", ["17", "1970", "2200"])
def test_a_year_that_is_none_is_refused(place, tmp_path, year):
    with pytest.raises(CommandError):
        report("-o", tmp_path / "lista.csv", year=year)


def test_an_unknown_municipality_report_or_form_is_refused(place, tmp_path):
    with pytest.raises(CommandError, match="Jönköpings kommun"):
        report("-o", tmp_path / "lista.csv", municipality="Atlantis")
    with pytest.raises(CommandError):
        report("-o", tmp_path / "lista.csv", form="docx")
    with pytest.raises(CommandError):
        call_command("report", "annual", municipality="0680", year=2017, format="csv", output="x")


@pytest.mark.parametrize("place_of_file", ["saknas/lista.csv", "."])
def test_a_file_that_cannot_be_written_is_one_sentence(place, tmp_path, place_of_file):
    with pytest.raises(CommandError) as refused:
        report("-o", tmp_path / place_of_file)
    code = errno.EISDIR if place_of_file == "." else errno.ENOENT
    assert str(refused.value) == unwritable(tmp_path / place_of_file, OSError(code, ""))


def test_a_file_that_stood_there_stays_whole_until_the_new_one_is(tmp_path, monkeypatch):
    file = tmp_path / "lista.csv"
    file.write_bytes(b"gammal")
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("os.fdopen", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(CommandError) as refused:
        write(file, b"ny")
    assert str(refused.value) == unwritable(file, full)
    assert file.read_bytes() == b"gammal"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_paper_is_made_from_collected_files_too_as_in_production(place, tmp_path, settings, form):
    settings.STATIC_ROOT = str(tmp_path / "static")
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.STATICFILES_DIRS = []  # found only where they were collected
    file = tmp_path / f"lista.{form}"
    report("-o", file, form=form)
    made = file.read_bytes()
    if form == "html":
        assert b"--rule-strong" in made  # tokens.css, which print.css imports
        assert b"<link" not in made
    else:
        assert "CHANGE" in "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(made)).pages)
