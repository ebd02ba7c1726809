"""The dialog of the user's own sessions: where they are signed in, and ending one."""

from collections.abc import Sequence
from uuid import UUID

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from rustygpt_shared.models.users import OwnSession
from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.form import FailureLine, FormFields

_DIM = "$foreground 60%"
_AGENT_CELLS = 24


class SessionsDialog(ModalScreen[None]):
    """The sessions, newest first; enter ends one."""

    BINDINGS = bindings("dialog")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._sessions: Sequence[OwnSession] = []

    def compose(self) -> ComposeResult:
        """Create the list."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(Content.styled("Your sessions", "bold"), classes="card-title")
                yield OptionList(id="sessions", markup=False)
                yield Static(Content("Enter ends a session."), classes="label")
            yield FailureLine()

    def on_mount(self) -> None:
        """Fetch the sessions."""
        self._refresh(None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Ask before the chosen session is ended."""
        event.stop()
        session = next(one for one in self._sessions if str(one.id) == event.option_id)
        label = "Sign out here" if session.current else "End this session"

        def on_chosen(choice: str | None) -> None:
            if choice and session.current:
                self.dismiss(None)
                self.app.call_later(self.app.run_action, "app.sign_out")
            elif choice:
                self._refresh(session.id)

        dialog = ChooseDialog(_name(session), [Choice("end", label)])
        self.app.push_screen(dialog, on_chosen)

    @work(group="sessions", exclusive=True, exit_on_error=False)
    async def _refresh(self, ended: UUID | None) -> None:
        """End a session, if one is given, and list the others."""
        failure_line = self.query_one(FailureLine)
        failure_line.hide()
        try:
            if ended:
                await self._client.end_session(ended)
            self._sessions = (await self._client.list_sessions()).sessions
        except ClientError as failure:
            failure_line.show(failure.sentence)
        self._show()

    def _show(self) -> None:
        option_list = self.query_one("#sessions", OptionList)
        option_list.clear_options()
        for session in self._sessions:
            seen = session.last_seen_at or session.issued_at
            facts = f"  {one_line(session.address or '')}  {seen.astimezone():%Y-%m-%d %H:%M}"
            here = "  this one" if session.current else ""
            prompt = Content.assemble(_name(session), (facts, _DIM), (here, "$text-success"))
            option_list.add_option(Option(prompt, id=str(session.id)))
        option_list.highlighted = 0 if self._sessions else None
        option_list.focus()


def _name(session: OwnSession) -> str:
    return shorten(one_line(session.user_agent or "unknown program"), _AGENT_CELLS)
