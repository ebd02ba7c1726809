"""How the main screen looks, at several sizes, and what keys do there."""

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

from rustygpt_shared.events import TypingUpdate, TypingUpdatePayload
from rustygpt_shared.models.conversations import Participant
from rustygpt_tui.app import RustyGPT
from rustygpt_tui.config import load_settings
from rustygpt_tui.screens.main import MainScreen
from rustygpt_tui.widgets.composer import Composer

ANA = UUID(int=101)
Compare = Callable[..., bool]


def _furnished() -> FakeConversation:
    """A conversation of two people and the assistant, with branches and every kind of text."""
    room = FakeConversation()
    room.people[ANA] = Participant(ANA, "ana", "member", START, "Ana")
    other = room.post(text="On-call next week")
    root = room.post(text="Deploy pipeline: why did the **canary** fail?")
    reply = room.post(root, text="Logs are attached, see `step 4`.")
    answer = room.post(reply, role="assistant")
    room.stream_text(answer, FULL_DOCUMENT.split("> quote")[0])
    room.finish(answer)
    stopped = room.post(root, role="assistant")
    room.stream_text(stopped, "The rollout was")
    room.finish(stopped, "cancelled")
    room.post(stopped, text="Thanks! [b]no markup[/b]")
    for written, author in ((other, ANA), (root, ANA), (reply, ME)):
        message = room.messages[written]
        room.messages[written] = structs.replace(message, author_user_id=author)
    return room


class Snapped(RustyGPT):
    """The chat with its server in the same loop, a clock that stands, and no blinking."""

    def __init__(self, room: FakeConversation) -> None:
        super().__init__(
            load_settings(),
            server="http://127.0.0.1:1",
            account=None,
            local=False,
            now=lambda: START + timedelta(hours=3),
        )
        self._stack = AsyncExitStack()
        self._furnished = room

    async def on_load(self) -> None:
        chat = await self._stack.enter_async_context(fake_chat_server(self._furnished))
        sign_in(chat)
        self._origin = chat.origin

    async def on_unmount(self) -> None:
        await self.aclose()
        await self._stack.aclose()


async def _settled(pilot: Pilot[int], *, composing: bool = False) -> None:
    """Wait until everything that is to come is there, and no frame differs from the one before."""
    async with asyncio.timeout(30):
        while not isinstance(pilot.app.screen, MainScreen) or not pilot.app.screen.query(Composer):
            await pilot.pause(0.01)
        main = pilot.app.screen
        main.thread_pane.composer.cursor_blink = False
        before = ""
        while not _there(main, composing=composing) or _text(main) != before:
            if composing and not main.thread_pane.composer.has_focus:
                main.action_compose()  # once the lists had the focus that they take at first
            before = _text(main)
            await pilot.pause(0.02)


def _there(main: MainScreen, *, composing: bool) -> bool:
    """Whether the thread is loaded, its end shown, and the stream open."""
    text = _text(main)
    focused = main.thread_pane.composer.has_focus and "enter open" not in text
    return "● live" in text and "Thanks" in text and (focused or not composing)


def _text(main: MainScreen) -> str:
    return "\n".join(strip.text for strip in main._compositor.render_strips())


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 50)])
def test_it_looks_right_at_every_size(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """Wide, medium and narrow, with the talk in front."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")

    async def before(pilot: Pilot[int]) -> None:
        await _settled(pilot, composing=True)

    assert snap_compare(Snapped(_furnished()), terminal_size=size, run_before=before)


@pytest.mark.parametrize("theme", ["textual-light", "nord"])
def test_it_follows_the_theme(
    snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    """Colours come from the theme, light or dark."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")

    async def before(pilot: Pilot[int]) -> None:
        pilot.app.theme = theme
        await _settled(pilot)

    assert snap_compare(Snapped(_furnished()), terminal_size=(100, 30), run_before=before)


def test_it_shows_who_is_writing(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line between the messages and what one writes oneself."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    room = _furnished()

    async def before(pilot: Pilot[int]) -> None:
        await _settled(pilot, composing=True)
        main = pilot.app.screen
        assert isinstance(main, MainScreen)
        assert main.thread_pane.root is not None
        typing = TypingUpdatePayload(CONVERSATION_ID, main.thread_pane.root, ANA, START)
        room.sent.append(TypingUpdate(typing))
        while "Ana is writing" not in _text(main):
            await pilot.pause(0.02)
        await _settled(pilot, composing=True)

    assert snap_compare(Snapped(room), terminal_size=(100, 30), run_before=before)


async def test_narrow_terminals_show_one_thing_at_a_time() -> None:
    """Lists first; a thread chosen there fills the screen; escape leads back."""
    async with fake_chat_server(_furnished()) as chat, in_conversation(chat, (60, 20)) as driver:
        assert "Conversations" in driver.text()
        assert "Write a message" not in driver.text()
        await driver.pilot.press("enter", "enter")
        await driver.until("Write a message")
        assert "Conversations" not in driver.text()
        await driver.pilot.press("escape", "escape")
        await driver.until("Conversations")


async def test_reading_to_the_end_marks_the_thread_read() -> None:
    """Only when the end was before the eyes, the server is told so."""
    room = _furnished()
    async with fake_chat_server(room) as chat:
        from rustygpt_shared.events import UnreadUpdate, UnreadUpdatePayload

        async with in_conversation(chat, (100, 30)) as driver:
            await driver.until("Thanks")
            root = driver.main.thread_pane.root
            assert root is not None
            room.sent.append(UnreadUpdate(UnreadUpdatePayload(CONVERSATION_ID, root, ME, 1)))
            await driver.until(lambda: chat.http.request_count("POST", f"/api/threads/{root}/read"))
