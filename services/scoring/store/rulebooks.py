"""All hubs' rules as they came, kept in memory: versions are only ever added, so that their number tells of news.

Whoever writes has one of its own: what it reads within a transaction is nobody else's yet.
"""

from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from services.kit.db import Database
from services.scoring.domain.loader import parse
from services.scoring.domain.rules import RuleBook, RuleSet

_EMPTY: Final = RuleBook()


class Version(Struct, frozen=True, kw_only=True):
    """A version of a hub's rules, and the message that brought it."""

    hub: str
    message: UUID
    rules: RuleSet


class Rulebooks:
    """Hub's code → its rules; call it as ``Books``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._books: dict[str, RuleBook] = {}
        self._versions: list[Version] = []
        self._count = 0

    def __call__(self, hub: str) -> RuleBook:
        """Return a hub's rules, a book without versions where it has none."""
        return self._books.get(hub, _EMPTY)

    def versions(self, hub: str = "") -> list[Version]:
        """Return all versions, of one hub unless ''."""
        return [each for each in self._versions if hub in ("", each.hub)]

    def forget(self) -> None:
        """Read all versions anew at the next look."""
        self._count = -1

    async def refresh(self) -> None:
        """Read what another process has recorded."""
        async with self._database.connection() as connection:
            await self.refresh_on(connection)

    async def refresh_on(self, connection: Any) -> None:
        """Do so within a transaction."""
        count = await self._database.queries.rules_count(connection)
        if count == self._count:
            return
        listed: dict[str, list[RuleSet]] = {}
        versions = []
        async for row in self._database.queries.all_rules(connection):
            rules = parse(row["content"], f"{row['hub']}/{row['version']}")
            versions.append(Version(hub=row["hub"], message=row["message"], rules=rules))
            listed.setdefault(row["hub"], []).append(rules)
        self._books = {hub: RuleBook(rules) for hub, rules in listed.items()}
        self._versions, self._count = versions, count
