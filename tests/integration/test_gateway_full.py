"""Past its limit the outbox says so, stores nothing, and takes it once there is room (promise 7)."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec

from proto.topology import ROUTER_QUEUE
from tests.integration.gateway_service import DEADLINE, PASSWORD, Answer, Gateway, gateway_service
from tests.integration.routing import bench_of
from tests.places import PROVINCE, REFORM
from tests.waiting import eventually
from tests.world import World

LIMIT = 3
_STORED = "SELECT count(*) FROM item WHERE state = 'sent'", "SELECT count(*) FROM sent", "SELECT count(*) FROM decided"


def full(answer: Answer) -> None:
    assert answer.said == (503, "unavailable")
    assert answer.body["title"] == "系统繁忙，请稍后重试"
    assert answer.body["title_en"].isascii()
    assert int(answer.headers["Retry-After"]) > 0


async def stored(gateway: Gateway) -> list[int]:
    return [await gateway.database.fetchval(query) for query in _STORED]


async def approved(gateway: Gateway) -> UUID:
    """Bring an item as far as it goes without being sent."""
    item = uuid4()
    body: dict[str, Any] = {"id": item, "content": msgspec.json.decode(gateway.world.content())}
    assert (await gateway.call(REFORM, "officer", "POST", "/items", body)).status == 201
    for step, person in (("submit", "officer"), ("review", "lead"), ("approve", "lead")):
        assert (await take(gateway, item, step, person)).status == 200
    return item


async def take(gateway: Gateway, item: UUID, step: str, person: str) -> Answer:
    body = {"step": step, "passphrase": PASSWORD}
    return await gateway.call(REFORM, person, "POST", f"/items/{item}/steps", body)


async def test_a_full_outbox_says_so_stores_nothing_and_takes_it_later(
    tmp_path: Path, world: World, amqp_url: str, database_url: str, admin_url: str
) -> None:
    async with (
        bench_of(world, amqp_url, tmp_path, admin_url) as bench,
        gateway_service(
            tmp_path, world, (PROVINCE, REFORM), amqp_url, database_url, outbox_limit=LIMIT, receipt_interval=3600.0
        ) as gateway,
    ):
        # Fill the router's queue, so that the broker refuses what the relay brings and the outbox stays full.
        await bench.fill(ROUTER_QUEUE)
        waiting = await approved(gateway)
        for _ in range(LIMIT):
            assert (await gateway.hand_in(REFORM)).status == 201
        before = await stored(gateway)
        item = uuid4()
        decision = {"verdict": "declined", "items": [{"report": uuid4()}], "reason": "【样例】"}
        full(await gateway.hand_in(REFORM, item))
        full(await take(gateway, waiting, "send", "officer"))
        full(await gateway.call(PROVINCE, "editor", "POST", "/decisions", decision))
        assert await stored(gateway) == before
        assert (await gateway.call(REFORM, "officer", "GET", f"/items/{item}")).said == (404, "item.unknown")
        assert (await gateway.call(REFORM, "officer", "GET", f"/items/{waiting}")).body["state"] == "approved"
        view = (await gateway.call(REFORM, "officer", "GET", "")).body
        assert (view["online"], view["waiting"]) == (True, LIMIT)
        draft = {"content": msgspec.json.decode(world.content())}
        assert (await gateway.call(REFORM, "officer", "POST", "/items", draft)).status == 201, "writing goes on"

        await bench.free(ROUTER_QUEUE)
        answer = await eventually(
            lambda: gateway.hand_in(REFORM, item), "room", DEADLINE, wanted=lambda answer: answer.status != 503
        )
        assert (answer.status, answer.body["item"]) == (201, str(item))
        await eventually(
            lambda: take(gateway, waiting, "send", "officer"),
            "room",
            DEADLINE,
            wanted=lambda answer: answer.status == 200,
        )
        await eventually(lambda: _sent(gateway), "an empty outbox", DEADLINE)
        assert (await stored(gateway))[0] == LIMIT + 2


async def _sent(gateway: Gateway) -> bool:
    return await gateway.database.fetchval("SELECT count(*) FROM outbox") == 0
