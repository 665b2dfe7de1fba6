"""The whole way: HTTP accepted → verified → in the hub's inbox → searchable, with 148 units on one gateway.

Submissions are signed beforehand and sent by a process of its own; arrival is seen from outside, by asking PostgreSQL
which of the submitted reports the archive's index holds. Latency is from the request to that moment.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import aiohttp
import asyncpg
import msgspec
import uvloop

from bench.measure import children, percentile, rss_mb
from proto import codec
from proto.messages import Action, Category, ReportContent, Role
from services.cli.network.config import DATABASE
from services.kit.ids import new_id
from services.kit.trust.enrol import sign_off
from tests.network import Network

_LOOK: Final = 0.005  # seconds between two looks at the index
_TEXT: Final = "全市经济运行总体平稳，重点项目建设有序推进，民生保障持续加强，安全生产形势稳定。"


async def signed_submissions(network: Network, passages: list[str], count: int) -> list[tuple[str, bytes]]:
    """Return (unit, request body) of reports spread over all units below the province."""
    units = [unit.code for unit in network.units if unit.parent is not None]
    made = []
    for number in range(count):
        node = units[number % len(units)]
        body = passages[number % len(passages)]
        content = codec.encode(
            ReportContent(
                title=f"样例信息第{number}号", body=f"【样例】{body}", category=Category.DEVELOPMENT, sources=("样例",)
            )
        ).decode()
        key, now = await network.people.key(node, "lead"), datetime.now(UTC)
        signed = [
            sign_off(content, node=node, person="lead", role=Role.OFFICE_LEAD, action=action, at=now, key=key)
            for action in (Action.REVIEWED, Action.APPROVED)
        ]
        request = {"content": content, "sign_offs": [msgspec.Raw(s.json()) for s in signed], "id": new_id()}
        made.append((node, msgspec.json.encode(request)))
    return made


def passages_from(path: str | None) -> list[str]:
    """Return texts to send: the passages of a JSONL file, or generated ones where there is none."""
    if path and Path(path).exists():
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["body"] for line in lines]
    return [_TEXT * (1 + number % 6) for number in range(50)]


class Load:
    """A generator of load in a process of its own, so that it does not share our event loop."""

    def __init__(self, network: Network, tokens: dict[str, str], folder: Path) -> None:
        self._url = network.place.url("gateway")
        self._tokens = tokens
        self._folder = folder

    async def run(
        self, submissions: list[tuple[str, bytes]], *, rate: float, side_by_side: int
    ) -> list[tuple[str, float]]:
        """Send all, at a fixed rate a second or (0) as fast as ``side_by_side`` allow; return (message, sent at)."""
        plan = self._folder / "plan.msgpack"
        plan.write_bytes(
            msgspec.msgpack.encode(
                {"url": self._url, "tokens": self._tokens, "rate": rate, "side": side_by_side, "requests": submissions}
            )
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.whole_path", str(plan), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return msgspec.json.decode(out, type=list[tuple[str, float]])


async def _send(plan: dict[str, Any]) -> None:
    results: list[tuple[str, float]] = []
    requests = iter(plan["requests"])
    connector = aiohttp.TCPConnector(limit=0)
    headers = {node: {"Authorization": f"Bearer {token}"} for node, token in plan["tokens"].items()}

    async def one(http: aiohttp.ClientSession, node: str, body: bytes) -> None:
        at = time.time()
        while True:
            async with http.post(
                f"{plan['url']}/api/v1/nodes/{node}/reports", data=body, headers=headers[node]
            ) as answer:
                raw = await answer.read()
                if answer.status == 503:  # full: wait as told
                    await asyncio.sleep(1)
                    continue
                if answer.status >= 300:
                    raise RuntimeError(f"{answer.status} {raw!r}")
                results.append((msgspec.json.decode(raw)["message"], at))
                return

    async with aiohttp.ClientSession(connector=connector) as http:
        if plan["rate"]:
            begun, tasks = time.perf_counter(), []
            for number, (node, body) in enumerate(requests):
                await asyncio.sleep(max(0.0, begun + number / plan["rate"] - time.perf_counter()))
                tasks.append(asyncio.create_task(one(http, node, body)))
            await asyncio.gather(*tasks)
        else:

            async def worker() -> None:
                for node, body in requests:
                    await one(http, node, body)

            await asyncio.gather(*(worker() for _ in range(plan["side"])))
    sys.stdout.buffer.write(msgspec.json.encode(results))


class Watch:
    """Looks into the archive's index from outside and notes when each report is found there."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection
        self.found: dict[str, float] = {}

    async def count(self) -> int:
        """How many reports the index holds."""
        return int(await self._connection.fetchval("SELECT count(*) FROM archive.document"))

    async def follow(self, stop: asyncio.Event) -> None:
        """Note arrivals until stopped."""
        last = await self._connection.fetchval(
            "SELECT coalesce((SELECT id FROM archive.document ORDER BY id DESC LIMIT 1), $1)", new_id()
        )
        seen: set[str] = set()
        while not stop.is_set():
            # Ids are UUIDv7: looking back a second covers reports that arrive out of the order of their ids.
            rows = await self._connection.fetch(
                "SELECT id FROM archive.document WHERE id > $1 ORDER BY id", _back(last, 1000)
            )
            now = time.time()
            for row in rows:
                if (key := str(row["id"])) not in seen:
                    seen.add(key)
                    self.found[key] = now
                    last = max(last, row["id"])
            await asyncio.sleep(_LOOK)


def _back(last: Any, milliseconds: int) -> Any:
    return UUID(int=max(0, last.int - (milliseconds << 80)))


async def latency(network: Network, load: Load, requests: list[tuple[str, bytes]], rate: float) -> dict[str, float]:
    """Return percentiles (ms) from request to searchable, at a fixed rate."""
    connection = await _connect(network)
    watch, stop = Watch(connection), asyncio.Event()
    following = asyncio.create_task(watch.follow(stop), name="watch")
    sent = await load.run(requests, rate=rate, side_by_side=0)
    async with asyncio.timeout(60):
        while not all(message in watch.found for message, _ in sent):  # noqa: ASYNC110 - from outside there is no event
            await asyncio.sleep(0.05)
    stop.set()
    await following
    await connection.close()
    took = [1000 * (watch.found[message] - at) for message, at in sent]
    return {"p50": round(percentile(took, 0.5), 1), "p99": round(percentile(took, 0.99), 1), "n": len(took)}


async def throughput(network: Network, load: Load, requests: list[tuple[str, bytes]]) -> float:
    """Return searchable reports a second, from the first request to the last report found."""
    connection = await _connect(network)
    watch = Watch(connection)
    before = await watch.count()
    sent = await load.run(requests, rate=0, side_by_side=96)
    async with asyncio.timeout(300):
        while await watch.count() < before + len(requests):  # noqa: ASYNC110 - from outside there is no event
            await asyncio.sleep(0.02)
    took = time.time() - min(at for _, at in sent)
    await connection.close()
    return len(requests) / took


async def drain(network: Network, load: Load, requests: list[tuple[str, bytes]]) -> dict[str, float]:
    """Queue everything while the broker is down, start it, and time the way to searchable; watch memory meanwhile."""
    connection = await _connect(network)
    watch = Watch(connection)
    before = await watch.count()
    await network.rabbit.stop()
    await load.run(requests, rate=0, side_by_side=96)
    pids = {e.program: e.pid for e in network.events if e.pid is not None}
    pids |= {f"{name}_worker": worker for name, pid in pids.items() for worker in children(pid)}
    start_rss = {name: rss_mb(pid) for name, pid in pids.items() if pid}
    peak = dict(start_rss)
    await network.rabbit.start()
    begun, first = time.time(), 0.0
    async with asyncio.timeout(1200):
        while (found := await watch.count() - before) < len(requests):
            if not first and found:
                first = time.time()
            for name, pid in pids.items():
                peak[name] = max(peak[name], rss_mb(pid)) if pid else 0.0
            await asyncio.sleep(0.2)
    took = time.time() - (first or begun)
    await connection.close()
    return {
        "per_s": len(requests) / took,
        "rss_mb_max": max(peak.values()),
        **{f"rss_{name}": round(peak[name], 1) for name in peak},
        **{f"rss_start_{name}": round(start_rss[name], 1) for name in start_rss},
    }


async def _connect(network: Network) -> Any:
    return await asyncpg.connect(network.postgres.url, database=DATABASE)


if __name__ == "__main__":
    uvloop.run(_send(msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes())))
