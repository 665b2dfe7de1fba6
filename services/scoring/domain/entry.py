"""Entries, the lines of the ledger (积分台账), and how they are taken back. ``ledger.py`` says which there are.

An entry is gross: what this event is worth by this rule, before anything that other events may change. Its id is derived
(UUIDv5, RFC 9562) from what it stands for, never drawn.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from proto.messages import Decision, Level
from services.kit.calendar import month_of

_NAMESPACE: Final = UUID("6f0f6a2e-5d0e-5b43-9a56-0d1f8f9b7c11")
"""Ours, fixed for ever: entry ids are derived under it."""


class Kind(StrEnum):
    """What an entry is for."""

    ADOPTED = "adopted"  # 采用
    MERGED = "merged"  # 综合采用: credit shared
    SELECTED = "selected"  # 选送
    INSTRUCTION = "instruction"  # 批示
    DEDUCTION = "deduction"  # 扣分
    APPEAL = "appeal"  # 申诉


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """One line of the ledger (积分台账): a gross fact."""

    id: UUID  # derived
    event: UUID  # the decision, instruction, adjustment or reversal that this line comes from
    report: UUID | None  # the unit's own report; None where a deduction or an appeal names none
    unit: str  # who earned it
    hub: str  # in whose account
    level: Level  # at which it was adopted or directed, or whither selected; the hub's own for the rest
    month: str  # YYYY-MM in Asia/Shanghai: of ``at``, or as an adjustment says
    at: datetime  # when the event was sent
    series: str = ""  # publication 刊物
    issue: str = ""  # 期
    kind: Kind
    share: Decimal = Decimal(1)  # part of one, as the decision says
    items: int = 0  # 1 for an item adopted or merged; −1 where that is taken back
    points: Decimal  # four places, before caps and the like
    rule_version: str  # of the account's own rules
    rule: str  # which rule of that version: points.province.daily, points.province.daily/through, deductions.late
    via: UUID | None = (
        None  # the decision *selected* by which a county earns what the province made of the city's report
    )
    reverses: UUID | None = None  # the entry that it takes back


def entry_id(*parts: object) -> UUID:
    """Return the id of what the parts, taken together, stand for."""
    return uuid5(_NAMESPACE, "/".join(map(str, parts)))


def taken_back(entry: Entry, reversals: Iterable[Decision]) -> list[Entry]:
    """Return the lines of rightful reversals, the earliest first, of what one entry rests on.

    Each has its line; that of a later one is taken back at once, so that it counts nothing, whichever arrived first.
    """
    lines: list[Entry] = []
    for position, reversal in enumerate(reversals):
        taken = _reverse(entry, reversal)
        lines.append(taken)
        if position > 0:  # an earlier one stands
            lines.append(_reverse(taken, reversal))
    return lines


def _reverse(entry: Entry, reversal: Decision) -> Entry:
    adjusts = entry.kind in (Kind.DEDUCTION, Kind.APPEAL)  # in the month that it names, so is taken back there
    return replace(
        entry,
        id=entry_id(reversal.id, "reverses", entry.id),
        event=reversal.id,
        month=entry.month if adjusts else month_of(reversal.sent_at),
        at=reversal.sent_at,
        items=-entry.items,
        points=-entry.points,
        reverses=entry.id,
    )
