"""Why something scores nothing, as stable codes with both languages' words."""

from proto.errors import Worded


class Why(Worded):
    """Why a message, or a part of it, scores nothing (不计分原因)."""

    NOT_SCORED = "scoring.not_scored", "此类报文不计分", "That kind of message does not score"
    ID_REUSED = "scoring.id_reused", "编号已用于另一报文", "The id belongs to another message"
    TIME = "scoring.time", "发送时间不合理", "The sending time is implausible"
    ITEM_TWICE = "scoring.item_twice", "同一条信息重复列入", "A report is listed twice"
    SHARES = (
        "scoring.shares",
        "份额有误：采用每条为 1，综合采用合计须为 1",
        "Wrong shares: 1 for each adopted item; those of a joint item add up to exactly 1",
    )
    NO_PUBLICATION = "scoring.no_publication", "未注明刊物和期号", "It names no publication and issue"
    LEVEL = "scoring.level", "层级有误", "That level is not for this hub to state"
    MONTH = "scoring.month", "计入月份晚于发送月份", "It is to count in a month that has not begun"
    MONTH_CLOSED = (
        "scoring.month_closed",
        "计入月份早于上一年度：只可涉及本年度和上一年度",
        "It is to count before last year: only this year and the last are open",
    )
    POINTS = (
        "scoring.points",
        "申诉须注明分值，扣分按规则",
        "An appeal states its points, a deduction's follow from its rule",
    )
    NOT_A_HUB = "scoring.not_a_hub", "该单位不是计分的上级办公室", "That unit is not a hub that scores"
    NOT_ITS_UNIT = "scoring.not_its_unit", "该单位不属此办公室", "A unit is not under that hub"
    NO_RULES = "scoring.no_rules_in_force", "当日无生效的计分规则", "No rules were in force on that day"
    NO_SUCH_SERIES = "scoring.series_unknown", "计分规则未列此刊物", "The rules do not know that publication"
    NO_SUCH_DEDUCTION = "scoring.deduction_unknown", "计分规则未列此扣分项", "The rules do not know that deduction"
    NO_ITEM = (
        "scoring.deduction_of_nothing",
        "按比例扣分须注明信息",
        "A percentage is taken of an item, and none is named",
    )
    REVERSES_NOTHING = "scoring.reverses_nothing", "冲正未注明原报文", "The reversal names nothing"
    REVERSAL_FOREIGN = "scoring.reversal_foreign", "只有原单位可以冲正", "Only the hub that decided may reverse"
    REVERSAL_TWICE = "scoring.reversal_of_reversal", "冲正不得再冲正", "A reversal cannot be reversed"
