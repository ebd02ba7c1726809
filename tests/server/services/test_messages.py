"""Stopping answers, and who may."""

import asyncio

from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, fake_model_server
from tests.support.servers.in_process_server import InProcessServer, StartServer, openai_settings


async def test_only_who_asked_or_an_administrator_may_stop_an_answer(
    start_server: StartServer,
) -> None:
    """Other members are refused; what is no answer is not tracked."""
    script = ScriptedAnswer([chunk("half"), asyncio.Event()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as api,
    ):
        ann, bob = await api.person("ann"), await api.person("bob")
        room = await ann.conversation(is_group=True, assistant_mode="always")
        body = {"user_id": str(bob.id), "role": "member"}
        await ann.post(f"/api/conversations/{room}/participants", body, expect=204)
        async with ann.follow(room) as stream:
            root = await ann.root(room, "hi")
            delta = await stream.next("message.delta")
            path = f"/api/messages/{delta['payload']['message_id']}/cancel"
            await bob.post(path, None, expect=403)
            own = await ann.post(f"/api/messages/{root}/cancel", None, expect=202)
            await ann.post(path, None, expect=202)
            await stream.next("message.done")

    assert own["status"] == "not_tracked"


async def test_a_finished_answer_is_completed(server: InProcessServer) -> None:
    """Stopping it changes nothing."""
    ann = await server.person("ann")
    room = await ann.conversation(assistant_mode="always")
    async with ann.follow(room) as stream:
        await ann.root(room, "hi")
        await stream.next("message.new")
        begun = (await stream.next("message.new"))["payload"]["message"]["id"]
        asyncio.get_running_loop().call_soon(server.clock.advance, 1)
        while (await _next(server, stream))["type"] != "message.done":
            pass
    told = await ann.post(f"/api/messages/{begun}/cancel", None, expect=202)

    assert told == {"message_id": begun, "status": "completed"}


async def _next(api: InProcessServer, stream: object) -> dict[str, object]:
    """The next event, while the demo's clock goes on."""
    waiting = asyncio.create_task(stream.next())  # type: ignore[attr-defined]
    while not waiting.done():
        api.clock.advance(0.1)
        await asyncio.sleep(0.001)
    return dict(await waiting)


async def test_a_repeated_post_is_answered_again(server: InProcessServer) -> None:
    """The same key and body give the same message, and no second answer of the assistant."""
    ann = await server.person("ann")
    room = await ann.conversation(assistant_mode="always")
    path = f"/api/threads/{room}/root"
    key = {"Idempotency_Key": "k1"}
    first = await ann.call("POST", path, {"content": "hi"}, expect=201, **key)
    again = await ann.call("POST", path, {"content": "hi"}, expect=201, **key)
    other = await ann.call("POST", path, {"content": "ho"}, expect=409, **key)
    threads = (await ann.get(f"/api/conversations/{room}/threads"))["threads"]

    assert again.json() == first.json()
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert other.json()["code"] == "RGP.CONFLICT"
    assert [thread["message_count"] for thread in threads] == [2]
