"""What hubs send down and units owe back: the way down (Arts. 7, 10, 11, 13, 14). Later behaviour, today's contract."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from proto.limits import MAX_ITEMS, MAX_POINTS
from proto.messages.base import (
    Body,
    Code,
    Count,
    Day,
    Digest,
    Label,
    Message,
    Month,
    Name,
    Note,
    Ordinal,
    PersonId,
    Points,
    Time,
    Title,
    Wire,
    check_decimal,
)


class Publication(Message, frozen=True, kw_only=True):
    """刊物: a compiled issue, sent to readers up, down and across."""

    series: Label
    issue: Label
    title: Title
    day: Day
    items: Annotated[tuple[UUID, ...], Meta(max_length=MAX_ITEMS)]  # the reports in it
    body: Body
    document: Digest | None = None  # the printed form, where there is one


class KeyPoint(Wire, frozen=True, kw_only=True):
    """One numbered thing the hub wants reported."""

    number: Ordinal
    text: Note


class KeyPoints(Message, frozen=True, kw_only=True):
    """报送要点: what the hub wants reported this month."""

    month: Month
    points: Annotated[tuple[KeyPoint, ...], Meta(min_length=1, max_length=MAX_ITEMS)]


class Solicitation(Message, frozen=True, kw_only=True):
    """约稿: a request to named units with a deadline."""

    number: Label
    title: Title
    body: Body
    form: Label = ""
    deadline: Time


class NoticeType(StrEnum):
    """What a notice is about."""

    GENERAL = "general"
    TRAINING = "training"  # 培训
    ATTACHMENT = "attachment"  # 跟班
    ACTIVITY = "activity"  # 年度活动


class Notice(Message, frozen=True, kw_only=True):
    """通知: training, attachments, the yearly activity; with sign-up where asked for."""

    type: NoticeType
    title: Title
    body: Body
    sign_up_until: Time | None = None


class Instruction(Message, frozen=True, kw_only=True):
    """批示: a leader's written direction on a report (``about``)."""

    leader: Name
    rank: Label
    text: Note
    deadline: Time | None = None


class Reminder(Message, frozen=True, kw_only=True):
    """催办: the hub urges what ``about`` asked for."""

    text: Note
    step: Ordinal  # first, second, … reminder


class Closure(Message, frozen=True, kw_only=True):
    """办结: the hub accepts the feedback and closes the task that ``about`` opened."""

    accepted: UUID  # the progress message that was accepted
    note: Note = ""


class Step(StrEnum):
    """How far a unit has come with a task."""

    SIGNED_FOR = "signed_for"  # 签收
    FORWARDED = "forwarded"  # 转办
    URGED = "urged"  # 催办
    INSPECTED = "inspected"  # 查办
    FED_BACK = "fed_back"  # 反馈


class Progress(Message, frozen=True, kw_only=True):
    """办理进展: a unit's step on the task that ``about`` opened."""

    step: Step
    person: PersonId
    text: Note = ""
    answer: UUID | None = None  # the report that answers a solicitation


class BulletinType(StrEnum):
    """Which statement it is."""

    MONTHLY = "monthly"
    YEARLY = "yearly"
    COMMENDATION = "commendation"


class BulletinLine(Wire, frozen=True, kw_only=True):
    """One unit's line."""

    unit: Code
    adopted: Count
    points: Points
    year_points: Points

    def __post_init__(self) -> None:
        for value in (self.points, self.year_points):
            check_decimal(value, -MAX_POINTS, MAX_POINTS)


class Bulletin(Message, frozen=True, kw_only=True):
    """通报: the statement of adoptions and points."""

    type: BulletinType
    period: Label  # 2026-11 or 2026
    lines: Annotated[tuple[BulletinLine, ...], Meta(max_length=5_000)]
    rule_set: Label
    text: Body
