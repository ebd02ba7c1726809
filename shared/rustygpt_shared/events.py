"""The events of a stream: a closed union of structs, distinguished by `type`.

Durable events have an id, which contains the event's number in its conversation; the others have
none. To add an event, add its struct here and to `Event`: every exhaustive `match` must then handle
it, and tests/repo/test_events_handled.py names what else has to know it.
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
"""`joined` and `removed` occur on a stream of all conversations only: it now follows the named
conversation, or no longer does."""
CloseReason = Literal[
    "shutdown", "removed", "session_ended", "password_changed", "disabled", "deleted"
]


class BaseEvent(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """The fields that every event has."""

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
    """A thread's position in the list, or its counts, changed."""

    payload: ThreadActivityPayload


class MessagePayload(Model, frozen=True):
    """Payload of `message.new`."""

    message: MessageView


class MessageNew(BaseEvent, frozen=True, tag="message.new"):
    """A message was posted, or an answer started (`streaming`)."""

    payload: MessagePayload


class MessageUpdatedPayload(Model, frozen=True):
    """Payload of `message.updated`; without `change` it brings the final text of an answer."""

    message: MessageView
    change: Literal["edited", "deleted", "restored"] | None = None


class MessageUpdated(BaseEvent, frozen=True, tag="message.updated"):
    """A message changed: final text, edit, deletion or restoration."""

    payload: MessageUpdatedPayload


class DeltaText(Model, frozen=True):
    """The text that was added to an answer."""

    role: str | None = None
    content: str | None = None
    reasoning: str | None = None


class DeltaChoice(Model, frozen=True):
    """The only choice of a delta."""

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
    """A part of an answer in progress; it may repeat text that was sent before."""

    payload: MessageDeltaPayload


class AnswerStatusPayload(Model, frozen=True):
    """Payload of `answer.status`."""

    conversation_id: UUID
    root_id: UUID
    message_id: UUID
    state: Literal["queued", "waiting", "writing"]
    """`queued`: other answers come first; `waiting`: the model has the prompt and has not begun;
    `writing`: its text arrives as deltas."""
    queue_position: int | None = None
    """While it is queued: 1 is the next one."""
    first_token_ms: int | None = None
    """While it is writing: milliseconds from the request to the model's first text."""
    omitted_messages: int | None = None
    """How many earlier messages did not fit into the model's context, if any."""


class AnswerStatus(BaseEvent, frozen=True, tag="answer.status"):
    """The state of an answer in progress; the latest one counts, and its end is `message.done`."""

    payload: AnswerStatusPayload


class MessageDonePayload(Model, frozen=True):
    """Payload of `message.done`."""

    message_id: UUID
    root_id: UUID
    conversation_id: UUID
    finish_reason: FinishReason
    chunks: int
    usage: Usage | None = None


class MessageDone(BaseEvent, frozen=True, tag="message.done"):
    """An answer ended, with or without success."""

    payload: MessageDonePayload


class MembershipChangedPayload(Model, frozen=True):
    """Payload of `membership.changed`."""

    conversation_id: UUID
    user_id: UUID
    action: Literal["added", "removed", "role_updated"]
    role: str | None = None


class MembershipChanged(BaseEvent, frozen=True, tag="membership.changed"):
    """A participant was added or removed, or has a new role."""

    payload: MembershipChangedPayload


class ConversationUpdatedPayload(Model, frozen=True):
    """Payload of `conversation.updated`."""

    conversation: ConversationInfo
    last_message_excerpt: str | None = None
    """As the list of conversations shows it; absent if there is none."""


class ConversationUpdated(BaseEvent, frozen=True, tag="conversation.updated"):
    """A conversation's title, settings or last excerpt changed."""

    payload: ConversationUpdatedPayload


class ConversationDeletedPayload(Model, frozen=True):
    """Payload of `conversation.deleted`."""

    conversation_id: UUID


class ConversationDeleted(BaseEvent, frozen=True, tag="conversation.deleted"):
    """A conversation was deleted with everything in it; this is its last event."""

    payload: ConversationDeletedPayload


class ErrorPayload(Model, frozen=True):
    """Payload of `error`."""

    code: str
    message: str
    conversation_id: UUID
    root_id: UUID | None = None
    message_id: UUID | None = None


class ErrorEvent(BaseEvent, frozen=True, tag="error"):
    """The reason why an answer failed; it follows the `message.done` of the answer."""

    payload: ErrorPayload


class UnreadUpdatePayload(Model, frozen=True):
    """Payload of `unread.update`."""

    conversation_id: UUID
    root_id: UUID
    user_id: UUID
    unread: int
    read_seq: int


class UnreadUpdate(BaseEvent, frozen=True, tag="unread.update"):
    """The recipient's count of unread messages in a thread changed."""

    payload: UnreadUpdatePayload


class PresenceUpdate(BaseEvent, frozen=True, tag="presence.update"):
    """The presence of a user in one of the recipient's conversations changed."""

    payload: UserPresence


class TypingUpdatePayload(Model, frozen=True):
    """Payload of `typing.update`; an `expires_at` in the past means that the user stopped."""

    conversation_id: UUID
    root_id: UUID
    user_id: UUID
    expires_at: datetime


class TypingUpdate(BaseEvent, frozen=True, tag="typing.update"):
    """A user is typing in a thread, or stopped."""

    payload: TypingUpdatePayload


class StreamOpenPayload(Model, frozen=True):
    """Payload of `stream.open`: the position from which the stream continues.

    `last_event_id` is set on the stream of one conversation, `positions` (by conversation id) on a
    stream of all conversations.
    """

    last_event_id: str | None = None
    positions: dict[UUID, str] | None = None


class StreamOpen(BaseEvent, frozen=True, tag="stream.open"):
    """The stream is open and continues after this position."""

    payload: StreamOpenPayload


class StreamResetPayload(Model, frozen=True):
    """Payload of `stream.reset`."""

    reason: ResetReason
    last_event_id: str
    conversation_id: UUID | None = None
    """The conversation to reload, on a stream of all conversations."""


class StreamReset(BaseEvent, frozen=True, tag="stream.reset"):
    """The stream cannot fill a gap: reload, and continue from this position."""

    payload: StreamResetPayload


class StreamClosedPayload(Model, frozen=True):
    """Payload of `stream.closed`."""

    reason: CloseReason


class StreamClosed(BaseEvent, frozen=True, tag="stream.closed"):
    """The server ends the stream; this is its last event."""

    payload: StreamClosedPayload


Event = (
    ThreadNew
    | ThreadActivity
    | MessageNew
    | MessageUpdated
    | MessageDelta
    | AnswerStatus
    | MessageDone
    | MembershipChanged
    | ConversationUpdated
    | ConversationDeleted
    | ErrorEvent
    | UnreadUpdate
    | PresenceUpdate
    | TypingUpdate
    | StreamOpen
    | StreamReset
    | StreamClosed
)
