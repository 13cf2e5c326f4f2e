"""The log of what was handed out to whom: documents, taken-in files, lists and reports."""

from __future__ import annotations

from strategy.models import Document, Reading, ReadingKind
from strategy.permissions import Reader


def log_reading(
    reader: Reader, kind: ReadingKind, *, document: Document | None = None, what: str = ""
) -> None:
    """Adds a row in the request's own transaction: what cannot be logged is not handed out.

    `what` is the name as it was then, in words and without persons' names.
    """
    Reading.objects.create(
        municipality=reader.municipality, person=reader.person, kind=kind, document=document, what=what[:300]
    )
