"""What an arrival changes at the node, and the receipts that it owes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proto.envelope import digest_of
from proto.errors import RefusedError
from proto.limits import MAX_RECEIPTS
from proto.messages import Outcome, ReceiptEntry, Verdict
from services.gateway.domain.effects import ReceiptDue, coalesce, fates, owes_receipt, read_arrival, verdicts
from services.kit.ids import new_id, utc_now
from tests.places import FARMING, KUNSHAN, PROVINCE, REFORM, SUZHOU
from tests.world import World

NOW = utc_now()
WORLD = World.make(NOW)
GATEWAYS = {REFORM: "ministries", FARMING: "ministries", KUNSHAN: "suzhou"}


def test_a_report_is_shown_by_its_title_and_owes_a_receipt() -> None:
    message, envelope = WORLD.report(KUNSHAN, title="【样例】标题")
    arrived = read_arrival(SUZHOU, envelope.packed())
    assert (arrived.node, arrived.message, arrived.title) == (SUZHOU, message, "【样例】标题")
    assert arrived.digest == digest_of(envelope.packed())
    assert owes_receipt(arrived)
    assert fates([arrived]) == verdicts([arrived]) == []


def test_a_receipt_owes_none_or_two_nodes_would_thank_each_other_for_ever() -> None:
    report, sealed = WORLD.report(KUNSHAN)
    told = WORLD.entry(report, sealed, Outcome.DELIVERED)
    unread = ReceiptEntry(message=None, digest="0" * 64, outcome=Outcome.REFUSED, at=NOW, reason="envelope.malformed")
    _, envelope = WORLD.receipt(SUZHOU, [KUNSHAN], [told, unread])
    arrived = read_arrival(KUNSHAN, envelope.packed())
    assert not owes_receipt(arrived)
    assert fates([arrived]) == [(SUZHOU, told)]


def test_a_decision_is_a_verdict_for_its_node() -> None:
    report, _ = WORLD.report(KUNSHAN)
    decision, envelope = WORLD.decision(SUZHOU, [report], verdict=Verdict.ADOPTED)
    assert verdicts([read_arrival(KUNSHAN, envelope.packed())]) == [(KUNSHAN, decision)]


@given(st.binary(max_size=100))
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError):
        read_arrival(KUNSHAN, body)


@given(
    st.lists(st.tuples(st.sampled_from([PROVINCE, SUZHOU]), st.sampled_from([*GATEWAYS, "320000-gone"])), max_size=50)
)
def test_every_debt_is_paid_once_to_its_own_gateway(debts: list[tuple[str, str]]) -> None:
    due = [
        ReceiptDue(node=node, to=to, message=new_id(), digest="0" * 64, outcome=Outcome.DELIVERED, at=NOW)
        for node, to in debts
    ]
    receipts = coalesce(due, gateway_of=GATEWAYS.get, new_id=new_id, at=NOW)
    by_message = {one.message: one for one in due}
    assert sorted(str(e.message) for r in receipts for e in r.entries) == sorted(str(m) for m in by_message)
    for receipt in receipts:
        paid = [by_message[e.message] for e in receipt.entries if e.message]
        assert {one.node for one in paid} == {receipt.origin}
        assert {one.to for one in paid} == set(receipt.to)
        assert len({GATEWAYS.get(one.to) for one in paid}) == 1


def test_receipts_are_bounded() -> None:
    due = [
        ReceiptDue(node=SUZHOU, to=KUNSHAN, message=new_id(), digest="0" * 64, outcome=Outcome.OPENED, at=NOW)
        for _ in range(MAX_RECEIPTS + 1)
    ]
    receipts = coalesce(due, gateway_of=GATEWAYS.get, new_id=new_id, at=NOW)
    assert [len(r.entries) for r in receipts] == [MAX_RECEIPTS, 1]
