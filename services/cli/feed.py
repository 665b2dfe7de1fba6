"""Reading ``yz.feed``."""

import asyncio
from datetime import datetime
from typing import Any, Final

from proto.topology import FEED
from services.cli import output
from services.cli.heads import Head, head_of
from services.kit.bus import Incoming, open_session
from services.kit.errors import TransientError

_ARROW: Final = "→"


class Follow:
    """Shows the heads of what the feed holds, from an offset on."""

    def __init__(self, *, kinds: frozenset[str], count: int, quiet: float, as_json: bool) -> None:
        """``kinds``: only these, all where empty. ``count`` and ``quiet`` (seconds): when to stop, 0 is never."""
        self._kinds = kinds
        self._count = count
        self._quiet = quiet or None
        self._as_json = as_json
        self._seen = 0
        self._heard = asyncio.Event()
        self._enough = asyncio.Event()

    async def run(self, url: str, offset: str | int | datetime) -> None:
        """Read until enough was shown or nothing came for long enough; ``TransientError`` where the line drops."""
        async with open_session(url, "yizhan-tail") as session:
            await session.read_stream(FEED, self._on_message, offset)
            ended = asyncio.create_task(session.closed.wait(), name="tail-closed")
            enough = asyncio.create_task(self._enough.wait(), name="tail-enough")
            try:
                while not enough.done():
                    self._heard.clear()
                    heard = asyncio.create_task(self._heard.wait(), name="tail-heard")
                    waiting: set[asyncio.Task[Any]] = {ended, enough, heard}
                    done, _ = await asyncio.wait(waiting, timeout=self._quiet, return_when=asyncio.FIRST_COMPLETED)
                    heard.cancel()
                    if ended in done:
                        raise TransientError("the line to the broker dropped")
                    if not done:
                        return
            finally:
                ended.cancel()
                enough.cancel()

    async def _on_message(self, message: Incoming) -> None:
        self._heard.set()
        head = head_of(message.body)
        if self._enough.is_set() or head is None or (self._kinds and head.kind not in self._kinds):
            return
        try:
            self._show(message, head)
        except BrokenPipeError:  # nobody reads any more; raised in here it would only end this one delivery
            output.let_go()
            self._enough.set()
            return
        self._seen += 1
        if self._count and self._seen >= self._count:
            self._enough.set()

    def _show(self, message: Incoming, head: Head) -> None:
        offset = message.headers.get("x-stream-offset")
        if self._as_json:
            output.put_json_line(
                {
                    "offset": offset, "sent_at": head.sent_at, "kind": head.kind, "origin": head.origin, "to": head.to,
                    "id": head.id, "about": head.about, "bytes": len(message.body),
                }
            )  # fmt: skip
        else:
            to = ",".join(head.to[:3]) + ("…" if len(head.to) > 3 else "")  # noqa: PLR2004 - as many as fit on a line
            parts = (output.china_time(head.sent_at), head.kind, head.origin, _ARROW, to, head.id)
            print(output.clean("  ".join(map(str, parts))), flush=True)
