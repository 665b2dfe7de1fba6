"""Which day and month a moment belongs to: always those of Jiangsu, whatever zone or machine it was written in."""

import calendar
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""A fixed offset, so that no machine needs a zone database: there has been no summer time since 1991 (``YEARS``)."""
YEARS: Final = range(1992, 9999)


def day_of(at: datetime) -> date:
    """Return the calendar day in Asia/Shanghai. ``at`` is aware and within ``YEARS``."""
    return at.astimezone(CHINA).date()


def month_of(at: datetime) -> str:
    """Return the month in Asia/Shanghai as ``YYYY-MM``: 23:59:59+08:00 is still the old one, 00:00+08:00 the new."""
    return f"{day_of(at):%Y-%m}"


def first_day(month: str) -> date:
    """Return the first day of ``YYYY-MM``."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: str) -> date:
    """Return the last day of ``YYYY-MM``."""
    first = first_day(month)
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def span(first: date, last: date | None) -> tuple[datetime, datetime]:
    """Return when the first day begins and when the last is over, where there is one; nothing is sent beyond ``YEARS``."""
    beginning, ending = date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31)
    days = max(first, beginning), min(last or ending, ending) + timedelta(days=1)
    return datetime.combine(days[0], time(), CHINA), datetime.combine(days[1], time(), CHINA)


def months_until(month: str, count: int) -> list[str]:
    """Return ``count`` months in order, of which ``month`` is the last."""
    last = int(month[:4]) * 12 + int(month[5:]) - 1
    return [f"{each // 12:04}-{each % 12 + 1:02}" for each in range(last - count + 1, last + 1)]


def december_of(month: str) -> str:
    """Return the last month of a month's year."""
    return f"{month[:4]}-12"
