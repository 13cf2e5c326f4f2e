"""The filters of the list of projects. Their names are the words of the address, which is Swedish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import django_filters
from django import forms
from django.db.models import Max, Min, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.columns import NOT_STATED
from pages.lists import QuickSelect
from projects import searching
from projects.columns import LACKING_NUMBER
from projects.mine import mine
from projects.models import Kind, Level, Project, ProjectRole, ProjectShare, State
from projects.seen import taking_part
from strategy.models import Municipality, Unit
from strategy.permissions import Reader, units_below

UNKNOWN = "saknas"
STARTED, ENDED = "startade", "slutade"
ALSO_WITHDRAWN, ONLY_WITHDRAWN = "aven", "enbart"
FIRST_YEAR, LAST_YEAR = 1971, 2199
_ALL = gettext_lazy("All")

_not_stated = (UNKNOWN, NOT_STATED)


def _choice(label: Any, choices: Any, method: str, empty: Any = _ALL) -> Any:
    return django_filters.ChoiceFilter(
        label=label, choices=choices, method=method, empty_label=empty, null_label=None, widget=QuickSelect
    )


class ProjectFilter(django_filters.FilterSet):  # type: ignore[misc]  # The package has no types.
    """Over projects from `seen_from`; `municipalities` are those the list speaks for."""

    q = django_filters.CharFilter(
        label=gettext_lazy("Title, number, party or funder"),
        method="by_text",
        max_length=200,
        validators=[searching.not_too_many_words],
    )
    ar = _choice(gettext_lazy("Year"), [], "by_year")
    hur = _choice(
        gettext_lazy("In the year"),
        [(STARTED, gettext_lazy("started")), (ENDED, gettext_lazy("ended"))],
        "by_nothing",
        gettext_lazy("running"),
    )
    enhet = _choice(gettext_lazy("Board or unit"), [], "by_unit")
    finansiar = _choice(gettext_lazy("Funder"), [], "by_funder")
    lage = _choice(gettext_lazy("State"), [*State.choices, _not_stated], "by_state")
    program = _choice(gettext_lazy("Programme"), [], "by_programme")
    roll = _choice(gettext_lazy("Our role"), [*ProjectRole.choices, _not_stated], "by_role")
    niva = _choice(gettext_lazy("Level"), [*Level.choices, _not_stated], "by_level")
    slag = _choice(gettext_lazy("Kind of project"), [*Kind.choices, _not_stated], "by_kind")
    makulerade = _choice(
        gettext_lazy("Withdrawn"),
        [(ALSO_WITHDRAWN, gettext_lazy("shown too")), (ONLY_WITHDRAWN, gettext_lazy("shown alone"))],
        "by_nothing",
        gettext_lazy("not shown"),
    )
    utannummer = django_filters.BooleanFilter(
        label=gettext_lazy("Lacks project number"), method="by_lacking_number", widget=forms.CheckboxInput
    )
    egna = django_filters.BooleanFilter(
        label=gettext_lazy("Mine and my unit's"), method="by_mine", widget=forms.CheckboxInput
    )

    class Meta:
        model = Project
        fields: Sequence[str] = ()

    def __init__(
        self, *args: Any, reader: Reader, municipalities: Sequence[Municipality], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        self.municipalities = tuple(municipalities)
        found = self._by_funder_and_programme()
        self.filters["ar"].extra["choices"] = self._years(found)
        self.filters["enhet"].extra["choices"] = self._units()
        self.filters["finansiar"].extra["choices"] = self._named(found, "funder")
        self.filters["program"].extra["choices"] = self._named(found, "programme")
        if mine(reader) is None:
            del self.filters["egna"]  # None is more theirs than another.

    @property
    def year(self) -> int | None:
        """The chosen year, if it can be used."""
        chosen = self.form.cleaned_data.get("ar") if self.is_valid() else None
        return int(chosen) if chosen else None

    @property
    def shows_withdrawn(self) -> bool:
        return bool(self.is_valid() and self.form.cleaned_data.get("makulerade"))

    def filter_queryset(self, queryset: QuerySet[Project]) -> QuerySet[Project]:
        found: QuerySet[Project] = super().filter_queryset(queryset)
        match self.form.cleaned_data.get("makulerade"):
            case "aven":
                return found
            case "enbart":
                return found.filter(withdrawn_at__isnull=False)
        return found.filter(withdrawn_at__isnull=True)

    @property
    def text(self) -> str:
        """What is searched for, if it can be."""
        return str(self.form.cleaned_data.get("q") or "") if self.is_valid() else ""

    def spelt_alike(self) -> list[int]:
        """Keys of those that the other filters keep and that the text may have meant."""
        asked = self.form.cleaned_data
        self.form.cleaned_data = asked | {"q": ""}
        try:
            others = self.filter_queryset(self.queryset.all())
        finally:
            self.form.cleaned_data = asked
        return searching.spelt_alike(others, self.text)

    # Each narrows to what was chosen; `name` is the filter's.

    def by_nothing(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        """Says how another filter is meant."""
        return projects

    def by_text(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        return searching.matching(projects, value)

    def by_year(self, projects: Any, name: str, value: str) -> QuerySet[Project]:
        first, last = date(int(value), 1, 1), date(int(value), 12, 31)
        undated = projects.recorded_for(first, last)
        match self.form.cleaned_data.get("hur"):
            case "startade":
                return projects.filter(Q(starts_on__range=(first, last)) | undated)  # type: ignore[no-any-return]
            case "slutade":
                return projects.filter(Q(ends_on__range=(first, last)) | undated)  # type: ignore[no-any-return]
        return projects.running_in(first, last)  # type: ignore[no-any-return]

    def by_unit(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        if value == UNKNOWN:
            ours = Q(seen_as_owner=True, owner_unit__isnull=True)
            return projects.filter(ours | Q(pk__in=self._shares().filter(unit=None).values("project")))
        unit = int(value)
        # What the reader's own unit reaches is known already.
        known = {held.unit.pk: held.unit_ids for held in self.reader.held if held.unit and held.unit_ids}
        below = known.get(unit) or units_below(self._place_of[unit], self.reader.today)[unit]
        return projects.filter(taking_part(below))

    def by_funder(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        return projects.filter(funder=None if value == UNKNOWN else int(value))

    def by_programme(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        return projects.filter(programme=None if value == UNKNOWN else int(value))

    def by_level(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        return projects.filter(level="" if value == UNKNOWN else value)

    def by_kind(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        return projects.filter(kind="" if value == UNKNOWN else value)

    def by_lacking_number(self, projects: QuerySet[Project], name: str, value: bool) -> QuerySet[Project]:
        return projects.filter(LACKING_NUMBER) if value else projects

    def by_state(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        return projects.filter(state="" if value == UNKNOWN else value)

    def by_role(self, projects: QuerySet[Project], name: str, value: str) -> QuerySet[Project]:
        role = "" if value == UNKNOWN else value
        return projects.filter(
            Q(seen_as_owner=True, role=role) | Q(pk__in=self._shares().filter(role=role).values("project"))
        )

    def by_mine(self, projects: QuerySet[Project], name: str, value: bool) -> QuerySet[Project]:
        if not value:
            return projects
        return projects if (own := mine(self.reader)) is None else projects.filter(own)

    # What may be chosen, in two queries.

    def _shares(self) -> QuerySet[ProjectShare]:
        return ProjectShare.objects.filter(municipality__in=self.municipalities)

    def _by_funder_and_programme(self) -> list[dict[str, Any]]:
        """Funders with programmes of all that may be chosen from, each with the first and last years it knows."""
        return list(
            self.queryset.order_by()
            .values("funder", "funder__name", "programme", "programme__name")
            .annotate(
                first=Min("starts_on"),
                last=Max("ends_on"),
                start=Min("recorded_for_year"),
                end=Max("recorded_for_year"),
            )
            .order_by("funder__name", "funder", "programme__name", "programme")
        )

    def _years(self, found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
        """From the first year the register knows of to the next, and the one that the address names."""
        known = {
            name: [one[name] for one in found if one[name] is not None]
            for name in ("first", "last", "start", "end")
        }
        this = self.reader.today.year
        firsts = [this, *known["start"], *(day.year for day in known["first"])]
        # A date typed far ahead must not make a list of a thousand years.
        lasts = [this + 1, *known["end"], *(min(day.year, this + 15) for day in known["last"])]
        years = set(range(max(min(firsts), this - 60), max(lasts) + 1))
        asked = self.data.get("ar", "") if self.data else ""
        if asked.isdecimal() and FIRST_YEAR <= int(asked[:5]) <= LAST_YEAR:
            years.add(int(asked))
        return [(str(year), str(year)) for year in sorted(years, reverse=True)]

    def _units(self) -> list[Any]:
        """The units in their tree, by municipality where there are several."""
        units = list(Unit.objects.filter(municipality__in=self.municipalities).order_by("name", "pk"))
        places = {place.pk: place for place in self.municipalities}
        self._place_of = {unit.pk: places[unit.municipality_id] for unit in units}
        trees = [(str(place), tree(units, place.pk)) for place in self.municipalities]
        if len(trees) == 1:
            return [*trees[0][1], (UNKNOWN, _("not stated"))]
        return [*trees, (UNKNOWN, _("not stated"))]

    def _named(self, found: Sequence[Mapping[str, Any]], kind: str) -> list[tuple[str, Any]]:
        # The name of another municipality's own funder or programme is behind the wall.
        names = {one[kind]: one[f"{kind}__name"] for one in found if one[f"{kind}__name"]}
        if kind == "funder":  # The database has sorted them as Swedish sorts.
            return [*((str(key), name) for key, name in names.items()), _not_stated]
        return [
            *((str(key), name) for key, name in sorted(names.items(), key=lambda one: one[1].lower())),
            _not_stated,
        ]


def tree(units: Sequence[Unit], municipality_id: int | None = None) -> list[tuple[str, str]]:
    """Choices of units, each below the one it belongs to and set in from it."""
    chosen = [unit for unit in units if municipality_id in (None, unit.municipality_id)]
    present = {unit.pk for unit in chosen}
    below: dict[int | None, list[Unit]] = {}
    for unit in chosen:
        below.setdefault(unit.parent_id if unit.parent_id in present else None, []).append(unit)
    choices: list[tuple[str, str]] = []

    def add(parent: int | None, depth: int) -> None:
        for unit in below.get(parent, ()):
            choices.append((str(unit.pk), "\u2003" * depth + unit.name))
            add(unit.pk, depth + 1)

    add(None, 0)
    return choices
