"""Whose entries of a receipt are whose. Pure.

Units of one gateway share receipts, since the gateway receives for all of them; a unit is shown its own entries only.
An entry belongs to the addressee that sent the very bytes it is about. An entry about bytes that this gateway did not
send belongs to an addressee only where no other could be meant.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from proto.messages import Receipt, ReceiptEntry

SenderOf = Callable[[ReceiptEntry], str | None]
"""Returns the hosted unit that sent the bytes which an entry is about; None where this gateway did not send them."""


class Share(Struct, frozen=True, kw_only=True):
    """One unit's part of a receipt."""

    node: str  # whose part
    receipt: UUID
    holder: str  # in whose inbox the receipt lies
    entries: tuple[int, ...]  # positions, from 0
    whole: bool  # the receipt holds nothing of others


def shares(holder: str, receipt: Receipt, sender_of: SenderOf) -> list[Share]:
    """Return the parts of a receipt; entries that are surely nobody's, or not surely somebody's, are in none."""
    owners = _owners(receipt, [sender_of(entry) for entry in receipt.entries])
    parts: dict[str, list[int]] = {}
    for position, owner in enumerate(owners):
        if owner is not None:
            parts.setdefault(owner, []).append(position)
    return [
        Share(
            node=node,
            receipt=receipt.id,
            holder=holder,
            entries=tuple(positions),
            whole=len(positions) == len(receipt.entries) and set(receipt.to) == {node},
        )
        for node, positions in parts.items()
    ]


def _owners(receipt: Receipt, senders: Sequence[str | None]) -> list[str | None]:
    addressees = set(receipt.to)
    rest = addressees.difference(sender for sender in senders if sender is not None)
    forced = addressees if len(addressees) == 1 else rest if senders.count(None) == len(rest) == 1 else set[str]()
    stranger = next(iter(forced), None)
    return [stranger if sender is None else sender if sender in addressees else None for sender in senders]


def part_of(receipt: Receipt, node: str, entries: Sequence[int]) -> msgspec.Raw:
    """Return a receipt as one unit may see it, JSON: its own entries, and no other addressee."""
    own = tuple(receipt.entries[position] for position in entries)
    return msgspec.Raw(msgspec.json.encode(msgspec.structs.replace(receipt, to=(node,), entries=own)))
