"""The dialogs of invites: joining by one, making one, the list of live ones, revoking one."""

from collections.abc import Sequence
from functools import partial
from typing import cast
from uuid import UUID

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Select, Static

from rustygpt_shared.models.invites import Invite
from rustygpt_shared.requests import ConversationRole, CreateInvite
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.invites import invite_link, invite_token
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.confirm_dialogs import ConfirmDialog
from rustygpt_tui.screens.form_dialog import FormDialog
from rustygpt_tui.screens.list_dialog import DIM, ListDialog
from rustygpt_tui.screens.show_once import ShowOnceDialog
from rustygpt_tui.widgets.controls import Button

_ROLES: tuple[ConversationRole, ...] = ("viewer", "member", "admin", "owner")
_HOUR = 3_600
_TIMES = (("an hour", _HOUR), ("a day", 24 * _HOUR), ("a week", 168 * _HOUR))


class JoinDialog(FormDialog[UUID]):
    """The link of an invite; dismissed with the id of the conversation that it leads to."""

    HEADING = "Join by an invite: paste its link"
    BUTTON = "Join"

    def fields(self) -> ComposeResult:
        """Create the field of the link."""
        yield Input(id="link", compact=True)

    async def submit(self) -> UUID:
        """Accept the invite."""
        token = invite_token(self.query_one("#link", Input).value, self._client.origin)
        return (await self._client.accept_invite(token)).conversation_id


class InviteDialog(FormDialog[None]):
    """Role, address and time of an invite; the link is shown once."""

    HEADING = "Invite by a link"
    BUTTON = "Make a link"

    def __init__(self, client: Client, conversation: ConversationSession, my_role: str) -> None:
        """Roles up to `my_role` are offered."""
        super().__init__(client)
        self._conversation = conversation
        self._roles = _ROLES[: _ROLES.index(cast("ConversationRole", my_role)) + 1]

    def fields(self) -> ComposeResult:
        """Create the three fields."""
        yield Static("E-mail address, if only its account may use the link", classes="label")
        yield Input(placeholder="anybody with the link", id="email", compact=True)
        yield Static("Role", classes="label")
        roles = [(role, role) for role in self._roles]
        yield Select(roles, value="member", allow_blank=False, id="role", compact=True)
        yield Static("It can be used once, within", classes="label")
        yield Select(_TIMES, value=24 * _HOUR, allow_blank=False, id="seconds", compact=True)

    def other_buttons(self) -> ComposeResult:
        """Create the button that leads to the live invites."""
        yield Button("Live invites …", id="list", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Show the live invites."""
        if event.button.id == "list":
            self.app.push_screen(InvitesDialog(self._client, self._conversation))

    async def submit(self) -> None:
        """Create the invite, and show its link once."""
        request = CreateInvite(
            email=self.query_one("#email", Input).value.strip() or None,
            role=cast("ConversationRole", self.query_one("#role", Select).value),
            ttl_seconds=cast("int", self.query_one("#seconds", Select).value),
        )
        created = await self._client.create_invite(self._conversation.id, request)
        link = invite_link(self._client.origin, created.token)
        note = "Send it to one person: it can be used once, and is not shown again."
        await self.app.push_screen_wait(ShowOnceDialog("The link of the invite", note, link))


class InvitesDialog(ListDialog[Invite]):
    """The live invites of a conversation, newest first; enter revokes one."""

    HEADING = "Live invites"
    NOTE = "Enter revokes an invite."
    EMPTY = "There is no invite that can still be used."

    def __init__(self, client: Client, conversation: ConversationSession) -> None:
        super().__init__(client)
        self._conversation = conversation

    async def fetch(self) -> Sequence[Invite]:
        """Return the invites that can still be used."""
        listed = self._client.all_invites(self._conversation.id)
        return [invite async for invite in listed if invite.state == "live"]

    def describe(self, item: Invite) -> Content:
        """Return role and address, and below them until when it can be used and who made it."""
        state = self._conversation.state
        maker = one_line(state.name_of(item.created_by)) if state else ""
        facts = f"\nuntil {item.expires_at.astimezone():%Y-%m-%d %H:%M}, by {maker}"
        return Content.assemble(_subject(item), (facts, DIM))

    def choose(self, item: Invite) -> None:
        """Ask before the invite is revoked."""

        def on_answer(is_confirmed: bool | None) -> None:
            if is_confirmed:
                self.reload(partial(self._client.revoke_invite, str(item.id)))

        subject = f"{_subject(item)}: its link cannot be used any more."
        self.app.push_screen(ConfirmDialog("Revoke this invite?", subject, "Revoke"), on_answer)


def _subject(invite: Invite) -> str:
    return f"{one_line(invite.role)}, {one_line(invite.email or 'anybody with the link')}"
