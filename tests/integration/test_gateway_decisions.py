"""What a hub says counts only where the network takes it: what would be refused is refused at the desk, what was is undone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio

from proto.messages import Decision, Verdict
from tests.integration.gateway_service import PASSWORD, Answer, Gateway, gateway_service
from tests.integration.hub_room import add, final, good, opened, refuse, reported, said, state_of, told_of_the_registry
from tests.places import PROVINCE, REFORM
from tests.world import World

RULES = 'version = "2026-1"\ntitle = "样例规则"\neffective_from = 2026-01-01\n'


@pytest_asyncio.fixture
async def gateway(tmp_path: Path, world: World, amqp_url: str, database_url: str) -> AsyncIterator[Gateway]:
    async with gateway_service(tmp_path, world, (PROVINCE,), amqp_url, database_url) as running:
        yield running


async def decide(gateway: Gateway, verdict: str, **fields: Any) -> Answer:
    body = {"verdict": verdict, "reason": "【样例】理由"} | fields
    return await gateway.call(PROVINCE, "editor", "POST", "/decisions", body)


async def decline(gateway: Gateway, report: UUID) -> UUID:
    return UUID((await good(decide(gateway, "declined", items=[{"report": report}]), 201))["message"])


async def reverse(gateway: Gateway, decision: UUID) -> UUID:
    return UUID((await good(decide(gateway, "reversed", reverses=decision), 201))["message"])


async def select(gateway: Gateway, report: UUID) -> UUID:
    body = {"items": [{"report": report}], "level": "national"}
    return UUID((await good(gateway.call(PROVINCE, "editor", "POST", "/selections", body), 201))["message"])


async def told(gateway: Gateway, selection: UUID) -> Answer:
    body = {"publication": {"series": "【样例】国办专报", "issue": "3"}}
    return await gateway.call(PROVINCE, "editor", "POST", f"/selections/{selection}/outcome", body)


async def test_trying_again_decides_once(gateway: Gateway) -> None:
    report = await reported(gateway)
    attempts = uuid4(), uuid4()
    declined = [await decide(gateway, "declined", items=[{"report": report}], id=attempts[0]) for _ in range(2)]
    assert [answer.status for answer in declined] == [201, 200]
    assert declined[0].body == declined[1].body
    decision = declined[0].body["message"]
    reversals = await asyncio.gather(
        *(decide(gateway, "reversed", reverses=decision, id=attempts[1]) for _ in range(4))
    )
    assert sorted(answer.status for answer in reversals) == [200, 200, 200, 201]
    assert len({answer.body["message"] for answer in reversals}) == 1
    other = await decide(gateway, "returned", items=[{"report": report}], id=attempts[0])
    assert other.said == (409, "request.id_used")
    assert [str(one.id) for one in await said(gateway, PROVINCE, "decision")] == [
        decision,
        reversals[0].body["message"],
    ]
    assert await state_of(gateway, report) == "pending"


async def test_a_reversal_names_its_decision_and_a_reason_alone(gateway: Gateway) -> None:
    report = await reported(gateway)
    decision = await decline(gateway, report)
    for fields in (
        {"publication": {"series": "daily", "issue": "1"}}, {"items": [{"report": report}]}, {"reason": " "},
        {"reverses": None},
    ):  # fmt: skip
        answer = await decide(gateway, "reversed", **({"reverses": decision} | fields))
        assert answer.said == (422, "decision.reversal"), fields
    assert await state_of(gateway, report) == "declined"
    await reverse(gateway, decision)


async def test_a_decision_that_the_network_refuses_frees_its_report(gateway: Gateway) -> None:
    issue, report = await opened(gateway), await reported(gateway)
    await good(add(gateway, issue["id"], report), 201)
    done = await good(final(gateway, issue["id"]))
    await refuse(gateway, UUID(done["items"][0]["decision"]))
    assert await state_of(gateway, report) == "pending"


async def test_a_selection_that_the_network_refuses_does_not_stand(gateway: Gateway) -> None:
    report = await reported(gateway, origin=REFORM)
    await refuse(gateway, await select(gateway, report))
    assert await state_of(gateway, report) == "pending"
    await select(gateway, report)


async def test_a_refused_reversal_leaves_the_decision_in_force(gateway: Gateway) -> None:
    report = await reported(gateway)
    decision = await decline(gateway, report)
    reversal = await reverse(gateway, decision)
    assert await state_of(gateway, report) == "pending"
    await refuse(gateway, reversal)
    assert await state_of(gateway, report) == "declined"
    again = await decide(gateway, "declined", items=[{"report": report}])
    assert again.said == (422, "decision.already_decided")
    await reverse(gateway, decision)
    assert await state_of(gateway, report) == "pending"
    assert (await decide(gateway, "reversed", reverses=decision)).said == (422, "decision.not_in_force")
    verdicts = [one.verdict for one in await said(gateway, PROVINCE, "decision") if isinstance(one, Decision)]
    assert verdicts == [Verdict.DECLINED, Verdict.REVERSED, Verdict.REVERSED]


async def test_a_refused_reversal_does_not_undo_what_was_decided_anew(gateway: Gateway) -> None:
    report = await reported(gateway)
    first = await decline(gateway, report)
    reversal = await reverse(gateway, first)
    second = await decline(gateway, report)
    await refuse(gateway, reversal)
    assert (await decide(gateway, "reversed", reverses=first)).said == (422, "decision.not_in_force")
    await refuse(gateway, second)
    assert await state_of(gateway, report) == "declined"
    await reverse(gateway, first)


async def test_a_report_in_a_draft_issue_is_named_when_its_decision_stands_again(gateway: Gateway) -> None:
    report, issue = await reported(gateway), await opened(gateway)
    reversal = await reverse(gateway, await decline(gateway, report))
    await good(add(gateway, issue["id"], report), 201)
    await refuse(gateway, reversal)
    assert await state_of(gateway, report) == "in_issue"
    assert (await gateway.call(PROVINCE, "editor", "DELETE", f"/issues/{issue['id']}/items/1")).status == 204
    assert await state_of(gateway, report) == "declined"


async def test_a_decision_refused_with_its_reversal_decides_nothing(gateway: Gateway) -> None:
    report = await reported(gateway)
    decision = await decline(gateway, report)
    await refuse(gateway, decision, await reverse(gateway, decision))
    assert await state_of(gateway, report) == "pending"
    await decline(gateway, report)


async def test_a_refused_reversal_leaves_the_selection_in_force(gateway: Gateway) -> None:
    report = await reported(gateway, origin=REFORM)
    selection = await select(gateway, report)
    reversal = await reverse(gateway, selection)
    assert (await told(gateway, selection)).said == (422, "selection.unknown")
    await refuse(gateway, reversal)
    assert await state_of(gateway, report) == "selected"
    outcome = UUID((await good(told(gateway, selection), 201))["message"])
    undone = await reverse(gateway, outcome)
    await refuse(gateway, undone)
    assert (await told(gateway, selection)).said == (422, "selection.told")
    await reverse(gateway, outcome)
    await reverse(gateway, selection)
    assert await state_of(gateway, report) == "pending"
    await select(gateway, report)


async def test_a_suspended_unit_says_nothing(gateway: Gateway) -> None:
    """The router would refuse it: so nothing is stored, and nothing counts."""
    declined, adopted, chosen = [await reported(gateway) for _ in range(3)]
    issue = await opened(gateway)
    await good(add(gateway, issue["id"], adopted), 201)
    paper = await gateway.call(PROVINCE, "editor", "POST", "/papers", {"kind": "rules", "content": RULES})
    gateway.world.change_node(PROVINCE, suspended=True)
    await told_of_the_registry(gateway)
    question = {"text": "【样例】请核实", "deadline": gateway.clock() + timedelta(days=1)}
    for call in (
        decide(gateway, "declined", items=[{"report": declined}]),
        gateway.call(PROVINCE, "editor", "POST", "/selections", {"items": [{"report": chosen}], "level": "national"}),
        gateway.call(PROVINCE, "editor", "POST", f"/intake/{declined}/queries", question),
        final(gateway, issue["id"]),
        gateway.call(
            PROVINCE,
            "lead",
            "POST",
            f"/papers/{paper.body['id']}/approve",
            {"passphrase": PASSWORD, "digest": paper.body["digest"]},
        ),
    ):
        assert (await call).said == (422, "sender.suspended")
    assert await gateway.database.fetchval("SELECT count(*) FROM sent WHERE kind <> 'receipt'") == 0
    assert [await state_of(gateway, each) for each in (declined, adopted, chosen)] == ["pending", "in_issue", "pending"]
