"""What the transcript reports to its screen, as Textual messages."""

from typing import Literal

from textual.message import Message

from rustygpt_shared.models.messages import MessageView

Direction = Literal["above", "below"]


class TranscriptReports:
    """Messages of the transcript; handlers refer to them as `Transcript.ViewChanged` and so on."""

    class CursorMoved(Message, namespace="transcript"):
        """Another message is selected."""

    class EndSeen(Message, namespace="transcript"):
        """The end of the thread is in view."""

    class ViewChanged(Message, namespace="transcript"):
        """What is in view may have changed; posted once per refresh."""

    class NearStart(Message, namespace="transcript"):
        """The view is near the first entry, and there are earlier messages."""

    class NearEnd(Message, namespace="transcript"):
        """The view is near the last entry, and there are later messages."""

    class StartRequested(Message, namespace="transcript"):
        """The user wants to go to the start of the thread, which is not among the entries."""

    class EndRequested(Message, namespace="transcript"):
        """The user wants to go to the end of the thread, which is not among the entries."""

    class ParentRequested(Message, namespace="transcript"):
        """The user wants to go to the parent of a message, which is not among the entries."""

        def __init__(self, message: MessageView) -> None:
            super().__init__()
            self.message = message

    class SiblingRequested(Message, namespace="transcript"):
        """The user wants to go to another reply to a message's parent, beyond the entries."""

        def __init__(self, message: MessageView, step: int) -> None:
            super().__init__()
            self.message = message
            self.step = step
            """1 for the next reply, -1 for the previous one."""

    class PillClicked(Message, namespace="transcript"):
        """The bar at the top or at the bottom of the view was clicked."""

        def __init__(self, direction: Direction) -> None:
            super().__init__()
            self.direction = direction

    class LinkClicked(Message, namespace="transcript"):
        """A link was clicked."""

        def __init__(self, href: str) -> None:
            super().__init__()
            self.href = href
