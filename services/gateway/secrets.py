"""Passwords and staff keys: slow on purpose, so few at a time and never on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.kit.crypto import PrivateKey

T = TypeVar("T")

HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id with OWASP's minimum of 19 MiB and two passes: about 25 ms."""


class Passwords:
    """Checks passwords and unlocks keys, at most ``workers`` at a time."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="passwords")

    async def check(self, password_hash: str, password: str) -> bool:
        """Tell whether the password is the account's."""

        def verify() -> bool:
            try:
                return HASHER.verify(password_hash, password)
            except (VerificationError, InvalidHashError):
                return False

        return await self._run(verify)

    async def unlock(self, pem: bytes, passphrase: str) -> PrivateKey:
        """Return a staff member's key; raise ``KeyUnusableError`` for a wrong passphrase."""
        return await self._run(lambda: PrivateKey.from_pem(pem, passphrase))

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
