"""Taking in reports that an earlier version of the gateway received, while everything else already runs."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

import structlog

from services.gateway.store.intake import IntakeStore
from services.kit.errors import TransientError

_log: Final = structlog.get_logger()
_AT_ONCE: Final = 100
_RETRY: Final = 5.0  # seconds, while the database is away


async def catch_up(intake: IntakeStore, nodes: Sequence[str], stop: asyncio.Event) -> None:
    """Give every report in the inboxes of ``nodes`` its row, then end; an interrupted run goes on at the next start."""
    after = None
    while not stop.is_set():
        try:
            after = await intake.catch_up(nodes, after, _AT_ONCE)
        except TransientError as error:
            _log.warning("intake_delayed", error=str(error), retry_in=_RETRY)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _RETRY)
            continue
        if after is None:
            return
