"""Bytes in and out: one JSON encoder, typed decoders, and the frames of a stream."""

from typing import Any, TypeVar

import msgspec

from rustygpt_shared.events import Event

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_event_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(value: Any) -> bytes:
    """JSON of a struct, on one line, in UTF-8."""
    return _encoder.encode(value)


def decode(data: bytes | str, shape: type[T]) -> T:
    """The struct that JSON stands for; raises msgspec.DecodeError or msgspec.ValidationError."""
    return msgspec.json.decode(data, type=shape)


def decode_event(data: bytes | str) -> Event:
    """The event in a frame's data; unknown types raise msgspec.ValidationError."""
    return _event_decoder.decode(data)


def sse_frame(
    event_type: str,
    payload: bytes,
    *,
    event_id: str | None = None,
    resume_position: str | None = None,
) -> bytes:
    """One event as server-sent bytes (WHATWG HTML, section 9.2), from a payload in JSON.

    `id` numbers the event itself; `position` is where a stream goes on (`stream.open`,
    `stream.reset`), and is told in the frame's id line only.
    """
    id_line = event_id or resume_position
    head = f"id: {id_line}\n" if id_line else ""
    named = f'"id":"{event_id}",' if event_id else ""
    start = f'{head}event: {event_type}\ndata: {{"type":"{event_type}",{named}"payload":'
    return b"%b%b}\n\n" % (start.encode(), payload)
