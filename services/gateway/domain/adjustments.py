"""What a lead may adjust (积分调整), and how that is taken back. Pure; what a deduction is worth is the rules' business."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from proto.messages import Adjustment, AdjustmentLine, Decision, Verdict
from services.gateway.domain.decisions import DecisionError
from services.kit.calendar import CHINA

APPEAL: Final = "appeal"
"""The rule of a line that answers an appeal; every other one is a deduction of the rules in force."""


def check_adjustment(
    lines: Sequence[AdjustmentLine],
    reason: str,
    *,
    appellant: str | None,
    units: Collection[str],
    origins: Mapping[UUID, str],
    now: datetime,
) -> None:
    """Raise ``DecisionError`` where an adjustment may not be made.

    ``appellant`` is who made the appeal that is answered, ``units`` report to the hub, ``origins`` are reports in its inbox.
    """
    check_reason(reason)
    if not lines and appellant is None:
        raise DecisionError(
            "adjustment.no_lines", "未列明调整事项", "An adjustment that answers no appeal needs a line"
        )
    for line in lines:
        if line.unit not in units:
            raise DecisionError("adjustment.unit", "该单位不由本单位计分", "A unit does not report to this hub")
        check_month(line.month, now, "adjustment")
        if not line.rule:
            raise DecisionError("adjustment.no_rule", "须注明所依规则", "A line names its rule")
        if line.rule == APPEAL and line.unit != appellant:
            raise DecisionError("adjustment.no_appeal", "该单位没有此项申诉", "That unit did not make the appeal")
        if (line.rule == APPEAL) != (line.points is not None):
            raise DecisionError(
                "adjustment.points",
                "仅答复申诉时注明分值，扣分依规则",
                "Points are given for an appeal alone, a deduction's follow from its rule",
            )
        if line.report is not None and origins.get(line.report) != line.unit:
            raise DecisionError("decision.unknown_item", "该信息未报送本单位", "A report did not come to this hub")
    if len({*(line.unit for line in lines), *([appellant] if appellant else [])}) > 1:  # each would read all of it
        raise DecisionError("adjustment.one_unit", "一次调整只涉及一个单位", "An adjustment concerns one unit alone")


def check_reason(reason: str) -> None:
    """Raise ``DecisionError`` where an adjustment, or taking one back, gives no reason."""
    if not reason.strip():
        raise DecisionError("adjustment.no_reason", "须说明理由", "A reason is needed")


def check_month(month: str, now: datetime, subject: Literal["adjustment", "appeal"]) -> None:
    """Raise ``DecisionError`` unless a month (YYYY-MM) has begun and is of this year or the year before, in China."""
    today = now.astimezone(CHINA)
    if not f"{today.year - 1}-01" <= month <= f"{today:%Y-%m}":
        raise DecisionError(
            f"{subject}.month",
            "只办理今年和去年的积分，且不得是以后月份",
            "Only points of this year and the year before are looked at, and of no month to come",
        )


def reversal_of(adjustment: Adjustment, *, id: UUID, editor: str, reason: str, at: datetime) -> Decision:
    """Return what takes an adjustment back (冲正): it lists no report."""
    return Decision(
        id=id, origin=adjustment.origin, to=adjustment.to, sent_at=at, about=adjustment.id, verdict=Verdict.REVERSED,
        items=(), editor=editor, reason=reason,
    )  # fmt: skip
