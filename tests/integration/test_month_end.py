"""A month ends: gateway, router and score with one clock, a real broker and a real database, from the report to the PDF.

The bulletin is drafted by the score, kept as a paper, approved by the lead, reaches every unit, is frozen, and printed; a
reversal that comes after it appears as a correction in the next one.
"""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import pytest
from pypdf import PdfReader

from proto.messages import BulletinContent
from services.kit.ids import utc_now
from services.kit.session import open_session
from services.router.app import serve as serve_router
from tests.conftest import ADMIN_USER
from tests.integration.gateway_service import DEADLINE, PASSWORD, Answer, Gateway, gateway_service
from tests.integration.hub_room import add, final, good, opened
from tests.integration.routing import Bench
from tests.integration.scoring_service import OPERATOR, RULES, Scoring, line_of, scoring_service, settings_for
from tests.world import FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU, World

MARCH_20 = datetime(2026, 3, 20, 1, tzinfo=UTC)
LAST_MINUTE = datetime(2026, 3, 31, 15, 59, tzinfo=UTC)  # 23:59 in Jiangsu
APRIL = datetime(2026, 3, 31, 16, 0, 1, tzinfo=UTC)  # and there it is April
APRIL_9, MAY_2 = datetime(2026, 4, 9, 1, tzinfo=UTC), datetime(2026, 5, 2, 1, tzinfo=UTC)
TITLES = {REFORM: "【样例】项目用地三个问题", SUZHOU: "【样例】苏州推进产业创新", KUNSHAN: "【样例】昆山一日办结"}
DRAFT = f"/api/v1/hubs/{PROVINCE}/bulletins/draft"


class Province:
    """All three services, and the clock that they share."""

    def __init__(self, gateway: Gateway, scoring: Scoring) -> None:
        self.gateway = gateway
        self.scoring = scoring

    def it_is(self, at: datetime) -> None:
        """Move the clock; whoever was signed in signs in again."""
        self.gateway.later = at - utc_now()
        self.gateway._tokens.clear()

    async def paper(self, kind: str, content: Any) -> dict[str, Any]:
        """Draft a paper and let the lead approve it."""
        draft = await good(
            self.gateway.call(PROVINCE, "editor", "POST", "/papers", {"kind": kind, "content": content}), 201
        )
        path = f"/papers/{draft['id']}/approve"
        approved: dict[str, Any] = await good(
            self.gateway.call(PROVINCE, "lead", "POST", path, {"passphrase": PASSWORD, "digest": draft["digest"]})
        )
        return approved

    async def reported(self, unit: str, title: str) -> UUID:
        """Return a report that lies before the province."""
        message, _ = await self.gateway.report(unit, title=title)
        await self.gateway.received(PROVINCE, message)
        return message

    async def printed(self, unit: str, path: str) -> str:
        """Return all text of a document's PDF, without spaces and line ends."""
        token = (await self.gateway.sign_in(unit, "lead")).body["token"]
        url = f"http://127.0.0.1:{self.gateway.port}/api/v1/nodes/{unit}{path}/document?form=pdf"
        async with (
            aiohttp.ClientSession() as http,
            http.get(url, headers={"Authorization": f"Bearer {token}"}) as found,
        ):
            assert (found.status, found.content_type) == (200, "application/pdf"), await found.text()
            reader = PdfReader(io.BytesIO(await found.read()))
        return re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))


@pytest.fixture
def world() -> World:
    """The network of March 2026, in which the test's broker user is gateway and router."""
    return World.make(MARCH_20, ADMIN_USER)


@asynccontextmanager
async def routed(bench: Bench, gateway: Gateway) -> AsyncIterator[None]:
    """Run the router by the gateway's clock."""
    stop = asyncio.Event()
    work = asyncio.create_task(serve_router(bench.settings(), stop, clock=gateway.clock), name="router")
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(work, DEADLINE)


@asynccontextmanager
async def province_of(
    folder: Path, world: World, amqp_url: str, database_url: str, admin_url: str
) -> AsyncIterator[Province]:
    """Run all three for the length of the block."""
    rooms = [folder / name for name in ("gateway", "router", "scoring")]
    for room in rooms:
        room.mkdir()
    settings = settings_for(rooms[2], amqp_url, database_url, world)
    token = folder / "token"
    token.write_text(OPERATOR, encoding="utf-8")
    asks = {"scoring_url": f"http://127.0.0.1:{settings.port}", "scoring_token_file": str(token)}
    async with (
        open_session(amqp_url, "bench") as session,
        gateway_service(rooms[0], world, world.units, amqp_url, database_url, **asks) as gateway,
    ):
        gateway.later = MARCH_20 - utc_now()
        async with (
            routed(Bench(world, session, amqp_url, rooms[1], admin_url), gateway),
            scoring_service(settings, world, registry=False, rules=False, clock=gateway.clock) as scoring,
        ):
            yield Province(gateway, scoring)


async def test_a_month_ends_in_an_issued_bulletin_and_the_next_one_corrects_it(
    tmp_path: Path, world: World, amqp_url: str, database_url: str, admin_url: str
) -> None:
    async with province_of(tmp_path, world, amqp_url, database_url, admin_url) as province:
        await province.paper("rules", RULES.read_text(encoding="utf-8"))
        await province.scoring.settled(rules=1)
        decisions = await work_of_march(province)
        march = await bulletin_of_march(province, world)
        await work_of_april(province, taken_back=decisions[REFORM])
        await bulletin_of_april(province, march)


async def work_of_march(province: Province) -> dict[str, UUID]:
    """Three units report, and the province prints all three; return the decisions."""
    issue = (await opened(province.gateway))["id"]
    for unit, title in TITLES.items():
        await good(add(province.gateway, issue, await province.reported(unit, title)), 201)
    done = await good(final(province.gateway, issue))
    await province.scoring.settled(entries=3, points="9")
    return {item["reports"][0]["origin"]: UUID(item["decision"]) for item in done["items"]}


async def bulletin_of_march(province: Province, world: World) -> BulletinContent:
    """Until the last minute of the month there is a preview and no bulletin; then there is one, and every unit gets it."""
    gateway, scoring = province.gateway, province.scoring
    province.it_is(LAST_MINUTE)
    status, problem = await scoring.get(DRAFT, "province", period="2026-03")
    assert (status, problem["code"]) == (409, "bulletin.month_open")
    preview = (await scoring.good(DRAFT, "province", period="2026-03", preview="true"))["content"]
    early = await gateway.call(PROVINCE, "editor", "POST", "/papers", {"kind": "bulletin", "content": preview})
    assert early.said == (422, "paper.period_open")

    province.it_is(APRIL)
    march = (await scoring.good(DRAFT, "province", period="2026-03"))["content"]
    assert [line | {"missed": []} for line in march["lines"]] == preview["lines"], "only now something is missed"
    assert line_of(march, REFORM)["missed"] == ["research"]
    earned = {line["unit"]: line["points"] for line in march["lines"] if line["points"] != "0"}
    assert earned == {SUZHOU: "3", REFORM: "3", KUNSHAN: "3"}
    paper = await province.paper("bulletin", march)
    message = UUID(paper["message"])
    units = [unit for unit in world.units if PROVINCE in world.state.hubs_of(unit)]
    assert {line["unit"] for line in march["lines"]} == set(units)
    for unit in units:
        await gateway.received(unit, message)
    await scoring.settled(bulletins=1)
    frozen = (await scoring.good(f"/api/v1/hubs/{PROVINCE}/bulletins", "province", year="2026"))["bulletins"]
    assert [(each["id"], each["content"]) for each in frozen] == [(str(message), march)]

    pages = await province.printed(PROVINCE, f"/papers/{paper['id']}")
    for text in (
        "江苏省人民政府办公厅", "关于2026年3月政务信息采用情况的通报", "2026年4月1日", "设区市", "省级部门", "信息直报点", "苏州市",
        "昆山市", "未完成事项", march["text"], *TITLES.values(),
    ):  # fmt: skip
        assert text in pages, (text, pages)
    assert TITLES[KUNSHAN] in await province.printed(KUNSHAN, f"/inbox/{message}"), "a unit prints what it received"
    return msgspec.convert(march, BulletinContent)


async def work_of_april(province: Province, *, taken_back: UUID) -> None:
    """A mistake of March is found, and another item adopted."""
    province.it_is(APRIL_9)
    gateway = province.gateway
    body = {"verdict": "reversed", "reverses": taken_back, "reason": "【样例】数字有误"}
    await good(gateway.call(PROVINCE, "editor", "POST", "/decisions", body), 201)
    issue = (await opened(gateway))["id"]
    report = await province.reported(FARMING, "【样例】农业农村厅四月信息")
    await good(add(gateway, issue, report), 201)
    await good(final(gateway, issue))
    await province.scoring.settled(entries=5, points="9")


async def bulletin_of_april(province: Province, march: BulletinContent) -> None:
    """March's bulletin stays as it is, and April's corrects it: together they are the year."""
    province.it_is(MAY_2)
    april = (await province.scoring.good(DRAFT, "province", period="2026-04"))["content"]
    found = {unit: line_of(april, unit) for unit in (REFORM, FARMING, SUZHOU)}
    assert {unit: (each["points"], each["corrections"], each["year_points"]) for unit, each in found.items()} == {
        REFORM: ("0", "-3", "0"), FARMING: ("3", "0", "3"), SUZHOU: ("0", "0", "3"),
    }  # fmt: skip
    paper = await province.paper("bulletin", april)
    await province.scoring.settled(bulletins=2, ignored={})
    frozen = await province.scoring.good(f"/api/v1/hubs/{PROVINCE}/bulletins", "province", year="2026")
    contents = [msgspec.convert(each["content"], BulletinContent) for each in frozen["bulletins"]]
    assert contents == [march, msgspec.convert(april, BulletinContent)]
    for line in contents[1].lines:
        both = [each for content in contents for each in content.lines if each.unit == line.unit]
        assert sum(each.points + each.corrections for each in both) == line.year_points
    pages = await province.printed(PROVINCE, f"/papers/{paper['id']}")
    assert "关于2026年4月政务信息采用情况的通报" in pages
    row = re.search(r"江苏省发展和改革委员会0(0[-−]30)", pages)
    assert row, pages


async def test_an_answer_that_would_count_nothing_is_refused_before_it_is_one(
    tmp_path: Path, world: World, amqp_url: str, database_url: str, admin_url: str
) -> None:
    async with province_of(tmp_path, world, amqp_url, database_url, admin_url) as province:
        gateway, scoring = province.gateway, province.scoring
        await province.paper("rules", RULES.read_text(encoding="utf-8"))
        await scoring.settled(rules=1)
        report = await province.reported(REFORM, TITLES[REFORM])
        body = {"month": "2026-03", "text": "【样例】漏计一条"}
        appeal = UUID((await good(gateway.call(REFORM, "officer", "POST", "/appeals", body), 201))["message"])
        await gateway.received(PROVINCE, appeal)

        async def answer(**line: Any) -> Answer:
            lines = [{"unit": REFORM, "month": "2026-03"} | line]
            body = {"lines": lines, "reason": "【样例】经核对", "about": appeal}
            return await gateway.call(PROVINCE, "lead", "POST", "/adjustments", body)

        wrong: list[tuple[dict[str, Any], tuple[int, str]]] = [
            ({"rule": "no-such"}, (409, "scoring.deduction_unknown")),
            ({"rule": "untrue"}, (409, "scoring.deduction_of_nothing")),
            ({"rule": "untrue", "report": report, "month": "2026-04"}, (422, "adjustment.month")),
            ({"rule": "appeal", "points": "1.23456"}, (400, "request.invalid")),
        ]
        for line, refused in wrong:
            assert (await answer(**line)).said == refused, line
        assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind = 'adjustment'") == 0
        done = await good(answer(rule="appeal", points="1.2345"), 201)
        await scoring.settled(entries=1, points="1.2345", ignored={})
        await gateway.received(REFORM, UUID(done["message"]))
        assert (await answer(rule="appeal", points="2")).said == (409, "appeal.answered")
