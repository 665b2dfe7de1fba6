"""Who is proposed for commendation (表彰), on totals rebuilt from the ledger: nomination only, leads approve (Art. 15).

The province commends every second year: a year too near to one already commended is an off-year, and refused.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from proto.messages import UnitClass
from services.scoring.domain.ranking import ranks
from services.scoring.domain.units import ORDER

PROVINCE_EVERY: Final = 2
"""Years from one provincial commendation to the next (Art. 15)."""


class Nominee(Struct, frozen=True, kw_only=True):
    """A unit proposed, with the people on whose work its points rest."""

    unit: str
    unit_class: UnitClass
    rank: int  # within its class
    points: Decimal  # of the period
    by_year: dict[int, Decimal]
    people: tuple[str, ...]  # names of its information officers in office on the last day of the period


def years_of(year: int, every: int) -> range:
    """Return the years that a commendation for ``year`` looks back on, itself included."""
    return range(year - every + 1, year + 1)


def off_year(year: int, commended: Iterable[int], every: int = PROVINCE_EVERY) -> int | None:
    """Return the commended year that makes ``year`` an off-year; None where it is none."""
    return next((each for each in sorted(commended) if abs(year - each) % every), None)


def nominate(
    totals: Mapping[int, Mapping[str, Decimal]],
    classes: Mapping[str, UnitClass],
    people: Mapping[str, tuple[str, ...]],
    *,
    places: int,
) -> list[Nominee]:
    """Return the best ``places`` units of each class by their points of all years; of equal rank all are named."""
    sums = {unit: sum((year.get(unit, Decimal(0)) for year in totals.values()), Decimal(0)) for unit in classes}
    ranked = ranks(sums, classes)
    chosen = [unit for unit in classes if ranked[unit] <= places and sums[unit] > 0]
    chosen.sort(key=lambda unit: (ORDER.index(classes[unit]), ranked[unit], unit))
    return [
        Nominee(
            unit=unit,
            unit_class=classes[unit],
            rank=ranked[unit],
            points=sums[unit],
            by_year={year: points.get(unit, Decimal(0)) for year, points in totals.items()},
            people=people.get(unit, ()),
        )
        for unit in chosen
    ]
