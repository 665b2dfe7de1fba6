"""涉密不上网 (Art. 2): finding a security classification in a report, in its field or in its text. Pure.

Found are the forms in which a marking (密级标志) is written: with star and term as GB/T 9704 has it (秘密★1年), whatever the
star looks like; up to a date (GB/T 33476); after a label (密级：机密, 涉密等级：绝密, 密级为机密); in brackets (〔机密〕); as the head of
a line (机密：…); as ㊙; and on a line of its own with what goes with it there: copy number, urgency, term, number, list
marks, quotes (000012 机密 特提). ``reading`` first undoes what only looks otherwise: blanks, invisible characters,
full-width and traditional forms, one character to a line, HTML.

Ordinary prose about secrets must pass: 商业秘密, 保守国家秘密, 机密性, 绝密、机密、秘密三级.

Not claimed: to know that a text is secret which does not say so; markings of other countries (TOP SECRET) and 内部 or
工作秘密, which are no 密级; a marking in the midst of a sentence without star, bracket or label; homophones, pinyin, pictures
of characters, scans, attachments' bytes, other encodings (base64, percent). This stops mistakes, not somebody who wants to
get a secret out: the review that a person signs (Art. 12) is the other half.
"""

import re
from collections.abc import Iterable
from typing import Final

from proto.errors import Reason, RefusedError
from proto.messages import ReportContent
from services.kit.reading import folded, unescaped

_GRADE: Final = r"[秘机绝]\n?密"
_NO_LIST: Final = r"(?!级?[、,和或及与/;]\n?[秘机绝]密)"  # 绝密、机密、秘密 speaks of grades
_STAR: Final = "[★☆✦-✳⭐⭑⭒⋆٭🟊🌟]"
_OPEN: Final = "[(\\[{<【〔「『〖《〈“\"‘'*_]"
_CLOSE: Final = "[)\\]}>】〕」』〗》〉”\"’'*_]"
_NUMBER: Final = "[\\d〇零一二三四五六七八九十两半]"
_TERM: Final = rf"(?:{_NUMBER}{{1,4}}(?:年|个?月|天)期?|长期)"
_SHORT: Final = r"(?:(?:[123]?\d|[一二三四五六七八九十]{1,3})(?:年|个?月)(?![\d以之来内前后间中的度初底末])|长期)"
_ENDS: Final = rf"(?=级?(?:[^\w、]|_|$|{_TERM}))"
_OWN: Final = re.findall(
    "..", "国家商业保守泄露泄漏窃取"
)  # what stands before 秘密 in prose, and hardly ends a line by itself
_ENDING: Final = re.findall("..", "工作个人技术军事核心保护涉及")  # likewise, but titles end so too
_PROSE: Final = "".join(rf"(?<!{word}.)" for word in (*_OWN, *_ENDING))  # stands behind the first character
_TITLED: Final = "".join(rf"(?<!{word}\n)" for word in _ENDING)
_WRAPPED: Final = (  # not the end of a sentence, wrapped to a line of its own
    "".join(rf"(?<!{word}\n)" for word in _OWN) + rf"(?:{_TITLED}|(?!{_GRADE}[。,;.]))"
)
_LINE_START: Final = (
    rf"(?:(?<=^.)|(?<=^[#>-].)|(?<=^{_OPEN}.)|(?<=^{_OPEN}{_OPEN}.))"  # behind the first character, too
)
# Each begins with a character or a choice of them, which the search for it makes use of.
_MARKINGS: Final = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        rf"[秘机绝]\W{{0,3}}密级?{_CLOSE}{{0,2}}(?:{_STAR}|\n{_STAR}\n?{_TERM})",  # 秘密★1年, 【秘】密★, 机·密★
        rf"[秘机绝]{_PROSE}\n?密级?[^\w\n,、。;!?:\"'“”‘’《》()\[\]【】—–]{{1,6}}{_SHORT}",  # 机密·1年, 秘密▲5年, 绝密*30年
        rf"{_GRADE}[至到]{_NUMBER}{{4}}年",  # 秘密至2027年 (GB/T 33476)
        rf"[密等级标](?:(?<=[密等])级|(?<=[密级])别|(?<=标)[识志])(?:[:=|—>-]|为:){{1,3}}\n?{_OPEN}?{_GRADE}{_NO_LIST}",
        rf"密(?:(?<![秘机绝]密)级|等级|级别)(?:[定列]?为|是|[,;.·_~/]{{0,2}})\n?{_OPEN}?{_GRADE}{_ENDS}{_NO_LIST}",  # 密级为机密
        rf"[\[{{<【〔〖]{_GRADE}[级件]?{_TERM}?[\]}}>】〕〗]",  # 【机密级】
        rf"\({_GRADE}\)",
        rf"[秘机绝]{_LINE_START}\n?密级?{_CLOSE}{{0,3}}:(?!是|指)",  # 机密:关于…
    )
)
_LINE: Final = re.compile(rf"^{_WRAPPED}.{{0,30}}[秘机绝]密.{{0,30}}$", re.MULTILINE)
_DRESSING: Final = re.compile(  # what may stand beside a marking on its line
    r"【(?![秘机绝])[^】\n]{1,10}】"  # a label such as 【样例】
    r"|特提|特急|加急|平急|急件|火急|紧急程度|紧急"
    rf"|保密期限|保密期|[至到]?{_NUMBER}{{1,4}}(?:年|个?月|天|日)(?:期|前|止)?|长期(?:保[存密])?|永久(?:保存)?|解密前"
    rf"|第{_NUMBER}{{1,8}}[号期份]|共\d{{1,8}}份|(?:份号|编号|序号|N[oO])[:.]?\d{{0,8}}"
    r"|(?<!\w)\d{1,8}(?![\d年月日天个])|(?<!\w)[一二三四五六七八九十]{1,3}(?=\W)"  # copy number, list number
    r"|(?<=密)(?:级|件|文件|文电|电报|公文|资料|材料)"
    r"|[^\w\n]|_"
)
_ALONE: Final = re.compile("^[秘机绝]密$", re.MULTILINE)
_CANDIDATE: Final = re.compile(  # the two characters with nothing between them that is read; without is no marking
    r"[秘祕机機绝絕絶](?:<[^<>\n]{0,200}>|[\W_\u115f\u1160\u3164\uffa0])*+[密宻]"
)
_NEITHER: Final = "\n此处分开\n"  # between texts that do not belong together
_UNMARKED: Final = frozenset({"", "无", "公开", "非密", "none"})


def check_open(content: ReportContent) -> None:
    """Refuse a report that carries a classification anywhere; the refusal says nothing of the content."""
    if folded(unescaped(content.marking)).lower() not in _UNMARKED or any_marked(_texts(content)):
        raise RefusedError(Reason.REPORT_CLASSIFIED)


def is_marked(text: str) -> bool:
    """Tell whether a text carries a classification marking."""
    return any_marked((text,))


def any_marked(texts: Iterable[str]) -> bool:
    """Tell whether one of several texts does; for many short ones much faster than asking for each."""
    candidates = []
    for text in map(unescaped, texts):
        if "㊙" in text:
            return True
        if ("密" in text or "宻" in text) and _CANDIDATE.search(text):
            candidates.append(text)
    if not candidates:
        return False
    read = folded(_NEITHER.join(candidates))
    if any(pattern.search(read) for pattern in _MARKINGS):
        return True
    return _ALONE.search(_DRESSING.sub("", "\n".join(_LINE.findall(read)))) is not None


def _texts(content: ReportContent) -> Iterable[str]:
    """Yield every text of a report but its marking, which has rules of its own."""
    yield from (content.title, content.body, content.answers, *content.sources)
    for attachment in content.attachments:
        yield attachment.name
        yield attachment.media_type
