"""Posts that wait are written in one statement.

None of these statements waits for a lock: posts to a conversation that somebody else is writing to
get a lane of their own, one statement at a time, so that a conversation that is stuck holds up
nobody but those who post there, and takes one connection at most.
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
"""Two would find each other's conversations busy, and be slower together."""
MAX_BATCH = 50
"""PostgreSQL keeps track of up to 64 blocks of a transaction at no cost."""

_Result = PostResult | ConversationBusy


class PostWriter:
    """The posts of one process."""

    def __init__(
        self, db: Database, new_claim: Callable[[], AnswerClaim | None], clock: Clock
    ) -> None:
        self._db = db
        self._new_claim = new_claim
        self._clock = clock
        self._all: Batcher[Post, _Result] = Batcher(
            partial(self._execute, wait=False), max_in_flight=MAX_IN_FLIGHT, max_batch=MAX_BATCH
        )
        self._lanes: dict[UUID, Batcher[Post, _Result]] = {}
        self._lane_users: Counter[UUID] = Counter()

    async def write(self, post: Post) -> PostResult:
        """Write one; raises what refuses it."""
        result = await self._all.submit(post)
        if isinstance(result, ConversationBusy):
            result = await self._write_waiting(post, result.conversation_id)
        if isinstance(result, ConversationBusy):
            raise TypeError("a statement that waits finds nobody busy")
        return result

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
                del self._lane_users[conversation_id], self._lanes[conversation_id]

    async def _execute(self, posts: list[Post], *, wait: bool) -> list[_Result | Exception]:
        claims = [self._new_claim() for _ in posts]
        now = self._clock.now()
        return await messages.post_messages(self._db, posts, claims, now, wait=wait)
