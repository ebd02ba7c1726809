"""follow: what happens, one line an event."""

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


def starting(server: FakeHttpServer, *frames: bytes) -> list[str | None]:
    """Give these frames to each stream; answers the positions streams were asked from."""
    starts: list[str | None] = []

    def handler(asked: RecordedRequest) -> FakeResponse:
        starts.append(asked.headers.get("last-event-id"))
        return stream(*frames)

    server.on("GET", STREAM, handler)
    server.on(
        "GET", f"/api/conversations/{TEA}", FakeResponse(body=conversation(last_event_id="evt_3"))
    )
    return starts


async def test_each_event_is_a_line(signed_in: FakeHttpServer) -> None:
    """It begins now; being removed ends it with 6."""
    starts = starting(signed_in, *FRAMES, closed("removed"))
    ran = await rustygpt("follow", "--conversation", str(TEA))
    assert ran.code == 6
    assert ran.out.splitlines() == [
        "- stream.open evt_3",
        f"evt_4 message.new {ROOT} Ada: a[2J b",
        "- message.delta x",
        "evt_5 error RGP.X x",
    ]
    assert starts == ["evt_3"]


async def test_json_is_the_events_themselves(signed_in: FakeHttpServer) -> None:
    """Each line is what the wire said, with escapes for what drives a terminal."""
    starting(signed_in, *FRAMES, closed("removed"))
    ran = await rustygpt("follow", "--conversation", str(TEA), "--json")
    events = [decode_event(line) for line in ran.out.splitlines()]
    assert [event.id for event in events] == [None, "evt_4", None, "evt_5"]
    assert "\x1b" not in ran.out
    assert json.loads(ran.out.splitlines()[1])["payload"]["message"]["content"] == "a\x1b[2J\nb"


async def test_only_some_events_and_only_the_first(signed_in: FakeHttpServer) -> None:
    """`--types` and `--once`; a type that is none is a mistake."""
    starting(signed_in, *FRAMES, message_done(6))
    words = ["follow", "--conversation", str(TEA), "--types"]
    ran = await rustygpt(*words, "message.done,error", "--once")
    assert (ran.code, ran.out) == (0, "evt_5 error RGP.X x\n")
    ran = await rustygpt(*words, "message.gone")
    assert ran.code == 2
    assert "message.done" in ran.err


async def test_a_thread_can_be_followed(signed_in: FakeHttpServer) -> None:
    """Its conversation is found, and only its events are printed."""
    starting(signed_in, *FRAMES, message_new(6, answer("Tea")), closed("removed"))
    signed_in.on("GET", f"/api/messages/{ROOT}", FakeResponse(body=message()))
    ran = await rustygpt("follow", "--root", str(ROOT))
    assert [line.split()[1] for line in ran.out.splitlines()] == [
        *("message.new", "message.delta", "message.new")
    ]
    assert str(REPLY) in ran.out


async def test_it_goes_on_where_it_was(signed_in: FakeHttpServer) -> None:
    """`--since` names an event, `--since-last` remembers the last one told."""
    starts = starting(signed_in, *FRAMES, closed("removed"))
    words = ["follow", "--conversation", str(TEA)]
    await rustygpt(*words, "--since", "evt_1")
    await rustygpt(*words, "--since-last")
    assert starts == ["evt_1", "evt_5"]
    assert (await rustygpt(*words, "--since", "evt_1", "--since-last")).code == 2
    assert (await rustygpt("follow")).code == 2
    assert follow.name == "follow"
