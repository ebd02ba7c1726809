"""The dialogs of personal tokens: the list, revoking one, and creating one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import cast

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Select, Static

from rustygpt_shared import text_rules
from rustygpt_shared.models.tokens import CreatedToken, PersonalToken, Scope
from rustygpt_shared.requests import CreateToken
from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.confirm_dialogs import ConfirmDialog
from rustygpt_tui.screens.form_dialog import FormDialog
from rustygpt_tui.screens.list_dialog import DIM, ListDialog
from rustygpt_tui.screens.show_once import ShowOnceDialog
from rustygpt_tui.widgets.controls import Button, Checkbox
from rustygpt_tui.widgets.form import FailureLine

SCOPES: Sequence[tuple[Scope, str]] = (
    ("read", "read conversations and follow them"),
    ("write", "write, and change what you may change"),
    ("v1", "use the models under /v1"),
    ("admin", "administer the server"),
)
"""The scopes, with what each permits."""
_DAY = 86_400
_TIMES = (
    ("a day", _DAY),
    ("a week", 7 * _DAY),
    ("30 days", 30 * _DAY),
    ("a year", 365 * _DAY),
    ("until it is revoked", 0),
)
_NAME_CELLS = 30


class TokensDialog(ListDialog[PersonalToken]):
    """The tokens, newest first; enter revokes one."""

    HEADING = "Your personal tokens"
    NOTE = "Enter revokes a token."
    EMPTY = "None yet. With one, a program signs in as you."

    def buttons(self) -> ComposeResult:
        """Create the button that leads to a new token."""
        yield Button("Create a token …", id="new", compact=True)

    async def fetch(self) -> Sequence[PersonalToken]:
        """Return the user's tokens; expired ones are listed for 7 days."""
        return (await self._client.list_tokens()).tokens

    def describe(self, item: PersonalToken) -> Content:
        """Return name and scopes, and below them the times."""
        times = f"\ncreated {_date(item.created_at)}, {_use(item)}, {_end(item)}"
        return Content.assemble(_name(item), (f"  {', '.join(item.scopes)}", DIM), (times, DIM))

    def choose(self, item: PersonalToken) -> None:
        """Ask before the token is revoked."""

        def on_answer(is_confirmed: bool | None) -> None:
            if is_confirmed:
                self.reload(partial(self._client.revoke_token, item.id))

        subject = f"{_name(item)}: programs that use it are signed out."
        self.app.push_screen(ConfirmDialog("Revoke this token?", subject, "Revoke"), on_answer)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Ask what the new token is for."""
        event.stop()
        self._create()

    @work(group="new-token", exclusive=True, exit_on_error=False)
    async def _create(self) -> None:
        """Show the form; whether the user is an administrator may have changed since sign-in."""
        try:
            user = (await self._client.me()).user
        except ClientError as failure:
            self.query_one(FailureLine).show(failure.sentence)
            return
        dialog = NewTokenDialog(self._client, is_admin="admin" in user.roles)
        await self.app.push_screen_wait(dialog)
        self.reload()


class NewTokenDialog(FormDialog[CreatedToken]):
    """Name, scopes and time of a token; dismissed with it after it was shown."""

    HEADING = "A new token"
    BUTTON = "Create"

    def __init__(self, client: Client, *, is_admin: bool) -> None:
        """`is_admin` offers the scope `admin`, with which other accounts can do nothing."""
        super().__init__(client)
        self._scopes = [scope for scope in SCOPES if is_admin or scope[0] != "admin"]

    def fields(self) -> ComposeResult:
        """Create the fields."""
        yield Static("Name, such as that of the program", classes="label")
        yield Input(id="name", max_length=text_rules.TOKEN_NAME_MAX, compact=True)
        yield Static("What it may do", classes="label")
        for scope, label in self._scopes:
            text = Content(f"{scope}: {label}")
            yield Checkbox(text, value=scope == "read", id=scope, compact=True)
        yield Static("How long it is valid", classes="label", id="valid")
        yield Select(_TIMES, value=30 * _DAY, allow_blank=False, id="seconds", compact=True)

    async def submit(self) -> CreatedToken:
        """Create the token, and show it once."""
        seconds = cast("int", self.query_one("#seconds", Select).value)
        scopes = [scope for scope, _ in self._scopes if self.query_one(f"#{scope}", Checkbox).value]
        if not scopes:
            raise ValueError("scopes: choose at least one thing that it may do")
        name = self.query_one("#name", Input).value
        request = CreateToken(name=name, scopes=scopes, expires_in_seconds=seconds or None)
        created = await self._client.create_token(request)
        note = "Store it now: it is not shown again."
        heading = f"The token {_name(created)}"
        await self.app.push_screen_wait(ShowOnceDialog(heading, note, created.token))
        return created


def _name(token: PersonalToken) -> str:
    return shorten(one_line(token.name), _NAME_CELLS)


def _date(time: datetime) -> str:
    return f"{time.astimezone():%Y-%m-%d}"


def _use(token: PersonalToken) -> str:
    return f"used {_date(token.last_used_at)}" if token.last_used_at else "never used"


def _end(token: PersonalToken) -> str:
    if token.expires_at is None:
        return "no expiry"
    verb = "expired" if token.expires_at <= datetime.now(UTC) else "until"
    return f"{verb} {_date(token.expires_at)}"
