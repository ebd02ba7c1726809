"""An answer on its way: which message it is, what of it is new, and how it ends.

It hears the events of a conversation, some of them perhaps twice after a reconnection, and tells
each piece of the text once.
"""

from dataclasses import dataclass, field
from uuid import UUID

from rustygpt_shared.events import (
    ErrorEvent,
    Event,
    MessageDelta,
    MessageDone,
    MessageNew,
    MessageUpdated,
)
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.store.partial_answer import OffsetBuffer


@dataclass
class AnswerTracker:
    """The answer to the message `parent_id`; `message` is None until it is begun."""

    parent_id: UUID
    message: MessageView | None = None
    finish_reason: str | None = None
    error: str | None = None
    """Why it failed, in the server's words."""
    _text: OffsetBuffer = field(default_factory=OffsetBuffer)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come, save for the reason of a failure."""
        return self.finish_reason is not None

    def feed(self, event: Event) -> list[str]:
        """The pieces of text that an event brings."""
        match event:
            case MessageNew(payload=shown) | MessageUpdated(payload=shown):
                return self.catch_up(shown.message)
            case MessageDelta(payload=delta) if self._is(delta.message_id):
                texts = [choice.delta.content or "" for choice in delta.choices]
                return self._new_text(delta.offset, "".join(texts))
            case MessageDone(payload=finished) if self._is(finished.message_id):
                self.finish_reason = finished.finish_reason
            case ErrorEvent(payload=trouble) if self._is(trouble.message_id):
                self.error = trouble.message
            case _:
                pass
        return []

    def catch_up(self, message: MessageView) -> list[str]:
        """The pieces of text that a snapshot of a message brings, when it is the answer."""
        first = message.role == "assistant" and message.parent_id == self.parent_id
        if not (self._is(message.id) or (self.message is None and first)):
            return []
        self.message = message
        if not message.streaming and message.finish_reason:
            self.finish_reason = message.finish_reason
        return self._new_text(0, message.content)

    def _is(self, id: UUID | None) -> bool:
        return self.message is not None and self.message.id == id

    def _new_text(self, offset: int, text: str) -> list[str]:
        """What of a piece was not told yet."""
        before = self._text.length
        return [text[before - offset :]] if self._text.add(offset, text) else []
