"""Lists page by page, fetched as they are read."""

from collections.abc import AsyncIterator
from uuid import UUID

from rustygpt_shared.models.conversations import Conversation, ThreadSummary
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.users import AdminUser
from rustygpt_tui.client.http import Client

PAGE = 200


async def conversations(client: Client, *, archived: bool = False) -> AsyncIterator[Conversation]:
    """The caller's conversations, latest activity first."""
    cursor = None
    while True:
        page = await client.list_conversations(archived=archived, cursor=cursor, limit=PAGE)
        for conversation in page.conversations:
            yield conversation
        if (cursor := page.next_cursor) is None:
            return


async def threads(client: Client, conversation_id: UUID) -> AsyncIterator[ThreadSummary]:
    """A conversation's threads, latest activity first."""
    cursor = None
    while True:
        page = await client.list_threads(conversation_id, cursor=cursor, limit=PAGE)
        for thread in page.threads:
            yield thread
        if (cursor := page.next_cursor) is None:
            return


async def messages(client: Client, root_id: UUID) -> AsyncIterator[MessageView]:
    """A thread's messages, depth first."""
    cursor = None
    while True:
        page = await client.list_tree(root_id, cursor=cursor, limit=PAGE)
        for message in page.messages:
            yield message
        if (cursor := page.next_cursor) is None:
            return


async def users(client: Client) -> AsyncIterator[AdminUser]:
    """Every account, by user name; for administrators."""
    cursor = None
    while True:
        page = await client.list_users(cursor=cursor, limit=PAGE)
        for user in page.users:
            yield user
        if (cursor := page.next_cursor) is None:
            return
