"""Sends the user's messages one after the other, each at most once.

A pending message keeps its idempotency key over all attempts, so a retry after a lost response
does not post it again.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import PostMessage
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.transport import new_key


@dataclass
class PendingMessage:
    """A message to send: a reply to a message, to the end of a thread, or a new thread."""

    text: str
    conversation_id: UUID
    root_id: UUID | None = None
    """The thread; None starts a new one."""
    parent_id: UUID | None = None
    """The message it replies to; when only the thread is known, it is resolved on sending."""
    id: UUID = field(default_factory=uuid4)
    """Used as the message's id until the server assigned one."""
    key: str = field(default_factory=new_key)
    """The idempotency key."""
    posted: PostedMessage | None = None
    explicit_reply: bool = False
    """True when the user selected the message it replies to."""
    parent_resolved: bool = False
    """True once `parent_id` is final."""

    @property
    def draft_key(self) -> UUID:
        """The target of its draft while it is not sent: the thread, or the conversation."""
        return self.root_id or self.conversation_id


class MessageSender:
    """Sends pending messages in order and holds those that the store has not received yet."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = asyncio.Lock()
        self._last_posted: dict[UUID, UUID] = {}
        self.pending: list[PendingMessage] = []

    async def send(self, message: PendingMessage) -> PostedMessage:
        """Post a message and return its ids; after ClientError the same one can be sent again."""
        self.pending.append(message)
        try:
            async with self._lock:
                message.posted = await self._post(message)
        except BaseException:
            self.pending.remove(message)
            raise
        self._last_posted[message.posted.root_id] = message.posted.message_id
        return message.posted

    def confirm(self, id: UUID) -> None:
        """Remove a message from the pending ones: the store has received it."""
        if not self.pending:
            return
        self.pending = [m for m in self.pending if not (m.posted and m.posted.message_id == id)]

    async def _post(self, message: PendingMessage) -> PostedMessage:
        request = PostMessage(content=message.text)
        if message.root_id is None:
            return await self._client.post_root(message.conversation_id, request, key=message.key)
        if not message.explicit_reply and not message.parent_resolved:
            # The message posted just before may not have arrived by the stream yet.
            message.parent_id = self._newest(message.root_id, message.parent_id)
            message.parent_resolved = True
        parent = message.parent_id or message.root_id
        return await self._client.reply(parent, request, key=message.key)

    def _newest(self, root_id: UUID, newest_in_store: UUID | None) -> UUID | None:
        """Return the newer of two messages; ids are UUIDv7 and sort by time."""
        posted = self._last_posted.get(root_id)
        return max((id_ for id_ in (posted, newest_in_store) if id_), default=None)
