"""Messages: write roots and replies, show one, list an answer's stored pieces."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.errors import from_sqlstate
from rustygpt_server.db.rows import EventRecord, IdempotencyKey, event_records
from rustygpt_shared import codec
from rustygpt_shared.models.messages import Chunk, MessageView, PostedMessage, Usage


class NewMessage(Struct, frozen=True):
    """A message to be written."""

    id: UUID
    content: str
    role: str = "user"
    model: str | None = None
    idempotency: IdempotencyKey | None = None


class Post(Struct, frozen=True):
    """Who writes what where: a root in a conversation, or a reply to a parent."""

    actor: UUID
    message: NewMessage
    conversation_id: UUID | None = None
    parent_id: UUID | None = None


class ConversationBusy(Struct, frozen=True):
    """Somebody else is writing there, or with the same key."""

    conversation_id: UUID


class AnswerClaim(Struct, frozen=True):
    """Who would write the assistant's answer, should the conversation's mode ask for one."""

    answer_id: UUID
    instance_id: str
    default_model: str
    lease_until: datetime


class StartedAnswer(Struct, frozen=True):
    """An answer that was begun in the same transaction: its row exists, `streaming`."""

    message_id: UUID
    model: str


class PostResult(Struct, frozen=True):
    """A new message, its events in order, and the answer it started, if any.

    A replayed one (same key, same body, within a day) has the ids of the first one and no events.
    """

    posted: PostedMessage
    replayed: bool
    events: list[EventRecord]
    answer: StartedAnswer | None


async def post_messages(
    db: Database,
    posts: Sequence[Post],
    claims: Sequence[AnswerClaim | None],
    now: datetime,
    *,
    wait: bool,
) -> list[PostResult | ConversationBusy | Exception]:
    """Write messages of several people in one statement; what is refused is told in its place.

    Refused are viewers and read-only people (Forbidden), those who are not in the conversation
    (NotFound), and a place in the tree that has no room left for a key (Conflict). What has to wait
    for somebody else is Busy, unless the statement may `wait`.
    """
    rows = await db.fetch(
        "SELECT * FROM rustygpt.post_messages($1, $2, $3, $4, $5, $6)",
        *_post_columns(posts, claims),
        now,
        wait,
    )
    return [_result(*row) for row in rows]


async def get_message(db: Database, actor: UUID, message_id: UUID) -> MessageView:
    """One message; NotFound for those who are not in its conversation."""
    return message_from_row(
        *await db.fetch_one("SELECT * FROM rustygpt.get_message($1, $2)", actor, message_id)
    )


async def list_chunks(
    db: Database, actor: UUID, message_id: UUID, first_idx: int, limit: int
) -> list[Chunk]:
    """Stored pieces of an answer, from an index on."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_chunks($1, $2, $3, $4)", actor, message_id, first_idx, limit
    )
    return [Chunk(*row) for row in rows]


def message_from_row(*row: Any) -> MessageView:
    """A message from a row in the order of MessageView's fields, usage as JSON text."""
    usage = codec.decode(row[17], Usage) if row[17] else None
    fields = [*row[:17], usage, row[18]]
    return MessageView(*fields)


def _post_columns(
    posts: Sequence[Post], answering: Sequence[AnswerClaim | None]
) -> tuple[object, ...]:
    """The messages as `rustygpt.new_message[]`, and what is the same for all of one process."""
    by = next((one for one in answering if one), None)
    rows = [_new_message(post, one) for post, one in zip(posts, answering, strict=True)]
    return (rows, *((by.instance_id, by.default_model, by.lease_until) if by else (None,) * 3))


def _new_message(post: Post, answering: AnswerClaim | None) -> tuple[object, ...]:
    """A `rustygpt.new_message`, which the driver encodes from a tuple."""
    draft, once = post.message, post.message.idempotency
    return (
        post.actor,
        post.conversation_id,
        post.parent_id,
        draft.id,
        draft.content,
        draft.role,
        draft.model,
        *((once.key, once.body_hash) if once else (None, None)),
        answering.answer_id if answering else None,
    )


def _result(
    _place: int, state: str | None, reason: str, *row: Any
) -> PostResult | ConversationBusy | Exception:
    if state == "busy":
        return ConversationBusy(row[2])
    if state is not None:
        return from_sqlstate(state, reason)
    begun = StartedAnswer(row[9], row[10]) if row[9] else None
    events = [] if row[5] else event_records(row[2], *row[6:9])
    return PostResult(PostedMessage(*row[:5]), row[5], events, begun)
