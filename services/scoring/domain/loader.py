"""Reading a rule file: TOML text in, a ``RuleSet`` out, or ``RuleError`` with file, line and reason.

Every key is described in ``docs/reference/rules.md``.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from proto.messages import Level, ResearchClass, UnitClass
from proto.messages.base import Code
from services.kit.toml import TomlTooLargeError, read_toml
from services.scoring.domain.lines import line_of
from services.scoring.domain.rules import (
    ANY,
    APPEAL,
    MAX_POINTS,
    PLACES,
    SOLICITED,
    Base,
    Deduction,
    Effect,
    Label,
    Merged,
    Routes,
    RuleError,
    RuleSet,
    Word,
)

T = TypeVar("T")
_AT_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_PATH: Final = re.compile(r" - at `(?:key in )?\$\.?([^`\[]*)[^`]*`$")
_REGEX: Final = re.compile(r"Expected `str` matching regex .*")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]+)`")
_MOST: Final = Decimal(100)
_CLASSES: Final = frozenset(UnitClass)
_OWED: Final = {
    "research": _CLASSES | frozenset(ResearchClass),
    "adopted": _CLASSES,
    "points": _CLASSES,
    "staff": _CLASSES,
}
"""What can be owed a month, and by whom."""


def parse(text: str, file: str) -> RuleSet:
    """Return the rule set of a file's text; ``file`` is only for the words of a ``RuleError``."""
    return _Reader(text, file).read()


class _Reader:
    """One text on its way to a rule set. Tables are checked by hand, as msgspec does not say under which key a flaw is."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file

    def read(self) -> RuleSet:
        raw = self._toml()
        for key in ("effective_from", "effective_to"):
            if isinstance(raw.get(key), datetime):
                self._fail(key, "is a day, without a time")
        for name, least in (("points", Level.CITY), ("selected", Level.PROVINCE), ("instructions", Level.CITY)):
            raw[name] = self._levels(raw, name, least)
        raw["merged_points"] = self._each(raw, "merged_points", self._level_key, self._points)
        raw["routes"] = self._routes(raw)
        raw["base"] = self._bases(raw)
        raw["deductions"] = self._each(raw, "deductions", self._code, self._deduction)
        raw["obligations"] = self._obligations(raw)
        raw["credited_to"] = self._each(raw, "credited_to", self._unit, self._unit)
        rules = self._convert("", raw, RuleSet)
        self._check_whole(rules)
        return rules

    def _toml(self) -> dict[str, Any]:
        try:
            return read_toml(self._text, parse_float=Decimal)
        except TomlTooLargeError as error:
            raise RuleError(self._file, str(error), error.line) from error
        except RecursionError as error:
            raise RuleError(self._file, "not TOML: nested too deeply") from error
        except tomllib.TOMLDecodeError as error:
            found = _AT_LINE.search(str(error))
            at = int(found[1]) if found else max(len(self._text.splitlines()), 1)
            raise RuleError(self._file, f"not TOML: {_AT_LINE.sub('', str(error))}", at) from error
        except ValueError as error:
            raise RuleError(self._file, "not TOML: a number of too many digits") from error

    def _levels(self, raw: dict[str, Any], name: str, least: Level) -> dict[str, Any]:
        """Return a table by level and series; a bare number stands for any series."""
        found = {}
        for level, value in self._table(raw.get(name, {}), name).items():
            path = f"{name}.{level}"
            self._level_key(level, path)
            if least is Level.PROVINCE and level == Level.CITY:
                self._fail(path, "what is sent on goes to the province or the national level")
            if not isinstance(value, dict):
                found[level] = {ANY: self._points(value, path)}
                continue
            if not value:
                self._fail(path, "names no series")
            found[level] = self._each({name: value}, name, self._series, self._points, path)
        return found

    def _routes(self, raw: dict[str, Any]) -> Routes:
        table = self._table(raw.get("routes", {}), "routes")
        for key in ("direct", "through", "national"):
            if key in table:
                self._number(table[key], f"routes.{key}", "a factor", _MOST)
        return self._convert("routes", table, Routes)

    def _bases(self, raw: dict[str, Any]) -> dict[str, Base]:
        table = self._table(raw.get("base", {}), "base")
        plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
        found = {ANY: plain} if plain else {}
        found |= {key: value for key, value in table.items() if isinstance(value, dict)}
        return {key: self._base(key, value) for key, value in found.items()}

    def _base(self, unit_class: str, value: dict[str, Any]) -> Base:
        path = "base" if unit_class == ANY else f"base.{unit_class}"
        if unit_class != ANY:
            self._one_of(unit_class, _CLASSES, path, "classes")
        for key in ("month", "cap"):
            if key in value:
                self._points(value[key], f"{path}.{key}")
        base = self._convert(path, value, Base)
        if base.cap is not None and base.cap < base.month:
            self._fail(f"{path}.cap", "lies below the base points of a month")
        return base

    def _deduction(self, value: object, path: str) -> Deduction:
        table = self._table(value, path)
        if "points" in table:
            self._points(table["points"], f"{path}.points")
        if "percent" in table:
            self._number(table["percent"], f"{path}.percent", "a percentage", _MOST)
        found = self._convert(path, table, Deduction)
        for effect, key in ((Effect.FIXED, "points"), (Effect.PERCENT, "percent")):
            if (found.effect is effect) != (key in table):
                self._fail(path, f'{key} is given if, and only if, effect = "{effect}"')
        return found

    def _obligations(self, raw: dict[str, Any]) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for code, value in self._table(raw.get("obligations", {}), "obligations").items():
            path = f"obligations.{code}"
            self._one_of(code, _OWED, path, "obligations")
            found[code] = {}
            for unit_class, amount in self._table(value, path).items():
                self._one_of(unit_class, _OWED[code], f"{path}.{unit_class}", "classes")
                if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount <= MAX_POINTS:
                    self._fail(f"{path}.{unit_class}", f"a whole number from 0 to {MAX_POINTS}")
                found[code][unit_class] = amount
        return found

    def _check_whole(self, rules: RuleSet) -> None:
        if rules.effective_to is not None and rules.effective_to < rules.effective_from:
            self._fail("effective_to", "lies before effective_from")
        if not rules.points:
            self._fail("points", "there are no points for any level")
        if (rules.merged is Merged.FIXED) != bool(rules.merged_points):
            self._fail("merged", 'merged_points is given if, and only if, merged = "fixed"')
        if rules.merged is Merged.FIXED and set(rules.merged_points) != set(rules.points):
            self._fail("merged_points", "must name the levels that have points, and no other")
        for unit, other in rules.credited_to.items():
            if other in rules.credited_to:
                self._fail(f"credited_to.{unit}", f"{other} gives its points to another unit, or to itself")

    def _each(
        self,
        raw: dict[str, Any],
        name: str,
        check_key: Callable[[str, str], object],
        value_of: Callable[[object, str], Any],
        path: str = "",
    ) -> dict[str, Any]:
        path = path or name
        found = {}
        for key, value in self._table(raw.get(name, {}), path).items():
            check_key(key, f"{path}.{key}")
            found[key] = value_of(value, f"{path}.{key}")
        return found

    def _level_key(self, level: str, path: str) -> None:
        self._one_of(level, frozenset(Level), path, "levels")

    def _series(self, series: str, path: str) -> None:
        if series != ANY and not _is(series, Label):
            self._fail(path, "a series is 1 to 30 characters without space, point, slash or @")
        if series == SOLICITED and path.startswith("instructions."):
            self._fail(path, "an instruction is not solicited")

    def _code(self, code: str, path: str) -> None:
        if code == APPEAL or not _is(code, Word):
            self._fail(path, f"a deduction's code is a word of letters, digits, . _ - and not {APPEAL!r}")

    def _unit(self, code: object, path: str) -> str:
        if not isinstance(code, str) or not _is(code, Code):
            self._fail(path, "a unit's code, such as 320583 or 320000-fgw")
        return code

    def _points(self, value: object, path: str) -> Decimal:
        return self._number(value, path, "points", MAX_POINTS)

    def _number(self, value: object, path: str, what: str, most: Decimal) -> Decimal:
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        number = Decimal(value) if is_number else Decimal("NaN")  # type: ignore[arg-type]  # narrowed by ``is_number``
        if not number.is_finite() or not 0 <= number <= most or number != round(number, PLACES):
            self._fail(path, f"{what}: a number from 0 to {most} with at most {PLACES} decimal places")
        return number

    def _table(self, value: object, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._fail(path, "must be a table")
        return value

    def _one_of(self, key: str, known: Iterable[str], path: str, what: str) -> None:
        if key not in known:
            self._fail(path, f"the {what} are {', '.join(sorted(known))}")

    def _convert(self, path: str, value: object, type: type[T]) -> T:
        try:
            return msgspec.convert(value, type)
        except msgspec.ValidationError as error:
            text = str(error)
            found, unknown = _PATH.search(text), _UNKNOWN.search(text)
            key = unknown[1] if unknown else (found[1] if found else "")
            self._fail(
                ".".join(filter(None, (path, key))), _REGEX.sub("not of the form asked for", _PATH.sub("", text))
            )

    def _fail(self, path: str, reason: str) -> NoReturn:
        raise RuleError(self._file, f"{path}: {reason}" if path else reason, line_of(self._text, path))


def _is(value: str, type: Any) -> bool:
    try:
        msgspec.convert(value, type)
    except msgspec.ValidationError:
        return False
    return True
