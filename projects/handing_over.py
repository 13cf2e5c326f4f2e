"""What a person answers for on this floor: projects that he or she runs, and seats in their groups.

Neither has a day of its own to be given ahead: the worker carries them out on the day of the handover.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from projects.models import FINISHED, GroupMember, Project
from projects.registry import marked_reason
from strategy import history
from strategy.handover import Duty, Giving, Held, NotGiven, duties
from strategy.models import Person
from strategy.permissions import Decision, Reader


def _giving_on(reader: Reader, project: Project) -> Decision:
    return reader.can("handover.make", project)


def _projects_run(reader: Reader, person: Person) -> list[Held]:
    """What is finished keeps who ran it."""
    rows = (
        Project.objects.filter(municipality=reader.municipality, project_manager=person)
        .standing()
        .exclude(state__in=FINISHED)
        .order_by("register_year", "register_number")
    )
    return [
        Held(
            kind="project",
            id=row.pk,
            label=row.title,
            url=reverse("projects:detail", args=[row.pk]),
            detail=row.register_id,
            until=row.ends_on,
            may=_giving_on(reader, row),
        )
        for row in rows
    ]


def _may_receive(reader: Reader, held: Held, receiver: Person | None, on: date) -> Decision:
    """Who runs a project may change it: nobody helps him- or herself to that."""
    if receiver is None or receiver.pk != reader.person.pk:
        return Decision(True)
    project = Project.objects.get(pk=held.id)
    if reader.can("project.change", project):
        return Decision(True)
    return Decision(
        False, _("Nobody makes him- or herself project manager. Ask the international strategist to do it.")
    )


def _tell_of(giving: Giving, project: Project) -> None:
    """That the strategist acted for a unit without a contact person stands in the history of the act."""
    if giving.reader is None:
        return  # The worker does what was ordered.
    told = marked_reason(giving.reader, project.owner_unit, giving.reason)
    # Of several things given at once, one is enough; it is not taken away by the next.
    if told != giving.reason:
        history.give_reason(told)


def _give_project(giving: Giving, pk: int) -> None:
    project = (
        Project.objects.select_for_update(of=("self",))
        .select_related("owner_unit")
        .filter(pk=pk, municipality=giving.municipality)
        .first()
    )
    if project is None:
        raise NotGiven(_("It is no longer there."))
    if giving.receiver is None:
        raise NotGiven(_("Choose who takes this over: somebody must answer for it."))
    if project.is_withdrawn:
        raise NotGiven(_("The project is withdrawn, and stays as it was."))
    if project.project_manager_id != giving.person.pk:
        raise NotGiven(_("Somebody else runs the project by now."))
    _tell_of(giving, project)
    project.project_manager = giving.receiver
    project.save(update_fields=["project_manager"])


def _seats(reader: Reader, person: Person) -> list[Held]:
    rows = (
        GroupMember.objects.filter(municipality=reader.municipality, person=person)
        .filter(Q(ends_on__isnull=True) | Q(ends_on__gte=reader.today))
        .filter(group__project__withdrawn_at__isnull=True, group__ended_on__isnull=True)
        .select_related("group__project", "unit")
        .order_by("group__project_id", "pk")
    )
    return [
        Held(
            kind="group_seat",
            id=row.pk,
            label=_("%(group)s, %(project)s")
            % {"group": row.group.name or row.group.get_kind_display(), "project": row.group.project.title},
            url=reverse("projects:detail", args=[row.group.project_id]),
            detail=row.function,
            until=row.ends_on,
            may=_giving_on(reader, row.group.project),
            ends=True,
        )
        for row in rows
    ]


def _give_seat(giving: Giving, pk: int) -> None:
    """Ends the seat the day before and seats the receiver for the same unit; a seat that had not begun is
    simply the receiver's."""
    seat = (
        GroupMember.objects.select_for_update(of=("self",))
        .select_related("group__project__owner_unit")
        .filter(pk=pk, municipality=giving.municipality)
        .first()
    )
    if seat is None:
        # Whoever was entered by mistake is taken out of the group.
        raise NotGiven(_("It is no longer there."))
    if seat.group.project.is_withdrawn or seat.group.ended_on is not None:
        raise NotGiven(_("The project is withdrawn or the group has ended, and stays as it was."))
    if seat.person_id != giving.person.pk or (seat.ends_on is not None and seat.ends_on < giving.on):
        raise NotGiven(_("The person has left this seat by now."))
    _tell_of(giving, seat.group.project)
    last = giving.on - timedelta(days=1)
    if seat.starts_on is not None and seat.starts_on > last:
        if giving.receiver is None:
            raise NotGiven(
                _("The seat begins on %(day)s, after the handover. Change it on the project's page.")
                % {"day": seat.starts_on.isoformat()}
            )
        seat.person = giving.receiver
        seat.save(update_fields=["person"])
        return
    until, seat.ends_on = seat.ends_on, last
    seat.save(update_fields=["ends_on"])
    already = GroupMember.objects.filter(group=seat.group, person=giving.receiver).exclude(
        ends_on__lt=giving.on
    )
    if giving.receiver is None or already.exists():
        return
    GroupMember.objects.create(
        municipality=giving.municipality,
        group=seat.group,
        person=giving.receiver,
        unit_id=seat.unit_id,
        function=seat.function,
        starts_on=giving.on,
        ends_on=until,
    )


duties.register(
    Duty("project", gettext_lazy("Projects run"), _projects_run, _give_project, _may_receive, place=20)
)
duties.register(Duty("group_seat", gettext_lazy("Seats in groups"), _seats, _give_seat, place=30))
