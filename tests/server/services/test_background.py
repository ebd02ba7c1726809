"""Periodic tasks are repeated, each on its own, and stop together."""

import asyncio

from tests.support.fakes.fake_clock import FakeClock
from tests.support.servers.in_process_server import InProcessServer
from tests.support.wait import until

from rustygpt_server.errors import Unavailable
from rustygpt_server.services.background import BackgroundTasks, PeriodicTask


async def test_a_task_that_fails_is_repeated() -> None:
    """Whether the database is unavailable or the program is wrong."""
    clock = FakeClock()
    runs: list[int] = []

    async def run() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise Unavailable("The database does not answer; try again in a moment.")
        if len(runs) == 2:
            raise KeyError("a mistake in the program")

    background = BackgroundTasks([PeriodicTask("test", 1, run)], clock)
    background.start()
    for count in (1, 2, 3):
        await until(lambda count=count: len(runs) == count)  # type: ignore[misc]
        clock.advance(1)
    await background.stop()


async def test_a_task_that_fails_does_not_stop_others() -> None:
    """Each task has its own interval and its own errors."""
    clock = FakeClock()
    runs: list[str] = []

    async def fail() -> None:
        raise KeyError("a mistake in the program")

    async def succeed() -> None:
        runs.append("ok")

    tasks = [PeriodicTask("fails", 1, fail), PeriodicTask("succeeds", 2, succeed)]
    background = BackgroundTasks(tasks, clock)
    background.start()
    await until(lambda: len(runs) == 1)
    clock.advance(2)
    await until(lambda: len(runs) == 2)

    assert background.statistics() == {"configured": 2, "running": 2}
    await background.stop()


async def test_orphans_of_a_dead_process_are_ended(
    server: InProcessServer, superuser: object
) -> None:
    """An answer whose process is gone ends as an error within seconds."""
    ann = await server.person("ann")
    conversation = await ann.conversation(assistant_mode="always")
    async with ann.follow(conversation) as stream:
        await ann.root(conversation, "hi")
        await stream.next("message.delta")
        await superuser.execute("UPDATE rustygpt.generations SET instance_id = 'gone'")  # type: ignore[attr-defined]
        next_error = asyncio.create_task(stream.next("error"))
        while not next_error.done():
            server.clock.advance(1)
            await asyncio.sleep(0.005)
        error = await next_error

    assert error["payload"]["code"] == "RGP.UNAVAILABLE"


async def test_stopping_ends_every_task(server: InProcessServer) -> None:
    """Nothing runs afterwards."""
    background = server.components.background
    assert background.statistics()["running"] == background.statistics()["configured"] > 0
    await background.stop()

    assert background.statistics()["running"] == 0
