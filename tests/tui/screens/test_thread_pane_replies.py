"""A reply goes where one looks: the target above the composer, and where a message is shown."""

from uuid import UUID

from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import ME, FakeConversation, person_id
from tests.tui.app_driver import AppDriver, in_conversation

ANA = person_id(1)


def _group() -> tuple[FakeConversation, UUID]:
    """Return a conversation of two people with a root by the other one."""
    conversation = FakeConversation()
    conversation.add(ANA, "member")
    return conversation, conversation.post(text="the root", author=ANA)


async def _send(driver: AppDriver, text: str) -> None:
    await driver.write(text)
    await driver.pilot.press("enter")


def _parents(chat: FakeChatServer) -> list[UUID]:
    """Return what each reply was posted to."""
    replies = [r for r in chat.http.requests if r.path.endswith("/reply")]
    return [UUID(request.path.split("/")[3]) for request in replies]


async def test_an_event_never_changes_the_target_of_a_text() -> None:
    """A newer message is offered, and one key takes it."""
    conversation, root = _group()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.auto_answer = False
        await driver.until("↳ to p101: the root")
        driver.main.focus_composer()
        await driver.write("to the root")
        newer = conversation.post(root, text="a newer one", author=ANA)
        await driver.until("^t: the newest message instead")
        assert "↳ to p101: the root" in driver.text()
        await driver.pilot.press("enter")
        await driver.until(lambda: _parents(chat) == [root])
        driver.main.focus_messages()
        await driver.pilot.press("g", "G")
        await driver.until(lambda: driver.main.thread_pane.transcript.following)
        driver.main.focus_composer()
        await driver.write("x")
        own = list(conversation.messages)[-1]
        latest = conversation.post(own, text="latest", author=ANA)
        chat.route_messages()
        await driver.until("^t: the newest message instead")
        await driver.pilot.press("ctrl+t")
        await driver.until("↳ to p101: latest")
        await driver.pilot.press("enter")
        await driver.until(lambda: _parents(chat) == [root, latest])
        assert newer not in _parents(chat)


async def test_without_a_text_the_target_is_the_last_message_in_view() -> None:
    """So that a conversation of two stays one line of messages."""
    conversation, root = _group()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.auto_answer = False
        driver.main.focus_composer()
        last = root
        for number in range(3):
            last = conversation.post(last, text=f"from Ana {number}", author=ANA)
            chat.route_messages()
            await driver.until(f"↳ to p101: from Ana {number}")
            await _send(driver, f"from me {number}")
            await driver.until(lambda number=number: len(_parents(chat)) == number + 1)
            assert _parents(chat)[-1] == last
            last = list(conversation.messages)[-1]
            await driver.until(f"↳ to me: from me {number}")


async def test_ten_quick_follow_ups_reply_to_the_answers() -> None:
    """Each goes to the answer of the one before, whatever the stream has delivered by then."""
    conversation = FakeConversation()
    conversation.post(text="hello", author=ME)
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        driver.main.focus_composer()
        for number in range(10):
            await _send(driver, f"follow-up {number}")
        await driver.until(lambda: len(_parents(chat)) == 10)
        answers = [m.id for m in conversation.messages.values() if m.role == "assistant"]
        assert _parents(chat)[1:] == answers[:9]
        assert "↳ to" not in driver.text()


async def test_ones_own_message_is_shown_at_its_place_at_once() -> None:
    """Also when it is not at the end of the thread, and before the server has it."""
    conversation, root = _group()
    first = conversation.post(root, text="first branch", author=ANA)
    for number in range(30):
        conversation.post(root, text=f"other branch {number}", author=ANA)
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.auto_answer = False
        transcript = driver.main.thread_pane.transcript
        transcript.focus()
        await driver.pilot.press("g", "j", "r")
        await driver.until("↳ to p101: first branch")
        await _send(driver, "my reply")
        await driver.until(lambda: _parents(chat) == [first])
        await driver.until(lambda: "my reply" in driver.text() and "sending" not in driver.text())
        entries = [entry.message.content for entry in transcript.entries]
        assert entries[:3] == ["the root", "first branch", "my reply"]


async def test_a_draft_keeps_its_target() -> None:
    """Also when another thread was open, and when newer messages are in view then."""
    conversation, root = _group()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("↳ to p101: the root")
        driver.main.focus_composer()
        await driver.write("half a thought")
        driver.main.open_thread(None)
        conversation.post(root, text="newer", author=ANA)
        driver.main.open_thread(root)
        await driver.until("↳ to p101: the root")
        assert driver.main.thread_pane.composer.text == "half a thought"


async def test_escape_always_leaves_the_composer() -> None:
    """It stops only an answer that the user asked for; x stops any."""
    conversation, root = _group()
    answer = conversation.post(root, role="assistant")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        conversation.stream_text(answer, "for Ana")
        await driver.until("for Ana")
        driver.main.focus_composer()
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.main.thread_pane.transcript.has_focus)
        assert conversation.messages[answer].streaming
        await driver.pilot.press("x")
        await driver.until(lambda: not conversation.messages[answer].streaming)


async def test_an_answer_is_named_by_its_first_words_while_it_is_written() -> None:
    """The line above the composer is drawn a moment after a delta, and not for later ones."""
    conversation, root = _group()
    answer = conversation.post(root, role="assistant")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("↳ to assistant: …")
        pane = driver.main.thread_pane
        for number in range(20):
            conversation.stream_text(answer, f"word{number} ")
        await driver.until("↳ to assistant: word0 word1")
        conversation.stream_text(answer, "and " * 200)
        await driver.until(lambda: (pane._named_characters or 0) > 400)
        conversation.stream_text(answer, "the end")
        await driver.until("the end▌")
        assert pane._target_timer is None


async def test_an_answer_that_was_stopped_without_text_is_named_without_words() -> None:
    """Dots are for an answer that is still to come."""
    conversation, root = _group()
    answer = conversation.post(root, role="assistant")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("↳ to assistant: …")
        conversation.finish(answer, "cancelled")
        await driver.until(lambda: "↳ to assistant\n" in driver.text())


async def test_above_the_end_the_target_is_the_end_of_the_branch_in_view() -> None:
    """A reader of earlier messages answers at the end, and sees the message there."""
    conversation, root = _group()
    last = root
    for number in range(40):
        last = conversation.post(last, text=f"message {number}", author=ANA)
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.auto_answer = False
        driver.main.focus_messages()
        await driver.pilot.press("g")
        await driver.until(lambda: driver.main.thread_pane.transcript.scroll_offset.y == 0)
        await driver.until("↳ to p101: message 39")
        await driver.pilot.press("i")
        await _send(driver, "at the end")
        await driver.until(lambda: _parents(chat) == [last])
        await driver.until(lambda: "at the end" in driver.text() and "sending" not in driver.text())
