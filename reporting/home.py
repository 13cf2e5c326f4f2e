"""What waits for the person who is logged in, and why: the first page.

- *What waits* is gathered from `strategy.todo.sources`, which every floor fills. Sources up to FIRST (a person
  waits for an answer) stand before the others; then what is serious, what has the nearest last day, and what
  has waited longest.
- *The counts by state* are of the standing projects that at least one day of this year belongs to: the
  person's own (projects.mine), or the whole municipality's. Each leads to exactly its rows in the list.
- *The latest* are the same projects of any year, by when they were registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.db.models import Count
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy, ngettext, npgettext, pgettext_lazy

from pages.columns import NOT_STATED, Column, Listing, Mark, Text, listing
from pages.lists import Folded
from projects.columns import state_mark
from projects.mine import mine
from projects.models import Project, State
from projects.models.registry import ProjectQuerySet
from reporting.todo import changed_by
from strategy.models import Role
from strategy.permissions import Reader
from strategy.todo import FIRST, Source, Task, sources

# So many rows stand on the page at most; the filters lead to the rest.
SHOWN = 60
# From so many rows on they can be narrowed.
MANY = 8
# So many of the latest projects stand there by title.
LATEST = 5
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
# How long something waits is said in days up to here, and then by its day.
IN_DAYS = 60


@dataclass(frozen=True)
class Waiting:
    """One thing that waits, as the page shows it: `time` says in words until or since when."""

    kind: str
    title: str
    url: str
    why: str
    when: str
    time: str
    whose: str
    tone: str
    action: str
    marked: bool


@dataclass(frozen=True)
class Link:
    label: Text
    url: str


@dataclass(frozen=True)
class Latest:
    title: str
    url: str
    register_id: str
    mark: Mark | None


@dataclass(frozen=True)
class Home:
    heading: str
    lead: str
    waiting: tuple[Waiting, ...]
    # How many more wait than the page shows.
    more: int
    # The filters, where there is much to choose from; how many wait in all, when some are filtered away.
    form: forms.Form | None
    total: int
    counts: Listing | None
    # How many projects there are of other years, where none is of this one.
    older: int
    latest: tuple[Latest, ...]
    report_url: str
    register_url: str
    list_url: str
    links: tuple[Link, ...]


class WaitingFilter(forms.Form):
    """Narrows what waits. The names are words of the address."""

    folded = Folded((), False)

    slag = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    vems = forms.ChoiceField(label=gettext_lazy("Whose"), required=False)

    def __init__(self, gathered: Sequence[tuple[Source, Task]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        kinds = {source.name: source.label for source, _task in gathered}
        whose = sorted({task.whose for _source, task in gathered if task.whose})
        for name, choices in (("slag", list(kinds.items())), ("vems", [(one, one) for one in whose])):
            field: Any = self.fields[name]
            field.choices = [("", gettext("All")), *choices]
            field.widget.attrs["class"] = "select"
            if len(choices) < 2:
                del self.fields[name]

    def lets_through(self, source: Source, task: Task) -> bool:
        # What is not among the choices any more narrows nothing: that thing is done.
        chosen = self.cleaned_data if self.is_valid() else {}
        return chosen.get("slag") in (None, "", source.name) and chosen.get("vems") in (None, "", task.whose)


def gather(reader: Reader) -> list[tuple[Source, Task]]:
    """All that waits for the reader, in the order in which it is dealt with."""
    found = [(source, task) for source in sources for task in source.find(reader)]
    return sorted(found, key=lambda one: _order(*one))


def _order(source: Source, task: Task) -> tuple[object, ...]:
    return (
        source.place > FIRST,
        task.tone != "stop",
        task.until or date.max,
        task.since or date.max,
        source.place,
    )


def build_home(reader: Reader, chosen: Mapping[str, str] | None = None) -> Home:
    """All queries of the page, as many however much waits."""
    gathered = gather(reader)
    form = WaitingFilter(gathered, data=chosen or {})
    through = [one for one in gathered if form.lets_through(*one)]
    projects = own_projects(reader)
    counts = _counts(reader, projects)
    latest = list(projects.latest_first()[:LATEST])
    return Home(
        heading=_heading(len(gathered)),
        lead=_lead(reader, gathered),
        waiting=tuple(_shown(source, task, reader.today) for source, task in through[:SHOWN]),
        more=max(0, len(through) - SHOWN),
        form=form if form.fields and (len(gathered) > MANY or len(through) < len(gathered)) else None,
        total=len(gathered),
        counts=counts,
        older=projects.count() if counts is None else 0,
        latest=tuple(
            Latest(row.title, row.get_absolute_url(), row.register_id, state_mark(row)) for row in latest
        ),
        report_url=_address("reports_in:make") if reader.can("report.make") else "",
        register_url=_address("projects:register") if reader.can("project.register") else "",
        list_url=_filtered(_address("projects:list"), **_own(reader)),
        links=tuple(_links(reader)),
    )


def own_projects(reader: Reader) -> ProjectQuerySet:
    """The standing projects that are the reader's own, or the whole municipality's where none is more so."""
    projects = Project.objects.visible_to(reader).standing()
    own = mine(reader)
    return projects if own is None else projects.filter(own)


def _shown(source: Source, task: Task, today: date) -> Waiting:
    return Waiting(
        kind=source.name,
        title=task.title,
        url=task.url,
        why=task.why,
        when=task.when,
        time=_time(task, today),
        whose=task.whose,
        tone=task.tone,
        action=task.action,
        marked=task.marked,
    )


def _time(task: Task, today: date) -> str:
    if task.until is not None:
        if task.until < today:
            return gettext("was to be done by %(day)s") % {"day": task.until.isoformat()}
        return gettext("by %(day)s") % {"day": task.until.isoformat()}
    if task.since is None:
        return ""
    days = (today - task.since).days
    if days <= 0:
        return gettext("since today")
    if days > IN_DAYS:
        return gettext("since %(day)s") % {"day": task.since.isoformat()}
    return ngettext("for %(days)d day", "for %(days)d days", days) % {"days": days}


def _heading(count: int) -> str:
    if not count:
        return gettext("Nothing waits for you")
    number = str(NUMBERS[count - 2]) if 2 <= count < len(NUMBERS) + 2 else str(count)
    return npgettext(
        "how many things wait", "One thing waits for you", "%(number)s things wait for you", count
    ) % {"number": number}


def _lead(reader: Reader, gathered: Sequence[tuple[Source, Task]]) -> str:
    where = _where(reader)
    if not reader.can("project.change"):
        return gettext("You may read all that the register holds about %(where)s.") % {
            "where": reader.municipality
        }
    total = changed_by(reader).count()
    found = len(frozenset().union(*(task.about for source, task in gathered if source.name == "projects")))
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


def _counts(reader: Reader, projects: ProjectQuerySet) -> Listing | None:
    """This year's projects by state, each number leading to its rows."""
    year = reader.today.year
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
    if reader.can("report.make"):
        yield from _link(gettext("What I have reported"), "reports_in:mine")
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
