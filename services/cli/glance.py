"""Gathering the state of one machine's network: what cannot be asked is reported as down, not raised."""

import asyncio
from typing import Any, Final, Literal

import aiohttp
import msgspec
from msgspec import Struct

from proto.topology import ARCHIVE_QUEUE, DEAD_QUEUE, ROUTER_QUEUE, SCORING_QUEUE, inbox_of
from services.cli import broker, client, credentials
from services.cli.failures import CliError
from services.cli.names import SERVICES
from services.cli.place import Place

_QUEUES: Final = (ROUTER_QUEUE, ARCHIVE_QUEUE, SCORING_QUEUE, DEAD_QUEUE)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=5)
State = Literal["ready", "not_ready", "down"]


class NodeState(Struct, frozen=True, kw_only=True):
    """A unit of the gateway and its line."""

    code: str
    name: str
    online: bool
    waiting: int  # messages not yet confirmed by the broker
    enrolled: bool


class Status(Struct, frozen=True, kw_only=True):
    """State of a network (运行状态)."""

    good: bool  # all services ready, the line up, the broker answering
    services: dict[str, State]
    online: bool | None  # the gateway's line to the broker; None, here and below, where the gateway cannot be asked
    outbox: int | None  # messages waiting at the gateway
    queues: dict[str, int | None] | None  # messages waiting; None where the broker cannot be asked
    inboxes: int | None  # messages waiting in the inboxes of the gateway's units
    broker_problem: str  # why the broker could not be asked
    nodes: list[NodeState] | None


async def look(place: Place, gateway: str) -> Status:
    """Ask everybody at once."""
    token = credentials.operator_token(place)
    addresses = {name: place.url(name) for name in SERVICES} | {"gateway": gateway}
    states, nodes = await asyncio.gather(_services(addresses), _nodes(gateway, token))
    queues, problem = await _queues(place, [node.code for node in nodes or ()])
    inboxes = sum(n or 0 for name, n in (queues or {}).items() if name not in _QUEUES)
    online = None if nodes is None else any(node.online for node in nodes)
    return Status(
        good=all(state == "ready" for state in states.values()) and bool(online) and queues is not None,
        services=states,
        online=online,
        outbox=None if nodes is None else sum(node.waiting for node in nodes),
        queues=None if queues is None else {name: queues.get(name) for name in _QUEUES},
        inboxes=None if nodes is None or queues is None else inboxes,
        broker_problem=problem,
        nodes=nodes,
    )


async def _services(addresses: dict[str, str]) -> dict[str, State]:
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as http:
        found = await asyncio.gather(*(_service(http, base) for base in addresses.values()))
    return dict(zip(addresses, found, strict=True))


async def _service(http: aiohttp.ClientSession, base: str) -> State:
    try:
        async with http.get(f"{base.rstrip('/')}/readyz") as answer:
            return "ready" if answer.ok else "not_ready"
    except (aiohttp.ClientError, TimeoutError, OSError):
        return "down"


async def _nodes(gateway: str, token: str) -> list[NodeState] | None:
    """Return the gateway's units; None where it is down. A refusal of the token is raised: that is no state."""
    try:
        async with client.api(gateway, token) as api:
            found: Any = await api.get("/api/v1/nodes")
    except CliError as error:
        if error.exit_code == error.exit_code.UNREACHABLE:
            return None
        raise
    return msgspec.convert(found, list[NodeState])


async def _queues(place: Place, codes: list[str]) -> tuple[dict[str, int | None] | None, str]:
    try:
        async with broker.connected(broker.operator_url(place), "yizhan-status") as connection:
            return await broker.depths(connection, [*_QUEUES, *map(inbox_of, codes)]), ""
    except CliError as error:
        return None, error.text()
