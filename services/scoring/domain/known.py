"""What is known: the facts that a ledger follows from, each a message that was judged, and how they find one another.

Facts meet through ids: a reversal names its decision, an instruction the reports, an adoption by the province the report
that a city sent on, an accepted answer the report that was asked for. ``refs_of`` says which, so that a store can load
just the neighbourhood of what arrives; a larger neighbourhood changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, cast
from uuid import UUID

from msgspec import Struct

from proto.messages import Adjustment, Closure, Decision, Instruction, Level, Progress, Verdict
from services.scoring.domain.rules import RuleBook

Event = Decision | Instruction | Adjustment | Progress | Closure
Books = Callable[[str], RuleBook]
"""Hub's code → its rules; a book without versions where it has none."""

CREDITED: Final = frozenset({Verdict.ADOPTED, Verdict.MERGED})


class Fact(Struct, frozen=True, kw_only=True):
    """A message that counts, with what the directory said about it when it was judged."""

    event: Event
    level: Level | None = None  # of the hub that says it; None for a unit's progress
    homes: Mapping[str, str] = {}  # county → its city, of the items of a province's event

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, where the event is a decision."""
        return self.event.verdict if isinstance(self.event, Decision) else None


def refs_of(fact: Fact) -> frozenset[UUID]:
    """Return the ids by which a fact is found, and finds others: its own, and those it names."""
    event = fact.event
    match event:
        case Decision() | Instruction():
            named = {event.id, *(item.report for item in event.items)}
            if isinstance(event, Decision):
                named |= {each for each in (event.forwarded_as, event.about) if each is not None}
            return frozenset(named)
        case Progress():
            return frozenset({event.id} | ({event.answer} if event.answer else set()))
        case Closure():
            return frozenset({event.id, event.accepted})
    return frozenset({event.id})


class Known:
    """A set of facts with its indexes. The order in which they are given makes no difference."""

    def __init__(self, facts: Iterable[Fact], books: Books) -> None:
        """``facts`` have distinct ids."""
        self.books: Final = books
        self.facts: Final = {fact.event.id: fact for fact in facts}
        self._on_report: defaultdict[UUID, list[Fact]] = defaultdict(list)  # decisions and instructions
        self._sent_as: defaultdict[UUID, list[Fact]] = defaultdict(list)  # selections, by the report that carries them
        self._reversals: defaultdict[UUID, list[Decision]] = defaultdict(list)
        self._answers: defaultdict[UUID, list[Progress]] = defaultdict(list)
        self._accepted: defaultdict[UUID, list[Closure]] = defaultdict(list)
        for fact in self.facts.values():
            self._index(fact)

    def _index(self, fact: Fact) -> None:
        event = fact.event
        match event:
            case Decision(verdict=Verdict.REVERSED):
                if event.about is not None:
                    self._reversals[event.about].append(event)
            case Decision() | Instruction():
                for report in {item.report for item in event.items}:
                    self._on_report[report].append(fact)
                if isinstance(event, Decision) and event.verdict is Verdict.SELECTED and event.forwarded_as:
                    self._sent_as[event.forwarded_as].append(fact)
            case Progress():
                if event.answer is not None:
                    self._answers[event.answer].append(event)
            case Closure():
                self._accepted[event.accepted].append(event)

    def reversals_of(self, targets: Iterable[UUID | None]) -> list[Decision]:
        """Return the rightful reversals of any of these, the earliest first: by the hub itself, of no reversal."""
        found = [
            reversal
            for target in targets
            if target is not None and (fact := self.facts.get(target)) is not None
            for reversal in self._reversals.get(target, ())
            if reversal.origin == fact.event.origin and fact.verdict is not Verdict.REVERSED
        ]
        return sorted(found, key=lambda r: (r.sent_at, r.id)) if len(found) > 1 else found

    def selections_of(self, report: UUID, hub: str) -> list[Decision]:
        """Return the hub's decisions *selected* whose items this report of its own carries up."""
        return [cast("Decision", f.event) for f in self._sent_as.get(report, ()) if f.event.origin == hub]

    def adoptions_of(self, reports: Iterable[UUID], hub: str) -> list[Decision]:
        """Return the hub's decisions that adopted any of these reports, each once."""
        found = {
            fact.event.id: fact.event
            for report in reports
            for fact in self._on_report.get(report, ())
            if isinstance(fact.event, Decision) and fact.event.origin == hub and fact.event.verdict in CREDITED
        }
        return list(found.values())

    def is_solicited(self, report: UUID | None) -> bool:
        """Tell whether a hub accepted this report as the answer to what it had asked for (约稿)."""
        if report is None or report not in self._answers:
            return False
        return any(
            closure.origin in progress.to and progress.origin in closure.to
            for progress in self._answers[report]
            for closure in self._accepted.get(progress.id, ())
        )

    def concerning(self, fact: Fact) -> Iterator[Fact]:
        """Yield the facts, itself included, whose entries may be others because of this one; some of them twice."""
        yield fact
        event = fact.event
        match event:
            case Decision(verdict=Verdict.REVERSED):
                target = self.facts.get(event.about) if event.about is not None else None
                if target is not None and target.verdict is not Verdict.REVERSED:
                    yield from self.concerning(target)
            case Decision(verdict=Verdict.SELECTED):
                yield from self._beyond(fact)
            case Decision():  # what series an instruction's item appeared in
                for item in event.items:
                    yield from self._on_report.get(item.report, ())
            case Progress():
                yield from self._answered(event)
            case Closure():
                progress = self.facts.get(event.accepted)
                if progress is not None and isinstance(progress.event, Progress):
                    yield from self._answered(progress.event)

    def _beyond(self, selection: Fact) -> Iterator[Fact]:
        """Yield what the higher hub made of the report that carries a selection up."""
        if isinstance(selection.event, Decision) and selection.event.forwarded_as is not None:
            yield from self._on_report.get(selection.event.forwarded_as, ())

    def _answered(self, progress: Progress) -> Iterator[Fact]:
        if progress.answer is not None:
            yield from self._on_report.get(progress.answer, ())
            yield from self._sent_as.get(progress.answer, ())
