"""Answers of the assistant while they are written: pieces, leases, the end, and stopping.

All but `request_cancel` act as the system; `runner` names the process that writes an answer.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Logged, logged
from rustygpt_shared import codec
from rustygpt_shared.models.messages import Usage


class Ending(Struct, frozen=True):
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
    events: list[Logged]


class Line(Struct, frozen=True):
    """A message of a prompt."""

    role: str
    content: str
    author_name: str | None


class Prompt(Struct, frozen=True):
    """What an answer is to be written from: the chain of ancestors, oldest first."""

    model: str
    system_prompt: str | None
    lines: list[Line]


class CancelAsked(Struct, frozen=True):
    """What a wish to stop met: `running` has the runner that must be told."""

    state: Literal["running", "cancelled", "timed_out", "completed", "not_tracked"]
    runner: str | None


async def append_chunks(
    db: Database,
    message_id: UUID,
    runner: str,
    first_idx: int,
    contents: list[str],
    now: datetime,
) -> None:
    """Store pieces of an answer; Conflict when it is no longer this runner's."""
    await db.fetch_value(
        "SELECT rustygpt.append_chunks($1, $2, $3, $4, $5)",
        *(message_id, runner, first_idx, contents, now),
    )


async def finish_answer(
    db: Database, message_id: UUID, runner: str, ending: Ending, now: datetime
) -> list[Logged]:
    """End an answer; nothing happens and nothing is told when it had ended already."""
    end = ending
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.finish_answer($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *(message_id, runner, end.content, end.reasoning, end.finish_reason),
        *(codec.encode(end.usage).decode() if end.usage else None,),
        *(end.error_code, end.error_message, now),
    )
    return logged(*row)


async def renew_leases(db: Database, runner: str, message_ids: list[UUID], until: datetime) -> int:
    """Keep the answers that a runner really writes; answers how many are still its own."""
    return int(
        await db.fetch_value("SELECT rustygpt.renew_leases($1, $2, $3)", runner, message_ids, until)
    )


async def fail_orphans(db: Database, now: datetime) -> list[Orphan]:
    """End answers whose lease ran out, as `error`, with the text of their stored pieces."""
    rows = await db.fetch("SELECT * FROM rustygpt.fail_orphans($1)", now)
    return [Orphan(row[0], logged(*row[1:])) for row in rows]


async def list_prompt(db: Database, message_id: UUID, limit_characters: int) -> Prompt:
    """The prompt of an answer, newest kept within the limit; NotFound when there is none."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_prompt($1, $2)", message_id, limit_characters
    )
    lines = [Line(*row[2:]) for row in rows if row[2] is not None]
    return Prompt(rows[0][0], rows[0][1], lines)


async def request_cancel(db: Database, actor: UUID, message_id: UUID, now: datetime) -> CancelAsked:
    """Note the wish to stop an answer; Forbidden but for who asked and administrators."""
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.request_cancel($1, $2, $3)", actor, message_id, now
    )
    return CancelAsked(*row)


async def list_cancelled(db: Database, runner: str) -> list[UUID]:
    """Answers of a runner that somebody wishes to stop."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_cancelled($1)", runner)
    return [row[0] for row in rows]
