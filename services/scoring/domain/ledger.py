"""The ledger: which entries follow from which decisions (积分台账).

The ledger is a pure function of the *set* of decisions known, and it only grows with that set: whatever order they come
in, and however often, the same rows result, and no row ever has to be changed. Hence:

1. An entry's id is derived (UUIDv5, RFC 9562) from what it stands for, never drawn.
2. A reversal (冲正) takes back every entry of its decision with negative points, in the reversal's own month.
3. Where a hub reverses one decision twice, the earliest reversal (by time, then id) stands; each later one is written
   and taken back at once, so it counts nothing, whichever arrived first.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from proto.messages import Decision, Verdict
from services.scoring.domain.calendar import month_of
from services.scoring.domain.points import split
from services.scoring.domain.rules import Merged, RuleSet, Tier

_NAMESPACE: Final = UUID("6f0f6a2e-5d0e-5b43-9a56-0d1f8f9b7c11")
"""Ours, fixed for ever: entry ids are derived under it."""


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the ledger (积分台账)."""

    id: UUID  # derived, see the module's rule 1
    decision: UUID  # the decision, or reversal, that this line comes from
    report: UUID
    unit: str  # who earned it
    hub: str  # who adopted
    month: str  # YYYY-MM in Asia/Shanghai, of ``at``
    series: str  # publication 刊物
    issue: str  # 期
    verdict: Verdict  # adopted or merged; a reversal's line repeats that of the line it takes back
    share: Decimal  # part of one
    items: int  # 1; −1 where it takes a line back
    points: Decimal  # four places; negative where it takes a line back
    rule_set: str
    rule_version: str
    rule: str  # which rule of that version, e.g. points.province.daily
    reverses: UUID | None = None  # the entry that it takes back
    at: datetime  # when the decision, or reversal, was sent


class Reversal(Struct, frozen=True, kw_only=True):
    """A decision that takes back another (冲正), with what is known of that one."""

    id: UUID
    hub: str
    digest: str
    sent_at: datetime
    target: UUID
    target_hub: str
    target_verdict: Verdict


class UnknownSeriesError(Exception):
    """The rules give the decision's publication no points; the text is the rule that is missing."""


def entries_for(decision: Decision, rule_set: RuleSet, tier: Tier) -> list[Entry]:
    """Return what a checked decision earns; nothing where it was neither adopted nor merged.

    Raises ``UnknownSeriesError``.
    """
    place = decision.publication
    if decision.verdict not in (Verdict.ADOPTED, Verdict.MERGED) or place is None:
        return []
    worth = rule_set.points[tier].get(place.series)
    if worth is None:
        raise UnknownSeriesError(f"points.{tier}.{place.series}")
    rule = f"points.{tier}.{place.series}"
    points = [worth] * len(decision.items)
    if decision.verdict is Verdict.MERGED:
        match rule_set.merged:
            case Merged.SPLIT:
                points = split(worth, [item.share for item in decision.items])
            case Merged.FIXED:
                rule = f"merged_points.{tier}"
                points = [rule_set.merged_points[tier]] * len(decision.items)
            case Merged.FULL:
                pass
    return [
        Entry(
            id=uuid5(_NAMESPACE, f"{decision.id}/{item.report}/{rule_set.id}/{rule}"),
            decision=decision.id,
            report=item.report,
            unit=item.origin,
            hub=decision.origin,
            month=month_of(decision.sent_at),
            series=place.series,
            issue=place.issue,
            verdict=decision.verdict,
            share=item.share,
            items=1,
            points=each,
            rule_set=rule_set.id,
            rule_version=rule_set.version,
            rule=rule,
            at=decision.sent_at,
        )
        for item, each in zip(decision.items, points, strict=True)
    ]


def reversal_entries(originals: Sequence[Entry], reversals: Iterable[Reversal]) -> list[Entry]:
    """Return what the rightful reversals of one decision, all that are known, make of its entries."""
    lines: list[Entry] = []
    for position, reversal in enumerate(sorted(reversals, key=lambda r: (r.sent_at, r.id))):
        taken = [_taken_back(entry, reversal.id, reversal.sent_at) for entry in originals]
        lines += taken
        if position > 0:  # rule 3: an earlier one stands
            lines += [_taken_back(entry, reversal.id, reversal.sent_at) for entry in taken]
    return lines


def _taken_back(entry: Entry, by: UUID, at: datetime) -> Entry:
    return replace(
        entry,
        id=uuid5(_NAMESPACE, f"{by}/reverses/{entry.id}"),
        decision=by,
        month=month_of(at),
        items=-entry.items,
        points=-entry.points,
        reverses=entry.id,
        at=at,
    )
