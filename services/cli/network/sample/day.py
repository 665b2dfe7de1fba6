"""The sample day as written in ``deploy/sample/day``: reports, faults, decisions, and the totals that stand beside them."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID, uuid5

import msgspec

FOLDER: Final = Path(__file__).resolve().parents[4] / "deploy" / "sample" / "day"
_NAMESPACE: Final = UUID("6f1d1a52-9d0e-5a51-8d43-2b8d7a0c3e11")
_GROUPS: Final = ("cities", "counties", "departments", "liaison", "faults")
BLOCKED_FAULTS: Final = frozenset({"classified_field", "classified_text"})
_CONTENT_FIELDS: Final = (
    "title", "body", "category", "stage", "urgency", "importance", "research", "sources", "event_at", "known_at",
    "marking", "answers",
)  # fmt: skip


class DayReport(msgspec.Struct, frozen=True, kw_only=True):
    """One report of the day."""

    key: str
    node: str
    via: str  # console | direct | fault
    about: str  # key of the report that it continues
    importance: str
    fault: str
    signed_by: str
    content: str  # JSON of ReportContent, or what a faulty sender makes of it

    @property
    def item(self) -> UUID:
        """The item's id: the same on every run, so that sending again sends nothing twice."""
        return uuid5(_NAMESPACE, self.key)


class DayItem(msgspec.Struct, frozen=True):
    """A report under a decision."""

    report: str
    share: Annotated[float, msgspec.Meta(gt=0, le=1)]

    @property
    def exact(self) -> Decimal:
        """The share as a decimal."""
        return Decimal(str(self.share))


class DayDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What a hub decides."""

    hub: str
    outcome: str
    items: tuple[DayItem, ...]
    publication: str
    issue: str
    reason: str


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The whole day."""

    reports: tuple[DayReport, ...]  # in order: what continues another comes after it
    decisions: tuple[DayDecision, ...]
    expected: dict[str, Any]

    @property
    def good(self) -> list[DayReport]:
        """The reports that must arrive."""
        return [r for r in self.reports if not r.fault]

    @property
    def blocked(self) -> list[DayReport]:
        """The classified ones, stopped at the origin."""
        return [r for r in self.reports if r.fault in BLOCKED_FAULTS]

    @property
    def forged(self) -> list[DayReport]:
        """What a broken or hostile gateway would put on the bus."""
        return [r for r in self.reports if r.fault and r.fault not in BLOCKED_FAULTS]


def read_day(folder: Path = FOLDER) -> Day:
    """Read the day's files."""
    reports = [_report(raw) for group in _GROUPS for raw in _toml(folder / f"{group}.toml")["report"]]
    decisions = msgspec.convert(_toml(folder / "decisions.toml")["decision"], tuple[DayDecision, ...])
    return Day(reports=tuple(reports), decisions=decisions, expected=_toml(folder / "expected.toml"))


def _report(raw: dict[str, Any]) -> DayReport:
    content = {name: raw[name] for name in _CONTENT_FIELDS if name in raw}
    return DayReport(
        key=raw["key"],
        node=raw["node"],
        via=raw["via"],
        about=raw["about"],
        importance=raw["importance"],
        fault=raw.get("fault", ""),
        signed_by=raw.get("signed_by", ""),
        content=msgspec.json.encode(content).decode(),
    )


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
