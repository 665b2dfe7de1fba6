"""Rows ↔ structs, in one place for writing and reading."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from proto.messages import Level
from services.scoring.domain.entry import Entry, Kind
from services.scoring.domain.known import Fact
from services.scoring.domain.points import plain

_FACT: Final = msgspec.json.Decoder(Fact)
_LEVELS: Final = {each.value: each for each in Level}
_KINDS: Final = {each.value: each for each in Kind}
_COLUMNS: Final = (
    ("ids", "id"), ("events", "event"), ("reports", "report"), ("units", "unit"), ("hubs", "hub"), ("levels", "level"),
    ("months", "month"), ("ats", "at"), ("seriess", "series"), ("issues", "issue"), ("kinds", "kind"),
    ("shares", "share"), ("itemss", "items"), ("pointss", "points"), ("rule_versions", "rule_version"),
    ("rules", "rule"), ("vias", "via"), ("reversess", "reverses"),
)  # fmt: skip


def fact_bytes(fact: Fact) -> bytes:
    """Return a fact as it is kept."""
    return msgspec.json.encode(fact)


def fact_of(content: bytes) -> Fact:
    """Return a fact that was kept."""
    return _FACT.decode(content)


def columns_of(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    """Return entries as the arrays that ``append_entries`` takes."""
    return {name: [getattr(entry, field) for entry in entries] for name, field in _COLUMNS}


def entry_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the ledger as an entry's fields."""
    fields = dict(row)
    fields["level"], fields["kind"] = _LEVELS[fields["level"]], _KINDS[fields["kind"]]
    fields["share"], fields["points"] = plain(fields["share"]), plain(fields["points"])
    return fields


def entry_of(row: Mapping[str, Any]) -> Entry:
    """Return a row of the ledger as an entry."""
    return Entry(**entry_fields(row))
