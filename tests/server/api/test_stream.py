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


async def test_a_post_is_two_numbered_events(server: InProcessServer) -> None:
    """Each post has two durable events with consecutive ids."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    async with ann.follow(conversation_id) as stream:
        opened = await stream.next()
        root = await ann.root(conversation_id)
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


async def test_an_event_has_the_same_message_as_rest(server: InProcessServer) -> None:
    """The database's payload of a message equals the server's REST representation."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    async with ann.follow(conversation_id) as stream:
        root = await ann.root(conversation_id, "héllo \u2028 <b>")
        event = await stream.next("message.new")
    codec.decode_event(codec.encode(event))

    assert event["payload"]["message"] == await ann.get(f"/api/messages/{root}")


async def test_a_stream_resumes_after_last_event_id(server: InProcessServer) -> None:
    """The missed events are sent first, each once and in order."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    for number in range(5):
        await ann.reply(root, str(number))

    async with ann.follow(conversation_id, "evt_3") as stream:
        await stream.next("stream.open")
        event_ids = [(await stream.next())["id"] for _ in range(9)]

    assert event_ids == [f"evt_{n}" for n in range(4, 13)]


async def test_an_unknown_last_event_id_is_answered_by_a_reset(server: InProcessServer) -> None:
    """An error status would end a browser's EventSource for good."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    await ann.root(conversation_id)
    for last_event_id in ("evt_99", "x", "evt_9223372036854775808"):
        async with ann.follow(conversation_id, last_event_id) as stream:
            await stream.next("stream.open")
            reset = await stream.next()
        assert reset == {
            "type": "stream.reset",
            "payload": {"reason": "unknown", "last_event_id": "evt_2"},
        }


async def test_an_answer_streams_and_is_stored(start_server: StartServer) -> None:
    """The stream has the message, its deltas and its end, and REST has the same text."""
    async with (
        fake_model_server(answer("Hel", "lo ", "🦀!")) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann = await server.person("streamer")
        conversation_id = await ann.conversation(assistant_mode="always")
        async with ann.follow(conversation_id) as stream:
            await ann.root(conversation_id, "hi")
            await stream.next("message.new")
            started = (await stream.next("message.new"))["payload"]["message"]
            done = await stream.next("message.done")
        stored = await ann.get(f"/api/messages/{started['id']}")

    assert started["streaming"] is True
    assert done["payload"]["finish_reason"] == "stop"
    assert stored["content"] == "Hello 🦀!"
    assert stored["usage"]["estimated"] is True
    assert "streaming" not in stored


async def test_deltas_join_to_the_stored_text(start_server: StartServer) -> None:
    """Offsets count code points, and each delta starts where the one before ended."""
    resume = asyncio.Event()
    script = ScriptedAnswer([chunk("a🦀"), resume, chunk("b"), 0.1, chunk("c"), finished()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann = await server.person("streamer")
        conversation_id = await ann.conversation(assistant_mode="always")
        text = ""
        async with ann.follow(conversation_id) as stream:
            await ann.root(conversation_id, "hi")
            while (event := await stream.next())["type"] != "message.updated":
                if event["type"] == "message.delta":
                    assert event["payload"]["offset"] == len(text)
                    text += event["payload"]["choices"][0]["delta"]["content"]
                    resume.set()

    assert text == "a🦀bc"
    assert event["payload"]["message"]["content"] == text


async def test_a_late_subscriber_gets_the_full_text(start_server: StartServer) -> None:
    """A stream that opens during an answer starts with all of the text so far."""
    resume = asyncio.Event()
    script = ScriptedAnswer([chunk("once "), chunk("upon"), resume, chunk(" a time"), finished()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann = await server.person("streamer")
        conversation_id = await ann.conversation(assistant_mode="always")
        await ann.root(conversation_id, "hi")
        await until(lambda: server.components.hub.answers(UUID(conversation_id)) != [])
        await until(
            lambda: (
                b"upon"
                in (
                    server.components.hub.answers(UUID(conversation_id))[0].full_text_frame() or b""
                )
            )
        )
        async with ann.follow(conversation_id) as stream:
            full_text = await stream.next("message.delta")
            resume.set()
            await stream.next("message.done")

    assert full_text["payload"]["offset"] == 0
    assert full_text["payload"]["choices"][0]["delta"] == {
        "role": "assistant",
        "content": "once upon",
    }


async def test_an_answer_can_be_cancelled(start_server: StartServer) -> None:
    """The text so far stays, the model's connection is closed, and a second cancel succeeds."""
    script = ScriptedAnswer([chunk("half"), asyncio.Event()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann = await server.person("streamer")
        conversation_id = await ann.conversation(assistant_mode="always")
        async with ann.follow(conversation_id) as stream:
            await ann.root(conversation_id, "hi")
            delta = await stream.next("message.delta")
            path = f"/api/messages/{delta['payload']['message_id']}"
            cancelled = await ann.post(f"{path}/cancel", None, expect=202)
            done = await stream.next("message.done")
        async with asyncio.timeout(60):
            await model.disconnected.wait()
        cancelled_again = await ann.post(f"{path}/cancel", None, expect=202)
        stored = await ann.get(path)

    assert cancelled["status"] == "cancelled"
    assert cancelled_again["status"] == "cancelled"
    assert done["payload"]["finish_reason"] == "cancelled"
    assert stored["content"] == "half"


async def test_a_failing_model_ends_the_answer_with_an_error(start_server: StartServer) -> None:
    """An error event contains the reason."""
    script = ScriptedAnswer([b'{"error":{"message":"out of memory"}}'], status=500)
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann = await server.person("streamer")
        conversation_id = await ann.conversation(assistant_mode="always")
        async with ann.follow(conversation_id) as stream:
            await ann.root(conversation_id, "hi")
            done = await stream.next("message.done")
            error = await stream.next("error")

    assert done["payload"]["finish_reason"] == "error"
    assert "out of memory" in error["payload"]["message"]
    assert error["payload"]["message_id"] == done["payload"]["message_id"]


async def test_the_assistant_answers_by_its_mode(start_server: StartServer) -> None:
    """`mention` answers @assistant only, `off` never; the prompt has the branch with user names."""
    async with (
        fake_model_server(answer("yes")) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann, bob = await server.person("streamer"), await server.person("second")
        conversation_id = await ann.group(bob, assistant_mode="mention", system_prompt="Be.")
        async with ann.follow(conversation_id) as stream:
            root = await ann.root(conversation_id, "hello all")
            await bob.reply(root, "not on this branch")
            await bob.reply(root, "@assistant are you there?")
            await stream.next("message.done")
        silent_id = await ann.conversation()
        await ann.root(silent_id, "@assistant hello?")

    (request,) = model.requests
    system, question = request.body["messages"]
    assert system["role"] == "system"
    assert system["content"].startswith("Be.\n\nSeveral people write")
    branch = "streamer: hello all\n\nsecond: @assistant are you there?"
    assert question == {"role": "user", "content": branch}


async def test_invalid_bytes_in_last_event_id_are_answered_by_a_reset(
    server: InProcessServer,
) -> None:
    """A Last-Event-ID that is no text is treated as an unknown one."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    path = f"/api/stream/conversations/{conversation_id}"
    for last_event_id in (b"\xff\xfe", "evt_\u0661".encode(), b"evt_1\x7f", b"x" * 4_000):
        async with ann.client.stream(
            "GET", path, headers={b"Last-Event-ID": last_event_id}
        ) as response:
            assert response.status_code == 200
            async for line in response.aiter_lines():
                if "stream.reset" in line:
                    break


async def test_a_failed_stream_is_aborted(server: InProcessServer, superuser: Any) -> None:
    """After a server error the stream does not look as if it had ended properly."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    for _ in range(3):
        await ann.reply(root)
    async with failing_procedure(superuser, "read_events", DIVISION_BY_ZERO):
        with pytest.raises(httpx.RemoteProtocolError):
            async with ann.follow(conversation_id, "evt_1") as stream:
                await stream.rest()
    await until(lambda: server.components.hub.statistics()["streams"] == 0)


async def test_a_stream_waits_for_an_unavailable_database(
    server: InProcessServer, superuser: Any
) -> None:
    """Catching up continues as soon as the log can be read again."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    await ann.root(conversation_id)
    async with AsyncExitStack() as failure:
        await failure.enter_async_context(failing_procedure(superuser, "read_events", DISK_FULL))
        async with ann.follow(conversation_id, "evt_0") as stream:
            await stream.next("stream.open")
            for _ in range(5):
                server.clock.advance(1)
                await asyncio.sleep(0.01)
            await failure.aclose()
            reading = asyncio.create_task(stream.next())
            while not reading.done():
                server.clock.advance(1)
                await asyncio.sleep(0.01)
            first = await reading

    assert first["id"] == "evt_1"


async def test_a_silent_stream_sends_keepalives(server: InProcessServer) -> None:
    """A comment is sent at least every 20 s, so that proxies keep the connection open."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    async with ann.follow(conversation_id) as stream:
        await stream.next("stream.open")
        keepalives: list[str] = []

        async def read() -> None:
            keepalives.extend([line async for line in stream.lines if line == ":"])

        reading = asyncio.create_task(read())
        for _ in range(60):
            server.clock.advance(1)
            await asyncio.sleep(0.005)
        await ann.post("/api/auth/logout", None)
        await reading

    assert len(keepalives) >= 3
