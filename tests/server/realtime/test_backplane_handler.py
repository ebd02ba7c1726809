"""Two servers on one database: what happens in one reaches the streams of the other."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, fake_model_server, finished
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    StartServer,
    openai_settings,
)
from tests.support.servers.two_servers import TwoServers, two_servers
from tests.support.wait import until


@pytest.fixture
def script() -> ScriptedAnswer:
    """The answer of the model; tests replace its parts."""
    return ScriptedAnswer([chunk("once "), chunk("upon"), finished()])


@pytest.fixture
async def servers(start_server: StartServer, script: ScriptedAnswer) -> AsyncIterator[TwoServers]:
    """Both servers, with a conversation of Ann's whose assistant always answers."""
    options = {"is_group": True, "assistant_mode": "always"}
    async with (
        fake_model_server(script) as model,
        two_servers(start_server, options, llm=openai_settings(model.url)) as two,
    ):
        yield two


async def _disable_assistant(servers: TwoServers) -> None:
    path = f"/api/conversations/{servers.conversation_id}"
    await servers.ann.call("PATCH", path, {"assistant_mode": "off"})


async def _add_bob(servers: TwoServers) -> HttpUser:
    """Add Bob to the conversation, and return him at the first server."""
    bob = await servers.first.person("bob")
    participants = f"/api/conversations/{servers.conversation_id}/participants"
    await servers.ann.post(participants, {"user_id": str(bob.id), "role": "member"}, expect=204)
    return bob


async def _wait_for_text(server: InProcessServer, conversation: str, text: bytes) -> None:
    """Wait until an answer in progress has a text at a server."""
    hub = server.components.hub
    await until(
        lambda: any(
            text in (answer.full_text_frame() or b"") for answer in hub.answers(UUID(conversation))
        )
    )


async def test_events_reach_the_other_server(servers: TwoServers) -> None:
    """In order, each once, and with the same bytes of text."""
    await _disable_assistant(servers)
    async with (
        servers.ann_at_second.follow(servers.conversation_id) as second,
        servers.ann.follow(servers.conversation_id) as first,
    ):
        for stream in (second, first):
            await stream.next("stream.open")
        root = await servers.ann.root(servers.conversation_id)
        for n in range(20):
            await (servers.ann if n % 2 else servers.ann_at_second).reply(root, str(n))
        events_at_second = [await second.next() for _ in range(42)]
        events_at_first = [await first.next() for _ in range(42)]

    assert events_at_first == events_at_second
    assert [event["id"] for event in events_at_second] == [f"evt_{n}" for n in range(2, 44)]


async def test_an_answer_is_streamed_at_the_other_server(
    servers: TwoServers, script: ScriptedAnswer
) -> None:
    """Deltas arrive while the model generates, after the message that they belong to."""
    release = asyncio.Event()
    script.parts[:] = [chunk("once "), release, chunk("upon 🦀"), finished()]
    text = ""
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await servers.ann.root(servers.conversation_id, "hi")
        events = [await stream.next()]
        while events[-1]["type"] != "message.done":
            events.append(await stream.next())
            if events[-1]["type"] == "message.delta":
                payload = events[-1]["payload"]
                assert payload["offset"] == len(text)
                text += payload["choices"][0]["delta"]["content"]
                release.set()

    types = [event["type"] for event in events]
    assert types[:4] == ["stream.open", "thread.new", "message.new", "message.new"]
    assert next(name for name in types[4:7] if name != "answer.status") == "message.delta"
    assert text == "once upon 🦀"
    hub = servers.second.components.hub
    await until(lambda: hub.answers(UUID(servers.conversation_id)) == [])


async def test_a_new_stream_at_the_other_server_gets_the_text_so_far(
    servers: TwoServers, script: ScriptedAnswer
) -> None:
    """Although no stream of that server followed the conversation before."""
    release = asyncio.Event()
    script.parts[:] = [chunk("once "), chunk("upon"), release, chunk(" a time"), finished()]
    await servers.ann.root(servers.conversation_id, "hi")
    await _wait_for_text(servers.second, servers.conversation_id, b"upon")
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        delta = await stream.next("message.delta")
        release.set()
        await stream.next("message.done")

    assert delta["payload"]["offset"] == 0
    assert delta["payload"]["choices"][0]["delta"]["content"] == "once upon"


async def test_a_server_that_starts_requests_the_text_so_far(
    servers: TwoServers, script: ScriptedAnswer, start_server: StartServer
) -> None:
    """It missed the start of the answer, and its streams get the full text all the same."""
    release = asyncio.Event()
    script.parts[:] = [chunk("once "), chunk("upon"), release, finished()]
    await servers.ann.root(servers.conversation_id, "hi")
    await _wait_for_text(servers.first, servers.conversation_id, b"upon")
    async with start_server(clock=servers.first.clock) as third:
        ann_at_third = await third.sign_in("ann")
        await _wait_for_text(third, servers.conversation_id, b"once")
        async with ann_at_third.follow(servers.conversation_id) as stream:
            delta = await stream.next("message.delta")
    release.set()

    assert delta["payload"]["choices"][0]["delta"]["content"] == "once upon"


async def test_an_answer_is_cancelled_from_the_other_server(
    servers: TwoServers, script: ScriptedAnswer
) -> None:
    """The caller need not know which process generates it."""
    script.parts[:] = [chunk("half"), asyncio.Event()]
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await servers.ann.root(servers.conversation_id, "hi")
        delta = await stream.next("message.delta")
        path = f"/api/messages/{delta['payload']['message_id']}/cancel"
        result = await servers.ann_at_second.post(path, None, expect=202)
        done = await stream.next("message.done", seconds=60)

    assert result["status"] == "cancelled"
    assert done["payload"]["finish_reason"] == "cancelled"


async def test_a_removal_ends_streams_of_the_other_server(servers: TwoServers) -> None:
    """With the event of the removal, and nothing after it."""
    bob = await _add_bob(servers)
    bob_at_second = await servers.second.sign_in("bob")
    participants = f"/api/conversations/{servers.conversation_id}/participants"
    async with bob_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await servers.ann.call("DELETE", f"{participants}/{bob.id}", expect=204)
        await servers.ann.root(servers.conversation_id, "secret")
        rest = await stream.rest(seconds=60)

    assert [event["type"] for event in rest] == ["membership.changed", "stream.closed"]


async def test_the_end_of_a_session_closes_its_streams_at_the_other_server(
    servers: TwoServers,
) -> None:
    """Streams of the user's other sessions stay open."""
    third_session = await servers.first.sign_in("ann")
    sessions = (await third_session.get("/api/auth/sessions"))["sessions"]
    kept = {
        next(session for session in sessions if session.get("current"))["id"],
        await _session_id(servers.ann),
    }
    async with (
        servers.ann_at_second.follow(servers.conversation_id) as ending,
        servers.ann.follow(servers.conversation_id) as staying,
    ):
        for stream in (ending, staying):
            await stream.next("stream.open")
        for session in sessions:
            if session["id"] not in kept:
                path = f"/api/auth/sessions/{session['id']}"
                await third_session.call("DELETE", path, expect=204)
        closed = await ending.next(seconds=60)
        await servers.ann.root(servers.conversation_id)
        assert (await staying.next())["type"] == "thread.new"

    assert closed == {"type": "stream.closed", "payload": {"reason": "session_ended"}}


async def _session_id(user: HttpUser) -> str:
    me = await user.get("/api/auth/me")
    return str(me["session"]["id"])


async def test_a_read_marker_reaches_the_other_server(servers: TwoServers) -> None:
    """All streams of the user get the new count, wherever they are."""
    bob = await _add_bob(servers)
    bob_at_second = await servers.second.sign_in("bob")
    async with bob_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        root = await servers.ann.root(servers.conversation_id)
        await bob.post(f"/api/threads/{root}/read", {})
        update = await stream.next("unread.update", seconds=60)

    assert (update["payload"]["root_id"], update["payload"]["user_id"]) == (root, str(bob.id))


async def _bob_and_thread(servers: TwoServers) -> tuple[HttpUser, str]:
    """Add Bob to the conversation, and return him and a thread without the assistant."""
    bob = await _add_bob(servers)
    await _disable_assistant(servers)
    return bob, await servers.ann.root(servers.conversation_id)


async def _type(user: HttpUser, servers: TwoServers, root: str, seconds: int) -> None:
    body = {"conversation_id": servers.conversation_id, "root_id": root, "seconds": seconds}
    await user.post("/api/typing", body, expect=204)


async def _typing_users(user: HttpUser, servers: TwoServers) -> list[str]:
    """Return the users of a snapshot who are typing."""
    presence = await user.get(f"/api/conversations/{servers.conversation_id}/presence")
    return [indicator["user_id"] for indicator in presence["typing"]]


async def test_a_typing_indicator_reaches_the_other_server(servers: TwoServers) -> None:
    """Also its snapshots, when no stream is open there; a message or time ends it."""
    bob, root = await _bob_and_thread(servers)
    typing = servers.second.components.services.typing
    conversation_id = UUID(servers.conversation_id)
    await _type(bob, servers, root, 20)
    await until(lambda: bool(list(typing.active(conversation_id))))
    assert await _typing_users(servers.ann_at_second, servers) == [str(bob.id)]
    await bob.reply(root)
    await until(lambda: not list(typing.active(conversation_id)))
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await _type(bob, servers, root, 20)
        started = await stream.next("typing.update", seconds=60)
        servers.advance_time(20)
        ended = await stream.next("typing.update", seconds=60)

    assert started["payload"]["expires_at"] > "2026"
    assert ended["payload"]["expires_at"] < "1971"


async def test_a_server_that_starts_requests_typing_indicators(
    servers: TwoServers, start_server: StartServer
) -> None:
    """The server that the user reported to publishes them again."""
    bob, root = await _bob_and_thread(servers)
    conversation_id = UUID(servers.conversation_id)
    await _type(bob, servers, root, 20)
    async with start_server(clock=servers.first.clock) as third:
        typing = third.components.services.typing
        await until(lambda: bool(list(typing.active(conversation_id))))
        (indicator,) = typing.active(conversation_id)

    assert (indicator.user_id, str(indicator.root_id)) == (bob.id, root)


async def test_presence_reaches_the_other_server(servers: TwoServers) -> None:
    """By heartbeats to one server, and by silence, at each server by its own clock."""
    bob, _ = await _bob_and_thread(servers)
    presence = servers.second.components.services.presence
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await bob.post("/api/presence/heartbeat", {}, expect=204)
        await until(lambda: bob.id in presence.remembered)
        statuses = []
        for seconds in (0.5, 44.5, 255):
            servers.advance_time(seconds)
            update = await stream.next("presence.update", seconds=60)
            statuses.append(update["payload"]["status"])

    assert statuses == ["online", "away", "offline"]


async def test_without_a_backplane_presence_is_read_from_the_database(
    servers: TwoServers,
) -> None:
    """A disconnected server loads recent heartbeats every few seconds."""
    bob, _ = await _bob_and_thread(servers)
    await servers.second.components.realtime.backplane.stop()
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await bob.post("/api/presence/heartbeat", {"status": "away"}, expect=204)
        update = asyncio.create_task(stream.next("presence.update"))
        while not update.done():
            await asyncio.sleep(0.01)
            servers.advance_time(1)

    assert update.result()["payload"]["status"] == "away"


async def test_without_a_backplane_the_logs_are_read(servers: TwoServers) -> None:
    """A disconnected server finds events and ended sessions in the database."""
    await servers.second.components.realtime.backplane.stop()
    await _disable_assistant(servers)
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        root = await servers.ann.root(servers.conversation_id)
        message = asyncio.create_task(stream.next("message.new"))
        while not message.done():
            await asyncio.sleep(0.01)
            servers.advance_time(1)
        assert message.result()["payload"]["message"]["id"] == root
        await servers.ann_at_second.client.post(
            f"{servers.first.url}/api/auth/logout",
            headers={"X-CSRF-TOKEN": servers.ann_at_second.csrf},
        )
        closed = asyncio.create_task(stream.next("stream.closed"))
        while not closed.done():
            await asyncio.sleep(0.01)
            servers.advance_time(1)

    assert closed.result()["payload"] == {"reason": "session_ended"}
