"""Where a stream starts, and what it is told first.

How it gets from there to live is the business of `writer`.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from rustygpt_server.db.feeds import Opening
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.outbox import Item, Kind
from rustygpt_server.realtime.reader import Reader, Seat
from rustygpt_shared import codec
from rustygpt_shared.events import Opened, ResetReason
from rustygpt_shared.ids import event_id, event_number

RETRY = b"retry: 1000\n\n"
MOST_POSITIONS = 100
"""A client may name so many conversations; what it lacks of others it loads."""


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


def begin(hub: Hub, seat: Seat, seen: str | None, bounds: Opening) -> Start:
    """Set a seat to where its reader starts; the reader catches up from there."""
    channel = hub.channel(seat.conversation_id)
    channel.start(bounds.position)
    hub.catch_up.note(seat.conversation_id, bounds.position)
    # Without a log, the recent events are still here.
    oldest = min(bounds.oldest, channel.ring.oldest() or bounds.oldest)
    start = start_at(seen, Opening(bounds.position, oldest), hub.settings.max_backfill_events)
    seat.checked = max(seat.checked, bounds.position)
    seat.cursor = start.cursor
    if seat.reset is None:  # else it waits already, to start over
        seat.reader.waiting.append(seat)
    seat.reader.rouse()
    return start


def begin_all(hub: Hub, reader: Reader, told: str | None, rooms: Mapping[UUID, Opening]) -> bytes:
    """Give a stream its seats in all conversations; answers what it is told first."""
    seen, removed = positions(told), reader.removed or {}
    reader.removed = None
    starts = {
        room: begin(hub, hub.sit(reader, room), seen.get(room), bounds)
        for room, bounds in rooms.items()
        if removed.get(room, 0) <= bounds.position and reader.seat_in(room) is None
    }
    return opening_of_all(hub, starts)


def join_room(hub: Hub, user_id: UUID, conversation_id: UUID, number: int) -> None:
    """Give a person's streams of all conversations a seat in one that was joined by an event.

    They are told to load it, which is all that tells of one that the person has just made
    elsewhere: that is no event, and the number is 0.
    """
    before = max(number - 1, 0)
    for reader in hub.streams.of_user(user_id):
        if reader.whole and reader.seat_in(conversation_id) is None:
            seat, bounds = hub.sit(reader, conversation_id), Opening(number, number)
            item = Item(Kind.DURABLE, hub.reset(conversation_id, before, "joined"))
            reader.tell(item, seat=seat)
            begin(hub, seat, event_id(before), bounds)


def opening(hub: Hub, start: Start) -> bytes:
    """What a stream of one conversation is told first."""
    opened = Opened(last_event_id=event_id(start.cursor))
    data = RETRY + codec.frame("stream.open", codec.encode(opened), position=event_id(start.cursor))
    return data + hub.reset(None, start.cursor, start.reset) if start.reset else data


def opening_of_all(hub: Hub, starts: Mapping[UUID, Start]) -> bytes:
    """What a stream of all conversations is told first."""
    opened = Opened(positions={room: event_id(start.cursor) for room, start in starts.items()})
    data = [RETRY, codec.frame("stream.open", codec.encode(opened))]
    for room, start in starts.items():
        if start.reset:
            data.append(hub.reset(room, start.cursor, start.reset))
    return b"".join(data)


def positions(told: str | None) -> dict[UUID, str]:
    """What a client says it has seen of each conversation: `<conversation>:<id>,…`.

    What cannot be read as a conversation names none; an id that is none is answered by a reset.
    """
    found: dict[UUID, str] = {}
    for part in (told or "").split(",", MOST_POSITIONS)[:MOST_POSITIONS]:
        name, _, seen = part.partition(":")
        try:
            found[UUID(name)] = seen or "none"
        except ValueError:
            continue
    return found
