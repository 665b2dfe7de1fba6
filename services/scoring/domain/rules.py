"""Rule sets: what an adoption is worth, as dated versions (Arts. 1, 20).

No value here is any province's standard: values are data in rule files, and real standards contradict one another.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final

from msgspec import Meta, Struct

from proto.limits import MAX_LABEL_CHARS, MAX_NAME_CHARS

Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$(?!\n)")]
"""An id or a version, fit for a column, a URL and a table cell."""
Label = Annotated[str, Meta(min_length=1, max_length=MAX_LABEL_CHARS)]
Title = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]

MAX_POINTS: Final = Decimal(9999)
PLACES: Final = 4
"""Decimal places of points in rule files and in the ledger."""


class Tier(StrEnum):
    """Level of a hub (层级): the province's office and each city's have their own points (Art. 13)."""

    PROVINCE = "province"
    CITY = "city"


class Merged(StrEnum):
    """What each unit of a merged item gets (综合采用的计分)."""

    SPLIT = "split"  # the series' points by the decision's shares
    FIXED = "fixed"  # the same fixed points to each
    FULL = "full"  # the series' points to each


class Several(StrEnum):
    """What several publications of one report at one hub are worth (多次刊用)."""

    ACCUMULATE = "accumulate"  # each counts


class RuleSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a rule set (计分规则)."""

    id: Word
    version: Word
    title: Title
    title_en: Title
    effective_from: date  # first day, in Asia/Shanghai
    effective_to: date | None = None  # last day; None: until the next version begins
    merged: Merged = Merged.SPLIT
    several_publications: Several = Several.ACCUMULATE
    points: Mapping[Tier, Mapping[Label, Decimal]]  # by tier of the hub and series of the publication
    merged_points: Mapping[Tier, Decimal] = {}  # for ``merged = "fixed"``

    def covers(self, day: date) -> bool:
        """Tell whether ``day`` lies within this version's dates."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class RuleError(Exception):
    """A rule file cannot be used; the text names file, line where known, and reason."""

    def __init__(self, file: str, reason: str, line: int | None = None) -> None:
        super().__init__(f"{file}:{line}: {reason}" if line else f"{file}: {reason}")


class RuleBook:
    """All versions of the one rule set by which this service scores; at most one is in force on any day."""

    def __init__(self, versions: Iterable[tuple[str, RuleSet]]) -> None:
        """Take ``(file name, version)`` pairs; raise ``RuleError`` where they contradict one another."""
        ordered = sorted(versions, key=lambda pair: (pair[1].effective_from, pair[0]))
        if not ordered:
            raise RuleError("*.toml", "there is no rule file")
        seen: dict[str, str] = {}
        for file, each in ordered:
            if each.id != ordered[0][1].id:
                raise RuleError(
                    file,
                    f"rule set {each.id!r} beside {ordered[0][1].id!r} of {ordered[0][0]}: "
                    "several rule sets at once are not yet supported by this version",
                )
            if each.version in seen:
                raise RuleError(file, f"version {each.version!r} is also in {seen[each.version]}")
            seen[each.version] = file
        for (earlier_file, earlier), (file, later) in pairwise(ordered):
            if earlier.effective_from == later.effective_from or (
                earlier.effective_to is not None and earlier.effective_to >= later.effective_from
            ):
                raise RuleError(
                    file,
                    f"version {later.version!r} begins on {later.effective_from}, "
                    f"while {earlier.version!r} of {earlier_file} is in force",
                )
        self._versions: Final = tuple(each for _, each in ordered)

    def __iter__(self) -> Iterator[RuleSet]:
        return iter(self._versions)

    def in_force(self, day: date) -> RuleSet | None:
        """Return the version in force on a day; None before the first, after the last and in a gap."""
        begun = [each for each in self._versions if each.effective_from <= day]
        return begun[-1] if begun and begun[-1].covers(day) else None
