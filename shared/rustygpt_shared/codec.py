"""Encoding and decoding: JSON for structs and events, and the frames of an event stream."""

from typing import Any, TypeVar

import msgspec

from rustygpt_shared.events import Event

T = TypeVar("T")

_TOO_DEEP = "JSON is nested too deeply"
_encoder = msgspec.json.Encoder()
_event_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(value: Any) -> bytes:
    """Return a struct as JSON in UTF-8, on one line."""
    return _encoder.encode(value)


def decode(data: bytes | str, shape: type[T]) -> T:
    """Return the struct in JSON; raise msgspec.DecodeError or msgspec.ValidationError."""
    try:
        return msgspec.json.decode(data, type=shape)
    except RecursionError:
        raise msgspec.DecodeError(_TOO_DEEP) from None


def decode_event(data: bytes | str) -> Event:
    """Return the event in a frame's data; raise msgspec.DecodeError, also for unknown types."""
    try:
        return _event_decoder.decode(data)
    except RecursionError:
        raise msgspec.DecodeError(_TOO_DEEP) from None


def sse_frame(
    event_type: str,
    payload: bytes,
    *,
    event_id: str | None = None,
    resume_position: str | None = None,
) -> bytes:
    """Return one event as a frame of server-sent events (WHATWG HTML, section 9.2).

    `payload` is JSON. `event_id` is the event's own id and appears in the id line and in the data.
    `resume_position` is where a stream continues (`stream.open`, `stream.reset`) and appears in
    the id line only.
    """
    last_event_id = event_id or resume_position
    id_line = f"id: {last_event_id}\n" if last_event_id else ""
    id_member = f'"id":"{event_id}",' if event_id else ""
    start = f'{id_line}event: {event_type}\ndata: {{"type":"{event_type}",{id_member}"payload":'
    return b"%b%b}\n\n" % (start.encode(), payload)
