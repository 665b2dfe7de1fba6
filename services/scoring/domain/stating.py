"""What else is said on the bus that the score must know: rules, bulletins, designations, appeals, and reports as facts.

Pure, and like ``judging`` numbered here and in the code: (1) readable, of a kind that concerns us; (2) signed by its origin
with a key good when it was sent; (3) approved by a lead of that hub, where the kind asks for it, as of the same time;
(4) said by a hub, and a designation by the province; (5) its content is what it should be.

What depends on what was said before (a version that overlaps, a month stated twice) is the ``check_`` functions' to say,
which the store calls while nobody else writes.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final

from msgspec import Struct

from proto import codec
from proto.envelope import Envelope, digest_of, unpack
from proto.errors import Reason, RefusedError
from proto.messages import (
    Appeal,
    Approved,
    Bulletin,
    BulletinContent,
    BulletinType,
    Designation,
    DesignationContent,
    NodeKind,
    Report,
    ReportContent,
    Role,
    Rules,
    Standing,
)
from services.kit.trust.state import TrustState
from services.kit.trust.verify import verify_approved, verify_signature
from services.scoring.domain.awards import PROVINCE_EVERY
from services.scoring.domain.bulletin import Head, check_period
from services.scoring.domain.calendar import day_of
from services.scoring.domain.judging import Ignored
from services.scoring.domain.loader import parse
from services.scoring.domain.refusals import Refusal, WrongError
from services.scoring.domain.rules import RuleBook, RuleError, RuleSet
from services.scoring.domain.standing import MIN_STAFF

_HUBS: Final = frozenset({NodeKind.PROVINCE, NodeKind.CITY})
_TURNING: Final = frozenset({Reason.NO_DIRECTORY, Reason.UNKNOWN_NODE, Reason.KEY_UNKNOWN, Reason.SIGN_OFF_PERSON, Reason.SIGN_OFF_KEY})  # fmt: skip
"""Where the router vouched for what we do not know, our trust state is behind."""

Spoken = Rules | Bulletin | Designation | Appeal | Report
Content = RuleSet | BulletinContent | DesignationContent | ReportContent | None


class Said(Struct, frozen=True, kw_only=True):
    """A message that passed its own checks, with its content."""

    message: Spoken
    digest: str  # SHA-256 of the signed bytes
    content: Content = None
    every: int | None = None  # of a bulletin: how often its hub commends


SAID_KINDS: Final = frozenset(each.kind() for each in (Rules, Bulletin, Designation, Appeal, Report))


def read(body: bytes, state: TrustState) -> Said | Ignored:
    """Return what a delivered body says, or why it says nothing."""
    digest, message = digest_of(body), None
    try:
        envelope = unpack(body)  # (1)
        digest = digest_of(envelope.payload)
        message = _message_in(envelope)
        verify_signature(state, envelope, message, now=message.sent_at)  # (2)
        if isinstance(message, Approved):
            verify_approved(state, message, now=message.sent_at)  # (3)
            _check_hub(state, message.origin)  # (4)
        every = commends_every(message.origin, state)
        return Said(message=message, digest=digest, content=content_of(message, state), every=every)  # (5)
    except RefusedError as error:
        reason, detail, may_turn = error.reason.value, error.detail, error.reason in _TURNING
    except WrongError as error:
        reason, detail, may_turn = error.refusal.value, error.detail, False
    return unfit(digest, reason, detail, message, may_turn=may_turn)


def content_of(message: Spoken, state: TrustState) -> Content:
    """Return a message's content; raise ``WrongError`` or ``RefusedError`` where it is not what it should be."""
    match message:
        case Rules():
            return parse_rules(message.content, f"{message.origin}/rules")
        case Report():
            return codec.decode_content(message.content)
        case Appeal():
            return None
    content = codec.decode_approved(message)
    if isinstance(content, BulletinContent):
        _check_units(content, message.origin, state)
    elif isinstance(content, DesignationContent):
        _check_designation(message, content, state)
    return content if not isinstance(content, str) else None


def unfit(digest: str, reason: str, detail: str, message: Spoken | None, *, may_turn: bool = False) -> Ignored:
    """Return a record of what does not count."""
    return Ignored(
        digest=digest,
        reason=reason,
        detail=ascii(detail)[1:-1][:120],
        message=message.id if message else None,
        hub=message.origin if message else "",
        may_turn=may_turn,
    )


def parse_rules(text: str, name: str) -> RuleSet:
    """Return the rules in a text; raise ``WrongError`` with name, line and reason."""
    try:
        return parse(text, name)
    except RuleError as error:
        raise WrongError(Refusal.RULES_INVALID, str(error)) from error


def check_rules(book: RuleBook, added: RuleSet, sent: date) -> RuleBook:
    """Return the hub's book with a version, sent on a day, more; raise ``WrongError`` where that would change what stands.

    What was scored keeps its version (Art. 1): one that begins before it was sent may only fill a time without rules.
    """
    known = book.version(added.version)
    if known is not None and known != added:
        raise WrongError(Refusal.RULES_CHANGED, added.version)
    if known is not None:
        return book
    if added.effective_from < sent and book.in_force(added.effective_from) is not None:
        raise WrongError(Refusal.RULES_USED, f"{added.version}: {added.effective_from} < {sent}")
    try:
        return book.with_version(added)
    except RuleError as error:
        raise WrongError(Refusal.RULES_OVERLAP, str(error)) from error


def check_bulletin(
    bulletin: Bulletin, content: BulletinContent, issued: Iterable[Head], every: int | None = None
) -> None:
    """Raise ``WrongError`` where a hub that issued these bulletins may not issue this one."""
    check_period(content.type, content.period, day_of(bulletin.sent_at), issued, every=every)


def check_point(content: DesignationContent, state: TrustState) -> None:
    """Raise ``WrongError`` where a county is to be warned or revoked that is no direct-report point today.

    Only asked before it is said: once the directory has followed, the county of a revocation that counts is none either.
    """
    node = state.node(content.unit)
    if content.standing is not Standing.DESIGNATED and (node is None or not node.direct_report):
        raise WrongError(Refusal.DESIGNATION_NO_POINT, content.unit)


def commends_every(hub: str, state: TrustState) -> int | None:
    """Return how many years lie between two commendations of a hub; None where each year may have one (Art. 15)."""
    node = state.node(hub)
    return PROVINCE_EVERY if node is not None and node.type is NodeKind.PROVINCE else None


def full_time(state: TrustState, unit: str, day: date) -> int:
    """Return how many full-time staff a unit has in office on a day (专职人员, Art. 5); its own lead is not one of them."""
    return len(
        {
            each.person
            for each in state.staff_of(unit)
            if each.full_time
            and day_of(each.since) <= day
            and (each.until is None or day < day_of(each.until))
            and Role.UNIT_LEAD not in each.roles
        }
    )


def officers(state: TrustState, unit: str, years: range) -> tuple[str, ...]:
    """Return the names of a unit's information officers in office at the end of the last of these years."""
    end = date(years[-1], 12, 31)
    return tuple(
        each.name
        for each in state.staff_of(unit)
        if Role.INFORMATION_OFFICER in each.roles
        and day_of(each.since) <= end
        and (each.until is None or end < day_of(each.until))
    )


def _message_in(envelope: Envelope) -> Spoken:
    message = codec.decode(envelope)
    if not isinstance(message, Spoken):
        raise RefusedError(Reason.PAYLOAD_KIND_MISMATCH, message.kind())
    return message


def _check_hub(state: TrustState, code: str) -> None:
    hub = state.node(code)
    if hub is None or hub.type not in _HUBS:
        raise WrongError(Refusal.NOT_A_HUB)


def _check_units(content: BulletinContent, hub: str, state: TrustState) -> None:
    listed = [line.unit for line in content.lines]
    if len(set(listed)) != len(listed):
        raise WrongError(Refusal.BULLETIN_LINES, "twice")
    for unit in (*listed, *(each.unit for each in content.commended)):
        if hub not in state.above(unit):
            raise WrongError(Refusal.BULLETIN_LINES, unit)
    if content.type is BulletinType.COMMENDATION and not content.commended:
        raise WrongError(Refusal.BULLETIN_LINES, "commended")


def _check_designation(message: Approved, content: DesignationContent, state: TrustState) -> None:
    hub, unit = state.node(message.origin), state.node(content.unit)
    if hub is None or hub.type is not NodeKind.PROVINCE:
        raise WrongError(Refusal.DESIGNATION_HUB)
    if unit is None or unit.type is not NodeKind.COUNTY:
        raise WrongError(Refusal.DESIGNATION_UNIT, content.unit)
    try:
        date.fromisoformat(content.effective_from)
    except ValueError as error:
        raise WrongError(Refusal.DESIGNATION_DAY, content.effective_from) from error
    if content.standing is Standing.DESIGNATED:
        staff = full_time(state, content.unit, day_of(message.sent_at))
        if staff < MIN_STAFF:
            raise WrongError(Refusal.DESIGNATION_STAFF, f"{staff} < {MIN_STAFF}")
