"""The plainest valid objects; what matters stands in the test. All write inside a scope."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

from projects.models import Project
from projects.registry import take_register_numbers
from strategy.models import (
    Account,
    Assignment,
    BoardService,
    Municipality,
    Person,
    Role,
    Unit,
    UnitKind,
)
from strategy.permissions import Reader, resolve_reader
from strategy.walls import scope

TODAY = date(2026, 11, 20)
_numbers = count(1)


def municipality(name: str = "Sjöstads kommun", **fields: Any) -> Municipality:
    # Above every code that Statistics Sweden has given, and round again in a long run.
    fields.setdefault("code", f"{2600 + next(_numbers) % 7400}")
    with scope(installation=True):
        return Municipality.objects.create(name=name, **fields)


def unit(place: Municipality, name: str = "Socialförvaltningen", **fields: Any) -> Unit:
    fields.setdefault("kind", UnitKind.ADMINISTRATION)
    return Unit.objects.create(municipality=place, name=name, **fields)


def serves(administration: Unit, board: Unit, **fields: Any) -> BoardService:
    return BoardService.objects.create(
        municipality_id=administration.municipality_id, unit=administration, board=board, **fields
    )


def person(place: Municipality | None = None, name: str = "Kontaktperson", **fields: Any) -> Person:
    fields.setdefault("email", f"person{next(_numbers)}@example.org")
    return Person.objects.create(name=name, registered_in=place, **fields)


def assignment(
    who: Person, role: Role, place: Municipality, at: Unit | None = None, **fields: Any
) -> Assignment:
    fields.setdefault("starts_on", date(2020, 1, 1))
    if role == Role.AUDITOR:
        fields.setdefault("ends_on", date(2030, 12, 31))
    return Assignment.objects.create(person=who, role=role, municipality=place, unit=at, **fields)


def reader(
    place: Municipality, role: Role, at: Unit | None = None, *, who: Person | None = None, **fields: Any
) -> Reader:
    """A reader with this one assignment (and whatever else the person already has)."""
    who = who or person(place)
    assignment(who, role, place, at, **fields)
    return resolve_reader(who, place, TODAY, (place,))


def login(client: Any, who: Person) -> Account:
    account = Account.objects.create_user(who.email, who, "lösenord för prov")
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return account


def project(place: Municipality, title: str = "Trygg hemma", **fields: Any) -> Project:
    fields.setdefault("register_year", 2026)
    if "register_number" not in fields:
        (fields["register_number"],) = take_register_numbers(place, fields["register_year"], 1)
    return Project.objects.create(municipality=place, title=title, **fields)
