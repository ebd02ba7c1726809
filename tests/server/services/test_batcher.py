"""Questions that are put to the database together."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.wait import until

from rustygpt_server.errors import Unavailable
from rustygpt_server.services.batcher import Batcher


class Desk:
    """Answers with twice the number, when it is let; what is below zero is refused."""

    def __init__(self, **limits: Any) -> None:
        self.taken: list[list[int]] = []
        self.open = asyncio.Event()
        self.broken = False
        self.batches: Batcher[int, int] = Batcher(self._answer, **limits)

    async def _answer(self, numbers: list[int]) -> Sequence[int | Exception]:
        self.taken.append(numbers)
        await self.open.wait()
        if self.broken:
            raise ConnectionError("away")
        return [ValueError("below zero") if n < 0 else 2 * n for n in numbers]

    def ask(self, *numbers: int) -> list[asyncio.Task[int]]:
        """Ask in one turn of the loop."""
        return [asyncio.create_task(self.batches.submit(n)) for n in numbers]


async def test_what_comes_in_one_turn_goes_together() -> None:
    """Each gets its own answer, and the same question is put once."""
    desk = Desk()
    desk.open.set()

    assert await asyncio.gather(*desk.ask(1, 2, 1, 3)) == [2, 4, 2, 6]
    assert desk.taken == [[1, 2, 3]]


async def test_what_waits_goes_when_one_returns() -> None:
    """A lone one goes at once; no more than so many are on their way, each with at most so many."""
    desk = Desk(max_in_flight=1, max_batch=2)
    asked = desk.ask(1)
    await until(lambda: desk.taken == [[1]])
    asked += desk.ask(2, 3, 4, 1)
    await until(lambda: len(desk.batches._pending) == 4)
    await asyncio.sleep(0)  # the turn in which they would go
    assert desk.taken == [[1]]
    desk.open.set()

    assert await asyncio.gather(*asked) == [2, 4, 6, 8, 2]
    assert desk.taken == [[1], [2, 3], [4, 1]]


async def test_a_refusal_is_one_caller_s_own() -> None:
    """The others in the statement get their answers."""
    desk = Desk()
    desk.open.set()
    told = await asyncio.gather(*desk.ask(1, -1, 2), return_exceptions=True)

    assert [str(one) for one in told] == ["2", "below zero", "4"]


async def test_a_failure_is_everybody_s_and_the_next_go_on() -> None:
    """A statement that fails fails for all in it only."""
    desk = Desk()
    desk.open.set()
    desk.broken = True
    told = await asyncio.gather(*desk.ask(1, 2), return_exceptions=True)
    desk.broken = False

    assert [type(one) for one in told] == [ConnectionError, ConnectionError]
    assert await asyncio.gather(*desk.ask(1)) == [2]


async def test_what_waits_too_long_is_refused() -> None:
    """When a statement hangs, those behind it do not hang one after the other."""
    desk = Desk(max_in_flight=1, max_batch=1, timeout=0)
    first = desk.ask(1)
    await until(lambda: desk.taken == [[1]])
    behind = desk.ask(2, 3)
    await until(lambda: len(desk.batches._pending) == 2)
    desk.open.set()
    told = await asyncio.gather(*first, *behind, return_exceptions=True)

    assert [type(one) for one in told] == [int, Unavailable, Unavailable]


async def test_who_goes_away_takes_nobody_along() -> None:
    """Others that asked the same get their answer."""
    desk = Desk()
    gone, stays = desk.ask(5, 5)
    await until(lambda: desk.taken == [[5]])
    gone.cancel()
    desk.open.set()

    assert await stays == 10
    with pytest.raises(asyncio.CancelledError):
        await gone
