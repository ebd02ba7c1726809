"""Two servers on one database: what happens in one is seen in the other."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, fake_model_server, finished
from tests.support.servers.in_process_server import HttpUser, StartServer, openai_settings
from tests.support.servers.two_servers import TwoServers, two_servers
from tests.support.wait import until


@pytest.fixture
def script() -> ScriptedAnswer:
    """What the model says; tests replace its parts."""
    return ScriptedAnswer([chunk("once "), chunk("upon"), finished()])


@pytest.fixture
async def servers(start_server: StartServer, script: ScriptedAnswer) -> AsyncIterator[TwoServers]:
    """Both servers, set up, with a conversation of Ann's whose assistant always answers."""
    room = {"is_group": True, "assistant_mode": "always"}
    async with (
        fake_model_server(script) as model,
        two_servers(start_server, room, llm=openai_settings(model.url)) as two,
    ):
        yield two


async def test_events_arrive_at_the_other_server(servers: TwoServers) -> None:
    """At once, in order, each once, and the same bytes of text."""
    await servers.ann.call(
        "PATCH", f"/api/conversations/{servers.conversation_id}", {"assistant_mode": "off"}
    )
    async with (
        servers.ann_at_second.follow(servers.conversation_id) as there,
        servers.ann.follow(servers.conversation_id) as here,
    ):
        for stream in (there, here):
            await stream.next("stream.open")
        root = await servers.ann.root(servers.conversation_id)
        for n in range(20):
            await (servers.ann if n % 2 else servers.ann_at_second).reply(root, str(n))
        seen = [[await stream.next() for _ in range(42)] for stream in (there, here)]

    assert seen[0] == seen[1]
    assert [event["id"] for event in seen[0]] == [f"evt_{n}" for n in range(2, 44)]


async def test_an_answer_is_seen_live_at_the_other_server(
    servers: TwoServers, script: ScriptedAnswer
) -> None:
    """Deltas come as they are written, after the message that they belong to."""
    go = asyncio.Event()
    script.parts[:] = [chunk("once "), go, chunk("upon 🦀"), finished()]
    async with servers.ann_at_second.follow(servers.conversation_id) as there:
        await servers.ann.root(servers.conversation_id, "hi")
        events, text = [await there.next()], ""
        while events[-1]["type"] != "message.done":
            events.append(await there.next())
            if events[-1]["type"] == "message.delta":
                payload = events[-1]["payload"]
                assert payload["offset"] == len(text)
                text += payload["choices"][0]["delta"]["content"]
                go.set()

    kinds = [event["type"] for event in events]
    assert kinds[:5] == ["stream.open", "thread.new", "message.new", "message.new", "message.delta"]
    assert text == "once upon 🦀"
    await until(lambda: servers.second.components.hub.answers(UUID(servers.conversation_id)) == [])


async def test_a_reader_joins_in_the_middle_at_the_other_server(
    servers: TwoServers, script: ScriptedAnswer
) -> None:
    """The text so far comes first, although nobody read there before."""
    go = asyncio.Event()
    script.parts[:] = [chunk("once "), chunk("upon"), go, chunk(" a time"), finished()]
    await servers.ann.root(servers.conversation_id, "hi")
    hub = servers.second.components.hub
    await until(
        lambda: any(
            b"upon" in (a.full_text_frame() or b"")
            for a in hub.answers(UUID(servers.conversation_id))
        )
    )
    async with servers.ann_at_second.follow(servers.conversation_id) as there:
        whole = await there.next("message.delta")
        go.set()
        await there.next("message.done")

    assert whole["payload"]["offset"] == 0
    assert whole["payload"]["choices"][0]["delta"]["content"] == "once upon"


async def test_a_server_that_starts_in_the_middle_asks_for_the_text(
    servers: TwoServers, script: ScriptedAnswer, start_server: StartServer
) -> None:
    """Whoever was not there when an answer began gets the whole of it all the same."""
    go = asyncio.Event()
    script.parts[:] = [chunk("once "), chunk("upon"), go, finished()]
    await servers.ann.root(servers.conversation_id, "hi")
    hub = servers.first.components.hub
    await until(
        lambda: any(
            b"upon" in (a.full_text_frame() or b"")
            for a in hub.answers(UUID(servers.conversation_id))
        )
    )
    async with start_server(clock=servers.first.clock) as third:
        late = await third.sign_in("ann")
        hub = third.components.hub
        await until(
            lambda: any(a.full_text_frame() for a in hub.answers(UUID(servers.conversation_id)))
        )
        async with late.follow(servers.conversation_id) as stream:
            whole = await stream.next("message.delta")
    go.set()

    assert whole["payload"]["choices"][0]["delta"]["content"] == "once upon"


async def test_an_answer_is_stopped_from_the_other_server(
    servers: TwoServers, script: ScriptedAnswer
) -> None:
    """Who asks need not know which process writes."""
    script.parts[:] = [chunk("half"), asyncio.Event()]
    async with servers.ann_at_second.follow(servers.conversation_id) as there:
        await servers.ann.root(servers.conversation_id, "hi")
        delta = await there.next("message.delta")
        path = f"/api/messages/{delta['payload']['message_id']}/cancel"
        stopped = await servers.ann_at_second.post(path, None, expect=202)
        done = await there.next("message.done", seconds=2)

    assert stopped["status"] == "cancelled"
    assert done["payload"]["finish_reason"] == "cancelled"


async def test_a_removal_ends_streams_of_the_other_server(servers: TwoServers) -> None:
    """With the event that tells of it, and nothing after."""
    bob = await servers.first.person("bob")
    away = await servers.second.sign_in("bob")
    people = f"/api/conversations/{servers.conversation_id}/participants"
    await servers.ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with away.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await servers.ann.call("DELETE", f"{people}/{bob.id}", expect=204)
        await servers.ann.root(servers.conversation_id, "secret")
        rest = await stream.rest(seconds=2)

    assert [event["type"] for event in rest] == ["membership.changed", "stream.closed"]


async def test_the_end_of_a_session_is_heard_at_the_other_server(servers: TwoServers) -> None:
    """Logged out here, the stream there ends; another session of the person goes on."""
    other = await servers.first.sign_in("ann")
    sessions = (await other.get("/api/auth/sessions"))["sessions"]
    mine = next(s for s in sessions if s.get("current"))["id"]
    async with (
        servers.ann_at_second.follow(servers.conversation_id) as ends,
        servers.ann.follow(servers.conversation_id) as stays,
    ):
        for stream in (ends, stays):
            await stream.next("stream.open")
        for session in sessions:
            if session["id"] != mine and session["id"] != await _id(servers.ann):
                await other.call("DELETE", f"/api/auth/sessions/{session['id']}", expect=204)
        closed = await ends.next(seconds=2)
        await servers.ann.root(servers.conversation_id)
        assert (await stays.next())["type"] == "thread.new"

    assert closed == {"type": "stream.closed", "payload": {"reason": "session_ended"}}


async def _id(person: HttpUser) -> str:
    me = await person.get("/api/auth/me")
    return str(me["session"]["id"])


async def test_a_mark_is_heard_at_the_other_server(servers: TwoServers) -> None:
    """One's own streams are told, wherever they are."""
    bob = await servers.first.person("bob")
    away = await servers.second.sign_in("bob")
    people = f"/api/conversations/{servers.conversation_id}/participants"
    await servers.ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with away.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        root = await servers.ann.root(servers.conversation_id)
        await bob.post(f"/api/threads/{root}/read", {})
        told = await stream.next("unread.update", seconds=2)

    assert (told["payload"]["root_id"], told["payload"]["user_id"]) == (root, str(bob.id))


async def _bob(two: TwoServers) -> tuple[HttpUser, str]:
    """Bob, in the room, and a thread there."""
    bob = await two.first.person("bob")
    people = f"/api/conversations/{two.conversation_id}/participants"
    await two.ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    await two.ann.call(
        "PATCH", f"/api/conversations/{two.conversation_id}", {"assistant_mode": "off"}
    )
    return bob, await two.ann.root(two.conversation_id)


async def _type(person: HttpUser, two: TwoServers, root: str, seconds: int) -> None:
    body = {"conversation_id": two.conversation_id, "root_id": root, "seconds": seconds}
    await person.post("/api/typing", body, expect=204)


async def _typing(person: HttpUser, two: TwoServers) -> list[str]:
    shown = await person.get(f"/api/conversations/{two.conversation_id}/presence")
    return [turn["user_id"] for turn in shown["typing"]]


async def test_writing_is_seen_at_the_other_server_until_it_is_over(
    servers: TwoServers,
) -> None:
    """Also by who asks for a snapshot there, where nobody reads along; a message ends it."""
    bob, root = await _bob(servers)
    typists = servers.second.components.services.typing
    await _type(bob, servers, root, 20)
    await until(lambda: bool(list(typists.active(UUID(servers.conversation_id)))))
    assert await _typing(servers.ann_at_second, servers) == [str(bob.id)]
    await bob.reply(root)
    await until(lambda: not list(typists.active(UUID(servers.conversation_id))))
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await _type(bob, servers, root, 20)
        began = await stream.next("typing.update", seconds=2)
        servers.advance_time(20)
        ended = await stream.next("typing.update", seconds=2)

    assert began["payload"]["expires_at"] > "2026"
    assert ended["payload"]["expires_at"] < "1971"


async def test_a_server_that_starts_asks_who_is_writing(
    servers: TwoServers, start_server: StartServer
) -> None:
    """Those who were told by the person say it again."""
    bob, root = await _bob(servers)
    await _type(bob, servers, root, 20)
    async with start_server(clock=servers.first.clock) as third:
        typists = third.components.services.typing
        await until(lambda: bool(list(typists.active(UUID(servers.conversation_id)))))
        (turn,) = typists.active(UUID(servers.conversation_id))

    assert (turn.user_id, str(turn.root_id)) == (bob.id, root)


async def test_presence_is_seen_at_the_other_server(servers: TwoServers) -> None:
    """By heartbeats that went to one server, and by their absence, at each by its own clock."""
    bob, _ = await _bob(servers)
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await bob.post("/api/presence/heartbeat", {}, expect=204)
        keeper = servers.second.components.services.presence
        await until(lambda: bob.id in keeper.remembered)
        seen = []
        for seconds in (0.5, 44.5, 255):
            servers.advance_time(seconds)
            seen.append((await stream.next("presence.update", seconds=5))["payload"]["status"])

    assert seen == ["online", "away", "offline"]


async def test_without_a_line_presence_is_read_from_the_database(servers: TwoServers) -> None:
    """Deaf servers look who was seen, every few seconds."""
    bob, _ = await _bob(servers)
    await servers.second.components.realtime.backplane.stop()
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await bob.post("/api/presence/heartbeat", {"status": "away"}, expect=204)
        waiting = asyncio.create_task(stream.next("presence.update"))
        while not waiting.done():
            await asyncio.sleep(0.01)
            servers.advance_time(1)

    assert waiting.result()["payload"]["status"] == "away"


async def test_without_a_line_the_log_is_looked_at(servers: TwoServers) -> None:
    """Deaf servers find events by comparing positions, and ended sessions by asking."""
    await servers.second.components.realtime.backplane.stop()
    await servers.ann.call(
        "PATCH", f"/api/conversations/{servers.conversation_id}", {"assistant_mode": "off"}
    )
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        root = await servers.ann.root(servers.conversation_id)
        waiting = asyncio.create_task(stream.next("message.new"))
        while not waiting.done():
            await asyncio.sleep(0.01)
            servers.advance_time(1)
        assert waiting.result()["payload"]["message"]["id"] == root
        await servers.ann_at_second.client.post(
            f"{servers.first.url}/api/auth/logout",
            headers={"X-CSRF-TOKEN": servers.ann_at_second.csrf},
        )
        ending = asyncio.create_task(stream.next("stream.closed"))
        while not ending.done():
            await asyncio.sleep(0.01)
            servers.advance_time(1)

    assert ending.result()["payload"] == {"reason": "session_ended"}
