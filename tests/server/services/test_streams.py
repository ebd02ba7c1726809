"""Opening streams, and the end of streams whose authorization ended."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_server.db import events
from rustygpt_server.db.events import RevokedStream, StreamKey
from rustygpt_server.db.messages import NewMessage, Post
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.services.post_writer import PostWriter
from rustygpt_server.services.stream_revalidation import FindRevoked, StreamRevalidator
from rustygpt_shared.ids import new_id
from rustygpt_shared.settings import Db, Llm, Settings, Sse


def revalidator_with(server: InProcessServer, find_revoked: FindRevoked) -> StreamRevalidator:
    """Return a revalidator of a server's streams with another query."""
    components = server.components
    return StreamRevalidator(
        components.hub,
        components.realtime.subscribers,
        components.realtime.starter,
        components.access,
        components.memberships,
        components.services.sessions,
        find_revoked,
    )


async def test_a_removal_is_the_last_event_of_a_stream(server: InProcessServer) -> None:
    """The removed user gets no later event, and cannot open the stream again."""
    ann = await server.person("ann")
    bob = await server.person("bob")
    conversation = await ann.conversation(is_group=True)
    participants = f"/api/conversations/{conversation}/participants"
    await ann.post(participants, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with bob.follow(conversation) as stream:
        await stream.next("stream.open")
        await ann.call("DELETE", f"{participants}/{bob.id}", expect=204)
        await ann.root(conversation, "secret")
        rest = await stream.rest()

    assert [event["type"] for event in rest] == ["membership.changed", "stream.closed"]
    assert rest[-1]["payload"] == {"reason": "removed"}
    await bob.get(f"/api/stream/conversations/{conversation}", expect=404)


async def test_a_log_out_closes_the_streams_of_the_session(server: InProcessServer) -> None:
    """The last frame has the reason."""
    ann = await server.person("ann")
    conversation = await ann.conversation()
    async with ann.follow(conversation) as stream:
        await stream.next("stream.open")
        await ann.post("/api/auth/logout", None)
        rest = await stream.rest()

    assert rest == [{"type": "stream.closed", "payload": {"reason": "session_ended"}}]


async def test_a_session_that_ended_after_authentication_gets_no_stream(
    server: InProcessServer,
) -> None:
    """It ended between the check of the token and the opening of the stream."""
    ann = await server.person("ann")
    conversation = await ann.conversation()
    services = server.components.services
    caller = await services.sessions.authenticate(ann.client.cookies["SESSION_ID"])
    await ann.post("/api/auth/logout", None)
    with pytest.raises(NotSignedIn):
        await services.streams.open_conversation_stream(caller, UUID(conversation), None)

    assert len(server.components.realtime.subscribers) == 0


async def test_a_stream_closes_at_the_absolute_end_of_its_session(server: InProcessServer) -> None:
    """An open stream counts as use, but not beyond this time."""
    ann = await server.person("ann")
    conversation = await ann.conversation()
    async with ann.follow(conversation) as stream:
        await stream.next("stream.open")
        server.clock.advance(7 * 24 * 3_600 + 1)
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "session_ended"}


async def test_too_many_streams_get_a_reconnection_time(start_server: StartServer) -> None:
    """The response is a valid stream that ends at once: an error would end an EventSource."""
    settings = Settings(
        sse=Sse(max_streams_per_user=1), llm=Llm(default_model="demo"), db=Db(max_connections=4)
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        conversation = await ann.conversation()
        async with ann.follow(conversation) as stream:
            await stream.next("stream.open")
            response = await ann.client.get(f"/api/stream/conversations/{conversation}")

    assert response.status_code == 200
    assert response.text.startswith("retry: ")
    assert "event" not in response.text


async def test_an_open_stream_keeps_its_session_alive(server: InProcessServer) -> None:
    """It counts as use, though no request is made."""
    ann = await server.person("ann")
    conversation = await ann.conversation()
    async with ann.follow(conversation) as stream:
        await stream.next("stream.open")
        for _ in range(10):
            server.clock.advance(3_600)
            await server.components.stream_revalidator.revalidate_streams()
        assert (await ann.client.get("/api/auth/me")).status_code == 200


async def test_changes_in_the_database_close_streams(
    server: InProcessServer, superuser: Any
) -> None:
    """Memberships and sessions of open streams are checked again from time to time."""
    ann = await server.person("ann")
    bob = await server.person("bob")
    conversation = await ann.conversation(is_group=True)
    participants = f"/api/conversations/{conversation}/participants"
    await ann.post(participants, {"user_id": str(bob.id), "role": "viewer"}, expect=204)
    revalidate: Callable[[], Any] = server.components.stream_revalidator.revalidate_streams
    async with bob.follow(conversation) as bobs, ann.follow(conversation) as anns:
        await bobs.next("stream.open")
        await anns.next("stream.open")
        await revalidate()
        await superuser.execute(
            "DELETE FROM rustygpt.participants WHERE user_id = $1 AND conversation_id = $2",
            bob.id,
            UUID(conversation),
        )
        await revalidate()
        assert (await bobs.next("stream.closed"))["payload"] == {"reason": "removed"}
        await superuser.execute("DELETE FROM rustygpt.sessions WHERE user_id = $1", ann.id)
        await revalidate()
        assert (await anns.next("stream.closed"))["payload"] == {"reason": "session_ended"}


async def test_a_member_who_is_added_again_during_a_check_keeps_the_stream(
    server: InProcessServer,
) -> None:
    """The result of the query concerns the membership before, not the new one."""
    ann = await server.person("ann")
    bob = await server.person("bob")
    conversation = await ann.conversation(is_group=True)
    participants = f"/api/conversations/{conversation}/participants"
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(participants, body, expect=204)

    async def find_revoked_between(keys: list[StreamKey]) -> list[RevokedStream]:
        await ann.call("DELETE", f"{participants}/{bob.id}", expect=204)
        revoked = await events.find_revoked_streams(server.components.db, keys, server.clock.now())
        await ann.post(participants, body, expect=204)
        return revoked

    async with bob.follow_all() as stream:
        await stream.next("stream.open")
        await revalidator_with(server, find_revoked_between).revalidate_streams()
        root = await ann.root(conversation)
        event = await stream.next("message.new", seconds=60)

    assert event["payload"]["message"]["id"] == root


async def test_a_post_whose_result_was_lost_is_delivered(server: InProcessServer) -> None:
    """When a connection breaks during a write, the log shows if it was committed."""
    ann = await server.person("ann")
    conversation = await ann.conversation()
    components = server.components
    writer = PostWriter(components.db, lambda: None, server.clock)
    message = NewMessage(new_id(int(server.clock.now().timestamp() * 1000)), "lost and found")
    async with ann.follow(conversation) as stream:
        await stream.next("stream.open")
        await writer.write(Post(ann.id, message, conversation_id=UUID(conversation)))
        components.db.unconfirmed += 1
        await components.position_check.check_if_unconfirmed()
        await asyncio.sleep(0)
        server.clock.advance(1)
        event = await stream.next("message.new")

    assert event["payload"]["message"]["content"] == "lost and found"
