"""Times that people type."""

from datetime import datetime, timedelta

from services.cli.failures import usage
from services.kit.calendar import CHINA


def parse(text: str) -> datetime:
    """Return an aware time from RFC 3339 or a day; where no zone is given, Chinese time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        example = "2026-11-23T09:00+08:00"
        raise usage("time.invalid", "时间格式有误", "Not a time", f"{text!r:.40}, e.g. {example}") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=CHINA)


def last_month(now: datetime) -> datetime:
    """Return the first moment, in China, of the month before the one of ``now``."""
    this = now.astimezone(CHINA).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (this - timedelta(days=1)).replace(day=1)
