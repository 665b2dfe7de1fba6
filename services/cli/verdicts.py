"""Judging messages from a file, one at a time. Pure: bytes and trust state in, verdicts out."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from proto import codec
from proto.envelope import Envelope, from_json
from proto.errors import Reason, RefusedError
from proto.limits import CLOCK_SKEW_SECONDS
from proto.messages import Approved, Directory, Message, Report, SignOff
from services.cli.trust import Trust
from services.kit.trust.state import TrustState
from services.kit.trust.verify import (
    verify_approved,
    verify_forwarded,
    verify_report,
    verify_sign_off,
    verify_signature,
)

_SKEW: Final = timedelta(seconds=CLOCK_SKEW_SECONDS)


class Verdict(Struct, frozen=True, kw_only=True):
    """What verification said of one message (验证结论)."""

    ok: bool
    kind: str = ""  # as claimed; proven only where ``ok``
    origin: str = ""
    id: UUID | None = None
    sent_at: datetime | None = None
    signed_off_by: tuple[str, ...] = ()  # person (role, action); of forwarded originals with their unit before it
    code: str = ""  # reason where not ok
    zh: str = ""
    en: str = ""
    detail: str = ""


def split(data: bytes) -> list[bytes]:
    """Return the JSON texts of a file's messages: a list's members, one message, or one a line."""
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
    if text.startswith(b"["):
        try:
            return [bytes(part) for part in msgspec.json.decode(text, type=list[msgspec.Raw])]
        except msgspec.MsgspecError:
            return [text]
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return [line for line in text.splitlines() if line.strip()]
    return [text]


def judge(trust: Trust, data: bytes, now: datetime) -> Verdict:
    """Return the verdict over one message; keys are judged as of ``now``, and nothing that a stranger wrote raises."""
    message: Message | None = None
    try:
        envelope = from_json(data)
        message = codec.decode(envelope)
        signed_off_by = _check(trust, envelope, message, now)
    except RefusedError as error:
        return Verdict(
            ok=False, code=error.reason.value, zh=error.reason.zh, en=error.reason.en, detail=error.detail, **_claims(message)
        )  # fmt: skip
    return Verdict(ok=True, signed_off_by=signed_off_by, **_claims(message))


def _check(trust: Trust, envelope: Envelope, message: Message, now: datetime) -> tuple[str, ...]:
    """Hold a message to the trust state; an expired directory still verifies the past (rule 5 of the state)."""
    if isinstance(message, Directory):
        roots = (*trust.roots, *trust.state.directory.roots)
        TrustState(roots).apply(envelope)  # signed by a root that we know, and consistent in itself
        return ()
    state = trust.state
    if state.node(message.origin) is None:
        raise RefusedError(Reason.UNKNOWN_NODE)
    verify_signature(state, envelope, message, now=now)
    if message.sent_at > now + _SKEW:
        raise RefusedError(Reason.SENT_IN_FUTURE)
    match message:
        case Report():
            verify_report(state, message, now=now)
            originals = [original for original, _ in verify_forwarded(state, message)]
            return (
                *_signers(verify_sign_off(state, message, each, now=now) for each in message.sign_offs),
                *(
                    f"{original.origin}: {signer}"
                    for original in originals
                    for signer in _signers(map(codec.decode_sign_off, original.sign_offs))
                ),
            )
        case Approved():
            return _signers(verify_approved(state, message, now=now))
        case _:
            return ()


def _signers(statements: Iterable[SignOff]) -> tuple[str, ...]:
    return tuple(f"{s.person} ({s.role}, {s.action})" for s in statements)


def _claims(message: Message | None) -> dict[str, Any]:
    if message is None:
        return {}
    return {"kind": message.kind(), "origin": message.origin, "id": message.id, "sent_at": message.sent_at}
