"""Items, their history and sign-offs, and what became of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from proto.envelope import Envelope, unpack
from proto.messages import Action
from services.gateway.domain.items import State, Step
from services.kit.db import Database


class Item(Struct, frozen=True, kw_only=True):
    """One item at its node."""

    id: UUID
    node: str
    state: State
    title: str
    content: str  # JSON of ReportContent; empty in lists
    about: UUID | None
    author: str
    created_at: datetime
    updated_at: datetime
    message: UUID | None  # the id under which it was sent


class ItemEvent(Struct, frozen=True, kw_only=True):
    """One step of an item's history."""

    at: datetime
    person: str
    step: Step
    state: State
    note: str


class Fate(Struct, frozen=True, kw_only=True):
    """What a receipt said of a message."""

    message: UUID
    giver: str
    outcome: str
    at: datetime
    reason: str
    detail: str


class HubVerdict(Struct, frozen=True, kw_only=True):
    """What a hub decided about a report."""

    report: UUID
    decision: UUID
    hub: str
    verdict: str
    series: str
    issue: str
    reason: str
    at: datetime
    level: str  # where adopted, or whither selected; "" at the hub's own level
    forwarded_as: UUID | None  # the hub's report that carries ours up


class Items:
    """Reads and writes items; the caller brings the connection where several writes belong together."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries

    async def add(self, connection: Any, items: Sequence[Item], step: Step) -> None:
        """Store new items with their first event."""
        await self._q.add_items(
            connection,
            ids=[i.id for i in items],
            nodes=[i.node for i in items],
            states=[i.state.value for i in items],
            titles=[_storable(i.title) for i in items],
            contents=[_storable(i.content) for i in items],
            abouts=[i.about for i in items],
            authors=[i.author for i in items],
            ats=[i.created_at for i in items],
            messages=[i.message for i in items],
            steps=[step.value] * len(items),
        )

    async def by_id(self, connection: Any, ids: Sequence[UUID]) -> dict[UUID, Item]:
        """Return those of ``ids`` that are there, whosesoever they are."""
        rows = [row async for row in self._q.items_by_id(connection, ids=list(ids))]
        return {row["id"]: _item(row) for row in rows}

    async def imported(self, connection: Any, node: str, digests: Sequence[str]) -> dict[str, UUID]:
        """Return as which items a node's contents, by digest, were imported before."""
        rows = [row async for row in self._q.imported(connection, node=node, digests=list(digests))]
        return {row["digest"]: row["item"] for row in rows}

    async def add_imported(self, connection: Any, node: str, imported: Mapping[str, UUID]) -> None:
        """Remember imported contents by digest."""
        await self._q.add_imported(connection, node=node, digests=list(imported), items=list(imported.values()))

    async def for_update(self, connection: Any, node: str, id: UUID) -> Item | None:
        """Return one item, locked."""
        row = await self._q.item_for_update(connection, id=id, node=node)
        return _item(row) if row else None

    async def one(self, node: str, id: UUID) -> Item | None:
        """Return one item, by its own id or its message's."""
        async with self._db.connection() as connection:
            row = await self._q.item(connection, id=id, node=node)
        return _item(row) if row else None

    async def page(self, node: str, state: State | None, before: UUID | None, count: int) -> list[Item]:
        """Return a page of a node's items, newest first, without their content."""
        async with self._db.connection() as connection:
            rows = [
                row
                async for row in self._q.items(
                    connection, node=node, state=state.value if state else None, before=before, count=count
                )
            ]
        return [_item(row) for row in rows]

    async def step(self, connection: Any, item: Item, *, at: datetime, person: str, step: Step, note: str) -> None:
        """Store an item after a step, with the event."""
        await self._q.set_item(
            connection,
            id=item.id,
            state=item.state.value,
            title=_storable(item.title),
            content=_storable(item.content),
            about=item.about,
            at=at,
            message=item.message,
        )
        await self._q.add_item_event(
            connection,
            item=item.id,
            at=at,
            person=person,
            step=step.value,
            state=item.state.value,
            note=_storable(note),
        )

    async def sign(self, connection: Any, item: UUID, action: Action, envelope: Envelope) -> None:
        """Keep a sign-off."""
        await self._q.add_sign_off(connection, item=item, action=action.value, envelope=envelope.packed())

    async def unsign(self, connection: Any, item: UUID) -> None:
        """Drop the sign-offs of an item that was edited."""
        await self._q.drop_sign_offs(connection, item=item)

    async def sign_offs(self, connection: Any, item: UUID) -> tuple[Envelope, ...]:
        """Return the sign-offs of an item."""
        return tuple([unpack(row["envelope"]) async for row in self._q.sign_offs(connection, item=item)])

    async def history(self, item: UUID) -> list[ItemEvent]:
        """Return the history of an item, oldest first."""
        async with self._db.connection() as connection:
            rows = [row async for row in self._q.item_events(connection, item=item)]
        return [
            ItemEvent(at=r["at"], person=r["person"], step=Step(r["step"]), state=State(r["state"]), note=r["note"])
            for r in rows
        ]

    async def outcomes(self, messages: Sequence[UUID]) -> tuple[list[Fate], list[HubVerdict]]:
        """Return the receipts and the verdicts for some messages."""
        async with self._db.connection() as connection:
            fates = [row async for row in self._q.fates(connection, messages=list(messages))]
            verdicts = [row async for row in self._q.verdicts(connection, reports=list(messages))]
        return [Fate(**row) for row in fates], [HubVerdict(**row) for row in verdicts]

    async def add_event(self, id: UUID, at: datetime, node: str, person: str, code: str) -> None:
        """Leave a trace without content."""
        async with self._db.connection() as connection:
            await self._q.add_event(connection, id=id, at=at, node=node, person=person, code=code)

    async def count_events(self, since: datetime) -> dict[str, int]:
        """Count traces by code."""
        async with self._db.connection() as connection:
            rows = [row async for row in self._q.count_events(connection, since=since)]
        return {row["code"]: row["number"] for row in rows}

    async def count_sent(self, since: datetime) -> int:
        """Count items sent since a time."""
        async with self._db.connection() as connection:
            return int(await self._q.count_sent_items(connection, since=since))


def _item(row: Any) -> Item:
    return Item(**{**row, "state": State(row["state"])})


def _storable(text: str) -> str:
    """PostgreSQL's text holds no NUL; signed content has none, the codec refuses it."""
    return text.replace("\x00", " ")
