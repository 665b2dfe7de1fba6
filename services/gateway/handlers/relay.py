"""The relay: outbox to broker, with confirms, in order for each node, many in flight (promise 2).

One message of a node is in flight at a time, so a retry can never overtake; different nodes go side by side. It wakes
on PostgreSQL's NOTIFY, never polls. Several processes may host the same units: an advisory lock lets one relay work and
the others wait for its place. That lock and the notifications hang on one connection to PostgreSQL: when it ends, even
silently, the relay begins anew on another one, while the session with the broker goes on.
"""

import asyncio
import contextlib
from collections import deque
from typing import Any, Final

import structlog

from proto.addresses import routing_key
from proto.topology import SUBMIT
from services.gateway.store.outbox import Outbox, Waiting
from services.kit.batch import Batcher
from services.kit.bus import Session
from services.kit.db import Database
from services.kit.errors import TransientError, UnavailableError
from services.kit.tasks import TaskScope

_log: Final = structlog.get_logger()
_LOADED_ROWS: Final = 1_000
_LOADED_BYTES: Final = 4_000_000
"""What is held in memory of the backlog, at most, and one fetch more."""
_CLEAR: Final = 0.05  # seconds between two clearings of confirmed rows under load
_BACKOFF: Final = (0.2, 5.0)  # seconds
_LOCK_CLASS: Final = 1903850351
_FOREVER: Final = 10.0**8  # seconds; a standby waits for the lock as long as it takes
_PULSE: Final = 15.0  # seconds between two proofs that the connection which holds the lock still lives
_PULSE_TIMEOUT: Final = 10.0


async def keep_relaying(session: Session, db: Database, outbox: Outbox, inflight: int) -> None:
    """Relay on one session until it is asked to stop or its line drops; while the database is away, wait for it."""
    pause = _BACKOFF[0]
    while True:
        try:
            return await Relay(session, db, outbox, inflight).run()
        except TransientError as error:
            if session.closed.is_set():
                raise
            _log.warning("relay_delayed", error=str(error), retry_in=pause)
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(_first(session.stopping, session.closed), pause)
        pause = min(pause * 2, _BACKOFF[1])


async def _first(*events: asyncio.Event) -> None:
    async with TaskScope() as scope:
        waits = [scope.spawn(event.wait(), "relay-wait") for event in events]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)


class Relay:
    """The relay's work on one session and one connection to the database."""

    def __init__(self, session: Session, db: Database, outbox: Outbox, inflight: int) -> None:
        self._session = session
        self._db = db
        self._outbox = outbox
        self._place = outbox.place
        self._slots = asyncio.Semaphore(inflight)
        self._wake = asyncio.Event()
        self._rows = 0
        self._bytes = 0
        self._queues: dict[str, deque[Waiting]] = {}
        self._done: Batcher[Waiting, None] = Batcher(outbox.confirmed, 500, pace=_CLEAR)
        self._sending = 0
        self._idle = asyncio.Event()
        self._scope = TaskScope()

    async def run(self) -> None:
        """Relay until the session is asked to stop; ``TransientError``: the line or the database dropped."""
        async with self._db.connection() as connection:
            if not await self._take_place(connection):
                return
            lost = asyncio.Event()

            def ended(*_: Any) -> None:
                lost.set()

            connection.add_termination_listener(ended)
            await connection.add_listener("yizhan_outbox", self._on_notify)
            try:
                await self._relay(connection, lost)
            finally:
                connection.remove_termination_listener(ended)
                await connection.remove_listener("yizhan_outbox", self._on_notify)
                await connection.fetchval("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK_CLASS, self._place)

    async def _take_place(self, connection: Any) -> bool:
        """Wait for the lock; False where we are asked to stop before it is ours."""
        query = connection.fetchval(
            "SELECT pg_advisory_lock($1, hashtext($2))", _LOCK_CLASS, self._place, timeout=_FOREVER
        )
        try:
            async with TaskScope() as scope:
                lock = scope.spawn(query, "relay-lock")
                stop = scope.spawn(self._session.stopping.wait(), "relay-stop")
                await asyncio.wait([lock, stop], return_when=asyncio.FIRST_COMPLETED)
                if lock.done():
                    lock.result()
                    return True
        except BaseException:
            connection.terminate()  # or the lock, granted at this very moment, would stay with a pooled connection
            raise
        connection.terminate()
        return False

    def _on_notify(self, *_: Any) -> None:
        self._wake.set()

    async def _relay(self, connection: Any, lost: asyncio.Event) -> None:
        async with self._scope:
            self._scope.spawn(self._load(), "relay-load")
            self._scope.spawn(_ended(lost), "relay-lost")
            self._scope.spawn(_pulse(connection), "relay-pulse")
            await self._scope.until(self._session.stopping)
            while self._sending:  # finish the messages in hand: nothing is sent twice for being told to stop
                self._idle.clear()
                await self._scope.until(self._idle)

    async def _load(self) -> None:
        after = 0
        while True:
            self._wake.clear()
            while self._has_room() and (rows := await self._outbox.after(after)):
                after = rows[-1].seq
                for row in rows:
                    self._rows += 1
                    self._bytes += len(row.body)
                    queue = self._queues.get(row.node)
                    if queue is None:
                        queue = self._queues[row.node] = deque([row])
                        self._scope.spawn(self._send_node(row.node, queue), f"relay-{row.node}")
                    else:
                        queue.append(row)
            await self._wake.wait()

    def _has_room(self) -> bool:
        return self._rows < _LOADED_ROWS and self._bytes < _LOADED_BYTES

    async def _send_node(self, node: str, queue: deque[Waiting]) -> None:
        """Send one node's messages one after the other."""
        while queue and not self._session.stopping.is_set():
            row = queue[0]
            self._sending += 1
            async with self._slots:
                sent = await self._publish(row)
            if not sent:
                self._sending -= 1
                self._idle.set()
                break
            queue.popleft()
            self._scope.spawn(self._finish(row), "relay-done")
        del self._queues[node]

    async def _finish(self, row: Waiting) -> None:
        await self._done.submit(row)
        had_room = self._has_room()
        self._sending -= 1
        self._rows -= 1
        self._bytes -= len(row.body)
        self._idle.set()
        if self._has_room() and not had_room:
            self._wake.set()

    async def _publish(self, row: Waiting) -> bool:
        """Publish until it is confirmed; False where the broker still refuses when we are asked to stop."""
        pause = _BACKOFF[0]
        while True:
            try:
                await self._session.publish(
                    SUBMIT,
                    routing_key(row.node, row.kind),
                    row.body,
                    message_id=str(row.id),
                    kind=row.kind,
                    sent_at=row.sent_at,
                )
            except UnavailableError as error:
                if self._session.stopping.is_set():
                    return False
                _log.warning("publish_refused", message=str(row.id), error=str(error), retry_in=pause)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._session.stopping.wait(), pause)
                pause = min(pause * 2, _BACKOFF[1])
            else:
                return True


async def _ended(lost: asyncio.Event) -> None:
    await lost.wait()
    raise TransientError("database: the connection ended")


async def _pulse(connection: Any) -> None:
    """Prove now and then that the connection lives: notifications do not come over a line that died in silence."""
    while True:
        await asyncio.sleep(_PULSE)
        await connection.fetchval("SELECT 1", timeout=_PULSE_TIMEOUT)
