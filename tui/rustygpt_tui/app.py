"""The Textual application: connects settings, server, session and drafts with the screens."""

import asyncio
import gc
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from textual import constants, work
from textual.app import App, SystemCommand
from textual.driver import Driver
from textual.screen import Screen

from rustygpt_shared.models.users import User
from rustygpt_shared.settings.load import LoadedSettings
from rustygpt_tui import config, locations
from rustygpt_tui.client.http import Client, connect
from rustygpt_tui.client.local import local_server
from rustygpt_tui.client.session import open_session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.clipboard import Clipboard
from rustygpt_tui.conversation.links import Link
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.errors import (
    ClientError,
    NotFound,
    NotSignedIn,
    ServerError,
    TimedOut,
    Unreachable,
)
from rustygpt_tui.keymap import Keymap, load_keymap
from rustygpt_tui.screens.command_palette import (
    CommandProvider,
    ConversationProvider,
    LinkProvider,
)
from rustygpt_tui.screens.forms import LogInScreen, SetUpScreen
from rustygpt_tui.screens.help import HelpScreen
from rustygpt_tui.screens.main import MainScreen
from rustygpt_tui.screens.sequential_input import SequentialInputApp
from rustygpt_tui.screens.start import StartScreen
from rustygpt_tui.screens.terminal_driver import TerminalDriver
from rustygpt_tui.screens.worker_errors import WorkerErrorMixin
from rustygpt_tui.store.drafts import Drafts

MIN_RETRY_SECONDS = 2
MAX_RETRY_SECONDS = 30
"""The pause before the first and before later attempts to reach the server at start."""


def run(
    loaded: LoadedSettings,
    *,
    server: str | None,
    account: str | None,
    local: bool,
    config_file: Path | None = None,
    at: Link | None = None,
) -> int:
    """Run the terminal chat until the user quits, and return the exit code.

    `server` is an address that overrides the one in the settings, `account` chooses among saved
    sessions, `local` starts a server on this machine when none is running, with the settings in
    `config_file`, and `at` is the place that is opened first.
    """
    app = RustyGPT(
        loaded,
        server=server,
        account=account,
        local=local,
        serve_arguments=_serve(config_file),
        at=at,
    )
    return asyncio.run(_run(app))


def _serve(config_file: Path | None) -> tuple[str, ...]:
    """Return the arguments of `serve` for a server that reads the same settings file."""
    return ("--config", str(config_file)) if config_file else ()


async def _run(app: "RustyGPT") -> int:
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
    COMMANDS = App.COMMANDS | {CommandProvider, ConversationProvider, LinkProvider}
    ENABLE_COMMAND_PALETTE = True
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (8, "-tiny"), (16, "-low"), (28, "-tall")]

    def __init__(
        self,
        loaded: LoadedSettings,
        *,
        server: str | None,
        account: str | None,
        local: bool,
        serve_arguments: Sequence[str] = (),
        at: Link | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        timing: Timing | None = None,
    ) -> None:
        """Create the app; the first parameters are those of `run`.

        `serve_arguments` are those of the server that it may start.
        `now` is the clock that the age of threads is measured by; `timing` has the intervals.
        """
        super().__init__()
        self._now = now
        self._timing = timing or Timing()
        self._loaded = loaded
        self._at = at
        self._origin = server or loaded.settings.cli.server
        self._account = account
        self._local = local
        self._serve_arguments = serve_arguments
        self._client: Client | None = None
        self._drafts: Drafts | None = None
        self._user_keymap = Keymap()
        self._start = StartScreen()
        self._local_server: asyncio.Task[None] | None = None
        self._exiting = asyncio.Event()
        self._is_signing_out = False
        self._waits_until = 0.0
        """Until when a notification says that requests wait, by the time of the event loop."""

    def get_driver_class(self) -> type[Driver]:
        """Return the driver that draws to standard output, unless TEXTUAL_DRIVER names another."""
        return super().get_driver_class() if constants.DRIVER else TerminalDriver

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
        """Connect to the server, and sign in with the saved session or show a form.

        While the server is away, the attempts are repeated.
        """
        delay = MIN_RETRY_SECONDS
        while True:
            self._start.show_progress("Connecting …")
            try:
                if self._local and self._local_server is None:
                    self._origin = await self._start_local_server()
                await self._sign_in()
            except (Unreachable, TimedOut, ServerError) as failure:
                await self._wait_for_retry(failure.sentence, delay)
                delay = min(MAX_RETRY_SECONDS, 2 * delay)
            except ClientError as failure:
                self._start.show_failure(failure.sentence)
                return
            else:
                return

    async def _wait_for_retry(self, sentence: str, seconds: int) -> None:
        """Show why connecting failed, and count down to the next attempt."""
        for left in range(seconds, 0, -1):
            self._start.show_failure(f"{sentence} Trying again in {left} s.")
            await asyncio.sleep(1)

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
                self._start.show_progress,
                preferred_url=preferred_url,
                arguments=self._serve_arguments,
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
            setup = await client.show_setup()
            form = LogInScreen(client) if setup.is_setup else SetUpScreen(client)
            self.push_screen(form, self._on_signed_in)
        except NotFound:
            await client.check_sign_in_is_on()
            raise
        else:
            self._on_signed_in(user)

    async def _connect(self) -> Client:
        """Return the client of the server, a new one when the address changed."""
        if self._client and self._client.origin != self._origin:
            await self._client.aclose()
            self._client = None
        if self._client is None:
            file = SessionFile(config.session_file(self._loaded))
            session = open_session(
                self._origin,
                os.environ,
                file=file,
                account=self._account,
                on_unsaved=lambda text: self.notify(text, severity="warning", markup=False),
            )
            self._client = connect(self._origin, session)
            self._client.on_wait = self._show_wait
        return self._client

    def _show_wait(self, text: str, seconds: float) -> None:
        """Show that a request waits for a rate limit, once for all that wait at this time."""
        now = asyncio.get_running_loop().time()
        if now < self._waits_until:
            return
        self._waits_until = now + seconds
        self.notify(text, severity="warning", markup=False, timeout=max(2, seconds))

    def _on_signed_in(self, user: User | None) -> None:
        if user is None or self._client is None:
            return
        drafts = AccountDrafts(self._drafts, self._client.origin, user.username)
        main = MainScreen(self._client, user, drafts, self._now, self._timing)
        main.start_at, self._at = self._at, None
        self.push_screen(main)

    def action_sign_in(self) -> None:
        """Show the sign-in form, with the reason; a new main screen follows it."""
        if self._client is None or isinstance(self.screen, LogInScreen):
            return
        while not isinstance(self.screen, StartScreen) and len(self.screen_stack) > 1:
            self.pop_screen()
        reason = "You are signed out." if self._is_signing_out else "Your session ended."
        form = LogInScreen(self._client, f"{reason} Drafts are kept.")
        self.push_screen(form, self._on_signed_in)

    def action_help(self) -> None:
        """Show the keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self._user_keymap, str(locations.config_folder())))

    @work(group="sign-out", exclusive=True, exit_on_error=False)
    async def action_sign_out(self) -> None:
        """End the session, and show the sign-in form; stay signed in when that fails."""
        if self._client is None:
            return
        self._is_signing_out = True  # the server may end the stream before it responds
        try:
            await self._client.log_out()
            self.action_sign_in()
        except ClientError as failure:
            text = f"You are still signed in: {failure.sentence}"
            self.notify(text, severity="error", markup=False)
        finally:
            self._is_signing_out = False

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text, and notify the user where it is; an empty one is not copied."""
        if not text.strip():
            self.notify("There is nothing to copy.", markup=False, timeout=2)
            return
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
        if isinstance(screen, MainScreen):
            dialogs = screen.account_dialogs
            help_text = "Where you are signed in"
            yield SystemCommand("Your sessions", help_text, dialogs.show_sessions)
            help_text = "Let programs sign in as you"
            yield SystemCommand("Your personal tokens", help_text, dialogs.show_tokens)
            help_text = "Your other sessions end then"
            yield SystemCommand("Change your password", help_text, dialogs.change_password)
            help_text = "Join a conversation with the link of an invite"
            yield SystemCommand("Join by an invite", help_text, dialogs.ask_for_invite)
            transfers = screen.transfer_dialogs
            help_text = "Save it in a file: JSON Lines, JSON or Markdown"
            yield SystemCommand(
                "Export this conversation…", help_text, transfers.export_conversation
            )
            help_text = "From a file of RustyGPT, ChatGPT or Open WebUI"
            yield SystemCommand("Import conversations…", help_text, transfers.import_conversations)
