"""The time of day jumps, as after a suspend or when an operator sets it."""

import asyncio

import pytest
from tests.support.servers.in_process_server import HttpUser, InProcessServer

pytestmark = pytest.mark.slow

HOUR = 3_600.0


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_jump_of_the_clock_ends_nothing(server: InProcessServer, jump: float) -> None:
    """Sessions and streams stay, heartbeats keep their interval, and events keep their order."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.conversation(is_group=True)
    people = f"/api/conversations/{conversation_id}/participants"
    await ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    root = await ann.root(conversation_id)
    async with ann.follow(conversation_id) as hers, bob.follow(conversation_id) as his:
        for stream in (hers, his):
            await stream.next("stream.open")
        server.clock.jump(jump)
        for _ in range(130):
            server.clock.advance(1)
            await asyncio.sleep(0.002)
        assert server.components.hub.statistics()["streams"] == 2
        await _talk(ann, bob, root)
        server.clock.jump(-jump)
        await _talk(ann, bob, root)
        for stream in (hers, his):
            seen = [await stream.next("message.new") for _ in range(8)]
            assert [received["id"] for received in seen] == [f"evt_{n}" for n in range(4, 20, 2)]
    page = await ann.get(f"/api/threads/{root}/tree")
    threads = (await ann.get(f"/api/conversations/{conversation_id}/threads"))["threads"]

    assert [message["content"] for message in page["messages"]][1:] == ["one", "two"] * 4
    assert threads[0]["message_count"] == 9


async def _talk(ann: HttpUser, bob: HttpUser, root: str) -> None:
    for person in (ann, bob):
        await person.reply(root, "one")
        await person.reply(root, "two")


async def test_answers_in_progress_survive_a_jump_of_the_clock(server: InProcessServer) -> None:
    """A lease is measured by the time of day; the process that generates the answer keeps it."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation(assistant_mode="always")
    async with ann.follow(conversation_id) as stream:
        await ann.root(conversation_id, "please write")
        await stream.next("message.delta")
        server.clock.jump(HOUR)
        done = asyncio.create_task(stream.next("message.done"))
        while not done.done():
            server.clock.advance(0.1)
            await asyncio.sleep(0.005)

    assert done.result()["payload"]["finish_reason"] == "stop"
