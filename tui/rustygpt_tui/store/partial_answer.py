"""The text of an answer while it comes: the one thing in the store that changes in place.

Deltas come up to thirty times a second, and a state that was copied for each would cost more than
what it tells. Whoever draws a tail compares lengths.
"""

from dataclasses import dataclass, field
from uuid import UUID

from rustygpt_shared.events import MessageDeltaPayload
from rustygpt_shared.models.messages import MessageView


@dataclass(slots=True)
class OffsetBuffer:
    """A text that grows by pieces addressed by the number of code points before them."""

    length: int = 0
    _parts: list[str] = field(default_factory=list)

    def add(self, offset: int, text: str) -> bool:
        """Take what is new in a piece; one after a hole is left out. Tells whether it grew."""
        known = self.length - offset
        if known < 0 or known >= len(text):
            return False
        self._parts.append(text[known:])
        self.length += len(text) - known
        return True

    @property
    def text(self) -> str:
        """The text so far."""
        if len(self._parts) > 1:
            self._parts[:] = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""


@dataclass(slots=True)
class PartialAnswer:
    """An answer in progress."""

    message_id: UUID
    root_id: UUID
    content: OffsetBuffer = field(default_factory=OffsetBuffer)
    reasoning: OffsetBuffer = field(default_factory=OffsetBuffer)

    def merge_snapshot(self, message: MessageView) -> None:
        """Take what a snapshot of the message tells beyond this."""
        self.content.add(0, message.content)
        self.reasoning.add(0, message.reasoning or "")

    def apply_delta(self, delta: MessageDeltaPayload) -> bool:
        """Take a delta; tells whether anything in it was new."""
        grown = False
        for choice in delta.choices:
            if choice.delta.content:
                grown |= self.content.add(delta.offset, choice.delta.content)
            if choice.delta.reasoning:
                offset = delta.reasoning_offset or 0
                grown |= self.reasoning.add(offset, choice.delta.reasoning)
        return grown
