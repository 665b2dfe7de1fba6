"""The way of one message (流转轨迹): what happened to it, in time order, each step proven anew from stored bytes.

A step is ``verified`` where its own envelope verifies with what is known today of nodes, keys and staff, judged as of
the time it was stored: a key revoked since still proves what was stored before. It takes (1) the signature of whoever
says it, (2) for a sign-off, that person's key and office, (3) for a receipt, that it speaks of these very bytes and not
of others under the same id. Whose receipts are asked for at all is the store's business: the router's, and those of the
message's recipients on what they received. A directory is signed by a root, whose keys are judged when it is taken in: (4) here it is
verified while it is the one in force. (5) The originals that a forwarded report carries are judged as of their own time.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from proto import codec
from proto.envelope import Envelope, unpack
from proto.errors import RefusedError
from proto.messages import Approved, Decision, Directory, Message, Progress, Receipt, Report
from services.kit.trust.state import TrustState
from services.kit.trust.verify import verify_forwarded, verify_sign_off, verify_signature

OTHER_BYTES: Final = "receipt.other_bytes"
"""The problem of a receipt that speaks of other bytes under the same id."""
NOT_IN_FORCE: Final = "directory.not_in_force"
"""The problem of a directory that another has replaced, or that was never taken in: nothing here proves it."""
_ORDER: Final = ("carried", "signed_off", "sent", "accepted", "refused", "delivered", "opened")


class Subject(Struct, frozen=True, kw_only=True):
    """The message whose way is asked for."""

    id: UUID
    origin: str
    digest: str  # SHA-256 of ``envelope``, hex
    stored_at: datetime
    envelope: bytes
    refused: bool  # kept as evidence only


class Related(Struct, frozen=True, kw_only=True):
    """A stored message that says something of the subject."""

    id: UUID
    envelope: bytes
    stored_at: datetime
    position: int | None  # of the receipt entry or decision item; None for a message that answers the subject


class Step(Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    at: datetime  # by the clock of whoever says it
    what: str  # signed_off, carried, sent, a receipt's outcome, a decision's verdict, continued, or another kind of message
    by: str  # node
    person: str | None = None
    role: str | None = None
    message: UUID | None  # that says so
    detail: str = ""
    verified: bool
    problem: str | None = None  # reason code where not verified


def steps(state: TrustState, subject: Subject, related: Iterable[Related]) -> list[Step]:
    """Return the steps of a message's way in time order."""
    found = list(_own(state, subject))
    problems: dict[UUID, str | None] = {}
    for each in related:
        try:
            envelope = unpack(each.envelope)
            message = codec.decode(envelope)
        except RefusedError:  # stored by a newer program
            continue
        if each.id not in problems:
            problems[each.id] = _problem(state, envelope, message, each.stored_at)
        found.append(_said(subject, message, each.position, problems[each.id]))
    return sorted(found, key=lambda step: (step.at, _ORDER.index(step.what) if step.what in _ORDER else len(_ORDER)))


def _own(state: TrustState, subject: Subject) -> Iterator[Step]:
    try:
        envelope = unpack(subject.envelope)
        message = codec.decode(envelope)
    except RefusedError as error:
        yield Step(
            at=subject.stored_at,
            what="sent",
            by=subject.origin,
            message=subject.id,
            verified=False,
            problem=error.reason.value,
        )
        return
    problem = _problem(state, envelope, message, subject.stored_at)
    yield Step(
        at=message.sent_at,
        what="sent",
        by=subject.origin,
        message=message.id,
        verified=problem is None,
        problem=problem,
    )
    match message:
        case Report():
            for sign_off in message.sign_offs:
                yield from _signed_off(state, message, sign_off, subject.stored_at)
            yield from _carried(state, message)
        case Approved():
            for approval in message.approvals:
                yield from _signed_off(state, message, approval, subject.stored_at)


def _carried(state: TrustState, report: Report) -> Iterator[Step]:
    """Yield the originals that a forwarded report carries, each with its own signatures (5)."""
    for envelope in report.forwarded:
        try:
            original = codec.decode(envelope)
        except RefusedError:
            continue
        if not isinstance(original, Report):
            continue
        problem = None
        try:
            verify_forwarded(state, replace(report, forwarded=(envelope,)))
        except RefusedError as error:
            problem = error.reason.value
        yield Step(
            at=original.sent_at,
            what="carried",
            by=original.origin,
            message=original.id,
            verified=problem is None,
            problem=problem,
        )


def _signed_off(state: TrustState, about: Report | Approved, envelope: Envelope, stored_at: datetime) -> Iterator[Step]:
    problem = None
    try:
        statement = verify_sign_off(state, about, envelope, now=stored_at)  # (2)
    except RefusedError as error:
        problem = error.reason.value
        try:
            statement = codec.decode_sign_off(envelope)
        except RefusedError:
            return
    yield Step(
        at=statement.at,
        what="signed_off",
        by=about.origin,
        person=statement.person,
        role=statement.role.value,
        message=about.id,
        detail=statement.action.value,
        verified=problem is None,
        problem=problem,
    )


def _said(subject: Subject, message: Message, position: int | None, problem: str | None) -> Step:
    at, what, person, detail = message.sent_at, message.kind(), None, ""
    match message:
        case Receipt() if position is not None:
            entry = message.entries[position]
            at, what = entry.at, entry.outcome.value
            detail = ": ".join(part for part in (entry.reason, entry.detail) if part)
            if problem is None and entry.digest != subject.digest:  # (3)
                problem = OTHER_BYTES
        case Decision():
            what, person = message.verdict.value, message.editor
            appears = message.publication
            detail = f"{appears.series} {appears.issue}" if appears else message.reason
        case Report():
            what = "continued"
            try:
                detail = codec.decode_content(message.content).stage.value
            except RefusedError:
                detail = ""
        case Progress():
            person, detail = message.person, message.step.value
    return Step(
        at=at,
        what=what,
        by=message.origin,
        person=person,
        message=message.id,
        detail=detail,
        verified=problem is None,
        problem=problem,
    )


def _problem(state: TrustState, envelope: Envelope, message: Message, stored_at: datetime) -> str | None:
    """Return why a stored message does not verify as of its storing, None where it does (1)."""
    if isinstance(message, Directory):  # (4)
        return None if state.ready and state.directory == message else NOT_IN_FORCE
    try:
        verify_signature(state, envelope, message, now=stored_at)
    except RefusedError as error:
        return error.reason.value
    return None
