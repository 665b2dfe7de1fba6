"""Following ``yz.registry``: the stream of directory and rosters becomes this process's trust state."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from proto.envelope import Envelope, unpack
from proto.errors import Reason, RefusedError
from proto.messages import Directory, Key, Roster
from proto.topology import REGISTRY
from services.kit.bus import Incoming, Session
from services.kit.errors import SettingsError, TransientError
from services.kit.trust.state import TrustState

_log: Final = structlog.get_logger()
_EMPTY: Final = 0.3  # seconds after which a stream that shows nothing is taken for empty
_QUIET: Final = 0.1  # seconds without a registry message that end the last chunk of the replay
_STALLED: Final = 30.0  # seconds without a message, short of the end, after which the line is given up


class Registry:
    """The trust state of this process, kept up to date; ``on_applied`` stores what was taken in."""

    def __init__(self, state: TrustState, on_applied: Callable[[Envelope], Awaitable[None]] | None = None) -> None:
        self.state: Final = state
        self._on_applied = on_applied
        self._next: Any = "first"
        self._changed = asyncio.Condition()
        self._heard = asyncio.Event()
        self._unkept: list[Envelope] = []
        self._keeping = asyncio.Lock()

    async def follow(self, session: Session) -> None:
        """Read the stream on this session, from where the last one ended; return once its end is reached."""
        with contextlib.suppress(TransientError):  # what an earlier session could not store
            await self._keep()
        last = await session.last_offset(REGISTRY, _EMPTY)
        await session.read_stream(REGISTRY, self._on_message, self._next)
        while True:
            at_end = last is None or (isinstance(self._next, int) and self._next > last)
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), _QUIET if at_end else _STALLED)
            except TimeoutError as error:
                if at_end:
                    return
                raise TransientError("the registry does not come") from error

    async def take(self, envelope: Envelope) -> Directory | Roster:
        """Apply one registry message and wake whoever waits for news; refuse with the reason."""
        before = self.state.generation
        message = self.state.apply(envelope)
        if self.state.generation != before:
            self._unkept.append(envelope)
            async with self._changed:
                self._changed.notify_all()
        await self._keep()
        return message

    async def _keep(self) -> None:
        """Store what was applied, in that order; what cannot be stored now is left for the next call."""
        async with self._keeping:
            while self._unkept:
                if self._on_applied is not None:
                    await self._on_applied(self._unkept[0])
                del self._unkept[0]

    async def wait_newer(self, generation: int, seconds: float) -> bool:
        """Wait until the state is newer than ``generation``; False where nothing came in time."""
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(lambda: self.state.generation > generation), seconds)
            except TimeoutError:
                return False
        return True

    async def _on_message(self, message: Incoming) -> None:
        offset = message.headers.get("x-stream-offset")
        try:
            await self.take(unpack(message.body))
        except RefusedError as error:
            level = "debug" if error.reason is Reason.REGISTRY_ROLLBACK else "warning"
            getattr(_log, level)("registry_message_skipped", reason=error.reason.value, offset=offset)
        except TransientError as error:  # it is in force here; only a start without the broker would miss it
            _log.warning("registry_not_remembered", error=str(error), offset=offset)
        self._heard.set()
        if isinstance(offset, int):
            self._next = max(offset + 1, self._next) if isinstance(self._next, int) else offset + 1


def pinned_roots(path: str) -> tuple[Key, ...]:
    """Read the pinned public root keys: the file that every node is handed at enrolment."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=tuple[Key, ...])
    except OSError as error:
        raise SettingsError(f"root key file {path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise SettingsError(f"root key file {path}: {error}") from error
