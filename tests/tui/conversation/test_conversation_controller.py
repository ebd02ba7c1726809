"""Conversations and threads, and what keeps them current."""

from uuid import UUID

from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, START, FakeConversation
from tests.tui.app_driver import in_conversation

from rustygpt_shared.events import UnreadUpdate, UnreadUpdatePayload
from rustygpt_shared.models.conversations import Participant
from rustygpt_tui.widgets.lists import SideList

HOSTILE = "[/b][red]x \x1b]0;pwned\x07 \x9b2J \u202eevil \u2066"


async def test_nothing_that_others_write_steers_the_terminal() -> None:
    """Titles, names, messages and errors of others reach the screen as plain text only."""
    room = FakeConversation()
    room.info = structs.replace(room.info, title=f"title {HOSTILE}")
    room.people[UUID(int=9)] = Participant(UUID(int=9), "p", "member", START, f"name {HOSTILE}")
    root = room.post(text=f"root {HOSTILE}")
    room.change(root, author_user_id=UUID(int=9))
    answer = room.post(root, role="assistant")
    room.stream_text(answer, f"answer {HOSTILE}")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        await driver.until("root [/b][red]x")
        await driver.pilot.press("p")
        await driver.until("name [/b][red]x")
        seen = driver.text()
        assert not {c for c in seen if c < " " or "\x7f" <= c <= "\x9f"} - {"\n"}
        assert "\u202e" not in seen
        assert "\u2066" not in seen


async def test_unread_threads_are_counted_and_gone_to() -> None:
    """Counts come by the stream; n opens the next unread thread."""
    room = FakeConversation()
    first = room.post(text="first thread")
    second = room.post(text="second thread")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        await driver.until(lambda: driver.main.thread_pane.root == second)
        room.sent.append(UnreadUpdate(UnreadUpdatePayload(CONVERSATION_ID, first, ME, 4)))
        await driver.until(" 4")
        await driver.pilot.press("n")
        await driver.until(lambda: driver.main.thread_pane.root == first)


async def test_a_new_thread_of_somebody_is_listed() -> None:
    """Threads that others start appear by themselves, on top."""
    room = FakeConversation()
    room.post(text="first thread")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        room.post(text="another **topic**")
        await driver.until("another topic")
        rows = driver.main.query_one("#threads").rows
        assert [row.title for row in rows] == ["another topic", "first thread"]


async def test_reading_a_thread_takes_its_counts_away() -> None:
    """Once the end was seen, neither the thread nor the conversation is unread any more."""
    room = FakeConversation()
    first = room.post(text="first thread")
    room.post(text="second thread")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        room.sent.append(UnreadUpdate(UnreadUpdatePayload(CONVERSATION_ID, first, ME, 4)))
        await driver.until(" 4")
        driver.main.open_thread(first)
        await driver.until(lambda: chat.http.request_count("POST", f"/api/threads/{first}/read"))
        await driver.until(lambda: " 4" not in driver.text())
        assert [c.unread for c in driver.main.controller.conversations] == [0]


async def test_long_lists_of_threads_go_on() -> None:
    """Going down the list fetches what is further down."""
    room = FakeConversation(page_size=20)
    for number in range(60):
        room.post(text=f"thread {number}")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        listed = driver.main.query_one("#threads", SideList)
        listed.focus()
        await driver.until(lambda: len(listed.rows) >= 20)
        for _ in range(3):
            known = len(listed.rows)
            await driver.pilot.press("G")
            await driver.until(lambda known=known: len(listed.rows) > known or known == 60)
        assert [row.title for row in listed.rows] == [f"thread {n}" for n in reversed(range(60))]
