"""The command `ask`: which answer it follows, what it prints, and how it ends."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from msgspec import structs
from tests.support.clients.cli_runner import CliResult, rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import REPLY, ROOT, TEA, conversation, message
from tests.support.streams.sse_frames import (
    answer,
    closed,
    error,
    message_delta,
    message_done,
    message_new,
    message_updated,
    opened,
    reset,
    stream,
)

from rustygpt_shared.codec import decode
from rustygpt_shared.models.messages import CancelResult, PostedMessage

CONVERSATION = f"/api/conversations/{TEA}"
STREAM = f"/api/stream/conversations/{TEA}"
FULL_TEXT = "Tea is **hot** 🍵 water."
FINAL = answer(FULL_TEXT, streaming=False, finish_reason="stop")
POSTED = PostedMessage(ROOT, ROOT, TEA, 1, answer_id=REPLY)


def use_mode(server: FakeHttpServer, mode: str) -> None:
    """Serve the conversation with this assistant mode."""
    shown = structs.replace(conversation(last_event_id="evt_3"), assistant_mode=mode)
    server.on("GET", CONVERSATION, FakeResponse(body=shown))


def posted_contents(server: FakeHttpServer) -> list[str]:
    """Return the texts that were posted."""
    return [decode(r.body, dict)["content"] for r in server.requests if r.method == "POST"]


@pytest.fixture
def chat(signed_in: FakeHttpServer) -> FakeHttpServer:
    """A server with a conversation whose posts start an answer."""
    use_mode(signed_in, "always")
    signed_in.on("POST", f"/api/threads/{TEA}/root", FakeResponse(201, POSTED))
    signed_in.on("GET", f"/api/messages/{REPLY}", FakeResponse(body=FINAL))
    return signed_in


async def test_the_answer_is_printed_as_it_arrives_and_nothing_twice(
    chat: FakeHttpServer,
) -> None:
    """A broken connection and repeated deltas do not matter; the stream starts before the post."""
    chat.on(
        "GET",
        STREAM,
        stream(
            opened("evt_3"),
            message_new(4, message()),
            message_new(5, answer()),
            message_delta(0, FULL_TEXT[:8]),
        ),
        stream(
            opened("evt_5"),
            message_delta(0, FULL_TEXT[:15]),
            message_updated(6, FINAL),
            message_done(7),
        ),
    )
    result = await rustygpt("ask", str(TEA), "What", "is", "tea?")
    assert (result.code, result.out) == (0, FULL_TEXT + "\n")
    assert "Trying again" in result.err
    streams = [r.headers["last-event-id"] for r in chat.requests if r.path == STREAM]
    assert streams == ["evt_3", "evt_5"]


async def test_other_answers_are_not_printed(chat: FakeHttpServer) -> None:
    """Only the answer that the response to the post names is printed."""
    elsewhere = message(TEA, "Other", role="assistant", parent_id=REPLY, streaming=False)
    sibling = message(TEA, "Sibling", role="assistant", parent_id=ROOT, finish_reason="stop")
    chat.on(
        "GET",
        STREAM,
        stream(
            opened(),
            message_new(4, elsewhere),
            message_new(5, sibling),
            message_new(6, answer()),
            message_updated(7, FINAL),
            message_done(8),
        ),
    )
    assert (await rustygpt("ask", str(TEA), "?")).out == FULL_TEXT + "\n"


@pytest.mark.parametrize("mode", ["always", "mention"])
async def test_without_an_answer_id_the_command_fails_at_once(
    chat: FakeHttpServer, mode: str
) -> None:
    """The error names the conversation's mode; no stream is opened, nothing is printed."""
    use_mode(chat, mode)
    chat.on(
        "POST", f"/api/threads/{TEA}/root", FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 1))
    )
    result = await rustygpt("ask", str(TEA), "?")
    assert (result.code, result.out) == (1, "")
    assert "no answer was started" in result.err
    assert repr(mode) in result.err
    assert chat.request_count("GET", STREAM) == 0


async def test_json_is_the_full_answer_at_its_end(chat: FakeHttpServer) -> None:
    """One object is printed, and nothing before it."""
    chat.on(
        "GET",
        STREAM,
        stream(opened(), message_new(4, answer()), message_delta(0, "Tea"), message_done(5)),
    )
    result = await rustygpt("ask", str(TEA), "?", "--json")
    assert json.loads(result.out)["content"] == FULL_TEXT


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        ([message_done(6, "error"), error(7, "No model answers.", REPLY)], "No model answers."),
        ([message_done(6, "cancelled")], "The answer was stopped."),
        ([message_done(6, "timeout")], "took too long"),
    ],
)
async def test_a_failed_answer_exits_with_9(
    chat: FakeHttpServer, frames: list[bytes], sentence: str
) -> None:
    """The text so far is printed, and the reason goes to standard error."""
    chat.on(
        "GET", STREAM, stream(opened(), message_new(4, answer()), message_delta(0, "Tea"), *frames)
    )
    result = await rustygpt("ask", str(TEA), "?")
    assert (result.code, result.out) == (9, "Tea\n")
    assert sentence in result.err


async def test_after_a_reset_the_answer_is_fetched(chat: FakeHttpServer) -> None:
    """Only the part that was not printed yet is printed."""
    chat.on(
        "GET",
        STREAM,
        stream(opened(), message_new(4, answer()), message_delta(0, "Tea"), reset("evt_90")),
    )
    assert (await rustygpt("ask", str(TEA), "?")).out == FULL_TEXT + "\n"
    assert chat.request_count("GET", f"/api/messages/{REPLY}") == 1


async def test_in_a_group_the_assistant_is_mentioned(chat: FakeHttpServer) -> None:
    """In mode `mention` the question mentions the assistant; in mode `off` nothing is posted."""
    results: dict[str, CliResult] = {}
    for mode in ("mention", "off"):
        use_mode(chat, mode)
        chat.on("GET", STREAM, stream(opened(), message_new(4, FINAL)))
        results[mode] = await rustygpt("ask", str(TEA), "?")
    assert {mode: result.code for mode, result in results.items()} == {"mention": 0, "off": 1}
    assert "is off" in results["off"].err
    assert posted_contents(chat) == ["@assistant ?"]


@pytest.mark.parametrize(
    ("question", "posted"),
    [
        ("@Assistant, why?", "@Assistant, why?"),
        ("@assistants?", "@assistant @assistants?"),
        ("who is me@assistant.org?", "@assistant who is me@assistant.org?"),
    ],
)
async def test_only_a_mention_at_the_start_is_kept_as_it_is(
    chat: FakeHttpServer, question: str, posted: str
) -> None:
    """Text that merely contains the word gets a mention in front."""
    use_mode(chat, "mention")
    chat.on("GET", STREAM, stream(opened(), message_new(4, FINAL)))
    assert (await rustygpt("ask", str(TEA), question)).code == 0
    assert posted_contents(chat) == [posted]


async def test_a_question_can_be_a_reply_or_follow_a_system_prompt(chat: FakeHttpServer) -> None:
    """`--parent` replies to a message; `--system` starts the thread with a prompt."""
    chat.on("GET", f"/api/messages/{ROOT}", FakeResponse(body=message()))
    chat.on(
        "POST",
        f"/api/messages/{ROOT}/reply",
        FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 2, answer_id=REPLY)),
    )
    chat.on("GET", STREAM, lambda _: stream(opened(), message_new(4, FINAL)))
    assert (await rustygpt("ask", "--parent", str(ROOT), "Why", "so?")).code == 0
    assert (await rustygpt("ask", str(TEA), "Why?", "--system", "Be short.")).code == 0
    posts = [decode(r.body, dict) for r in chat.requests if r.method == "POST"]
    assert posts == [
        {"content": "Why so?"},
        {"content": "Be short.", "role": "system"},
        {"content": "Why?"},
    ]
    assert (await rustygpt("ask", "--parent", str(ROOT), "--system", "x", "y")).code == 2
    assert (await rustygpt("ask")).code == 2


async def test_being_removed_ends_the_wait(chat: FakeHttpServer) -> None:
    """A final `stream.closed` ends the command with 1."""
    chat.on("GET", STREAM, stream(opened(), message_new(4, answer()), closed("removed")))
    assert (await rustygpt("ask", str(TEA), "?")).code == 1


async def test_ctrl_c_stops_the_answer_at_the_server(chat: FakeHttpServer) -> None:
    """The text so far is printed, the answer is cancelled, and the program ends with 130."""
    sent = asyncio.Event()
    never = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield opened() + message_new(4, answer()) + message_delta(0, "Tea")
        sent.set()
        await never.wait()

    chat.on("GET", STREAM, FakeResponse(stream=endless()))
    chat.on(
        "POST", f"/api/messages/{REPLY}/cancel", FakeResponse(202, CancelResult(REPLY, "cancelled"))
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from rustygpt_tui.cli import main; main()",
        "ask",
        str(TEA),
        "?",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        await sent.wait()
        printed = await process.stdout.readexactly(3)
        process.send_signal(signal.SIGINT)
        code = await process.wait()
    assert (printed, code) == (b"Tea", 130)
    assert chat.request_count("POST", f"/api/messages/{REPLY}/cancel") == 1
    never.set()
