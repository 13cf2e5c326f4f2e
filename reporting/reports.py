"""The reports there are, and the forms in which each is given out.

A report is built once into a frozen object; screen, paper and files all take that object, so they cannot
differ. A new report is one module with `build` and one entry in the registry.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Protocol

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from pages.columns import Column
from pages.files import write_csv, write_json, write_xlsx
from pages.lists import FORMATS as TABLE_FORMATS
from pages.pdf import render_pdf, static_file
from pages.registries import Registry
from reporting import project_list
from strategy.attachments import FileDamaged, contents
from strategy.models import Municipality, StoredFile
from strategy.permissions import Reader

log = logging.getLogger("medel.reports")

# Name -> (label, content type). HTML is the page itself.
FORMATS: Mapping[str, tuple[str, str]] = {"pdf": ("PDF", "application/pdf"), **TABLE_FORMATS}

FIRST_YEAR, LAST_YEAR = 1971, 2199
# A page asks for no longer PDF: a thousand rows take a quarter of a minute, in which others wait.
# `manage.py report` makes one however long it is.
PAPER_ROWS = 1000


class Built(Protocol):
    """What a built report knows, whichever report it is."""

    @property
    def template(self) -> str: ...
    @property
    def columns(self) -> Sequence[Column]: ...
    @property
    def municipality(self) -> Municipality: ...
    @property
    def made_on(self) -> date: ...
    @property
    def title(self) -> str: ...
    @property
    def lead(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def rows(self) -> Sequence[Any]: ...
    @property
    def totals(self) -> Mapping[str, Any]: ...
    @property
    def total_label(self) -> str: ...
    @property
    def head(self) -> Mapping[str, Any]: ...
    @property
    def content_hash(self) -> str: ...


class Build(Protocol):
    def __call__(self, reader: Reader, year: int, *, joint: Sequence[Municipality] = ()) -> Built: ...


@dataclass(frozen=True)
class Report:
    """One kind of report: `name` in commands and files, `slug` in addresses, `about` what it answers."""

    name: str
    slug: str
    label: str | Promise
    about: str | Promise
    build: Build


reports: Registry[Report] = Registry("report")
reports.register(
    Report(
        name="project-list",
        slug="projektlista",
        label=_("Externally funded projects of a year"),
        about=_(
            "Every project that the municipality owns, is partner in, co-finances or takes part in, "
            "by board, with role, period, funder, total budget and own share: the annex of the annual report."
        ),
        build=project_list.build,
    )
)


def by_slug(slug: str) -> Report | None:
    return next((report for report in reports if report.slug == slug), None)


def file_name(built: Built, form: str) -> str:
    """`externfinansierade-projekt-under-2017-sjöstads-kommun.pdf`: says what and whose it is."""
    return f"{slugify(f'{built.title} {built.sender}'[:120], allow_unicode=True)}.{form}"


def as_file(built: Built, form: str) -> bytes:
    """The report as pdf, html, xlsx, csv or json. KeyError for any other."""
    return _WRITERS[form](built)


def _csv(built: Built) -> bytes:
    return write_csv(built.columns, built.rows)


def _xlsx(built: Built) -> bytes:
    return write_xlsx(
        built.columns,
        built.rows,
        sheet=built.title,
        title=built.title,
        creator=built.sender,
        # The day alone, so that the same list made twice on it is the same file.
        created=datetime.combine(built.made_on, time.min, UTC),
        totals=built.totals,
        total_label=built.total_label,
    )


def _json(built: Built) -> bytes:
    return write_json(built.columns, built.rows, totals=built.totals, **built.head)


def _paper(built: Built) -> str:
    return render_to_string(
        built.template,
        {"layout": "layouts/print.html", "paper": True, "report": built, "arms": arms(built.municipality)},
    )


def _pdf(built: Built) -> bytes:
    return render_pdf(_paper(built))


def _html(built: Built) -> bytes:
    """The paper as one file that needs nothing beside it: stylesheets within, the reader's own fonts."""
    page = _ANCHOR.sub(r"\1", _paper(built))
    return _LINK.sub(lambda link: f"<style>{_stylesheet(link[1])}</style>", page).encode()


_ANCHOR = re.compile(r'<a href="/[^"]*">(.*?)</a>')
_LINK = re.compile(r'<link rel="stylesheet" href="[^"]*?(css/[^"]+?\.css)">')
_IMPORT = re.compile(r'@import url\("([^"]+)"\);')
_FONT = re.compile(r"@font-face \{[^}]*\}")


def _stylesheet(name: str) -> str:
    """With what it imports in its place, and without fonts, which are files of their own."""
    text = static_file(name).decode()
    text = _IMPORT.sub(lambda found: _stylesheet(f"css/{found[1]}"), text)
    return _FONT.sub("", text)


_WRITERS: Mapping[str, Callable[[Built], bytes]] = {
    "pdf": _pdf,
    "html": _html,
    "xlsx": _xlsx,
    "csv": _csv,
    "json": _json,
}


def arms(municipality: Municipality) -> str:
    """The municipality's picture as a data: address, "" where it has none: then its name stands instead."""
    if not municipality.arms:
        return ""
    file = (
        StoredFile.objects.filter(municipality=municipality, sha256=municipality.arms).order_by("id").first()
    )
    try:
        if file is None:
            raise FileDamaged(municipality.arms)
        data = base64.b64encode(contents(file)).decode()
    except FileDamaged:
        log.error("The arms of %s are not among the stored files.", municipality)
        return ""
    return f"data:{file.content_type};base64,{data}"
