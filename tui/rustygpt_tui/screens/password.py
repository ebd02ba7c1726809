"""The dialog in which the user's own password is changed."""

from textual.app import ComposeResult
from textual.widgets import Input, Static

from rustygpt_shared.requests import ChangePassword
from rustygpt_tui.screens.form_dialog import FormDialog

_FIELDS = (
    ("current", "Current password, empty if you have none yet"),
    ("new", "New password, at least 8 characters"),
    ("again", "New password again"),
)


class PasswordDialog(FormDialog[bool]):
    """Dismissed with True after the server accepted the new password."""

    HEADING = "Change your password"
    BUTTON = "Change"

    def fields(self) -> ComposeResult:
        """Create the three fields."""
        for name, label in _FIELDS:
            yield Static(label, classes="label")
            yield Input(password=True, id=name, compact=True)

    async def submit(self) -> bool:
        """Send both passwords; ValueError if the new one was typed in two ways."""
        current, new, again = (self.query_one(f"#{name}", Input).value for name, _ in _FIELDS)
        request = ChangePassword(current, new)
        if new != again:
            raise ValueError("again: the new passwords differ; type the new one again")
        await self._client.change_password(request)
        return True
