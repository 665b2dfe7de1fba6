"""Art. 6: city offices, departments, county liaison points and liaison offices all exchange messages."""

from typing import Any
from uuid import UUID

import pytest

from tests.acceptance.acts import content, decide, inbox, line, line_down, report, verdict_at
from tests.network import Network
from tests.places import BEIJING, KUNSHAN, PROVINCE, REFORM, SUZHOU, ZHANGJIAGANG
from tests.waiting import eventually

KINDS = {
    SUZHOU: ("city", (PROVINCE,)),
    REFORM: ("department", (PROVINCE,)),
    KUNSHAN: ("county", (SUZHOU, PROVINCE)),  # a direct-report point
    ZHANGJIAGANG: ("county", (SUZHOU,)),
    BEIJING: ("liaison", (PROVINCE,)),
}


@pytest.mark.parametrize("node", list(KINDS))
async def test_every_kind_exchanges_messages(network: Network, node: str) -> None:
    """Up: accepted, delivered, opened by exactly its hubs. Down: each hub's decision with its reason."""
    kind, hubs = KINDS[node]
    assert (await line(network, node))["type"] == kind
    title = f"样例：{kind}来件"
    message = await report(network, node, *hubs, title=title)
    await network.receipt(node, message, "accepted")
    for hub in hubs:
        path = f"/api/v1/nodes/{hub}/inbox/{message}"
        assert (await network.people.call(hub, "editor", "POST", f"{path}/open"))["title"] == title
        decision = await decide(network, hub, "declined", message, reason="本期已有同类信息")
        verdict = await verdict_at(network, node, message, decision)
        assert (verdict["hub"], verdict["verdict"], verdict["reason"]) == (hub, "declined", "本期已有同类信息")
        letter = await inbox(network, node, decision)
        assert (letter["kind"], letter["origin"]) == ("decision", hub)
    assert await givers(network, node, message, "delivered", len(hubs)) == set(hubs)
    assert await givers(network, node, message, "opened", len(hubs)) == set(hubs)


async def givers(network: Network, node: str, message: UUID, outcome: str, count: int) -> set[str]:
    """Wait for so many receipts of an outcome and return who gave them."""

    async def look() -> list[dict[str, Any]] | None:
        receipts = [r for r in (await network.item(node, message))["receipts"] if r["outcome"] == outcome]
        return receipts if len(receipts) >= count else None

    return {receipt["giver"] for receipt in await eventually(look, f"{count} × {outcome}")}


async def test_liaison_office_over_a_line_that_comes_and_goes(network: Network) -> None:
    """Each time the line is away the office goes on writing, and the province goes on answering; both arrive after."""
    first = await report(network, BEIJING, PROVINCE)
    for turn in range(2):
        async with line_down(network, BEIJING):
            second = await network.submit(BEIJING, content(title=f"样例：线路中断期间第{turn}件"))
            decision = await decide(network, PROVINCE, "returned", first, reason=f"请补充情况{turn}")
            state = await line(network, BEIJING)
            assert (state["online"], state["waiting"]) == (False, 1)
            item = await network.item(BEIJING, second)
            assert (item["state"], item["receipts"]) == ("sent", [])
        received = await inbox(network, PROVINCE, second)
        assert received["title"] == f"样例：线路中断期间第{turn}件"
        assert (await verdict_at(network, BEIJING, first, decision))["reason"] == f"请补充情况{turn}"
        await network.receipt(BEIJING, second, "delivered")
        first = second
