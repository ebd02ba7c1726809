"""What waits for the database is put to it together, in one statement.

A lone question goes at once. While as many statements as are allowed are on their way, what comes
waits for one of them to return; there is no fixed delay. The same question is put once. What has
waited for too long, because the statements before found no database, is not put any more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from rustygpt_server.errors import Unavailable

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")

TIMEOUT_SECONDS: Final = 5.0


class _Pending(NamedTuple, Generic[A]):
    future: asyncio.Future[A]
    since: float


class Batcher(Generic[Q, A]):
    """Questions of one kind; an answer that is an exception is raised to who asked."""

    def __init__(
        self,
        execute: Callable[[list[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        max_in_flight: int = 2,
        max_batch: int = 256,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._execute = execute
        self._max_in_flight = max_in_flight
        self._max_batch = max_batch
        self._timeout = timeout
        self._pending: dict[Q, _Pending[A]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, request: Q) -> A:
        """The answer to a question, from a statement that was begun after it was asked."""
        pending = self._pending.get(request)
        if pending is None:
            loop = asyncio.get_running_loop()
            pending = self._pending[request] = _Pending(loop.create_future(), loop.time())
            loop.call_soon(self._dispatch)  # with all that comes in this turn
        return await asyncio.shield(pending.future)

    def _dispatch(self) -> None:
        while self._pending and len(self._running) < self._max_in_flight:
            batch = dict(islice(self._pending.items(), self._max_batch))
            for request in batch:
                del self._pending[request]
            task = asyncio.create_task(self._run({q: one.future for q, one in batch.items()}))
            self._running.add(task)
            task.add_done_callback(self._on_done)

    def _expire(self) -> None:
        horizon = asyncio.get_running_loop().time() - self._timeout
        while self._pending:
            request, pending = next(iter(self._pending.items()))
            if pending.since > horizon:
                return  # those behind it came later
            del self._pending[request]
            busy = Unavailable("The database is busy; try again in a moment.")
            _resolve(pending.future, busy)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._expire()
        self._dispatch()

    async def _run(self, batch: dict[Q, asyncio.Future[A]]) -> None:
        results: Sequence[A | Exception] = []
        try:
            results = await self._execute(list(batch))
        except Exception as error:  # noqa: BLE001 - it is raised to everybody who asked
            results = [error] * len(batch)
        finally:
            for future, result in zip(batch.values(), results, strict=False):
                _resolve(future, result)
            for future in batch.values():
                future.cancel()  # those left without an answer; the others have theirs


def _resolve(future: asyncio.Future[A], result: A | Exception) -> None:
    if isinstance(result, Exception):
        future.set_exception(result)
        future.exception()  # whoever asked may have gone
    else:
        future.set_result(result)
