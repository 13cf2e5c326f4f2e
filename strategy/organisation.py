"""The municipality and its units over time: adding, renaming, moving and ending them, each one act.

Nothing is deleted: a unit ends, a name becomes a former name, and the board served changes from a day.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image, UnidentifiedImageError

from pages.forms import register_messages
from strategy import history
from strategy.attachments import store
from strategy.models import (
    Assignment,
    BoardService,
    MailDomain,
    Municipality,
    MunicipalityKind,
    MunicipalityMember,
    Population,
    Unit,
    UnitKind,
    UnitName,
    UnitNameKind,
)
from strategy.permissions import Reader
from values.organisation_number import parse_organisation_number
from values.text import fold, squeeze

MESSAGES = {
    "unit_stays_what_it_is": gettext_lazy(
        "The kind can change among administration, sector and company, or among department, unit and school. "
        "To make it something else, end the unit and add a new one."
    ),
    "municipality_has_a_name": gettext_lazy("Write the municipality's name."),
    "municipality_kind_is_known": gettext_lazy("Choose a kind in the list."),
    "unit_has_a_name": gettext_lazy("Write the unit's name."),
    "unit_kind_is_known": gettext_lazy("Choose a kind in the list."),
    "unit_name_is_not_empty": gettext_lazy("Write the name."),
    "unit_name_kind_is_known": gettext_lazy("Choose whether it is a former or another name."),
    "municipality_code_has_four_digits": gettext_lazy("The code has four digits, for example 0680."),
    "a_municipality_has_a_code": gettext_lazy(
        "A municipality has a code of four digits from Statistics Sweden. Fill it in."
    ),
    "organisation_number_has_its_check_digit": gettext_lazy(
        "The last digit of the organisation number does not fit the others. Check it."
    ),
    "nobody_is_a_member_of_itself": gettext_lazy(
        "Choose another municipality: nobody is a member of itself."
    ),
    "membership_ends_after_it_starts": gettext_lazy(
        "The membership must not end before it starts. Correct one of the dates."
    ),
    "one_membership_at_a_time": gettext_lazy(
        "This member is already there during these days. Choose other dates."
    ),
    "one_population_a_year": gettext_lazy(
        "The population of this year stands there already. Choose another year."
    ),
    "population_year_is_a_year": gettext_lazy("Write the year with four digits, for example 2025."),
    "unit_parent_in_same_municipality": gettext_lazy("Choose a unit of your own municipality."),
    "unit_ends_after_it_starts": gettext_lazy(
        "The unit must not end before it starts. Correct one of the dates."
    ),
    "executive_board_is_a_board": gettext_lazy(
        "Only a board can be the municipal executive board. Choose the kind Board, or untick the box."
    ),
    "unit_name_is_taken": gettext_lazy(
        "Another unit has this name during these days. Choose another name, or end the other unit first."
    ),
    "unit_tree_has_no_cycle": gettext_lazy(
        "A unit cannot lie below itself. Choose a unit that is not part of this one."
    ),
    "unit_name_in_same_municipality": gettext_lazy("Choose a unit of your own municipality."),
    "unit_has_the_name_once": gettext_lazy("The unit has this name already."),
    "board_service_unit_in_same_municipality": gettext_lazy("Choose a unit of your own municipality."),
    "board_service_board_in_same_municipality": gettext_lazy("Choose a board of your own municipality."),
    "a_board_does_not_serve_itself": gettext_lazy("Choose another board: none serves itself."),
    "board_service_ends_after_it_starts": gettext_lazy(
        "The last day must not be before the first. Correct one of the dates."
    ),
    "one_board_service_at_a_time": gettext_lazy(
        "The unit already serves this board during these days. End that first, or choose other dates."
    ),
    "board_service_is_to_a_board": gettext_lazy("Choose a unit of the kind Board."),
    "mail_domain_is_a_domain": gettext_lazy(
        "Write what stands after @ in the work addresses, in the letters a to z, for example sjostad.se."
    ),
    "strategy_maildomain_domain_key": gettext_lazy(
        "This mail domain belongs to a municipality already: a domain names one alone."
    ),
}
register_messages(
    MESSAGES,
    fields={
        "municipality_has_a_name": "name",
        "municipality_kind_is_known": "kind",
        "mail_domain_is_a_domain": "domain",
        "strategy_maildomain_domain_key": "domain",
        "unit_has_a_name": "name",
        "unit_kind_is_known": "kind",
        "unit_name_is_not_empty": "name",
        "unit_name_kind_is_known": "kind",
        "municipality_code_has_four_digits": "code",
        "a_municipality_has_a_code": "code",
        "organisation_number_has_its_check_digit": "organisation_number",
        "nobody_is_a_member_of_itself": "member",
        "membership_ends_after_it_starts": "valid_to",
        "one_membership_at_a_time": "member",
        "one_population_a_year": "year",
        "population_year_is_a_year": "year",
        "unit_parent_in_same_municipality": "parent",
        "unit_ends_after_it_starts": "valid_to",
        "executive_board_is_a_board": "is_executive_board",
        "unit_name_is_taken": "name",
        "unit_tree_has_no_cycle": "parent",
        "unit_has_the_name_once": "name",
        "board_service_board_in_same_municipality": "board",
        "a_board_does_not_serve_itself": "board",
        "board_service_ends_after_it_starts": "valid_to",
        "one_board_service_at_a_time": "board",
        "board_service_is_to_a_board": "board",
    },
)

history.register_parts(Unit, (UnitName, "unit"), (BoardService, "unit"))
history.register_parts(
    Municipality,
    (Population, "municipality"),
    (MunicipalityMember, "municipality"),
    (MailDomain, "municipality"),
)


# -- What is seen -----------------------------------------------------------------------------------------


def visible_units(reader: Reader) -> QuerySet[Unit]:
    reached = reader.units("responsibilities.read")
    units = Unit.objects.filter(municipality=reader.municipality).order_by("name", "pk")
    return units if reached is None else units.filter(pk__in=reached)


@dataclass
class Branch:
    """A unit in the tree with what stands beside it, and the units below."""

    unit: Unit
    names: list[UnitName] = field(default_factory=list)
    services: list[BoardService] = field(default_factory=list)
    below: list[Branch] = field(default_factory=list)

    def __iter__(self) -> Iterator[Branch]:
        """This branch and everything below it, in the order of the page."""
        yield self
        for branch in self.below:
            yield from branch


@dataclass(frozen=True)
class Tree:
    """The units that are valid on the day or will be, and those that have ended."""

    standing: tuple[Branch, ...]
    ended: tuple[Branch, ...]


def tree(reader: Reader, day: date) -> Tree:
    """The organisation in three queries, however many units. Below an ended unit a standing one is a root."""
    branches = {unit.pk: Branch(unit) for unit in visible_units(reader)}
    for name in UnitName.objects.filter(municipality=reader.municipality).order_by("until", "name"):
        if name.unit_id in branches:
            branches[name.unit_id].names.append(name)
    for service in (
        BoardService.objects.filter(municipality=reader.municipality)
        .select_related("board")
        .order_by("-valid_from", "pk")
    ):
        if service.unit_id in branches:
            branches[service.unit_id].services.append(service)
    roots, ended = [], []
    for branch in branches.values():
        parent = branches.get(branch.unit.parent_id or 0)
        if _has_ended(branch.unit, day):
            ended.append(branch)
        elif parent is None or _has_ended(parent.unit, day):
            roots.append(branch)
        else:
            parent.below.append(branch)
    # Boards first, then what serves them, then the rest: the order of the kinds.
    kinds = UnitKind.values
    roots.sort(key=lambda branch: kinds.index(branch.unit.kind))
    return Tree(tuple(roots), tuple(ended))


def _has_ended(unit: Unit, day: date) -> bool:
    return unit.valid_to is not None and unit.valid_to < day


# -- Municipalities ---------------------------------------------------------------------------------------


def add_municipality(
    *,
    name: str,
    code: str = "",
    kind: str = MunicipalityKind.MUNICIPALITY,
    organisation_number: str = "",
) -> Municipality:
    """A new municipality in the installation; needs an installation's scope.

    Raises NotAnOrganisationNumber; what the database refuses is an IntegrityError with a message.
    """
    return Municipality.objects.create(
        name=squeeze(name),
        code=code.strip() or None,
        kind=kind,
        organisation_number=parse_organisation_number(organisation_number) if organisation_number else None,
    )


def change_municipality(reader: Reader, municipality: Municipality, *, reason: str) -> None:
    """Saves the corrected facts of the reader's own municipality."""
    reader.require("organisation.change", municipality)
    history.give_reason(reason)
    municipality.save()


class NotAPicture(ValueError):
    """The file is no PNG or JPEG picture, or one too large for a cover."""


# What a cover needs at most; a larger picture is a photograph or a bomb.
ARMS_BYTES, ARMS_PIXELS = 2 * 1024 * 1024, 4000 * 4000


def set_arms(reader: Reader, *, name: str, data: bytes, reason: str) -> None:
    """The municipality's arms for the covers of reports. Judged by its contents, not by its name.

    Raises NotAPicture.
    """
    reader.require("organisation.change", reader.municipality)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if len(data) > ARMS_BYTES or picture.width * picture.height > ARMS_PIXELS:
                raise NotAPicture(name)
            kind = Image.MIME[picture.format or ""]
            picture.verify()  # its checksums; loading alone forgives a file that was cut off
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotAPicture(name) from error
    history.give_reason(reason)
    file = store(reader.municipality, name, data, kind)
    place = Municipality.objects.select_for_update().get(pk=reader.municipality.pk)
    place.arms = file.sha256
    place.save(update_fields=["arms"])


class NoMembers(ValueError):
    """A municipality is a member of others, and has none."""

    def __init__(self) -> None:
        super().__init__(
            _("A municipality has no members: a region, a federation or a cooperation body has.")
        )


def set_population(
    reader: Reader, *, year: int, inhabitants: int, source: str = "", reason: str = ""
) -> Population:
    """The inhabitants on 31 December of the year; a figure that stands is corrected."""
    reader.require("organisation.change", reader.municipality)
    history.give_reason(reason)
    population, _created = Population.objects.update_or_create(
        municipality=reader.municipality,
        year=year,
        defaults={"inhabitants": inhabitants, "source": squeeze(source)},
    )
    return population


def add_member(
    reader: Reader, *, member: Municipality, valid_from: date, valid_to: date | None = None
) -> MunicipalityMember:
    """A member of the reader's region, federation or cooperation body. Raises NoMembers for a municipality."""
    reader.require("organisation.change", reader.municipality)
    if reader.municipality.kind == MunicipalityKind.MUNICIPALITY:
        raise NoMembers
    return MunicipalityMember.objects.create(
        municipality=reader.municipality, member=member, valid_from=valid_from, valid_to=valid_to
    )


# -- Mail domains, and reports of people without an account -------------------------------------------------

_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}")


def mail_domain_of(text: str) -> str:
    """The domain in small letters: of "Sjostad.se", "@sjostad.se" or a whole address. "" if it is none."""
    domain = squeeze(text).lower().rpartition("@")[2].strip(".")
    return domain if _DOMAIN.fullmatch(domain) else ""


class NoDomain(ValueError):
    """Reports by mail need a domain to tell the municipality's own people by."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Add a mail domain first: it tells who may report. Without one nobody's address would be accepted."
            )
        )


class LastDomain(ValueError):
    """The last domain stays while people without an account may report."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "This is the last mail domain, and people without an account may report projects. "
                "Switch that off first."
            )
        )


class NotOwnDomain(ValueError):
    """A domain decides whom a work account lets in as our employee: nobody takes one that is another's."""

    def __init__(self, own: str) -> None:
        super().__init__(
            _(
                "You add the mail domain of your own work address, %(own)s, and those below it. "
                "Any other is added by who runs the installation, with manage.py add_mail_domain."
            )
            % {"own": own}
        )


def add_mail_domain(reader: Reader, domain: str) -> MailDomain:
    """A domain of the municipality's own addresses; another municipality's is refused by the database.

    Raises NotOwnDomain unless it is that of the reader's own work address, or lies below it.
    """
    reader.require("organisation.change", reader.municipality)
    domain, own = mail_domain_of(domain), mail_domain_of(reader.person.email)
    if not own or not f".{domain}".endswith(f".{own}"):
        raise NotOwnDomain(own)
    return MailDomain.objects.create(municipality=reader.municipality, domain=domain)


def give_mail_domain(place: Municipality, domain: str) -> bool:
    """Any domain, by who runs the installation; False where the municipality has it already."""
    _domain, new = MailDomain.objects.get_or_create(municipality=place, domain=domain)
    return new


def own_mail_domains(reader: Reader) -> QuerySet[MailDomain]:
    return MailDomain.objects.filter(municipality=reader.municipality).order_by("domain")


def remove_mail_domain(reader: Reader, domain: MailDomain, *, reason: str) -> None:
    """Raises LastDomain."""
    reader.require("organisation.change", domain)
    place = Municipality.objects.select_for_update().get(pk=reader.municipality.pk)
    if place.takes_reports_by_mail and own_mail_domains(reader).count() == 1:
        raise LastDomain
    history.give_reason(reason)
    domain.delete()


def take_reports_by_mail(reader: Reader, *, takes: bool, reason: str) -> bool:
    """Switches on or off that people without an account report projects; False where it stood so already.

    Raises NoDomain.
    """
    reader.require("organisation.change", reader.municipality)
    place = Municipality.objects.select_for_update().get(pk=reader.municipality.pk)
    if place.takes_reports_by_mail == takes:
        return False
    if takes and not own_mail_domains(reader).exists():
        raise NoDomain
    history.give_reason(reason)
    place.takes_reports_by_mail = takes
    place.save(update_fields=["takes_reports_by_mail"])
    return True


# -- Units ------------------------------------------------------------------------------------------------


def add_unit(reader: Reader, unit: Unit) -> Unit:
    unit.municipality = reader.municipality
    unit.name = squeeze(unit.name)
    reader.require("organisation.change", reader.municipality)
    unit.save(force_insert=True)
    return unit


def change_unit(reader: Reader, unit: Unit, *, renamed_on: date, reason: str) -> Unit:
    """Saves the corrected unit. A new name keeps the old one as a former name until the day before.

    Raises UnitsBelow when it gets another last day while units below it stand, and NotYetRenamed for a name
    that applies from a day to come: it would be shown from today on.
    """
    reader.require("organisation.change", reader.municipality)
    history.give_reason(reason)
    before = Unit.objects.select_for_update().get(pk=unit.pk, municipality=reader.municipality)
    if unit.valid_to is not None and unit.valid_to != before.valid_to:
        none_stands_below(unit, unit.valid_to)
    unit.name = squeeze(unit.name)
    renamed = fold(unit.name) != fold(before.name)
    if renamed and renamed_on > reader.today:
        raise NotYetRenamed
    with transaction.atomic():
        unit.save()
        if renamed:
            _keep_former_name(before, until=renamed_on - timedelta(days=1))
    unit.refresh_from_db(fields=["version"])
    return unit


class NotYetRenamed(ValueError):
    """A name has a last day, but none from which it is shown."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "The new name is shown as soon as it is saved. Come back on the day, or give today or an earlier day."
            )
        )


def _keep_former_name(unit: Unit, until: date) -> None:
    known = next((name for name in unit.names.all() if fold(name.name) == fold(unit.name)), None)
    if known is None:
        UnitName.objects.create(
            municipality_id=unit.municipality_id,
            unit_id=unit.pk,
            name=unit.name,
            kind=UnitNameKind.FORMER,
            until=until,
        )
    else:
        # A name it had twice, or another name that now is a former one.
        known.kind, known.until = UnitNameKind.FORMER, until
        known.save(update_fields=["kind", "until"])


def standing_below(unit: Unit, day: date) -> list[Unit]:
    """The units right below that are valid after the day: they must be moved or ended first."""
    return [
        child for child in unit.children.order_by("name") if child.valid_to is None or child.valid_to > day
    ]


def none_stands_below(unit: Unit, day: date) -> None:
    """Raises UnitsBelow, which names those that stand right below the unit after the day."""
    if below := standing_below(unit, day):
        raise UnitsBelow(below)


def running_assignments(unit: Unit, day: date) -> int:
    """How many assignments for the unit run on after the day."""
    return (
        Assignment.objects.filter(unit=unit, municipality_id=unit.municipality_id)
        .exclude(ends_on__lte=day)
        .count()
    )


def end_unit(reader: Reader, unit: Unit, *, last_day: date, reason: str) -> Unit:
    """Ends the unit on its last day (included). Raises UnitsBelow while units below it stand."""
    reader.require("organisation.change", reader.municipality)
    none_stands_below(unit, last_day)
    history.give_reason(reason)
    unit.valid_to = last_day
    unit.save(update_fields=["valid_to"])
    unit.refresh_from_db(fields=["version"])
    return unit


class UnitsBelow(ValueError):
    """A unit cannot end before what lies below it."""

    def __init__(self, units: list[Unit]) -> None:
        self.units = units
        super().__init__(
            _("Move or end the units below first: %(units)s.")
            % {"units": ", ".join(unit.name for unit in units)}
        )


def add_unit_name(reader: Reader, unit: Unit, *, name: str, kind: str, until: date | None = None) -> UnitName:
    """Another name by which imports and searches find the unit too."""
    reader.require("organisation.change", reader.municipality)
    return UnitName.objects.create(
        municipality=reader.municipality, unit=unit, name=squeeze(name), kind=kind, until=until
    )


def serve_board(
    reader: Reader, unit: Unit, board: Unit, *, valid_from: date, valid_to: date | None = None
) -> BoardService:
    """The unit serves the board from the day on; what it served before runs on until it is ended."""
    reader.require("organisation.change", reader.municipality)
    return BoardService.objects.create(
        municipality=reader.municipality, unit=unit, board=board, valid_from=valid_from, valid_to=valid_to
    )


def end_board_service(reader: Reader, service: BoardService, *, last_day: date, reason: str) -> None:
    reader.require("organisation.change", reader.municipality)
    history.give_reason(reason)
    service.valid_to = last_day
    service.save(update_fields=["valid_to"])
