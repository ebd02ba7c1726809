"""The dialog in which an administrator creates an account, and the one with its credentials."""

import secrets

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
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
from rustygpt_tui.widgets.form import FailureLine, FormFields

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits without those that look alike."""


class NewAccountDialog(ModalScreen[AdminUser | None]):
    """Dismissed with the new account after its credentials were shown."""

    BINDINGS = bindings("dialog")

    def __init__(self, client: Client, name: str) -> None:
        """`name` is the suggested user name."""
        super().__init__()
        self._client = client
        self._suggested_name = name
        self._key = new_key()

    def compose(self) -> ComposeResult:
        """Create the fields; the generated password is visible."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(Content.styled("A new account", "bold"), classes="card-title")
                yield Static("User name", classes="label")
                yield Input(one_line(self._suggested_name), id="username", compact=True)
                yield Static("E-mail address", classes="label")
                yield Input(placeholder="name@example.org", id="email", compact=True)
                yield Static("First password, for you to hand over", classes="label")
                yield Input(generate_password(), id="password", compact=True)
                with Horizontal(classes="buttons"):
                    yield Button("Create the account", variant="primary", id="make", compact=True)
                    yield Button("Cancel", id="cancel", compact=True)
            yield FailureLine()

    def on_mount(self) -> None:
        """Move the focus to the e-mail address, the only empty field."""
        self.query_one("#email").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Create the account."""
        event.stop()
        self._create()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Use a new idempotency key: changed fields make another request."""
        event.stop()
        self._key = new_key()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Create the account, or close the dialog."""
        event.stop()
        if event.button.id == "make":
            self._create()
        else:
            self.dismiss(None)

    @work(group="new-account", exclusive=True, exit_on_error=False)
    async def _create(self) -> None:
        name, email, password = (
            self.query_one(f"#{field}", Input).value for field in ("username", "email", "password")
        )
        try:
            request = CreateUser(username=name.strip(), email=email.strip(), password=password)
            account = await self._client.create_user(request, key=self._key)
        except ClientError as failure:
            self.query_one(FailureLine).show(failure.sentence)
        except ValueError as error:
            self.query_one(FailureLine).show(validation_sentence(error))
        else:
            text = f"{self._client.origin}\nuser name: {account.username}\npassword: {password}"
            await self.app.push_screen_wait(CredentialsDialog(account.username, text))
            self.dismiss(account)


class CredentialsDialog(ModalScreen[None]):
    """Shows once what the new user needs to sign in."""

    BINDINGS = bindings("dialog")

    def __init__(self, name: str, text: str) -> None:
        super().__init__()
        self._username = one_line(name)
        self._text = text

    def compose(self) -> ComposeResult:
        """Create the text, and a button that copies it."""
        with Vertical(classes="dialog"), FormFields(classes="fields"):
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
        """Move the focus to the button that closes the dialog."""
        self.query_one("#done").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Copy the text, or close the dialog."""
        event.stop()
        if event.button.id == "copy":
            self.app.copy_to_clipboard(self._text)
        else:
            self.dismiss(None)


def generate_password() -> str:
    """Return a random password of four groups of four characters, about 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
