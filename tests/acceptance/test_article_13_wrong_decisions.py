"""Art. 13: a wrong decision is refused with its own code, and nothing of it is done."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from proto.messages import DecidedItem, Decision, PublicationRef, Verdict
from services.kit.ids import new_id, utc_now
from tests.acceptance.acts import adopt, decide, draft, ledger, make_final, put_in, refusal, report
from tests.acceptance.bus_side import seal, told
from tests.network import Network
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI

DAILY = {"series": "daily", "issue": "2"}
REASON = {"reason": "略"}
GOOD = "{good}"  # a report that waits for a decision
DONE = "{done}"  # one that has been decided
LOST = "{lost}"  # one that never came here
HELD = "{held}"  # one that another draft issue holds

WRONG: dict[str, tuple[str, list[tuple[str, str]], dict[str, Any], str]] = {
    "adopted outside an issue": ("adopted", [(GOOD, "1")], {}, "decision.needs_issue"),
    "merged outside an issue": ("merged", [(GOOD, "0.5"), (DONE, "0.5")], {}, "decision.needs_issue"),
    "selected without forwarding": ("selected", [(GOOD, "1")], REASON, "decision.needs_forward"),
    "unknown item": ("declined", [(LOST, "1")], REASON, "decision.unknown_item"),
    "another hub's item among good ones": ("returned", [(GOOD, "1"), (LOST, "1")], REASON, "decision.unknown_item"),
    "listed twice": ("declined", [(GOOD, "1"), (GOOD, "1")], REASON, "decision.item_twice"),
    "declined after adoption": ("declined", [(DONE, "1")], {"reason": "重复"}, "decision.already_decided"),
    "no item": ("declined", [], REASON, "decision.no_items"),
    "returned without a reason": ("returned", [(GOOD, "1")], {}, "decision.no_reason"),
    "declined with a blank reason": ("declined", [(GOOD, "1")], {"reason": " \n"}, "decision.no_reason"),
    "declined but published": ("declined", [(GOOD, "1")], {"reason": "略", "publication": DAILY}, "decision.publication"),
    "reversal of nothing": ("reversed", [], {"reason": "误采"}, "decision.reversal"),
    "reversal without a reason": ("reversed", [], {"reverses": str(uuid4())}, "decision.reversal"),
    "reversal of the unknown": ("reversed", [], {"reverses": str(uuid4()), "reason": "误采"}, "decision.not_in_force"),
}  # fmt: skip


ADOPTED_WRONGLY: dict[str, tuple[list[tuple[str, str]], dict[str, Any], str]] = {
    "unknown item": ([(LOST, "1")], {}, "decision.unknown_item"),
    "another hub's item among good ones": ([(GOOD, "0.5"), (LOST, "0.5")], {}, "decision.unknown_item"),
    "listed twice": ([(GOOD, "0.5"), (GOOD, "0.5")], {}, "decision.item_twice"),
    "decided before": ([(DONE, "1")], {}, "decision.already_decided"),
    "decided before among good ones": ([(GOOD, "0.5"), (DONE, "0.5")], {}, "decision.already_decided"),
    "in another draft": ([(HELD, "1")], {}, "decision.in_issue"),
    "adopted in part": ([(GOOD, "0.5")], {}, "decision.one_item"),
    "merged alone": ([(GOOD, "1")], {"verdict": "merged"}, "decision.two_items"),
    "no item": ([], {"verdict": "adopted"}, "decision.no_items"),
    "a classified text": ([(GOOD, "1")], {"title": "秘密★1年"}, "report.classified"),
}


@pytest.mark.parametrize("case", list(ADOPTED_WRONGLY))
async def test_wrong_adoption(network: Network, case: str) -> None:
    items, fields, code = ADOPTED_WRONGLY[case]
    good, done, held = [await report(network, KUNSHAN, SUZHOU) for _ in range(3)]
    names = {GOOD: good, DONE: done, HELD: held, LOST: uuid4()}
    await adopt(network, SUZHOU, done)
    other, issue = await draft(network, SUZHOU), await draft(network, SUZHOU)
    await put_in(network, SUZHOU, UUID(other["id"]), held)
    reports, shares = [names[name] for name, _ in items], [share for _, share in items]
    call = put_in(network, SUZHOU, UUID(issue["id"]), *reports, shares=shares, **fields)
    assert await refusal(call) == (422, code)
    await nothing_half_done(network, good)
    assert await refusal(make_final(network, SUZHOU, UUID(issue["id"]))) == (422, "issue.empty")


async def test_what_a_draft_holds_is_neither_returned_nor_declined(network: Network) -> None:
    held = await report(network, KUNSHAN, SUZHOU)
    issue = await draft(network, SUZHOU)
    n = await put_in(network, SUZHOU, UUID(issue["id"]), held)
    for verdict in ("returned", "declined"):
        assert await refusal(decide(network, SUZHOU, verdict, held, **REASON)) == (422, "decision.in_issue")
    path = f"/api/v1/nodes/{SUZHOU}/issues/{issue['id']}/items/{n}"
    await network.people.call(SUZHOU, "editor", "DELETE", path)
    await nothing_half_done(network, held)


async def test_a_number_is_used_once(network: Network) -> None:
    issue = await draft(network, SUZHOU)
    for taken in ({"number": issue["number"]}, {"total": issue["total"]}):
        call = network.people.call(SUZHOU, "editor", "POST", f"/api/v1/nodes/{SUZHOU}/series/daily/issues", taken)
        assert await refusal(call) == (409, "issue.number_taken")


@pytest.mark.parametrize("person", ["officer", "editor"])
async def test_only_a_lead_makes_final(network: Network, person: str) -> None:
    good = await report(network, KUNSHAN, SUZHOU)
    issue = await draft(network, SUZHOU)
    n = await put_in(network, SUZHOU, UUID(issue["id"]), good)
    path = f"/api/v1/nodes/{SUZHOU}/issues/{issue['id']}"
    assert await refusal(network.people.call(SUZHOU, person, "POST", f"{path}/final")) == (403, "auth.role")
    await network.people.call(SUZHOU, "editor", "DELETE", f"{path}/items/{n}")
    await nothing_half_done(network, good)


@pytest.mark.parametrize("case", list(WRONG))
async def test_wrong_decision(network: Network, case: str) -> None:
    verdict, items, fields, code = WRONG[case]
    good, done = await report(network, KUNSHAN, SUZHOU), await report(network, KUNSHAN, SUZHOU)
    names = {GOOD: good, DONE: done, LOST: uuid4()}
    await adopt(network, SUZHOU, done)
    reports, shares = [names[name] for name, _ in items], [share for _, share in items]
    assert await refusal(decide(network, SUZHOU, verdict, *reports, shares=shares, **fields)) == (422, code)
    await nothing_half_done(network, good)


@pytest.mark.parametrize("shares", [("0.5", "0.4"), ("0.7", "0.7"), ("1", "0"), ("0.5", "-0.5"), ("0.333", "0.333")])
async def test_shares_must_add_up_to_one(network: Network, shares: tuple[str, ...]) -> None:
    good, other = await report(network, KUNSHAN, SUZHOU), await report(network, KUNSHAN, SUZHOU)
    assert await refusal(adopt(network, SUZHOU, good, other, shares=shares)) == (422, "decision.shares")
    await nothing_half_done(network, good)
    await nothing_half_done(network, other)


@pytest.mark.parametrize("share", ["NaN", "-Infinity", "1e999999", "1.5", "0.4999999999999", "一半"])
async def test_shares_that_are_no_shares(network: Network, share: str) -> None:
    good, other = await report(network, KUNSHAN, SUZHOU), await report(network, KUNSHAN, SUZHOU)
    call = adopt(network, SUZHOU, good, other, shares=(share, "0.5000000000001"))
    assert await refusal(call) == (400, "request.invalid")
    await nothing_half_done(network, good)


async def test_what_the_router_would_refuse_is_refused_at_the_desk(network: Network) -> None:
    """Else the desk would hold it for decided, and nobody would ever learn of it."""
    good = await report(network, KUNSHAN, SUZHOU)
    assert await refusal(decide(network, SUZHOU, "declined", good, reason="略\x00")) == (422, "payload.malformed")
    await nothing_half_done(network, good)


@pytest.mark.parametrize("person", ["officer", "lead", "head"])
async def test_only_an_editor_decides(network: Network, person: str) -> None:
    good = await report(network, KUNSHAN, SUZHOU)
    assert await refusal(decide(network, SUZHOU, "declined", good, person=person, **REASON)) == (403, "auth.role")
    issue = UUID((await draft(network, SUZHOU))["id"])
    assert await refusal(put_in(network, SUZHOU, issue, good, person=person)) == (403, "auth.role")
    await nothing_half_done(network, good)


async def test_another_hub_cannot_decide(network: Network) -> None:
    """Neither in its own name about what did not come to it, nor in the name of the hub to which it came."""
    good = await report(network, KUNSHAN, SUZHOU)
    assert await refusal(adopt(network, WUXI, good)) == (422, "decision.unknown_item")
    assert await refusal(decide(network, WUXI, "declined", good, **REASON)) == (422, "decision.unknown_item")
    body = {"verdict": "declined", "items": [{"report": good}], **REASON}
    call = network.people.call(WUXI, "editor", "POST", f"/api/v1/nodes/{SUZHOU}/decisions", body)
    assert await refusal(call) == (403, "auth.not_this_node")
    await nothing_half_done(network, good)


async def test_no_hub_reverses_another_ones_decision(network: Network) -> None:
    done = await report(network, KUNSHAN, SUZHOU, PROVINCE)
    decision = (await adopt(network, SUZHOU, done)).decision
    call = decide(network, PROVINCE, "reversed", reverses=decision, reason="误采")
    assert await refusal(call) == (422, "decision.not_in_force")
    assert len(await ledger(network, decision, 1)) == 1


async def test_a_decision_is_reversed_once(network: Network) -> None:
    done = await report(network, KUNSHAN, SUZHOU)
    decision = (await adopt(network, SUZHOU, done)).decision
    reversal = await decide(network, SUZHOU, "reversed", reverses=decision, reason="误采")
    for target in (decision, reversal):
        call = decide(network, SUZHOU, "reversed", reverses=target, reason="误采")
        assert await refusal(call) == (422, "decision.not_in_force")
    await ledger(network, reversal, 1)


@pytest.mark.parametrize(("hub", "unit"), [(WUXI, KUNSHAN), (SUZHOU, REFORM), (REFORM, KUNSHAN), (KUNSHAN, KUNSHAN)])
async def test_router_refuses_decisions_of_those_who_have_no_say(network: Network, hub: str, unit: str) -> None:
    """Whatever a rogue gateway signs: only a hub to which the unit reports decides about it, and only that scores."""
    good = await report(network, KUNSHAN, SUZHOU)
    decision = Decision(
        id=new_id(), origin=hub, to=(unit,), sent_at=utc_now(), verdict=Verdict.ADOPTED, editor="editor",
        items=(DecidedItem(report=good, origin=unit, share=msgspec.convert("1", DecidedItem.__annotations__["share"])),),
        publication=PublicationRef(series="special", issue="1"),
    )  # fmt: skip
    envelope = seal(network, decision)
    entry = await told(network, hub, "decision", envelope)
    assert (entry["outcome"], entry["reason"]) == ("refused", "route.not_permitted")
    await nothing_half_done(network, good)
    assert await ledger(network, decision.id, 0) == []


async def nothing_half_done(network: Network, report: UUID) -> None:
    """A report still waits for its decision: it can be adopted now, once, and that is all that the unit earns by it."""
    decision = (await adopt(network, SUZHOU, report)).decision
    (entry,) = await ledger(network, decision, 1)
    page = await network.people.operator("scoring", "GET", f"/api/v1/ledger?hub={SUZHOU}&limit=1000")
    assert [each["id"] for each in page["entries"] if each["report"] == str(report)] == [entry["id"]]
