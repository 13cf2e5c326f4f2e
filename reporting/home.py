"""What waits for the person who is logged in, and why: the first page.

- *What waits* are the projects that the person may change and of which a rule speaks (projects.attention),
  for those who give assignments the units without a contact person, and for those who import the files that
  wait to be confirmed. Projects without owner unit wait for the strategist, who acts for the unit.
- *The counts by state* are of the standing projects that at least one day of this year belongs to: the
  person's own (projects.mine), or the whole municipality's. Each leads to exactly its rows in the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy, ngettext, npgettext, pgettext_lazy

from pages.columns import NOT_STATED, Column, Listing, Mark, Text, listing
from projects.attention import Rule, attention
from projects.columns import state_mark
from projects.mine import mine
from projects.models import Project, State
from projects.models.registry import ProjectQuerySet
from strategy.models import BatchState, ImportBatch, Role
from strategy.permissions import Reader
from strategy.responsibilities import gaps

# So many projects stand on the page; the rest are counted and wait in the list.
SHOWN = 10
NAMED_UNITS = 5
NUMBERS = (
    pgettext_lazy("how many things wait", "Two"),
    pgettext_lazy("how many things wait", "Three"),
    pgettext_lazy("how many things wait", "Four"),
    pgettext_lazy("how many things wait", "Five"),
    pgettext_lazy("how many things wait", "Six"),
    pgettext_lazy("how many things wait", "Seven"),
    pgettext_lazy("how many things wait", "Eight"),
    pgettext_lazy("how many things wait", "Nine"),
    pgettext_lazy("how many things wait", "Ten"),
    pgettext_lazy("how many things wait", "Eleven"),
    pgettext_lazy("how many things wait", "Twelve"),
)


@dataclass(frozen=True)
class Waiting:
    """One thing that waits: `when` says in a few words what is lacking, `why` what to do."""

    when: str
    title: str
    url: str
    why: str
    tone: str = "warn"
    action: str = ""


@dataclass(frozen=True)
class Link:
    label: Text
    url: str


@dataclass(frozen=True)
class Home:
    heading: str
    lead: str
    waiting: tuple[Waiting, ...]
    # How many more projects wait than the page shows.
    more: int
    counts: Listing | None
    register_url: str
    list_url: str
    links: tuple[Link, ...]


def build_home(reader: Reader) -> Home:
    """All queries of the page, as many however much waits."""
    changed = changed_by(reader)
    vacancies = list(_vacancies(reader))
    found = attention(changed, reader.today) if reader.can("project.change") else {}
    if vacancies:  # They wait once, and not again in each project of the unit.
        found = _without(found, "contact_person")
    total = changed.count() if reader.can("project.change") else 0
    projects = _projects(changed, found)
    others = [*vacancies, *_files(reader)]
    return Home(
        heading=_heading(len(found) + len(others)),
        lead=_lead(reader, total, len(found)),
        waiting=(*others, *projects),
        more=len(found) - len(projects),
        counts=_counts(reader),
        register_url=_address("projects:register") if reader.can("project.register") else "",
        list_url=_filtered(_address("projects:list"), **_own(reader)),
        links=tuple(_links(reader)),
    )


def changed_by(reader: Reader) -> ProjectQuerySet:
    """The standing projects that the reader may change, or whose share row is of the reader's units.

    Narrower than `mine`: what a unit takes part in is its own, and changed by the owner's people.
    """
    visible = Project.objects.visible_to(reader).standing()
    units = reader.units("project.change")
    if units is None:
        return visible
    return visible.filter(
        Q(owner_unit__in=units) | Q(shares__unit__in=units) | Q(project_manager=reader.person)
    ).distinct()


def _without(found: dict[int, list[Rule]], name: str) -> dict[int, list[Rule]]:
    rest = {pk: [rule for rule in told if rule.name != name] for pk, told in found.items()}
    return {pk: told for pk, told in rest.items() if told}


def _projects(changed: ProjectQuerySet, found: dict[int, list[Rule]]) -> tuple[Waiting, ...]:
    """The most serious first, then what lacks most, then the latest. Thousands may wait: only those shown are read."""
    latest = changed.latest_first().values_list("pk", flat=True)
    order = sorted(
        (pk for pk in latest if pk in found), key=lambda pk: (-_weight(found[pk]), -len(found[pk]))
    )
    rows = Project.objects.defer("search_text").in_bulk(order[:SHOWN])
    return tuple(
        Waiting(
            when=", ".join(str(rule.label) for rule in found[row.pk]),
            title=f"{row.register_id} {row.title}",
            url=row.get_absolute_url(),
            why=" ".join(str(rule.sentence) for rule in found[row.pk]),
            tone="stop" if _weight(found[row.pk]) else "warn",
        )
        for row in (rows[pk] for pk in order[:SHOWN])
    )


def _weight(told: Iterable[Rule]) -> int:
    return sum(rule.serious for rule in told)


def _vacancies(reader: Reader) -> Iterable[Waiting]:
    """Units without a contact person, for who may name one."""
    if not reader.can("assignment.give"):
        return
    reached = reader.units("assignment.give")
    names = [
        vacancy.unit.name
        for vacancy in gaps(reader, reader.today).vacancies
        if reached is None or vacancy.unit.pk in reached
    ]
    if names:
        units = ", ".join(names[:NAMED_UNITS]) + (" …" if len(names) > NAMED_UNITS else "")
        yield Waiting(
            when=gettext("contact person"),
            title=ngettext(
                "One unit has no contact person", "%(count)d units have no contact person", len(names)
            )
            % {"count": len(names)},
            url=_address("responsibilities"),
            why=gettext("Until somebody is named, the strategist acts for the unit: %(units)s.")
            % {"units": units},
        )


def _files(reader: Reader) -> Iterable[Waiting]:
    """Imported files that nobody has confirmed yet."""
    if not reader.can("project.import"):
        return
    count = ImportBatch.objects.filter(municipality=reader.municipality, state=BatchState.JUDGED).count()
    if count:
        yield Waiting(
            when=gettext("import"),
            title=ngettext("One file waits to be confirmed", "%(count)d files wait to be confirmed", count)
            % {"count": count},
            url=_address("projects:imports"),
            why=gettext(
                "Nothing of it is in the register until it is confirmed. Look at what it would change."
            ),
        )


def _heading(count: int) -> str:
    if not count:
        return gettext("Nothing waits for you")
    number = str(NUMBERS[count - 2]) if 2 <= count < len(NUMBERS) + 2 else str(count)
    return npgettext(
        "how many things wait", "One thing waits for you", "%(number)s things wait for you", count
    ) % {"number": number}


def _lead(reader: Reader, total: int, found: int) -> str:
    where = _where(reader)
    if not reader.can("project.change"):
        return gettext("You may read all that the register holds about %(where)s.") % {
            "where": reader.municipality
        }
    rest = total - found
    if reader.units("project.change") == frozenset():
        return _lead_of_who_runs(total, rest)
    if not total:
        return gettext("The register holds no project of %(where)s yet.") % {"where": where}
    if not found:
        return ngettext(
            "The project of %(where)s is in order.",
            "All %(count)d projects of %(where)s are in order.",
            total,
        ) % {"count": total, "where": where}
    if not rest:
        return ""
    return ngettext(
        "The other project of %(where)s is in order.",
        "The other %(count)d projects of %(where)s are in order.",
        rest,
    ) % {"count": rest, "where": where}


def _lead_of_who_runs(total: int, rest: int) -> str:
    """The same of the projects that somebody runs, which are some of the unit's alone."""
    if not total:
        return gettext("The register holds no project that you run yet.")
    if rest == total:
        return ngettext(
            "The project that you run is in order.",
            "All %(count)d projects that you run are in order.",
            total,
        ) % {"count": total}
    if not rest:
        return ""
    return ngettext(
        "The other project that you run is in order.",
        "The other %(count)d projects that you run are in order.",
        rest,
    ) % {"count": rest}


def _where(reader: Reader) -> str:
    """The reader's unit, or the municipality for who answers for all of it."""
    return str(reader.municipality) if reader.units("project.change") is None else reader.where_label


# -- How many projects, by state ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Count:
    state: str
    count: int
    url: str

    @property
    def mark(self) -> Mark:
        return state_mark(Project(state=self.state)) or Mark(NOT_STATED, "dash")


def _counts(reader: Reader) -> Listing | None:
    """This year's projects by state, each number leading to its rows."""
    year = reader.today.year
    projects = Project.objects.visible_to(reader).standing()
    if (own := mine(reader)) is not None:
        projects = projects.filter(own)
    base = _address("projects:list")
    found = dict(
        projects.running_in(date(year, 1, 1), date(year, 12, 31))
        .order_by()
        .values_list("state")
        .annotate(count=Count("pk", distinct=True))
    )
    if not found:
        return None
    rows = [
        _Count(state, found[state], _filtered(base, ar=str(year), lage=state or "saknas", **_own(reader)))
        for state in (*State.values, "")
        if state in found
    ]
    return listing(
        (
            Column("state", gettext_lazy("State"), "mark", kind="mark"),
            Column("count", gettext_lazy("Number"), "count", numeric=True, href=lambda row: row.url),
        ),
        rows,
        name=gettext("Projects of %(year)d by state") % {"year": year},
        totals={"count": sum(found.values())},
        total_label=gettext("In %(year)d") % {"year": year},
    )


def _own(reader: Reader) -> dict[str, str]:
    """The list's filter for what is the reader's own, where there is such a thing."""
    return {} if mine(reader) is None else {"egna": "on"}


def _filtered(base: str, **query: str) -> str:
    return f"{base}?{urlencode(query)}" if base and query else base


# -- Where to go -------------------------------------------------------------------------------------------


def _links(reader: Reader) -> Iterable[Link]:
    """What the role comes here for when nothing waits."""
    year = reader.today.year
    if reader.can("project.import"):
        yield from _link(gettext("Import a list of projects"), "projects:imports")
    if reader.can("assignment.give"):
        yield from _link(gettext("Who answers for what"), "responsibilities")
    if reader.can("project.read"):
        yield from _link(
            gettext("The list of projects in %(year)d") % {"year": year}, "report", "projektlista", year
        )
        if Role.AUDITOR in reader.roles:
            yield from _link(
                gettext("The list of projects in %(year)d") % {"year": year - 1},
                "report",
                "projektlista",
                year - 1,
            )
        yield from _link(gettext("All reports"), "reports")


def _link(label: Text, name: str, *args: str | int) -> Sequence[Link]:
    url = _address(name, *args)
    return [Link(label, url)] if url else []


def _address(name: str, *args: str | int) -> str:
    """ "" where this installation has no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
