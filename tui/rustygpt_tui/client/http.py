"""The client of a server: one typed coroutine per route, with one session."""

from types import TracebackType
from typing import Self

from msgspec import Struct

from rustygpt_shared.codec import decode
from rustygpt_tui.client.audit import AuditCalls
from rustygpt_tui.client.conversations import ConversationCalls
from rustygpt_tui.client.exports import ExportCalls
from rustygpt_tui.client.imports import ImportCalls
from rustygpt_tui.client.invites import InviteCalls
from rustygpt_tui.client.messages import MessageCalls
from rustygpt_tui.client.models import ModelCalls
from rustygpt_tui.client.presence import PresenceCalls
from rustygpt_tui.client.rate_limits import RateLimitCalls
from rustygpt_tui.client.search import SearchCalls
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.sign_in import SignInCalls
from rustygpt_tui.client.tokens import TokenCalls
from rustygpt_tui.client.usage import UsageCalls


class Ready(Struct, frozen=True):
    """The readiness of a server; `missing` names what it waits for."""

    ready: bool
    missing: list[str] = []


class Client(
    SignInCalls,
    TokenCalls,
    ConversationCalls,
    ExportCalls,
    ImportCalls,
    InviteCalls,
    MessageCalls,
    ModelCalls,
    UsageCalls,
    SearchCalls,
    PresenceCalls,
    RateLimitCalls,
    AuditCalls,
):
    """A client of the server at the session's origin. Every call raises ClientError.

    Use it with `async with`, or close it with `aclose`.
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
        """Return the server's readiness; a server that is still starting raises no error."""
        import msgspec

        from rustygpt_tui.client.problems import unreadable_response

        response = await self.get_raw("/readyz")
        try:
            return decode(response.content, Ready)
        except msgspec.MsgspecError:
            raise unreadable_response(self.origin) from None


def connect(origin: str, session: Session | None = None) -> Client:
    """Return a client of the server at `origin`; without a session it is not signed in."""
    return Client(session or Session(origin))
