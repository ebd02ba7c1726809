"""The text of an answer while it streams: the only mutable data in the store.

Up to thirty deltas arrive per second; copying the state for each would cost more than the delta
itself. Widgets compare lengths to find out what is new.
"""

from dataclasses import dataclass, field
from uuid import UUID

from rustygpt_shared.events import MessageDeltaPayload
from rustygpt_shared.models.messages import MessageView


@dataclass(slots=True)
class OffsetBuffer:
    """A text assembled from parts, each addressed by the number of code points before it."""

    length: int = 0
    _parts: list[str] = field(default_factory=list)

    def add(self, offset: int, text: str) -> bool:
        """Append the new end of a part and return True; return False when nothing is new.

        A part that begins beyond the end of the text is ignored: something before it is missing.
        """
        overlap = self.length - offset
        if overlap < 0 or overlap >= len(text):
            return False
        self._parts.append(text[overlap:])
        self.length += len(text) - overlap
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
        """Append the text of a snapshot that goes beyond the text here."""
        self.content.add(0, message.content)
        self.reasoning.add(0, message.reasoning or "")

    def apply_delta(self, delta: MessageDeltaPayload) -> bool:
        """Append the new text of a delta; return True when there was any."""
        has_grown = False
        for choice in delta.choices:
            if choice.delta.content:
                has_grown |= self.content.add(delta.offset, choice.delta.content)
            if choice.delta.reasoning:
                offset = delta.reasoning_offset or 0
                has_grown |= self.reasoning.add(offset, choice.delta.reasoning)
        return has_grown
