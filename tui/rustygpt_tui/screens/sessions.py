"""The dialog of the user's own sessions: where they are signed in, and ending one."""

from collections.abc import Sequence
from functools import partial

from textual.content import Content

from rustygpt_shared.models.users import OwnSession
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.screens.list_dialog import DIM, ListDialog

_AGENT_CELLS = 24


class SessionsDialog(ListDialog[OwnSession]):
    """The sessions, newest first; enter ends one."""

    HEADING = "Your sessions"
    NOTE = "Enter ends a session."

    async def fetch(self) -> Sequence[OwnSession]:
        """Return the user's sessions."""
        return (await self._client.list_sessions()).sessions

    def describe(self, item: OwnSession) -> Content:
        """Return the program, the address and the time of the last request."""
        seen = item.last_seen_at or item.issued_at
        facts = f"  {one_line(item.address or '')}  {seen.astimezone():%Y-%m-%d %H:%M}"
        here = "  this one" if item.current else ""
        return Content.assemble(_name(item), (facts, DIM), (here, "$text-success"))

    def choose(self, item: OwnSession) -> None:
        """Ask before the session is ended."""

        def on_chosen(choice: str | None) -> None:
            if choice and item.current:
                self.dismiss(None)
                self.app.call_later(self.app.run_action, "app.sign_out")
            elif choice:
                self.reload(partial(self._client.end_session, item.id))

        label = "Sign out here" if item.current else "End this session"
        self.app.push_screen(ChooseDialog(_name(item), [Choice("end", label)]), on_chosen)


def _name(session: OwnSession) -> str:
    return shorten(one_line(session.user_agent or "unknown program"), _AGENT_CELLS)
