"""Read means seen: what is marked as read in the open thread, and how one gets to the rest."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import ME, FakeConversation
from tests.tui.app_driver import AppDriver, in_conversation
from textual import events

from rustygpt_tui.conversation.timing import Timing

QUICK = Timing(seen_after=0.1)
NEVER = Timing(seen_after=3_600)


def _thread(count: int) -> tuple[FakeConversation, list[UUID]]:
    """Return a conversation with a linear thread of the user, and the ids of its messages."""
    conversation = FakeConversation()
    ids = [conversation.post(text="the root", author=ME)]
    for number in range(1, count):
        ids.append(conversation.post(ids[-1], text=f"message {number}", author=ME))
    return conversation, ids


@asynccontextmanager
async def _quick(conversation: FakeConversation) -> AsyncIterator[AppDriver]:
    """Run the chat with a short moment until a message counts as seen."""
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, timing=QUICK) as driver,
    ):
        yield driver


def _wide_thread(count: int) -> tuple[FakeConversation, list[UUID]]:
    """Return a conversation with a thread in which all messages reply to the root."""
    conversation = FakeConversation()
    ids = [conversation.post(text="the root", author=ME)]
    for number in range(1, count):
        ids.append(conversation.post(ids[0], text=f"message {number}", author=ME))
    return conversation, ids


def _unread(driver: AppDriver, root: UUID) -> int:
    state = driver.main.controller.state
    assert state is not None
    return state.unread(root)


async def test_what_is_on_screen_is_read_and_nothing_else() -> None:
    """The thread opens at the first unread message, with a divider above it."""
    conversation, ids = _thread(5)
    async with fake_chat_server(conversation) as chat:
        for number in range(40):
            conversation.post(list(conversation.messages)[-1], text=f"new {number}")
        async with in_conversation(chat, timing=QUICK) as driver:
            await driver.until("── new ─")
            assert "new 0" in driver.text()
            assert "new 39" not in driver.text()
            await driver.pilot.press("tab")
            await driver.until(lambda: 0 < _unread(driver, ids[0]) < 40)
            await driver.until(lambda: conversation.read_seqs[ids[0]] > 5)
            assert conversation.read_seqs[ids[0]] < 20
            await driver.until(lambda: f"↓ {_unread(driver, ids[0])} new" in driver.text())


async def test_the_end_is_not_read_past_what_was_skipped() -> None:
    """The mark stays before what was skipped, and the number of unread messages is shown above."""
    conversation, ids = _thread(5)
    async with fake_chat_server(conversation) as chat:
        for number in range(60):
            conversation.post(list(conversation.messages)[-1], text=f"new {number}")
        async with in_conversation(chat, timing=QUICK) as driver:
            await driver.until("── new ─")
            driver.main.focus_messages()
            await driver.pilot.press("G")
            await driver.until("new 59")
            await driver.until(lambda: _unread(driver, ids[0]) < 60)
            mark = conversation.read_seqs[ids[0]]
            assert mark < 30
            await driver.until(lambda: f"↑ {_unread(driver, ids[0])} new" in driver.text())
            await driver.pilot.press("n")
            await driver.until(lambda: conversation.read_seqs[ids[0]] > mark)


async def test_the_key_for_the_next_unread_message_comes_to_an_end() -> None:
    """It goes through the thread, then to another thread, and then says that it is done."""
    conversation, ids = _wide_thread(30)
    other = conversation.post(text="another thread", author=ME)
    async with fake_chat_server(conversation) as chat:
        above = conversation.post(ids[2], text="far above")
        below = conversation.post(ids[-1], text="at the end")
        elsewhere = conversation.post(other, text="elsewhere")
        async with in_conversation(chat, timing=NEVER) as driver:
            driver.main.open_thread(ids[0])
            await driver.until(lambda: not driver.is_loading)
            visited = []
            for _ in range(3):
                await driver.pilot.press("n")
                await driver.until(lambda: _selected(driver) not in {None, *visited})
                visited.append(_selected(driver))
            assert visited == [below, above, elsewhere] or visited == [above, below, elsewhere]
            await driver.pilot.press("n")
            await driver.until("That was all that is unread.")
            assert driver.main.thread_pane.transcript.has_focus


def _selected(driver: AppDriver) -> UUID | None:
    entry = driver.main.thread_pane.transcript.selected
    if entry is not None and not driver.is_loading:
        return entry.id
    return None


async def test_a_reply_far_above_is_announced_and_stays_unread() -> None:
    """One key goes there."""
    conversation, ids = _wide_thread(40)
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, timing=QUICK) as driver,
    ):
        await driver.until("message 39")
        driver.main.focus_messages()
        await driver.pilot.press("j")
        reply = conversation.post(ids[1], text="far above")
        await driver.until("↑ 1 new")
        assert _unread(driver, ids[0]) == 1
        await driver.pilot.press("n")
        await driver.until("far above")
        await driver.until(lambda: _unread(driver, ids[0]) == 0)
        seq = conversation.messages[reply].seq
        await driver.until(lambda: conversation.read_seqs[ids[0]] == seq)


async def test_without_the_focus_nothing_is_read() -> None:
    """What arrives then is unread, with a divider, until the terminal has the focus again."""
    conversation, ids = _thread(3)
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, timing=QUICK) as driver,
    ):
        await driver.pilot.press("tab")
        driver.app.post_message(events.AppBlur())
        await driver.until(lambda: not driver.app.app_focus)
        conversation.post(ids[-1], text="while away")
        await driver.until("while away")
        await driver.until("── new ─")
        await driver.pilot.pause(0.4)
        assert _unread(driver, ids[0]) == 1
        driver.app.post_message(events.AppFocus())
        await driver.until(lambda: _unread(driver, ids[0]) == 0)


async def test_a_dialog_covers_the_messages() -> None:
    """They are read after it was closed."""
    conversation, ids = _thread(3)
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, timing=QUICK) as driver,
    ):
        await driver.pilot.press("f1")
        await driver.until(lambda: driver.app.screen is not driver.app.screen_stack[1])
        conversation.post(ids[-1], text="behind it")
        await driver.pilot.pause(0.4)
        assert conversation.read_seqs[ids[0]] == 3
        await driver.pilot.press("escape")
        await driver.until(lambda: conversation.read_seqs[ids[0]] == 4)


async def test_a_thread_is_marked_as_read_and_as_unread_by_keys() -> None:
    """What is marked as unread stays so while it is on screen."""
    conversation, ids = _thread(2)
    async with fake_chat_server(conversation) as chat:
        for number in range(3):
            conversation.post(ids[1], text=f"new {number}")
        async with in_conversation(chat, timing=NEVER) as driver:
            driver.main.focus_messages()
            await driver.pilot.press("m")
            await driver.until(lambda: conversation.read_seqs[ids[0]] == 5)
            await driver.until(lambda: "── new ─" not in driver.text())
        async with in_conversation(chat, timing=QUICK) as driver:
            driver.main.focus_messages()
            await driver.pilot.press("G", "k", "U")
            await driver.until(lambda: _unread(driver, ids[0]) == 2)
            await driver.until("── new ─")
            await driver.pilot.pause(0.4)
            assert conversation.read_seqs[ids[0]] == 3


async def test_an_answer_is_read_when_it_ended_in_sight() -> None:
    """While it is written in view, no count and no divider ask for attention."""
    conversation, ids = _thread(2)
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, timing=QUICK) as driver,
    ):
        await driver.pilot.press("i")
        await driver.write("a question")
        await driver.pilot.press("enter")
        await driver.until("waiting for the model")
        answer = list(conversation.messages)[-1]
        conversation.stream_text(answer, "so far")
        await driver.until("so far")
        await driver.pilot.pause(0.3)
        assert "● " not in driver.text().replace("● live", "")
        assert "── new ─" not in driver.text()
        assert conversation.read_seqs[ids[0]] < conversation.messages[answer].seq
        conversation.finish(answer)
        await driver.until(
            lambda: conversation.read_seqs[ids[0]] == conversation.messages[answer].seq
        )


async def test_an_answer_that_goes_on_below_is_announced() -> None:
    """When the reader has scrolled up."""
    conversation, ids = _thread(40)
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("message 39")
        driver.main.focus_messages()
        await driver.pilot.press("g")
        await driver.until("the root")
        answer = conversation.post(ids[-1], role="assistant")
        conversation.stream_text(answer, "growing")
        await driver.until("the answer goes on")


async def test_the_next_unread_message_may_be_the_first_one_in_view() -> None:
    """The thread opens at it, and the key does not skip it."""
    conversation, ids = _thread(30)
    async with fake_chat_server(conversation) as chat:
        unread = [conversation.post(ids[-1], text="new 0")]
        for number in range(1, 40):
            unread.append(conversation.post(unread[-1], text=f"new {number}"))
        async with in_conversation(chat, timing=NEVER) as driver:
            await driver.until("new 0")
            await driver.pilot.press("n")
            await driver.until(lambda: _selected(driver) == unread[0])
            await driver.pilot.press("n")
            await driver.until(lambda: _selected(driver) == unread[1])


async def test_the_next_unread_message_does_not_take_the_focus_from_who_writes() -> None:
    """Its page arrives after the user began to write."""
    conversation, ids = _thread(5)
    async with fake_chat_server(conversation) as chat:
        conversation.post(ids[-1], text="something new")
        async with in_conversation(chat, timing=NEVER) as driver:
            await driver.pilot.press("n", "i", *"to you")
            await driver.until(lambda: _selected(driver) is not None)
            assert driver.main.thread_pane.composer.has_focus
            assert driver.main.thread_pane.composer.text == "to you"


async def test_a_mark_that_another_device_moved_back_is_followed() -> None:
    """What is on screen then is read again."""
    conversation, ids = _thread(2)
    async with fake_chat_server(conversation) as chat:
        first = conversation.post(ids[1], text="one")
        conversation.post(first, text="two")
        async with in_conversation(chat, timing=QUICK) as driver:
            driver.main.focus_messages()
            await driver.pilot.press("j")
            await driver.until(lambda: conversation.read_seqs[ids[0]] == 4)
            conversation.mark_unread(ids[0], first)
            await driver.until(lambda: conversation.read_seqs[ids[0]] == 4)
            await driver.until(lambda: _unread(driver, ids[0]) == 0)


async def test_a_thread_is_opened_again_at_the_row_where_it_was_left() -> None:
    """Also when that row is within a message."""
    conversation, ids = _thread(60)
    other = conversation.post(text="another thread", author=ME)
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        transcript = driver.main.thread_pane.transcript
        driver.main.open_thread(ids[0])
        await driver.until("message 59")
        transcript.scroll_to(y=transcript.scroll_offset.y - 31)
        await driver.pilot.pause()
        place = transcript.place
        assert place is not None
        driver.main.open_thread(other)
        await driver.until(lambda: transcript.anchor_id == other and not driver.is_loading)
        driver.main.open_thread(ids[0])
        await driver.until(lambda: transcript.anchor_id != other and not driver.is_loading)
        await driver.pilot.pause()
        assert transcript.place == place


async def test_the_answer_in_a_thread_that_one_just_started_is_not_marked_as_new() -> None:
    """Who asked the question watches it."""
    async with (
        fake_chat_server(FakeConversation()) as chat,
        in_conversation(chat, timing=QUICK) as driver,
    ):
        driver.main.focus_composer()
        await driver.write("a question")
        await driver.pilot.press("enter")
        await driver.until("waiting for the model")
        assert "── new ─" not in driver.text()
        chat.conversation.stream_text(list(chat.conversation.messages)[-1], "so far")
        await driver.until("so far")
        assert "── new ─" not in driver.text()


async def test_a_tall_answer_that_was_watched_is_read() -> None:
    """Its start is out of view when it ends, but was on screen while it was written."""
    conversation, ids = _thread(2)
    async with _quick(conversation) as driver:
        await driver.pilot.press("i")
        await driver.write("a question")
        await driver.pilot.press("enter")
        await driver.until("waiting for the model")
        answer = list(conversation.messages)[-1]
        conversation.stream_text(answer, "it begins\n\n")
        await driver.until("it begins")
        await driver.pilot.pause(0.3)
        conversation.stream_text(answer, "and goes on\n\n" * 40)
        await driver.until(lambda: "it begins" not in driver.text())
        conversation.finish(answer)
        seq = conversation.messages[answer].seq
        await driver.until(lambda: conversation.read_seqs[ids[0]] == seq)
