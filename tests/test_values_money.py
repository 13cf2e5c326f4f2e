from dataclasses import FrozenInstanceError
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from values.money import (
    CURRENCIES,
    Amount,
    CurrencyMismatch,
    Money,
    NotAnAmount,
    format_money,
    format_percent,
    parse_amount,
    round_half_up,
)

SUMS = st.decimals(min_value=-(10**11), max_value=10**11, places=2)
KRONOR = SUMS.map(Money)
ANY_MONEY = st.builds(Money, SUMS, st.sampled_from(sorted(CURRENCIES)))
PIECES = [
    "ca ",
    "≈",
    "EUR",
    "€",
    "kr",
    " tkr",
    " mkr",
    "miljoner",
    "1",
    "234",
    " ",
    "\u00a0",
    ",",
    ".",
    "-",
    "(",
    ")",
    "'",
]
NEARLY_AMOUNTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def kronor(number: int | str, approximate: bool = False) -> Amount:
    return Amount(Money(Decimal(number)), approximate)


def euro(number: int | str) -> Amount:
    return Amount(Money(Decimal(number), "EUR"))


@pytest.mark.parametrize("wrong", [1.5, 0.0, 1, True, "1", None])
def test_money_is_a_decimal_and_nothing_else(wrong):
    with pytest.raises(TypeError):
        Money(wrong)


@given(st.floats())
def test_no_float_becomes_money_by_any_door(number):
    for door in (Money, Money(Decimal(1)).__mul__, format_percent, lambda n: Money(Decimal(1)) * n):
        with pytest.raises(TypeError):
            door(number)
    with pytest.raises(TypeError):
        Money(Decimal(1)) + number


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "sNaN"])
def test_money_is_finite(wrong):
    with pytest.raises(ValueError, match="finite"):
        Money(Decimal(wrong))


@pytest.mark.parametrize("wrong", ["kr", "sek", "", "SEKR", "SEK\n"])
def test_a_currency_is_three_capitals(wrong):
    with pytest.raises(ValueError, match="capital"):
        Money(Decimal(1), wrong)


def test_money_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Money(Decimal(1)).amount = Decimal(2)  # type: ignore[misc]


@given(KRONOR, KRONOR, KRONOR)
def test_money_adds_up_in_any_order(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Money(Decimal(0)) == a
    assert a - a == Money(Decimal(0)) == a + -a
    assert a - b == -(b - a)
    assert (a + b) * 3 == a * 3 + 3 * b
    assert Money.total([a, b, c]) == a + b + c
    assert hash(a + b) == hash(b + a)


@given(KRONOR, KRONOR, KRONOR)
def test_more_money_stays_more_when_the_same_is_added(a, b, c):
    assert (a < b) == (a + c < b + c)
    assert (a <= b) == (not b < a)


def test_a_sum_is_exact_beyond_the_usual_precision():
    assert Money(Decimal("1E+30")) + Money(Decimal("0.01")) == Money(Decimal("1" + "0" * 30 + ".01"))


def test_two_currencies_are_neither_added_nor_compared():
    crowns, euros = Money(Decimal(1)), Money(Decimal(1), "EUR")
    for refused in (
        lambda: crowns + euros,
        lambda: crowns - euros,
        lambda: crowns < euros,
        lambda: crowns >= euros,
        lambda: Money.total([euros]),
    ):
        with pytest.raises(CurrencyMismatch) as mismatch:
            refused()
        assert (mismatch.value.code, mismatch.value.params) == (
            "currencies_differ",
            {"one": "SEK", "other": "EUR"},
        )
    assert crowns != euros


def test_the_total_of_nothing_is_nothing_of_its_currency():
    assert Money.total([], "EUR") == Money(Decimal(0), "EUR")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1 234 567 kr", kronor(1_234_567)),
        ("1\u00a0234\u202f567,50\u00a0kr", kronor("1234567.50")),
        ("31 mkr", kronor(31_000_000)),
        ("31mkr.", kronor(31_000_000)),
        ("900 tkr", kronor(900_000)),
        ("−547 tkr", kronor(-547_000)),
        ("1,5 mkr", kronor(1_500_000)),
        ("1.5 Mkr", kronor(1_500_000)),
        ("1,234 mkr", kronor(1_234_000)),
        ("40 mnkr", kronor(40_000_000)),
        ("ca 400 tkr", kronor(400_000, True)),
        ("ca. 400 tkr", kronor(400_000, True)),
        ("c:a 400 tkr", kronor(400_000, True)),
        ("Cirka 400 tkr", kronor(400_000, True)),
        ("omkring 31 miljoner", kronor(31_000_000, True)),
        ("≈31 mkr", kronor(31_000_000, True)),
        ("~ 31 mkr", kronor(31_000_000, True)),
        ("1 miljon kronor", kronor(1_000_000)),
        ("2,5 miljarder", kronor(2_500_000_000)),
        ("1 200:-", kronor(1200)),
        ("1 200,-", kronor(1200)),
        ("kr 1 200", kronor(1200)),
        ("1200", kronor(1200)),
        ("5 685 000 SEK", kronor(5_685_000)),
        ("SEK 900 tkr", kronor(900_000)),
        ("(12) kr", kronor(-12)),
        ("0 kr", kronor(0)),
        ("EUR 1 200", euro(1200)),
        ("1 200 €", euro(1200)),
        ("€1 200,50", euro("1200.50")),
        ("31 miljoner euro", euro(31_000_000)),
        ("EUR 1,2 miljoner", euro(1_200_000)),
        ("1,2 MEUR", euro(1_200_000)),
        ("500 usd", Amount(Money(Decimal(500), "USD"))),
    ],
)
def test_amounts_are_read_as_they_are_written(text, amount):
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "amount_is_missing"),
        ("\u00a0 ", "amount_is_missing"),
        ("kr", "not_an_amount"),
        ("ca", "not_an_amount"),
        ("uppgift saknas", "not_an_amount"),
        ("1'234", "not_an_amount"),
        ("1'234 kr", "not_an_amount"),
        ("400-500 tkr", "not_an_amount"),
        ("400–500 tkr", "not_an_amount"),
        ("1 23 kr", "not_an_amount"),
        ("1\n234 kr", "not_an_amount"),
        ("beviljat 400 tkr", "not_an_amount"),
        ("31 %", "not_an_amount"),
        ("900 tkr SEK", "not_an_amount"),
        ("900 kr per år", "not_an_amount"),
        ("1.234", "decimal_mark_is_ambiguous"),
        ("1.234 tkr", "decimal_mark_is_ambiguous"),
        ("1.234,50 kr", "decimal_mark_is_ambiguous"),
        ("1,234 kr", "amount_has_parts_of_an_ore"),
        ("1,234", "amount_has_parts_of_an_ore"),
        ("31 m", "unit_is_not_known"),
        ("31 XYZ", "unit_is_not_known"),
        ("XYZ 31", "unit_is_not_known"),
        ("EUR 31 mkr", "currencies_differ"),
        ("€ 31 kr", "currencies_differ"),
        ("1000 miljarder", "amount_is_too_large"),
        ("1" * 40, "number_has_too_many_digits"),
    ],
)
def test_what_is_not_clearly_one_amount_is_refused(text, code):
    with pytest.raises(NotAnAmount) as refused:
        parse_amount(text)
    assert refused.value.code == code


def test_a_refusal_names_the_text_and_the_unit():
    with pytest.raises(NotAnAmount) as refused:
        parse_amount("31 fantasier")
    assert refused.value.params == {"text": "31 fantasier", "unit": "fantasier"}


@given(ANY_MONEY)
def test_written_money_reads_back(money):
    assert parse_amount(format_money(money)) == Amount(money)
    assert parse_amount("ca " + format_money(money)) == Amount(money, approximate=True)


@given(st.one_of(st.text(), NEARLY_AMOUNTS))
def test_reading_an_amount_raises_nothing_but_its_own_error(text):
    try:
        amount = parse_amount(text)
    except NotAnAmount as refused:
        assert refused.code in NotAnAmount.codes
    else:
        assert parse_amount(format_money(amount.money)).money == amount.money


def test_whole_kronor_are_shown_without_decimals_and_others_with_two():
    shown = [
        format_money(Money(Decimal(amount), currency))
        for amount, currency in [
            ("1234567", "SEK"),
            ("1234567.00", "SEK"),
            ("1234567.5", "SEK"),
            ("-547000", "SEK"),
            ("1200", "EUR"),
            ("0.005", "SEK"),
            ("1.999", "SEK"),
        ]
    ]
    assert shown == [
        "1\u00a0234\u00a0567\u00a0kr",
        "1\u00a0234\u00a0567\u00a0kr",
        "1\u00a0234\u00a0567,50\u00a0kr",
        "−547\u00a0000\u00a0kr",
        "1\u00a0200\u00a0EUR",
        "0,01\u00a0kr",
        "2\u00a0kr",
    ]


def test_shares_are_shown_in_percent_rounded_half_up():
    assert format_percent(Decimal("0.3055")) == "30,6\u00a0%"
    assert format_percent(Decimal(3) / Decimal(8), 0) == "38\u00a0%"
    assert format_percent(Decimal("-0.84"), 0) == "−84\u00a0%"
    assert format_percent(Decimal(0)) == "0,0\u00a0%"


def test_the_one_rounding_is_found_with_money():
    assert round_half_up(Decimal("0.125"), 2) == Decimal("0.13")
