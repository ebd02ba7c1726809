"""What `ComposeController` needs of the pane that it writes in."""

from typing import Protocol
from uuid import UUID

from rustygpt_tui.conversation.message_sender import PendingMessage


class ComposeView(Protocol):
    """The text field, and the lines and messages around it."""

    @property
    def composed_text(self) -> str:
        """The text in the text field."""

    @property
    def accepts_text(self) -> bool:
        """False when the field is read-only or gone."""

    def set_composed_text(self, text: str) -> None:
        """Replace the text in the text field, without a report of typing."""

    def redraw_chrome(self) -> None:
        """Redraw the lines around the messages: the target or the failure changed."""

    def redraw_pending(self) -> None:
        """Redraw the unconfirmed messages: they changed."""

    def notify_error(self, text: str) -> None:
        """Show an error that belongs to another thread than the open one."""

    def start_sending(self, message: PendingMessage) -> None:
        """Run `ComposeController.send` in the background."""

    def announce_thread(self, root_id: UUID) -> None:
        """Report that the new thread was posted while it is still open for writing."""
