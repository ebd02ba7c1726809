"""Logged events as clients decode them."""

from rustygpt_server.db.rows import EventRecord
from rustygpt_shared import codec
from rustygpt_shared.events import Event
from rustygpt_shared.ids import event_id


def decoded_event(event: EventRecord) -> Event:
    """Return the event that a stream would send, decoded from its frame."""
    frame = codec.sse_frame(event.type, event.payload.encode(), event_id=event_id(event.number))
    data = frame.split(b"data: ", 1)[1].rstrip(b"\n")
    assert b"\n" not in data
    return codec.decode_event(data)


def event_types(events: list[EventRecord]) -> list[str]:
    """Return the types of events in order."""
    return [event.type for event in events]
