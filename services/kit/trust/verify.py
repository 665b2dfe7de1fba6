"""Is this message what it says, from whom it says, and signed off as Article 12 asks? Pure.

Success returns the verified content; failure raises ``RefusedError`` with its own reason. The steps are numbered here and
in the code:

Message: (1) a directory in force, (2) a known, active origin, (3) sent through that origin's own gateway, (4) a signature
by a key of the origin, (5) the key neither revoked by now nor outside its validity when signed, (6) the signature covers
the bytes, (7) not sent in the future.

Report: (8) content well-formed and chained, with known joint units, then each sign-off: (9) covers this content of this unit in this chain, (10) by a person on the roster,
(11) with that person's key, not revoked, (12) in office at that time and not after sending, (13) in a role held,
(14) signature valid. Last, (15) the review and the approval that the importance asks for.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from proto import codec
from proto.envelope import Envelope, digest_of
from proto.errors import Reason, RefusedError
from proto.limits import CLOCK_SKEW_SECONDS
from proto.messages import Action, Approved, Importance, Key, Message, NodeKind, Report, ReportContent, Role, SignOff
from services.kit.crypto import Verifier
from services.kit.trust.state import TrustState, in_office

_SKEW: Final = timedelta(seconds=CLOCK_SKEW_SECONDS)
_LEADS: Final = frozenset({Role.OFFICE_LEAD, Role.UNIT_LEAD})
MAY_SIGN: Final = {
    (Importance.ORDINARY, Action.REVIEWED): _LEADS,
    (Importance.ORDINARY, Action.APPROVED): _LEADS,
    (Importance.IMPORTANT, Action.REVIEWED): _LEADS,
    (Importance.IMPORTANT, Action.APPROVED): frozenset({Role.UNIT_LEAD}),
}
"""Article 12: an ordinary report is reviewed and approved by the office lead, an important one approved by the unit's."""

Check = Callable[[Verifier, bytes, bytes], bool]
"""Tells whether a key's signature covers data: at once, or on trust and to be checked with many others."""


def check_now(verifier: Verifier, signature: bytes, data: bytes) -> bool:
    """Check a signature at once."""
    return verifier.matches(signature, data)


def verify_message(
    state: TrustState,
    envelope: Envelope,
    message: Message,
    *,
    now: datetime,
    user_id: str | None,
    check: Check = check_now,
) -> None:
    """Check steps 1 to 7. ``user_id`` is the broker-validated sender; None where the message came another way."""
    state.require_fresh(now)  # (1)
    origin = state.node(message.origin)
    if origin is None:  # (2)
        raise RefusedError(Reason.UNKNOWN_NODE)
    if origin.suspended:
        raise RefusedError(Reason.NODE_SUSPENDED)
    if user_id is not None and user_id != origin.gateway:  # (3)
        raise RefusedError(Reason.WRONG_GATEWAY)
    verify_signature(state, envelope, message, now=now, check=check)  # (4) (5) (6)
    if message.sent_at > now + _SKEW:  # (7)
        raise RefusedError(Reason.SENT_IN_FUTURE)


def verify_signature(
    state: TrustState, envelope: Envelope, message: Message, *, now: datetime, check: Check = check_now
) -> None:
    """Check steps 4 to 6: signed by a key of the origin, good at ``now``."""
    if not envelope.signatures:
        raise RefusedError(Reason.SIGNATURE_MISSING)
    data = envelope.pae()
    for signature in envelope.signatures:
        known = state.node_key(signature.keyid)
        if known is None:  # (4)
            raise RefusedError(Reason.KEY_UNKNOWN)
        if known.node != message.origin:
            raise RefusedError(Reason.KEY_NOT_OF_ORIGIN)
        _check_key(known.key, message.sent_at, now, Reason.KEY_REVOKED, Reason.KEY_NOT_VALID)  # (5)
        if not check(known.verifier, signature.sig, data):  # (6)
            raise RefusedError(Reason.SIGNATURE_INVALID)


def verify_report(state: TrustState, report: Report, *, now: datetime, check: Check = check_now) -> ReportContent:
    """Check steps 8 to 15 and return the content."""
    content = codec.decode_content(report.content)  # (8)
    codec.check_chain(content, report.about)
    check_joint(state, content, report.origin)
    statements = [verify_sign_off(state, report, sign_off, now=now, check=check) for sign_off in report.sign_offs]
    check_policy(content, statements)
    return content


def check_joint(state: TrustState, content: ReportContent, origin: str) -> None:
    """Refuse joint units (联合调研单位, Art. 10) of what is no research, a unit twice, the origin, or one that is unknown."""
    if content.joint and not content.research:
        raise RefusedError(Reason.REPORT_JOINT, "research")
    for number, code in enumerate(content.joint):
        if code == origin or code in content.joint[:number]:
            raise RefusedError(Reason.REPORT_JOINT, code)
        node = state.node(code)
        if node is None or node.type is NodeKind.SERVICE:
            raise RefusedError(Reason.REPORT_JOINT_UNKNOWN, code)


def verify_forwarded(
    state: TrustState, report: Report, *, check: Check = check_now
) -> list[tuple[Report, ReportContent]]:
    """Check the originals that a hub sends on (转报), each as of its own time: it was judged when it first came.

    An original is a report that another unit sent to this hub, and carries no originals itself.
    """
    found = []
    for number, envelope in enumerate(report.forwarded):
        try:
            original = codec.decode(envelope)
            if (
                not isinstance(original, Report)
                or original.forwarded
                or report.origin not in original.to
                or report.origin not in state.hubs_of(original.origin)
                or original.sent_at > report.sent_at + _SKEW
            ):
                raise RefusedError(Reason.REPORT_FORWARDED, "not a report to this hub")  # noqa: TRY301 - numbered below
            verify_signature(state, envelope, original, now=original.sent_at, check=check)
            found.append((original, verify_report(state, original, now=original.sent_at, check=check)))
        except RefusedError as error:
            raise RefusedError(Reason.REPORT_FORWARDED, f"{number}: {error.reason.value}") from error
    return found


def verify_approved(state: TrustState, message: Approved, *, now: datetime, check: Check = check_now) -> list[SignOff]:
    """Check steps 8 to 15 for what a hub's lead must approve (rules, bulletins, designations); return who did."""
    codec.decode_approved(message)  # (8)
    statements = [verify_sign_off(state, message, each, now=now, check=check) for each in message.approvals]
    if not any(s.action is Action.APPROVED and s.role in _LEADS for s in statements):  # (15)
        raise RefusedError(Reason.SIGN_OFF_MISSING, Action.APPROVED)
    return statements


def verify_sign_off(
    state: TrustState, about: Report | Approved, envelope: Envelope, *, now: datetime, check: Check = check_now
) -> SignOff:
    """Check steps 9 to 14 of one sign-off or approval and return its statement."""
    statement = codec.decode_sign_off(envelope)
    if statement.digest != digest_of(about.content.encode()):  # (9)
        raise RefusedError(Reason.SIGN_OFF_DIGEST)
    if (statement.node, statement.about) != (about.origin, about.about):
        raise RefusedError(
            Reason.SIGN_OFF_DIGEST, "another unit" if statement.node != about.origin else "another chain"
        )
    staff = state.staff(about.origin, statement.person)
    if staff is None:  # (10)
        raise RefusedError(Reason.SIGN_OFF_PERSON, statement.person)
    if len(envelope.signatures) != 1:
        raise RefusedError(Reason.SIGN_OFF_INVALID, "exactly one signature")
    signature = envelope.signatures[0]
    known = state.staff_key(about.origin, signature.keyid)
    if known is None or known.person != statement.person:  # (11)
        raise RefusedError(Reason.SIGN_OFF_KEY, statement.person)
    if not in_office(staff, statement.at):  # (12)
        raise RefusedError(Reason.SIGN_OFF_NOT_IN_OFFICE, statement.person)
    if statement.at > about.sent_at + _SKEW:
        raise RefusedError(Reason.SIGN_OFF_TIME, statement.person)
    _check_key(known.key, statement.at, now, Reason.SIGN_OFF_KEY_REVOKED, Reason.SIGN_OFF_NOT_IN_OFFICE)
    if statement.role not in staff.roles:  # (13)
        raise RefusedError(Reason.SIGN_OFF_ROLE, statement.role)
    if not check(known.verifier, signature.sig, envelope.pae()):  # (14)
        raise RefusedError(Reason.SIGN_OFF_INVALID, statement.person)
    return statement


def check_policy(content: ReportContent, statements: list[SignOff]) -> None:
    """Step 15: refuse where the review or the approval is missing, or not by whom Article 12 asks."""
    for action in Action:
        signed = {s.role for s in statements if s.action is action}
        if not signed & MAY_SIGN[content.importance, action]:
            needs_lead = content.importance is Importance.IMPORTANT and action is Action.APPROVED and signed
            raise RefusedError(Reason.SIGN_OFF_NOT_UNIT_LEAD if needs_lead else Reason.SIGN_OFF_MISSING, action)


def _check_key(key: Key, signed_at: datetime, now: datetime, revoked: Reason, not_valid: Reason) -> None:
    if key.revoked_from is not None and key.revoked_from <= now:
        raise RefusedError(revoked)
    if signed_at < key.valid_from or (key.valid_to is not None and signed_at >= key.valid_to):
        raise RefusedError(not_valid)
