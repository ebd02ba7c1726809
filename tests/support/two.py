"""Two servers in this process on one database, for what crosses between them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.api import Api, Person, Serve
from tests.support.clocks import TestClock
from tests.support.ears import up


@dataclass
class Two:
    """Two servers with one clock, and Ann at both: signed in at each, one conversation."""

    one: Api
    two: Api
    ann: Person
    there: Person
    room: str

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.one.clock.move(seconds)


@asynccontextmanager
async def two_servers(
    serve: Serve, conversation: dict[str, Any], **served: Any
) -> AsyncIterator[Two]:
    """Both, once they hear each other; `served` is what `serve` takes."""
    async with AsyncExitStack() as stack:
        clock = TestClock()
        one = await stack.enter_async_context(serve(clock=clock, **served))
        two = await stack.enter_async_context(serve(clock=clock, **served))
        await up(one.parts.hub.backplane, two.parts.hub.backplane)
        ann = await one.person("ann")
        there = await two.sign_in("ann")
        yield Two(one, two, ann, there, await ann.conversation(**conversation))
