"""Frames of a stream as a server sends them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from tests.support.fakes.fake_http_server import FakeResponse
from tests.support.sample_models import REPLY, ROOT, TEA, message

from rustygpt_shared import events
from rustygpt_shared.codec import encode, sse_frame


def opened(position: str = "evt_0", retry: int = 1) -> bytes:
    """Return the first frames of a stream."""
    return b"retry: %d\n\n" % retry + sse_frame(
        "stream.open", encode(events.StreamOpenPayload(position)), resume_position=position
    )


def closed(reason: str) -> bytes:
    """Return the last frame of a stream."""
    return sse_frame("stream.closed", encode({"reason": reason}))


def reset(position: str) -> bytes:
    """Return the frame of a reset."""
    payload = encode(events.StreamResetPayload("trimmed", position))
    return sse_frame("stream.reset", payload, resume_position=position)


def error(number: int, text: str = "x", about: UUID | None = None) -> bytes:
    """Return the frame of an error."""
    root_id = ROOT if about == REPLY else about
    payload = encode(events.ErrorPayload("RGP.X", text, TEA, root_id, about))
    return sse_frame("error", payload, event_id=f"evt_{number}")


def answer(content: str = "", **fields: Any) -> Any:
    """Return the assistant's answer to the root."""
    fields.setdefault("streaming", True)
    fields = {"author_user_id": None, "author_name": "assistant", **fields}
    return message(
        REPLY, content, role="assistant", parent_id=ROOT, path="0001/0002", depth=2, seq=2, **fields
    )


def message_new(number: int, message_view: Any) -> bytes:
    """Return the frame of a new message."""
    return sse_frame(
        "message.new", encode(events.MessagePayload(message_view)), event_id=f"evt_{number}"
    )


def message_updated(number: int, message_view: Any) -> bytes:
    """Return the frame of a changed message."""
    return sse_frame(
        "message.updated",
        encode(events.MessageUpdatedPayload(message_view)),
        event_id=f"evt_{number}",
    )


def answer_status(state: Any, about: UUID = REPLY, **fields: Any) -> bytes:
    """Return the frame of the state of an answer in progress."""
    payload = events.AnswerStatusPayload(TEA, ROOT, about, state, **fields)
    return sse_frame("answer.status", encode(payload))


def message_delta(
    offset: int, text: str, about: UUID = REPLY, *, reasoning: str | None = None
) -> bytes:
    """Return the frame of a delta; a reasoning is all of it so far."""
    delta = events.DeltaText(content=text or None, reasoning=reasoning)
    choice = events.DeltaChoice(0, delta)
    start = None if reasoning is None else 0
    payload = events.MessageDeltaPayload(
        "x:0",
        "chat.completion.chunk",
        ROOT,
        about,
        TEA,
        offset,
        [choice],
        reasoning_offset=start,
    )
    return sse_frame("message.delta", encode(payload))


def message_done(number: int, reason: Any = "stop") -> bytes:
    """Return the frame of an answer's end."""
    payload = events.MessageDonePayload(REPLY, ROOT, TEA, reason, 1)
    return sse_frame("message.done", encode(payload), event_id=f"evt_{number}")


def stream(*frames: bytes) -> FakeResponse:
    """Return the response of a stream that sends frames and is then interrupted."""

    async def body() -> AsyncIterator[bytes]:
        for frame in frames:
            yield frame

    return FakeResponse(stream=body())
