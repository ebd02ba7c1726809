"""The parser of OpenAI-compatible streams."""

import json
from typing import Any

import pytest

from rustygpt_server.assistant.event_stream import RAW, ServerEvent
from rustygpt_server.assistant.openai_stream import StreamParser, parse_body
from rustygpt_server.assistant.provider import CompletionChunk, ProviderError
from rustygpt_shared.models.messages import Usage


def _feed(parser: StreamParser, *bodies: Any) -> list[CompletionChunk]:
    """Return the chunks that a parser makes of events."""
    events = [ServerEvent("message", json.dumps(body)) for body in bodies]
    return [chunk for event in events for chunk in parser.feed_event(event)]


def _parse(*bodies: Any) -> list[CompletionChunk]:
    """Return the chunks that a new parser makes of events."""
    return _feed(StreamParser(), *bodies)


def _delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": fields}]}


def _end(reason: str) -> dict[str, Any]:
    return {"choices": [{"delta": {}, "finish_reason": reason}]}


def _text(*bodies: Any) -> tuple[str, str]:
    """Return the text and the reasoning of a complete answer."""
    parser = StreamParser()
    chunks = [*_feed(parser, *bodies, _end("stop")), *parser.end()]
    return "".join(c.content for c in chunks), "".join(c.reasoning for c in chunks)


@pytest.mark.parametrize(
    "body",
    [
        [],
        7,
        {},
        {"choices": None},
        {"choices": {"a": 1}},
        {"choices": [None, 3, "x"]},
        {"choices": [{"delta": "text"}]},
        {"choices": [{"delta": {"content": None}}]},
        {"choices": [{"delta": {"content": {"a": 1}}}]},
        {"choices": [{"delta": {"content": [None, 3, {"type": "image"}, {"text": 4}]}}]},
        {"choices": [], "usage": {"prompt_tokens": "many"}},
        {"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 2}},
        {"choices": [], "usage": {"prompt_tokens": True, "completion_tokens": True}},
    ],
)
def test_unexpected_shapes_are_ignored(body: Any) -> None:
    """A server that invents fields causes no error."""
    assert _parse(body) == []


def test_nul_characters_are_removed() -> None:
    """PostgreSQL cannot store them."""
    assert _text(_delta(content="a\x00b")) == ("ab", "")


def test_content_may_be_a_list_of_parts() -> None:
    """The text of its text parts counts."""
    parts = [
        {"type": "text", "text": "list "},
        {"type": "image_url"},
        {"type": "text", "text": "s"},
    ]

    assert _text(_delta(content=parts), _delta(content="tring")) == ("list string", "")


def test_halves_of_a_character_are_joined() -> None:
    """Over two events; a half without its other one becomes U+FFFD."""
    assert _text(_delta(content="a \ud83d"), _delta(content="\ude00 b")) == ("a 😀 b", "")
    assert _text(_delta(content="a \ud83d"), _delta(content="b \ude00")) == ("a \ufffdb \ufffd", "")
    assert _text(_delta(content="a"), _delta(content="\ud83d")) == ("a\ufffd", "")
    assert _text(_delta(reasoning="\ud83d"), _delta(reasoning="\ude00")) == ("", "😀")


def test_only_the_first_choice_counts() -> None:
    """Others would be mixed into the text."""
    first, second = ({"index": n, "delta": {"content": text}} for n, text in enumerate("ab"))

    assert _text({"choices": [first, second]}, {"choices": [second]}, {"choices": [first]}) == (
        "aa",
        "",
    )


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_has_two_names(name: str) -> None:
    """Both field names are supported."""
    assert _parse(_delta(**{name: "hm"})) == [CompletionChunk(reasoning="hm")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_reasoning_within_the_text_is_separated(size: int) -> None:
    """`<think>…</think>` at the start, however it is split; later it is text."""
    text = "\n<think>\nhm < </thin k>\n</think>\n\nSo <think>this</think> is it."
    parts = [_delta(content=text[i : i + size]) for i in range(0, len(text), size)]

    assert _text(*parts) == ("So <think>this</think> is it.", "hm < </thin k>\n")


@pytest.mark.parametrize("text", ["<thinly veiled>", "<", "  <thi", "a <think>b</think>", "\n\nx"])
def test_text_that_resembles_reasoning_stays(text: str) -> None:
    """Nothing of it is lost."""
    assert _text(*(_delta(content=c) for c in text)) == (text, "")


def test_reasoning_without_an_end_is_reasoning() -> None:
    """The model stopped before it said anything."""
    assert _text(_delta(content="<think>hm</th")) == ("", "hm</th")


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("stop", "stop"),
        ("STOP", "stop"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
    ],
)
def test_normal_ends_are_stop_or_length(received: str, expected: str) -> None:
    """Servers have several names for both."""
    assert _parse(_end(received)) == [CompletionChunk(finish_reason=expected)]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("error", "before it was complete (error)"),
        ("content_filter", "withheld the rest of the answer (content_filter)"),
        ("SAFETY", "withheld the rest of the answer (SAFETY)"),
        ("abort", "stopped the answer (abort)"),
        ("tool_calls", "asked for a tool"),
        ("made\x1b[31m up", "(made[31m up)"),
    ],
)
def test_any_other_end_is_an_error_after_the_text(reason: str, words: str) -> None:
    """The text so far is kept; the sentence has the reason."""
    parser = StreamParser()
    assert _feed(parser, _delta(content="half"), _end(reason)) == [CompletionChunk(content="half")]
    list(parser.feed_event(ServerEvent("message", "[DONE]")))
    with pytest.raises(ProviderError) as raised:
        list(parser.end())
    assert words in raised.value.detail


def test_the_words_after_an_abnormal_end_are_shown() -> None:
    """An error event that follows says more than the finish reason."""
    parser = StreamParser()
    _feed(parser, _delta(content="half"), _end("error"))
    with pytest.raises(ProviderError, match="out of memory"):
        _feed(parser, {"error": {"message": "out of memory"}})


def test_a_refusal_is_an_error_with_its_words() -> None:
    """It arrives in parts, in a field of its own."""
    parser = StreamParser()
    _feed(parser, _delta(refusal="I cannot "), _delta(refusal="do that."), _end("stop"))
    with pytest.raises(ProviderError, match="The model refuses: I cannot do that.$"):
        list(parser.end())


def test_usage_is_read_beside_or_within_a_choice() -> None:
    """Both places are in use."""
    usage = {"prompt_tokens": 3, "completion_tokens": 4}

    assert _parse({"choices": [], "usage": usage}) == [CompletionChunk(usage=Usage(3, 4, 7))]
    assert _parse({"choices": [{"usage": usage}]}) == [CompletionChunk(usage=Usage(3, 4, 7))]


@pytest.mark.parametrize(
    "event",
    [
        ServerEvent("message", '{"error": {"message": "full"}}'),
        ServerEvent("message", '{"error": "full"}'),
        ServerEvent("message", '{"detail": "full"}'),
        ServerEvent("message", '{"object": "error", "message": "full", "code": 40303}'),
        ServerEvent("error", '{"message": "full"}'),
        ServerEvent("error", "full"),
        ServerEvent(RAW, '{\n  "error": {\n    "message": "full"\n  }\n}'),
        ServerEvent(RAW, "the disk is full"),
    ],
)
def test_errors_in_the_stream_are_raised(event: ServerEvent) -> None:
    """In each of these shapes the server's words are shown."""
    with pytest.raises(ProviderError, match="full"):
        list(StreamParser().feed_event(event))


def test_raw_json_in_a_stream_is_an_answer() -> None:
    """A server that ignores `stream` may still call its response an event stream."""
    body = {"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]}
    parser = StreamParser()
    chunks = list(parser.feed_event(ServerEvent(RAW, json.dumps(body, indent=2))))

    assert chunks == [CompletionChunk(content="all"), CompletionChunk(finish_reason="stop")]
    assert list(parser.end()) == []


def test_what_follows_the_end_is_ignored() -> None:
    """A proxy may add a line."""
    parser = StreamParser()
    _feed(parser, _delta(content="a"), _end("stop"))
    assert list(parser.feed_event(ServerEvent(RAW, "bye"))) == []


def test_an_interrupted_stream_is_an_error() -> None:
    """The stream has neither a finish reason nor [DONE]."""
    parser = StreamParser()
    _feed(parser, _delta(content="x"))
    with pytest.raises(ProviderError, match="closed the stream too early"):
        list(parser.end())
    list(parser.feed_event(ServerEvent("message", "[DONE]")))
    assert list(parser.end()) == []


def test_an_empty_answer_is_an_error() -> None:
    """The stream ends without any text."""
    parser = StreamParser()
    list(parser.feed_event(ServerEvent("message", "[DONE]")))
    with pytest.raises(ProviderError, match="empty"):
        list(parser.end())


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000])
def test_a_body_that_is_not_json_is_none(body: bytes) -> None:
    """Also deeply nested JSON."""
    assert parse_body(body) is None


def test_invalid_utf_8_is_replaced() -> None:
    """Each invalid byte becomes U+FFFD; a byte-order mark is no text."""
    assert parse_body(b'\xef\xbb\xbf"\xff"') == "\ufffd"


def test_white_space_before_a_text_is_passed_on_before_it_is_long() -> None:
    """Otherwise a server that sends nothing else would fill the memory."""
    parser = StreamParser()
    chunks = _feed(parser, *([_delta(content=" " * 100)] * 50))

    assert 3_900 < sum(len(chunk.content) for chunk in chunks) <= 5_000


def test_a_refusal_with_half_a_character_can_be_stored() -> None:
    """Like any other text of a server."""
    parser = StreamParser()
    _feed(parser, _delta(refusal="no \ud800"), _end("stop"))
    with pytest.raises(ProviderError, match="The model refuses: no \ufffd"):
        list(parser.end())
