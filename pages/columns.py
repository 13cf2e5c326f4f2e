"""One declared column serves the table on screen and on paper, CSV, XLSX and JSON.

A column says where its value is found and what kind it is. How a value looks is decided in two places
only: `on_screen` writes it for a reader, `in_file` keeps it as data (numbers as numbers, dates as dates).
A value may be None, text, bool, int, Decimal, date, datetime, `Money`, `Amount`, `PartialDate`, `Mark`,
anything with a `label`, or a list of these.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from html import escape
from typing import Any, Literal

from django.core.exceptions import ObjectDoesNotExist
from django.db.models.manager import BaseManager
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext_lazy, pgettext_lazy

from pages.templatetags.marks import mark
from values.money import Amount, Money, format_money
from values.precision import PartialDate, Precision
from values.text import format_decimal

# Text that may still wait for its language: what gettext_lazy gives, or a plain string.
Text = str | Promise
Kind = Literal["text", "amount", "date", "mark", "link"]
# What a cell of a file may hold. Several values in one cell have become text.
FileValue = str | bool | int | Decimal | date | datetime | None

HOME_CURRENCY = "SEK"
NOT_STATED = gettext_lazy("not stated")
NOT_SUMMED = gettext_lazy("not summed")


@dataclass(frozen=True, slots=True)
class Mark:
    """A drawn shape and a word, as the value of a column of kind "mark"; files get the word."""

    label: Text
    shape: str = ""
    tone: Literal["", "warn", "stop", "good"] = ""

    def __str__(self) -> str:
        return str(self.label)


@dataclass(frozen=True, slots=True)
class Column:
    """What one column of a list or report shows.

    `value` is a callable of the row or an attribute path ("owner_unit.name"); on the way a None or a
    related object that is not there gives None, a method is called, related rows become a list, and a
    misspelt name is an error. `html` names a template
    for the cell on screen, given `row`, `column` and `cell`. `first` puts the cell on top of a narrow
    card, `row_header` makes it the heading of its row, `href` links it and `small` gives its second line.
    `missing` is said on screen where there is no value; "" says nothing. `width` is in characters, for
    XLSX alone, where the default measures the content.
    """

    name: str
    label: Text
    value: Callable[[Any], Any] | str
    numeric: bool = False
    kind: Kind = "text"
    html: str | None = None
    first: bool = False
    row_header: bool = False
    href: Callable[[Any], str | None] | None = None
    small: Callable[[Any], Any] | str | None = None
    missing: Text = NOT_STATED
    width: int | None = None

    @property
    def figures(self) -> bool:
        """Whether the column holds figures: right-aligned, digits of one width."""
        return self.numeric or self.kind == "amount"

    def of(self, row: Any) -> Any:
        """The column's value for one row."""
        return _find(row, self.value)


def is_missing(value: Any) -> bool:
    """Whether there is nothing to show: None, an empty or blank text, an empty list. Zero is a value."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, list | tuple) and all(is_missing(one) for one in value)


def on_screen(value: Any, *, figures: bool = False) -> str:
    """The value as a reader sees it, in Swedish form: `1 234 567`, `2016-09`, `1 200 EUR`.

    In a column of figures kronor stand without their unit (the table's caption says it) and whole numbers
    are grouped; elsewhere a whole number may be a year or a code and is left alone.
    """
    if (
        type(value) is str
    ):  # Most cells, and none of what follows: a choice with a label is a str of its own kind.
        return value if value.strip() else ""
    if is_missing(value):
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, Amount):
        amount = on_screen(value.money, figures=figures)
        return gettext("approximately %(money)s") % {"money": amount} if value.approximate else amount
    if isinstance(value, Money):
        if figures and value.currency == HOME_CURRENCY:
            return format_decimal(_shortest(value.amount))
        return format_money(value)
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, int):
        return format_decimal(Decimal(value)) if figures else str(value)
    if isinstance(value, datetime):
        return _local(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(on_screen(one, figures=figures) for one in value if not is_missing(one))
    return str(getattr(value, "label", value))


def in_file(value: Any) -> FileValue:
    """The value as data for a cell of a file, without currency and "about" (files give these columns).

    A date known to the day is a date, known to the month or year it is text: "2016-09".
    """
    if is_missing(value):
        return None
    if isinstance(value, list | tuple):
        present = [one for one in value if not is_missing(one)]
        return in_file(present[0]) if len(present) == 1 else on_screen(present)
    if isinstance(value, Amount):
        return _shortest(value.money.amount)
    if isinstance(value, Money):
        return _shortest(value.amount)
    if isinstance(value, datetime):
        return _local(value)
    if isinstance(value, PartialDate):
        return value.first if value.precision == Precision.DAY else value.label
    if isinstance(value, bool | int | Decimal | date):
        return value
    return on_screen(value)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, ready to be shown: the templates decide nothing."""

    column: Column
    row: Any
    value: Any
    text: str
    small: str = ""
    href: str = ""
    marks: tuple[Mark, ...] = ()

    @property
    def missing(self) -> bool:
        return not self.text

    @property
    def labelled(self) -> bool:
        """Whether a narrow card repeats the column's heading before the value."""
        return not self.column.first and self.column.kind != "mark" and not self.empty

    @property
    def empty(self) -> bool:
        """Whether nothing at all stands in the cell: a narrow card leaves it out."""
        return self.missing and not (self.column.missing or self.column.html or self.small)

    @property
    def compound(self) -> bool:
        """Whether the cell holds several things, which a narrow card must keep together."""
        return len(self.marks) > 1 or bool(self.small) or self.column.html is not None

    @property
    def content(self) -> str:
        """What stands inside the cell, as markup: marks, a link or a text, "not stated" where there is no
        value, a second line. Every text and address is escaped here, whatever it says of itself."""
        column = self.column
        if column.html is not None:
            inner: str = render_to_string(column.html, {"row": self.row, "column": column, "cell": self})
        elif not self.text:
            inner = f'<span class="missing">{escape(str(column.missing))}</span>'
        elif self.marks:
            inner = "<br>".join([_mark_markup(one.shape, str(one.label), one.tone) for one in self.marks])
        elif self.href:
            inner = f'<a href="{escape(self.href)}">{escape(self.text)}</a>'
        else:
            inner = _days_unbroken(escape(self.text))
        if self.small:
            inner += f"<small>{escape(self.small)}</small>"
        return f"<span>{inner}</span>" if self.compound else inner

    @property
    def markup(self) -> str:
        """The whole cell. In Python, since a page has hundreds and a template for each takes half its time."""
        column = self.column
        if column.row_header:
            return f'<th scope="row"{_FIRST if column.first else ""}>{self.content}</th>'
        css = " ".join(name for name, so in (("num", column.figures), ("first", column.first)) if so)
        css = f' class="{css}"' if css else ""
        label = f' data-label="{escape(str(column.label))}"' if self.labelled else ""
        return f"<td{css}{label}>{'' if self.empty else self.content}</td>"


_FIRST = ' class="first"'

_DAY = r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?"
_PERIOD = re.compile(rf"(?:{_DAY}|…) – (?:{_DAY}|…)")


def _days_unbroken(text: str) -> str:
    """A period may go on to a second line between its days, never within one of them."""
    if len(text) > 23 or not _PERIOD.fullmatch(text):
        return text
    days = " – ".join(f'<span class="when">{day}</span>' for day in text.split(" – "))
    return f"<span>{days}</span>"  # A narrow card keeps together what stands in one element.


@lru_cache(maxsize=512)
def _mark_markup(shape: str, label: str, tone: str) -> str:
    """The same few states and rules stand on every row. A label that calls itself safe is escaped all the same."""
    return str(mark(shape, str.__str__(label), tone)) if shape else escape(label)


@dataclass(frozen=True, slots=True)
class TotalCell:
    """A cell of the row of totals; `said` is a word in place of a figure ("not summed")."""

    column: Column
    texts: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under a heading of their own; "" where the table is not divided."""

    title: str
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def markup(self) -> SafeString:
        """The rows, for `components/table.html`."""
        return SafeString(
            "".join([f"<tr>{''.join([cell.markup for cell in cells])}</tr>\n" for cells in self.rows])
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """A table ready to be shown, for `components/table.html`; the same on screen and on paper."""

    name: Text
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    caption: Text = ""
    totals: tuple[TotalCell, ...] = ()
    total_label: Text = ""
    total_span: int = 0

    @property
    def rows(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows of all groups."""
        return tuple(cells for group in self.groups for cells in group.rows)


def listing(
    columns: Sequence[Column],
    rows: Iterable[Any] = (),
    *,
    name: Text,
    groups: Iterable[tuple[Text, Iterable[Any]]] | None = None,
    caption: Text | None = None,
    totals: Mapping[str, Any] | None = None,
    total_label: Text | None = None,
) -> Listing:
    """Lay out rows under columns, or `groups` of a heading and its rows each.

    `totals` gives a value or a text per column name; a column it leaves out stays blank. The label of the
    row of totals covers the columns before the first total, so the first column cannot have one.
    """
    # Each label is looked up in its language once, and not for every row.
    shown = tuple(replace(column, label=str(column.label), missing=str(column.missing)) for column in columns)
    laid_out = tuple(
        Group(str(title), tuple(tuple(_cell(column, row) for column in shown) for row in of_group))
        for title, of_group in ((("", rows),) if groups is None else groups)
    )
    if caption is None:
        caption = AMOUNTS_CAPTION if any(column.kind == "amount" for column in shown) else ""
    if not totals:
        return Listing(name, shown, laid_out, caption)
    check_totals(shown, totals)
    span = next(place for place, column in enumerate(shown) if column.name in totals)
    if total_label is None:
        count = sum(len(group.rows) for group in laid_out)
        total_label = ngettext_lazy("All %(count)d row", "All %(count)d rows", "count") % {"count": count}
    last = tuple(_total_cell(column, totals.get(column.name)) for column in shown[span:])
    return Listing(name, shown, laid_out, caption, last, total_label, span)


AMOUNTS_CAPTION = pgettext_lazy("table caption", "Amounts in kronor where no other currency is given.")


def check_totals(columns: Sequence[Column], totals: Mapping[str, Any]) -> None:
    """ValueError for a total of a column that is not there, or of the first column (the label's place)."""
    names = [column.name for column in columns]
    if unknown := sorted(set(totals) - set(names)):
        raise ValueError(f"There is no column for the totals {', '.join(unknown)}.")
    if names[0] in totals:
        raise ValueError(f"The first column, {names[0]}, holds the label of the totals.")


def _find(row: Any, source: Callable[[Any], Any] | str) -> Any:
    if not isinstance(source, str):
        return source(row)
    found = row
    for step in source.split("."):
        if found is None:
            return None
        try:
            found = found[step] if isinstance(found, Mapping) else getattr(found, step)
        except ObjectDoesNotExist:
            return None
        if isinstance(found, BaseManager):
            # Related rows, from the prefetched ones where the list fetched them.
            found = list(found.all())
        elif inspect.ismethod(found) or isinstance(found, partial):  # Django's get_…_display is a partial
            found = found()
    return found


def _cell(column: Column, row: Any) -> Cell:
    value = column.of(row)
    small = "" if column.small is None else on_screen(_find(row, column.small))
    href = (column.href(row) or "") if column.href else ""
    if column.kind == "link" and not column.href and _may_be_linked(value):
        href = value
    marks: tuple[Mark, ...] = ()
    if column.kind == "mark" and not is_missing(value):
        several = value if isinstance(value, list | tuple) else (value,)
        # A label is looked up in its language once for the mark and the text.
        marks = tuple(
            Mark(on_screen(one), one.shape, one.tone) if isinstance(one, Mark) else Mark(on_screen(one))
            for one in several
        )
        text = ", ".join([str(one.label) for one in marks if one.label])
    else:
        text = on_screen(value, figures=column.figures)
    return Cell(column, row, value, text, small, href, marks)


def _may_be_linked(value: Any) -> bool:
    """Only web addresses: a stored "javascript:" address must stay text."""
    return isinstance(value, str) and value.lower().startswith(("https://", "http://"))


def _total_cell(column: Column, total: Any) -> TotalCell:
    if isinstance(total, str | Promise):
        return TotalCell(column, said=str(total))
    several = total if isinstance(total, list | tuple) else (total,)
    return TotalCell(column, tuple(on_screen(one, figures=True) for one in several if not is_missing(one)))


def _shortest(amount: Decimal) -> Decimal:
    """Without the öre when there are none: 31 000 000 and not 31 000 000,00."""
    return amount.to_integral_value() if amount == amount.to_integral_value() else amount


def _local(moment: datetime) -> datetime:
    """Excel and people know no time zones: the installation's own, without naming it."""
    return timezone.make_naive(moment) if timezone.is_aware(moment) else moment
