"""Facts to score with: a province, a city with counties, a department; short names for what a test is about.

Ids are small numbers, so that a test can say which report it means.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from proto.messages import (
    Adjustment,
    AdjustmentLine,
    Closure,
    DecidedItem,
    Decision,
    Instruction,
    Level,
    Progress,
    PublicationRef,
    Step,
    Verdict,
)
from services.scoring.domain.known import Fact, Known
from services.scoring.domain.ledger import Entry, ledger_of
from services.scoring.domain.loader import parse
from services.scoring.domain.rules import RuleBook, RuleSet
from services.scoring.domain.settlement import Settlement, settle

PROVINCE, CITY = "320000", "320500"
COUNTY, OTHER, THIRD = "320583", "320582", "320581"
DEPARTMENT = "320000-fgw"
SHIPPED = Path("deploy/sample/rules")
NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
"""The tenth of March 2026 in Jiangsu, at noon."""
HOMES = {COUNTY: CITY, OTHER: CITY, THIRD: CITY}
_RANK = {PROVINCE: Level.PROVINCE, CITY: Level.CITY}


def uid(number: int) -> UUID:
    return UUID(int=number)


def at(month: int, day: int = 10) -> datetime:
    """Noon of a day of 2026 in Jiangsu."""
    return NOON.replace(month=month, day=day)


def item(report: int, unit: str = COUNTY, share: str = "1") -> DecidedItem:
    return DecidedItem(report=uid(report), origin=unit, share=Decimal(share))


def _fact(event: Decision | Instruction | Adjustment | Closure) -> Fact:
    homes = {}
    if event.origin == PROVINCE and isinstance(event, Decision | Instruction):
        homes = {each.origin: HOMES[each.origin] for each in event.items if each.origin in HOMES}
    return Fact(event=event, level=_RANK[event.origin], homes=homes)


def decided(
    id: int,
    *items: DecidedItem,
    hub: str = CITY,
    series: str = "daily",
    verdict: Verdict | None = None,
    level: Level | None = None,
    about: int | None = None,
    sent_as: int | None = None,
    when: datetime = NOON,
) -> Fact:
    """A decision; adopted, or merged where there are several items."""
    made = verdict or (Verdict.MERGED if len(items) > 1 else Verdict.ADOPTED)
    return _fact(
        Decision(
            id=uid(id), origin=hub, to=tuple(dict.fromkeys(each.origin for each in items)), sent_at=when, verdict=made,
            about=uid(about) if about is not None else None, items=items, level=level, editor="editor",
            publication=PublicationRef(series=series, issue="7") if series and made is not Verdict.REVERSED else None,
            forwarded_as=uid(sent_as) if sent_as is not None else None,
        )
    )  # fmt: skip


def selected(
    id: int, *items: DecidedItem, sent_as: int | None = None, hub: str = CITY, level: Level = Level.PROVINCE,
    series: str = "", when: datetime = NOON,
) -> Fact:  # fmt: skip
    return decided(
        id, *items, hub=hub, verdict=Verdict.SELECTED, level=level, sent_as=sent_as, series=series, when=when
    )


def reversed_(id: int, about: int, *, hub: str = CITY, when: datetime = NOON + timedelta(hours=1)) -> Fact:
    return decided(id, item(0), hub=hub, verdict=Verdict.REVERSED, about=about, when=when)


def instructed(
    id: int, *items: DecidedItem, hub: str = CITY, level: Level | None = None, when: datetime = NOON
) -> Fact:
    return _fact(
        Instruction(
            id=uid(id), origin=hub, to=(items[0].origin,), sent_at=when, level=level or _RANK[hub], items=items,
            leader="【样例】", rank="【样例】", text="【样例】",
        )
    )  # fmt: skip


def adjusted(
    id: int, rule: str, *, unit: str = COUNTY, month: str = "2026-03", points: str | None = None,
    report: int | None = None, hub: str = CITY, when: datetime = NOON,
) -> Fact:  # fmt: skip
    line = AdjustmentLine(
        unit=unit, month=month, rule=rule, points=Decimal(points) if points is not None else None,
        report=uid(report) if report is not None else None,
    )  # fmt: skip
    return _fact(
        Adjustment(id=uid(id), origin=hub, to=(unit,), sent_at=when, lines=(line,), person="lead", reason="【样例】")
    )


def answered(id: int, report: int, *, unit: str = COUNTY, hub: str = CITY) -> list[Fact]:
    """A unit's answer to what the hub had asked for, and that the hub accepted it."""
    progress = Progress(
        id=uid(id), origin=unit, to=(hub,), sent_at=NOON, about=uid(900), step=Step.FED_BACK, person="officer",
        answer=uid(report),
    )  # fmt: skip
    closure = Closure(id=uid(id + 1), origin=hub, to=(unit,), sent_at=NOON, about=uid(900), accepted=uid(id))
    return [Fact(event=progress), _fact(closure)]


def shipped(name: str) -> RuleSet:
    """A rule file as it is shipped."""
    path = SHIPPED / f"{name}.toml"
    return parse(path.read_text(encoding="utf-8"), path.name)


def rules(text: str = "", points: str = "[points.city]\ndaily = 3\nspecial = 10\n", *, top: str = "") -> RuleSet:
    """Rules with this much of their own."""
    head = 'version = "1"\ntitle = "样例"\ntitle_en = "Example"\neffective_from = 2026-01-01\n'
    return parse(f"{head}{top}\n{points}{text}", "test.toml")


def books(**hubs: RuleSet | RuleBook) -> Callable[[str], RuleBook]:
    """Books by the names ``city`` and ``province``."""
    found: Mapping[str, RuleBook] = {
        {"city": CITY, "province": PROVINCE}[name]: each if isinstance(each, RuleBook) else RuleBook([each])
        for name, each in hubs.items()
    }
    return lambda hub: found.get(hub, RuleBook())


def ledger(facts: Iterable[Fact], of: Callable[[str], RuleBook]) -> list[Entry]:
    return ledger_of(Known(facts, of))


def settled(
    facts: Iterable[Fact], of: Callable[[str], RuleBook], *, hub: str = CITY, through: str = "2026-12",
    units: Mapping[str, str] | None = None,
) -> Settlement:  # fmt: skip
    """What a hub's account comes to."""
    return settle((each for each in ledger(facts, of) if each.hub == hub), of(hub), through, units)


def totals(facts: Iterable[Fact], of: Callable[[str], RuleBook], *, hub: str = CITY) -> dict[str, str]:
    """Each unit's points of the year in one account, as people write them."""
    settlement = settled(facts, of, hub=hub)
    return {unit: str(settlement.year_points(unit)) for unit in settlement.units()}
