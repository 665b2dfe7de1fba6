"""A real scoring service to test with: its settings on disk, its own port, and a publisher in the router's place."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp
import asyncpg
import msgspec

from proto import codec
from proto.addresses import REGISTRY_ADDRESS, routing_key
from proto.envelope import Envelope, digest_of, kind_of
from proto.messages import (
    Action,
    Bulletin,
    BulletinContent,
    DecidedItem,
    Designation,
    DesignationContent,
    Message,
    Report,
    Role,
    Rules,
    Verdict,
)
from proto.topology import DELIVER, SCORED_REPORTS, is_scored
from services.kit.bus import Session, open_session
from services.kit.ids import Clock, utc_now
from services.scoring.app import serve
from services.scoring.settings import ScoringSettings
from tests.conftest import free_ports
from tests.waiting import eventually
from tests.world import HUBS, KUNSHAN, PROVINCE, SUZHOU, World

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

    async def deliver(self, *sealed: tuple[Message, Envelope]) -> None:
        """Put messages on the bus as the router does."""
        for message, envelope in sealed:
            counts = isinstance(message, Report) and is_scored(message, codec.decode_content(message.content))
            await self.put(envelope.packed(), SCORED_REPORTS if counts else routing_key(message.to[0], message.kind()))

    async def put(self, body: bytes, key: str) -> None:
        await self._session.publish(DELIVER, key, body, message_id=str(uuid4()))

    async def publish_registry(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            await self.put(envelope.packed(), f"{REGISTRY_ADDRESS}.{kind_of(envelope.payload_type)}")

    async def get(self, path: str, token: str = OPERATOR, **query: str) -> Any:
        """Return the answer's status and JSON."""
        return await self._ask("GET", path, token, params=query)

    async def post(self, path: str, body: Any, token: str = OPERATOR) -> Any:
        """Send JSON; return the answer's status and JSON."""
        return await self._ask("POST", path, token, data=msgspec.json.encode(body))

    async def good(self, path: str, token: str = OPERATOR, **query: str) -> Any:
        """Return the JSON of what must succeed."""
        status, answer = await self.get(path, token, **query)
        assert status == 200, answer
        return answer

    async def _ask(self, method: str, path: str, token: str, **what: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._http.request(method, self.base + path, headers=headers, **what) as answer:
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
    (port,) = free_ports(1)
    fields: dict[str, Any] = {
        "port": port,
        "amqp_url": amqp_url,
        "database_url": database_url,
        "root_key_file": str(folder / "root.json"),
        "access_file": str(folder / "access.json"),
        "registry_grace": 0.2,
        "registry_patience": 0.6,
        "paper_patience": 3 * DEADLINE,
    }
    return ScoringSettings(**(fields | changes))


@asynccontextmanager
async def scoring_service(
    settings: ScoringSettings, world: World, *, registry: bool = True, rules: bool = True, clock: Clock = utc_now
) -> AsyncIterator[Scoring]:
    """Run the service for the length of the block; stopped by its own draining. Every hub scores by the default rules."""
    stop = asyncio.Event()
    async with open_session(settings.amqp_url, "test") as session, aiohttp.ClientSession() as http:
        scoring = Scoring(settings.port, session, settings.database_url, http)
        if registry:
            await scoring.publish_registry(world.registry())
        task = asyncio.create_task(serve(settings, stop, clock=clock), name="scoring")

        async def up() -> bool:
            if task.done():
                task.result()
            try:
                return (await scoring.get("/readyz" if registry else "/healthz"))[0] == 200
            except aiohttp.ClientError:
                return False

        try:
            await eventually(up, "the service")
            if rules:
                await scoring.deliver(*(rules_of(world, hub) for hub in HUBS))
            if rules and registry:
                await eventually(scoring.stats, "the rules", wanted=lambda seen: seen.get("rules", 0) >= len(HUBS))
            yield scoring
        finally:
            stop.set()
            await asyncio.wait_for(task, DEADLINE)


def rules_of(world: World, hub: str, text: str = "", **approval: Any) -> tuple[Rules, Envelope]:
    """Return a hub's rules, the default ones where no text is given, approved by its lead."""
    fields = _approved(world, hub, text or RULES.read_text(encoding="utf-8"), approval)
    message = Rules(**fields)
    return message, world.seal(message, hub)


def bulletin_of(world: World, hub: str, content: Any, **approval: Any) -> tuple[Bulletin, Envelope]:
    """Return a bulletin of what a draft says, approved by the hub's lead."""
    text = codec.encode(msgspec.convert(content, BulletinContent)).decode()
    fields = _approved(world, hub, text, approval)
    message = Bulletin(**fields)
    return message, world.seal(message, hub)


def designation_of(
    world: World, hub: str, content: DesignationContent, **approval: Any
) -> tuple[Designation, Envelope]:
    """Return a decision on a direct-report point, approved by the hub's lead."""
    fields = _approved(world, hub, codec.encode(content).decode(), approval)
    message = Designation(**fields)
    return message, world.seal(message, hub)


def _approved(world: World, hub: str, text: str, given: dict[str, Any]) -> dict[str, Any]:
    at = given.get("sent_at", world.now)
    person, role = given.get("person", "lead"), given.get("role", Role.OFFICE_LEAD)
    approval = world.sign_off(hub, text, person, role, Action.APPROVED, at=at)
    to = tuple(code for code in world.units if hub in world.state.hubs_of(code)) or (PROVINCE,)
    return {
        "id": world.new_id(), "origin": hub, "to": to, "sent_at": at, "content": text, "approvals": (approval,),
    }  # fmt: skip


def share_of(part: str, report: Report) -> DecidedItem:
    """Return a report as an item of a merged decision."""
    return DecidedItem(report=report.id, origin=report.origin, share=Decimal(part))


def shuffled(items: Sequence[T], seed: int) -> list[T]:
    """Return the items in an order that the seed decides, some of them twice."""
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    again = [*items, *order.sample(items, len(items) // 2)]
    order.shuffle(again)
    return again


class Time:
    """The service's clock, which the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def adopted(world: World, unit: str, at: datetime, series: str = "daily", hub: str = PROVINCE) -> tuple[Any, Any]:
    return world.decision(hub, [world.report(unit)[0]], verdict=Verdict.ADOPTED, publication=(series, "1"), sent_at=at)


def line_of(answer: Any, unit: str) -> dict[str, Any]:
    (line,) = [each for each in answer["lines"] if each["unit"] == unit]
    return dict(line)


def day(month: int, number: int = 10) -> datetime:
    return datetime(2026, month, number, 1, tzinfo=UTC)
