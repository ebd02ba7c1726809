"""What was written and is on its way: sent in order, and never twice.

An attempt has one idempotency key however often it is tried, so a retry after a lost answer does
not post again.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from rustygpt_shared.models.messages import Posted
from rustygpt_shared.requests import Post
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.transport import new_key


@dataclass
class Attempt:
    """A text on its way: to a message it answers, to a thread's end, or into a new thread."""

    text: str
    conversation_id: UUID
    root_id: UUID | None = None
    parent_id: UUID | None = None
    """The message it answers; found when it is sent, where only the thread is known."""
    id: UUID = field(default_factory=uuid4)
    """Stands for the message's id until the server gave one."""
    key: str = field(default_factory=new_key)
    posted: Posted | None = None
    chosen: bool = False
    """Whether the person chose the message it answers."""
    settled: bool = False
    """Whether what it answers is found."""

    @property
    def place(self) -> UUID:
        """Where its text belongs while it is not sent: a thread, or a conversation's new one."""
        return self.root_id or self.conversation_id


class Outbox:
    """Sends attempts one after the other."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = asyncio.Lock()
        self._last: dict[UUID, UUID] = {}
        self.waiting: list[Attempt] = []

    async def send(self, attempt: Attempt) -> Posted:
        """Post it; raises Failure, after which the same attempt can be sent again."""
        self.waiting.append(attempt)
        try:
            async with self._lock:
                attempt.posted = await self._post(attempt)
        except BaseException:
            self.waiting.remove(attempt)
            raise
        self._last[attempt.posted.root_id] = attempt.posted.message_id
        return attempt.posted

    def seen(self, id: UUID) -> None:
        """A message is known to the store now, so it waits no more."""
        if not self.waiting:
            return
        self.waiting = [a for a in self.waiting if not (a.posted and a.posted.message_id == id)]

    async def _post(self, attempt: Attempt) -> Posted:
        request = Post(content=attempt.text)
        if attempt.root_id is None:
            return await self._client.post_root(attempt.conversation_id, request, key=attempt.key)
        if not attempt.chosen and not attempt.settled:
            # What was just sent from here may not have come back by the stream yet.
            attempt.parent_id = self._newest(attempt.root_id, attempt.parent_id)
            attempt.settled = True
        parent = attempt.parent_id or attempt.root_id
        return await self._client.reply(parent, request, key=attempt.key)

    def _newest(self, root_id: UUID, known: UUID | None) -> UUID | None:
        last = self._last.get(root_id)
        return max((one for one in (last, known) if one), default=None)
