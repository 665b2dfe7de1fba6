"""Ranks within a class of units: equal points share a rank, the next one counts on (1, 2, 2, 4)."""

from collections.abc import Mapping
from decimal import Decimal

from proto.messages import UnitClass


def ranks(points: Mapping[str, Decimal], classes: Mapping[str, UnitClass]) -> dict[str, int]:
    """Return each unit's rank within its class by its points, highest first."""
    by_class: dict[UnitClass, list[Decimal]] = {}
    for unit, unit_class in classes.items():
        by_class.setdefault(unit_class, []).append(points[unit])
    first: dict[tuple[UnitClass, Decimal], int] = {}
    for unit_class, values in by_class.items():
        for place, value in enumerate(sorted(values, reverse=True), start=1):
            first.setdefault((unit_class, value), place)
    return {unit: first[unit_class, points[unit]] for unit, unit_class in classes.items()}
