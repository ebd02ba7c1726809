"""Bring channels up to the log: after gaps, and when another process has gone on.

Whoever learns of a number only notes it here; one task reads for all channels that are behind.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import islice
from typing import Any, Final, Protocol
from uuid import UUID

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import RequestError, Unavailable
from rustygpt_server.realtime.channel import Channel
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log

_log = log(__name__)

CHANNELS_PER_READ: Final = 20
EVENTS_PER_CHANNEL: Final = 50

Work = Callable[[], Coroutine[Any, Any, None]]


class EventLog(Protocol):
    """The durable events, as the database keeps them."""

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[EventRecord]:
        """The events after a number, in order."""

    async def read_batch(self, cursors: Mapping[UUID, int], limit: int) -> list[EventRecord]:
        """The next events of several conversations, each after its number."""

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """How far conversations' logs go."""


class CatchUp:
    """The one reader of the log for a process's live channels."""

    def __init__(
        self,
        event_log: EventLog,
        channels: Mapping[UUID, Channel],
        runtime: Runtime,
        delivery_grace: float = 0,
    ) -> None:
        """`patience` is how long events that no log has may be on their way, in seconds."""
        self._log = event_log
        self._channels = channels
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._delivery_grace = delivery_grace
        self._behind: dict[UUID, None] = {}
        self._tasks: dict[object, asyncio.Task[None]] = {}
        self._on_caught_up: list[Callable[[UUID], None]] = []
        self._on_rewind: list[Callable[[UUID, int], None]] = []

    def on_caught_up(self, listener: Callable[[UUID], None]) -> None:
        """Call a function with each conversation that has caught up."""
        self._on_caught_up.append(listener)

    def on_rewind(self, listener: Callable[[UUID, int], None]) -> None:
        """Call a function with each conversation whose log went back, and where it ends now."""
        self._on_rewind.append(listener)

    def advance(self, conversation_id: UUID, number: int) -> None:
        """A conversation's log goes as far as a number; who follows it here gets there soon."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            return
        channel.log_end = max(channel.log_end, number)
        if channel.position is not None and channel.position < channel.log_end:
            self._behind[conversation_id] = None
            self._start("read", self._read_all)

    def schedule_gap_check(self, channel: Channel) -> None:
        """An event is missing before others; most gaps close by themselves in a moment."""

        async def check_again() -> None:
            await self._clock.sleep(self._limits.gap_grace)
            self.advance(channel.conversation_id, channel.highest_buffered())

        self._start(channel.conversation_id, check_again)

    def confirm(self, channel: Channel) -> None:
        """What was noted may have come by another way."""
        if channel.conversation_id in self._behind:
            self._mark_caught_up(channel)

    def is_behind(self, conversation_id: UUID) -> bool:
        """Whether readers here lack events that are known to exist."""
        return conversation_id in self._behind

    def schedule_check(self) -> None:
        """Compare all followed conversations with the log."""
        self._start("check", self.check)

    async def check(self) -> None:
        """Compare all followed conversations with the log, in one statement."""
        followed = {
            one.conversation_id: one.position
            for one in self._channels.values()
            if one.position is not None
        }
        if not followed:
            return
        for conversation_id, number in (await self._log.positions(list(followed))).items():
            if number < followed[conversation_id]:
                self._handle_rewind(conversation_id, number)
            self.advance(conversation_id, number)

    def _handle_rewind(self, conversation_id: UUID, number: int) -> None:
        """The log ends before what was read from it: the database is one of an earlier time.

        Its numbers are given a second time, to other events.
        """
        channel = self._channels.get(conversation_id)
        if channel is not None:
            _log.warning("the log went back", conversation=str(conversation_id), number=number)
            channel.log_end = number
            channel.jump_to(number)
            for listener in self._on_rewind:
                listener(conversation_id, number)

    async def stop(self) -> None:
        """Read no more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, key: object, work: Work) -> None:
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._guard(key, work))

    async def _guard(self, key: object, work: Work) -> None:
        try:
            await work()
        except RequestError as error:  # the next check comes anyway
            _log.info("positions could not be compared", reason=str(error))
        finally:
            del self._tasks[key]

    async def _read_all(self) -> None:
        if self._delivery_grace:
            await self._clock.sleep(self._delivery_grace)
        while self._behind:
            cursors = {}
            for conversation_id in list(islice(self._behind, CHANNELS_PER_READ)):
                channel = self._channels.get(conversation_id)
                if channel is None or channel.position is None:
                    del self._behind[conversation_id]
                elif channel.position >= channel.log_end:
                    self._mark_caught_up(channel)
                else:
                    cursors[conversation_id] = channel.position
            if not cursors:
                continue
            try:
                await self._apply(cursors, await self._log.read_batch(cursors, EVENTS_PER_CHANNEL))
            except Unavailable:
                await self._clock.sleep(self._limits.log_retry)

    async def _apply(self, cursors: Mapping[UUID, int], events: Iterable[EventRecord]) -> None:
        events_by_conversation: dict[UUID, list[EventRecord]] = {}
        for event in events:
            events_by_conversation.setdefault(event.conversation_id, []).append(event)
        for conversation_id, after in cursors.items():
            channel = self._channels.get(conversation_id)
            if channel is None:
                self._behind.pop(conversation_id, None)
                continue
            channel.publish(events_by_conversation.get(conversation_id, []))
            if channel.position == after:
                await self._skip_missing(channel, events_by_conversation.get(conversation_id, []))
            self._mark_caught_up(channel)

    async def _skip_missing(self, channel: Channel, events: list[EventRecord]) -> None:
        """The next event is not in the log any more, or what was said of its end is not true."""
        before = channel.position
        positions = await self._log.positions([channel.conversation_id])
        if channel.position != before:
            return  # it came by another way meanwhile
        end = positions.get(channel.conversation_id, 0)
        channel.log_end = end
        if end > (channel.position or 0):
            channel.jump_to(events[0].number - 1 if events else end)
            channel.publish(events)

    def _mark_caught_up(self, channel: Channel) -> None:
        if channel.position is not None and channel.position >= channel.log_end:
            self._behind.pop(channel.conversation_id, None)
            for listener in self._on_caught_up:
                listener(channel.conversation_id)
