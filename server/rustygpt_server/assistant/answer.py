"""An answer in progress: its text so far, and the deltas readers get of it."""

import asyncio
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.assistant.provider import Piece
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.passages import Passage
from rustygpt_shared import text
from rustygpt_shared.models.messages import Usage


class Place(Struct, frozen=True):
    """Where an answer stands."""

    message_id: UUID
    conversation_id: UUID
    root_id: UUID
    parent_id: UUID
    depth: int
    model: str


class Answer:
    """The text of an answer while it grows; tells readers at most once per interval."""

    def __init__(self, place: Place, hub: Hub, interval: float) -> None:
        self.place = place
        self.message_id = place.message_id
        self.conversation_id = place.conversation_id
        self.content = ""
        self.reasoning = ""
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.stopped: Literal["cancelled", "error"] | None = None
        """Why it was stopped from outside."""
        self._hub = hub
        self._interval = interval
        self._told = (0, 0)
        self._deltas = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_full(self) -> bool:
        """Whether it is as long as a message may be."""
        return max(len(self.content), len(self.reasoning)) >= text.MESSAGE_MAX

    def add(self, piece: Piece) -> None:
        """Grow by a piece, to a message's length at most; readers hear within the interval."""
        self.content = (self.content + piece.content)[: text.MESSAGE_MAX]
        self.reasoning = (self.reasoning + piece.reasoning)[: text.MESSAGE_MAX]
        self.finish_reason = piece.finish_reason or self.finish_reason
        self.usage = piece.usage or self.usage
        if self._timer is None and (piece.content or piece.reasoning):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval if self._deltas else 0, self.tell)

    def tell(self) -> None:
        """Tell readers what they have not heard."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        told = self._told
        now = (len(self.content), len(self.reasoning))
        if now != told:
            self._told = now
            passage = self._passage(*told)
            self._deltas += 1
            self._hub.tell_passage(passage)

    def whole(self) -> bytes | None:
        """One delta with all that readers were told so far."""
        return self._passage(0, 0).frame() if self._deltas else None

    def say_again(self) -> None:
        """Tell other processes all that readers were told so far."""
        if self._deltas:
            self._hub.backplane.say(self._passage(0, 0))

    def _passage(self, content_from: int, reasoning_from: int) -> Passage:
        place = self.place
        return Passage(
            message_id=place.message_id,
            conversation_id=place.conversation_id,
            root_id=place.root_id,
            parent_id=place.parent_id,
            depth=place.depth,
            index=self._deltas,
            offset=content_from,
            content=self.content[content_from : self._told[0]],
            reasoning_offset=reasoning_from,
            reasoning=self.reasoning[reasoning_from : self._told[1]],
        )
