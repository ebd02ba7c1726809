"""An administrator makes an account for somebody, and hands the password over."""

import secrets

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from rustygpt_shared.models.users import AdminUser
from rustygpt_shared.requests import CreateUser
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.transport import new_key
from rustygpt_tui.conversation.view_models import validation_sentence
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line
from rustygpt_tui.widgets.bindings import bindings

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for each other when read aloud."""


class NewAccountDialog(ModalScreen[AdminUser | None]):
    """Name, address and password of a new account; dismissed with it, after the handing over."""

    BINDINGS = bindings("dialog")

    def __init__(self, client: Client, name: str) -> None:
        """`name` is what was searched for."""
        super().__init__()
        self._client = client
        self._suggested_name = name
        self._key = new_key()

    def compose(self) -> ComposeResult:
        """The fields; the password is there to be read."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(Content.styled("A new account", "bold"), classes="card-title")
            yield Static("User name", classes="label")
            yield Input(one_line(self._suggested_name), id="username", compact=True)
            yield Static("E-mail address", classes="label")
            yield Input(placeholder="name@example.org", id="email", compact=True)
            yield Static("First password, for you to hand over", classes="label")
            yield Input(generate_password(), id="password", compact=True)
            yield Static("", id="failure", classes="failure", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Make the account", variant="primary", id="make", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """The address is what is missing."""
        self.query_one("#failure").display = False
        self.query_one("#email").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Make it."""
        event.stop()
        self._create()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Other words make another request, which a key of its own belongs to."""
        event.stop()
        self._key = new_key()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Make it, or not."""
        event.stop()
        if event.button.id == "make":
            self._create()
        else:
            self.dismiss(None)

    @work(group="newcomer", exclusive=True, exit_on_error=False)
    async def _create(self) -> None:
        name, email, password = (
            self.query_one(f"#{field}", Input).value for field in ("username", "email", "password")
        )
        try:
            request = CreateUser(username=name.strip(), email=email.strip(), password=password)
            made = await self._client.create_user(request, key=self._key)
        except ClientError as failure:
            self._show_failure(failure.sentence)
        except ValueError as error:
            self._show_failure(validation_sentence(error))
        else:
            words = f"{self._client.origin}\nuser name: {made.username}\npassword: {password}"
            await self.app.push_screen_wait(CredentialsDialog(made.username, words))
            self.dismiss(made)

    def _show_failure(self, words: str) -> None:
        failure = self.query_one("#failure", Static)
        failure.update(Content(one_line(words)))
        failure.display = True


class CredentialsDialog(ModalScreen[None]):
    """What the new person needs to sign in; it is shown once."""

    BINDINGS = bindings("dialog")

    def __init__(self, name: str, text: str) -> None:
        super().__init__()
        self._username = one_line(name)
        self._text = text

    def compose(self) -> ComposeResult:
        """The words, and a button that copies them."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(
                Content.styled(f"{self._username} can sign in", "bold"), classes="card-title"
            )
            note = "Hand this over yourself; the password is not shown again."
            yield Static(Content(note), classes="card-note")
            yield Static(Content(self._text), classes="card-title")
            with Horizontal(classes="buttons"):
                yield Button("Copy", id="copy", compact=True)
                yield Button("Done", variant="primary", id="done", compact=True)

    def on_mount(self) -> None:
        """Enter is done."""
        self.query_one("#done").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Copy, or go on."""
        event.stop()
        if event.button.id == "copy":
            self.app.copy_to_clipboard(self._text)
        else:
            self.dismiss(None)


def generate_password() -> str:
    """A password that can be read aloud: four groups of four, some 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
