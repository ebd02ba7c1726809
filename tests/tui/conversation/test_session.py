"""The open conversation, kept current by its stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, person_id
from tests.support.fakes.fake_conversation import FakeConversation as Scripted
from tests.support.wait import until
from tests.tui.app_driver import sign_in

from rustygpt_tui.client.feed import Live
from rustygpt_tui.client.http import Client, connect
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.config import load_settings, session_file
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.store.state import Changes


class Heard:
    """A room that is followed, and what it told."""

    def __init__(self, client: Client) -> None:
        self.changes: list[Changes] = []
        self.connections: list[object] = []
        self.room = ConversationSession(
            client,
            CONVERSATION_ID,
            ME,
            on_changes=self.changes.append,
            on_connection=self.connections.append,
        )

    @property
    def lives(self) -> int:
        """How often it became live."""
        return sum(isinstance(connection, Live) for connection in self.connections)


@asynccontextmanager
async def _followed(chat: FakeChatServer) -> AsyncIterator[Heard]:
    sign_in(chat)
    session = Session(chat.origin, file=SessionFile(session_file(load_settings())))
    async with connect(chat.origin, session) as client:
        heard = Heard(client)
        await heard.room.load()
        following = asyncio.create_task(heard.room.follow())
        await until(lambda: heard.lives == 1)
        yield heard
        heard.room.stop()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def test_changes_are_gathered() -> None:
    """Many events at once are told in few words."""
    async with fake_chat_server(Scripted()) as chat, _followed(chat) as heard:
        chat.conversation.post(text="a thread")
        root = list(chat.conversation.threads)[-1]
        for number in range(50):
            chat.conversation.post(root, text=f"reply {number}")
        await until(lambda: bool(heard.room.state and heard.room.state.thread(root)))
        await until(lambda: heard.room.state.thread(root).message_count == 51)  # type: ignore[union-attr]
        assert len(heard.changes) < 20


async def test_a_thread_comes_page_by_page() -> None:
    """All pages are fetched, and how far it is can be told on the way."""
    scripted = Scripted(page_size=10)
    root = scripted.post(text="long")
    for number in range(34):
        scripted.post(root, text=str(number))
    async with fake_chat_server(scripted) as chat, _followed(chat) as heard:
        sizes = [len(came) async for came in heard.room.open_thread(root)]
        assert sizes == [10, 10, 10, 5]
        assert heard.room.state is not None
        assert len(heard.room.state.trees[root]) == 35
        assert chat.http.request_count("GET", f"/api/threads/{root}/tree") == 4


async def test_the_list_of_threads_comes_page_by_page() -> None:
    """Each further page is fetched when it is asked for, and there is an end."""
    scripted = Scripted(page_size=4)
    for number in range(10):
        scripted.post(text=f"thread {number}")
    async with fake_chat_server(scripted) as chat, _followed(chat) as heard:
        counts = []
        for _ in range(4):
            counts.append(len(heard.room.state.threads))  # type: ignore[union-attr]
            await heard.room.load_more_threads()
        assert counts == [4, 8, 10, 10]


async def test_reading_counts_at_once() -> None:
    """The answer to a mark is the count; what came after the marked message stays unread."""
    scripted = Scripted()
    root = scripted.post(text="thread")
    scripted.change(root, author_user_id=person_id(1))
    async with fake_chat_server(scripted) as chat, _followed(chat) as heard:
        async for _ in heard.room.open_thread(root):
            pass
        first = scripted.post(root, text="one")
        await until(lambda: _unread(heard, root) == 1)
        await heard.room.mark_read(root, first)
        assert _unread(heard, root) == 0
        scripted.post(root, text="two")
        await until(lambda: _unread(heard, root) == 1)
        await heard.room.mark_read(root, first)
        assert _unread(heard, root) == 1


def _unread(heard: Heard, root: UUID) -> int:
    assert heard.room.state is not None
    return heard.room.state.unread.get(root, 0)
