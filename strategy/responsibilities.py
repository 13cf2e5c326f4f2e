"""Who answers for what: giving assignments, changing and ending them, and seeing where nobody answers.

Responsibility is access (strategy.permissions), so nobody gives or prolongs an own assignment. The rules
stand here once: the pages ask `may_…` for the sentence to show, and the functions refuse by the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.db import connection, transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import register_messages
from strategy import history
from strategy.accounts import add_person, one_time_address, open_account
from strategy.models import Account, Assignment, Municipality, Person, Role, Unit
from strategy.permissions import ROLES, Decision, Reader
from strategy.walls import scope

log = logging.getLogger("medel.permissions")

# What the strategist and a head of department may give; everything else is the administrator's.
GIVEN_BY_LEADERS = (Role.CONTACT_PERSON, Role.PROJECT_MANAGER)
# So long before its end an assignment is shown as ending.
ENDING_WITHIN = timedelta(days=60)

MESSAGES = {
    "an_assignment_is_given_once": gettext_lazy(
        "The person already has this assignment during these days. Change the dates of that one instead."
    ),
    "one_person_an_address": gettext_lazy(
        "There is already a person with this work e-mail. Choose that person in the list."
    ),
    "no_personal_identity_number_about_a_person": gettext_lazy(
        "Personal identity numbers are not stored here. Write the name and the title alone."
    ),
    "person_has_a_name": gettext_lazy("Write the person's name."),
    "assignment_role_is_known": gettext_lazy("Choose a role in the list."),
    "account_address_is_in_lower_case": gettext_lazy("Write the e-mail address in small letters."),
    "assignment_unit_in_same_municipality": gettext_lazy("Choose a unit of your own municipality."),
    "assignment_ends_after_it_starts": gettext_lazy(
        "The assignment must not end before it starts. Correct one of the dates."
    ),
    "auditor_has_an_end_date": gettext_lazy("An auditor is invited for a time. Give the last day."),
    "role_needs_a_unit": gettext_lazy("Choose the unit: this role is always held for one."),
    "role_is_for_the_whole_municipality": gettext_lazy(
        "This role is held for the whole municipality. Choose no unit."
    ),
    "only_a_contact_person_has_a_subject": gettext_lazy(
        "Only a further contact person has a subject. Leave it empty for this role."
    ),
    # Names nobody: who stands there may be hidden from the one who asks.
    "one_ordinary_contact_person_at_a_time": gettext_lazy(
        "The unit already has an ordinary contact person during these days. End that assignment first, choose "
        "other dates, or give a subject to add a further contact person."
    ),
}
register_messages(
    MESSAGES,
    fields={
        "one_person_an_address": "email",
        "no_personal_identity_number_about_a_person": "name",
        "person_has_a_name": "name",
        "assignment_role_is_known": "role",
        "assignment_unit_in_same_municipality": "unit",
        "assignment_ends_after_it_starts": "ends_on",
        "auditor_has_an_end_date": "ends_on",
        "role_needs_a_unit": "unit",
        "role_is_for_the_whole_municipality": "unit",
        "only_a_contact_person_has_a_subject": "subject",
        "one_ordinary_contact_person_at_a_time": "starts_on",
    },
)


# -- What is seen -----------------------------------------------------------------------------------------


def visible_assignments(reader: Reader) -> QuerySet[Assignment]:
    """The assignments that the reader may see, with person and unit."""
    reached = reader.units("responsibilities.read")
    rows = Assignment.objects.filter(municipality=reader.municipality).select_related("person", "unit")
    return rows if reached is None else rows.filter(unit_id__in=reached)


def visible_people(reader: Reader) -> QuerySet[Person]:
    """Those who have or had an assignment here: what the wall lets through, and no further."""
    if not reader.can("responsibilities.read"):
        return Person.objects.none()
    here = Assignment.objects.filter(municipality=reader.municipality).values("person_id")
    return Person.objects.filter(pk__in=here, made_anonymous_on__isnull=True)


def login_of(person: Person) -> str:
    """Whether the person comes in, and whether the account is one of the few kept for emergencies."""
    account = Account.objects.filter(person=person).first()
    if account is None:
        return _("none: the person reports by mail, or has not been given one")
    if not account.is_active:
        return _("closed, and kept for emergencies") if account.for_emergencies else _("closed")
    return _("open, and kept for emergencies") if account.for_emergencies else _("open")


def may_be_chosen(reader: Reader) -> Q:
    """Of the people with an assignment today, those to whom something may be given.

    Not who reported a project by mail alone: a plain employee's assignment without a login says that somebody
    has a mailbox here, not that he or she answers for anything, and reads nothing.
    """
    here = Assignment.objects.filter(municipality=reader.municipality).valid_on(reader.today)
    of_person = here.filter(person=OuterRef("pk"))
    return Exists(of_person.exclude(role=Role.EMPLOYEE)) | (
        Q(Exists(of_person)) & Q(Exists(Account.objects.filter(person=OuterRef("pk"))))
    )


def role_order() -> Case:
    """Roles in the order of the permission table, not of the alphabet."""
    whens = [When(role=role, then=Value(place)) for place, role in enumerate(ROLES)]
    return Case(*whens, default=Value(len(ROLES)), output_field=IntegerField())


@dataclass(frozen=True)
class Vacancy:
    """A unit that may own projects and for which nobody is ordinary contact person."""

    unit: Unit


@dataclass(frozen=True)
class Ending:
    """An assignment that ends soon, without anybody coming after."""

    assignment: Assignment
    last_day: date


@dataclass(frozen=True)
class Gaps:
    """Where nobody answers on a day or soon, and who acts meanwhile."""

    vacancies: tuple[Vacancy, ...]
    endings: tuple[Ending, ...]
    acting: tuple[Person, ...]


def gaps(reader: Reader, day: date) -> Gaps:
    """Vacancies and ends within ENDING_WITHIN, as of the day. Two queries, however many units."""
    assignments = list(
        visible_assignments(reader)
        .exclude(ends_on__lt=day)
        .filter(starts_on__lte=day + ENDING_WITHIN + timedelta(days=1))
        .order_by("ends_on", "pk")
    )
    today = [one for one in assignments if one.starts_on <= day]
    answered = {one.unit_id for one in today if one.role == Role.CONTACT_PERSON and not one.subject}
    units = (
        Unit.objects.filter(municipality=reader.municipality).owning().valid_on(day).order_by("name", "pk")
    )
    endings = [
        Ending(one, one.ends_on)
        for one in today
        if one.ends_on is not None
        and one.ends_on <= day + ENDING_WITHIN
        and not any(_follows(other, one) for other in assignments)
    ]
    return Gaps(
        vacancies=tuple(Vacancy(unit) for unit in units if unit.pk not in answered),
        endings=tuple(endings),
        acting=tuple(one.person for one in today if one.role == Role.STRATEGIST),
    )


def _follows(other: Assignment, one: Assignment) -> bool:
    """Whether somebody who began later takes over, the day after at the latest."""
    return (
        other.pk != one.pk
        and (other.role, other.unit_id, other.subject) == (one.role, one.unit_id, one.subject)
        and one.ends_on is not None
        and one.starts_on < other.starts_on
        and other.starts_on <= one.ends_on + timedelta(days=1)
        and (other.ends_on is None or other.ends_on > one.ends_on)
    )


# -- What is allowed --------------------------------------------------------------------------------------


def roles_given_by(reader: Reader) -> tuple[Role, ...]:
    """The roles that the reader may give to others at all."""
    if not reader.can("assignment.give"):
        return ()
    return ROLES if Role.ADMINISTRATOR in reader.roles else GIVEN_BY_LEADERS


def units_given_by(reader: Reader, day: date) -> QuerySet[Unit]:
    """The units, valid on the day, for which the reader may give assignments."""
    units = Unit.objects.filter(municipality=reader.municipality).valid_on(day).order_by("name", "pk")
    reached = reader.units("assignment.give")
    return units if reached is None else units.filter(pk__in=reached)


def may_give(reader: Reader, role: Role, unit: Unit | None, person_id: int | None = None) -> Decision:
    """Whether the reader may give the role to the person for the unit (None: the whole municipality)."""
    if role == Role.AUDITOR and not (decision := reader.can("auditor.invite")):
        return (
            Decision(False, _("Auditors are invited by the administrator alone."))
            if decision.reason
            else decision
        )
    decision = _reaches(reader, role, unit)
    if decision and person_id is not None and person_id == reader.person.pk:
        return Decision(
            False, _("Nobody gives an own assignment. Ask another administrator or your manager.")
        )
    return decision


def may_change(reader: Reader, assignment: Assignment) -> Decision:
    """Whether the reader may set dates and subject freely: never of an own assignment."""
    decision = _reaches(reader, Role(assignment.role), assignment.unit)
    if decision and assignment.person_id == reader.person.pk:
        return Decision(
            False, _("This is your own assignment: you may end it earlier, but not prolong or change it.")
        )
    return decision


def may_shorten(reader: Reader, assignment: Assignment) -> Decision:
    """Whether the reader may end the assignment earlier than it stands: an own one too, if it could be given.

    Not one that is over: who answered when is what auditors read, and wrong dates are corrected as a change.
    """
    decision = _reaches(reader, Role(assignment.role), assignment.unit)
    if decision and is_over(assignment, reader.today):
        return Decision(False, _("This assignment is over. If its dates are wrong, change them instead."))
    return decision


def may_end_on(assignment: Assignment, last_day: date | None) -> Decision:
    """Whether somebody is administrator on the day after: without one nobody gives assignments any more."""
    sooner = last_day is not None and (assignment.ends_on is None or last_day < assignment.ends_on)
    if last_day is None or not sooner or assignment.role != Role.ADMINISTRATOR:
        return Decision(True)
    others = Assignment.objects.filter(
        municipality=assignment.municipality_id, role=Role.ADMINISTRATOR
    ).exclude(pk=assignment.pk)
    if others.valid_on(last_day + timedelta(days=1)).exists():
        return Decision(True)
    return Decision(
        False, _("Nobody would be administrator after that day. Name another administrator first.")
    )


def is_over(assignment: Assignment, day: date) -> bool:
    return assignment.ends_on is not None and assignment.ends_on < day


def _reaches(reader: Reader, role: Role, unit: Unit | None) -> Decision:
    if unit is not None:
        decision = reader.can("assignment.give", unit)
    elif reader.units("assignment.give") is None:
        decision = Decision(True)
    else:
        decision = reader.can("assignment.give")
        if decision:
            decision = Decision(False, _("Choose one of your own units: you give assignments for these."))
    if decision and role not in roles_given_by(reader):
        return Decision(False, _("The administrator gives this role. Ask there."))
    return decision


def may_change_person(reader: Reader, person: Person) -> Decision:
    """Whether the reader may correct the name: the administrator of the municipality that registered it."""
    decision = reader.can("person.change")
    if decision and person.registered_in_id != reader.municipality.pk:
        return Decision(
            False, _("Another municipality registered this person, and its administrator corrects the name.")
        )
    return decision


def may_take_second_factor_away(reader: Reader, person: Person) -> Decision:
    decision = may_change_person(reader, person)
    return decision and may_touch_account(person)


def may_touch_account(person: Person) -> Decision:
    """A municipality's administrator neither closes nor weakens the accounts by which the installation is kept."""
    account = Account.objects.filter(person=person).first()
    if account is not None and account.runs_installation:
        return Decision(
            False,
            _(
                "This account runs the installation. Who runs the server changes it, by manage.py local_account."
            ),
        )
    if account is not None and account.for_emergencies:
        return Decision(
            False,
            _(
                "This account is kept for emergencies. Who runs the server changes it, by manage.py local_account."
            ),
        )
    return Decision(True)


def insist(decision: Decision, reader: Reader, deed: str, pk: int | None = None) -> None:
    """Raises PermissionDenied with the reason; the attempt is logged, as Reader.require does."""
    if not decision:
        log.warning(
            "refused: person %s may not %s (assignment %s) in municipality %s",
            reader.person.pk,
            deed,
            pk if pk is not None else "-",
            reader.municipality.pk,
        )
        raise PermissionDenied(decision.reason)


# -- What changes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Somebody:
    """The person of a new assignment: one known here, or a name and an address, perhaps known elsewhere."""

    known: Person | None = None
    name: str = ""
    email: str = ""
    title: str = ""


def person_id_of(who: Somebody) -> int | None:
    """The key of the person, if the address is known anywhere; the key alone passes the wall."""
    if who.known is not None:
        return who.known.pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT medel_person_with_address(%s)", [who.email.strip()])
        found: int | None = cursor.fetchone()[0]
    return found


def give_assignment(
    reader: Reader,
    who: Somebody,
    *,
    role: Role,
    unit: Unit | None,
    starts_on: date,
    ends_on: date | None = None,
    subject: str = "",
    reason: str = "",
) -> Assignment:
    """Gives the role, opens a login if there is none, and tells the person by mail.

    Raises PermissionDenied with the reason; what the database refuses is an IntegrityError with a message.
    """
    insist(may_give(reader, role, unit, person_id_of(who)), reader, f"give the role {role.value}")
    history.give_reason(reason)
    with transaction.atomic():
        person = who.known or add_person(
            name=who.name, email=who.email, title=who.title, municipality=reader.municipality
        )
        assignment = Assignment.objects.create(
            municipality=reader.municipality,
            person=person,
            role=role,
            unit=unit,
            subject=subject,
            starts_on=starts_on,
            ends_on=ends_on,
        )
        # Read anew: who was known elsewhere is seen here from now on, under the name that stands there.
        assignment = visible_assignments(reader).get(pk=assignment.pk)
        tell_of(assignment, reader.municipality)
    return assignment


def change_assignment(
    reader: Reader,
    assignment: Assignment,
    *,
    starts_on: date,
    ends_on: date | None,
    subject: str | None = None,
    reason: str = "",
) -> Assignment:
    """Sets new dates (and subject). Of an own assignment only an earlier end is taken."""
    standing = Assignment.objects.select_for_update(of=("self",)).select_related("unit").get(pk=assignment.pk)
    subject = standing.subject if subject is None else subject
    shortened = (
        starts_on == standing.starts_on
        and subject == standing.subject
        and ends_on is not None
        and (standing.ends_on is None or ends_on <= standing.ends_on)
    )
    decision = may_change(reader, standing)
    if not decision and shortened:
        decision = may_shorten(reader, standing)
    insist(decision, reader, "change dates", standing.pk)
    insist(may_end_on(standing, ends_on), reader, "end the last administrator's", standing.pk)
    history.give_reason(reason)
    with transaction.atomic():
        standing.starts_on, standing.ends_on, standing.subject = starts_on, ends_on, subject
        standing.save(update_fields=["starts_on", "ends_on", "subject"])
    standing.refresh_from_db(fields=["version"])
    return standing


def end_assignment(reader: Reader, assignment: Assignment, *, last_day: date, reason: str) -> Assignment:
    """Ends the assignment on its last day (included). Later than it ends already is no ending but a change."""
    insist(may_shorten(reader, assignment), reader, "end it", assignment.pk)
    return change_assignment(
        reader, assignment, starts_on=assignment.starts_on, ends_on=last_day, reason=reason
    )


def appoint_administrator(
    municipality: Municipality, who: Somebody, *, starts_on: date, by: int | None = None
) -> tuple[Assignment, bool]:
    """A municipality's administrator, given from outside it: by the installation's administrator or a command.

    Opens the municipality's scope itself. Who is administrator already stays so; the flag says if new.
    """
    found = person_id_of(who)
    if by is not None and by == found:
        raise PermissionDenied(
            _("Nobody gives an own assignment. Ask another administrator or your manager.")
        )
    with scope(municipality.pk):
        standing = (
            Assignment.objects.filter(
                municipality=municipality, role=Role.ADMINISTRATOR, person_id__in=[found or 0]
            )
            .valid_on(starts_on)
            .select_related("person")
            .first()
        )
        if standing is not None:
            return standing, False
        person = who.known or add_person(
            name=who.name, email=who.email, title=who.title, municipality=municipality
        )
        assignment = Assignment.objects.create(
            municipality=municipality, person=person, role=Role.ADMINISTRATOR, starts_on=starts_on
        )
        return Assignment.objects.select_related("person").get(pk=assignment.pk), True


# -- What the person is told ------------------------------------------------------------------------------


def tell_of(assignment: Assignment, municipality: Municipality) -> None:
    """Mails the person what was given; who has no password yet gets an address that works once to choose one."""
    account = open_account(assignment.person)
    login = f"{settings.SITE_ADDRESS.rstrip('/')}{reverse('account_login')}"
    reset = f"{settings.SITE_ADDRESS.rstrip('/')}{reverse('account_reset_password')}"
    # In the installation's language: what the person reads is not known yet.
    with translation.override(settings.LANGUAGE_CODE):
        context = {
            "assignment": assignment,
            "municipality": municipality,
            "is_auditor": assignment.role == Role.AUDITOR,
            "one_time_address": "" if account.has_usable_password() else one_time_address(account),
            "days": settings.PASSWORD_RESET_TIMEOUT // 86400,
            "login_address": login,
            "reset_address": reset,
        }
        subject = _("Medel: you are %(role)s in %(municipality)s") % {
            "role": assignment.get_role_display().lower(),
            "municipality": municipality,
        }
        body = render_to_string("strategy/mail/assignment.txt", context)
    send_mail(subject, body, None, [account.email])


@dataclass(frozen=True)
class Elsewhen:
    """An assignment that is not valid today: when it was, or will be, and where."""

    role: str
    municipality: Municipality
    starts_on: date
    ends_on: date | None
    is_over: bool


def assignments_on_other_days(person_id: int, today: date) -> tuple[Elsewhen, ...]:
    """What a person without a valid assignment had last or will have, for the page that says so.

    Reads in all municipalities, but nothing except the person's own assignments.
    """
    places = {place.pk: place for place in Municipality.objects.all()}
    with scope(reads=places, person=person_id):
        rows: Iterable[Assignment] = list(
            Assignment.objects.filter(person_id=person_id).order_by("-ends_on", "pk")
        )
    return tuple(
        Elsewhen(
            role=row.get_role_display(),
            municipality=places[row.municipality_id],
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            is_over=row.ends_on is not None and row.ends_on < today,
        )
        for row in rows
    )
