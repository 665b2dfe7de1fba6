"""Whose entries of a receipt are whose."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proto import codec
from proto.addresses import ROUTER_CODE
from proto.messages import Outcome, Receipt, ReceiptEntry
from services.gateway.domain.receipts import part_of, shares
from services.kit.ids import new_id, utc_now
from tests.places import FARMING, KUNSHAN, REFORM

NOW = utc_now()
UNITS = (REFORM, FARMING, KUNSHAN)


def receipt(*digests: str, to: tuple[str, ...]) -> Receipt:
    entries = tuple(ReceiptEntry(message=new_id(), digest=d, outcome=Outcome.ACCEPTED, at=NOW) for d in digests)
    return Receipt(id=new_id(), origin=ROUTER_CODE, to=to, sent_at=NOW, entries=entries)


@given(st.lists(st.sampled_from([*UNITS, None]), min_size=1, max_size=8), st.sets(st.sampled_from(UNITS), min_size=1))
def test_nobody_is_given_what_another_sent(senders: list[str | None], to: set[str]) -> None:
    """Whoever sent the unknown ones: a part that is given holds nothing that could be another's."""
    told = receipt(*(f"{number:064}" for number in range(len(senders))), to=tuple(sorted(to)))
    by_digest = {entry.digest: sender for entry, sender in zip(told.entries, senders, strict=True)}
    parts = shares(FARMING, told, lambda entry: by_digest[entry.digest])
    given_to = {position: part.node for part in parts for position in part.entries}
    assert len(given_to) == sum(len(part.entries) for part in parts)
    unknown = [position for position, sender in enumerate(senders) if sender is None]
    for position, node in given_to.items():
        assert node in to
        if senders[position] is None:
            others = to - {sender for sender in senders if sender}
            assert to == {node} or (others == {node} and unknown == [position])
        else:
            assert node == senders[position]
    for position, sender in enumerate(senders):
        assert position in given_to or sender is None or sender not in to
    for part in parts:
        assert part.whole == (to == {part.node} and len(part.entries) == len(senders))


def test_a_part_is_a_receipt_of_ones_own() -> None:
    told = receipt("0" * 64, "1" * 64, "2" * 64, to=(REFORM, FARMING))
    part = part_of(told, FARMING, [2])
    read = msgspec.json.decode(part, type=Receipt)
    assert read == msgspec.structs.replace(told, to=(FARMING,), entries=told.entries[2:])
    assert bytes(part) == codec.encode(read)
