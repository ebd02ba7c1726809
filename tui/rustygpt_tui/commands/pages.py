"""The lists that commands read: their items one by one, fetched page by page."""

from collections.abc import AsyncIterator
from uuid import UUID

from rustygpt_shared.models.conversations import (
    Conversation,
    ConversationList,
    ThreadList,
    ThreadSummary,
)
from rustygpt_shared.models.messages import MessageView, Revision, RevisionList, ThreadPage
from rustygpt_shared.models.users import AdminUser, AdminUserList
from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import ClientError
from rustygpt_tui.paging import pages
from rustygpt_tui.store.names import Names

PAGE_SIZE = 200


async def conversations(client: Client, *, archived: bool = False) -> AsyncIterator[Conversation]:
    """Yield the caller's conversations, latest activity first."""

    async def fetch(cursor: str | None) -> ConversationList:
        return await client.list_conversations(archived=archived, cursor=cursor, limit=PAGE_SIZE)

    async for page in pages(fetch):
        for conversation in page.conversations:
            yield conversation


async def threads(client: Client, conversation_id: UUID) -> AsyncIterator[ThreadSummary]:
    """Yield a conversation's threads, latest activity first."""

    async def fetch(cursor: str | None) -> ThreadList:
        return await client.list_threads(conversation_id, cursor=cursor, limit=PAGE_SIZE)

    async for page in pages(fetch):
        for thread in page.threads:
            yield thread


async def messages(client: Client, root_id: UUID) -> AsyncIterator[MessageView]:
    """Yield a thread's messages, depth first."""

    async def fetch(cursor: str | None) -> ThreadPage:
        return await client.list_tree(root_id, cursor=cursor, limit=PAGE_SIZE)

    async for page in pages(fetch):
        for message in page.messages:
            yield message


async def revisions(client: Client, message_id: UUID) -> AsyncIterator[Revision]:
    """Yield the earlier texts of a message, latest first."""

    async def fetch(cursor: str | None) -> RevisionList:
        return await client.list_revisions(message_id, cursor=cursor, limit=PAGE_SIZE)

    async for page in pages(fetch):
        for revision in page.revisions:
            yield revision


async def names(client: Client, conversation_id: UUID) -> Names:
    """Return the labels of a conversation's participants; none when they cannot be fetched."""
    try:
        return Names((await client.list_participants(conversation_id)).participants)
    except ClientError:
        return Names()


async def users(client: Client) -> AsyncIterator[AdminUser]:
    """Yield every account, by user name; for administrators."""

    async def fetch(cursor: str | None) -> AdminUserList:
        return await client.list_users(cursor=cursor, limit=PAGE_SIZE)

    async for page in pages(fetch):
        for user in page.users:
            yield user
