"""A real gateway to test with: its own settings, port, broker and database, a clock that can be moved, and its staff."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import msgspec

from proto.addresses import REGISTRY_ADDRESS, routing_key
from proto.envelope import Envelope, digest_of, kind_of
from proto.messages import Message, Outcome, ReceiptEntry
from proto.topology import DELIVER
from services.gateway.app import serve
from services.gateway.secrets import HASHER
from services.gateway.settings import GatewaySettings
from services.gateway.store.accounts import Account
from services.kit.bus import Session, open_session
from services.kit.crypto import MACHINE_COST
from services.kit.ids import new_id, utc_now
from services.kit.web.access import ALL
from tests.conftest import free_ports
from tests.waiting import eventually
from tests.world import LEAD_SIGNS, World

DEADLINE = 20.0  # seconds
PASSWORD = "passphrase"
OPERATOR = "operator-token"


class Answer(msgspec.Struct):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any  # decoded JSON

    @property
    def said(self) -> tuple[int, str]:
        """Status and code of a problem."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self
        return self.status, str(self.body["code"])


class Gateway:
    """The service as others see it."""

    def __init__(self, world: World, http: aiohttp.ClientSession, session: Session, port: int) -> None:
        self.world = world
        self.port = port
        self.database: Any = None  # asyncpg connection
        self.later = timedelta(0)  # how far the gateway's clock runs ahead
        self._http = http
        self._session = session
        self._tokens: dict[tuple[str, str], str] = {}

    def clock(self) -> datetime:
        """The gateway's time."""
        return utc_now() + self.later

    async def send(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Answer:
        """Send one request; bytes, whole or in pieces, as they are, anything else as JSON."""
        data = body if body is None or isinstance(body, bytes | AsyncIterator) else msgspec.json.encode(body)
        sent = headers | ({"Authorization": f"Bearer {token}"} if token else {})
        async with self._http.request(method, path, data=data, headers=sent) as answer:
            raw = await answer.read()
            return Answer(answer.status, dict(answer.headers), msgspec.json.decode(raw) if raw else None)

    async def sign_in(self, node: str, person: str, password: str = PASSWORD, *, at: str = "") -> Answer:
        """Try to sign in, through a proxy from an address."""
        headers = {"X-Forwarded-For": at} if at else {}
        body = {"node": node, "person": person, "password": password}
        return await self.send("POST", "/api/v1/sessions", body, **headers)

    async def call(self, node: str, person: str, method: str, path: str, body: Any = None) -> Answer:
        """Call under ``/api/v1/nodes/<node>`` as one of its staff."""
        if (node, person) not in self._tokens:
            self._tokens[node, person] = (await self.sign_in(node, person)).body["token"]
        return await self.send(method, f"/api/v1/nodes/{node}{path}", body, token=self._tokens[node, person])

    async def operator(self, method: str, path: str, body: Any = None) -> Answer:
        """Call as the operator."""
        return await self.send(method, path, body, token=OPERATOR)

    async def metric(self, name: str) -> float:
        """Return what a metric counts."""
        async with self._http.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))

    async def report(self, node: str, **changes: Any) -> tuple[UUID, str]:
        """Hand in a signed-off report; return its message id and the digest of the bytes that travel."""
        answer = await self.hand_in(node, **changes)
        assert answer.status == 201, answer
        message = UUID(answer.body["message"])
        return message, await self.database.fetchval("SELECT digest FROM sent WHERE id = $1", message)

    async def hand_in(self, node: str, item: UUID | None = None, **changes: Any) -> Answer:
        """Hand in a signed-off report."""
        content = self.world.content(**changes)
        signs = [msgspec.Raw(self.world.sign_off(node, content, *who).json()) for who in LEAD_SIGNS]
        return await self.call(
            node, "officer", "POST", "/reports", {"content": content, "sign_offs": signs, "id": item}
        )

    async def deliver(self, code: str, message: Message, envelope: Envelope) -> None:
        """Put a message into a unit's inbox as the router does."""
        await self._session.publish(
            DELIVER, routing_key(code, message.kind()), envelope.packed(), message_id=str(new_id()), kind=message.kind()
        )

    async def received(self, code: str, *ids: UUID) -> None:
        """Wait until messages are stored in an inbox."""
        query = "SELECT count(*) FROM inbox WHERE node = $1 AND id = ANY($2)"
        await eventually(
            lambda: self.database.fetchval(query, code, list(ids)), "arrivals", DEADLINE, wanted=lambda n: n == len(ids)
        )

    async def publish_registry(self) -> None:
        for envelope in self.world.registry():
            kind = kind_of(envelope.payload_type)
            await self._session.publish(
                DELIVER, f"{REGISTRY_ADDRESS}.{kind}", envelope.packed(), message_id=str(new_id()), kind=kind
            )


def entry(message: UUID | None, digest: str, outcome: Outcome = Outcome.ACCEPTED, reason: str = "") -> ReceiptEntry:
    """Return what a receipt says of some bytes."""
    return ReceiptEntry(message=message, digest=digest, outcome=outcome, at=utc_now(), reason=reason)


@asynccontextmanager
async def gateway_service(
    folder: Path, world: World, nodes: Sequence[str], amqp_url: str, database_url: str, **changes: Any
) -> AsyncIterator[Gateway]:
    """Run a gateway of these units for the length of the block; every member of their staff has an account."""
    (folder / "keys").mkdir()
    for code in nodes:
        (folder / "keys" / f"{code}.pem").write_bytes(world.node_keys[code].to_pem("secret", MACHINE_COST))
    (folder / "passphrase").write_text("secret")
    (folder / "root.json").write_bytes(msgspec.json.encode(world.pinned))
    (folder / "access.json").write_bytes(msgspec.json.encode({digest_of(OPERATOR.encode()): [ALL]}))
    (port,) = free_ports(1)
    fields: dict[str, Any] = {
        "port": port, "amqp_url": amqp_url, "database_url": database_url, "nodes": tuple(nodes),
        "root_key_file": str(folder / "root.json"), "keys_dir": str(folder / "keys"),
        "key_passphrase_file": str(folder / "passphrase"), "access_file": str(folder / "access.json"),
        "receipt_interval": 0.1,
    }  # fmt: skip
    stop = asyncio.Event()
    async with (
        open_session(amqp_url, "test") as session,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        gateway = Gateway(world, http, session, port)
        await gateway.publish_registry()
        work = asyncio.create_task(
            serve(GatewaySettings(**(fields | changes)), stop, clock=gateway.clock), name="gateway"
        )
        try:
            await eventually(lambda: _enrolled(gateway, work), "an enrolled gateway", DEADLINE)
            gateway.database = await asyncpg.connect(database_url, server_settings={"search_path": "gateway"})
            password_hash = HASHER.hash(PASSWORD)
            accounts = [
                Account(
                    node=code, person=person, password_hash=password_hash, key_pem=key.to_pem(PASSWORD, MACHINE_COST)
                )
                for (code, person), key in world.staff_keys.items()
                if code in nodes
            ]
            assert (await gateway.operator("PUT", "/api/v1/accounts", accounts)).status == 204
            yield gateway
            await gateway.database.close()
        finally:
            stop.set()
            await asyncio.wait_for(work, DEADLINE)


async def _enrolled(gateway: Gateway, work: asyncio.Task[None]) -> bool:
    if work.done():
        work.result()
    answer = await gateway.operator("GET", "/api/v1/nodes")
    return answer.status == 200 and all(node["enrolled"] for node in answer.body)
