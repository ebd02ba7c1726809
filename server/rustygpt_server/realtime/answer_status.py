"""The state of an answer in progress, as it is sent between processes and to subscribers."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_shared import codec
from rustygpt_shared.events import AnswerStatusPayload

AnswerState = Literal["queued", "waiting", "writing"]


class AnswerStatusChanged(Struct, frozen=True, array_like=True, tag="status", kw_only=True):
    """An answer has this state now; the latest one counts, and its end is another message."""

    message_id: UUID
    conversation_id: UUID
    root_id: UUID
    state: AnswerState
    queue_position: int | None = None
    first_token_ms: int | None = None
    omitted_messages: int | None = None

    def frame(self) -> bytes:
        """Return the `answer.status` frame that subscribers get."""
        payload = AnswerStatusPayload(
            conversation_id=self.conversation_id,
            root_id=self.root_id,
            message_id=self.message_id,
            state=self.state,
            queue_position=self.queue_position,
            first_token_ms=self.first_token_ms,
            omitted_messages=self.omitted_messages,
        )
        return codec.sse_frame("answer.status", codec.encode(payload))
