"""How values are written on screen and paper. What is not known is said, never shown as 0 or as nothing."""

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pages.columns import NOT_STATED, on_screen
from values.money import Amount, Money, format_money
from values.precision import PartialDate
from values.text import format_decimal

register = template.Library()


def missing_mark() -> SafeString:
    return format_html('<span class="missing">{}</span>', NOT_STATED)


@register.filter
def money(value: Money | None) -> str:
    return missing_mark() if value is None else format_money(value)


@register.filter
def amount(value: Amount | None) -> str:
    """“412 000 kr”, or “cirka 400 000 kr” where the source says that it is not exact."""
    return missing_mark() if value is None else on_screen(value)


@register.filter
def partial_date(value: PartialDate | None) -> str:
    """“2016-09-01”, “2016-09” or “2016”: as exact as it is known, never more."""
    return missing_mark() if value is None else value.label


@register.filter
def number(value: Decimal | int | None) -> str:
    """Grouped with no-break spaces, decimal comma, true minus."""
    return missing_mark() if value is None else format_decimal(Decimal(value))


@register.filter
def missing(value: object) -> object:
    """The value itself, or “uppgift saknas” for None and empty text. 0 is a value and stays."""
    return missing_mark() if value is None or value == "" else value
