"""The actions of the keys that add something to the next message, for the main screen."""

from textual.dom import DOMNode

from rustygpt_tui.screens.compose_extras import ComposeExtras
from rustygpt_tui.screens.thread_pane import ThreadPane


class ComposeKeysMixin(DOMNode):
    """For the screen that has the pane; list it after the widget class."""

    @property
    def _extras(self) -> ComposeExtras:
        return self.query_one(ThreadPane).extras

    def action_attach(self) -> None:
        """Attach a file, or what was just pasted."""
        self._extras.attach()

    def action_remove_attachment(self) -> None:
        """Remove an attachment."""
        self._extras.remove()

    def action_next_model(self) -> None:
        """Choose the model of the next message."""
        self._extras.choose_model()
