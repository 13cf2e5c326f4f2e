"""Handing on what a person answers for, on a day and in one go.

Each floor says what a person may answer for (`duties`): what it is, who may give it on, and how it is given.
What has dates of its own (assignments) carries them at once, also when the day lies ahead; what has not (a
project's manager, a seat in a group) waits as a `Handover` and is carried out by the worker on the day, unless
it is cancelled before. What could not be given is named and told, never passed over in silence.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import constraint_message, register_messages
from pages.registries import Registry
from strategy import history
from strategy.models import Account, Assignment, Handover, Municipality, Person, Role
from strategy.permissions import Decision, Reader
from strategy.responsibilities import (
    Somebody,
    change_assignment,
    give_assignment,
    insist,
    may_change,
    may_end_on,
    may_give,
    may_shorten,
    may_touch_account,
    role_order,
    visible_people,
)
from strategy.walls import scope
from values.text import squeeze

log = logging.getLogger("medel.handover")

MESSAGES = {
    "handed_over_to_somebody_else": gettext_lazy(
        "Choose somebody else: nobody hands over to him- or herself."
    ),
    "handover_has_a_reason": gettext_lazy("Say why it is handed over. It stands in the history."),
    "a_cancelled_handover_is_not_done": gettext_lazy("This handover is carried out or cancelled already."),
    "receiver_works_here": gettext_lazy(
        "The receiver has no assignment in the municipality. Give the receiver an assignment first."
    ),
}
register_messages(
    MESSAGES,
    fields={
        "handed_over_to_somebody_else": "receiver",
        "handover_has_a_reason": "reason",
        "receiver_works_here": "receiver",
    },
)

# Access and no duty: when the person leaves it ends, and nobody needs to have it after.
ENDS_WITH_THE_PERSON = (Role.EMPLOYEE, Role.READER, Role.AUDITOR)
LOGIN = "login"
# The rows of one order are written within so long.
ONE_GO = timedelta(seconds=30)


@dataclass(frozen=True)
class Held:
    """One thing that a person answers for. `may` says whether the reader may give it on at all, and if not, why.

    `ends` tells that it may end with nobody after; `alone` that this is what one would choose.
    """

    kind: str
    id: int
    label: str
    url: str = ""
    detail: str = ""
    until: date | None = None
    may: Decision = field(default=Decision(True))
    ends: bool = False
    alone: bool = False

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.id}"


@dataclass(frozen=True)
class Giving:
    """From whom, to whom (None: nobody, it ends), from which day and why. `reader` is who gives it on now; on
    the day the worker does what was ordered, and there is none."""

    municipality: Municipality
    person: Person
    receiver: Person | None
    on: date
    reason: str
    reader: Reader | None = None


class NotGiven(Exception):
    """It cannot be given on; the sentence says why, and what to do."""


@dataclass(frozen=True)
class Duty:
    """One kind of thing that a person may answer for.

    `find` gives what the person holds, with two or three queries however much it is. `give` hands one over or
    raises NotGiven; it reads anew what stands, and is asked within a savepoint. `may` says whether the reader may
    give this to this person. `dated` things carry their dates and are given at once, also for a day to come.
    """

    name: str
    label: str | Promise
    find: Callable[[Reader, Person], list[Held]]
    give: Callable[[Giving, int], None]
    may: Callable[[Reader, Held, Person | None, date], Decision] = lambda reader, held, receiver, on: (
        Decision(True)
    )
    dated: bool = False
    place: int = 50


duties: Registry[Duty] = Registry("duty")


# -- What is seen -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """What a person holds of one kind."""

    duty: Duty
    held: tuple[Held, ...]


def held_by(reader: Reader, person: Person) -> tuple[Group, ...]:
    """Everything the person answers for, by kind; what waits to be handed over already is left out."""
    waiting = {
        (item["kind"], item["id"]) for handover in waiting_for(reader, person) for item in handover.items
    }
    groups = []
    for duty in sorted(duties, key=lambda duty: duty.place):
        held = tuple(one for one in duty.find(reader, person) if (one.kind, one.id) not in waiting)
        if held:
            groups.append(Group(duty, held))
    return tuple(groups)


def waiting_for(reader: Reader, person: Person) -> list[Handover]:
    """The handovers that the worker will carry out, and that can still be cancelled."""
    return list(
        visible_handovers(reader)
        .filter(person=person, done_at__isnull=True, cancelled_at__isnull=True)
        .order_by("on", "pk")
    )


def visible_handovers(reader: Reader) -> QuerySet[Handover]:
    if not reader.can("handover.make"):
        return Handover.objects.none()
    return Handover.objects.filter(municipality=reader.municipality).select_related(
        "person", "receiver", "ordered_by"
    )


def handovers_of(reader: Reader, person: Person) -> list[Handover]:
    """All of the person's handovers, the latest first, as the history of them."""
    return list(visible_handovers(reader).filter(person=person).order_by("-ordered_at", "-pk"))


def receivers(reader: Reader, person: Person) -> QuerySet[Person]:
    """Who may receive: those with an assignment now or to come, and a login that is not closed."""
    here = Assignment.objects.filter(municipality=reader.municipality).exclude(ends_on__lt=reader.today)
    closed = Account.objects.filter(is_active=False).values("person_id")
    return (
        visible_people(reader)
        .filter(pk__in=here.values("person_id"))
        .exclude(pk=person.pk)
        .exclude(pk__in=closed)
        .select_related("account")
        .order_by("name", "pk")
    )


def may_close_login(reader: Reader, person: Person) -> Decision:
    """The login belongs to the installation: it is closed by an administrator of where the person was
    registered, and never by the person."""
    if Role.ADMINISTRATOR not in reader.roles:
        return Decision(False, _("The administrator closes logins. Ask there."))
    if person.pk == reader.person.pk:
        return Decision(False, _("Nobody closes the own login. Ask another administrator."))
    if person.registered_in_id != reader.municipality.pk:
        return Decision(
            False, _("Another municipality registered this person, and its administrator closes the login.")
        )
    if not Account.objects.filter(person=person, is_active=True).exists():
        return Decision(False, _("The person has no open login."))
    if not (touched := may_touch_account(person)):
        return touched
    if any(item["kind"] == LOGIN for handover in waiting_for(reader, person) for item in handover.items):
        return Decision(False, _("The login is to be closed already."))
    return Decision(True)


# -- What is done -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """What the person behind the form chose for one thing: the receiver, or None to let it end."""

    held: Held
    receiver: Person | None


@dataclass(frozen=True)
class Refused:
    """One thing that was not given, and why."""

    label: str
    why: str


@dataclass
class Outcome:
    given: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    handovers: list[Handover] = field(default_factory=list)


class NobodyChosen(ValueError):
    """Nothing was ticked, and the login stays open: there is nothing to do."""


class DayIsOver(ValueError):
    """The receiver's first day lies before today: what was done until now was done by who stood there."""


def hand_over(
    reader: Reader,
    person: Person,
    choices: Sequence[Choice],
    *,
    on: date,
    reason: str,
    close_login: bool = False,
    now: datetime,
) -> Outcome:
    """Gives on what was chosen, in the request's one transaction and as one act.

    What may not be given, or is no longer held, is named in the outcome and left as it is. Raises
    PermissionDenied, DayIsOver and NobodyChosen.
    """
    reader.require("handover.make")
    if on < reader.today:
        raise DayIsOver
    if not choices and not close_login:
        raise NobodyChosen
    reason = squeeze(reason)
    history.give_reason(reason)
    # Two windows: the second waits here, and then finds that the first has given it on.
    Person.objects.select_for_update().get(pk=person.pk)
    held = {one.key: one for group in held_by(reader, person) for one in group.held}
    outcome = Outcome()
    recorded = _labels_of_the_record(reader, person)
    items: dict[Person | None, dict[str, list[dict[str, Any]]]] = {}
    for choice in choices:
        one = held.get(choice.held.key)
        if one is None:
            outcome.refused.append(Refused(choice.held.label, _("Somebody has handed it over already.")))
            continue
        duty = duties[one.kind]
        decision = _decision(reader, duty, one, choice.receiver, on)
        if not decision:
            outcome.refused.append(Refused(one.label, decision.reason))
            continue
        if duty.dated or on <= reader.today:
            giving = Giving(reader.municipality, person, choice.receiver, on, reason, reader)
            if why := _give(duty, giving, one.id):
                outcome.refused.append(Refused(one.label, why))
                continue
            outcome.given.append(one.label)
        else:
            outcome.waiting.append(one.label)
        when = "done" if duty.dated or on <= reader.today else "waiting"
        of_receiver = items.setdefault(choice.receiver, {"done": [], "waiting": []})
        of_receiver[when].append({"kind": one.kind, "id": one.id, "label": recorded.get(one.key, one.label)})
    for receiver, due in items.items():
        for state, chosen in due.items():
            if chosen:
                outcome.handovers.append(
                    _note(reader, person, receiver, chosen, on, reason, now if state == "done" else None)
                )
        if receiver is not None:
            _tell_receiver(reader.municipality, person, receiver, due, on)
    if close_login:
        _close_login(reader, person, on, reason, now, outcome)
    return outcome


def _labels_of_the_record(reader: Reader, person: Person) -> dict[str, str]:
    """What each thing is called in the installation's language: the row and the mails are read by others."""
    with history.in_the_record():
        return {one.key: one.label for group in held_by(reader, person) for one in group.held}


def _decision(reader: Reader, duty: Duty, held: Held, receiver: Person | None, on: date) -> Decision:
    if not held.may:
        return held.may
    if receiver is None and not held.ends:
        return Decision(False, _("Choose who takes this over: somebody must answer for it."))
    return duty.may(reader, held, receiver, on)


def _give(duty: Duty, giving: Giving, pk: int) -> str:
    """Why it was not given; "" if it was."""
    try:
        with transaction.atomic():
            duty.give(giving, pk)
    except NotGiven as refused:
        return str(refused)
    except PermissionDenied as refused:
        return str(refused)
    except IntegrityError as error:
        message = constraint_message(error)
        if message is None:
            raise
        return message
    return ""


def _note(
    reader: Reader,
    person: Person,
    receiver: Person | None,
    items: list[dict[str, Any]],
    on: date,
    reason: str,
    done_at: datetime | None,
) -> Handover:
    return Handover.objects.create(
        municipality=reader.municipality,
        person=person,
        receiver=receiver,
        on=on,
        reason=reason,
        items=items,
        ordered_by=reader.person,
        done_at=done_at,
    )


def _close_login(
    reader: Reader, person: Person, on: date, reason: str, now: datetime, outcome: Outcome
) -> None:
    """The row names no receiver: a login has nobody after."""
    label = _("The login")
    decision = may_close_login(reader, person)
    if not decision:
        outcome.refused.append(Refused(label, decision.reason))
        return
    if why := _still_answers(reader.municipality, person, on):
        outcome.refused.append(Refused(label, why))
        return
    account = Account.objects.get(person=person)
    with history.in_the_record():
        item = {"kind": LOGIN, "id": account.pk, "label": _("The login")}
    if on > reader.today:
        outcome.waiting.append(label)
        outcome.handovers.append(_note(reader, person, None, [item], on, reason, None))
    elif why := close_account(person, on):
        outcome.refused.append(Refused(label, why))
    else:
        outcome.given.append(label)
        outcome.handovers.append(_note(reader, person, None, [item], on, reason, now))


def still_held(place: Municipality, person: Person, day: date) -> list[Assignment]:
    """What the person answers for on the day or later; plain access is no duty, and ends with the person."""
    return list(
        Assignment.objects.filter(municipality=place, person=person)
        .exclude(ends_on__lt=day)
        .exclude(role__in=ENDS_WITH_THE_PERSON)
        .select_related("unit")
        .order_by(F("ends_on").desc(nulls_first=True), "pk")
    )


def _still_answers(place: Municipality, person: Person, on: date) -> str:
    """Why the login is not closed: whoever answers for something without coming in leaves a gap that nobody sees."""
    held = still_held(place, person, on)
    if not held:
        return ""
    last = held[0]
    if last.ends_on is None:
        return _("%(what)s is still held, until further notice. Hand it over or end it first.") % {
            "what": assignment_label(last)
        }
    return _("%(what)s is still held, to and including %(day)s. Close the login from the day after.") % {
        "what": assignment_label(last),
        "day": last.ends_on.isoformat(),
    }


def close_account(person: Person, on: date) -> str:
    """Closes the login; why not, if the person still works in another municipality on the day, or the login
    has become one by which the installation is kept since it was ordered."""
    if not (touched := may_touch_account(person)):
        return touched.reason
    with connection.cursor() as cursor:
        cursor.execute("SELECT medel_municipalities_of(%s, %s)", [person.pk, on])
        places = {row[0] for row in cursor.fetchall()}
    if places - {person.registered_in_id}:
        return _("The person has an assignment in another municipality: the login stays open.")
    if person.registered_in is not None and (why := _still_answers(person.registered_in, person, on)):
        return why
    Account.objects.filter(person=person).update(is_active=False)
    return ""


def cancel_handover(reader: Reader, handover: Handover, *, now: datetime) -> None:
    """Nothing of it is carried out. What carries dates was given already and is changed on its own page."""
    reader.require("handover.make")
    standing = (
        Handover.objects.select_for_update(of=("self",))
        .select_related("person", "receiver", "municipality")
        .get(pk=handover.pk)
    )
    insist(may_cancel(reader, standing), reader, "cancel the handover", handover.pk)
    standing.cancelled_at = now
    standing.save(update_fields=["cancelled_at"])
    _tell_of_cancelling(standing)


def given_in_the_same_go(handover: Handover) -> list[str]:
    """What was ordered together with it and given at once, as what carries dates: that stays given."""
    together = Handover.objects.filter(
        municipality=handover.municipality_id,
        person=handover.person_id,
        receiver=handover.receiver_id,
        ordered_by=handover.ordered_by_id,
        on=handover.on,
        done_at__isnull=False,
        ordered_at__gte=handover.ordered_at - ONE_GO,
        ordered_at__lte=handover.ordered_at + ONE_GO,
    )
    return [item["label"] for one in together for item in one.items if not item.get("skipped")]


def may_cancel(reader: Reader, handover: Handover) -> Decision:
    """Who ordered it, and who reaches the whole municipality."""
    if handover.done_at is not None or handover.cancelled_at is not None:
        return Decision(False, str(MESSAGES["a_cancelled_handover_is_not_done"]))
    if handover.ordered_by_id == reader.person.pk or reader.units("handover.make") is None:
        return reader.can("handover.make")
    return Decision(False, _("Who ordered the handover cancels it, or the international strategist."))


# -- On the day ---------------------------------------------------------------------------------------------


def carry_out_due(today: date, now: datetime) -> int:
    """Everything whose day has come, in each municipality; how many handovers were carried out. Repeatable.

    What fails is tried again the next time, and hinders no other: the first failure is raised after the last
    municipality.
    """
    carried_out, failed = 0, list[Exception]()
    for place in list(Municipality.objects.all()):
        done, failures = _carry_out_in(place, today, now)
        carried_out += done
        failed += failures
    if failed:
        raise failed[0]
    return carried_out


def _carry_out_in(place: Municipality, today: date, now: datetime) -> tuple[int, list[Exception]]:
    """How many were carried out, and what failed."""
    with scope(place.pk):
        due = list(
            Handover.objects.filter(
                municipality=place, on__lte=today, done_at__isnull=True, cancelled_at__isnull=True
            ).values_list("pk", flat=True)
        )
    failed: list[Exception] = []
    for pk in due:
        # Each by itself: one that fails takes no other with it, and is tried again the next time.
        try:
            with scope(place.pk):
                _carry_out(place, pk, today, now)
        except Exception as error:
            log.exception("handover %s in municipality %s was not carried out", pk, place.pk)
            failed.append(error)
    return len(due) - len(failed), failed


def _carry_out(place: Municipality, pk: int, today: date, now: datetime) -> None:
    handover = (
        Handover.objects.select_for_update(of=("self",))
        .select_related("person", "receiver", "ordered_by")
        .get(pk=pk)
    )
    if handover.done_at is not None or handover.cancelled_at is not None:
        return  # while we waited
    with (
        history.in_the_record(),
        history.context(
            person=handover.ordered_by_id,
            municipality=place.pk,
            page=_("the worker, on the day of a handover"),
            reason=handover.reason,
        ),
    ):
        giving = Giving(place, handover.person, handover.receiver, handover.on, handover.reason)
        items = [{**item, "skipped": _carry_out_one(giving, item, today)} for item in handover.items]
        handover.items = items
        handover.done_at = now
        handover.save(update_fields=["items", "done_at"])
        if skipped := [item for item in items if item["skipped"]]:
            _tell_who_ordered(handover, skipped)


def _carry_out_one(giving: Giving, item: dict[str, Any], today: date) -> str:
    if item["kind"] == LOGIN:
        return close_account(giving.person, giving.on)
    if item["kind"] not in duties:
        return _("Nothing of this kind is handed over any more.")
    receiver = giving.receiver
    # With nobody after it ends: that it may was asked when it was ordered.
    if receiver is not None and not _works_on(giving.municipality, receiver, today):
        return _("The receiver has no assignment any more, or the login is closed.")
    return _give(duties[item["kind"]], giving, item["id"])


def _works_on(place: Municipality, person: Person, day: date) -> bool:
    closed = Account.objects.filter(person=person, is_active=False).exists()
    valid = Assignment.objects.filter(municipality=place, person=person).valid_on(day).exists()
    return valid and not closed and person.made_anonymous_on is None


# -- Who is told --------------------------------------------------------------------------------------------


def _tell_receiver(
    place: Municipality, person: Person, receiver: Person, due: dict[str, list[dict[str, Any]]], on: date
) -> None:
    """One mail for all of it; assignments alone are told by their own mail."""
    items = [item for state in due.values() for item in state]
    labels = [item["label"] for item in items]
    if all(item["kind"] == ASSIGNMENTS.name for item in items):
        return
    with translation.override(settings.LANGUAGE_CODE):
        _send(
            receiver,
            _("Medel: you take over from %(person)s") % {"person": person},
            {
                "labels": labels,
                "on": on,
                "person": person,
                "municipality": place,
                "skipped": (),
                "address": f"{settings.SITE_ADDRESS.rstrip('/')}{reverse('home')}",
            },
        )


def _tell_of_cancelling(handover: Handover) -> None:
    if handover.receiver is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        _send(
            handover.receiver,
            _("Medel: you do not take over from %(person)s") % {"person": handover.person},
            {
                "cancelled": [item["label"] for item in handover.items],
                "on": handover.on,
                "person": handover.person,
                "municipality": handover.municipality,
            },
        )


def _tell_who_ordered(handover: Handover, skipped: list[dict[str, Any]]) -> None:
    _send(
        handover.ordered_by,
        _("Medel: not everything was handed over from %(person)s") % {"person": handover.person},
        {
            "labels": (),
            "on": handover.on,
            "person": handover.person,
            "municipality": handover.municipality,
            "skipped": [(item["label"], item["skipped"]) for item in skipped],
            "address": f"{settings.SITE_ADDRESS.rstrip('/')}{reverse('handover', args=[handover.person_id])}",
        },
    )


def _send(person: Person, subject: str, context: dict[str, Any]) -> None:
    send_mail(subject, render_to_string("strategy/mail/handover.txt", context), None, [person.email])


# -- Assignments, the duty of this floor ----------------------------------------------------------------------


def assignment_label(row: Assignment) -> str:
    return _("%(role)s, %(unit)s") % {
        "role": row.get_role_display(),
        "unit": row.unit or _("the whole municipality"),
    }


def _assignments(reader: Reader, person: Person) -> list[Held]:
    rows: Iterable[Assignment] = (
        Assignment.objects.filter(municipality=reader.municipality, person=person)
        .exclude(ends_on__lt=reader.today)
        .select_related("person", "unit")
        .order_by(role_order(), "unit__name", "pk")
    )
    # What ends with somebody after it is handed over already.
    after = {
        (one.role, one.unit_id, one.subject, one.starts_on)
        for one in Assignment.objects.filter(
            municipality=reader.municipality, starts_on__gt=reader.today
        ).exclude(person=person)
    }
    rows = [
        row
        for row in rows
        if row.ends_on is None
        or (row.role, row.unit_id, row.subject, row.ends_on + timedelta(days=1)) not in after
    ]
    return [
        Held(
            kind="assignment",
            id=row.pk,
            label=assignment_label(row),
            url=reverse("assignment", args=[row.pk]),
            detail=row.subject,
            until=row.ends_on,
            may=_may_give_on(reader, row),
            ends=True,
            alone=row.role in ENDS_WITH_THE_PERSON,
        )
        for row in rows
    ]


def _may_give_on(reader: Reader, row: Assignment) -> Decision:
    decision = may_shorten(reader, row)
    return decision or may_change(reader, row)


def _may_give_assignment(reader: Reader, held: Held, receiver: Person | None, on: date) -> Decision:
    row = Assignment.objects.select_related("unit").get(pk=held.id)
    if row.starts_on >= on:
        return Decision(
            False,
            _(
                "It begins on %(day)s, and is not held before. Change it on its own page, or choose a later day."
            )
            % {"day": row.starts_on.isoformat()},
        )
    if row.ends_on is not None and row.ends_on < on:
        return Decision(
            False, _("It ends on %(day)s, before the day of the handover.") % {"day": row.ends_on.isoformat()}
        )
    if receiver is None:
        return may_end_on(row, on - timedelta(days=1))
    return may_give(reader, Role(row.role), row.unit, receiver.pk)


def _give_assignment(giving: Giving, pk: int) -> None:
    reader = giving.reader
    assert reader is not None  # noqa: S101 - it carries its dates and never waits for the worker
    row = Assignment.objects.select_for_update(of=("self",)).select_related("unit").get(pk=pk)
    last = giving.on - timedelta(days=1)
    until = row.ends_on
    end = (row.starts_on, last)

    def ended() -> None:
        change_assignment(reader, row, starts_on=end[0], ends_on=end[1], reason=giving.reason)

    if giving.receiver is None:
        ended()
        return
    same = Assignment.objects.filter(
        municipality=giving.municipality,
        person=giving.receiver,
        role=row.role,
        unit=row.unit,
        subject=row.subject,
    ).exclude(ends_on__lt=giving.on)
    if until is not None:
        same = same.exclude(starts_on__gt=until)
    standing = same.order_by("starts_on").first()
    if standing is not None:
        covers = standing.starts_on <= giving.on and (
            standing.ends_on is None or (until is not None and standing.ends_on >= until)
        )
        if not covers:
            raise NotGiven(
                _(
                    "%(person)s has this assignment already during some of these days. "
                    "Change the dates of that one instead."
                )
                % {"person": giving.receiver}
            )
        ended()
        return

    def given() -> None:
        give_assignment(
            reader,
            Somebody(known=giving.receiver),
            role=Role(row.role),
            unit=row.unit,
            subject=row.subject,
            starts_on=giving.on,
            ends_on=until,
            reason=giving.reason,
        )

    # A unit has one ordinary contact person at a time: the old one goes first. A municipality is never without
    # an administrator: the new one comes first.
    for deed in (given, ended) if row.role == Role.ADMINISTRATOR else (ended, given):
        deed()


ASSIGNMENTS = duties.register(
    Duty(
        "assignment",
        gettext_lazy("Assignments"),
        _assignments,
        _give_assignment,
        _may_give_assignment,
        dated=True,
        place=10,
    )
)
