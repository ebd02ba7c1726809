"""Cancelling answers, and repeated posts."""

import asyncio
from typing import Any

from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, fake_model_server
from tests.support.servers.in_process_server import (
    InProcessServer,
    SseStream,
    StartServer,
    openai_settings,
)


async def _next_event(server: InProcessServer, stream: SseStream) -> dict[str, Any]:
    """Return the next event, and advance the clock of the demo provider meanwhile."""
    next_event = asyncio.create_task(stream.next())
    while not next_event.done():
        server.clock.advance(0.1)
        await asyncio.sleep(0.001)
    return await next_event


async def test_an_answer_is_cancelled_by_its_requester_only(start_server: StartServer) -> None:
    """Other members are rejected; a message that is no answer is `not_tracked`."""
    script = ScriptedAnswer([chunk("half"), asyncio.Event()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann = await server.person("ann")
        bob = await server.person("bob")
        conversation = await ann.conversation(is_group=True, assistant_mode="always")
        body = {"user_id": str(bob.id), "role": "member"}
        await ann.post(f"/api/conversations/{conversation}/participants", body, expect=204)
        async with ann.follow(conversation) as stream:
            root = await ann.root(conversation, "hi")
            delta = await stream.next("message.delta")
            path = f"/api/messages/{delta['payload']['message_id']}/cancel"
            await bob.post(path, None, expect=403)
            no_answer = await ann.post(f"/api/messages/{root}/cancel", None, expect=202)
            await ann.post(path, None, expect=202)
            await stream.next("message.done")

    assert no_answer["status"] == "not_tracked"


async def test_cancelling_a_finished_answer_changes_nothing(server: InProcessServer) -> None:
    """The result is `completed`."""
    ann = await server.person("ann")
    conversation = await ann.conversation(assistant_mode="always")
    async with ann.follow(conversation) as stream:
        await ann.root(conversation, "hi")
        await stream.next("message.new")
        answer_id = (await stream.next("message.new"))["payload"]["message"]["id"]
        asyncio.get_running_loop().call_soon(server.clock.advance, 1)
        while (await _next_event(server, stream))["type"] != "message.done":
            pass
    result = await ann.post(f"/api/messages/{answer_id}/cancel", None, expect=202)

    assert result == {"message_id": answer_id, "status": "completed"}


async def test_a_repeated_post_returns_the_same_message(server: InProcessServer) -> None:
    """With the same key and body, and without a second answer of the assistant."""
    ann = await server.person("ann")
    conversation = await ann.conversation(assistant_mode="always")
    path = f"/api/threads/{conversation}/root"
    key = {"Idempotency_Key": "k1"}
    first = await ann.call("POST", path, {"content": "hi"}, expect=201, **key)
    repeated = await ann.call("POST", path, {"content": "hi"}, expect=201, **key)
    other_body = await ann.call("POST", path, {"content": "ho"}, expect=409, **key)
    threads = (await ann.get(f"/api/conversations/{conversation}/threads"))["threads"]

    assert repeated.json() == first.json()
    assert repeated.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert other_body.json()["code"] == "RGP.CONFLICT"
    assert [thread["message_count"] for thread in threads] == [2]
