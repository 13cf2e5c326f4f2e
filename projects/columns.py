"""The columns of the list of projects, for screen, CSV, XLSX and JSON, and the words and marks of a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Q, TextChoices
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import Column, Mark, Text
from projects.attention import Rule
from projects.models import Accounting, Kind, Level, Project, State
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


# The same in the database: those of which `project_number` cannot say why they have none, or says that it is to come.
LACKING_NUMBER = Q(project_number="") & ~Q(accounting__in=[Accounting.ELSEWHERE, Accounting.NONE])


def about(project: Project) -> str:
    """The acronym, else the beginning of the summary."""
    text = project.acronym or squeeze(project.summary)
    if len(text) <= _SHORT:
        return text
    return text[: _SHORT + 1].rpartition(" ")[0].rstrip(" ,.;:") + " …"


# Of these the first is always there, and cannot have a total; the order is that of the list.
USUAL = (
    *("project", "funding", "period", "role", "total_budget", "own_share", "project_number", "state"),
    "attention",
)
# Each costs a query or a join more, made only where it is shown.
PROJECT_MANAGER, PARTIES = "project_manager", "parties"


def list_columns(
    attention: Callable[[Project], Sequence[Rule]],
    *,
    joint: bool,
    file: bool,
    shown: Sequence[str] = USUAL,
) -> Sequence[Column]:
    """The columns named by `shown`. A file has register id, municipality, summary and unit in columns of their own.

    `attention` gives a project's rules; `joint` says that the list speaks for several municipalities.
    """
    beside = {"project": ("register_id", "municipality", "project", "about"), "role": ("role", "unit")}
    names = {one for name in shown for one in (beside.get(name, (name,)) if file else (name,))}
    return [column for column in _every_column(attention, joint=joint, file=file) if column.name in names]


def choosable_columns() -> Sequence[tuple[str, Text]]:
    """Name and label of all columns that a person may choose, in the order of the list."""
    every = _every_column(lambda project: (), joint=False, file=False)
    return [(column.name, column.label) for column in every if column.name not in _OF_FILES]


_OF_FILES = ("register_id", "municipality", "about", "unit")


def _every_column(
    attention: Callable[[Project], Sequence[Rule]], *, joint: bool, file: bool
) -> Sequence[Column]:
    def small(project: Project) -> str:
        place = [str(project.municipality)] if joint or not _seen_as_owner(project) else []
        return " · ".join([part for part in (project.register_id, *place, about(project)) if part])

    # `seen` is what projects.seen.see gave the row.
    def units(project: Any) -> list[Any]:
        return list(project.seen.units)

    def amounts(project: Any) -> list[Any]:
        return list(project.seen.amounts)

    return (
        Column("register_id", gettext_lazy("Register id"), "register_id"),
        Column("municipality", gettext_lazy("Municipality"), "municipality"),
        Column(
            "project",
            gettext_lazy("Project"),
            "title",
            row_header=True,
            href=None if file else lambda project: project.get_absolute_url(),
            small=None if file else small,
        ),
        Column("about", gettext_lazy("Acronym or summary"), about),
        Column("level", gettext_lazy("Level"), lambda project: _label(Level, project.level)),
        Column("kind", gettext_lazy("Kind of project"), lambda project: _label(Kind, project.kind)),
        Column("funding", gettext_lazy("Programme and funder"), funding),
        Column("programme", gettext_lazy("Programme"), "programme"),
        Column("funder", gettext_lazy("Funder"), "funder"),
        Column(PARTIES, gettext_lazy("Other parties"), "parties"),
        Column("period", gettext_lazy("Period"), "period_label"),
        Column("starts", gettext_lazy("Starts"), "start", kind="date"),
        Column("ends", gettext_lazy("Ends"), "end", kind="date"),
        Column(
            "role",
            gettext_lazy("Our role"),
            lambda project: list(project.seen.roles),
            small=None if file else units,
        ),
        Column("unit", gettext_lazy("Unit"), units),
        Column(PROJECT_MANAGER, gettext_lazy("Project manager"), "project_manager"),
        Column("total_budget", gettext_lazy("Total budget"), "budget", kind="amount"),
        Column("own_share", gettext_lazy("Own share"), amounts, kind="amount"),
        Column("project_number", gettext_lazy("Project number"), project_number),
        Column("dnr", gettext_lazy("Registry number"), "dnr"),
        Column("external_reference", gettext_lazy("The funder's reference"), "external_reference"),
        Column("state", gettext_lazy("State"), state_mark, kind="mark", first=True),
        Column(
            "attention",
            gettext_lazy("To deal with"),
            lambda project: [rule_mark(rule) for rule in attention(project)],
            kind="mark",
            missing="",
        ),
        Column(
            "registered",
            gettext_lazy("Registered"),
            lambda project: localdate(project.registered_at),
            kind="date",
        ),
    )


def _label(kind: type[TextChoices], value: str) -> Text | None:
    return kind(value).label if value else None


def _seen_as_owner(project: Any) -> bool:
    return bool(project.seen_as_owner)
