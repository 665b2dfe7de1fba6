"""Holding a ledger that is kept against one followed anew: what differs, named entry by entry. Pure but for the paging."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from services.cli.exported import decoded
from services.scoring.domain.entry import Entry
from services.scoring.domain.recompute import Difference, Recomputed, What, compare
from services.scoring.domain.rules import RuleBook

if TYPE_CHECKING:
    from services.cli.client import Api

_PAGE: Final = 5_000
_WORDS: Final = {
    What.MISSING: ("台账缺此条", "the ledger lacks it"),
    What.UNFOUNDED: ("台账有此条而无据", "the ledger has it without grounds"),
    What.OTHERWISE: ("台账所记与重算不同", "the ledger says otherwise"),
}
_NOT_HELD: Final = ("所据报文不在其中", "the message it rests on is not among those read")


class Asked(Struct, frozen=True, kw_only=True):
    """Which part of the ledger is checked; '' stands for any."""

    hub: str = ""  # in whose account
    unit: str = ""  # whose entries
    month: str = ""
    reader: str = ""  # as which node the ledger is read; '' for the operator


class Named(Struct, frozen=True, kw_only=True):
    """A difference, with what is wrong in words."""

    id: UUID
    what: What
    held: bool  # False: the message that the kept entry rests on is not among those read
    zh: str
    en: str
    fields: list[str]  # in which the two differ, where both have it
    kept: Entry | None
    recomputed: Entry | None


class Outcome(Struct, frozen=True, kw_only=True):
    """What a recomputation found (复算结果)."""

    equal: bool
    hub: str
    unit: str
    month: str
    messages: int  # read
    entries: int  # of the ledger that were held against them
    ignored: dict[str, int]  # messages that do not count, by reason
    differences: list[Named]


class _Ledger(Struct, frozen=True):
    entries: list[Entry]
    next: int | None


async def kept_of(api: "Api", asked: Asked) -> list[Entry]:
    """Return the entries that the service keeps, of all months: a reversal is judged by what it takes back."""
    entries: list[Entry] = []
    after: int | None = 0
    while after is not None:
        data = await api.download(
            "/api/v1/ledger", hub=asked.hub, unit=asked.unit, reader=asked.reader, limit=_PAGE, after=after
        )
        page: _Ledger = decoded(data, _Ledger)
        entries += page.entries
        after = page.next
    return entries


def compared(found: Recomputed, kept: list[Entry], asked: Asked, messages: int) -> Outcome:
    """Return in what they differ, account by account."""
    ours: dict[str, list[Entry]] = {}
    theirs: dict[str, list[Entry]] = {}
    for entry in found.entries:
        if asked.unit in ("", entry.unit):
            ours.setdefault(entry.hub, []).append(entry)
    for entry in kept:
        theirs.setdefault(entry.hub, []).append(entry)
    differences = []
    for hub in sorted({*ours, *theirs}):
        book = found.books.get(hub, RuleBook())
        listed = compare(ours.get(hub, ()), theirs.get(hub, ()), book)
        differences += [_named(each, found, book) for each in listed if asked.month in ("", *_months(each))]
    ignored = Counter(each.reason for each in found.ignored)
    return Outcome(
        equal=not differences,
        hub=asked.hub,
        unit=asked.unit,
        month=asked.month,
        messages=messages,
        entries=sum(asked.month in ("", entry.month) for entry in kept),
        ignored=ignored,
        differences=differences,
    )


def _months(each: Difference) -> Iterator[str]:
    yield from (entry.month for entry in (each.kept, each.recomputed) if entry is not None)


def _named(each: Difference, found: Recomputed, book: RuleBook) -> Named:
    kept, recomputed = each.kept, each.recomputed
    held = kept is None or (
        kept.event in found.seen
        and (kept.via is None or kept.via in found.seen)
        and book.version(kept.rule_version) is not None
    )
    zh, en = _WORDS[each.what]
    if not held:
        zh, en = f"{zh}：{_NOT_HELD[0]}", f"{en}: {_NOT_HELD[1]}"
    fields = []
    if kept is not None and recomputed is not None:
        fields = [name for name in kept.__struct_fields__ if getattr(kept, name) != getattr(recomputed, name)]
        told = msgspec.to_builtins([{name: getattr(one, name) for name in fields} for one in (kept, recomputed)])
        said = "，".join(f"{name} {told[0][name]} ≠ {told[1][name]}" for name in fields)
        zh, en = f"{zh}：{said}", f"{en}: {said}"
    return Named(
        id=each.id, what=each.what, held=held, zh=zh, en=en, fields=fields, kept=kept, recomputed=recomputed
    )  # fmt: skip
