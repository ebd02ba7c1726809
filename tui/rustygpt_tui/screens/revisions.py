"""The dialog with the earlier texts of a message."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from rustygpt_shared.models.messages import Revision
from rustygpt_tui.render.text import clean, one_line
from rustygpt_tui.store.names import UNKNOWN, Names
from rustygpt_tui.widgets.bindings import bindings


class RevisionsDialog(ModalScreen[None]):
    """Earlier texts, latest first, with who replaced each and when; the texts are plain."""

    BINDINGS = bindings("dialog")

    def __init__(self, revisions: Sequence[Revision], names: Names, *, more: bool) -> None:
        """`more`: whether there are older texts than these."""
        super().__init__()
        self._revisions = revisions
        self._names = names
        self._more = more

    def compose(self) -> ComposeResult:
        """Create a heading and a text for each."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Earlier texts", "bold"), classes="card-title docked")
            with VerticalScroll(classes="revisions"):
                for revision in self._revisions:
                    yield Static(Content.styled(self._heading(revision), "$foreground 60%"))
                    yield Static(Content(clean(revision.content)), classes="card-title")
                if self._more:
                    yield Static("There are older ones: `rustygpt revisions` lists all of them.")

    def _heading(self, revision: Revision) -> str:
        who = self._names.labels.get(revision.replaced_by, UNKNOWN)
        time = f"{revision.replaced_at.astimezone():%Y-%m-%d %H:%M}"
        reason = f": {revision.reason}" if revision.reason else ""
        return one_line(f"{revision.change} by {who}, {time}{reason}")
