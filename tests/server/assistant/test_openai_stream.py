"""Streams of OpenAI-compatible servers, as various as they are."""

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


async def _pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def _read(body: Any) -> list[CompletionChunk]:
    return list(StreamParser().feed_line(f"data: {json.dumps(body)}"))


async def test_lines_come_whole_however_they_are_cut() -> None:
    """A character cut in two, carriage returns and a last line without an end are all read."""
    crab = "🦀".encode()
    lines = [line async for line in read_lines(_pieces(b"a\r", b"\n" + crab[:2], crab[2:], b"\nz"))]

    assert lines == ["a", "🦀", "z"]


async def test_a_line_without_an_end_is_refused() -> None:
    """Nobody fills the memory with one line."""
    with pytest.raises(ProviderError, match="no end"):
        [line async for line in read_lines(_pieces(b"x" * (LINE_LIMIT + 1)))]


@pytest.mark.parametrize("line", ["", ": ping", "event: x", "id: 1", "data:", "data: "])
def test_what_is_no_data_says_nothing(line: str) -> None:
    """Comments and other fields are passed over."""
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
def test_odd_shapes_say_nothing(body: Any) -> None:
    """A server that makes up fields breaks nothing."""
    assert _read(body) == []


def test_text_loses_what_no_database_keeps() -> None:
    """NUL characters of a model are left out."""
    assert _read({"choices": [{"delta": {"content": "a\x00b"}}]}) == [CompletionChunk(content="ab")]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_has_two_names(name: str) -> None:
    """Both are known."""
    assert _read({"choices": [{"delta": {name: "hm"}}]}) == [CompletionChunk(reasoning="hm")]


@pytest.mark.parametrize(
    ("told", "kept"),
    [("stop", "stop"), ("length", "length"), ("eos", "stop"), ("tool_calls", "stop")],
)
def test_ends_are_stop_or_length(told: str, kept: str) -> None:
    """Whatever word a server ends with."""
    assert _read({"choices": [{"delta": {}, "finish_reason": told}]}) == [
        CompletionChunk(finish_reason=kept)
    ]


def test_usage_is_read_wherever_it_stands() -> None:
    """Beside the choices or within one."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4}

    assert _read({"choices": [], "usage": usage}) == [CompletionChunk(usage=Usage(3, 4, 7))]
    assert _read({"choices": [{"usage": usage}]}) == [CompletionChunk(usage=Usage(3, 4, 7))]


@pytest.mark.parametrize(
    "line", ['data: {"error": {"message": "full"}}', 'error: {"message":"full"}']
)
def test_errors_in_the_stream_are_raised(line: str) -> None:
    """Under any of their names."""
    with pytest.raises(ProviderError, match="full"):
        list(StreamParser().feed_line(line))


def test_a_stream_that_breaks_off_is_no_answer() -> None:
    """Without a finish reason and without [DONE], the end is missing."""
    reading = StreamParser()
    list(reading.feed_line('data: {"choices": [{"delta": {"content": "x"}}]}'))
    with pytest.raises(ProviderError, match="closed the stream too early"):
        reading.check_end()
    list(reading.feed_line("data: [DONE]"))
    reading.check_end()


def test_an_empty_answer_is_told() -> None:
    """An end without any text is a failure with words."""
    reading = StreamParser()
    list(reading.feed_line("data: [DONE]"))
    with pytest.raises(ProviderError, match="empty"):
        reading.check_end()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
def test_a_body_that_is_no_json_is_told(body: bytes) -> None:
    """In one sentence, and never as a crash."""
    with pytest.raises(ProviderError, match="not JSON"):
        parse_body(body)


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    """Text is read whatever its bytes are."""
    assert parse_body(b'"\xff"') == "\ufffd"


def test_the_words_of_an_error_are_one_short_line() -> None:
    """Whatever a server writes there."""
    told = error_from({"error": {"message": "a\n\x00 b" * 500, "code": 7}})

    assert "\n" not in told.detail
    assert "\x00" not in told.detail
    assert len(told.detail) < 600
    assert told.code == "7"
    assert "without a message" in error_from({"error": {}}).detail
