"""The paged list of conversations."""

from datetime import UTC, datetime
from uuid import UUID

from tests.support.fakes.fake_conversation import (
    CONVERSATION_ID,
    ME,
    FakeConversation,
    person_id,
)
from tests.support.fakes.fake_http_server import FakeResponse, RecordedRequest, fake_http_server

from rustygpt_shared.models.conversations import Conversation, ConversationList
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.conversation.conversation_list import PagedConversationList

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


def _pages(request: RecordedRequest) -> FakeResponse:
    """Return one of two pages, of which the second starts with the end of the first."""
    if "cursor" in request.query:
        return FakeResponse(200, ConversationList([_conversation(2), _conversation(3)]))
    return FakeResponse(
        200, ConversationList([_conversation(CONVERSATION_ID.int), _conversation(1)], "next")
    )


async def test_pages_are_added_and_refreshed() -> None:
    """Each call adds a page, and a refresh fetches all loaded pages; latest activity is first."""
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("GET", "/api/conversations", _pages)
        conversation_list = PagedConversationList(client, ME)
        await conversation_list.refresh()
        assert [c.title for c in conversation_list.conversations] == ["c2", "c1"]
        assert await conversation_list.load_more()
        assert not await conversation_list.load_more()
        await conversation_list.refresh()
        assert [c.title for c in conversation_list.conversations] == ["c3", "c2", "c1"]


async def test_events_during_a_refresh_are_applied_to_the_fetched_rows() -> None:
    """A page that was read before an event does not undo it."""
    fake = FakeConversation()
    root = fake.post(text="first")
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        listed = PagedConversationList(client, ME)
        old = await fake.show_conversation(CONVERSATION_ID)
        fake.sent.clear()

        def answer(_: RecordedRequest) -> FakeResponse:
            fake.post(root, text="while fetching", author=person_id(1))
            for event in fake.sent:
                listed.apply(event)
            return FakeResponse(200, ConversationList([old]))

        http.on("GET", "/api/conversations", answer)
        await listed.refresh()
        (row,) = listed.conversations
        assert (row.last_message_excerpt, row.unread) == ("while fetching", old.unread + 1)
