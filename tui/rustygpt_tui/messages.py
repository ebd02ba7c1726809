"""Textual messages used by several screens; a widget's own messages are defined in the widget."""

from textual.message import Message

from rustygpt_tui.client.feed import Connecting, Disconnected, Live
from rustygpt_tui.store.state import Changes


class StoreChanged(Message):
    """The state of the open conversation changed; posted at most 30 times a second."""

    def __init__(self, changes: Changes) -> None:
        super().__init__()
        self.changes = changes


class ConnectionChanged(Message):
    """The connection of the open conversation's event stream changed."""

    def __init__(self, connection: Connecting | Live | Disconnected) -> None:
        super().__init__()
        self.connection = connection
