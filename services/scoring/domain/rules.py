"""Point rules: what each thing is worth to a unit in one hub's account, as dated versions (Arts. 1, 13, 19, 20).

No value here is any province's standard: values are data in rule files, and real standards contradict one another, hence
the switches. ``docs/reference/rules.md`` explains every key of the file to whoever writes one.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final

from msgspec import Meta, Struct

from proto.limits import MAX_NAME_CHARS, MAX_POINT_PLACES
from proto.messages import Level
from proto.messages.base import Code

Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$(?!\n)")]
"""A version or a deduction's code, fit for a column, a URL and a table cell."""
Label = Annotated[str, Meta(pattern=r"^[^\s./@]{1,30}$(?!\n)")]
"""A series or a class of units. Short, so that version, table, series and route make one label on the wire."""
Title = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]

MAX_POINTS: Final = Decimal(9999)
PLACES: Final = MAX_POINT_PLACES
"""Decimal places of points in rule files and in the ledger."""
ANY: Final = "*"
"""In a table of series: any that is not named. In ``base``: any class of units that is not named."""
SOLICITED: Final = "solicited"
"""In a table of series: an item that answers a solicitation (约稿), whatever the series."""
APPEAL: Final = "appeal"
"""The rule of an adjustment that answers an appeal; no deduction may be called so."""

Table = Mapping[str, Decimal]
"""Series of a publication (刊物), ``*`` or ``solicited`` → points."""


class Merged(StrEnum):
    """What each unit of a joint item gets (综合采用的计分)."""

    SPLIT = "split"  # the series' points by the decision's shares
    EQUAL = "equal"  # the series' points in equal parts
    FIXED = "fixed"  # the same fixed points to each
    FULL = "full"  # the series' points to each


class Several(StrEnum):
    """What several publications of one report at one level are worth (多次刊用)."""

    ACCUMULATE = "accumulate"  # each counts
    HIGHEST = "highest"  # the one worth most


class Repeated(StrEnum):
    """What several instructions on one report at one level are worth (重复批示)."""

    EACH = "each"
    ONCE = "once"  # the first


class Averaging(StrEnum):
    """Whether a unit's month is averaged over its items (篇均分)."""

    NONE = "none"
    ITEMS = "items"


class Effect(StrEnum):
    """What a deduction does (扣分方式)."""

    FIXED = "fixed"  # takes points
    PERCENT = "percent"  # takes a part of what the item named counts for
    YEAR = "year"  # the whole year counts nothing


class Worth(StrEnum):
    """Whose points an adoption by a higher hub is worth in the lower hub's account."""

    OWN = "own"  # those of the account's own tables
    THEIRS = "theirs"  # those that the higher hub's rules give for it (按上级计分)


class Routes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a higher hub makes of an item, in the lower hub's account: factors on the points of its adoption.

    0 switches a route off, instructions and selections included, which no other factor touches.
    """

    worth: Worth = Worth.OWN
    direct: Decimal = Decimal(1)  # 直报: the unit itself reported it to the higher hub
    through: Decimal = Decimal(1)  # 经转报: this hub sent it on
    national: Decimal | None = None  # in place of both, where adopted at national level


class Base(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each unit of a class has every month, and what its month cannot exceed (基础分、封顶)."""

    month: Decimal = Decimal(0)
    cap: Decimal | None = None


class Deduction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something for which points are taken (扣分项)."""

    title: Title
    effect: Effect
    points: Decimal | None = None  # only where fixed
    percent: Decimal | None = None  # only where percent: above 0, at most 100
    times: Annotated[int, Meta(ge=1, le=100)] = 1  # takes effect from this occurrence in a year on


class RuleSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a hub's point rules (计分规则), by which its own account is kept."""

    version: Word
    title: Title
    title_en: Title
    effective_from: date  # first day, in Asia/Shanghai
    effective_to: date | None = None  # last day; None: until the next version begins
    merged: Merged = Merged.SPLIT
    merged_points: Mapping[Level, Decimal] = {}  # if, and only if, ``merged`` is fixed
    several_publications: Several = Several.ACCUMULATE
    repeated_instructions: Repeated = Repeated.EACH
    averaging: Averaging = Averaging.NONE
    points: Mapping[Level, Table] = {}  # adopted, by level
    selected: Mapping[Level, Table] = {}  # sent on (选送), by the level to which
    instructions: Mapping[Level, Table] = {}  # by the leader's level and the series in which the item appeared
    routes: Routes = Routes()
    base: Mapping[str, Base] = {}  # by class of unit, or ``*``
    deductions: Mapping[Word, Deduction] = {}
    obligations: Mapping[str, Mapping[str, int]] = {}  # what is owed a month: code → class → how much
    credited_to: Mapping[Code, Code] = {}  # a unit whose points go to another, such as its county

    def covers(self, day: date) -> bool:
        """Tell whether ``day`` lies within this version's dates."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def base_of(self, unit_class: str) -> Base:
        """Return what units of a class have every month."""
        return self.base.get(unit_class) or self.base.get(ANY) or Base()


class RuleError(Exception):
    """Rules cannot be used; the text names file (or version), line where known, and reason."""

    def __init__(self, file: str, reason: str, line: int | None = None) -> None:
        super().__init__(f"{file}:{line}: {reason}" if line else f"{file}: {reason}")
        self.file, self.reason, self.line = file, reason, line


class RuleBook:
    """All versions of one hub's rules; at most one is in force on any day. A hub may have none, and then scores nothing."""

    def __init__(self, versions: Iterable[RuleSet] = ()) -> None:
        """Take the versions in any order; raise ``RuleError`` where they contradict one another."""
        ordered = sorted(versions, key=lambda each: (each.effective_from, each.version))
        names = set()
        for each in ordered:
            if each.version in names:
                raise RuleError(each.version, "there are two versions of this name")
            names.add(each.version)
        for earlier, later in pairwise(ordered):
            if earlier.effective_from == later.effective_from or (
                earlier.effective_to is not None and earlier.effective_to >= later.effective_from
            ):
                begins = f"begins on {later.effective_from}, while {earlier.version} is in force"
                raise RuleError(later.version, begins)
        self._versions: Final = tuple(ordered)

    def __iter__(self) -> Iterator[RuleSet]:
        return iter(self._versions)

    def in_force(self, day: date) -> RuleSet | None:
        """Return the version in force on a day; None before the first, after the last and in a gap."""
        for each in reversed(self._versions):
            if each.effective_from <= day:
                return each if each.covers(day) else None
        return None

    def version(self, name: str) -> RuleSet | None:
        """Return the version of that name; None where there is none."""
        return next((each for each in self._versions if each.version == name), None)

    def with_version(self, added: RuleSet) -> "RuleBook":
        """Return a book with one version more, or this one where it has just that; raise ``RuleError``."""
        return self if self.version(added.version) == added else RuleBook((*self._versions, added))
