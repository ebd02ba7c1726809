"""An answer in progress: its text so far, and the deltas readers get of it."""

import asyncio
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.assistant.provider import CompletionChunk
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.hub import Hub
from rustygpt_shared import text_rules
from rustygpt_shared.models.messages import Usage


class AnswerTarget(Struct, frozen=True):
    """Where an answer stands."""

    message_id: UUID
    conversation_id: UUID
    root_id: UUID
    parent_id: UUID
    depth: int
    model: str


class AnswerInProgress:
    """The text of an answer while it grows; tells readers at most once per interval."""

    def __init__(self, target: AnswerTarget, hub: Hub, interval: float) -> None:
        self.target = target
        self.message_id = target.message_id
        self.conversation_id = target.conversation_id
        self.content = ""
        self.reasoning = ""
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.stopped: Literal["cancelled", "error"] | None = None
        """Why it was stopped from outside."""
        self._hub = hub
        self._interval = interval
        self._sent = (0, 0)
        self._delta_count = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_full(self) -> bool:
        """Whether it is as long as a message may be."""
        return max(len(self.content), len(self.reasoning)) >= text_rules.MESSAGE_MAX

    def add(self, chunk: CompletionChunk) -> None:
        """Grow by a piece, to a message's length at most; readers hear within the interval."""
        self.content = (self.content + chunk.content)[: text_rules.MESSAGE_MAX]
        self.reasoning = (self.reasoning + chunk.reasoning)[: text_rules.MESSAGE_MAX]
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self.usage = chunk.usage or self.usage
        if self._timer is None and (chunk.content or chunk.reasoning):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval if self._delta_count else 0, self.flush)

    def flush(self) -> None:
        """Tell readers what they have not heard."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        told = self._sent
        now = (len(self.content), len(self.reasoning))
        if now != told:
            self._sent = now
            passage = self._delta(*told)
            self._delta_count += 1
            self._hub.publish_delta(passage)

    def full_text_frame(self) -> bytes | None:
        """One delta with all that readers were told so far."""
        return self._delta(0, 0).frame() if self._delta_count else None

    def republish(self) -> None:
        """Tell other processes all that readers were told so far."""
        if self._delta_count:
            self._hub.republish_delta(self._delta(0, 0))

    def _delta(self, content_from: int, reasoning_from: int) -> AnswerDelta:
        place = self.target
        return AnswerDelta(
            message_id=place.message_id,
            conversation_id=place.conversation_id,
            root_id=place.root_id,
            parent_id=place.parent_id,
            depth=place.depth,
            index=self._delta_count,
            offset=content_from,
            content=self.content[content_from : self._sent[0]],
            reasoning_offset=reasoning_from,
            reasoning=self.reasoning[reasoning_from : self._sent[1]],
        )
