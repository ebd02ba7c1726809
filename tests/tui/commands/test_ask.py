"""ask: a question, its answer as it comes, and how it ends."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from tests.support.clients.cli_runner import rustygpt
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
from rustygpt_shared.models.messages import CancelResult, PostedMessage, ThreadPage

STREAM = f"/api/stream/conversations/{TEA}"
WHOLE = "Tea is **hot** 🍵 water."
FINAL = answer(WHOLE, streaming=False, finish_reason="stop")
POSTED = PostedMessage(ROOT, ROOT, TEA, 1)


@pytest.fixture
def asked_server(signed_in: FakeHttpServer) -> FakeHttpServer:
    """A server with a conversation in which a question may be put."""
    shown = conversation(last_event_id="evt_3")
    signed_in.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=shown))
    signed_in.on("POST", f"/api/threads/{TEA}/root", FakeResponse(201, POSTED))
    signed_in.on("GET", f"/api/messages/{REPLY}", FakeResponse(body=FINAL))
    return signed_in


async def test_the_answer_is_printed_as_it_comes_and_nothing_twice(
    asked_server: FakeHttpServer,
) -> None:
    """Over a broken connection and repeated deltas; the position is from before the post."""
    asked_server.on(
        "GET",
        STREAM,
        stream(
            opened("evt_3"),
            message_new(4, message()),
            message_new(5, answer()),
            message_delta(0, WHOLE[:8]),
        ),
        stream(
            opened("evt_5"),
            message_delta(0, WHOLE[:15]),
            message_updated(6, FINAL),
            message_done(7),
        ),
    )
    ran = await rustygpt("ask", str(TEA), "What", "is", "tea?")
    assert (ran.code, ran.out) == (0, WHOLE + "\n")
    assert "Trying again" in ran.err
    streams = [a.headers["last-event-id"] for a in asked_server.requests if a.path == STREAM]
    assert streams == ["evt_3", "evt_5"]


async def test_other_answers_are_not_printed(asked_server: FakeHttpServer) -> None:
    """Only the answer to this question is."""
    other = message(TEA, "Other", role="assistant", parent_id=REPLY, streaming=False)
    asked_server.on(
        "GET",
        STREAM,
        stream(
            opened(),
            message_new(4, other),
            message_new(5, answer()),
            message_updated(6, FINAL),
            message_done(7),
        ),
    )
    assert (await rustygpt("ask", str(TEA), "?")).out == WHOLE + "\n"


async def test_json_is_the_whole_answer_at_its_end(asked_server: FakeHttpServer) -> None:
    """One object, nothing before."""
    asked_server.on(
        "GET",
        STREAM,
        stream(opened(), message_new(4, answer()), message_delta(0, "Tea"), message_done(5)),
    )
    ran = await rustygpt("ask", str(TEA), "?", "--json")
    assert json.loads(ran.out)["content"] == WHOLE


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        ([message_done(6, "error"), error(7, "No model answers.", REPLY)], "No model answers."),
        ([message_done(6, "cancelled")], "The answer was stopped."),
        ([message_done(6, "timeout")], "took too long"),
    ],
)
async def test_a_failed_answer_is_9(
    asked_server: FakeHttpServer, frames: list[bytes], sentence: str
) -> None:
    """What came of it is printed, and why it ended is told."""
    asked_server.on(
        "GET", STREAM, stream(opened(), message_new(4, answer()), message_delta(0, "Tea"), *frames)
    )
    ran = await rustygpt("ask", str(TEA), "?")
    assert (ran.code, ran.out) == (9, "Tea\n")
    assert sentence in ran.err


async def test_after_a_reset_the_thread_is_fetched(asked_server: FakeHttpServer) -> None:
    """The answer is found there, and only the rest of it printed."""
    tree = ThreadPage(ROOT, [message(), FINAL], "evt_90")
    asked_server.on("GET", f"/api/threads/{ROOT}/tree", FakeResponse(body=tree))
    asked_server.on(
        "GET",
        STREAM,
        stream(opened(), message_new(4, answer()), message_delta(0, "Tea"), reset("evt_90")),
    )
    assert (await rustygpt("ask", str(TEA), "?")).out == WHOLE + "\n"


async def test_in_a_group_the_assistant_is_mentioned(asked_server: FakeHttpServer) -> None:
    """Unless it is already; where it is off nothing is posted."""
    for mode in ("mention", "off"):
        shown = conversation(last_event_id="evt_3")
        shown = type(shown)(
            **{n: getattr(shown, n) for n in shown.__struct_fields__ if n != "assistant_mode"},
            assistant_mode=mode,
        )
        asked_server.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=shown))
        asked_server.on("GET", STREAM, stream(opened(), message_new(4, FINAL)))
        ran = await rustygpt("ask", str(TEA), "?")
        assert ran.code == (0 if mode == "mention" else 1)
    posts = [decode(a.body, dict)["content"] for a in asked_server.requests if a.method == "POST"]
    assert posts == ["@assistant ?"]


async def test_a_question_may_be_put_in_a_thread_or_after_a_word_to_the_assistant(
    asked_server: FakeHttpServer,
) -> None:
    """`--parent` replies; `--system` begins the thread."""
    asked_server.on("GET", f"/api/messages/{ROOT}", FakeResponse(body=message()))
    asked_server.on(
        "POST", f"/api/messages/{ROOT}/reply", FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 2))
    )
    asked_server.on("GET", STREAM, lambda _: stream(opened(), message_new(4, FINAL)))
    assert (await rustygpt("ask", "--parent", str(ROOT), "Why", "so?")).code == 0
    assert (await rustygpt("ask", str(TEA), "Why?", "--system", "Be short.")).code == 0
    posts = [decode(a.body, dict) for a in asked_server.requests if a.method == "POST"]
    assert posts == [
        {"content": "Why so?"},
        {"content": "Be short.", "role": "system"},
        {"content": "Why?"},
    ]
    assert (await rustygpt("ask", "--parent", str(ROOT), "--system", "x", "y")).code == 2
    assert (await rustygpt("ask")).code == 2


async def test_being_removed_ends_the_wait(asked_server: FakeHttpServer) -> None:
    """The stream's end is told."""
    asked_server.on("GET", STREAM, stream(opened(), message_new(4, answer()), closed("removed")))
    assert (await rustygpt("ask", str(TEA), "?")).code == 1


async def test_ctrl_c_stops_the_answer_at_the_server(asked_server: FakeHttpServer) -> None:
    """What came is printed, the answer is cancelled, and the program ends with 130."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield opened() + message_new(4, answer()) + message_delta(0, "Tea")
        begun.set()
        await never.wait()

    asked_server.on("GET", STREAM, FakeResponse(stream=endless()))
    asked_server.on(
        "POST", f"/api/messages/{REPLY}/cancel", FakeResponse(202, CancelResult(REPLY, "cancelled"))
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from rustygpt_tui.cli import main; main()"),
        *("ask", str(TEA), "?"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        await begun.wait()
        printed = await process.stdout.readexactly(3)
        process.send_signal(signal.SIGINT)
        code = await process.wait()
    assert (printed, code) == (b"Tea", 130)
    assert asked_server.request_count("POST", f"/api/messages/{REPLY}/cancel") == 1
    never.set()
