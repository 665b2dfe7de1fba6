"""Finding reports, and finding nothing that one may not see."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio

from proto.messages import Category, Importance, Report, Stage, Urgency, Verdict
from tests.integration.archive_room import Room, settings_for
from tests.world import BEIJING, HEAD_SIGNS, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG, World


@pytest_asyncio.fixture
async def room(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Room]:
    async with Room.open(settings_for(tmp_path, world, amqp_url, database_url), world) as opened:
        yield opened


async def sent(room: Room, origin: str, title: str, body: str = "正文。", **changes: Any) -> str:
    report, envelope = room.world.report(origin, title=title, body=body, **changes)
    await room.send((report, envelope))
    return str(report.id)


async def test_words_phrases_exclusions(room: Room) -> None:
    first = await sent(room, KUNSHAN, "昆山优化营商环境", "推行一日办结，压缩流程。")
    second = await sent(room, KUNSHAN, "昆山治理水环境", "一日之内办结三件。ＧＤＰ增长5.2%。")
    assert set(await room.ids("环境")) == {first, second}
    assert await room.ids("环境 营商") == [first]
    assert await room.ids("环境 -营商") == [second]
    assert await room.ids('"一日办结"') == [first]
    assert await room.ids('环境 -"一日办结"') == [second]
    assert await room.ids("gdp") == [second]
    assert await room.ids('"GDP增长5.2%"') == [second]
    assert await room.ids("山", order="newest") == [second, first]
    assert await room.ids("无锡") == []


async def test_a_phrase_is_found_however_its_surroundings_are_cut(room: Room) -> None:
    found = await sent(room, KUNSHAN, "标题", "研究生命起源；苏州市区面貌一新")
    for phrase in ("研究生", "究生命", "苏州市", "区面"):
        assert await room.ids(f'"{phrase}"') == [found], phrase
    assert await room.ids("苏州市") == [found]


async def test_the_title_outweighs_the_body(room: Room) -> None:
    body_only = await sent(room, KUNSHAN, "一般情况", "谈到养老一次。")
    titled = await sent(room, KUNSHAN, "养老服务情况", "正文一般。", sent_at=room.world.now - timedelta(hours=1))
    assert await room.ids("养老") == [titled, body_only]
    assert await room.ids("养老", order="newest") == [body_only, titled]


async def test_hits_are_structured_not_html(room: Room) -> None:
    await sent(room, KUNSHAN, "<b>环境</b>好", "前" * 200 + "环境" + "后" * 200)
    (hit,) = (await room.search("环境"))["hits"]
    assert hit["title"] == [
        {"text": "<b>", "hit": False},
        {"text": "环境", "hit": True},
        {"text": "</b>好", "hit": False},
    ]
    assert {"text": "环境", "hit": True} in hit["snippet"]
    assert len("".join(piece["text"] for piece in hit["snippet"])) < 130


async def test_filters(room: Room) -> None:
    w = room.world
    plain = await sent(room, KUNSHAN, "甲", sent_at=w.now - timedelta(days=3))
    city = await sent(room, SUZHOU, "乙", category=Category.PROBLEM, urgency=Urgency.URGENT)
    other = await sent(room, JIANGYIN, "丙", importance=Importance.IMPORTANT, sign=HEAD_SIGNS, research=True)
    office = await sent(room, BEIJING, "丁")
    follow = await sent(room, REFORM, "戊", stage=Stage.FOLLOW_UP, about=w.new_id())
    assert set(await room.ids(origin=SUZHOU)) == {plain, city}
    assert set(await room.ids(origin=KUNSHAN)) == {plain}
    assert set(await room.ids(origin=PROVINCE)) == {plain, city, other, office, follow}
    assert set(await room.ids(origin=BEIJING)) == {office}
    assert set(await room.ids(category="problem")) == {city}
    assert set(await room.ids(urgency="urgent")) == {city}
    assert set(await room.ids(importance="important")) == {other}
    assert set(await room.ids(research="true")) == {other}
    assert set(await room.ids(stage="follow_up")) == {follow}
    day = (w.now + timedelta(hours=8)).date()  # Chinese time
    assert set(await room.ids(from_=day)) == {city, other, office, follow}
    assert set(await room.ids(to=day - timedelta(days=3))) == {plain}
    page = await room.search(limit=2, offset=4)
    assert (page["total"], len(page["hits"])) == (5, 1)
    beyond = await room.search(offset=100)
    assert (beyond["total"], beyond["hits"]) == (5, [])


async def test_adopted_until_taken_back(room: Room) -> None:
    first, first_sent = room.world.report(KUNSHAN, title="甲")
    second, second_sent = room.world.report(KUNSHAN, title="乙")
    adoption, adopted = room.world.decision(SUZHOU, [first], verdict=Verdict.MERGED)
    declined = room.world.decision(SUZHOU, [second], verdict=Verdict.DECLINED, reason="已知")
    await room.send((first, first_sent), (second, second_sent), (adoption, adopted), declined)
    assert await room.ids(adopted="true") == [str(first.id)]
    assert await room.ids(adopted="false") == [str(second.id)]
    reversal = room.world.decision(SUZHOU, [first], verdict=Verdict.REVERSED, about=adoption.id, reason="误采")
    await room.send(reversal)
    assert await room.ids(adopted="true") == []
    assert (await room.get("/api/v1/stats"))["adopted"] == 0


async def test_the_same_text_from_two_units_is_linked_as_far_as_the_reader_sees(room: Room) -> None:
    mine = await sent(room, KUNSHAN, "企业开办一日办结", "全流程压缩。")
    theirs = await sent(room, JIANGYIN, "企业开办一日办结", "全流程　压缩")
    await sent(room, KUNSHAN, "企业开办一日办结", "全流程压缩。")
    by_id = {hit["id"]: hit for hit in (await room.search("办结"))["hits"]}
    assert by_id[mine]["same_as"] == [theirs]
    assert len(by_id[theirs]["same_as"]) == 2
    assert all(hit["same_as"] == [] for hit in (await room.search("办结", KUNSHAN))["hits"])


async def test_no_hit_no_count_for_others(room: Room) -> None:
    found = await sent(room, KUNSHAN, "昆山经验")
    for reader in (KUNSHAN, SUZHOU, PROVINCE):
        assert await room.ids("昆山", reader) == [found]
    for reader in (ZHANGJIAGANG, WUXI, REFORM):
        answer = await room.search("昆山", reader)
        assert answer == {"total": 0, "hits": []}
        await room.get(f"/api/v1/messages/{found}", reader, reader=reader, status=404)
        await room.get(f"/api/v1/trail/{found}", reader, reader=reader, status=404)


async def test_a_token_reads_only_as_its_own_unit(room: Room) -> None:
    found = await sent(room, KUNSHAN, "昆山经验")
    for path in ("/api/v1/search", f"/api/v1/messages/{found}", f"/api/v1/trail/{found}"):
        await room.get(path, ZHANGJIAGANG, reader=KUNSHAN, status=403)
        await room.get(path, "no-such-token", reader=KUNSHAN, status=401)
        await room.get(path, KUNSHAN, status=400)
    for path in ("/api/v1/stats", "/api/v1/refused"):
        await room.get(path, PROVINCE, status=403)


async def test_the_export_is_the_signed_bytes(room: Room) -> None:
    report, envelope = room.world.report(KUNSHAN)
    await room.send((report, envelope))
    exported = await room.get(f"/api/v1/messages/{report.id}", SUZHOU, reader=SUZHOU)
    assert exported == msgspec.json.decode(envelope.json())
    assert isinstance(report, Report)


async def test_wrong_questions_are_told_why(room: Room) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"q": "-环境"}, "query.only_exclusions"),
        ({"q": '"环境'}, "query.unclosed_quote"),
        ({"q": "环" * 201}, "query.too_long"),
        ({"limit": 101}, "request.invalid"),
        ({"offset": 10_001}, "request.invalid"),
        ({"origin": "nowhere"}, "request.invalid"),
        ({"category": "gossip"}, "request.invalid"),
        ({"from_": "0001-01-01"}, "request.invalid"),
        ({"colour": "red"}, "request.invalid"),
    ]
    for params, code in wrong:
        answer = await room.get("/api/v1/search", PROVINCE, status=400, reader=PROVINCE, **params)
        assert answer["code"] == code, params
