"""The client: one typed coroutine per route of the server, on one connection and session."""

from types import TracebackType
from typing import Self

from msgspec import Struct

from rustygpt_tui.client.conversations import ConversationCalls
from rustygpt_tui.client.messages import MessageCalls
from rustygpt_tui.client.presence import PresenceCalls
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.users import UserCalls


class Ready(Struct, frozen=True):
    """Whether a server takes requests, and what it waits for when it does not."""

    ready: bool
    missing: list[str] = []


class Client(UserCalls, ConversationCalls, MessageCalls, PresenceCalls):
    """A server, as `session` sees it. Every call raises Failure.

    Use it in `async with`, or close it with `aclose`.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def readyz(self) -> Ready:
        """Whether the server takes requests; a server that is starting is no Failure."""
        import msgspec

        from rustygpt_tui.client.problems import unreadable_response

        response = await self.get_raw("/readyz")
        try:
            return msgspec.json.decode(response.content, type=Ready)
        except msgspec.MsgspecError:
            raise unreadable_response(self.origin) from None


def connect(origin: str, session: Session | None = None) -> Client:
    """A client of the server at `origin`; without a session nobody is signed in."""
    return Client(session or Session(origin))
