"""How documents are shown in lists, on every floor: their columns, their marks and the words for their archive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import Column, Mark, Text
from strategy.documents import Belonging
from strategy.models import Document, Retention


def secrecy_mark(document: Document) -> Mark:
    if document.is_secret:
        return Mark(_("Secret"), "square", "stop")
    return Mark(_("Not marked secret"))


def retention_label(document: Document) -> Text | None:
    """ "Preserved for good", "Kept until 2036-12-31", or nothing where it is not stated."""
    if document.retention == Retention.UNTIL and document.kept_until is not None:
        return _("Kept until %(day)s") % {"day": document.kept_until.isoformat()}
    return document.get_retention_display() or None


def _standing_mark(document: Document) -> Text:
    return _("Withdrawn: %(reason)s") % {"reason": document.withdrawn_reason} if document.is_withdrawn else ""


def size_label(document: Document) -> str:
    return filesizeformat(document.file.size)


_TITLE = Column(
    "title",
    gettext_lazy("Document"),
    "title",
    row_header=True,
    href=lambda document: reverse("document", args=[document.pk]),
    small=_standing_mark,
)
_DATE = Column("dated_on", gettext_lazy("Date"), "dated_on", kind="date")
_SECRECY = Column("secrecy", gettext_lazy("Secrecy"), secrecy_mark, kind="mark", small="legal_ground")
_RETENTION = Column("retention", gettext_lazy("Retention"), retention_label)
_ABOUT = Column(
    "about",
    gettext_lazy("More"),
    lambda document: _("About the document"),
    href=lambda document: reverse("document_about", args=[document.pk]),
)


def _added_on(document: Document) -> date:
    return timezone.localtime(document.added_at).date()


def part_columns() -> Sequence[Column]:
    """The columns beside other things on the page of what the documents belong to: several facts to a column."""

    def under_the_title(document: Document) -> str:
        day = document.dated_on.isoformat() if document.dated_on else ""
        facts = (document.get_kind_display(), day, document.dnr, str(_standing_mark(document)))
        return " · ".join(fact for fact in facts if fact)

    return (
        replace(_TITLE, small=under_the_title),
        _SECRECY,
        _RETENTION,
        Column(
            "added_by",
            gettext_lazy("Added by"),
            "added_by.name",
            small=lambda document: f"{_added_on(document)} · {size_label(document)}",
        ),
        _ABOUT,
    )


def document_columns(belonging: Callable[[Document], Belonging], *, file: bool = False) -> Sequence[Column]:
    """The columns of the list of all documents; `belonging` tells what each belongs to."""
    of_a_file = (
        Column("ground", gettext_lazy("Legal ground"), "legal_ground"),
        Column("bytes", gettext_lazy("Size in bytes"), "file.size", numeric=True),
        Column("file", gettext_lazy("File"), "file.name"),
        Column("withdrawn", gettext_lazy("Withdrawn"), "withdrawn_reason"),
        Column("added_at", gettext_lazy("Added"), _added_on, kind="date"),
    )
    return (
        replace(_TITLE, href=None, small=None) if file else _TITLE,
        Column("kind", gettext_lazy("Kind"), "get_kind_display"),
        Column(
            "belongs_to",
            gettext_lazy("Belongs to"),
            lambda document: belonging(document).thing,
            href=None if file else lambda document: belonging(document).url or None,
        ),
        _DATE,
        Column("dnr", gettext_lazy("Registry number"), "dnr"),
        replace(_SECRECY, small=None) if file else _SECRECY,
        _RETENTION,
        *(of_a_file if file else (Column("size", gettext_lazy("Size"), size_label, numeric=True),)),
        Column("added_by", gettext_lazy("Added by"), "added_by.name", small=None if file else _added_on),
        *(() if file else (_ABOUT,)),
    )
