"""What changes in the register of projects: registering, correcting, withdrawing and sharing, each one act.

Every function asks permission, writes in one transaction and leaves the rest to the database, whose
constraint names are turned into sentences by the form layer (`MESSAGES`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TypeVar

import pghistory
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pages.forms import register_messages
from projects.models import Accounting, Funder, Programme, Project, ProjectParty, ProjectShare, ProjectUnit
from strategy import history
from strategy.models import Assignment, Municipality, Role, Unit
from strategy.permissions import Reader
from values.text import fold

MESSAGES = {
    "project_has_a_title": _("Give the project a title."),
    "project_ends_after_it_starts": _("The project must not end before it starts. Correct one of the dates."),
    "own_share_within_total_budget": _(
        "The own share must not be larger than the total budget. Correct one of the amounts."
    ),
    "own_share_is_not_negative": _("The own share must not be below zero."),
    "total_budget_is_not_negative": _("The total budget must not be below zero."),
    "owner_unit_may_own": _(
        "This unit may not own projects. Choose the administration, sector or company that answers for it."
    ),
    "project_owner_unit_in_same_municipality": _("Choose a unit of your own municipality."),
    "project_unit_unit_in_same_municipality": _("Choose units of your own municipality."),
    "project_follows_in_same_municipality": _("Choose a project of your own municipality."),
    "project_part_of_in_same_municipality": _("Choose a project of your own municipality."),
    "project_manager_works_here": _(
        "The project manager needs an assignment in the municipality. "
        "Give one on the page Responsibilities first."
    ),
    "project_does_not_follow_itself": _("A project cannot follow itself, nor something that follows it."),
    "project_is_no_part_of_itself": _(
        "A project cannot be part of itself, nor of something that is part of it."
    ),
    "project_is_withdrawn_with_a_reason": _("Say why the project is withdrawn."),
    "a_unit_takes_part_once": _(
        "The same unit stands twice among the units taking part. Remove one of them."
    ),
    "a_party_stands_once": _("The same party stands twice. Remove one of them."),
    "a_project_has_one_lead_partner": _("A project has one lead partner. Choose which."),
    "party_is_a_name_or_a_count": _("Name the party, or give a number and a kind such as 11 universities."),
    "a_project_is_shared_once_with_each": _("The project is already shared with this municipality."),
    "accounted_by_another_is_elsewhere": _(
        "Who accounts for the project is stated only when it is in another organisation's accounts."
    ),
    "research_is_told_of_research_projects": _(
        "This is told of research projects alone. Choose the kind research, or leave it empty."
    ),
    "no_personal_identity_number_about_who_started": _(
        "The text holds what looks like a personal identity number. Say by role who started the project."
    ),
    "project_level_is_known": _("Choose a level from the list."),
    "project_kind_is_known": _("Choose a kind of project from the list."),
    "project_source_is_known": _("Choose a source from the list."),
    "project_currency_has_three_letters": _("Give the currency with three letters, for example EUR."),
    "funder_stands_once": _("Somebody has just added this funder. Save again."),
    "programme_stands_once": _("Somebody has just added this programme. Save again."),
    "funder_is_shared_or_own": _("Choose a funder from the list."),
    "programme_is_shared_or_own": _("Choose a programme from the list."),
}
# The field of the project form that each belongs to.
FIELDS = {
    "project_has_a_title": "title",
    "project_ends_after_it_starts": "ends",
    "own_share_within_total_budget": "own_share",
    "own_share_is_not_negative": "own_share",
    "total_budget_is_not_negative": "total_budget",
    "owner_unit_may_own": "owner_unit",
    "project_owner_unit_in_same_municipality": "owner_unit",
    "project_unit_unit_in_same_municipality": "units",
    "project_follows_in_same_municipality": "follows",
    "project_part_of_in_same_municipality": "part_of",
    "project_manager_works_here": "project_manager",
    "project_does_not_follow_itself": "follows",
    "project_is_no_part_of_itself": "part_of",
    "project_is_withdrawn_with_a_reason": "reason",
    "a_unit_takes_part_once": "units",
    "a_party_stands_once": "parties",
    "a_project_has_one_lead_partner": "parties",
    "party_is_a_name_or_a_count": "parties",
    "a_project_is_shared_once_with_each": "municipality",
    "accounted_by_another_is_elsewhere": "accounted_by",
    "research_is_told_of_research_projects": "kind",
    "no_personal_identity_number_about_who_started": "initiated_by",
    "project_level_is_known": "level",
    "project_kind_is_known": "kind",
    "project_source_is_known": "source",
    "funder_is_shared_or_own": "funder",
    "programme_is_shared_or_own": "programme",
}
register_messages(MESSAGES, fields=FIELDS)


def take_register_numbers(municipality: Municipality, year: int, wanted: int) -> list[int]:
    """Numbers for register ids of the year, never given before. Nobody waits, and unused ones are gaps."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT medel_take_register_numbers(%s, %s, %s)", [municipality.pk, year, wanted])
        return [row[0] for row in cursor.fetchall()]


class OwnerUnitMissing(ValueError):
    """Who registers by hand says which unit owns the project; only an import may leave it open."""


def register_project(
    reader: Reader, project: Project, *, units: Iterable[Unit] = (), parties: Iterable[ProjectParty] = ()
) -> Project:
    """A project registered by hand: the owner unit must be given and be one the person acts for.

    Raises OwnerUnitMissing; to be named project manager oneself is no right to register.
    """
    project.municipality = reader.municipality
    if project.owner_unit is None:
        raise OwnerUnitMissing
    reader.require("project.register", project.owner_unit)
    if mark := marked_reason(reader, project.owner_unit, ""):
        pghistory.context(reason=mark)
    with transaction.atomic():
        project.register_year = reader.today.year
        (project.register_number,) = take_register_numbers(reader.municipality, project.register_year, 1)
        project.save(force_insert=True)
        set_parts(project, units=units, parties=parties)
    return project


def change_project(
    reader: Reader,
    project: Project,
    *,
    reason: str,
    units: Iterable[Unit] | None = None,
    parties: Iterable[ProjectParty] | None = None,
) -> Project:
    """Saves the corrected project; `reason` stands in the history. None leaves the parts as they are.

    Whoever moves the project to another owner unit must be one who registers for that unit.
    """
    standing = Project.objects.select_related("owner_unit").get(pk=project.pk)
    reader.require("project.change", standing)
    require_standing(standing)
    if project.owner_unit is not None and project.owner_unit_id != standing.owner_unit_id:
        reader.require("project.register", project.owner_unit)
    pghistory.context(reason=marked_reason(reader, standing.owner_unit, reason))
    with transaction.atomic():
        project.save()
        set_parts(project, units=units, parties=parties)
    project.refresh_from_db(fields=["version"])
    return project


def set_parts(
    project: Project, *, units: Iterable[Unit] | None = None, parties: Iterable[ProjectParty] | None = None
) -> None:
    """Makes the units taking part and the parties the ones given, touching only those that differ."""
    if units is not None:
        wanted = {unit.pk for unit in units}
        standing = {part.unit_id: part for part in project.taking_part.all()}
        for unit_id, part in standing.items():
            if unit_id not in wanted:
                part.delete()
        for unit_id in sorted(wanted - standing.keys()):
            ProjectUnit.objects.create(
                municipality_id=project.municipality_id, project=project, unit_id=unit_id
            )
    if parties is not None:

        def key(party: ProjectParty) -> tuple[object, ...]:
            return (party.name, party.kind, party.number, party.country, party.place, party.role)

        given = {key(party): party for party in parties}
        present = {key(party): party for party in project.parties.all()}
        for told, party in present.items():
            if told not in given:
                party.delete()
        for told, party in given.items():
            if told not in present:
                party.pk = None
                party.project = project
                party.municipality_id = project.municipality_id
                party.save(force_insert=True)


def withdraw_project(reader: Reader, project: Project, *, reason: str, at: datetime) -> None:
    """Makes the project void with a reason. It stays visible, and its register id stays used."""
    reader.require("project.withdraw", project)
    require_standing(project)
    pghistory.context(reason=marked_reason(reader, project.owner_unit, reason))
    project.withdrawn_at = at
    project.withdrawn_reason = reason.strip()
    project.save(update_fields=["withdrawn_at", "withdrawn_reason"])


def share_project(reader: Reader, project: Project, municipality: Municipality) -> ProjectShare:
    """Lets another municipality see the project in its own list, with its own unit, role and share."""
    reader.require("project.share", project)
    require_standing(project)
    if mark := marked_reason(reader, project.owner_unit, ""):
        pghistory.context(reason=mark)
    return ProjectShare.objects.create(
        owner_municipality=reader.municipality, municipality=municipality, project=project
    )


def unshare_project(reader: Reader, share: ProjectShare, *, reason: str) -> None:
    """Takes the project out of the other municipality's list; what it had filled in stays in the history."""
    reader.require("project.share", share.project)
    pghistory.context(reason=reason)
    share.delete()


def change_share(reader: Reader, share: ProjectShare, *, reason: str) -> None:
    """Saves the own unit, role and share of a municipality that does not own the project."""
    standing = ProjectShare.objects.get(pk=share.pk)
    reader.require("project.change", standing)
    if share.unit is not None and share.unit_id != standing.unit_id:
        reader.require("project.register", share.unit)
    pghistory.context(reason=marked_reason(reader, standing.unit, reason))
    share.save()


def require_standing(project: Project) -> None:
    """What is withdrawn is kept as it was."""
    if project.is_withdrawn:
        raise PermissionDenied(_("The project is withdrawn. What is withdrawn stays as it was."))


def lacks_contact_person(unit: Unit | None, today: date) -> bool:
    """Whether the unit has no ordinary contact person on the day; an unknown unit has none."""
    if unit is None:
        return True
    contacts = Assignment.objects.filter(unit=unit, role=Role.CONTACT_PERSON, subject="").valid_on(today)
    return not contacts.exists()


def marked_reason(reader: Reader, unit: Unit | None, reason: str) -> str:
    """The reason, with the mark that the strategist acted for a unit without a contact person if so."""
    if Role.STRATEGIST not in reader.roles or not lacks_contact_person(unit, reader.today):
        return reason
    with history.in_the_record():
        mark = (
            gettext("The strategist acted for %(unit)s, which has no contact person.") % {"unit": unit}
            if unit is not None
            else gettext("The strategist acted, as no unit is known to answer for the project.")
        )
    return f"{reason} ({mark})" if reason else mark


def standing_locked(reader: Reader, project: Project) -> Project:
    """The municipality's own project as it stands now, held until the transaction ends.

    Raises PermissionDenied where it is another municipality's, or has been withdrawn since it was shown.
    """
    held = (
        Project.objects.filter(municipality=reader.municipality, pk=project.pk)
        .select_for_update(of=("self",))
        .first()
    )
    if held is None or held.is_withdrawn:
        raise PermissionDenied(gettext("Choose a standing project of your own municipality."))
    return held


# What an act wrote into a project's empty fields: field → what stood there, and what was written.
Written = dict[str, list[str]]


def book_under(project: Project, number: str) -> Written:
    """Gives the project its number in the accounts, unsaved; says what that changed.

    Who gives a number has said where the project is booked. What somebody has said otherwise stands.
    """
    wanted = {"project_number": number}
    if project.accounting in ("", Accounting.NOT_YET):
        wanted["accounting"] = str(Accounting.HERE)
    written: Written = {}
    for name, value in wanted.items():
        before = str(getattr(project, name))
        if before != value:
            setattr(project, name, value)
            written[name] = [before, value]
    return written


def take_back(project: Project, written: Written) -> list[str]:
    """Gives the fields back what stood in them, unsaved; the names of those it changed.

    What somebody has written over stays; and where it is the number, so does where the project is booked.
    """
    if "project_number" in written and project.project_number != written["project_number"][1]:
        return []
    changed = [name for name, (_before, after) in written.items() if str(getattr(project, name)) == after]
    for name in changed:
        setattr(project, name, written[name][0])
    return changed


R = TypeVar("R", Funder, Programme)


def named(model: type[R], name: str, municipality: Municipality, **if_new: object) -> R | None:
    """The funder or programme of that name, spaces and capitals aside; else a new one, the municipality's.

    The municipality's own comes before the installation's of the same name.
    """
    if not name:
        return None
    wanted = fold(name)
    known = model._default_manager.filter(Q(municipality=municipality) | Q(municipality=None))
    found = [
        row for row in known.order_by(F("municipality").asc(nulls_last=True)) if fold(row.name) == wanted
    ]
    if found:
        return found[0]
    return model._default_manager.create(municipality=municipality, name=name, **if_new)
