"""The database is read-only, as after a failover to a standby."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support.servers.in_process_server import InProcessServer

pytestmark = pytest.mark.slow


@asynccontextmanager
async def _read_only(owner: Any, url: str) -> AsyncIterator[None]:
    """Cut every connection and make new ones read-only, as a failover does."""
    name = urlsplit(url).path[1:]
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await owner.fetch(cut)
    try:
        yield
    finally:
        await owner.execute("SET default_transaction_read_only = off")
        await owner.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await owner.fetch(cut)


async def test_a_read_only_database_is_read(
    server: InProcessServer, superuser: Any, database_url: str
) -> None:
    """Posts get 503 with a retry time; reading continues, also after a while, and so do streams."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    await ann.root(conversation_id)
    async with ann.follow(conversation_id) as stream:
        async with _read_only(superuser, database_url):
            refused = await ann.try_root(conversation_id)
            server.clock.advance(61)
            shown = await ann.get(f"/api/conversations/{conversation_id}/threads")
            async with ann.follow(conversation_id, "evt_0") as again:
                await again.next("message.new")
        async with asyncio.timeout(60):
            while (await ann.try_root(conversation_id, "after")).status_code != 201:
                await asyncio.sleep(0.05)
        received = await stream.next("message.new")

    assert (refused.status_code, len(shown["threads"])) == (503, 1)
    assert refused.headers["retry-after"]
    assert received["payload"]["message"]["content"] == "after"
