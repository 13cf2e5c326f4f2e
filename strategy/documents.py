"""Documents: taken in once their contents are judged, handed out through permission alone, each handing out logged.

What a document belongs to is known to the floors above: they register in `owners` how it is found and who may do
what with it. The actions (`document.read`, `document.read_secret`, `document.add`, `document.withdraw`) are asked
about the thing that the document belongs to. A document that belongs to nothing is only for who reads them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import register_messages
from pages.registries import Registry
from strategy import history
from strategy.attachments import opened, store
from strategy.document_contents import (
    ACCEPTED,
    TAKEN,
    DocumentRefused,
    Recognised,
    recognised,
    stored_name,
    too_large,
)
from strategy.models import Document, DocumentKind, Municipality, ReadingKind, StoredFile
from strategy.permissions import Decision, Reader
from strategy.readings import log_reading
from values.personal_number import holds_personal_number
from values.text import squeeze

__all__ = [
    "ACCEPTED",
    "TAKEN",
    "Belonging",
    "DocumentRefused",
    "Owner",
    "Recognised",
    "TakenIn",
    "add_document",
    "change_document",
    "hand_out",
    "may",
    "owners",
    "recognised",
    "take_in",
    "too_large",
    "visible_documents",
    "whose",
    "withdraw_document",
]

MESSAGES = {
    "document_has_a_title": gettext_lazy("Give the document a title."),
    "document_kind_is_known": gettext_lazy("Choose a kind of document in the list."),
    "secrecy_has_a_legal_ground": gettext_lazy(
        "A document that is marked secret has a legal ground, for example OSL 26 kap. 1 §, and no other has one."
    ),
    "kept_until_a_day_has_its_day": gettext_lazy(
        "Say until which day the document is kept, or choose another answer about how long it is kept."
    ),
    "document_is_withdrawn_with_a_reason": gettext_lazy("Say why the document is withdrawn."),
    "document_file_in_same_municipality": gettext_lazy("Choose a file of your own municipality."),
    "added_by_works_here": gettext_lazy(
        "Who adds a document needs an assignment in the municipality. Ask the administrator for one."
    ),
}
FIELDS = {
    "document_has_a_title": "title",
    "document_kind_is_known": "kind",
    "secrecy_has_a_legal_ground": "legal_ground",
    "kept_until_a_day_has_its_day": "kept_until",
    "document_is_withdrawn_with_a_reason": "reason",
}
register_messages(MESSAGES, fields=FIELDS)


# --- what documents belong to ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Owner:
    """One kind of thing that documents belong to.

    `of` finds what each of the documents (by key) belongs to, with one query; the things answer what
    strategy.permissions asks of an object, `get_absolute_url()` and `str()`. `reached` says, for who has the
    action at all but not everywhere, to which documents it reaches, as a condition over Document; `named` finds
    documents by words about the thing. `stands` tells whether the thing still changes: documents of one that is
    withdrawn are read and nothing else. `reason` gives what stands in the history of an act: the person's own
    reason, with what the owner adds to it.
    """

    name: str
    label: str | Promise
    of: Callable[[Iterable[int]], Mapping[int, Any]]
    reached: Callable[[Reader, str], Q]
    named: Callable[[str], Q]
    stands: Callable[[Any], bool]
    reason: Callable[[Reader, Any, str], str] = lambda reader, thing, reason: reason


owners: Registry[Owner] = Registry("owner of documents")


@dataclass(frozen=True)
class Belonging:
    """What a document belongs to, where it belongs to anything."""

    owner: Owner | None = None
    thing: Any = None

    @property
    def stands(self) -> bool:
        return self.owner is None or self.owner.stands(self.thing)

    def reason(self, reader: Reader, reason: str) -> str:
        return reason if self.owner is None else self.owner.reason(reader, self.thing, reason)

    @property
    def url(self) -> str:
        return str(self.thing.get_absolute_url()) if self.thing is not None else ""


def whose(documents: Iterable[Document]) -> dict[int, Belonging]:
    """What each document belongs to; one query for each kind of owner."""
    keys = [document.pk for document in documents]
    found = {key: Belonging() for key in keys}
    for owner in owners:
        found |= {key: Belonging(owner, thing) for key, thing in owner.of(keys).items()}
    return found


def may(reader: Reader, action: str, document: Document, belonging: Belonging) -> Decision:
    """Whether the action reaches the document; one that is marked secret asks for `document.read_secret` too."""
    asked = [action, *(["document.read_secret"] if document.is_secret else [])]
    for one in asked:
        decision = _may(reader, one, document, belonging)
        if not decision:
            return decision
    return Decision(True)


def _may(reader: Reader, action: str, document: Document, belonging: Belonging) -> Decision:
    if document.municipality_id != reader.municipality.pk:
        return Decision(False, _("This belongs to another municipality."))
    if belonging.thing is not None:
        return reader.can(action, belonging.thing)
    if reader.can(action) and reader.units(action) is None:
        return Decision(True)
    return Decision(False, _("The document belongs to nothing that your role reaches."))


def require(reader: Reader, action: str, document: Document, belonging: Belonging) -> None:
    """Raises PermissionDenied with the reason."""
    if belonging.thing is not None:
        reader.require(action, belonging.thing)
        if document.is_secret:
            reader.require("document.read_secret", belonging.thing)
    if not (decision := may(reader, action, document, belonging)):
        raise PermissionDenied(decision.reason)


def visible_documents(reader: Reader) -> QuerySet[Document]:
    """The documents that the reader may read: the same rows as `may` lets through one by one."""
    here = Document.objects.filter(municipality=reader.municipality)
    secret = Q(is_secret=False) | _reached(reader, "document.read_secret")
    return here.filter(_reached(reader, "document.read"), secret)


def _reached(reader: Reader, action: str) -> Q:
    if not reader.can(action):
        return Q(pk__in=[])
    if reader.units(action) is None:
        return Q(pk__isnull=False)
    reached = Q(pk__in=[])
    for owner in owners:
        reached |= owner.reached(reader, action)
    return reached


def _readable(reader: Reader, keys: Collection[int]) -> Collection[int]:
    return set(visible_documents(reader).filter(pk__in=keys).values_list("pk", flat=True))


# A title may tell what is secret: histories of other things name a document to those who read it.
history.register_readable(Document, _readable)


# --- taking in -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TakenIn:
    """A file that was judged and stored, and what whoever sent it should know about it."""

    file: StoredFile
    notes: tuple[str, ...] = ()


def take_in(municipality: Municipality, upload: UploadedFile[Any]) -> TakenIn:
    """Judges the contents and stores the file under a name that agrees with them. Raises DocumentRefused."""
    if upload.size is not None and upload.size > settings.DOCUMENT_LIMIT:
        raise too_large()
    upload.seek(0)
    data = upload.read()
    found = recognised(upload.name or "", data)
    name = stored_name(upload.name or "", found.extension)
    notes = found.notes
    if name.rpartition(".")[2].lower() != (upload.name or "").rstrip(". ").rpartition(".")[2].lower():
        told = _("The file is kept as “%(name)s”, since that is what it holds.") % {"name": name}
        notes = (told, *notes)
    return TakenIn(store(municipality, name, data, found.content_type), notes)


def title_of(file: StoredFile, kind: str) -> str:
    """A title for who writes none: the file's name without its ending, else the kind."""
    title = squeeze(file.name.rpartition(".")[0].replace("_", " "))[:200]
    return str(DocumentKind(kind).label) if not title or holds_personal_number(title) else title


def add_document(
    reader: Reader,
    file: StoredFile,
    *,
    kind: str,
    title: str = "",
    dnr: str = "",
    dated_on: date | None = None,
    is_secret: bool = False,
    legal_ground: str = "",
    retention: str = "",
    kept_until: date | None = None,
) -> Document:
    """A document of a file from `take_in`. What it belongs to is asked for permission, and joined, by the caller."""
    return Document.objects.create(
        municipality=reader.municipality,
        file=file,
        kind=kind,
        title=squeeze(title) or title_of(file, kind),
        dnr=dnr,
        dated_on=dated_on,
        is_secret=is_secret,
        legal_ground=legal_ground,
        retention=retention,
        kept_until=kept_until,
        added_by=reader.person,
    )


CHANGED = ("kind", "title", "dnr", "dated_on", "is_secret", "legal_ground", "retention", "kept_until")


def change_document(reader: Reader, document: Document, *, reason: str) -> None:
    """Saves what is said about the document, for a reason; never its file."""
    standing = Document.objects.get(pk=document.pk)
    belonging = whose([standing])[standing.pk]
    require(reader, "document.add", standing, belonging)
    require_standing(standing, belonging)
    history.give_reason(belonging.reason(reader, reason))
    document.save(update_fields=CHANGED)


def without_retention(reader: Reader, documents: QuerySet[Document]) -> QuerySet[Document]:
    """Of the documents those that stand, of which nobody has said how long they are kept, and the reader reads."""
    return documents.filter(
        pk__in=visible_documents(reader).values("pk"), retention="", withdrawn_at=None
    ).order_by("pk")


@transaction.atomic
def say_how_long(
    reader: Reader, documents: Iterable[Document], *, retention: str, kept_until: date | None
) -> list[Document]:
    """Says of several documents at once how long they are kept; what somebody has said meanwhile stands.

    Raises PermissionDenied for one that the reader may not change.
    """
    keys = [document.pk for document in documents]
    rows = list(
        Document.objects.filter(pk__in=keys, retention="", withdrawn_at=None)
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    belongings = whose(rows)
    for document in rows:
        belonging = belongings[document.pk]
        require(reader, "document.add", document, belonging)
        require_standing(document, belonging)
        document.retention, document.kept_until = retention, kept_until
        document.save(update_fields=["retention", "kept_until"])
    for reason in sorted({belongings[document.pk].reason(reader, "") for document in rows}):
        history.give_reason(reason)
    return rows


def withdraw_document(reader: Reader, document: Document, *, reason: str, at: datetime) -> None:
    """Makes the document void. It is still read by those who may, marked so."""
    belonging = whose([document])[document.pk]
    require(reader, "document.withdraw", document, belonging)
    require_standing(document, belonging)
    history.give_reason(belonging.reason(reader, reason))
    document.withdrawn_at, document.withdrawn_reason = at, squeeze(reason)
    document.save(update_fields=["withdrawn_at", "withdrawn_reason"])


def require_standing(document: Document, belonging: Belonging) -> None:
    """What is withdrawn is kept as it was, and so are the documents of something withdrawn."""
    if document.is_withdrawn or not belonging.stands:
        raise PermissionDenied(_("The document is withdrawn. What is withdrawn stays as it was."))


# --- handing out -----------------------------------------------------------------------------------------


def hand_out(reader: Reader, document: Document, belonging: Belonging) -> IO[bytes]:
    """The file, open, once the handing out stands in the log of the same transaction.

    Raises PermissionDenied, or FileDamaged: then nothing was handed out and nothing is logged.
    """
    require(reader, "document.read", document, belonging)
    file = opened(document.file)
    kind = ReadingKind.SECRET_DOCUMENT if document.is_secret else ReadingKind.DOCUMENT
    try:
        log_reading(reader, kind, document=document, what=_as_logged(document))
    except BaseException:
        file.close()
        raise
    return file


def _as_logged(document: Document) -> str:
    """Kind and registry number. Not the title: who reads the log need not be one who reads the document."""
    with translation.override(settings.LANGUAGE_CODE):
        return f"{document.get_kind_display()} {document.dnr}".strip()
