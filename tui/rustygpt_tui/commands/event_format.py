"""The plain format of events: one line of text per event, for people."""

from typing import assert_never
from uuid import UUID

from rustygpt_shared.events import (
    AnswerStatus,
    ConversationDeleted,
    ConversationUpdated,
    ErrorEvent,
    Event,
    MembershipChanged,
    MessageDelta,
    MessageDeltaPayload,
    MessageDone,
    MessageNew,
    MessageUpdated,
    PresenceUpdate,
    StreamClosed,
    StreamOpen,
    StreamReset,
    ThreadActivity,
    ThreadNew,
    TypingUpdate,
    UnreadUpdate,
)
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.presence import TYPING_STOPPED
from rustygpt_tui.store.names import Names


def type_of(event: Event) -> str:
    """Return the event's type as it is named on the wire."""
    return str(event.__struct_config__.tag)


def root_of(event: Event) -> UUID | None:
    """Return the root of the thread that an event belongs to.

    None means that the event belongs to no thread, or that it does not name one.
    """
    match event:
        case MessageNew(payload=payload) | MessageUpdated(payload=payload):
            return payload.message.root_id
        case (
            ThreadNew(payload=payload)
            | ThreadActivity(payload=payload)
            | MessageDelta(payload=payload)
            | AnswerStatus(payload=payload)
            | MessageDone(payload=payload)
            | UnreadUpdate(payload=payload)
            | TypingUpdate(payload=payload)
        ):
            return payload.root_id
        case ConversationUpdated() | ConversationDeleted():
            return None
        case MembershipChanged() | PresenceUpdate():
            return None
        case ErrorEvent(payload=payload):
            return payload.root_id
        case StreamOpen() | StreamReset() | StreamClosed():
            return None
        case _:
            assert_never(event)


def line_of(event: Event, names: Names) -> str:
    """Return an event as one line: its id or `-`, its type, and its content."""
    return f"{event.id or '-'} {type_of(event)} {_content(event, names)}".rstrip()


def _content(event: Event, names: Names) -> str:  # noqa: C901, PLR0912 - one case per event
    match event:
        case ThreadNew(payload=payload):
            return payload.summary.root_excerpt
        case ThreadActivity(payload=payload):
            return f"{payload.message_count} messages: {payload.root_excerpt}"
        case MessageNew(payload=payload):
            return _message_content(payload.message, names)
        case MessageUpdated(payload=payload):
            change = f"{payload.change} " if payload.change in {"edited", "restored"} else ""
            return f"{change}{_message_content(payload.message, names)}"
        case MessageDelta(payload=payload):
            return _delta_content(payload)
        case MessageDone(payload=payload):
            return f"{payload.message_id} {payload.finish_reason}"
        case MembershipChanged(payload=payload):
            return f"{payload.user_id} {payload.action} {payload.role or ''}"
        case ConversationUpdated(payload=payload):
            return payload.conversation.title
        case ConversationDeleted(payload=payload):
            return str(payload.conversation_id)
        case ErrorEvent(payload=payload):
            return f"{payload.code} {payload.message}"
        case UnreadUpdate() | PresenceUpdate() | TypingUpdate() | AnswerStatus():
            return _transient_content(event)
        case StreamOpen() | StreamReset() | StreamClosed():
            return _stream_content(event)
        case _:
            assert_never(event)


def _delta_content(payload: MessageDeltaPayload) -> str:
    text = "".join(choice.delta.content or "" for choice in payload.choices)
    reasoning = "".join(choice.delta.reasoning or "" for choice in payload.choices)
    return f"reasoning: {reasoning}" if reasoning and not text else text


def _stream_content(event: StreamOpen | StreamReset | StreamClosed) -> str:
    match event:
        case StreamOpen(payload=payload):
            return payload.last_event_id or ""
        case StreamReset(payload=payload):
            return f"{payload.reason} {payload.last_event_id}"
        case StreamClosed(payload=payload):
            return payload.reason
        case _:
            assert_never(event)


def _transient_content(
    event: UnreadUpdate | PresenceUpdate | TypingUpdate | AnswerStatus,
) -> str:
    match event:
        case AnswerStatus(payload=payload):
            position = f" {payload.queue_position}" if payload.queue_position else ""
            return f"{payload.message_id} {payload.state}{position}"
        case UnreadUpdate(payload=payload):
            return f"{payload.root_id} {payload.unread}"
        case PresenceUpdate(payload=payload):
            return f"{payload.user_id} {payload.status}"
        case TypingUpdate(payload=payload):
            action = "stopped" if payload.expires_at <= TYPING_STOPPED else "writes"
            return f"{payload.root_id} {payload.user_id} {action}"
        case _:
            assert_never(event)


def _message_content(message: MessageView, names: Names) -> str:
    author = names.author(message)
    if message.deleted_at:
        return f"{message.id} {author} ({names.deletion(message)})"
    return f"{message.id} {author}: {message.content or '…'}"
