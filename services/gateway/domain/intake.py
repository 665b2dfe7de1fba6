"""What a hub's editors see of the reports that come to it (待采编), and which of them are alike. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID
from zlib import crc32

from msgspec import Struct

from proto.messages import Category, Importance, Report, ReportContent, Stage, Urgency

SKETCH_SIZE: Final = 16
_SKETCHED_CHARS: Final = 2_000  # of the text: enough to know it again
_GRAM: Final = 3  # characters
_AREA: Final = 6  # digits of an area code: two each for province, city, county


class IntakeState(StrEnum):
    """What has become of a report at the hub (采编状态)."""

    PENDING = "pending"  # 待采编
    IN_ISSUE = "in_issue"  # 已入期: in a draft issue
    ADOPTED = "adopted"  # 采用
    MERGED = "merged"  # 综合采用
    RETURNED = "returned"  # 退改
    DECLINED = "declined"  # 未采用
    SELECTED = "selected"  # 选送: sent on to a higher level, and nothing else yet


class Facts(Struct, frozen=True, kw_only=True):
    """What a report says of itself, for lists and filters."""

    origin: str
    about: UUID | None
    stage: Stage
    category: Category
    urgency: Urgency
    importance: Importance
    research: bool
    answers: str  # what it says that it answers, such as a key point
    sketch: tuple[int, ...]  # see ``sketch_of``


def facts_of(report: Report, content: ReportContent) -> Facts:
    """Return the facts of a report."""
    return Facts(
        origin=report.origin,
        about=report.about,
        stage=content.stage,
        category=content.category,
        urgency=content.urgency,
        importance=content.importance,
        research=content.research,
        answers=content.answers,
        sketch=sketch_of(content.title, content.body),
    )


def sketch_of(title: str, body: str) -> tuple[int, ...]:
    """Return the smallest hashes of a text's trigrams (bottom-k sketch, A. Broder 1997), each a 32-bit integer.

    The more two texts have in common, the more hashes their sketches share: so an index finds those worth comparing.
    Of the trigrams every fourth is enough, chosen by its first character, so that the same are chosen in every text.
    """
    plain = _plain(title + body[:_SKETCHED_CHARS])
    chosen = {plain[i : i + _GRAM] for i, character in enumerate(plain) if not ord(character) & 3} or _grams(plain)
    return tuple(sorted(crc32(gram.encode()) - 2**31 for gram in chosen)[:SKETCH_SIZE])


def likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """Return how much two texts (title, body) have in common: 0 nothing, 1 all (Dice coefficient of their trigrams)."""
    first, second = _grams(_plain("".join(one))), _grams(_plain("".join(other)))
    return 2 * len(first & second) / (len(first) + len(second)) if first or second else 1.0


def _plain(text: str) -> str:
    """Return the letters, digits and characters of a text."""
    return "".join([character for character in text if character.isalnum()])


def _grams(plain: str) -> set[str]:
    """Return the trigrams; of a text too short for one, the text itself."""
    return {plain[i : i + _GRAM] for i in range(max(1, len(plain) - _GRAM + 1))} if plain else set()


def origin_pattern(code: str) -> str:
    """Return the SQL pattern of a unit's own code, or of an area's with all that lies under it (GB/T 2260)."""
    if len(code) > _AREA:
        return code
    if code.endswith("0000"):
        return f"{code[:2]}%"
    return f"{code[:4]}%" if code.endswith("00") else f"{code}%"
