"""What the project page shows: its way, figures, facts and history, each ready for its component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import Text, on_screen
from projects.columns import state_mark
from projects.models import CoFinancingKind, Project, ProjectRole, ProjectShare, State
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

# What usually comes next, in a sentence to whoever answers for the project.
_NEXT: Mapping[str, Text] = {
    "": gettext_lazy("Find out how far the project has come, and give its state."),
    State.IDEA: gettext_lazy("Anchor the idea in the unit before it is decided whether to apply."),
    State.ANCHORING: gettext_lazy("Decide whether to apply."),
    State.DECIDED_TO_APPLY: gettext_lazy("Send in the application."),
    State.APPLIED: gettext_lazy("Wait for the funder's decision, and register it when it comes."),
    State.GRANTED: gettext_lazy("Ask for a project number and start the project."),
    State.ONGOING: gettext_lazy("Keep period, amounts and parties up to date while the project runs."),
    State.PAUSED: gettext_lazy("Decide when the project goes on, or whether it is broken off."),
    State.FINAL_REPORTED: gettext_lazy("End the project when the funder has approved the final report."),
    State.ENDED: gettext_lazy("Archive the documents of the project."),
}


def life(project: Project) -> list[dict[str, Any]]:
    """The states that the project passes, the present one marked; "not stated" stands first."""
    mark = state_mark(project)
    if project.is_withdrawn and mark is not None:
        return [{"label": mark.label, "shape": mark.shape, "current": True}]
    unknown = [] if project.state else [{"label": _("State not stated"), "shape": "dash", "current": True}]
    way = _BESIDE.get(State(project.state), _WAY) if project.state else _WAY
    return [
        *unknown,
        *(
            {"label": one.label, "shape": mark.shape if mark else "", "current": one.value == project.state}
            for one in way
        ),
    ]


def next_step(project: Project) -> Text | None:
    return None if project.is_withdrawn else _NEXT.get(project.state)


def figures(project: Project, share: ProjectShare | None) -> list[dict[str, Any]]:
    """Own share and total budget, never mixed. `share` is the reader's own row in another's project."""
    whole, own = project.budget, (share or project).share
    of_whole = _("of the project's %(amount)s") % {"amount": on_screen(whole)} if whole and own else ""
    return [
        {"label": _("Own share"), "value": on_screen(own) or None, "note": of_whole},
        {"label": _("Total budget"), "value": on_screen(whole) or None, "note": _("all parties together")},
    ]


def facts(project: Project, share: ProjectShare | None, reader: Reader) -> list[dict[str, Any]]:
    """Everything the register holds about the project. What is not known stands there without a value."""
    ours = share or project
    period = project.period_label
    if not period and project.recorded_for_year:
        period = _("not stated; recorded for %(year)d") % {"year": project.recorded_for_year}
    answers: list[dict[str, Any]]
    if share:
        answers = [
            {"label": _("Owned by"), "value": str(project.municipality)},
            {"label": _("Our unit"), "value": share.unit},
        ]
    else:
        units = [str(part.unit) for part in project.taking_part.all()]
        answers = [
            {"label": _("Owner unit"), "value": project.owner_unit},
            {"label": _("Units taking part"), "value": ", ".join(units)},
            {"label": _("Project manager"), "value": project.project_manager},
        ]
    return [
        *answers,
        {"label": _("Our role"), "value": ProjectRole(ours.role).label if ours.role else None},
        {
            "label": _("Our co-financing"),
            "value": CoFinancingKind(ours.co_financing).label if ours.co_financing else None,
        },
        {"label": _("Programme"), "value": _of_owner(project, "programme")},
        {"label": _("Funder"), "value": _of_owner(project, "funder")},
        {"label": _("Period"), "value": period},
        {"label": _("Other parties"), "value": _parties(project)},
        {"label": _("Decided by"), "value": project.decided_by},
        {"label": _("Accounting"), "value": project.get_accounting_display()},
        *([{"label": _("Accounted by"), "value": project.accounted_by}] if project.accounted_by else []),
        {"label": _("Project number"), "value": project.project_number},
        *_related(project),
        *_shared_with(project, reader),
        *(
            [{"label": _("Note"), "value": project.note}]
            if project.note and reader.can("project.read_notes", project)
            else []
        ),
        {"label": _("Registered"), "value": date_format(localtime(project.registered_at), "Y-m-d")},
    ]


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
