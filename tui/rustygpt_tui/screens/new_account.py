"""The dialog in which an administrator creates an account, and gets its first password."""

import secrets

from textual.app import ComposeResult
from textual.widgets import Input, Static

from rustygpt_shared.models.users import AdminUser
from rustygpt_shared.requests import CreateUser
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.transport import new_key
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.form_dialog import FormDialog
from rustygpt_tui.screens.show_once import ShowOnceDialog

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits without those that look alike."""


class NewAccountDialog(FormDialog[AdminUser]):
    """Dismissed with the new account after its credentials were shown."""

    HEADING = "A new account"
    BUTTON = "Create the account"

    def __init__(self, client: Client, name: str) -> None:
        """`name` is the suggested user name."""
        super().__init__(client)
        self._suggested_name = name
        self._key = new_key()

    def fields(self) -> ComposeResult:
        """Create the fields; the generated password is visible."""
        yield Static("User name", classes="label")
        yield Input(one_line(self._suggested_name), id="username", compact=True)
        yield Static("E-mail address", classes="label")
        yield Input(placeholder="name@example.org", id="email", compact=True)
        yield Static("First password, for you to hand over", classes="label")
        yield Input(generate_password(), id="password", compact=True)

    def on_mount(self) -> None:
        """Move the focus to the e-mail address, the only empty field."""
        self.query_one("#email").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Use a new idempotency key: changed fields make another request."""
        event.stop()
        self._key = new_key()

    async def submit(self) -> AdminUser:
        """Create the account, and show once what its user needs to sign in."""
        name, email, password = (
            self.query_one(f"#{field}", Input).value for field in ("username", "email", "password")
        )
        request = CreateUser(username=name.strip(), email=email.strip(), password=password)
        account = await self._client.create_user(request, key=self._key)
        heading = f"{one_line(account.username)} can sign in"
        note = "Hand this over yourself; the password is not shown again."
        text = f"{self._client.origin}\nuser name: {account.username}\npassword: {password}"
        await self.app.push_screen_wait(ShowOnceDialog(heading, note, text))
        return account


def generate_password() -> str:
    """Return a random password of four groups of four characters, about 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
