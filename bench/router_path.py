"""One hop, three ways: the router (verifying a node signature and two sign-offs) beside plain aio-pika and FastStream.

The queue is filled first, then the relay is started; the rate is taken between the first and the last message in the
outgoing queue, so that starting costs nobody. Rounds alternate, since these machines are noisy.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import aio_pika
import aiohttp
import msgspec

from bench.measure import child, median
from bench.relays import IN, OUT
from deploy.embedded.rabbitmq import PrivateRabbit
from proto.addresses import ROUTER_CODE, routing_key
from proto.topology import DELIVER, EXCHANGES, REGISTRY, ROUTER_QUEUE, queues
from services.kit.bus import open_session
from services.kit.crypto import MACHINE_COST
from services.kit.ids import utc_now
from tests.places import KUNSHAN, SUZHOU, ZHANGJIAGANG
from tests.world import World

_QUORUM: Final = {"x-queue-type": "quorum"}
USER: Final = "yizhan-admin"
_ROUTERS: Final = {"router": (1, True), "router_alone": (1, False), "router_2": (2, False)}
"""How many, and whether with worker processes: one router and its worker are two processes that keep two cores busy, so
what a second router gains is seen between one process and two of them."""


async def router_path(rabbit: PrivateRabbit, *, messages: int, rounds: int) -> dict[str, Any]:
    """Return rates (messages a second) of each way, by round and as medians."""
    rates: dict[str, list[float]] = {"plain": [], "faststream": [], **{kind: [] for kind in _ROUTERS}}
    with tempfile.TemporaryDirectory(prefix="yizhan-bench-") as folder:
        world = World.make(utc_now(), gateway=USER)
        config = _router_config(Path(folder), world)
        bodies = _bodies(world, messages)
        for _ in range(rounds):
            for kind, measured in rates.items():
                measured.append(await _one_round(rabbit, world, kind, bodies, config))
    return {"rounds": rates, **{kind: round(median(values)) for kind, values in rates.items()}}


def _bodies(world: World, count: int) -> list[tuple[str, bytes]]:
    text = "【样例】" + "全市经济运行总体平稳，重点项目建设有序推进，民生保障持续加强。" * 6
    made = []
    for number in range(count):
        origin = (KUNSHAN, ZHANGJIAGANG)[number % 2]
        _, envelope = world.report(origin, to=(SUZHOU,), title=f"样例信息第{number}号", body=text)
        made.append((routing_key(origin, "report"), envelope.packed()))
    return made


async def _one_round(
    rabbit: PrivateRabbit, world: World, kind: str, bodies: Sequence[tuple[str, bytes]], config: Path
) -> float:
    vhost = f"bench-{kind}"
    url = rabbit.amqp_url(USER, rabbit.admin_password, vhost)
    await _fresh_vhost(rabbit, vhost)
    routed = kind in _ROUTERS
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await _declare(channel, routed=routed)
        if routed:
            await _publish_registry(url, world)
        async with open_session(url, "bench-load") as session:
            exchange = "" if not routed else "bench.load"
            await _load(session, exchange, bodies, routed=routed)
        watched = await connection.channel()
        copies, worker = _ROUTERS.get(kind, (1, False))
        module = ("services.router", "--config", str(config)) if routed else ("bench.relays", kind)
        env = {"YIZHAN_AMQP_URL": url, "BENCH_URL": url, "YIZHAN_ROUTER_WORKER": str(worker).lower()}
        async with AsyncExitStack() as children:
            for _ in range(copies):
                await children.enter_async_context(child(*module, env=env))
            return await _rate(watched, len(bodies))


async def _rate(channel: Any, count: int) -> float:
    """Watch the outgoing queue fill: messages a second between 10 % and 100 %, past warming up."""
    loop = asyncio.get_running_loop()
    begun, begun_at = 0.0, 0
    async with asyncio.timeout(120):
        while True:
            queue = await channel.declare_queue(OUT, passive=True)
            depth = queue.declaration_result.message_count
            now = loop.time()
            if not begun_at and depth >= count // 10:
                begun, begun_at = now, depth
            if depth >= count:
                return (depth - begun_at) / (now - begun)
            await asyncio.sleep(0.01)


async def _declare(channel: Any, *, routed: bool) -> None:
    out = await channel.declare_queue(OUT, durable=True, arguments=_QUORUM)
    if not routed:
        await channel.declare_queue(IN, durable=True, arguments=_QUORUM)
        exchange = await channel.declare_exchange(OUT, "topic", durable=True)
        await out.bind(exchange, "#")
        return
    for e in EXCHANGES:
        await channel.declare_exchange(e.name, e.type, durable=True, arguments=e.arguments)
    for q in queues(()):
        if q.name in {ROUTER_QUEUE, REGISTRY}:
            await channel.declare_queue(q.name, durable=True, arguments=q.arguments)
    load = await channel.declare_exchange("bench.load", "topic", durable=True)
    router_queue = await channel.get_queue(ROUTER_QUEUE)
    await router_queue.bind(load, "#")
    receipts = await channel.declare_queue("bench.receipts", durable=True, arguments=_QUORUM)
    await out.bind(DELIVER, "*.*.*.*.report")
    await receipts.bind(DELIVER, "*.*.*.*.receipt")


async def _load(session: Any, exchange: str, bodies: Sequence[tuple[str, bytes]], *, routed: bool) -> None:
    slots = asyncio.Semaphore(150)

    async def one(number: int, key: str, body: bytes) -> None:
        async with slots:
            await session.publish(exchange, key if routed else IN, body, message_id=str(number), kind="report")

    await asyncio.gather(*(one(n, key, body) for n, (key, body) in enumerate(bodies)))


async def _publish_registry(url: str, world: World) -> None:
    async with open_session(url, "bench-registry") as session:
        for number, envelope in enumerate(world.registry()):
            await session.publish("", REGISTRY, envelope.packed(), message_id=f"r{number}")


async def _fresh_vhost(rabbit: PrivateRabbit, vhost: str) -> None:
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    async with aiohttp.ClientSession() as http:
        await http.delete(f"{rabbit.admin_url}/api/vhosts/{vhost}")
        await http.put(f"{rabbit.admin_url}/api/vhosts/{vhost}")
        await http.put(f"{rabbit.admin_url}/api/permissions/{vhost}/{USER}", json=rights)


def _router_config(folder: Path, world: World) -> Path:
    (folder / "router.pem").write_bytes(world.node_keys[ROUTER_CODE].to_pem("bench", MACHINE_COST))
    (folder / "passphrase").write_text("bench")
    (folder / "root.json").write_bytes(msgspec.json.encode(world.pinned))
    config = folder / "yizhan.toml"
    config.write_text(
        f'[router]\namqp_url = "set by the environment"\nroot_key_file = "{folder}/root.json"\n'
        f'key_file = "{folder}/router.pem"\nkey_passphrase_file = "{folder}/passphrase"\n'
    )
    return config
