"""What a hostile vector is, and the means to make one: a good message with exactly one flaw, honestly signed around it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from proto import codec
from proto.envelope import Envelope, Signature, Signer, payload_type_of, seal
from proto.errors import Reason
from proto.messages import Message, Report
from tests.assets.vector_world import GATEWAY
from tests.world import KUNSHAN, World


class Flaw(msgspec.Struct, frozen=True, kw_only=True):
    """A hostile input: the bytes, how they arrive, and the reason with which they must be refused."""

    data: bytes
    expect: Reason
    why: str  # the flaw in a sentence
    form: Literal["bus", "json", "key-request"] = "bus"
    now: datetime | None = None  # None: the moment of the vectors
    user_id: str = GATEWAY  # broker user that sent it
    registry: bool = True  # False: the receiver knows no directory yet


def sealed(envelope: Envelope, expect: Reason, why: str, **more: Any) -> Flaw:
    """Return a flaw that arrives over the bus."""
    return Flaw(data=envelope.packed(), expect=expect, why=why, **more)


def altered(world: World, message: Message, *changes: tuple[str, str], key: Signer | None = None) -> Envelope:
    """Return a message whose JSON text was changed before it was signed by its own node."""
    text = codec.encode(message).decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return signed(world, message.kind(), text.encode(), key=key)


def signed(world: World, kind: str, payload: bytes, *, key: Signer | None = None) -> Envelope:
    """Return any payload under a good signature of 昆山."""
    return seal(kind, payload, [key or world.node_keys[KUNSHAN]])


def flipped(data: bytes, place: int = 0, bit: int = 0) -> bytes:
    """Return the bytes with one bit turned."""
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def resigned(envelope: Envelope, *signatures: Signature) -> Envelope:
    """Return the envelope under other signatures."""
    return replace(envelope, signatures=signatures)


def report_with(world: World, report: Report, *sign_offs: Envelope, origin: str = KUNSHAN) -> Envelope:
    """Return a report under other sign-offs, sealed by its node."""
    return world.seal(replace(report, sign_offs=sign_offs), origin)


def content_with(world: World, change: Callable[[str], str]) -> Envelope:
    """Return a report whose content was changed before anybody signed it."""
    return world.report(KUNSHAN, content=change(world.content()))[1]


def typed(envelope: Envelope, kind: str) -> Envelope:
    """Return the envelope under another payload type, its signatures unchanged."""
    return replace(envelope, payload_type=payload_type_of(kind))
