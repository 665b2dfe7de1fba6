"""核实 and 积分申诉 at the desk: asked, answered, listed beside what they are about; wrong ones leave nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio

from proto import codec
from proto.envelope import unpack
from proto.messages import Adjustment, Appeal, Message, Progress, Report, Solicitation, Step, Verdict
from tests.integration.gateway_service import Answer, Gateway, gateway_service
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, ZHANGJIAGANG
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    nodes = (PROVINCE, SUZHOU, KUNSHAN, ZHANGJIAGANG)
    async with gateway_service(tmp_path, world, nodes, amqp_url, database_url) as running:
        yield running


async def body_of(gateway: Gateway, answer: Answer) -> Message:
    """Return the message that an answer names."""
    assert answer.status == 201, answer
    body = await gateway.database.fetchval("SELECT body FROM sent WHERE id = $1", UUID(answer.body["message"]))
    return codec.decode(unpack(body))


async def pass_on(gateway: Gateway, answer: Answer) -> Message:
    """Bring what a unit said to those whom it is for, as the router does."""
    message = await body_of(gateway, answer)
    envelope = unpack(await gateway.database.fetchval("SELECT body FROM sent WHERE id = $1", message.id))
    for code in message.to:
        await gateway.deliver(code, message, envelope)
        await gateway.received(code, message.id)
    return message


async def reported(gateway: Gateway, origin: str = ZHANGJIAGANG, hub: str = SUZHOU) -> Report:
    message, _ = await gateway.report(origin)
    envelope = unpack(await gateway.database.fetchval("SELECT body FROM sent WHERE id = $1", message))
    report = codec.decode(envelope)
    assert isinstance(report, Report)
    await gateway.deliver(hub, report, envelope)
    await gateway.received(hub, report.id)
    return report


async def ask(gateway: Gateway, report: UUID, *, text: str = "【样例】请核实数据口径", hub: str = SUZHOU, person: str = "editor", **fields: Any) -> Answer:  # fmt: skip
    body = {"text": text, "deadline": gateway.clock() + timedelta(hours=4)} | fields
    return await gateway.call(hub, person, "POST", f"/intake/{report}/queries", body)


async def answer(gateway: Gateway, about: UUID, *, text: str = "【样例】口径无误", person: str = "officer", **fields: Any) -> Answer:  # fmt: skip
    return await gateway.call(ZHANGJIAGANG, person, "POST", "/answers", {"about": about, "text": text} | fields)


async def test_a_question_and_its_answers_stand_beside_the_report(gateway: Gateway) -> None:
    report = await reported(gateway)
    question = await pass_on(gateway, await ask(gateway, report.id))
    assert isinstance(question, Solicitation)
    assert (question.about, question.to, question.form) == (report.id, (ZHANGJIAGANG,), "verification")
    assert question.title == f"核实：{codec.decode_content(report.content).title}"
    correction, _ = await gateway.report(ZHANGJIAGANG)
    said = await pass_on(gateway, await answer(gateway, question.id, answer=correction))
    assert isinstance(said, Progress)
    assert (said.step, said.about, said.to, said.answer) == (Step.FED_BACK, question.id, (SUZHOU,), correction)
    at_hub = (await gateway.call(SUZHOU, "editor", "GET", f"/intake/{report.id}/queries")).body
    at_unit = (await gateway.call(ZHANGJIAGANG, "officer", "GET", f"/items/{report.id}")).body["queries"]
    assert at_hub == at_unit
    (one,) = at_hub
    assert (one["id"], one["hub"], one["unit"]) == (str(question.id), SUZHOU, ZHANGJIAGANG)
    assert [(each["text"], each["answer"]) for each in one["answers"]] == [("【样例】口径无误", str(correction))]
    second = await body_of(gateway, await ask(gateway, report.id))
    assert isinstance(second, Solicitation)
    assert [question.number.partition("-")[2], second.number.partition("-")[2]] == ["1", "2"]


async def bring(gateway: Gateway, hub: str, message: Message) -> None:
    """Bring a message that another unit's gateway sent."""
    await gateway.deliver(hub, message, gateway.world.seal(message, message.origin))
    await gateway.received(hub, message.id)


async def test_only_who_was_asked_answers(gateway: Gateway) -> None:
    report = await reported(gateway)
    question = await pass_on(gateway, await ask(gateway, report.id))
    stranger = Progress(
        id=gateway.world.new_id(), origin=KUNSHAN, to=(SUZHOU,), sent_at=gateway.clock(), about=question.id,
        step=Step.FED_BACK, person="officer", text="【样例】旁人作答",
    )  # fmt: skip
    await bring(gateway, SUZHOU, stranger)
    (one,) = (await gateway.call(SUZHOU, "editor", "GET", f"/intake/{report.id}/queries")).body
    assert one["answers"] == []


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
    (seen,) = await appeals(gateway, KUNSHAN, "?made=true")
    assert seen["answer"] == str(done.id)
    assert await appeals(gateway, KUNSHAN, "?made=true&open=true") == []


async def test_asking_again_asks_once(gateway: Gateway) -> None:
    report = await reported(gateway)
    fields = {"id": uuid4(), "deadline": gateway.clock() + timedelta(days=1)}
    answers = await asyncio.gather(*(ask(gateway, report.id, **fields) for _ in range(4)))
    assert sorted(one.status for one in answers) == [200, 200, 200, 201]
    assert len({one.body["message"] for one in answers}) == 1
    assert (await ask(gateway, report.id, text="另", **fields)).said == (409, "request.id_used")
    other = await reported(gateway)
    about_another = await ask(gateway, other.id, **fields)  # in the same words
    assert about_another.said == (409, "request.id_used")


async def test_wrong_questions_and_answers(gateway: Gateway) -> None:
    report = await reported(gateway)
    question = await pass_on(gateway, await ask(gateway, report.id))
    elsewhere, _ = await gateway.report(KUNSHAN)
    past = gateway.clock() - timedelta(seconds=1)
    for found, said in (
        (await ask(gateway, uuid4()), (404, "message.unknown")),
        (await ask(gateway, report.id, text=" "), (422, "query.no_text")),
        (await ask(gateway, report.id, deadline=past), (422, "query.deadline")),
        (await ask(gateway, report.id, deadline="9999-12-31T23:59:59-12:00"), (422, "query.deadline")),
        (await ask(gateway, report.id, deadline="2999-01-01T00:00:00"), (400, "request.invalid")),
        (await ask(gateway, report.id, text="机密★1年"), (422, "report.classified")),
        (await ask(gateway, report.id, text="\x00"), (422, "payload.malformed")),
        (await ask(gateway, report.id, person="lead"), (403, "auth.role")),
        (await ask(gateway, report.id, hub=ZHANGJIAGANG, person="officer"), (403, "auth.role")),
        (await answer(gateway, uuid4()), (422, "answer.unknown")),
        (await answer(gateway, question.id, text=" "), (422, "answer.empty")),
        (await answer(gateway, question.id, answer=elsewhere), (422, "answer.no_report")),
        (await answer(gateway, question.id, answer=question.id), (422, "answer.no_report")),
        (await answer(gateway, question.id, text="秘密★2年"), (422, "report.classified")),
        (await answer(gateway, question.id, person="lead"), (403, "auth.role")),
    ):
        assert found.said == said
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind IN ('solicitation', 'progress')") == 1


async def appeal(gateway: Gateway, unit: str = ZHANGJIAGANG, *, person: str = "officer", **fields: Any) -> Answer:
    body = {"month": "2026-01", "text": "【样例】第3期漏计一条"} | fields
    return await gateway.call(unit, person, "POST", "/appeals", body)


async def adjust(gateway: Gateway, *lines: dict[str, Any], hub: str = SUZHOU, person: str = "lead", **fields: Any) -> Answer:  # fmt: skip
    body = {"lines": lines, "reason": "【样例】经核对"} | fields
    return await gateway.call(hub, person, "POST", "/adjustments", body)


def line(unit: str = ZHANGJIAGANG, rule: str = "late", **fields: Any) -> dict[str, Any]:
    return {"unit": unit, "month": "2026-01", "rule": rule} | fields


async def appeals(gateway: Gateway, unit: str, query: str = "") -> list[dict[str, Any]]:
    found = await gateway.call(unit, "officer", "GET", f"/appeals{query}")
    assert found.status == 200
    return list(found.body)


async def test_an_appeal_is_answered_once(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway))
    assert isinstance(made, Appeal)
    assert (made.to, made.person) == ((SUZHOU,), "officer")
    assert [one["id"] for one in await appeals(gateway, SUZHOU, "?open=true")] == [str(made.id)]
    granted = line(rule="appeal", points="1.5")
    done = await pass_on(gateway, await adjust(gateway, granted, about=made.id))
    assert isinstance(done, Adjustment)
    assert (done.to, done.person, done.about) == ((ZHANGJIAGANG,), "lead", made.id)
    assert (
        await appeals(gateway, SUZHOU, "?open=true")
        == await appeals(gateway, ZHANGJIAGANG, "?made=true&open=true")
        == []
    )
    (seen,), (own,) = await appeals(gateway, SUZHOU), await appeals(gateway, ZHANGJIAGANG, "?made=true")
    assert seen == own
    assert (seen["answer"], seen["reason"], seen["lines"][0]["points"]) == (str(done.id), "【样例】经核对", "1.5")
    assert (await adjust(gateway, granted, about=made.id)).said == (409, "appeal.answered")


async def test_a_reason_alone_answers_too(gateway: Gateway) -> None:
    made = await pass_on(gateway, await appeal(gateway))
    assert (await adjust(gateway, about=made.id, reason=" ")).said == (422, "adjustment.no_reason")
    answers = await asyncio.gather(*(adjust(gateway, about=made.id, person=who) for who in ("lead", "head")))
    assert sorted(one.status for one in answers) == [201, 409]


async def test_which_hub_hears_an_appeal(gateway: Gateway) -> None:
    """A direct-report point has two: what the appeal is about says which, or the unit."""
    assert (await appeal(gateway, KUNSHAN)).said == (422, "appeal.which_hub")
    assert (await body_of(gateway, await appeal(gateway, KUNSHAN, hub=PROVINCE))).to == (PROVINCE,)
    report = await reported(gateway, KUNSHAN)
    decision, envelope = gateway.world.decision(SUZHOU, [report], verdict=Verdict.ADOPTED)
    await gateway.deliver(KUNSHAN, decision, envelope)
    await gateway.received(KUNSHAN, decision.id)
    assert (await body_of(gateway, await appeal(gateway, KUNSHAN, about=decision.id))).to == (SUZHOU,)
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


async def test_deductions_and_wrong_adjustments(gateway: Gateway) -> None:
    report, foreign = await reported(gateway), await reported(gateway, KUNSHAN)
    made = await pass_on(gateway, await appeal(gateway))
    attempt = uuid4()
    deducted = [await adjust(gateway, line(report=report.id), id=attempt) for _ in range(2)]
    assert [one.status for one in deducted] == [201, 200]
    for found, said in (
        (await adjust(gateway), (422, "adjustment.no_lines")),
        (await adjust(gateway, line(), reason=""), (422, "adjustment.no_reason")),
        (await adjust(gateway, line(REFORM)), (422, "adjustment.unit")),
        (await adjust(gateway, line(month="2999-12")), (422, "adjustment.month")),
        (await adjust(gateway, line(rule="")), (422, "adjustment.no_rule")),
        (await adjust(gateway, line(points="-3")), (422, "adjustment.points")),
        (await adjust(gateway, line(rule="appeal", points="1")), (422, "adjustment.no_appeal")),
        (await adjust(gateway, line(KUNSHAN, "appeal", points="1"), about=made.id), (422, "adjustment.no_appeal")),
        (await adjust(gateway, line(rule="appeal"), about=made.id), (422, "adjustment.points")),
        (await adjust(gateway, line(report=foreign.id)), (422, "decision.unknown_item")),
        (await adjust(gateway, line(), about=uuid4()), (422, "appeal.unknown")),
        (await adjust(gateway, line(), about=report.id), (422, "appeal.unknown")),
        (await adjust(gateway, line(points="NaN")), (400, "request.invalid")),
        (await adjust(gateway, line(), person="editor"), (403, "auth.role")),
        (await adjust(gateway, line(), hub=ZHANGJIAGANG), (403, "auth.not_a_hub")),
        (await adjust(gateway, line(), reason="机密★1年"), (422, "report.classified")),
    ):
        assert found.said == said
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind = 'adjustment'") == 1
