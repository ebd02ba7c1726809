"""The session of one open conversation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id
from tests.support.wait import until
from tests.tui.app_driver import sign_in

from rustygpt_tui.client.feed import Live
from rustygpt_tui.client.http import Client, connect
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.config import load_settings, session_file
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.store.state import Changes


class SessionRecorder:
    """A session that records what its callbacks get."""

    def __init__(self, client: Client) -> None:
        self.changes: list[Changes] = []
        self.connections: list[object] = []
        self.session = ConversationSession(
            client,
            CONVERSATION_ID,
            ME,
            on_changes=self.changes.append,
            on_connection=self.connections.append,
        )

    @property
    def live_count(self) -> int:
        """The number of times the stream became live."""
        return sum(isinstance(connection, Live) for connection in self.connections)


@asynccontextmanager
async def _followed(chat: FakeChatServer) -> AsyncIterator[SessionRecorder]:
    sign_in(chat)
    session = Session(chat.origin, file=SessionFile(session_file(load_settings())))
    async with connect(chat.origin, session) as client:
        recorder = SessionRecorder(client)
        await recorder.session.load()
        following = asyncio.create_task(recorder.session.follow())
        await until(lambda: recorder.live_count == 1)
        yield recorder
        recorder.session.stop()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def test_changes_are_collected() -> None:
    """Many events in a short time are reported in a few calls."""
    async with fake_chat_server(FakeConversation()) as chat, _followed(chat) as recorder:
        chat.conversation.post(text="a thread")
        root = list(chat.conversation.threads)[-1]
        for number in range(50):
            chat.conversation.post(root, text=f"reply {number}")
        await until(lambda: bool(recorder.session.state and recorder.session.state.thread(root)))
        await until(lambda: recorder.session.state.thread(root).message_count == 51)  # type: ignore[union-attr]
        assert len(recorder.changes) < 20


async def test_a_thread_is_loaded_page_by_page() -> None:
    """All pages are fetched, and the ids of each page are yielded."""
    conversation = FakeConversation(page_size=10)
    root = conversation.post(text="long")
    for number in range(34):
        conversation.post(root, text=str(number))
    async with fake_chat_server(conversation) as chat, _followed(chat) as recorder:
        sizes = [len(ids) async for ids in recorder.session.open_thread(root)]
        assert sizes == [10, 10, 10, 5]
        assert recorder.session.state is not None
        assert len(recorder.session.state.trees[root]) == 35
        assert chat.http.request_count("GET", f"/api/threads/{root}/tree") == 4


async def test_the_list_of_threads_is_loaded_page_by_page() -> None:
    """Each call fetches one more page, until the last one."""
    conversation = FakeConversation(page_size=4)
    for number in range(10):
        conversation.post(text=f"thread {number}")
    async with fake_chat_server(conversation) as chat, _followed(chat) as recorder:
        counts = []
        for _ in range(4):
            counts.append(len(recorder.session.state.threads))  # type: ignore[union-attr]
            await recorder.session.load_more_threads()
        assert counts == [4, 8, 10, 10]


async def test_marking_as_read_updates_the_unread_count() -> None:
    """Messages after the marked one stay unread."""
    conversation = FakeConversation()
    root = conversation.post(text="thread")
    conversation.change(root, author_user_id=person_id(1))
    async with fake_chat_server(conversation) as chat, _followed(chat) as recorder:
        async for _ in recorder.session.open_thread(root):
            pass
        first = conversation.post(root, text="one")
        await until(lambda: _unread(recorder, root) == 1)
        await recorder.session.mark_read(root, first)
        assert _unread(recorder, root) == 0
        conversation.post(root, text="two")
        await until(lambda: _unread(recorder, root) == 1)
        await recorder.session.mark_read(root, first)
        assert _unread(recorder, root) == 1


def _unread(recorder: SessionRecorder, root: UUID) -> int:
    assert recorder.session.state is not None
    return recorder.session.state.unread.get(root, 0)
