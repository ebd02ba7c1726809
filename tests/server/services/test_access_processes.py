"""Two servers whose line is a black hole: rights end streams all the same, within two seconds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, SseStream, StartServer
from tests.support.servers.redis_server import redis_server
from tests.support.servers.two_servers import TwoServers, two_servers

from rustygpt_shared.settings import BackplaneSettings, Db, Settings, Sse

STEPS = (1.0, 0.9)
"""How time passes: less than two seconds in all."""


class Deaf(TwoServers):
    """Two servers, each of which believes that it hears the other."""

    @property
    def admin(self) -> HttpUser:
        """Who administers accounts."""
        return self.first.people["admin"]

    async def closed(self, stream: SseStream) -> tuple[list[str], str]:
        """What came until the end of a stream, and its reason; time passes meanwhile."""
        rest = asyncio.create_task(stream.rest())
        for step in STEPS:
            self.first.clock.advance(step)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(rest), 5)
        assert rest.done(), "the stream went on"
        assert self.second.components.hub.backplane.connected
        events = rest.result()
        return [event["type"] for event in events], events[-1]["payload"]["reason"]


@pytest.fixture
async def servers(start_server: StartServer) -> AsyncIterator[Deaf]:
    """Both servers, on a Redis that says nothing any more once they have found each other."""
    async with redis_server() as redis:
        sse = Sse(backplane=BackplaneSettings(url=redis.url))
        settings = Settings(sse=sse, db=Db(max_connections=4))
        async with two_servers(start_server, {"is_group": True}, settings=settings) as two:
            redis.freeze(on=True)
            yield Deaf(**vars(two))
            redis.freeze(on=False)


async def _log_out(two: Deaf) -> None:
    headers = {"X-CSRF-TOKEN": two.ann_at_second.csrf}
    await two.ann_at_second.client.post(f"{two.first.url}/api/auth/logout", headers=headers)


async def _end(two: Deaf) -> None:
    session = (await two.ann_at_second.get("/api/auth/me"))["session"]["id"]
    await two.ann.call("DELETE", f"/api/auth/sessions/{session}", expect=204)


async def _change_password(two: Deaf) -> None:
    body = {"current_password": PASSWORD, "new_password": "another password"}
    await two.ann.call("POST", "/api/auth/password", body, expect=204)


async def _disable(two: Deaf) -> None:
    await two.admin.call("PATCH", f"/api/admin/users/{two.ann.id}", {"disabled": True})


async def _reset(two: Deaf) -> None:
    body: dict[str, Any] = {"password": "another password"}
    await two.admin.call("PATCH", f"/api/admin/users/{two.ann.id}", body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_log_out, "session_ended"),
        (_end, "session_ended"),
        (_change_password, "session_ended"),
        (_reset, "session_ended"),
        (_disable, "disabled"),
    ],
)
async def test_a_session_that_ends_ends_its_streams_elsewhere(
    servers: Deaf, change: Callable[[Deaf], Awaitable[None]], reason: str
) -> None:
    """Whatever ends it; the log of controls is read every second."""
    async with servers.ann_at_second.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await change(servers)

        assert await servers.closed(stream) == (["stream.closed"], reason)


async def test_a_removal_ends_streams_elsewhere(servers: Deaf) -> None:
    """With the event that tells of it; nothing that was said afterwards is delivered."""
    bob = await servers.first.person("bob")
    away = await servers.second.sign_in("bob")
    people = f"/api/conversations/{servers.conversation_id}/participants"
    await servers.ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with away.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        await servers.ann.root(servers.conversation_id, "for all")
        await servers.ann.call("DELETE", f"{people}/{bob.id}", expect=204)
        await servers.ann.root(servers.conversation_id, "secret")
        kinds, reason = await servers.closed(stream)

    assert kinds == ["thread.new", "message.new", "membership.changed", "stream.closed"]
    assert reason == "removed"


async def test_who_comes_back_is_not_ended_by_the_removal_before(servers: Deaf) -> None:
    """The stream stands on the newer membership."""
    bob = await servers.first.person("bob")
    away = await servers.second.sign_in("bob")
    people = f"/api/conversations/{servers.conversation_id}/participants"
    member = {"user_id": str(bob.id), "role": "member"}
    await servers.ann.post(people, member, expect=204)
    await servers.ann.call("DELETE", f"{people}/{bob.id}", expect=204)
    await servers.ann.post(people, member, expect=204)
    async with away.follow(servers.conversation_id) as stream:
        await stream.next("stream.open")
        for _ in range(3):
            servers.first.clock.advance(1)
            await servers.second.components.services.streams.poll_access_changes()
        root = await servers.ann.root(servers.conversation_id)
        coming = asyncio.create_task(stream.next())
        while not coming.done():
            await asyncio.sleep(0.01)
            servers.first.clock.advance(1)

    assert coming.result()["payload"]["root_id"] == root
