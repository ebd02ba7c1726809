"""Writing posts in batches: those that wait together are written in one statement.

The common statement never waits for a lock. Posts to a conversation that another transaction is
writing to get a lane of their own, with one statement at a time: a conversation that is stuck
delays only its own posts, and takes one connection at most.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import messages
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import AnswerClaim, ConversationBusy, Post, PostResult
from rustygpt_server.services.batcher import Batcher

MAX_IN_FLIGHT = 1
"""Two statements would find each other's conversations busy, and be slower together."""
MAX_BATCH = 50
"""PostgreSQL tracks up to 64 subtransactions of a transaction in shared memory."""

_Result = PostResult | ConversationBusy


class PostWriter:
    """Writes the posts of one process."""

    def __init__(
        self, db: Database, new_claim: Callable[[], AnswerClaim | None], clock: Clock
    ) -> None:
        """`new_claim` returns what a post needs to start an answer, or None for no answer."""
        self._db = db
        self._new_claim = new_claim
        self._clock = clock
        self._common: Batcher[Post, _Result] = Batcher(
            partial(self._execute, wait=False), max_in_flight=MAX_IN_FLIGHT, max_batch=MAX_BATCH
        )
        self._lanes: dict[UUID, Batcher[Post, _Result]] = {}
        """The lanes of conversations that were busy."""
        self._lane_users: Counter[UUID] = Counter()
        """How many posts wait in each lane."""

    async def write(self, post: Post) -> PostResult:
        """Write a post and return the result; raises a RequestError if it is rejected."""
        result = await self._common.submit(post)
        if isinstance(result, ConversationBusy):
            result = await self._write_waiting(post, result.conversation_id)
        if isinstance(result, ConversationBusy):
            raise TypeError("a statement that waits for locks cannot find a conversation busy")
        return result

    def statistics(self) -> dict[str, int]:
        """Return the number of `lanes`, and of posts that wait in them (`in_lanes`)."""
        return {"lanes": len(self._lanes), "in_lanes": self._lane_users.total()}

    async def _write_waiting(self, post: Post, conversation_id: UUID) -> _Result:
        if conversation_id not in self._lanes:
            execute = partial(self._execute, wait=True)
            self._lanes[conversation_id] = Batcher(execute, max_in_flight=1, max_batch=MAX_BATCH)
        self._lane_users[conversation_id] += 1
        try:
            return await self._lanes[conversation_id].submit(post)
        finally:
            self._lane_users[conversation_id] -= 1
            if not self._lane_users[conversation_id]:
                del self._lane_users[conversation_id]
                del self._lanes[conversation_id]

    async def _execute(self, posts: list[Post], *, wait: bool) -> list[_Result | Exception]:
        claims = [self._new_claim() for _ in posts]
        now = self._clock.now()
        return await messages.post_messages(self._db, posts, claims, now, wait=wait)
