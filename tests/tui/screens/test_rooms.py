"""Conversations and threads, and what keeps them current."""

from uuid import UUID

from msgspec import structs
from tests.support.chat_wire import chat_wire
from tests.support.room import ME, ROOM, START, Room
from tests.tui.driving import in_room

from rustygpt_shared.events import UnreadCount, UnreadUpdate
from rustygpt_shared.models.conversations import Participant
from rustygpt_tui.widgets.lists import SideList

HOSTILE = "[/b][red]x \x1b]0;pwned\x07 \x9b2J \u202eevil \u2066"


async def test_nothing_that_others_write_steers_the_terminal() -> None:
    """Titles, names, messages and errors of others reach the screen as plain text only."""
    room = Room()
    room.info = structs.replace(room.info, title=f"title {HOSTILE}")
    room.people[UUID(int=9)] = Participant(UUID(int=9), "p", "member", START, f"name {HOSTILE}")
    root = room.post(text=f"root {HOSTILE}")
    room.change(root, author_user_id=UUID(int=9))
    answer = room.post(root, role="assistant")
    room.write(answer, f"answer {HOSTILE}")
    async with chat_wire(room) as chat, in_room(chat) as driver:
        await driver.until("root [/b][red]x")
        await driver.pilot.press("p")
        await driver.until("name [/b][red]x")
        seen = driver.text()
        assert not {c for c in seen if c < " " or "\x7f" <= c <= "\x9f"} - {"\n"}
        assert "\u202e" not in seen
        assert "\u2066" not in seen


async def test_unread_threads_are_counted_and_gone_to() -> None:
    """Counts come by the stream; n opens the next unread thread."""
    room = Room()
    first = room.post(text="first thread")
    second = room.post(text="second thread")
    async with chat_wire(room) as chat, in_room(chat) as driver:
        await driver.until(lambda: driver.main.talk.root == second)
        room.passing.append(UnreadUpdate(UnreadCount(ROOM, first, ME, 4)))
        await driver.until(" 4")
        await driver.pilot.press("n")
        await driver.until(lambda: driver.main.talk.root == first)


async def test_a_new_thread_of_somebody_is_listed() -> None:
    """Threads that others start appear by themselves, on top."""
    room = Room()
    room.post(text="first thread")
    async with chat_wire(room) as chat, in_room(chat) as driver:
        room.post(text="another **topic**")
        await driver.until("another topic")
        rows = driver.main.query_one("#threads").rows
        assert [row.title for row in rows] == ["another topic", "first thread"]


async def test_reading_a_thread_takes_its_counts_away() -> None:
    """Once the end was seen, neither the thread nor the conversation is unread any more."""
    room = Room()
    first = room.post(text="first thread")
    room.post(text="second thread")
    async with chat_wire(room) as chat, in_room(chat) as driver:
        room.passing.append(UnreadUpdate(UnreadCount(ROOM, first, ME, 4)))
        await driver.until(" 4")
        driver.main.open_thread(first)
        await driver.until(lambda: chat.wire.counted("POST", f"/api/threads/{first}/read"))
        await driver.until(lambda: " 4" not in driver.text())
        assert [c.unread for c in driver.main.conversations] == [0]


async def test_long_lists_of_threads_go_on() -> None:
    """Going down the list fetches what is further down."""
    room = Room(page=20)
    for number in range(60):
        room.post(text=f"thread {number}")
    async with chat_wire(room) as chat, in_room(chat) as driver:
        listed = driver.main.query_one("#threads", SideList)
        listed.focus()
        await driver.until(lambda: len(listed.rows) >= 20)
        for _ in range(3):
            known = len(listed.rows)
            await driver.pilot.press("G")
            await driver.until(lambda known=known: len(listed.rows) > known or known == 60)
        assert [row.title for row in listed.rows] == [f"thread {n}" for n in reversed(range(60))]
