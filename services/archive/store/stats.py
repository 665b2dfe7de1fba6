"""Counting what is stored."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from proto.addresses import ROUTER_CODE
from services.kit.db import Database

REFUSED_SHOWN: Final = 100


class Latency(Struct, frozen=True, kw_only=True):
    """Milliseconds from sending to storing, over reports; null where there is none."""

    p50: float | None
    p99: float | None


class Stats(Struct, frozen=True, kw_only=True):
    """What the repository holds (统计).

    Receipts count once per message, however many say the same, and only of whom they are to say it: the router of
    accepting and refusing, a recipient of what it received itself; and only about the very bytes.
    """

    messages: dict[str, int]  # by kind
    accepted: int  # stored reports whose receipt of acceptance is stored too
    refused: dict[str, int]  # messages by reason code
    delivered: int  # reports × recipients that have them
    opened: int  # reports × recipients that opened them
    adopted: int  # reports whose adoption stands
    archived: int  # reports stored, whether or not their receipt has come
    searchable: int  # reports indexed
    latency_ms: Latency


class RefusedMessage(Struct, frozen=True, kw_only=True):
    """Refused bytes, kept as evidence; what they claim is unproven."""

    digest: str  # SHA-256, hex
    first_seen: datetime
    claimed_id: UUID | None
    claimed_origin: str | None  # by routing key
    size: int  # bytes
    reason: str | None  # code; None before the receipt came
    detail: str | None


class StatsReader:
    """Reads counts for the operator."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._q = database.queries

    async def stats(self, since: datetime | None) -> Stats:
        """Return the counts of messages sent since then, of all where None."""
        async with self._database.connection() as connection:
            kinds = {r["kind"]: r["count"] async for r in self._q.messages_by_kind(connection, since=since)}
            accepted = await self._q.accepted(connection, since=since, router=ROUTER_CODE)
            reasons = self._q.refused_by_reason(connection, since=since, router=ROUTER_CODE)
            refused = {r["reason"]: r["count"] async for r in reasons}
            places = {r["outcome"]: r["count"] async for r in self._q.deliveries(connection, since=since)}
            latency = await self._q.latency(connection, since=since)
            adopted = await self._q.adopted(connection, since=since)
            searchable = await self._q.searchable(connection, since=since)
        return Stats(
            messages=kinds,
            accepted=accepted,
            refused=refused,
            delivered=places.get("delivered", 0),
            opened=places.get("opened", 0),
            adopted=adopted,
            archived=kinds.get("report", 0),
            searchable=searchable,
            latency_ms=Latency(p50=latency["p50"], p99=latency["p99"]),
        )

    async def refused(self) -> list[RefusedMessage]:
        """Return the newest refused messages."""
        async with self._database.connection() as connection:
            rows = self._q.newest_refused(connection, limit=REFUSED_SHOWN, router=ROUTER_CODE)
            return [RefusedMessage(**dict(row)) async for row in rows]
