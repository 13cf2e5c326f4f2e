"""Who may do what: one table, from which `can`, `require` and the lists' `visible_to` are derived.

A row says for each role how far the action reaches: nothing, what the person runs, the unit of the
assignment with everything below it, or the whole municipality. Upper floors add rows with `declare`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from strategy.models import Assignment, BoardService, Municipality, Person, Role, Unit

log = logging.getLogger("medel.permissions")


class Reach(IntEnum):
    NONE = 0
    OWN = 1
    UNIT = 2
    ALL = 3


NONE, OWN, UNIT, ALL = Reach.NONE, Reach.OWN, Reach.UNIT, Reach.ALL

ROLES = (
    Role.ADMINISTRATOR,
    Role.STRATEGIST,
    Role.CONTACT_PERSON,
    Role.PROJECT_MANAGER,
    Role.PROJECT_OWNER,
    Role.ECONOMIST,
    Role.HEAD,
    Role.REGISTRAR,
    Role.APPLICATION_OFFICER,
    Role.NETWORK_SECRETARY,
    Role.READER,
    Role.AUDITOR,
    Role.EMPLOYEE,
)

_TABLE: dict[str, tuple[Reach, ...]] = {}


def declare(table: Mapping[str, tuple[Reach, ...]]) -> None:
    """Adds actions, each with a reach for every role in the order of ROLES."""
    for action, reaches in table.items():
        if action in _TABLE:
            raise ValueError(f"{action} is declared twice")
        if len(reaches) != len(ROLES):
            raise ValueError(f"{action} needs {len(ROLES)} reaches, not {len(reaches)}")
        _TABLE[action] = reaches


def table() -> dict[str, tuple[Reach, ...]]:
    return dict(_TABLE)


# fmt: off
declare({
    #                       admin strat contact manager owner econ  head  registr applic network reader auditor employee
    "responsibilities.read": (ALL, ALL,  ALL,    ALL,    ALL,  ALL,  ALL,  ALL,    ALL,   ALL,    ALL,   ALL,    ALL),
    # Every role; strategist and head only the roles of GIVEN_BY_LEADERS (strategy.responsibilities).
    "assignment.give":       (ALL, ALL,  NONE,   NONE,   NONE, NONE, UNIT, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    "auditor.invite":        (ALL, NONE, NONE,   NONE,   NONE, NONE, NONE, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    "person.change":         (ALL, NONE, NONE,   NONE,   NONE, NONE, NONE, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    "organisation.change":   (ALL, NONE, NONE,   NONE,   NONE, NONE, NONE, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    # Who did what is public record; an employee without further assignment reads the register level alone.
    "history.read":          (ALL, ALL,  ALL,    ALL,    ALL,  ALL,  ALL,  ALL,    ALL,   ALL,    ALL,   ALL,    NONE),
    # All acts of the municipality on one page, and who was handed out what.
    "log.read":              (ALL, ALL,  NONE,   NONE,   NONE, NONE, NONE, NONE,   NONE,  NONE,   NONE,  ALL,    NONE),
    "handover.make":         (ALL, ALL,  NONE,   NONE,   NONE, NONE, UNIT, NONE,   NONE,  NONE,   NONE,  NONE,   NONE),
    # Documents follow responsibility; an auditor opens those marked secret one by one, each opening logged.
    "document.read":         (NONE, ALL, UNIT,   OWN,    OWN,  UNIT, UNIT, ALL,    UNIT,  NONE,   NONE,  ALL,    NONE),
    "document.read_secret":  (NONE, ALL, UNIT,   OWN,    OWN,  NONE, UNIT, ALL,    NONE,  NONE,   NONE,  ALL,    NONE),
    "document.add":          (NONE, ALL, UNIT,   OWN,    OWN,  UNIT, UNIT, ALL,    UNIT,  NONE,   NONE,  NONE,   NONE),
    "document.withdraw":     (NONE, ALL, UNIT,   NONE,   NONE, NONE, UNIT, ALL,    NONE,  NONE,   NONE,  NONE,   NONE),
})
# fmt: on

REASONS = {
    NONE: gettext_lazy(
        "Your role does not include this. Ask the international strategist or the administrator."
    ),
    OWN: gettext_lazy("You may do this in projects that you run yourself, and this is not one of them."),
    UNIT: gettext_lazy("You may do this for your own unit, and this belongs to another."),
}


@dataclass(frozen=True)
class Decision:
    """Whether, and if not, why: `if can(…)` and `can(…).reason`."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Held:
    """One valid assignment, with the units it reaches (None: the whole municipality)."""

    role: Role
    unit: Unit | None
    unit_ids: frozenset[int] | None


@dataclass(frozen=True)
class Reader:
    """A person in one municipality on one day: resolved once per request, asked by everything."""

    person: Person
    municipality: Municipality
    held: tuple[Held, ...]
    municipalities: tuple[Municipality, ...] = ()
    today: date = field(default=date.min)

    @cached_property
    def roles(self) -> frozenset[Role]:
        return frozenset(held.role for held in self.held)

    @cached_property
    def main(self) -> Held | None:
        """The assignment that the header shows and the home page is made for: the furthest-reaching."""
        return min(self.held, key=lambda held: ROLES.index(held.role), default=None)

    @property
    def role_label(self) -> str:
        return str(self.main.role.label) if self.main else ""

    @property
    def where_label(self) -> str:
        return str(self.main.unit) if self.main and self.main.unit else str(self.municipality)

    def units(self, action: str) -> frozenset[int] | None:
        """Ids of the units that the action reaches through UNIT; None means all of the municipality."""
        reached: set[int] = set()
        for held in self.held:
            reach = _reach(held.role, action)
            if reach == ALL or (reach == UNIT and held.unit_ids is None):
                return None
            if reach == UNIT and held.unit_ids:
                reached |= held.unit_ids
        return frozenset(reached)

    def can(self, action: str, obj: Any = None) -> Decision:
        """Without an object: whether the action reaches anything at all.

        An object answers `municipality_id`, `responsible_unit_ids` and `is_run_by(person)`. A unit is its own
        responsible unit.
        """
        if obj is not None and _municipality_id(obj) != self.municipality.pk:
            _TABLE[action]  # a misspelt action is an error here too
            return Decision(False, _("This belongs to another municipality."))
        furthest = NONE
        for held in self.held:
            reach = _reach(held.role, action)
            if reach == NONE:
                continue
            if obj is None or reach == ALL or (reach == UNIT and held.unit_ids is None):
                return Decision(True)
            if reach == UNIT and _unit_ids(obj) & (held.unit_ids or frozenset()):
                return Decision(True)
            if hasattr(obj, "is_run_by") and obj.is_run_by(self.person):
                return Decision(True)
            furthest = max(furthest, reach)
        if not self.held:
            _TABLE[action]
        if furthest == UNIT and not _unit_ids(obj):
            return Decision(False, _("No unit answers for this yet. Ask the international strategist."))
        return Decision(False, str(REASONS[furthest]))

    def require(self, action: str, obj: Any = None) -> None:
        """Raises PermissionDenied with the reason; the attempt is logged."""
        decision = self.can(action, obj)
        if not decision:
            log.warning(
                "refused: person %s may not %s on %s %s in municipality %s",
                self.person.pk,
                action,
                type(obj).__name__ if obj is not None else "-",
                getattr(obj, "pk", "-"),
                self.municipality.pk,
            )
            raise PermissionDenied(decision.reason)


def can(reader: Reader | None, action: str, obj: Any = None) -> Decision:
    """Unknown user: nothing. Misspelt action: KeyError."""
    if reader is None:
        _TABLE[action]
        return Decision(False, _("Log in first."))
    return reader.can(action, obj)


def require(reader: Reader | None, action: str, obj: Any = None) -> None:
    if reader is None:
        raise PermissionDenied(can(reader, action, obj).reason)
    reader.require(action, obj)


def municipalities_where(reader: Reader, action: str) -> tuple[Municipality, ...]:
    """In which of the reader's municipalities the action reaches anything; one query.

    Needs a scope that reads all of them.
    """
    roles = [role for role in ROLES if _reach(role, action) != NONE]
    allowed = set(
        Assignment.objects.filter(
            person=reader.person, municipality__in=reader.municipalities, role__in=roles
        )
        .valid_on(reader.today)
        .values_list("municipality_id", flat=True)
    )
    return tuple(place for place in reader.municipalities if place.pk in allowed)


def _reach(role: Role, action: str) -> Reach:
    return _TABLE[action][ROLES.index(role)]


def _municipality_id(obj: Any) -> int | None:
    return obj.pk if isinstance(obj, Municipality) else obj.municipality_id


def _unit_ids(obj: Any) -> frozenset[int]:
    if isinstance(obj, Unit):
        return frozenset({obj.pk})
    return obj.responsible_unit_ids  # type: ignore[no-any-return]


def resolve_reader(
    person: Person | int,
    municipality: Municipality,
    today: date,
    municipalities: tuple[Municipality, ...] = (),
) -> Reader:
    """Reads the person's valid assignments and what they reach. Needs the municipality's scope; two queries.

    A person given by key comes with the assignments; without any, one more query finds the name.
    """
    assignments = list(
        Assignment.objects.filter(person=person, municipality=municipality)
        .valid_on(today)
        .select_related("unit", "person")
    )
    below = units_below(municipality, today) if any(a.unit_id for a in assignments) else {}
    held = tuple(
        Held(Role(a.role), a.unit, below.get(a.unit_id, frozenset({a.unit_id})) if a.unit_id else None)
        for a in assignments
    )
    if isinstance(person, int):
        person = assignments[0].person if assignments else Person.objects.get(pk=person)
    return Reader(person, municipality, held, municipalities, today)


def units_below(municipality: Municipality, today: date) -> dict[int, frozenset[int]]:
    """For each unit: itself, everything below it, and below a board what serves it today. One query."""
    units = Unit.objects.filter(municipality=municipality).order_by().values_list("id", "parent_id")
    services = (
        BoardService.objects.filter(municipality=municipality, valid_from__lte=today)
        .exclude(valid_to__lt=today)
        .order_by()
        .values_list("unit_id", "board_id")
    )
    below = list(units.union(services, all=True))
    children: dict[int, set[int]] = {pk: set() for pk, _above in below}
    for pk, above in below:
        if above is not None:
            children[above].add(pk)
    reached: dict[int, frozenset[int]] = {}
    for pk in children:
        found, waiting = {pk}, [pk]
        while waiting:
            for child in children[waiting.pop()] - found:
                found.add(child)
                waiting.append(child)
        reached[pk] = frozenset(found)
    return reached
