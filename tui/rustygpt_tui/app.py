"""The terminal chat put together: settings, server, session, drafts, and the screens over them."""

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
    """Open the terminal chat and stay until it is left; answers the exit code.

    `server` is an address that goes before the settings' one, `account` chooses among sessions,
    `local` starts a server on this machine when none answers.
    """
    return asyncio.run(_run(loaded, server, account, local))


async def _run(loaded: LoadedSettings, server: str | None, account: str | None, local: bool) -> int:
    app = RustyGPT(loaded, server=server, account=account, local=local)
    gc.freeze()  # what was imported stays: looking through it anew each time would stall keys
    try:
        answer = await app.run_async()
    finally:
        await app.aclose()
    return app.return_code or answer or 0


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
    ) -> None:
        """`now` is the clock that ages are counted by."""
        super().__init__()
        self._now = now
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
        """Show that something happens, and begin."""
        self._user_keymap = load_keymap(locations.config_folder())
        self.set_keymap(dict(self._user_keymap.overrides))
        for mistake in self._user_keymap.errors:
            self.notify(mistake, severity="warning", markup=False, timeout=10)
        with suppress(sqlite3.Error, OSError):
            self._drafts = Drafts(config.drafts_file())
        await self.push_screen(self._start)
        self.begin()

    async def aclose(self) -> None:
        """Close connections and drafts, and end the server that was started here."""
        self._exiting.set()
        if self._client:
            await self._client.aclose()
        if self._drafts:
            self._drafts.close()
        if self._local_server:
            await asyncio.gather(self._local_server, return_exceptions=True)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def begin(self) -> None:
        """Reach the server, and find out who is signed in."""
        self._start.show_progress("Connecting …")
        try:
            if self._local and self._local_server is None:
                self._origin = await self._start_local_server()
            await self._sign_in()
        except ClientError as failure:
            self._start.show_failure(failure.sentence)

    def on_start_screen_retry_requested(self) -> None:
        """Try again."""
        self.begin()

    async def _start_local_server(self) -> str:
        """Start a server on this machine, which runs until the chat is left."""
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
        client = self._connect()
        try:
            user = (await client.me()).user
        except NotSignedIn:
            is_setup = await client.is_setup()
            form = LogInScreen(client) if is_setup else SetUpScreen(client)
            self.push_screen(form, self._on_signed_in)
        else:
            self._on_signed_in(user)

    def _connect(self) -> Client:
        if self._client is None or self._client.origin != self._origin:
            file = SessionFile(config.session_file(self._loaded))
            session = Session(self._origin, file=file, account=self._account)
            self._client = connect(self._origin, session)
        return self._client

    def _on_signed_in(self, user: User | None) -> None:
        if user is None or self._client is None:
            return
        drafts = AccountDrafts(self._drafts, self._client.origin, user.username)
        self.push_screen(MainScreen(self._client, user, drafts, self._now))

    def action_sign_in(self) -> None:
        """The session ended: sign in again, over a fresh main screen."""
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
        """End the session, and show the form to sign in."""
        if self._client:
            with suppress(ClientError):
                await self._client.log_out()
            self.action_sign_in()

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text, from wherever in the app, and tell what became of it."""
        self._clipboard = text  # what ctrl+v pastes here
        self._copy(text)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy(self, text: str) -> None:
        clipboard = Clipboard(os.environ, locations.state_folder(), self._emit)
        self.notify(await clipboard.copy(text), markup=False, timeout=4)

    def _emit(self, sequence: str) -> None:
        if self._driver:
            self._driver.write(sequence)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette's own commands, less those that are in the table of keys."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Sign out", "End the session here", self.action_sign_out)
