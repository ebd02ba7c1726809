"""Streams by right: who may open one, and when it ends."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_server.db import events
from rustygpt_server.errors import NotSignedIn
from rustygpt_shared.settings import Db, Llm, Settings, Sse


async def test_a_removed_person_hears_of_it_and_no_more(server: InProcessServer) -> None:
    """The removal is the last event of the conversation that the person gets."""
    ann, bob = await server.person("ann"), await server.person("bob")
    room = await ann.conversation(is_group=True)
    people = f"/api/conversations/{room}/participants"
    await ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with bob.follow(room) as stream:
        await stream.next("stream.open")
        await ann.call("DELETE", f"{people}/{bob.id}", expect=204)
        await ann.root(room, "secret")
        rest = await stream.rest()

    assert [event["type"] for event in rest] == ["membership.changed", "stream.closed"]
    assert rest[-1]["payload"] == {"reason": "removed"}
    await bob.get(f"/api/stream/conversations/{room}", expect=404)


async def test_the_end_of_a_session_ends_its_streams(server: InProcessServer) -> None:
    """Logging out closes what the session had open."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        await ann.post("/api/auth/logout", None)
        rest = await stream.rest()

    assert rest == [{"type": "stream.closed", "payload": {"reason": "session_ended"}}]


async def test_who_was_let_in_just_before_the_end_gets_no_stream(server: InProcessServer) -> None:
    """The session ended between the check of the token and the opening of the stream."""
    ann = await server.person("ann")
    room = await ann.conversation()
    services = server.components.services
    signed = await services.sessions.authenticate(ann.client.cookies["SESSION_ID"])
    await ann.post("/api/auth/logout", None)
    with pytest.raises(NotSignedIn):
        await services.streams.open_conversation_stream(signed, UUID(room), None)

    assert len(server.components.hub.subscribers) == 0


async def test_an_expired_session_is_noticed_while_it_streams(server: InProcessServer) -> None:
    """Reading counts as use, but not beyond the absolute end."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        server.clock.advance(7 * 24 * 3_600 + 1)
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "session_ended"}


async def test_too_many_streams_are_told_to_come_back(start_server: StartServer) -> None:
    """By a proper stream that ends at once: an error would end a browser's EventSource."""
    settings = Settings(
        sse=Sse(max_streams_per_user=1), llm=Llm(default_model="demo"), db=Db(max_connections=4)
    )
    async with start_server(settings=settings) as api:
        ann = await api.person("ann")
        room = await ann.conversation()
        async with ann.follow(room) as stream:
            await stream.next("stream.open")
            second = await ann.client.get(f"/api/stream/conversations/{room}")

    assert second.status_code == 200
    assert second.text.startswith("retry: ")
    assert "event" not in second.text


async def test_reading_keeps_a_session_alive(server: InProcessServer) -> None:
    """An open stream counts as use, though no request is made."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        for _ in range(10):
            server.clock.advance(3_600)
            await server.components.services.streams.revalidate_streams()
        assert (await ann.client.get("/api/auth/me")).status_code == 200


async def test_rights_that_another_process_took_are_noticed(
    server: InProcessServer, superuser: Any
) -> None:
    """Membership, account and session are looked at again while streams are open."""
    ann, bob = await server.person("ann"), await server.person("bob")
    room = await ann.conversation(is_group=True)
    people = f"/api/conversations/{room}/participants"
    await ann.post(people, {"user_id": str(bob.id), "role": "viewer"}, expect=204)
    check = server.components.services.streams.revalidate_streams
    async with bob.follow(room) as stream, ann.follow(room) as other:
        await stream.next("stream.open")
        await other.next("stream.open")
        await check()
        await superuser.execute(
            "DELETE FROM rustygpt.participants WHERE user_id = $1 AND conversation_id = $2",
            *(bob.id, UUID(room)),
        )
        await check()
        assert (await stream.next("stream.closed"))["payload"] == {"reason": "removed"}
        await superuser.execute("DELETE FROM rustygpt.sessions WHERE user_id = $1", ann.id)
        await check()
        assert (await other.next("stream.closed"))["payload"] == {"reason": "session_ended"}


async def test_who_came_back_while_rights_were_looked_at_stays(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database said of the membership before says nothing of the new one."""
    ann, bob = await server.person("ann"), await server.person("bob")
    room = await ann.conversation(is_group=True)
    people, member = f"/api/conversations/{room}/participants", {"user_id": str(bob.id)}
    await ann.post(people, {**member, "role": "member"}, expect=204)
    asked = events.find_revoked_streams

    async def late(*question: Any) -> list[events.RevokedStream]:
        await ann.call("DELETE", f"{people}/{bob.id}", expect=204)
        lost = await asked(*question)
        await ann.post(people, {**member, "role": "member"}, expect=204)
        return lost

    async with bob.follow_all() as stream:
        await stream.next("stream.open")
        monkeypatch.setattr(events, "find_revoked_streams", late)
        await server.components.services.streams.revalidate_streams()
        monkeypatch.undo()
        root = await ann.root(room)
        event = await stream.next("message.new", seconds=5)

    assert event["payload"]["message"]["id"] == root


async def test_a_post_whose_answer_was_lost_is_still_told(server: InProcessServer) -> None:
    """When a connection broke in the middle, the log is asked what became of it."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        publish = server.components.hub.publish
        server.components.hub.publish = lambda *_: None  # type: ignore[method-assign]
        await ann.root(room, "lost and found")
        server.components.hub.publish = publish  # type: ignore[method-assign]
        server.components.services.streams._db.unconfirmed += 1
        await server.components.services.streams.recheck_log_if_unconfirmed()
        await asyncio.sleep(0)
        server.clock.advance(1)
        event = await stream.next("message.new")

    assert event["payload"]["message"]["content"] == "lost and found"
