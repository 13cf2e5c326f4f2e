"""What must be dealt with: rules that upper floors declare, asked by list, project page and home page.

Each rule is declared once with one query; issue by issue more are added to the registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db.models import DateField, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.utils.functional import Promise

from pages.registries import Registry
from projects.models import Project


@dataclass(frozen=True)
class Rule:
    """`find` narrows standing projects to those the rule speaks of, as they are on the day; one query.

    `label` is the few words of the list's column; `sentence` says on the project page what to do. `since` is the
    day from which a project has been so, as far as the register knows: an expression over the project, asked
    only of those that `find` leaves. Where it is not known the day is None.
    """

    name: str
    label: str | Promise
    sentence: str | Promise
    find: Callable[[QuerySet[Project], date], QuerySet[Project]]
    serious: bool = False
    since: Callable[[date], Combinable] | None = None


rules: Registry[Rule] = Registry("rule")


def attention(projects: QuerySet[Project], today: date) -> dict[int, list[Rule]]:
    """For each standing project that has any: its rules in the registry's order. One query for them all."""
    standing = projects.filter(withdrawn_at__isnull=True).order_by()
    asked = [
        rule.find(standing, today).order_by().annotate(rule=Value(place)).values_list("pk", "rule")
        for place, rule in enumerate(rules)
    ]
    if not asked:
        return {}
    found: dict[int, list[Rule]] = {}
    in_order = list(rules)
    for pk, place in asked[0].union(*asked[1:], all=True).order_by("rule"):
        found.setdefault(pk, []).append(in_order[place])
    return found


def attention_since(projects: QuerySet[Project], today: date) -> dict[int, list[tuple[Rule, date | None]]]:
    """As `attention`, each rule with the day from which the project has been so. One query for them all."""
    standing = projects.filter(withdrawn_at__isnull=True).order_by()
    asked = [
        rule.find(standing, today)
        .order_by()
        .annotate(
            rule=Value(place),
            been_so_since=Cast(rule.since(today) if rule.since else Value(None), DateField()),
        )
        .values_list("pk", "rule", "been_so_since")
        for place, rule in enumerate(rules)
    ]
    if not asked:
        return {}
    found: dict[int, list[tuple[Rule, date | None]]] = {}
    in_order = list(rules)
    for pk, place, since in asked[0].union(*asked[1:], all=True).order_by("rule"):
        found.setdefault(pk, []).append((in_order[place], since))
    return found
