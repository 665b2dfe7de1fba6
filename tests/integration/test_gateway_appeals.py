"""积分申诉 and 积分调整 at the desk: appealed, answered, taken back, answered anew; wrong ones leave nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio
from msgspec.structs import replace

from proto.messages import Adjustment, Appeal, Decision, Verdict
from services.gateway.domain.adjustments import reversal_of
from services.kit.calendar import CHINA
from tests.integration.gateway_service import Answer, Gateway, gateway_service
from tests.integration.hub_room import bring, message_of, pass_on, refuse, reported
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.world import World

_GRANTED: dict[str, Any] = {"rule": "appeal", "points": "1.5"}


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    nodes = (PROVINCE, SUZHOU, KUNSHAN, ZHANGJIAGANG)
    async with gateway_service(tmp_path, world, nodes, amqp_url, database_url) as running:
        yield running


def today(gateway: Gateway) -> datetime:
    return gateway.clock().astimezone(CHINA)


async def appeal(gateway: Gateway, unit: str = ZHANGJIAGANG, *, person: str = "officer", **fields: Any) -> Answer:
    body = {"month": f"{today(gateway):%Y-%m}", "text": "【样例】第3期漏计一条"} | fields
    return await gateway.call(unit, person, "POST", "/appeals", body)


async def adjust(gateway: Gateway, *lines: dict[str, Any], hub: str = SUZHOU, person: str = "lead", **fields: Any) -> Answer:  # fmt: skip
    said = [{"month": f"{today(gateway):%Y-%m}"} | line for line in lines]
    body = {"lines": said, "reason": "【样例】经核对"} | fields
    return await gateway.call(hub, person, "POST", "/adjustments", body)


async def reverse(gateway: Gateway, adjustment: UUID, *, hub: str = SUZHOU, person: str = "lead", **fields: Any) -> Answer:  # fmt: skip
    body = {"reason": "【样例】核对有误"} | fields
    return await gateway.call(hub, person, "POST", f"/adjustments/{adjustment}/reverse", body)


def line(unit: str = ZHANGJIAGANG, rule: str = "late", **fields: Any) -> dict[str, Any]:
    return {"unit": unit, "rule": rule} | fields


async def appeals(gateway: Gateway, unit: str, query: str = "") -> list[dict[str, Any]]:
    found = await gateway.call(unit, "officer", "GET", f"/appeals{query}")
    assert found.status == 200
    return list(found.body)


async def both(gateway: Gateway) -> tuple[UUID | None, bool]:
    """Return the answer to the only appeal, and whether it is listed as open: as its hub and its unit see it, who agree."""
    seen = []
    for node, query in ((SUZHOU, "?"), (ZHANGJIAGANG, "?made=true&")):
        (one,) = await appeals(gateway, node, query)
        waiting = await appeals(gateway, node, f"{query}open=true")
        seen.append((one, [each["id"] for each in waiting] == [one["id"]]))
    assert seen[0] == seen[1]
    one, waits = seen[0]
    return (UUID(one["answer"]) if one["answer"] else None), waits


async def test_an_appeal_is_answered_once(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway))
    assert isinstance(made, Appeal)
    assert (made.to, made.person) == ((SUZHOU,), "officer")
    assert await both(gateway) == (None, True)
    granted = line(**_GRANTED)
    done = await pass_on(gateway, await adjust(gateway, granted, about=made.id))
    assert isinstance(done, Adjustment)
    assert (done.to, done.person, done.about) == ((ZHANGJIAGANG,), "lead", made.id)
    assert await both(gateway) == (done.id, False)
    (seen,) = await appeals(gateway, SUZHOU)
    assert (seen["reason"], seen["lines"][0]["points"]) == ("【样例】经核对", "1.5")
    assert (await adjust(gateway, granted, about=made.id)).said == (409, "appeal.answered")


async def test_an_answer_is_taken_back_and_the_appeal_answered_anew(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway))
    first = await pass_on(gateway, await adjust(gateway, line(**_GRANTED), about=made.id))
    attempt = uuid4()
    told = [await reverse(gateway, first.id, id=attempt) for _ in range(2)]
    assert [answer.status for answer in told] == [201, 200]
    assert (await reverse(gateway, first.id, id=attempt, reason="另")).said == (409, "request.id_used")
    reversal = await pass_on(gateway, told[0])
    assert isinstance(reversal, Decision)
    assert (reversal.verdict, reversal.about, reversal.to) == (Verdict.REVERSED, first.id, (ZHANGJIAGANG,))
    assert (reversal.editor, reversal.reason) == ("lead", "【样例】核对有误")
    listed = await gateway.call(ZHANGJIAGANG, "officer", "GET", "/inbox?kind=decision")
    assert [each["title"] for each in listed.body] == ["积分调整冲正 / Adjustment taken back"]
    assert await both(gateway) == (None, True)
    assert (await reverse(gateway, first.id)).said == (409, "adjustment.reversed")
    second = await pass_on(gateway, await adjust(gateway, line(rule="appeal", points="2"), about=made.id))
    assert await both(gateway) == (second.id, False)
    (seen,) = await appeals(gateway, ZHANGJIAGANG, "?made=true")
    assert seen["lines"][0]["points"] == "2"
    assert (await adjust(gateway, about=made.id)).said == (409, "appeal.answered")


async def test_an_answer_that_the_network_refuses_is_none(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway))
    refused = await message_of(gateway, await adjust(gateway, about=made.id))
    await refuse(gateway, refused.id, hub=SUZHOU)
    assert await both(gateway) == (None, True)
    done = await pass_on(gateway, await adjust(gateway, about=made.id))
    assert await both(gateway) == (done.id, False)


async def test_a_reversal_that_the_network_refuses_does_not_count(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway))
    first = await pass_on(gateway, await adjust(gateway, line(**_GRANTED), about=made.id))
    reversal = await message_of(gateway, await reverse(gateway, first.id))
    await refuse(gateway, reversal.id, hub=SUZHOU)
    assert await both(gateway) == (first.id, False)
    assert (await adjust(gateway, about=made.id)).said == (409, "appeal.answered")
    await pass_on(gateway, await reverse(gateway, first.id))
    assert await both(gateway) == (None, True)


async def test_only_what_the_hub_itself_made_is_taken_back_once_with_a_reason(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway))
    done, refused = [await message_of(gateway, await adjust(gateway, line())) for _ in range(2)]
    await refuse(gateway, refused.id, hub=SUZHOU)
    for found, said in (
        (await reverse(gateway, uuid4()), (404, "adjustment.unknown")),
        (await reverse(gateway, made.id), (404, "adjustment.unknown")),
        (await reverse(gateway, done.id, hub=PROVINCE), (404, "adjustment.unknown")),
        (await reverse(gateway, refused.id), (409, "adjustment.refused")),
        (await reverse(gateway, done.id, reason=" "), (422, "adjustment.no_reason")),
        (await reverse(gateway, done.id, reason="机密★1年"), (422, "report.classified")),
        (await reverse(gateway, done.id, person="editor"), (403, "auth.role")),
        (await reverse(gateway, done.id, hub=ZHANGJIAGANG), (403, "auth.not_a_hub")),
    ):
        assert found.said == said
    answers = await asyncio.gather(*(reverse(gateway, done.id, person=who) for who in ("lead", "head")))
    assert sorted(one.status for one in answers) == [201, 409]
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind = 'decision'") == 1


async def test_only_the_hub_that_heard_an_appeal_answers_it(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway, KUNSHAN, hub=SUZHOU))
    other = Adjustment(
        id=gateway.world.new_id(), origin=PROVINCE, to=(KUNSHAN,), sent_at=gateway.clock(), about=made.id, lines=(),
        person="lead", reason="【样例】非本机关答复",
    )  # fmt: skip
    await bring(gateway, KUNSHAN, other)
    for query in ("?made=true", "?made=true&open=true"):
        (seen,) = await appeals(gateway, KUNSHAN, query)
        assert (seen["id"], seen["answer"]) == (str(made.id), None)
    done = await pass_on(gateway, await adjust(gateway, about=made.id))
    assert isinstance(done, Adjustment)
    stranger = reversal_of(
        done, id=gateway.world.new_id(), editor="lead", reason="【样例】非本机关冲正", at=gateway.clock()
    )
    await bring(gateway, KUNSHAN, replace(stranger, origin=PROVINCE))
    (seen,) = await appeals(gateway, KUNSHAN, "?made=true")
    assert seen["answer"] == str(done.id)
    assert await appeals(gateway, KUNSHAN, "?made=true&open=true") == []


async def test_a_reason_alone_answers_too(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway))
    assert (await adjust(gateway, about=made.id, reason=" ")).said == (422, "adjustment.no_reason")
    answers = await asyncio.gather(*(adjust(gateway, about=made.id, person=who) for who in ("lead", "head")))
    assert sorted(one.status for one in answers) == [201, 409]


async def test_which_hub_hears_an_appeal(gateway: Gateway) -> None:
    """A direct-report point has two: what the appeal is about says which, or the unit."""
    assert (await appeal(gateway, KUNSHAN)).said == (422, "appeal.which_hub")
    assert (await message_of(gateway, await appeal(gateway, KUNSHAN, hub=PROVINCE))).to == (PROVINCE,)
    report, _ = gateway.world.report(KUNSHAN, to=(SUZHOU,))
    decision, envelope = gateway.world.decision(SUZHOU, [report], verdict=Verdict.ADOPTED)
    await gateway.deliver(KUNSHAN, decision, envelope)
    await gateway.received(KUNSHAN, decision.id)
    assert (await message_of(gateway, await appeal(gateway, KUNSHAN, about=decision.id))).to == (SUZHOU,)
    for found, said in (
        (await appeal(gateway, KUNSHAN, about=decision.id, hub=PROVINCE), (422, "appeal.about")),
        (await appeal(gateway, KUNSHAN, about=uuid4()), (422, "appeal.about")),
        (await appeal(gateway, KUNSHAN, hub=WUXI), (422, "appeal.which_hub")),
        (await appeal(gateway, KUNSHAN, hub=PROVINCE, text=" "), (422, "appeal.no_text")),
        (await appeal(gateway, KUNSHAN, hub=PROVINCE, month="2026-13"), (400, "request.invalid")),
        (await appeal(gateway, KUNSHAN, hub=PROVINCE, text="绝密★长期"), (422, "report.classified")),
        (await appeal(gateway, KUNSHAN, hub=PROVINCE, person="lead"), (403, "auth.role")),
    ):
        assert found.said == said


async def test_points_of_this_year_and_the_year_before(gateway: Gateway) -> None:
    now = today(gateway)
    coming = f"{now.replace(day=28) + timedelta(days=5):%Y-%m}"
    for month in (f"{now.year - 2}-12", coming, "0000-01", "2999-12"):
        assert (await appeal(gateway, month=month)).said == (422, "appeal.month"), month
        assert (await adjust(gateway, line(month=month))).said == (422, "adjustment.month"), month
    for month in (f"{now.year - 1}-01", f"{now:%Y-%m}"):
        assert (await appeal(gateway, month=month)).status == 201, month
        assert (await adjust(gateway, line(month=month))).status == 201, month


async def test_deductions_and_wrong_adjustments(gateway: Gateway) -> None:
    report, foreign = [await reported(gateway, SUZHOU, origin) for origin in (ZHANGJIAGANG, KUNSHAN)]
    made = await pass_on(gateway, await appeal(gateway))
    attempt = uuid4()
    deducted = [await adjust(gateway, line(report=report), id=attempt) for _ in range(2)]
    assert [one.status for one in deducted] == [201, 200]
    assert (await message_of(gateway, deducted[0])).to == (ZHANGJIAGANG,)
    for found, said in (
        (await adjust(gateway), (422, "adjustment.no_lines")),
        (await adjust(gateway, line(), reason=""), (422, "adjustment.no_reason")),
        (await adjust(gateway, line(REFORM)), (422, "adjustment.unit")),
        (await adjust(gateway, line(), line(KUNSHAN)), (422, "adjustment.one_unit")),
        (await adjust(gateway, line(KUNSHAN), about=made.id), (422, "adjustment.one_unit")),
        (await adjust(gateway, line(rule="")), (422, "adjustment.no_rule")),
        (await adjust(gateway, line(points="-3")), (422, "adjustment.points")),
        (await adjust(gateway, line(rule="appeal", points="1")), (422, "adjustment.no_appeal")),
        (await adjust(gateway, line(KUNSHAN, "appeal", points="1"), about=made.id), (422, "adjustment.no_appeal")),
        (await adjust(gateway, line(rule="appeal"), about=made.id), (422, "adjustment.points")),
        (await adjust(gateway, line(report=foreign)), (422, "decision.unknown_item")),
        (await adjust(gateway, line(), about=uuid4()), (422, "appeal.unknown")),
        (await adjust(gateway, line(), about=report), (422, "appeal.unknown")),
        (await adjust(gateway, line(points="NaN")), (400, "request.invalid")),
        (await adjust(gateway, line(), person="editor"), (403, "auth.role")),
        (await adjust(gateway, line(), hub=ZHANGJIAGANG), (403, "auth.not_a_hub")),
        (await adjust(gateway, line(), reason="机密★1年"), (422, "report.classified")),
    ):
        assert found.said == said
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind = 'adjustment'") == 1
