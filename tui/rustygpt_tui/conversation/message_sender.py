"""Sends the user's messages one after the other, each at most once.

A pending message is frozen when it is submitted: its text, what it replies to, and its idempotency
key stay the same over all attempts, so that a retry after a lost response does not post it again.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import PostMessage
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.transport import new_key

MAX_CONFIRMED = 100


class HeldBack(Exception):
    """A message replies to one that was not sent; it waits until that one is."""


@dataclass(frozen=True)
class Target:
    """What a message replies to; with neither a message nor a pending one, it starts a thread."""

    message_id: UUID | None = None
    after: "PendingMessage | None" = None
    """A message that is being sent: the reply is to the answer that it starts, else to itself."""
    is_chosen: bool = False
    """True when the user selected the message."""

    def resolved(self) -> "Target":
        """Return the target with the id of a message that was sent meanwhile."""
        posted = self.after.posted if self.after else None
        if posted is None:
            return self
        return Target(posted.answer_id or posted.message_id, is_chosen=self.is_chosen)


@dataclass(eq=False)
class PendingMessage:
    """A message to send."""

    text: str
    conversation_id: UUID
    root_id: UUID | None = None
    """The thread in which it was written; None for a new one."""
    target: Target = field(default_factory=Target)
    id: UUID = field(default_factory=uuid4)
    """Used as the message's id until the server assigned one."""
    key: str = field(default_factory=new_key)
    """The idempotency key."""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    after_seq: int = 0
    """The highest `seq` that was known in the thread when it was submitted."""
    posted: PostedMessage | None = None
    model: str | None = None
    """The model that answers it; None for that of the conversation."""

    @property
    def place(self) -> UUID:
        """Where it was written: the thread, or the conversation for a new one."""
        return self.root_id or self.conversation_id


class MessageSender:
    """Sends pending messages in order and holds those that the store has not received yet."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = asyncio.Lock()
        self.pending: list[PendingMessage] = []
        self.confirmed: dict[UUID, UUID] = {}
        """The ids that the server assigned to the last messages, by their pending ids."""

    def add(self, message: PendingMessage) -> None:
        """Hold a message that `send` will send."""
        self.pending.append(message)

    def remove(self, message: PendingMessage) -> None:
        """Hold a message no longer, which will not be sent."""
        if message in self.pending:
            self.pending.remove(message)

    async def send(self, message: PendingMessage) -> PostedMessage:
        """Post a message and return its ids; after ClientError the same one can be sent again.

        Raises HeldBack when the message that it replies to was not sent.
        """
        try:
            async with self._lock:
                message.posted = await self._post(message)
        except HeldBack:
            raise
        except BaseException:
            self.remove(message)
            raise
        return message.posted

    def confirm(self, id: UUID) -> None:
        """Remove a message from the pending ones: the store has received it."""
        for message in self.pending:
            if message.posted and message.posted.message_id == id:
                self.pending.remove(message)
                self.confirmed[message.id] = id
                if len(self.confirmed) > MAX_CONFIRMED:
                    del self.confirmed[next(iter(self.confirmed))]
                return

    async def _post(self, message: PendingMessage) -> PostedMessage:
        request = PostMessage(content=message.text, model=message.model)
        message.target = message.target.resolved()
        if message.target.after is not None:
            raise HeldBack
        if message.target.message_id is None:
            return await self._client.post_root(message.conversation_id, request, key=message.key)
        return await self._client.reply(message.target.message_id, request, key=message.key)
