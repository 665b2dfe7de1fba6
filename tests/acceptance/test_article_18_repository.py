"""Art. 18: one repository for all, where each reader finds what is his to read, and of the rest not even a number."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.acceptance.acts import adopt, content, found, read_as, refusal, report, search, word
from tests.acceptance.bus_side import rogue_report, router_refuses
from tests.network import Network
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.waiting import eventually


class Shelf(msgspec.Struct):
    """Some reports that carry one word, by name."""

    mark: str
    ids: dict[str, UUID]


@pytest_asyncio.fixture(scope="module")
async def shelf(network: Network) -> AsyncIterator[Shelf]:
    """A handful of reports, one adopted."""
    mark = word()

    async def one(node: str, title: str, body: str, **changes: object) -> UUID:
        return await network.submit(node, content(title=f"样例：{title}", body=f"【样例】{body}（{mark}）", **changes))

    ids = {
        "crabs": await one(KUNSHAN, "阳澄湖大闸蟹产业链", "昆山市推动大闸蟹养殖户与电商平台对接，带动蟹农增收。", category="experience"),
        "flood": await one(
            ZHANGJIAGANG, "防汛抢险情况", "受台风影响，张家港市转移群众三千余人，长江堤防安全。", category="emergency",
            urgency="urgent", importance="important",
        ),
        "grain": await one(JIANGYIN, "粮食收购进度", "江阴市秋粮收购量同比增长8.5%，农户售粮顺畅。", category="development"),
        "loans": await one(REFORM, "民营企业融资调研", "部分民营企业反映续贷难、担保费率偏高。", category="problem", research=True),
    }  # fmt: skip
    await found(network, PROVINCE, mark, 3)
    await found(network, SUZHOU, mark, 2)
    await adopt(network, PROVINCE, ids["crabs"])
    await found(network, PROVINCE, mark, 1, adopted="true")
    yield Shelf(mark, ids)


def shown(pieces: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Return the text of a title or snippet and its marked parts."""
    return "".join(p["text"] for p in pieces), [p["text"] for p in pieces if p["hit"]]


async def names(network: Network, shelf: Shelf, reader: str, q: str = "", **filters: Any) -> set[str]:
    """Return the names of what a reader finds on the shelf."""
    answer = await search(network, reader, f"{q} {shelf.mark}", **filters)
    assert answer["total"] == len(answer["hits"])
    by_id = {str(message): name for name, message in shelf.ids.items()}
    return {by_id[hit["id"]] for hit in answer["hits"]}


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("大闸蟹", {"crabs"}),
        ("蟹农 增收", {"crabs"}),
        ("秋粮", {"grain"}),
        ("8.5%", {"grain"}),
        ("８．５％", {"grain"}),
        ('"续贷难、担保费率"', {"loans"}),
        ('"担保费率续贷难"', set()),
        ("样例 -大闸蟹", {"grain", "loans"}),
        ("昆山市 江阴市", set()),
        ("", {"crabs", "grain", "loans"}),
    ],
)
async def test_chinese_full_text(network: Network, shelf: Shelf, q: str, expected: set[str]) -> None:
    assert await names(network, shelf, PROVINCE, q) == expected


async def test_hits_are_marked(network: Network, shelf: Shelf) -> None:
    (hit,) = (await search(network, PROVINCE, f"大闸蟹 {shelf.mark}"))["hits"]
    assert shown(hit["title"]) == ("样例：阳澄湖大闸蟹产业链", ["大闸蟹"])
    text, marked = shown(hit["snippet"])
    assert "推动大闸蟹养殖户" in text
    assert marked == ["大闸蟹", shelf.mark]
    assert (hit["origin"], hit["category"], hit["adopted"]) == (KUNSHAN, "experience", True)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"category": "experience"}, {"crabs"}),
        ({"category": "emergency"}, set()),
        ({"research": "true"}, {"loans"}),
        ({"adopted": "true"}, {"crabs"}),
        ({"adopted": "false"}, {"grain", "loans"}),
        ({"origin": KUNSHAN}, {"crabs"}),
        ({"origin": WUXI}, {"grain"}),
        ({"origin": PROVINCE}, {"crabs", "grain", "loans"}),
        ({"origin": REFORM, "category": "problem"}, {"loans"}),
        ({"stage": "first", "urgency": "routine"}, {"crabs", "grain", "loans"}),
        ({"stage": "final"}, set()),
    ],
)
async def test_filters(network: Network, shelf: Shelf, filters: dict[str, str], expected: set[str]) -> None:
    assert await names(network, shelf, PROVINCE, **filters) == expected


async def test_filters_of_importance_and_urgency(network: Network, shelf: Shelf) -> None:
    assert await names(network, shelf, SUZHOU, importance="important") == {"flood"}
    assert await names(network, shelf, SUZHOU, urgency="urgent") == {"flood"}
    assert await names(network, shelf, SUZHOU, importance="ordinary") == {"crabs"}


async def test_filters_of_days(network: Network, shelf: Shelf) -> None:
    today = (datetime.now(UTC) + timedelta(hours=8)).date()
    near = {"from": today - timedelta(days=1), "to": today}
    assert await names(network, shelf, PROVINCE, **near) == {"crabs", "grain", "loans"}
    assert await names(network, shelf, PROVINCE, to=today - timedelta(days=2)) == set()


async def test_pages(network: Network, shelf: Shelf) -> None:
    pages = [await search(network, PROVINCE, shelf.mark, order="newest", limit=1, offset=at) for at in range(4)]
    assert [page["total"] for page in pages] == [3, 3, 3, 3]
    assert [page["hits"][0]["id"] for page in pages[:3]] == [str(shelf.ids[n]) for n in ("loans", "grain", "crabs")]
    assert pages[3]["hits"] == []


READERS = {
    PROVINCE: {"crabs", "grain", "loans"},
    SUZHOU: {"crabs", "flood"},
    WUXI: {"grain"},
    KUNSHAN: {"crabs"},
    ZHANGJIAGANG: {"flood"},
    REFORM: {"loans"},
    FARMING: set[str](),
    BEIJING: set[str](),
}


@pytest.mark.parametrize("reader", list(READERS))
async def test_readers_find_only_what_they_sent_or_received(network: Network, shelf: Shelf, reader: str) -> None:
    """No hit, no count, no snippet, no message, no way of it."""
    assert await names(network, shelf, reader) == READERS[reader]
    assert (await search(network, reader, shelf.mark, limit=1))["total"] == len(READERS[reader])
    for name, message in shelf.ids.items():
        for path in (f"/api/v1/messages/{message}", f"/api/v1/trail/{message}"):
            call = read_as(network, reader, path)
            if name in READERS[reader]:
                await call
            else:
                assert await refusal(call) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/search", "/api/v1/messages/{}", "/api/v1/trail/{}"])
async def test_nobody_reads_in_anothers_name(network: Network, shelf: Shelf, path: str) -> None:
    address = f"{path.format(shelf.ids['crabs'])}?reader={KUNSHAN}"
    for token, expected in ((network.tokens[WUXI], (403, "auth.not_this_node")), ("guess", (401, "auth.required"))):
        assert await refusal(network.people.request("archive", "GET", address, token=token)) == expected


async def test_same_item_from_two_units_is_linked_not_dropped(network: Network) -> None:
    mark = word()
    text = {"title": "样例：太湖蓝藻打捞", "body": f"【样例】本周打捞蓝藻2.3万吨（{mark}）。"}
    reflowed = {"title": "样例：太湖蓝藻打捞", "body": f"【样例】本周打捞蓝藻\n２．３万吨（{mark}）。"}
    first = await report(network, KUNSHAN, SUZHOU, PROVINCE, **text)
    second = await report(network, JIANGYIN, WUXI, PROVINCE, **reflowed)
    hits = await found(network, PROVINCE, mark, 2)
    assert {(hit["id"], *hit["same_as"]) for hit in hits} == {(str(first), str(second)), (str(second), str(first))}
    for reader in (SUZHOU, KUNSHAN, WUXI, JIANGYIN):  # who sees one of them learns nothing of the other
        assert [hit["same_as"] for hit in await found(network, reader, mark, 1)] == [[]]


async def test_evidence_of_a_refused_message_is_its_senders(network: Network) -> None:
    """Refused bytes are no document: nobody finds them, and only the operator lists them, without their text."""
    mark = word()
    envelope = await rogue_report(network, KUNSHAN, content(body=f"【样例】{mark}"), sign_offs=())
    assert await router_refuses(network, KUNSHAN, envelope) == "sign_off.missing"
    refused_id = msgspec.json.decode(envelope.payload)["id"]
    assert (await search(network, KUNSHAN, mark))["total"] == 0
    assert (await search(network, PROVINCE, mark))["total"] == 0
    assert await refusal(read_as(network, SUZHOU, f"/api/v1/trail/{refused_id}")) == (404, "not_found")
    trail = await eventually(lambda: read_as(network, KUNSHAN, f"/api/v1/trail/{refused_id}"), "the trail")
    assert trail["refused"]
    listed = await network.people.operator("archive", "GET", "/api/v1/refused")
    assert mark not in msgspec.json.encode(listed).decode()
    call = network.people.request("archive", "GET", "/api/v1/refused", token=network.tokens[PROVINCE])
    assert await refusal(call) == (403, "forbidden")
