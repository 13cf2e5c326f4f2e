"""The demo: Jönköping with the units that the audit names, its three neighbours, and the invented Sjöstad.

Made through the product's own functions, as their persons would. About the four real municipalities nothing
is invented: no project, no person, no figure. Persons are named by their role.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import StringIO

from django.core.management import call_command
from django.db import transaction

from projects.effects import plan_follow_ups, proposed_dates
from projects.gates import pass_gates
from projects.life import take_step
from projects.models import (
    Accounting,
    CoFinancingKind,
    Funder,
    GateKind,
    PartyRole,
    Programme,
    Project,
    ProjectParty,
    ProjectRole,
    State,
)
from projects.registry import register_project
from strategy import history, organisation
from strategy.models import Account, Municipality, Role, Unit, UnitKind, UnitNameKind
from strategy.permissions import Reader, resolve_reader
from strategy.responsibilities import Somebody, appoint_administrator, give_assignment
from strategy.walls import scope
from values.money import parse_amount
from values.precision import parse_partial_date

# For the project's own server on loopback alone; the command refuses a database that already has municipalities.
PASSWORD = "medel-visning"  # noqa: S105

PAGE = "manage.py demo"


@dataclass(frozen=True)
class Login:
    """One demo person: who, and as what in which municipality and unit."""

    email: str
    name: str
    role: Role
    municipality: str
    unit: str = ""
    ends_on: date | None = None


@dataclass(frozen=True)
class DemoUnit:
    name: str
    kind: UnitKind
    below: str = ""
    serves: str = ""
    executive: bool = False
    former: tuple[str, date] | None = None
    other: str = ""


@dataclass(frozen=True)
class Town:
    name: str
    code: str
    units: tuple[DemoUnit, ...]
    logins: tuple[Login, ...] = field(default=())
    # An invented one has the check digit right and is nobody's.
    organisation_number: str = ""


BOARD, ADMINISTRATION, DEPARTMENT = UnitKind.BOARD, UnitKind.ADMINISTRATION, UnitKind.DEPARTMENT

JONKOPING_UNITS = (
    DemoUnit("Kommunstyrelsen", BOARD, executive=True),
    DemoUnit("Stadskontoret", ADMINISTRATION, serves="Kommunstyrelsen"),
    *(
        DemoUnit(name, DEPARTMENT, below="Stadskontoret")
        for name in (
            "Ekonomiavdelningen",
            "Finans- och bolagsavdelningen",
            "HR-avdelningen",
            "IT-avdelningen",
            "Juridiska avdelningen",
            "Kansliavdelningen",
            "Kommunikationsavdelningen",
            "Näringslivsavdelningen",
            "Stabsavdelningen",
            "Upphandlingsavdelningen",
        )
    ),
    DemoUnit("Strategienheten", UnitKind.UNIT, below="Stabsavdelningen"),
    DemoUnit("Socialförvaltningen", ADMINISTRATION),
    DemoUnit("Utbildningsförvaltningen", ADMINISTRATION, other="Barn- och utbildningsförvaltningen"),
    DemoUnit("Kultur- och fritidsförvaltningen", ADMINISTRATION),
    DemoUnit("Stadsbyggnadskontoret", ADMINISTRATION),
)

STRATEGIST = "strateg@jonkoping.example"
# Adds municipalities to the installation and reads no municipality's projects.
INSTALLATION = "installation@medel.example"


Named = tuple[tuple[str, str, Role, str], ...]


def _logins(place: str, domain: str, named: Named, today: date) -> tuple[Login, ...]:
    """Logins from (address before the @, name, role, unit); an auditor's ends with the next year."""
    return tuple(
        Login(
            f"{address}@{domain}.example",
            name,
            role,
            place,
            unit,
            ends_on=date(today.year + 1, 12, 31) if role == Role.AUDITOR else None,
        )
        for address, name, role, unit in named
    )


SOCIAL, SCHOOL = "Socialförvaltningen", "Utbildningsförvaltningen"
JONKOPING_LOGINS: Named = (
    ("strateg", "Internationell strateg", Role.STRATEGIST, "Strategienheten"),
    ("kontaktperson", f"Kontaktperson {SOCIAL}", Role.CONTACT_PERSON, SOCIAL),
    ("projektledare", f"Projektledare {SOCIAL}", Role.PROJECT_MANAGER, SOCIAL),
    ("projektagare", f"Projektägare {SOCIAL}", Role.PROJECT_OWNER, SOCIAL),
    ("ekonom", f"Ekonom {SOCIAL}", Role.ECONOMIST, SOCIAL),
    ("chef", f"Förvaltningschef {SOCIAL}", Role.HEAD, SOCIAL),
    ("registrator", "Registrator Stadskontoret", Role.REGISTRAR, "Stadskontoret"),
    ("ansokan", "Ansökningshandläggare Stadskontoret", Role.APPLICATION_OFFICER, "Stadskontoret"),
    ("natverk", "Nätverkssekreterare Stadskontoret", Role.NETWORK_SECRETARY, "Stadskontoret"),
    ("lasare", "Läsare", Role.READER, ""),
    ("revisor", "Revisor", Role.AUDITOR, ""),
    ("medarbetare", f"Medarbetare {SCHOOL}", Role.EMPLOYEE, SCHOOL),
)
SJOSTAD_LOGINS: Named = (
    ("strateg", "Internationell strateg i Sjöstad", Role.STRATEGIST, "Utvecklingsenheten"),
    ("kontakt.social", f"Kontaktperson {SOCIAL} i Sjöstad", Role.CONTACT_PERSON, SOCIAL),
    ("kontakt.skola", f"Kontaktperson {SCHOOL} i Sjöstad", Role.CONTACT_PERSON, SCHOOL),
    ("ekonom", "Ekonom i Sjöstad", Role.ECONOMIST, ""),
    ("revisor", "Revisor i Sjöstad", Role.AUDITOR, ""),
)


def towns(today: date) -> tuple[Town, ...]:
    """The municipalities of the demo, with their codes from Statistics Sweden (Sjöstad's is not in use)."""
    executive = (DemoUnit("Kommunstyrelsen", BOARD, executive=True),)
    return (
        Town(
            "Jönköpings kommun",
            "0680",
            JONKOPING_UNITS,
            _logins("Jönköpings kommun", "jonkoping", JONKOPING_LOGINS, today),
        ),
        *(
            Town(name, code, executive, (Login(STRATEGIST, "Internationell strateg", Role.STRATEGIST, name),))
            for name, code in (
                ("Habo kommun", "0643"),
                ("Mullsjö kommun", "0642"),
                ("Vaggeryds kommun", "0665"),
            )
        ),
        Town(
            "Sjöstads kommun",
            "9999",
            (
                *executive,
                DemoUnit("Socialnämnden", BOARD),
                DemoUnit("Utbildningsnämnden", BOARD),
                DemoUnit("Tekniska nämnden", BOARD),
                DemoUnit("Kommunledningskontoret", ADMINISTRATION, serves="Kommunstyrelsen"),
                DemoUnit("Utvecklingsenheten", UnitKind.UNIT, below="Kommunledningskontoret"),
                DemoUnit("Socialförvaltningen", ADMINISTRATION, serves="Socialnämnden"),
                DemoUnit("Hemtjänsten", DEPARTMENT, below="Socialförvaltningen"),
                DemoUnit(
                    "Utbildningsförvaltningen",
                    ADMINISTRATION,
                    serves="Utbildningsnämnden",
                    former=("Barn- och ungdomsförvaltningen", date(2022, 12, 31)),
                ),
                DemoUnit("Strandskolan", UnitKind.SCHOOL, below="Utbildningsförvaltningen"),
                DemoUnit("Bergskolan", UnitKind.SCHOOL, below="Utbildningsförvaltningen"),
                DemoUnit("Tekniska förvaltningen", ADMINISTRATION, serves="Tekniska nämnden"),
                DemoUnit("Sjöstads Energi AB", UnitKind.COMPANY),
            ),
            _logins("Sjöstads kommun", "sjostad", SJOSTAD_LOGINS, today),
            organisation_number="219999-9992",
        ),
    )


@dataclass(frozen=True)
class DemoProject:
    """An invented project, in the words a person would type."""

    title: str
    owner: str
    starts: str = ""
    ends: str = ""
    total: str = ""
    own: str = ""
    funder: str = ""
    programme: str = ""
    role: str = ""
    state: str = ""
    co_financing: str = ""
    number: str = ""
    accounting: str = ""
    accounted_by: str = ""
    acronym: str = ""
    summary: str = ""
    parties: tuple[ProjectParty, ...] = ()
    link: str = ""
    expected: str = ""
    achieved: str = ""
    kept_up: str = ""
    reference: str = ""
    dnr: str = ""
    reported: str = ""
    # The gates that were passed, each with the day and what shows it.
    gates: tuple[tuple[GateKind, str, str], ...] = ()
    # Steps from the idea on, each so many days ago; without any the project is registered where it stands.
    steps: tuple[tuple[State, int], ...] = ()


# What an administration decides before it applies, mostly at one meeting.
def _before_applying(day: str, evidence: str) -> tuple[tuple[GateKind, str, str], ...]:
    return tuple(
        (kind, day, evidence) for kind in (GateKind.ANCHORING, GateKind.SUITABILITY, GateKind.BUDGET)
    )


def _projects() -> tuple[DemoProject, ...]:
    social, school, works = "Socialförvaltningen", "Utbildningsförvaltningen", "Tekniska förvaltningen"
    owner, partner, co_financier = (
        ProjectRole.OWNER.value,
        ProjectRole.PARTNER.value,
        ProjectRole.CO_FINANCIER.value,
    )
    here = Accounting.HERE.value
    return (
        DemoProject(
            "Grönt i staden", works, "2023-04", "2026-03", "1 860 000", "930 000", "Naturvårdsverket", "LONA",
            owner, State.ENDED, CoFinancingKind.BOTH, "7689", here, summary="Ekosystemtjänster i centrum.",
            link="Förvaltningens skötsel av parker och gator.",
            expected="Svalare torg och färre översvämmade källare i centrum.",
            achieved="Två torg har blivit svalare. Källarna har klarat ett skyfall.",
            kept_up="Träden ingår i den årliga skötselplanen.", reference="NV-04411-22", dnr="TN 2023/0041",
            reported="2026-05-15",
            gates=(
                *_before_applying("2022-11-08", "Tekniska nämnden 2022-11-08 § 112"),
                (GateKind.ORGANISATION, "2023-03-20", "Uppdrag till parkenheten, styrgrupp utsedd"),
                (GateKind.IMPLEMENTATION, "2026-04-10", "Slutrapporten: genomfört som planerat"),
                (GateKind.FOLLOW_UP, "2026-06-02", "Tekniska nämnden 2026-06-02 § 58"),
            ),
        ),
        DemoProject(
            "Språkcafé över gränsen", school, "2024-08", "2026-07", "412 000", "412 000", "EU", "Erasmus+",
            owner, State.ONGOING, CoFinancingKind.WORKING_TIME, "7702", here,
            summary="Utbyte mellan Strandskolan och en skola vid Östersjön.",
            parties=(ProjectParty(name="En skola i Tartu", country="EE", role=PartyRole.PARTNER),),
        ),
        DemoProject(
            "Trygg hemma", social, "2024-12-01", "2027-11-30", "40 200 000", "3 812 400", "EU", "Horisont Europa",
            partner, State.ONGOING, CoFinancingKind.WORKING_TIME, "7714", here, acronym="TRYGG",
            summary="Medskapande i sociala tjänster.",
            link="Hemtjänstens planering av insatser.",
            expected="Äldre som har hemtjänst är med och utformar sina insatser.",
            reference="101093212", dnr="SN 2024/0163",
            gates=(
                *_before_applying("2024-02-14", "Socialnämnden 2024-02-14 § 21"),
                (GateKind.ORGANISATION, "2024-11-12", "Socialförvaltningens ledningsgrupp 2024-11-12"),
            ),
            parties=(ProjectParty(kind="universitet", number=9), ProjectParty(kind="kommuner", number=10)),
        ),
        DemoProject(
            "Räkna med oss", social, "2025-03", "2028-02", "31 000 000", "1 950 000", "Svenska ESF-rådet", "ESF+",
            co_financier, State.ONGOING, CoFinancingKind.BOTH, "", Accounting.ELSEWHERE, "Regionen",
            summary="Vägar till egen försörjning.",
        ),
        DemoProject(
            "Nära vård 2027", social, "2026-01", "2027-12", "6 300 000", "6 300 000", "Socialstyrelsen", "",
            owner, State.ONGOING, CoFinancingKind.NONE, "", Accounting.NOT_YET, summary="Omställning i hemsjukvården.",
        ),
        DemoProject(
            "Laddning för alla", "Sjöstads Energi AB", "2025-09", "2027-08", "ca 12 mkr", "4 500 000",
            "Naturvårdsverket", "Klimatklivet", owner, State.ONGOING, CoFinancingKind.MONEY, "E-204", here,
        ),
        DemoProject(
            "Kusten utan skräp", works, "2026-05", "2029-04", "2 400 000 EUR", "210 000 EUR", "EU",
            "Interreg South Baltic", partner, State.GRANTED, CoFinancingKind.BOTH, "", Accounting.NOT_YET,
            parties=(ProjectParty(kind="städer", number=6, place="runt södra Östersjön"),),
        ),
        DemoProject(
            "Läslust", school, "2027-01", "2028-12", "3 200 000", "800 000", "Kulturrådet", "", owner, State.APPLIED,
            link="Skolbibliotekens ordinarie arbete.",
            expected="Fler elever i årskurs 4–6 läser en bok i månaden.",
            gates=_before_applying("2025-12-02", "Utbildningsförvaltningens ledningsgrupp 2025-12-02"),
            steps=((State.ANCHORING, 120), (State.DECIDED_TO_APPLY, 75), (State.APPLIED, 40)),
        ),
        DemoProject(
            "Lärare ut i Europa", school, "2025-06", "2026-09", "580 000", "", "EU", "Erasmus+", owner, State.ONGOING,
        ),
        DemoProject(
            "Unga bestämmer", school, "2022-09", "2024-06", "1 100 000", "350 000", "Allmänna arvsfonden", "",
            ProjectRole.PARTICIPANT, State.ENDED, accounting=Accounting.ELSEWHERE, accounted_by="En förening i Sjöstad",
        ),
        DemoProject(
            "Digital samverkan i länet", "Kommunledningskontoret", "2024-01", "2025-12", "", "", "Vinnova", "", partner,
        ),
    )  # fmt: skip


class NotEmpty(Exception):
    """The database has municipalities of its own: the demo is not mixed with them."""


def build(today: date) -> bool:
    """Makes the whole demo in one transaction; False if it stands already. Raises NotEmpty."""
    wanted = {town.name for town in towns(today)}
    standing = set(Municipality.objects.values_list("name", flat=True))
    if standing == wanted:
        return False
    if standing:
        raise NotEmpty
    with transaction.atomic(), scope(installation=True):
        places = {
            town.name: organisation.add_municipality(
                name=town.name, code=town.code, organisation_number=town.organisation_number
            )
            for town in towns(today)
        }
        for town in towns(today):
            _settle(town, places[town.name], today)
        _register_projects(places["Sjöstads kommun"], today)
        call_command(
            "add_administrator",
            INSTALLATION,
            installation=True,
            name="Installationens administratör",
            stdout=StringIO(),
        )
        for account in Account.objects.all():
            account.set_password(PASSWORD)
            account.save()
    return True


@contextmanager
def _acting(place: Municipality, email: str, today: date) -> Iterator[Reader]:
    with scope(place.pk):
        account = Account.objects.select_related("person").get(email=email)
        yield resolve_reader(account.person, place, today)


def _act(reader: Reader) -> AbstractContextManager[None]:
    """One click of the reader's. Acts are not nested: an inner one would be told as part of the outer."""
    return history.context(person=reader.person.pk, municipality=reader.municipality.pk, page=PAGE)


def _settle(town: Town, place: Municipality, today: date) -> None:
    # One administrator for the neighbours and Jönköping: the four share their strategist.
    administrator = (
        "administrator@sjostad.example" if town.name.startswith("Sjö") else "administrator@jonkoping.example"
    )
    with history.context(page=PAGE, municipality=place.pk):
        assignment, _new = appoint_administrator(
            place, Somebody(name="Administratör", email=administrator), starts_on=date(today.year, 1, 1)
        )
        with scope(place.pk):
            if not Account.objects.filter(email=administrator).exists():
                Account.objects.create_user(administrator, assignment.person)
    with _acting(place, administrator, today) as reader, _act(reader):
        units: dict[str, Unit] = {}
        for unit in town.units:
            made = organisation.add_unit(
                reader,
                Unit(
                    name=unit.name,
                    kind=unit.kind,
                    parent=units.get(unit.below),
                    is_executive_board=unit.executive,
                    valid_from=date(1971, 1, 1),
                ),
            )
            units[unit.name] = made
            if unit.serves:
                organisation.serve_board(reader, made, units[unit.serves], valid_from=date(1971, 1, 1))
            if unit.former:
                organisation.add_unit_name(
                    reader, made, name=unit.former[0], kind=UnitNameKind.FORMER, until=unit.former[1]
                )
            if unit.other:
                organisation.add_unit_name(reader, made, name=unit.other, kind=UnitNameKind.OTHER)
        for login in town.logins:
            give_assignment(
                reader,
                Somebody(name=login.name, email=login.email),
                role=login.role,
                unit=units.get(login.unit),
                starts_on=date(today.year, 1, 1),
                ends_on=login.ends_on,
            )


def _register_projects(place: Municipality, today: date) -> None:
    with _acting(place, "strateg@sjostad.example", today) as reader:
        units = {unit.name: unit for unit in Unit.objects.filter(municipality=place)}
        funders = {funder.name: funder for funder in Funder.objects.all()}
        programmes = {programme.name: programme for programme in Programme.objects.all()}
        for told in _projects():
            starts = parse_partial_date(told.starts) if told.starts else None
            ends = parse_partial_date(told.ends) if told.ends else None
            total = parse_amount(told.total) if told.total else None
            own = parse_amount(told.own) if told.own else None
            project = Project(
                title=told.title,
                acronym=told.acronym,
                summary=told.summary,
                owner_unit=units[told.owner],
                role=told.role,
                state=State.IDEA if told.steps else told.state,
                co_financing=told.co_financing,
                funder=funders[told.funder] if told.funder else None,
                programme=programmes[told.programme] if told.programme else None,
                project_number=told.number,
                accounting=told.accounting,
                accounted_by=told.accounted_by,
                starts_on=starts.first if starts else None,
                starts_precision=starts.precision if starts else "day",
                ends_on=ends.last if ends else None,
                ends_precision=ends.precision if ends else "day",
                total_budget=total.money.amount if total else None,
                total_budget_currency=total.money.currency if total else "SEK",
                total_budget_approximate=total.approximate if total else False,
                own_share=own.money.amount if own else None,
                own_share_currency=own.money.currency if own else "SEK",
                own_share_approximate=own.approximate if own else False,
                link_to_operations=told.link,
                expected_effect=told.expected,
                achieved_effect=told.achieved,
                kept_up=told.kept_up,
                kept_up_by=units[told.owner] if told.kept_up else None,
                external_reference=told.reference,
                dnr=told.dnr,
                final_reported_on=date.fromisoformat(told.reported) if told.reported else None,
            )
            with _act(reader):
                register_project(reader, project, parties=told.parties)
                for kind, day, evidence in told.gates:
                    pass_gates(
                        reader,
                        project,
                        [kind],
                        on=date.fromisoformat(day),
                        by=reader.person,
                        evidence=evidence,
                    )
                if told.achieved:
                    plan_follow_ups(reader, project, proposed_dates(project))
            for state, days in told.steps:
                with _act(reader):
                    take_step(reader, project, state, on=today - timedelta(days=days))


def logins(today: date) -> tuple[Login, ...]:
    """Whom one can log in as; the password is PASSWORD for all."""
    return (
        Login("administrator@jonkoping.example", "Administratör", Role.ADMINISTRATOR, "Jönköpings kommun"),
        *(login for town in towns(today) for login in town.logins),
        Login("administrator@sjostad.example", "Administratör", Role.ADMINISTRATOR, "Sjöstads kommun"),
        Login(INSTALLATION, "Installationens administratör", Role.ADMINISTRATOR, ""),
    )
