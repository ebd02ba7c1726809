"""Which conversation an event of a stream of all conversations is about."""

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


def conversation_of(event: Event) -> UUID | None:
    """Return the conversation that an event is about; None for events about no single one."""
    match event:
        case MessageNew(payload=payload) | MessageUpdated(payload=payload):
            return payload.message.conversation_id
        case ConversationUpdated(payload=payload):
            return payload.conversation.id
        case (
            ThreadNew(payload=payload)
            | ThreadActivity(payload=payload)
            | MessageDelta(payload=payload)
            | AnswerStatus(payload=payload)
            | MessageDone(payload=payload)
            | MembershipChanged(payload=payload)
            | ConversationDeleted(payload=payload)
            | UnreadUpdate(payload=payload)
            | TypingUpdate(payload=payload)
            | ErrorEvent(payload=payload)
            | StreamReset(payload=payload)
        ):
            return payload.conversation_id
        case PresenceUpdate() | StreamOpen() | StreamClosed():
            return None
        case _:
            assert_never(event)
