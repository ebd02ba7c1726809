"""The dialog in which a person is invited to a conversation, and the one with the link."""

from typing import cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Select, Static

from rustygpt_shared.requests import ConversationRole, CreateInvite
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.invites import invite_link
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.view_models import validation_sentence
from rustygpt_tui.errors import ClientError
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.form import FailureLine, FormFields

_ROLES: tuple[ConversationRole, ...] = ("viewer", "member", "admin", "owner")
_HOUR = 3_600
_TIMES = (("an hour", _HOUR), ("a day", 24 * _HOUR), ("a week", 168 * _HOUR))


class InviteDialog(ModalScreen[None]):
    """Role, address and time of an invite; the link is shown once."""

    BINDINGS = bindings("dialog")

    def __init__(self, client: Client, conversation: ConversationSession, my_role: str) -> None:
        """Roles up to `my_role` are offered."""
        super().__init__()
        self._client = client
        self._conversation = conversation
        self._roles = _ROLES[: _ROLES.index(cast("ConversationRole", my_role)) + 1]

    def compose(self) -> ComposeResult:
        """Create the fields and the buttons."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(Content.styled("Invite by a link", "bold"), classes="card-title")
                yield Static(
                    "E-mail address, if only its account may use the link", classes="label"
                )
                yield Input(placeholder="anybody with the link", id="email", compact=True)
                yield Static("Role", classes="label")
                yield Select(
                    [(role, role) for role in self._roles],
                    value="member",
                    allow_blank=False,
                    id="role",
                    compact=True,
                )
                yield Static("It can be used once, within", classes="label")
                yield Select(
                    _TIMES, value=24 * _HOUR, allow_blank=False, id="seconds", compact=True
                )
                with Horizontal(classes="buttons"):
                    yield Button("Make a link", variant="primary", id="make", compact=True)
                    yield Button("Cancel", id="cancel", compact=True)
            yield FailureLine()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Create the invite."""
        event.stop()
        self._create()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Create the invite, or close the dialog."""
        event.stop()
        if event.button.id == "make":
            self._create()
        else:
            self.dismiss(None)

    @work(group="invite", exclusive=True, exit_on_error=False)
    async def _create(self) -> None:
        try:
            request = CreateInvite(
                email=self.query_one("#email", Input).value.strip() or None,
                role=cast("ConversationRole", self.query_one("#role", Select).value),
                ttl_seconds=cast("int", self.query_one("#seconds", Select).value),
            )
            created = await self._client.create_invite(self._conversation.id, request)
        except ClientError as failure:
            self.query_one(FailureLine).show(failure.sentence)
        except ValueError as error:
            self.query_one(FailureLine).show(validation_sentence(error))
        else:
            link = invite_link(self._client.origin, created.token)
            await self.app.push_screen_wait(InviteLinkDialog(link))
            self.dismiss(None)


class InviteLinkDialog(ModalScreen[None]):
    """Shows the link of a new invite once."""

    BINDINGS = bindings("dialog")

    def __init__(self, link: str) -> None:
        super().__init__()
        self._link = link

    def compose(self) -> ComposeResult:
        """Create the link, and a button that copies it."""
        with Vertical(classes="dialog"), FormFields(classes="fields"):
            yield Static(Content.styled("The link of the invite", "bold"), classes="card-title")
            note = "Send it to one person: it can be used once, and is not shown again."
            yield Static(Content(note), classes="card-note")
            yield Static(Content(self._link), classes="card-title", id="link")
            with Horizontal(classes="buttons"):
                yield Button("Copy", variant="primary", id="copy", compact=True)
                yield Button("Done", id="done", compact=True)

    def on_mount(self) -> None:
        """Move the focus to the button that copies the link."""
        self.query_one("#copy").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Copy the link, or close the dialog."""
        event.stop()
        if event.button.id == "copy":
            self.app.copy_to_clipboard(self._link)
        else:
            self.dismiss(None)
