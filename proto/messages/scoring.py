"""Points and what is said of them: rules, adjustments, appeals, bulletins, direct-report points (Arts. 1, 5, 13, 15, 19)."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from proto.envelope import Envelope
from proto.limits import MAX_ADJUSTED, MAX_ITEMS, MAX_LINE_ITEMS, MAX_NODES, MAX_POINT_PLACES, MAX_POINTS, MAX_SIGN_OFFS
from proto.messages.base import (
    Body,
    Code,
    Count,
    Day,
    Label,
    Message,
    Month,
    Note,
    PersonId,
    Points,
    Wire,
    check_decimal,
)
from proto.messages.report import Level


class Approved(Message, frozen=True, kw_only=True):
    """What a hub's lead puts a name to: the content travels as text, and the approvals cover its UTF-8 bytes."""

    content: Annotated[str, Meta(min_length=1)]
    approvals: Annotated[tuple[Envelope, ...], Meta(min_length=1, max_length=MAX_SIGN_OFFS)]  # sealed ``SignOff``s


class Rules(Approved, frozen=True, kw_only=True):
    """计分规则: one version of a hub's point rules (Arts. 1, 19). The content is the rule file, TOML."""


class AdjustmentLine(Wire, frozen=True, kw_only=True):
    """What one unit is given or loses."""

    unit: Code
    month: Month  # in which it counts
    rule: Label  # a deduction of the rules in force, or ``appeal``
    points: Points | None = None  # only for ``appeal``; a deduction's follow from its rule
    report: UUID | None = None  # the item that a percentage is taken of

    def __post_init__(self) -> None:
        if self.points is not None:
            check_decimal(self.points, -MAX_ADJUSTED, MAX_ADJUSTED, MAX_POINT_PLACES)


class Adjustment(Message, frozen=True, kw_only=True):
    """积分调整: a deduction, or the answer to an appeal (``about``), which may be a reason alone."""

    lines: Annotated[tuple[AdjustmentLine, ...], Meta(max_length=MAX_ITEMS)]
    person: PersonId  # who decided
    reason: Note


class Appeal(Message, frozen=True, kw_only=True):
    """积分申诉: a unit asks its hub to look at its points again; ``about`` names the decision or bulletin concerned."""

    month: Month
    person: PersonId
    text: Note


class UnitClass(StrEnum):
    """通报分类: among whom a unit is listed and ranked."""

    CITY = "city"
    DEPARTMENT = "department"
    COUNTY = "county"
    DIRECT_REPORT = "direct_report"
    LIAISON = "liaison"


class BulletinItem(Wire, frozen=True, kw_only=True, array_like=True):
    """One thing that counts for a unit: the detail under its line. A JSON array: a month of 5,000 must fit a message."""

    event: UUID  # the decision, instruction or adjustment
    report: UUID | None
    rule: Label  # which rule of which version: 2026-1/points.province.daily
    level: Level
    series: Label = ""
    issue: Label = ""
    points: Points  # as they count, after caps and the like

    def __post_init__(self) -> None:
        check_decimal(self.points, -MAX_POINTS, MAX_POINTS)


class BulletinLine(Wire, frozen=True, kw_only=True):
    """One unit's line."""

    unit: Code
    unit_class: UnitClass
    rank: Count = 0  # within its class; 0 in a monthly bulletin that does not rank
    adopted: Count  # items adopted or merged in the period
    points: Points  # of the period
    corrections: Points  # to earlier periods, which their bulletins could not know
    year_points: Points  # of the year so far, corrections included
    items: Annotated[tuple[BulletinItem, ...], Meta(max_length=MAX_LINE_ITEMS)] = ()
    missed: Annotated[tuple[Label, ...], Meta(max_length=50)] = ()  # obligations not met, by their codes

    def __post_init__(self) -> None:
        for value in (self.points, self.corrections, self.year_points):
            check_decimal(value, -MAX_POINTS, MAX_POINTS)


class Commendation(Wire, frozen=True, kw_only=True):
    """表彰: a unit, or one of its staff."""

    unit: Code
    person: Label = ""  # by name; "" for the unit itself
    title: Label


class BulletinType(StrEnum):
    """Which statement it is."""

    MONTHLY = "monthly"
    YEARLY = "yearly"
    COMMENDATION = "commendation"


class BulletinContent(Wire, frozen=True, kw_only=True):
    """The statement of adoptions and points (通报正文)."""

    type: BulletinType
    period: Label  # 2026-11 or 2026
    lines: Annotated[tuple[BulletinLine, ...], Meta(max_length=MAX_NODES)]
    commended: Annotated[tuple[Commendation, ...], Meta(max_length=MAX_ITEMS)] = ()
    rules: Annotated[tuple[Label, ...], Meta(max_length=50)]  # the versions that its points come from
    text: Body


class Bulletin(Approved, frozen=True, kw_only=True):
    """通报: once issued it stands, later corrections appear in the next. The content is JSON of ``BulletinContent``."""


class Standing(StrEnum):
    """What becomes of a direct-report point (设立、预警、撤销、递补)."""

    DESIGNATED = "designated"
    WARNED = "warned"
    REVOKED = "revoked"


class DesignationContent(Wire, frozen=True, kw_only=True):
    """One decision on a county, on the year's record (Art. 5(4))."""

    unit: Code
    standing: Standing
    replaces: Code | None = None  # whose place it takes
    effective_from: Day
    grounds: Note


class Designation(Approved, frozen=True, kw_only=True):
    """直报点认定: the directory follows it. The content is JSON of ``DesignationContent``."""
