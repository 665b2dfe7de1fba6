"""The originals inside a forwarded report, as its reader sees them: verified here too, with who signed them off."""

from datetime import datetime
from uuid import UUID

import msgspec

from proto import codec
from proto.errors import RefusedError
from proto.messages import Action, Report, ReportContent, Role
from services.gateway.desk import Desk
from services.kit.trust.verify import verify_forwarded


class SignedOff(msgspec.Struct):
    """Who signed an original off (审核、签发)."""

    person: str
    name: str  # by the roster of the original's unit
    role: Role
    action: Action
    at: datetime


class OriginalView(msgspec.Struct, kw_only=True):
    """A report that came inside another one (转报原件)."""

    id: UUID
    origin: str
    origin_name: str
    sent_at: datetime
    about: UUID | None
    content: ReportContent
    sign_offs: list[SignedOff]
    problem: str = ""  # why it does not verify; "" where it does


def originals(desk: Desk, report: Report) -> list[OriginalView]:
    """Return the originals in a report, in its order."""
    return [_original(desk, report, number) for number in range(len(report.forwarded))]


def _original(desk: Desk, report: Report, number: int) -> OriginalView:
    envelope = report.forwarded[number]
    original, problem = codec.decode(envelope), ""
    if not isinstance(original, Report):
        raise TypeError(original.kind())  # the router lets no such thing pass
    try:
        verify_forwarded(desk.state, msgspec.structs.replace(report, forwarded=(envelope,)))
    except RefusedError as error:
        problem = error.detail.partition(": ")[2]
    return OriginalView(
        id=original.id, origin=original.origin, origin_name=desk.state.name_of(original.origin),
        sent_at=original.sent_at, about=original.about, content=codec.decode_content(original.content),
        sign_offs=_signed_off(desk, original), problem=problem,
    )  # fmt: skip


def _signed_off(desk: Desk, original: Report) -> list[SignedOff]:
    statements = [codec.decode_sign_off(envelope) for envelope in original.sign_offs]
    found = []
    for one in statements:
        staff = desk.state.staff(original.origin, one.person)
        found.append(SignedOff(one.person, staff.name if staff else one.person, one.role, one.action, one.at))
    return found
