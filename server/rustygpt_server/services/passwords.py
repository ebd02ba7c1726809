"""Hashing and verifying passwords with Argon2id, in a few threads beside the event loop."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rustygpt_server.errors import NotSignedIn, PasswordChanged, Unavailable
from rustygpt_server.telemetry import client_key, log_security
from rustygpt_shared import problems
from rustygpt_shared.models.users import User

T = TypeVar("T")

_WORKERS = 2
"""Each thread needs 46 MiB while it works."""
PENDING_MAX = 64
"""Passwords that are hashed or wait for it at most: about two seconds of work."""
PENDING_MAX_OF_CLIENT = 8
"""Of these, how many one client has at most, so that it does not keep the others out."""
_ATTEMPTS = 3


class HashCost(NamedTuple):
    """What a hash costs. The default is the second parameter set that OWASP recommends.

    See https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html.
    """

    memory_kib: int = 47_104
    iterations: int = 1


class Passwords:
    """Hashes passwords with Argon2id at a given cost.

    At most `PENDING_MAX` are pending, `PENDING_MAX_OF_CLIENT` for a client; more raise Unavailable
    at once. One whose caller is cancelled before its turn is not hashed.
    """

    def __init__(self, cost: HashCost) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.iterations, memory_cost=cost.memory_kib, parallelism=1
        )
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="argon2")
        self._dummy_hash: str | None = None
        self._pending = 0
        self._pending_of_clients: Counter[str | None] = Counter()
        self._lock = threading.Lock()

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

    async def verify(self, user: User, stored: str, current_password: str) -> None:
        """Raise NotSignedIn unless this is the user's password, whose hash is stored."""
        if not await self.check(stored, current_password):
            log_security("current password refused", refused=True, account=user.username)
            raise NotSignedIn("The current password is wrong.", problems.INVALID_CREDENTIALS)

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
        """Run a function in a thread; cancelling the caller takes it out of the queue."""
        client = client_key()
        with self._lock:
            if self._pending >= PENDING_MAX or self._has_many(client):
                raise Unavailable("Too many people sign in at this moment; try again in a moment.")
            self._pending += 1
            self._pending_of_clients[client] += 1
        future = self._pool.submit(work, *arguments)
        future.add_done_callback(partial(self._on_done, client))
        return await asyncio.wrap_future(future)

    def _has_many(self, client: str | None) -> bool:
        return client is not None and self._pending_of_clients[client] >= PENDING_MAX_OF_CLIENT

    def _on_done(self, client: str | None, _future: Future[T]) -> None:
        """Count a password that is hashed, or was cancelled; called in any thread."""
        with self._lock:
            self._pending -= 1
            self._pending_of_clients[client] -= 1
            if not self._pending_of_clients[client]:
                del self._pending_of_clients[client]


async def against_current_password(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return the result of an attempt that checks a password and stores what follows from it.

    The database refuses to store it (PasswordChanged) if the account's hash was replaced meanwhile.
    Then the attempt starts again with the new hash, which a login may have made of the same
    password; at most 3 times.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(PasswordChanged):
            return await attempt()
    return await attempt()
