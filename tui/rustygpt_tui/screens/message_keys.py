"""The actions of the keys that change the selected message, for the main screen."""

from textual import on
from textual.dom import DOMNode

from rustygpt_tui.screens.message_changes import MessageChangesPane
from rustygpt_tui.widgets.transcript.widget import Transcript


class MessageKeysMixin(DOMNode):
    """For the screen that has the pane; list it after the widget class."""

    def show_hints(self) -> None:
        """Show the keys that are useful now; the screen does."""
        raise NotImplementedError

    @on(Transcript.CursorMoved)
    def _on_cursor_moved(self) -> None:
        self.show_hints()

    @property
    def message_changes(self) -> MessageChangesPane:
        """The pane with the selected message."""
        return self.query_one(MessageChangesPane)

    def action_edit_message(self) -> None:
        """Edit the selected message, or ask again with a changed text."""
        self.message_changes.edit()

    def action_delete_message(self) -> None:
        """Delete the selected message, after a question."""
        self.message_changes.delete()

    def action_restore_message(self) -> None:
        """Restore the selected message."""
        self.message_changes.restore()

    def action_regenerate(self) -> None:
        """Generate another answer beside the selected one."""
        self.message_changes.regenerate()

    def action_regenerate_with(self) -> None:
        """Choose a model, and generate another answer with it."""
        self.message_changes.regenerate_with()

    def action_compare(self) -> None:
        """Show the answers to the same question beside each other."""
        self.message_changes.compare()

    def action_revisions(self) -> None:
        """Show the earlier texts of the selected message."""
        self.message_changes.show_revisions()
