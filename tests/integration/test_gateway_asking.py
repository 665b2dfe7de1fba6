"""核实 at the desk: asked, answered, listed beside what it is about; what is wrong leaves nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio

from proto import codec
from proto.envelope import unpack
from proto.messages import Progress, Report, Solicitation, Step
from tests.integration.gateway_service import Answer, Gateway, gateway_service
from tests.integration.hub_room import bring, message_of, pass_on
from tests.places import KUNSHAN, PROVINCE, SUZHOU, ZHANGJIAGANG
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    nodes = (PROVINCE, SUZHOU, KUNSHAN, ZHANGJIAGANG)
    async with gateway_service(tmp_path, world, nodes, amqp_url, database_url) as running:
        yield running


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
    second = await message_of(gateway, await ask(gateway, report.id))
    assert isinstance(second, Solicitation)
    assert [question.number.partition("-")[2], second.number.partition("-")[2]] == ["1", "2"]


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
