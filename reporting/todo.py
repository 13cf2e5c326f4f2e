"""What waits of the projects that a rule speaks of (projects.attention): one row each, or one for many.

Where a rule speaks of more than FOLDED projects that the reader may change, they are one row with their
number, leading to exactly these projects. Otherwise each project stands by itself with all that it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import DateField, Q, QuerySet, Value
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from projects.attention import Rule, attention_since, rules
from projects.models import Project
from projects.models.registry import ProjectQuerySet
from strategy.permissions import Reader
from strategy.todo import Task

FOLDED = 3


def changed_by(reader: Reader) -> ProjectQuerySet:
    """The standing projects that the reader may change, or whose share row is of the reader's units.

    Narrower than `mine`: what a unit takes part in is its own, and changed by the owner's people.
    """
    visible = Project.objects.visible_to(reader).standing()
    if not reader.can("project.change"):
        return visible.none()
    units = reader.units("project.change")
    if units is None:
        return visible
    return visible.filter(
        Q(owner_unit__in=units) | Q(shares__unit__in=units) | Q(project_manager=reader.person)
    ).distinct()


def told_to(reader: Reader) -> list[Rule]:
    """The rules that wait for the reader: vacancies wait once, and not again in each project of the unit."""
    gives = bool(reader.can("assignment.give"))
    return [rule for rule in rules if not (gives and rule.name == "contact_person")]


def projects_to_deal_with(reader: Reader) -> Iterable[Task]:
    """At most two queries, however many projects there are; of thousands only those shown one by one are read."""
    if not reader.can("project.change"):
        return
    told = told_to(reader)
    by_rule: dict[str, dict[int, date | None]] = {rule.name: {} for rule in told}
    for pk, lacking in attention_since(changed_by(reader), reader.today).items():
        for rule, day in lacking:
            if rule.name in by_rule:
                by_rule[rule.name][pk] = day
    one_by_one: dict[int, list[Rule]] = {}
    for rule in told:
        found = by_rule[rule.name]
        if len(found) > FOLDED:
            yield _folded(rule, found)
        else:
            for pk in found:
                one_by_one.setdefault(pk, []).append(rule)
    rows = (
        Project.objects.filter(pk__in=one_by_one).select_related("owner_unit").defer("search_text")
        if one_by_one
        else ()
    )
    for project in sorted(rows, key=lambda row: (-len(one_by_one[row.pk]), -row.pk)):
        lacking_here = one_by_one[project.pk]
        days = [by_rule[rule.name][project.pk] for rule in lacking_here]
        yield _alone(project, lacking_here, min((day for day in days if day), default=None))


def _folded(rule: Rule, found: dict[int, date | None]) -> Task:
    return Task(
        title=ngettext("%(count)d project: %(what)s", "%(count)d projects: %(what)s", len(found))
        % {"count": len(found), "what": rule.label},
        url=reverse("todo_rule", args=[slug_of(rule)]),
        why=str(rule.sentence),
        when=str(rule.label),
        since=min((day for day in found.values() if day), default=None),
        tone="stop" if rule.serious else "warn",
        action=gettext("Show them"),
        about=frozenset(found),
    )


def _alone(project: Project, lacking: list[Rule], since: date | None) -> Task:
    return Task(
        title=f"{project.register_id} {project.title}",
        url=project.get_absolute_url(),
        why=" ".join(str(rule.sentence) for rule in lacking),
        when=", ".join(str(rule.label) for rule in lacking),
        since=since,
        whose=str(project.owner_unit or ""),
        tone="stop" if any(rule.serious for rule in lacking) else "warn",
        about=frozenset({project.pk}),
    )


def slug_of(rule: Rule) -> str:
    return rule.name.replace("_", "-")


def projects_of(reader: Reader, rule: Rule) -> QuerySet[Project]:
    """What stands behind a folded row: exactly its projects, each with the day from which it is so (`so_since`)."""
    found = rule.find(changed_by(reader), reader.today).order_by().values("pk")
    since = Cast(rule.since(reader.today) if rule.since else Value(None), DateField())
    return (
        Project.objects.filter(pk__in=found)
        .annotate(so_since=since)
        .select_related("owner_unit")
        .defer("search_text")
        .latest_first()
    )
