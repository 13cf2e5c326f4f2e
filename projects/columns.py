"""The columns of the list of projects, for screen, CSV, XLSX and JSON, and the words and marks of a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import Column, Mark, Text
from projects.attention import Rule
from projects.models import Accounting, Project, State
from values.text import squeeze

# How far a project has come, drawn; a cross where it went no further.
_SHAPES: Mapping[State, str] = {
    State.IDEA: "ring",
    State.ANCHORING: "ring",
    State.DECIDED_TO_APPLY: "ring",
    State.APPLIED: "ring",
    State.GRANTED: "half",
    State.REJECTED: "cross",
    State.TAKEN_BACK: "cross",
    State.ONGOING: "half",
    State.PAUSED: "half",
    State.FINAL_REPORTED: "half",
    State.ENDED: "full",
    State.ARCHIVED: "full",
    State.BROKEN_OFF: "cross",
}
WITHDRAWN = gettext_lazy("Withdrawn")
# A summary may be long; the list shows its beginning.
_SHORT = 60


def state_mark(project: Project) -> Mark | None:
    """The state in a word with its shape; None where it is not stated. A withdrawn project is that alone."""
    if project.is_withdrawn:
        return Mark(WITHDRAWN, "dash")
    if not project.state:
        return None
    state = State(project.state)
    return Mark(state.label, _SHAPES[state])


def rule_mark(rule: Rule) -> Mark:
    return Mark(rule.label, "square" if rule.serious else "diamond", "stop" if rule.serious else "warn")


def funding(project: Project) -> list[str]:
    """The programme, then the funder, as far as they are known here."""
    return [str(known) for known in (project.programme, project.funder) if known is not None]


def project_number(project: Project) -> Text | None:
    """The accounts' number, or why there is none (000-73, 74)."""
    if project.project_number:
        return project.project_number
    match project.accounting:
        case Accounting.ELSEWHERE if project.accounted_by:
            return _("with %(organisation)s") % {"organisation": project.accounted_by}
        case Accounting.ELSEWHERE:
            return _("in another organisation's accounts")
        case Accounting.NOT_YET:
            return _("not in the accounts yet")
        case Accounting.NONE:
            return _("not to be accounted")
    return None


def about(project: Project) -> str:
    """The acronym, else the beginning of the summary."""
    text = project.acronym or squeeze(project.summary)
    if len(text) <= _SHORT:
        return text
    return text[: _SHORT + 1].rpartition(" ")[0].rstrip(" ,.;:") + " …"


def list_columns(
    attention: Callable[[Project], Sequence[Rule]], *, joint: bool, file: bool
) -> Sequence[Column]:
    """The columns on screen. A file has register id, municipality and unit in columns of their own.

    `attention` gives a project's rules; `joint` says that the list speaks for several municipalities.
    """

    def small(project: Project) -> str:
        place = [str(project.municipality)] if joint or not _seen_as_owner(project) else []
        return " · ".join([part for part in (project.register_id, *place, about(project)) if part])

    # `seen` is what projects.seen.see gave the row.
    def units(project: Any) -> list[Any]:
        return list(project.seen.units)

    def amounts(project: Any) -> list[Any]:
        return list(project.seen.amounts)

    of_files = (
        Column("register_id", gettext_lazy("Register id"), "register_id"),
        Column("municipality", gettext_lazy("Municipality"), "municipality"),
    )
    return (
        *(of_files if file else ()),
        Column(
            "project",
            gettext_lazy("Project"),
            "title",
            row_header=True,
            href=None if file else lambda project: project.get_absolute_url(),
            small=None if file else small,
        ),
        *((Column("about", gettext_lazy("Acronym or summary"), about),) if file else ()),
        Column("funding", gettext_lazy("Programme and funder"), funding),
        Column("period", gettext_lazy("Period"), "period_label"),
        Column(
            "role",
            gettext_lazy("Our role"),
            lambda project: list(project.seen.roles),
            small=None if file else units,
        ),
        *((Column("unit", gettext_lazy("Unit"), units),) if file else ()),
        Column("total_budget", gettext_lazy("Total budget"), "budget", kind="amount"),
        Column(
            "own_share",
            gettext_lazy("Own share"),
            amounts,
            kind="amount",
        ),
        Column("project_number", gettext_lazy("Project number"), project_number),
        Column("state", gettext_lazy("State"), state_mark, kind="mark", first=True),
        Column(
            "attention",
            gettext_lazy("To deal with"),
            lambda project: [rule_mark(rule) for rule in attention(project)],
            kind="mark",
            missing="",
        ),
    )


def _seen_as_owner(project: Any) -> bool:
    return bool(project.seen_as_owner)
