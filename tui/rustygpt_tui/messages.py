"""Textual messages used by several screens; a widget's own messages are defined in the widget."""

from uuid import UUID

from textual.message import Message

from rustygpt_tui.client.feed import Connection
from rustygpt_tui.store.state import Changes


class StoreChanged(Message):
    """The state of a loaded conversation changed; posted at most 30 times a second."""

    def __init__(self, conversation_id: UUID, changes: Changes) -> None:
        super().__init__()
        self.conversation_id = conversation_id
        self.changes = changes


class ListChanged(Message):
    """The list of conversations changed."""


class ConnectionChanged(Message):
    """The connection of the event stream changed."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
