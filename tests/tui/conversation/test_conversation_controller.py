"""The lists of conversations and threads, and what keeps them current."""

from uuid import UUID

from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, START, FakeConversation
from tests.tui.app_driver import in_conversation

from rustygpt_shared.events import UnreadUpdate, UnreadUpdatePayload
from rustygpt_shared.models.conversations import Participant
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.widgets.lists import SideList

HOSTILE = "[/b][red]x \x1b]0;pwned\x07 \x9b2J \u202eevil \u2066"


async def test_texts_of_others_cannot_control_the_terminal() -> None:
    """Titles, names, messages and errors are shown as plain text only."""
    conversation = FakeConversation()
    conversation.info = structs.replace(conversation.info, title=f"title {HOSTILE}")
    conversation.people[UUID(int=9)] = Participant(
        UUID(int=9), "p", "member", START, f"name {HOSTILE}"
    )
    root = conversation.post(text=f"root {HOSTILE}")
    conversation.change(root, author_user_id=UUID(int=9))
    answer = conversation.post(root, role="assistant")
    conversation.stream_text(answer, f"answer {HOSTILE}")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("root [/b][red]x")
        await driver.pilot.press("p")
        await driver.until("name [/b][red]x")
        text = driver.text()
        assert not {c for c in text if c < " " or "\x7f" <= c <= "\x9f"} - {"\n"}
        assert "\u202e" not in text
        assert "\u2066" not in text


async def test_unread_threads_have_counts_and_a_key() -> None:
    """Counts arrive by the stream; n opens the next unread thread."""
    conversation = FakeConversation()
    first = conversation.post(text="first thread")
    second = conversation.post(text="second thread")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until(lambda: driver.main.thread_pane.root == second)
        conversation.sent.append(
            UnreadUpdate(UnreadUpdatePayload(CONVERSATION_ID, first, ME, 4, 0))
        )
        await driver.until(" 4")
        await driver.pilot.press("n")
        await driver.until(lambda: driver.main.thread_pane.root == first)


async def test_a_new_thread_of_someone_else_is_listed() -> None:
    """It is added at the top of the list."""
    conversation = FakeConversation()
    conversation.post(text="first thread")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        conversation.post(text="another **topic**")
        await driver.until("another topic")
        rows = driver.main.query_one("#threads").rows
        assert [row.title for row in rows] == ["another topic", "first thread"]


async def test_reading_a_thread_resets_its_counts() -> None:
    """After its messages were on screen, thread and conversation are read."""
    conversation = FakeConversation()
    first = conversation.post(text="first thread")
    conversation.post(text="second thread")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        conversation.post(first, text="one")
        conversation.post(first, text="two")
        await driver.until(lambda: driver.main.controller.state.unread(first) == 2)
        assert [c.unread for c in driver.main.controller.conversations] == [2]
        driver.main.open_thread(first)
        await driver.pilot.press("j")
        await driver.until(lambda: conversation.read_seqs[first] == 3)
        await driver.until(lambda: [c.unread for c in driver.main.controller.conversations] == [0])


async def test_opening_the_program_reads_nothing() -> None:
    """What is on screen counts from the first key on."""
    conversation = FakeConversation()
    root = conversation.post(text="thread")
    async with fake_chat_server(conversation) as chat:
        conversation.post(root, text="while away")
        timing = Timing(seen_after=0.05)
        async with in_conversation(chat, timing=timing) as driver:
            await driver.until("while away")
            await driver.pilot.pause(0.3)
            assert conversation.read_seqs[root] == 1
            await driver.pilot.press("down")
            await driver.until(lambda: conversation.read_seqs[root] == 2)


async def test_a_long_list_of_threads_is_loaded_on_scrolling() -> None:
    """Going down the list fetches the next pages."""
    conversation = FakeConversation(page_size=20)
    for number in range(60):
        conversation.post(text=f"thread {number}")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        side_list = driver.main.query_one("#threads", SideList)
        side_list.focus()
        await driver.until(lambda: len(side_list.rows) >= 20)
        for _ in range(3):
            loaded = len(side_list.rows)
            await driver.pilot.press("G")
            await driver.until(lambda loaded=loaded: len(side_list.rows) > loaded or loaded == 60)
        assert [row.title for row in side_list.rows] == [f"thread {n}" for n in reversed(range(60))]
