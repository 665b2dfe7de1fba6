"""The gateway's only wiring."""

import asyncio
import contextlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from proto.envelope import Envelope
from proto.errors import RefusedError
from proto.topology import inbox_of
from services.gateway.desk import DESK, Desk
from services.gateway.domain.throttle import Doorkeeper, Proxies
from services.gateway.handlers.arrivals import Arrivals, ReceiptWriter
from services.gateway.handlers.intake import catch_up
from services.gateway.handlers.relay import keep_relaying
from services.gateway.handlers.scores import Scores, asking_scores
from services.gateway.handlers.submit import Submitter
from services.gateway.metrics import GatewayMetrics
from services.gateway.secrets import Passwords
from services.gateway.settings import GatewaySettings
from services.gateway.store.accounts import Accounts
from services.gateway.store.inbox import Inbox
from services.gateway.store.intake import IntakeStore
from services.gateway.store.issues import IssueStore
from services.gateway.store.items import Items
from services.gateway.store.messages import Messages
from services.gateway.store.outbox import Outbox
from services.gateway.store.papers import Papers
from services.gateway.store.selections import Selections
from services.gateway.views import (
    adjustments,
    admin,
    appeals,
    auth,
    decisions,
    documents,
    forwards,
    held,
    imports,
    inbox,
    intake,
    issue_documents,
    issue_final,
    issue_items,
    issues,
    items,
    key_points,
    papers,
    queries,
    selections,
    series,
    steps,
)
from services.kit import VERSION, log
from services.kit.batch import PacedSignal
from services.kit.bus import Bus, Session
from services.kit.consumer import BatchConsumer, reject
from services.kit.crypto import PrivateKey
from services.kit.db import Database, await_database
from services.kit.errors import KeyUnusableError, SettingsError, TransientError
from services.kit.ids import Clock, NewId, new_id, utc_now
from services.kit.lifecycle import config_path, run, running
from services.kit.registry import Registry, pinned_roots
from services.kit.settings import load, secret, with_password
from services.kit.tasks import TaskScope
from services.kit.trust.state import TrustState
from services.kit.web.access import Access
from services.kit.web.api import Endpoint
from services.kit.web.server import build_app, serving

SERVICE: Final = "gateway"
ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *auth.ENDPOINTS, *items.ENDPOINTS, *steps.ENDPOINTS, *imports.ENDPOINTS, *inbox.ENDPOINTS, *decisions.ENDPOINTS, *held.ENDPOINTS, *admin.ENDPOINTS, *forwards.ENDPOINTS,
    *selections.ENDPOINTS, *queries.ENDPOINTS, *papers.ENDPOINTS, *documents.ENDPOINTS, *adjustments.ENDPOINTS, *appeals.ENDPOINTS, *key_points.ENDPOINTS,
    *intake.ENDPOINTS, *series.ENDPOINTS, *issues.ENDPOINTS, *issue_final.ENDPOINTS, *issue_items.ENDPOINTS, *issue_documents.ENDPOINTS,
)  # fmt: skip
_LEAST_PREFETCH: Final = 20
_RECOUNT: Final = 5.0  # seconds
_log: Final = structlog.get_logger()


def main() -> int:
    """Run the gateway until told to stop; return the exit code."""

    async def start(stop: asyncio.Event) -> None:
        settings = load(GatewaySettings, SERVICE, config_path(), os.environ)
        log.configure(SERVICE, settings.log_level)
        await serve(settings, stop)

    return run(start)


async def serve(
    settings: GatewaySettings, stop: asyncio.Event, *, clock: Clock = utc_now, make_id: NewId = new_id
) -> None:
    """Build everything and run until ``stop`` is set."""
    keys = unlock_keys(settings)
    url = with_password(settings.database_url, settings.database_password_file)
    async with (
        asking_scores(settings.scoring_url, settings.scoring_token_file) as scores,
        await_database(url, SERVICE, Path(__file__).parent / "sql", stop, size=8) as db,
    ):
        if db is None:
            return
        metrics = CollectorRegistry()
        desk = await _furnish(settings, db, scores, keys, stop, clock, make_id, GatewayMetrics(metrics))
        desk.metrics.watch(waiting=lambda: desk.outbox.total, online=lambda: float(desk.bus.online))
        app = build_app("Yizhan gateway", ENDPOINTS, version=VERSION, metrics=metrics, ready=lambda: True)
        app[DESK] = desk
        try:
            async with (
                running("outbox-count", _keep_count(desk.outbox, stop), stop),
                running("intake", catch_up(desk.intake, settings.nodes, stop), stop),
                running("receipts", desk.receipts.run(stop), stop),
                running("bus", desk.bus.run(lambda session: _on_the_line(desk, session)), stop),
                serving(app, settings.host, settings.port),
            ):
                await stop.wait()
        finally:
            desk.passwords.close()


def unlock_keys(settings: GatewaySettings) -> dict[str, PrivateKey]:
    """Return the hosted units' keys."""
    passphrase = secret(settings.key_passphrase_file)

    def unlock(code: str) -> PrivateKey:
        path = Path(settings.keys_dir) / f"{code}.pem"
        try:
            return PrivateKey.from_pem(path.read_bytes(), passphrase)
        except (OSError, KeyUnusableError) as error:
            raise SettingsError(f"key of {code} ({path}): {type(error).__name__}") from error

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(settings.nodes, pool.map(unlock, settings.nodes), strict=True))


async def _furnish(
    settings: GatewaySettings,
    db: Database,
    scores: Scores,
    keys: dict[str, PrivateKey],
    stop: asyncio.Event,
    clock: Clock,
    make_id: NewId,
    metrics: GatewayMetrics,
) -> Desk:
    accounts = Accounts(db)
    registry = Registry(_replayed(settings, await accounts.registry()), accounts.remember)
    outbox = Outbox(db, settings.nodes, settings.outbox_limit)
    await outbox.load()
    due = PacedSignal(settings.receipt_interval)
    return Desk(
        settings=settings,
        db=db,
        items=Items(db),
        inbox=Inbox(db),
        messages=Messages(db),
        intake=IntakeStore(db),
        issues=IssueStore(db),
        accounts=accounts,
        selections=Selections(db),
        papers=Papers(db),
        scores=scores,
        outbox=outbox,
        submitter=Submitter(db, outbox, registry.state, keys, clock, make_id),
        receipts=ReceiptWriter(db, outbox, registry.state, keys, clock, make_id, due),
        receipts_due=due,
        registry=registry,
        keys=keys,
        passwords=Passwords(settings.password_workers),
        doorkeeper=Doorkeeper(),
        proxies=_proxies(settings),
        metrics=metrics,
        access=Access.from_file(settings.access_file),
        bus=Bus(
            with_password(settings.amqp_url, settings.amqp_password_file),
            settings.name or SERVICE,
            max(_LEAST_PREFETCH, settings.prefetch // len(settings.nodes)),  # the broker counts for each inbox
            stop,
        ),
        clock=clock,
        new_id=make_id,
    )


def _proxies(settings: GatewaySettings) -> Proxies:
    try:
        return Proxies(settings.trusted_proxies)
    except ValueError as error:
        raise SettingsError(f"settings of {SERVICE}: trusted_proxies: {error}") from error


def _replayed(settings: GatewaySettings, remembered: Iterable[Envelope]) -> TrustState:
    """Rebuild the trust state from what was remembered, so that the node works before the line is up."""
    state = TrustState(pinned_roots(settings.root_key_file))
    for envelope in remembered:
        try:
            state.apply(envelope)
        except RefusedError as error:
            _log.warning("remembered_registry_skipped", reason=error.reason.value)
    return state


async def _on_the_line(desk: Desk, session: Session) -> None:
    """Work of one session: follow the registry, relay the outbox, take in what arrives."""
    await desk.registry.follow(session)
    arrivals = Arrivals(desk.db, desk.clock, desk.receipts_due, desk.metrics)
    consumer = BatchConsumer(session, arrivals.handle, size=desk.settings.batch, park=reject)
    async with TaskScope() as scope:
        scope.spawn(keep_relaying(session, desk.db, desk.outbox, desk.settings.inflight), "relay")
        scope.spawn(consumer.run([inbox_of(code) for code in desk.keys]), "inbox")
        await scope.until(session.stopping)
        await scope.all_done()


async def _keep_count(outbox: Outbox, stop: asyncio.Event) -> None:
    """Count the outbox anew now and then: other processes of this gateway fill and empty it too."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _RECOUNT)
        with contextlib.suppress(TransientError):
            await outbox.load()
