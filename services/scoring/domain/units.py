"""Classes of units, in the order in which the statements list them (通报分类)."""

from typing import Final

from proto.messages import UnitClass

ORDER: Final = (
    UnitClass.CITY, UnitClass.DEPARTMENT, UnitClass.COUNTY, UnitClass.DIRECT_REPORT, UnitClass.LIAISON,
)  # fmt: skip
"""In the order in which a bulletin lists them."""


def or_by_code(unit_class: UnitClass | None, unit: str) -> UnitClass:
    """Return a class for a unit that has points, though the directory lists it no longer."""
    return unit_class or (UnitClass.DEPARTMENT if "-" in unit else UnitClass.COUNTY)
