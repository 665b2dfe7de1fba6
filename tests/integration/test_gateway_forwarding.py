"""转报 and 上报国办 at the desk: originals go up unchanged and once; what may not go is refused and leaves nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest_asyncio

from proto import codec
from proto.envelope import Envelope, unpack
from proto.messages import Category, Decision, Level, Message, Outcome, Report, Stage, Verdict
from services.kit.trust.verify import verify_forwarded
from tests.integration.gateway_service import PASSWORD, Answer, Gateway, entry, gateway_service
from tests.places import JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, ZHANGJIAGANG
from tests.world import World


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    nodes = (PROVINCE, SUZHOU, ZHANGJIAGANG)
    async with gateway_service(tmp_path, world, nodes, amqp_url, database_url) as running:
        yield running


async def arrive(gateway: Gateway, hub: str = SUZHOU, origin: str = ZHANGJIAGANG, **fields: Any) -> tuple[Report, Envelope]:  # fmt: skip
    report, envelope = gateway.world.report(origin, **fields)
    await put(gateway, hub, report, envelope)
    return report, envelope


async def put(gateway: Gateway, hub: str, report: Message, envelope: Envelope) -> None:
    await gateway.deliver(hub, report, envelope)
    await gateway.received(hub, report.id)


async def forward(gateway: Gateway, *reports: UUID, shares: tuple[str, ...] = (), hub: str = SUZHOU, person: str = "editor", **fields: Any) -> Answer:  # fmt: skip
    listed = [
        {"report": one, "share": share} for one, share in zip(reports, shares or ["1"] * len(reports), strict=True)
    ]
    return await gateway.call(hub, person, "POST", "/forwards", {"reports": listed, **fields})


async def walk(gateway: Gateway, item: str, *, to: str = "send") -> Answer:
    """Take an item of the city through review and approval."""
    for step, person in (("submit", "officer"), ("review", "lead"), ("approve", "lead"), ("send", "officer")):
        body = {"step": step, "passphrase": PASSWORD}
        answer = await gateway.call(SUZHOU, person, "POST", f"/items/{item}/steps", body)
        if step == to or answer.status != 200:
            break
    return answer


async def sent(gateway: Gateway, kind: str) -> list[Message]:
    rows = await gateway.database.fetch("SELECT body FROM sent WHERE kind = $1 ORDER BY id", kind)
    return [codec.decode(unpack(row["body"])) for row in rows]


async def test_the_originals_go_up_unchanged(gateway: Gateway) -> None:
    first, first_sent = await arrive(gateway, body="【样例】甲县")
    second, second_sent = await arrive(gateway, origin=KUNSHAN, body="【样例】乙县")
    merged = msgspec.json.decode(gateway.world.content(title="【样例】综合", body="【样例】两县情况"))
    made = await forward(gateway, first.id, second.id, shares=("0.6", "0.4"), content=merged)
    assert (made.status, made.body["state"]) == (201, "draft")
    answer = await walk(gateway, made.body["item"])
    (report,), (decision,) = await sent(gateway, "report"), await sent(gateway, "decision")
    assert isinstance(report, Report)
    assert report.forwarded == (first_sent, second_sent)
    assert [each.id for each, _ in verify_forwarded(gateway.world.state, report)] == [first.id, second.id]
    assert (str(report.id), report.to) == (answer.body["message"], (PROVINCE,))
    assert isinstance(decision, Decision)
    assert (decision.verdict, decision.level, decision.forwarded_as) == (Verdict.SELECTED, Level.PROVINCE, report.id)
    assert decision.to == (ZHANGJIAGANG, KUNSHAN)
    assert [(item.report, item.origin, str(item.share)) for item in decision.items] == [
        (first.id, ZHANGJIAGANG, "0.6"), (second.id, KUNSHAN, "0.4"),
    ]  # fmt: skip
    shown = (await gateway.call(SUZHOU, "officer", "GET", f"/items/{made.body['item']}")).body
    assert [(one["report"], one["origin"]) for one in shown["forwards"]] == [
        (str(first.id), ZHANGJIAGANG), (str(second.id), KUNSHAN),
    ]  # fmt: skip
    states = await gateway.database.fetch("SELECT state, selected FROM intake")
    assert [tuple(row) for row in states] == [("selected", True)] * 2


async def test_a_single_original_goes_as_it_is(gateway: Gateway) -> None:
    original, _ = await arrive(gateway)
    made = await forward(gateway, original.id, person="officer")
    await walk(gateway, made.body["item"])
    (report,) = await sent(gateway, "report")
    assert isinstance(report, Report)
    assert report.content == original.content


async def test_a_follow_up_continues_the_citys_own_report(gateway: Gateway) -> None:
    first, _ = await arrive(gateway)
    later, _ = await arrive(gateway, about=first.id, stage=Stage.FOLLOW_UP)
    assert (await forward(gateway, later.id)).said == (422, "forward.chain")
    went_on = (await walk(gateway, (await forward(gateway, first.id)).body["item"])).body["message"]
    await walk(gateway, (await forward(gateway, later.id)).body["item"])
    second = (await sent(gateway, "report"))[1]
    assert str(second.about) == went_on


async def test_each_goes_up_once_until_it_is_taken_back(gateway: Gateway) -> None:
    original, _ = await arrive(gateway)
    items = [(await forward(gateway, original.id)).body["item"] for _ in range(2)]
    for item in items:
        assert (await walk(gateway, item, to="approve")).status == 200
    sends = [gateway.call(SUZHOU, "officer", "POST", f"/items/{item}/steps", {"step": "send"}) for item in items]
    assert sorted([answer.status for answer in await asyncio.gather(*sends)]) == [200, 409]
    assert (await forward(gateway, original.id)).said == (422, "selection.already")
    (decision,) = await sent(gateway, "decision")
    body = {"verdict": "reversed", "reverses": decision.id, "reason": "误转"}
    assert (await gateway.call(SUZHOU, "editor", "POST", "/decisions", body)).status == 201
    assert await gateway.database.fetchval("SELECT state FROM intake") == "pending"
    assert (await forward(gateway, original.id)).status == 201


async def test_what_the_router_refused_is_written_anew_and_goes_up_again(gateway: Gateway) -> None:
    """The decision that told the county went through: writing the report anew takes it back, by a message of its own."""
    original, _ = await arrive(gateway)
    item = (await forward(gateway, original.id)).body["item"]
    message = UUID((await walk(gateway, item)).body["message"])
    digest = await gateway.database.fetchval("SELECT digest FROM sent WHERE id = $1", message)
    refused = entry(message, digest, Outcome.REFUSED, "registry.expired")
    await put(gateway, SUZHOU, *gateway.world.receipt("320000-router", [SUZHOU], [refused]))
    assert (await gateway.call(SUZHOU, "officer", "POST", f"/items/{item}/steps", {"step": "reopen"})).status == 200
    assert await gateway.database.fetchval("SELECT state FROM intake") == "pending"
    text = {"content": msgspec.json.decode(original.content)}
    assert (await gateway.call(SUZHOU, "officer", "PUT", f"/items/{item}", text)).status == 200
    assert (await walk(gateway, item)).body["state"] == "sent"
    assert await gateway.database.fetchval("SELECT state FROM intake") == "selected"
    chosen, reversed_, again = [one for one in await sent(gateway, "decision") if isinstance(one, Decision)]
    assert (reversed_.verdict, reversed_.about, reversed_.to) == (Verdict.REVERSED, chosen.id, chosen.to)
    assert (reversed_.items, reversed_.editor) == (chosen.items, "officer")
    assert chosen.forwarded_as == message
    assert again.forwarded_as == (await sent(gateway, "report"))[-1].id


async def test_a_sending_that_breaks_off_leaves_nothing_half_done(gateway: Gateway) -> None:
    """The report, the decision that tells of it and the note of it are one transaction."""
    original, _ = await arrive(gateway)
    item = (await forward(gateway, original.id)).body["item"]
    assert (await walk(gateway, item, to="approve")).status == 200
    await gateway.database.execute("ALTER TABLE selection ADD CONSTRAINT broken CHECK (false)")
    send = ("POST", f"/items/{item}/steps", {"step": "send"})
    assert (await gateway.call(SUZHOU, "officer", *send)).status == 500
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind <> 'receipt'") == 0
    await gateway.database.execute("ALTER TABLE selection DROP CONSTRAINT broken")
    assert (await gateway.call(SUZHOU, "officer", *send)).status == 200
    kinds = await gateway.database.fetch("SELECT kind FROM sent WHERE kind <> 'receipt' ORDER BY id")
    assert [row["kind"] for row in kinds] == ["report", "decision"]


async def test_trying_again_makes_one_item(gateway: Gateway) -> None:
    original, _ = await arrive(gateway)
    item = uuid4()
    answers = [await forward(gateway, original.id, id=item) for _ in range(2)]
    assert [(answer.status, answer.body["item"]) for answer in answers] == [(201, str(item)), (200, str(item))]
    other, _ = await arrive(gateway)
    assert (await forward(gateway, other.id, id=item)).said == (409, "item.differs")
    assert (await walk(gateway, str(item))).status == 200
    assert (await forward(gateway, original.id, id=item)).body["state"] == "sent"


async def test_what_may_not_go_up(gateway: Gateway) -> None:
    good, _ = await arrive(gateway)
    other, _ = await arrive(gateway)
    text = msgspec.json.decode(gateway.world.content())
    to_province, _ = await arrive(gateway, PROVINCE, REFORM)
    many = [(await arrive(gateway))[0].id for _ in range(9)]
    shares = ("0.1", *["0.1125"] * 8)
    for answer, said in (
        (await forward(gateway, uuid4()), (422, "decision.unknown_item")),
        (await forward(gateway, to_province.id), (422, "decision.unknown_item")),
        (await forward(gateway, content=text), (422, "decision.no_items")),
        (await forward(gateway), (422, "forward.no_content")),
        (await forward(gateway, good.id, other.id, shares=("0.5", "0.5")), (422, "forward.no_content")),
        (await forward(gateway, good.id, good.id, shares=("0.5", "0.5"), content=text), (422, "decision.item_twice")),
        (await forward(gateway, good.id, other.id, content=text), (422, "decision.shares")),
        (await forward(gateway, good.id, other.id, shares=("0.5", "-0.5"), content=text), (422, "decision.shares")),
        (await forward(gateway, *many, shares=shares, content=text), (422, "forward.too_many")),
        (await forward(gateway, to_province.id, hub=PROVINCE), (422, "forward.top")),
        (await forward(gateway, good.id, person="lead"), (403, "auth.role")),
        (await forward(gateway, good.id, hub=ZHANGJIAGANG, person="officer"), (403, "auth.not_a_hub")),
        (await forward(gateway, good.id, content=text | {"body": "机密★1年"}), (422, "report.classified")),
    ):
        assert answer.said == said
    assert await gateway.database.fetchval("SELECT count(*) FROM item") == 0


async def test_what_does_not_verify_stays_here(gateway: Gateway) -> None:
    """Whatever lies in the inbox, forged or altered, is not sent on under the city's name."""
    report, good = gateway.world.report(ZHANGJIAGANG)
    other, forged = gateway.world.report(ZHANGJIAGANG, key=gateway.world.node_keys[KUNSHAN])
    stranger, strange = gateway.world.report(JIANGYIN)
    altered = Envelope(good.payload_type, good.payload.replace("样例".encode(), "样本".encode(), 1), good.signatures)
    for one, envelope in ((report, altered), (other, forged), (stranger, strange)):
        await put(gateway, SUZHOU, one, envelope)
        assert (await forward(gateway, one.id)).said == (422, "report.forwarded")
    assert await gateway.database.fetchval("SELECT count(*) FROM item") == 0


async def test_too_much_for_one_message_is_refused_at_once(gateway: Gateway) -> None:
    body = "【样例】" + "长" * 49_000
    originals = [(await arrive(gateway, body=body))[0].id for _ in range(8)]
    text = msgspec.json.decode(gateway.world.content())
    answer = await forward(gateway, *originals, shares=("0.125",) * 8, content=text)
    assert answer.said == (422, "envelope.too_large")
    assert (await forward(gateway, *originals[:2], shares=("0.5", "0.5"), content=text)).status == 201


async def test_the_reader_sees_the_originals_verified(gateway: Gateway) -> None:
    original, envelope = gateway.world.report(ZHANGJIAGANG, title="【样例】县里的原件")
    report, _ = gateway.world.report(SUZHOU, title="【样例】市里的转报")
    altered = Envelope(
        envelope.payload_type, envelope.payload.replace("原件".encode(), "元件".encode()), envelope.signatures
    )
    whole = msgspec.structs.replace(report, forwarded=(envelope, altered))
    await put(gateway, PROVINCE, whole, gateway.world.seal(whole, SUZHOU))
    shown = (await gateway.call(PROVINCE, "editor", "GET", f"/inbox/{report.id}")).body
    first, second = shown["forwarded"]
    assert (first["id"], first["origin"], first["problem"]) == (str(original.id), ZHANGJIAGANG, "")
    assert (first["origin_name"], first["content"]["title"]) == ("张家港市人民政府办公室", "【样例】县里的原件")
    assert [(one["name"], one["role"], one["action"]) for one in first["sign_offs"]] == [
        ("【样例】分管领导", "office_lead", "reviewed"), ("【样例】分管领导", "office_lead", "approved"),
    ]  # fmt: skip
    assert second["problem"] == "signature.invalid"


async def select(
    gateway: Gateway, *reports: UUID, hub: str = PROVINCE, person: str = "editor", **fields: Any
) -> Answer:
    items = [{"report": one, "share": "1"} for one in reports]
    return await gateway.call(hub, person, "POST", "/selections", {"items": items, "level": "national"} | fields)


async def told(gateway: Gateway, selection: str, **fields: Any) -> Answer:
    body = {"publication": {"series": "国办专报", "issue": "3"}} | fields
    return await gateway.call(PROVINCE, "editor", "POST", f"/selections/{selection}/outcome", body)


async def test_national_level_once_and_back(gateway: Gateway) -> None:
    report, _ = await arrive(gateway, PROVINCE, REFORM, category=Category.PROBLEM)
    attempt = uuid4()
    answers = [await select(gateway, report.id, id=attempt) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 200]
    selection = answers[0].body["message"]
    assert answers[1].body["message"] == selection
    assert (await select(gateway, report.id, id=attempt, reason="另")).said == (409, "request.id_used")
    assert (await select(gateway, report.id)).said == (422, "selection.already")
    tried = uuid4()
    outcome = (await told(gateway, selection, id=tried)).body["message"]
    assert (await told(gateway, str(uuid4()), id=tried)).said == (409, "request.id_used")
    assert (await told(gateway, selection)).said == (422, "selection.told")
    chosen, adopted = [one for one in await sent(gateway, "decision") if isinstance(one, Decision)]
    assert (chosen.verdict, chosen.level, chosen.forwarded_as) == (Verdict.SELECTED, Level.NATIONAL, None)
    assert (adopted.verdict, adopted.level, str(adopted.about)) == (Verdict.ADOPTED, Level.NATIONAL, selection)
    assert adopted.publication is not None
    assert (adopted.publication.series, adopted.items, adopted.to) == ("国办专报", chosen.items, (REFORM,))

    async def reverse(decision: str) -> Answer:
        body = {"verdict": "reversed", "reverses": decision, "reason": "核对有误"}
        return await gateway.call(PROVINCE, "editor", "POST", "/decisions", body)

    assert (await reverse(selection)).said == (422, "selection.told")
    assert (await reverse(outcome)).status == 201
    assert (await told(gateway, selection)).status == 201
    again = str((await sent(gateway, "decision"))[-1].id)
    assert [(await reverse(one)).status for one in (again, selection)] == [201, 201]
    assert (await told(gateway, selection)).said == (422, "selection.unknown")
    assert (await select(gateway, report.id)).status == 201


async def test_national_level_is_the_provinces(gateway: Gateway) -> None:
    report, _ = await arrive(gateway, PROVINCE, REFORM)
    local, _ = await arrive(gateway)
    for answer, said in (
        (await select(gateway, local.id, hub=SUZHOU), (422, "selection.province_only")),
        (await select(gateway, report.id, level="province"), (422, "selection.level")),
        (await select(gateway, local.id), (422, "decision.unknown_item")),
        (await select(gateway), (422, "decision.no_items")),
        (await select(gateway, report.id, person="lead"), (403, "auth.role")),
        (await select(gateway, report.id, reason="机密★1年"), (422, "report.classified")),
        (await told(gateway, str(uuid4())), (422, "selection.unknown")),
    ):
        assert answer.said == said
    selection = (await select(gateway, report.id)).body["message"]
    empty = {"series": "", "issue": "1"}
    assert (await told(gateway, selection, publication=empty)).said == (422, "decision.no_publication")
    assert len(await sent(gateway, "decision")) == 1


async def test_two_editors_at_once_select_once(gateway: Gateway) -> None:
    report, _ = await arrive(gateway, PROVINCE, REFORM)
    answers = await asyncio.gather(*(select(gateway, report.id) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [201, 422, 422, 422, 422, 422]
