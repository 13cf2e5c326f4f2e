"""A project as one municipality, or several in a joint list, see it.

What belongs to a municipality alone (its unit, role and share) stands on the project for the one that owns
it and on a share row for each other. In a joint list a project is counted once, with the sum of the own
shares of the municipalities that the list speaks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.postgres.aggregates import BoolOr
from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    IntegerField,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Value,
    prefetch_related_objects,
)
from django.utils.functional import Promise

from projects.models import CoFinancingKind, Project, ProjectRole, ProjectShare, ProjectUnit
from strategy.models import Municipality
from values.money import Amount, Money


def own_or_shared(municipalities: Sequence[Municipality]) -> QuerySet[Project]:
    """What the municipalities own and what is shared with any of them; each project once."""
    shared = ProjectShare.objects.filter(municipality__in=municipalities).values("project")
    # IN and not EXISTS: the planner takes the few shares once, and not anew for every project.
    return Project.objects.filter(Q(municipality__in=municipalities) | Q(pk__in=shared))


def seen_from(projects: QuerySet[Project], municipalities: Sequence[Municipality]) -> QuerySet[Project]:
    """The projects as `see` takes them."""
    return projects.annotate(
        seen_as_owner=ExpressionWrapper(Q(municipality__in=municipalities), output_field=BooleanField())
    )


def see(rows: Sequence[Any], municipalities: Sequence[Municipality]) -> None:
    """Gives each row of `seen_from` its `seen`: one query, or none where nobody can have a share.

    A municipality has no share row in what it owns itself.
    """
    others: list[Any] = []
    for project in rows:
        if len(municipalities) == 1 and project.seen_as_owner:
            project.shares_seen = []
        else:
            others.append(project)
    prefetch_related_objects(
        others,
        Prefetch(
            "shares",
            ProjectShare.objects.filter(municipality__in=municipalities)
            .select_related("unit", "municipality")
            .order_by("municipality_id"),
            to_attr="shares_seen",
        ),
    )
    for project in rows:
        project.seen = Seen.of(project)


def latest_first(projects: QuerySet[Project]) -> QuerySet[Project]:
    """What was registered last stands first, so that who registers sees it."""
    return projects.order_by("-registered_at", "-register_year", "-register_number", "pk")


def undated_last(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Latest registered first, those without dates last: for the list of a year."""
    return projects.annotate(
        undated=ExpressionWrapper(
            Q(starts_on__isnull=True, ends_on__isnull=True), output_field=BooleanField()
        )
    ).order_by("undated", "-registered_at", "-register_year", "-register_number", "pk")


def taking_part(unit_ids: Sequence[int] | frozenset[int]) -> Q:
    """Projects that one of the units owns or takes part in, also by another municipality's share row."""
    return (
        Q(owner_unit__in=unit_ids)
        | Q(pk__in=ProjectUnit.objects.filter(unit__in=unit_ids).values("project"))
        | Q(pk__in=ProjectShare.objects.filter(unit__in=unit_ids).values("project"))
    )


def counted_and_summed(
    projects: QuerySet[Project], municipalities: Sequence[Municipality]
) -> tuple[int, list[Amount], int]:
    """How many projects of `seen_from` there are, the municipalities' own shares of those that stand, and how
    many of these do not state theirs.

    One sum for each currency, kronor first; approximate when one of its amounts is. One query.
    """
    found = projects.order_by()
    standing = Q(municipality__in=municipalities, withdrawn_at__isnull=True)
    summed = standing & Q(own_share__isnull=False)
    owned = found.values_list("own_share_currency").annotate(
        total=Sum("own_share", filter=summed),
        approximate=BoolOr("own_share_approximate", filter=summed),
        unknown=Count("pk", filter=standing & Q(own_share__isnull=True)),
        count=Count("pk"),
    )
    shared = (
        ProjectShare.objects.filter(
            municipality__in=municipalities,
            project__in=found.filter(withdrawn_at__isnull=True).values("pk"),
        )
        .order_by()
        .values_list("own_share_currency")
        .annotate(
            total=Sum("own_share"),
            approximate=BoolOr("own_share_approximate", filter=Q(own_share__isnull=False)),
            unknown=Count("pk", filter=Q(own_share__isnull=True)),
            count=Value(0, IntegerField()),
        )
    )
    count, not_stated, sums, some_approximate = 0, 0, dict[str, Decimal](), set[str]()
    for currency, total, approximate, unknown, some in owned.union(shared, all=True):
        count += some
        not_stated += unknown
        if total is not None:
            sums[currency] = sums.get(currency, Decimal(0)) + total
            if approximate:
                some_approximate.add(currency)
    kronor_first = sorted(sums, key=lambda code: (code != "SEK", code))
    return (
        count,
        [Amount(Money(sums[currency], currency), currency in some_approximate) for currency in kronor_first],
        not_stated,
    )


@dataclass(frozen=True)
class Seen:
    """What is the reader's own about a project: units, roles, kinds of co-financing and own shares.

    Each is empty where it is not stated; several stand there only in a joint list.
    """

    units: tuple[Any, ...]
    roles: tuple[str | Promise, ...]
    co_financing: tuple[str | Promise, ...]
    amounts: tuple[Amount, ...]

    @classmethod
    def of(cls, project: Any) -> Seen:
        """Of a project from `seen_from` with its shares."""
        sides = [*([project] if project.seen_as_owner else []), *project.shares_seen]
        units = [project.owner_unit] if project.seen_as_owner else []
        units += [share.unit for share in project.shares_seen]
        return cls(
            units=tuple(dict.fromkeys(unit for unit in units if unit is not None)),
            roles=tuple(dict.fromkeys(ProjectRole(side.role).label for side in sides if side.role)),
            co_financing=tuple(
                dict.fromkeys(CoFinancingKind(side.co_financing).label for side in sides if side.co_financing)
            ),
            amounts=_by_currency([side.share for side in sides if side.share is not None]),
        )


def _by_currency(amounts: Sequence[Amount]) -> tuple[Amount, ...]:
    sums: dict[str, Amount] = {}
    for amount in amounts:
        standing = sums.get(amount.money.currency)
        sums[amount.money.currency] = (
            amount
            if standing is None
            else Amount(standing.money + amount.money, standing.approximate or amount.approximate)
        )
    return tuple(sums.values())
