"""Concurrent requests are executed in batches."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.wait import until

from rustygpt_server.errors import Unavailable
from rustygpt_server.services.batcher import Batcher


class Doubler:
    """Doubles numbers in batches once it is released; negative numbers are errors."""

    def __init__(self, **limits: Any) -> None:
        self.batches: list[list[int]] = []
        self.released = asyncio.Event()
        self.is_broken = False
        self.batcher: Batcher[int, int] = Batcher(self._execute, **limits)

    async def _execute(self, numbers: list[int]) -> Sequence[int | Exception]:
        self.batches.append(numbers)
        await self.released.wait()
        if self.is_broken:
            raise ConnectionError("away")
        return [ValueError("below zero") if n < 0 else 2 * n for n in numbers]

    def submit(self, *numbers: int) -> list[asyncio.Task[int]]:
        """Submit numbers in one iteration of the event loop."""
        return [asyncio.create_task(self.batcher.submit(number)) for number in numbers]


async def test_requests_of_one_event_loop_iteration_are_one_batch() -> None:
    """Each caller gets its own result, and equal requests are executed once."""
    doubler = Doubler()
    doubler.released.set()

    assert await asyncio.gather(*doubler.submit(1, 2, 1, 3)) == [2, 4, 2, 6]
    assert doubler.batches == [[1, 2, 3]]


async def test_waiting_requests_are_executed_when_a_batch_returns() -> None:
    """A lone request is executed at once; batches in flight and their size are limited."""
    doubler = Doubler(max_in_flight=1, max_batch=2)
    results = doubler.submit(1)
    await until(lambda: doubler.batches == [[1]])
    results += doubler.submit(2, 3, 4, 1)
    await until(lambda: doubler.batcher.statistics()["waiting"] == 4)
    await asyncio.sleep(0)  # the iteration in which they would be dispatched
    assert doubler.batches == [[1]]
    doubler.released.set()

    assert await asyncio.gather(*results) == [2, 4, 6, 8, 2]
    assert doubler.batches == [[1], [2, 3], [4, 1]]


async def test_an_error_result_is_raised_to_its_caller_only() -> None:
    """The other callers of the batch get their results."""
    doubler = Doubler()
    doubler.released.set()
    results = await asyncio.gather(*doubler.submit(1, -1, 2), return_exceptions=True)

    assert [str(result) for result in results] == ["2", "below zero", "4"]


async def test_a_batch_that_fails_fails_for_all_its_callers() -> None:
    """The next batch is not affected."""
    doubler = Doubler()
    doubler.released.set()
    doubler.is_broken = True
    results = await asyncio.gather(*doubler.submit(1, 2), return_exceptions=True)
    doubler.is_broken = False

    assert [type(result) for result in results] == [ConnectionError, ConnectionError]
    assert await asyncio.gather(*doubler.submit(1)) == [2]


async def test_a_request_that_waits_too_long_fails() -> None:
    """When a statement hangs, those behind it do not hang one after the other."""
    doubler = Doubler(max_in_flight=1, max_batch=1, timeout=0)
    first = doubler.submit(1)
    await until(lambda: doubler.batches == [[1]])
    behind = doubler.submit(2, 3)
    await until(lambda: doubler.batcher.statistics()["waiting"] == 2)
    doubler.released.set()
    results = await asyncio.gather(*first, *behind, return_exceptions=True)

    assert [type(result) for result in results] == [int, Unavailable, Unavailable]


async def test_a_cancelled_caller_does_not_affect_others() -> None:
    """Callers of an equal request still get the result."""
    doubler = Doubler()
    cancelled, waiting = doubler.submit(5, 5)
    await until(lambda: doubler.batches == [[5]])
    cancelled.cancel()
    doubler.released.set()

    assert await waiting == 10
    with pytest.raises(asyncio.CancelledError):
        await cancelled
