"""The router's only wiring."""

import asyncio
import os
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from services.kit import VERSION, log
from services.kit.bus import Bus, Session
from services.kit.crypto import PrivateKey
from services.kit.errors import KeyUnusableError, SettingsError
from services.kit.ids import Clock, NewId, new_id, utc_now
from services.kit.lifecycle import config_path, run, running
from services.kit.registry import Registry, pinned_roots
from services.kit.settings import load, secret, with_password
from services.kit.trust.state import TrustState
from services.kit.web.server import build_app, serving
from services.router.claims import ClaimChecker
from services.router.handlers import Routing
from services.router.metrics import RouterMetrics
from services.router.settings import RouterSettings

SERVICE: Final = "router"


def main() -> int:
    """Run the router until told to stop; return the exit code."""

    async def start(stop: asyncio.Event) -> None:
        settings = load(RouterSettings, SERVICE, config_path(), os.environ)
        log.configure(SERVICE, settings.log_level)
        await serve(settings, stop)

    return run(start)


async def serve(
    settings: RouterSettings, stop: asyncio.Event, *, clock: Clock = utc_now, make_id: NewId = new_id
) -> None:
    """Build everything and run until ``stop`` is set."""
    try:
        key = PrivateKey.from_pem(Path(settings.key_file).read_bytes(), secret(settings.key_passphrase_file))
    except (OSError, KeyUnusableError) as error:
        raise SettingsError(f"router key {settings.key_file}: {type(error).__name__}") from error
    metrics_registry = CollectorRegistry()
    metrics = RouterMetrics(metrics_registry)
    registry = Registry(TrustState(pinned_roots(settings.root_key_file)))
    checker = ClaimChecker(worker=settings.worker)
    await checker.hold([])  # the worker process is up before the first message waits for it
    bus = Bus(
        with_password(settings.amqp_url, settings.amqp_password_file), settings.name or SERVICE, settings.prefetch, stop
    )

    async def route(session: Session) -> None:
        await Routing(session, registry, checker, key, settings, metrics, clock, make_id).run()

    app = build_app("Yizhan router", [], version=VERSION, metrics=metrics_registry, ready=lambda: bus.online)
    async with serving(app, settings.host, settings.port), running("bus", bus.run(route), stop):
        await stop.wait()
