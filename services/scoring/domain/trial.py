"""A dry run of rules (试算): what a draft would have made of the months past, unit by unit (Art. 19). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from proto.messages import Decision
from services.kit.calendar import first_day
from services.scoring.domain.known import CREDITED, Books, Fact, Known
from services.scoring.domain.ledger import Entry, ledger_of
from services.scoring.domain.points import ZERO, plain
from services.scoring.domain.rules import ANY, RuleBook, RuleSet
from services.scoring.domain.settlement import settle


class Change(Struct, frozen=True, kw_only=True):
    """What the draft would change for one unit."""

    unit: str
    now: Decimal  # points of these months by the rules that were in force
    then: Decimal  # by the draft
    difference: Decimal


def dry_run(
    hub: str, facts: Iterable[Fact], books: Books, draft: RuleSet, months: Sequence[str], units: Mapping[str, str]
) -> list[Change]:
    """Return what each unit's points of these months, in order, would have been, had the draft been in force in all of them.

    ``facts`` are all since January of the first month's year; ``units`` the hub's units and their classes.
    """
    known = list(facts)
    drafted = RuleBook([replace(draft, effective_from=first_day(f"{months[0][:4]}-01"), effective_to=None)])

    def with_draft(code: str) -> RuleBook:
        return drafted if code == hub else books(code)

    now = _points(hub, Known(known, books), books(hub), months, units)
    then = _points(hub, Known(known, with_draft), drafted, months, units)
    changes = [
        Change(
            unit=unit,
            now=plain(now.get(unit, ZERO)),
            then=plain(then.get(unit, ZERO)),
            difference=plain(then.get(unit, ZERO) - now.get(unit, ZERO)),
        )
        for unit in sorted({*now, *then, *units})
    ]
    return sorted(changes, key=lambda each: (-abs(each.difference), each.unit))


def unknown_series(hub: str, facts: Iterable[Fact], draft: RuleSet) -> list[str]:
    """Return the series in which a hub adopted something and of which a draft knows none: what they print would score nothing."""
    places = {
        (fact.level, fact.event.publication.series)
        for fact in facts
        if isinstance(fact.event, Decision) and fact.event.origin == hub and fact.event.publication is not None
        if fact.level is not None and fact.verdict in CREDITED
    }
    tables = {level: draft.points.get(level, {}) for level, _ in places}
    return sorted({series for level, series in places if series not in tables[level] and ANY not in tables[level]})


def _points(
    hub: str, known: Known, book: RuleBook, months: Sequence[str], units: Mapping[str, str]
) -> dict[str, Decimal]:
    by_year: dict[str, list[Entry]] = {}
    for entry in ledger_of(known):
        if entry.hub == hub:
            by_year.setdefault(entry.month[:4], []).append(entry)
    points: dict[str, Decimal] = {}
    for year in sorted({month[:4] for month in months}):
        last = max(month for month in months if month[:4] == year)
        settled = settle(by_year.get(year, ()), book, last, units)
        for unit in settled.units():
            for each in settled.of_unit(unit):
                if each.month in months:
                    points[unit] = points.get(unit, ZERO) + each.points
    return points
