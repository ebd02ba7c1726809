"""Answers of the assistant while they are written: pieces, leases, the end, and stopping.

All but `request_cancel` act as the system; `runner` names the process that writes an answer.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord, event_records
from rustygpt_shared import codec
from rustygpt_shared.models.messages import Usage


class AnswerResult(Struct, frozen=True):
    """How an answer ended, and its whole text."""

    content: str
    finish_reason: Literal["stop", "length", "cancelled", "timeout", "error"]
    reasoning: str | None = None
    usage: Usage | None = None
    error_code: str | None = None
    error_message: str | None = None


class Orphan(Struct, frozen=True):
    """An answer that was ended because its process had gone, and the events of that."""

    message_id: UUID
    events: list[EventRecord]


class PromptMessage(Struct, frozen=True):
    """A message of a prompt."""

    role: str
    content: str
    author_name: str | None


class PromptContext(Struct, frozen=True):
    """What an answer is to be written from: the chain of ancestors, oldest first."""

    model: str
    system_prompt: str | None
    messages: list[PromptMessage]


class CancelOutcome(Struct, frozen=True):
    """What a wish to stop met: `running` has the runner that must be told."""

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
    """Store pieces of an answer; Conflict when it is no longer this runner's."""
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
    """End an answer; nothing happens and nothing is told when it had ended already."""
    end = result
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.finish_answer($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        message_id,
        instance_id,
        end.content,
        end.reasoning,
        end.finish_reason,
        *(codec.encode(end.usage).decode() if end.usage else None,),
        end.error_code,
        end.error_message,
        now,
    )
    return event_records(*row)


async def renew_leases(
    db: Database, instance_id: str, message_ids: list[UUID], until: datetime
) -> int:
    """Keep the answers that a runner really writes; answers how many are still its own."""
    return int(
        await db.fetch_value(
            "SELECT rustygpt.renew_leases($1, $2, $3)", instance_id, message_ids, until
        )
    )


async def fail_orphans(db: Database, now: datetime) -> list[Orphan]:
    """End answers whose lease ran out, as `error`, with the text of their stored pieces."""
    rows = await db.fetch("SELECT * FROM rustygpt.fail_orphans($1)", now)
    return [Orphan(row[0], event_records(*row[1:])) for row in rows]


async def list_prompt(db: Database, message_id: UUID, limit_characters: int) -> PromptContext:
    """The prompt of an answer, newest kept within the limit; NotFound when there is none."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_prompt($1, $2)", message_id, limit_characters
    )
    lines = [PromptMessage(*row[2:]) for row in rows if row[2] is not None]
    return PromptContext(rows[0][0], rows[0][1], lines)


async def request_cancel(
    db: Database, actor: UUID, message_id: UUID, now: datetime
) -> CancelOutcome:
    """Note the wish to stop an answer; Forbidden but for who asked and administrators."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.request_cancel($1, $2, $3)", actor, message_id, now
    )
    return CancelOutcome(*row)


async def list_cancelled(db: Database, instance_id: str) -> list[UUID]:
    """Answers of a runner that somebody wishes to stop."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_cancelled($1)", instance_id)
    return [row[0] for row in rows]
