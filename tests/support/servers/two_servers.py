"""Two servers in this process on one database, for tests of what one sends to the other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.components.backplanes import all_connected
from tests.support.fakes.fake_clock import FakeClock
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer


@dataclass
class TwoServers:
    """Two servers with one clock, a conversation of Ann's, and her session at each server."""

    first: InProcessServer
    second: InProcessServer
    ann: HttpUser
    ann_at_second: HttpUser
    conversation_id: str

    def advance_time(self, seconds: float) -> None:
        """Let time pass on both servers."""
        self.first.clock.advance(seconds)


@asynccontextmanager
async def two_servers(
    start_server: StartServer, conversation: dict[str, Any], **options: Any
) -> AsyncIterator[TwoServers]:
    """Run two servers that are connected; `options` are those of `in_process_server`."""
    async with AsyncExitStack() as stack:
        clock = FakeClock()
        first = await stack.enter_async_context(start_server(clock=clock, **options))
        second = await stack.enter_async_context(start_server(clock=clock, **options))
        await all_connected(
            first.components.realtime.backplane, second.components.realtime.backplane
        )
        ann = await first.person("ann")
        ann_at_second = await second.sign_in("ann")
        yield TwoServers(first, second, ann, ann_at_second, await ann.conversation(**conversation))
