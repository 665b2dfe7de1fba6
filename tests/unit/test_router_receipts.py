"""Receipts: who is told what, and how many share a message."""

from hypothesis import given
from hypothesis import strategies as st

from proto.errors import Reason
from proto.limits import MAX_RECEIPTS
from proto.messages import Outcome, ReceiptEntry
from services.kit.ids import new_id, utc_now
from services.router.domain import Accepted, Refused
from services.router.receipts import Due, by_gateway, coalesce, due_for
from tests.places import FARMING, REFORM, WUXI
from tests.world import World

NOW = utc_now()
GATEWAYS = {REFORM: "ministries", FARMING: "ministries", WUXI: "wuxi"}
SENDERS = st.sampled_from([REFORM, FARMING, WUXI, "320000-nobody", None])


def due_to(sender: str | None) -> Due:
    return Due(1, sender, ReceiptEntry(message=new_id(), digest="0" * 64, outcome=Outcome.ACCEPTED, at=NOW))


def test_acceptance_is_told_to_the_origin() -> None:
    message, _ = World.make(NOW).report(REFORM)
    due = due_for(7, Accepted(message=message, digest="a" * 64, keys=("x",)), NOW)
    assert (due.tag, due.sender) == (7, REFORM)
    assert (due.entry.message, due.entry.digest, due.entry.outcome) == (message.id, "a" * 64, Outcome.ACCEPTED)


def test_refusal_names_its_reason_and_goes_to_whom_the_broker_vouches_for() -> None:
    refused = Refused(claimed_id=None, sender=WUXI, digest="b" * 64, reason=Reason.KEY_REVOKED, detail="x")
    due = due_for(7, refused, NOW)
    assert (due.sender, due.entry.message, due.entry.outcome) == (WUXI, None, Outcome.REFUSED)
    assert due.entry.reason == "key.revoked"


@given(st.lists(SENDERS, max_size=60))
def test_every_entry_travels_once_and_only_to_its_own_gateway(senders: list[str | None]) -> None:
    due = [due_to(sender) for sender in senders]
    sender_of = {one.entry.message: one.sender for one in due}
    told = []
    for gateway, listed in by_gateway(due, GATEWAYS.get).items():
        (receipt,) = coalesce(listed, gateway=gateway, new_id=new_id, at=NOW)
        senders_told = {sender_of[entry.message] for entry in receipt.entries}
        assert {GATEWAYS.get(sender or "") for sender in senders_told} == {gateway}, "a gateway sees what is another's"
        assert set(receipt.to) == (senders_told if gateway else set())
        told += receipt.entries
    assert sorted(str(entry.message) for entry in told) == sorted(str(one.entry.message) for one in due)


def test_bounds_and_order() -> None:
    due = [due_to(REFORM) for _ in range(2 * MAX_RECEIPTS + 1)]
    receipts = list(coalesce(due, gateway="ministries", new_id=new_id, at=NOW))
    assert [len(r.entries) for r in receipts] == [MAX_RECEIPTS, MAX_RECEIPTS, 1]
    assert [e for r in receipts for e in r.entries] == [one.entry for one in due]
