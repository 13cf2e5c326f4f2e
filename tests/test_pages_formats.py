"""How values and marks are written in templates."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils.safestring import SafeString
from django.utils.translation import override

from pages.templatetags import formats
from pages.templatetags.marks import SHAPES, mark
from values.money import Amount, Money
from values.precision import PartialDate, Precision

NBSP = "\N{NO-BREAK SPACE}"
NOT_STATED = '<span class="missing">not stated</span>'


@pytest.fixture(autouse=True)
def _in_english():
    with override("en"):
        yield


@pytest.mark.parametrize(
    ("write", "value", "written"),
    [
        (formats.money, Money(Decimal("1234567")), f"1{NBSP}234{NBSP}567{NBSP}kr"),
        (formats.money, Money(Decimal("0")), f"0{NBSP}kr"),
        (formats.amount, Amount(Money(Decimal("400000"))), f"400{NBSP}000{NBSP}kr"),
        (formats.amount, Amount(Money(Decimal("12")), True), f"approximately 12{NBSP}kr"),
        (formats.partial_date, PartialDate.containing(date(2016, 9, 1), Precision.MONTH), "2016-09"),
        (formats.number, 1234, f"1{NBSP}234"),
        (formats.number, Decimal("-0.5"), "−0,5"),
        (formats.missing, "hos regionen", "hos regionen"),
        (formats.missing, 0, 0),
        *((write, None, NOT_STATED) for write in (formats.money, formats.amount, formats.partial_date)),
        *((write, None, NOT_STATED) for write in (formats.number, formats.missing)),
        (formats.missing, "", NOT_STATED),
    ],
)
def test_a_value_is_written_and_what_is_not_known_is_said(write, value, written):
    assert write(value) == written


def test_a_value_that_is_text_is_not_taken_for_markup():
    assert not isinstance(formats.missing("<b>"), SafeString)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mark_is_a_shape_and_a_word_and_no_style(shape):
    written = mark(shape, "<word>", "warn")
    assert written.startswith('<span class="mark mark--warn"><svg viewBox="0 0 10 10" aria-hidden="true"')
    assert written.endswith("</svg><span>&lt;word&gt;</span></span>")
    assert "style=" not in written


def test_a_misspelt_shape_or_tone_is_an_error_and_not_a_blank():
    with pytest.raises(KeyError):
        mark("hafl", "under way")
    with pytest.raises(ValueError, match="Unknown tone 'red': choose one of warn, stop, good"):
        mark("half", "under way", "red")
