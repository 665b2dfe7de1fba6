"""涉密不上网 (Art. 2): finding a security classification in a report, in its field or in its text. Pure.

A marking is written as GB/T 9704 prescribes (秘密★1年, at the head of the page), often with spaces between the characters
or as 密级：机密. Ordinary prose about secrets (商业秘密, 保守国家秘密) is no marking and must pass. Text is normalised first
(NFKC, no spaces, nothing that prints nothing), so that look-alikes do not slip through.
"""

import re
import unicodedata
from typing import Final

from proto.errors import Reason, RefusedError
from proto.messages import ReportContent

_GRADE: Final = r"[秘祕机機绝絕]\n?密"
_HEAD: Final = r"(?:【[^】\n]{0,10}】)?"  # a label such as 【样例】 may stand before the marking
_TERM: Final = r"(?:[\d一二三四五六七八九十]{1,4}|长)(?:年|个月|期)"
_URGENCY: Final = "(?:特急|加急|平急|急件)"
_MARKINGS: Final = (
    re.compile(r"[秘祕机機绝絕]\n?密?\n?[★☆✩✭✮✯⭐*]"),  # 秘密★1年; ㊙ is 秘 once normalised
    re.compile(rf"{_GRADE}[^\w\s]{{1,2}}{_TERM}"),  # 机密·1年, 秘密▲5年
    re.compile(rf"{_GRADE}至\d{{4}}年"),  # 秘密至2027年 (GB/T 33476)
    re.compile(rf"密级:?[\[(【]?{_GRADE}"),  # 密级:机密
    re.compile(rf"[\[(【<]{_GRADE}[\])】>]"),  # (机密), 【绝密】
    re.compile(  # a line of its own: 机密, 绝密 长期, 秘密 3年, 机密 特急
        rf"^{_HEAD}{_URGENCY}?《?{_GRADE}》?(?:\(?{_TERM}\)?)?{_URGENCY}?$", re.MULTILINE
    ),
)
_HINTS: Final = frozenset("密㊙")  # no other character becomes 密 or 秘 by NFKC
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Mn"})  # categories that print nothing of their own
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")  # Hangul fillers: letters that print nothing
_OPEN: Final = frozenset({"", "无", "公开", "非密", "none"})


def check_open(content: ReportContent) -> None:
    """Refuse a report that carries a classification anywhere; the refusal says nothing of the content."""
    if _normal(content.marking).strip().lower() not in _OPEN:
        raise RefusedError(Reason.REPORT_CLASSIFIED)
    texts = (content.title, content.body, content.answers, *content.sources, *(a.name for a in content.attachments))
    if any(is_marked(text) for text in texts):
        raise RefusedError(Reason.REPORT_CLASSIFIED)


def is_marked(text: str) -> bool:
    """Tell whether a text carries a classification marking."""
    if _HINTS.isdisjoint(text):
        return False
    normal = _normal(text)
    return any(pattern.search(normal) for pattern in _MARKINGS)


def _normal(text: str) -> str:
    """Return the text as it reads: lines kept, compatibility forms folded, what prints nothing left out."""
    return "\n".join("".join(filter(_prints, unicodedata.normalize("NFKC", line))) for line in text.splitlines())


def _prints(character: str) -> bool:
    return not (character.isspace() or character in _FILLERS or unicodedata.category(character) in _UNSEEN)
