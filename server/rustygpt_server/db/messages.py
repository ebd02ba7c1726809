"""Messages: post roots and replies, read one message, list an answer's stored chunks."""

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
    """A message to be posted."""

    id: UUID
    content: str
    role: str = "user"
    model: str | None = None
    idempotency: IdempotencyKey | None = None


class Post(Struct, frozen=True):
    """A message, its author (`actor`), and where it goes: a root in a conversation, or a reply."""

    actor: UUID
    message: NewMessage
    conversation_id: UUID | None = None
    parent_id: UUID | None = None


class ConversationBusy(Struct, frozen=True):
    """Another transaction holds the lock of the conversation, or of the idempotency key."""

    conversation_id: UUID


class AnswerClaim(Struct, frozen=True):
    """Which process would generate the answer, if the conversation's mode asks for one."""

    answer_id: UUID
    instance_id: str
    default_model: str
    lease_until: datetime


class StartedAnswer(Struct, frozen=True):
    """An answer that was started in the same transaction: its row exists and is `streaming`."""

    message_id: UUID
    model: str


class PostResult(Struct, frozen=True):
    """A new message, its events in order, and the answer that it started, if any.

    With `replayed` an earlier request had the same key and body (within 24 h): the message and the
    answer are those of the first request, and there are no events.
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
    """Post messages of several users in one statement; return one result per post, in order.

    The result of a post that is refused is an exception: Forbidden for viewers and read-only users,
    NotFound for users outside the conversation, Conflict when no sort key fits between two
    messages. It is ConversationBusy where the statement would have to wait for a lock, unless
    `wait`.
    """
    messages = [_new_message(post, claim) for post, claim in zip(posts, claims, strict=True)]
    any_claim = next((claim for claim in claims if claim), None)  # they differ in answer_id only
    rows = await db.fetch(
        "SELECT * FROM rustygpt.post_messages($1, $2, $3, $4, $5, $6)",
        messages,
        any_claim.instance_id if any_claim else None,
        any_claim.default_model if any_claim else None,
        any_claim.lease_until if any_claim else None,
        now,
        wait,
    )
    return [_result(*row) for row in rows]


async def get_message(db: Database, actor: UUID, message_id: UUID) -> MessageView:
    """Return one message; raise NotFound for users who are not in its conversation."""
    return message_from_row(
        *await db.fetch_one("SELECT * FROM rustygpt.get_message($1, $2)", actor, message_id)
    )


async def list_chunks(
    db: Database, actor: UUID, message_id: UUID, first_idx: int, limit: int
) -> list[Chunk]:
    """Return an answer's stored chunks, starting at an index."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_chunks($1, $2, $3, $4)", actor, message_id, first_idx, limit
    )
    return [Chunk(*row) for row in rows]


def message_from_row(*row: Any) -> MessageView:
    """Return a message from a row in the order of MessageView's fields; usage is JSON text."""
    usage = codec.decode(row[17], Usage) if row[17] else None
    fields = [*row[:17], usage, row[18]]
    return MessageView(*fields)


def _new_message(post: Post, claim: AnswerClaim | None) -> tuple[object, ...]:
    """Return a `rustygpt.new_message`, which the driver encodes from a tuple."""
    message = post.message
    idempotency = message.idempotency
    return (
        post.actor,
        post.conversation_id,
        post.parent_id,
        message.id,
        message.content,
        message.role,
        message.model,
        idempotency.key if idempotency else None,
        idempotency.body_hash if idempotency else None,
        claim.answer_id if claim else None,
    )


def _result(
    _ordinal: int, state: str | None, reason: str, *row: Any
) -> PostResult | ConversationBusy | Exception:
    """Return the result of one row of `rustygpt.post_result`."""
    if state == "busy":
        return ConversationBusy(row[2])
    if state is not None:
        return from_sqlstate(state, reason)
    answer = StartedAnswer(row[9], row[10]) if row[9] else None
    fields = [*row[:5], answer.message_id if answer else None]
    posted = PostedMessage(*fields)
    replayed: bool = row[5]
    events = [] if replayed else event_records(row[2], *row[6:9])
    return PostResult(posted, replayed, events, answer)
