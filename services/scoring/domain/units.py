"""Which units are hubs, and classes of units, by which the statements list and rank them (通报分类)."""

from typing import Final

from proto.messages import Level, Node, NodeKind, UnitClass
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
LEVELS: Final = {NodeKind.PROVINCE: Level.PROVINCE, NodeKind.CITY: Level.CITY}
"""The kinds of hubs that score, and at which level each adopts."""


def level_of(node: Node | None) -> Level | None:
    """Return at which level a hub adopts; None for what is no hub that scores."""
    return LEVELS.get(node.type) if node is not None else None


def class_of(node: Node | None, hub: Node | None) -> UnitClass | None:
    """Return a unit's class in a hub's bulletin; None for what is not listed there.

    A direct-report point (县级信息直报点) is a class of its own at the province; at its city it is a county like the others.
    """
    if node is None:
        return None
    if node.direct_report and level_of(hub) is Level.PROVINCE:
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
