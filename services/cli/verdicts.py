"""Judging messages from a file, one at a time. Pure: bytes and trust state in, verdicts out.

A directory or roster is good where it is the one in force here, or an older version of it, which is said. What is newer
than the one in force has not been taken in: it may be a forgery by a key that has ended since, so it proves nothing yet.
"""

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
from proto.messages import Approved, Directory, Message, Report, Roster, SignOff
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
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Standing(Struct, frozen=True):
    """What is to be known of a directory or roster besides its signature."""

    ok: bool
    code: str
    zh: str
    en: str


IN_FORCE: Final = Standing(ok=True, code="", zh="", en="")
SUPERSEDED: Final = Standing(
    ok=True, code="registry.superseded", zh="已被新版本取代", en="Superseded: a newer version is in force"
)
NEWER: Final = Standing(
    ok=False, code="registry.newer", zh="新于现行版本，尚未采用", en="Newer than the one in force, and not taken in yet"
)


class Verdict(Struct, frozen=True, kw_only=True):
    """What verification said of one message (验证结论)."""

    ok: bool
    kind: str = ""  # as claimed; proven only where ``ok``
    origin: str = ""
    id: UUID | None = None
    sent_at: datetime | None = None
    signed_off_by: tuple[str, ...] = ()  # person (role, action); of forwarded originals with their unit before it
    code: str = ""  # reason where not ok; ``registry.superseded`` where ok once
    zh: str = ""
    en: str = ""
    detail: str = ""


def split(data: bytes) -> list[bytes]:
    """Return the JSON texts of a file's messages: a list's members, one message, or one a line."""
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
    if text.startswith(b"["):
        try:
            return [bytes(part) for part in msgspec.json.decode(text, type=list[msgspec.Raw])]
        except _UNREADABLE:
            return [text]
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except _UNREADABLE:
        return [line for line in text.splitlines() if line.strip()]
    return [text]


def judge(trust: Trust, data: bytes, now: datetime) -> Verdict:
    """Return the verdict over one message; keys are judged as of ``now``, and nothing that a stranger wrote raises."""
    message: Message | None = None
    try:
        envelope = from_json(data)
        message = codec.decode(envelope)
        signed_off_by = _check(trust, envelope, message, now)
        standing = _standing(trust, envelope, message, now)
    except RefusedError as error:
        return Verdict(
            ok=False, code=error.reason.value, zh=error.reason.zh, en=error.reason.en, detail=error.detail, **_claims(message)
        )  # fmt: skip
    return Verdict(
        ok=standing.ok, signed_off_by=signed_off_by, code=standing.code, zh=standing.zh, en=standing.en, **_claims(message)
    )  # fmt: skip


def _standing(trust: Trust, envelope: Envelope, message: Message, now: datetime) -> Standing:
    """Return how a directory or roster stands to the one in force; refuse what was never it."""
    match message:
        case Directory():
            return _standing_of_directory(trust, envelope, message, now)
        case Roster():
            version = trust.state.roster_version(message.origin)
            if message.version == version:
                trust.state.apply(envelope)  # the very bytes change nothing; others are refused
            return _compared(message.version, version)
        case _:
            return IN_FORCE


def _standing_of_directory(trust: Trust, envelope: Envelope, directory: Directory, now: datetime) -> Standing:
    current = trust.state.directory
    named = {key.keyid: key for key in current.roots}
    if directory.version > current.version:
        TrustState(named.values()).apply(envelope)  # signed by a root that the one in force names
        return NEWER
    if directory.version == current.version:
        TrustState(trust.roots).apply(envelope)
        if directory != current:
            raise RefusedError(Reason.REGISTRY_ROLLBACK, f"{directory.version} <= {current.version}")
        trust.state.require_fresh(now)
        return IN_FORCE
    known = [named.get(key.keyid, key) for key in trust.roots]  # with what became of a pinned key since
    TrustState(known).apply(envelope)  # signed by a root that was good at that time, and consistent in itself
    if directory.sent_at > current.sent_at:
        raise RefusedError(Reason.REGISTRY_ROLLBACK, f"{directory.version} <= {current.version}")
    for node in directory.nodes:  # keys are never removed: one that is unknown today was in no version
        for key in node.keys:
            kept = trust.state.node_key(key.keyid)
            if kept is None or (kept.node, kept.key.valid_from) != (node.code, key.valid_from):
                raise RefusedError(Reason.REGISTRY_INVALID, "a key that the directory in force does not know")
    return SUPERSEDED


def _compared(version: int, in_force: int) -> Standing:
    return IN_FORCE if version == in_force else SUPERSEDED if version < in_force else NEWER


def _check(trust: Trust, envelope: Envelope, message: Message, now: datetime) -> tuple[str, ...]:
    """Hold a message to the trust state; an expired directory still verifies the past (rule 5 of the state)."""
    if message.sent_at > now + _SKEW:
        raise RefusedError(Reason.SENT_IN_FUTURE)
    if isinstance(message, Directory):
        return ()
    state = trust.state
    if state.node(message.origin) is None:
        raise RefusedError(Reason.UNKNOWN_NODE)
    verify_signature(state, envelope, message, now=now)
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
