"""The conversations one is in."""

from datetime import UTC, datetime
from uuid import UUID

from tests.support.room import ME, ROOM, Room
from tests.support.wire_server import Asked, Reply, wire_server

from rustygpt_shared.models.conversations import Conversation, ConversationList
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.screens.shelf import Shelf
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


def _pages(asked: Asked) -> Reply:
    """Two pages, of which the second begins with the end of the first."""
    if "cursor" in asked.query:
        return Reply(200, ConversationList([_conversation(2), _conversation(3)]))
    return Reply(200, ConversationList([_conversation(ROOM.int), _conversation(1)], "next"))


async def test_further_pages_come_when_asked_for_and_stay() -> None:
    """The list grows page by page, and looking again fetches as much as was known."""
    async with wire_server() as wire, Client(Session(wire.origin)) as client:
        wire.on("GET", "/api/conversations", _pages)
        shelf = Shelf(client)
        await shelf.refresh()
        assert [c.title for c in shelf.conversations] == ["c2", "c1"]
        assert await shelf.more()
        assert not await shelf.more()
        await shelf.refresh()
        assert [c.title for c in shelf.conversations] == ["c2", "c1", "c3"]


async def test_the_open_conversation_is_newer_than_the_list() -> None:
    """Its title and count are those of its state."""
    async with wire_server() as wire, Client(Session(wire.origin)) as client:
        wire.on("GET", "/api/conversations", _pages)
        shelf = Shelf(client)
        await shelf.refresh()
        shelf.reflect(await load(Room(), ROOM, ME))
        assert [(c.title, c.unread) for c in shelf.conversations] == [("Tea", 0), ("c1", 7)]
