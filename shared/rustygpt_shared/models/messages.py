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


class MessageError(Model, frozen=True):
    """Why an answer failed."""

    code: str
    message: str


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
    """While it is deleted, `content` is empty."""
    deleted_by: UUID | None = None
    model: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    error: MessageError | None = None
    omitted_messages: int | None = None
    """Of an answer: how many earlier messages did not fit into the model's context, if any."""
    streaming: bool = False
    html: str | None = None
    """The content as sanitised HTML, when requested with `?render=html`."""


class ThreadPage(Model, frozen=True):
    """A page of a thread's messages, depth first or in the order of `seq`."""

    root_id: UUID
    messages: list[MessageView]
    last_event_id: str
    next_cursor: str | None = None
    """For `cursor_path`, or `after_seq`: the messages after this page, if there are any."""
    prev_cursor: str | None = None
    """For `before_path`, or `before_seq`: the messages before this page, if there are any."""


class PostedMessage(Model, frozen=True):
    """The position of a new message, and the answer to it."""

    message_id: UUID
    root_id: UUID
    conversation_id: UUID
    depth: int
    parent_id: UUID | None = None
    answer_id: UUID | None = None
    """The assistant's answer that the post has started, if any."""


class Revision(Model, frozen=True):
    """An earlier text of a message, or the text of a deleted one."""

    number: int
    """Counts the texts of a message, from 1 on."""
    content: str
    written_at: datetime
    change: str
    """What ended it: `edited` or `deleted`."""
    replaced_at: datetime
    replaced_by: UUID
    reasoning: str | None = None
    reason: str | None = None
    """Why it was changed, if whoever did it has given a reason."""


class RevisionList(Model, frozen=True):
    """A page of a message's earlier texts, latest first."""

    revisions: list[Revision]
    next_cursor: str | None = None


class Chunk(Model, frozen=True):
    """A stored part of an assistant's answer."""

    message_id: UUID
    idx: int
    content: str
    created_at: datetime


class ReadMarkerResult(Model, frozen=True):
    """The reader's mark in a thread, and the number of unread messages after it."""

    root_id: UUID
    unread: int
    read_seq: int
    """Everything up to this `seq` is read."""


class CancelResult(Model, frozen=True):
    """The result of a request to stop an answer."""

    message_id: UUID
    status: str
    """`cancelled`, `timed_out`, `completed` or `not_tracked`."""
