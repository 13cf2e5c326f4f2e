"""Filters of the two logs: what was done, and what was handed out to whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages.forms import PartialDateField
from strategy.forms.responsibilities import PersonChoice
from strategy.log import DEEDS, THE_SYSTEM, Asked, Found, logged_kinds
from strategy.models import Document, Person, Reading, ReadingKind
from values.precision import PartialDate

FROM, TO = gettext_lazy("From"), gettext_lazy("To and including")
IN_THE_LIST = gettext_lazy("Choose one in the list.")


class DayFilter(django_filters.Filter):  # type: ignore[misc]
    """A day, month or year: the first of it, or with `end` the last."""

    field_class = PartialDateField


def _in_order(form: forms.BaseForm) -> None:
    first: PartialDate | None = form.cleaned_data.get("fran")
    last: PartialDate | None = form.cleaned_data.get("till")
    if first is not None and last is not None and last.last < first.first:
        form.add_error("till", _("The last day must not be before the first. Correct one of them."))


class _OrderedDays(forms.Form):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        _in_order(self)
        return cleaned


class LogFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Its rows are no queryset (strategy.log.Found): it says what is asked for, and the log finds it."""

    fran = DayFilter(label=FROM)
    till = DayFilter(label=TO, end=True)
    vem = django_filters.ChoiceFilter(
        label=gettext_lazy("Who"),
        empty_label=gettext_lazy("All"),
        error_messages={"invalid_choice": IN_THE_LIST},
    )
    slag = django_filters.ChoiceFilter(
        label=gettext_lazy("What"),
        empty_label=gettext_lazy("All"),
        error_messages={"invalid_choice": IN_THE_LIST},
    )
    gjort = django_filters.ChoiceFilter(
        label=gettext_lazy("What happened"),
        choices=tuple(DEEDS.items()),
        empty_label=gettext_lazy("All"),
        error_messages={"invalid_choice": IN_THE_LIST},
    )
    skal = django_filters.CharFilter(label=gettext_lazy("Words in the reason"), max_length=200)
    # Reached by "Only this" beside an object.
    objekt = django_filters.NumberFilter(
        label=gettext_lazy("Number of the object"),
        min_value=1,
        max_value=2**63 - 1,
        decimal_places=0,
        widget=forms.HiddenInput,
    )

    class Meta:
        form = _OrderedDays

    def __init__(self, *args: Any, people: Iterable[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["vem"].extra["choices"] = [
            *((str(person.pk), f"{person.name} ({person.email})") for person in people),
            (THE_SYSTEM, _("the system")),
        ]
        self.filters["slag"].extra["choices"] = [(kind.name, str(kind.label)) for kind in logged_kinds()]

    def filter_queryset(self, queryset: Found) -> Found:
        chosen = self.form.cleaned_data
        first: PartialDate | None = chosen["fran"]
        last: PartialDate | None = chosen["till"]
        who: str = chosen["vem"]
        return queryset.narrowed(
            Asked(
                first=first.first if first else None,
                last=last.last if last else None,
                person=int(who) if who.isdecimal() else who or None,
                kind=chosen["slag"],
                deed=chosen["gjort"],
                reason=chosen["skal"],
                obj=None if chosen["objekt"] is None else int(chosen["objekt"]),
            )
        )


class ReadingFilter(django_filters.FilterSet):  # type: ignore[misc]
    fran = DayFilter(label=FROM, method="since")
    till = DayFilter(label=TO, end=True, method="until")
    vem = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Who"),
        field_name="person",
        queryset=Person.objects.none(),
        empty_label=gettext_lazy("All"),
        error_messages={"invalid_choice": IN_THE_LIST},
    )
    slag = django_filters.ChoiceFilter(
        label=gettext_lazy("What"),
        field_name="kind",
        choices=ReadingKind.choices,
        empty_label=gettext_lazy("All"),
        error_messages={"invalid_choice": IN_THE_LIST},
    )
    dokument = django_filters.ModelChoiceFilter(
        label=gettext_lazy("Document"),
        field_name="document",
        queryset=Document.objects.none(),
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": gettext_lazy("There is no such document. Remove this filter.")},
    )

    class Meta:
        form = _OrderedDays

    def __init__(
        self, *args: Any, people: QuerySet[Person], documents: QuerySet[Document], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.filters["vem"].field_class = PersonChoice
        self.filters["vem"].queryset = people
        self.filters["dokument"].queryset = documents

    def since(self, queryset: QuerySet[Reading], name: str, value: PartialDate) -> QuerySet[Reading]:
        return queryset.filter(at__date__gte=value.first)

    def until(self, queryset: QuerySet[Reading], name: str, value: PartialDate) -> QuerySet[Reading]:
        return queryset.filter(at__date__lte=value.last)
