"""The queue of a provider: the order of turns, positions, and how it is left."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from tests.support.wait import until

from rustygpt_server.assistant.answer_queue import WAITING_MAX, AnswerQueue
from rustygpt_server.assistant.provider import ProviderError
from rustygpt_server.clock import TimeLimits

ANN, BOB, CAT = UUID(int=1), UUID(int=2), UUID(int=3)


class Office:
    """A queue, and the answers that were queued; each holds its slot until it is finished."""

    def __init__(self, slots: int = 1, **limits: float) -> None:
        self.queue = AnswerQueue(slots, TimeLimits(**limits))
        self.started: list[str] = []
        self.positions: dict[str, list[int]] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._finished: dict[str, asyncio.Event] = {}

    def ask(self, name: str, user_id: UUID = ANN) -> None:
        """Queue an answer."""
        self._finished[name] = asyncio.Event()
        self.positions[name] = []
        self.tasks[name] = asyncio.create_task(self._answer(name, user_id))

    async def _answer(self, name: str, user_id: UUID) -> None:
        async with self.queue.slot(user_id, self.positions[name].append):
            self.started.append(name)
            await self._finished[name].wait()

    async def finish(self, name: str) -> None:
        """End an answer that has a slot."""
        self._finished[name].set()
        await self.tasks[name]

    async def order(self) -> list[str]:
        """Finish all answers one after the other; return the order of their turns."""
        for turn in range(len(self.tasks)):
            await until(lambda turn=turn: len(self.started) > turn)  # type: ignore[misc]
            await self.finish(self.started[turn])
        return self.started


@asynccontextmanager
async def office(slots: int = 1, **limits: float) -> AsyncIterator[Office]:
    """Return a queue whose tasks end with the test."""
    one = Office(slots, **limits)
    try:
        yield one
    finally:
        for task in one.tasks.values():
            task.cancel()
        await asyncio.gather(*one.tasks.values(), return_exceptions=True)


def _is(value: Callable[[], object], expected: object) -> Callable[[], bool]:
    return lambda: value() == expected


async def test_answers_of_one_user_are_served_in_order() -> None:
    """As many at once as there are slots."""
    async with office(2) as one:
        for name in "abcd":
            one.ask(name)
        await until(lambda: one.started == ["a", "b"] and one.queue.waiting == 2)

        assert await one.order() == list("abcd")


async def test_slots_go_round_the_users() -> None:
    """Many questions of one user delay the first one of another by one turn at most."""
    async with office() as one:
        for name in ("a1", "a2", "a3", "a4"):
            one.ask(name, ANN)
        await until(lambda: one.queue.waiting == 3)
        one.ask("b1", BOB)
        one.ask("b2", BOB)
        one.ask("c1", CAT)

        assert await one.order() == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_positions_are_reported_when_they_change() -> None:
    """They are those of the turns: another user's question may move one back."""
    async with office(queue_report=0) as one:
        for name in ("a1", "a2", "a3"):
            one.ask(name)
        await until(_is(lambda: one.positions, {"a1": [], "a2": [1], "a3": [2]}))
        one.ask("b1", BOB)
        await until(_is(lambda: one.positions["b1"], [2]))
        assert one.positions["a3"] == [2, 3]
        await one.finish("a1")
        await until(_is(lambda: one.positions["a3"], [2, 3, 2]))

        assert one.positions == {"a1": [], "a2": [1], "a3": [2, 3, 2], "b1": [2, 1]}


async def test_positions_are_reported_at_most_once_per_interval() -> None:
    """However many answers end meanwhile; the first report comes at once."""
    async with office(queue_report=60) as one:
        for number in range(50):
            one.ask(f"a{number}")
        await until(_is(lambda: one.positions["a49"], [49]))
        for number in range(40):
            await until(lambda number=number: len(one.started) > number)  # type: ignore[misc]
            await one.finish(f"a{number}")

        assert one.positions["a49"] == [49]


async def test_an_answer_that_is_cancelled_leaves_the_queue() -> None:
    """Those behind it move up, and it takes no slot."""
    async with office(queue_report=0) as one:
        for name in "abc":
            one.ask(name)
        await until(_is(lambda: one.positions["c"], [2]))
        one.tasks["b"].cancel()
        await until(_is(lambda: one.positions["c"], [2, 1]))
        await one.finish("a")
        await until(lambda: one.started == ["a", "c"])

        assert one.queue.waiting == 0


async def test_a_slot_that_is_granted_to_a_cancelled_answer_is_passed_on() -> None:
    """Whether the cancellation or the slot comes first."""
    async with office() as one:
        resume = asyncio.Event()

        async def release_around_cancellations() -> None:
            async with one.queue.slot(ANN, lambda _: None):
                await resume.wait()
                one.tasks["b"].cancel()
            one.tasks["c"].cancel()  # it was granted the slot, and did not run since

        first = asyncio.create_task(release_around_cancellations())
        await asyncio.sleep(0)
        for name in "bcde":
            one.ask(name)
        await until(lambda: one.queue.waiting == 4)
        resume.set()
        await first
        await until(lambda: one.started == ["d"])
        await one.finish("d")
        await until(lambda: one.started == ["d", "e"])


async def test_the_time_in_the_queue_is_limited() -> None:
    """The error says how long it was; the next answers keep their turns."""
    async with office(queue_wait=0.05) as one:
        one.ask("a")
        await until(lambda: one.started == ["a"])
        one.ask("b")
        with pytest.raises(ProviderError, match="minutes for its turn") as raised:
            await one.tasks["b"]
        assert raised.value.code == "timeout"
        one.ask("c")
        await one.finish("a")
        await until(lambda: one.started == ["a", "c"])


async def test_the_length_of_the_queue_is_limited() -> None:
    """One more than may wait is an error at once."""
    async with office() as one:
        for number in range(WAITING_MAX + 1):
            one.ask(f"a{number}")
        await until(lambda: one.queue.waiting == WAITING_MAX)
        one.ask("z")
        with pytest.raises(ProviderError, match="Too many answers wait"):
            await one.tasks["z"]


async def test_one_user_cannot_fill_the_queue() -> None:
    """Another user's answer takes the place of the latest one of the user with the most."""
    async with office() as one:
        for number in range(WAITING_MAX + 1):
            one.ask(f"a{number}")
        await until(lambda: one.queue.waiting == WAITING_MAX)
        one.ask("b1", BOB)
        one.ask("b2", BOB)
        for number in (0, 1):
            with pytest.raises(ProviderError, match="Too many answers wait"):
                await one.tasks[f"a{WAITING_MAX - number}"]
        await one.finish("a0")
        await until(lambda: len(one.started) == 2)
        await one.finish(one.started[1])
        await until(lambda: len(one.started) == 3)

        assert "b1" in one.started
        assert one.queue.waiting == WAITING_MAX - 2


async def test_an_answer_behind_a_cancelled_one_gets_a_slot_that_became_free_meanwhile() -> None:
    """The cancelled one has not left the queue yet when the slot is free and the next one comes."""
    async with office() as one:
        async with one.queue.slot(ANN, lambda _: None):
            one.ask("b")
            await until(lambda: one.queue.waiting == 1)
            one.ask("c", BOB)  # begins before "b" notices its cancellation
            one.tasks["b"].cancel()
        await until(lambda: one.started == ["c"])
