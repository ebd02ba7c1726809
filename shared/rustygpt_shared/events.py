"""The events of a stream: a closed union, told apart by `type`.

Durable events carry an id, the number of the event in its conversation; the others have none.
To add one, add its struct here and to `Event`: every exhaustive `match` then has to name it.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_shared.models import Model
from rustygpt_shared.models.conversations import ConversationInfo, ThreadInfo
from rustygpt_shared.models.messages import MessageView, Usage
from rustygpt_shared.models.presence import UserPresence

FinishReason = Literal["stop", "length", "cancelled", "timeout", "error"]
ResetReason = Literal["trimmed", "unknown", "too_far", "overflow", "joined", "removed"]
"""`joined` and `removed` are told of one conversation by a stream of all of them, when it follows
the conversation from now on, or no longer."""
CloseReason = Literal["shutdown", "removed", "session_ended", "disabled", "deleted"]


class BaseEvent(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """The envelope every event has."""

    payload: Any
    id: str | None = None


class ThreadNewPayload(Model, frozen=True):
    """Payload of `thread.new`."""

    conversation_id: UUID
    root_id: UUID
    summary: ThreadInfo


class ThreadNew(BaseEvent, frozen=True, tag="thread.new"):
    """A thread was started."""

    payload: ThreadNewPayload


class ThreadActivityPayload(Model, frozen=True):
    """Payload of `thread.activity`."""

    conversation_id: UUID
    root_id: UUID
    last_activity_at: datetime
    message_count: int
    participant_count: int
    root_excerpt: str


class ThreadActivity(BaseEvent, frozen=True, tag="thread.activity"):
    """A thread's place in the list or its counts changed."""

    payload: ThreadActivityPayload


class MessagePayload(Model, frozen=True):
    """Payload of `message.new` and `message.updated`."""

    message: MessageView


class MessageNew(BaseEvent, frozen=True, tag="message.new"):
    """A message was written, or an answer was begun (`streaming`)."""

    payload: MessagePayload


class MessageUpdated(BaseEvent, frozen=True, tag="message.updated"):
    """A message changed: its final text, an edit, a deletion."""

    payload: MessagePayload


class DeltaText(Model, frozen=True):
    """What an answer grew by."""

    role: str | None = None
    content: str | None = None
    reasoning: str | None = None


class DeltaChoice(Model, frozen=True):
    """The one choice of a delta."""

    index: Literal[0]
    delta: DeltaText
    finish_reason: str | None = None


class MessageDeltaPayload(Model, frozen=True):
    """Payload of `message.delta`; `offset` counts Unicode code points before the text."""

    id: str
    object: Literal["chat.completion.chunk"]
    root_id: UUID
    message_id: UUID
    conversation_id: UUID
    offset: int
    choices: list[DeltaChoice]
    parent_id: UUID | None = None
    depth: int | None = None
    reasoning_offset: int | None = None


class MessageDelta(BaseEvent, frozen=True, tag="message.delta"):
    """A piece of an answer in progress; it may repeat what a reader has."""

    payload: MessageDeltaPayload


class MessageDonePayload(Model, frozen=True):
    """Payload of `message.done`."""

    message_id: UUID
    root_id: UUID
    conversation_id: UUID
    finish_reason: FinishReason
    chunks: int
    usage: Usage | None = None


class MessageDone(BaseEvent, frozen=True, tag="message.done"):
    """An answer ended, one way or another."""

    payload: MessageDonePayload


class MembershipChangedPayload(Model, frozen=True):
    """Payload of `membership.changed`."""

    conversation_id: UUID
    user_id: UUID
    action: Literal["added", "removed", "role_updated"]
    role: str | None = None


class MembershipChanged(BaseEvent, frozen=True, tag="membership.changed"):
    """Somebody came, went, or has another role."""

    payload: MembershipChangedPayload


class ConversationUpdatedPayload(Model, frozen=True):
    """Payload of `conversation.updated`."""

    conversation: ConversationInfo


class ConversationUpdated(BaseEvent, frozen=True, tag="conversation.updated"):
    """A conversation's title or settings changed."""

    payload: ConversationUpdatedPayload


class ErrorPayload(Model, frozen=True):
    """Payload of `error`."""

    code: str
    message: str
    message_id: UUID | None = None


class ErrorEvent(BaseEvent, frozen=True, tag="error"):
    """Why an answer failed; it follows the `message.done` it explains."""

    payload: ErrorPayload


class UnreadUpdatePayload(Model, frozen=True):
    """Payload of `unread.update`."""

    conversation_id: UUID
    root_id: UUID
    user_id: UUID
    unread: int


class UnreadUpdate(BaseEvent, frozen=True, tag="unread.update"):
    """The reader's own count of unread messages in a thread."""

    payload: UnreadUpdatePayload


class PresenceUpdate(BaseEvent, frozen=True, tag="presence.update"):
    """Somebody in a conversation of the reader's came, went silent, or left."""

    payload: UserPresence


class TypingUpdatePayload(Model, frozen=True):
    """Payload of `typing.update`; `expires_at` is past for who stopped."""

    conversation_id: UUID
    root_id: UUID
    user_id: UUID
    expires_at: datetime


class TypingUpdate(BaseEvent, frozen=True, tag="typing.update"):
    """Somebody is writing in a thread, or stopped."""

    payload: TypingUpdatePayload


class StreamOpenPayload(Model, frozen=True):
    """Payload of `stream.open`: where the stream of a conversation goes on, or of each of all."""

    last_event_id: str | None = None
    positions: dict[UUID, str] | None = None


class StreamOpen(BaseEvent, frozen=True, tag="stream.open"):
    """The stream is open; it goes on after this position."""

    payload: StreamOpenPayload


class StreamResetPayload(Model, frozen=True):
    """Payload of `stream.reset`."""

    reason: ResetReason
    last_event_id: str
    conversation_id: UUID | None = None
    """Which one, on a stream of all conversations."""


class StreamReset(BaseEvent, frozen=True, tag="stream.reset"):
    """The stream cannot fill a gap: load anew and go on from this position."""

    payload: StreamResetPayload


class StreamClosedPayload(Model, frozen=True):
    """Payload of `stream.closed`."""

    reason: CloseReason


class StreamClosed(BaseEvent, frozen=True, tag="stream.closed"):
    """The last event of a stream that the server ends."""

    payload: StreamClosedPayload


Event = (
    ThreadNew
    | ThreadActivity
    | MessageNew
    | MessageUpdated
    | MessageDelta
    | MessageDone
    | MembershipChanged
    | ConversationUpdated
    | ErrorEvent
    | UnreadUpdate
    | PresenceUpdate
    | TypingUpdate
    | StreamOpen
    | StreamReset
    | StreamClosed
)
