"""Messages that several screens understand; those of one widget stand in that widget."""

from textual.message import Message

from rustygpt_tui.client.feed import Connecting, Disconnected, Live
from rustygpt_tui.store.state import Changes


class StoreChanged(Message):
    """The state of the open conversation is new; at most thirty of these come a second."""

    def __init__(self, changes: Changes) -> None:
        super().__init__()
        self.changes = changes


class ConnectionChanged(Message):
    """The stream of the open conversation is being opened, open, or lost."""

    def __init__(self, connection: Connecting | Live | Disconnected) -> None:
        super().__init__()
        self.connection = connection
