"""Money: exact, in one currency, rounded in one place."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from functools import total_ordering

from values.errors import Refused, shown
from values.rounding import round_half_up
from values.text import NO_BREAK_SPACE, NotANumber, format_decimal, parse_decimal, plain_spaces

__all__ = [
    "CURRENCIES",
    "Amount",
    "CurrencyMismatch",
    "Money",
    "NotAnAmount",
    "format_money",
    "format_percent",
    "parse_amount",
    "round_half_up",
]

# Sums are exact or stop; the usual context would round the 29th digit away without a word.
_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


class CurrencyMismatch(Refused):
    """Two currencies were added or compared; `one` and `other` name them."""

    codes = ("currencies_differ",)


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An exact sum in one currency (ISO 4217, three capitals). Only a Decimal is taken, never a float.

    Adding and comparing two currencies raises CurrencyMismatch; being equal or not is always answered.
    Nothing is rounded here: totals are sums of unrounded rows, `round_half_up` is for showing.
    """

    amount: Decimal
    currency: str = "SEK"

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"Money is a Decimal, not {type(self.amount).__name__}.")
        if not self.amount.is_finite():
            raise ValueError("Money is a finite number.")
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError("A currency is three capital letters (ISO 4217).")

    def __add__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(_EXACT.add(self.amount, self._amount_of(other)), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if not isinstance(other, Money):
            return NotImplemented
        return Money(_EXACT.subtract(self.amount, self._amount_of(other)), self.currency)

    def __mul__(self, factor: Decimal | int) -> "Money":
        if isinstance(factor, bool) or not isinstance(factor, Decimal | int):
            raise TypeError(
                f"Money is multiplied by a Decimal or a whole number, not {type(factor).__name__}."
            )
        return Money(_EXACT.multiply(self.amount, factor), self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(self.amount.copy_negate() if self.amount else self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.amount < self._amount_of(other)

    def _amount_of(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch("currencies_differ", one=self.currency, other=other.currency)
        return other.amount

    @classmethod
    def total(cls, sums: Iterable["Money"], currency: str = "SEK") -> "Money":
        """The sum of all, nothing being 0 of `currency`; another currency among them is refused."""
        total = cls(Decimal(0), currency)
        for one in sums:
            total += one
        return total


@dataclass(frozen=True, slots=True)
class Amount:
    """Money as somebody stated it: exactly, or "cirka"."""

    money: Money
    approximate: bool = False


# --- reading ---------------------------------------------------------------------------------------------


class NotAnAmount(Refused):
    """The text is not one sum in one currency. `text` repeats it, `unit` the unit that is not known."""

    codes = (
        "amount_is_missing",
        "not_an_amount",
        "unit_is_not_known",
        "currencies_differ",
        "amount_has_parts_of_an_ore",
        "amount_is_too_large",
        "decimal_mark_is_ambiguous",
        "number_has_too_many_digits",
    )


# The currencies this register meets: funders' and those of countries worked with. Others are refused by
# name rather than guessed, since any three letters may be a misspelt unit.
CURRENCIES = frozenset(
    {
        *("SEK", "EUR", "USD", "GBP", "NOK", "DKK", "ISK", "CHF", "CAD", "AUD", "JPY", "CNY"),
        *("PLN", "CZK", "HUF", "RON", "BGN", "UAH", "MDL", "GEL", "AMD", "ALL", "BAM", "MKD", "RSD", "TRY"),
        *("BWP", "ETB", "KES", "MZN", "NAD", "RWF", "TZS", "UGX", "ZAR", "ZMW"),
    }
)
_CURRENCY_WORDS = {
    **{code.lower(): code for code in CURRENCIES},
    **dict.fromkeys(["kr", "krona", "kronor", ":-", ",-", ":–", ",–"], "SEK"),
    **dict.fromkeys(["€", "euro"], "EUR"),
    "£": "GBP",
}
_POWER_WORDS = {
    **dict.fromkeys(["tusen"], 3),
    **dict.fromkeys(["miljon", "miljoner", "milj", "mn", "million", "millions"], 6),
    **dict.fromkeys(["miljard", "miljarder", "mdr"], 9),
}
# A unit that carries both: power of ten and currency.
_UNITS = {
    **dict.fromkeys(["tkr", "kkr", "ksek", "tsek"], (3, "SEK")),
    **dict.fromkeys(["mkr", "mnkr", "msek"], (6, "SEK")),
    **dict.fromkeys(["mdkr", "mdrkr"], (9, "SEK")),
    **dict.fromkeys(["keur", "teur", "k€"], (3, "EUR")),
    **dict.fromkeys(["meur", "m€"], (6, "EUR")),
}
_APPROXIMATELY = re.compile(
    r"(?:(?:cirka|circa|ca\.?|c:a|omkring|ungefär|runt|about|approx\.?) +|[~≈] *)(?=.)", re.IGNORECASE
)
_AMOUNT = re.compile(
    r"(?P<before>[^0-9()+−–-]*)"
    r"(?P<number>\(?[-−–+]? ?[0-9](?:[0-9 .,]*[0-9])?[-−–]?\)?)"
    r"(?P<after>.*)",
    re.DOTALL,
)
# What the database holds: Decimal(14, 2).
_TOO_LARGE = Decimal(10) ** 12


def parse_amount(text: str) -> Amount:
    """ "1 234 567 kr", "900 tkr", "1,5 mkr", "ca 400 tkr", "≈31 mkr", "EUR 1 200", "31 miljoner euro".

    Without a unit it is kronor. The number follows `parse_decimal`; small and capital letters in units
    are the same (Mkr, MKR). A unit decides its currency, so "EUR 31 mkr" is refused. After the unit
    is taken in, the sum must be whole öre (cents): "1,234 kr" is refused, as it was hardly meant so.
    The answer has two decimals. A range ("400–500 tkr") is not an amount.
    """
    plain = plain_spaces(text)
    if not plain:
        raise NotAnAmount("amount_is_missing")
    approximately = _APPROXIMATELY.match(plain)
    found = _AMOUNT.fullmatch(plain[approximately.end() :] if approximately else plain)
    if found is None:
        raise NotAnAmount("not_an_amount", text=shown(plain))
    try:
        number = parse_decimal(found["number"])
    except NotANumber as refused:
        code = "not_an_amount" if refused.code == "not_a_number" else refused.code
        raise NotAnAmount(code, **{**refused.params, "text": shown(plain)}) from None
    power, currency = _unit(found["before"].strip(" "), found["after"].strip(" "), shown(plain))
    sum_ = _EXACT.scaleb(number, power)
    if abs(sum_) >= _TOO_LARGE:
        raise NotAnAmount("amount_is_too_large", text=shown(plain))
    in_ore = round_half_up(sum_, 2)
    if in_ore != sum_:
        raise NotAnAmount("amount_has_parts_of_an_ore", text=shown(plain))
    return Amount(Money(in_ore, currency), approximate=approximately is not None)


def _unit(before: str, after: str, text: str) -> tuple[int, str]:
    """Power of ten and currency from what stands before and after the number."""
    stated = _CURRENCY_WORDS.get(before.casefold())
    if before and stated is None:
        # "beviljat 400" is a sentence, "XYZ 400" a currency that is not known.
        code = "unit_is_not_known" if re.fullmatch(r"[A-Z]{3}", before) else "not_an_amount"
        raise NotAnAmount(code, text=text, unit=shown(before))
    power, currency = 0, stated or "SEK"
    if after:
        power, of_unit = _unit_after(after, text)
        if stated and of_unit and of_unit != stated:
            raise NotAnAmount("currencies_differ", text=text, one=stated, other=of_unit)
        currency = of_unit or currency
    return power, currency


def _unit_after(after: str, text: str) -> tuple[int, str | None]:
    words = [word.removesuffix(".") for word in after.casefold().split(" ")]
    match words:
        case [word] if word in _UNITS:
            return _UNITS[word]
        case [word] if word in _CURRENCY_WORDS:
            return 0, _CURRENCY_WORDS[word]
        case [word] if word in _POWER_WORDS:
            return _POWER_WORDS[word], None
        case [power, word] if power in _POWER_WORDS and word in _CURRENCY_WORDS:
            return _POWER_WORDS[power], _CURRENCY_WORDS[word]
        case [word] if word.isalpha():
            raise NotAnAmount("unit_is_not_known", text=text, unit=shown(after))
    raise NotAnAmount("not_an_amount", text=text)


# --- showing ---------------------------------------------------------------------------------------------


def format_money(money: Money) -> str:
    """ "1 234 567 kr", "1 234 567,50 kr", "1 200 EUR": whole without decimals, otherwise two, half up."""
    rounded = round_half_up(money.amount, 2)
    places = 0 if rounded == rounded.to_integral_value() else 2
    unit = "kr" if money.currency == "SEK" else money.currency
    return format_decimal(rounded, places) + NO_BREAK_SPACE + unit


def format_percent(fraction: Decimal, places: int = 1) -> str:
    """The fraction 0.306 as "30,6 %", half up."""
    if not isinstance(fraction, Decimal):
        raise TypeError(f"Only a Decimal is written as a percentage, not {type(fraction).__name__}.")
    return format_decimal(_EXACT.scaleb(fraction, 2), places) + NO_BREAK_SPACE + "%"
