"""Two servers on one database: what happens in one is seen in the other."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from tests.support.api import Person, Serve, asking
from tests.support.model_server import Script, chunk, finished, model_server
from tests.support.two import Two, two_servers
from tests.support.waiting import until


@pytest.fixture
def script() -> Script:
    """What the model says; tests replace its parts."""
    return Script([chunk("once "), chunk("upon"), finished()])


@pytest.fixture
async def two(serve: Serve, script: Script) -> AsyncIterator[Two]:
    """Both servers, set up, with a conversation of Ann's whose assistant always answers."""
    room = {"is_group": True, "assistant_mode": "always"}
    async with (
        model_server(script) as model,
        two_servers(serve, room, llm=asking(model.url)) as two,
    ):
        yield two


async def test_events_arrive_at_the_other_server(two: Two) -> None:
    """At once, in order, each once, and the same bytes of text."""
    await two.ann.call("PATCH", f"/api/conversations/{two.room}", {"assistant_mode": "off"})
    async with two.there.follow(two.room) as there, two.ann.follow(two.room) as here:
        for stream in (there, here):
            await stream.next("stream.open")
        root = await two.ann.root(two.room)
        for n in range(20):
            await (two.ann if n % 2 else two.there).reply(root, str(n))
        seen = [[await stream.next() for _ in range(42)] for stream in (there, here)]

    assert seen[0] == seen[1]
    assert [event["id"] for event in seen[0]] == [f"evt_{n}" for n in range(2, 44)]


async def test_an_answer_is_seen_live_at_the_other_server(two: Two, script: Script) -> None:
    """Deltas come as they are written, after the message that they belong to."""
    go = asyncio.Event()
    script.parts[:] = [chunk("once "), go, chunk("upon 🦀"), finished()]
    async with two.there.follow(two.room) as there:
        await two.ann.root(two.room, "hi")
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
    await until(lambda: two.two.parts.hub.answers(UUID(two.room)) == [])


async def test_a_reader_joins_in_the_middle_at_the_other_server(two: Two, script: Script) -> None:
    """The text so far comes first, although nobody read there before."""
    go = asyncio.Event()
    script.parts[:] = [chunk("once "), chunk("upon"), go, chunk(" a time"), finished()]
    await two.ann.root(two.room, "hi")
    hub = two.two.parts.hub
    await until(lambda: any(b"upon" in (a.whole() or b"") for a in hub.answers(UUID(two.room))))
    async with two.there.follow(two.room) as there:
        whole = await there.next("message.delta")
        go.set()
        await there.next("message.done")

    assert whole["payload"]["offset"] == 0
    assert whole["payload"]["choices"][0]["delta"]["content"] == "once upon"


async def test_a_server_that_starts_in_the_middle_asks_for_the_text(
    two: Two, script: Script, serve: Serve
) -> None:
    """Whoever was not there when an answer began gets the whole of it all the same."""
    go = asyncio.Event()
    script.parts[:] = [chunk("once "), chunk("upon"), go, finished()]
    await two.ann.root(two.room, "hi")
    hub = two.one.parts.hub
    await until(lambda: any(b"upon" in (a.whole() or b"") for a in hub.answers(UUID(two.room))))
    async with serve(clock=two.one.clock) as third:
        late = await third.sign_in("ann")
        hub = third.parts.hub
        await until(lambda: any(a.whole() for a in hub.answers(UUID(two.room))))
        async with late.follow(two.room) as stream:
            whole = await stream.next("message.delta")
    go.set()

    assert whole["payload"]["choices"][0]["delta"]["content"] == "once upon"


async def test_an_answer_is_stopped_from_the_other_server(two: Two, script: Script) -> None:
    """Who asks need not know which process writes."""
    script.parts[:] = [chunk("half"), asyncio.Event()]
    async with two.there.follow(two.room) as there:
        await two.ann.root(two.room, "hi")
        delta = await there.next("message.delta")
        path = f"/api/messages/{delta['payload']['message_id']}/cancel"
        stopped = await two.there.post(path, None, expect=202)
        done = await there.next("message.done", seconds=2)

    assert stopped["status"] == "cancelled"
    assert done["payload"]["finish_reason"] == "cancelled"


async def test_a_removal_ends_streams_of_the_other_server(two: Two) -> None:
    """With the event that tells of it, and nothing after."""
    bob = await two.one.person("bob")
    away = await two.two.sign_in("bob")
    people = f"/api/conversations/{two.room}/participants"
    await two.ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with away.follow(two.room) as stream:
        await stream.next("stream.open")
        await two.ann.call("DELETE", f"{people}/{bob.id}", expect=204)
        await two.ann.root(two.room, "secret")
        rest = await stream.rest(seconds=2)

    assert [event["type"] for event in rest] == ["membership.changed", "stream.closed"]


async def test_the_end_of_a_session_is_heard_at_the_other_server(two: Two) -> None:
    """Logged out here, the stream there ends; another session of the person goes on."""
    other = await two.one.sign_in("ann")
    sessions = (await other.get("/api/auth/sessions"))["sessions"]
    mine = next(s for s in sessions if s.get("current"))["id"]
    async with two.there.follow(two.room) as ends, two.ann.follow(two.room) as stays:
        for stream in (ends, stays):
            await stream.next("stream.open")
        for session in sessions:
            if session["id"] != mine and session["id"] != await _id(two.ann):
                await other.call("DELETE", f"/api/auth/sessions/{session['id']}", expect=204)
        closed = await ends.next(seconds=2)
        await two.ann.root(two.room)
        assert (await stays.next())["type"] == "thread.new"

    assert closed == {"type": "stream.closed", "payload": {"reason": "session_ended"}}


async def _id(person: Person) -> str:
    me = await person.get("/api/auth/me")
    return str(me["session"]["id"])


async def test_a_mark_is_heard_at_the_other_server(two: Two) -> None:
    """One's own streams are told, wherever they are."""
    bob = await two.one.person("bob")
    away = await two.two.sign_in("bob")
    people = f"/api/conversations/{two.room}/participants"
    await two.ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with away.follow(two.room) as stream:
        await stream.next("stream.open")
        root = await two.ann.root(two.room)
        await bob.post(f"/api/threads/{root}/read", {})
        told = await stream.next("unread.update", seconds=2)

    assert (told["payload"]["root_id"], told["payload"]["user_id"]) == (root, str(bob.id))


async def _bob(two: Two) -> tuple[Person, str]:
    """Bob, in the room, and a thread there."""
    bob = await two.one.person("bob")
    people = f"/api/conversations/{two.room}/participants"
    await two.ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    await two.ann.call("PATCH", f"/api/conversations/{two.room}", {"assistant_mode": "off"})
    return bob, await two.ann.root(two.room)


async def _type(person: Person, two: Two, root: str, seconds: int) -> None:
    body = {"conversation_id": two.room, "root_id": root, "seconds": seconds}
    await person.post("/api/typing", body, expect=204)


async def _typing(person: Person, two: Two) -> list[str]:
    shown = await person.get(f"/api/conversations/{two.room}/presence")
    return [turn["user_id"] for turn in shown["typing"]]


async def test_writing_is_seen_at_the_other_server_until_it_is_over(two: Two) -> None:
    """Also by who asks for a snapshot there, where nobody reads along; a message ends it."""
    bob, root = await _bob(two)
    typists = two.two.parts.services.typists
    await _type(bob, two, root, 20)
    await until(lambda: bool(list(typists.turns(UUID(two.room)))))
    assert await _typing(two.there, two) == [str(bob.id)]
    await bob.reply(root)
    await until(lambda: not list(typists.turns(UUID(two.room))))
    async with two.there.follow(two.room) as stream:
        await stream.next("stream.open")
        await _type(bob, two, root, 20)
        began = await stream.next("typing.update", seconds=2)
        two.move(20)
        ended = await stream.next("typing.update", seconds=2)

    assert began["payload"]["expires_at"] > "2026"
    assert ended["payload"]["expires_at"] < "1971"


async def test_a_server_that_starts_asks_who_is_writing(two: Two, serve: Serve) -> None:
    """Those who were told by the person say it again."""
    bob, root = await _bob(two)
    await _type(bob, two, root, 20)
    async with serve(clock=two.one.clock) as third:
        typists = third.parts.services.typists
        await until(lambda: bool(list(typists.turns(UUID(two.room)))))
        (turn,) = typists.turns(UUID(two.room))

    assert (turn.user_id, str(turn.root_id)) == (bob.id, root)


async def test_presence_is_seen_at_the_other_server(two: Two) -> None:
    """By heartbeats that went to one server, and by their absence, at each by its own clock."""
    bob, _ = await _bob(two)
    async with two.there.follow(two.room) as stream:
        await stream.next("stream.open")
        await bob.post("/api/presence/heartbeat", {}, expect=204)
        keeper = two.two.parts.services.presence
        await until(lambda: bob.id in keeper._people)
        seen = []
        for seconds in (0.5, 44.5, 255):
            two.move(seconds)
            seen.append((await stream.next("presence.update", seconds=5))["payload"]["status"])

    assert seen == ["online", "away", "offline"]


async def test_without_a_line_presence_is_read_from_the_database(two: Two) -> None:
    """Deaf servers look who was seen, every few seconds."""
    bob, _ = await _bob(two)
    await two.two.parts.hub.backplane.stop()
    async with two.there.follow(two.room) as stream:
        await stream.next("stream.open")
        await bob.post("/api/presence/heartbeat", {"status": "away"}, expect=204)
        waiting = asyncio.create_task(stream.next("presence.update"))
        while not waiting.done():
            await asyncio.sleep(0.01)
            two.move(1)

    assert waiting.result()["payload"]["status"] == "away"


async def test_without_a_line_the_log_is_looked_at(two: Two) -> None:
    """Deaf servers find events by comparing positions, and ended sessions by asking."""
    await two.two.parts.hub.backplane.stop()
    await two.ann.call("PATCH", f"/api/conversations/{two.room}", {"assistant_mode": "off"})
    async with two.there.follow(two.room) as stream:
        await stream.next("stream.open")
        root = await two.ann.root(two.room)
        waiting = asyncio.create_task(stream.next("message.new"))
        while not waiting.done():
            await asyncio.sleep(0.01)
            two.move(1)
        assert waiting.result()["payload"]["message"]["id"] == root
        await two.there.client.post(
            f"{two.one.url}/api/auth/logout", headers={"X-CSRF-TOKEN": two.there.csrf}
        )
        ending = asyncio.create_task(stream.next("stream.closed"))
        while not ending.done():
            await asyncio.sleep(0.01)
            two.move(1)

    assert ending.result()["payload"] == {"reason": "session_ended"}
