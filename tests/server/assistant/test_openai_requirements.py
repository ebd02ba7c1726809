"""What an adapter for OpenAI-compatible servers has to cope with, and which tests show it.

Each is shown over HTTP, with scripts of what servers are known to send. `here` is this file.

| requirement | tests |
| --- | --- |
| 1 comments and empty events are ignored; comments keep the connection, not the answer | openai: test_comments_and_empty_events_are_ignored; here: test_comments_keep_the_connection; generation: test_a_model_has_a_time_limit_to_its_first_text, test_a_model_that_falls_silent_is_a_timeout |
| 2 UTF-8 and JSON may be split anywhere | openai: test_a_response_may_be_split_anywhere |
| 3 `data:` with and without space, CRLF, several lines | openai: test_line_ends_and_spaces_may_vary; here: test_data_may_have_several_lines |
| 4 `[DONE]` ends the stream, what was seen before decides the outcome | here: test_the_outcome_is_what_came_before_the_end; openai: test_an_error_in_the_stream_is_raised |
| 5 choices may be empty or missing | openai: test_null_and_missing_fields_are_no_text |
| 6 content may be null or missing, a delta empty | openai: test_null_and_missing_fields_are_no_text; here: test_an_empty_delta_is_no_text |
| 7 reasoning under two names or in the text, kept apart, never sent back | openai: test_reasoning_is_separate_from_the_text; here: test_reasoning_in_the_text_is_separated, test_reasoning_is_never_sent_back |
| 8 errors in the stream in each shape | openai: test_an_error_in_the_stream_is_raised, test_what_went_wrong_reaches_the_reader |
| 9 a broken-off stream is interrupted, its text is kept | openai: test_an_interrupted_stream_is_an_error; here: test_the_text_of_an_interrupted_answer_is_kept |
| 10 a finish reason without `[DONE]` is an end | openai: test_a_finish_reason_ends_an_answer |
| 11 an empty answer is an error | openai: test_an_empty_answer_is_an_error |
| 12 the last usage counts, without one it is estimated | openai: test_usage_is_read_from_any_chunk; here: test_null_and_repeated_usage; generation: test_a_complete_answer_has_the_models_finish_reason |
| 13 JSON instead of a stream | openai: test_an_answer_without_streaming_is_accepted |
| 14 unknown fields and tool calls are ignored, with a notice | here: test_unknown_fields_are_ignored, test_a_tool_call_is_an_end_with_a_notice |
| 15 a 400 about stream_options | openai: test_a_server_without_usage_support_is_requested_again; openai_requests: test_a_server_without_usage_support_is_remembered |
| 16 time limits | here: test_a_connection_has_a_time_limit; generation: test_a_model_has_a_time_limit_to_its_first_text, test_a_model_that_falls_silent_is_a_timeout, test_an_answer_has_a_maximum_duration, test_the_duration_counts_from_the_first_text |
| 17 retries before the first text only | openai_requests: test_a_busy_server_is_asked_twice_more, test_a_server_that_accepts_no_connection_is_tried_again, test_nothing_is_sent_again_after_the_first_text |
| 18 a cancellation closes the connection within a second | openai_requests: test_a_cancelled_answer_closes_the_connection, test_a_retry_that_is_cancelled_is_not_sent; answer_on_streams: test_a_cancellation_closes_the_connection_to_the_model, test_a_queued_answer_is_cancelled_from_another_server |
| 19 frames and answers are bounded | openai: test_a_line_without_end_is_rejected; generation: test_an_endless_answer_ends_at_the_maximum_length; catalog: test_a_list_without_end_is_rejected |
| 20 finish reasons | here: test_each_finish_reason_has_a_meaning |
| 21 lists of models | catalog: test_a_path_is_shown_as_the_name_of_its_file, test_a_server_that_starts_late_is_found_and_one_that_stops_keeps_its_models; here: test_a_server_is_ready_without_its_model |
| 22 each provider has a limit, and a queue with visible positions | answer_on_streams: test_positions_in_the_queue_are_seen_everywhere, test_providers_have_queues_of_their_own; answer_queue: test_slots_go_round_the_users |
"""  # noqa: E501 - a table

import ast
import asyncio
import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.support.components.assistant_harness import (
    AssistantHarness,
    answer_target,
    ask_question,
    openai_provider,
)
from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.fakes.fake_model_server import (
    Part,
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.servers.in_process_server import StartServer, openai_settings

from rustygpt_server.assistant.answer import AnswerInProgress
from rustygpt_server.assistant.checked_transport import CheckedTransport
from rustygpt_server.assistant.openai import OpenAIProvider
from rustygpt_server.assistant.provider import ChatMessage, CompletionChunk, Prompt, ProviderError
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db import answers
from rustygpt_server.runtime import Runtime
from rustygpt_shared.models.messages import Usage
from rustygpt_shared.settings import Provider

_PROMPT = Prompt("m", [ChatMessage("user", "hi")])
_DONE = b"data: [DONE]\n\n"


async def _chunks(*parts: Part, read_timeout: float = 5) -> list[CompletionChunk]:
    """Return the chunks of an answer whose response has these parts."""
    async with fake_model_server(ScriptedAnswer(list(parts))) as server:
        settings = Provider(kind="openai", base_url=server.url)
        provider = OpenAIProvider(settings, read_timeout, Runtime())
        try:
            return [part async for part in provider.stream(_PROMPT)]
        finally:
            await provider.close()


async def _text(*parts: Part, read_timeout: float = 5) -> tuple[str, str, str | None]:
    """Return text, reasoning and finish reason of an answer."""
    chunks = await _chunks(*parts, read_timeout=read_timeout)
    reasons = [part.finish_reason for part in chunks if part.finish_reason]
    return (
        "".join(part.content for part in chunks),
        "".join(part.reasoning for part in chunks),
        reasons[-1] if reasons else None,
    )


def _event(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()


def test_each_requirement_names_tests_that_exist() -> None:
    """The table above has all 22, and no test that was renamed."""
    rows = re.findall(r"^\| (\d+) .* \| (.*) \|$", __doc__ or "", re.MULTILINE)
    named = [test for _, tests in rows for test in _named(tests)]
    missing = [test for file, test in named if test not in _defined(file)]

    assert [int(number) for number, _ in rows] == list(range(1, 23))
    assert missing == []


def _named(cell: str) -> list[tuple[str, str]]:
    groups = (group.split(": ") for group in cell.split("; "))
    return [(file, test) for file, tests in groups for test in tests.split(", ")]


def _defined(file: str) -> set[str]:
    path = Path(__file__)
    source = path if file == "here" else path.with_name(f"test_{file}.py")
    tree = ast.parse(source.read_text("utf-8"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


async def test_comments_keep_the_connection() -> None:
    """A server that works on a long prompt sends nothing else for longer than it may be silent."""
    pings: list[Part] = [part for _ in range(20) for part in (b": working\n\n", 0.05)]

    assert (await _text(*pings, chunk("a"), finished(), read_timeout=0.5))[0] == "a"


async def test_data_may_have_several_lines() -> None:
    """They are one text with line breaks (WHATWG HTML, 9.2.6)."""
    pretty = json.dumps(json.loads(chunk("a").removeprefix(b"data: ")), indent=1)
    event = "".join(f"data: {line}\n" for line in pretty.splitlines()) + "\n"

    assert (await _text(event.encode(), finished()))[0] == "a"


async def test_the_outcome_is_what_came_before_the_end() -> None:
    """`[DONE]` alone is a normal end; what follows it is not read."""
    length = chunk(None, finish_reason="length")

    assert await _text(chunk("a"), length, _DONE, chunk("b")) == ("a", "", "length")
    assert await _text(chunk("a"), _DONE, chunk("b")) == ("a", "", None)


async def test_an_empty_delta_is_no_text() -> None:
    """As in the last chunk of OpenAI."""
    empty = _event({"choices": [{"index": 0, "delta": {}}]})
    null = _event({"choices": [{"index": 0, "delta": None}]})

    assert (await _text(empty, chunk("a"), null, finished()))[0] == "a"


async def test_reasoning_in_the_text_is_separated() -> None:
    """llama.cpp with `reasoning_format: none` leaves its marks in the text."""
    parts = [chunk("<th"), chunk("ink>hm</thi"), chunk("nk>\n\nso"), finished()]

    assert await _text(*parts) == ("so", "hm", "stop")


async def test_reasoning_is_never_sent_back(builder: DatabaseBuilder) -> None:
    """The next prompt has the text of the answer alone."""
    reasoning = _event({"choices": [{"delta": {"reasoning": "secret thoughts"}}]})
    first = ScriptedAnswer([reasoning, chunk("so"), finished()])
    async with fake_model_server(first, answer("b")) as model:
        assistant = AssistantHarness(builder.db, openai_provider(model.url))
        user_id, target = await ask_question(builder)
        result = await assistant.generator.generate(AnswerInProgress(target, assistant.hub, 0))
        assert result.reasoning == "secret thoughts"
        now = builder.now
        await answers.finish_answer(builder.db, target.message_id, INSTANCE_ID, result, now)
        reply = answer_target(await builder.reply(user_id, target.message_id, "and?"))
        await assistant.generator.generate(AnswerInProgress(reply, assistant.hub, 0))
        await assistant.catalog.close()

    assert [message["content"] for message in model.requests[1].body["messages"]] == [
        "question",
        "so",
        "and?",
    ]


async def test_the_text_of_an_interrupted_answer_is_kept(builder: DatabaseBuilder) -> None:
    """Also when the connection breaks within an event."""
    script = ScriptedAnswer([chunk("half an "), chunk("answer"), b'data: {"choices": [{"de'])
    async with fake_model_server(script) as model:
        assistant = AssistantHarness(builder.db, openai_provider(model.url))
        _, target = await ask_question(builder)
        result = await assistant.generator.generate(AnswerInProgress(target, assistant.hub, 0))
        await assistant.catalog.close()

    assert (result.content, result.finish_reason) == ("half an answer", "error")


async def test_null_and_repeated_usage() -> None:
    """OpenAI sends null before the last chunk, vLLM may send the usage with every chunk."""
    frames = [
        _event({"choices": [{"delta": {"content": "a"}}], "usage": None}),
        *[
            _event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": n}})
            for n in (1, 2, 3)
        ],
        _event({"choices": [], "usage": None}),
    ]
    chunks = await _chunks(*frames, finished())

    assert [part.usage for part in chunks if part.usage][-1] == Usage(3, 3, 6)


async def test_unknown_fields_are_ignored() -> None:
    """Padding of OpenAI, timings of llama.cpp, and whatever comes next."""
    extra = {"obfuscation": "xyz", "timings": {"n": 1}, "stop_reason": None, "new": [1, {}]}
    body = {"choices": [{"index": 0, "delta": {"content": "a", **extra}, **extra}], **extra}

    assert await _text(_event(body), finished()) == ("a", "", "stop")


async def test_a_tool_call_is_an_end_with_a_notice() -> None:
    """Its parts are no text; the error says that there are no tools here."""
    call = {"index": 0, "function": {"name": "f", "arguments": "{"}}
    body = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    with pytest.raises(ProviderError, match="asked for a tool, and there are none here"):
        await _text(chunk("a"), _event(body), finished("tool_calls"))
    assert await _text(chunk("a"), _event(body), finished()) == ("a", "", "stop")


async def test_a_connection_has_a_time_limit() -> None:
    """Its sentence is not that of a model that is silent."""

    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    settings = Provider(kind="openai", base_url="http://models.invalid/v1")
    runtime = Runtime(limits=TimeLimits(connect_timeout=0.01))
    provider = OpenAIProvider(settings, 5, runtime, CheckedTransport(never))
    with pytest.raises(ProviderError, match="accepts no connection in time") as raised:
        await provider.list_models()
    await provider.close()

    assert raised.value.code == "unreachable"


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "withheld the rest of the answer"),
        ("tool_calls", "asked for a tool"),
        ("abort", "stopped the answer"),
        ("something_new", "before it was complete"),
        (None, "closed the stream too early"),
    ],
)
async def test_each_finish_reason_has_a_meaning(reason: str | None, outcome: str) -> None:
    """Those that are no normal end are errors in words."""
    parts = [chunk("a"), chunk(None, finish_reason=reason)]
    if outcome in ("stop", "length"):
        assert await _text(*parts) == ("a", "", outcome)
    else:
        with pytest.raises(ProviderError, match=outcome):
            await _text(*parts)


async def test_a_server_is_ready_without_its_model(start_server: StartServer) -> None:
    """People can write to each other, and a question ends with a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with start_server(llm=openai_settings(f"http://127.0.0.1:{port}/v1")) as server:
        ann = await server.person("ann")
        assert (await ann.get("/readyz")) == {"ready": True}
        conversation_id = await ann.conversation(assistant_mode="always")
        async with ann.follow(conversation_id) as stream:
            root = await ann.root(conversation_id, "hello?")
            waiting = asyncio.ensure_future(stream.next("error"))
            while not waiting.done():  # two retries wait for a moment each
                server.clock.advance(0.5)
                await asyncio.sleep(0.01)
            error = await waiting
        assert (await ann.get("/readyz")) == {"ready": True}
        await ann.reply(root, "anyone?")

    assert error["payload"]["message"] == "The model's server cannot be reached."
