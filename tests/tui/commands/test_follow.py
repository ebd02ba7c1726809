"""The command `follow`: which events it prints, and where it starts."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator

import pytest
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, RecordedRequest
from tests.support.sample_models import ADA, REPLY, ROOT, TEA, TIME, conversation, message
from tests.support.servers.server_process import COMMAND
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

from rustygpt_shared.codec import decode_event, encode, sse_frame
from rustygpt_shared.events import MembershipChangedPayload
from rustygpt_shared.models.conversations import ParticipantList, ParticipantWithPresence
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
    reasoning = message_delta(0, "", reasoning="so far")
    positions = serve_frames(signed_in, *FRAMES, reasoning, closed("removed"))
    result = await rustygpt("follow", "--conversation", str(TEA))
    assert result.code == 6
    assert result.out.splitlines() == [
        "- stream.open evt_3",
        f"evt_4 message.new {ROOT} Ada: a[2J b",
        "- message.delta x",
        "evt_5 error RGP.X x",
        "- message.delta reasoning: so far",
    ]
    assert positions == ["evt_3"]


async def test_people_with_the_same_name_have_different_labels(signed_in: FakeHttpServer) -> None:
    """The labels are fetched with the first message, and again when someone has joined."""
    bob = ParticipantWithPresence(REPLY, "bob", "member", TIME, "Ada", presence="online")
    ada = ParticipantWithPresence(ADA, "ada", "owner", TIME, "Ada", presence="online")
    people = [[ada], [ada, bob]]
    route = f"/api/conversations/{TEA}/participants"
    lists = [FakeResponse(body=ParticipantList(listed)) for listed in people]
    signed_in.on("GET", route, *lists)
    joined = sse_frame("membership.changed", encode(MembershipChangedPayload(TEA, REPLY, "added")))
    frames = (opened("evt_3"), message_new(4, message()), joined, message_new(5, message()))
    serve_frames(signed_in, *frames, closed("removed"))
    result = await rustygpt("follow", "--conversation", str(TEA), "--types", "message.new")
    assert [line.partition(f"{ROOT} ")[2] for line in result.out.splitlines()] == [
        "Ada: Hello",
        "Ada (@ada): Hello",
    ]


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


async def test_once_ends_after_the_first_event_that_is_not_about_the_stream(
    signed_in: FakeHttpServer,
) -> None:
    """`stream.open` always comes first; it counts only when no other events are wanted."""
    serve_frames(signed_in, *FRAMES)
    words = ["follow", "--conversation", str(TEA), "--once"]
    result = await rustygpt(*words)
    assert [line.split()[1] for line in result.out.splitlines()] == ["stream.open", "message.new"]
    result = await rustygpt(*words, "--types", "stream.open")
    assert result.out == "- stream.open evt_3\n"
    result = await rustygpt(*words, "--types", "stream.open,error")
    assert [line.split()[1] for line in result.out.splitlines()] == ["stream.open", "error"]


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
    """Errors of answers in other threads are left out."""
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


@pytest.mark.parametrize("since", ["évt_1", "evt_", "1", "evt_1 ", "last"])
async def test_a_bad_position_is_an_error(signed_in: FakeHttpServer, since: str) -> None:
    """It is named in the error, and no request is sent."""
    result = await rustygpt("follow", "--conversation", str(TEA), "--since", since)
    assert (result.code, result.out, signed_in.requests) == (2, "", [])
    assert f"--since {since!r} is not the id of an event" in result.err


async def test_the_end_of_the_reader_ends_it_at_once(signed_in: FakeHttpServer) -> None:
    """`rustygpt follow … | head -1` does not wait for an event in a quiet conversation."""
    never = asyncio.Event()

    async def frames() -> AsyncIterator[bytes]:
        yield opened("evt_3")
        await never.wait()

    serve_frames(signed_in)
    signed_in.on("GET", STREAM, FakeResponse(stream=frames()))
    script = 'exec "$@" | head -n 1'
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", script, "sh", *COMMAND, "follow", "--conversation", str(TEA), stdout=PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert out == b"- stream.open evt_3\n"
    never.set()
