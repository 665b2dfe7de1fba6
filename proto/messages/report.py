"""Reports, their sign-offs and what becomes of them: the way up (Arts. 2, 8, 9, 12, 13)."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from proto.envelope import Envelope
from proto.limits import (
    MAX_ATTACHMENTS,
    MAX_FORWARDED,
    MAX_ITEMS,
    MAX_JOINT,
    MAX_RECEIPTS,
    MAX_SIGN_OFFS,
    MAX_SOURCES,
)
from proto.messages.base import (
    Body,
    Code,
    Count,
    Digest,
    Label,
    Message,
    Name,
    Note,
    PersonId,
    Share,
    Time,
    Title,
    Wire,
    check_decimal,
)


class Category(StrEnum):
    """The five kinds of Article 9 (信息分类)."""

    IMPLEMENTATION = "implementation"  # 决策落实
    DEVELOPMENT = "development"  # 经济社会动态
    EXPERIENCE = "experience"  # 经验做法
    PROBLEM = "problem"  # 问题建议
    EMERGENCY = "emergency"  # 突发与社情


class Stage(StrEnum):
    """Where a report stands in its chain (初报、续报、终报、更正)."""

    FIRST = "first"
    FOLLOW_UP = "follow_up"
    FINAL = "final"
    CORRECTION = "correction"


class Urgency(StrEnum):
    """How fast it must travel (缓急)."""

    ROUTINE = "routine"
    URGENT = "urgent"


class Importance(StrEnum):
    """Whose approval it needs (Art. 12): the office lead's, or the unit lead's where important."""

    ORDINARY = "ordinary"
    IMPORTANT = "important"


class Role(StrEnum):
    """What a staff member may do at the node (职责)."""

    INFORMATION_OFFICER = "information_officer"  # 信息员
    OFFICE_LEAD = "office_lead"  # 分管领导
    UNIT_LEAD = "unit_lead"  # 本级领导
    EDITOR = "editor"  # 采编
    UNIT_ADMIN = "unit_admin"  # 单位管理员


class Action(StrEnum):
    """What a sign-off attests (审核、签发). Review includes the review for secrecy of Art. 2."""

    REVIEWED = "reviewed"
    APPROVED = "approved"


class Attachment(Wire, frozen=True, kw_only=True):
    """A file that belongs to a report, named by its content (附件)."""

    name: Name
    media_type: Label
    size: Count  # bytes
    digest: Digest


class ReportContent(Wire, frozen=True, kw_only=True):
    """What staff write and sign: the report itself (信息正文)."""

    title: Title
    body: Body
    category: Category
    stage: Stage = Stage.FIRST
    urgency: Urgency = Urgency.ROUTINE
    importance: Importance = Importance.ORDINARY
    research: bool = False  # 调研信息 (Art. 10)
    joint: Annotated[tuple[Code, ...], Meta(max_length=MAX_JOINT)] = ()  # 联合调研单位: who else did the research
    sources: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=MAX_SOURCES)]  # where the facts come from
    event_at: Time | None = None  # when it happened (Art. 8)
    known_at: Time | None = None  # when the unit learned of it
    marking: Label = ""  # 密级标注; anything classified is stopped before it is stored (Art. 2)
    answers: Label = ""  # decision, key point (``KeyPoints.reference``) or solicitation concerned (Art. 9)
    attachments: Annotated[tuple[Attachment, ...], Meta(max_length=MAX_ATTACHMENTS)] = ()

    def __post_init__(self) -> None:
        if not self.title.strip() or not self.body.strip():
            raise ValueError("title and body are not blank")


class SignOff(Wire, frozen=True, kw_only=True):
    """A staff member's statement over a report's digest (审核/签发), sealed with that person's own key.

    It names the unit and what the report is about, so that it serves no other unit and no other chain.
    """

    digest: Digest  # SHA-256 of the UTF-8 bytes of ``Report.content``
    node: Code  # the unit that says it
    about: UUID | None = None  # as in the message
    person: PersonId
    role: Role  # in which capacity
    action: Action
    at: Time


class Report(Message, frozen=True, kw_only=True):
    """政务信息: one item sent upward. ``about`` names the report that a follow-up or correction continues.

    ``content`` is a JSON document carried as text: its UTF-8 bytes are what the sign-offs cover, so that any tool in
    any language can check them without re-encoding anything. Forwarding (转报) carries the original envelopes.
    """

    content: str  # JSON of ReportContent
    sign_offs: Annotated[tuple[Envelope, ...], Meta(max_length=MAX_SIGN_OFFS)]
    forwarded: Annotated[tuple[Envelope, ...], Meta(max_length=MAX_FORWARDED)] = ()


class Outcome(StrEnum):
    """What a receipt says (回执)."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DELIVERED = "delivered"
    OPENED = "opened"


class ReceiptEntry(Wire, frozen=True, kw_only=True):
    """The fate of one message at one place."""

    message: UUID | None  # None where the bytes could not be read
    digest: Digest  # SHA-256 of the bytes as they travelled
    outcome: Outcome
    at: Time  # by the clock of whoever gives the receipt
    reason: Label = ""  # a ``Reason`` code where refused
    detail: Label = ""  # which part; never report text


class Receipt(Message, frozen=True, kw_only=True):
    """回执: coalesced, one message answers many."""

    entries: Annotated[tuple[ReceiptEntry, ...], Meta(min_length=1, max_length=MAX_RECEIPTS)]


class Level(StrEnum):
    """层级: at which level something was adopted, asked for or directed."""

    CITY = "city"
    PROVINCE = "province"
    NATIONAL = "national"


class Verdict(StrEnum):
    """采编结果."""

    ADOPTED = "adopted"  # 采用
    MERGED = "merged"  # 综合采用
    SELECTED = "selected"  # 选送: sent on to a higher level (转报, 上报国办)
    RETURNED = "returned"  # 退改
    DECLINED = "declined"  # 未采用
    REVERSED = "reversed"  # 冲正: takes back the decision named by ``about``


class DecidedItem(Wire, frozen=True, kw_only=True):
    """One report under a decision and its part of the credit."""

    report: UUID
    origin: Code  # the unit that reported it
    share: Share  # parts of one; all items of a decision add up to 1

    def __post_init__(self) -> None:
        check_decimal(self.share, 0, 1)


class PublicationRef(Wire, frozen=True, kw_only=True):
    """Where an adopted report appears (刊物、期)."""

    series: Label  # daily, special, research, …
    issue: Label  # number within the series and year


class Override(Wire, frozen=True, kw_only=True):
    """A named adoption of a flagged report (有权不予采用)."""

    person: PersonId
    reason: Note


class Decision(Message, frozen=True, kw_only=True):
    """采编结果: what a hub made of one or more reports."""

    verdict: Verdict
    items: Annotated[tuple[DecidedItem, ...], Meta(max_length=MAX_ITEMS)]  # none where an adjustment is taken back
    level: Level | None = None  # where adopted, or whither selected; None: at the hub's own level
    publication: PublicationRef | None = None  # where adopted or merged
    forwarded_as: UUID | None = None  # where selected: the hub's own report that carries these items up
    editor: PersonId
    reason: Note = ""  # required where returned, declined or reversed
    override: Override | None = None
    rule_set: Label = ""  # the version of the rules in force (Art. 1)

    def __post_init__(self) -> None:
        if not self.items and self.verdict is not Verdict.REVERSED:
            raise ValueError("a decision names a report")
