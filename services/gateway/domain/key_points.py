"""报送要点: whom a hub asks, how its points are numbered, and which words name one. Pure.

A point's name is ``KeyPoints.reference``: hub, month, number. Once seen it never means another point, so a number is given
once: what the network refused keeps its numbers too.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from proto.limits import MAX_ITEMS
from proto.messages import KeyPoint, KeyPoints, UnitClass
from services.gateway.domain.decisions import DecisionError
from services.kit.calendar import first_day, last_day, month_of, months_until, span

AHEAD: Final = 12  # months
SKEW: Final = timedelta(days=1)  # more than clocks differ
_FORM: Final = re.compile(r"\s*\d{6}(?:-[0-9a-z-]+)?/(2\d{3}-(?:0[1-9]|1[0-2]))/\d+\s*", re.ASCII)


def check_month(month: str, now: datetime) -> None:
    """Raise ``DecisionError`` unless a month (YYYY-MM) is this one or one of the next twelve, in China."""
    this = month_of(now)
    if not (this <= month and months_until(month, AHEAD + 1)[0] <= this):
        raise DecisionError(
            "key_points.month",
            "报送要点只能用于本月和以后十二个月",
            "Key points are for this month or one of the next twelve",
        )


def said_within(month: str) -> tuple[datetime, datetime]:
    """Return from when, and until when, a hub may say what it wants reported in a month of the years 2000 to 2999."""
    first = first_day(months_until(month, AHEAD + 1)[0])
    begins, ends = span(first, last_day(month))
    return begins - SKEW, ends + SKEW


def numbered(texts: Sequence[str], before: Sequence[KeyPoints]) -> tuple[KeyPoint, ...]:
    """Return points that run on from the highest number of those ``before`` in the month, refused ones included."""
    last = max((point.number for message in before for point in message.points), default=0)
    if last + len(texts) > MAX_ITEMS:
        raise DecisionError(
            "key_points.too_many", f"一个月的要点不超过{MAX_ITEMS}条", f"At most {MAX_ITEMS} key points in a month"
        )
    return tuple(KeyPoint(number=number, text=text) for number, text in enumerate(texts, last + 1))


def asked(
    listed: Mapping[str, UnitClass], *, classes: Collection[UnitClass], units: Collection[str]
) -> tuple[str, ...]:
    """Return whom key points go to, of the units that report to the hub (``listed``): those of the classes, and those named.

    All of them where neither is given.
    """
    if strange := [unit for unit in units if unit not in listed]:
        raise DecisionError(
            "key_points.unit", "该单位不向本单位报送", "A unit does not report to this hub", ", ".join(strange)
        )
    chosen = {unit for unit, unit_class in listed.items() if unit_class in classes} | set(units)
    found = chosen if classes or units else set(listed)
    if not found:
        raise DecisionError("key_points.nobody", "没有符合条件的单位", "There is no such unit to ask")
    return tuple(sorted(found))


def references(messages: Sequence[KeyPoints]) -> list[str]:
    """Return the names of all points in these messages."""
    return [message.reference(point.number) for message in messages for point in message.points]


def month_named(answers: str) -> str | None:
    """Return the month where a report's ``answers`` have the form of a point's name; None for any other words.

    The form is judged kindly, with full-width characters, spaces and leading zeros: what was meant as a name and is none
    must be refused, not pass as other words.
    """
    found = _FORM.fullmatch(unicodedata.normalize("NFKC", answers))
    return found[1] if found else None
