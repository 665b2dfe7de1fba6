"""What lies before a hub's editors: lists, filters, likeness, assignment, opinions, edited texts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.integration.gateway_service import Gateway, gateway_service
from tests.integration.hub_room import add, good, opened, reported, state_of
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU
from tests.waiting import eventually
from tests.world import World

GRAIN = "【样例】全市秋粮收购进展顺利，已入库一百二十万吨，同比增长一成，收购价格总体平稳，农户售粮便捷。"
CRABS = "【样例】阳澄湖大闸蟹上市首周线上销售额突破三亿元，冷链直达全国三十个城市，带动渔民增收。"


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    nodes = (PROVINCE, SUZHOU, KUNSHAN)
    async with gateway_service(tmp_path, world, nodes, amqp_url, database_url) as running:
        yield running


async def listed(gateway: Gateway, query: str = "", hub: str = PROVINCE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await good(gateway.call(hub, "editor", "GET", f"/intake?{query}"))
    return found


async def ids(gateway: Gateway, query: str) -> set[UUID]:
    return {UUID(each["id"]) for each in await listed(gateway, query)}


async def test_a_list_has_what_reports_carry_and_every_filter(gateway: Gateway) -> None:
    county = await reported(gateway, origin=KUNSHAN)
    urgent = await reported(gateway, origin=SUZHOU, urgency="urgent", category="emergency")
    research = await reported(gateway, origin=REFORM, research=True, category="problem")
    everything = {county, urgent, research}
    for query, wanted in {
        "": everything,
        "unit=320583": {county},
        "unit=320500": {county, urgent},
        "unit=320000": everything,
        "unit=320000-fgw": {research},
        "unit=320200": set(),
        "category=emergency": {urgent},
        "urgency=urgent": {urgent},
        "research=true": {research},
        "direct_report=true": {county},
        "direct_report=false": {urgent, research},
        "state=pending": everything,
        "state=adopted": set(),
        "assigned=none": everything,
        "assigned=editor": set(),
        "unit=320500&urgency=routine&state=pending": {county},
    }.items():
        assert await ids(gateway, query) == wanted, query
    first = await listed(gateway, "limit=1")
    rest = await listed(gateway, f"before={first[0]['id']}")
    assert [UUID(each["id"]) for each in (*first, *rest)] == sorted(everything, reverse=True)
    (one,) = await listed(gateway, "unit=320000-fgw")
    assert (one["origin_name"], one["research"], one["state"], one["score"]) == (
        "江苏省发展和改革委员会", True, "pending", None,
    )  # fmt: skip


async def test_a_chain_is_named_from_both_ends(gateway: Gateway) -> None:
    first = await reported(gateway)
    follow_up = await reported(gateway, about=first, stage="follow_up")
    correction = await reported(gateway, about=follow_up, stage="correction")
    by_id = {each["id"]: each for each in await listed(gateway)}
    assert by_id[str(first)]["continued_by"] == [{"report": str(follow_up), "stage": "follow_up"}]
    assert by_id[str(correction)]["about"] == str(follow_up)
    for report in (first, follow_up, correction):
        found = await good(gateway.call(PROVINCE, "editor", "GET", f"/intake/{report}"))
        assert [(UUID(link["report"]), link["stage"]) for link in found["chain"]] == [
            (first, "first"), (follow_up, "follow_up"), (correction, "correction"),
        ]  # fmt: skip


async def test_like_reports_are_found_with_a_score(gateway: Gateway) -> None:
    grain = await reported(gateway, title="【样例】秋粮收购进度", body=GRAIN)
    longer = await reported(gateway, origin=SUZHOU, title="【样例】秋粮收购情况", body=f"{GRAIN}下一步将加强调度。")
    await reported(gateway, title="【样例】大闸蟹销售", body=CRABS)
    same = await reported(gateway, origin=REFORM, title="【样例】秋粮收购进度", body=GRAIN)
    found = await listed(gateway, f"similar_to={grain}")
    assert [UUID(each["id"]) for each in found] == [same, longer]
    assert found[0]["score"] == 1
    assert 0.7 < found[1]["score"] < 1
    assert [UUID(e["id"]) for e in await listed(gateway, f"similar_to={grain}&unit=320500")] == [longer]
    gateway.later = timedelta(days=59)
    gateway._tokens.clear()
    assert len(await listed(gateway, f"similar_to={grain}")) == 2
    await gateway.database.execute(
        "UPDATE intake SET received_at = received_at - interval '61 days' WHERE report <> $1", grain
    )
    gateway.later = timedelta(0)
    assert await listed(gateway, f"similar_to={grain}") == []
    assert (await gateway.call(PROVINCE, "editor", "GET", f"/intake?similar_to={uuid4()}")).said == (
        404,
        "report.unknown",
    )


async def test_an_editor_is_put_in_charge(gateway: Gateway) -> None:
    report = await reported(gateway)
    path = f"/intake/{report}/assign"
    assert (await gateway.call(PROVINCE, "lead", "POST", path, {"person": "editor"})).status == 204
    assert await ids(gateway, "assigned=editor") == {report}
    assert await ids(gateway, "assigned=none") == set()
    for person in ("officer", "nobody"):
        answer = await gateway.call(PROVINCE, "lead", "POST", path, {"person": person})
        assert answer.said == (422, "intake.not_an_editor")
    assert (await gateway.call(PROVINCE, "lead", "POST", path, {"person": None})).status == 204
    assert await ids(gateway, "assigned=none") == {report}
    answer = await gateway.call(PROVINCE, "lead", "POST", f"/intake/{uuid4()}/assign", {"person": "editor"})
    assert answer.said == (404, "report.unknown")


async def test_opinions_stay_in_the_hub(gateway: Gateway) -> None:
    report, own = await reported(gateway), uuid4()
    path = f"/intake/{report}/opinions"
    one = await good(
        gateway.call(PROVINCE, "editor", "POST", path, {"text": "【样例】建议与苏州稿综合", "id": own}), 201
    )
    again = await good(
        gateway.call(PROVINCE, "editor", "POST", path, {"text": "【样例】建议与苏州稿综合", "id": own}), 201
    )
    assert one == again
    other = await gateway.call(PROVINCE, "lead", "POST", path, {"text": "【样例】另一意见", "id": own})
    assert other.said == (409, "opinion.differs")
    await good(gateway.call(PROVINCE, "lead", "POST", path, {"text": "【样例】同意"}), 201)
    found = await good(gateway.call(PROVINCE, "editor", "GET", f"/intake/{report}"))
    assert [(o["person"], o["text"]) for o in found["opinions"]] == [
        ("editor", "【样例】建议与苏州稿综合"), ("lead", "【样例】同意"),
    ]  # fmt: skip
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind <> 'receipt'") == 0


async def test_the_text_is_edited_beside_the_original(gateway: Gateway) -> None:
    report = await reported(gateway, title="【样例】原题", body="【样例】原文")
    for number, title in enumerate(("【样例】一改", "【样例】二改"), 1):
        text = {"title": title, "body": "【样例】新文", "after": number - 1}
        for _ in range(2):  # trying again keeps nothing new
            done = await good(gateway.call(PROVINCE, "editor", "PUT", f"/intake/{report}/text", text))
            assert done == {"version": number}
    found = await good(gateway.call(PROVINCE, "editor", "GET", f"/intake/{report}"))
    assert (found["content"]["title"], found["text"]["title"]) == ("【样例】原题", "【样例】二改")
    assert [(v["version"], v["title"], v["person"]) for v in found["versions"]] == [
        (1, "【样例】一改", "editor"), (2, "【样例】二改", "editor"),
    ]  # fmt: skip
    assert (await good(gateway.call(PROVINCE, "officer", "GET", f"/inbox/{report}")))["content"][
        "title"
    ] == "【样例】原题"


async def test_two_editors_do_not_write_over_each_other(gateway: Gateway) -> None:
    report = await reported(gateway)
    path = f"/intake/{report}/text"

    async def edited(title: str, after: int) -> Any:
        return await gateway.call(
            PROVINCE, "editor", "PUT", path, {"title": title, "body": "【样例】文", "after": after}
        )

    answers = await asyncio.gather(*(edited(f"【样例】{n}", 0) for n in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409]
    for after in (0, 2):
        assert (await edited("【样例】又", after)).said == (409, "intake.text_changed")
    assert await good(edited("【样例】又", 1)) == {"version": 2}
    assert (await edited("【样例】又", -1)).said == (400, "request.invalid")
    missing = await gateway.call(PROVINCE, "editor", "PUT", path, {"title": "【样例】题", "body": "【样例】文"})
    assert missing.said == (400, "request.invalid")


@pytest.mark.parametrize("what", ["opinion", "text"])
async def test_classified_words_are_stored_nowhere(gateway: Gateway, what: str) -> None:
    report, secret = await reported(gateway), "机密★5年 某事"
    calls = {
        "opinion": ("POST", f"/intake/{report}/opinions", {"text": secret}),
        "text": ("PUT", f"/intake/{report}/text", {"title": "【样例】题", "body": secret, "after": 0}),
    }
    answer = await gateway.call(PROVINCE, "editor", *calls[what])
    assert answer.said == (422, "report.classified")
    kept = "SELECT (SELECT count(*) FROM opinion) + (SELECT count(*) FROM edited_text)"
    assert await gateway.database.fetchval(kept) == 0
    assert await gateway.database.fetchval("SELECT code FROM event") == "report.classified"


async def test_blanks_are_no_text(gateway: Gateway) -> None:
    """They would be printed as an article without a title, or kept as an opinion that says nothing."""
    report = await reported(gateway)
    issue = await opened(gateway)
    item = {"verdict": "adopted", "items": [{"report": report}]}
    for method, path, body in (
        ("POST", f"/intake/{report}/opinions", {"text": " \n"}),
        ("PUT", f"/intake/{report}/text", {"title": "　", "body": "【样例】文", "after": 0}),
        ("PUT", f"/intake/{report}/text", {"title": "【样例】题", "body": "\t ", "after": 0}),
        ("POST", f"/issues/{issue['id']}/items", item | {"title": " "}),
        ("POST", f"/issues/{issue['id']}/items", item | {"body": " "}),
    ):
        assert (await gateway.call(PROVINCE, "editor", method, path, body)).said == (422, "text.blank")


async def test_who_may_work_at_the_desk(gateway: Gateway) -> None:
    report = await reported(gateway)
    for method, path in (("GET", "/intake"), ("GET", f"/intake/{report}"), ("GET", "/issues"), ("GET", "/series")):
        assert (await gateway.call(PROVINCE, "officer", method, path)).said == (403, "auth.role")
        assert (await gateway.call(KUNSHAN, "lead", method, path)).said == (403, "auth.not_a_hub")
    text = {"title": "【样例】题", "body": "【样例】文", "after": 0}
    assert (await gateway.call(PROVINCE, "lead", "PUT", f"/intake/{report}/text", text)).said == (403, "auth.role")
    assert (await gateway.call(SUZHOU, "editor", "GET", f"/intake/{report}")).said == (404, "report.unknown")


async def test_the_state_follows_what_is_decided(gateway: Gateway) -> None:
    report = await reported(gateway)
    returned = {"verdict": "returned", "items": [{"report": report}], "reason": "请补充"}
    decision = await good(gateway.call(PROVINCE, "editor", "POST", "/decisions", returned), 201)
    assert await state_of(gateway, report) == "returned"
    reversal = {"verdict": "reversed", "reverses": decision["message"], "reason": "误退"}
    await good(gateway.call(PROVINCE, "editor", "POST", "/decisions", reversal), 201)
    assert await state_of(gateway, report) == "pending"
    issue = await opened(gateway)
    await good(add(gateway, issue["id"], report), 201)
    assert await ids(gateway, "state=in_issue") == {report}
    found = await good(gateway.call(PROVINCE, "editor", "GET", f"/intake/{report}"))
    assert found["standing"] == {"decision": None, "verdict": None, "issue": issue["id"], "n": 1}


async def test_reports_of_before_are_taken_in_at_the_start(
    tmp_path: Path, world: World, amqp_url: str, database_url: str
) -> None:
    """As after an upgrade, or from a process of the earlier version that still ran beside the new one."""
    async with gateway_service(tmp_path, world, (PROVINCE,), amqp_url, database_url) as gateway:
        reports = [await reported(gateway) for _ in range(3)]
        declined = {"verdict": "declined", "items": [{"report": reports[0]}], "reason": "重复"}
        await good(gateway.call(PROVINCE, "editor", "POST", "/decisions", declined), 201)
        await gateway.database.execute("DELETE FROM intake")
    (tmp_path / "again").mkdir()
    async with gateway_service(tmp_path / "again", world, (PROVINCE,), amqp_url, database_url) as gateway:
        found = await eventually(lambda: listed(gateway), "the intake", wanted=lambda rows: len(rows) == 3)
        assert {UUID(each["id"]): each["state"] for each in found} == {
            reports[0]: "declined", reports[1]: "pending", reports[2]: "pending",
        }  # fmt: skip
