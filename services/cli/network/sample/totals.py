"""Are the totals what the day prescribes?"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import eq, ge
from typing import Any

from services.cli.network.sample.day import Day


def mismatches(day: Day, totals: Mapping[str, Any], *, grown: bool) -> list[str]:
    """Return the names of the totals that are wrong; on a ``grown`` network more than prescribed is right too."""
    fits = ge if grown else eq
    return [name for name, wanted in day.expected.items() if not _fits(fits, totals.get(name), wanted, name)]


def _fits(fits: Callable[[Any, Any], bool], have: Any, wanted: Any, name: str) -> bool:
    if have is None:
        return False
    if name == "dead":
        return bool(have == wanted)
    if isinstance(wanted, Mapping):
        reasons = {*wanted, *have} if fits is eq else {*wanted}
        return all(fits(have.get(reason, 0), wanted.get(reason, 0)) for reason in reasons)
    return fits(Decimal(have), Decimal(wanted))
