"""The scoring schema: named SQL ↔ domain types."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from proto.messages import Verdict
from services.kit.db import Database
from services.scoring.domain.judging import Ignored, Scored, Why, wrong_reversal
from services.scoring.domain.ledger import Entry, Reversal, reversal_entries
from services.scoring.domain.points import plain
from services.scoring.domain.rules import RuleSet

_ENTRY_COLUMNS: Final = (
    ("ids", "id"), ("decisions", "decision"), ("reports", "report"), ("units", "unit"), ("hubs", "hub"),
    ("months", "month"), ("seriess", "series"), ("issues", "issue"), ("verdicts", "verdict"), ("shares", "share"),
    ("itemss", "items"), ("pointss", "points"), ("rule_sets", "rule_set"), ("rule_versions", "rule_version"),
    ("rules", "rule"), ("reversess", "reverses"), ("ats", "at"),
)  # fmt: skip


class Recorded(Struct, frozen=True, kw_only=True):
    """What a batch added to the database."""

    decisions: int
    entries: int
    ignored: list[Ignored]


class LedgerLine(Entry, frozen=True, kw_only=True):
    """An entry as it stands in the ledger."""

    number: int  # order of arrival; the cursor of ``after``


class UnitSums(Struct, frozen=True, kw_only=True):
    """One unit's sums at one hub."""

    unit: str
    adopted: int
    merged: int
    points: Decimal
    year_points: Decimal


class Totals(Struct, frozen=True, kw_only=True):
    """What the ledger holds."""

    decisions: int  # recorded, returned and declined ones and reversals included
    entries: int
    points: Decimal
    adopted_reports: int  # distinct reports that stand adopted or merged
    waiting_reversals: int  # reversals whose decision has not come
    ignored: dict[str, int]  # messages that do not count, by reason


class Store:
    """Writes batches, reads tables."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = database.queries

    async def record(self, scored: Sequence[Scored], ignored: Sequence[Ignored]) -> Recorded:
        """Record a batch in one transaction. What was recorded before changes nothing, nor adds anything.

        Only a decision that is new here earns entries: a redelivery after a change of the rules must not add others.
        """
        first: dict[UUID, Scored] = {}
        for each in scored:
            first.setdefault(each.decision.id, each)
        async with self._database.transaction() as connection:
            await self._queries.take_turn(connection)
            new = [row["id"] for row in await self._record_decisions(connection, list(first.values()))]
            entries = [entry for new_id in new for entry in first[new_id].entries]
            added = await self._append(connection, entries)
            targets = {*new, *(about for new_id in new if (about := first[new_id].decision.about) is not None)}
            more, wrong = await self._reverse(connection, targets)
            added += await self._append(connection, more)
            reused = await self._reused(connection, scored)
            news = await self._record_ignored(connection, [*ignored, *wrong, *reused])
        return Recorded(decisions=len(new), entries=added, ignored=news)

    async def record_rules(self, versions: Iterable[RuleSet]) -> dict[tuple[str, str], RuleSet]:
        """Record rule versions not seen before; return all ever recorded, as they were then, by id and version."""
        listed = list(versions)
        async with self._database.transaction() as connection:
            await self._queries.record_rules(
                connection,
                rule_sets=[each.id for each in listed],
                versions=[each.version for each in listed],
                contents=[msgspec.json.encode(each).decode() for each in listed],
            )
            rows = [row async for row in self._queries.recorded_rules(connection)]
        return {(row["rule_set"], row["version"]): msgspec.json.decode(row["content"], type=RuleSet) for row in rows}

    async def month(self, hub: str, month: str) -> list[UnitSums]:
        """Return the sums of every unit with entries at the hub from January to that month."""
        async with self._database.connection() as connection:
            rows = self._queries.month_table(connection, hub=hub, month=month, january=f"{month[:4]}-01")
            return [
                UnitSums(
                    unit=row["unit"],
                    adopted=row["adopted"],
                    merged=row["merged"],
                    points=plain(row["points"]),
                    year_points=plain(row["year_points"]),
                )
                async for row in rows
            ]

    async def page(self, *, hub: str, unit: str, month: str, after: int, limit: int) -> list[LedgerLine]:
        """Return the entries that follow ``after``; '' stands for any hub, unit or month."""
        async with self._database.connection() as connection:
            rows = self._queries.ledger_page(connection, hub=hub, unit=unit, month=month, after=after, limit=limit)
            return [_line(row) async for row in rows]

    async def unit_month(self, unit: str, month: str, hub: str) -> list[LedgerLine]:
        """Return a unit's entries of a month in order of time, of one hub unless ''."""
        async with self._database.connection() as connection:
            rows = self._queries.unit_month(connection, unit=unit, month=month, hub=hub)
            return [_line(row) async for row in rows]

    async def totals(self, since: datetime) -> Totals:
        """Return what the ledger holds of decisions sent since a time, and what was ignored since then."""
        async with self._database.connection() as connection:
            sums = await self._queries.totals(connection, since=since)
            adopted = await self._queries.adopted_reports(connection, since=since)
            reasons = [row async for row in self._queries.ignored_reasons(connection, since=since)]
        return Totals(
            decisions=sums["decisions"],
            entries=sums["entries"],
            points=plain(sums["points"]),
            adopted_reports=adopted,
            waiting_reversals=sums["waiting_reversals"],
            ignored={row["reason"]: row["number"] for row in reasons},
        )

    async def _record_decisions(self, connection: Any, scored: Sequence[Scored]) -> list[asyncpg.Record]:
        decisions = [each.decision for each in scored]
        rows = self._queries.record_decisions(
            connection,
            ids=[each.id for each in decisions],
            hubs=[each.origin for each in decisions],
            verdicts=[each.verdict.value for each in decisions],
            abouts=[each.about for each in decisions],
            digests=[each.digest for each in scored],
            sent_ats=[each.sent_at for each in decisions],
        )
        return [row async for row in rows]

    async def _reverse(self, connection: Any, targets: Iterable[UUID]) -> tuple[list[Entry], list[Ignored]]:
        """Return the entries of all reversals of these decisions, and the reversals that have no right to be."""
        rightful: dict[UUID, list[Reversal]] = defaultdict(list)
        wrong = []
        async for row in self._queries.reversals_of(connection, targets=list(targets)):
            reversal = msgspec.convert(dict(row), Reversal, builtin_types=(UUID, datetime))
            if (ignored := wrong_reversal(reversal)) is not None:
                wrong.append(ignored)
            else:
                rightful[reversal.target].append(reversal)
        if not rightful:
            return [], wrong
        originals: dict[UUID, list[Entry]] = defaultdict(list)
        async for row in self._queries.original_entries(connection, decisions=list(rightful)):
            originals[row["decision"]].append(_entry(row))
        lines = [line for target, each in rightful.items() for line in reversal_entries(originals[target], each)]
        return lines, wrong

    async def _append(self, connection: Any, entries: Sequence[Entry]) -> int:
        if not entries:
            return 0
        columns = {name: [getattr(entry, field) for entry in entries] for name, field in _ENTRY_COLUMNS}
        return len([row async for row in self._queries.append_entries(connection, **columns)])

    async def _reused(self, connection: Any, scored: Sequence[Scored]) -> list[Ignored]:
        by_digest = {each.digest: each.decision for each in scored}
        rows = self._queries.reused_ids(
            connection, ids=[decision.id for decision in by_digest.values()], digests=list(by_digest)
        )
        found = [(row["digest"], by_digest[row["digest"]]) async for row in rows]
        return [
            Ignored(digest=digest, reason=Why.ID_REUSED.value, message=decision.id, hub=decision.origin)
            for digest, decision in found
        ]

    async def _record_ignored(self, connection: Any, ignored: Sequence[Ignored]) -> list[Ignored]:
        """Record them and return those that were not recorded before."""
        if not ignored:
            return []
        by_key = {(each.digest, each.reason): each for each in ignored}
        listed = list(by_key.values())
        rows = self._queries.record_ignored(
            connection,
            digests=[each.digest for each in listed],
            reasons=[each.reason for each in listed],
            details=[each.detail for each in listed],
            messages=[each.message for each in listed],
            hubs=[each.hub for each in listed],
        )
        return [by_key[row["digest"], row["reason"]] async for row in rows]


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(**_fields(row))


def _line(row: asyncpg.Record) -> LedgerLine:
    return LedgerLine(**_fields(row))


def _fields(row: asyncpg.Record) -> dict[str, Any]:
    fields = dict(row)
    return fields | {
        "verdict": Verdict(fields["verdict"]),
        "share": plain(fields["share"]),
        "points": plain(fields["points"]),
    }
