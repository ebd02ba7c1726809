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
from rustygpt_server.db.messages import Answering, Busy, Post, Written
from rustygpt_server.services.batches import Batches

AT_ONCE = 1
"""Two would find each other's conversations busy, and be slower together."""
MOST = 50
"""PostgreSQL keeps track of up to 64 blocks of a transaction at no cost."""

_Told = Written | Busy


class Posting:
    """The posts of one process."""

    def __init__(
        self, db: Database, answering: Callable[[], Answering | None], clock: Clock
    ) -> None:
        self._db = db
        self._answering = answering
        self._clock = clock
        self._all: Batches[Post, _Told] = Batches(
            partial(self._put, wait=False), at_once=AT_ONCE, most=MOST
        )
        self._lanes: dict[UUID, Batches[Post, _Told]] = {}
        self._in_lane: Counter[UUID] = Counter()

    async def write(self, post: Post) -> Written:
        """Write one; raises what refuses it."""
        written = await self._all.ask(post)
        if isinstance(written, Busy):
            written = await self._wait(post, written.conversation_id)
        if isinstance(written, Busy):
            raise TypeError("a statement that waits finds nobody busy")
        return written

    async def _wait(self, post: Post, room: UUID) -> _Told:
        if room not in self._lanes:
            put = partial(self._put, wait=True)
            self._lanes[room] = Batches(put, at_once=1, most=MOST)
        self._in_lane[room] += 1
        try:
            return await self._lanes[room].ask(post)
        finally:
            self._in_lane[room] -= 1
            if not self._in_lane[room]:
                del self._in_lane[room], self._lanes[room]

    async def _put(self, posts: list[Post], *, wait: bool) -> list[_Told | Exception]:
        answering = [self._answering() for _ in posts]
        now = self._clock.now()
        return await messages.write_messages(self._db, posts, answering, now, wait=wait)
