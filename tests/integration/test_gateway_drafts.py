"""Trying again makes nothing twice and says what is there; what is classified is stored nowhere, in no word about it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio

from proto.addresses import ROUTER_CODE
from proto.messages import Decision, Outcome
from tests.integration.gateway_service import PASSWORD, Answer, Gateway, entry, gateway_service
from tests.places import PROVINCE, REFORM, SUZHOU
from tests.world import World

SECRET = "机密★5年 须由专人"  # a marking as GB/T 9704 writes it


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, (PROVINCE, REFORM), amqp_url, database_url) as running:
        yield running


def content(gateway: Gateway, **changes: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(gateway.world.content(**changes))
    return decoded


async def add(gateway: Gateway, item: UUID, node: str = REFORM, **changes: Any) -> Answer:
    body = {"id": item, "content": content(gateway, **changes)}
    return await gateway.call(node, "officer", "POST", "/items", body)


async def step(gateway: Gateway, item: UUID, name: str, person: str, note: str = "") -> Answer:
    body = {"step": name, "passphrase": PASSWORD, "note": note}
    return await gateway.call(REFORM, person, "POST", f"/items/{item}/steps", body)


async def test_a_known_draft_is_answered_with_what_it_is_now(gateway: Gateway) -> None:
    item = uuid4()
    first = await add(gateway, item)
    assert (first.status, first.body["state"]) == (201, "draft")
    states = []
    for name, person in (("", ""), ("submit", "officer"), ("review", "lead"), ("approve", "lead"), ("send", "officer")):
        assert not name or (await step(gateway, item, name, person)).status == 200
        again = await add(gateway, item)
        assert (again.status, again.body["item"]) == (200, str(item))
        states.append(again.body["state"])
    assert states == ["draft", "in_review", "awaiting_approval", "approved", "sent"]
    assert again.body["message"] == await gateway.database.fetchval("SELECT message::text FROM item")
    assert (await add(gateway, item, title="【样例】另一件")).said == (409, "item.differs")
    assert (await add(gateway, item, PROVINCE)).said == (409, "item.id_taken")
    assert await gateway.database.fetchval("SELECT count(*) FROM item") == 1


async def test_joint_units_are_checked_when_they_are_written(gateway: Gateway) -> None:
    item = uuid4()
    wrong = {
        "report.joint": ({"joint": [SUZHOU]}, {"research": True, "joint": [REFORM]}),
        "report.joint_unknown": ({"research": True, "joint": [SUZHOU, "320999"]},),
    }
    for code, contents in wrong.items():
        for changes in contents:
            assert (await add(gateway, item, **changes)).said == (422, code)
    line = content(gateway, research=True, joint=["320999"]) | {"id": str(item)}
    imported = await gateway.call(REFORM, "officer", "POST", "/import", msgspec.json.encode(line))
    assert [each["code"] for each in imported.body] == ["report.joint_unknown"]
    assert await gateway.database.fetchval("SELECT count(*) FROM item") == 0
    assert (await add(gateway, item, research=True, joint=[SUZHOU])).status == 201
    body = {"content": content(gateway, research=True, joint=[SUZHOU, SUZHOU])}
    assert (await gateway.call(REFORM, "officer", "PUT", f"/items/{item}", body)).said == (422, "report.joint")
    for name, person in (("submit", "officer"), ("review", "lead"), ("approve", "lead"), ("send", "officer")):
        assert (await step(gateway, item, name, person)).status == 200
    assert (await gateway.call(REFORM, "officer", "GET", f"/items/{item}")).body["content"]["joint"] == [SUZHOU]


async def test_what_was_refused_is_written_anew_and_nothing_else(gateway: Gateway) -> None:
    item = uuid4()
    await add(gateway, item)
    for name, person in (("submit", "officer"), ("review", "lead"), ("approve", "lead"), ("send", "officer")):
        sent = await step(gateway, item, name, person)
    assert (await step(gateway, item, "reopen", "officer")).said == (409, "item.not_refused")
    assert (await gateway.call(REFORM, "officer", "GET", f"/items/{item}")).body["steps"] == []
    message = UUID(sent.body["message"])
    digest = await gateway.database.fetchval("SELECT digest FROM sent WHERE id = $1", message)
    refusal = entry(message, digest, Outcome.REFUSED, "registry.expired")
    receipt, envelope = gateway.world.receipt(ROUTER_CODE, (REFORM,), [refusal])
    await gateway.deliver(REFORM, receipt, envelope)
    await gateway.received(REFORM, receipt.id)
    assert (await gateway.call(REFORM, "officer", "GET", f"/items/{item}")).body["steps"] == ["reopen"]
    assert (await step(gateway, item, "reopen", "lead")).said == (403, "auth.role")
    assert (await step(gateway, item, "reopen", "officer")).body["state"] == "returned"
    changed = {"content": content(gateway, title="【样例】改后重报")}
    assert (await gateway.call(REFORM, "officer", "PUT", f"/items/{item}", changed)).status == 200
    for name, person in (("submit", "officer"), ("review", "lead"), ("approve", "lead"), ("send", "officer")):
        again = await step(gateway, item, name, person)
    assert again.body["state"] == "sent"
    assert again.body["message"] != str(message)


async def test_an_approved_item_goes_back_to_its_writer(gateway: Gateway) -> None:
    """As when a signer's key was revoked before it was sent: it could never leave."""
    item = uuid4()
    await add(gateway, item)
    for name, person in (("submit", "officer"), ("review", "lead"), ("approve", "lead")):
        await step(gateway, item, name, person)
    assert (await step(gateway, item, "return", "officer", "【样例】签发人密钥已吊销")).body["state"] == "returned"


async def test_a_known_id_with_another_content_is_no_success(gateway: Gateway) -> None:
    item = uuid4()
    first = await gateway.hand_in(REFORM, item)
    assert (await gateway.hand_in(REFORM, item)).body["message"] == first.body["message"]
    assert (await gateway.hand_in(REFORM, item, title="【样例】另一件")).said == (409, "item.differs")


async def bring(gateway: Gateway, *lines: Any) -> list[dict[str, Any]]:
    answer = await gateway.call(REFORM, "officer", "POST", "/import", b"\n".join(map(msgspec.json.encode, lines)))
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.body
    assert [line["line"] for line in found] == sorted(line["line"] for line in found)
    return found


async def test_an_import_again_makes_nothing_twice_and_says_so(gateway: Gateway) -> None:
    plain, named = content(gateway), content(gateway, title="【样例】第二件") | {"id": str(uuid4())}
    lines = (plain, named, plain, named, {"title": "【样例】"})
    first = await bring(gateway, *lines)
    assert [(line["known"], line["code"]) for line in first] == [
        (False, ""), (False, ""), (True, ""), (True, ""), (False, "report.invalid"),
    ]  # fmt: skip
    assert first[1]["item"] == named["id"]
    assert first[2]["item"] == first[0]["item"] != first[1]["item"]
    again = await bring(gateway, *lines)
    assert [(line["item"], line["known"]) for line in again[:4]] == [(line["item"], True) for line in first[:4]]
    assert await gateway.database.fetchval("SELECT count(*) FROM item") == 2
    assert await gateway.database.fetchval("SELECT count(*) FROM item_event") == 2
    view = (await gateway.call(REFORM, "officer", "GET", f"/items/{named['id']}")).body
    assert (view["title"], view["state"]) == ("【样例】第二件", "draft")


async def test_an_import_again_leaves_alone_what_was_changed_since(gateway: Gateway) -> None:
    plain, named = content(gateway), content(gateway) | {"id": str(uuid4())}
    (first, second) = await bring(gateway, plain, named)
    for item in (first["item"], second["item"]):
        body = {"content": content(gateway, title="【样例】改过")}
        assert (await gateway.call(REFORM, "officer", "PUT", f"/items/{item}", body)).status == 200
    again = await bring(gateway, plain, named)
    assert [(line["item"], line["known"], line["code"]) for line in again] == [
        (first["item"], True, ""), (second["item"], True, "item.differs"),
    ]  # fmt: skip
    titles = await gateway.database.fetch("SELECT title FROM item")
    assert {row["title"] for row in titles} == {"【样例】改过"}


async def test_imported_ids_that_are_wrong_or_anothers(gateway: Gateway) -> None:
    item = uuid4()
    assert (await add(gateway, item, PROVINCE)).status == 201
    lines = [content(gateway) | {"id": one} for one in (str(item), "17", 17, None)]
    assert [(line["code"], bool(line["item"])) for line in await bring(gateway, *lines)] == [
        ("item.id_taken", False), ("report.invalid", False), ("report.invalid", False), ("", True),
    ]  # fmt: skip


async def texts(gateway: Gateway) -> str:
    """Return all that the gateway's tables hold, as text."""
    names = await gateway.database.fetch(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'gateway'"
    )
    rows = [await gateway.database.fetch(f"SELECT t::text AS line FROM {n['name']} t") for n in names]  # noqa: S608
    bodies = [r["body"].decode(errors="ignore") for r in await gateway.database.fetch("SELECT body FROM sent")]
    return "\n".join([row["line"] for found in rows for row in found] + bodies)


@pytest.mark.parametrize("name", ["return", "review"])
async def test_a_classified_opinion_is_stored_nowhere(gateway: Gateway, name: str) -> None:
    item = uuid4()
    await add(gateway, item)
    await step(gateway, item, "submit", "officer")
    assert (await step(gateway, item, name, "lead", f"请补充。\n{SECRET}")).said == (422, "report.classified")
    view = (await gateway.call(REFORM, "officer", "GET", f"/items/{item}")).body
    assert (view["state"], [event["step"] for event in view["history"]]) == ("in_review", ["edit", "submit"])
    assert "专人" not in await texts(gateway)
    events = await gateway.database.fetch("SELECT node, person, code FROM event")
    assert [tuple(event) for event in events] == [(REFORM, "lead", "report.classified")]
    assert (await step(gateway, item, "return", "lead", "请注意保守商业秘密，补充来源")).status == 200


async def test_a_classified_reason_is_stored_nowhere(gateway: Gateway) -> None:
    report, envelope = gateway.world.report(REFORM)
    await gateway.deliver(PROVINCE, report, envelope)
    await gateway.received(PROVINCE, report.id)
    decline: dict[str, Any] = {"verdict": "declined", "items": [{"report": report.id}]}
    adopt = decline | {"verdict": "adopted"}
    for body in (
        decline | {"reason": SECRET},
        adopt | {"publication": {"series": "daily", "issue": SECRET}},
        adopt | {"publication": {"series": SECRET, "issue": "1"}},
    ):
        answer = await gateway.call(PROVINCE, "editor", "POST", "/decisions", body)
        assert answer.said == (422, "report.classified")
    assert "专人" not in await texts(gateway)
    assert await gateway.database.fetchval("SELECT count(*) FROM decided") == 0
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind = $1", Decision.kind()) == 0
    assert await gateway.database.fetchval("SELECT count(*) FROM event WHERE node = $1", PROVINCE) == 3
    answer = await gateway.call(PROVINCE, "editor", "POST", "/decisions", decline | {"reason": "【样例】已有同类信息"})
    assert answer.status == 201
