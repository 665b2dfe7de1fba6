"""Submissions: checked, sealed and stored with their outbox rows in one transaction for many at once (promise 1)."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from proto.envelope import Envelope
from proto.errors import Reason, RefusedError
from services.gateway.domain.items import State, Step
from services.gateway.domain.reports import Sealed, compose
from services.gateway.store.items import Item, Items
from services.gateway.store.outbox import Outbox
from services.kit.batch import Batcher
from services.kit.crypto import PrivateKey
from services.kit.db import Database
from services.kit.ids import Clock, NewId
from services.kit.trust.state import TrustState

_PACE: Final = 0.01  # seconds between two transactions under load


class Submission(Struct, frozen=True, kw_only=True):
    """A signed-off report handed in whole."""

    item: UUID  # the client's own id: handing in the same again returns what was stored
    node: str
    author: str
    content: str
    sign_offs: tuple[Envelope, ...]
    about: UUID | None
    to: tuple[str, ...] | None


class ItemTakenError(Exception):
    """The item id belongs to another item, of another node or not yet sent."""


class ItemDiffersError(Exception):
    """The item id was used before for another content: storing nothing must not look like success."""


class Submitter:
    """Takes submissions; those that come while one transaction commits share the next."""

    def __init__(
        self,
        db: Database,
        outbox: Outbox,
        state: TrustState,
        keys: Mapping[str, PrivateKey],
        clock: Clock,
        new_id: NewId,
        size: int = 64,
    ) -> None:
        self._db = db
        self._items = Items(db)
        self._outbox = outbox
        self._state = state
        self._keys = keys
        self._clock = clock
        self._new_id = new_id
        self._batcher: Batcher[Submission, UUID] = Batcher(self._store, size, pace=_PACE)

    async def submit(self, submission: Submission) -> UUID:
        """Store one submission and return its message id; raise why it cannot be sent."""
        self._outbox.check_room()
        return await self._batcher.submit(submission)

    async def _store(self, batch: Sequence[Submission]) -> list[UUID | Exception]:
        results: dict[int, UUID | Exception] = {}
        async with self._db.transaction() as connection:
            await self._outbox.lock(connection)
            known = await self._items.by_id(connection, [s.item for s in batch])
            fresh: dict[UUID, int] = {}
            for index, submission in enumerate(batch):
                there = known.get(submission.item) or batch[fresh.setdefault(submission.item, index)]
                if there.node != submission.node or (isinstance(there, Item) and there.message is None):
                    results[index] = ItemTakenError()
                elif (there.content, there.about) != (submission.content, submission.about):
                    results[index] = ItemDiffersError()
                elif isinstance(there, Item) and there.message is not None:
                    results[index] = there.message
            composed = await asyncio.to_thread(self._compose, [batch[index] for index in fresh.values()])
            good: list[tuple[Sealed, Item]] = []
            for index, result in zip(fresh.values(), composed, strict=True):
                if isinstance(result, tuple):
                    good.append(result)
                    results[index] = result[0].id
                else:
                    results[index] = result
            if good:
                await self._items.add(connection, [item for _, item in good], Step.SEND)
                await self._outbox.add(connection, [message for message, _ in good])
        self._outbox.added([message for message, _ in good])
        return [results.get(i, results[fresh.get(s.item, i)]) for i, s in enumerate(batch)]

    def _compose(self, batch: Sequence[Submission]) -> list[tuple[Sealed, Item] | RefusedError]:
        return [self._compose_one(submission) for submission in batch]

    def _compose_one(self, submission: Submission) -> tuple[Sealed, Item] | RefusedError:
        key = self._keys.get(submission.node)
        if key is None:
            return RefusedError(Reason.UNKNOWN_NODE)
        now = self._clock()
        try:
            message, content = compose(
                self._state,
                key,
                node=submission.node,
                content=submission.content,
                sign_offs=submission.sign_offs,
                about=submission.about,
                to=submission.to,
                id=self._new_id(),
                now=now,
            )
        except RefusedError as error:
            return error
        item = Item(
            id=submission.item,
            node=submission.node,
            state=State.SENT,
            title=content.title,
            content=submission.content,
            about=submission.about,
            author=submission.author,
            created_at=now,
            updated_at=now,
            message=message.id,
        )
        return message, item
