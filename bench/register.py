"""The register that is measured: invented, the same at every run, and skewed as the real one is.

Thirteen municipalities, the largest with half of the projects; a few large administrations own most of a
municipality's projects; one in ten has no owner unit, one in six no dates; one in fifty is shared. What
happens to the projects on their way is in bench.lives.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import xlsxwriter
from django.db import connection

from bench import lives, words
from projects.models import (
    Accounting,
    CoFinancingKind,
    Funder,
    Kind,
    Level,
    PartyRole,
    Programme,
    Project,
    ProjectParty,
    ProjectRole,
    ProjectShare,
    ProjectUnit,
    Source,
    State,
)
from projects.registry import take_register_numbers
from projects.views.project_list import LISTING
from strategy import history
from strategy.management.commands.migrate import as_owner
from strategy.models import (
    Account,
    Assignment,
    BoardService,
    Municipality,
    Person,
    Role,
    SavedView,
    Unit,
    UnitKind,
)
from strategy.walls import scope

PROJECTS = 10_000
# So many projects' steps, groups and documents are written in one transaction.
IN_ONE_GO = 50
# Of the saved view that is measured: among them what costs a query or a join more.
VIEW_COLUMNS = [
    *("project", "kind", "programme", "funder", "parties", "starts", "ends", "project_manager"),
    *("own_share", "dnr", "state"),
]
# Single changes in the largest municipality, with ten thousand projects in all.
ACTS = 1500
# Thousandths of all projects in each municipality.
SKEW = (500, 120, 80, 60, 50, 40, 35, 30, 25, 20, 15, 15, 10)
ADMINISTRATIONS = 8
DEPARTMENTS = 5  # of each administration

_STATES = (
    *((State.ONGOING, 25), (State.ENDED, 45), (State.ARCHIVED, 8), (State.GRANTED, 5), (State.APPLIED, 5)),
    *((State.REJECTED, 4), (State.PAUSED, 3), (State.FINAL_REPORTED, 2), ("", 3)),
)  # fmt: skip
_ROLES = (
    *((ProjectRole.OWNER, 35), (ProjectRole.PARTNER, 30), (ProjectRole.CO_FINANCIER, 10)),
    *((ProjectRole.PARTICIPANT, 10), (ProjectRole.GRANT_RECIPIENT, 10), ("", 5)),
)  # fmt: skip
_KINDS = (
    *((Kind.DEVELOPMENT, 50), (Kind.RESEARCH, 6), (Kind.MOBILITY, 12), (Kind.INVESTMENT, 10)),
    *((Kind.STATE_GRANT, 10), ("", 12)),
)
_LEVELS = (
    *((Level.LOCAL, 30), (Level.REGIONAL, 25), (Level.NATIONAL, 15), (Level.INTERNATIONAL, 15), ("", 15)),
)  # fmt: skip
_SOURCES = ((Source.OWN, 40), (Source.STRATEGIST, 15), (Source.NETWORK, 10), (Source.PARTNER, 15), ("", 20))


@dataclass(frozen=True)
class Town:
    municipality: Municipality
    units: tuple[Unit, ...]  # administrations and departments, the largest first
    projects: int


@dataclass(frozen=True)
class Register:
    towns: tuple[Town, ...]
    strategist: Account
    contact: Account
    contact_unit: Unit
    administrator: Account
    several: Account  # strategist in three municipalities

    @property
    def largest(self) -> Town:
        return self.towns[0]


def fill(today: date, projects: int = PROJECTS) -> Register:
    """Everything is written as the web would write it: as the application role, inside a municipality."""
    chance = Random(20261120)  # noqa: S311 - nothing secret
    towns = tuple(
        _town(chance, place, round(projects * part / sum(SKEW)), today) for place, part in enumerate(SKEW)
    )
    for owner, other in pairwise(towns):
        with scope(owner.municipality.pk), history.context(municipality=owner.municipality.pk, page="bench"):
            _share(chance, owner, other)
    first = towns[0]
    with scope(first.municipality.pk), history.context(municipality=first.municipality.pk, page="bench"):
        strategist = _somebody(first, "strategist", Role.STRATEGIST, None)
        administration = first.units[0]
        contact = _somebody(first, "contact", Role.CONTACT_PERSON, administration)
        several = _somebody(first, "several", Role.STRATEGIST, None)
        administrator = _somebody(first, "administrator", Role.ADMINISTRATOR, None)
        SavedView.objects.create(
            municipality=first.municipality,
            person=strategist.person,
            listing=LISTING.name,
            name="Alla med parter",
            columns=VIEW_COLUMNS,
            shared=True,
        )
    for town in towns[1:3]:
        with scope(town.municipality.pk, person=several.person_id):
            _assign(several.person, Role.STRATEGIST, town.municipality, None)
    _acts(chance, first, (strategist, contact), ACTS * projects // PROJECTS)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return Register(towns, strategist, contact, administration, administrator, several)


def standing() -> Register:
    """The register that an earlier run filled and kept."""
    with scope(installation=True):
        places = list(Municipality.objects.filter(name__startswith="Kommun ").order_by("code"))
    towns = []
    for place in places:
        with scope(place.pk):
            units = tuple(
                Unit.objects.filter(municipality=place, kind=UnitKind.ADMINISTRATION).order_by("name")
            )
            towns.append(Town(place, units, Project.objects.filter(municipality=place).count()))
    with scope(places[0].pk):
        by_name = {one.email.partition("@")[0]: one for one in Account.objects.select_related("person")}
    return Register(
        towns=tuple(towns),
        strategist=by_name["strategist"],
        contact=by_name["contact"],
        contact_unit=towns[0].units[0],
        administrator=by_name["administrator"],
        several=by_name["several"],
    )


def _acts(chance: Random, town: Town, accounts: Sequence[Account], count: int) -> None:
    """Changes made one by one, each an act of its own: what the log is full of after some years."""
    place = town.municipality
    with scope(place.pk):
        keys = list(Project.objects.filter(municipality=place).values_list("pk", flat=True)[:count])
    for key in keys:
        person = chance.choice(accounts).person_id
        with (
            scope(place.pk, person=person),
            history.context(
                person=person,
                municipality=place.pk,
                page=f"/projekt/{key}/andra/",
                reason="Rättat efter samtal",
            ),
        ):
            Project.objects.filter(pk=key).update(note=words.text(chance, 1))


def _somebody(town: Town, name: str, role: Role, unit: Unit | None) -> Account:
    person = Person.objects.create(
        name=name.title(), email=f"{name}@example.org", registered_in=town.municipality
    )
    _assign(person, role, town.municipality, unit)
    return Account.objects.create_user(person.email, person)


def _assign(person: Person, role: Role, place: Municipality, unit: Unit | None) -> None:
    Assignment.objects.create(
        person=person, role=role, municipality=place, unit=unit, starts_on=date(2020, 1, 1)
    )


def _town(chance: Random, number: int, projects: int, today: date) -> Town:
    with scope(installation=True):
        place = Municipality.objects.create(name=f"Kommun {number + 1:02}", code=f"{9000 + number}")
    with scope(place.pk), history.context(municipality=place.pk, page="bench"):
        units = _units(place)
        people = [
            Person(name=f"Person {one}", email=f"person{one}.{number}@example.org", registered_in=place)
            for one in range(40)
        ]
        Person.objects.bulk_create(people)
        # Every other administration has a contact person; the others are vacant.
        Assignment.objects.bulk_create(
            Assignment(
                person=person,
                role=Role.CONTACT_PERSON if index < len(units) // 2 else Role.PROJECT_MANAGER,
                municipality=place,
                unit=units[2 * index + 1] if index < len(units) // 2 else None,
                starts_on=date(2020, 1, 1),
            )
            for index, person in enumerate(people)
        )
        managers = people[len(units) // 2 :]
        made = _projects(chance, place, units, managers, projects, today)
        lived = lives.Place(place, units, managers, chance, today)
        lives.report_in(lived, max(projects // 25, 3), made)
        lives.list_codes(lived, max(projects // 3, 20), made)
        lives.list_grants(lived, max(projects // 20, 3), made)
    # What happens to projects happens on many days: the log is found by time, and is not to have one.
    for some in range(0, len(made), IN_ONE_GO):
        lot = made[some : some + IN_ONE_GO]
        with scope(place.pk), history.context(municipality=place.pk, page="bench"):
            lives.live(lived, lot, [one for one in lot if one.state == State.IDEA])
    return Town(place, units, projects)


def _units(place: Municipality) -> tuple[Unit, ...]:
    executive = Unit.objects.create(
        municipality=place, name="Kommunstyrelsen", kind=UnitKind.BOARD, is_executive_board=True
    )
    boards = [
        executive,
        *Unit.objects.bulk_create(
            Unit(municipality=place, name=f"Nämnd {one}", kind=UnitKind.BOARD) for one in range(1, 5)
        ),
    ]
    administrations = Unit.objects.bulk_create(
        Unit(municipality=place, name=f"Förvaltning {one}", kind=UnitKind.ADMINISTRATION)
        for one in range(1, ADMINISTRATIONS + 1)
    )
    Unit.objects.bulk_create(
        Unit(
            municipality=place,
            name=f"Avdelning {one}.{two}",
            kind=UnitKind.DEPARTMENT,
            parent=administration,
        )
        for one, administration in enumerate(administrations, start=1)
        for two in range(1, DEPARTMENTS + 1)
    )
    BoardService.objects.bulk_create(
        BoardService(municipality=place, unit=administration, board=boards[one % len(boards)])
        for one, administration in enumerate(administrations)
    )
    return tuple(administrations)


def _weighted(chance: Random, choices: Sequence[tuple[str, int]]) -> str:
    values, weights = zip(*choices, strict=True)
    return str(chance.choices(values, weights)[0])


def _skewed(chance: Random, count: int) -> int:
    """An index, the first far oftener than the last."""
    return min(int(chance.expovariate(4 / count)), count - 1)


def _period(chance: Random, today: date) -> tuple[date | None, date | None]:
    if chance.random() < 0.16:
        return None, None
    starts = date(today.year - _skewed(chance, 20), chance.randint(1, 12), 1)
    return starts, starts + timedelta(days=chance.randint(200, 1500))


def _projects(
    chance: Random,
    place: Municipality,
    units: Sequence[Unit],
    managers: Sequence[Person],
    count: int,
    today: date,
) -> list[Project]:
    funders = list(Funder.objects.filter(municipality=None).order_by("pk"))
    programmes = list(Programme.objects.filter(municipality=None).order_by("pk"))
    rows = []
    for number in take_register_numbers(place, today.year, count):
        starts, ends = _period(chance, today)
        budget = Decimal(chance.randint(1, 400) * 50_000)
        euro = chance.random() < 0.03
        accounted = chance.random()
        # One in four has taken its steps in the register (bench.lives); the others came in a list.
        state = State.IDEA if chance.random() < 0.25 else _weighted(chance, _STATES)
        kind = _weighted(chance, _KINDS)
        told = state not in {"", State.IDEA} and chance.random() < 0.4
        rows.append(
            Project(
                municipality=place,
                register_year=today.year,
                register_number=number,
                title=words.title(chance, number),
                acronym=chance.choice(words.SECOND)[:6].upper() if chance.random() < 0.3 else "",
                summary=words.text(chance, chance.randint(1, 8)),
                state=state,
                kind=kind,
                level=_weighted(chance, _LEVELS),
                source=_weighted(chance, _SOURCES),
                dnr=f"KS {chance.randint(2010, 2026)}/{chance.randint(1, 900)}"
                if chance.random() < 0.4
                else "",
                external_reference=f"2021-{chance.randint(10_000, 99_999)}" if chance.random() < 0.4 else "",
                initiated_by="Enhetschef" if chance.random() < 0.3 else "",
                link_to_operations=words.text(chance, 1) if chance.random() < 0.4 else "",
                expected_effect=words.text(chance, 2) if chance.random() < 0.5 else "",
                achieved_effect=words.text(chance, 2) if told else "",
                kept_up=words.text(chance, 1) if told else "",
                kept_up_by=chance.choice(units) if told else None,
                research_led_by="Högskolan" if kind == Kind.RESEARCH else "",
                doctoral_students=chance.randint(0, 3) if kind == Kind.RESEARCH else None,
                owner_unit=units[_skewed(chance, len(units))] if chance.random() < 0.9 else None,
                project_manager=chance.choice(managers) if chance.random() < 0.6 else None,
                role=_weighted(chance, _ROLES),
                co_financing=CoFinancingKind.MONEY if chance.random() < 0.5 else "",
                funder=funders[_skewed(chance, len(funders))] if chance.random() < 0.9 else None,
                programme=programmes[_skewed(chance, len(programmes))] if chance.random() < 0.7 else None,
                starts_on=starts,
                ends_on=ends,
                recorded_for_year=None if starts else today.year - _skewed(chance, 15),
                total_budget=budget if chance.random() < 0.8 else None,
                total_budget_currency="EUR" if euro else "SEK",
                own_share=(budget * chance.randint(5, 60) / 100).quantize(Decimal(1))
                if chance.random() < 0.7
                else None,
                own_share_currency="EUR" if euro else "SEK",
                own_share_approximate=chance.random() < 0.1,
                accounting=Accounting.HERE
                if accounted < 0.5
                else Accounting.ELSEWHERE
                if accounted < 0.7
                else "",
                accounted_by="Länsstyrelsen" if 0.5 <= accounted < 0.7 else "",
                project_number=str(chance.randint(10_000, 99_999)) if accounted < 0.5 else "",
                note=words.text(chance, 1) if chance.random() < 0.2 else "",
            )
        )
    Project.objects.bulk_create(rows, batch_size=1000)
    ProjectUnit.objects.bulk_create(
        (
            ProjectUnit(municipality=place, project=row, unit=unit)
            for row in rows
            if chance.random() < 0.3
            for unit in chance.sample(list(units), chance.randint(1, 2))
        ),
        batch_size=2000,
    )
    ProjectParty.objects.bulk_create(
        (
            ProjectParty(
                municipality=place,
                project=row,
                name=f"{chance.choice(words.FIRST)} {chance.choice(words.SECOND)} AB {one}",
                role=PartyRole.PARTNER,
            )
            for row in rows
            for one in range(chance.choice((0, 1, 2, 2, 3, 6)))
        ),
        batch_size=2000,
    )
    return rows


def _share(chance: Random, owner: Town, other: Town) -> None:
    shared = list(
        Project.objects.filter(municipality=owner.municipality).order_by("pk")[: max(owner.projects // 50, 2)]
    )
    ProjectShare.objects.bulk_create(
        ProjectShare(
            owner_municipality=owner.municipality,
            municipality=other.municipality,
            project=project,
            role=ProjectRole.PARTNER,
            own_share=Decimal(chance.randint(1, 20) * 10_000),
        )
        for project in shared
    )


# --- files to take in ------------------------------------------------------------------------------------

_HEADINGS = (
    *("title", "summary", "role", "state", "starts", "ends", "total_budget_sek", "own_share_sek"),
    *("owner", "units", "partners", "funder", "project_number", "dnr"),
)
_SHARE = _HEADINGS.index("own_share_sek")


def _file_rows(rows: int) -> Iterator[tuple[object, ...]]:
    """New projects as a spreadsheet holds them: days are days and amounts are numbers."""
    chance = Random(14)  # noqa: S311 - nothing secret
    for number in range(rows):
        starts = date(2026 - _skewed(chance, 12), chance.randint(1, 12), 1)
        budget = chance.randint(1, 200) * 50_000
        yield (
            f"Ny {words.title(chance, number)}",
            words.text(chance, 3),
            chance.choice(("ägare", "partner")),
            chance.choice(("pågående", "avslutat")),
            starts,
            starts + timedelta(days=chance.randint(300, 1200)),
            budget,
            budget // 3,
            f"Förvaltning {chance.randint(1, ADMINISTRATIONS)}",
            f"Avdelning {chance.randint(1, ADMINISTRATIONS)}.{chance.randint(1, DEPARTMENTS)}",
            f"Bolag {chance.randint(1, 500)} AB, Förening {chance.randint(1, 500)}",
            f"Stiftelse {chance.randint(1, 40)}",
            f"{chance.randint(0, 9999):05}",
            f"KS {chance.randint(2010, 2026)}/{chance.randint(1, 900)}",
        )


def csv_file(rows: int) -> bytes:
    """A file of new projects, as the import takes them: amounts and months as people write them."""
    text = io.StringIO(newline="")
    out = csv.writer(text, delimiter=";")
    out.writerow(_HEADINGS)
    for row in _file_rows(rows):
        starts, ends, budget, share = row[4:8]
        told = (
            f"{starts:%Y-%m}",
            f"{ends:%Y-%m}",
            f"{_thousands(budget)} tkr",
            f"ca {_thousands(share)} tkr",
        )
        out.writerow([*row[:4], *told, *row[8:]])
    return text.getvalue().encode()


def _thousands(amount: object) -> int:
    return int(str(amount)) // 1000


def xlsx_file(rows: int) -> bytes:
    """The same projects as a workbook, with days and amounts by number format and codes as text."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    page = book.add_worksheet("Projekt")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    page.write_row(0, 0, _HEADINGS)
    for line, row in enumerate(_file_rows(rows), start=1):
        for column, value in enumerate(row):
            if isinstance(value, date):
                page.write_datetime(line, column, value, day)
            elif isinstance(value, int) and (column != _SHARE or line % 10):
                page.write_number(line, column, value)
            elif isinstance(value, int):
                # Some amounts are written about; a file with none is asked whether all of them are exact.
                page.write_string(line, column, f"ca {_thousands(value)} tkr")
            else:
                page.write_string(line, column, str(value))
    book.close()
    return data.getvalue()
