"""Frames and their decoding."""

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_shared import codec
from rustygpt_shared.events import ErrorEvent, ErrorPayload, StreamOpen, StreamOpenPayload


def test_a_durable_frame_tells_its_id_twice() -> None:
    """The id stands in the id line, for the resume point, and in the data, for programs."""
    data = codec.sse_frame("error", codec.encode(ErrorPayload("c", "m")), event_id="evt_7")

    assert data == (
        b"id: evt_7\nevent: error\n"
        b'data: {"type":"error","id":"evt_7","payload":{"code":"c","message":"m"}}\n\n'
    )


def test_a_position_is_told_in_the_id_line_only() -> None:
    """`stream.open` moves the resume point without being numbered itself."""
    data = codec.sse_frame(
        "stream.open", codec.encode(StreamOpenPayload("evt_7")), resume_position="evt_7"
    )
    body = data.split(b"data: ")[1]

    assert data.startswith(b"id: evt_7\n")
    assert codec.decode_event(body) == StreamOpen(StreamOpenPayload("evt_7"))


@given(st.text())
def test_no_text_can_break_out_of_its_frame(words: str) -> None:
    """Whatever a message says, a frame has three lines and its text comes back as it was."""
    data = codec.sse_frame("error", codec.encode(ErrorPayload("c", words)), event_id="evt_1")
    lines = data.split(b"\n")

    assert len(lines) == 5
    assert b"\r" not in data
    assert codec.decode_event(lines[2].removeprefix(b"data: ")) == ErrorEvent(
        ErrorPayload("c", words), "evt_1"
    )
