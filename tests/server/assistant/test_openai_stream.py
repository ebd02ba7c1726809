"""The parser of OpenAI-compatible streams."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rustygpt_server.assistant.openai_stream import (
    LINE_LIMIT,
    StreamParser,
    error_from,
    parse_body,
    read_lines,
)
from rustygpt_server.assistant.provider import CompletionChunk, ProviderError
from rustygpt_shared.models.messages import Usage


async def _stream_of(*parts: bytes) -> AsyncIterator[bytes]:
    """Yield the parts of a response."""
    for part in parts:
        yield part


def _parse(body: Any) -> list[CompletionChunk]:
    """Return the chunks that the parser makes of one event."""
    return list(StreamParser().feed_line(f"data: {json.dumps(body)}"))


async def test_lines_are_joined_from_any_parts() -> None:
    """A split character, carriage returns and a last line without an end are supported."""
    crab_bytes = "🦀".encode()
    lines = [
        line
        async for line in read_lines(
            _stream_of(b"a\r", b"\n" + crab_bytes[:2], crab_bytes[2:], b"\nz")
        )
    ]

    assert lines == ["a", "🦀", "z"]


async def test_a_line_without_an_end_is_rejected() -> None:
    """One line cannot fill the memory."""
    with pytest.raises(ProviderError, match="no end"):
        [line async for line in read_lines(_stream_of(b"x" * (LINE_LIMIT + 1)))]


@pytest.mark.parametrize("line", ["", ": ping", "event: x", "id: 1", "data:", "data: "])
def test_lines_without_data_are_ignored(line: str) -> None:
    """Comments and other SSE fields yield no chunk."""
    assert list(StreamParser().feed_line(line)) == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        7,
        {},
        {"choices": None},
        {"choices": {"a": 1}},
        {"choices": [None, 3, "x"]},
        {"choices": [{"delta": "text"}]},
        {"choices": [{"delta": {"content": None}}]},
        {"choices": [{"delta": {"content": {"a": 1}}}]},
        {"choices": [], "usage": {"prompt_tokens": "many"}},
        {"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 2}},
    ],
)
def test_unexpected_shapes_are_ignored(body: Any) -> None:
    """A server that invents fields causes no error."""
    assert _parse(body) == []


def test_nul_characters_are_removed() -> None:
    """PostgreSQL cannot store them."""
    assert _parse({"choices": [{"delta": {"content": "a\x00b"}}]}) == [
        CompletionChunk(content="ab")
    ]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_has_two_names(name: str) -> None:
    """Both field names are supported."""
    assert _parse({"choices": [{"delta": {name: "hm"}}]}) == [CompletionChunk(reasoning="hm")]


@pytest.mark.parametrize(
    ("received", "expected"),
    [("stop", "stop"), ("length", "length"), ("eos", "stop"), ("tool_calls", "stop")],
)
def test_finish_reasons_become_stop_or_length(received: str, expected: str) -> None:
    """Any other reason counts as `stop`."""
    assert _parse({"choices": [{"delta": {}, "finish_reason": received}]}) == [
        CompletionChunk(finish_reason=expected)
    ]


def test_usage_is_read_beside_or_within_a_choice() -> None:
    """Both places are in use."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4}

    assert _parse({"choices": [], "usage": usage}) == [CompletionChunk(usage=Usage(3, 4, 7))]
    assert _parse({"choices": [{"usage": usage}]}) == [CompletionChunk(usage=Usage(3, 4, 7))]


@pytest.mark.parametrize(
    "line", ['data: {"error": {"message": "full"}}', 'error: {"message":"full"}']
)
def test_errors_in_the_stream_are_raised(line: str) -> None:
    """Both formats of an error are supported."""
    with pytest.raises(ProviderError, match="full"):
        list(StreamParser().feed_line(line))


def test_an_interrupted_stream_is_an_error() -> None:
    """The stream has neither a finish reason nor [DONE]."""
    parser = StreamParser()
    list(parser.feed_line('data: {"choices": [{"delta": {"content": "x"}}]}'))
    with pytest.raises(ProviderError, match="closed the stream too early"):
        parser.check_end()
    list(parser.feed_line("data: [DONE]"))
    parser.check_end()


def test_an_empty_answer_is_an_error() -> None:
    """The stream ends without any text."""
    parser = StreamParser()
    list(parser.feed_line("data: [DONE]"))
    with pytest.raises(ProviderError, match="empty"):
        parser.check_end()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
def test_a_body_that_is_not_json_is_an_error(body: bytes) -> None:
    """One sentence reports it, also for deeply nested JSON."""
    with pytest.raises(ProviderError, match="not JSON"):
        parse_body(body)


def test_invalid_utf_8_is_replaced() -> None:
    """Each invalid byte becomes U+FFFD."""
    assert parse_body(b'"\xff"') == "\ufffd"


def test_an_error_message_is_one_short_line() -> None:
    """Line breaks and control characters are removed, and long messages are cut."""
    error = error_from({"error": {"message": "a\n\x00 b" * 500, "code": 7}})

    assert "\n" not in error.detail
    assert "\x00" not in error.detail
    assert len(error.detail) < 600
    assert error.code == "7"
    assert "without a message" in error_from({"error": {}}).detail
