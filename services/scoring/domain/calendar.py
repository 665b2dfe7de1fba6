"""Which day and month a moment belongs to: always those of Jiangsu, whatever zone or machine it was written in."""

from datetime import date, datetime, timedelta, timezone
from typing import Final

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""A fixed offset, so that no machine needs a zone database: there has been no summer time since 1991 (``YEARS``)."""
YEARS: Final = range(1992, 9999)


def day_of(at: datetime) -> date:
    """Return the calendar day in Asia/Shanghai. ``at`` is aware and within ``YEARS``."""
    return at.astimezone(SHANGHAI).date()


def month_of(at: datetime) -> str:
    """Return the month in Asia/Shanghai as ``YYYY-MM``: 23:59:59+08:00 is still the old one, 00:00+08:00 the new."""
    return f"{day_of(at):%Y-%m}"
