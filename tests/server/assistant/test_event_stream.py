"""Server-sent events as model servers send them."""

import time
from collections.abc import AsyncIterator

import pytest

from rustygpt_server.assistant.event_stream import (
    EVENT_LIMIT,
    RAW,
    ServerEvent,
    read_events,
    read_lines,
)
from rustygpt_server.assistant.provider import ProviderError


async def _stream_of(*parts: bytes) -> AsyncIterator[bytes]:
    """Yield the parts of a response."""
    for part in parts:
        yield part


async def _events(*parts: bytes) -> list[ServerEvent]:
    return [event async for event in read_events(_stream_of(*parts))]


async def test_lines_are_joined_from_any_parts() -> None:
    """A split character, carriage returns, a byte-order mark and a last line without an end."""
    crab_bytes = "🦀".encode()
    parts = (b"\xef\xbb", b"\xbfa\r", b"\n" + crab_bytes[:2], crab_bytes[2:], b"\nz")

    assert [line async for line in read_lines(_stream_of(*parts))] == ["a", "🦀", "z"]


async def test_an_event_ends_with_a_blank_line() -> None:
    """Its lines of data are joined, its name is optional, and comments are ignored."""
    assert await _events(b": ping\n\nid: 1\nretry: 3\ndata: a\n\n") == [("message", "a")]
    assert await _events(b'event: error\ndata:{\ndata: "a": 1}\n\n') == [("error", '{\n"a": 1}')]


async def test_an_event_without_its_blank_line_ends_with_the_next() -> None:
    """Some servers send one line feed only; the last event ends with the stream."""
    assert await _events(b'data: {"a":1}\ndata: {"a":2}\ndata: [DONE]\ndata: {}') == [
        ("message", '{"a":1}'),
        ("message", '{"a":2}'),
        ("message", "[DONE]"),
        ("message", "{}"),
    ]


async def test_an_error_field_is_an_error_event() -> None:
    """llama.cpp once had a field of its own."""
    assert await _events(b'error: {"message": "no"}\n') == [("error", '{"message": "no"}')]


async def test_what_is_no_event_comes_at_the_end() -> None:
    """Plain or indented JSON in an event stream."""
    assert await _events(b'{\n  "detail": "no"\n}\n') == [(RAW, '{\n  "detail": "no"\n}')]


@pytest.mark.parametrize("part", [b"x" * (EVENT_LIMIT + 1), b"data: x\n" * (EVENT_LIMIT // 7)])
async def test_an_event_without_an_end_is_rejected(part: bytes) -> None:
    """Neither one line nor many fill the memory."""
    with pytest.raises(ProviderError, match="no end"):
        await _events(part)


async def test_many_comments_are_no_event() -> None:
    """A server that sends comments for hours is not rejected."""
    assert await _events(*[b": ping\n" * 10_000] * 20, b"data: a\n\n") == [("message", "a")]


async def test_a_long_line_in_tiny_parts_takes_no_longer_than_it_must() -> None:
    """What has arrived is not copied for each part: that would take half a minute."""

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(EVENT_LIMIT // 4):
            yield b"xxxx"
        yield b"\n"

    started = time.process_time()
    assert [len(line) async for line in read_lines(parts())] == [EVENT_LIMIT]
    assert time.process_time() - started < 5
