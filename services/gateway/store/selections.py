"""What a hub sends on and what it selected for a higher level, with the outcome there."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Struct

from proto.envelope import Envelope, unpack
from proto.messages import Level
from services.kit.db import Database


class Original(Struct, frozen=True, kw_only=True):
    """A report as it lies in a hub's inbox."""

    id: UUID
    origin: str
    envelope: Envelope  # unchanged


class Forward(Struct, frozen=True, kw_only=True):
    """One original that an item sends on (转报), with its share of the credit."""

    report: UUID
    origin: str
    title: str
    share: Decimal


class Selection(Struct, frozen=True, kw_only=True):
    """A selection in force (选送)."""

    level: Level
    forwarded_as: UUID | None  # the hub's own report that carries the originals up
    outcome: UUID | None  # the decision that told it


class Selections:
    """Reads and writes within the caller's transaction, so that messages and rows stand or fall together."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries

    async def originals(self, hub: str, reports: Sequence[UUID], connection: Any = None) -> dict[UUID, Original]:
        """Return those of ``reports`` that lie in the hub's inbox; what has arrived there does not change."""
        if connection is None:
            async with self._db.connection() as own:
                return await self.originals(hub, reports, own)
        rows = [row async for row in self._q.reports_received(connection, hub=hub, reports=list(reports))]
        return {r["id"]: Original(id=r["id"], origin=r["origin"], envelope=unpack(r["body"])) for r in rows}

    async def add_forwards(self, connection: Any, item: UUID, shares: Sequence[tuple[UUID, Decimal]]) -> None:
        """Note what an item sends on."""
        await self._q.add_forwards(
            connection, item=item, reports=[report for report, _ in shares], shares=[share for _, share in shares]
        )

    async def forwards(self, item: UUID, connection: Any = None) -> list[Forward]:
        """Return what an item sends on, in its order."""
        if connection is None:
            async with self._db.connection() as own:
                return await self.forwards(item, own)
        return [Forward(**row) async for row in self._q.forwards(connection, item=item)]

    async def selected(
        self, connection: Any, hub: str, level: Level, reports: Sequence[UUID]
    ) -> dict[UUID, UUID | None]:
        """Return those of ``reports`` that are selected for a level, and as which reports of the hub they went on."""
        rows = [row async for row in self._q.selected(connection, hub=hub, level=level.value, reports=list(reports))]
        return {row["report"]: row["forwarded_as"] for row in rows}

    async def select(
        self,
        connection: Any,
        hub: str,
        level: Level,
        decision: UUID,
        reports: Sequence[UUID],
        forwarded_as: UUID | None = None,
    ) -> None:
        """Note a selection."""
        await self._q.add_selection(
            connection, hub=hub, level=level.value, decision=decision, reports=list(reports), forwarded_as=forwarded_as
        )
        await self._q.note_selected(connection, hub=hub, reports=list(reports))

    async def one(self, connection: Any, hub: str, decision: UUID) -> Selection | None:
        """Return a selection in force by its decision."""
        row = await self._q.selection(connection, hub=hub, decision=decision)
        return Selection(**{**row, "level": Level(row["level"])}) if row else None

    async def tell(self, connection: Any, hub: str, decision: UUID, outcome: UUID) -> None:
        """Note the outcome of a selection."""
        await self._q.set_outcome(connection, hub=hub, decision=decision, outcome=outcome)

    async def sent_as(self, connection: Any, hub: str, message: UUID) -> UUID | None:
        """Return the decision in force by which a hub selected what it sent on as ``message``."""
        found: UUID | None = await self._q.selected_as(connection, hub=hub, forwarded_as=message)
        return found

    async def take_back(self, connection: Any, hub: str, decision: UUID, reversal: UUID) -> list[UUID]:
        """Take back a selection without outcome, or an outcome; return the reports, none where there is no such thing."""
        taken = self._q.reverse_selection(connection, hub=hub, decision=decision, reversal=reversal)
        rows = [row async for row in taken]
        await self._q.note_unselected(connection, hub=hub, reports=[row["report"] for row in rows if row["dropped"]])
        return [row["report"] for row in rows]
