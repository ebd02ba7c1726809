"""Two servers whose backplane loses everything: access changes close streams within two seconds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.support.servers.in_process_server import HttpUser, SseStream, StartServer
from tests.support.servers.redis_server import redis_server
from tests.support.servers.two_servers import TwoServers, two_servers

from rustygpt_shared.settings import BackplaneSettings, Db, Settings, Sse

STEPS = (1.0, 0.9)
"""How time passes: less than two seconds in all."""


class DisconnectedServers(TwoServers):
    """Two servers, each of which takes its backplane for connected."""

    @property
    def admin(self) -> HttpUser:
        """The administrator of accounts."""
        return self.first.people["admin"]

    @property
    def participants(self) -> str:
        """The path of the conversation's members."""
        return f"/api/conversations/{self.conversation_id}/participants"

    async def rest_until_closed(self, stream: SseStream) -> tuple[list[str], str]:
        """Let time pass; return the types of the rest of a stream and the reason of its end."""
        rest = asyncio.create_task(stream.rest())
        for step in STEPS:
            self.first.clock.advance(step)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(rest), 5)
        events = await asyncio.wait_for(rest, 60)
        assert self.second.components.realtime.backplane.connected
        return [event["type"] for event in events], events[-1]["payload"]["reason"]


@pytest.fixture
async def servers(start_server: StartServer) -> AsyncIterator[DisconnectedServers]:
    """Both servers, on a Redis that stops to answer once they are connected."""
    async with redis_server() as redis:
        sse = Sse(backplane=BackplaneSettings(url=redis.url))
        settings = Settings(sse=sse, db=Db(max_connections=4))
        async with two_servers(start_server, {"is_group": True}, settings=settings) as two:
            redis.freeze(on=True)
            yield DisconnectedServers(**vars(two))
            redis.freeze(on=False)


async def _log_out(servers: DisconnectedServers) -> None:
    headers = {"X-CSRF-TOKEN": servers.ann_at_second.csrf}
    await servers.ann_at_second.client.post(f"{servers.first.url}/api/auth/logout", headers=headers)


async def _end_session(servers: DisconnectedServers) -> None:
    session_id = (await servers.ann_at_second.get("/api/auth/me"))["session"]["id"]
    await servers.ann.call("DELETE", f"/api/auth/sessions/{session_id}", expect=204)


async def _change_password(servers: DisconnectedServers) -> None:
    await servers.first.change_password(servers.ann, "another password")


async def _disable(servers: DisconnectedServers) -> None:
    await servers.admin.call("PATCH", f"/api/admin/users/{servers.ann.id}", {"disabled": True})


async def _reset_password(servers: DisconnectedServers) -> None:
    body: dict[str, Any] = {"password": "another password"}
    path = f"/api/admin/users/{servers.ann.id}"
    await servers.first.settled(servers.admin.call("PATCH", path, body))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_log_out, "session_ended"),
        (_end_session, "session_ended"),
        (_change_password, "session_ended"),
        (_reset_password, "session_ended"),
        (_disable, "disabled"),
    ],
)
async def test_the_end_of_a_session_closes_its_streams_at_the_other_server(
    servers: DisconnectedServers,
    change: Callable[[DisconnectedServers], Awaitable[None]],
    reason: str,
) -> None:
    """Whatever ends it; the log of access changes is read every second."""
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await change(servers)

        assert await servers.rest_until_closed(stream) == (["stream.closed"], reason)


async def test_a_removal_closes_streams_at_the_other_server(servers: DisconnectedServers) -> None:
    """The event of the removal is the last one; no later event is delivered."""
    bob = await servers.first.person("bob")
    bob_at_second = await servers.second.sign_in("bob")
    body = {"user_id": str(bob.id), "role": "member"}
    await servers.ann.post(servers.participants, body, expect=204)
    async with bob_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await servers.ann.root(servers.conversation_id, "for all")
        await servers.ann.call("DELETE", f"{servers.participants}/{bob.id}", expect=204)
        await servers.ann.root(servers.conversation_id, "secret")
        types, reason = await servers.rest_until_closed(stream)

    assert types == ["thread.new", "message.new", "membership.changed", "stream.closed"]
    assert reason == "removed"


async def test_a_member_who_was_added_again_keeps_the_stream(
    servers: DisconnectedServers,
) -> None:
    """The stream was authorized by the newer membership."""
    bob = await servers.first.person("bob")
    bob_at_second = await servers.second.sign_in("bob")
    body = {"user_id": str(bob.id), "role": "member"}
    await servers.ann.post(servers.participants, body, expect=204)
    await servers.ann.call("DELETE", f"{servers.participants}/{bob.id}", expect=204)
    await servers.ann.post(servers.participants, body, expect=204)
    async with bob_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        for _ in range(3):
            servers.first.clock.advance(1)
            await servers.second.components.stream_revalidator.poll_access_changes()
        root = await servers.ann.root(servers.conversation_id)
        next_event = asyncio.create_task(stream.next())
        while not next_event.done():
            await asyncio.sleep(0.01)
            servers.first.clock.advance(1)

    assert next_event.result()["payload"]["root_id"] == root
