"""Clients go on with the new cookies that a password change returns."""

import asyncio
from pathlib import Path
from uuid import UUID

from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer
from tests.support.wait import until

from rustygpt_shared.events import ThreadNew
from rustygpt_shared.requests import ChangePassword, CreateConversation, PostMessage
from rustygpt_tui.client.feed import FeedItem, follow
from rustygpt_tui.client.http import Client, connect
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile

NEW_PASSWORD = "another good one"


async def _collect(client: Client, conversation_id: UUID, items: list[FeedItem]) -> None:
    async for item in follow(client, conversation_id, None):
        items.append(item)  # noqa: PERF401 - the list is read while it grows


async def test_a_terminal_goes_on_after_its_password_change(
    server: InProcessServer, tmp_path: Path
) -> None:
    """Its requests, its stream, and the commands that use its session file."""
    await server.person("ann")
    file = SessionFile(tmp_path / "session.cookies")
    async with connect(server.url, Session(server.url, file=file)) as client:
        await client.log_in("ann", PASSWORD)
        request = CreateConversation("Ours", assistant_mode="off")
        conversation_id = await client.create_conversation(request)
        items: list[FeedItem] = []
        reading = asyncio.create_task(_collect(client, conversation_id, items))
        await until(lambda: len(items) >= 3)
        old_cookie = client.session.header()
        await server.settled(client.change_password(ChangePassword(PASSWORD, NEW_PASSWORD)))
        await client.post_root(conversation_id, PostMessage("Still here"))
        await until(lambda: any(isinstance(item, ThreadNew) for item in items))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    async with connect(server.url, Session(server.url, file=file)) as next_client:
        assert next_client.session.header() != old_cookie
        assert (await next_client.me()).user.username == "ann"
