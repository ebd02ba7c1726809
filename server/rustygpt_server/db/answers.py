"""Assistant's answers while they are generated: chunks, leases, the result; cancel, regenerate.

All but `request_cancel` and `regenerate_answer` act as the system. `instance_id` names the server
process that generates an answer; its lease
(https://en.wikipedia.org/wiki/Lease_(computer_science)) has to be renewed.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import AnswerClaim, PostResult, post_result
from rustygpt_server.db.rows import EventRecord, IdempotencyKey, event_records
from rustygpt_shared import codec
from rustygpt_shared.models.messages import Usage


class AnswerResult(Struct, frozen=True):
    """How an answer ended, and its full text."""

    content: str
    finish_reason: Literal["stop", "length", "cancelled", "timeout", "error"]
    reasoning: str | None = None
    usage: Usage | None = None
    error_code: str | None = None
    error_message: str | None = None
    omitted_messages: int | None = None


class Orphan(Struct, frozen=True):
    """An answer that was ended because its process had died, and the events of its end."""

    message_id: UUID
    events: list[EventRecord]


class PromptMessage(Struct, frozen=True):
    """A message of a prompt."""

    role: str
    content: str
    author_user_id: UUID | None = None
    author_name: str | None = None
    username: str | None = None


class PromptContext(Struct, frozen=True):
    """What an answer is generated from: the chain of ancestors, oldest first."""

    model: str
    system_prompt: str | None
    messages: list[PromptMessage]
    omitted: int = 0
    """How many earlier messages of the chain did not fit."""


class CancelOutcome(Struct, frozen=True):
    """What a request to cancel found; for `running`, `instance_id` is the process to notify."""

    state: Literal["running", "cancelled", "timed_out", "completed", "not_tracked"]
    instance_id: str | None


async def append_chunks(
    db: Database,
    message_id: UUID,
    instance_id: str,
    first_idx: int,
    contents: list[str],
    now: datetime,
) -> None:
    """Store chunks of an answer.

    Raise Conflict when this process does not hold its lease any more.
    """
    await db.fetch_value(
        "SELECT rustygpt.append_chunks($1, $2, $3, $4, $5)",
        message_id,
        instance_id,
        first_idx,
        contents,
        now,
    )


async def finish_answer(
    db: Database, message_id: UUID, instance_id: str, result: AnswerResult, now: datetime
) -> list[EventRecord]:
    """Store an answer's result; return its events, none when the answer had ended already."""
    end = result
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.finish_answer($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        message_id,
        instance_id,
        end.content,
        end.reasoning,
        end.finish_reason,
        codec.encode(end.usage).decode() if end.usage else None,
        end.error_code,
        end.error_message,
        end.omitted_messages,
        now,
    )
    return event_records(*row)


async def renew_leases(
    db: Database, instance_id: str, message_ids: list[UUID], until: datetime
) -> int:
    """Extend the leases of a process's answers; return how many are still its own."""
    return int(
        await db.fetch_value(
            "SELECT rustygpt.renew_leases($1, $2, $3)", instance_id, message_ids, until
        )
    )


async def fail_orphans(db: Database, now: datetime) -> list[Orphan]:
    """End the answers whose lease has expired, as `error`, with the text of their stored chunks."""
    rows = await db.fetch("SELECT * FROM rustygpt.fail_orphans($1)", now)
    return [Orphan(row[0], event_records(*row[1:])) for row in rows]


async def find_unfinished_ancestor(db: Database, message_id: UUID) -> UUID | None:
    """Return the nearest answer above an answer if it is not finished, else None."""
    found: UUID | None = await db.fetch_value(
        "SELECT rustygpt.find_unfinished_ancestor($1)", message_id
    )
    return found


async def list_prompt(db: Database, message_id: UUID, limit_tokens: int) -> PromptContext:
    """Return an answer's prompt, the newest messages within the limit; raise NotFound for none."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_prompt($1, $2)", message_id, limit_tokens)
    lines = [PromptMessage(*row[3:]) for row in rows if row[3] is not None]
    return PromptContext(rows[0][0], rows[0][1], lines, rows[0][2])


async def request_cancel(
    db: Database, actor: UUID, message_id: UUID, now: datetime
) -> CancelOutcome:
    """Record a request to cancel; raise Forbidden unless the user asked, or is an administrator."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.request_cancel($1, $2, $3)", actor, message_id, now
    )
    return CancelOutcome(*row)


async def list_cancelled(db: Database, instance_id: str) -> list[UUID]:
    """Return the answers of a process for which a request to cancel is recorded."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_cancelled($1)", instance_id)
    return [row[0] for row in rows]


async def regenerate_answer(
    db: Database,
    actor: UUID,
    message_id: UUID,
    model: str | None,
    configured: list[str],
    idempotency: IdempotencyKey | None,
    claim: AnswerClaim,
    now: datetime,
) -> PostResult:
    """Start another answer beside one; `configured` are the models that there are.

    Raises Forbidden unless the user asked, or is an administrator; Conflict for a message that is
    no finished answer, without its question, or where the assistant does not answer.
    """
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.regenerate_answer($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        actor,
        message_id,
        model,
        configured,
        idempotency and idempotency.key,
        idempotency and idempotency.body_hash,
        claim.answer_id,
        claim.instance_id,
        claim.default_model,
        claim.lease_until,
        now,
    )
    result = post_result(None, now, *row)
    if not isinstance(result, PostResult):
        raise TypeError("the procedure raises what it refuses")
    return result
