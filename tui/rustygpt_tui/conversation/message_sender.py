"""What was written and is on its way: sent in order, and never twice.

An attempt has one idempotency key however often it is tried, so a retry after a lost answer does
not post again.
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
    """A text on its way: to a message it answers, to a thread's end, or into a new thread."""

    text: str
    conversation_id: UUID
    root_id: UUID | None = None
    parent_id: UUID | None = None
    """The message it answers; found when it is sent, where only the thread is known."""
    id: UUID = field(default_factory=uuid4)
    """Stands for the message's id until the server gave one."""
    key: str = field(default_factory=new_key)
    posted: PostedMessage | None = None
    explicit_reply: bool = False
    """Whether the person chose the message it answers."""
    parent_resolved: bool = False
    """Whether what it answers is found."""

    @property
    def draft_key(self) -> UUID:
        """Where its text belongs while it is not sent: a thread, or a conversation's new one."""
        return self.root_id or self.conversation_id


class MessageSender:
    """Sends attempts one after the other."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = asyncio.Lock()
        self._last_posted: dict[UUID, UUID] = {}
        self.pending: list[PendingMessage] = []

    async def send(self, message: PendingMessage) -> PostedMessage:
        """Post it; raises Failure, after which the same attempt can be sent again."""
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
        """A message is known to the store now, so it waits no more."""
        if not self.pending:
            return
        self.pending = [a for a in self.pending if not (a.posted and a.posted.message_id == id)]

    async def _post(self, message: PendingMessage) -> PostedMessage:
        request = PostMessage(content=message.text)
        if message.root_id is None:
            return await self._client.post_root(message.conversation_id, request, key=message.key)
        if not message.explicit_reply and not message.parent_resolved:
            # What was just sent from here may not have come back by the stream yet.
            message.parent_id = self._newest(message.root_id, message.parent_id)
            message.parent_resolved = True
        parent = message.parent_id or message.root_id
        return await self._client.reply(parent, request, key=message.key)

    def _newest(self, root_id: UUID, known: UUID | None) -> UUID | None:
        last = self._last_posted.get(root_id)
        return max((one for one in (last, known) if one), default=None)
