"""The frame in which a delivered body is judged: ``judging`` weighs what scores, ``stating`` what is said beside it. Pure.

The steps are numbered here and in the code: (1) readable, and of a kind that is asked for; (2) signed by its origin, with a
key good when it was sent, at a plausible time. The rest is each kind's own and numbered there.

Whether a key was revoked by the time of arrival was the router's to judge, once; here a signature is judged as of its
own time, so that a replay next year gives the same ledger.

The router let the message pass by its own trust state. Where ours denies what the router vouched for, ours is behind: such
a judgement ``may_turn`` and is not final.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Self, TypeVar
from uuid import UUID

from msgspec import Struct

from proto import codec
from proto.envelope import digest_of, unpack
from proto.errors import Reason, RefusedError, Worded
from proto.messages import Message
from services.kit.calendar import YEARS, month_of
from services.kit.trust.state import TrustState
from services.kit.trust.verify import verify_signature
from services.scoring.domain.whys import Why

M = TypeVar("M", bound=Message)
T = TypeVar("T")
_TURNING: Final = frozenset({Reason.NO_DIRECTORY, Reason.UNKNOWN_NODE, Reason.KEY_UNKNOWN, Reason.SIGN_OFF_PERSON, Reason.SIGN_OFF_KEY})  # fmt: skip
"""A known key's beginning and ending are never put off, so that the other reasons stay."""


class UnfitError(Exception):
    """One rule that a message breaks: a ``Why`` or a ``Refusal``; ``detail`` says which part."""

    def __init__(self, why: Worded, detail: str = "", *, may_turn: bool = False) -> None:
        super().__init__(why.value)
        self.why, self.detail, self.may_turn = why, detail, may_turn


class Ignored(Struct, frozen=True, kw_only=True):
    """A message that does not count, and why; where that is final, it is recorded all the same."""

    digest: str  # SHA-256 of the signed bytes, of the whole body where that cannot be read
    reason: str  # code of a ``Why`` or ``Refusal`` or, from the checks of the network itself, of a ``Reason``
    detail: str = ""
    message: UUID | None = None
    hub: str = ""
    may_turn: bool = False  # newer trust state may make it count: it is not to be recorded yet

    @classmethod
    def because(cls, why: Worded, detail: str, message: Message | None, digest: str, *, may_turn: bool = False) -> Self:
        """Return the record of a message, or of a part of it; None where it could not be read."""
        return cls(
            digest=digest,
            reason=why.value,
            detail=ascii(detail)[1:-1][:120],
            message=message.id if message else None,
            hub=message.origin if message else "",
            may_turn=may_turn,
        )


def weigh(body: bytes, state: TrustState, kinds: tuple[type[M], ...], own: Callable[[M, str], T]) -> T | Ignored:
    """Return what ``own`` makes of a message of these kinds and its digest, or why it does not count.

    ``own`` raises ``UnfitError`` or ``RefusedError``.
    """
    digest, message = digest_of(body), None
    try:
        envelope = unpack(body)  # (1)
        digest = digest_of(envelope.payload)
        message = _of_kind(codec.decode(envelope), kinds)
        verify_signature(state, envelope, message, now=message.sent_at)  # (2)
        check_time(message.sent_at)
        return own(message, digest)
    except RefusedError as error:
        return Ignored.because(error.reason, error.detail, message, digest, may_turn=error.reason in _TURNING)
    except UnfitError as error:
        return Ignored.because(error.why, error.detail, message, digest, may_turn=error.may_turn)


def check_time(at: datetime) -> None:
    """Raise ``UnfitError`` where nothing can have been sent at that time."""
    if at.year not in YEARS:
        raise UnfitError(Why.TIME)


def check_month(month: str, sent_at: datetime) -> None:
    """Raise ``UnfitError`` where what was sent then may not be about that month: only about its year so far and the last."""
    now = month_of(sent_at)
    if month > now:
        raise UnfitError(Why.MONTH, month)
    if int(month[:4]) < int(now[:4]) - 1:
        raise UnfitError(Why.MONTH_CLOSED, month)


def _of_kind(message: Message, kinds: tuple[type[M], ...]) -> M:
    if not isinstance(message, kinds):
        raise UnfitError(Why.NOT_SCORED, message.kind())
    return message
