"""What waits for the database is put to it together, in one statement.

A lone question goes at once. While as many statements as are allowed are on their way, what comes
waits for one of them to return; there is no fixed delay. The same question is put once. What has
waited for too long, because the statements before found no database, is not put any more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from rustygpt_server.db.refusals import Unavailable

Q = TypeVar("Q", bound=Hashable)
A = TypeVar("A")

PATIENCE: Final = 5.0


class _Waiting(NamedTuple, Generic[A]):
    answer: asyncio.Future[A]
    since: float


class Batches(Generic[Q, A]):
    """Questions of one kind; an answer that is an exception is raised to who asked."""

    def __init__(
        self,
        put: Callable[[list[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        at_once: int = 2,
        most: int = 256,
        patience: float = PATIENCE,
    ) -> None:
        self._put = put
        self._at_once = at_once
        self._most = most
        self._patience = patience
        self._waiting: dict[Q, _Waiting[A]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """The answer to a question, from a statement that was begun after it was asked."""
        waiting = self._waiting.get(question)
        if waiting is None:
            loop = asyncio.get_running_loop()
            waiting = self._waiting[question] = _Waiting(loop.create_future(), loop.time())
            loop.call_soon(self._go_on)  # with all that comes in this turn
        return await asyncio.shield(waiting.answer)

    def _go_on(self) -> None:
        while self._waiting and len(self._running) < self._at_once:
            taken = dict(islice(self._waiting.items(), self._most))
            for question in taken:
                del self._waiting[question]
            task = asyncio.create_task(self._run({q: one.answer for q, one in taken.items()}))
            self._running.add(task)
            task.add_done_callback(self._end)

    def _refuse_late(self) -> None:
        horizon = asyncio.get_running_loop().time() - self._patience
        while self._waiting:
            question, waiting = next(iter(self._waiting.items()))
            if waiting.since > horizon:
                return  # those behind it came later
            del self._waiting[question]
            busy = Unavailable("The database is busy; try again in a moment.")
            _settle(waiting.answer, busy)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._refuse_late()
        self._go_on()

    async def _run(self, taken: dict[Q, asyncio.Future[A]]) -> None:
        answers: Sequence[A | Exception] = []
        try:
            answers = await self._put(list(taken))
        except Exception as error:  # noqa: BLE001 - it is raised to everybody who asked
            answers = [error] * len(taken)
        finally:
            for future, answer in zip(taken.values(), answers, strict=False):
                _settle(future, answer)
            for future in taken.values():
                future.cancel()  # those left without an answer; the others have theirs


def _settle(future: asyncio.Future[A], answer: A | Exception) -> None:
    if isinstance(answer, Exception):
        future.set_exception(answer)
        future.exception()  # whoever asked may have gone
    else:
        future.set_result(answer)
