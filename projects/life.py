"""The life of a project: what each state needs, the steps between the states, and who may take them.

One table tells it all. The ways from state to state stand beside the tables they are kept in
(`projects.models.life.WAYS`); what a state needs is a row of the registry `needs` here. A rule whose data
comes later joins by registering a row: `needs.register(Need(...))`.

What the table means:

- A need is asked when a person takes the step into its state, or past it. What a state needs, the states after
  it on the way need too: what is missing there is told as "to deal with", and refuses nobody.
- A state that a project was brought into by an import or a registration is a fact and is not asked for again.
- Paused needs what ongoing needs. Rejected, taken back and broken off need nothing more: they tell what
  happened. A project that is archived or withdrawn is left in peace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import register_messages
from pages.registries import Registry
from projects.models import (
    ORDER,
    WAYS,
    Accounting,
    EffectFollowUp,
    GateKind,
    Project,
    ProjectDocument,
    ProjectGate,
    ProjectStep,
    State,
    StepKind,
)
from projects.registry import marked_reason, require_standing
from strategy import history
from strategy.models import DocumentKind, Retention
from strategy.permissions import Reader

Text = str | Promise

MESSAGES = {
    "step_starts_where_the_project_stands": gettext_lazy(
        "Somebody else has just taken a step with this project. Open its page again and see where it stands."
    ),
    "a_step_follows_a_way": gettext_lazy(
        "There is no such step from where the project stands. Choose one of the steps on its page."
    ),
    "a_step_leads_somewhere": gettext_lazy("The project stands there already."),
    "a_correction_has_a_reason": gettext_lazy("Say why the state is corrected."),
    "a_correction_leads_back": gettext_lazy(
        "A correction leads back to a state before this one. Take a step to go forward."
    ),
    "gates_are_passed_before_the_step": gettext_lazy(
        "One of the gates is not passed, or is dated after the step. Correct the date of the gate or of the step."
    ),
    "state_is_reached_by_a_step": gettext_lazy(
        "The state is not changed by hand. Take the step on the project's page."
    ),
    "taken_by_works_here": gettext_lazy("Who takes a step needs an assignment in the municipality."),
    "step_state_is_known": gettext_lazy("There is no such state. Choose one from the list."),
}
register_messages(MESSAGES)


# --- what each state needs -------------------------------------------------------------------------------

_MAIN = (
    State.IDEA,
    State.ANCHORING,
    State.DECIDED_TO_APPLY,
    State.APPLIED,
    State.GRANTED,
    State.ONGOING,
    State.FINAL_REPORTED,
    State.ENDED,
    State.ARCHIVED,
)
# Where a project went no further, nothing of the way behind it is asked for.
ASIDE = (State.REJECTED, State.TAKEN_BACK, State.BROKEN_OFF)
# For each state the states whose needs hold in it.
PASSED: Mapping[State, tuple[State, ...]] = {
    **{state: _MAIN[: place + 1] for place, state in enumerate(_MAIN)},
    State.PAUSED: (*_MAIN[: _MAIN.index(State.ONGOING) + 1], State.PAUSED),
    **{state: (state,) for state in ASIDE},
}
# In these nobody is told of what is missing.
LEFT_IN_PEACE = (State.ARCHIVED, *ASIDE)


@dataclass(frozen=True)
class Need:
    """A field, document or gate that is needed from a state on.

    `lacking` is the condition under which a project lacks it. `place` is the address where it is filled in.
    `fields` are the form fields in which it can be given right where the step is taken (projects.life_forms).
    `told_by` names a rule of projects.attention that speaks of the same, so that it is told once.
    """

    name: str
    label: Text
    sentence: Text
    from_state: State
    lacking: Callable[[], Q]
    place: Callable[[Project], str]
    gate: GateKind | None = None
    fields: tuple[str, ...] = ()
    told_by: str = ""

    def find(self, projects: QuerySet[Project]) -> QuerySet[Project]:
        """Those that lack it, whatever their state."""
        return projects.filter(self.lacking())


needs: Registry[Need] = Registry("need")


def _change(field: str) -> Callable[[Project], str]:
    return lambda project: f"{reverse('projects:change', args=[project.pk])}#id_{field}"


def _effects(field: str) -> Callable[[Project], str]:
    return lambda project: f"{reverse('projects:effects', args=[project.pk])}#id_{field}"


def _documents(project: Project) -> str:
    return f"{project.get_absolute_url()}#documents"


def _without_gate(kind: GateKind) -> Callable[[], Q]:
    return lambda: Q(~Exists(ProjectGate.objects.filter(project=OuterRef("pk"), kind=kind)))


def _gate(kind: GateKind, sentence: Text, from_state: State) -> Need:
    return Need(
        name=f"gate_{kind.value}",
        label=kind.label,
        sentence=sentence,
        from_state=from_state,
        lacking=_without_gate(kind),
        place=lambda project: reverse("projects:gate", args=[project.pk, kind.value]),
        gate=kind,
        fields=("gates",),
    )


def _without_document(*kinds: DocumentKind) -> Callable[[], Q]:
    return lambda: Q(
        ~Exists(
            ProjectDocument.objects.filter(
                project=OuterRef("pk"), document__kind__in=kinds, document__withdrawn_at__isnull=True
            )
        )
    )


def _with_open_retention() -> Q:
    return Q(
        Exists(
            ProjectDocument.objects.filter(
                project=OuterRef("pk"), document__retention="", document__withdrawn_at__isnull=True
            )
        )
    )


def _kept_no_known_time() -> Q:
    # What is preserved for good has no last day.
    preserved = ProjectDocument.objects.filter(
        project=OuterRef("pk"),
        document__retention=Retention.PRESERVED,
        document__withdrawn_at__isnull=True,
    )
    return Q(kept_until__isnull=True) & Q(~Exists(preserved))


# Within a state the fields stand first: the database asks in this order and stops at the first that is missing.
for _need in (
    # Decided to apply (domain.md 000-18, 000-60, 001-27, b.3).
    Need(
        "owner_unit",
        gettext_lazy("owner unit"),
        gettext_lazy("Give the unit that carries out the project and answers for it."),
        State.DECIDED_TO_APPLY,
        lambda: Q(owner_unit__isnull=True),
        _change("owner_unit"),
        fields=("owner_unit",),
        told_by="owner_unit",
    ),
    Need(
        "link_to_operations",
        gettext_lazy("link to the operations"),
        gettext_lazy(
            "Say in which of the unit's ordinary operations the project belongs, and what it does for them."
        ),
        State.DECIDED_TO_APPLY,
        lambda: Q(link_to_operations=""),
        _effects("link_to_operations"),
        fields=("link_to_operations",),
    ),
    Need(
        "expected_effect",
        gettext_lazy("expected effect"),
        gettext_lazy("Say what is to be different when the project is over, so that it can be followed up."),
        State.DECIDED_TO_APPLY,
        lambda: Q(expected_effect=""),
        _effects("expected_effect"),
        fields=("expected_effect",),
    ),
    _gate(
        GateKind.ANCHORING,
        gettext_lazy("Anchor the project with those concerned, and note who did it and when."),
        State.DECIDED_TO_APPLY,
    ),
    _gate(
        GateKind.SUITABILITY,
        gettext_lazy("Assess whether the project suits its purpose, and note who did it and when."),
        State.DECIDED_TO_APPLY,
    ),
    _gate(
        GateKind.BUDGET,
        gettext_lazy("Make sure that there is money and time for the project, and note who did it and when."),
        State.DECIDED_TO_APPLY,
    ),
    # Applied.
    Need(
        "funder",
        gettext_lazy("funder"),
        gettext_lazy("Give the funder to whom the application went."),
        State.APPLIED,
        lambda: Q(funder__isnull=True),
        _change("funder"),
        fields=("funder",),
    ),
    Need(
        "amount",
        gettext_lazy("amount"),
        gettext_lazy("Give the own share or the total budget; “ca 400 tkr” will do."),
        State.APPLIED,
        lambda: Q(own_share__isnull=True, total_budget__isnull=True),
        _change("own_share"),
        fields=("own_share", "total_budget"),
        told_by="own_share",
    ),
    # Granted.
    Need(
        "period",
        gettext_lazy("start and end"),
        gettext_lazy("Give the first and the last day or month of the project, as the decision says."),
        State.GRANTED,
        lambda: Q(starts_on__isnull=True) | Q(ends_on__isnull=True),
        _change("starts"),
        fields=("starts", "ends"),
    ),
    Need(
        "external_reference",
        gettext_lazy("the funder's reference"),
        gettext_lazy("Give what the funder calls the case: it stands in the decision."),
        State.GRANTED,
        lambda: Q(external_reference=""),
        _change("external_reference"),
        fields=("external_reference",),
    ),
    Need(
        "decision_document",
        gettext_lazy("decision or agreement"),
        gettext_lazy("Add the funder's decision or the agreement as a document."),
        State.GRANTED,
        _without_document(DocumentKind.DECISION, DocumentKind.AGREEMENT),
        _documents,
    ),
    # Ongoing (000-71 to 000-74).
    Need(
        "project_manager",
        gettext_lazy("project manager"),
        gettext_lazy("Name who runs the project."),
        State.ONGOING,
        lambda: Q(project_manager__isnull=True),
        _change("project_manager"),
        fields=("project_manager",),
    ),
    Need(
        "accounting",
        gettext_lazy("project number"),
        gettext_lazy(
            "Give the project number in the accounts, or say that the project is accounted for by "
            "another organisation or not at all."
        ),
        State.ONGOING,
        lambda: Q(project_number="") & ~Q(accounting__in=[Accounting.ELSEWHERE, Accounting.NONE]),
        _change("accounting"),
        fields=("accounting", "project_number", "accounted_by"),
    ),
    _gate(
        GateKind.ORGANISATION,
        gettext_lazy("Decide who steers the project and who works in it, and note who decided and when."),
        State.ONGOING,
    ),
    # Final report handed in (000-69).
    Need(
        "final_reported_on",
        gettext_lazy("date of the final report"),
        gettext_lazy("Give the day on which the final report was handed in."),
        State.FINAL_REPORTED,
        lambda: Q(final_reported_on__isnull=True),
        _effects("final_reported_on"),
        fields=("final_reported_on",),
    ),
    Need(
        "achieved_effect",
        gettext_lazy("achieved effect"),
        gettext_lazy("Say what became different, compared with what was expected."),
        State.FINAL_REPORTED,
        lambda: Q(achieved_effect=""),
        _effects("achieved_effect"),
        fields=("achieved_effect",),
    ),
    Need(
        "kept_up",
        gettext_lazy("how it is kept up"),
        gettext_lazy("Say how the result is used from now on, and which unit sees to it."),
        State.FINAL_REPORTED,
        lambda: Q(kept_up="") | Q(kept_up_by__isnull=True),
        _effects("kept_up"),
        fields=("kept_up", "kept_up_by"),
    ),
    Need(
        "follow_up_date",
        gettext_lazy("date of a follow-up"),
        gettext_lazy("Decide when the effect is followed up, one to three years after the end."),
        State.FINAL_REPORTED,
        lambda: Q(~Exists(EffectFollowUp.objects.filter(project=OuterRef("pk")))),
        lambda project: f"{reverse('projects:effects', args=[project.pk])}#follow-ups",
        fields=("follow_ups",),
    ),
    Need(
        "final_report",
        gettext_lazy("final report"),
        gettext_lazy("Add the final report as a document."),
        State.FINAL_REPORTED,
        _without_document(DocumentKind.FINAL_REPORT),
        _documents,
    ),
    _gate(
        GateKind.IMPLEMENTATION,
        gettext_lazy(
            "Note that the project was carried out as decided, or what differed, who says so and when."
        ),
        State.FINAL_REPORTED,
    ),
    # Ended.
    _gate(
        GateKind.FOLLOW_UP,
        gettext_lazy("Follow up the project when it ends, and note who did it and when."),
        State.ENDED,
    ),
    # Archived.
    Need(
        "kept_until",
        gettext_lazy("how long it is kept"),
        gettext_lazy(
            "Give the day until which the documents are kept: the funder's decision or agreement says."
        ),
        State.ARCHIVED,
        _kept_no_known_time,
        _change("kept_until"),
        fields=("kept_until",),
    ),
    Need(
        "archive_place",
        gettext_lazy("place in the archive"),
        gettext_lazy("Say where the documents are kept."),
        State.ARCHIVED,
        lambda: Q(archive_place=""),
        _change("archive_place"),
        fields=("archive_place",),
    ),
    Need(
        "retention",
        gettext_lazy("retention of the documents"),
        gettext_lazy("Say of each document whether it is preserved or kept until a day."),
        State.ARCHIVED,
        _with_open_retention,
        lambda project: reverse("projects:retention", args=[project.pk]),
    ),
):
    needs.register(_need)


def needed_in(state: State | str) -> tuple[Need, ...]:
    """All that a project in the state is to have; nothing where the state is not stated."""
    return tuple(need for need in needs if state and need.from_state in PASSED[State(state)])


def asked_for(from_state: State, to_state: State) -> tuple[Need, ...]:
    """What the step asks for: what is needed anew, and nothing that belonged to steps taken before."""
    behind = PASSED[from_state] if from_state not in ASIDE else PASSED[to_state][:-1]
    return tuple(need for need in needed_in(to_state) if need.from_state not in behind)


def unmet(project: Project, asked: Sequence[Need]) -> tuple[Need, ...]:
    """Those of the needs that the project lacks, as the database sees it. One query."""
    if not asked:
        return ()
    sql, params = _asked(tuple(asked))
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, project.pk])
        lacks = cursor.fetchone()
    return tuple(need for need, is_lacking in zip(asked, lacks or (), strict=True) if is_lacking)


@cache
def _asked(asked: tuple[Need, ...]) -> tuple[str, tuple[Any, ...]]:
    """The query of `unmet` without its last parameter, the project's key: written out once, as below."""
    conditions = [ExpressionWrapper(need.lacking(), output_field=BooleanField()) for need in asked]
    query = Project.objects.filter(pk=0).order_by().values_list(*conditions).query
    sql, params = query.sql_with_params()
    return sql, tuple(params[:-1])


def lacking_what_their_state_needs() -> Q:
    """Projects of which something is missing that their state needs, and of which no other rule speaks."""
    found = Q(pk__in=[])
    # By what is missing, and not by state: each table is asked once.
    for need in needs:
        if need.told_by:
            continue
        states = [state for state in State if state not in LEFT_IN_PEACE and need.from_state in PASSED[state]]
        if states:
            found |= Q(state__in=states) & need.lacking()
    return found


@cache
def projects_that_lack() -> RawSQL:
    """The same as the keys of those projects, for `pk__in`.

    Written out once: the condition is a dozen subqueries, and making them anew takes ten times as long as the
    database needs for a page of fifty. The registry is filled when the first request comes.
    """
    found = Project.objects.filter(lacking_what_their_state_needs()).order_by().values("pk")
    sql, params = found.query.sql_with_params()
    return RawSQL(sql, params)  # noqa: S611 - compiled by the ORM from our own table


# --- what a step is called -------------------------------------------------------------------------------

# What is done, as the button says it, and what it means.
STEPS: Mapping[State, tuple[Text, Text]] = {
    State.ANCHORING: (
        gettext_lazy("Begin to anchor the idea"),
        gettext_lazy(
            "The idea is taken further: those concerned are asked before it is decided whether to apply."
        ),
    ),
    State.DECIDED_TO_APPLY: (
        gettext_lazy("Decide to apply"),
        gettext_lazy("The unit has decided to apply for money, and stands behind the project."),
    ),
    State.APPLIED: (
        gettext_lazy("The application is sent"),
        gettext_lazy("The application has gone to the funder."),
    ),
    State.GRANTED: (
        gettext_lazy("The project is granted"),
        gettext_lazy("The funder has decided to grant the project, in whole or in part."),
    ),
    State.REJECTED: (
        gettext_lazy("The application is rejected"),
        gettext_lazy("The funder said no. The project stays in the register, and can be applied for again."),
    ),
    State.TAKEN_BACK: (
        gettext_lazy("The application is taken back"),
        gettext_lazy("We do not want the project or the money any more, and have told the funder."),
    ),
    State.ONGOING: (
        gettext_lazy("Start the project"),
        gettext_lazy("The project runs from now on, with a manager and a place in the accounts."),
    ),
    State.PAUSED: (
        gettext_lazy("Pause the project"),
        gettext_lazy("The project rests, and is meant to go on."),
    ),
    State.FINAL_REPORTED: (
        gettext_lazy("The final report is handed in"),
        gettext_lazy("What was achieved is told to the funder, and it is decided how the result is kept up."),
    ),
    State.ENDED: (
        gettext_lazy("End the project"),
        gettext_lazy("The funder has approved the final report and paid; nothing more is expected."),
    ),
    State.ARCHIVED: (
        gettext_lazy("Archive the project"),
        gettext_lazy("The documents are in the archive, and it is known how long they are kept."),
    ),
    State.BROKEN_OFF: (
        gettext_lazy("Break off the project"),
        gettext_lazy("The project ends before its time. Say why: it is asked for afterwards."),
    ),
}
# Steps that are called otherwise from some states.
_AGAIN: Mapping[tuple[State, State], Text] = {
    (State.PAUSED, State.ONGOING): gettext_lazy("Go on with the project"),
    (State.REJECTED, State.DECIDED_TO_APPLY): gettext_lazy("Decide to apply again"),
    (State.TAKEN_BACK, State.DECIDED_TO_APPLY): gettext_lazy("Decide to apply again"),
}
# Steps after which one asks why.
NEEDS_A_COMMENT = (State.BROKEN_OFF,)


def step_label(from_state: State, to_state: State) -> Text:
    return _AGAIN.get((from_state, to_state), STEPS[to_state][0])


def steps_from(state: State) -> list[State]:
    """The steps that can be taken from a state, the usual one first: to the next state of the way."""
    return sorted(WAYS[state], key=lambda there: there not in _MAIN)


# --- the way that was taken ------------------------------------------------------------------------------


def standing_steps(steps: Iterable[ProjectStep]) -> list[ProjectStep]:
    """The steps that still hold, oldest first: a correction takes away those that it led back past."""
    standing: list[ProjectStep] = []
    for step in steps:
        if step.kind == StepKind.STEP:
            standing.append(step)
            continue
        while standing and standing[-1].to_state != step.to_state:
            standing.pop()
    return standing


def correctable_to(project: Project, steps: Iterable[ProjectStep]) -> list[str]:
    """Where a correction may lead: back along the way that was taken; where none was, to any state before.

    "" (not stated) where no step leads back: from there any state may be given anew.
    """
    if not project.state:
        return []
    here = ORDER.index(State(project.state))
    before = [state.value for state in ORDER[:here]]
    standing = standing_steps(steps)
    if not standing:
        return [*before, ""]
    way = {step.from_state for step in standing}
    # Who applies again after a rejection has come back to a state before the one the way began in.
    return [state for state in before if state in way] or [*before, ""]


@dataclass(frozen=True)
class Problem:
    """Why a step is not taken, in a sentence that says what to do, and where. `need` is what is missing."""

    text: str
    url: str = ""
    need: Need | None = None
    # The field of the step's form that it belongs to.
    field: str = ""


class StepRefused(Exception):
    """The step is not taken; all reasons at once."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = problems


def _locked(project: Project) -> Project:
    """The project as it stands, kept from others until the transaction ends."""
    return Project.objects.select_for_update(of=("self",)).get(pk=project.pk)


def _says_who(step: ProjectStep) -> str:
    return _("%(who)s took the step to “%(state)s” on %(day)s (recorded %(when)s).") % {
        "who": step.taken_by,
        "state": step.get_to_state_display() or _("not stated"),
        "day": step.taken_on.isoformat(),
        "when": date_format(localtime(step.recorded_at), "Y-m-d H:i"),
    }


def _stands_elsewhere(project: Project, steps: Sequence[ProjectStep], to_state: State) -> Problem:
    """Why the step cannot begin: somebody took one meanwhile, or there is no such way."""
    latest = steps[-1] if steps else None
    where = State(project.state).label if project.state else _("not stated")
    if latest is not None and project.state == latest.to_state == to_state:
        return Problem(_says_who(latest) + " " + _("You need not take it again."), project.get_absolute_url())
    said = _("The project stands at “%(here)s”, and there is no step from there to “%(there)s”.") % {
        "here": where,
        "there": to_state.label,
    }
    return Problem(" ".join([_says_who(latest), said] if latest else [said]), project.get_absolute_url())


def why_no_such_step(project: Project, to_state: State, seen_state: str | None = None) -> Problem | None:
    """Why the step cannot be taken from where the project stands, whatever else is missing; None where it can.

    `seen_state` is the state in which the person saw the project: who decides on what has changed meanwhile is
    told so.
    """
    moved = seen_state is not None and seen_state != project.state
    if not moved and project.state and to_state in WAYS[State(project.state)]:
        return None
    return _stands_elsewhere(project, list(project.steps.select_related("taken_by")), to_state)


def why_it_moved(project: Project, seen_state: str | None) -> Problem | None:
    """Why a form about the state no longer holds: the project stands elsewhere than where it was opened."""
    if seen_state is None or seen_state == project.state:
        return None
    latest = project.steps.select_related("taken_by").last()
    said = _(
        "The state of the project was changed while you had the page open: it is “%(here)s” now. "
        "Look at the project, and begin again if that is wrong."
    ) % {"here": State(project.state).label if project.state else _("not stated")}
    return Problem(f"{_says_who(latest)} {said}" if latest else said, project.get_absolute_url())


@transaction.atomic
def take_step(
    reader: Reader,
    project: Project,
    to_state: State,
    *,
    on: date,
    comment: str = "",
    seen_state: str | None = None,
) -> ProjectStep:
    """Takes a step on the day, in one transaction. Raises StepRefused with all that hinders it."""
    standing = _locked(project)
    reader.require("project.change", standing)
    require_standing(standing)
    if (hindered := why_no_such_step(standing, to_state, seen_state)) is not None:
        raise StepRefused(hindered)
    steps = list(standing.steps.select_related("taken_by"))
    from_state = State(standing.state)
    asked = asked_for(from_state, to_state)
    problems = [*_dated_wrongly(reader, steps, on), *missing_for(standing, asked, on)]
    if to_state in NEEDS_A_COMMENT and not comment.strip():
        problems.append(Problem(_("Say in the comment why the project is broken off."), field="comment"))
    if problems:
        raise StepRefused(*problems)
    history.give_reason(marked_reason(reader, standing.owner_unit, comment.strip()))
    step = ProjectStep.objects.create(
        municipality_id=standing.municipality_id,
        project=standing,
        from_state=from_state,
        to_state=to_state,
        taken_on=on,
        taken_by=reader.person,
        comment=comment.strip(),
        gates=[need.gate.value for need in asked if need.gate],
    )
    project.refresh_from_db(fields=["state", "version"])
    return step


def _dated_wrongly(reader: Reader, steps: Sequence[ProjectStep], on: date) -> Iterable[Problem]:
    if on > reader.today:
        yield Problem(
            _("The step must not be dated in the future. Take it when it has happened."), field="on"
        )
    before = standing_steps(steps)
    if before and on < before[-1].taken_on:
        told = _("The step must not be dated before the one before it (%(state)s, %(day)s).") % {
            "state": before[-1].get_to_state_display(),
            "day": before[-1].taken_on.isoformat(),
        }
        yield Problem(told, field="on")


def missing_for(project: Project, asked: Sequence[Need], on: date) -> list[Problem]:
    """What is missing for a step on the day, and which gates are dated after it. Two queries."""
    lacking = unmet(project, asked)
    problems = [Problem(str(need.sentence), need.place(project), need) for need in lacking]
    guarding = {need.gate.value: need for need in asked if need.gate and need not in lacking}
    if guarding:
        late = ProjectGate.objects.filter(project=project, kind__in=guarding, done_on__gt=on)
        for gate in late:
            need = guarding[gate.kind]
            told = _("%(gate)s is dated %(day)s, after the step. Correct one of the dates.") % {
                "gate": need.label,
                "day": gate.done_on.isoformat(),
            }
            problems.append(Problem(told, need.place(project), need))
    return problems


@transaction.atomic
def correct_state(
    reader: Reader, project: Project, to_state: str, *, reason: str, seen_state: str | None = None
) -> ProjectStep:
    """Back to a state before, because a step was never taken or the state was wrong. Raises StepRefused.

    `seen_state` is the state in which the person saw the project, as of `take_step`.
    """
    standing = _locked(project)
    reader.require("project.change", standing)
    require_standing(standing)
    if (moved := why_it_moved(standing, seen_state)) is not None:
        raise StepRefused(moved)
    steps = list(standing.steps.select_related("taken_by"))
    problems = []
    if to_state not in correctable_to(standing, steps):
        problems.append(
            Problem(
                _("A correction leads back along the project's own way. Choose one of the states."),
                field="state",
            )
        )
    if not reason.strip():
        problems.append(Problem(str(MESSAGES["a_correction_has_a_reason"]), field="reason"))
    if problems:
        raise StepRefused(*problems)
    history.give_reason(marked_reason(reader, standing.owner_unit, reason.strip()))
    step = ProjectStep.objects.create(
        municipality_id=standing.municipality_id,
        project=standing,
        kind=StepKind.CORRECTION,
        from_state=standing.state,
        to_state=to_state,
        taken_on=reader.today,
        taken_by=reader.person,
        comment=reason.strip(),
    )
    project.refresh_from_db(fields=["state", "version"])
    return step


@transaction.atomic
def give_state(
    reader: Reader, project: Project, state: State, *, reason: str = "", seen_state: str | None = None
) -> None:
    """Says how far a project of unknown state has come. Asks for nothing: what is missing is shown afterwards.

    Raises StepRefused where the state is known, or is not the one in which the person saw the project.
    """
    standing = _locked(project)
    reader.require("project.change", standing)
    require_standing(standing)
    if (moved := why_it_moved(standing, seen_state)) is not None:
        raise StepRefused(moved)
    if standing.state:
        steps = list(standing.steps.select_related("taken_by"))
        latest = _says_who(steps[-1]) + " " if steps else ""
        told = _("The state is known already: “%(state)s”. Take a step, or correct it.") % {
            "state": State(standing.state).label
        }
        raise StepRefused(Problem(latest + told, project.get_absolute_url()))
    history.give_reason(marked_reason(reader, standing.owner_unit, reason.strip()))
    standing.state = state
    standing.save(update_fields=["state"])
    project.refresh_from_db(fields=["state", "version"])
