"""The chores of a process."""

import asyncio

from tests.support.servers.in_process_server import InProcessServer
from tests.support.wait import until

from rustygpt_server.errors import Unavailable
from rustygpt_server.services.background import BackgroundTasks


async def _repeat(api: InProcessServer, chore: object) -> asyncio.Task[None]:
    upkeep: BackgroundTasks = api.components.background
    return asyncio.create_task(upkeep._repeat(1, chore))  # type: ignore[arg-type]


async def test_a_chore_that_fails_is_done_again(server: InProcessServer) -> None:
    """Whether the database is away or the program is wrong."""
    rounds = []

    async def chore() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise Unavailable("The database does not answer; try again in a moment.")
        if len(rounds) == 2:
            raise KeyError("a mistake in the program")

    task = await _repeat(server, chore)
    for count in (1, 2, 3):
        await until(lambda count=count: len(rounds) == count)  # type: ignore[misc]
        server.clock.advance(1)
    task.cancel()


async def test_orphans_of_a_dead_process_are_ended_by_themselves(
    server: InProcessServer, superuser: object
) -> None:
    """An answer that nobody writes any more ends as an error within seconds."""
    ann = await server.person("ann")
    room = await ann.conversation(assistant_mode="always")
    async with ann.follow(room) as stream:
        await ann.root(room, "hi")
        await stream.next("message.delta")
        await superuser.execute("UPDATE rustygpt.generations SET instance_id = 'gone'")  # type: ignore[attr-defined]
        waiting = asyncio.create_task(stream.next("error"))
        while not waiting.done():
            server.clock.advance(1)
            await asyncio.sleep(0.005)
        error = await waiting

    assert error["payload"]["code"] == "RGP.UNAVAILABLE"


async def test_stopping_ends_every_chore(server: InProcessServer) -> None:
    """Nothing is done any more afterwards."""
    await server.components.background.stop()

    assert all(task.done() for task in server.components.background._tasks)
