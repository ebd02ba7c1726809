"""The rendering process of a terminal and the queue before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.wait import until

from rustygpt_tui.render import plain
from rustygpt_tui.render.highlighting import highlight
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.service import MAX_QUEUED, PROGRAM, RenderService
from rustygpt_tui.render.tasks import ColourTask, RenderTask, Task

_KILLED = f"| {'a|' * 200}\n|{'-|' * 200}\n" + f"|{'x|' * 200}\n" * 600
"""A table that takes longer than a task may."""


@asynccontextmanager
async def _service(program: str = PROGRAM) -> AsyncIterator[RenderService]:
    service = RenderService(program)
    try:
        yield service
    finally:
        await service.close()


async def test_a_text_is_rendered_with_its_colours() -> None:
    """The same lines as within this process; the callback gets the task."""
    task = RenderTask("# T\n\n```python\nx = 'a'\n```\n", 40)
    done: list[Task] = []
    async with _service() as service:
        service.on_done = done.append
        assert service.lines(task) is None
        service.request(task)
        service.request(task)
        await until(lambda: done == [task])

        assert service.lines(task) == render(task.text, 40, highlight)
        assert service.counts.started == 1


async def test_colours_of_code_become_known() -> None:
    """They are asked for once, and None until then."""
    async with _service() as service:
        assert service.colours("x = 'a'", "python") is None
        await until(lambda: service.is_done(ColourTask("x = 'a'", "python")))

        assert service.colours("x = 'a'", "python") == highlight("x = 'a'", "python")


async def test_slow_code_stays_uncoloured() -> None:
    """The process goes on: only the colours are given up."""
    async with _service() as service:
        code = " " * 1_200 + "x"
        task = RenderTask(f"```systemd\n{code}\n```\n\n**b**", 40)
        service.request(task)
        await until(lambda: service.is_done(task))

        lines = service.lines(task)
        assert lines is not None
        assert {span.style for line in lines[1:-2] for span in line} <= {
            "code.block",
            "code.block soft",
        }
        assert plain(lines[-1]) == "b"
        assert service.counts.ended == 0


async def test_a_text_that_takes_too_long_ends_the_process() -> None:
    """The next task gets a new one."""
    async with _service() as service:
        slow, fast = RenderTask(_KILLED, 400), RenderTask("a", 40)
        service.request(slow)
        await until(lambda: service.is_done(slow))
        service.request(fast)
        await until(lambda: service.is_done(fast))

        assert service.lines(slow) is None
        assert service.lines(fast) is not None
        assert (service.counts.started, service.counts.ended) == (2, 1)


async def test_without_a_process_every_task_fails() -> None:
    """It is not tried to start one again."""
    async with _service("no_such_name") as service:
        first, second = RenderTask("a", 40), RenderTask("b", 40)
        service.request(first)
        await until(lambda: service.is_done(first))
        service.request(second)

        assert service.is_done(second)
        assert service.lines(first) is service.lines(second) is None
        assert service.counts.started == 1


async def test_the_queue_is_bounded_and_the_last_task_comes_first() -> None:
    """What is looked at now is rendered before what was scrolled past."""
    tasks: list[Task] = [RenderTask(str(number), 40) for number in range(3 * MAX_QUEUED)]
    done: list[Task] = []
    async with _service() as service:
        service.on_done = done.append
        for task in tasks:
            service.request(task)
        await until(lambda: len(done) == MAX_QUEUED)
        await asyncio.sleep(0)

        assert done == list(reversed(tasks[-MAX_QUEUED:]))
