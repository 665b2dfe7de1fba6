"""The ledger once more, from the messages themselves, and how it compares with the one that is kept (复算). Pure.

Any unit can do this with the messages and the registry that it holds: signatures, rules and entries are all followed
anew. What a hub's ledger should be does not depend on the order of the messages, nor on how often each is given.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, get_args
from uuid import UUID

from msgspec import Struct

from proto.envelope import kind_of, unpack
from proto.errors import RefusedError
from proto.messages import Closure, Decision, Instruction, Progress, Rules, Verdict
from services.kit.calendar import day_of
from services.kit.trust.state import TrustState
from services.scoring.domain.judging import Scored, judge
from services.scoring.domain.known import Event, Fact, Known
from services.scoring.domain.ledger import Entry, ledger_of
from services.scoring.domain.rules import RuleBook, RuleSet
from services.scoring.domain.stating import Said, check_rules, read
from services.scoring.domain.weighing import Ignored, UnfitError

_EMPTY: Final = RuleBook()
CONCERNING: Final = frozenset({Rules.kind(), *(each.kind() for each in get_args(Event))})
"""Kinds of messages that a ledger follows from."""


class Recomputed(Struct, frozen=True, kw_only=True):
    """What follows from a set of messages."""

    entries: list[Entry]
    books: Mapping[str, RuleBook]  # by hub
    ignored: list[Ignored]  # messages that do not count, or parts of them
    seen: frozenset[UUID]  # the messages that count, whether or not they earn anything


class What(StrEnum):
    """How the kept ledger differs."""

    MISSING = "missing"  # it lacks an entry that follows from the messages
    UNFOUNDED = "unfounded"  # it has one that does not
    OTHERWISE = "otherwise"  # it has it with other content


class Difference(Struct, frozen=True, kw_only=True):
    """One entry in which they differ."""

    id: UUID
    what: What
    kept: Entry | None
    recomputed: Entry | None


class Recomputing:
    """Takes delivered messages, in any order, and keeps what a ledger needs of them: rules and facts, no bodies.

    With ``hub`` only that hub's account is followed, and only what can change it is kept.
    """

    def __init__(self, state: TrustState, hub: str = "") -> None:
        self._state = state
        self._hub = hub
        node = state.node(hub) if hub else None
        self._superior = (node.parent or "") if node else ""
        self._rules: dict[UUID, tuple[Rules, RuleSet, str]] = {}
        self._facts: dict[UUID, Fact] = {}
        self._seen: set[UUID] = set()
        self._ignored: dict[tuple[str, str], Ignored] = {}

    def take(self, body: bytes) -> None:
        """Take one; those of kinds that do not score are passed over."""
        kind = _kind(body)
        if kind not in CONCERNING:
            return
        judged = read(body, self._state) if kind == Rules.kind() else judge(body, self._state, lambda _: _EMPTY)
        match judged:
            case Said(message=Rules() as message, content=RuleSet() as content, digest=digest):
                self._rules.setdefault(message.id, (message, content, digest))
            case Scored(fact=fact):
                if fact.event.id not in self._seen and self._matters(fact):
                    self._facts[fact.event.id] = fact
                self._seen.add(fact.event.id)
            case Ignored():
                self._ignored[judged.digest, judged.reason] = judged

    def result(self) -> Recomputed:
        """Return what follows from all that was taken."""
        books: dict[str, RuleBook] = {}
        ignored = dict(self._ignored)
        for message, content, digest in sorted(self._rules.values(), key=lambda each: (each[0].sent_at, each[0].id)):
            hub = message.origin
            try:
                books[hub] = check_rules(books.get(hub, _EMPTY), content, day_of(message.sent_at))
            except UnfitError as error:
                ignored[digest, error.why.value] = Ignored.because(error.why, error.detail, message, digest)
        needed = {self._hub, self._superior} if self._hub else books.keys()
        known = Known(self._facts.values(), lambda hub: books.get(hub, _EMPTY) if hub in needed else _EMPTY)
        entries = [entry for entry in ledger_of(known) if self._hub in ("", entry.hub)]
        return Recomputed(
            entries=entries,
            books=books,
            ignored=list(ignored.values()),
            seen=frozenset(self._seen | self._rules.keys()),
        )

    def _matters(self, fact: Fact) -> bool:
        """Tell whether a fact may earn something or take it back; here, where a hub was named."""
        event = fact.event
        if fact.verdict in (Verdict.RETURNED, Verdict.DECLINED) or (isinstance(event, Progress) and not event.answer):
            return False
        if not self._hub or event.origin == self._hub or isinstance(event, Progress | Closure):
            return True
        if event.origin != self._superior or not isinstance(event, Decision | Instruction):
            return False
        ours = self._hub in fact.homes.values() or any(item.origin == self._hub for item in event.items)
        return ours or fact.verdict is Verdict.REVERSED


def recompute(bodies: Iterable[bytes], state: TrustState) -> Recomputed:
    """Return what follows from delivered messages; those of kinds that do not score are passed over."""
    taken = Recomputing(state)
    for body in bodies:
        taken.take(body)
    return taken.result()


def compare(recomputed: Iterable[Entry], kept: Iterable[Entry], book: RuleBook) -> list[Difference]:
    """Return in what two ledgers of one hub differ, by time; none means equal, entry by entry.

    Lines by a version that was not in force on their day are left aside: rules came after what they supersede, and such
    lines count nothing (``counting.py``).
    """
    ours, theirs = _standing(recomputed, book), _standing(kept, book)
    found: list[tuple[datetime, Difference]] = []
    for key in {**ours, **theirs}:
        mine, other = ours.get(key), theirs.get(key)
        if mine != other and (either := other or mine) is not None:
            what = What.MISSING if other is None else What.UNFOUNDED if mine is None else What.OTHERWISE
            found.append((either.at, Difference(id=key, what=what, kept=other, recomputed=mine)))
    return [each for _, each in sorted(found, key=lambda pair: (pair[0], pair[1].id))]


def _standing(entries: Iterable[Entry], book: RuleBook) -> dict[UUID, Entry]:
    listed = {entry.id: entry for entry in entries}

    def in_force(entry: Entry) -> bool:
        while entry.reverses is not None and entry.reverses in listed:
            entry = listed[entry.reverses]
        rules = book.in_force(day_of(entry.at))
        return entry.reverses is not None or (rules is not None and rules.version == entry.rule_version)

    return {key: entry for key, entry in listed.items() if in_force(entry)}


def _kind(body: bytes) -> str:
    """Return the kind that a body claims; "" where it cannot be read, which the router refused."""
    try:
        return kind_of(unpack(body).payload_type)
    except RefusedError:
        return ""
