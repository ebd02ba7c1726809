"""Events as lines for a person: what happened, in a few words."""

from typing import assert_never
from uuid import UUID

from rustygpt_shared.events import (
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
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.presence import TYPING_STOPPED


def kind_of(event: Event) -> str:
    """The event's type as the wire names it."""
    return str(event.__struct_config__.tag)


def root_of(event: Event) -> UUID | None:
    """The thread an event is about; None when it is about the whole conversation."""
    match event:
        case MessageNew(payload=shown) | MessageUpdated(payload=shown):
            return shown.message.root_id
        case (
            ThreadNew(payload=about)
            | ThreadActivity(payload=about)
            | MessageDelta(payload=about)
            | MessageDone(payload=about)
            | UnreadUpdate(payload=about)
            | TypingUpdate(payload=about)
        ):
            return about.root_id
        case _:
            return None


def line_of(event: Event) -> str:
    """The event on one line: its id where it has one, its type, and what it says."""
    return f"{event.id or '-'} {kind_of(event)} {_details(event)}".rstrip()


def _details(event: Event) -> str:  # noqa: C901, PLR0912 - a case each
    match event:
        case ThreadNew(payload=created):
            return created.summary.root_excerpt
        case ThreadActivity(payload=active):
            return f"{active.message_count} messages: {active.root_excerpt}"
        case MessageNew(payload=shown) | MessageUpdated(payload=shown):
            return _message(shown.message)
        case MessageDelta(payload=delta):
            return "".join(choice.delta.content or "" for choice in delta.choices)
        case MessageDone(payload=finished):
            return f"{finished.message_id} {finished.finish_reason}"
        case MembershipChanged(payload=change):
            return f"{change.user_id} {change.action} {change.role or ''}"
        case ConversationUpdated(payload=changed):
            return changed.conversation.title
        case ErrorEvent(payload=trouble):
            return f"{trouble.code} {trouble.message}"
        case UnreadUpdate() | PresenceUpdate() | TypingUpdate():
            return _transient_details(event)
        case StreamOpen(payload=opened):
            return opened.last_event_id or ""
        case StreamReset(payload=reset):
            return f"{reset.reason} {reset.last_event_id}"
        case StreamClosed(payload=closing):
            return closing.reason
        case _:
            assert_never(event)


def _transient_details(event: UnreadUpdate | PresenceUpdate | TypingUpdate) -> str:
    match event:
        case UnreadUpdate(payload=count):
            return f"{count.root_id} {count.unread}"
        case PresenceUpdate(payload=seen):
            return f"{seen.user_id} {seen.status}"
        case TypingUpdate(payload=typing):
            said = "stopped" if typing.expires_at <= TYPING_STOPPED else "writes"
            return f"{typing.root_id} {typing.user_id} {said}"


def _message(message: MessageView) -> str:
    author = message.author_name or message.role
    if message.deleted_at:
        return f"{message.id} {author} (deleted)"
    return f"{message.id} {author}: {message.content or '…'}"
