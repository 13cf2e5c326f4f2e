"""What must be dealt with: rules that upper floors declare, asked by list, project page and home page.

Each rule is declared once with one query; issue by issue more are added to the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import DateField, QuerySet, Value
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast
from django.utils.functional import Promise

from pages.registries import Registry
from projects.models import Project

Find = Callable[[QuerySet[Project], date], QuerySet[Project]]
Since = Callable[[date], Combinable]


@dataclass(frozen=True)
class Rule:
    """`find` narrows standing projects to those the rule speaks of, as they are on the day; one query, which it
    only describes: what it does is kept for the whole day and asked of whoever reads.

    `label` is the few words of the list's column; `sentence` says on the project page what to do. `since` is the
    day from which a project has been so, as far as the register knows: an expression over the project, asked
    only of those that `find` leaves. Where it is not known the day is None.
    """

    name: str
    label: str | Promise
    sentence: str | Promise
    find: Find
    serious: bool = False
    since: Since | None = None


rules: Registry[Rule] = Registry("rule")


def attention(projects: QuerySet[Project], today: date) -> dict[int, list[Rule]]:
    """For each standing project that has any: its rules in the registry's order. One query for them all."""
    in_order = tuple(rules)
    found: dict[int, list[Rule]] = {}
    for pk, place, _since in _told(in_order, projects, today, since=False):
        found.setdefault(pk, []).append(in_order[place])
    return found


def attention_since(projects: QuerySet[Project], today: date) -> dict[int, list[tuple[Rule, date | None]]]:
    """As `attention`, each rule with the day from which the project has been so. One query for them all."""
    in_order = tuple(rules)
    found: dict[int, list[tuple[Rule, date | None]]] = {}
    for pk, place, since in _told(in_order, projects, today, since=True):
        found.setdefault(pk, []).append((in_order[place], since))
    return found


def _told(
    in_order: Sequence[Rule], projects: QuerySet[Project], today: date, *, since: bool
) -> list[tuple[int, int, date | None]]:
    """Key of a project, place of a rule that speaks of it, and the day; by the rules' places."""
    kept = tuple((rule.find, rule.since) for rule in in_order)
    try:
        asked, values = projects.order_by().values("pk").query.sql_with_params()
        statement, more = _statement(kept, today, since)
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        # The projects are found once, and not anew for each rule.
        cursor.execute(
            f"SELECT * FROM (WITH asked (id) AS MATERIALIZED ({asked}) {statement}) AS told",  # noqa: S608 - by the ORM
            [*values, *more],
        )
        return sorted(cursor.fetchall(), key=itemgetter(1))


@lru_cache(maxsize=8)
def _statement(
    kept: tuple[tuple[Find, Since | None], ...], today: date, since: bool
) -> tuple[str, tuple[Any, ...]]:
    """All rules asked of the projects in `asked`.

    Put together once a day: the ORM takes ten times as long for it as the database for its answer.
    """
    standing = Project.objects.filter(
        pk__in=RawSQL("SELECT asked.id FROM asked", ()), withdrawn_at__isnull=True
    ).order_by()
    told = [
        find(standing, today)
        .order_by()
        .annotate(
            rule=Value(place),
            been_so_since=Cast(day(today) if since and day else Value(None), DateField()),
        )
        .values_list("pk", "rule", "been_so_since")
        for place, (find, day) in enumerate(kept)
    ]
    if not told:
        raise EmptyResultSet
    return told[0].union(*told[1:], all=True).query.sql_with_params()
