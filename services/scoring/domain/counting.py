"""What each entry of a year counts by itself, before what concerns whole months (``settlement.py``). In this order:

1. What was taken back counts nothing, nor does the line that takes it back. A line that takes back something of an
   earlier year counts as it is: that year is closed. (An adjustment is taken back in its own.)
2. An entry by a version that was not in force on its day counts nothing (rules may arrive after what they supersede).
3. Of several rules that fit one event, one counts: solicited, then the series by name, then ``*``; of equals the higher.
4. Of several publications of a report at one level the highest counts, where the rules say so.
5. Of several instructions on a report at one level the first counts, where the rules say so.
6. A percentage is taken of what its item counts then; a deduction that takes effect from the nth time counts from there.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Hashable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from services.kit.calendar import day_of
from services.scoring.domain.entry import Entry, Kind
from services.scoring.domain.points import ZERO, rounded
from services.scoring.domain.rules import ANY, SOLICITED, Effect, Repeated, RuleBook, Several

ADOPTIONS: Final = frozenset({Kind.ADOPTED, Kind.MERGED})
ITEM_KINDS: Final = ADOPTIONS | {Kind.SELECTED, Kind.INSTRUCTION}


class Because(StrEnum):
    """Why something counts other than its entry says; empty where it counts as it is."""

    PLAIN = ""
    REVERSED = "reversed"  # taken back, or what takes it back
    SUPERSEDED = "rules_superseded"  # by a version that was not in force
    OTHER_RULE = "other_rule"  # another rule fits this event better
    NOT_HIGHEST = "not_highest"  # another publication of the report is worth more
    REPEATED = "instruction_repeated"
    PERCENT = "percent"
    TOO_FEW = "too_few"  # of a deduction that takes effect from the nth time
    YEAR = "year_zeroed"
    BASE = "base"  # these concern months, and have no entry
    AVERAGED = "averaged"
    CAPPED = "capped"


class Counted(Struct, frozen=True, kw_only=True, gc=False):
    """A line of a unit's month: what an entry, or a rule about the month, counts."""

    entry: Entry | None  # None where a rule about the month makes the line
    points: Decimal  # as it counts
    why: Because = Because.PLAIN
    rule_version: str
    rule: str


class _Line:
    """An entry while it is being settled."""

    __slots__ = ("entry", "points", "why")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.points = entry.points
        self.why = Because.PLAIN

    def drop(self, why: Because) -> None:
        """Let it count nothing."""
        self.why, self.points = why, ZERO

    @property
    def is_line_back(self) -> bool:
        """Whether it takes another back."""
        return self.entry.reverses is not None


class Tally:
    """The entries of one hub's year and what each counts."""

    def __init__(self, entries: Iterable[Entry], book: RuleBook) -> None:
        ordered = sorted(entries, key=lambda e: (e.month, e.at, e.event, e.id))
        self._lines: Final = [_Line(entry) for entry in ordered]
        self._versions: Final = {each.version: each for each in book}
        self._drop_reversed()
        self._drop_superseded(book)
        self._choose(lambda e: (e.event, e.unit, e.report), ITEM_KINDS, _best_rule, Because.OTHER_RULE)
        several = {each.version for each in book if each.several_publications is Several.HIGHEST}
        once = {each.version for each in book if each.repeated_instructions is Repeated.ONCE}
        self._choose(lambda e: (e.unit, e.report, e.level), ADOPTIONS, _highest, Because.NOT_HIGHEST, several)
        self._choose(lambda e: (e.unit, e.report, e.level), {Kind.INSTRUCTION}, _first, Because.REPEATED, once)
        self._deduct()

    def lines(self) -> Iterator[Counted]:
        """Yield a line for each entry, in order of month and time."""
        for line in self._lines:
            entry = line.entry
            yield Counted(
                entry=entry, points=line.points, why=line.why, rule_version=entry.rule_version, rule=entry.rule
            )

    def zeroed(self) -> dict[str, Entry]:
        """Return the units whose whole year counts nothing, with the deduction that says so."""
        found: dict[str, Entry] = {}
        for line in self._lines:
            if line.why is Because.YEAR:
                found.setdefault(line.entry.unit, line.entry)
        return found

    def _standing(self, kinds: Container[Kind]) -> list[_Line]:
        return [line for line in self._lines if line.why is Because.PLAIN and line.entry.kind in kinds]

    def _drop_reversed(self) -> None:
        backs = [line for line in self._lines if line.is_line_back]
        if not backs:
            return
        by_id = {line.entry.id: line for line in self._lines}
        for back in backs:  # a later reversal's line is itself taken back, so that it never counts twice
            target = by_id.get(back.entry.reverses) if back.entry.reverses else None
            if target is not None:
                target.drop(Because.REVERSED)
                back.drop(Because.REVERSED)

    def _drop_superseded(self, book: RuleBook) -> None:
        in_force: dict[date, str] = {}
        for line in self._standing(frozenset(Kind)):
            if line.is_line_back:
                continue
            day = day_of(line.entry.at)
            if day not in in_force:
                rules = book.in_force(day)
                in_force[day] = rules.version if rules else ""
            if in_force[day] != line.entry.rule_version:
                line.drop(Because.SUPERSEDED)

    def _choose(
        self,
        key: Callable[[Entry], Hashable],
        kinds: Container[Kind],
        best: Callable[[Sequence[Entry]], Entry],
        why: Because,
        versions: Collection[str] | None = None,
    ) -> None:
        """Let one entry of each group count; only those of ``versions`` give way, where given."""
        if versions is not None and not versions:
            return
        groups: dict[Hashable, list[_Line]] = {}
        for line in self._standing(kinds):
            if versions is None or not line.is_line_back:
                groups.setdefault(key(line.entry), []).append(line)
        for group in groups.values():
            if len(group) > 1:
                kept = best([line.entry for line in group])
                for line in group:
                    if line.entry is not kept and (versions is None or line.entry.rule_version in versions):
                        line.drop(why)

    def _deduct(self) -> None:
        deductions = [line for line in self._standing({Kind.DEDUCTION}) if not line.is_line_back]
        of_item: defaultdict[tuple[str, UUID | None], Decimal] = defaultdict(Decimal)
        for line in self._standing(ITEM_KINDS) if deductions else ():
            of_item[line.entry.unit, line.entry.report] += line.points
        times: Counter[tuple[str, str]] = Counter()
        for line in deductions:
            entry = line.entry
            deduction = self._versions[entry.rule_version].deductions[entry.rule.removeprefix("deductions.")]
            times[entry.unit, entry.rule] += 1
            if times[entry.unit, entry.rule] < deduction.times:
                line.drop(Because.TOO_FEW)
            elif deduction.effect is Effect.YEAR:
                line.drop(Because.YEAR)
            elif deduction.effect is Effect.PERCENT and deduction.percent is not None:
                line.points = -rounded(of_item[entry.unit, entry.report] * deduction.percent / 100)
                line.why = Because.PERCENT


def _best_rule(entries: Sequence[Entry]) -> Entry:
    return max(entries, key=lambda e: (_fit(e.rule), abs(e.points), e.id))


def _fit(rule: str) -> int:
    series = rule.partition("@")[0].partition("/")[0].rpartition(".")[2]
    return {SOLICITED: 2, ANY: 0}.get(series, 1)


def _highest(entries: Sequence[Entry]) -> Entry:
    return max(entries, key=lambda e: (e.points, -e.at.timestamp(), e.id))


def _first(entries: Sequence[Entry]) -> Entry:
    return min(entries, key=lambda e: (e.at, e.id))
