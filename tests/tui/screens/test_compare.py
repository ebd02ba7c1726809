"""The answers to one question beside each other."""

from uuid import UUID

import pytest
from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import ME, FakeConversation
from tests.tui.app_driver import AppDriver, in_conversation

from rustygpt_shared.models.messages import Usage
from rustygpt_tui.screens.compare import CompareScreen, usage_label


def _conversation() -> tuple[FakeConversation, list[UUID]]:
    """Return a conversation with three answers to one question; the last is in progress."""
    conversation = FakeConversation()
    question = conversation.post(text="which tea?", author=ME)
    answers = [conversation.post(question, role="assistant") for _ in range(3)]
    for answer, text in zip(
        answers, ("Green tea.", "# Black tea\n\n" + "hot " * 400), strict=False
    ):
        conversation.stream_text(answer, text)
        conversation.finish(answer)
    conversation.post(answers[0], text="thanks", author=ME)
    usage = Usage(1_000, 12, 1_012, estimated=True)
    first = structs.replace(conversation.messages[answers[0]], model="small", usage=usage)
    conversation.messages[answers[0]] = first
    return conversation, answers


def _titles(driver: AppDriver) -> int:
    return driver.text().count(" of 3")


async def test_wide_terminals_show_all_answers_at_once() -> None:
    """With model and tokens; one in progress grows, and Enter goes to the answer in its thread."""
    conversation, answers = _conversation()
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, (140, 40)) as driver,
    ):
        driver.main.focus_messages()
        driver.main.thread_pane.transcript.select(answers[0])
        await driver.pilot.press("b")
        await driver.until("1 of 3 · small")
        for text in (
            "≈12 tokens, prompt ≈1,000",
            "Green tea.",
            "Black tea",
            "assistant · small",
            "3 of 3",
            "waiting",
        ):
            await driver.until(text)
        chat.conversation.stream_reasoning(answers[2], "white or")
        await driver.until("▸ reasoning … 2 words")
        chat.conversation.stream_text(answers[2], "White tea is")
        await driver.until("White tea is▌")
        chat.conversation.finish(answers[2])
        await driver.until(lambda: "▌" not in driver.text())
        await driver.pilot.press("l", "l", "enter")
        await driver.until(lambda: driver.main.is_current)
        transcript = driver.main.thread_pane.transcript
        await driver.until(lambda: transcript.selected and transcript.selected.id == answers[2])


@pytest.mark.parametrize(("size", "shown"), [((80, 24), 2), ((60, 20), 1)])
async def test_narrow_terminals_show_those_that_fit(size: tuple[int, int], shown: int) -> None:
    """The keys go to the others; each keeps its own place."""
    conversation, answers = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat, size) as driver:
        driver.main.focus_messages()
        driver.main.thread_pane.transcript.select(answers[0])
        await driver.pilot.press("b")
        await driver.until("1 of 3")
        screen = driver.app.screen
        assert isinstance(screen, CompareScreen)
        assert sum(column.display for column in screen._columns) == shown
        assert ("Black tea" in driver.text()) is (shown == 2)
        await driver.pilot.press("right")
        await driver.until("Black tea")
        await driver.pilot.press("end")
        await driver.until(lambda: "Black tea" not in driver.text())
        await driver.pilot.press("g")
        await driver.until("Black tea")
        await driver.pilot.press("l", "l")
        await driver.until("waiting")
        await driver.pilot.resize_terminal(140, 40)
        await driver.until("Green tea.")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.main.is_current)


async def test_a_question_compares_its_answers_and_one_answer_is_refused() -> None:
    """With the question selected the newest answer is the first; text of models is no markup."""
    conversation, answers = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        driver.main.focus_messages()
        transcript = driver.main.thread_pane.transcript
        transcript.select(list(conversation.messages)[-1])
        await driver.pilot.press("b")
        await driver.until("There are no other answers to compare")
        transcript.select(conversation.messages[answers[0]].parent_id)
        await driver.pilot.press("b")
        await driver.until("3 of 3")
        chat.conversation.stream_reasoning(answers[2], "[/b]\x1b[2J")
        await driver.pilot.press("t")
        await driver.until("[/b][2J")
        await driver.pilot.press("h", "y")
        await driver.until(lambda: driver.app.clipboard.startswith("# Black tea"))


def test_the_label_of_tokens() -> None:
    """Estimates are marked; without a report there is none."""
    assert usage_label(Usage(1_200, 3, 1_203)) == "3 tokens, prompt 1,200"
    assert usage_label(None) == ""
