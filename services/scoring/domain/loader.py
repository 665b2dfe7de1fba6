"""Reading a rule file: TOML text in, a ``RuleSet`` out, or ``RuleError`` with file, line and reason."""

import re
import tomllib
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.scoring.domain.rules import MAX_POINTS, PLACES, Merged, RuleError, RuleSet, Tier

_AT_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_MSGSPEC_PATH: Final = re.compile(r" - at `\$\.?([^`\[]*)[^`]*`$")
_NOT_YET: Final = {"several_publications": ("highest",)}
"""Values that real standards know and this version does not: refused by name rather than scored wrongly."""


def parse(text: str, file: str) -> RuleSet:
    """Return the rule set of a file's text."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        at = int(found[1]) if found else max(len(text.splitlines()), 1)
        raise RuleError(file, f"not TOML: {_AT_LINE.sub('', str(error))}", at) from error
    for key, values in _NOT_YET.items():
        if raw.get(key) in values:
            raise RuleError(file, f"{key} = {raw[key]!r} is not yet supported by this version", _line_of(text, "", key))
    _check_dates(raw, text, file)
    for tier, table in _table(raw, "points", text, file).items():
        _check_tier(tier, "points", text, file)
        if not isinstance(table, dict) or not table:
            raise RuleError(file, f"points.{tier} must be a table of series and points", _line_of(text, "points", tier))
        for series, points in table.items():
            _check_points(points, f"points.{tier}", series, text, file)
    for tier, points in _table(raw, "merged_points", text, file).items():
        _check_tier(tier, "merged_points", text, file)
        _check_points(points, "merged_points", tier, text, file)
    try:
        rule_set = msgspec.convert(raw, RuleSet)
    except msgspec.ValidationError as error:
        path = _MSGSPEC_PATH.search(str(error))
        key = path[1] if path else ""
        unknown = re.search(r"unknown field `([^`]+)`", str(error))
        line = _line_of(text, "", unknown[1] if unknown else key)
        reason = _MSGSPEC_PATH.sub("", str(error))
        raise RuleError(file, f"{key}: {reason}" if key else reason, line) from error
    _check_whole(rule_set, text, file)
    return rule_set


def _check_dates(raw: dict[str, Any], text: str, file: str) -> None:
    for key in ("effective_from", "effective_to"):
        if isinstance(raw.get(key), datetime):
            raise RuleError(file, f"{key} is a day, without a time", _line_of(text, "", key))


def _table(raw: dict[str, Any], name: str, text: str, file: str) -> dict[str, Any]:
    table = raw.get(name, {})
    if not isinstance(table, dict):
        raise RuleError(file, f"{name} must be a table", _line_of(text, "", name))
    return table


def _check_tier(tier: str, table: str, text: str, file: str) -> None:
    if tier not in tuple(Tier):
        line = _line_of(text, table, tier)
        raise RuleError(file, f"{table}.{tier}: the tiers are {', '.join(Tier)}", line)


def _check_points(points: object, table: str, key: str, text: str, file: str) -> None:
    a_number = isinstance(points, int | Decimal) and not isinstance(points, bool)
    value = Decimal(points) if a_number else Decimal("NaN")  # type: ignore[arg-type]  # narrowed by ``a_number``
    if not value.is_finite() or not 0 <= value <= MAX_POINTS or value != round(value, PLACES):
        reason = f"{table}.{key}: points are a number from 0 to {MAX_POINTS} with at most {PLACES} decimal places"
        raise RuleError(file, reason, _line_of(text, table, key))


def _check_whole(rule_set: RuleSet, text: str, file: str) -> None:
    if rule_set.effective_to is not None and rule_set.effective_to < rule_set.effective_from:
        raise RuleError(file, "effective_to lies before effective_from", _line_of(text, "", "effective_to"))
    missing = [tier.value for tier in Tier if tier not in rule_set.points]
    if missing:
        raise RuleError(file, f"there are no points for {', '.join(missing)}", _line_of(text, "points", ""))
    if (rule_set.merged is Merged.FIXED) != bool(rule_set.merged_points):
        line = _line_of(text, "", "merged")
        raise RuleError(file, 'merged_points is given if, and only if, merged = "fixed"', line)
    if rule_set.merged is Merged.FIXED and set(rule_set.merged_points) != set(Tier):
        raise RuleError(file, "merged_points must name every tier", _line_of(text, "merged_points", ""))


def _line_of(text: str, table: str, key: str) -> int | None:
    """Return the line where ``key`` of ``table`` stands, of the table's header where the key has none of its own."""
    current, header = "", None
    for number, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            current = found[1]
            if current == table or current == f"{table}.{key}".strip("."):
                header = header or number
        elif (assigned := re.match(r"\s*[\"']?([^\"'=]+?)[\"']?\s*=", line)) and (
            (current == table and assigned[1] == key) or (current == "" and assigned[1] == f"{table}.{key}".strip("."))
        ):
            return number
    return header
