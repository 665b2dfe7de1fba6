"""``yz.archive`` → rows: one call to a thread for a batch's text, one statement for its rows, then the metrics."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from proto.errors import RefusedError
from proto.topology import REFUSED
from services.archive.domain.prepare import Arrival, prepare
from services.archive.metrics import ArchiveMetrics
from services.archive.store.write import Writer
from services.kit.bus import Incoming
from services.kit.errors import PoisonError
from services.kit.ids import Clock

_log: Final = structlog.get_logger()


class Intake:
    """The handler of the archive's queue; all is committed when it returns."""

    def __init__(self, writer: Writer, metrics: ArchiveMetrics, clock: Clock) -> None:
        self._writer = writer
        self._metrics = metrics
        self._clock = clock

    async def handle(self, batch: Sequence[Incoming]) -> None:
        """Store a batch. ``PoisonError``: one of it cannot be read or stored, and is to be found and parked."""
        arrivals = [Arrival(body=m.body, refused=m.exchange == REFUSED, routing_key=m.routing_key or "") for m in batch]
        try:
            rows = await asyncio.to_thread(prepare, arrivals)
        except RefusedError as error:
            raise PoisonError(error.reason.value) from error
        at = self._clock()
        written = await self._writer.store(rows, at)
        for message in rows.unindexed:
            _log.warning("report_not_indexed", message_id=str(message))
        for message in written.reused:
            _log.warning("message_id_reused", message_id=str(message))
        self._metrics.stored(rows, known=written.known, reused=len(written.reused), refused=written.refused, at=at)
