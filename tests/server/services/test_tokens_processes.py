"""Three servers whose backplane loses everything: an ended token closes its streams in 2 s."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import pytest
from tests.support.fakes.fake_clock import FakeClock
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    StartServer,
)
from tests.support.servers.redis_server import redis_server

from rustygpt_shared.settings import BackplaneSettings, Db, Settings, Sse


@dataclass
class Site:
    """Three servers, Ann's session at the first one, and her token at each."""

    servers: list[InProcessServer]
    clock: FakeClock
    ann: HttpUser
    token_id: str
    programs: list[HttpUser]


@pytest.fixture
async def site(start_server: StartServer) -> AsyncIterator[Site]:
    """The servers, on a Redis that stops to answer once they are connected."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_server())
        settings = Settings(
            sse=Sse(backplane=BackplaneSettings(url=redis.url)), db=Db(max_connections=4)
        )
        clock = FakeClock()
        servers = [
            await stack.enter_async_context(start_server(clock=clock, settings=settings))
            for _ in range(3)
        ]
        ann = await servers[0].person("ann")
        token = await ann.create_token("read", expires_in_seconds=1_000)
        [listed] = (await ann.get("/api/auth/tokens"))["tokens"]
        programs = [server.token_user(token, ann) for server in servers]
        redis.freeze(on=True)
        yield Site(servers, clock, ann, listed["id"], programs)
        redis.freeze(on=False)


async def _revoke(site: Site) -> None:
    await site.ann.call("DELETE", f"/api/auth/tokens/{site.token_id}", expect=204)


async def _disable(site: Site) -> None:
    admin = site.servers[0].people["admin"]
    await admin.call("PATCH", f"/api/admin/users/{site.ann.id}", {"disabled": True})


@pytest.mark.parametrize(("change", "reason"), [(_revoke, "session_ended"), (_disable, "disabled")])
async def test_every_process_ends_the_streams_of_a_token(
    site: Site, change: Callable[[Site], Awaitable[None]], reason: str
) -> None:
    """Of all conversations and of one; then it is refused everywhere."""
    conversation_id = await site.ann.conversation()
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(opened)
            for program in site.programs
            for opened in (program.follow_all(), program.follow(conversation_id))
        ]
        for stream in streams:
            await stream.next("stream.open")
        await change(site)
        rests = [asyncio.create_task(stream.rest(120)) for stream in streams]
        for step, patience in ((1.0, 10), (0.9, 120)):
            site.clock.advance(step)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asyncio.gather(*rests)), patience)
        reasons = {rest.result()[-1]["payload"]["reason"] for rest in rests}

    assert reasons == {reason}
    for program in site.programs:
        await program.call("GET", "/api/auth/me", expect=401)
