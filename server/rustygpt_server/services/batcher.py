"""Batching of concurrent requests to the database into one statement, in the style of DataLoader.

See https://github.com/graphql/dataloader. A lone request is executed at once. While the maximum of
statements is in flight, further requests wait for one of them to return; there is no fixed delay.
Equal requests that wait together are executed once. A request that waits for too long fails with
Unavailable.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from rustygpt_server.errors import Unavailable

Q = TypeVar("Q", bound=Hashable)
"""A request."""
A = TypeVar("A")
"""A result."""

TIMEOUT_SECONDS: Final = 5.0


class _Pending(NamedTuple, Generic[A]):
    future: asyncio.Future[A]
    since: float


class Batcher(Generic[Q, A]):
    """Executes requests of one kind in batches."""

    def __init__(
        self,
        execute: Callable[[list[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        max_in_flight: int = 2,
        max_batch: int = 256,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """`execute` returns a result for each request; an exception is raised to its callers.

        `timeout`: how long a request may wait before it is executed, in seconds.
        """
        self._execute = execute
        self._max_in_flight = max_in_flight
        self._max_batch = max_batch
        self._timeout = timeout
        self._pending: dict[Q, _Pending[A]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, request: Q) -> A:
        """Return the result of a request, from a batch that starts after this call."""
        pending = self._pending.get(request)
        if pending is None:
            loop = asyncio.get_running_loop()
            pending = self._pending[request] = _Pending(loop.create_future(), loop.time())
            loop.call_soon(self._dispatch)  # together with all of this event loop iteration
        return await asyncio.shield(pending.future)

    def statistics(self) -> dict[str, int]:
        """Return how many requests are `waiting`, and how many batches are `in_flight`."""
        return {"waiting": len(self._pending), "in_flight": len(self._running)}

    def _dispatch(self) -> None:
        while self._pending and len(self._running) < self._max_in_flight:
            batch = dict(islice(self._pending.items(), self._max_batch))
            for request in batch:
                del self._pending[request]
            futures = {request: pending.future for request, pending in batch.items()}
            task = asyncio.create_task(self._run(futures))
            self._running.add(task)
            task.add_done_callback(self._on_done)

    def _expire(self) -> None:
        """Fail the requests that have waited longer than the timeout."""
        horizon = asyncio.get_running_loop().time() - self._timeout
        while self._pending:
            request, pending = next(iter(self._pending.items()))
            if pending.since > horizon:
                return  # those after it came later
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
        except Exception as error:  # noqa: BLE001 - it is raised to all callers
            results = [error] * len(batch)
        finally:
            for future, result in zip(batch.values(), results, strict=False):
                _resolve(future, result)
            for future in batch.values():
                future.cancel()  # has an effect on those without a result only


def _resolve(future: asyncio.Future[A], result: A | Exception) -> None:
    if isinstance(result, Exception):
        future.set_exception(result)
        future.exception()  # the callers may be gone: asyncio must not log it as not retrieved
    else:
        future.set_result(result)
