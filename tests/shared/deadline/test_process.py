"""The parent's side of child processes with a deadline."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from tests.support.wait import until

from rustygpt_shared.deadline.process import (
    CannotStart,
    DeadlineProcess,
    Failed,
    NoAnswer,
    OutOfTime,
)

_PROGRAM = """
import os, time
from rustygpt_shared.deadline.worker import serve

def handle(task):
    if task == b"loop":
        while True: pass
    if task == b"sleep":
        time.sleep(600)
    if task == b"grow":
        return b"x" * 10**10
    if task == b"fail":
        raise KeyError
    if task == b"environment":
        return ",".join(sorted(os.environ)).encode()
    return task.upper()

serve(handle, cpu_seconds=0.1, memory_bytes=2**29)
"""


@asynccontextmanager
async def _process(program: str = _PROGRAM, seconds: float = 60) -> AsyncIterator[DeadlineProcess]:
    process = DeadlineProcess(program, seconds)
    try:
        yield process
    finally:
        await process.close()


async def test_tasks_are_handled_in_order_by_one_process() -> None:
    """Also when their results arrive together, and when they are large."""
    large = b"x" * 1_000_000
    async with _process() as process:
        results = [result async for result in process.results([b"a", large, b"b"])]
        assert results == [b"A", large.upper(), b"B"]
        assert await process.run(b"c") == b"C"
        assert process.counts.started == 1


async def test_a_task_that_uses_up_its_processor_time_ends_the_process() -> None:
    """The next task gets a new process."""
    async with _process() as process:
        with pytest.raises(OutOfTime):
            await process.run(b"loop")
        assert (process.pid, process.counts.ended) == (None, 1)
        assert await process.run(b"a") == b"A"
        assert process.counts.started == 2


async def test_a_task_that_takes_too_much_memory_ends_the_process() -> None:
    """It would do so again, so it counts as out of time."""
    async with _process() as process:
        with pytest.raises(OutOfTime):
            await process.run(b"grow")


async def test_a_process_that_does_not_answer_is_killed() -> None:
    """It used no processor time: the task may succeed another time."""
    async with _process(seconds=0.2) as process:
        await process.start()
        pid = process.pid
        with pytest.raises(NoAnswer):
            await process.run(b"sleep")
        assert pid is not None
        assert not _is_running(pid)


async def test_a_process_that_somebody_else_killed_says_nothing_about_the_task() -> None:
    """Its task may succeed another time."""
    async with _process() as process:
        await process.start()
        assert process.pid is not None
        running = asyncio.create_task(process.run(b"sleep"))
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(NoAnswer):
            await running


async def test_a_task_that_raises_has_no_result() -> None:
    """The caller gets the type of the exception."""
    async with _process() as process:
        with pytest.raises(Failed, match="KeyError"):
            await process.run(b"fail")
        assert await process.run(b"a") == b"A"


async def test_a_cancelled_task_ends_the_process() -> None:
    """Its result would be taken for that of the next task."""
    async with _process() as process:
        running = asyncio.create_task(process.run(b"sleep"))
        await until(lambda: process.pid is not None)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert await process.run(b"a") == b"A"


@pytest.mark.parametrize(
    "program", ["no_such_name", "import time; time.sleep(0)", "print('x' * 9)"]
)
async def test_a_program_that_does_not_report_that_it_is_ready_cannot_be_started(
    program: str,
) -> None:
    """Whether it fails, ends or writes something else."""
    async with _process(program) as process:
        with pytest.raises(CannotStart):
            await process.run(b"a")


async def test_the_process_gets_no_secrets() -> None:
    """Only what Python needs of the environment; the caller's variables may hold keys."""
    async with _process() as process:
        names = (await process.run(b"environment")).decode().split(",")

    assert "PATH" in names
    assert [name for name in names if name.startswith(("OPENAI", "DATABASE", "RUSTYGPT"))] == []


async def test_a_process_ends_when_its_parent_does() -> None:
    """The end of its input is enough; it is not killed here."""
    async with _process() as process:
        child = await process.start()
        assert child.stdin is not None
        child.stdin.close()
        assert await asyncio.wait_for(child.wait(), 60) == 0


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
