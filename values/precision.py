"""A date as well as it is known: to the day, the month or the year."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from values.errors import Refused, shown

FIRST_YEAR, LAST_YEAR = 1900, 2199


class Precision(StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class NotADate(Refused):
    """The text is no day, month or year there is in the calendar."""

    codes = (
        "date_is_missing",
        "not_a_date",
        "year_is_out_of_range",
        "month_does_not_exist",
        "day_does_not_exist",
    )


@dataclass(frozen=True, slots=True)
class PartialDate:
    """All days that may be meant, both ends included: a month known as such is its first to its last day.

    A project that starts in one starts on `first` at the earliest; one that ends in it, on `last` at the
    latest.
    """

    first: date
    last: date
    precision: Precision

    def __post_init__(self) -> None:
        if (self.first, self.last) != _ends(self.first, self.precision):
            raise ValueError(f"{self.first}–{self.last} is not one whole {self.precision}.")

    @classmethod
    def containing(cls, day: date, precision: Precision) -> "PartialDate":
        """The day, or the whole month or year it is in: how a stored date and its precision come back."""
        return cls(*_ends(day, precision), Precision(precision))

    @property
    def label(self) -> str:
        """ "2016-09-01", "2016-09" or "2016"; read back by `parse_partial_date`."""
        return self.first.isoformat()[
            : {Precision.DAY: 10, Precision.MONTH: 7, Precision.YEAR: 4}[self.precision]
        ]


def _ends(day: date, precision: Precision) -> tuple[date, date]:
    match precision:
        case Precision.DAY:
            return day, day
        case Precision.MONTH:
            return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
        case Precision.YEAR:
            return date(day.year, 1, 1), date(day.year, 12, 31)


# Swedish and English, as the interface speaks both; "sept" stands in older Swedish text.
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januari january",
            "feb febr februari february",
            "mar mars march",
            "apr april",
            "maj may",
            "jun juni june",
            "jul juli july",
            "aug augusti august",
            "sep sept september",
            "okt oktober oct october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}
_DIGITS = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?|([0-9]{4})([0-9]{2})([0-9]{2})")
_WORDS = re.compile(r"(?:([0-9]{1,2}) )?([a-z]{3,9})\.? ([0-9]{4})")
# Documents hold the typographic and the non-breaking hyphen in place of the one on the keyboard.
_HYPHENS = str.maketrans("\u2010\u2011", "--")


def parse_partial_date(text: str) -> PartialDate:
    """ "2016", "2016-09", "2016-9", "2016-09-01", "20160901", "sep 2016", "1 september 2016".

    Years 1900–2199. Six digits are refused: 201012 may be a month or a day of another century.
    """
    plain = " ".join(text.translate(_HYPHENS).split())
    if not plain:
        raise NotADate("date_is_missing")
    if found := _DIGITS.fullmatch(plain):
        year, month, day = (found[i] or found[i + 3] for i in (1, 2, 3)) if found[4] else found.groups()[:3]
    elif (found := _WORDS.fullmatch(plain.casefold())) and found[2] in _MONTHS:
        year, month, day = found[3], str(_MONTHS[found[2]]), found[1]
    else:
        raise NotADate("not_a_date", text=shown(plain))
    return _partial_date(int(year), int(month) if month else None, int(day) if day else None, plain)


def _partial_date(year: int, month: int | None, day: int | None, text: str) -> PartialDate:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotADate("year_is_out_of_range", text=text, first=FIRST_YEAR, last=LAST_YEAR)
    if month is None:
        return PartialDate.containing(date(year, 1, 1), Precision.YEAR)
    if not 1 <= month <= 12:
        raise NotADate("month_does_not_exist", text=text)
    if day is None:
        return PartialDate.containing(date(year, month, 1), Precision.MONTH)
    if not 1 <= day <= monthrange(year, month)[1]:
        raise NotADate("day_does_not_exist", text=text)
    return PartialDate.containing(date(year, month, day), Precision.DAY)
