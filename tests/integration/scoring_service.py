"""A real scoring service to test with: its settings on disk, its own port, and a publisher in the router's place."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp
import asyncpg
import msgspec

from proto.addresses import REGISTRY_ADDRESS, routing_key
from proto.envelope import Envelope, digest_of, kind_of
from proto.messages import DecidedItem, Decision, Report
from proto.topology import DELIVER
from services.kit.bus import Session, open_session
from services.scoring.app import serve
from services.scoring.settings import ScoringSettings
from tests.conftest import free_ports
from tests.waiting import eventually
from tests.world import KUNSHAN, PROVINCE, SUZHOU, World

T = TypeVar("T")
RULES = Path(__file__).parents[2] / "deploy/sample/rules/default.toml"
DEADLINE = 20.0  # seconds
OPERATOR = "operator-token"
TOKENS = {OPERATOR: ["*"], "province": [PROVINCE], "suzhou": [SUZHOU], "kunshan": [KUNSHAN]}


class Scoring:
    """The service as others see it."""

    def __init__(self, port: int, session: Session, database_url: str, http: aiohttp.ClientSession) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self._session = session
        self._database_url = database_url
        self._http = http

    async def deliver(self, *sealed: tuple[Decision, Envelope]) -> None:
        """Put decisions on the bus as the router does."""
        for decision, envelope in sealed:
            await self.put(envelope.packed(), routing_key(decision.to[0], "decision"))

    async def put(self, body: bytes, key: str) -> None:
        await self._session.publish(DELIVER, key, body, message_id=str(uuid4()))

    async def publish_registry(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            await self.put(envelope.packed(), f"{REGISTRY_ADDRESS}.{kind_of(envelope.payload_type)}")

    async def get(self, path: str, token: str = OPERATOR, **query: str) -> Any:
        """Return the answer's status and JSON."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._http.get(self.base + path, params=query, headers=headers) as answer:
            body = await answer.read()
            return answer.status, msgspec.json.decode(body) if "json" in answer.content_type else body.decode()

    async def stats(self) -> dict[str, Any]:
        status, totals = await self.get("/api/v1/stats")
        return dict(totals) if status == 200 else {"status": status}

    async def settled(self, **wanted: Any) -> dict[str, Any]:
        """Wait until the totals are as wanted."""
        return await eventually(
            self.stats, "the totals", wanted=lambda seen: all(seen.get(key) == value for key, value in wanted.items())
        )

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the database itself."""
        connection = await asyncpg.connect(self._database_url, server_settings={"search_path": "scoring"})
        try:
            return [dict(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


def settings_for(folder: Path, amqp_url: str, database_url: str, world: World, **changes: Any) -> ScoringSettings:
    """Write the files that the service is told of, and return its settings."""
    folder.mkdir(exist_ok=True)
    (folder / "root.json").write_bytes(msgspec.json.encode(world.pinned))
    (folder / "access.json").write_bytes(
        msgspec.json.encode({digest_of(token.encode()): nodes for token, nodes in TOKENS.items()})
    )
    rules = folder / "rules"
    if not rules.exists():
        rules.mkdir()
        (rules / "default.toml").write_text(RULES.read_text(encoding="utf-8"), encoding="utf-8")
    (port,) = free_ports(1)
    fields: dict[str, Any] = {
        "port": port,
        "amqp_url": amqp_url,
        "database_url": database_url,
        "root_key_file": str(folder / "root.json"),
        "access_file": str(folder / "access.json"),
        "rules_dir": str(rules),
        "registry_grace": 0.2,
        "registry_patience": 0.6,
    }
    return ScoringSettings(**(fields | changes))


@asynccontextmanager
async def scoring_service(settings: ScoringSettings, world: World, *, registry: bool = True) -> AsyncIterator[Scoring]:
    """Run the service for the length of the block; stopped by its own draining."""
    stop = asyncio.Event()
    async with open_session(settings.amqp_url, "test") as session, aiohttp.ClientSession() as http:
        scoring = Scoring(settings.port, session, settings.database_url, http)
        if registry:
            await scoring.publish_registry(world.registry())
        task = asyncio.create_task(serve(settings, stop), name="scoring")

        async def up() -> bool:
            if task.done():
                task.result()
            try:
                return (await scoring.get("/readyz" if registry else "/healthz"))[0] == 200
            except aiohttp.ClientError:
                return False

        try:
            await eventually(up, "the service")
            yield scoring
        finally:
            stop.set()
            await asyncio.wait_for(task, DEADLINE)


def share_of(part: str, report: Report) -> DecidedItem:
    """Return a report as an item of a merged decision."""
    return DecidedItem(report=report.id, origin=report.origin, share=Decimal(part))


def shuffled(items: Sequence[T], seed: int) -> list[T]:
    """Return the items in an order that the seed decides, some of them twice."""
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    again = [*items, *order.sample(items, len(items) // 2)]
    order.shuffle(again)
    return again
