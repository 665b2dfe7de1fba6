"""A small real network for acceptance and chaos tests: four processes, RabbitMQ, PostgreSQL; seen from outside only.

The same parts as ``yizhan up`` uses, with fewer units. ``Network.start`` takes some seconds, so acceptance tests share
one; chaos tests, which break it, start their own.
"""

import asyncio
import os
import random
import secrets
import shutil
import signal
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from deploy.embedded.errors import PortTakenError
from deploy.embedded.ports import Ports
from deploy.embedded.postgres import PrivatePostgres
from deploy.embedded.program import Happening, Limits, ProgramEvent
from deploy.embedded.rabbitmq import PrivateRabbit
from deploy.embedded.supervisor import Supervisor
from proto.envelope import Envelope, digest_of
from proto.messages import Action, Role
from services.cli.network.making import admit_gateway, make_network
from services.cli.network.sample.client import People
from services.cli.network.sample.enrolment import enrol, trust_of
from services.cli.network.sample.rules import publish_rules
from services.cli.network.servers import furnish
from services.cli.network.units import Unit, read_units
from services.cli.place import Place
from services.cli.up import programs
from services.kit.crypto import PrivateKey, write_secret
from services.kit.settings import secret
from services.kit.trust.enrol import sign_off
from services.kit.trust.state import TrustState
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.waiting import eventually

CODES = (PROVINCE, SUZHOU, WUXI, KUNSHAN, ZHANGJIAGANG, JIANGYIN, REFORM, FARMING, BEIJING)


class Network:
    """A running network and what a test may do with it."""

    def __init__(self, place: Place, units: list[Unit]) -> None:
        self.place = place
        self.units = units
        self.state = TrustState(())
        self.events: list[ProgramEvent] = []
        self.postgres = PrivatePostgres(place.var, place.ports.postgres)
        self.rabbit = PrivateRabbit(
            place.var, place.ports.amqp, place.ports.management, place.ports.dist, place.ports.epmd
        )
        self.people: People
        self.tokens = {unit.code: secrets.token_urlsafe(24) for unit in units}  # for each unit's own tools
        self._stack = AsyncExitStack()
        self._services = AsyncExitStack()
        self._keys: dict[str, PrivateKey] = {}

    @classmethod
    async def start(cls, codes: tuple[str, ...] = CODES) -> "Network":
        """Make and start a network of some units of the data file; end it with ``stop``."""
        var = Path(tempfile.mkdtemp(prefix="yizhan-net-"))
        var.chmod(0o755)
        units = [unit for unit in read_units() if unit.code in codes]
        network = cls(Place(var, _free_base()), units)
        try:
            await network._start()
        except BaseException:
            await network.stop()
            raise
        return network

    async def _start(self) -> None:
        place = self.place
        await asyncio.to_thread(
            make_network, place, self.units, now=datetime.now(UTC), amqp_url="", database_url="",
            progress=lambda *_: None,
        )  # fmt: skip
        self._admit_tools()
        for server in (self.postgres, self.rabbit):
            await server.start()
        await furnish(place, self.codes, amqp_url="", database_url="")
        supervisor = Supervisor(
            programs(place), root=place.var, listener=self.events.append, limits=Limits(first_delay=0.2)
        )
        await self._services.enter_async_context(supervisor)
        http = await self._stack.enter_async_context(aiohttp.ClientSession())
        self.people = People(place, http)
        await self.enrol()

    async def halt(self) -> None:
        """End the services and servers; what they stored stays. The connection of ``people`` stays too."""
        await self._services.aclose()
        for server in (self.rabbit, self.postgres):
            await server.stop()

    async def stop(self) -> None:
        """End everything and remove the folder."""
        await self.halt()
        await self._stack.aclose()
        shutil.rmtree(self.place.var, ignore_errors=True)

    @property
    def codes(self) -> list[str]:
        """The units."""
        return [unit.code for unit in self.units]

    async def enrol(self) -> None:
        """Publish directory, rosters and accounts."""
        await enrol(self.place, lambda *_: None)
        await publish_rules(self.place, lambda *_: None)
        self.state = trust_of(self.place)

    def _admit_tools(self) -> None:
        """Let each unit's own tools read as that unit, besides the operator."""
        table = msgspec.json.decode(self.place.access.read_bytes(), type=dict[str, list[str]])
        table |= {digest_of(token.encode()): [code] for code, token in self.tokens.items()}
        write_secret(self.place.access, msgspec.json.encode(table))
        admit_gateway(self.place, self.codes)

    def node_key(self, code: str) -> PrivateKey:
        """Return a unit's own key."""
        if code not in self._keys:
            passphrase = secret(str(self.place.secrets / "node-passphrase"))
            self._keys[code] = PrivateKey.from_pem((self.place.keys / "nodes" / f"{code}.pem").read_bytes(), passphrase)
        return self._keys[code]

    def root_key(self) -> PrivateKey:
        """Return the root key of the province."""
        passphrase = secret(str(self.place.secrets / "root-passphrase"))
        return PrivateKey.from_pem((self.place.keys / "root.pem").read_bytes(), passphrase)

    def amqp_url(self, user: str = "gateway") -> str:
        """Return the AMQP URL of a broker user of the network."""
        return self.rabbit.amqp_url(user, self.place.broker_password(user))

    async def sign(
        self, node: str, content: str, *, important: bool = False, about: UUID | None = None
    ) -> tuple[Envelope, ...]:
        """Return the review and the approval that Article 12 asks for."""
        now = datetime.now(UTC)
        person, role = ("head", Role.UNIT_LEAD) if important else ("lead", Role.OFFICE_LEAD)
        lead, approver = await self.people.key(node, "lead"), await self.people.key(node, person)
        return (
            sign_off(
                content,
                node=node,
                about=about,
                person="lead",
                role=Role.OFFICE_LEAD,
                action=Action.REVIEWED,
                at=now,
                key=lead,
            ),
            sign_off(
                content, node=node, about=about, person=person, role=role, action=Action.APPROVED, at=now, key=approver
            ),
        )

    async def submit(
        self, node: str, content: str, *, about: UUID | None = None, item: UUID | None = None, **others: Any
    ) -> UUID:
        """Hand in a signed-off report and return its message id."""
        signers = await self.sign(
            node, content, important=msgspec.json.decode(content).get("importance") == "important", about=about
        )
        body = {
            "content": content, "sign_offs": [msgspec.Raw(s.json()) for s in signers], "about": about, "id": item,
            **others,
        }  # fmt: skip
        answer = await self.people.call(node, "officer", "POST", f"/api/v1/nodes/{node}/reports", body)
        return UUID(answer["message"])

    async def item(self, node: str, message: UUID) -> dict[str, Any]:
        """Return an item by its message id, with receipts and verdicts."""
        found: dict[str, Any] = await self.people.call(node, "officer", "GET", f"/api/v1/nodes/{node}/items/{message}")
        return found

    async def receipt(self, node: str, message: UUID, outcome: str) -> dict[str, Any]:
        """Wait for a receipt of an outcome and return it."""

        async def look() -> dict[str, Any] | None:
            receipts = (await self.item(node, message))["receipts"]
            return next((r for r in receipts if r["outcome"] == outcome), None)

        return await eventually(look, f"{outcome} receipt")

    async def ready_again(self, program: str, since: int) -> None:
        """Wait until a program has become ready after the first ``since`` events."""

        async def look() -> bool:
            return any(e.program == program and e.happening is Happening.READY for e in self.events[since:])

        await eventually(look, f"{program} ready again")

    async def kill(self, program: str) -> None:
        """kill -9 a service; the supervisor starts it again."""
        pid = next(e.pid for e in reversed(self.events) if e.program == program and e.pid is not None)
        os.kill(pid, signal.SIGKILL)


def _free_base() -> Ports:
    for _ in range(50):
        ports = Ports(random.randrange(27_000, 60_000, 30))  # noqa: S311 - any free range will do
        try:
            ports.check_free()
        except PortTakenError:
            continue
        return ports
    raise AssertionError("no free range of ports")
