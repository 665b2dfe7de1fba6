"""Accounts, tokens, and the remembered registry."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from proto.envelope import Envelope, digest_of, unpack
from services.kit.db import Database

_REMEMBERED: Final = timedelta(seconds=10)
_MOST_REMEMBERED: Final = 10_000
_KNOWN: Final = timedelta(days=90)  # how long an address stays known after a sign-in


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A staff member's account at the gateway (账号)."""

    node: str
    person: str
    password_hash: str  # argon2id (RFC 9106)
    key_pem: bytes | None = None  # the person's signing key, encrypted under the same passphrase


class Accounts:
    """Reads and writes accounts and tokens."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._q = db.queries
        self._holders: dict[
            str, tuple[str, str, str, datetime, datetime]
        ] = {}  # digest: node, person, label, end, looked up

    async def put(self, accounts: Sequence[Account]) -> None:
        """Create or replace accounts."""
        self._holders.clear()
        async with self._db.connection() as connection:
            await self._q.put_accounts(
                connection,
                nodes=[a.node for a in accounts],
                persons=[a.person for a in accounts],
                hashes=[a.password_hash for a in accounts],
                keys=[a.key_pem for a in accounts],
            )

    async def one(self, node: str, person: str) -> Account | None:
        """Return one account."""
        async with self._db.connection() as connection:
            row = await self._q.account(connection, node=node, person=person)
        return Account(**row) if row else None

    async def signed_in_from(self, node: str, person: str, address: str) -> bool:
        """Tell whether the person has signed in from this address lately."""
        async with self._db.connection() as connection:
            return bool(await self._q.signed_in_from(connection, node=node, person=person, address=address))

    async def add_sign_in(self, node: str, person: str, address: str, at: datetime) -> None:
        """Remember from where the person signed in."""
        async with self._db.connection() as connection:
            await self._q.add_sign_in(connection, node=node, person=person, address=address, at=at, forget=at - _KNOWN)

    async def add_token(self, digest: str, node: str, person: str, label: str, expires_at: datetime) -> None:
        """Store a token by its hash."""
        async with self._db.connection() as connection:
            await self._q.add_token(
                connection, digest=digest, node=node, person=person, label=label, expires_at=expires_at
            )

    async def holder(self, digest: str, now: datetime) -> tuple[str, str, str] | None:
        """Return (node, person, label) of a living token; looked up at most every ``_REMEMBERED``, not at each request."""
        known = self._holders.get(digest)
        if known is None or now - known[4] > _REMEMBERED:
            async with self._db.connection() as connection:
                row = await self._q.token(connection, digest=digest, now=now)
            if row is None:
                self._holders.pop(digest, None)
                return None
            if len(self._holders) >= _MOST_REMEMBERED:
                self._holders.clear()
            known = self._holders[digest] = (row["node"], row["person"], row["label"], row["expires_at"], now)
        node, person, label, end, _ = known
        return (node, person, label) if now < end else None

    async def drop_token(self, digest: str) -> None:
        """End a token; another process of this gateway may know it for ``_REMEMBERED`` more."""
        self._holders.pop(digest, None)
        async with self._db.connection() as connection:
            await self._q.drop_token(connection, digest=digest)

    async def drop_old_tokens(self, now: datetime) -> None:
        """Forget ended tokens."""
        async with self._db.connection() as connection:
            await self._q.drop_old_tokens(connection, now=now)

    async def registry(self) -> list[Envelope]:
        """Return the remembered registry messages in their order."""
        async with self._db.connection() as connection:
            rows = [row async for row in self._q.registry(connection)]
        return [unpack(row["body"]) for row in rows]

    async def remember(self, envelope: Envelope) -> None:
        """Remember a registry message for a start without the broker."""
        body = envelope.packed()
        async with self._db.connection() as connection:
            await self._q.add_registry(connection, digest=digest_of(body), body=body)
