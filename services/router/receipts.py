"""Receipts, coalesced: one signed message answers many of one sender's."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from proto.addresses import ROUTER_CODE
from proto.limits import MAX_RECEIPTS
from proto.messages import Outcome, Receipt, ReceiptEntry
from services.kit.ids import NewId
from services.router.domain import Accepted, Judgement


def entry_for(judgement: Judgement, at: datetime) -> tuple[str | None, ReceiptEntry]:
    """Return whom to tell (None: nobody can be told, the archive only) and what."""
    if isinstance(judgement, Accepted):
        message = judgement.message
        return message.origin, ReceiptEntry(
            message=message.id, digest=judgement.digest, outcome=Outcome.ACCEPTED, at=at
        )
    return judgement.sender, ReceiptEntry(
        message=judgement.claimed_id,
        digest=judgement.digest,
        outcome=Outcome.REFUSED,
        at=at,
        reason=judgement.reason.value,
        detail=judgement.detail,
    )


def coalesce(entries: Iterable[tuple[str | None, ReceiptEntry]], *, new_id: NewId, at: datetime) -> Iterator[Receipt]:
    """Group entries by sender into as few receipts as the bounds allow, keeping their order."""
    grouped: dict[str | None, list[ReceiptEntry]] = {}
    for sender, entry in entries:
        grouped.setdefault(sender, []).append(entry)
    for sender, listed in grouped.items():
        for start in range(0, len(listed), MAX_RECEIPTS):
            yield Receipt(
                id=new_id(),
                origin=ROUTER_CODE,
                to=(sender,) if sender else (),
                sent_at=at,
                entries=tuple(listed[start : start + MAX_RECEIPTS]),
            )
