"""The one rounding of the project."""

from decimal import ROUND_HALF_UP, Context, Decimal


def round_half_up(number: Decimal, places: int) -> Decimal:
    """Half away from zero, as Swedish public accounts round: 0,5 → 1 and −0,5 → −1.

    `places` counts decimals; −3 rounds to thousands. Never rounds because of the precision
    of the context in force, and never answers with a negative zero.
    """
    if not isinstance(number, Decimal):
        raise TypeError(f"Only a Decimal is rounded, not {type(number).__name__}.")
    if not number.is_finite():
        raise ValueError("Only a finite number is rounded.")
    enough = Context(prec=max(1, number.adjusted() + places + 2, len(number.as_tuple().digits) + 1))
    rounded = number.quantize(Decimal((0, (1,), -places)), rounding=ROUND_HALF_UP, context=enough)
    return rounded.copy_abs() if rounded.is_zero() else rounded
