"""Which units report to a hub and of which class each is there (通报分类), by the directory. Pure."""

from typing import Final

from proto.messages import Level, Node, NodeKind, UnitClass
from services.kit.trust.state import TrustState

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
    """Return a unit's class at a hub; None for what is of none, such as the network's own services.

    A direct-report point (县级信息直报点) is a class of its own at the province; at its city it is a county like the others.
    """
    if node is None:
        return None
    if node.direct_report and level_of(hub) is Level.PROVINCE:
        return UnitClass.DIRECT_REPORT
    return _CLASSES.get(node.type)


def listed_under(hub: str, state: TrustState) -> dict[str, UnitClass]:
    """Return the units that report to a hub, each with its class there."""
    own = state.node(hub)
    classes = {node.code: class_of(node, own) for node in state.nodes() if hub in state.hubs_of(node.code)}
    return {code: unit_class for code, unit_class in classes.items() if unit_class is not None}
