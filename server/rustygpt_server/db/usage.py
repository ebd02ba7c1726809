"""The tokens that users have used: recorded, listed, and compared with budgets."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_shared.models.assistant import UsageEntry
from rustygpt_shared.models.messages import Usage

UsagePosition = tuple[date, UUID, str]
"""Day, user and model of an entry, by which entries are sorted."""


class UsageFilter(Struct, frozen=True, kw_only=True):
    """Which usage is listed; without any field, that of the caller."""

    user: str | None = None
    """The id or the name of an account."""
    everyone: bool = False
    since: date | None = None
    until: date | None = None
    """The last day that is listed."""


async def list_usage(
    db: Database, actor: UUID, filters: UsageFilter, after: UsagePosition | None, limit: int
) -> list[UsageEntry]:
    """Return usage after an entry, latest day first; raise Forbidden for that of others."""
    rows = await db.fetch(
        "SELECT * FROM rustygpt.list_usage($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        actor,
        filters.user,
        filters.everyone,
        filters.since,
        filters.until,
        *(after or (None, None, None)),
        limit,
    )
    return [UsageEntry(*row) for row in rows]


async def record_usage(db: Database, actor: UUID, model: str, usage: Usage, now: datetime) -> None:
    """Add the tokens of a completion that belongs to no message to the user's usage."""
    await db.fetch_value(
        "SELECT rustygpt.record_usage($1, $2, $3, $4, $5, $6)",
        actor,
        model,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.estimated,
        now,
    )


async def authorize_completion(db: Database, actor: UUID, now: datetime) -> int:
    """Return how many tokens the user has used today; raise Forbidden if the user only reads."""
    return int(await db.fetch_value("SELECT rustygpt.authorize_completion($1, $2)", actor, now))


async def show_tokens_used(db: Database, actor: UUID, now: datetime) -> int:
    """Return how many tokens the user has used today (UTC)."""
    return int(await db.fetch_value("SELECT rustygpt.show_tokens_used($1, $2)", actor, now))


async def tokens_used_by_asker(db: Database, message_id: UUID, now: datetime) -> int:
    """Return how many tokens the user who asked for an answer has used today."""
    return int(
        await db.fetch_value("SELECT rustygpt.tokens_used_by_asker($1, $2)", message_id, now)
    )
