"""报送要点 at the desk: said, numbered on, received once in any order, named by reports, covered; wrong ones leave nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from proto.envelope import unpack
from proto.messages import KeyPoints, Message
from services.cli.app import app
from services.cli.failures import Exit
from services.kit.calendar import CHINA, month_of
from tests.integration.gateway_service import PASSWORD, Answer, Gateway, gateway_service
from tests.integration.hub_room import add, final, good, message_of, opened, pass_on, refuse, reported, said
from tests.places import BEIJING, FARMING, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.world import World

HOSTED = (PROVINCE, SUZHOU, KUNSHAN, ZHANGJIAGANG, REFORM)
UNDER_PROVINCE = tuple(sorted((SUZHOU, WUXI, KUNSHAN, JIANGYIN, REFORM, FARMING, BEIJING)))


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, HOSTED, amqp_url, database_url) as running:
        yield running


def this_month(gateway: Gateway) -> str:
    return month_of(gateway.clock())


def ahead(gateway: Gateway, months: int) -> str:
    day = gateway.clock().astimezone(CHINA)
    number = day.year * 12 + day.month - 1 + months
    return f"{number // 12}-{number % 12 + 1:02}"


def reference(gateway: Gateway, number: int, hub: str = PROVINCE) -> str:
    return f"{hub}/{this_month(gateway)}/{number}"


async def ask(gateway: Gateway, *texts: str, hub: str = PROVINCE, person: str = "editor", **fields: Any) -> Answer:
    body = {"month": this_month(gateway), "points": texts or ("【样例】秋粮收购",)} | fields
    return await gateway.call(hub, person, "POST", "/key-points", body)


async def tell(gateway: Gateway, answer: Answer) -> KeyPoints:
    """Bring what a hub said to those of its units that this gateway hosts."""
    message = await message_of(gateway, answer)
    assert isinstance(message, KeyPoints)
    await bring(gateway, message, *message.to)
    return message


async def bring(gateway: Gateway, message: Message, *units: str) -> None:
    envelope = unpack(await gateway.database.fetchval("SELECT body FROM sent WHERE id = $1", message.id))
    for unit in set(units) & set(HOSTED):
        await gateway.deliver(unit, message, envelope)
        await gateway.received(unit, message.id)


async def points(gateway: Gateway, node: str, month: str = "") -> dict[str, int | None]:
    """Return the names of a month's points with the number of the unit's own reports, in the order in which they are listed."""
    query = f"?month={month}" if month else ""
    found = await good(gateway.call(node, "officer", "GET", f"/key-points{query}"))
    return {point["reference"]: point["reports"] for each in found for point in each["points"]}


async def coverage(gateway: Gateway, hub: str = PROVINCE) -> dict[int, dict[str, tuple[int, int]]]:
    """Return by point and unit the reports and those adopted."""
    found = await good(gateway.call(hub, "editor", "GET", "/key-points/coverage"))
    assert (found["hub"], found["month"]) == (hub, this_month(gateway))
    return {
        point["number"]: {unit["unit"]: (unit["reports"], unit["adopted"]) for unit in point["units"]}
        for point in found["points"]
    }


async def numbers(gateway: Gateway, node: str) -> list[int]:
    return [int(name.rpartition("/")[2]) for name in await points(gateway, node)]


async def test_points_are_numbered_on_and_reach_those_asked(gateway: Gateway) -> None:
    first = await tell(gateway, await ask(gateway, "【样例】秋粮收购", "【样例】外贸"))
    direct = await tell(gateway, await ask(gateway, "【样例】县域", classes=["direct_report"]))
    some = await tell(gateway, await ask(gateway, "【样例】京津", classes=["liaison"], units=[REFORM], person="lead"))
    later = await tell(gateway, await ask(gateway, "【样例】明年", month=ahead(gateway, 12), units=[REFORM]))
    assert [[p.number for p in m.points] for m in (first, direct, some, later)] == [[1, 2], [3], [4], [1]]
    assert (first.to, direct.to, some.to) == (UNDER_PROVINCE, (JIANGYIN, KUNSHAN), (REFORM, BEIJING))
    assert await numbers(gateway, KUNSHAN) == [1, 2, 3]
    assert await numbers(gateway, REFORM) == [1, 2, 4]
    assert await numbers(gateway, ZHANGJIAGANG) == []
    assert await points(gateway, PROVINCE) == {reference(gateway, n): None for n in (1, 2, 3, 4)}
    assert await points(gateway, REFORM, ahead(gateway, 12)) == {f"{PROVINCE}/{ahead(gateway, 12)}/1": 0}
    (shown, *_) = await good(gateway.call(KUNSHAN, "officer", "GET", "/key-points"))
    assert (shown["id"], shown["hub"], shown["hub_name"]) == (str(first.id), PROVINCE, "江苏省人民政府办公厅")
    assert [point["text"] for point in shown["points"]] == ["【样例】秋粮收购", "【样例】外贸"]
    (listed, *_) = (await gateway.call(KUNSHAN, "officer", "GET", "/inbox?kind=key_points")).body
    assert listed["title"] == f"{this_month(gateway)} 报送要点 / Key points"


async def test_a_county_that_reports_to_two_gets_both_hubs_points(gateway: Gateway) -> None:
    """A city does the same for its counties; at its city a direct-report point is a county like the others."""
    city = await tell(gateway, await ask(gateway, "【样例】全市", hub=SUZHOU, classes=["county"]))
    await tell(gateway, await ask(gateway, "【样例】全省"))
    assert city.to == (ZHANGJIAGANG, KUNSHAN)
    names = [reference(gateway, 1, SUZHOU), reference(gateway, 1)]
    assert list(await points(gateway, KUNSHAN)) == names
    assert await points(gateway, SUZHOU) == {names[0]: None, names[1]: 0}
    assert await points(gateway, ZHANGJIAGANG) == {names[0]: 0}
    for name in names:
        await pass_on(gateway, await gateway.hand_in(KUNSHAN, answers=name))
    assert await points(gateway, KUNSHAN) == dict.fromkeys(names, 1)
    assert (await coverage(gateway))[1][KUNSHAN] == (1, 0)
    assert await coverage(gateway, SUZHOU) == {1: {ZHANGJIAGANG: (0, 0), KUNSHAN: (1, 0)}}


async def test_what_may_not_be_said_leaves_nothing(gateway: Gateway) -> None:
    for answer, expected in (
        (await ask(gateway, person="officer"), (403, "auth.role")),
        (await ask(gateway, hub=REFORM, person="lead"), (403, "auth.not_a_hub")),
        (await ask(gateway, month=ahead(gateway, -1)), (422, "key_points.month")),
        (await ask(gateway, month=ahead(gateway, 13)), (422, "key_points.month")),
        (await ask(gateway, month="2026-13"), (400, "request.invalid")),
        (await ask(gateway, "【样例】甲", "\u3000 "), (422, "text.blank")),
        (await ask(gateway, points=[]), (400, "request.invalid")),
        (await ask(gateway, "机密★1年"), (422, "report.classified")),
        (await ask(gateway, "甲\x00乙"), (422, "payload.malformed")),
        (await ask(gateway, units=[ZHANGJIAGANG]), (422, "key_points.unit")),
        (await ask(gateway, units=["320000-router"]), (422, "key_points.unit")),
        (await ask(gateway, classes=["county"]), (422, "key_points.nobody")),
        (await ask(gateway, classes=["province"]), (400, "request.invalid")),
    ):
        assert answer.said == expected
    for path in ("/key-points?month=0000-01", "/key-points/coverage?month=1800-01", "/key-points?month=2026-1"):
        assert (await gateway.call(PROVINCE, "editor", "GET", path)).said == (400, "request.invalid")
    assert (await gateway.call(KUNSHAN, "lead", "GET", "/key-points/coverage")).said == (403, "auth.not_a_hub")
    assert await said(gateway, PROVINCE, "key_points") == await said(gateway, REFORM, "key_points") == []


async def test_the_first_and_last_month_that_can_be_asked_for_are_empty(gateway: Gateway) -> None:
    for month in ("1992-01", "9998-12"):
        assert await points(gateway, PROVINCE, month) == {}


async def test_trying_again_says_it_once_and_two_editors_get_numbers_of_their_own(gateway: Gateway) -> None:
    attempt = uuid4()
    told = [await ask(gateway, id=attempt) for _ in range(2)]
    assert [answer.status for answer in told] == [201, 200]
    assert told[0].body == told[1].body
    assert (await ask(gateway, "【样例】另一条", id=attempt)).said == (409, "request.id_used")
    answers = await asyncio.gather(*(ask(gateway, f"【样例】{n}", person=who) for n in range(3) for who in ("editor", "lead")))  # fmt: skip
    assert {answer.status for answer in answers} == {201}
    assert sorted(await numbers(gateway, PROVINCE)) == [1, 2, 3, 4, 5, 6, 7]


async def test_what_the_network_refused_was_never_said_and_keeps_its_numbers(gateway: Gateway) -> None:
    refused = await message_of(gateway, await ask(gateway, "【样例】甲", "【样例】乙"))
    await refuse(gateway, refused.id)
    assert (await numbers(gateway, PROVINCE), await coverage(gateway)) == ([], {})
    assert (await gateway.hand_in(PROVINCE, answers=reference(gateway, 1))).said == (422, "report.key_point_unknown")
    again = await tell(gateway, await ask(gateway, "【样例】丙"))
    assert [point.number for point in again.points] == [3]
    assert await numbers(gateway, KUNSHAN) == [3]


async def test_any_order_and_redelivery_change_nothing(gateway: Gateway) -> None:
    said_ = [await message_of(gateway, await ask(gateway, f"【样例】{n}", units=[KUNSHAN])) for n in range(3)]
    for message in (said_[2], said_[0], said_[2], said_[1], said_[0]):
        await bring(gateway, message, KUNSHAN)
    assert await numbers(gateway, KUNSHAN) == [1, 2, 3]
    report = await gateway.hand_in(KUNSHAN, answers=reference(gateway, 2))
    for _ in range(3):
        await pass_on(gateway, report)
    # one that was written before its hub's points came from another gateway, as when these were long on the way
    await reported(gateway, answers=reference(gateway, 4))
    assert list((await coverage(gateway)).values()) == [{KUNSHAN: (0, 0)}, {KUNSHAN: (1, 0)}, {KUNSHAN: (0, 0)}]
    await ask(gateway, "【样例】后发", units=[KUNSHAN])
    assert (await coverage(gateway))[4] == {KUNSHAN: (1, 0)}
    assert list((await points(gateway, KUNSHAN)).values()) == [0, 1, 0]


async def test_coverage_counts_what_the_hub_received_and_adopted(gateway: Gateway) -> None:
    asked = await tell(gateway, await ask(gateway, "【样例】甲", "【样例】乙", units=[KUNSHAN, REFORM, WUXI]))
    name = reference(gateway, 1)
    first, second = [(await pass_on(gateway, await gateway.hand_in(KUNSHAN, answers=name))).id for _ in range(2)]
    await reported(gateway, origin=REFORM, answers="省政府2026年1号文件")
    await reported(gateway, origin=FARMING, answers=name)  # nobody asked it: another gateway let it name the point
    nothing = dict.fromkeys(asked.to, (0, 0))
    assert await coverage(gateway) == {1: nothing | {KUNSHAN: (2, 0)}, 2: nothing}

    issue = (await opened(gateway))["id"]
    await good(add(gateway, issue, first), 201)
    assert (await coverage(gateway))[1][KUNSHAN] == (2, 0)
    done = await good(final(gateway, issue))
    assert (await coverage(gateway))[1][KUNSHAN] == (2, 1)
    other = (await opened(gateway, hub=SUZHOU))["id"]
    await good(add(gateway, other, second, hub=SUZHOU), 201)
    await good(final(gateway, other, hub=SUZHOU))
    assert (await coverage(gateway))[1][KUNSHAN] == (2, 1), "the city's own affair"
    merged = (await opened(gateway))["id"]
    await good(add(gateway, merged, second, await reported(gateway)), 201)
    await good(final(gateway, merged))
    assert (await coverage(gateway))[1][KUNSHAN] == (2, 2)
    body = {"verdict": "reversed", "items": [], "reverses": done["items"][0]["decision"], "reason": "【样例】有误"}
    await good(gateway.call(PROVINCE, "editor", "POST", "/decisions", body), 201)
    assert (await coverage(gateway))[1][KUNSHAN] == (2, 1)


async def test_a_unit_counts_what_it_sent_and_the_network_took(gateway: Gateway) -> None:
    await tell(gateway, await ask(gateway, units=[REFORM]))
    name = reference(gateway, 1)
    draft = msgspec.json.decode(gateway.world.content(answers=name))
    assert (await gateway.call(REFORM, "officer", "POST", "/items", {"content": draft})).status == 201
    assert await points(gateway, REFORM) == {name: 0}
    messages = [UUID((await gateway.hand_in(REFORM, answers=name)).body["message"]) for _ in range(2)]
    assert await points(gateway, REFORM) == {name: 2}
    await refuse(gateway, messages[0], hub=REFORM)
    assert await points(gateway, REFORM) == {name: 1}


@pytest.mark.parametrize("flaw", ["other_month", "other_number", "other_hub", "space", "zero", "wide"])
async def test_a_point_that_did_not_come_cannot_be_named(gateway: Gateway, flaw: str) -> None:
    """In drafts, edits, imports and whole reports alike."""
    await tell(gateway, await ask(gateway))
    await tell(gateway, await ask(gateway, month=ahead(gateway, 1), units=[KUNSHAN]))
    name = reference(gateway, 1)
    wrong = {
        "other_month": f"{PROVINCE}/{ahead(gateway, 1)}/1", "other_number": reference(gateway, 2),
        "other_hub": reference(gateway, 1, SUZHOU), "space": f"{name} ", "zero": reference(gateway, 1).replace("/1", "/01"),
        "wide": name.replace("/", "／"),
    }[flaw]  # fmt: skip
    content = msgspec.json.decode(gateway.world.content(answers=wrong))
    expected = (422, "report.key_point_unknown")
    assert (await gateway.hand_in(REFORM, answers=wrong)).said == expected
    assert (await gateway.call(REFORM, "officer", "POST", "/items", {"content": content})).said == expected
    sheet = b"\n".join(map(msgspec.json.encode, (content, content | {"answers": name}, content | {"answers": "决策"})))
    imported = (await gateway.call(REFORM, "officer", "POST", "/import", sheet)).body
    assert [line["code"] for line in imported] == ["report.key_point_unknown", "", ""]
    item = imported[1]["item"]
    assert (await gateway.call(REFORM, "officer", "PUT", f"/items/{item}", {"content": content})).said == expected
    assert await gateway.database.fetchval("SELECT count(*) FROM item") == 2


async def test_other_words_may_stand_there(gateway: Gateway) -> None:
    for words in ("", "省政府2026年1号文件", "solicitation:2026-11-YG01", f"按{reference(gateway, 1)}"):
        assert (await gateway.hand_in(REFORM, answers=words)).status == 201


async def test_a_city_sends_on_what_names_its_own_or_its_countys_point(gateway: Gateway) -> None:
    """As it came, whoever was asked; a text of its own names what the city was asked for, or asked itself."""
    await tell(gateway, await ask(gateway, hub=SUZHOU))
    await tell(gateway, await ask(gateway, units=[KUNSHAN]))
    own, countys = reference(gateway, 1, SUZHOU), reference(gateway, 1)
    for name, status in ((own, 201), (countys, 422)):
        original = await pass_on(gateway, await gateway.hand_in(KUNSHAN, answers=name))
        body: dict[str, Any] = {"reports": [{"report": original.id, "share": "1"}]}
        assert (await gateway.call(SUZHOU, "editor", "POST", "/forwards", body)).status == 201
        text = msgspec.json.decode(gateway.world.content(answers=name, title="【样例】改写"))
        assert (await gateway.call(SUZHOU, "editor", "POST", "/forwards", body | {"content": text})).status == status


async def test_at_the_command_line(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YIZHAN_TOKEN", raising=False)
    (tmp_path / "password").write_text(PASSWORD)
    where = ("--password-file", str(tmp_path / "password"), "--gateway", f"http://127.0.0.1:{gateway.port}")

    async def run(*words: str, code: int = Exit.GOOD) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["points", *words, *where], prog_name="yizhan")
        assert result.exit_code == code, result.output
        return result.stdout if code == Exit.GOOD else result.stderr

    attempt = str(uuid4())
    done = [await run("set", PROVINCE, "【样例】甲", "【样例】乙", "--class", "direct_report", "--unit", REFORM, "--id", attempt, "--json") for _ in range(2)]  # fmt: skip
    assert done[0] == done[1]
    (message,) = await said(gateway, PROVINCE, "key_points")
    assert (json.loads(done[0])["message"], message.to) == (str(message.id), (REFORM, JIANGYIN, KUNSHAN))
    await bring(gateway, message, *message.to)
    await pass_on(gateway, await gateway.hand_in(REFORM, answers=reference(gateway, 2)))
    listed = await run("list", REFORM)
    assert reference(gateway, 2) in listed
    assert "【样例】乙" in listed
    assert "要点 / point" in listed
    shown = json.loads(await run("list", REFORM, "--month", this_month(gateway), "--json"))
    assert [point["reports"] for point in shown[0]["points"]] == [0, 1]
    table = await run("coverage", PROVINCE)
    assert "1/3" in table
    assert "昆山市人民政府办公室" in table
    assert json.loads(await run("coverage", PROVINCE, "--month", ahead(gateway, 1), "--json"))["points"] == []
    assert "[key_points.nobody]" in await run("set", PROVINCE, "【样例】甲", "--class", "county", code=Exit.NOT_SO)
    assert "[key_points.month]" in await run("set", PROVINCE, "甲", "--month", ahead(gateway, -1), code=Exit.NOT_SO)
    assert "[request.invalid]" in await run("list", REFORM, "--month", "11月", code=Exit.USAGE)
    assert await run("set", PROVINCE, "甲", "--class", "village", code=Exit.USAGE)
