"""What a project was to bring, what it brought, who keeps it up, and when that is followed up (000-69)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pages.forms import register_messages
from projects.models import EffectFollowUp, Project
from projects.registry import marked_reason, require_standing
from strategy import history
from strategy.permissions import Reader
from strategy.todo import Task

# The effect is followed up so many years after the end, at the earliest and at the latest.
FIRST_YEAR, LAST_YEAR = 1, 3
# A follow-up is told of this long before its day.
AHEAD = timedelta(days=30)

MESSAGES = {
    "project_kept_up_by_in_same_municipality": _("Choose a unit of your own municipality."),
    "followed_up_once_a_day": _("There is a follow-up on this day already. Choose another day."),
    "a_follow_up_done_says_what_was_found": _("Say what the follow-up found, and when it was done."),
}
register_messages(
    MESSAGES,
    fields={
        "project_kept_up_by_in_same_municipality": "kept_up_by",
        "a_follow_up_done_says_what_was_found": "outcome",
    },
)


def years_after(day: date, years: int) -> date:
    """The same day so many years on; 28 February where that year has no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def end_of(project: Project) -> date | None:
    """The day from which one to three years are counted: the last day, else that of the final report."""
    return project.ends_on or project.final_reported_on


def proposed_dates(
    project: Project, standing: Iterable[date] = (), *, today: date = date.min
) -> tuple[date, ...]:
    """One and three years after the end, but for what stands already; none where the end is not known.

    Nor a day before `today`: a follow-up that would be late the moment it is planned is no proposal.
    """
    end = end_of(project)
    if end is None:
        return ()
    known = set(standing)
    return tuple(
        day
        for day in (years_after(end, FIRST_YEAR), years_after(end, LAST_YEAR))
        if day not in known and day >= today
    )


def refused_date(project: Project, day: date) -> str:
    """Why the effect is not followed up on the day; "" where it may be."""
    end = end_of(project)
    if end is None:
        return ""
    first, last = years_after(end, FIRST_YEAR), years_after(end, LAST_YEAR)
    if first <= day <= last:
        return ""
    return gettext(
        "The effect is followed up one to three years after the end: choose a day from %(first)s to %(last)s."
    ) % {"first": first.isoformat(), "last": last.isoformat()}


class DateRefused(ValueError):
    """The message is a sentence that says what to do."""


@transaction.atomic
def plan_follow_ups(
    reader: Reader, project: Project, days: Iterable[date], *, reason: str = ""
) -> Sequence[EffectFollowUp]:
    """Plans follow-ups; a day that stands already is left as it is. Raises DateRefused.

    `reason` is that of the act, where it has one.
    """
    reader.require("project.change", project)
    require_standing(project)
    wanted = sorted(set(days))
    for day in wanted:
        if refused := refused_date(project, day):
            raise DateRefused(refused)
    known = set(project.follow_ups.values_list("due_on", flat=True))
    history.give_reason(marked_reason(reader, project.owner_unit, reason))
    return [
        EffectFollowUp.objects.create(municipality_id=project.municipality_id, project=project, due_on=day)
        for day in wanted
        if day not in known
    ]


@transaction.atomic
def save_follow_up(reader: Reader, follow_up: EffectFollowUp, *, reason: str) -> None:
    """Saves what a follow-up found, or another day for it."""
    reader.require("project.change", follow_up.project)
    require_standing(follow_up.project)
    history.give_reason(marked_reason(reader, follow_up.project.owner_unit, reason))
    follow_up.save()


@transaction.atomic
def remove_follow_up(reader: Reader, follow_up: EffectFollowUp, *, reason: str) -> None:
    """Takes away a follow-up that will not be made."""
    reader.require("project.change", follow_up.project)
    require_standing(follow_up.project)
    history.give_reason(marked_reason(reader, follow_up.project.owner_unit, reason))
    follow_up.delete()


# --- what waits ------------------------------------------------------------------------------------------


def waiting_follow_ups(reader: Reader) -> QuerySet[EffectFollowUp]:
    """Due within a month or late, of the projects that the reader may change."""
    if not reader.can("project.change"):
        return EffectFollowUp.objects.none()
    found = EffectFollowUp.objects.filter(
        municipality=reader.municipality,
        done_on__isnull=True,
        due_on__lte=reader.today + AHEAD,
        project__in=changed_by(reader),
    )
    return found.select_related("project__owner_unit").order_by("due_on", "pk")


def changed_by(reader: Reader) -> QuerySet[Project]:
    """The municipality's own standing projects that the reader may change."""
    own = Project.objects.visible_to(reader).standing().filter(municipality=reader.municipality)
    units = reader.units("project.change")
    if units is None:
        return own
    return own.filter(owner_unit__in=units) | own.filter(project_manager=reader.person)


def follow_up_tasks(reader: Reader) -> Iterable[Task]:
    for follow_up in waiting_follow_ups(reader):
        project = follow_up.project
        late = follow_up.is_late(reader.today)
        yield Task(
            title=f"{project.register_id} {project.title}",
            url=reverse("projects:follow_up", args=[follow_up.pk]),
            why=gettext("Follow up what became of what the project achieved, and write down what you find."),
            when=gettext("follow-up is late") if late else gettext("follow-up"),
            # It waits from the day on which it is first told of.
            since=follow_up.due_on - AHEAD,
            until=follow_up.due_on,
            whose=str(project.owner_unit or ""),
            tone="stop" if late else "warn",
        )
