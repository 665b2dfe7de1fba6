"""The network's own words as people read them: one table for every value that a command shows."""

from typing import Any, Final

from proto.errors import Reason

WORDS: Final = {
    # states of an item, an issue, a paper
    "draft": ("草稿", "draft"),
    "in_review": ("待审核", "in review"),
    "awaiting_approval": ("待签发", "awaiting approval"),
    "approved": ("已签发", "approved"),
    "sent": ("已报送", "sent"),
    "final": ("已定版", "final"),
    # what receipts and trails say
    "signed_off": ("审核签发", "signed off"),
    "carried": ("随附转报", "carried"),
    "continued": ("续报", "continued"),
    "accepted": ("已受理", "accepted"),
    "refused": ("已拒收", "refused"),
    "delivered": ("已送达", "delivered"),
    "opened": ("已阅", "opened"),
    # outcomes at a hub
    "adopted": ("采用", "adopted"),
    "merged": ("综合采用", "merged"),
    "selected": ("选送", "selected"),
    "returned": ("退改", "returned"),
    "declined": ("未采用", "declined"),
    "reversed": ("冲正", "reversed"),
    # what has become of a report at a hub, besides its outcome
    "pending": ("待采编", "pending"),
    "in_issue": ("已编入", "in a draft issue"),
    # what a report says of itself
    "implementation": ("决策落实", "implementation"),
    "development": ("经济社会动态", "development"),
    "experience": ("经验做法", "experience"),
    "problem": ("问题建议", "problem"),
    "emergency": ("突发与社情", "emergency"),
    "routine": ("平件", "routine"),
    "urgent": ("急件", "urgent"),
    "ordinary": ("一般", "ordinary"),
    "important": ("重要", "important"),
    # kinds of messages
    "report": ("政务信息", "report"),
    "receipt": ("回执", "receipt"),
    "decision": ("采编结果", "decision"),
    "publication": ("刊物", "publication"),
    "key_points": ("报送要点", "key points"),
    "solicitation": ("约稿", "solicitation"),
    "notice": ("通知", "notice"),
    "instruction": ("批示", "instruction"),
    "reminder": ("催办", "reminder"),
    "closure": ("办结", "closure"),
    "progress": ("办理进度", "progress"),
    "rules": ("计分规则", "rules"),
    "adjustment": ("积分调整", "adjustment"),
    "appeal": ("申诉", "appeal"),
    "bulletin": ("通报", "bulletin"),
    "designation": ("直报点认定", "designation"),
    "directory": ("名录", "directory"),
    "roster": ("名册", "roster"),
    "heartbeat": ("心跳", "heartbeat"),
    # kinds of units
    "province": ("省", "province"),
    "city": ("设区市", "city"),
    "county": ("县（市、区）", "county"),
    "department": ("省级部门", "department"),
    "liaison": ("驻外办事处", "liaison office"),
    "direct_report": ("信息直报点", "direct-report point"),
    "service": ("系统服务", "service"),
    # types of bulletins, and what is proposed for direct-report points
    "monthly": ("月度", "monthly"),
    "yearly": ("年度", "yearly"),
    "commendation": ("表彰", "commendation"),
    "designated": ("设立", "designate"),
    "warned": ("预警", "warn"),
    "revoked": ("撤销", "revoke"),
    # what became of dead letters
    "replayed": ("已重投", "replayed"),
    "dropped": ("已删除", "dropped"),
    # what an import says of a line, besides the network's reasons
    "item.id_taken": ("该编号已被使用", "This id is taken"),
    "item.differs": ("该编号的信息内容与此不同", "The item of this id has other content"),
    "report.key_point_unknown": (
        "本单位没有收到所注明的报送要点",
        "The key point that the report names did not come to this unit",
    ),
}
"""A value as it travels → Chinese, English."""


def said(value: Any) -> str:
    """Return a value in both languages; nothing for nothing, and what has no words as it is."""
    text = "" if value is None else str(value)
    return " / ".join(WORDS.get(text, (text,)))


STAGES: Final = {
    "first": ("初报", "first"),
    "follow_up": ("续报", "follow-up"),
    "final": ("终报", "final"),
    "correction": ("更正", "correction"),
}
"""Where a report stands in its chain: apart from ``WORDS``, where *final* is an issue's state."""


def said_stage(stage: str) -> str:
    """Return a report's place in its chain in both languages."""
    return " / ".join(STAGES.get(stage, (stage,)))


def said_why(code: str, detail: str = "") -> str:
    """Return a refusal's reason in both languages with its code, and the part that it is about."""
    reason = next((one for one in Reason if one.value == code), None)
    words = f"{reason.zh} / {reason.en}" if reason is not None else said(code) if code in WORDS else ""
    return " ".join(part for part in (words, f"[{code}]", detail) if part)
