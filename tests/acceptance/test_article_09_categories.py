"""Art. 9: the five kinds of information; a monthly count equals a hand count."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from proto.messages import Category
from services.kit.calendar import CHINA
from tests.acceptance.acts import content, found, inbox, refusal, report, search, word
from tests.acceptance.bus_side import rogue_report, router_refuses
from tests.network import Network
from tests.places import FARMING, JIANGYIN, PROVINCE, REFORM, WUXI


def uncategorised() -> str:
    """Return a content that lacks its category."""
    fields = msgspec.json.decode(content())
    del fields["category"]
    return msgspec.json.encode(fields).decode()


WRONG = {
    "none": uncategorised(),
    "empty": content(category=""),
    "null": content(category=None),
    "unknown": content(category="gossip"),
    "chinese": content(category="经验做法"),
    "two": content(category=["experience", "problem"]),
}


@pytest.mark.parametrize("flaw", list(WRONG))
async def test_report_without_a_category_is_refused(network: Network, flaw: str) -> None:
    """At the gateway and, past it, at the router."""
    assert await refusal(network.submit(REFORM, WRONG[flaw])) == (422, "report.no_category")
    assert (
        await router_refuses(network, REFORM, await rogue_report(network, REFORM, WRONG[flaw])) == "report.no_category"
    )


@pytest.mark.parametrize("flaw", list(WRONG))
async def test_draft_without_a_category_is_not_stored(network: Network, flaw: str) -> None:
    item = uuid4()
    body = {"id": item, "content": msgspec.json.decode(WRONG[flaw])}
    path = f"/api/v1/nodes/{REFORM}/items"
    status, _ = await refusal(network.people.call(REFORM, "officer", "POST", path, body))
    assert status in {400, 422}
    assert await refusal(network.people.call(REFORM, "officer", "GET", f"{path}/{item}")) == (404, "item.unknown")


async def test_import_names_the_lines_without_a_category(network: Network) -> None:
    sheet = "\n".join([content(), *WRONG.values(), content(category="problem")]).encode()
    lines = await network.people.call(REFORM, "officer", "POST", f"/api/v1/nodes/{REFORM}/import", sheet)
    assert [line["code"] for line in lines] == ["", *["report.no_category"] * len(WRONG), ""]
    assert [line["line"] for line in lines] == list(range(1, len(WRONG) + 3))


@pytest.mark.parametrize("category", list(Category))
async def test_each_of_the_five_is_accepted(network: Network, category: Category) -> None:
    message = await report(network, FARMING, PROVINCE, category=category, answers="省政府2026年1号文件")
    received = (await inbox(network, PROVINCE, message))["content"]
    assert (received["category"], received["answers"]) == (category, "省政府2026年1号文件")


async def test_monthly_counts_equal_a_hand_count(network: Network) -> None:
    mark = word()
    written = Counter({"implementation": 3, "development": 5, "experience": 2, "problem": 1, "emergency": 4})
    nodes = (WUXI, JIANGYIN, REFORM)
    for place, category in enumerate(sorted(written.elements())):
        text = content(category=category, body=f"【样例】{mark}")
        last = await network.submit(nodes[place % len(nodes)], text)
    await found(network, PROVINCE, mark, written.total())
    sent_at = datetime.fromisoformat((await network.item(nodes[14 % 3], last))["created_at"]).astimezone(CHINA)
    first = sent_at.date().replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    month = {"from": first, "to": after - timedelta(days=1)}
    counts = {each: (await search(network, PROVINCE, mark, category=each, **month))["total"] for each in Category}
    assert counts == {Category(name): number for name, number in written.items()}
    assert (await search(network, PROVINCE, mark, **month))["total"] == written.total()
    assert (await search(network, PROVINCE, mark, to=first - timedelta(days=1)))["total"] == 0
    assert (await search(network, PROVINCE, mark, **{"from": after}))["total"] == 0
