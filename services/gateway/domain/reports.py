"""From content and sign-offs to a sealed report, checked as the router will check it (Arts. 2, 8, 9, 12)."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from proto import codec
from proto.envelope import Envelope, digest_of, unpack
from proto.errors import Reason, RefusedError
from proto.messages import Message, Report, ReportContent
from services.kit.crypto import PrivateKey, Verifier
from services.kit.secrecy import check_open
from services.kit.trust.enrol import seal_message
from services.kit.trust.state import TrustState
from services.kit.trust.verify import verify_forwarded, verify_message, verify_report


class Sealed(Struct, frozen=True, kw_only=True):
    """A message ready for the outbox."""

    id: UUID
    node: str
    kind: str
    about: UUID | None
    to: tuple[str, ...]
    sent_at: datetime
    body: bytes  # the bus form of the envelope
    digest: str  # SHA-256 of ``body``


def read_content(content: str) -> ReportContent:
    """Return the content of a draft; refuse a classified one before anything is stored."""
    decoded = codec.decode_content(content)
    check_open(decoded)
    return decoded


def compose(
    state: TrustState,
    key: PrivateKey,
    *,
    node: str,
    content: str,
    sign_offs: tuple[Envelope, ...],
    about: UUID | None,
    to: tuple[str, ...] | None,
    id: UUID,
    now: datetime,
    forwarded: tuple[Envelope, ...] = (),
) -> tuple[Sealed, ReportContent]:
    """Return the sealed report and its content; refuse with the reason that the router would give.

    ``to`` None means the unit's own hubs: its parent, and the province for a direct-report point. ``forwarded`` are the
    originals that a hub sends on (转报).
    """
    read_content(content)
    hubs = state.hubs_of(node)
    recipients = hubs if to is None else to
    if not recipients:
        raise RefusedError(Reason.NO_RECIPIENT)
    if not set(recipients) <= set(hubs):
        raise RefusedError(Reason.NOT_PERMITTED)
    report = Report(
        id=id, origin=node, to=recipients, sent_at=now, about=about, content=content, sign_offs=sign_offs,
        forwarded=forwarded,
    )  # fmt: skip
    decoded = verify_report(state, report, now=now)
    for _, original in verify_forwarded(state, report):
        check_open(original)
    return outgoing(state, key, report, now=now), decoded


def outgoing(state: TrustState, key: PrivateKey, message: Message, *, now: datetime) -> Sealed:
    """Return a message sealed with its unit's key; refuse, with the router's reason, what the router would refuse.

    That is: a size or number that is too large, a directory not in force, a suspended unit, a key of it no longer good.
    """
    found = sealed(message, key)
    envelope = unpack(found.body)
    codec.decode(envelope)
    verify_message(state, envelope, message, now=now, user_id=None, check=_just_signed)
    return found


def _just_signed(_verifier: Verifier, _signature: bytes, _data: bytes) -> bool:
    """Our own signature of a moment ago needs no check; that our key is still good does."""
    return True


def sealed(message: Message, key: PrivateKey) -> Sealed:
    """Encode once, sign with the node's key."""
    body = seal_message(message, message.kind(), key).packed()
    return Sealed(
        id=message.id,
        node=message.origin,
        kind=message.kind(),
        about=message.about,
        to=message.to,
        sent_at=message.sent_at,
        body=body,
        digest=digest_of(body),
    )
