"""Papers that a hub's lead approves (文稿): what they may say, and to whom they go. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from proto import codec
from proto.envelope import Envelope
from proto.errors import Reason, RefusedError
from proto.limits import MAX_ENVELOPE_BYTES, MAX_LABEL_CHARS, YEARS
from proto.messages import (
    Approved,
    Bulletin,
    BulletinContent,
    BulletinType,
    Designation,
    DesignationContent,
    NodeKind,
    Rules,
    Standing,
)
from services.kit.calendar import CHINA
from services.kit.toml import read_toml
from services.kit.trust.state import TrustState

_SEAL_BYTES: Final = 65_536
"""Room that is kept for recipients, approvals and the seal of the message that carries the paper."""


class PaperKind(StrEnum):
    """文稿种类."""

    RULES = "rules"  # 计分规则
    BULLETIN = "bulletin"  # 通报
    DESIGNATION = "designation"  # 直报点认定


class PaperState(StrEnum):
    """Where a paper stands."""

    DRAFT = "draft"  # 草稿
    APPROVED = "approved"  # 已签发


_MESSAGES: Final[dict[PaperKind, type[Approved]]] = {
    PaperKind.RULES: Rules, PaperKind.BULLETIN: Bulletin, PaperKind.DESIGNATION: Designation,
}  # fmt: skip
_STRUCTURED: Final[dict[PaperKind, Any]] = {
    PaperKind.BULLETIN: BulletinContent, PaperKind.DESIGNATION: DesignationContent,
}  # fmt: skip


_HOW: Final = re.compile(r"(Expected|Object missing required field|Object contains unknown field|Invalid) ")
"""How msgspec's own words begin; those of a content's own checks follow no form and stay out."""


class PaperError(Exception):
    """The paper breaks a rule; ``code`` is stable, ``zh`` and ``en`` are for people."""

    def __init__(self, code: str, zh: str, en: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.zh, self.en, self.detail = code, zh, en, detail


class Draft(Struct, frozen=True, kw_only=True):
    """A paper's text, read and found well-formed."""

    kind: PaperKind
    subject: str  # what there may be one of: a version, monthly/2026-10, a county
    content: str  # what the lead's approval will cover
    decoded: BulletinContent | DesignationContent | None  # None for rules

    def words(self) -> Iterator[str]:
        """Yield every text in it, so that each can be looked at for a classification (Art. 2)."""
        yield from [self.content] if self.decoded is None else _texts(msgspec.to_builtins(self.decoded))


def read_paper(kind: PaperKind, raw: bytes) -> Draft:
    """Return the draft in a JSON value: a text for rules, an object for the others; refuse what is malformed."""
    try:
        decoded = msgspec.json.decode(raw, type=_STRUCTURED.get(kind, str))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RefusedError(Reason.PAYLOAD_MALFORMED, _wrong_in(error)) from error
    content = decoded if isinstance(decoded, str) else codec.encode(decoded).decode()
    return read_text(kind, content)


def read_text(kind: PaperKind, content: str) -> Draft:
    """Return the draft in a text as it is kept and signed; refuse what the network would refuse."""
    nobody = UUID(int=0)
    message = _MESSAGES[kind](
        id=nobody, origin="", to=(), sent_at=datetime.min.replace(tzinfo=CHINA), content=content, approvals=()
    )
    decoded = codec.decode_approved(message)
    if len(msgspec.json.encode(content)) + _SEAL_BYTES > MAX_ENVELOPE_BYTES:
        raise RefusedError(Reason.ENVELOPE_TOO_LARGE, "content")
    match decoded:
        case BulletinContent():
            subject = f"{decoded.type}/{decoded.period}"
        case DesignationContent():
            subject = decoded.unit
        case _:
            return Draft(kind=kind, subject=_version_of(content), content=content, decoded=None)
    return Draft(kind=kind, subject=subject, content=content, decoded=decoded)


def check_paper(state: TrustState, hub: str, draft: Draft, *, today: date) -> None:
    """Hold a paper to what needs the directory and the day; raise ``PaperError``."""
    match draft.decoded:
        case BulletinContent() as bulletin:
            _check_bulletin(state, bulletin, today)
        case DesignationContent() as designation:
            _check_designation(state, hub, designation)
        case _:
            return


def message_of(draft: Draft, *, id: UUID, hub: str, to: tuple[str, ...], at: datetime, approval: Envelope) -> Approved:
    """Return the message that carries an approved paper."""
    return _MESSAGES[draft.kind](id=id, origin=hub, to=to, sent_at=at, content=draft.content, approvals=(approval,))


def recipients(state: TrustState, hub: str, draft: Draft) -> tuple[str, ...]:
    """Return to whom a paper goes: to all units that report to the hub, a designation to the county and its hubs."""
    if isinstance(draft.decoded, DesignationContent):
        unit = draft.decoded.unit
        return tuple(code for code in (unit, *state.hubs_of(unit)) if hub in state.above(code))
    return reporting_to(state, hub)


def reporting_to(state: TrustState, hub: str) -> tuple[str, ...]:
    """Return the units that report to a hub, in order of their codes."""
    units = (node.code for node in state.nodes() if node.type is not NodeKind.SERVICE)
    return tuple(sorted(code for code in units if hub in state.hubs_of(code)))


def month_begins(month: str) -> date:
    """Return the first day of a month, ``YYYY-MM``; raise ``ValueError`` for another text."""
    year, _, number = month.partition("-")
    if len(year) != 4 or len(number) != 2 or not (year + number).isascii() or not (year + number).isdigit():  # noqa: PLR2004 - YYYY-MM
        raise ValueError(month)
    first = date(int(year), int(number), 1)
    if not YEARS[0] <= first.year <= YEARS[1]:
        raise ValueError(month)
    return first


def _version_of(content: str) -> str:
    try:
        version = read_toml(content).get("version")
    except (ValueError, RecursionError) as error:  # its words may quote the text
        raise PaperError("paper.not_toml", "规则文件不是 TOML", "The rules are not TOML") from error
    if not isinstance(version, str) or not 0 < len(version) <= MAX_LABEL_CHARS or not version.isprintable():
        raise PaperError("paper.no_version", "规则文件没有 version", "The rules name no version")
    return version


def _check_bulletin(state: TrustState, bulletin: BulletinContent, today: date) -> None:
    monthly = bulletin.type is BulletinType.MONTHLY
    try:
        first = month_begins(bulletin.period if monthly else f"{bulletin.period}-12")
    except ValueError as error:
        raise PaperError(
            "paper.period", "期间须为 2026-11 或 2026", "The period is a month, 2026-11, or a year, 2026"
        ) from error
    if today < (first.replace(day=28) + timedelta(days=4)).replace(day=1):
        raise PaperError("paper.period_open", "该期间尚未结束", "The period is not over yet", bulletin.period)
    if bulletin.type is BulletinType.COMMENDATION and not bulletin.commended:
        raise PaperError("bulletin.nobody", "没有可表彰的单位", "There is nobody to commend")
    units = [line.unit for line in bulletin.lines]
    if len(set(units)) != len(units):
        raise PaperError("paper.unit_twice", "同一单位重复列入", "A unit is listed twice")
    for unit in (*units, *(one.unit for one in bulletin.commended)):
        if state.node(unit) is None:
            raise PaperError("paper.unknown_unit", "单位不在名录中", "A unit is not in the directory", unit)


def _check_designation(state: TrustState, hub: str, designation: DesignationContent) -> None:
    node = state.node(hub)
    if node is None or node.type is not NodeKind.PROVINCE:
        raise PaperError("paper.province_only", "直报点由省级办公室认定", "The province alone designates")
    for unit in filter(None, (designation.unit, designation.replaces)):
        county = state.node(unit)
        if county is None or county.type is not NodeKind.COUNTY:
            raise PaperError("paper.no_county", "直报点须为县级单位", "Only a county can be designated", unit)
    if designation.replaces == designation.unit or (
        designation.replaces is not None and designation.standing is not Standing.DESIGNATED
    ):
        raise PaperError("paper.replaces", "递补关系有误", "Only a designated county takes another one's place")
    try:
        date.fromisoformat(designation.effective_from)
    except ValueError as error:
        raise PaperError("paper.no_such_day", "没有这一天", "There is no such day") from error
    if not designation.grounds.strip():
        raise PaperError("paper.no_grounds", "须写明依据", "The grounds are missing")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
        for one in inner:
            yield from _texts(one)


def _wrong_in(error: Exception) -> str:
    """Return which part of a content is wrong and how, without what it says."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return "content"
    said, found, path = text.rpartition(" - at `$")
    place = f"content{path.rstrip('`')[:80]}" if found else "content"
    if "value '" in text or 'value "' in text or not _HOW.match(said if found else text):
        return place
    how, pattern, _ = (said if found else text).partition(" matching regex ")
    return f"{place}: {how}{' of another form' if pattern else ''}"[:200]
