"""The command `chat`: messages, and the line chat after them."""

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


def serve_thread(server: FakeHttpServer) -> None:
    """Serve a conversation with one thread: a question and its answer."""
    shown = conversation(last_event_id="evt_3")
    server.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=shown))
    page = ThreadList([thread()], "evt_3")
    server.on("GET", f"/api/conversations/{TEA}/threads", FakeResponse(body=page))
    tree = ThreadPage(ROOT, [message(content="What\x1b[31m?"), FINAL], "evt_3")
    server.on("GET", f"/api/threads/{ROOT}/tree", FakeResponse(body=tree))


async def test_messages_are_indented_by_their_depth(signed_in: FakeHttpServer) -> None:
    """As text, or a line of JSON each; `--limit` keeps the latest."""
    serve_thread(signed_in)
    result = await rustygpt("chat", "--conversation", str(TEA))
    lines = result.out.splitlines()
    assert lines[0].startswith("── Ada, ")
    assert lines[1] == "What[31m?"
    assert lines[2].startswith("  ── assistant, ")
    assert lines[3] == "  Hot water."
    result = await rustygpt("chat", "--conversation", str(TEA), "--limit", "1", "--json")
    assert [json.loads(line)["content"] for line in result.out.splitlines()] == ["Hot water."]
    result = await rustygpt("chat", "--conversation", str(TEA), "--root", str(ROOT), terminal=True)
    assert len(result.out.splitlines()) == 4


async def test_on_a_terminal_it_continues_as_a_chat(signed_in: FakeHttpServer) -> None:
    """A line replies to the last message, its answer is printed as it streams, Ctrl-D ends it."""
    serve_thread(signed_in)
    posted = asyncio.Event()

    def post(_: RecordedRequest) -> FakeResponse:
        posted.set()
        return FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 1))

    async def frames() -> AsyncIterator[bytes]:
        yield opened("evt_3")
        await posted.wait()
        yield message_new(5, answer()) + message_delta(0, "Then ") + message_delta(5, "milk.")
        yield message_updated(
            6, answer("Then milk.", streaming=False, finish_reason="stop")
        ) + message_done(7)
        await asyncio.Event().wait()

    signed_in.on("POST", f"/api/messages/{FINAL.id}/reply", post)
    signed_in.on("GET", f"/api/stream/conversations/{TEA}", FakeResponse(stream=frames()))
    async with asyncio.timeout(20):
        async with in_terminal("chat", "--conversation", str(TEA)) as terminal:
            await terminal.shows("Hot water.")
            terminal.types("And now?\n")
            await terminal.shows("Then milk.")
            terminal.types("\x04")
            assert await terminal.ends() == 0
    posts = [decode(r.body, dict) for r in signed_in.requests if r.method == "POST"]
    assert posts == [{"content": "And now?"}]
