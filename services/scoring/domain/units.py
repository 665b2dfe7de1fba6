"""Classes of units, by which the statements list and rank them (通报分类)."""

from typing import Final

from proto.messages import Node, NodeKind, UnitClass
from services.kit.trust.state import TrustState

ORDER: Final = (
    UnitClass.CITY, UnitClass.DEPARTMENT, UnitClass.COUNTY, UnitClass.DIRECT_REPORT, UnitClass.LIAISON,
)  # fmt: skip
"""In the order in which a bulletin lists them."""
_CLASSES: Final = {
    NodeKind.CITY: UnitClass.CITY,
    NodeKind.DEPARTMENT: UnitClass.DEPARTMENT,
    NodeKind.COUNTY: UnitClass.COUNTY,
    NodeKind.LIAISON: UnitClass.LIAISON,
}


def class_of(node: Node | None, hub: Node | None) -> UnitClass | None:
    """Return a unit's class in a hub's bulletin; None for what is not listed there.

    A direct-report point (县级信息直报点) is a class of its own at the province; at its city it is a county like the others.
    """
    if node is None:
        return None
    at_province = hub is not None and hub.type is NodeKind.PROVINCE
    if node.direct_report and at_province:
        return UnitClass.DIRECT_REPORT
    return _CLASSES.get(node.type)


def or_by_code(unit_class: UnitClass | None, unit: str) -> UnitClass:
    """Return a class for a unit that has points, though the directory lists it no longer."""
    return unit_class or (UnitClass.DEPARTMENT if "-" in unit else UnitClass.COUNTY)


def listed_under(hub: str, state: TrustState) -> dict[str, UnitClass]:
    """Return the units that report to a hub, each with its class there."""
    own = state.node(hub)
    classes = {node.code: class_of(node, own) for node in state.nodes() if hub in state.hubs_of(node.code)}
    return {code: unit_class for code, unit_class in classes.items() if unit_class is not None}
