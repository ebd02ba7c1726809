"""Frames of event streams, and their decoding."""

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_shared import codec
from rustygpt_shared.events import ErrorEvent, ErrorPayload, StreamOpen, StreamOpenPayload


def test_a_durable_frame_contains_its_id_twice() -> None:
    """The id is in the id line, where browsers resume, and in the data, for programs."""
    data = codec.sse_frame("error", codec.encode(ErrorPayload("c", "m")), event_id="evt_7")

    assert data == (
        b"id: evt_7\nevent: error\n"
        b'data: {"type":"error","id":"evt_7","payload":{"code":"c","message":"m"}}\n\n'
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
    data = codec.sse_frame("error", codec.encode(ErrorPayload("c", text)), event_id="evt_1")
    lines = data.split(b"\n")

    assert len(lines) == 5
    assert b"\r" not in data
    assert codec.decode_event(lines[2].removeprefix(b"data: ")) == ErrorEvent(
        ErrorPayload("c", text), "evt_1"
    )
