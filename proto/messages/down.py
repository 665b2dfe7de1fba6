"""What hubs send down and units owe back: the way down (Arts. 7, 10, 11, 13, 14). Later behaviour, today's contract."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from proto.limits import MAX_ITEMS
from proto.messages.base import (
    Body,
    Code,
    Day,
    Digest,
    Label,
    Message,
    Month,
    Name,
    Note,
    Ordinal,
    PersonId,
    Time,
    Title,
    Wire,
)
from proto.messages.report import DecidedItem, Level


class Article(Wire, frozen=True, kw_only=True):
    """One text in an issue, made of one report or of several."""

    title: Title
    body: Body
    reports: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MAX_ITEMS)]  # what it was made of
    units: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=MAX_ITEMS)]  # who reported that


class Publication(Message, frozen=True, kw_only=True):
    """刊物: a final issue (定版), sent to readers up, down and across."""

    series: Label  # the series' short name, as decisions cite it
    name: Name  # as it stands in the red head: 江苏信息 …
    organ: Name  # 编发单位
    issue: Label  # 期: number within series and year, as decisions cite it
    total: Ordinal  # 总期
    day: Day
    articles: Annotated[tuple[Article, ...], Meta(min_length=1, max_length=MAX_ITEMS)]
    document: Digest | None = None  # the printed form, where there is one


class KeyPoint(Wire, frozen=True, kw_only=True):
    """One numbered thing the hub wants reported."""

    number: Ordinal
    text: Note


class KeyPoints(Message, frozen=True, kw_only=True):
    """报送要点: what the hub wants reported in a month. Numbers run on through a hub's messages for the month.

    A report that answers a point names it in its content (``ReportContent.answers``) by the point's ``reference``.
    """

    month: Month
    points: Annotated[tuple[KeyPoint, ...], Meta(min_length=1, max_length=MAX_ITEMS)]

    def reference(self, number: int) -> str:
        """Return how a report names one of these points: ``{hub}/{month}/{number}``, such as ``320000/2026-11/3``."""
        return f"{self.origin}/{self.month}/{number}"


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
    """批示: a leader's written direction on a report, a decision or an issue (``about``)."""

    level: Level  # of the leader
    items: Annotated[tuple[DecidedItem, ...], Meta(min_length=1, max_length=MAX_ITEMS)]  # whom it credits
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
