"""The Textual application: connects settings, server, session and drafts with the screens."""

import asyncio
import gc
import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from textual import work
from textual.app import App, SystemCommand
from textual.screen import Screen

from rustygpt_shared.models.users import User
from rustygpt_shared.settings.load import LoadedSettings
from rustygpt_tui import config, locations
from rustygpt_tui.client.http import Client, connect
from rustygpt_tui.client.local import local_server
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.clipboard import Clipboard
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.errors import ClientError, NotSignedIn
from rustygpt_tui.keymap import Keymap, load_keymap
from rustygpt_tui.screens.command_palette import CommandProvider, ConversationProvider
from rustygpt_tui.screens.forms import LogInScreen, SetUpScreen
from rustygpt_tui.screens.help import HelpScreen
from rustygpt_tui.screens.main import MainScreen
from rustygpt_tui.screens.sequential_input import SequentialInputApp
from rustygpt_tui.screens.start import StartScreen
from rustygpt_tui.screens.worker_errors import WorkerErrorMixin
from rustygpt_tui.store.drafts import Drafts


def run(loaded: LoadedSettings, *, server: str | None, account: str | None, local: bool) -> int:
    """Run the terminal chat until the user quits, and return the exit code.

    `server` is an address that overrides the one in the settings, `account` chooses among saved
    sessions, `local` starts a server on this machine when none is running.
    """
    return asyncio.run(_run(loaded, server, account, local))


async def _run(loaded: LoadedSettings, server: str | None, account: str | None, local: bool) -> int:
    app = RustyGPT(loaded, server=server, account=account, local=local)
    gc.freeze()  # imported objects stay: collecting them again and again would delay keys
    try:
        exit_code = await app.run_async()
    finally:
        await app.aclose()
    return app.return_code or exit_code or 0


class RustyGPT(SequentialInputApp[int], WorkerErrorMixin):
    """The terminal chat."""

    TITLE = "RustyGPT"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    COMMANDS = App.COMMANDS | {CommandProvider, ConversationProvider}
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        loaded: LoadedSettings,
        *,
        server: str | None,
        account: str | None,
        local: bool,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        timing: Timing | None = None,
    ) -> None:
        """Create the app; the first parameters are those of `run`.

        `now` is the clock that the age of threads is measured by; `timing` has the intervals.
        """
        super().__init__()
        self._now = now
        self._timing = timing or Timing()
        self._loaded = loaded
        self._origin = server or loaded.settings.cli.server
        self._account = account
        self._local = local
        self._client: Client | None = None
        self._drafts: Drafts | None = None
        self._user_keymap = Keymap()
        self._start = StartScreen()
        self._local_server: asyncio.Task[None] | None = None
        self._exiting = asyncio.Event()

    async def on_mount(self) -> None:
        """Load keymap and drafts, show the start screen, and connect."""
        self._user_keymap = load_keymap(locations.config_folder())
        self.set_keymap(dict(self._user_keymap.overrides))
        for error in self._user_keymap.errors:
            self.notify(error, severity="warning", markup=False, timeout=10)
        with suppress(sqlite3.Error, OSError):
            self._drafts = Drafts(config.drafts_file())
        await self.push_screen(self._start)
        self.begin()

    async def aclose(self) -> None:
        """Close the connections and drafts, and stop the server that was started here."""
        self._exiting.set()
        if self._client:
            await self._client.aclose()
        if self._drafts:
            self._drafts.close()
        if self._local_server:
            await asyncio.gather(self._local_server, return_exceptions=True)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def begin(self) -> None:
        """Connect to the server, and sign in with the saved session or show a form."""
        self._start.show_progress("Connecting …")
        try:
            if self._local and self._local_server is None:
                self._origin = await self._start_local_server()
            await self._sign_in()
        except ClientError as failure:
            self._start.show_failure(failure.sentence)

    def on_start_screen_retry_requested(self) -> None:
        """Connect again."""
        self.begin()

    async def _start_local_server(self) -> str:
        """Start a server on this machine that runs until the app exits, and return its address."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[str] = loop.create_future()
        self._local_server = asyncio.create_task(self._run_local_server(ready))
        try:
            return await ready
        except ClientError:
            self._local_server = None
            raise

    async def _run_local_server(self, ready: asyncio.Future[str]) -> None:
        try:
            preferred_url = self._origin
            async with local_server(
                self._start.show_progress, preferred_url=preferred_url
            ) as origin:
                ready.set_result(origin)
                await self._exiting.wait()
        except ClientError as failure:
            if not ready.done():
                ready.set_exception(failure)

    async def _sign_in(self) -> None:
        client = await self._connect()
        try:
            user = (await client.me()).user
        except NotSignedIn:
            is_setup = await client.is_setup()
            form = LogInScreen(client) if is_setup else SetUpScreen(client)
            self.push_screen(form, self._on_signed_in)
        else:
            self._on_signed_in(user)

    async def _connect(self) -> Client:
        """Return the client of the server, a new one when the address changed."""
        if self._client and self._client.origin != self._origin:
            await self._client.aclose()
            self._client = None
        if self._client is None:
            file = SessionFile(config.session_file(self._loaded))
            session = Session(self._origin, file=file, account=self._account)
            self._client = connect(self._origin, session)
        return self._client

    def _on_signed_in(self, user: User | None) -> None:
        if user is None or self._client is None:
            return
        drafts = AccountDrafts(self._drafts, self._client.origin, user.username)
        self.push_screen(MainScreen(self._client, user, drafts, self._now, self._timing))

    def action_sign_in(self) -> None:
        """Show the sign-in form after the session ended; a new main screen follows it."""
        if self._client is None or isinstance(self.screen, LogInScreen):
            return
        while not isinstance(self.screen, StartScreen) and len(self.screen_stack) > 1:
            self.pop_screen()
        form = LogInScreen(self._client, "Your session ended. Drafts are kept.")
        self.push_screen(form, self._on_signed_in)

    def action_help(self) -> None:
        """Show the keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self._user_keymap, str(locations.config_folder())))

    @work(group="sign-out", exclusive=True, exit_on_error=False)
    async def action_sign_out(self) -> None:
        """End the session, and show the sign-in form."""
        if self._client:
            with suppress(ClientError):
                await self._client.log_out()
            self.action_sign_in()

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text, and notify the user where it is."""
        self._clipboard = text  # Textual pastes this one on ctrl+v
        self._copy(text)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy(self, text: str) -> None:
        clipboard = Clipboard(os.environ, locations.state_folder(), self._write_to_terminal)
        self.notify(await clipboard.copy(text), markup=False, timeout=4)

    def _write_to_terminal(self, sequence: str) -> None:
        if self._driver:
            self._driver.write(sequence)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield the palette's commands that have no key; the others come from the keymap."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Sign out", "End the session here", self.action_sign_out)
