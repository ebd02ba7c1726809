"""Frames of event streams, and their decoding."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustygpt_shared import codec
from rustygpt_shared.events import ErrorEvent, ErrorPayload, StreamOpen, StreamOpenPayload

ID = UUID(int=1)


def test_a_durable_frame_contains_its_id_twice() -> None:
    """The id is in the id line, where browsers resume, and in the data, for programs."""
    data = codec.sse_frame("error", codec.encode(ErrorPayload("c", "m", ID)), event_id="evt_7")

    assert data == (
        b"id: evt_7\nevent: error\n"
        b'data: {"type":"error","id":"evt_7","payload":'
        b'{"code":"c","message":"m","conversation_id":"00000000-0000-0000-0000-000000000001"}}\n\n'
    )


def test_a_resume_position_is_in_the_id_line_only() -> None:
    """`stream.open` moves the resume position without having a number itself."""
    data = codec.sse_frame(
        "stream.open", codec.encode(StreamOpenPayload("evt_7")), resume_position="evt_7"
    )
    body = data.split(b"data: ")[1]

    assert data.startswith(b"id: evt_7\n")
    assert codec.decode_event(body) == StreamOpen(StreamOpenPayload("evt_7"))


@given(st.text())
def test_no_text_can_break_out_of_its_frame(text: str) -> None:
    """A frame always has three lines, and its text is decoded unchanged."""
    data = codec.sse_frame("error", codec.encode(ErrorPayload("c", text, ID)), event_id="evt_1")
    lines = data.split(b"\n")

    assert len(lines) == 5
    assert b"\r" not in data
    assert codec.decode_event(lines[2].removeprefix(b"data: ")) == ErrorEvent(
        ErrorPayload("c", text, ID), "evt_1"
    )


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000])
def test_json_that_is_nested_too_deeply_is_an_error_like_others(text: str) -> None:
    """Callers expect the errors of msgspec only."""
    with pytest.raises(msgspec.DecodeError):
        codec.decode(text, object)
    with pytest.raises(msgspec.DecodeError):
        codec.decode_event(text)
