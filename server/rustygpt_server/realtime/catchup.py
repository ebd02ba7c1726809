"""Bringing channels up to the end of the log, after gaps and after writes of other processes.

Callers only report event numbers; one task reads the log for all channels that are behind.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import islice
from typing import Any, Final, Protocol
from uuid import UUID

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import RequestError, Unavailable
from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.channels import Channels
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log

_log = log(__name__)

CHANNELS_PER_READ: Final = 20
EVENTS_PER_CHANNEL: Final = 50

Work = Callable[[], Coroutine[Any, Any, None]]


class EventLog(Protocol):
    """The durable events as they are stored."""

    async def read(self, conversation_id: UUID, after: int, limit: int) -> list[EventRecord]:
        """Return events of a conversation after a number, in order."""

    async def read_batch(self, cursors: Mapping[UUID, int], limit: int) -> list[EventRecord]:
        """Return the next events of several conversations, up to `limit` of each, in order."""

    async def positions(self, conversation_ids: list[UUID]) -> dict[UUID, int]:
        """Return the last event number of each conversation that exists."""


class CatchUp:
    """Reads the log for the channels of one process that are behind it."""

    def __init__(
        self,
        event_log: EventLog,
        channels: Channels,
        runtime: Runtime,
        delivery_grace: float = 0,
    ) -> None:
        """`delivery_grace`: how long to wait for events that no log has to arrive, in seconds."""
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
        """Call a function with the id of each conversation that has caught up."""
        self._on_caught_up.append(listener)

    def on_rewind(self, listener: Callable[[UUID, int], None]) -> None:
        """Call a function with each conversation whose log went back, and its last number now."""
        self._on_rewind.append(listener)

    def advance(self, conversation_id: UUID, number: int) -> None:
        """Note that the log has an event number; an open channel that is behind it catches up."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            return
        channel.log_end = max(channel.log_end, number)
        if channel.position is not None and channel.position < channel.log_end:
            self._behind[conversation_id] = None
            self._start("read", self._read_all)

    def schedule_gap_check(self, channel: Channel) -> None:
        """Read the log if the gap in a channel stays for longer than TimeLimits.gap_grace."""
        channel.log_end = max(channel.log_end, channel.highest_buffered())
        self._behind[channel.conversation_id] = None

        async def check_again() -> None:
            await self._clock.sleep(self._limits.gap_grace)
            self.advance(channel.conversation_id, channel.highest_buffered())

        self._start(channel.conversation_id, check_again)

    def confirm(self, channel: Channel) -> None:
        """Check if a channel that was behind has caught up by events that were published."""
        if channel.conversation_id in self._behind:
            self._mark_caught_up(channel)

    def is_behind(self, conversation_id: UUID) -> bool:
        """Return True if subscribers of this process lack events that are known to exist."""
        return conversation_id in self._behind

    def schedule_check(self) -> None:
        """Compare all open channels with the log soon."""
        self._start("check", self.check)

    async def check(self) -> None:
        """Compare all open channels with the log, in one statement."""
        positions = {
            channel.conversation_id: channel.position
            for channel in self._channels
            if channel.position is not None
        }
        if not positions:
            return
        log_ends = await self._log.positions(list(positions))
        for conversation_id, number in log_ends.items():
            if number < positions[conversation_id]:
                self._handle_rewind(conversation_id, number)
            self.advance(conversation_id, number)

    def _handle_rewind(self, conversation_id: UUID, number: int) -> None:
        """Continue from the end of a log that is shorter than before: it was restored.

        The numbers after it will be given to other events, so subscribers have to reset.
        """
        channel = self._channels.get(conversation_id)
        if channel is not None:
            _log.warning("the log went back", conversation=str(conversation_id), number=number)
            channel.log_end = number
            channel.jump_to(number)
            for listener in self._on_rewind:
                listener(conversation_id, number)

    async def stop(self) -> None:
        """Cancel all reads."""
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
        except RequestError as error:  # positions are compared again soon
            _log.info("could not compare positions with the log", reason=str(error))
        finally:
            del self._tasks[key]

    async def _read_all(self) -> None:
        if self._delivery_grace:
            await self._clock.sleep(self._delivery_grace)
        while self._behind:
            cursors = self._next_cursors()
            if not cursors:
                continue
            try:
                await self._apply(cursors, await self._log.read_batch(cursors, EVENTS_PER_CHANNEL))
            except Unavailable:
                await self._clock.sleep(self._limits.log_retry)

    def _next_cursors(self) -> dict[UUID, int]:
        """Return the positions of the next channels that are behind; forget those that are not."""
        cursors: dict[UUID, int] = {}
        for conversation_id in list(islice(self._behind, CHANNELS_PER_READ)):
            channel = self._channels.get(conversation_id)
            if channel is None or channel.position is None:
                del self._behind[conversation_id]
            elif channel.position >= channel.log_end:
                self._mark_caught_up(channel)
            else:
                cursors[conversation_id] = channel.position
        return cursors

    async def _apply(self, cursors: Mapping[UUID, int], events: Iterable[EventRecord]) -> None:
        events_by_conversation: dict[UUID, list[EventRecord]] = {}
        for event in events:
            events_by_conversation.setdefault(event.conversation_id, []).append(event)
        for conversation_id, after in cursors.items():
            channel = self._channels.get(conversation_id)
            if channel is None:
                self._behind.pop(conversation_id, None)
                continue
            channel_events = events_by_conversation.get(conversation_id, [])
            channel.publish(channel_events)
            if channel.position == after:
                await self._skip_missing(channel, channel_events)
            self._mark_caught_up(channel)

    async def _skip_missing(self, channel: Channel, events: list[EventRecord]) -> None:
        """Jump over events that were pruned, or correct a reported log end that was too high."""
        before = channel.position
        positions = await self._log.positions([channel.conversation_id])
        if channel.position != before:
            return  # the event was published meanwhile
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
