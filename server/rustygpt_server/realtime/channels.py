"""The channels of one process, opened by the first subscription and evicted after the last one.

A channel without subscriptions stays for a while, because its ring serves streams that reconnect.
"""

from collections.abc import Callable, Iterator
from uuid import UUID

from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.channel import Channel
from rustygpt_server.realtime.ring import RingBudget
from rustygpt_server.runtime import Runtime


class Channels:
    """The open channels, by conversation."""

    def __init__(self, runtime: Runtime) -> None:
        self._clock = runtime.clock
        self._idle_seconds = runtime.limits.ring_idle
        self._ring_budget = RingBudget()
        self._channels: dict[UUID, Channel] = {}
        self._idle_since: dict[UUID, float] = {}
        self._on_event: Callable[[EventRecord], None] = lambda _: None

    def __len__(self) -> int:
        return len(self._channels)

    def __iter__(self) -> Iterator[Channel]:
        return iter(list(self._channels.values()))

    @property
    def ring_bytes(self) -> int:
        """The bytes in the rings of all channels."""
        return self._ring_budget.size

    def on_event(self, listener: Callable[[EventRecord], None]) -> None:
        """Call a function with every event that a channel delivers, in the order of its numbers."""
        self._on_event = listener

    def get(self, conversation_id: UUID) -> Channel | None:
        """Return the channel of a conversation, or None if it is not open."""
        return self._channels.get(conversation_id)

    def open(self, conversation_id: UUID) -> Channel:
        """Return the channel of a conversation, and create it if it is not open."""
        channel = self._channels.get(conversation_id)
        if channel is None:
            channel = Channel(conversation_id, self._ring_budget, self._deliver)
            self._channels[conversation_id] = channel
        self._idle_since.pop(conversation_id, None)
        return channel

    def acquire(self, conversation_id: UUID) -> Channel:
        """Return the channel of a conversation, and count one subscription more."""
        channel = self.open(conversation_id)
        channel.subscription_count += 1
        return channel

    def release(self, channel: Channel) -> None:
        """Count one subscription less; without any, the channel is evicted some time later."""
        channel.subscription_count -= 1
        if channel.subscription_count:
            return
        if channel.position is None:  # no stream got as far as to start
            self._channels.pop(channel.conversation_id, None)
        else:
            self._idle_since[channel.conversation_id] = self._clock.monotonic()

    def evict_idle(self) -> None:
        """Drop the channels that had no subscription for TimeLimits.ring_idle seconds."""
        horizon = self._clock.monotonic() - self._idle_seconds
        for conversation_id, since in list(self._idle_since.items()):
            if since <= horizon:
                del self._idle_since[conversation_id]
                self._channels.pop(conversation_id).ring.clear()

    def _deliver(self, event: EventRecord) -> None:
        self._on_event(event)
