"""What waits for a person, and why: sources that every floor registers, gathered on one page.

A source finds, for a reader, the things that wait: what, why, since and until when, whose they are and
where they are dealt with. It reads by the reader's own permissions, with a constant number of queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext

from pages.registries import Registry
from strategy.permissions import Reader
from strategy.responsibilities import gaps


@dataclass(frozen=True)
class Task:
    """One thing that waits. `when` says in a few words what is lacking, `why` in a sentence what to do.

    `whose` is the unit or person that it waits for, in words; `marked` says that the reader acts for a unit
    without a contact person. `action` is the label of a button-like link, where one word helps.
    """

    title: str
    url: str
    why: str
    when: str = ""
    since: date | None = None
    until: date | None = None
    whose: str = ""
    tone: str = "warn"  # "stop" for what is serious
    action: str = ""
    marked: bool = False
    # Keys of the rows it counts, where one task stands for several or says what is not in order.
    about: frozenset[int] = frozenset()


FIRST = 10


@dataclass(frozen=True)
class Source:
    """`find` gives all tasks of the source for the reader; lower `place` stands first among what is alike.

    Up to FIRST a source stands before all others, whatever its tasks are: somebody waits for an answer.
    """

    name: str
    label: str | Promise
    find: Callable[[Reader], Iterable[Task]]
    place: int = 50


sources: Registry[Source] = Registry("source of tasks")


# So many units are named before the rest are left to the page.
NAMED_UNITS = 5


def vacancies(reader: Reader) -> Iterable[Task]:
    """Units without a contact person, as one row, for who may name one."""
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
        yield Task(
            title=ngettext(
                "One unit has no contact person", "%(count)d units have no contact person", len(names)
            )
            % {"count": len(names)},
            url=reverse("responsibilities"),
            why=gettext("Until somebody is named, the strategist acts for the unit: %(units)s.")
            % {"units": units},
            when=gettext("contact person"),
            whose=names[0] if len(names) == 1 else "",
        )
