"""Periods: from a day to a day, both included."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime

from values.errors import Refused, shown
from values.precision import NotADate, parse_partial_date


class PeriodEndsBeforeItStarts(Refused):
    """`first` and `last` are the two days."""

    codes = ("period_ends_before_it_starts",)


class NotAPeriod(Refused):
    """The text names no period."""

    codes = (
        "period_is_missing",
        "not_a_period",
        "year_is_out_of_range",
        "month_does_not_exist",
        "day_does_not_exist",
        "period_ends_before_it_starts",
    )


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` to `last`, both days included; None is open at that end. Today is passed in."""

    first: date | None
    last: date | None

    def __post_init__(self) -> None:
        # A moment is a date to Python, but belongs to a day only in a time zone.
        if isinstance(self.first, datetime) or isinstance(self.last, datetime):
            raise TypeError("A period goes from a day to a day, not from a moment.")
        if self.first and self.last and self.last < self.first:
            raise PeriodEndsBeforeItStarts(
                "period_ends_before_it_starts", first=self.first.isoformat(), last=self.last.isoformat()
            )

    @classmethod
    def year(cls, year: int) -> "Period":
        return cls._months(year, 1, 12)

    @classmethod
    def half(cls, year: int, half: int) -> "Period":
        """January–June is 1, July–December is 2."""
        return cls._part(year, half, 2)

    @classmethod
    def tertial(cls, year: int, tertial: int) -> "Period":
        """Four months: 2 is May–August alone. The "tertial 1–2" of some reports is Period(1 Jan, 31 Aug)."""
        return cls._part(year, tertial, 3)

    @classmethod
    def month(cls, year: int, month: int) -> "Period":
        return cls._part(year, month, 12)

    @classmethod
    def _part(cls, year: int, number: int, parts: int) -> "Period":
        if not 1 <= number <= parts:
            raise ValueError(f"A year has {parts} such parts, there is no {number}.")
        length = 12 // parts
        return cls._months(year, (number - 1) * length + 1, number * length)

    @classmethod
    def _months(cls, year: int, first: int, last: int) -> "Period":
        return cls(date(year, first, 1), date(year, last, monthrange(year, last)[1]))

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def contains(self, field: str) -> dict[str, date]:
        """Filter arguments for rows whose day is in the period: `.filter(**period.contains("booked_on"))`.

        For a date field; a moment on the last day would fall outside. Without any end, rows with no
        day are kept too.
        """
        ends = {f"{field}__gte": self.first, f"{field}__lte": self.last}
        return {lookup: day for lookup, day in ends.items() if day is not None}

    def overlaps(self, other: "Period") -> bool:
        """At least one day is in both."""
        return (self.first is None or other.last is None or self.first <= other.last) and (
            other.first is None or self.last is None or other.first <= self.last
        )

    @property
    def label(self) -> str:
        """ "2025", "2025-H1", "2025-T2", "2025-03", "2025-03-01", "2025-01-01–2025-08-31", "2025-01-01–".

        No words of any language: it stands in file names and addresses and is read by `parse_period`.
        """
        first, last = self.first, self.last
        if first and last:
            year = first.year
            named = {Period.year(year): f"{year:04}"}
            named |= {Period.half(year, half): f"{year:04}-H{half}" for half in (1, 2)}
            named |= {Period.tertial(year, tertial): f"{year:04}-T{tertial}" for tertial in (1, 2, 3)}
            named |= {Period.month(year, month): f"{year:04}-{month:02}" for month in range(1, 13)}
            named[Period(first, first)] = first.isoformat()
            if self in named:
                return named[self]
        return f"{first.isoformat() if first else ''}–{last.isoformat() if last else ''}"


_PART = re.compile(r"([0-9]{4})-?([HT])([1-3])", re.IGNORECASE)


def parse_period(text: str) -> Period:
    """What `Period.label` writes, and the same with -- or .. for the dash: "2020-T2", "2020-01--2020-08".

    The ends of a span may be days, months or years: the one just named ends on 31 August.
    """
    plain = " ".join(text.split())
    if not plain:
        raise NotAPeriod("period_is_missing")
    try:
        if part := _PART.fullmatch(plain):
            year = parse_partial_date(part[1]).first.year
            kind, number = part[2].upper(), int(part[3])
            if kind == "T":
                return Period.tertial(year, number)
            if number <= 2:
                return Period.half(year, number)
            raise NotAPeriod("not_a_period", text=shown(plain))
        match re.split(r" ?(?:–|--|\.\.) ?", plain):
            case [one]:
                known = parse_partial_date(one)
                return Period(known.first, known.last)
            case [first, last]:
                return Period(
                    parse_partial_date(first).first if first else None,
                    parse_partial_date(last).last if last else None,
                )
    except (NotADate, PeriodEndsBeforeItStarts) as refused:
        code = "not_a_period" if refused.code == "not_a_date" else refused.code
        raise NotAPeriod(code, **{**refused.params, "text": shown(plain)}) from None
    raise NotAPeriod("not_a_period", text=shown(plain))
