"""A conversation controller that follows a fake server, with a record of what it reported."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from tests.support.fakes.fake_chat_server import USER, FakeChatServer
from tests.support.fakes.fake_conversation import CONVERSATION_ID
from tests.support.wait import until
from tests.tui.app_driver import sign_in

from rustygpt_tui.client.feed import Live
from rustygpt_tui.client.http import connect
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.config import load_settings, session_file
from rustygpt_tui.conversation.conversation_controller import ConversationController
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.errors import NotSignedIn
from rustygpt_tui.store.state import Changes, State


class LiveClient:
    """The controller, and what its callbacks got."""

    def __init__(self) -> None:
        self.controller: ConversationController
        self.changes: list[tuple[UUID, Changes]] = []
        self.connections: list[object] = []
        self.list_changes = 0
        self.signed_out: list[NotSignedIn] = []

    @property
    def live_count(self) -> int:
        """The number of times the stream became live."""
        return sum(isinstance(connection, Live) for connection in self.connections)

    @property
    def state(self) -> State:
        """The state of the open conversation."""
        assert self.controller.state is not None
        return self.controller.state

    @property
    def session(self) -> ConversationSession:
        """The session of the open conversation."""
        assert self.controller.session is not None
        return self.controller.session

    def on_list(self) -> None:
        """Count a change of the list."""
        self.list_changes += 1


@asynccontextmanager
async def live_client(chat: FakeChatServer, *, opened: bool = True) -> AsyncIterator[LiveClient]:
    """Follow the server within the block, by default with its conversation loaded."""
    sign_in(chat)
    session = Session(chat.origin, file=SessionFile(session_file(load_settings())))
    recorder = LiveClient()
    async with connect(chat.origin, session) as client:
        recorder.controller = ConversationController(
            client,
            USER,
            timing=Timing(),
            on_changes=lambda id_, changes: recorder.changes.append((id_, changes)),
            on_list=recorder.on_list,
            on_connection=recorder.connections.append,
            on_signed_out=recorder.signed_out.append,
        )
        following = asyncio.create_task(recorder.controller.follow())
        await until(lambda: recorder.live_count == 1)
        if opened:
            await recorder.controller.open(CONVERSATION_ID).load()
        yield recorder
        recorder.controller.stop()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
