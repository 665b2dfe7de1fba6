"""Arrivals become rows: each once, garbage as evidence, what cannot be read said so."""

import random
from hashlib import sha256

import msgspec
import pytest

from proto.addresses import routing_key
from proto.errors import RefusedError
from proto.messages import Outcome, Verdict
from services.archive.domain.prepare import Arrival, prepare
from services.kit.ids import utc_now
from tests.world import KUNSHAN, PROVINCE, SUZHOU, World


@pytest.fixture
def world() -> World:
    return World.make(utc_now())


def accepted(body: bytes) -> Arrival:
    return Arrival(body=body, refused=False, routing_key="")


def refused(body: bytes, key: str = "") -> Arrival:
    return Arrival(body=body, refused=True, routing_key=key)


def test_a_report_is_a_message_and_a_document(world: World) -> None:
    report, envelope = world.report(KUNSHAN, title="ＧＤＰ增长")
    batch = prepare([accepted(envelope.packed())])
    (message,), (document,) = batch.messages, batch.documents
    assert (message.id, message.envelope) == (report.id, envelope.packed())
    assert message.digest == sha256(envelope.packed()).digest()
    assert document.readers == (KUNSHAN, SUZHOU, PROVINCE)
    assert document.title == "ＧＤＰ增长"
    assert document.folded is not None
    assert document.folded.startswith("gdp增长\n")


def test_plain_text_is_not_kept_twice(world: World) -> None:
    _, envelope = world.report(KUNSHAN, title="环境", body="很好。")
    assert prepare([accepted(envelope.packed())]).documents[0].folded is None


def test_receipts_and_decisions_are_exploded(world: World) -> None:
    report, sent = world.report(KUNSHAN)
    receipt, receipt_envelope = world.receipt(SUZHOU, [KUNSHAN], [world.entry(report, sent, Outcome.OPENED)])
    decision, decided = world.decision(SUZHOU, [report], verdict=Verdict.ADOPTED)
    reversal, reversed_ = world.decision(SUZHOU, [report], verdict=Verdict.REVERSED, about=decision.id, reason="重复")
    batch = prepare(accepted(e.packed()) for e in (receipt_envelope, decided, reversed_))
    (entry,) = batch.entries
    assert (entry.receipt, entry.message, entry.outcome, entry.by) == (receipt.id, report.id, "opened", SUZHOU)
    assert [(i.decision, i.report, i.verdict, i.reverses) for i in batch.items] == [
        (decision.id, report.id, "adopted", None),
        (reversal.id, report.id, "reversed", decision.id),
    ]


def test_twice_in_a_batch_is_once(world: World) -> None:
    _, envelope = world.report(KUNSHAN)
    batch = prepare([accepted(envelope.packed())] * 2 + [refused(b"x")] * 2)
    assert (batch.size, len(batch.messages), len(batch.documents), len(batch.refused)) == (4, 1, 1, 1)


@pytest.mark.parametrize("body", [b"", b"\x00" * 100, b"\xc1" * 5_000, b"[" * 100_000, b"\x93" * 100_000])
def test_garbage_is_evidence(body: bytes) -> None:
    (record,) = prepare([refused(body, "no.address")]).refused
    assert (record.envelope, record.claimed_id, record.claimed_origin) == (body, None, None)


def test_random_garbage_never_breaks() -> None:
    noise = random.Random(1)  # noqa: S311
    bodies = [noise.randbytes(noise.randrange(2_000)) for _ in range(300)]
    assert len(prepare(map(refused, bodies)).refused) == len(set(bodies))


def test_what_a_refused_message_claims_is_kept(world: World) -> None:
    report, envelope = world.report(KUNSHAN)
    (record,) = prepare([refused(envelope.packed(), routing_key(KUNSHAN, "report"))]).refused
    assert (record.claimed_id, record.claimed_origin) == (report.id, KUNSHAN)


def test_a_report_whose_content_cannot_be_read_is_stored_unindexed(world: World) -> None:
    content = msgspec.json.decode(world.content())
    for changes in ({"body": "甲\x00乙"}, {"category": "unheard_of"}):
        report, envelope = world.report(KUNSHAN, content=msgspec.json.encode(content | changes).decode())
        batch = prepare([accepted(envelope.packed())])
        assert batch.messages[0].envelope == envelope.packed()
        assert (batch.documents, batch.unindexed) == ([], [report.id])


def test_an_accepted_message_that_cannot_be_read_is_said(world: World) -> None:
    _, envelope = world.report(KUNSHAN)
    with pytest.raises(RefusedError):
        prepare([accepted(envelope.packed()), accepted(b"garbage")])
