"""What `follow` prints of a server without streams: new messages and answers, as events.

Such a server only says that a conversation has changed; what changed in it is fetched here. Edits,
members and settings are not reported.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from uuid import UUID

from rustygpt_shared.events import MessageNew, MessagePayload, StreamReset
from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.feed import FeedItem
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.polling import Polling

_END_SEQ = 2**31 - 1
_MAX_ITEMS = 200
"""Threads that are looked at after a change, and new messages of each that are reported."""


async def with_polled_messages(
    client: Client, snapshot: Conversation, items: AsyncGenerator[FeedItem, None]
) -> AsyncGenerator[FeedItem, None]:
    """Yield the items of a feed; while it polls, events of new messages instead of resets.

    New are messages that were written after the snapshot of the conversation.
    """
    poller: _NewMessages | None = None
    async with aclosing(items) as feed:
        async for item in feed:
            if isinstance(item, Polling):
                poller = poller or _NewMessages(client, snapshot)
            if isinstance(item, StreamReset) and poller is not None:
                async for message in poller.fetch():
                    yield MessageNew(MessagePayload(message))
            else:
                yield item


class _NewMessages:
    """Fetches the messages of a conversation that were written after the last time."""

    def __init__(self, client: Client, snapshot: Conversation) -> None:
        self._client = client
        self._id = snapshot.id
        self._start = snapshot.last_activity_at
        self._active_at: dict[UUID, datetime] = {}
        self._unfinished: dict[UUID, None] = {}
        """Answers that were being written, and are reported when they have ended."""

    async def fetch(self) -> AsyncIterator[MessageView]:
        """Yield new messages, thread by thread in the order of `seq`; raises ClientError."""
        for id_ in list(self._unfinished):
            message = await self._client.get_message(id_)
            if not message.streaming:
                del self._unfinished[id_]
                yield message
        page = await self._client.list_threads(self._id, limit=_MAX_ITEMS)
        for thread in reversed(page.threads):
            since = self._active_at.get(thread.root_id, self._start)
            self._active_at[thread.root_id] = max(since, thread.last_activity_at)
            if thread.last_activity_at > since:
                async for message in self._messages_after(thread.root_id, since):
                    yield message

    async def _messages_after(self, root_id: UUID, since: datetime) -> AsyncIterator[MessageView]:
        newest = await self._client.list_messages(root_id, before_seq=_END_SEQ, limit=_MAX_ITEMS)
        for message in newest.messages:
            if message.created_at <= since:
                continue
            if message.streaming:
                self._unfinished[message.id] = None
            else:
                yield message
