"""The command `follow`: which events it prints, and where it starts."""

import json

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, RecordedRequest
from tests.support.sample_models import REPLY, ROOT, TEA, conversation, message
from tests.support.streams.sse_frames import (
    answer,
    closed,
    error,
    message_delta,
    message_done,
    message_new,
    opened,
    reset,
    stream,
)

from rustygpt_shared.codec import decode_event
from rustygpt_tui.commands.follow import follow

STREAM = f"/api/stream/conversations/{TEA}"
FRAMES = (
    opened("evt_3"),
    message_new(4, message(content="a\x1b[2J\nb")),
    message_delta(0, "x"),
    error(5),
)


def serve_frames(server: FakeHttpServer, *frames: bytes) -> list[str | None]:
    """Serve these frames on each stream; return the list of positions that requests ask for."""
    positions: list[str | None] = []

    def handler(request: RecordedRequest) -> FakeResponse:
        positions.append(request.headers.get("last-event-id"))
        return stream(*frames)

    server.on("GET", STREAM, handler)
    server.on(
        "GET", f"/api/conversations/{TEA}", FakeResponse(body=conversation(last_event_id="evt_3"))
    )
    return positions


async def test_each_event_is_a_line(signed_in: FakeHttpServer) -> None:
    """It starts at the current position; being removed ends it with 6."""
    positions = serve_frames(signed_in, *FRAMES, closed("removed"))
    result = await rustygpt("follow", "--conversation", str(TEA))
    assert result.code == 6
    assert result.out.splitlines() == [
        "- stream.open evt_3",
        f"evt_4 message.new {ROOT} Ada: a[2J b",
        "- message.delta x",
        "evt_5 error RGP.X x",
    ]
    assert positions == ["evt_3"]


async def test_json_is_the_events_themselves(signed_in: FakeHttpServer) -> None:
    """Each line is the event as it was received; control characters are escaped."""
    serve_frames(signed_in, *FRAMES, closed("removed"))
    result = await rustygpt("follow", "--conversation", str(TEA), "--json")
    events = [decode_event(line) for line in result.out.splitlines()]
    assert [event.id for event in events] == [None, "evt_4", None, "evt_5"]
    assert "\x1b" not in result.out
    content = json.loads(result.out.splitlines()[1])["payload"]["message"]["content"]
    assert content == "a\x1b[2J\nb"


async def test_types_select_events_and_once_ends_after_the_first(
    signed_in: FakeHttpServer,
) -> None:
    """An unknown type is an error of usage that lists the types."""
    serve_frames(signed_in, *FRAMES, message_done(6))
    words = ["follow", "--conversation", str(TEA), "--types"]
    result = await rustygpt(*words, "message.done,error", "--once")
    assert (result.code, result.out) == (0, "evt_5 error RGP.X x\n")
    result = await rustygpt(*words, "message.gone")
    assert result.code == 2
    assert "message.done" in result.err


async def test_a_thread_can_be_followed(signed_in: FakeHttpServer) -> None:
    """Its conversation is looked up, and only events of the thread are printed."""
    serve_frames(signed_in, *FRAMES, message_new(6, answer("Tea")), closed("removed"))
    signed_in.on("GET", f"/api/messages/{ROOT}", FakeResponse(body=message()))
    result = await rustygpt("follow", "--root", str(ROOT))
    assert [line.split()[1] for line in result.out.splitlines()] == [
        "message.new",
        "message.delta",
        "message.new",
    ]
    assert str(REPLY) in result.out


async def test_the_error_of_an_answer_in_the_thread_is_printed(signed_in: FakeHttpServer) -> None:
    """It names a message only, whose `message.done` came before; other errors are left out."""
    frames = [
        opened("evt_3"),
        error(4, "elsewhere", TEA),
        message_done(5, "error"),
        error(6, "no model", REPLY),
        closed("removed"),
    ]
    serve_frames(signed_in, *frames)
    signed_in.on("GET", f"/api/messages/{ROOT}", FakeResponse(body=message()))
    result = await rustygpt("follow", "--root", str(ROOT))
    assert result.out.splitlines() == [
        f"evt_5 message.done {REPLY} error",
        "evt_6 error RGP.X no model",
    ]


async def test_a_gap_is_reported_when_its_event_is_not_printed(signed_in: FakeHttpServer) -> None:
    """A reset is printed as an event, or noted on standard error when a filter excludes it."""
    serve_frames(signed_in, opened("evt_3"), reset("evt_90"), closed("removed"))
    words = ["follow", "--conversation", str(TEA)]
    result = await rustygpt(*words)
    assert "stream.reset trimmed evt_90" in result.out
    assert "missed" not in result.err
    result = await rustygpt(*words, "--types", "message.new")
    assert result.out == ""
    assert "Some events were missed (trimmed)." in result.err


async def test_it_continues_after_an_event(signed_in: FakeHttpServer) -> None:
    """`--since` names an event, `--since-last` continues after the last one that was received."""
    positions = serve_frames(signed_in, *FRAMES, closed("removed"))
    words = ["follow", "--conversation", str(TEA)]
    await rustygpt(*words, "--since", "evt_1")
    await rustygpt(*words, "--since-last")
    assert positions == ["evt_1", "evt_5"]
    assert (await rustygpt(*words, "--since", "evt_1", "--since-last")).code == 2
    assert (await rustygpt("follow")).code == 2
    assert follow.name == "follow"
