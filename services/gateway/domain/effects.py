"""What an arriving message changes at the node, as rows to store. Pure."""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from proto import codec
from proto.envelope import digest_of, unpack
from proto.limits import MAX_RECEIPTS
from proto.messages import Decision, KeyPoints, Message, Outcome, Publication, Receipt, ReceiptEntry, Report
from services.gateway.domain.intake import Facts, facts_of
from services.kit.ids import NewId


class Arrived(Struct, frozen=True, kw_only=True):
    """One message in one node's inbox."""

    node: str  # whose inbox
    message: Message
    title: str  # what a list shows; empty where the kind has none
    body: bytes
    digest: str
    facts: Facts | None = None  # of a report


class ReceiptDue(Struct, frozen=True, kw_only=True):
    """A receipt that a node owes."""

    node: str  # who owes it
    to: str  # to whom
    message: UUID
    digest: str
    outcome: Outcome
    at: datetime
    reason: str = ""  # where it was refused


def read_arrival(node: str, body: bytes) -> Arrived:
    """Read what the router delivered; raise ``RefusedError`` for what cannot be read."""
    message = codec.decode(unpack(body))
    title, facts = "", None
    match message:
        case Report():
            content = codec.decode_content(message.content)
            title, facts = content.title, facts_of(message, content)
        case Publication():
            title = f"{message.name} {message.issue}"
        case KeyPoints():
            title = f"{message.month} 报送要点 / Key points"
        case Decision(items=()):
            title = "积分调整冲正 / Adjustment taken back"
        case _:
            pass
    return Arrived(node=node, message=message, title=title, body=body, digest=digest_of(body), facts=facts)


def owes_receipt(arrived: Arrived) -> bool:
    """Everything but a receipt is answered by one."""
    return not isinstance(arrived.message, Receipt)


def fates(arrived: Iterable[Arrived]) -> list[tuple[str, ReceiptEntry]]:
    """Return (giver, entry) of every receipt entry about an identified message."""
    return [
        (a.message.origin, entry)
        for a in arrived
        if isinstance(a.message, Receipt)
        for entry in a.message.entries
        if entry.message is not None
    ]


def verdicts(arrived: Iterable[Arrived]) -> list[tuple[str, Decision]]:
    """Return (node, decision) of every decision."""
    return [(a.node, a.message) for a in arrived if isinstance(a.message, Decision)]


def coalesce(
    due: Iterable[ReceiptDue], *, gateway_of: Callable[[str], str | None], new_id: NewId, at: datetime
) -> list[Receipt]:
    """Group what one node owes the units of one gateway into as few receipts as the bounds allow."""
    grouped: dict[tuple[str, str | None], list[ReceiptDue]] = {}
    for one in due:
        grouped.setdefault((one.node, gateway_of(one.to)), []).append(one)
    parts = (
        (node, listed[start : start + MAX_RECEIPTS])
        for (node, _), listed in grouped.items()
        for start in range(0, len(listed), MAX_RECEIPTS)
    )
    return [
        Receipt(
            id=new_id(),
            origin=node,
            to=tuple(dict.fromkeys(one.to for one in part)),
            sent_at=at,
            entries=tuple(
                ReceiptEntry(message=one.message, digest=one.digest, outcome=one.outcome, at=one.at, reason=one.reason)
                for one in part
            ),
        )
        for node, part in parts
    ]
