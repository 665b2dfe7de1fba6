"""涉密不上网 (Art. 2): finding a security classification in a report, in its field or in its text. Pure.

A marking is written as GB/T 9704 prescribes (秘密★1年, at the head of the page), often with spaces between the characters
or as 密级：机密. Ordinary prose about secrets (商业秘密, 保守国家秘密) is no marking and must pass. Text is normalised first
(NFKC, no zero-width characters), so that look-alikes do not slip through.
"""

import re
import unicodedata
from typing import Final

from proto.errors import Reason, RefusedError
from proto.messages import ReportContent

_GRADE: Final = r"(?:秘|机|绝)\s*密"
_HEAD: Final = r"(?:【[^】\n]{0,10}】\s*)?"  # a label such as 【样例】 may stand before the marking
_MARKINGS: Final = (
    re.compile(rf"{_GRADE}\s*[★☆✩✭✮✯⭐*]"),  # 秘密★1年
    re.compile(rf"密\s*级\s*[::]?\s*[\[(【]?\s*{_GRADE}"),  # 密级:机密
    re.compile(  # a line of its own: 机密, 绝密 长期, 秘密 3年, (秘密)
        rf"^\s*{_HEAD}[\[(【<《]?\s*{_GRADE}\s*[\])】>》]?\s*(?:[((]?\s*(?:\d+|[一二三五十]+|长)\s*(?:年|个月|期)\s*[))]?)?\s*$",
        re.MULTILINE,
    ),
)
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
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
    if "密" not in text:  # no other character becomes it by NFKC
        return False
    normal = _normal(text)
    return any(pattern.search(normal) for pattern in _MARKINGS)


def _normal(text: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
