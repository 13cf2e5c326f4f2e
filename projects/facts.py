"""What the project page shows: its way, figures, facts and history, each ready for its component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import Text, on_screen
from projects.attention import Rule
from projects.columns import state_mark
from projects.life import (
    LEFT_IN_PEACE,
    PASSED,
    Need,
    asked_for,
    needed_in,
    standing_steps,
    step_label,
    steps_from,
)
from projects.models import (
    WAYS,
    CoFinancingKind,
    EffectFollowUp,
    GateKind,
    Kind,
    ListedGrant,
    Project,
    ProjectGate,
    ProjectRole,
    ProjectShare,
    ProjectStep,
    State,
)
from strategy.history import unnamed
from strategy.models import Assignment, Document, Person, Role, Unit
from strategy.permissions import Reader

# The usual way; what is beside it is put in where it belongs.
_WAY = (
    State.IDEA,
    State.DECIDED_TO_APPLY,
    State.APPLIED,
    State.GRANTED,
    State.ONGOING,
    State.FINAL_REPORTED,
    State.ENDED,
)
_BESIDE: Mapping[State, tuple[State, ...]] = {
    State.ANCHORING: (_WAY[0], State.ANCHORING, *_WAY[1:]),
    State.REJECTED: (*_WAY[:3], State.REJECTED),
    State.TAKEN_BACK: (*_WAY[:3], State.TAKEN_BACK),
    State.PAUSED: (*_WAY[:4], State.PAUSED, *_WAY[5:]),
    State.BROKEN_OFF: (*_WAY[:5], State.BROKEN_OFF),
    State.ARCHIVED: (*_WAY, State.ARCHIVED),
}

# What is waited for meanwhile, in a sentence to whoever answers for the project.
_NEXT: Mapping[str, Text] = {
    "": gettext_lazy("Find out how far the project has come, and give its state."),
    State.IDEA: gettext_lazy("Anchor the idea in the unit before it is decided whether to apply."),
    State.ANCHORING: gettext_lazy("Decide whether to apply."),
    State.DECIDED_TO_APPLY: gettext_lazy("Send in the application."),
    State.APPLIED: gettext_lazy("Wait for the funder's decision, and register it when it comes."),
    State.GRANTED: gettext_lazy("Ask for a project number and start the project."),
    State.ONGOING: gettext_lazy(
        "Keep period, amounts and parties up to date while the project runs, and report when it is over."
    ),
    State.PAUSED: gettext_lazy("Decide when the project goes on, or whether it is broken off."),
    State.FINAL_REPORTED: gettext_lazy("End the project when the funder has approved the final report."),
    State.ENDED: gettext_lazy("Archive the documents of the project."),
    State.REJECTED: gettext_lazy("Apply again, or archive what there is."),
    State.TAKEN_BACK: gettext_lazy("Apply again, or archive what there is."),
    State.BROKEN_OFF: gettext_lazy("Archive the documents of the project."),
}


def life(project: Project, steps: Sequence[ProjectStep] = ()) -> list[dict[str, Any]]:
    """The states that the project passes, the present one marked; "not stated" stands first.

    A state into which a step was taken bears the day of that step.
    """
    mark = state_mark(project)
    if project.is_withdrawn and mark is not None:
        return [{"label": mark.label, "shape": mark.shape, "current": True}]
    unknown = [] if project.state else [{"label": _("State not stated"), "shape": "dash", "current": True}]
    taken = standing_steps(steps)
    days = {step.to_state: step.taken_on for step in taken}
    way = _way(project, taken)
    return [
        *unknown,
        *(
            {
                "label": one.label,
                "shape": mark.shape if mark else "",
                "current": one.value == project.state,
                "day": days.get(one.value),
            }
            for one in way
        ),
    ]


def _way(project: Project, taken: Sequence[ProjectStep]) -> tuple[State, ...]:
    """The states in their order: as the steps were taken where there are any, then as is usual."""
    if not project.state:
        return _WAY
    usual = _BESIDE.get(State(project.state), _WAY)
    if not taken:
        return usual
    # What was passed before the first step is taken as usual; a state passed twice stands where it was last.
    begun = State(taken[0].from_state)
    passed = [*(usual[: usual.index(begun)] if begun in usual else ()), begun]
    for step in taken:
        reached = State(step.to_state)
        passed = [state for state in passed if state != reached] + [reached]
    here = State(project.state)
    after = usual[usual.index(here) + 1 :] if here in usual else ()
    return (*passed, *(state for state in after if state not in passed))


def next_step(project: Project, reader: Reader, missing: Sequence[Need]) -> dict[str, Any] | None:
    """The steps from here: the usual one with what it needs, met or not, then the others. None if withdrawn.

    `missing` is what is missing of everything that the states ahead ask for.
    """
    if project.is_withdrawn or (project.state and project.state not in _NEXT):
        return None
    told: dict[str, Any] = {"text": _NEXT[project.state]}
    if not reader.can("project.change", project):
        return told
    if not project.state:
        url = reverse("projects:state", args=[project.pk])
        return told | {"url": url, "action": _("Give the state")}
    here = State(project.state)
    ways = [
        {
            "url": reverse("projects:step", args=[project.pk, to_state.value]),
            "action": step_label(here, to_state),
            "needs": [
                {"label": _capital(need.label), "met": need not in missing, "url": need.place(project)}
                for need in asked_for(here, to_state)
            ],
        }
        for to_state in steps_from(here)
    ]
    first, *others = ways
    return told | first | {"others": others}


def asked_ahead(project: Project) -> list[Need]:
    """All that the project's state needs or a step from it asks for, each once."""
    if not project.state or project.is_withdrawn:
        return []
    here = State(project.state)
    asked = [need for to_state in WAYS[here] for need in asked_for(here, to_state)]
    behind = () if here in LEFT_IN_PEACE else needed_in(here)
    return list(dict.fromkeys((*behind, *asked)))


# Where what a rule speaks of is mended: a field of the form in which the project is changed.
_RULE_FIELDS: Mapping[str, str] = {"owner_unit": "owner_unit", "end_passed": "ends", "own_share": "own_share"}
# The same in the form of our own part of another's project.
_PART_FIELDS: Mapping[str, str] = {"owner_unit": "unit", "own_share": "own_share"}


def _place_of(rule: Rule, project: Project, *, is_part: bool) -> str:
    """The address where what the rule speaks of is mended; "" where no page is known for it."""
    if rule.name == "contact_person":
        return reverse("responsibilities")
    page, fields = ("share_part", _PART_FIELDS) if is_part else ("change", _RULE_FIELDS)
    if rule.name not in fields:
        return ""
    return f"{reverse(f'projects:{page}', args=[project.pk])}#id_{fields[rule.name]}"


def to_deal_with(
    project: Project, missing: Sequence[Need], rules: Sequence[Rule], *, is_part: bool = False
) -> list[dict[str, Any]]:
    """The rules that speak of the project, and one by one what its state needs: the most important first.

    What belongs to steps taken before is `earlier`, the latest of them first. `is_part` says that the reader's
    municipality has a part of another's project.
    """
    found: list[dict[str, Any]] = [
        {
            "label": rule.label,
            "sentence": rule.sentence,
            "serious": rule.serious,
            "url": _place_of(rule, project, is_part=is_part),
            "earlier": False,
        }
        for rule in sorted(rules, key=lambda rule: not rule.serious)
        if rule.name != "state_needs"
    ]
    if project.is_withdrawn or not project.state or project.state in LEFT_IN_PEACE:
        return found
    told = {rule.name for rule in rules}
    return found + [
        {
            "label": need.label,
            "sentence": need.sentence,
            "serious": False,
            "url": need.place(project),
            "earlier": need.from_state != project.state,
        }
        for need in sorted(
            needed_in(project.state),
            key=lambda need: PASSED[State(project.state)].index(need.from_state),
            reverse=True,
        )
        if need in missing and need.told_by not in told
    ]


def next_date(project: Project, follow_ups: Sequence[EffectFollowUp], today: date) -> dict[str, Any] | None:
    """The nearest of what is to come: start, end, follow-up, the day until which the documents are kept.

    A follow-up that is late is nearest of all.
    """
    if project.is_withdrawn:
        return None
    coming = [(one.due_on, _("the effect is followed up")) for one in follow_ups if one.done_on is None]
    dates = [
        *coming,
        *(
            (day, what)
            for day, what in (
                (project.starts_on, _("the project starts")),
                (project.ends_on, _("the project's last day")),
                (project.kept_until, _("the documents are kept until this day")),
            )
            if day is not None and day >= today
        ),
    ]
    if not dates:
        return None
    day, what = min(dates, key=lambda one: one[0])
    return {"day": day, "what": what, "late": day < today}


# What stands beside the next step; the rest is folded away.
_FOREMOST = (
    *("owner_unit", "our_unit", "owned_by", "project_manager", "contact_person", "role", "funder"),
    *("granted", "programme", "period", "project_number", "dnr"),
)


def foremost(told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the facts those that one comes for: who, whose money, when, and the numbers, as far as they are known."""
    return [fact for fact in told if fact["value"] and fact.get("name") in _FOREMOST]


def the_rest(told: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [fact for fact in told if not fact["value"] or fact.get("name") not in _FOREMOST]


def contact_persons(unit: Unit | None, today: date) -> list[Person]:
    """The unit's ordinary contact persons today."""
    if unit is None:
        return []
    here = Assignment.objects.filter(unit=unit, role=Role.CONTACT_PERSON, subject="").valid_on(today)
    return list(Person.objects.filter(pk__in=here.values("person")).order_by("name", "pk"))


def gates(
    project: Project,
    standing: Mapping[GateKind, ProjectGate | None],
    documents: Mapping[int, Document],
    reads: bool,
) -> list[dict[str, Any]]:
    """The six gates, each with who, when and, for who may read it, what shows it.

    `documents` are those behind them that the reader may read, by key; of others the number alone is told.
    """
    return [
        {
            "label": kind.label,
            "url": reverse("projects:gate", args=[project.pk, kind.value]),
            "day": gate.done_on if gate else None,
            "by": gate.done_by if gate else None,
            "evidence": gate.evidence if gate and reads else "",
            "document": documents.get(gate.document_id) if gate and gate.document_id else None,
            "unread": unnamed(gate.document)
            if gate and gate.document and gate.document_id not in documents
            else "",
        }
        for kind, gate in standing.items()
    ]


# Nobody expects to read yet what came of it.
_TOO_EARLY = (State.IDEA, State.ANCHORING, State.DECIDED_TO_APPLY, State.APPLIED, State.GRANTED)


def effects(project: Project) -> list[dict[str, Any]]:
    """What the project is for, and, once it runs or something is known of it, what came of it."""
    expected: list[dict[str, Any]] = [
        {"label": _("Link to the operations"), "value": project.link_to_operations},
        {"label": _("Expected effect"), "value": project.expected_effect},
    ]
    known = project.achieved_effect or project.kept_up or project.kept_up_by or project.final_reported_on
    if project.state in _TOO_EARLY and not known:
        return expected
    return [
        *expected,
        {"label": _("Achieved effect"), "value": project.achieved_effect},
        {"label": _("How it is kept up"), "value": project.kept_up},
        {"label": _("Kept up by"), "value": project.kept_up_by},
        {
            "label": _("Final report handed in on"),
            "value": project.final_reported_on and project.final_reported_on.isoformat(),
        },
    ]


def _capital(text: Text) -> str:
    return str(text)[:1].upper() + str(text)[1:]


def figures(project: Project, share: ProjectShare | None) -> list[dict[str, Any]]:
    """Own share and total budget, never mixed. `share` is the reader's own row in another's project."""
    whole, own = project.budget, (share or project).share
    of_whole = _("of the project's %(amount)s") % {"amount": on_screen(whole)} if whole and own else ""
    return [
        {"label": _("Own share"), "value": on_screen(own) or None, "note": of_whole},
        {"label": _("Total budget"), "value": on_screen(whole) or None, "note": _("all parties together")},
    ]


def facts(
    project: Project, share: ProjectShare | None, reader: Reader, contacts: Sequence[Person] = ()
) -> list[dict[str, Any]]:
    """Everything the register holds about the project. What is not known stands there without a value.

    `contacts` are the contact persons of the unit that answers for it on the reader's side.
    """
    ours = share or project
    period = project.period_label
    if not period and project.recorded_for_year:
        period = _("not stated; recorded for %(year)d") % {"year": project.recorded_for_year}
    answers: list[dict[str, Any]]
    if share:
        answers = [
            {"label": _("Owned by"), "value": str(project.municipality), "name": "owned_by"},
            {"label": _("Our unit"), "value": share.unit, "name": "our_unit"},
            _contact_person(contacts),
        ]
    else:
        units = [str(part.unit) for part in project.taking_part.all()]
        answers = [
            {"label": _("Owner unit"), "value": project.owner_unit, "name": "owner_unit"},
            {"label": _("Units taking part"), "value": ", ".join(units)},
            {"label": _("Project manager"), "value": project.project_manager, "name": "project_manager"},
            _contact_person(contacts),
        ]
    return [
        *answers,
        {
            "label": _("Our role"),
            "value": ProjectRole(ours.role).label if ours.role else None,
            "name": "role",
        },
        {
            "label": _("Our co-financing"),
            "value": CoFinancingKind(ours.co_financing).label if ours.co_financing else None,
        },
        {"label": _("Programme"), "value": _of_owner(project, "programme"), "name": "programme"},
        {"label": _("Funder"), "value": _of_owner(project, "funder"), "name": "funder"},
        *([] if share else _granted(project, reader)),
        {"label": _("Period"), "value": period, "name": "period"},
        {"label": _("Other parties"), "value": _parties(project)},
        {"label": _("Level"), "value": project.get_level_display()},
        {"label": _("Kind of project"), "value": project.get_kind_display()},
        *_research(project),
        {"label": _("Source of the idea"), "value": project.get_source_display()},
        {"label": _("Started by"), "value": project.initiated_by},
        {"label": _("Decided by"), "value": project.decided_by},
        {"label": _("Our registry number"), "value": project.dnr, "name": "dnr"},
        {"label": _("The funder's reference"), "value": project.external_reference},
        {"label": _("Accounting"), "value": project.get_accounting_display()},
        *([{"label": _("Accounted by"), "value": project.accounted_by}] if project.accounted_by else []),
        {"label": _("Project number"), "value": project.project_number, "name": "project_number"},
        *(
            [{"label": _("Documents kept until"), "value": project.kept_until.isoformat()}]
            if project.kept_until
            else []
        ),
        *(
            [{"label": _("Place in the archive"), "value": project.archive_place}]
            if project.archive_place
            else []
        ),
        *_related(project),
        *_shared_with(project, reader),
        *(
            [{"label": _("Note"), "value": project.note}]
            if project.note and reader.can("project.read_notes", project)
            else []
        ),
        {"label": _("Registered"), "value": date_format(localtime(project.registered_at), "Y-m-d")},
    ]


def _granted(project: Project, reader: Reader) -> Iterable[dict[str, Any]]:
    """What the funders' lists say is granted to us: neither the own share nor the total budget. One query.

    The sum is public; the grant's own page is for those who deal with the lists.
    """
    leads = bool(reader.can("grant_list.read"))
    found = ListedGrant.objects.filter(project=project, municipality=project.municipality_id)
    for grant in found.order_by("source", "reference", "pk"):
        amount = on_screen(grant.granted) if grant.granted else _("amount not stated")
        yield {
            "label": _("Granted to us according to a public list"),
            "value": ", ".join((amount, grant.reference, grant.source)),
            "url": reverse("projects:grant_settle", args=[grant.pk]) if leads else "",
            "name": "granted",
        }


def _of_owner(project: Project, name: str) -> str | None:
    """A name that only the owning municipality has is not seen from the others."""
    if getattr(project, f"{name}_id") is None:
        return None
    known = getattr(project, name)
    return str(known) if known else _("known to %(municipality)s") % {"municipality": project.municipality}


def _parties(project: Project) -> str:
    """ "Tartu linn (EE, Partner), 11 universitet (Europa)": how many in all stands last where some are counted."""
    parties = list(project.parties.all())
    told = []
    for party in parties:
        what = party.name or f"{party.number} {party.kind}"
        more = ", ".join(part for part in (party.place, party.country, str(party.get_role_display())) if part)
        told.append(f"{what} ({more})" if more else what)
    count = sum(party.number for party in parties)
    if count > len(parties):
        told.append(ngettext("%(count)d party in all", "%(count)d parties in all", count) % {"count": count})
    return ", ".join(told)


def _contact_person(contacts: Sequence[Person]) -> dict[str, Any]:
    return {"label": _("Contact person"), "value": ", ".join(map(str, contacts)), "name": "contact_person"}


def _research(project: Project) -> Iterable[dict[str, Any]]:
    if project.kind != Kind.RESEARCH:
        return
    yield {"label": _("Research led by"), "value": project.research_led_by}
    yield {"label": _("Our part in the research"), "value": project.our_research_part}
    count = project.doctoral_students
    yield {"label": _("Doctoral students"), "value": None if count is None else str(count)}


def _related(project: Project) -> Iterable[dict[str, Any]]:
    for label, several in (
        (_("Follows"), [project.follows] if project.follows else []),
        (_("Followed by"), list(project.followed_by.all())),
        (_("Part of"), [project.part_of] if project.part_of else []),
        (_("Has the parts"), list(project.parts.all())),
    ):
        for other in several:
            yield {
                "label": label,
                "value": f"{other.register_id} {other.title}",
                "url": other.get_absolute_url(),
            }


def _shared_with(project: Project, reader: Reader) -> Sequence[dict[str, Any]]:
    others = [share for share in project.shares.all() if share.municipality_id != reader.municipality.pk]
    if not others:
        return []
    return [{"label": _("Shared with"), "value": ", ".join(str(share.municipality) for share in others)}]
