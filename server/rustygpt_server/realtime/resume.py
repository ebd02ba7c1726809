"""The life of a stream: open, caught up from the ring or the log, then live, until it ends.

A reader turns live in the same turn of the event loop in which its cursor meets the channel's
position, so no event can come between: nothing is lost and nothing repeated.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from rustygpt_server.db.feeds import Opening
from rustygpt_server.db.refusals import Unavailable
from rustygpt_server.realtime import channel as channels
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.outbox import Kind
from rustygpt_server.realtime.reader import Reader, position_frame
from rustygpt_shared.events import Opened, ResetAt, ResetReason
from rustygpt_shared.ids import event_id, event_number

PAGE = 200
HEARTBEAT = b":\n\n"
RETRY = b"retry: 1000\n\n"


class Start(NamedTuple):
    """Where a stream starts."""

    cursor: int
    reset: ResetReason | None


def start_at(last_event_id: str | None, bounds: Opening, max_backfill: int) -> Start:
    """Where a stream starts, given what its client says it has seen."""
    if not last_event_id:
        return Start(bounds.position, None)
    cursor = event_number(last_event_id)
    if cursor is None or cursor > bounds.position:
        return Start(bounds.position, "unknown")
    if cursor < bounds.oldest - 1:
        return Start(bounds.position, "trimmed")
    if bounds.position - cursor > max_backfill:
        return Start(bounds.position, "too_far")
    return Start(cursor, None)


async def stream(
    hub: Hub, reader: Reader, start: Start, bounds: Opening
) -> AsyncGenerator[bytes, None]:
    """The bytes of a stream that has joined the hub, each piece to be sent at once."""
    reader.checked = max(reader.checked, bounds.position)
    hub.channel(reader.conversation_id).start(bounds.position)
    hub.catch_up.note(reader.conversation_id, bounds.position)
    reader.cursor = start.cursor
    yield _opening(hub, start)
    for part in (_catch_up, _live):
        async with aclosing(part(hub, reader)) as pieces:
            async for piece in pieces:
                yield piece


def _opening(hub: Hub, start: Start) -> bytes:
    opened = Opened(event_id(start.cursor))
    head = RETRY + position_frame("stream.open", opened, start.cursor)
    return head + _reset(hub, start.cursor, start.reset) if start.reset else head


def _reset(hub: Hub, position: int, reason: ResetReason) -> bytes:
    hub.metrics.resets.labels(reason).inc()
    return position_frame("stream.reset", ResetAt(reason, event_id(position)), position)


async def _catch_up(hub: Hub, reader: Reader) -> AsyncGenerator[bytes, None]:
    """Send what a reader lacks, and let it go live."""
    with hub.metrics.replay_durations.time():
        while not reader.closing and not _attach(hub, reader):
            channel = hub.channel(reader.conversation_id)
            events = channel.since(reader.cursor)
            if events is None:
                try:
                    logged = await hub.log.read(reader.conversation_id, reader.cursor, PAGE)
                except Unavailable:  # the stream stays, and goes on as soon as the log is there
                    yield HEARTBEAT
                    await hub.pause()
                    continue
                events = [channels.frame(event) for event in logged]
            if not events or events[0].number != reader.cursor + 1:
                reader.cursor = channel.position or 0
                yield _reset(hub, reader.cursor, "trimmed")
                continue
            reader.cursor = events[-1].number
            hub.metrics.replayed.inc(len(events))
            yield b"".join(event.frame for event in events)


def _attach(hub: Hub, reader: Reader) -> bool:
    channel = hub.channel(reader.conversation_id)
    if reader.cursor < (channel.position or 0):
        return False
    for answer in hub.answers(reader.conversation_id):
        whole = answer.whole()
        if whole:
            reader.offer(Kind.TRANSIENT, whole)
    channel.readers.add(reader)
    return True


async def _live(hub: Hub, reader: Reader) -> AsyncGenerator[bytes, None]:
    while True:
        reader.wake.clear()
        if reader.overflowed:
            yield _start_over(hub, reader)
        elif piece := reader.outbox.take():
            yield piece
            if not reader.outbox:
                _catch_up_answers(hub, reader)
        elif reader.closing:
            yield reader.closing
            return
        elif reader.beating:
            reader.beating = False
            yield HEARTBEAT
        else:
            await reader.wake.wait()
            continue
        reader.quiet = False


def _start_over(hub: Hub, reader: Reader) -> bytes:
    """Tell a reader that was too slow to load anew; it is live again from here."""
    channel = hub.channel(reader.conversation_id)
    reader.overflowed = False
    reader.cursor = channel.position or 0
    _catch_up_answers(hub, reader, everything=True)
    return _reset(hub, reader.cursor, "overflow")


def _catch_up_answers(hub: Hub, reader: Reader, *, everything: bool = False) -> None:
    """Send the whole text of answers of which the reader missed a piece."""
    if not (everything or reader.outbox.behind):
        return
    for answer in hub.answers(reader.conversation_id):
        if everything or answer.message_id in reader.outbox.behind:
            whole = answer.whole()
            if whole:
                reader.offer(Kind.TRANSIENT, whole)
    reader.outbox.behind.clear()
