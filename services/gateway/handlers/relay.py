"""The relay: outbox to broker, with confirms, in order for each node, many in flight (promise 2).

One message of a node is in flight at a time, so a retry can never overtake; different nodes go side by side. It wakes
on PostgreSQL's NOTIFY, never polls. Several processes of one gateway may run: an advisory lock lets one relay work and
the others wait for its place.
"""

import asyncio
from collections import deque
from typing import Any, Final

import structlog

from proto.addresses import routing_key
from proto.topology import SUBMIT
from services.gateway.store.outbox import Outbox, Waiting
from services.kit.batch import Batcher
from services.kit.bus import Session
from services.kit.db import Database
from services.kit.errors import UnavailableError
from services.kit.tasks import TaskScope

_log: Final = structlog.get_logger()
_LOADED_LIMIT: Final = 1_000
_BACKOFF: Final = (0.2, 5.0)  # seconds
_LOCK_CLASS: Final = 1903850351
_FOREVER: Final = 10.0**8  # seconds; a standby waits for the lock as long as it takes


class Relay:
    """The relay's work on one session."""

    def __init__(self, session: Session, db: Database, outbox: Outbox, name: str, inflight: int) -> None:
        self._session = session
        self._db = db
        self._outbox = outbox
        self._name = name
        self._slots = asyncio.Semaphore(inflight)
        self._wake = asyncio.Event()
        self._loaded = 0
        self._queues: dict[str, deque[Waiting]] = {}
        self._done: Batcher[Waiting, None] = Batcher(outbox.confirmed, 500)
        self._sending = 0
        self._idle = asyncio.Event()
        self._scope = TaskScope()

    async def run(self) -> None:
        """Relay until the session is asked to stop, the line drops or we are cancelled."""
        async with self._db.connection() as connection:
            await connection.fetchval(
                "SELECT pg_advisory_lock($1, hashtext($2))", _LOCK_CLASS, self._name, timeout=_FOREVER
            )
            await connection.add_listener("yizhan_outbox", self._on_notify)
            try:
                await self._relay()
            finally:
                await connection.remove_listener("yizhan_outbox", self._on_notify)
                await connection.fetchval("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK_CLASS, self._name)

    def _on_notify(self, *_: Any) -> None:
        self._wake.set()

    async def _relay(self) -> None:
        async with self._scope:
            self._scope.spawn(self._load(), "relay-load")
            await self._scope.until(self._session.stopping)
            while self._sending:  # finish the messages in hand: nothing is sent twice for being told to stop
                self._idle.clear()
                await self._scope.until(self._idle)

    async def _load(self) -> None:
        after = 0
        while True:
            self._wake.clear()
            while self._loaded < _LOADED_LIMIT and (rows := await self._outbox.after(after)):
                after = rows[-1].seq
                self._loaded += len(rows)
                for row in rows:
                    queue = self._queues.get(row.node)
                    if queue is None:
                        queue = self._queues[row.node] = deque([row])
                        self._scope.spawn(self._send_node(row.node, queue), f"relay-{row.node}")
                    else:
                        queue.append(row)
            await self._wake.wait()

    async def _send_node(self, node: str, queue: deque[Waiting]) -> None:
        """Send one node's messages one after the other."""
        while queue and not self._session.stopping.is_set():
            row = queue[0]
            self._sending += 1
            async with self._slots:
                await self._publish(row)
            queue.popleft()
            self._scope.spawn(self._finish(row), "relay-done")
        del self._queues[node]

    async def _finish(self, row: Waiting) -> None:
        await self._done.submit(row)
        self._sending -= 1
        self._loaded -= 1
        self._idle.set()
        if self._loaded == _LOADED_LIMIT - 1:
            self._wake.set()

    async def _publish(self, row: Waiting) -> None:
        pause = _BACKOFF[0]
        while True:
            try:
                return await self._session.publish(
                    SUBMIT,
                    routing_key(row.node, row.kind),
                    row.body,
                    message_id=str(row.id),
                    kind=row.kind,
                    sent_at=row.sent_at,
                )
            except UnavailableError as error:
                _log.warning("publish_refused", message=str(row.id), error=str(error), retry_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _BACKOFF[1])
