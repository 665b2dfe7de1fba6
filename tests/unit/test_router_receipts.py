"""Receipts: who is told what, and how many share a message."""

from hypothesis import given
from hypothesis import strategies as st

from proto.errors import Reason
from proto.limits import MAX_RECEIPTS
from proto.messages import Outcome, ReceiptEntry
from services.kit.ids import new_id, utc_now
from services.router.domain import Accepted, Refused
from services.router.receipts import coalesce, entry_for
from tests.places import FARMING, REFORM, WUXI
from tests.world import World

NOW = utc_now()
GATEWAYS = {REFORM: "ministries", FARMING: "ministries", WUXI: "wuxi"}
SENDERS = st.sampled_from([REFORM, FARMING, WUXI, "320000-nobody", None])


def an_entry() -> ReceiptEntry:
    return ReceiptEntry(message=new_id(), digest="0" * 64, outcome=Outcome.ACCEPTED, at=NOW)


def test_acceptance_is_told_to_the_origin() -> None:
    message, _ = World.make(NOW).report(REFORM)
    whom, entry = entry_for(Accepted(message=message, digest="a" * 64, keys=("x",)), NOW)
    assert (whom, entry.message, entry.digest, entry.outcome) == (REFORM, message.id, "a" * 64, Outcome.ACCEPTED)


def test_refusal_names_its_reason_and_goes_to_whom_the_broker_vouches_for() -> None:
    refused = Refused(claimed_id=None, sender=WUXI, digest="b" * 64, reason=Reason.KEY_REVOKED, detail="x")
    whom, entry = entry_for(refused, NOW)
    assert (whom, entry.message, entry.outcome, entry.reason) == (WUXI, None, Outcome.REFUSED, "key.revoked")


@given(st.lists(SENDERS, max_size=60))
def test_every_entry_travels_once_and_only_to_its_own_gateway(senders: list[str | None]) -> None:
    entries = [(sender, an_entry()) for sender in senders]
    receipts = list(coalesce(entries, gateway_of=GATEWAYS.get, new_id=new_id, at=NOW))
    assert sorted(str(e.message) for r in receipts for e in r.entries) == sorted(str(e.message) for _, e in entries)
    sender_of = {e.message: sender for sender, e in entries}
    for receipt in receipts:
        gateways = {GATEWAYS.get(sender_of[e.message] or "") for e in receipt.entries}
        assert len(gateways) == 1, "one gateway sees what is another's"
        assert set(receipt.to) == ({sender_of[e.message] for e in receipt.entries} if gateways != {None} else set())
    assert len(receipts) <= len({GATEWAYS.get(s or "") for s in senders})


def test_bounds_and_order() -> None:
    entries = [(REFORM, an_entry()) for _ in range(2 * MAX_RECEIPTS + 1)]
    receipts = list(coalesce(entries, gateway_of=GATEWAYS.get, new_id=new_id, at=NOW))
    assert [len(r.entries) for r in receipts] == [MAX_RECEIPTS, MAX_RECEIPTS, 1]
    assert [e for r in receipts for e in r.entries] == [e for _, e in entries]
