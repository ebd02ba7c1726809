"""Answers in progress: their state, their reasoning, and which one is stopped."""

import pytest
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import ME, FakeConversation
from tests.tui.app_driver import AppDriver, in_conversation


def _conversation() -> FakeConversation:
    conversation = FakeConversation()
    root = conversation.post(text="why is the sky blue?", author=ME)
    conversation.post(root, role="assistant")
    return conversation


def _is_ticking(driver: AppDriver) -> bool:
    return driver.main.thread_pane._ticker.is_running


@pytest.mark.parametrize(
    ("size", "label"),
    [((120, 40), "writing · 0.8 s to first token · ~"), ((60, 20), "writing · ~")],
)
async def test_the_header_says_what_happens(size: tuple[int, int], label: str) -> None:
    """The place in the queue, the seconds of waiting, the speed; nothing ticks at the end."""
    async with (
        fake_chat_server(_conversation()) as chat,
        in_conversation(chat, size) as driver,
    ):
        driver.main.focus_messages()
        conversation = chat.conversation
        answer = list(conversation.messages)[-1]
        conversation.send_status(answer, "queued", queue_position=2)
        await driver.until("queued, 2nd in line")
        conversation.send_status(answer, "queued", queue_position=1)
        await driver.until("next in line")
        conversation.send_status(answer, "waiting", omitted_messages=12)
        await driver.until("waiting for the model 0 s")
        await driver.until("12 earlier messages did not fit into the model's context")
        await driver.until("waiting for the model 1 s")
        assert _is_ticking(driver)
        conversation.send_status(answer, "writing", first_token_ms=840)
        conversation.stream_text(answer, "Because of " + "scattering " * 30)
        await driver.until(label)
        conversation.finish(answer)
        await driver.until(lambda: "writing" not in driver.text())
        await driver.until(lambda: not _is_ticking(driver))


async def test_nothing_ticks_while_the_answer_is_out_of_view() -> None:
    """The timer starts again when one can see it."""
    conversation = _conversation()
    answer = list(conversation.messages)[-1]
    for number in range(40):
        conversation.post(answer, text=f"reply {number}", author=ME)
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        driver.main.focus_messages()
        await driver.pilot.press("G")
        await driver.until(lambda: not _is_ticking(driver))
        await driver.pilot.press("g")
        await driver.until(lambda: _is_ticking(driver))


async def test_an_answer_that_only_reasons_is_visibly_alive() -> None:
    """The words are counted up; unfolded the reasoning is plain text, and a copy lacks it."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        conversation = chat.conversation
        answer = list(conversation.messages)[-1]
        driver.main.focus_messages()
        conversation.stream_reasoning(answer, "Light of ")
        await driver.until("▸ reasoning … 2 words")
        await driver.until("~")
        conversation.stream_reasoning(answer, "the sun [red]\x1b[2J")
        await driver.until("▸ reasoning … 5 words")
        await driver.pilot.press("G", "t")
        await driver.until("Light of the sun [red][2J")
        conversation.stream_text(answer, "It scatters.")
        await driver.until("▾ reasoning, 5 words")
        conversation.finish(answer)
        await driver.until(lambda: "▌" not in driver.text())
        assert "▾ reasoning, 5 words" in driver.text()
        await driver.pilot.press("y")
        await driver.until(lambda: driver.app.clipboard == "It scatters.")
        await driver.pilot.press("t")
        await driver.until(lambda: "Light of" not in driver.text())


async def test_escape_stops_the_selected_answer_of_several() -> None:
    """Without a selected one it stops the newest in view."""
    conversation = _conversation()
    root, first = conversation.messages
    second = conversation.post(root, role="assistant")
    third = conversation.post(root, role="assistant")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        driver.main.focus_messages()
        driver.main.thread_pane.transcript.select(second)
        await driver.pilot.press("escape")
        await driver.until(lambda: not conversation.messages[second].streaming)
        assert conversation.messages[first].streaming
        assert conversation.messages[third].streaming
        await driver.until("■ stopped · R asks again")
        await driver.pilot.press("escape")
        await driver.until(lambda: not conversation.messages[third].streaming)
        assert conversation.messages[first].streaming
        assert "2 of 3" in driver.text()
        driver.main.thread_pane.transcript.select(second)
        await driver.until("R asks again, W another model · [ ] other answers")
