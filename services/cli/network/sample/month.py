"""The sample month as written in ``deploy/sample/month``: reports and decisions of a month that is over, by day and time."""

import tomllib
from datetime import datetime, time
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from proto.messages import Verdict

FOLDER: Final = Path(__file__).resolve().parents[4] / "deploy" / "sample" / "month"
_CONTENT_FIELDS: Final = ("title", "body", "category", "importance", "research", "sources")


class _Dated(Struct, frozen=True, kw_only=True):
    key: str
    day: int  # of the month, 1 to 28
    time: time

    def at(self, begins: datetime) -> datetime:
        """Return when it was, in the month that begins then."""
        return datetime.combine(begins.replace(day=self.day), self.time, begins.tzinfo)

    def id(self, begins: datetime) -> UUID:
        """Return its message's id: the same on every run, so that sending again sends nothing twice."""
        return _uuid7(self.at(begins), self.key)


class PastReport(_Dated, frozen=True, kw_only=True):
    """One report of the month."""

    node: str
    content: str  # JSON of ReportContent
    important: bool


class PastDecision(_Dated, frozen=True, kw_only=True):
    """What a hub decided."""

    hub: str
    outcome: Verdict
    reports: tuple[str, ...] = ()  # keys
    shares: tuple[Decimal, ...] = (Decimal(1),)
    publication: str = ""  # series
    issue: str = ""  # number in the year
    reverses: str = ""  # key of a decision
    reason: str = ""


class Expected(Struct, frozen=True, kw_only=True):
    """What the month comes to at the province."""

    reports: int
    delivered: int  # reports × recipients
    research: int  # research reports of units that owe some
    adopted: int
    points: Decimal


class Month(Struct, frozen=True, kw_only=True):
    """The whole month."""

    reports: tuple[PastReport, ...]
    decisions: tuple[PastDecision, ...]
    expected: Expected


def read_month(folder: Path = FOLDER) -> Month:
    """Read the month's files."""
    return Month(
        reports=tuple(_report(raw) for raw in _toml(folder / "reports.toml")["report"]),
        decisions=msgspec.convert(_toml(folder / "decisions.toml")["decision"], tuple[PastDecision, ...]),
        expected=msgspec.convert(_toml(folder / "expected.toml"), Expected),
    )


def _report(raw: dict[str, Any]) -> PastReport:
    content = {name: raw[name] for name in _CONTENT_FIELDS}
    return PastReport(
        key=raw["key"],
        node=raw["node"],
        day=raw["day"],
        time=raw["time"],
        content=msgspec.json.encode(content).decode(),
        important=raw["importance"] == "important",
    )


def _uuid7(at: datetime, label: str) -> UUID:
    """Return a UUIDv7 (RFC 9562) of a time whose random part comes from a label."""
    random = int.from_bytes(sha256(label.encode()).digest()[:10])
    bits = int(at.timestamp() * 1000) << 80 | random
    return UUID(int=bits & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
