"""The budget of tokens that each user may use per day (UTC).

It is compared with the usage in the database, so it holds across processes. The tokens of an answer
count when it ends: a user may exceed the budget by the answers in progress.
"""

from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import usage
from rustygpt_server.db.database import Database
from rustygpt_server.errors import BudgetUsedUp


class TokenBudgets:
    """Checks whether a user may have another answer."""

    def __init__(self, db: Database, daily_tokens: int | None, clock: Clock) -> None:
        self._db = db
        self._daily_tokens = daily_tokens
        self._clock = clock

    async def check_answer(self, message_id: UUID) -> None:
        """Raise BudgetUsedUp if the user who asked for an answer may have no more today."""
        if self._daily_tokens is not None:
            self._check(await usage.tokens_used_by_asker(self._db, message_id, self._clock.now()))

    async def authorize_completion(self, actor: UUID) -> None:
        """Raise BudgetUsedUp, or Forbidden if the user may only read."""
        self._check(await usage.authorize_completion(self._db, actor, self._clock.now()))

    def _check(self, used: int) -> None:
        if self._daily_tokens is not None and used >= self._daily_tokens:
            raise BudgetUsedUp(self._daily_tokens)
