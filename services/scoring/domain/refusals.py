"""What a hub states or decides and must not: one code for each, with both languages' words."""

from proto.errors import Worded


class Refusal(Worded):
    """Why a bulletin, rules or a designation do not count (不予受理原因)."""

    NOT_A_HUB = "scoring.not_a_hub", "该单位不是计分的上级办公室", "That unit is not a hub that scores"
    RULES_INVALID = "rules.invalid", "计分规则有误", "The rule file is wrong"
    RULES_OVERLAP = "rules.overlap", "计分规则版本重叠", "The version overlaps another in time"
    RULES_CHANGED = (
        "rules.changed",
        "该版本已发布，不得更改：请另立版本",
        "This version was issued with another text: put the change into a new version",
    )
    RULES_USED = (
        "rules.used",
        "生效日期早于已按前一版本计分的日期",
        "It begins before a day that was already scored by another version",
    )
    BULLETIN_PERIOD = "bulletin.period", "通报期间格式有误", "The period is not one of that type of bulletin"
    BULLETIN_OPEN = "bulletin.month_open", "该期间尚未结束，不得通报", "The period is not over yet"
    BULLETIN_TWICE = (
        "bulletin.issued",
        "该期间已通报，更正列入下一期",
        "This period's bulletin was issued: corrections appear in the next one",
    )
    BULLETIN_PASSED = (
        "bulletin.passed",
        "其后的期间已通报",
        "A later bulletin was issued, which states this period's points already",
    )
    BULLETIN_LINES = (
        "bulletin.lines",
        "通报所列单位重复或不向本办公室报送",
        "A unit stands twice, or does not report to this hub",
    )
    BULLETIN_NOBODY = "bulletin.nobody", "没有可表彰的单位", "There is nobody to commend"
    OFF_YEAR = (
        "bulletin.off_year",
        "全省每两年表彰一次，本年度不表彰",
        "The province commends every second year, and not for this one",
    )
    DESIGNATION_HUB = (
        "designation.not_the_province",
        "直报点由省政府办公厅认定",
        "Only the province designates direct-report points",
    )
    DESIGNATION_UNIT = "designation.not_a_county", "直报点须为县（市、区）", "A direct-report point is a county"
    DESIGNATION_STAFF = (
        "designation.no_staff",
        "专职人员不足，不得设立直报点",
        "Too few full-time staff to be a direct-report point",
    )
    DESIGNATION_NO_POINT = (
        "designation.no_point",
        "该县（市、区）目前不是信息直报点",
        "That county is no direct-report point now",
    )
    DESIGNATION_DAY = "designation.day", "生效日期有误", "There is no such day"
