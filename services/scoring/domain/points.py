"""Exact arithmetic of points: no float, no hidden rounding."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from services.scoring.domain.rules import PLACES

ZERO: Final = Decimal(0)
_UNIT: Final = Decimal(1).scaleb(-PLACES)
_PRECISION: Final = 60
"""Digits that hold any product of points (12 digits) and weights (``MAX_DECIMAL_PLACES`` each) without rounding."""


def split(points: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Return each weight's part of ``points``; the parts have four places and add up to ``points`` exactly.

    Rounding rule: each part is cut to four places; the ten-thousandths left over go, one each, to the parts that lost
    most, of equals to the earlier (largest remainder). ``weights`` are above 0, ``points`` has four places.
    """
    if len(weights) == 1:
        return [points]
    with localcontext(prec=_PRECISION):
        whole = sum(weights, ZERO)
        exact = [points * weight / whole for weight in weights]
        parts = [each.quantize(_UNIT, rounding=ROUND_DOWN) for each in exact]
        left = int((points - sum(parts, ZERO)) / _UNIT)
        lost = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
        for i in lost[:left]:
            parts[i] += _UNIT
        return parts


def rounded(value: Decimal) -> Decimal:
    """Return the value with four places, halves away from zero (四舍五入)."""
    return value.quantize(_UNIT, rounding=ROUND_HALF_UP)


def plain(value: Decimal) -> Decimal:
    """Return the same number as people write it: no trailing zeros, no exponent."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def total(values: Iterable[Decimal]) -> Decimal:
    """Return the sum, written plainly."""
    return plain(sum(values, ZERO))
