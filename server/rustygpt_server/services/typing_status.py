"""Who is writing in which thread. Nothing of it is stored: each process remembers it for seconds.

A process tells the others what it was told by its own callers, and again when one of them asks.
Each lets it run out by its own clock.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db import presence
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.backplane_messages import TypingChanged
from rustygpt_server.realtime.event_payloads import parse_membership, parse_new_message
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_shared import codec, events
from rustygpt_shared.models.presence import TYPING_STOPPED, TypingIndicator

MAX_TYPING = 100
"""People per conversation who are shown as writing; one more ends whoever would end next."""


class _Typing(Struct, frozen=True):
    """In which thread somebody writes; each person is in one thread of a conversation."""

    root_id: UUID
    expires_at: datetime
    deadline: float
    """The same by the clock that never jumps."""
    is_local: bool
    """This process was told so by the person."""


class TypingService:
    """The people who are writing, as this process knows and tells it."""

    def __init__(self, db: Database, hub: Hub, runtime: Runtime) -> None:
        self._db = db
        self._hub = hub
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._by_conversation: dict[UUID, dict[UUID, _Typing]] = {}
        hub.add_listener(self._on_event)

    async def set_typing(
        self, actor: UUID, conversation_id: UUID, root_id: UUID, seconds: int
    ) -> None:
        """Show somebody as writing for so many seconds, or with 0 no longer."""
        await presence.check_may_type(self._db, actor, conversation_id, root_id)
        until = self._clock.now() + timedelta(seconds=seconds) if seconds else TYPING_STOPPED
        message = TypingChanged(conversation_id, root_id, actor, until)
        # An end is always told: the beginning may still be on its way here from another process.
        if self._apply(message, is_local=True) or not seconds:
            self._hub.backplane.publish(message)

    def on_posted(self, actor: UUID, conversation_id: UUID, root_id: UUID) -> None:
        """Somebody wrote a message in a thread, and so is not writing it any more."""
        message = TypingChanged(conversation_id, root_id, actor, TYPING_STOPPED)
        if self._apply(message, is_local=True):
            self._hub.backplane.publish(message)

    def on_typing(self, message: TypingChanged) -> None:
        """Take what another process was told."""
        self._apply(message, is_local=False)

    def republish(self) -> None:
        """Tell the other processes who is writing here."""
        for conversation_id, users in self._by_conversation.items():
            for user_id, one in users.items():
                if one.is_local:
                    message = TypingChanged(conversation_id, one.root_id, user_id, one.expires_at)
                    self._hub.backplane.publish(message)

    def active(self, conversation_id: UUID) -> Iterator[TypingIndicator]:
        """Who is writing in a conversation now."""
        now = self._clock.monotonic()
        for user_id, one in self._by_conversation.get(conversation_id, {}).items():
            if one.deadline > now:
                yield TypingIndicator(one.root_id, user_id, one.expires_at)

    async def clear_expired(self) -> None:
        """Tell who has stopped without saying so."""
        now = self._clock.monotonic()
        for conversation_id, users in list(self._by_conversation.items()):
            for user_id in [user for user, one in users.items() if one.deadline <= now]:
                self._clear(conversation_id, user_id)

    def _apply(self, message: TypingChanged, *, is_local: bool) -> bool:
        """Note who writes where, and tell readers; whether there is anything new in it."""
        before = self._by_conversation.get(message.conversation_id, {}).get(message.user_id)
        same = before is not None and before.root_id == message.root_id
        left = min((message.expires_at - self._clock.now()).total_seconds(), self._limits.typing)
        if left <= 0:
            if same:
                self._clear(message.conversation_id, message.user_id)
            return same
        deadline = self._clock.monotonic() + left
        if before and same and 0 <= deadline - before.deadline < self._limits.typing_interval:
            return False
        if not same:
            self._evict(message)
        state = _Typing(message.root_id, message.expires_at, deadline, is_local)
        self._by_conversation.setdefault(message.conversation_id, {})[message.user_id] = state
        self._broadcast(
            message.conversation_id, message.user_id, message.root_id, message.expires_at
        )
        return True

    def _evict(self, message: TypingChanged) -> None:
        """End the person's turn in another thread, or somebody's when there are too many."""
        users = self._by_conversation.get(message.conversation_id, {})
        if message.user_id in users:
            self._clear(message.conversation_id, message.user_id)
        elif len(users) >= MAX_TYPING:
            self._clear(message.conversation_id, min(users, key=lambda user: users[user].deadline))

    def _clear(self, conversation_id: UUID, user_id: UUID) -> None:
        users = self._by_conversation.get(conversation_id, {})
        one = users.pop(user_id, None)
        if not users:
            self._by_conversation.pop(conversation_id, None)
        if one is not None:
            self._broadcast(conversation_id, user_id, one.root_id, TYPING_STOPPED)

    def _broadcast(
        self, conversation_id: UUID, user_id: UUID, root_id: UUID, expires_at: datetime
    ) -> None:
        payload = events.TypingUpdatePayload(conversation_id, root_id, user_id, expires_at)
        data = codec.sse_frame("typing.update", codec.encode(payload))
        self._hub.broadcast(conversation_id, data)

    def _on_event(self, event: EventRecord) -> None:
        """Who has written a message, or was removed, is not writing any more."""
        if event.conversation_id not in self._by_conversation:
            return
        change, message = parse_membership(event), parse_new_message(event)
        if change and change.action == "removed":
            self._clear(change.conversation_id, change.user_id)
        elif message and message.author_user_id is not None:
            author, conversation_id = message.author_user_id, event.conversation_id
            self._apply(
                TypingChanged(conversation_id, message.root_id, author, TYPING_STOPPED),
                is_local=False,
            )
