"""The list page: scope, filter, order, then a page, a fragment of it or a file.

A list declares its columns and its filter. The address holds everything that was chosen, so a list can be
sent to a colleague, and a file holds every row of what its page shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import Any, ClassVar

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.forms.utils import flatatt
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views import View

from pages.columns import Column, Text, listing
from pages.files import write_csv, write_json, write_xlsx

PAGE = "page"
FORMAT = "format"
FORMATS: Mapping[str, tuple[str, str]] = {
    "xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("CSV", "text/csv; charset=utf-8"),
    "json": ("JSON", "application/json"),
}


@dataclass(frozen=True, slots=True)
class Action:
    """The page's one primary button."""

    label: Text
    url: str


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter and the address of the list without it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Download:
    """A link to the same rows as a file."""

    label: Text
    url: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A kept choice of filters and columns that the list offers; `by` is whose it is, where it is another's."""

    label: Text
    url: str
    current: bool = False
    by: Text = ""


@dataclass(frozen=True, slots=True)
class FilterError:
    """A filter that cannot be used, in a sentence, and the link to its field ("" for the whole form)."""

    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Pagination:
    """Where the reader is among the pages; an address is "" where there is no such page."""

    number: int
    count: int
    previous_url: str
    next_url: str


class TableView(View):
    """A list of rows under declared columns. It only reads: every other verb is refused.

    A subclass gives `columns`, `title` and `get_queryset()`, which begins with what the reader may see and
    fetches what the columns need, so that the number of queries does not grow with the rows.
    """

    http_method_names = ["get", "head", "options"]

    columns: ClassVar[Sequence[Column]] = ()
    # A django_filters.FilterSet; the package has no types.
    filterset_class: ClassVar[Any] = None
    title: Text = ""
    lead: Text = ""
    template_name: str = "pages/list.html"
    # What htmx gets. A template that extends pages/list.html shares its fragment.
    fragment_name: str = "pages/list.html#results"
    # What htmx replaces when a filter is sent; empty where more than the rows changes with it.
    filter_target: str = "results"
    page_size: int = 50
    # Ends in the primary key even where it is not named: without it rows may change pages.
    ordering: Sequence[str] = ()
    primary_action: Action | None = None
    creator: Text = "Medel"
    empty_text: Text = gettext_lazy("There is nothing to show here.")
    no_match_text: Text = gettext_lazy("Nothing matches what you chose. Remove a filter to see more.")
    # Filters that are folded away until one of them is used.
    folded_filters: Sequence[str] = ()

    # What a list fills in.

    def get_queryset(self) -> QuerySet[Any]:
        """Everything the reader may see, and nothing else."""
        raise NotImplementedError

    def get_columns(self) -> Sequence[Column]:
        return self.columns

    def get_title(self) -> Text:
        return self.title

    def get_lead(self) -> Text:
        return self.lead

    def get_primary_action(self) -> Action | None:
        return self.primary_action

    def get_creator(self) -> Text:
        """Who stands as the author in the properties of a workbook."""
        return self.creator

    def get_now(self) -> datetime:
        """The moment printed in a file's name and properties."""
        return timezone.now()

    def get_filter_data(self) -> QueryDict:
        """What the filters read: the address. A list with a chosen default puts it in a copy."""
        return self.request.GET

    def get_filterset(self, queryset: QuerySet[Any]) -> Any:
        if self.filterset_class is None:
            return None
        return self.filterset_class(self.get_filter_data(), queryset=queryset, request=self.request)

    def totals(self, queryset: QuerySet[Any]) -> Mapping[str, Any]:
        """A value or a text ("not summed") per column name, over every filtered row of all pages."""
        return {}

    def count_and_totals(self, found: QuerySet[Any]) -> tuple[int, Mapping[str, Any]]:
        """How many rows there are in all, and their totals: for a list that has both from one query."""
        count = found.count()
        return count, self.totals(found) if count else {}

    def fetch(self, found: QuerySet[Any]) -> Sequence[Any]:
        """The rows of a page or of a file. A list of wide rows sorts by the keys alone and then fetches these."""
        return list(found)

    def instead_of_nothing(self, filterset: Any) -> QuerySet[Any] | None:
        """Rows to offer where nothing was found, or None. `get_notices` says why they stand there."""
        return None

    def prepare_rows(self, rows: Sequence[Any]) -> None:
        """Fetches what the columns need beyond the rows: once for a page, once for a file, never for each row."""

    def get_caption(self) -> Text | None:
        """What stands above the table; None says how amounts are written, if there are any."""
        return None

    def get_total_label(self, count: int) -> Text:
        return ngettext("All %(count)d row", "All %(count)d rows", count) % {"count": count}

    def get_count_text(self, first: int, last: int, count: int) -> Text:
        """What stands before the chips: which rows of how many are shown."""
        return gettext("Showing %(first)d–%(last)d of %(count)d") % {
            "first": first,
            "last": last,
            "count": count,
        }

    def get_downloads(self) -> Sequence[Download]:
        """Links to files of the same rows; a report in PDF is added here."""
        return [Download(label, self.address(**{FORMAT: form})) for form, (label, _) in FORMATS.items()]

    def get_choices(self) -> Sequence[Choice]:
        """Kept views of the list, offered above it."""
        return ()

    def get_tools(self) -> Sequence[Download]:
        """Links to what may be done with the list itself: choosing columns, keeping the view."""
        return ()

    def get_notices(self) -> Sequence[Text]:
        """Sentences above the rows, about what is shown."""
        return ()

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return context

    # How a list is answered.

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        scope = self.get_queryset()
        filterset = self.get_filterset(scope)
        errors = _errors(filterset)
        found = self.order(scope.none() if errors else scope if filterset is None else filterset.qs)
        form = request.GET.get(FORMAT)
        if form is None:
            return self.answer_page(found, filterset, errors)
        if form not in FORMATS:
            known = ", ".join(FORMATS)
            return _refusal(
                gettext("There is no such format. Choose one of these: %(known)s.") % {"known": known}
            )
        if errors:
            said = " ".join(error.text for error in errors)
            return _refusal(
                gettext("The file was not made, since a filter cannot be used. %(why)s") % {"why": said}
            )
        return self.answer_file(found, filterset, form)

    def order(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The declared order, else the queryset's own, else the model's; always ended by the primary key."""
        names = list(self.ordering or queryset.query.order_by or queryset.model._meta.ordering or ())
        if not {"pk", "-pk"} & {name for name in names if isinstance(name, str)}:
            names.append("pk")
        return queryset.order_by(*names)

    def answer_page(
        self, found: QuerySet[Any], filterset: Any, errors: Sequence[FilterError]
    ) -> HttpResponseBase:
        count, totals = self.count_and_totals(found)
        if not count and not errors and (offered := self.instead_of_nothing(filterset)) is not None:
            found = offered
            count, totals = self.count_and_totals(found)
        paginator: Paginator[Any] = Paginator(found, self.page_size)
        paginator.count = count  # or it would count once more
        page = paginator.get_page(self.request.GET.get(PAGE))
        chips = self.chips(filterset)
        context = self.get_context_data(
            view=self,
            title=self.get_title(),
            lead=self.get_lead(),
            primary_action=self.get_primary_action(),
            form=_dressed(filterset),
            folded=_folded(filterset, self.folded_filters),
            kept_parameters=self._kept_parameters(filterset),
            errors=errors,
            chips=chips,
            clear_url=self._without_filters(self._filter_parameters(filterset)),
            downloads=() if errors or not count else self.get_downloads(),
            choices=self.get_choices(),
            tools=() if errors else self.get_tools(),
            notices=self.get_notices(),
            empty_text=self.no_match_text if chips else self.empty_text,
            **self._rows_context(page, totals),
        )
        template = self.fragment_name if _wants_fragment(self.request) else self.template_name
        response = render(self.request, template, context)
        # The same address answers with a page or a fragment: a cache must not mix them.
        patch_vary_headers(response, ["HX-Request"])
        return response

    def answer_file(self, found: QuerySet[Any], filterset: Any, form: str) -> HttpResponseBase:
        columns = self.get_columns()
        title = str(self.get_title())
        now = self.get_now()
        rows = self.fetch(found)
        if not rows and (offered := self.instead_of_nothing(filterset)) is not None:
            found = offered
            rows = self.fetch(found)
        self.prepare_rows(rows)
        if form == "csv":
            data = write_csv(columns, rows)
        elif form == "json":
            data = write_json(
                columns,
                rows,
                totals=self.count_and_totals(found)[1],
                title=title,
                created=now,
                filters=self._filters(filterset),
            )
        else:
            data = write_xlsx(
                columns,
                rows,
                sheet=title,
                title=title,
                creator=self.get_creator(),
                created=now,
                totals=self.count_and_totals(found)[1],
                total_label=self.get_total_label(len(rows)),
            )
        response = HttpResponse(data, content_type=FORMATS[form][1])
        name = file_name(title, timezone.localdate(now), form)
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        patch_cache_control(response, private=True)
        return response

    # Addresses, all of them with what was chosen.

    def address(self, *, without: Sequence[str] = (), **changed: str) -> str:
        """This list's address with parameters changed or left out; the page number always is."""
        query = self.request.GET.copy()
        for name in (PAGE, FORMAT, *without):
            query.pop(name, None)
        for name, value in changed.items():
            query[name] = value
        return f"{self.request.path}?{query.urlencode()}" if query else self.request.path

    def chips(self, filterset: Any) -> tuple[Chip, ...]:
        """One chip per chosen value, each with the address of the list without it."""
        if filterset is None:
            return ()
        chips = []
        form: forms.BaseForm = filterset.form
        data = self.get_filter_data()
        for bound in form:
            parameters = _parameters(bound)
            given = {name: [one for one in data.getlist(name) if one] for name in parameters}
            if bound.name in form.errors or not any(given.values()):
                continue
            if isinstance(bound.field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField):
                for raw in given[parameters[0]]:
                    rest = [one for one in given[parameters[0]] if one != raw]
                    chips.append(Chip(_chip_text(bound, raw), self._without_value(parameters[0], rest)))
            else:
                raw = " – ".join(" ".join(values) for values in given.values())
                chips.append(Chip(_chip_text(bound, raw), self._without_filters(parameters)))
        return tuple(chips)

    def _without_filters(self, parameters: Sequence[str]) -> str:
        """A list with a chosen default is told that the filter is empty, or the default would come back."""
        if self.get_filter_data() is self.request.GET:
            return self.address(without=parameters)
        return self.address(**dict.fromkeys(parameters, ""))

    def _without_value(self, parameter: str, rest: list[str]) -> str:
        query = self.request.GET.copy()
        query.setlist(parameter, rest)
        for name in (PAGE, FORMAT):
            query.pop(name, None)
        return f"{self.request.path}?{query.urlencode()}" if query else self.request.path

    def _filter_parameters(self, filterset: Any) -> list[str]:
        if filterset is None:
            return []
        return [name for bound in filterset.form for name in _parameters(bound)]

    def _kept_parameters(self, filterset: Any) -> list[tuple[str, str]]:
        """What else the address holds: the filter form sends it along."""
        dropped = {PAGE, FORMAT, *self._filter_parameters(filterset)}
        return [
            (name, value)
            for name, values in self.request.GET.lists()
            if name not in dropped
            for value in values
        ]

    def _filters(self, filterset: Any) -> dict[str, list[str]]:
        """What was chosen, for the head of a file."""
        data = self.get_filter_data()
        return {
            name: [str(value) for value in data.getlist(name)]
            for name in self._filter_parameters(filterset)
            if any(data.getlist(name))
        }

    def _rows_context(self, page: Page[Any], totals: Mapping[str, Any]) -> dict[str, Any]:
        count = page.paginator.count
        rows = self.fetch(page.object_list) if count else ()  # type: ignore[arg-type]
        self.prepare_rows(rows)
        shown = listing(
            self.get_columns(),
            rows,
            name=self.get_title(),
            caption=self.get_caption(),
            totals=totals if count else {},
            total_label=self.get_total_label(count),
        )
        number = page.number
        return {
            "listing": shown,
            "count_text": self.get_count_text(page.start_index(), page.end_index(), count) if count else "",
            "pagination": Pagination(
                number=number,
                count=page.paginator.num_pages,
                previous_url=self.address(**{PAGE: str(number - 1)}) if page.has_previous() else "",
                next_url=self.address(**{PAGE: str(number + 1)}) if page.has_next() else "",
            ),
        }


class QuickSelect(forms.Select):
    """A list to choose from, drawn in Python: a filter has hundreds of options, and Django makes a template of each."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        chosen = set(self.format_value(value))
        drawn = []
        for key, label in self.choices:
            if isinstance(label, list | tuple):
                inner = "".join([_option(one, text, chosen) for one, text in label])
                drawn.append(f'<optgroup label="{escape(str(key))}">{inner}</optgroup>')
            else:
                drawn.append(_option(key, label, chosen))
        given = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return SafeString(f"<select{given}>{''.join(drawn)}</select>")


def _option(key: Any, label: Any, chosen: set[str]) -> str:
    key = "" if key is None else str(key)
    selected = " selected" if key in chosen else ""
    return f'<option value="{escape(key)}"{selected}>{escape(str(label))}</option>'


def file_name(title: str, day: date, extension: str) -> str:
    """`projekt-i-jönköping-2026-11-20.csv`: letters kept, the day last, so that files sort."""
    return f"{slugify(title, allow_unicode=True) or 'medel'}-{day.isoformat()}.{extension}"


def _wants_fragment(request: HttpRequest) -> bool:
    """A boosted link and a step back in the history need the whole page though htmx asks."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and not (
        headers.get("HX-Boosted") == "true" or headers.get("HX-History-Restore-Request") == "true"
    )


def _refusal(sentence: str) -> HttpResponse:
    return HttpResponse(sentence, status=400, content_type="text/plain; charset=utf-8")


def _errors(filterset: Any) -> tuple[FilterError, ...]:
    if filterset is None or filterset.is_valid():
        return ()
    form: forms.BaseForm = filterset.form
    errors = []
    for name, messages in form.errors.items():
        bound = form[name] if name in form.fields else None
        for message in messages:
            text = f"{bound.label}: {message}" if bound else str(message)
            errors.append(FilterError(text, f"#{bound.id_for_label}" if bound and bound.id_for_label else ""))
    return tuple(errors)


def _dressed(filterset: Any) -> forms.BaseForm | None:
    """The filter form with the classes that the stylesheet knows."""
    if filterset is None:
        return None
    form: forms.BaseForm = filterset.form
    for field in form.fields.values():
        if isinstance(field.widget, forms.Select):
            field.widget.attrs.setdefault("class", "select")
        elif isinstance(field.widget, forms.widgets.Input) and not isinstance(
            field.widget, forms.CheckboxInput
        ):
            field.widget.attrs.setdefault("class", "input")
    return form


@dataclass(frozen=True, slots=True)
class Folded:
    """Filters that stand folded away below the others; open where one of them is used."""

    names: Sequence[str]
    open: bool


def _folded(filterset: Any, names: Sequence[str]) -> Folded:
    if filterset is None:
        return Folded((), False)
    form: forms.BaseForm = filterset.form
    there = [name for name in names if name in form.fields]
    return Folded(there, any(form[name].value() or name in form.errors for name in there))


def _parameters(bound: forms.BoundField) -> list[str]:
    """The parameters that a field reads: its name, or one for each part of a range."""
    widget: Any = bound.field.widget
    if hasattr(widget, "suffixes"):  # django-filter's own ranges: length_min, length_max
        return [widget.suffixed(bound.html_name, suffix) for suffix in widget.suffixes]
    return [bound.html_name + suffix for suffix in getattr(widget, "widgets_names", [""])]


def _chip_text(bound: forms.BoundField, raw: str) -> str:
    """ "Year: 2026", with the words of the choice and not its key; a ticked box is its label."""
    if isinstance(bound.field.widget, forms.CheckboxInput):
        return str(bound.label)
    said = raw
    choices = getattr(bound.field, "choices", None)
    if isinstance(bound.field, forms.ModelMultipleChoiceField):
        chosen = bound.form.cleaned_data[bound.name]
        key = bound.field.to_field_name or "pk"
        said = next((_label(bound, one) for one in chosen if str(getattr(one, key)) == raw), raw)
    elif isinstance(bound.field, forms.ModelChoiceField):
        said = _label(bound, bound.form.cleaned_data[bound.name])
    elif choices is not None:
        said = next((label for key, label in _flat(choices) if key == raw), raw)
    return f"{bound.label}: {said}"


def _label(bound: forms.BoundField, chosen: Any) -> str:
    if isinstance(chosen, Model) and isinstance(bound.field, forms.ModelChoiceField):
        return str(bound.field.label_from_instance(chosen))
    return str(chosen)


def _flat(choices: Any) -> list[tuple[str, str]]:
    """Choices with their groups opened."""
    flat = []
    for key, label in choices:
        if isinstance(label, list | tuple):
            flat.extend(_flat(label))
        else:
            flat.append((str(key), str(label)))
    return flat
