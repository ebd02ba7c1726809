"""Messages: post, read, edit, delete and restore them; list revisions, and stored chunks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.errors import from_sqlstate
from rustygpt_server.db.rows import EventRecord, IdempotencyKey, event_records
from rustygpt_server.errors import RateLimited
from rustygpt_server.rates import LimitState, Rate
from rustygpt_server.telemetry import client_address
from rustygpt_shared import codec
from rustygpt_shared.models.messages import (
    Chunk,
    MessageError,
    MessageView,
    PostedMessage,
    Revision,
    Usage,
)
from rustygpt_shared.requests import EditMessage

_RATE_LIMITED: Final = "RG429"


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
    rate: Rate | None = None
    """The limit of the author's posts to the conversation."""


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
    limit: LimitState | None = None
    """The state of the post's limit; None for one that was not counted."""


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
    messages, RateLimited beyond the post's limit. It is ConversationBusy where the statement would
    have to wait for a lock, unless `wait`.
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
    return [post_result(post.rate, now, *row) for post, row in zip(posts, rows, strict=True)]


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


async def edit_message(
    db: Database, actor: UUID, message_id: UUID, request: EditMessage, now: datetime
) -> list[EventRecord]:
    """Replace a message's text; return the events, none if the text is the same.

    Raises Forbidden for others than the author and administrators, Conflict for a deleted message,
    an answer in progress, and an archived conversation.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.edit_message(rustygpt.from_address($1::uuid, $6), $2, $3, $4, $5)",
        actor,
        message_id,
        request.content,
        request.reason,
        now,
        client_address(),
    )
    return event_records(*row)


async def delete_message(
    db: Database, actor: UUID, message_id: UUID, reason: str | None, now: datetime
) -> list[EventRecord]:
    """Delete a message; return the events, none if it is deleted already.

    Raises Forbidden for others than the author and administrators.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.delete_message(rustygpt.from_address($1::uuid, $5), $2, $3, $4)",
        actor,
        message_id,
        reason,
        now,
        client_address(),
    )
    return event_records(*row)


async def restore_message(
    db: Database, actor: UUID, message_id: UUID, now: datetime
) -> list[EventRecord]:
    """Restore a deleted message; return the events, none if it is not deleted.

    Raises Forbidden for others than administrators and an author who has deleted it.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.restore_message(rustygpt.from_address($1::uuid, $4), $2, $3)",
        actor,
        message_id,
        now,
        client_address(),
    )
    return event_records(*row)


async def list_revisions(
    db: Database, actor: UUID, message_id: UUID, before: int | None, limit: int
) -> tuple[list[Revision], bool]:
    """Return earlier texts of a message, latest first, and True if there are more.

    Raises Forbidden for a deleted message, except for its author and administrators.
    """
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_revisions($1, $2, $3, $4)", actor, message_id, before, limit
    )
    return [Revision(*row[1:]) for row in rows], bool(rows) and rows[0][0]


def message_from_row(*row: Any) -> MessageView:
    """Return a message from a row in the order of MessageView's fields.

    `usage` and `error` are JSON text.
    """
    usage = codec.decode(row[18], Usage) if row[18] else None
    error = codec.decode(row[19], MessageError) if row[19] else None
    fields = [*row[:18], usage, error, *row[20:]]
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
        post.rate.profile if post.rate else None,
        post.rate.interval_us if post.rate else None,
        post.rate.burst if post.rate else None,
    )


def _limited(rate: Rate | None, full_at: datetime, now: datetime) -> RateLimited:
    if rate is None:
        raise LookupError("a post without a limit cannot be beyond it")
    return RateLimited(rate.state_at(full_at, now, accepted=False), "Too many messages")


def post_result(
    rate: Rate | None, now: datetime, _ordinal: int, state: str | None, reason: str, *row: Any
) -> PostResult | ConversationBusy | Exception:
    """Return the result of one row of `rustygpt.post_result`."""
    if state == "busy":
        return ConversationBusy(row[2])
    if state == _RATE_LIMITED:
        return _limited(rate, row[11], now)
    if state is not None:
        return from_sqlstate(state, reason)
    answer = StartedAnswer(row[9], row[10]) if row[9] else None
    fields = [*row[:5], answer.message_id if answer else None]
    posted = PostedMessage(*fields)
    replayed: bool = row[5]
    events = [] if replayed else event_records(row[2], *row[6:9])
    full_at = row[11]
    limit = rate.state_at(full_at, now, accepted=True) if rate and full_at else None
    return PostResult(posted, replayed, events, answer, limit)
