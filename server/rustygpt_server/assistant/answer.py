"""An answer in progress: its state and its text so far, and what is published of them."""

import asyncio
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.assistant.provider import CompletionChunk
from rustygpt_server.realtime.answer_status import AnswerState, AnswerStatusChanged
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.hub import Hub
from rustygpt_shared import text_rules
from rustygpt_shared.models.messages import Usage


class AnswerTarget(Struct, frozen=True):
    """The message that an answer is generated into, its place in the thread, and the model."""

    message_id: UUID
    conversation_id: UUID
    root_id: UUID
    parent_id: UUID
    depth: int
    model: str
    user_id: UUID | None = None
    """The user who asked."""


class AnswerInProgress:
    """The text of an answer while it grows; publishes at most one delta per interval."""

    def __init__(self, target: AnswerTarget, hub: Hub, interval: float) -> None:
        self.target = target
        self.message_id = target.message_id
        self.conversation_id = target.conversation_id
        self.content = ""
        self.reasoning = ""
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.is_over = False
        """True once its end is being published: nothing of it may follow."""
        self.omitted_messages: int | None = None
        """How many earlier messages did not fit into the prompt, if any."""
        self.stopped: Literal["cancelled", "error"] | None = None
        """Why the answer was stopped from outside, if it was."""
        self.prompt_tokens = 0
        """An estimate of the tokens of its prompt."""
        self._status: AnswerStatusChanged | None = None
        self._hub = hub
        self._interval = interval
        self._sent = (0, 0)
        self._delta_count = 0
        self._timer: asyncio.TimerHandle | None = None
        self.followers: set[asyncio.Event] = set()
        """Set whenever text is published."""

    @property
    def is_full(self) -> bool:
        """True when it has the length that a message may have at most."""
        return max(len(self.content), len(self.reasoning)) >= text_rules.MESSAGE_MAX

    @property
    def has_text(self) -> bool:
        """True once the model has sent text or reasoning."""
        return bool(self.content or self.reasoning)

    def set_queued(self, position: int | None = None) -> None:
        """Publish that other answers come first: how many, plus one, if it is known."""
        self._set_status("queued", queue_position=position)

    def set_waiting(self) -> None:
        """Publish that the model has got the prompt."""
        self._set_status("waiting")

    def set_writing(self, first_token_ms: int) -> None:
        """Publish that the model's text follows."""
        self._set_status("writing", first_token_ms=first_token_ms)

    def _set_status(self, state: AnswerState, **fields: int | None) -> None:
        target = self.target
        status = AnswerStatusChanged(
            message_id=target.message_id,
            conversation_id=target.conversation_id,
            root_id=target.root_id,
            state=state,
            omitted_messages=self.omitted_messages,
            **fields,
        )
        if status != self._status and not self.is_over:
            self._status = status
            self._hub.publish_status(status)

    def status_frame(self) -> bytes | None:
        """Return one frame with the present state; None before the first one."""
        return self._status.frame() if self._status else None

    def add(self, chunk: CompletionChunk) -> None:
        """Append a chunk, up to the length of a message; publish it within the interval."""
        self.content = (self.content + chunk.content)[: text_rules.MESSAGE_MAX]
        self.reasoning = (self.reasoning + chunk.reasoning)[: text_rules.MESSAGE_MAX]
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self.usage = chunk.usage or self.usage
        if self._timer is None and (chunk.content or chunk.reasoning):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval if self._delta_count else 0, self.flush)

    def flush(self) -> None:
        """Publish what has not been published yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        sent = self._sent
        now = (len(self.content), len(self.reasoning))
        if now != sent:
            self._sent = now
            delta = self._delta(*sent)
            self._delta_count += 1
            self._hub.publish_delta(delta)
            for follower in self.followers:
                follower.set()

    def full_text_frame(self) -> bytes | None:
        """Return one delta frame with all the text published so far; None while there is none."""
        return self._delta(0, 0).frame() if self._delta_count else None

    def republish(self) -> None:
        """Send the state and all the text published so far to the other processes."""
        if self._status and not self.is_over:
            self._hub.republish_status(self._status)
        if self._delta_count:
            self._hub.republish_delta(self._delta(0, 0))

    def _delta(self, content_from: int, reasoning_from: int) -> AnswerDelta:
        target = self.target
        return AnswerDelta(
            message_id=target.message_id,
            conversation_id=target.conversation_id,
            root_id=target.root_id,
            parent_id=target.parent_id,
            depth=target.depth,
            index=self._delta_count,
            offset=content_from,
            content=self.content[content_from : self._sent[0]],
            reasoning_offset=reasoning_from,
            reasoning=self.reasoning[reasoning_from : self._sent[1]],
        )
