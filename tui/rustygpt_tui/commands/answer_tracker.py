"""The progress of one assistant answer: which of its text is new, and how it ended.

The tracker receives the events of a conversation, possibly twice after a reconnection, and returns
each part of the answer's text once.
"""

from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

from rustygpt_shared.events import (
    AnswerStatus,
    AnswerStatusPayload,
    ConversationDeleted,
    ConversationUpdated,
    ErrorEvent,
    Event,
    MembershipChanged,
    MessageDelta,
    MessageDeltaPayload,
    MessageDone,
    MessageNew,
    MessageUpdated,
    PresenceUpdate,
    StreamClosed,
    StreamOpen,
    StreamReset,
    ThreadActivity,
    ThreadNew,
    TypingUpdate,
    UnreadUpdate,
)
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.render.words import WordCount, queue_label, words_label
from rustygpt_tui.store.partial_answer import OffsetBuffer

_END_SENTENCES = {
    "cancelled": "The answer was stopped.",
    "timeout": "The answer took too long and was stopped.",
    "error": "The answer failed.",
}


@dataclass
class AnswerTracker:
    """The answer with the id `answer_id`, which the response to a post names."""

    answer_id: UUID
    seen: bool = False
    """True once an event or a snapshot has shown the answer."""
    finish_reason: str | None = None
    error: str | None = None
    """Why the answer failed, in the server's words."""
    status: AnswerStatusPayload | None = None
    """What happens to it, as far as the server said so."""
    omitted_messages: int = 0
    """How many earlier messages did not fit into the model's context."""
    _text: OffsetBuffer = field(default_factory=OffsetBuffer)
    _reasoning: OffsetBuffer = field(default_factory=OffsetBuffer)
    _reasoning_words: WordCount = field(default_factory=WordCount)

    @property
    def ended(self) -> bool:
        """True when no more text follows; the reason of a failure may still follow."""
        return self.finish_reason is not None

    @property
    def has_text(self) -> bool:
        """True once there is text."""
        return self._text.length > 0

    @property
    def failure(self) -> str | None:
        """Why the answer is not complete, once it has ended without success."""
        sentence = _END_SENTENCES.get(self.finish_reason or "")
        return sentence and (self.error or sentence)

    @property
    def progress(self) -> str:
        """What the answer is waiting for; empty once there is text, or the end."""
        if self.ended or self.has_text:
            return ""
        if self._reasoning.length:
            return f"thinking … {words_label(self._reasoning_words.update(self._reasoning.text))}"
        if self.status is None:
            return ""
        if self.status.state == "queued":
            return queue_label(self.status.queue_position)
        return "waiting for the model"

    def feed(self, event: Event) -> str:  # noqa: C901 - one case per event
        """Return the new text of the answer that an event brings."""
        match event:
            case MessageNew(payload=payload) | MessageUpdated(payload=payload):
                return self.catch_up(payload.message)
            case MessageDelta(payload=delta) if delta.message_id == self.answer_id:
                self._add_reasoning(delta)
                parts = [choice.delta.content or "" for choice in delta.choices]
                return self._new_text(delta.offset, "".join(parts))
            case AnswerStatus(payload=status) if status.message_id == self.answer_id:
                self.status = status
                self.omitted_messages = status.omitted_messages or self.omitted_messages
            case MessageDone(payload=done) if done.message_id == self.answer_id:
                self.finish_reason = done.finish_reason
            case ErrorEvent(payload=error) if error.message_id == self.answer_id:
                self.error = error.message
            case MessageDelta() | AnswerStatus() | MessageDone() | ErrorEvent():
                pass  # about another message
            case ThreadNew() | ThreadActivity() | ConversationUpdated() | MembershipChanged():
                pass
            case ConversationDeleted() | UnreadUpdate() | PresenceUpdate() | TypingUpdate():
                pass
            case StreamOpen() | StreamReset() | StreamClosed():
                pass
            case _:
                assert_never(event)
        return ""

    def catch_up(self, message: MessageView) -> str:
        """Return the new text of the answer that a snapshot of a message brings."""
        if message.id != self.answer_id:
            return ""
        self.seen = True
        if not message.streaming and message.finish_reason:
            self.finish_reason = message.finish_reason
        self.omitted_messages = message.omitted_messages or self.omitted_messages
        self._reasoning.add(0, message.reasoning or "")
        if message.error:
            self.error = message.error.message
        return self._new_text(0, message.content)

    def _add_reasoning(self, delta: MessageDeltaPayload) -> None:
        parts = [choice.delta.reasoning or "" for choice in delta.choices]
        self._reasoning.add(delta.reasoning_offset or 0, "".join(parts))

    def _new_text(self, offset: int, text: str) -> str:
        """Return the part of a text at `offset` that was not returned before."""
        before = self._text.length
        return text[before - offset :] if self._text.add(offset, text) else ""
