"""Reports and decisions that flow while a test breaks things, and the count of what became of them."""

import asyncio
import random
import re
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import aiohttp
import asyncpg
import msgspec

from proto.topology import DEAD_QUEUE, FEED
from services.cli.network.config import DATABASE
from services.cli.network.sample.client import CallError
from services.kit.bus import Incoming, open_session
from services.kit.ids import new_id
from tests.network import Network
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, ZHANGJIAGANG
from tests.waiting import eventually

UNITS = (PROVINCE, SUZHOU, KUNSHAN, ZHANGJIAGANG, REFORM)
RECIPIENTS = {KUNSHAN: (SUZHOU, PROVINCE), ZHANGJIAGANG: (SUZHOU,), REFORM: (PROVINCE,)}
"""Kunshan is a direct-report point: one publish of the router, two recipients."""
PATIENCE = 90.0  # seconds until everything must have arrived after the last fault
_SIDE_BY_SIDE = 16
_EDITORS = 4
_EVERY = 8  # one report in so many is adopted by its first recipient
_AHEAD = 0.25  # how far the clients may run ahead of what the test waits for, as a part of all
_PAUSE = (0.05, 0.3)  # seconds, a client's pause before it tries again
_WORD = "样例"


class Traffic:
    """Some thousand reports, their clients, and the editors who adopt a part of them."""

    def __init__(self, network: Network, count: int, seed: int) -> None:
        self.network = network
        self.chance = random.Random(seed)  # noqa: S311 - a test's dice
        self.accepted: dict[UUID, str] = {}  # message → origin, for every 2xx
        self.adoptions: set[UUID] = set()  # decided reports
        self.tried_again = 0
        self._count = count
        self._bodies: asyncio.Queue[tuple[str, UUID, bytes]] = asyncio.Queue()
        self._to_adopt: asyncio.Queue[tuple[str, UUID] | None] = asyncio.Queue()
        self._grown = asyncio.Condition()
        self._work: list[asyncio.Task[None]] = []
        self._allowed = _AHEAD * count

    async def __aenter__(self) -> Self:
        await self._prepare()
        self._work = [asyncio.create_task(self._client(), name=f"client-{n}") for n in range(_SIDE_BY_SIDE)]
        self._work += [asyncio.create_task(self._editor(), name=f"editor-{n}") for n in range(_EDITORS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    async def _prepare(self) -> None:
        """Write and sign everything before the first fault; sign everybody in."""
        people = self.network.people
        for node in RECIPIENTS:
            await people.call(node, "officer", "GET", "/api/v1/me")
        for hub in (PROVINCE, SUZHOU):
            await people.call(hub, "editor", "GET", "/api/v1/me")
            await people.call(hub, "lead", "GET", "/api/v1/me")
            daily = {"name": f"【{_WORD}】每日要情", "organ": f"【{_WORD}】信息处"}
            await people.call(hub, "editor", "PUT", f"/api/v1/nodes/{hub}/series/daily", daily)
            await people.call(hub, "officer", "GET", "/api/v1/me")
        for number in range(self._count):
            node = tuple(RECIPIENTS)[number % len(RECIPIENTS)]
            self._bodies.put_nowait((node, *await self._signed(node, number)))

    async def one_more(self, node: str) -> UUID:
        """Hand in one more report and return its message id."""
        _, body = await self._signed(node, self._count)
        return UUID((await self._persist(node, "officer", f"/api/v1/nodes/{node}/reports", body))["message"])

    async def _signed(self, node: str, number: int) -> tuple[UUID, bytes]:
        content = msgspec.json.encode(
            {
                "title": f"【{_WORD}】第{number}号信息", "body": f"【{_WORD}】第{number}号信息，用于检验传输。",
                "category": "development", "sources": [f"【{_WORD}】"],
            }
        ).decode()  # fmt: skip
        item = new_id()
        signers = [msgspec.Raw(s.json()) for s in await self.network.sign(node, content)]
        return item, msgspec.json.encode({"content": content, "sign_offs": signers, "id": item})

    async def reached(self, part: float) -> None:
        """Wait until this part of all reports got its 2xx; the clients stop a little later, until more is waited for."""
        async with self._grown:
            self._allowed = (part + _AHEAD) * self._count
            self._grown.notify_all()
            await asyncio.wait_for(
                self._grown.wait_for(lambda: len(self.accepted) >= part * self._count or self._failed()), PATIENCE
            )
        self._raise_failure()

    async def finished(self) -> None:
        """Wait until every report got its 2xx and every adoption its own."""
        await self.reached(1)
        for _ in range(_EDITORS):
            self._to_adopt.put_nowait(None)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._work)

    async def _client(self) -> None:
        while not self._bodies.empty():
            node, item, body = self._bodies.get_nowait()
            async with self._grown:
                await self._grown.wait_for(lambda: len(self.accepted) < self._allowed)
            answer = await self._persist(node, "officer", f"/api/v1/nodes/{node}/reports", body)
            assert UUID(answer["item"]) == item
            message = UUID(answer["message"])
            assert message not in self.accepted, "two items, one message"
            async with self._grown:
                self.accepted[message] = node
                self._grown.notify_all()
            if len(self.accepted) % _EVERY == 0:
                self._to_adopt.put_nowait((RECIPIENTS[node][0], message))

    async def _editor(self) -> None:
        while (one := await self._to_adopt.get()) is not None:
            hub, report = one
            path, issue = f"/api/v1/nodes/{hub}", new_id()
            item = {"verdict": "adopted", "items": [{"report": report}], "id": new_id()}
            await self._persist(hub, "editor", f"{path}/series/daily/issues", msgspec.json.encode({"id": issue}))
            await self._persist(hub, "editor", f"{path}/issues/{issue}/items", msgspec.json.encode(item))
            shown = await self._persist(hub, "lead", f"{path}/issues/{issue}", b"", method="GET")
            seen = msgspec.json.encode({"digest": shown["digest"]})
            await self._persist(hub, "lead", f"{path}/issues/{issue}/final", seen)
            self.adoptions.add(report)

    async def _persist(self, node: str, person: str, path: str, body: bytes, *, method: str = "POST") -> Any:
        """Ask as a real client would: the same again after a lost connection or a 503; an editor until it has arrived."""
        while True:
            try:
                return await self.network.people.call(node, person, method, path, body)
            except (aiohttp.ClientError, TimeoutError):
                self.tried_again += 1
            except CallError as error:
                if error.code == "issue.final":  # the answer to an earlier try was lost
                    return None
                if error.status == 503:
                    self.tried_again += 1
                elif error.code != "decision.unknown_item":
                    raise
            await asyncio.sleep(self.chance.uniform(*_PAUSE))

    def _failed(self) -> bool:
        return any(task.done() and not task.cancelled() and task.exception() for task in self._work)

    def _raise_failure(self) -> None:
        for task in self._work:
            if task.done() and (error := task.exception()) is not None:
                raise error

    async def check(self, *, arrival_order: bool = True) -> None:
        """Count everything: nothing lost, nothing doubled, in order, nothing left over."""
        await self._check_inboxes()
        await self._check_archive()
        await self._check_ledger()
        await self._check_receipts()
        await eventually(self._outbox_empty, "an empty outbox", PATIENCE)
        await eventually(self._counted_empty, "an outbox that counts as empty", PATIENCE)
        await self._check_tables(arrival_order=arrival_order)
        assert await self.dead() == 0

    def expected(self, hub: str) -> set[UUID]:
        """Which messages belong into a hub's inbox."""
        return {message for message, origin in self.accepted.items() if hub in RECIPIENTS[origin]}

    async def _check_inboxes(self) -> None:
        for hub in (SUZHOU, PROVINCE):
            wanted = self.expected(hub)

            async def complete(hub: str = hub, wanted: set[UUID] = wanted) -> list[UUID] | None:
                found = [UUID(m["id"]) for m in await self._pages(hub, "inbox", 500, kind="report")]
                return found if len(found) >= len(wanted) else None

            found = await eventually(complete, f"{len(wanted)} reports in the inbox of {hub}", PATIENCE)
            assert len(found) == len(set(found)), "twice in an inbox"
            assert set(found) == wanted

    async def _check_archive(self) -> None:
        async def complete() -> dict[str, Any] | None:
            stats = await self.network.people.operator("archive", "GET", "/api/v1/stats")
            enough = stats["archived"] >= len(self.accepted) and stats["adopted"] >= len(self.adoptions)
            return stats if enough and stats["accepted"] >= len(self.accepted) else None

        stats = await eventually(complete, f"{len(self.accepted)} reports in the archive", PATIENCE)
        assert stats["archived"] == stats["searchable"] == len(self.accepted)
        assert stats["adopted"] == stats["messages"].get("decision", 0) == len(self.adoptions)
        assert stats["refused"] == {}
        for hub in (SUZHOU, PROVINCE):
            found = await self.network.people.operator("archive", "GET", f"/api/v1/search?reader={hub}&q={_WORD}")
            assert found["total"] == len(self.expected(hub))

    async def _check_ledger(self) -> None:
        async def complete() -> dict[str, Any] | None:
            stats = await self.network.people.operator("scoring", "GET", "/api/v1/stats")
            return stats if stats["entries"] >= len(self.adoptions) else None

        stats = await eventually(complete, f"{len(self.adoptions)} entries in the ledger", PATIENCE)
        entries: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await self.network.people.operator("scoring", "GET", f"/api/v1/ledger?limit=1000&after={after}")
            entries += page["entries"]
            after = page["next"]
        assert {UUID(e["report"]) for e in entries} == self.adoptions
        assert len(entries) == len({e["event"] for e in entries}) == len(self.adoptions)
        assert stats["decisions"] == stats["entries"] == stats["adopted_reports"] == len(self.adoptions)
        assert stats["ignored"] == {}
        assert all(Decimal(e["points"]) > 0 for e in entries)
        assert sum(Decimal(e["points"]) for e in entries) == Decimal(stats["points"])

    async def _check_receipts(self) -> None:
        """Every sender knows: accepted by the router, delivered by each recipient, refused by nobody."""
        for node, hubs in RECIPIENTS.items():
            wanted = {"accepted", *hubs}
            mine = {message for message, origin in self.accepted.items() if origin == node}

            async def complete(node: str = node, wanted: set[str] = wanted) -> list[Any] | None:
                items = await self._pages(node, "items", 200)
                told = [{_giver(r) for r in i["receipts"]} == wanted for i in items]
                return items if all(told) else None

            items = await eventually(complete, f"receipts of {node}", PATIENCE)
            assert {UUID(i["message"]) for i in items} == mine
            assert len(items) == len(mine)

    async def _outbox_empty(self) -> bool:
        return not await self.fetch("SELECT 1 FROM gateway.outbox UNION ALL SELECT 1 FROM gateway.receipt_due")

    async def _counted_empty(self) -> bool:
        return await self.metric(self.network.place.url("gateway"), "yizhan_gateway_outbox") == 0

    async def _check_tables(self, *, arrival_order: bool) -> None:
        """Once more in PostgreSQL itself, where also the order of arrival can be seen."""
        rows = await self.fetch(
            "SELECT node, id, origin FROM gateway.inbox WHERE kind = 'report' ORDER BY received_at, id"
        )
        assert len(rows) == sum(len(self.expected(hub)) for hub in (SUZHOU, PROVINCE))
        sent = await self.fetch("SELECT message, node FROM gateway.item ORDER BY created_at")
        routed = await self._routed()
        for origin, hubs in RECIPIENTS.items():
            ids = [r["message"] for r in sent if r["node"] == origin]
            assert ids == sorted(ids), "ids do not follow the order of sending"
            if arrival_order:
                assert [r for r in routed if self.accepted[r] == origin] == ids, "overtaken on the way"
                for hub in hubs:
                    assert [r["id"] for r in rows if (r["node"], r["origin"]) == (hub, origin)] == ids
        (counts,) = await self.fetch(
            "SELECT (SELECT count(*) FROM gateway.item) AS items,"
            " (SELECT count(*) FROM archive.message WHERE kind = 'report') AS archived,"
            " (SELECT count(*) FROM archive.document) AS documents,"
            " (SELECT count(*) FROM scoring.entry) AS entries"
        )
        assert (counts["items"], counts["archived"], counts["documents"]) == (len(self.accepted),) * 3
        assert counts["entries"] == len(self.adoptions)

    async def _routed(self) -> list[UUID]:
        """Return the reports in the order in which the router let them out first, from the feed."""
        routed: dict[UUID, None] = {}
        everything = asyncio.Event()

        async def note(message: Incoming) -> None:
            if (found := UUID(message.message_id or "")) in self.accepted:
                routed[found] = None
            if len(routed) == len(self.accepted):
                everything.set()

        async with open_session(self.network.amqp_url("operator"), "chaos") as session:
            await session.read_stream(FEED, note, "first")
            await asyncio.wait_for(everything.wait(), PATIENCE)
        return list(routed)

    async def fetch(self, query: str) -> list[Any]:
        """Ask PostgreSQL directly, as its superuser."""
        connection = await asyncpg.connect(self.network.postgres.url, database=DATABASE)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def dead(self) -> int:
        """Return how many messages lie in ``yz.dead``."""
        async with open_session(self.network.amqp_url("operator"), "chaos") as session:
            return await session.depth(DEAD_QUEUE)

    async def metric(self, url: str, name: str) -> float:
        """Return the sum of a metric of a service."""
        async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        found = [line for line in lines if re.match(re.escape(name) + r"(?![a-z_])", line)]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    async def _pages(self, node: str, what: str, size: int, kind: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        before = ""
        while True:
            query = f"limit={size}" + (f"&kind={kind}" if kind else "") + (f"&before={before}" if before else "")
            page = await self.network.people.call(node, "officer", "GET", f"/api/v1/nodes/{node}/{what}?{query}")
            found += page
            if len(page) < size:
                return found
            before = page[-1]["id"]


def _giver(receipt: dict[str, Any]) -> str:
    return str(receipt["giver"] if receipt["outcome"] == "delivered" else receipt["outcome"])
