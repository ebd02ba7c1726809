"""ask: a question, its answer as it comes, and how it ends."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator

import pytest
from tests.support.frames import (
    answer,
    closed,
    delta,
    done,
    new,
    opened,
    reset,
    stream,
    trouble,
    updated,
)
from tests.support.program import rustygpt
from tests.support.samples import REPLY, ROOT, TEA, conversation, message
from tests.support.wire_server import Reply, WireServer

from rustygpt_shared.codec import decode
from rustygpt_shared.models.messages import Cancelled, Posted, Tree

STREAM = f"/api/stream/conversations/{TEA}"
WHOLE = "Tea is **hot** 🍵 water."
FINAL = answer(WHOLE, streaming=False, finish_reason="stop")
POSTED = Posted(ROOT, ROOT, TEA, 1)


@pytest.fixture
def asking(signed_in: WireServer) -> WireServer:
    """A server with a conversation in which a question may be put."""
    shown = conversation(last_event_id="evt_3")
    signed_in.on("GET", f"/api/conversations/{TEA}", Reply(body=shown))
    signed_in.on("POST", f"/api/threads/{TEA}/root", Reply(201, POSTED))
    signed_in.on("GET", f"/api/messages/{REPLY}", Reply(body=FINAL))
    return signed_in


async def test_the_answer_is_printed_as_it_comes_and_nothing_twice(asking: WireServer) -> None:
    """Over a broken connection and repeated deltas; the position is from before the post."""
    asking.on(
        "GET",
        STREAM,
        stream(opened("evt_3"), new(4, message()), new(5, answer()), delta(0, WHOLE[:8])),
        stream(opened("evt_5"), delta(0, WHOLE[:15]), updated(6, FINAL), done(7)),
    )
    ran = await rustygpt("ask", str(TEA), "What", "is", "tea?")
    assert (ran.code, ran.out) == (0, WHOLE + "\n")
    assert "Trying again" in ran.err
    streams = [a.headers["last-event-id"] for a in asking.asked if a.path == STREAM]
    assert streams == ["evt_3", "evt_5"]


async def test_other_answers_are_not_printed(asking: WireServer) -> None:
    """Only the answer to this question is."""
    other = message(TEA, "Other", role="assistant", parent_id=REPLY, streaming=False)
    asking.on(
        "GET", STREAM, stream(opened(), new(4, other), new(5, answer()), updated(6, FINAL), done(7))
    )
    assert (await rustygpt("ask", str(TEA), "?")).out == WHOLE + "\n"


async def test_json_is_the_whole_answer_at_its_end(asking: WireServer) -> None:
    """One object, nothing before."""
    asking.on("GET", STREAM, stream(opened(), new(4, answer()), delta(0, "Tea"), done(5)))
    ran = await rustygpt("ask", str(TEA), "?", "--json")
    assert json.loads(ran.out)["content"] == WHOLE


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        ([done(6, "error"), trouble(7, "No model answers.", REPLY)], "No model answers."),
        ([done(6, "cancelled")], "The answer was stopped."),
        ([done(6, "timeout")], "took too long"),
    ],
)
async def test_a_failed_answer_is_9(asking: WireServer, frames: list[bytes], sentence: str) -> None:
    """What came of it is printed, and why it ended is told."""
    asking.on("GET", STREAM, stream(opened(), new(4, answer()), delta(0, "Tea"), *frames))
    ran = await rustygpt("ask", str(TEA), "?")
    assert (ran.code, ran.out) == (9, "Tea\n")
    assert sentence in ran.err


async def test_after_a_reset_the_thread_is_fetched(asking: WireServer) -> None:
    """The answer is found there, and only the rest of it printed."""
    tree = Tree(ROOT, [message(), FINAL], "evt_90")
    asking.on("GET", f"/api/threads/{ROOT}/tree", Reply(body=tree))
    asking.on("GET", STREAM, stream(opened(), new(4, answer()), delta(0, "Tea"), reset("evt_90")))
    assert (await rustygpt("ask", str(TEA), "?")).out == WHOLE + "\n"


async def test_in_a_group_the_assistant_is_mentioned(asking: WireServer) -> None:
    """Unless it is already; where it is off nothing is posted."""
    for mode in ("mention", "off"):
        shown = conversation(last_event_id="evt_3")
        shown = type(shown)(
            **{n: getattr(shown, n) for n in shown.__struct_fields__ if n != "assistant_mode"},
            assistant_mode=mode,
        )
        asking.on("GET", f"/api/conversations/{TEA}", Reply(body=shown))
        asking.on("GET", STREAM, stream(opened(), new(4, FINAL)))
        ran = await rustygpt("ask", str(TEA), "?")
        assert ran.code == (0 if mode == "mention" else 1)
    posts = [decode(a.body, dict)["content"] for a in asking.asked if a.method == "POST"]
    assert posts == ["@assistant ?"]


async def test_a_question_may_be_put_in_a_thread_or_after_a_word_to_the_assistant(
    asking: WireServer,
) -> None:
    """`--parent` replies; `--system` begins the thread."""
    asking.on("GET", f"/api/messages/{ROOT}", Reply(body=message()))
    asking.on("POST", f"/api/messages/{ROOT}/reply", Reply(201, Posted(ROOT, ROOT, TEA, 2)))
    asking.on("GET", STREAM, lambda _: stream(opened(), new(4, FINAL)))
    assert (await rustygpt("ask", "--parent", str(ROOT), "Why", "so?")).code == 0
    assert (await rustygpt("ask", str(TEA), "Why?", "--system", "Be short.")).code == 0
    posts = [decode(a.body, dict) for a in asking.asked if a.method == "POST"]
    assert posts == [
        {"content": "Why so?"},
        {"content": "Be short.", "role": "system"},
        {"content": "Why?"},
    ]
    assert (await rustygpt("ask", "--parent", str(ROOT), "--system", "x", "y")).code == 2
    assert (await rustygpt("ask")).code == 2


async def test_being_removed_ends_the_wait(asking: WireServer) -> None:
    """The stream's end is told."""
    asking.on("GET", STREAM, stream(opened(), new(4, answer()), closed("removed")))
    assert (await rustygpt("ask", str(TEA), "?")).code == 1


async def test_ctrl_c_stops_the_answer_at_the_server(asking: WireServer) -> None:
    """What came is printed, the answer is cancelled, and the program ends with 130."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield opened() + new(4, answer()) + delta(0, "Tea")
        begun.set()
        await never.wait()

    asking.on("GET", STREAM, Reply(stream=endless()))
    asking.on("POST", f"/api/messages/{REPLY}/cancel", Reply(202, Cancelled(REPLY, "cancelled")))
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
    assert asking.counted("POST", f"/api/messages/{REPLY}/cancel") == 1
    never.set()
