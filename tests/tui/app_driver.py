"""Runs the terminal chat headless against a server over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.support.fakes.fake_chat_server import FakeChatServer
from tests.support.sample_models import cookies
from textual.pilot import Pilot
from textual.widgets import Input

from rustygpt_tui.app import RustyGPT
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.config import load_settings, session_file
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.screens.main import MainScreen


class AppDriver:
    """A running app, with methods to read its screen and to type."""

    def __init__(self, app: RustyGPT, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def main(self) -> MainScreen:
        """The main screen; fails when another screen is shown."""
        assert isinstance(self.app.screen, MainScreen)
        return self.app.screen

    @property
    def is_loading(self) -> bool:
        """True until a conversation is open, with its thread if it has one."""
        pane = self.main.thread_pane
        return pane.state is None or pane.is_loading

    def text(self) -> str:
        """Return all text on the screen, with plain spaces."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips).replace("\xa0", " ")

    async def press(self, *keys: str) -> None:
        """Press keys; unlike `pilot.press` also while another app runs in the same task."""
        with self.app._context():
            await self.pilot.press(*keys)

    async def focus(self, selector: str) -> None:
        """Move the focus to a widget of the screen."""
        with self.app._context():
            self.app.screen.query_one(selector).focus()
            await self.pilot.pause()

    async def fill(self, selector: str, text: str) -> None:
        """Replace the text of a field of the screen."""
        with self.app._context():
            self.app.screen.query_one(selector, Input).value = text
            await self.pilot.pause()

    async def until(self, condition: str | Callable[[], object], seconds: float = 60) -> None:
        """Wait until a text is on the screen or a condition holds."""
        try:
            async with asyncio.timeout(seconds):
                with self.app._context():
                    while not self._holds(condition):
                        await self.pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(
                f"{condition!r} did not hold within {seconds} s; the screen is:\n{self.text()}"
            ) from None

    def _holds(self, condition: str | Callable[[], object]) -> object:
        return condition in self.text() if isinstance(condition, str) else condition()

    async def write(self, text: str) -> None:
        """Insert a text into the composer."""
        self.main.thread_pane.composer.insert(text)
        await self.pilot.pause()


def sign_in(chat: FakeChatServer) -> None:
    """Store a session in the session file, as an earlier login does."""
    chat.signed_in = True
    session = Session(chat.origin, file=SessionFile(session_file(load_settings())))
    session.store_cookies([value for _, value in cookies(1)])
    session.save_as_current("me")


@asynccontextmanager
async def running_app(
    chat: FakeChatServer, size: tuple[int, int] = (100, 30), timing: Timing | None = None
) -> AsyncIterator[AppDriver]:
    """Run the terminal chat against the server for the duration of the block."""
    app = RustyGPT(load_settings(), server=chat.origin, account=None, local=False, timing=timing)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            yield AppDriver(app, pilot)
    finally:
        await app.aclose()


@asynccontextmanager
async def in_conversation(
    chat: FakeChatServer, size: tuple[int, int] = (100, 30), timing: Timing | None = None
) -> AsyncIterator[AppDriver]:
    """Run the terminal chat signed in, with the conversation open and its stream live."""
    sign_in(chat)
    async with running_app(chat, size, timing) as driver:
        await driver.until("● live")
        await driver.until(lambda: not driver.is_loading)
        yield driver
