"""Art. 13: a wrong decision is refused with its own code, and nothing of it is done."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from proto.messages import DecidedItem, Decision, PublicationRef, Verdict
from services.kit.ids import new_id, utc_now
from tests.acceptance.acts import decide, ledger, refusal, report
from tests.acceptance.bus_side import seal, told
from tests.network import Network
from tests.places import KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI

DAILY = {"series": "daily", "issue": "2"}
GOOD = "{good}"  # a report that waits for a decision
DONE = "{done}"  # one that has been decided
LOST = "{lost}"  # one that never came here

WRONG: dict[str, tuple[str, list[tuple[str, str]], dict[str, Any], str]] = {
    "unknown item": ("adopted", [(LOST, "1")], {}, "decision.unknown_item"),
    "another hub's item among good ones": ("merged", [(GOOD, "0.5"), (LOST, "0.5")], {}, "decision.unknown_item"),
    "listed twice": ("merged", [(GOOD, "0.5"), (GOOD, "0.5")], {}, "decision.item_twice"),
    "decided before": ("adopted", [(DONE, "1")], {}, "decision.already_decided"),
    "decided before among good ones": ("merged", [(GOOD, "0.5"), (DONE, "0.5")], {}, "decision.already_decided"),
    "declined after adoption": ("declined", [(DONE, "1")], {"reason": "重复"}, "decision.already_decided"),
    "adopted in part": ("adopted", [(GOOD, "0.5")], {}, "decision.one_item"),
    "merged alone": ("merged", [(GOOD, "1")], {}, "decision.two_items"),
    "no item": ("adopted", [], {}, "decision.no_items"),
    "no issue": ("adopted", [(GOOD, "1")], {"publication": None}, "decision.no_publication"),
    "empty issue": ("adopted", [(GOOD, "1")], {"publication": {"series": "daily", "issue": ""}}, "decision.no_publication"),
    "returned without a reason": ("returned", [(GOOD, "1")], {}, "decision.no_reason"),
    "declined with a blank reason": ("declined", [(GOOD, "1")], {"reason": " \n"}, "decision.no_reason"),
    "declined but published": ("declined", [(GOOD, "1")], {"reason": "略", "publication": DAILY}, "decision.publication"),
    "reversal of nothing": ("reversed", [], {"reason": "误采"}, "decision.reversal"),
    "reversal without a reason": ("reversed", [], {"reverses": str(uuid4())}, "decision.reversal"),
    "reversal of the unknown": ("reversed", [], {"reverses": str(uuid4()), "reason": "误采"}, "decision.not_in_force"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(WRONG))
async def test_wrong_decision(network: Network, case: str) -> None:
    verdict, items, fields, code = WRONG[case]
    good, done = await report(network, KUNSHAN, SUZHOU), await report(network, KUNSHAN, SUZHOU)
    names = {GOOD: good, DONE: done, LOST: uuid4()}
    await decide(network, SUZHOU, "adopted", done)
    reports, shares = [names[name] for name, _ in items], [share for _, share in items]
    assert await refusal(decide(network, SUZHOU, verdict, *reports, shares=shares, **fields)) == (422, code)
    await nothing_half_done(network, good)


@pytest.mark.parametrize("shares", [("0.5", "0.4"), ("0.7", "0.7"), ("1", "0"), ("0.5", "-0.5"), ("0.333", "0.333")])
async def test_shares_must_add_up_to_one(network: Network, shares: tuple[str, ...]) -> None:
    good, other = await report(network, KUNSHAN, SUZHOU), await report(network, KUNSHAN, SUZHOU)
    call = decide(network, SUZHOU, "merged", good, other, shares=shares)
    assert await refusal(call) == (422, "decision.shares")
    await nothing_half_done(network, good)
    await nothing_half_done(network, other)


@pytest.mark.parametrize("share", ["NaN", "-Infinity", "1e999999", "1.5", "0.4999999999999", "一半"])
async def test_shares_that_are_no_shares(network: Network, share: str) -> None:
    good, other = await report(network, KUNSHAN, SUZHOU), await report(network, KUNSHAN, SUZHOU)
    call = decide(network, SUZHOU, "merged", good, other, shares=(share, "0.5000000000001"))
    assert await refusal(call) == (400, "request.invalid")
    await nothing_half_done(network, good)


@pytest.mark.parametrize("field", ["reason", "series"])
async def test_what_the_router_would_refuse_is_refused_at_the_desk(network: Network, field: str) -> None:
    """Else the desk would hold it for decided, and nobody would ever learn of it."""
    good = await report(network, KUNSHAN, SUZHOU)
    fields = {"reason": "略\x00"} if field == "reason" else {"publication": {"series": "daily\x00", "issue": "1"}}
    assert await refusal(decide(network, SUZHOU, "adopted", good, **fields)) == (422, "payload.malformed")
    await nothing_half_done(network, good)


@pytest.mark.parametrize("person", ["officer", "lead", "head"])
async def test_only_an_editor_decides(network: Network, person: str) -> None:
    good = await report(network, KUNSHAN, SUZHOU)
    assert await refusal(decide(network, SUZHOU, "adopted", good, person=person)) == (403, "auth.role")
    await nothing_half_done(network, good)


async def test_another_hub_cannot_decide(network: Network) -> None:
    """Neither in its own name about what did not come to it, nor in the name of the hub to which it came."""
    good = await report(network, KUNSHAN, SUZHOU)
    assert await refusal(decide(network, WUXI, "adopted", good)) == (422, "decision.unknown_item")
    body = {"verdict": "adopted", "items": [{"report": good}], "publication": DAILY}
    call = network.people.call(WUXI, "editor", "POST", f"/api/v1/nodes/{SUZHOU}/decisions", body)
    assert await refusal(call) == (403, "auth.not_this_node")
    await nothing_half_done(network, good)


async def test_no_hub_reverses_another_ones_decision(network: Network) -> None:
    done = await report(network, KUNSHAN, SUZHOU, PROVINCE)
    decision = await decide(network, SUZHOU, "adopted", done)
    call = decide(network, PROVINCE, "reversed", reverses=decision, reason="误采")
    assert await refusal(call) == (422, "decision.not_in_force")
    assert len(await ledger(network, decision, 1)) == 1


async def test_a_decision_is_reversed_once(network: Network) -> None:
    done = await report(network, KUNSHAN, SUZHOU)
    decision = await decide(network, SUZHOU, "adopted", done)
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
    decision = await decide(network, SUZHOU, "adopted", report)
    (entry,) = await ledger(network, decision, 1)
    page = await network.people.operator("scoring", "GET", f"/api/v1/ledger?hub={SUZHOU}&limit=1000")
    assert [each["id"] for each in page["entries"] if each["report"] == str(report)] == [entry["id"]]
