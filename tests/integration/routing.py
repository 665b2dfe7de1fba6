"""The router alone, in this process, on a vhost of the real broker, and eyes on its queues."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiormq.abc import ChannelFrame
from pamqp import commands, frame

from proto import codec
from proto.addresses import REGISTRY_ADDRESS, ROUTER_CODE, routing_key
from proto.envelope import Envelope, unpack
from proto.messages import Message, Receipt, ReceiptEntry
from proto.topology import DELIVER, SUBMIT, inbox_of
from services.kit.crypto import MACHINE_COST
from services.kit.errors import UnavailableError
from services.kit.ids import new_id
from services.kit.session import Incoming, Session, open_session
from services.router.app import serve
from services.router.settings import RouterSettings
from tests.assets.properties import content_header
from tests.waiting import eventually
from tests.world import World

DEADLINE = 20.0  # seconds


async def publish_raw(url: str, exchange: str, key: str, body: bytes, fields: bytes) -> None:
    """Publish with property bytes that no library would write."""
    async with open_session(url, "raw") as session:
        wire = session._consuming  # the channel without confirms
        frames = frame.marshal(commands.Basic.Publish(exchange=exchange, routing_key=key), wire.number)
        for number, payload in ((2, content_header(len(body), fields)), (3, body)):
            frames += struct.pack(">BHI", number, wire.number, len(payload)) + payload + b"\xce"
        await wire.write_queue.put(ChannelFrame(payload=frames, should_close=False, drain_future=None))


class Box:
    """What a queue delivers, acknowledged as it comes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._news = asyncio.Condition()
        self.messages: list[Incoming] = []

    async def take(self, message: Incoming) -> None:
        await self._session.ack(message.delivery_tag)  # first: whoever waits may close the session
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()

    async def until(self, enough: Callable[[Self], Any], what: str) -> Any:
        """Wait for a condition over what has come."""
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: enough(self)), DEADLINE)
            except TimeoutError:
                raise AssertionError(f"not within {DEADLINE:.0f} s: {what}; came: {len(self.messages)}") from None
        return enough(self)

    def read(self) -> list[Message]:
        return [codec.decode(unpack(m.body)) for m in self.messages]

    def entries(self) -> list[ReceiptEntry]:
        return [entry for m in self.read() if isinstance(m, Receipt) for entry in m.entries]


class Bench:
    """A vhost with the world's registry in it; routers are started on it."""

    def __init__(self, world: World, session: Session, url: str, folder: Path, management: str) -> None:
        self.world = world
        self.session = session
        self.url = url
        self._folder = folder
        self._management = management

    def settings(self, **changes: Any) -> RouterSettings:
        key, passphrase, roots = (self._folder / name for name in ("router.pem", "passphrase", "root.json"))
        if not key.exists():
            key.write_bytes(self.world.node_keys[ROUTER_CODE].to_pem("secret", MACHINE_COST))
            passphrase.write_text("secret")
            roots.write_bytes(msgspec.json.encode(self.world.pinned))
        fields: dict[str, Any] = {
            "name": "router-under-test", "amqp_url": self.url, "database_url": "", "root_key_file": str(roots),
            "key_file": str(key), "key_passphrase_file": str(passphrase), "replayers": (),
        }  # fmt: skip
        return RouterSettings(**(fields | changes))

    @asynccontextmanager
    async def router(self, **changes: Any) -> AsyncIterator[None]:
        stop = asyncio.Event()
        work = asyncio.create_task(serve(self.settings(**changes), stop), name="router")
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(work, DEADLINE)

    @asynccontextmanager
    async def box(self, queue: str) -> AsyncIterator[Box]:
        async with open_session(self.url, "box", 500) as session:
            box = Box(session)
            await session.consume(queue, box.take)
            yield box

    def inbox(self, code: str) -> Any:
        return self.box(inbox_of(code))

    async def hand_in(self, message: Message, envelope: Envelope) -> None:
        """Publish as the origin's gateway would."""
        await self.session.publish(
            SUBMIT, routing_key(message.origin, message.kind()), envelope.packed(), message_id=str(message.id),
            kind=message.kind(),
        )  # fmt: skip

    async def announce(self, envelope: Envelope, kind: str) -> None:
        """Put a registry message into the stream, as a router has done."""
        await self.session.publish(
            DELIVER, f"{REGISTRY_ADDRESS}.{kind}", envelope.packed(), message_id=str(new_id()), kind=kind
        )

    async def fill(self, queue: str) -> None:
        """Bound a queue to very few messages and fill it until it refuses."""
        definition = {"pattern": f"^{queue.replace('.', chr(92) + '.')}$", "definition": {"max-length": 1}}
        await self.manage("PUT", f"policies/{{vhost}}/{queue}", definition | {"apply-to": "queues"})
        try:
            async with asyncio.timeout(DEADLINE):
                while True:
                    await self.session.publish("", queue, b"filler", message_id=str(new_id()))
        except UnavailableError:
            return

    async def free(self, queue: str) -> None:
        """Lift the bound."""
        await self.manage("DELETE", f"policies/{{vhost}}/{queue}")

    async def manage(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the broker's management API."""
        vhost = self.url.rpartition("/")[2]
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, f"{self._management}/api/{path.replace('{vhost}', vhost)}", json=body) as answer,
        ):
            assert answer.ok, await answer.text()
            return await answer.json() if method == "GET" else None

    async def until(self, look: Callable[[], Any], what: str) -> Any:
        """Look at the broker until something is so."""
        return await eventually(look, what, DEADLINE)


class Line:
    """A line to the broker that can be cut."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._ends: set[asyncio.StreamWriter] = set()
        self._said = bytearray()  # to the broker
        self._url = url
        self.url = ""

    async def acknowledged(self) -> bool:
        """Whether the last thing said to the broker is an acknowledgement, not a message (Basic.Ack 60 80, Publish 60 40)."""
        return self._said.rfind(b"\x00\x3c\x00\x50") > self._said.rfind(b"\x00\x3c\x00\x28")

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(*self._target)
        self._ends |= {writer, onward}
        await asyncio.gather(_pump(reader, onward, self._said), _pump(there, writer))
        self._ends -= {writer, onward}

    def at(self, port: int) -> None:
        self.url = self._url.replace(f":{self._target[1]}/", f":{port}/")

    def cut(self) -> None:
        """Drop every connection at once, without a goodbye."""
        for end in self._ends:
            end.transport.abort()


@asynccontextmanager
async def line_of(url: str) -> AsyncIterator[Line]:
    """Put a line that can be cut before the broker."""
    line = Line(url)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.at(server.sockets[0].getsockname()[1])
    try:
        yield line
    finally:
        line.cut()
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, copy: bytearray | None = None) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            if copy is not None:
                copy += data
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def bench_of(world: World, url: str, folder: Path, management: str) -> AsyncIterator[Bench]:
    """Return the bench, the registry announced."""
    async with open_session(url, "bench") as session:
        bench = Bench(world, session, url, folder, management)
        for envelope in world.registry():
            await bench.announce(envelope, codec.decode(envelope).kind())
        yield bench
