"""The municipality's externally funded projects of a year: the annex of the annual report.

What stands in the list, in words
- *In the year*: a project belongs to a year when at least one of its days, first and last included, is in
  it; an unknown first or last day is open. A project without any date belongs to the year it was recorded
  for and stands last in its group, "period not stated".
- *Started*: the first day is in the year. *Ended*: the last day is in the year. *Running*: it was running
  in the year and neither started nor ended in it. Both may be said of one project. A date known to the
  month counts from that month's first to its last day.
- *Main part*: what the municipality owns, is partner in or co-finances, by board. *Takes part*, *state
  grants* and *role not stated* are parts of their own: a grant is received and not a project that the
  municipality finances with others, and an unknown role is not guessed.
- *Board*: which the owner unit's administration serves on the last day of the year; several are named
  together. It is looked for from the owner unit upwards. A company that serves no board stands under its
  own name. Without any the project stands under "board not stated".
- *Total budget* is of the whole project, all parties together. It is never summed.
- *Own share* is the municipality's own part of it, summed per currency in each part and in the whole list.
  A share marked approximate makes its sum approximate. How many rows lack it is said beside the sum.
- *Not in the list*: withdrawn projects; and those of the year that were never, or are not yet, funded
  (from idea to applied; rejected; application taken back), which are named below the list instead.
- *Shared projects* stand in each municipality's list with that municipality's own unit, role and share. A
  joint list holds each project once: unit, role and board are of the owner, or where the owner is not
  among the municipalities of the list, of the first that is; the shares of all of them stand in the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Any, ClassVar, cast

from django.conf import settings
from django.db.models import Prefetch, Q, TextChoices
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy, ngettext, override, pgettext_lazy

from pages.columns import NOT_STATED, NOT_SUMMED, Column, Listing, Text, listing, on_screen
from pages.files import write_json
from projects.models import (
    Accounting,
    CoFinancingKind,
    Project,
    ProjectRole,
    ProjectShare,
    ProjectUnit,
    State,
)
from projects.models.registry import ProjectQuerySet
from projects.seen import own_or_shared
from strategy.models import BoardService, Municipality, Unit, UnitKind
from strategy.permissions import Reader
from values.money import Amount
from values.periods import Period

# Not (yet) funded by anybody: named below the list, never counted in it.
NOT_FUNDED = (
    State.IDEA,
    State.ANCHORING,
    State.DECIDED_TO_APPLY,
    State.APPLIED,
    State.REJECTED,
    State.TAKEN_BACK,
)


class Part(TextChoices):
    """The parts of the list, in their order."""

    MAIN = "main", gettext_lazy("Owns, is partner in or co-finances")
    TAKES_PART = "takes_part", gettext_lazy("Takes part in")
    GRANTS = "grants", gettext_lazy("State grants received")
    ROLE_UNKNOWN = "role_unknown", gettext_lazy("Role not stated")


PART_OF_ROLE = {
    ProjectRole.OWNER: Part.MAIN,
    ProjectRole.PARTNER: Part.MAIN,
    ProjectRole.CO_FINANCIER: Part.MAIN,
    ProjectRole.PARTICIPANT: Part.TAKES_PART,
    ProjectRole.GRANT_RECIPIENT: Part.GRANTS,
}


class InYear(TextChoices):
    STARTED = "started", pgettext_lazy("what a project did in the year", "started")
    RUNNING = "running", pgettext_lazy("what a project did in the year", "running")
    ENDED = "ended", pgettext_lazy("what a project did in the year", "ended")


@dataclass(frozen=True)
class Row:
    """One project. What the register does not know is "" or None, and is said so where it is shown."""

    project_id: int
    register_id: str  # in joint lists with the municipality's name
    title: str
    part: Part
    board: str
    unit: str
    taking_part: tuple[str, ...]
    project_number: str
    accounting: str
    accounted_by: str
    period: str
    in_year: tuple[InYear, ...]
    role: str
    co_financing: str
    funder: str
    programme: str
    total_budget: Amount | None
    own_share: tuple[Amount, ...]
    shares_lacking: int  # how many of the municipalities in the row have not stated theirs

    @property
    def number_or_why(self) -> Text:
        """The project number, or why the project has none; None where the register does not know that."""
        if self.project_number:
            return self.project_number
        if self.accounting == Accounting.ELSEWHERE and self.accounted_by:
            return gettext("none: accounted for by %(organisation)s") % {"organisation": self.accounted_by}
        return str(WHY_NO_NUMBER.get(self.accounting, ""))


WHY_NO_NUMBER: Mapping[str, Text] = {
    Accounting.HERE: gettext_lazy("in our accounts, number not stated"),
    Accounting.ELSEWHERE: gettext_lazy("none: in another organisation's accounts"),
    Accounting.NOT_YET: gettext_lazy("none yet, not in any accounts"),
    Accounting.NONE: gettext_lazy("none: not to be accounted"),
}


@dataclass(frozen=True)
class Group:
    """The rows of one board (or "" for those without) in one part of the list."""

    part: Part
    board: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> Text:
        return self.board or NO_BOARD


@dataclass(frozen=True)
class LeftOut:
    """A project of the year that is not funded, and the state that says so."""

    register_id: str
    title: str
    state: State


@dataclass(frozen=True)
class Total:
    """Own shares summed per currency, and how many of the rows lack theirs."""

    rows: int
    own_share: tuple[Amount, ...]
    lacking: int

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Total:
        shares = per_currency(share for row in rows for share in row.own_share)
        return cls(len(rows), shares, sum(row.shares_lacking > 0 for row in rows))

    @property
    def label(self) -> str:
        return ngettext("%(count)d project", "%(count)d projects", self.rows) % {"count": self.rows}

    @property
    def lacking_label(self) -> str:
        """ "own share not stated for 3 of 5"; "" where all are."""
        if not self.lacking:
            return ""
        return gettext("own share not stated for %(lacking)d of %(rows)d") % {
            "lacking": self.lacking,
            "rows": self.rows,
        }

    @property
    def cells(self) -> dict[str, Any]:
        """What stands under the columns: the sum, or why there is none."""
        return {"total_budget": NOT_SUMMED, "own_share": list(self.own_share) or NOT_STATED}


@dataclass(frozen=True)
class Figure:
    label: Text
    value: str
    note: Text = ""


def per_currency(amounts: Iterable[Amount]) -> tuple[Amount, ...]:
    """One sum per currency, kronor first; approximate as soon as one of its amounts is."""
    sums: dict[str, Amount] = {}
    for amount in amounts:
        before = sums.get(amount.money.currency)
        sums[amount.money.currency] = (
            amount
            if before is None
            else Amount(before.money + amount.money, before.approximate or amount.approximate)
        )
    return tuple(sums[currency] for currency in sorted(sums, key=lambda one: (one != "SEK", one)))


# Where no board is served: a heading of its own name.
STANDS_FOR_ITSELF = (UnitKind.BOARD, UnitKind.COMPANY)
NO_BOARD = gettext_lazy("Board not stated")


def _label(choices: type[TextChoices], value: str) -> Text | None:
    return choices(value).label if value else None


# As they stand in files.
COLUMNS: tuple[Column, ...] = (
    Column("part", gettext_lazy("Part of the list"), lambda row: row.part.label),
    Column("board", gettext_lazy("Board"), "board"),
    Column("register_id", gettext_lazy("Register id"), "register_id"),
    Column("title", gettext_lazy("Project"), "title", row_header=True),
    Column("project_number", gettext_lazy("Project number"), "number_or_why"),
    Column("unit", gettext_lazy("Owner unit"), "unit"),
    Column("taking_part", gettext_lazy("Units taking part"), lambda row: list(row.taking_part)),
    Column("period", gettext_lazy("Period"), "period", missing=gettext_lazy("period not stated")),
    Column("in_year", gettext_lazy("In the year"), lambda row: [mark.label for mark in row.in_year]),
    Column("role", gettext_lazy("Role"), lambda row: _label(ProjectRole, row.role)),
    Column("how", gettext_lazy("Co-finances with"), lambda row: _label(CoFinancingKind, row.co_financing)),
    Column("funder", gettext_lazy("Funder"), "funder"),
    Column("programme", gettext_lazy("Programme"), "programme"),
    Column("total_budget", gettext_lazy("Total budget"), "total_budget", kind="amount"),
    Column("own_share", gettext_lazy("Own share"), lambda row: list(row.own_share), kind="amount"),
)
_NAMED = {column.name: column for column in COLUMNS}


def _told(row: Row, *names: str) -> str:
    """The values of columns on the second line of another one's cell."""
    return " · ".join(filter(None, (on_screen(_NAMED[name].of(row)) for name in names)))


def _below_title(row: Row) -> str:
    return " · ".join([row.register_id, str(row.number_or_why or gettext("project number not stated"))])


def _below_unit(row: Row) -> str:
    if not row.taking_part:
        return ""
    return gettext("takes part: %(units)s") % {"units": ", ".join(row.taking_part)}


def _below_role(row: Row) -> str:
    if row.co_financing or row.part != Part.MAIN:
        return _told(row, "how")
    return gettext("how it co-finances is not stated")


def _below_share(row: Row) -> str:
    """Of a joint row alone: a sum that is not everybody's says so."""
    if not (row.own_share and row.shares_lacking):
        return ""
    return ngettext("%(count)d not stated", "%(count)d not stated", row.shares_lacking) % {
        "count": row.shares_lacking
    }


# The same columns on screen and paper: a page is narrower than a file, so some stand below others.
TABLE: tuple[Column, ...] = (
    replace(
        _NAMED["title"],
        small=_below_title,
        href=lambda row: reverse("projects:detail", args=[row.project_id]),
    ),
    replace(_NAMED["unit"], label=gettext_lazy("Unit"), small=_below_unit),
    replace(_NAMED["period"], small=lambda row: _told(row, "in_year")),
    replace(_NAMED["role"], label=gettext_lazy("Role and co-financing"), small=_below_role),
    replace(
        _NAMED["funder"],
        label=gettext_lazy("Funder and programme"),
        small=lambda row: _told(row, "programme"),
    ),
    _NAMED["total_budget"],
    replace(_NAMED["own_share"], small=_below_share),
)


@dataclass(frozen=True)
class ProjectListReport:
    """The list of one municipality and one year, or the joint one of several: all that is shown anywhere."""

    name: ClassVar[str] = "project-list"
    template: ClassVar[str] = "reporting/project_list.html"
    columns: ClassVar[tuple[Column, ...]] = COLUMNS

    municipality: Municipality
    places: tuple[Municipality, ...]
    year: int
    made_on: date
    groups: tuple[Group, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def title(self) -> str:
        return gettext("Externally funded projects in %(year)s") % {"year": self.year}

    @property
    def lead(self) -> str:
        return gettext("What the municipality owns, is partner in, co-finances or takes part in, by board")

    @property
    def cover_lines(self) -> tuple[str, ...]:
        made = gettext("Made on %(day)s from the register of projects") % {"day": self.made_on}
        return (made, gettext("Contents %(hash)s") % {"hash": self.content_hash[:12]})

    @property
    def joint(self) -> bool:
        return len(self.places) > 1

    @property
    def sender(self) -> str:
        return ", ".join(str(place) for place in self.places)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for group in self.groups for row in group.rows)

    @cached_property
    def total(self) -> Total:
        return Total.of(self.rows)

    @property
    def totals(self) -> dict[str, Any]:
        return self.total.cells

    @property
    def total_label(self) -> str:
        return _sum_label(self.total)

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (
            Figure(gettext("Projects"), str(len(self.rows)), self._in_year()),
            Figure(
                gettext("Own share"),
                on_screen(list(self.total.own_share)),
                gettext("not stated for %(lacking)d of %(rows)d projects")
                % {"lacking": self.total.lacking, "rows": self.total.rows}
                if self.total.lacking
                else "",
            ),
        )

    def _in_year(self) -> str:
        count = {mark: sum(mark in row.in_year for row in self.rows) for mark in InYear}
        return gettext("%(started)d started and %(ended)d ended in %(year)s") % {
            "started": count[InYear.STARTED],
            "ended": count[InYear.ENDED],
            "year": self.year,
        }

    @property
    def tables(self) -> tuple[Listing, ...]:
        """One table for each part, its boards as groups, with its own sum."""
        return tuple(self._table(Part(part), tuple(groups)) for part, groups in groupby(self.groups, _part))

    def _table(self, part: Part, groups: tuple[Group, ...]) -> Listing:
        total = Total.of([row for group in groups for row in group.rows])
        return listing(
            TABLE,
            name=part.label,
            groups=[(group.title, group.rows) for group in groups],
            totals=total.cells,
            total_label=_sum_label(total),
        )

    @property
    def footnotes(self) -> tuple[str, ...]:
        """How the figures are defined, for the reader of the list."""
        day = Period.year(self.year).last
        told = [
            gettext(
                "The list holds the projects that at least one day of %(year)s belongs to. “Started” and "
                "“ended” say that the first or the last day is in the year, “running” that neither is."
            )
            % {"year": self.year},
            gettext("The board is the one that the owner unit served on %(day)s.") % {"day": day},
            gettext(
                "The total budget is of the whole project, all parties together, and is not summed. "
                "The own share is the municipality’s part of it."
            ),
        ]
        if any(not row.period for row in self.rows):
            told.append(
                gettext("A project whose period is not stated was reported for %(year)s.")
                % {"year": self.year}
            )
        if any(amount.approximate for amount in self.total.own_share):
            told.append(gettext("A sum is approximate when one of its amounts is."))
        if self.joint:
            told.append(
                gettext(
                    "A project that several of the municipalities share stands once, "
                    "with the sum of their own shares."
                )
            )
        return tuple(told)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what the list says, whoever makes it, when, and in which language."""
        with override(settings.LANGUAGE_CODE):
            data = write_json(
                self.columns,
                self.rows,
                totals=self.totals,
                report=self.name,
                municipalities=[str(place) for place in self.places],
                year=self.year,
                left_out=[[one.register_id, one.title, one.state.value] for one in self.left_out],
            )
        return hashlib.sha256(data).hexdigest()

    @property
    def head(self) -> dict[str, Any]:
        """What a JSON file says before its rows."""
        return {
            "report": self.name,
            "title": self.title,
            "municipality": self.sender,
            "year": self.year,
            "made_on": self.made_on,
            "content_sha256": self.content_hash,
            "own_share_not_stated_for": self.total.lacking,
            "footnotes": list(self.footnotes),
            "left_out": [
                {"register_id": one.register_id, "title": one.title, "state": one.state.label}
                for one in self.left_out
            ],
        }


def _part(group: Group) -> Part:
    return group.part


def _sum_label(total: Total) -> str:
    told = gettext("Sum of %(projects)s") % {"projects": total.label}
    return f"{told}; {total.lacking_label}" if total.lacking else told


# -- Building ---------------------------------------------------------------------------------------------


def build(reader: Reader, year: int, *, joint: Sequence[Municipality] = ()) -> ProjectListReport:
    """All queries of the list: five, however long it is.

    `joint` names the municipalities of a joint list, in all of which the reader must have the right to read
    (the transaction's scope too); without it the list is of the reader's municipality alone.
    """
    reader.require("project.read")
    places = list(joint) or [reader.municipality]
    period = Period.year(year)
    first, last = date(year, 1, 1), date(year, 12, 31)
    projects = (
        cast(ProjectQuerySet, own_or_shared(places))
        .standing()
        .running_in(first, last)
        .select_related("municipality", "funder", "programme")
        .prefetch_related(
            # Under the wall a unit of another municipality is not there to be joined, and its row with it.
            Prefetch("taking_part", ProjectUnit.objects.select_related("unit").order_by("unit__name", "id")),
            Prefetch("shares", ProjectShare.objects.filter(municipality__in=places), to_attr="our_shares"),
        )
        .order_by("register_year", "register_number", "id")
    )
    organisation = _Organisation(places, last)
    rows: list[Row] = []
    left_out: list[LeftOut] = []
    for project in sorted(projects, key=_by_period):
        if project.state in NOT_FUNDED:
            left_out.append(LeftOut(_identity(project, organisation), project.title, State(project.state)))
        else:
            rows.append(_row(project, organisation, period))
    rows.sort(key=lambda row: (_PARTS.index(row.part), organisation.place_of(row.board), row.board))
    return ProjectListReport(
        municipality=reader.municipality,
        year=year,
        made_on=reader.today,
        groups=tuple(
            Group(part, board, tuple(of_group))
            for (part, board), of_group in groupby(rows, lambda row: (row.part, row.board))
        ),
        left_out=tuple(left_out),
        places=tuple(places),
    )


_PARTS = tuple(Part)


def _by_period(project: Project) -> tuple[bool, date, date]:
    """By first day, an unknown one being the earliest; without any date last."""
    undated = project.starts_on is None and project.ends_on is None
    return (undated, project.starts_on or date.min, project.ends_on or date.max)


def _identity(project: Project, organisation: _Organisation) -> str:
    """The register id; in a joint list beside the municipality's name, as it is unique in one alone."""
    return f"{project.register_id} {project.municipality}" if organisation.joint else project.register_id


def _row(project: Project, organisation: _Organisation, period: Period) -> Row:
    """Unit, role and co-financing of the owner, or where it is not among us, of the first with a share."""
    ours: list[ProjectShare] = sorted(
        project.our_shares,  # type: ignore[attr-defined]  # prefetched above
        key=lambda share: organisation.places.index(share.municipality),
    )
    shares = [share.share for share in ours]
    if project.municipality in organisation.places:
        shares.insert(0, project.share)
        unit_id, role, co_financing = project.owner_unit_id, project.role, project.co_financing
    else:
        unit_id, role, co_financing = ours[0].unit_id, ours[0].role, ours[0].co_financing
    return Row(
        project_id=project.pk,
        register_id=_identity(project, organisation),
        title=project.title,
        part=PART_OF_ROLE[ProjectRole(role)] if role else Part.ROLE_UNKNOWN,
        board=organisation.board_of(unit_id),
        unit=organisation.name_of(unit_id),
        taking_part=tuple(part.unit.name for part in project.taking_part.all()),
        project_number=project.project_number,
        accounting=project.accounting,
        accounted_by=project.accounted_by,
        period=project.period_label,
        in_year=_in_year(project, period),
        role=role,
        co_financing=co_financing,
        funder=project.funder.name if project.funder else "",
        programme=project.programme.name if project.programme else "",
        total_budget=project.budget,
        own_share=per_currency(share for share in shares if share is not None),
        shares_lacking=shares.count(None),
    )


def _in_year(project: Project, period: Period) -> tuple[InYear, ...]:
    if project.starts_on is None and project.ends_on is None:
        return ()
    told = []
    if project.starts_on is not None and project.starts_on in period:
        told.append(InYear.STARTED)
    if project.ends_on is not None and project.ends_on in period:
        told.append(InYear.ENDED)
    return tuple(told) or (InYear.RUNNING,)


class _Organisation:
    """Units of the municipalities and the boards they serve on one day, read in two queries."""

    def __init__(self, places: Sequence[Municipality], day: date) -> None:
        self.places = list(places)
        self.joint = len(places) > 1
        # By name in the database's order: Swedish letters stand where a Swede looks for them.
        self._units = {
            unit.pk: unit for unit in Unit.objects.filter(municipality__in=places).order_by("name", "id")
        }
        self._order = {pk: place for place, pk in enumerate(self._units)}
        self._boards: dict[int, list[int]] = {}
        for unit_id, board_id in (
            BoardService.objects.filter(municipality__in=places, valid_from__lte=day)
            .filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day))
            .values_list("unit_id", "board_id")
        ):
            self._boards.setdefault(unit_id, []).append(board_id)
        self._places_of: dict[str, tuple[int, int]] = {}

    def name_of(self, unit_id: int | None) -> str:
        unit = self._units.get(unit_id) if unit_id else None
        return unit.name if unit else ""

    def board_of(self, unit_id: int | None) -> str:
        """The board that the unit, or the nearest unit above it, serves; several by name; "" for none."""
        unit = self._units.get(unit_id) if unit_id else None
        while unit is not None:
            boards = self._boards.get(unit.pk, [unit.pk] if unit.kind in STANDS_FOR_ITSELF else [])
            if boards:
                return self._said(unit.municipality_id, sorted(boards, key=self._order.__getitem__))
            unit = self._units.get(unit.parent_id) if unit.parent_id else None
        return ""

    def _said(self, municipality_id: int, boards: Sequence[int]) -> str:
        told = ", ".join(self._units[pk].name for pk in boards)
        index = next(i for i, place in enumerate(self.places) if place.pk == municipality_id)
        if self.joint:
            # Every municipality has an executive board of the same name.
            told = f"{told} – {self.places[index]}"
        self._places_of[told] = (index, self._order[boards[0]])
        return told

    def place_of(self, board: str) -> tuple[float, float]:
        """By municipality and the first board's name; without a board last."""
        index, order = self._places_of.get(board, (float("inf"), float("inf")))
        return (index, order)
