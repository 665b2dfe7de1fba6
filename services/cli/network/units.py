"""The units of the sample network, from the project's own data file.

The areas are facts (GB/T 2260); research classes, direct-report points and liaison offices are an example configuration.
"""

import csv
from pathlib import Path
from typing import Final

import msgspec

from proto.addresses import ROUTER_CODE
from proto.messages import NodeKind, ResearchClass, Role

UNITS_FILE: Final = Path(__file__).resolve().parents[3] / "deploy" / "sample" / "jiangsu_nodes.csv"
PROVINCE: Final = "320000"


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the data file."""

    code: str
    name: str
    type: NodeKind
    parent: str | None
    research_class: ResearchClass | None
    direct_report: bool

    @property
    def is_hub(self) -> bool:
        """Hubs receive, edit, adopt and score."""
        return self.type in {NodeKind.PROVINCE, NodeKind.CITY}

    def posts(self) -> tuple[tuple[str, str, Role], ...]:
        """Return (person, name, role) of the staff that every unit has; hubs have an editor too. No real person."""
        posts: list[tuple[str, str, Role]] = [
            ("officer", "信息员", Role.INFORMATION_OFFICER),
            ("lead", "分管领导", Role.OFFICE_LEAD),
            ("head", "本级领导", Role.UNIT_LEAD),
        ]
        if self.is_hub:
            posts.append(("editor", "采编", Role.EDITOR))
        return tuple(posts)


ROUTER: Final = Unit(
    code=ROUTER_CODE, name="路由", type=NodeKind.SERVICE, parent=PROVINCE, research_class=None, direct_report=False
)


def read_units(path: Path = UNITS_FILE) -> list[Unit]:
    """Return the units of the data file, the province first."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Unit(
                code=row["code"],
                name=row["name"],
                type=NodeKind(row["kind"]),
                parent=row["parent"] or None,
                research_class=ResearchClass(row["research_class"]) if row["research_class"] else None,
                direct_report=row["direct_report"] == "yes",
            )
            for row in csv.DictReader(file)
        ]
