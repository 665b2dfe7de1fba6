"""Exact arithmetic of points: no float, no hidden rounding."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from services.scoring.domain.rules import PLACES

_UNIT: Final = Decimal(1).scaleb(-PLACES)
_PRECISION: Final = 60
"""Digits that hold any product of points (8 digits) and a share (``MAX_DECIMAL_PLACES``) without rounding."""


def split(points: Decimal, shares: Sequence[Decimal]) -> list[Decimal]:
    """Return each share's part of ``points``; the parts have four places and add up to ``points`` exactly.

    Rounding rule: each part is cut to four places; the ten-thousandths left over go, one each, to the parts that lost
    most, of equals to the earlier (largest remainder). ``shares`` add up to one.
    """
    with localcontext(prec=_PRECISION):
        exact = [points * share for share in shares]
        parts = [each.quantize(_UNIT, rounding=ROUND_DOWN) for each in exact]
        left = int((points - sum(parts, Decimal(0))) / _UNIT)
        lost = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
        for i in lost[:left]:
            parts[i] += _UNIT
        return parts


def plain(value: Decimal) -> Decimal:
    """Return the same number as people write it: no trailing zeros, no exponent."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def total(values: Iterable[Decimal]) -> Decimal:
    """Return the sum, written plainly."""
    return plain(sum(values, Decimal(0)))
