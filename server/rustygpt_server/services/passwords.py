"""Hashing and verifying passwords with Argon2id, in a few threads beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

_WORKERS = 2
"""Each thread needs 46 MiB while it works."""


class Passwords:
    """Hashes passwords with the second parameter set that OWASP recommends: 46 MiB, t=1, p=1.

    See https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="argon2")
        self._dummy_hash: str | None = None

    async def hash(self, password: str) -> str:
        """Return a new hash, which contains its salt and its parameters."""
        return await self._run(self._hasher.hash, password)

    async def check(self, stored: str | None, password: str) -> bool:
        """Return True if a password matches a stored hash.

        Without a stored hash this takes as long and returns False, so that timing does not reveal
        which accounts exist.
        """
        if self._dummy_hash is None:
            self._dummy_hash = await self.hash("a password of no account")
        matches = await self._run(self._verify, stored or self._dummy_hash, password)
        return matches and bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Return True if a hash has other parameters than new ones get."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
