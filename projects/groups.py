"""Groups around a project: who sits in them for which unit, when they met and where the minutes are (000-61, 81).

A group ends on a day and a membership ends on a day; what was entered by mistake is taken away with a reason and
stands in the history. Who changes the project changes its groups. What a group dealt with, and its minutes, are read
by those who read the documents of the project.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pages.columns import Column, Mark, listing
from pages.forms import register_messages
from projects.documents import add_to_project, choosable
from projects.models import GroupKind, GroupMeeting, GroupMember, Project, ProjectGroup
from projects.registry import marked_reason, require_standing
from strategy import history
from strategy.models import DocumentKind
from strategy.permissions import Reader

MESSAGES = {
    "a_group_stands_once": gettext_lazy(
        "The project has a group of this kind and name already. Give this one another name."
    ),
    "group_kind_is_known": gettext_lazy("Choose a kind of group in the list."),
    "group_project_in_same_municipality": gettext_lazy("Choose a project of your own municipality."),
    "member_group_in_same_municipality": gettext_lazy("Choose a group of your own municipality."),
    "member_unit_in_same_municipality": gettext_lazy("Choose a unit of your own municipality."),
    "a_member_is_ours_or_anothers": gettext_lazy(
        "A member represents one of our units, or another organisation without a name of a person. "
        "Fill in one of them."
    ),
    "member_ends_after_beginning": gettext_lazy(
        "The membership must not end before it begins. Correct one of the days."
    ),
    "no_personal_identity_number_about_a_member": gettext_lazy(
        "The text holds what looks like a personal identity number. Write it without."
    ),
    "person_works_here": gettext_lazy(
        "The person needs an assignment in the municipality. Give one on the page Responsibilities first."
    ),
    "a_group_meets_once_a_day": gettext_lazy(
        "The group has a meeting on this day already. Change that one instead."
    ),
    "meeting_group_in_same_municipality": gettext_lazy("Choose a group of your own municipality."),
    "meeting_minutes_in_same_municipality": gettext_lazy("Choose a document of your own municipality."),
}
FIELDS = {
    "a_group_stands_once": "name",
    "group_kind_is_known": "kind",
    "member_unit_in_same_municipality": "unit",
    "member_ends_after_beginning": "ends_on",
    "person_works_here": "person",
    "a_group_meets_once_a_day": "held_on",
    "meeting_minutes_in_same_municipality": "minutes",
}
register_messages(MESSAGES, fields=FIELDS)


# --- who may ---------------------------------------------------------------------------------------------


def own_groups(reader: Reader) -> QuerySet[ProjectGroup]:
    """Groups of the municipality's own projects that the reader sees."""
    seen = Project.objects.visible_to(reader).filter(municipality=reader.municipality)
    return ProjectGroup.objects.filter(municipality=reader.municipality, project__in=seen)


def _require(reader: Reader, group: ProjectGroup) -> None:
    reader.require("project.change", group.project)
    require_standing(group.project)


def _give_reason(reader: Reader, group: ProjectGroup, reason: str) -> None:
    history.give_reason(marked_reason(reader, group.project.owner_unit, reason))


# --- a group ---------------------------------------------------------------------------------------------


def save_group(reader: Reader, group: ProjectGroup, *, reason: str = "") -> None:
    """A new group of the project, or a changed one. The project never changes."""
    group.municipality = reader.municipality
    _require(reader, group)
    _give_reason(reader, group, reason)
    group.save()


class MetLater(ValueError):
    """The group met, or is to meet, after the day on which it is to end; the message is a sentence."""


def end_group(reader: Reader, group: ProjectGroup, last_day: date, *, reason: str = "") -> None:
    """The group's last day. Raises MetLater."""
    _require(reader, group)
    later = group.meetings.filter(held_on__gt=last_day).first()
    if later is not None:
        raise MetLater(
            _("The group has a meeting on %(day)s. Choose a later day, or change the meeting first.")
            % {"day": later.held_on.isoformat()}
        )
    _give_reason(reader, group, reason)
    group.ended_on = last_day
    group.save(update_fields=["ended_on"])


def remove_group(reader: Reader, group: ProjectGroup, *, reason: str) -> None:
    """Takes away a group that was entered by mistake: only while nobody sits in it and it has not met."""
    _require(reader, group)
    if not may_be_removed(group):
        raise PermissionDenied(_("A group with members or meetings is not taken away. End it instead."))
    _give_reason(reader, group, reason)
    group.delete()


def may_be_removed(group: ProjectGroup) -> bool:
    return not group.members.exists() and not group.meetings.exists()


# --- members ---------------------------------------------------------------------------------------------


def save_member(reader: Reader, member: GroupMember, *, reason: str = "") -> None:
    """A new seat in the group, or a changed one; a membership that is over gets its last day."""
    member.municipality = reader.municipality
    _require(reader, member.group)
    _give_reason(reader, member.group, reason)
    member.save()


def remove_member(reader: Reader, member: GroupMember, *, reason: str) -> None:
    """Takes away a member who was entered by mistake and never sat in the group."""
    _require(reader, member.group)
    _give_reason(reader, member.group, reason)
    member.delete()


def sits_already(member: GroupMember) -> bool:
    """Whether the same person, unit or organisation with the same function sits in the group at that time."""
    same = GroupMember.objects.filter(
        group=member.group,
        person=member.person,
        unit=member.unit,
        organisation=member.organisation,
        **({} if member.person else {"function": member.function}),
    ).exclude(pk=member.pk)
    first, last = member.starts_on or date.min, member.ends_on or date.max
    return any((one.starts_on or date.min) <= last and first <= (one.ends_on or date.max) for one in same)


# --- meetings --------------------------------------------------------------------------------------------


def save_meeting(
    reader: Reader,
    meeting: GroupMeeting,
    *,
    upload: UploadedFile[Any] | None = None,
    reason: str = "",
) -> tuple[str, ...]:
    """A meeting with its minutes, which stand among the documents of the project or come with `upload`.

    Returns what whoever sent a file should know about it. Raises DocumentRefused and SameContents.
    """
    group = meeting.group
    meeting.municipality = reader.municipality
    _require(reader, group)
    _give_reason(reader, group, reason)
    notes: tuple[str, ...] = ()
    if upload is not None:
        title = _("Minutes of %(group)s %(day)s") % {"group": group, "day": meeting.held_on.isoformat()}
        meeting.minutes, notes = add_to_project(
            reader,
            group.project,
            upload,
            kind=DocumentKind.MINUTES,
            title=title[:200],
            dated_on=meeting.held_on,
        )
    elif meeting.minutes_id is not None:
        standing = GroupMeeting.objects.filter(pk=meeting.pk).values_list("minutes", flat=True).first()
        if meeting.minutes_id != standing and not (
            choosable(reader, group.project).filter(pk=meeting.minutes_id).exists()
        ):
            raise PermissionDenied(_("Choose minutes among the documents of the project."))
    meeting.save()
    return notes


def remove_meeting(reader: Reader, meeting: GroupMeeting, *, reason: str) -> None:
    """Takes away a meeting that was not held. Its minutes stay among the documents."""
    _require(reader, meeting.group)
    _give_reason(reader, meeting.group, reason)
    meeting.delete()


# --- how they are shown ----------------------------------------------------------------------------------


def in_order(groups: Iterable[ProjectGroup]) -> list[ProjectGroup]:
    """Those that stand first, and by kind as the kinds are listed."""
    kinds = GroupKind.values
    return sorted(groups, key=lambda group: (group.ended_on is not None, kinds.index(group.kind), group.pk))


def sits(member: GroupMember, today: date) -> bool:
    """Whether the membership is not over; one that is to come counts too."""
    return member.ends_on is None or member.ends_on >= today


def group_label(group: ProjectGroup) -> str:
    """ "Steering group", or with a name of its own "Steering group: Trygg hemma"."""
    kind = str(group.get_kind_display())
    return f"{kind}: {group.name}" if group.name else kind


def ended_mark(group: ProjectGroup, today: date) -> Mark:
    if group.ended_on is not None and group.ended_on < today:
        return Mark(_("Ended %(day)s") % {"day": group.ended_on.isoformat()}, "full")
    if group.ended_on is not None:
        return Mark(_("Until %(day)s") % {"day": group.ended_on.isoformat()}, "half")
    return Mark(_("Standing"), "half")


def groups_part(reader: Reader, project: Project) -> dict[str, Any]:
    """What templates/projects/groups/part.html takes."""
    groups = in_order(project.groups.prefetch_related("members__unit", "meetings"))
    today = reader.today

    def members(group: ProjectGroup) -> str | None:
        seats = [member for member in group.members.all() if sits(member, today)]
        if not seats:
            return None
        return ngettext("%(count)d member", "%(count)d members", len(seats)) % {"count": len(seats)}

    def represented(group: ProjectGroup) -> list[str]:
        seats = [member for member in group.members.all() if sits(member, today)]
        return list(dict.fromkeys(str(member.unit or member.organisation) for member in seats))

    def latest(group: ProjectGroup) -> date | None:
        return max(
            (meeting.held_on for meeting in group.meetings.all() if meeting.held_on <= today), default=None
        )

    def next_one(group: ProjectGroup) -> str:
        coming = min((one.held_on for one in group.meetings.all() if one.held_on > today), default=None)
        return _("next %(day)s") % {"day": coming.isoformat()} if coming else ""

    columns = (
        Column(
            "group",
            gettext_lazy("Group"),
            group_label,
            row_header=True,
            href=lambda group: reverse("projects:group", args=[group.pk]),
        ),
        Column("members", gettext_lazy("Members"), members, small=represented, missing=_("no members yet")),
        Column(
            "latest",
            gettext_lazy("Latest meeting"),
            latest,
            kind="date",
            small=next_one,
            missing=_("none yet"),
        ),
        Column(
            "state", gettext_lazy("State"), lambda group: ended_mark(group, today), kind="mark", first=True
        ),
    )
    may_change = not project.is_withdrawn and reader.can("project.change", project)
    return {
        "listing": listing(columns, groups, name=_("Groups of the project")) if groups else None,
        "add_url": reverse("projects:group_add", args=[project.pk]) if may_change else "",
    }


def has_groups(reader: Reader, project: Project) -> bool:
    """Shown where something stands or may be added; never to a municipality that has only a share."""
    return project.municipality_id == reader.municipality.pk
