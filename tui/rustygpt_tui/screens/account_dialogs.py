"""Opens the dialogs about the user's account: sessions, tokens, password, joining by an invite."""

from collections.abc import Callable
from uuid import UUID

from textual.screen import Screen

from rustygpt_tui.client.http import Client
from rustygpt_tui.client.invites import invite_token
from rustygpt_tui.errors import ClientError
from rustygpt_tui.screens.invite import JoinDialog
from rustygpt_tui.screens.password import PasswordDialog
from rustygpt_tui.screens.sessions import SessionsDialog
from rustygpt_tui.screens.tokens import TokensDialog


class AccountDialogs:
    """The dialogs over a screen; requests run as workers of that screen."""

    def __init__(
        self, screen: Screen[None], client: Client, *, on_joined: Callable[[UUID], None]
    ) -> None:
        """`on_joined` gets the id of a conversation that the user has joined."""
        self._screen = screen
        self._client = client
        self._on_joined = on_joined

    def show_sessions(self) -> None:
        """Show where the user is signed in."""
        self._screen.app.push_screen(SessionsDialog(self._client))

    def show_tokens(self) -> None:
        """Show the personal tokens, with which programs sign in as the user."""
        self._screen.app.push_screen(TokensDialog(self._client))

    def change_password(self) -> None:
        """Ask for the current and a new password."""

        def on_closed(is_changed: bool | None) -> None:
            if is_changed:
                sentence = "Your password is changed, and your other sessions have ended."
                self._screen.notify(sentence, markup=False)

        self._screen.app.push_screen(PasswordDialog(self._client), on_closed)

    def ask_for_invite(self) -> None:
        """Ask for the link of an invite, and join its conversation."""

        def on_closed(conversation_id: UUID | None) -> None:
            if conversation_id:
                self._on_joined(conversation_id)

        self._screen.app.push_screen(JoinDialog(self._client), on_closed)

    def join(self, text: str) -> None:
        """Join the conversation of an invite, given its link or token."""
        self._screen.run_worker(self._join(text), group="join", exit_on_error=False)

    async def _join(self, text: str) -> None:
        try:
            token = invite_token(text, self._client.origin)
            accepted = await self._client.accept_invite(token)
        except ClientError as failure:
            self._screen.notify(failure.sentence, severity="error", markup=False)
        else:
            self._on_joined(accepted.conversation_id)
