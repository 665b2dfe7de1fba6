"""What one hub's entries of a year count: a pure function, computed when read and never stored (积分结算).

First what each entry counts by itself (``counting.py``), then each unit's month: base points, items, their average where
the rules ask for it and what an appeal gave, no more of all that than the cap, then deductions; last the year that counts
nothing. Each step is a line, so that a month is always the sum of its lines and the year the sum of its months. A month
goes by the rules in force on its last day, an entry by those of its own day.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from services.kit.calendar import last_day
from services.scoring.domain.counting import ADOPTIONS, ITEM_KINDS, Because, Counted, Tally
from services.scoring.domain.entry import Entry, Kind
from services.scoring.domain.points import ZERO, rounded, total
from services.scoring.domain.rules import Averaging, RuleBook, RuleSet

__all__ = ["Because", "Counted", "Settlement", "UnitMonth", "settle"]


class UnitMonth(Struct, frozen=True, kw_only=True):
    """One unit's month in one hub's account."""

    unit: str
    month: str  # YYYY-MM
    points: Decimal  # the sum of the lines
    adopted: int  # distinct reports adopted or merged at any level, and standing
    counted: tuple[Counted, ...]  # in order of time, then the rules about the month


class Settlement(Struct, frozen=True, kw_only=True):
    """One hub's year up to a month."""

    months: Mapping[str, Mapping[str, UnitMonth]]  # by unit, then by month in order; what has no line is absent

    def of(self, unit: str, month: str) -> UnitMonth:
        """Return a unit's month, empty where nothing counts in it."""
        empty = UnitMonth(unit=unit, month=month, points=ZERO, adopted=0, counted=())
        return self.months.get(unit, {}).get(month, empty)

    def of_unit(self, unit: str) -> list[UnitMonth]:
        """Return a unit's months in order of time."""
        return list(self.months.get(unit, {}).values())

    def units(self) -> list[str]:
        """Return the units that have any line, by code."""
        return sorted(self.months)

    def year_points(self, unit: str, through: str = "9999-12") -> Decimal:
        """Return the sum of a unit's months, up to one."""
        return total(each.points for each in self.of_unit(unit) if each.month <= through)

    def year_adopted(self, unit: str) -> int:
        """Return how many distinct reports of a unit stand adopted or merged."""
        return len(_adopted(line for each in self.of_unit(unit) for line in each.counted))

    def versions(self) -> list[str]:
        """Return the rule versions that the lines come from."""
        return sorted(
            {line.rule_version for unit in self.months for each in self.of_unit(unit) for line in each.counted}
        )


def settle(
    entries: Iterable[Entry], book: RuleBook, through: str, units: Mapping[str, str] | None = None
) -> Settlement:
    """Return what one hub's entries count from January to the month ``through`` (``YYYY-MM``).

    Entries outside these months are left aside. ``units``: each unit of the hub and its class, by which base points and
    caps are given; base points go to these units alone.
    """
    classes = units or {}
    months = [f"{through[:5]}{number:02}" for number in range(1, int(through[5:]) + 1)]
    tally = Tally((each for each in entries if months[0] <= each.month <= through), book)
    lines: defaultdict[tuple[str, str], list[Counted]] = defaultdict(list)
    for line in tally.lines():
        if line.entry is not None:
            lines[line.entry.unit, line.entry.month].append(line)
    in_force = {month: book.in_force(last_day(month)) for month in months}
    for month, rules in in_force.items():
        if rules is not None and rules.base:
            for unit, unit_class in classes.items():
                if rules.base_of(unit_class).month:
                    lines[unit, month] += ()
    zeroed = tally.zeroed()
    settled: dict[str, dict[str, UnitMonth]] = {}
    for (unit, month), listed in sorted(lines.items()):
        rules = in_force[month]
        found = [*listed, *(_monthly(listed, rules, unit, classes) if rules else ())]
        if (why := zeroed.get(unit)) is not None:
            found.append(_line(-_sum(found), Because.YEAR, why.rule_version, why.rule))
        settled.setdefault(unit, {})[month] = UnitMonth(
            unit=unit, month=month, points=total(each.points for each in found), adopted=len(_adopted(found)),
            counted=tuple(found),
        )  # fmt: skip
    return Settlement(months=settled)


def _monthly(lines: list[Counted], rules: RuleSet, unit: str, classes: Mapping[str, str]) -> Iterator[Counted]:
    """Yield the lines that the rules about the month make: average, base points, cap."""
    unit_class = classes.get(unit, "")
    base = rules.base_of(unit_class)
    items = _sum(line for line in lines if line.entry is not None and line.entry.kind in ITEM_KINDS)
    earned = items + _sum(line for line in lines if line.entry is not None and line.entry.kind is Kind.APPEAL)
    credited = len(_adopted(lines))
    if rules.averaging is Averaging.ITEMS and credited > 1:
        change = rounded(items / credited) - items
        earned += change
        yield _line(change, Because.AVERAGED, rules.version, "averaging")
    if unit in classes and base.month:
        earned += base.month
        yield _line(base.month, Because.BASE, rules.version, "base.month")
    if base.cap is not None and earned > base.cap:
        yield _line(base.cap - earned, Because.CAPPED, rules.version, "base.cap")


def _line(points: Decimal, why: Because, version: str, rule: str) -> Counted:
    return Counted(entry=None, points=points, why=why, rule_version=version, rule=rule)


def _sum(lines: Iterable[Counted]) -> Decimal:
    return sum((line.points for line in lines), ZERO)


def _adopted(lines: Iterable[Counted]) -> set[UUID | None]:
    """Return the reports that stand adopted: also where another publication of the same is the one that counts."""
    gone = (Because.REVERSED, Because.SUPERSEDED)
    return {
        line.entry.report
        for line in lines
        if line.entry is not None and line.entry.kind in ADOPTIONS and line.entry.items > 0 and line.why not in gone
    }
