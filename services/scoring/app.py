"""The scoring service's only wiring."""

import asyncio
import os
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from proto.topology import SCORING_QUEUE
from services.kit import VERSION, log
from services.kit.bus import Bus, Session
from services.kit.consumer import BatchConsumer
from services.kit.db import await_database
from services.kit.ids import Clock, utc_now
from services.kit.lifecycle import config_path, run, running
from services.kit.registry import Registry, pinned_roots
from services.kit.settings import load, with_password
from services.kit.trust.state import TrustState
from services.kit.web.access import Access
from services.kit.web.server import build_app, serving
from services.scoring.handlers import Intake
from services.scoring.metrics import ScoringMetrics
from services.scoring.settings import ScoringSettings
from services.scoring.store import Awaiting, Reading, Recording, Rulebooks
from services.scoring.views import Room, endpoints

SERVICE: Final = "scoring"
SQL: Final = Path(__file__).parent / "sql"
_PACE: Final = 0.2  # seconds between two batches: nobody waits for a point


def main() -> int:
    """Run the scoring service until told to stop; return the exit code."""

    async def start(stop: asyncio.Event) -> None:
        settings = load(ScoringSettings, SERVICE, config_path(), os.environ)
        log.configure(SERVICE, settings.log_level)
        await serve(settings, stop)

    return run(start)


async def serve(settings: ScoringSettings, stop: asyncio.Event, *, clock: Clock = utc_now) -> None:
    """Build everything and run until ``stop`` is set; the batch in hand is committed and acknowledged first."""
    access = Access.from_file(settings.access_file)
    registry = Registry(TrustState(pinned_roots(settings.root_key_file)))
    metrics_registry = CollectorRegistry()
    metrics = ScoringMetrics(metrics_registry)
    amqp_url = with_password(settings.amqp_url, settings.amqp_password_file)
    bus = Bus(amqp_url, settings.name or SERVICE, 2 * settings.batch, stop)
    database_url = with_password(settings.database_url, settings.database_password_file)
    async with await_database(database_url, SERVICE, SQL, stop) as database:
        if database is None:
            return
        books = Rulebooks(database)
        await books.refresh()
        reading = Reading(database)
        awaiting = Awaiting(reading.has_recorded, settings.paper_patience)
        intake = Intake(
            registry,
            books,
            Recording(database, books, awaiting.tell),
            metrics,
            clock,
            grace=settings.registry_grace,
            patience=settings.registry_patience,
        )

        async def consume(session: Session) -> None:
            await registry.follow(session)
            await BatchConsumer(session, intake.handle, size=settings.batch, pace=_PACE).run([SCORING_QUEUE])

        room = Room(reading, awaiting, Rulebooks(database), registry.state, access, clock)
        app = build_app(
            "Yizhan scoring",
            endpoints(room),
            version=VERSION,
            metrics=metrics_registry,
            ready=lambda: bus.online,
        )
        async with serving(app, settings.host, settings.port), running("bus", bus.run(consume), stop):
            await stop.wait()
