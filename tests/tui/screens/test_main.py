"""The main screen at several sizes, and its keys."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, START, FakeConversation
from tests.tui.app_driver import in_conversation, sign_in
from tests.tui.render.sample_documents import FULL_DOCUMENT
from textual.pilot import Pilot

from rustygpt_shared.events import (
    TypingUpdate,
    TypingUpdatePayload,
)
from rustygpt_shared.models.conversations import Participant
from rustygpt_tui.app import RustyGPT
from rustygpt_tui.config import load_settings
from rustygpt_tui.screens.main import MainScreen
from rustygpt_tui.widgets.composer import Composer

ANA = UUID(int=101)
Compare = Callable[..., bool]


def _sample_conversation() -> FakeConversation:
    """Return a conversation of two people and the assistant, with branches and all markup."""
    conversation = FakeConversation()
    conversation.people[ANA] = Participant(ANA, "ana", "member", START, "Ana")
    other = conversation.post(text="On-call next week")
    root = conversation.post(text="Deploy pipeline: why did the **canary** fail?")
    reply = conversation.post(root, text="Logs are attached, see `step 4`.")
    answer = conversation.post(reply, role="assistant")
    conversation.stream_text(answer, FULL_DOCUMENT.split("> quote")[0])
    conversation.finish(answer)
    stopped = conversation.post(root, role="assistant")
    conversation.stream_text(stopped, "The rollout was")
    conversation.finish(stopped, "cancelled")
    conversation.post(stopped, text="Thanks! [b]no markup[/b]")
    for written, author in ((other, ANA), (root, ANA), (reply, ME)):
        message = conversation.messages[written]
        conversation.messages[written] = structs.replace(message, author_user_id=author)
    return conversation


class SnapshotApp(RustyGPT):
    """The chat with its server in the same loop, a fixed clock, and no blinking cursor."""

    def __init__(self, conversation: FakeConversation) -> None:
        super().__init__(
            load_settings(),
            server="http://127.0.0.1:1",
            account=None,
            local=False,
            now=lambda: START + timedelta(hours=3),
        )
        self._stack = AsyncExitStack()
        self._conversation = conversation

    async def on_load(self) -> None:
        chat = await self._stack.enter_async_context(fake_chat_server(self._conversation))
        sign_in(chat)
        self._origin = chat.origin

    async def on_unmount(self) -> None:
        await self.aclose()
        await self._stack.aclose()


async def _wait_until_settled(pilot: Pilot[int], *, composing: bool = False) -> None:
    """Wait until the thread is loaded and two frames are equal."""
    async with asyncio.timeout(60):
        while not isinstance(pilot.app.screen, MainScreen) or not pilot.app.screen.query(Composer):
            await pilot.pause(0.01)
        main = pilot.app.screen
        main.thread_pane.composer.cursor_blink = False
        before = ""
        while not _is_loaded(main, composing=composing) or _text(main) != before:
            if composing and not main.thread_pane.composer.has_focus:
                main.action_compose()  # after the lists took their initial focus
            before = _text(main)
            await pilot.pause(0.02)


def _is_loaded(main: MainScreen, *, composing: bool) -> bool:
    """Return whether the thread is loaded, its end in view, and the stream open."""
    text = _text(main)
    focused = main.thread_pane.composer.has_focus and "enter open" not in text
    return "● live" in text and "Thanks" in text and (focused or not composing)


def _text(main: MainScreen) -> str:
    return "\n".join(strip.text for strip in main._compositor.render_strips())


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 50)])
def test_it_looks_right_at_every_size(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """Wide, medium and narrow terminals, with the focus in the composer."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")

    async def before(pilot: Pilot[int]) -> None:
        await _wait_until_settled(pilot, composing=True)

    assert snap_compare(SnapshotApp(_sample_conversation()), terminal_size=size, run_before=before)


@pytest.mark.parametrize("theme", ["textual-light", "nord"])
def test_it_follows_the_theme(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    """Colours are those of the theme."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")

    async def before(pilot: Pilot[int]) -> None:
        pilot.app.theme = theme
        await _wait_until_settled(pilot)

    assert snap_compare(
        SnapshotApp(_sample_conversation()), terminal_size=(100, 30), run_before=before
    )


def test_it_shows_who_is_writing(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are in the line between the messages and the composer."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    conversation = _sample_conversation()

    async def before(pilot: Pilot[int]) -> None:
        await _wait_until_settled(pilot, composing=True)
        main = pilot.app.screen
        assert isinstance(main, MainScreen)
        assert main.thread_pane.root is not None
        typing = TypingUpdatePayload(CONVERSATION_ID, main.thread_pane.root, ANA, START)
        conversation.sent.append(TypingUpdate(typing))
        while "Ana is writing" not in _text(main):
            await pilot.pause(0.02)
        await _wait_until_settled(pilot, composing=True)

    assert snap_compare(SnapshotApp(conversation), terminal_size=(100, 30), run_before=before)


async def test_narrow_terminals_show_lists_or_thread() -> None:
    """The lists are first; a selected thread fills the screen; escape returns to the lists."""
    async with (
        fake_chat_server(_sample_conversation()) as chat,
        in_conversation(chat, (60, 20)) as driver,
    ):
        assert "Conversations" in driver.text()
        assert "Write a message" not in driver.text()
        await driver.pilot.press("enter", "enter")
        await driver.until("Write a message")
        assert "Conversations" not in driver.text()
        await driver.pilot.press("escape", "escape")
        await driver.until("Conversations")


async def test_a_conversation_without_messages_is_opened_for_writing() -> None:
    """What is typed next is the first message, not a row of keys."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        assert driver.main.side_panel.conversations.has_focus
        await driver.pilot.press("enter")
        assert driver.main.thread_pane.composer.has_focus
        await driver.write("slow down")
        assert driver.main.thread_pane.composer.text == "slow down"
