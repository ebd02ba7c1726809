"""chat: messages printed, and the plain chat after them."""

import asyncio
import json
from collections.abc import AsyncIterator

from tests.support.clients.cli_runner import rustygpt
from tests.support.clients.terminal import in_terminal
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, RecordedRequest
from tests.support.sample_models import ROOT, TEA, conversation, message, thread
from tests.support.streams.sse_frames import (
    answer,
    message_delta,
    message_done,
    message_new,
    message_updated,
    opened,
)

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import ThreadList
from rustygpt_shared.models.messages import PostedMessage, ThreadPage

FINAL = answer("Hot water.", streaming=False, finish_reason="stop")


def talking(server: FakeHttpServer) -> None:
    """A conversation of one thread: a question and its answer."""
    shown = conversation(last_event_id="evt_3")
    server.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=shown))
    page = ThreadList([thread()], "evt_3")
    server.on("GET", f"/api/conversations/{TEA}/threads", FakeResponse(body=page))
    tree = ThreadPage(ROOT, [message(content="What\x1b[31m?"), FINAL], "evt_3")
    server.on("GET", f"/api/threads/{ROOT}/tree", FakeResponse(body=tree))


async def test_messages_are_printed_by_their_depth(signed_in: FakeHttpServer) -> None:
    """For a reader, or a line of JSON each; `--limit` keeps the latest."""
    talking(signed_in)
    ran = await rustygpt("chat", "--conversation", str(TEA))
    lines = ran.out.splitlines()
    assert lines[0].startswith("── Ada, ")
    assert lines[1] == "What[31m?"
    assert lines[2].startswith("  ── assistant, ")
    assert lines[3] == "  Hot water."
    ran = await rustygpt("chat", "--conversation", str(TEA), "--limit", "1", "--json")
    assert [json.loads(line)["content"] for line in ran.out.splitlines()] == ["Hot water."]
    ran = await rustygpt("chat", "--conversation", str(TEA), "--root", str(ROOT), terminal=True)
    assert len(ran.out.splitlines()) == 4


async def test_on_a_terminal_it_goes_on(signed_in: FakeHttpServer) -> None:
    """A line answers the last message, its answer is printed as it comes, Ctrl-D ends it."""
    talking(signed_in)
    asked = asyncio.Event()

    def post(_: RecordedRequest) -> FakeResponse:
        asked.set()
        return FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 1))

    async def talk() -> AsyncIterator[bytes]:
        yield opened("evt_3")
        await asked.wait()
        yield message_new(5, answer()) + message_delta(0, "Then ") + message_delta(5, "milk.")
        yield message_updated(
            6, answer("Then milk.", streaming=False, finish_reason="stop")
        ) + message_done(7)
        await asyncio.Event().wait()

    signed_in.on("POST", f"/api/messages/{FINAL.id}/reply", post)
    signed_in.on("GET", f"/api/stream/conversations/{TEA}", FakeResponse(stream=talk()))
    async with asyncio.timeout(20):
        async with in_terminal("chat", "--conversation", str(TEA)) as terminal:
            await terminal.shows("Hot water.")
            terminal.types("And now?\n")
            await terminal.shows("Then milk.")
            terminal.types("\x04")
            assert await terminal.ends() == 0
    posts = [decode(a.body, dict) for a in signed_in.requests if a.method == "POST"]
    assert posts == [{"content": "And now?"}]
