"""A part of an answer's text, as it is sent between processes and to subscribers."""

from collections.abc import Iterator
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from rustygpt_shared import codec
from rustygpt_shared.events import DeltaChoice, DeltaText, MessageDeltaPayload


class AnswerDelta(Struct, frozen=True, array_like=True, tag="delta", kw_only=True):
    """Text that was added to an answer; an offset is the number of code points before it."""

    message_id: UUID
    conversation_id: UUID
    root_id: UUID
    parent_id: UUID
    depth: int
    index: int
    """The ordinal of this delta within its answer."""
    offset: int
    content: str
    reasoning_offset: int
    reasoning: str

    def frame(self) -> bytes:
        """Return the `message.delta` frame that subscribers get."""
        is_first = self.offset == self.reasoning_offset == 0
        text = DeltaText(
            role="assistant" if is_first else None,
            content=self.content,
            reasoning=self.reasoning or None,
        )
        payload = MessageDeltaPayload(
            id=f"{self.message_id}:{self.index}",
            object="chat.completion.chunk",
            root_id=self.root_id,
            message_id=self.message_id,
            conversation_id=self.conversation_id,
            parent_id=self.parent_id,
            depth=self.depth,
            offset=self.offset,
            reasoning_offset=self.reasoning_offset if self.reasoning else None,
            choices=[DeltaChoice(0, text)],
        )
        return codec.sse_frame("message.delta", codec.encode(payload))

    def merged_with(self, other: "AnswerDelta") -> "AnswerDelta | None":
        """Return this delta and the one that follows it as one, or None if it does not follow."""
        ends = (self.offset + len(self.content), self.reasoning_offset + len(self.reasoning))
        starts = (other.offset, other.reasoning_offset)
        if self.message_id != other.message_id or ends != starts:
            return None
        return replace(
            self,
            index=other.index,
            content=self.content + other.content,
            reasoning=self.reasoning + other.reasoning,
        )

    def split(self) -> Iterator["AnswerDelta"]:
        """Return the same text as two deltas that follow each other."""
        if len(self.content) > len(self.reasoning):
            cut = len(self.content) // 2
            yield replace(self, content=self.content[:cut])
            yield replace(
                self,
                offset=self.offset + cut,
                content=self.content[cut:],
                reasoning_offset=self.reasoning_offset + len(self.reasoning),
                reasoning="",
            )
        else:
            cut = len(self.reasoning) // 2
            yield replace(self, content="", reasoning=self.reasoning[:cut])
            yield replace(
                self,
                reasoning_offset=self.reasoning_offset + cut,
                reasoning=self.reasoning[cut:],
            )
