"""The archive's only wiring."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from proto.topology import ARCHIVE_QUEUE
from services.archive.handlers.intake import Intake
from services.archive.metrics import ArchiveMetrics
from services.archive.settings import ArchiveSettings
from services.archive.store.search import Searcher
from services.archive.store.stats import StatsReader
from services.archive.store.trail import TrailReader
from services.archive.store.write import Writer
from services.archive.views.messages import MessageViews
from services.archive.views.search import SearchView
from services.archive.views.stats import StatsViews
from services.kit import VERSION, log
from services.kit.bus import Bus, Session
from services.kit.consumer import BatchConsumer
from services.kit.db import Database, await_database
from services.kit.ids import Clock, utc_now
from services.kit.lifecycle import config_path, run, running
from services.kit.registry import Registry, pinned_roots
from services.kit.settings import load, with_password
from services.kit.trust.state import TrustState
from services.kit.web.access import Access
from services.kit.web.server import build_app, serving

SERVICE: Final = "archive"
_SQL: Final = Path(__file__).with_name("sql")

_log: Final = structlog.get_logger()


def main() -> int:
    """Run the archive until told to stop; return the exit code."""

    async def start(stop: asyncio.Event) -> None:
        settings = load(ArchiveSettings, SERVICE, config_path(), os.environ)
        log.configure(SERVICE, settings.log_level)
        await serve(settings, stop)

    return run(start)


async def serve(
    settings: ArchiveSettings,
    stop: asyncio.Event,
    *,
    clock: Clock = utc_now,
    listening: Callable[[int], None] = lambda _: None,
) -> None:
    """Build everything and run until ``stop`` is set; ``listening`` is told the HTTP port."""
    access = Access.from_file(settings.access_file)
    registry = Registry(TrustState(pinned_roots(settings.root_key_file)))
    numbers = CollectorRegistry()
    metrics = ArchiveMetrics(numbers)
    amqp_url = with_password(settings.amqp_url, settings.amqp_password_file)
    bus = Bus(amqp_url, settings.name or SERVICE, settings.prefetch, stop)
    database_url = with_password(settings.database_url, settings.database_password_file)
    async with await_database(database_url, SERVICE, _SQL, stop, size=settings.connections) as database:
        if database is None:
            return
        intake = Intake(Writer(database), metrics, clock)

        async def consume(session: Session) -> None:
            await registry.follow(session)
            await BatchConsumer(session, intake.handle, size=settings.batch).run([ARCHIVE_QUEUE])

        app = _web(settings, database, registry, access, numbers, lambda: bus.online)
        async with (
            serving(app, settings.host, settings.port) as port,
            running("bus", bus.run(consume), stop),
        ):
            _log.info("listening", host=settings.host, port=port)
            listening(port)
            await stop.wait()


def _web(
    settings: ArchiveSettings,
    database: Database,
    registry: Registry,
    access: Access,
    numbers: CollectorRegistry,
    ready: Callable[[], bool],
) -> web.Application:
    searcher = Searcher(database, seconds=settings.search_seconds, at_once=settings.connections - 2)
    endpoints = [
        *SearchView(searcher, access).endpoints(),
        *MessageViews(TrailReader(database), registry.state, access).endpoints(),
        *StatsViews(StatsReader(database), access).endpoints(),
    ]
    return build_app("Yizhan archive", endpoints, version=VERSION, metrics=numbers, ready=ready)
