"""Receipts, coalesced: one signed message answers many of one gateway's."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from proto.addresses import ROUTER_CODE
from proto.limits import MAX_RECEIPTS
from proto.messages import Outcome, Receipt, ReceiptEntry
from services.kit.ids import NewId
from services.router.domain import Accepted, Judgement


class Due(Struct, frozen=True):
    """One outcome that is still to be told."""

    tag: int  # of the delivery that waits for its receipt to be confirmed
    sender: str | None  # None: nobody can be told, the archive only
    entry: ReceiptEntry


def due_for(tag: int, judgement: Judgement, at: datetime) -> Due:
    """Return whom to tell what."""
    if isinstance(judgement, Accepted):
        message = judgement.message
        entry = ReceiptEntry(message=message.id, digest=judgement.digest, outcome=Outcome.ACCEPTED, at=at)
        return Due(tag, message.origin, entry)
    entry = ReceiptEntry(
        message=judgement.claimed_id,
        digest=judgement.digest,
        outcome=Outcome.REFUSED,
        at=at,
        reason=judgement.reason.value,
        detail=judgement.detail,
    )
    return Due(tag, judgement.sender, entry)


def by_gateway(due: Iterable[Due], gateway_of: Callable[[str], str | None]) -> dict[str | None, list[Due]]:
    """Sort what is due by the gateway of its sender, keeping the order; None where no gateway speaks for it."""
    sorted_: dict[str | None, list[Due]] = {}
    for one in due:
        sorted_.setdefault(gateway_of(one.sender) if one.sender else None, []).append(one)
    return sorted_


def coalesce(due: Sequence[Due], *, gateway: str | None, new_id: NewId, at: datetime) -> Iterator[Receipt]:
    """Put what is due to one gateway into as few receipts as the bounds allow, keeping the order.

    Units of one gateway share a receipt, since the gateway reads all their inboxes anyway; no other gateway sees it.
    Entries whose sender no gateway speaks for are addressed to nobody.
    """
    for start in range(0, len(due), MAX_RECEIPTS):
        part = due[start : start + MAX_RECEIPTS]
        senders = dict.fromkeys(one.sender for one in part if one.sender) if gateway else {}
        yield Receipt(
            id=new_id(),
            origin=ROUTER_CODE,
            to=tuple(senders),
            sent_at=at,
            entries=tuple(one.entry for one in part),
        )
