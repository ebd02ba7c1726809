"""The screen to sign in with a browser: an address, a code, and the wait for its confirmation."""

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from rustygpt_shared.models.users import User
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.sign_in import device_instructions, device_name
from rustygpt_tui.conversation import web_browser
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.controls import Button
from rustygpt_tui.widgets.form import FailureLine, FormFields


class BrowserSignInScreen(Screen[User]):
    """Dismissed with the user once the code is confirmed, or with None; escape goes back."""

    BINDINGS = bindings("dialog")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._address: str | None = None

    def compose(self) -> ComposeResult:
        """Create the card in the middle of the screen."""
        origin = one_line(self._client.origin)
        with Vertical(classes="card"):
            with FormFields(classes="fields"):
                heading = Content.styled("Sign in with a browser", "bold $text-primary")
                yield Static(heading, classes="card-title")
                yield Static(Content.styled(origin, "$foreground 60%"), classes="card-note")
                yield Static("", id="instructions", classes="card-note", markup=False)
                yield Button("Open the browser here", id="open", variant="primary")
                yield Button("New code", id="again", variant="primary")
                yield Button("Back", id="back")
            yield FailureLine()

    def on_mount(self) -> None:
        """Ask for a code, and wait."""
        self._start()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Open the browser, ask for another code, or go back."""
        event.stop()
        if event.button.id == "open":
            self._open()
        elif event.button.id == "again":
            self._start()
        else:
            self.dismiss(None)

    def _start(self) -> None:
        self._show("Asking for a code …", is_waiting=True)
        self.query_one("#open").display = False
        self.query_one("#back").focus()
        self._sign_in()

    @work(group="device", exclusive=True, exit_on_error=False)
    async def _sign_in(self) -> None:
        """Show a code, and wait; leaving the screen cancels the wait."""
        try:
            code = await self._client.begin_device_login(device_name())
            address, user_code = device_instructions(code)
            complete = code.verification_uri_complete or ""
            self._address = complete if complete.startswith(code.verification_uri) else address
            self._show(
                f"Open {address}\nin a browser in which you are signed in, on any device, "
                f"and enter the code\n\n    {user_code}\n\nWaiting until it is confirmed …",
                is_waiting=True,
            )
            self.query_one("#open").display = True
            self.query_one("#open").focus()
            login = await self._client.finish_device_login(code)
        except ClientError as failure:
            self._show("There is no sign-in with a browser now.", is_waiting=False)
            self.query_one("#open").display = False
            self.query_one("#again").focus()
            self.query_one(FailureLine).show(failure.sentence)
        else:
            self.dismiss(login.user)

    def _show(self, text: str, *, is_waiting: bool) -> None:
        self.query_one(FailureLine).hide()
        self.query_one("#instructions", Static).update(Content(text))
        self.query_one("#again").display = not is_waiting

    @work(group="browser", exit_on_error=False)
    async def _open(self) -> None:
        if self._address and not await web_browser.open_address(self._address):
            sentence = "There is no browser on this machine; use one on another."
            self.query_one(FailureLine).show(sentence)
