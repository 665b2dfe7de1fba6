"""Classes of units, by which the statements list them (单位类别)."""

from enum import StrEnum
from typing import Final

from proto.messages import Node, NodeKind


class UnitClass(StrEnum):
    """Class of a unit in a hub's table (单位类别), in the order of the table."""

    CITY = "city"
    DEPARTMENT = "department"
    COUNTY = "county"
    DIRECT_REPORT = (
        "direct_report"  # 县级信息直报点, in the province's table; in its city's it is a county like the others
    )
    LIAISON = "liaison"
    OTHER = "other"


_CLASSES: Final = {
    NodeKind.CITY: UnitClass.CITY,
    NodeKind.DEPARTMENT: UnitClass.DEPARTMENT,
    NodeKind.COUNTY: UnitClass.COUNTY,
    NodeKind.LIAISON: UnitClass.LIAISON,
}


def class_of(node: Node | None, hub: Node | None) -> UnitClass:
    """Return a unit's class in a hub's table; ``OTHER`` where the directory no longer has it."""
    if node is None:
        return UnitClass.OTHER
    at_province = hub is not None and hub.type is NodeKind.PROVINCE
    if node.direct_report and at_province:
        return UnitClass.DIRECT_REPORT
    return _CLASSES.get(node.type, UnitClass.OTHER)
