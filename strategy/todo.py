"""What waits for a person, and why: sources that every floor registers, gathered on one page.

A source finds, for a reader, the things that wait: what, why, since and until when, whose they are and
where they are dealt with. It reads by the reader's own permissions, with a constant number of queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise

from pages.registries import Registry
from strategy.permissions import Reader


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


@dataclass(frozen=True)
class Source:
    """`find` gives all tasks of the source for the reader; lower `place` stands first."""

    name: str
    label: str | Promise
    find: Callable[[Reader], Iterable[Task]]
    place: int = 50


sources: Registry[Source] = Registry("source of tasks")
