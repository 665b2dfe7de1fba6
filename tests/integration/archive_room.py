"""An archive running on real servers, with hands to publish to it and to read from it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import aiohttp
import asyncpg
import msgspec

from proto.addresses import REGISTRY_ADDRESS, routing_key
from proto.envelope import Envelope, digest_of
from proto.messages import Message, Outcome, ReceiptEntry
from proto.topology import DELIVER, REFUSED
from services.archive.app import serve
from services.archive.settings import ArchiveSettings
from services.kit.bus import Session, open_session
from services.kit.ids import utc_now
from tests.waiting import eventually
from tests.world import PROVINCE, World

DEADLINE = 20.0  # seconds
OPERATOR = "operator-token"


def settings_for(folder: Path, world: World, amqp_url: str, database_url: str, **changes: Any) -> ArchiveSettings:
    """Write what the archive reads from files and return its settings. The token of a unit is its code."""
    tokens = {digest_of(OPERATOR.encode()): ["*"]} | {digest_of(code.encode()): [code] for code in world.units}
    (folder / "access.json").write_text(json.dumps(tokens))
    (folder / "roots.json").write_bytes(msgspec.json.encode(world.pinned))
    return ArchiveSettings(
        amqp_url=amqp_url,
        database_url=database_url,
        root_key_file=str(folder / "roots.json"),
        access_file=str(folder / "access.json"),
        **changes,
    )


class Room:
    """A running archive."""

    def __init__(self, world: World, bus: Session, database: Any, http: aiohttp.ClientSession, port: int) -> None:
        self.world = world
        self.bus = bus
        self.database = database  # asyncpg connection
        self.http = http
        self.base = f"http://127.0.0.1:{port}"

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ArchiveSettings, world: World) -> AsyncIterator[Self]:
        """Run an archive for the length of the block; its own failure is raised at the end."""
        stop = asyncio.Event()
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with (
            open_session(settings.amqp_url, "test") as bus,
            aiohttp.ClientSession() as http,
        ):
            for envelope in world.registry():
                await publish_registry(bus, envelope)
            running = asyncio.create_task(serve(settings, stop, listening=port.set_result), name="archive")
            try:
                await asyncio.wait([running, port], return_when=asyncio.FIRST_COMPLETED, timeout=DEADLINE)
                if running.done():
                    running.result()
                database = await asyncpg.connect(
                    settings.database_url, server_settings={"search_path": "archive"}, timeout=DEADLINE
                )
                room = cls(world, bus, database, http, port.result())
                try:
                    await eventually(room.ready, "a ready archive")
                    await eventually(lambda: room.has(*(e for e in world.registry())), "the registry")
                    yield room
                finally:
                    await database.close()
            finally:
                stop.set()
                await asyncio.wait_for(running, DEADLINE)

    async def ready(self) -> bool:
        """Tell whether the archive says that it is ready."""
        async with self.http.get(f"{self.base}/readyz") as answer:
            return answer.status == 200

    async def deliver(self, message: Message, envelope: Envelope) -> None:
        """Publish as the router does once it has accepted a message."""
        keys = [routing_key(code, message.kind()) for code in message.to]
        await self.bus.publish(
            DELIVER, keys[0], envelope.packed(), message_id=str(uuid4()), kind=message.kind(), cc=keys[1:]
        )

    async def refuse(self, body: bytes, key: str = "") -> None:
        """Publish as the router does once it has refused something."""
        await self.bus.publish(REFUSED, key, body, message_id=str(uuid4()))

    async def send(self, *sent: tuple[Message, Envelope]) -> None:
        """Deliver messages and wait until they are stored."""
        for message, envelope in sent:
            await self.deliver(message, envelope)
        await eventually(lambda: self.has(*(envelope for _, envelope in sent)), "all that was sent")

    async def has(self, *envelopes: Envelope) -> bool:
        """Tell whether these very bytes are stored."""
        digests = {bytes.fromhex(digest_of(e.packed())) for e in envelopes}
        rows = await self.database.fetch("SELECT digest FROM message WHERE digest = ANY($1::bytea[])", list(digests))
        return len(rows) == len(digests)

    async def has_refused(self, count: int) -> bool:
        """Tell whether so many refused messages are stored."""
        return bool(await self.database.fetchval("SELECT count(*) = $1 FROM refused", count))

    async def get(self, path: str, token: str = OPERATOR, *, status: int = 200, **params: Any) -> Any:
        """Return the JSON answer to a GET with a token."""
        asked = {name.rstrip("_"): str(value) for name, value in params.items()}
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.get(f"{self.base}{path}", params=asked, headers=headers) as answer:
            body = await answer.json(content_type=None)
            assert answer.status == status, body
            return body

    async def search(self, q: str = "", reader: str = PROVINCE, **params: Any) -> Any:
        """Search as a reader."""
        return await self.get("/api/v1/search", reader, reader=reader, q=q, **params)

    async def ids(self, q: str = "", reader: str = PROVINCE, **params: Any) -> list[str]:
        """Return the ids of the hits, checking the total."""
        answer = await self.search(q, reader, **params)
        assert answer["total"] == len(answer["hits"])
        return [hit["id"] for hit in answer["hits"]]


async def publish_registry(bus: Session, envelope: Envelope) -> None:
    """Publish a directory or roster as the router does."""
    kind = "directory" if ".directory." in envelope.payload_type else "roster"
    await bus.publish(DELIVER, f"{REGISTRY_ADDRESS}.{kind}", envelope.packed(), message_id=str(uuid4()), kind=kind)


def entry(message: Message, envelope: Envelope, outcome: Outcome, reason: str = "") -> ReceiptEntry:
    """Return what a receipt says of a message, by the digest of its bytes as they travelled."""
    digest = digest_of(envelope.packed())
    return ReceiptEntry(message=message.id, digest=digest, outcome=outcome, at=utc_now(), reason=reason)
