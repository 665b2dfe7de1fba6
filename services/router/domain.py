"""Who may send what to whom, and the judgement over one arriving message. Pure: no await, no clock, no I/O."""

import json
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from proto import codec
from proto.addresses import PRESENCE_ADDRESS, REGISTRY_ADDRESS, routing_key, split_routing_key
from proto.envelope import Envelope, digest_of, unpack
from proto.errors import Reason, RefusedError
from proto.messages import (
    Adjustment,
    Appeal,
    Approved,
    Decision,
    Designation,
    Directory,
    Heartbeat,
    Message,
    NodeKind,
    Progress,
    Publication,
    Receipt,
    Report,
    Roster,
)
from proto.topology import SCORED_REPORTS, is_scored
from services.kit.secrecy import any_marked, check_open
from services.kit.trust.state import TrustState
from services.kit.trust.verify import Check, check_now, verify_approved, verify_forwarded, verify_message, verify_report

_SIGNS: Final = ("密", "宻", "㊙", "\\u", "&", '"payload"')
"""Without one of these there is no marking in a JSON text, however it is written or wrapped: hardly any message has one."""


class Arrival(Struct, frozen=True, kw_only=True):
    """What came over the bus: the bytes, and the two things the broker itself has checked."""

    body: bytes
    routing_key: str  # <origin address>.<kind>; the broker's topic permissions vouch for the address
    user_id: str | None  # the publishing broker user, validated by the broker; None where an operator replays


class Accepted(Struct, frozen=True, kw_only=True):
    """A verified message and the keys under which it is delivered."""

    message: Message
    digest: str  # SHA-256 of the bytes as they travelled
    keys: tuple[str, ...]  # routing keys on ``yz.deliver``; one publish, the rest as CC


class Refused(Struct, frozen=True, kw_only=True):
    """A refusal: the sender's fault, with its reason."""

    claimed_id: UUID | None
    sender: str | None  # node code that the broker vouches for; None where the routing key names none
    digest: str
    reason: Reason
    detail: str


Judgement = Accepted | Refused


def judge(state: TrustState, arrival: Arrival, now: datetime, check: Check = check_now) -> Judgement:
    """Return what becomes of an arriving message. Never raises for anything that a stranger sent."""
    envelope: Envelope | None = None
    try:
        envelope = unpack(arrival.body)
        message = codec.decode(envelope)
        _check_key(message, arrival.routing_key)
        return Accepted(
            message=message,
            digest=digest_of(arrival.body),
            keys=_verified_keys(state, envelope, message, arrival.user_id, now, check),
        )
    except RefusedError as error:
        return Refused(
            claimed_id=codec.peek_id(envelope.payload) if envelope else None,
            sender=_sender(arrival.routing_key),
            digest=digest_of(arrival.body),
            # of what is classified no copy may be kept, whatever else is wrong with it (Art. 2)
            reason=Reason.REPORT_CLASSIFIED if _carries_marking(_text(arrival.body, envelope)) else error.reason,
            detail=error.detail,
        )


def _text(body: bytes, envelope: Envelope | None) -> str:
    return (envelope.payload if envelope else body).decode(errors="ignore")


def _carries_marking(text: str) -> bool:
    """Tell whether a classification stands anywhere in a message: in its content, or in that of a forwarded original."""
    return any(sign in text for sign in _SIGNS) and any_marked(_texts(text, depth=3))


def _texts(text: str, depth: int) -> Iterator[str]:
    """Yield the strings inside a JSON text and inside JSON carried as its strings; the text itself where it is none.

    Of keys that stand twice both values are seen, which is why another reader than msgspec is asked.
    """
    try:
        pending = [json.loads(text, object_pairs_hook=_flat)] if depth else []
    except (ValueError, RecursionError):
        pending = []
    if not pending:
        yield text
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield from _texts(value, depth - 1)
        elif isinstance(value, list):
            pending.extend(value)


def _flat(pairs: list[tuple[str, Any]]) -> list[Any]:
    """Return the keys and values of an object, and the text in an envelope's payload, as forwarded originals have it."""
    found: list[Any] = [part for pair in pairs for part in pair]
    return found + [_unsealed(value) for key, value in pairs if key == "payload"]


def _unsealed(payload: object) -> str:
    try:
        return b64decode(payload, validate=True).decode(errors="ignore") if isinstance(payload, str) else ""
    except ValueError:
        return ""


def _verified_keys(
    state: TrustState, envelope: Envelope, message: Message, user_id: str | None, now: datetime, check: Check
) -> tuple[str, ...]:
    if isinstance(message, Directory):  # the root's signature is all: it may even introduce the first nodes
        return (f"{REGISTRY_ADDRESS}.{message.kind()}",)
    verify_message(state, envelope, message, now=now, user_id=user_id, check=check)
    scored: tuple[str, ...] = ()
    if isinstance(message, Report):
        content = verify_report(state, message, now=now, check=check)
        check_open(content)
        for _, original in verify_forwarded(state, message, check=check):
            check_open(original)
        scored = (SCORED_REPORTS,) if is_scored(message, content) else ()
    elif _carries_marking(_text(b"", envelope)):
        raise RefusedError(Reason.REPORT_CLASSIFIED)
    if isinstance(message, Approved):
        verify_approved(state, message, now=now, check=check)
    return delivery_keys(state, message) + scored


def delivery_keys(state: TrustState, message: Message) -> tuple[str, ...]:
    """Return the routing keys for a verified message; refuse where its origin may not send it there."""
    kind = message.kind()
    if isinstance(message, Roster):
        return (f"{REGISTRY_ADDRESS}.{kind}",)
    if isinstance(message, Heartbeat):
        return (f"{PRESENCE_ADDRESS}.{kind}",)
    if not message.to:
        raise RefusedError(Reason.NO_RECIPIENT)
    for code in message.to:
        node = state.node(code)
        if node is None or node.type is NodeKind.SERVICE:
            raise RefusedError(Reason.UNKNOWN_RECIPIENT, code)
        if not _permitted(state, message, code):
            raise RefusedError(Reason.NOT_PERMITTED, code)
    if isinstance(message, Receipt):  # units of one gateway share a copy; it knows which entry is whose
        recipients = list({state.gateway_of(code): code for code in reversed(message.to)}.values())
    else:
        recipients = list(dict.fromkeys(message.to))
    return tuple(routing_key(code, kind) for code in recipients)


def _permitted(state: TrustState, message: Message, to: str) -> bool:
    origin = state.node(message.origin)
    if origin is None:
        return False
    match message:
        case Receipt():  # whoever received something may say so; the router about everything
            return True
        case Report() | Progress() | Appeal():  # upward, to the unit's own hubs
            return to in state.hubs_of(message.origin)
        case _ if origin.type is NodeKind.SERVICE:
            return False
        case Publication():  # a hub's issue goes up, down and across
            return origin.type.is_hub
        case Designation() | Decision() | Adjustment():  # also to a county that reports here not yet, or no longer
            return origin.type.is_hub and message.origin in state.above(to)
        case _:  # everything else is said by a hub to a unit that reports to it
            return origin.type.is_hub and message.origin in state.hubs_of(to)


def _check_key(message: Message, key: str) -> None:
    """Hold the message to the routing key under which the broker let it in."""
    try:
        code, kind = split_routing_key(key)
    except ValueError as error:
        raise RefusedError(Reason.WRONG_GATEWAY, "routing key") from error
    if kind != message.kind():
        raise RefusedError(Reason.PAYLOAD_KIND_MISMATCH, "routing key")
    if code != message.origin:
        raise RefusedError(Reason.WRONG_GATEWAY, "origin")


def _sender(key: str) -> str | None:
    try:
        return split_routing_key(key)[0]
    except ValueError:
        return None
