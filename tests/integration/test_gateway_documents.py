"""通报 and 刊物 as documents: names and titles in place of codes and ids, at the hub that issues and where they arrive."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
import pytest_asyncio

from proto import codec
from proto.envelope import unpack
from proto.messages import (
    Article,
    BulletinContent,
    BulletinItem,
    BulletinLine,
    BulletinType,
    Level,
    Publication,
    Report,
    UnitClass,
)
from services.kit.calendar import CHINA
from services.kit.ids import new_id
from tests.integration.gateway_service import PASSWORD, Gateway, gateway_service
from tests.places import KUNSHAN, PROVINCE, SUZHOU, WUXI, ZHANGJIAGANG
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    nodes = (PROVINCE, SUZHOU, ZHANGJIAGANG)
    async with gateway_service(tmp_path, world, nodes, amqp_url, database_url) as running:
        yield running


async def fetch(gateway: Gateway, node: str, path: str, form: str = "html") -> tuple[int, str, bytes]:
    """Return status, media type and bytes of a document."""
    token = (await gateway.sign_in(node, "lead")).body["token"]
    url = f"http://127.0.0.1:{gateway.port}/api/v1/nodes/{node}{path}/document?form={form}"
    async with aiohttp.ClientSession() as http, http.get(url, headers={"Authorization": f"Bearer {token}"}) as answer:
        return answer.status, answer.content_type, await answer.read()


def bulletin(gateway: Gateway, known: UUID, unknown: UUID) -> BulletinContent:
    month = gateway.clock().astimezone(CHINA).replace(day=1) - timedelta(days=1)
    items = tuple(
        BulletinItem(
            event=new_id(), report=report, rule="2026-1/points.city.daily", level=Level.CITY, series="daily", issue="7",
            points=Decimal("2.5"),
        )
        for report in (known, unknown)
    )  # fmt: skip
    line = BulletinLine(
        unit=ZHANGJIAGANG, unit_class=UnitClass.COUNTY, adopted=2, points=Decimal(5), corrections=Decimal(-1),
        year_points=Decimal(40), items=items, missed=("research",),
    )  # fmt: skip
    return BulletinContent(
        type=BulletinType.MONTHLY, period=f"{month:%Y-%m}", lines=(line,), rules=("2026-1",), text="【样例】现予通报。"
    )


async def arrived(gateway: Gateway, node: str, message: Any, envelope: Any) -> None:
    await gateway.deliver(node, message, envelope)
    await gateway.received(node, message.id)


async def test_a_bulletin_at_its_hub_and_at_a_unit(gateway: Gateway) -> None:
    own, _ = await gateway.report(ZHANGJIAGANG, title="【样例】锦丰镇秋粮入库")
    envelope = unpack(await gateway.database.fetchval("SELECT body FROM sent WHERE id = $1", own))
    report = codec.decode(envelope)
    assert isinstance(report, Report)
    await arrived(gateway, SUZHOU, report, envelope)
    lost = new_id()
    draft = {"kind": "bulletin", "content": bulletin(gateway, own, lost)}
    drafted = (await gateway.call(SUZHOU, "editor", "POST", "/papers", draft)).body
    paper = drafted["id"]
    status, kind, page = await fetch(gateway, SUZHOU, f"/papers/{paper}")
    assert (status, kind) == (200, "text/html")
    for text in ("苏州市人民政府办公室", "张家港市", "【样例】锦丰镇秋粮入库", str(lost), "2.5", "调研信息", "昆山市"):
        assert text in page.decode(), text
    seen = {"passphrase": PASSWORD, "digest": drafted["digest"]}
    approved = await gateway.call(SUZHOU, "lead", "POST", f"/papers/{paper}/approve", seen)
    sent = unpack(
        await gateway.database.fetchval("SELECT body FROM sent WHERE id = $1", UUID(approved.body["message"]))
    )
    message = codec.decode(sent)
    await arrived(gateway, ZHANGJIAGANG, message, sent)
    assert (await fetch(gateway, ZHANGJIAGANG, f"/inbox/{message.id}"))[2] == (
        await fetch(gateway, SUZHOU, f"/papers/{paper}")
    )[2]


@pytest.mark.parametrize(("form", "kind", "start"), [
    ("html", "text/html", b"<!DOCTYPE html>"), ("pdf", "application/pdf", b"%PDF-"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK"),
])  # fmt: skip
async def test_an_issue_that_arrived(gateway: Gateway, form: str, kind: str, start: bytes) -> None:
    article = Article(title="【样例】两市防汛", body="【样例】正文。", reports=(new_id(),), units=(SUZHOU, WUXI))
    issue = Publication(
        id=gateway.world.new_id(), origin=SUZHOU, to=(PROVINCE, ZHANGJIAGANG, KUNSHAN, WUXI), sent_at=gateway.world.now,
        series="daily", name="苏州信息", organ="苏州市人民政府办公室", issue="2026-012", total=217, day="2026-11-20",
        articles=(article,),
    )  # fmt: skip
    await arrived(gateway, PROVINCE, issue, gateway.world.seal(issue, SUZHOU))
    status, found, page = await fetch(gateway, PROVINCE, f"/inbox/{issue.id}", form)
    assert (status, found) == (200, kind)
    assert page.lstrip().lower().startswith(start.lower())
    if form == "html":
        text = page.decode()
        for part in ("苏州信息", "第12期", "217", "【样例】两市防汛", "苏州市", "无锡市", "张家港市", "昆山市"):
            assert part in text, part


async def test_what_is_not_printed(gateway: Gateway) -> None:
    report, envelope = gateway.world.report(ZHANGJIAGANG)
    await arrived(gateway, SUZHOU, report, envelope)
    rules = {"kind": "rules", "content": 'version = "1"\n'}
    paper = (await gateway.call(SUZHOU, "editor", "POST", "/papers", rules)).body["id"]
    for path, status in (
        (f"/inbox/{report.id}", 422), (f"/papers/{paper}", 422), (f"/inbox/{paper}", 404), (f"/papers/{report.id}", 404),
    ):  # fmt: skip
        assert (await fetch(gateway, SUZHOU, path))[0] == status
    assert (await fetch(gateway, SUZHOU, f"/papers/{paper}", "odt"))[0] == 400
