"""Typing indicators: who types in which thread.

Nothing is stored: each process remembers indicators for seconds, and expires them by its own clock.
A process publishes what its own callers reported, and publishes it again on request.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db import presence
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import TypingChanged
from rustygpt_server.realtime.event_payloads import parse_membership, parse_new_message
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_shared import codec, events
from rustygpt_shared.models.presence import TYPING_STOPPED, TypingIndicator

MAX_TYPING = 100
"""How many users per conversation are shown as typing; one more ends the indicator that would
expire next."""


class _Typing(Struct, frozen=True):
    """A user's indicator; each user types in one thread of a conversation at a time."""

    root_id: UUID
    expires_at: datetime
    deadline: float
    """`expires_at` on the monotonic clock."""
    is_local: bool
    """True if the user reported it to this process."""


class TypingService:
    """The users who are typing, as far as this process knows."""

    def __init__(self, db: Database, hub: Hub, backplane: Backplane, runtime: Runtime) -> None:
        self._db = db
        self._hub = hub
        self._backplane = backplane
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._by_conversation: dict[UUID, dict[UUID, _Typing]] = {}
        """By conversation, then by user."""
        hub.add_listener(self._on_event)

    async def set_typing(
        self, actor: UUID, conversation_id: UUID, root_id: UUID, seconds: int
    ) -> None:
        """Show a user as typing for some seconds; 0 ends it."""
        await presence.check_may_type(self._db, actor, conversation_id, root_id)
        expires_at = self._clock.now() + timedelta(seconds=seconds) if seconds else TYPING_STOPPED
        message = TypingChanged(conversation_id, root_id, actor, expires_at)
        # An end is always published: the start may still be in flight from another process.
        if self._apply(message, is_local=True) or not seconds:
            self._backplane.publish(message)

    def on_posted(self, actor: UUID, conversation_id: UUID, root_id: UUID) -> None:
        """End a user's indicator, because the message was posted."""
        message = TypingChanged(conversation_id, root_id, actor, TYPING_STOPPED)
        if self._apply(message, is_local=True):
            self._backplane.publish(message)

    def on_typing(self, message: TypingChanged) -> None:
        """Apply a message of another process."""
        self._apply(message, is_local=False)

    def republish(self) -> None:
        """Publish the indicators that users reported to this process."""
        for conversation_id, users in self._by_conversation.items():
            for user_id, typing in users.items():
                if typing.is_local:
                    self._backplane.publish(
                        TypingChanged(conversation_id, typing.root_id, user_id, typing.expires_at)
                    )

    def active(self, conversation_id: UUID) -> Iterator[TypingIndicator]:
        """Return the indicators of a conversation that have not expired."""
        now = self._clock.monotonic()
        for user_id, typing in self._by_conversation.get(conversation_id, {}).items():
            if typing.deadline > now:
                yield TypingIndicator(typing.root_id, user_id, typing.expires_at)

    def statistics(self) -> dict[str, int]:
        """Return how many `conversations` and `users` in them are in memory."""
        return {
            "conversations": len(self._by_conversation),
            "users": sum(map(len, self._by_conversation.values())),
        }

    async def clear_expired(self) -> None:
        """End the indicators that have expired."""
        now = self._clock.monotonic()
        for conversation_id, users in list(self._by_conversation.items()):
            expired = [user_id for user_id, typing in users.items() if typing.deadline <= now]
            for user_id in expired:
                self._clear(conversation_id, user_id)

    def _apply(self, message: TypingChanged, *, is_local: bool) -> bool:
        """Apply a change and broadcast it; return False if it changes nothing."""
        before = self._by_conversation.get(message.conversation_id, {}).get(message.user_id)
        is_same_thread = before is not None and before.root_id == message.root_id
        left = min((message.expires_at - self._clock.now()).total_seconds(), self._limits.typing)
        if left <= 0:
            if is_same_thread:
                self._clear(message.conversation_id, message.user_id)
            return is_same_thread
        deadline = self._clock.monotonic() + left
        if (
            before
            and is_same_thread
            and 0 <= deadline - before.deadline < self._limits.typing_interval
        ):
            return False
        if not is_same_thread:
            self._evict(message)
        typing = _Typing(message.root_id, message.expires_at, deadline, is_local)
        self._by_conversation.setdefault(message.conversation_id, {})[message.user_id] = typing
        self._broadcast(
            message.conversation_id, message.user_id, message.root_id, message.expires_at
        )
        return True

    def _evict(self, message: TypingChanged) -> None:
        """End the user's indicator in another thread, or any user's if there are too many."""
        users = self._by_conversation.get(message.conversation_id, {})
        if message.user_id in users:
            self._clear(message.conversation_id, message.user_id)
        elif len(users) >= MAX_TYPING:
            self._clear(message.conversation_id, min(users, key=lambda user: users[user].deadline))

    def _clear(self, conversation_id: UUID, user_id: UUID) -> None:
        users = self._by_conversation.get(conversation_id, {})
        typing = users.pop(user_id, None)
        if not users:
            self._by_conversation.pop(conversation_id, None)
        if typing is not None:
            self._broadcast(conversation_id, user_id, typing.root_id, TYPING_STOPPED)

    def _broadcast(
        self, conversation_id: UUID, user_id: UUID, root_id: UUID, expires_at: datetime
    ) -> None:
        payload = events.TypingUpdatePayload(conversation_id, root_id, user_id, expires_at)
        frame = codec.sse_frame("typing.update", codec.encode(payload))
        self._hub.broadcast(conversation_id, frame)

    def _on_event(self, event: EventRecord) -> None:
        """End the indicator of a user who posted a message or was removed."""
        if event.conversation_id not in self._by_conversation:
            return
        change = parse_membership(event)
        message = parse_new_message(event)
        if change and change.action == "removed":
            self._clear(change.conversation_id, change.user_id)
        elif message and message.author_user_id is not None:
            stopped = TypingChanged(
                event.conversation_id, message.root_id, message.author_user_id, TYPING_STOPPED
            )
            self._apply(stopped, is_local=False)
