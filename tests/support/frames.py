"""Frames of a stream, as a server sends them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from tests.support.samples import REPLY, ROOT, TEA, message
from tests.support.wire_server import Reply

from rustygpt_shared import events
from rustygpt_shared.codec import encode, frame


def opened(position: str = "evt_0", retry: int = 1) -> bytes:
    """The beginning of a stream."""
    return b"retry: %d\n\n" % retry + frame(
        "stream.open", encode(events.Opened(position)), position=position
    )


def closed(reason: str) -> bytes:
    """The end of a stream."""
    return frame("stream.closed", encode({"reason": reason}))


def reset(position: str) -> bytes:
    """A gap that the server cannot fill."""
    payload = encode(events.ResetAt("trimmed", position))
    return frame("stream.reset", payload, position=position)


def trouble(number: int, text: str = "x", about: UUID | None = None) -> bytes:
    """An error event."""
    payload = encode(events.Trouble("RGP.X", text, about))
    return frame("error", payload, id=f"evt_{number}")


def answer(content: str = "", **more: Any) -> Any:
    """The assistant's answer to the root."""
    more.setdefault("streaming", True)
    more = {"author_user_id": None, "author_name": "assistant", **more}
    return message(
        REPLY, content, role="assistant", parent_id=ROOT, path="0001/0002", depth=2, seq=2, **more
    )


def new(number: int, shown: Any) -> bytes:
    """A message was written, or an answer begun."""
    return frame("message.new", encode(events.MessageShown(shown)), id=f"evt_{number}")


def updated(number: int, shown: Any) -> bytes:
    """A message is different."""
    return frame("message.updated", encode(events.MessageShown(shown)), id=f"evt_{number}")


def delta(offset: int, text: str) -> bytes:
    """A piece of the answer."""
    choice = events.DeltaChoice(0, events.DeltaText(content=text))
    payload = events.Delta("x:0", "chat.completion.chunk", ROOT, REPLY, TEA, offset, [choice])
    return frame("message.delta", encode(payload))


def done(number: int, reason: Any = "stop") -> bytes:
    """The end of the answer."""
    payload = events.Finished(REPLY, ROOT, TEA, reason, 1)
    return frame("message.done", encode(payload), id=f"evt_{number}")


def stream(*frames: bytes) -> Reply:
    """A stream of frames that then breaks off."""

    async def body() -> AsyncIterator[bytes]:
        for piece in frames:
            yield piece

    return Reply(stream=body())
