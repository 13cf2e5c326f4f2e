"""Projects and earlier reports that a report may be about, each with the reasons in words.

Alike are two titles with the same letters in the main or with the same words, in whatever form ("projektet",
"projekt"). The same funder and overlapping periods are a reason together; alone, neither is one, but beside
an alike title each is said. So is the same amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F, FloatField, Func, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from pages.columns import on_screen
from projects.models import Project, ReportedProject
from projects.reports_in import period_of, visible_reports
from strategy.permissions import Reader
from values.periods import Period
from values.text import Term, fold, nfc, search_terms

# How alike two titles are (0 to 1, by the letters they share) before it is a reason.
ALIKE = 0.4
# What is looked at, and what is shown.
LOOKED_AT, SHOWN = 40, 8
# Words that stand in many titles and tell nothing.
_COMMON = {"projekt", "kommun", "och", "för", "med", "inom", "till", "från", "the", "and", "for"}


@dataclass(frozen=True)
class Similar:
    """Something that the report may be about: a project, or an earlier report."""

    title: str
    url: str
    told: str
    reasons: tuple[str, ...]
    weight: float
    project: Project | None = None
    report: ReportedProject | None = None
    # Only a project of the own municipality can have the report joined to it.
    may_be_joined: bool = False


def similar_to(reader: Reader, report: ReportedProject) -> tuple[Similar, ...]:
    """The most similar first; two queries. Of reports those that the reader may read."""
    projects = (
        _close(Project.objects.visible_to(reader).standing(), report, ("funder__name", "programme__name"))
        .select_related("funder", "programme", "owner_unit", "municipality")
        .defer("search_text")
    )
    others = _close(
        visible_reports(reader).exclude(pk=report.pk).filter(project__isnull=True), report, ("funder",)
    ).select_related("unit")
    found = [*_projects(reader, report, projects), *_reports(report, others)]
    return tuple(sorted(found, key=lambda one: -one.weight)[:SHOWN])


def _close(rows: QuerySet[Any], report: ReportedProject, funders: Sequence[str]) -> Any:
    """The rows that may be similar, the title most alike first."""
    title = nfc(report.title).lower()
    # The one costly question, asked of every title: a short title within a longer one is found by its words.
    alike = Func(Lower("title"), Value(title), function="similarity", output_field=FloatField())
    wanted = Q()
    for term in _telling(search_terms(report.title)):
        for way in term.ways:
            if way.part:
                wanted |= Q(low__contains=way.part)
    if report.funder:
        same = Q()
        for name in funders:
            same |= Q(**{f"{name}__iexact": report.funder})
            for term in _telling(search_terms(report.funder)):
                if term.ways[0].part:
                    same |= Q(**{f"{name}__icontains": term.ways[0].part})
        wanted |= same & _overlaps(report)
    wanted |= Q(alike__gte=ALIKE)
    return (
        rows.annotate(alike=alike, low=Lower("title"))
        .filter(wanted)
        .order_by(F("alike").desc(), "-pk")[:LOOKED_AT]
    )


def _telling(terms: Sequence[Term]) -> list[Term]:
    """Words that tell a title from others: not the common ones, nor the very short."""
    return [term for term in terms if len(term.written) > 3 and fold(term.written) not in _COMMON]


def _overlaps(report: ReportedProject) -> Q:
    """In the same period, as far as both periods are known."""
    dated = Q(starts_on__isnull=False) | Q(ends_on__isnull=False)
    if report.ends_on is not None:
        dated &= Q(starts_on__isnull=True) | Q(starts_on__lte=report.ends_on)
    if report.starts_on is not None:
        dated &= Q(ends_on__isnull=True) | Q(ends_on__gte=report.starts_on)
    if report.starts_on is None and report.ends_on is None:
        return Q(pk__in=[])
    return dated


def _projects(reader: Reader, report: ReportedProject, rows: Sequence[Project]) -> list[Similar]:
    found = []
    for row in rows:
        names = [str(one) for one in (row.funder, row.programme) if one is not None]
        reasons, weight = _reasons(report, row, names, [row.total_budget, row.own_share])
        if not reasons:
            continue
        own = row.municipality_id == reader.municipality.pk
        told = [str(row.get_state_display()), str(row.owner_unit or "")]
        if not own:
            told.append(_("owned by %(municipality)s") % {"municipality": row.municipality})
        found.append(
            Similar(
                title=row.title,
                url=row.get_absolute_url(),
                told=" · ".join(part for part in told if part),
                reasons=reasons,
                weight=weight,
                project=row,
                may_be_joined=own,
            )
        )
    return found


def _reports(report: ReportedProject, rows: Sequence[ReportedProject]) -> list[Similar]:
    found = []
    for row in rows:
        reasons, weight = _reasons(report, row, [row.funder] if row.funder else [], [row.amount])
        if not reasons:
            continue
        told = [
            _("reported on %(day)s") % {"day": timezone.localdate(row.reported_at).isoformat()},
            str(row.get_state_display()),
            str(row.unit or ""),
        ]
        found.append(
            Similar(
                title=row.title,
                url=reverse("reports_in:detail", args=[row.pk]),
                told=" · ".join(part for part in told if part),
                reasons=reasons,
                weight=weight,
                report=row,
            )
        )
    return found


def _reasons(
    report: ReportedProject, row: Any, funders: Sequence[str], amounts: Sequence[Decimal | None]
) -> tuple[tuple[str, ...], float]:
    """Why the row is similar, in sentences, and how much; nothing where it is not."""
    reasons: list[str] = []
    weight = 0.0
    words = [
        term.written
        for term in _telling(search_terms(report.title))
        if term.stands_in(nfc(row.title).lower())
    ]
    if fold(report.title) == fold(row.title):
        reasons.append(_("The title is the same."))
        weight += 3
    elif words:
        reasons.append(_("The title holds the same words: %(words)s.") % {"words": ", ".join(words)})
        weight += 0.7 * len(words) + row.alike
    elif row.alike >= ALIKE:
        reasons.append(_("The titles are alike."))
        weight += row.alike
    about_title = bool(reasons)
    funder = _same_funder(report.funder, funders)
    if funder:
        reasons.append(_("The funder is the same: %(funder)s.") % {"funder": funder})
        weight += 0.5
    known = (report.starts_on or report.ends_on) and (row.starts_on or row.ends_on)
    overlapping = bool(
        known and Period(report.starts_on, report.ends_on).overlaps(Period(row.starts_on, row.ends_on))
    )
    if overlapping:
        reasons.append(_("It runs at the same time: %(period)s.") % {"period": _period(row)})
        weight += 0.3
    if report.amount and report.amount in amounts:
        reasons.append(_("The amount is the same: %(amount)s.") % {"amount": on_screen(report.sum)})
        weight += 0.7
    if not about_title and not (funder and overlapping):
        return (), 0.0
    return tuple(reasons), weight


def _same_funder(said: str, names: Sequence[str]) -> str:
    """The name that is meant by what was said of the funder, in the reporter's own words."""
    terms = _telling(search_terms(said)) or (search_terms(said) if said else [])
    for name in names:
        low = nfc(name).lower()
        if fold(name) in fold(said) or (terms and all(term.stands_in(low) for term in terms)):
            return name
    return ""


def _period(row: Any) -> str:
    return str(row.period_label) if isinstance(row, Project) else period_of(row)
