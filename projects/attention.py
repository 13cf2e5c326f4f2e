"""What must be dealt with: rules that upper floors declare, asked by the list, the project page and the home page.

Each rule is declared once with one query; issue by issue more are added to the registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils.functional import Promise

from pages.registries import Registry
from projects.models import Project


@dataclass(frozen=True)
class Rule:
    """`find` narrows standing projects to those the rule speaks of, as they are on the day; one query.

    `label` is the few words of the list's column; `sentence` says on the project page what to do.
    """

    name: str
    label: str | Promise
    sentence: str | Promise
    find: Callable[[QuerySet[Project], date], QuerySet[Project]]
    serious: bool = False


rules: Registry[Rule] = Registry("rule")


def attention(projects: QuerySet[Project], today: date) -> dict[int, list[Rule]]:
    """For each project that has any: its rules in the order of the registry. One query for each rule."""
    found: dict[int, list[Rule]] = {}
    for rule in rules:
        for pk in rule.find(projects.filter(withdrawn_at__isnull=True), today).order_by().values_list("pk", flat=True):
            found.setdefault(pk, []).append(rule)
    return found
