"""The conversations one is in."""

from datetime import UTC, datetime
from uuid import UUID

from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, RecordedRequest, fake_http_server

from rustygpt_shared.models.conversations import Conversation, ConversationList
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.conversation.conversation_list import PagedConversationList
from rustygpt_tui.store.load import load

START = datetime(2026, 1, 1, tzinfo=UTC)


def _conversation(number: int) -> Conversation:
    return Conversation(
        id=UUID(int=number),
        title=f"c{number}",
        is_group=False,
        role="owner",
        unread=7,
        last_activity_at=START,
        participant_count=1,
        assistant_mode="off",
        created_at=START,
    )


def _pages(asked: RecordedRequest) -> FakeResponse:
    """Two pages, of which the second begins with the end of the first."""
    if "cursor" in asked.query:
        return FakeResponse(200, ConversationList([_conversation(2), _conversation(3)]))
    return FakeResponse(
        200, ConversationList([_conversation(CONVERSATION_ID.int), _conversation(1)], "next")
    )


async def test_further_pages_come_when_asked_for_and_stay() -> None:
    """The list grows page by page, and looking again fetches as much as was known."""
    async with fake_http_server() as wire, Client(Session(wire.origin)) as client:
        wire.on("GET", "/api/conversations", _pages)
        shelf = PagedConversationList(client)
        await shelf.refresh()
        assert [c.title for c in shelf.conversations] == ["c2", "c1"]
        assert await shelf.load_more()
        assert not await shelf.load_more()
        await shelf.refresh()
        assert [c.title for c in shelf.conversations] == ["c2", "c1", "c3"]


async def test_the_open_conversation_is_newer_than_the_list() -> None:
    """Its title and count are those of its state."""
    async with fake_http_server() as wire, Client(Session(wire.origin)) as client:
        wire.on("GET", "/api/conversations", _pages)
        shelf = PagedConversationList(client)
        await shelf.refresh()
        shelf.update_from(await load(FakeConversation(), CONVERSATION_ID, ME))
        assert [(c.title, c.unread) for c in shelf.conversations] == [("Tea", 0), ("c1", 7)]
