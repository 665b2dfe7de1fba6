"""What a lead may adjust (积分调整). Pure; what a deduction is worth is the rules' business."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from proto.messages import AdjustmentLine
from services.gateway.domain.decisions import DecisionError

APPEAL: Final = "appeal"
"""The rule of a line that answers an appeal; every other one is a deduction of the rules in force."""


def check_adjustment(
    lines: Sequence[AdjustmentLine],
    reason: str,
    *,
    appellant: str | None,
    units: Collection[str],
    origins: Mapping[UUID, str],
    this_month: str,
) -> None:
    """Raise ``DecisionError`` where an adjustment may not be made.

    ``appellant`` is who made the appeal that is answered, ``units`` report to the hub, ``origins`` are reports in its inbox.
    """
    if not reason.strip():
        raise DecisionError("adjustment.no_reason", "须说明理由", "An adjustment needs a reason")
    if not lines and appellant is None:
        raise DecisionError(
            "adjustment.no_lines", "未列明调整事项", "An adjustment that answers no appeal needs a line"
        )
    for line in lines:
        if line.unit not in units:
            raise DecisionError("adjustment.unit", "该单位不由本单位计分", "A unit does not report to this hub")
        if line.month > this_month:
            raise DecisionError("adjustment.month", "不得调整以后月份", "A month has not begun yet")
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
