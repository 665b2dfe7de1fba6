"""A dry run tells which of the hub's own series a draft knows nothing of."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from proto.messages import Level
from services.scoring.domain.rules import RuleSet
from services.scoring.domain.trial import unknown_series
from tests.scoring_facts import CITY, COUNTY, PROVINCE, decided, item, shipped


def draft(level: Level, **table: Any) -> RuleSet:
    points = {level: {"*" if name == "any" else name: Decimal(worth) for name, worth in table.items()}}
    return replace(shipped("default"), points=points)


def test_series_that_a_draft_does_not_know_are_named() -> None:
    facts = [
        decided(1, item(11, COUNTY), hub=CITY, series="special"),
        decided(2, item(12, COUNTY), hub=CITY, series="daily"),
        decided(3, item(13, COUNTY), hub=CITY, series="special"),
        decided(4, item(14, CITY), hub=PROVINCE, series="research"),
    ]
    assert unknown_series(CITY, facts, draft(Level.CITY, 要情=3)) == ["daily", "special"]
    assert unknown_series(CITY, facts, draft(Level.PROVINCE, daily=3)) == ["daily", "special"]
    assert unknown_series(CITY, facts, draft(Level.CITY, daily=3)) == ["special"]
    assert unknown_series(CITY, facts, draft(Level.CITY, any=3)) == []
    assert unknown_series(CITY, [], draft(Level.CITY, daily=3)) == []
