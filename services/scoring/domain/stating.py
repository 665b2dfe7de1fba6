"""What else is said on the bus that the score must know: rules, bulletins, designations, appeals, and reports as facts.

Pure. ``weighing`` takes the first steps (1) and (2); those that follow are numbered here and in the code: (3) approved by a
lead of that hub, where the kind asks for it, as of the same time; (4) said by a hub, and a designation by the province;
(5) its content is what it should be.

What depends on what was said before (a version that overlaps, a month stated twice) is the ``check_`` functions' to say,
which the store calls while nobody else writes.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final, get_args

from msgspec import Struct

from proto import codec
from proto.messages import (
    Appeal,
    Approved,
    Bulletin,
    BulletinContent,
    BulletinType,
    Designation,
    DesignationContent,
    Level,
    NodeKind,
    Report,
    ReportContent,
    Role,
    Rules,
    Standing,
)
from services.kit.calendar import day_of
from services.kit.trust.state import TrustState
from services.kit.trust.units import level_of
from services.kit.trust.verify import verify_approved
from services.scoring.domain.awards import PROVINCE_EVERY
from services.scoring.domain.bulletin import Head, check_period
from services.scoring.domain.loader import parse
from services.scoring.domain.refusals import Refusal
from services.scoring.domain.rules import RuleBook, RuleError, RuleSet
from services.scoring.domain.standing import MIN_STAFF
from services.scoring.domain.weighing import Ignored, UnfitError, check_month, weigh

Spoken = Rules | Bulletin | Designation | Appeal | Report
Content = RuleSet | BulletinContent | DesignationContent | ReportContent | None
_SPOKEN: Final[tuple[type[Spoken], ...]] = get_args(Spoken)
SAID_KINDS: Final = frozenset(each.kind() for each in _SPOKEN)


class Said(Struct, frozen=True, kw_only=True):
    """A message that passed its own checks, with its content."""

    message: Spoken
    digest: str  # SHA-256 of the signed bytes
    content: Content = None
    every: int | None = None  # of a bulletin: how often its hub commends


def read(body: bytes, state: TrustState) -> Said | Ignored:
    """Return what a delivered body says, or why it says nothing."""

    def own(message: Spoken, digest: str) -> Said:
        if isinstance(message, Approved):
            verify_approved(state, message, now=message.sent_at)  # (3)
            if level_of(state.node(message.origin)) is None:  # (4)
                raise UnfitError(Refusal.NOT_A_HUB)
        every = commends_every(message.origin, state)
        return Said(message=message, digest=digest, content=content_of(message, state), every=every)  # (5)

    return weigh(body, state, _SPOKEN, own)


def content_of(message: Spoken, state: TrustState) -> Content:
    """Return a message's content; raise ``UnfitError`` or ``RefusedError`` where it is not what it should be."""
    match message:
        case Rules():
            return parse_rules(message.content, f"{message.origin}/rules")
        case Report():
            return codec.decode_content(message.content)
        case Appeal():
            check_month(message.month, message.sent_at)
            return None
    content = codec.decode_approved(message)
    if isinstance(content, BulletinContent):
        _check_units(content, message.origin, state)
    elif isinstance(content, DesignationContent):
        _check_designation(message, content, state)
    return content if not isinstance(content, str) else None


def parse_rules(text: str, name: str) -> RuleSet:
    """Return the rules in a text; raise ``UnfitError`` with name, line and reason."""
    try:
        return parse(text, name)
    except RuleError as error:
        raise UnfitError(Refusal.RULES_INVALID, str(error)) from error


def check_rules(book: RuleBook, added: RuleSet, sent: date) -> RuleBook:
    """Return the hub's book with a version, sent on a day, more; raise ``UnfitError`` where that would change what stands.

    What was scored keeps its version (Art. 1): one that begins before it was sent may only fill a time without rules.
    """
    known = book.version(added.version)
    if known is not None and known != added:
        raise UnfitError(Refusal.RULES_CHANGED, added.version)
    if known is not None:
        return book
    if added.effective_from < sent and book.in_force(added.effective_from) is not None:
        raise UnfitError(Refusal.RULES_USED, f"{added.version}: {added.effective_from} < {sent}")
    try:
        return book.with_version(added)
    except RuleError as error:
        raise UnfitError(Refusal.RULES_OVERLAP, str(error)) from error


def check_bulletin(
    bulletin: Bulletin, content: BulletinContent, issued: Iterable[Head], every: int | None = None
) -> None:
    """Raise ``UnfitError`` where a hub that issued these bulletins may not issue this one."""
    check_period(content.type, content.period, day_of(bulletin.sent_at), issued, every=every)


def check_point(content: DesignationContent, state: TrustState) -> None:
    """Raise ``UnfitError`` where a county is to be warned or revoked that is no direct-report point today.

    Only asked before it is said: once the directory has followed, the county of a revocation that counts is none either.
    """
    node = state.node(content.unit)
    if content.standing is not Standing.DESIGNATED and (node is None or not node.direct_report):
        raise UnfitError(Refusal.DESIGNATION_NO_POINT, content.unit)


def commends_every(hub: str, state: TrustState) -> int | None:
    """Return how many years lie between two commendations of a hub; None where each year may have one (Art. 15)."""
    return PROVINCE_EVERY if level_of(state.node(hub)) is Level.PROVINCE else None


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


def _check_units(content: BulletinContent, hub: str, state: TrustState) -> None:
    listed = [line.unit for line in content.lines]
    if len(set(listed)) != len(listed):
        raise UnfitError(Refusal.BULLETIN_LINES, "twice")
    for unit in (*listed, *(each.unit for each in content.commended)):
        if hub not in state.above(unit):
            raise UnfitError(Refusal.BULLETIN_LINES, unit)
    if content.type is BulletinType.COMMENDATION and not content.commended:
        raise UnfitError(Refusal.BULLETIN_NOBODY)


def _check_designation(message: Approved, content: DesignationContent, state: TrustState) -> None:
    unit = state.node(content.unit)
    if level_of(state.node(message.origin)) is not Level.PROVINCE:
        raise UnfitError(Refusal.DESIGNATION_HUB)
    if unit is None or unit.type is not NodeKind.COUNTY:
        raise UnfitError(Refusal.DESIGNATION_UNIT, content.unit)
    try:
        date.fromisoformat(content.effective_from)
    except ValueError as error:
        raise UnfitError(Refusal.DESIGNATION_DAY, content.effective_from) from error
    if content.standing is Standing.DESIGNATED:
        staff = full_time(state, content.unit, day_of(message.sent_at))
        if staff < MIN_STAFF:
            raise UnfitError(Refusal.DESIGNATION_STAFF, f"{staff} < {MIN_STAFF}")
