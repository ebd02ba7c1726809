"""Streams over HTTP, and the assistant's answers on them."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.support.database.failing_procedures import (
    DISK_FULL,
    DIVISION_BY_ZERO,
    failing_procedure,
)
from tests.support.fakes.fake_model_server import (
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.servers.in_process_server import InProcessServer, StartServer, openai_settings
from tests.support.wait import until

from rustygpt_shared import codec


async def test_a_post_arrives_with_its_numbers(server: InProcessServer) -> None:
    """Two durable events a post, each with the next id."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        opened = await stream.next()
        root = await ann.root(room)
        await ann.reply(root)
        events = [await stream.next() for _ in range(4)]

    assert opened == {"type": "stream.open", "payload": {"last_event_id": "evt_0"}}
    assert [(e["type"], e["id"]) for e in events] == [
        ("thread.new", "evt_1"),
        ("message.new", "evt_2"),
        ("message.new", "evt_3"),
        ("thread.activity", "evt_4"),
    ]
    assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.response.headers["cache-control"] == "no-cache, no-transform"


async def test_the_event_of_a_message_is_what_rest_shows(server: InProcessServer) -> None:
    """Payloads made by the database and answers made by the server say the same."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        root = await ann.root(room, "héllo \u2028 <b>")
        event = await stream.next("message.new")
    codec.decode_event(codec.encode(event))

    assert event["payload"]["message"] == await ann.get(f"/api/messages/{root}")


async def test_a_stream_resumes_where_it_was_cut(server: InProcessServer) -> None:
    """What happened in between comes first, once and in order."""
    ann = await server.person("ann")
    room = await ann.conversation()
    root = await ann.root(room)
    for number in range(5):
        await ann.reply(root, str(number))

    async with ann.follow(room, "evt_3") as stream:
        await stream.next("stream.open")
        seen = [(await stream.next())["id"] for _ in range(9)]

    assert seen == [f"evt_{n}" for n in range(4, 13)]


async def test_an_id_that_is_no_good_is_answered_by_a_reset(server: InProcessServer) -> None:
    """Never by an error status, which would end a browser's EventSource for good."""
    ann = await server.person("ann")
    room = await ann.conversation()
    await ann.root(room)
    for seen in ("evt_99", "x", "evt_9223372036854775808"):
        async with ann.follow(room, seen) as stream:
            await stream.next("stream.open")
            reset = await stream.next()
        assert reset == {
            "type": "stream.reset",
            "payload": {"reason": "unknown", "last_event_id": "evt_2"},
        }


async def test_an_answer_streams_and_is_stored(start_server: StartServer) -> None:
    """Row, deltas, final text, end: and the same text by REST."""
    async with (
        fake_model_server(answer("Hel", "lo ", "🦀!")) as model,
        start_server(llm=openai_settings(model.url)) as api,
    ):
        ann = await api.person("streamer")
        room = await ann.conversation(assistant_mode="always")
        async with ann.follow(room) as stream:
            await ann.root(room, "hi")
            await stream.next("message.new")
            begun = (await stream.next("message.new"))["payload"]["message"]
            done = await stream.next("message.done")
        shown = await ann.get(f"/api/messages/{begun['id']}")

    assert begun["streaming"] is True
    assert done["payload"]["finish_reason"] == "stop"
    assert shown["content"] == "Hello 🦀!"
    assert shown["usage"]["estimated"] is True
    assert "streaming" not in shown


async def test_deltas_add_up_to_the_text(start_server: StartServer) -> None:
    """Offsets count code points, and pieces follow each other without a gap."""
    go = asyncio.Event()
    script = ScriptedAnswer([chunk("a🦀"), go, chunk("b"), 0.1, chunk("c"), finished()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as api,
    ):
        ann = await api.person("streamer")
        room = await ann.conversation(assistant_mode="always")
        text = ""
        async with ann.follow(room) as stream:
            await ann.root(room, "hi")
            while (event := await stream.next())["type"] != "message.updated":
                if event["type"] == "message.delta":
                    assert event["payload"]["offset"] == len(text)
                    text += event["payload"]["choices"][0]["delta"]["content"]
                    go.set()

    assert text == "a🦀bc"
    assert event["payload"]["message"]["content"] == text


async def test_a_late_reader_gets_the_text_so_far(start_server: StartServer) -> None:
    """Whoever opens a stream in the middle of an answer starts with all of it."""
    go = asyncio.Event()
    script = ScriptedAnswer([chunk("once "), chunk("upon"), go, chunk(" a time"), finished()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as api,
    ):
        ann = await api.person("streamer")
        room = await ann.conversation(assistant_mode="always")
        await ann.root(room, "hi")
        await until(lambda: api.components.hub.answers(UUID(room)) != [])
        await until(
            lambda: b"upon" in (api.components.hub.answers(UUID(room))[0].full_text_frame() or b"")
        )
        async with ann.follow(room) as stream:
            whole = await stream.next("message.delta")
            go.set()
            await stream.next("message.done")

    assert whole["payload"]["offset"] == 0
    assert whole["payload"]["choices"][0]["delta"] == {"role": "assistant", "content": "once upon"}


async def test_an_answer_can_be_stopped(start_server: StartServer) -> None:
    """What was written stays; the model is hung up on; stopping twice is fine."""
    script = ScriptedAnswer([chunk("half"), asyncio.Event()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as api,
    ):
        ann = await api.person("streamer")
        room = await ann.conversation(assistant_mode="always")
        async with ann.follow(room) as stream:
            await ann.root(room, "hi")
            delta = await stream.next("message.delta")
            path = f"/api/messages/{delta['payload']['message_id']}"
            stopped = await ann.post(f"{path}/cancel", None, expect=202)
            done = await stream.next("message.done")
        async with asyncio.timeout(20):
            await model.hung_up.wait()
        again = await ann.post(f"{path}/cancel", None, expect=202)
        shown = await ann.get(path)

    assert stopped["status"] == "cancelled"
    assert again["status"] == "cancelled"
    assert done["payload"]["finish_reason"] == "cancelled"
    assert shown["content"] == "half"


async def test_a_failing_model_is_told(start_server: StartServer) -> None:
    """The answer ends as an error, and an event says why."""
    script = ScriptedAnswer([b'{"error":{"message":"out of memory"}}'], status=500)
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as api,
    ):
        ann = await api.person("streamer")
        room = await ann.conversation(assistant_mode="always")
        async with ann.follow(room) as stream:
            await ann.root(room, "hi")
            done = await stream.next("message.done")
            error = await stream.next("error")

    assert done["payload"]["finish_reason"] == "error"
    assert "out of memory" in error["payload"]["message"]
    assert error["payload"]["message_id"] == done["payload"]["message_id"]


async def test_the_assistant_speaks_when_it_is_asked(start_server: StartServer) -> None:
    """`mention` answers to @assistant only, `off` never; the model gets the branch, with names."""
    async with (
        fake_model_server(answer("yes")) as model,
        start_server(llm=openai_settings(model.url)) as api,
    ):
        ann, bob = await api.person("streamer"), await api.person("second")
        room = await ann.conversation(is_group=True, assistant_mode="mention", system_prompt="Be.")
        body = {"user_id": str(bob.id), "role": "member"}
        await ann.post(f"/api/conversations/{room}/participants", body, expect=204)
        async with ann.follow(room) as stream:
            root = await ann.root(room, "hello all")
            await bob.reply(root, "not on this branch")
            await bob.reply(root, "@assistant are you there?")
            await stream.next("message.done")
        quiet = await ann.conversation()
        await ann.root(quiet, "@assistant hello?")

    assert [asked.body["messages"] for asked in model.requests] == [
        [
            {"role": "system", "content": "Be."},
            {"role": "user", "content": "streamer: hello all"},
            {"role": "user", "content": "second: @assistant are you there?"},
        ]
    ]


async def test_any_bytes_in_a_last_event_id_are_answered_by_a_reset(
    server: InProcessServer,
) -> None:
    """Also those that are no text."""
    ann = await server.person("ann")
    room = await ann.conversation()
    path = f"/api/stream/conversations/{room}"
    for sent in (b"\xff\xfe", "evt_\u0661".encode(), b"evt_1\x7f", b"x" * 4_000):
        async with ann.client.stream("GET", path, headers={b"Last-Event-ID": sent}) as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                if "stream.reset" in line:
                    break


async def test_a_stream_that_breaks_does_not_end_well(
    server: InProcessServer, superuser: Any
) -> None:
    """A defect of the server must not look like a proper end: the connection is aborted."""
    ann = await server.person("ann")
    room = await ann.conversation()
    root = await ann.root(room)
    for _ in range(3):
        await ann.reply(root)
    async with failing_procedure(superuser, "read_events", DIVISION_BY_ZERO):
        with pytest.raises(httpx.RemoteProtocolError):
            async with ann.follow(room, "evt_1") as stream:
                await stream.rest()
    await until(lambda: server.components.hub.statistics()["streams"] == 0)


async def test_a_stream_waits_for_a_database_that_is_away(
    server: InProcessServer, superuser: Any
) -> None:
    """Catching up continues as soon as the log can be read again."""
    ann = await server.person("ann")
    room = await ann.conversation()
    await ann.root(room)
    async with AsyncExitStack() as failure:
        await failure.enter_async_context(failing_procedure(superuser, "read_events", DISK_FULL))
        async with ann.follow(room, "evt_0") as stream:
            await stream.next("stream.open")
            for _ in range(5):
                server.clock.advance(1)
                await asyncio.sleep(0.01)
            await failure.aclose()
            server.clock.advance(1)
            first = await stream.next()

    assert first["id"] == "evt_1"


async def test_a_silent_stream_sends_heartbeats(server: InProcessServer) -> None:
    """A comment at least every twenty seconds of silence, so that proxies keep it open."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        beats: list[str] = []

        async def read() -> None:
            beats.extend([line async for line in stream.lines if line == ":"])

        reading = asyncio.create_task(read())
        for _ in range(60):
            server.clock.advance(1)
            await asyncio.sleep(0.005)
        await ann.post("/api/auth/logout", None)
        await reading

    assert len(beats) >= 3
