"""Messages, pages of a thread, and the stored chunks of an answer."""

from datetime import datetime
from uuid import UUID

from rustygpt_shared.models import Model


class Usage(Model, frozen=True):
    """The tokens that an answer used."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    estimated: bool = False
    """True when the provider reported no usage and the server estimated it."""


class MessageView(Model, frozen=True):
    """A message as all participants of its conversation see it."""

    id: UUID
    root_id: UUID
    conversation_id: UUID
    role: str
    """`user`, `assistant` or `system`."""
    content: str
    path: str
    """An opaque ASCII key that never changes: its byte order is depth-first order."""
    depth: int
    """1 for a root."""
    seq: int
    """Increases within the thread; read markers and unread counts refer to it."""
    created_at: datetime
    parent_id: UUID | None = None
    author_user_id: UUID | None = None
    author_name: str | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    model: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    streaming: bool = False
    html: str | None = None
    """The content as sanitised HTML, when requested with `?render=html`."""


class ThreadPage(Model, frozen=True):
    """A page of a thread's messages, depth first."""

    root_id: UUID
    messages: list[MessageView]
    last_event_id: str
    next_cursor: str | None = None


class PostedMessage(Model, frozen=True):
    """The position of a new message, and the answer to it."""

    message_id: UUID
    root_id: UUID
    conversation_id: UUID
    depth: int
    parent_id: UUID | None = None
    answer_id: UUID | None = None
    """The assistant's answer that the post has started, if any."""


class Chunk(Model, frozen=True):
    """A stored part of an assistant's answer."""

    message_id: UUID
    idx: int
    content: str
    created_at: datetime


class ReadMarkerResult(Model, frozen=True):
    """The unread messages of a thread after the read marker moved."""

    root_id: UUID
    unread: int


class CancelResult(Model, frozen=True):
    """The result of a request to stop an answer."""

    message_id: UUID
    status: str
    """`cancelled`, `timed_out`, `completed` or `not_tracked`."""
