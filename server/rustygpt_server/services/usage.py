"""The tokens that users have used, and what is left of their budget."""

from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import usage
from rustygpt_server.db.database import Database
from rustygpt_server.db.usage import UsageFilter, UsagePosition
from rustygpt_shared.models.assistant import TokenBudget, UsageEntry


class UsageService:
    """Lists usage."""

    def __init__(self, db: Database, daily_tokens: int | None, clock: Clock) -> None:
        """`daily_tokens` is the budget of each user; None is none."""
        self._db = db
        self._daily_tokens = daily_tokens
        self._clock = clock

    async def list_usage(
        self, actor: UUID, filters: UsageFilter, after: UsagePosition | None, limit: int
    ) -> list[UsageEntry]:
        """Return usage after an entry, latest day first; of others for administrators only."""
        return await usage.list_usage(self._db, actor, filters, after, limit)

    async def show_budget(self, actor: UUID) -> TokenBudget | None:
        """Return the user's budget and what was used of it today; None when there is no budget."""
        if self._daily_tokens is None:
            return None
        used = await usage.show_tokens_used(self._db, actor, self._clock.now())
        return TokenBudget(self._daily_tokens, used)
