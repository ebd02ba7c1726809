"""Logged events as clients decode them."""

from rustygpt_server.db.rows import Logged
from rustygpt_shared import codec
from rustygpt_shared.events import Event
from rustygpt_shared.ids import event_id


def told(event: Logged) -> Event:
    """The event that a stream would tell, decoded from its frame's data."""
    framed = codec.frame(event.type, event.payload.encode(), id=event_id(event.number))
    data = framed.split(b"data: ", 1)[1].rstrip(b"\n")
    assert b"\n" not in data
    return codec.decode_event(data)


def kinds(events: list[Logged]) -> list[str]:
    """The types of events, in order."""
    return [event.type for event in events]
