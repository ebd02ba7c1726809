"""Holding a row's lock, so that what a server does next waits for the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

_BLOCKED = """
  SELECT count(*) FROM pg_locks
  WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""


@asynccontextmanager
async def locked_account(superuser: Any, user_id: UUID) -> AsyncIterator[None]:
    """Hold the lock of an account's row within the block, whose changes are committed then."""
    async with superuser.transaction():
        await superuser.execute("SELECT 1 FROM rustygpt.users WHERE id = $1 FOR UPDATE", user_id)
        yield


async def until_blocked(superuser: Any, count: int = 1) -> None:
    """Return when this many transactions of the cluster wait for the connection's locks."""
    async with asyncio.timeout(60):
        while await superuser.fetchval(_BLOCKED) < count:
            await asyncio.sleep(0.005)
