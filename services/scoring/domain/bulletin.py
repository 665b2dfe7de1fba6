"""The statement of a month or a year (通报): drafted from a settlement, frozen once issued (Art. 13). Pure.

1. A month that is not over has no bulletin, and a month has one.
2. What was stated stays. A bulletin's *corrections* are what all earlier months of its year are worth now, less all that
   issued bulletins stated for them. A month that was never stated appears there too.
3. So the points and corrections of a year's bulletins always add up to the year's points.
4. Bulletins go forward: once a later month was stated, an earlier one is a correction, and a bulletin no more.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from proto import codec
from proto.limits import MAX_ENVELOPE_BYTES, MAX_LABEL_CHARS
from proto.messages import BulletinContent, BulletinItem, BulletinLine, BulletinType, Level, UnitClass
from services.kit.calendar import YEARS
from services.scoring.domain.awards import off_year
from services.scoring.domain.counting import ADOPTIONS
from services.scoring.domain.entry import entry_id
from services.scoring.domain.points import ZERO, plain
from services.scoring.domain.ranking import ranks
from services.scoring.domain.refusals import Refusal
from services.scoring.domain.settlement import Because, Counted, Settlement, UnitMonth
from services.scoring.domain.units import ORDER
from services.scoring.domain.weighing import UnfitError

_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_YEAR: Final = re.compile(r"[0-9]{4}")
_UNSEEN: Final = frozenset({Because.REVERSED, Because.SUPERSEDED, Because.OTHER_RULE})
_LARGEST: Final = MAX_ENVELOPE_BYTES - 64 * 1024
"""Bytes that a bulletin's content may take once it stands in its message: the rest is for head and approvals."""


class Issued(Struct, frozen=True, kw_only=True):
    """A bulletin that stands."""

    id: UUID
    hub: str
    sent_at: datetime
    content: BulletinContent


class Head(Struct, frozen=True, kw_only=True):
    """Which bulletin one is that stands."""

    id: UUID
    type: BulletinType
    period: str


def check_period(
    type: BulletinType, period: str, today: date, issued: Iterable[Head], *, every: int | None = None
) -> None:
    """Raise ``UnfitError`` where a hub that issued these bulletins may not issue this one on that day.

    ``every``: years from one commendation to the next; None where each year may have one.
    """
    form = _MONTH if type is BulletinType.MONTHLY else _YEAR
    if not form.fullmatch(period) or int(period[:4]) not in YEARS:
        raise UnfitError(Refusal.BULLETIN_PERIOD, period)
    if period >= f"{today:%Y-%m}"[: len(period)]:  # (1)
        raise UnfitError(Refusal.BULLETIN_OPEN, period)
    listed = list(issued)
    for each in listed:
        other, stated = each.type, each.period
        if (other, stated) == (type, period):
            raise UnfitError(Refusal.BULLETIN_TWICE, period)
        if type is BulletinType.MONTHLY and stated[:4] == period[:4]:  # (4)
            later = other is BulletinType.MONTHLY and stated > period
            if later or other is BulletinType.YEARLY:
                raise UnfitError(Refusal.BULLETIN_PASSED, f"{period} < {stated}")
    if type is BulletinType.COMMENDATION:
        check_off_year(int(period), listed, every)


def check_off_year(year: int, issued: Iterable[Head], every: int | None) -> None:
    """Raise ``UnfitError`` where a hub that issued these bulletins may not commend for a year (Art. 15)."""
    years = [int(each.period) for each in issued if each.type is BulletinType.COMMENDATION]
    if every is not None and (near := off_year(year, years, every)) is not None:
        raise UnfitError(Refusal.OFF_YEAR, f"{year}, {near}")


def stated(issued: Iterable[Issued], year: str) -> dict[str, Decimal]:
    """Return by unit what monthly bulletins of a year have stated, corrections included."""
    sums: dict[str, Decimal] = {}
    for each in issued:
        if each.content.type is BulletinType.MONTHLY and each.content.period[:4] == year:
            for line in each.content.lines:
                sums[line.unit] = sums.get(line.unit, ZERO) + line.points + line.corrections
    return sums


class Roll(Struct, frozen=True, kw_only=True):
    """Whom a hub's bulletins list."""

    hub: str
    level: Level  # of the hub
    classes: Mapping[str, UnitClass]  # by unit


def draft_month(
    roll: Roll, month: str, settled: Settlement, issued: Iterable[Issued], missed: Mapping[str, tuple[str, ...]]
) -> BulletinContent:
    """Return the bulletin of a month; ``settled`` runs through that month, ``missed`` are obligations by unit."""
    before = stated(issued, month[:4])
    sums = {}
    for unit in roll.classes:
        this = settled.of(unit, month)
        year = settled.year_points(unit)
        corrections = year - this.points - before.get(unit, ZERO)
        sums[unit] = (this.adopted, this.points, corrections, year)
    details = {unit: _items(roll, settled.of(unit, month)) for unit in roll.classes}
    content = _content(roll, BulletinType.MONTHLY, month, sums, settled, details, missed)
    return _fitting(content)


def draft_year(roll: Roll, year: str, settled: Settlement, issued: Iterable[Issued]) -> BulletinContent:
    """Return the bulletin of a year: what its months stated, and in the corrections what has changed since."""
    before = stated(issued, year)
    sums = {}
    for unit in roll.classes:
        points = settled.year_points(unit)
        known = before.get(unit, ZERO)
        sums[unit] = (settled.year_adopted(unit), known, points - known, points)
    return _content(roll, BulletinType.YEARLY, year, sums, settled, {}, {})


def lines_left_out(content: BulletinContent) -> bool:
    """Tell whether a monthly bulletin had no room for what stands behind its points: the ledger has it."""
    return any(line.points for line in content.lines) and not any(line.items for line in content.lines)


def _content(
    roll: Roll,
    type: BulletinType,
    period: str,
    sums: Mapping[str, tuple[int, Decimal, Decimal, Decimal]],
    settled: Settlement,
    details: Mapping[str, tuple[BulletinItem, ...]],
    missed: Mapping[str, tuple[str, ...]],
) -> BulletinContent:
    places = ranks({unit: year for unit, (_, _, _, year) in sums.items()}, roll.classes)
    lines = [
        BulletinLine(
            unit=unit,
            unit_class=roll.classes[unit],
            rank=places[unit],
            adopted=adopted,
            points=plain(points),
            corrections=plain(corrections),
            year_points=plain(year),
            items=details.get(unit, ()),
            missed=missed.get(unit, ()),
        )
        for unit, (adopted, points, corrections, year) in sums.items()
    ]
    lines.sort(key=lambda line: (ORDER.index(line.unit_class), line.rank, line.unit))
    return BulletinContent(
        type=type,
        period=period,
        lines=tuple(lines),
        rules=tuple(settled.versions()),
        text=_text(type, period, lines),
    )


def _items(roll: Roll, month: UnitMonth) -> tuple[BulletinItem, ...]:
    return tuple(_item(roll, month, line) for line in month.counted if _shown(line))


def _shown(line: Counted) -> bool:
    adoption = line.entry is not None and line.entry.kind in ADOPTIONS and line.why not in _UNSEEN
    return bool(line.points) or adoption


def _item(roll: Roll, month: UnitMonth, line: Counted) -> BulletinItem:
    entry, rule = line.entry, f"{line.rule_version}/{line.rule}"[:MAX_LABEL_CHARS]
    points = plain(line.points)
    if entry is None:  # a rule about the month: nobody's message, so that its id stands for itself
        event = entry_id(roll.hub, month.unit, month.month, rule)
        return BulletinItem(event=event, report=None, rule=rule, level=roll.level, points=points)
    return BulletinItem(
        event=entry.event,
        report=entry.report,
        rule=rule,
        level=entry.level,
        series=entry.series,
        issue=entry.issue,
        points=points,
    )


def _text(type: BulletinType, period: str, lines: Iterable[BulletinLine]) -> str:
    listed = list(lines)
    adopted, points = sum(line.adopted for line in listed), sum((line.points for line in listed), ZERO)
    year, _, month = period.partition("-")
    when = f"{year}年{int(month)}月" if type is BulletinType.MONTHLY else f"{year}年"
    text = f"现将{when}政务信息采用和积分情况通报如下。列入通报单位{len(listed)}个，采用信息{adopted}条，计{plain(points)}分。"
    owing = sum(bool(line.missed) for line in listed)
    return text + (f"未完成报送任务的单位{owing}个。" if owing else "")


def _fitting(content: BulletinContent) -> BulletinContent:
    """Return the bulletin as it is, or without the detail under its lines where it would not fit into one message."""
    text = codec.encode(content).decode()
    if len(msgspec.json.encode(text)) <= _LARGEST:
        return content
    note = "条目明细见积分台账。"
    return replace(
        content, lines=tuple(replace(line, items=()) for line in content.lines), text=f"{content.text}{note}"
    )
