"""Documents of a project: added to it, read by those whom the table of permissions lets, and shown on its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import listing
from pages.forms import register_messages
from projects.models import Project, ProjectDocument
from projects.registry import marked_reason, require_standing
from strategy import history
from strategy.document_columns import part_columns
from strategy.documents import Owner, TakenIn, add_document, owners, take_in, visible_documents
from strategy.models import Document, StoredFile
from strategy.permissions import Reader
from values.text import nfc

MESSAGES = {
    "project_document_project_in_same_municipality": gettext_lazy(
        "Choose a project of your own municipality."
    ),
    "project_document_in_same_municipality": gettext_lazy("Choose a document of your own municipality."),
}
register_messages(MESSAGES)


# --- what the floor below asks ---------------------------------------------------------------------------


def _of(documents: Iterable[int]) -> Mapping[int, Project]:
    joined = ProjectDocument.objects.filter(document__in=list(documents)).select_related(
        "project", "project__municipality", "project__owner_unit"
    )
    return {one.document_id: one.project for one in joined}


def _reached(reader: Reader, action: str) -> Q:
    """As `Reader.can` answers for the project: its unit, or that the person runs it."""
    return Q(of_project__project__owner_unit__in=reader.units(action) or ()) | Q(
        of_project__project__project_manager=reader.person
    )


def _named(text: str) -> Q:
    """Every word stands in the project's title, numbers or acronym."""
    named = Q(of_project__isnull=False)
    for word in nfc(text).lower().split():
        named &= Q(of_project__project__search_text__contains=word)
    return named


owners.register(
    Owner(
        "projekt",
        gettext_lazy("Project"),
        _of,
        _reached,
        _named,
        stands=lambda project: not project.is_withdrawn,
        reason=lambda reader, project, reason: marked_reason(reader, project.owner_unit, reason),
    )
)


# --- adding ----------------------------------------------------------------------------------------------


class SameContents(ValueError):
    """The project has a document with these contents already; the message says which, the page what to do."""


def project_documents(reader: Reader, project: Project) -> QuerySet[Document]:
    """The project's documents that the reader may read, newest first."""
    return visible_documents(reader).filter(of_project__project=project)


def choosable(reader: Reader, project: Project, kept: int | None = None) -> QuerySet[Document]:
    """Which documents may be named as evidence or minutes: the project's own that the reader may read and that
    stand, and the one that is named already. What a hand-made form names besides is not among them."""
    return project_documents(reader, project).filter(Q(withdrawn_at__isnull=True) | Q(pk=kept))


def add_to_project(
    reader: Reader,
    project: Project,
    upload: UploadedFile[Any] | StoredFile,
    *,
    again: bool = False,
    **facts: Any,
) -> tuple[Document, tuple[str, ...]]:
    """A new document of the project, and what whoever sent the file should know about it.

    `facts` are those of `strategy.documents.add_document`. Raises DocumentRefused where the contents are not taken,
    and SameContents where the project has them already and `again` does not say that it is meant. The project is
    locked meanwhile, so that two clicks do not add the same twice.
    """
    reader.require("document.add", project)
    require_standing(project)
    with transaction.atomic():
        list(Project.objects.filter(pk=project.pk).select_for_update(of=("self",)).values("pk"))
        taken = upload if isinstance(upload, StoredFile) else take_in(reader.municipality, upload)
        taken = TakenIn(taken) if isinstance(taken, StoredFile) else taken
        if not again:
            _refuse_twice(reader, project, taken.file)
        if mark := marked_reason(reader, project.owner_unit, ""):
            history.give_reason(mark)
        document = add_document(reader, taken.file, **facts)
        ProjectDocument.objects.create(municipality=reader.municipality, project=project, document=document)
    return document, taken.notes


def _refuse_twice(reader: Reader, project: Project, file: StoredFile) -> None:
    same = Document.objects.filter(
        of_project__project=project, file__sha256=file.sha256, withdrawn_at__isnull=True
    )
    first = same.first()
    if first is None:
        return
    readable = project_documents(reader, project).filter(pk=first.pk).exists()
    raise SameContents(
        _("The project has these contents already, as “%(title)s”.") % {"title": first.title}
        if readable
        else _("The project has these contents already, in a document that you may not read.")
    )


# --- on the project's page -------------------------------------------------------------------------------


def has_documents(reader: Reader, project: Project) -> bool:
    """Documents stay in the municipality that keeps them: with whom the project is shared does not see them."""
    return project.municipality_id == reader.municipality.pk


def documents_part(reader: Reader, project: Project) -> dict[str, Any]:
    """What templates/projects/documents/part.html takes. Who may not read them sees how many there are."""
    count = ProjectDocument.objects.filter(project=project).count()
    rows = (
        list(project_documents(reader, project).select_related("file", "added_by"))
        if count and reader.can("document.read", project)
        else []
    )
    hidden = count - len(rows)
    return {
        "count": count,
        "listing": listing(part_columns(), rows, name=_("Documents of the project")) if rows else None,
        "hidden": ngettext(
            "%(count)d document that you may not read.", "%(count)d documents that you may not read.", hidden
        )
        % {"count": hidden}
        if hidden
        else "",
        "retention_url": reverse("projects:retention", args=[project.pk])
        if any(not row.retention and not row.is_withdrawn for row in rows)
        and reader.can("document.add", project)
        and not project.is_withdrawn
        else "",
        "add_url": reverse("projects:document_add", args=[project.pk])
        if reader.can("document.add", project) and not project.is_withdrawn
        else "",
    }
