"""The six gates of a project (domain.md 001-27, 002-20): who passed which, when, and what shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from pages.forms import register_messages
from projects.models import GateKind, Project, ProjectGate
from projects.registry import marked_reason, require_standing
from strategy import history
from strategy.documents import visible_documents
from strategy.models import Document, Person
from strategy.permissions import Reader

MESSAGES = {
    "a_gate_is_passed_once": _("Somebody has just noted this gate. Open it and see what stands there."),
    "gate_kind_is_known": _("There is no such gate. Choose one of the six."),
    "a_gate_has_evidence": _("Say what shows that the gate is passed, or choose a document."),
    "done_by_works_here": _(
        "Choose somebody who has an assignment in the municipality. Give one on the page Responsibilities first."
    ),
    "gate_document_in_same_municipality": _("Choose one of the project's own documents."),
    "a_gate_stands_before_its_step": _(
        "A step rests on this gate: it cannot be removed, nor dated after the step. "
        "Correct the state of the project first."
    ),
}
register_messages(
    MESSAGES,
    fields={
        "a_gate_has_evidence": "evidence",
        "done_by_works_here": "done_by",
        "gate_document_in_same_municipality": "document",
        "a_gate_stands_before_its_step": "done_on",
    },
)


def gates_of(project: Project) -> dict[GateKind, ProjectGate | None]:
    """All six in their order, with what stands of each. One query."""
    standing = {
        gate.kind: gate
        for gate in ProjectGate.objects.filter(project=project).select_related("done_by", "document")
    }
    return {kind: standing.get(kind.value) for kind in GateKind}


def evidence_of(reader: Reader, gates: Iterable[ProjectGate | None]) -> dict[int, Document]:
    """Those of the documents behind the gates that the reader may read, by key."""
    named = [gate.document_id for gate in gates if gate is not None and gate.document_id is not None]
    return visible_documents(reader).in_bulk(named)


def documents_of(reader: Reader, project: Project) -> list[Document]:
    """The project's documents that stand and that the reader may read, latest first: what may be evidence."""
    return list(visible_documents(reader).filter(of_project__project=project, withdrawn_at__isnull=True))


@transaction.atomic
def pass_gates(
    reader: Reader,
    project: Project,
    kinds: Iterable[GateKind],
    *,
    on: date,
    by: Person,
    evidence: str = "",
    document: Document | None = None,
    reason: str = "",
) -> Sequence[ProjectGate]:
    """Notes that the gates were passed: several at once where one meeting dealt with them all.

    `reason` is that of the act, where it has one.
    """
    reader.require("project.change", project)
    require_standing(project)
    history.give_reason(marked_reason(reader, project.owner_unit, reason))
    return [
        ProjectGate.objects.create(
            municipality_id=project.municipality_id,
            project=project,
            kind=kind,
            done_on=on,
            done_by=by,
            evidence=evidence,
            document=document,
        )
        for kind in kinds
    ]


@transaction.atomic
def correct_gate(reader: Reader, gate: ProjectGate, *, reason: str) -> None:
    """Saves what was corrected of a gate that stands."""
    reader.require("project.change", gate.project)
    require_standing(gate.project)
    history.give_reason(marked_reason(reader, gate.project.owner_unit, reason))
    gate.save()


@transaction.atomic
def remove_gate(reader: Reader, gate: ProjectGate, *, reason: str) -> None:
    """Takes away a gate that was never passed. The database refuses where a step rests on it."""
    reader.require("project.change", gate.project)
    require_standing(gate.project)
    history.give_reason(marked_reason(reader, gate.project.owner_unit, reason))
    gate.delete()
