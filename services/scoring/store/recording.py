"""Writing: a batch of what was judged becomes facts, entries, rules and statements, in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

from msgspec import Struct

from proto.messages import Decision, Verdict
from services.kit.calendar import span
from services.kit.db import Database
from services.scoring.domain.judging import Scored, notes_on, wrong_reversal
from services.scoring.domain.known import Fact, Known, refs_of
from services.scoring.domain.ledger import Entry, entries_of
from services.scoring.domain.rules import RuleSet
from services.scoring.domain.stating import Said
from services.scoring.domain.weighing import Ignored
from services.scoring.domain.whys import Why
from services.scoring.store.rows import columns_of, fact_bytes, fact_of
from services.scoring.store.rulebooks import Rulebooks
from services.scoring.store.statements import Statements

_CHUNK: Final = 2_000
"""Facts looked at together when rules come after them."""


class Batch(Struct, frozen=True, kw_only=True):
    """What was judged together."""

    scored: Sequence[Scored] = ()
    said: Sequence[Said] = ()
    ignored: Sequence[Ignored] = ()


class Recorded(Struct, frozen=True, kw_only=True):
    """What a batch added to the database."""

    facts: int
    entries: int
    statements: int
    ignored: list[Ignored]


class Recording:
    """Writes batches."""

    def __init__(self, database: Database, books: Rulebooks, tell: Callable[[], None] = lambda: None) -> None:
        """``tell`` is called after each commit."""
        self._tell = tell
        self._database = database
        self._queries = database.queries
        self._books = books
        self._statements = Statements(database, books)

    async def record(self, batch: Batch) -> Recorded:
        """Record a batch in one transaction. What was recorded before changes nothing, nor adds anything."""
        try:
            async with self._database.transaction() as connection:
                await self._queries.take_turn(connection)
                await self._books.refresh_on(connection)
                rules, statements, unfit = await self._statements.record(connection, batch.said)
                if rules:
                    await self._books.refresh_on(connection)
                new = await self._record_facts(connection, batch.scored)
                added, _ = await self._derive(connection, [each.fact.event.id for each in new])
                notes = [note for each in new for note in each.notes]
                for each in rules:
                    more, lacking = await self._derive_again(connection, each)
                    added += more
                    notes += lacking
                wrong = await self._wrong_reversals(connection, new)
                reused = await self._reused(connection, batch.scored)
                news = await self._record_ignored(connection, [*batch.ignored, *unfit, *notes, *wrong, *reused])
        except BaseException:
            self._books.forget()  # what was read within the transaction may never have been
            raise
        self._tell()
        return Recorded(facts=len(new), entries=added, statements=statements, ignored=news)

    async def _record_facts(self, connection: Any, scored: Sequence[Scored]) -> list[Scored]:
        """Record facts and return those that are new here."""
        first: dict[UUID, Scored] = {}
        for each in scored:
            first.setdefault(each.fact.event.id, each)
        if not first:
            return []
        listed = list(first.values())
        events = [each.fact.event for each in listed]
        rows = self._queries.record_facts(
            connection,
            ids=[event.id for event in events],
            kinds=[event.kind() for event in events],
            hubs=[event.origin for event in events],
            verdicts=[each.fact.verdict.value if each.fact.verdict else None for each in listed],
            abouts=[event.about for event in events],
            sent_ats=[event.sent_at for event in events],
            digests=[each.digest for each in listed],
            contents=[fact_bytes(each.fact) for each in listed],
        )
        new = [first[row["id"]] async for row in rows]
        refs = [(ref, each.fact.event.id) for each in new for ref in refs_of(each.fact)]
        await self._queries.record_refs(connection, refs=[ref for ref, _ in refs], facts=[fact for _, fact in refs])
        return new

    async def _derive(self, connection: Any, ids: Sequence[UUID]) -> tuple[int, Mapping[UUID, Fact]]:
        """Append what follows from these facts together with all that concerns them.

        Return how many lines are new, and the facts that were looked at.
        """
        if not ids:
            return 0, {}
        rows = self._queries.neighbourhood(connection, ids=ids)
        known = Known([fact_of(row["content"]) async for row in rows], self._books)
        entries: dict[UUID, Entry] = {}
        for each in ids:
            entries |= {entry.id: entry for entry in entries_of(known.facts[each], known)}
        return await self._append(connection, _in_order(entries.values())), known.facts

    async def _derive_again(self, connection: Any, rules: RuleSet) -> tuple[int, list[Ignored]]:
        """Do so for what was sent while these rules are in force: they may have come after it."""
        since, until = span(rules.effective_from, rules.effective_to)
        rows = self._queries.facts_between(connection, since=since, until=until)
        digests = {row["id"]: row["digest"] async for row in rows}
        ids = list(digests)
        added, notes = 0, []
        for at in range(0, len(ids), _CHUNK):
            chunk = ids[at : at + _CHUNK]
            more, facts = await self._derive(connection, chunk)
            added += more
            notes += [note for each in chunk for note in notes_on(facts[each], digests[each], self._books)]
        return added, notes

    async def _append(self, connection: Any, entries: Sequence[Entry]) -> int:
        if not entries:
            return 0
        return len([row async for row in self._queries.append_entries(connection, **columns_of(entries))])

    async def _wrong_reversals(self, connection: Any, new: Sequence[Scored]) -> list[Ignored]:
        facts = [each.fact for each in new]
        targets = {fact.event.id for fact in facts} | {
            fact.event.about for fact in facts if fact.verdict is Verdict.REVERSED
        }
        if not targets:
            return []
        wrong = []
        async for row in self._queries.reversals_of(connection, targets=list(targets)):
            reversal = cast("Decision", fact_of(row["reversal"]).event)
            ignored = wrong_reversal(reversal, fact_of(row["target"]), row["digest"])
            wrong += [ignored] if ignored is not None else []
        return wrong

    async def _reused(self, connection: Any, scored: Sequence[Scored]) -> list[Ignored]:
        if not scored:
            return []
        by_digest: dict[str, Fact] = {each.digest: each.fact for each in scored}
        rows = self._queries.reused_ids(
            connection, ids=[fact.event.id for fact in by_digest.values()], digests=list(by_digest)
        )
        found = [row["digest"] async for row in rows]
        return [Ignored.because(Why.ID_REUSED, "", by_digest[digest].event, digest) for digest in found]

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


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries so that what is taken back stands before what takes it back."""
    listed = {entry.id: entry for entry in entries}

    def depth(entry: Entry) -> int:
        return 0 if entry.reverses is None else 1 + (depth(listed[entry.reverses]) if entry.reverses in listed else 0)

    return sorted(listed.values(), key=lambda entry: (depth(entry), entry.at, entry.id))
