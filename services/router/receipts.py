"""Receipts, coalesced: one signed message answers many of one gateway's."""

from collections.abc import Callable, Iterable, Iterator
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


def coalesce(
    entries: Iterable[tuple[str | None, ReceiptEntry]],
    *,
    gateway_of: Callable[[str], str | None],
    new_id: NewId,
    at: datetime,
) -> Iterator[Receipt]:
    """Group entries by the gateway of their sender into as few receipts as the bounds allow, keeping their order.

    Units of one gateway share a receipt, since the gateway reads all their inboxes anyway; no other gateway sees it.
    Entries whose sender no gateway speaks for are addressed to nobody.
    """
    grouped: dict[str | None, list[tuple[str | None, ReceiptEntry]]] = {}
    for sender, entry in entries:
        grouped.setdefault(gateway_of(sender) if sender else None, []).append((sender, entry))
    for gateway, listed in grouped.items():
        for start in range(0, len(listed), MAX_RECEIPTS):
            part = listed[start : start + MAX_RECEIPTS]
            senders = dict.fromkeys(sender for sender, _ in part if sender) if gateway else {}
            yield Receipt(
                id=new_id(),
                origin=ROUTER_CODE,
                to=tuple(senders),
                sent_at=at,
                entries=tuple(entry for _, entry in part),
            )
