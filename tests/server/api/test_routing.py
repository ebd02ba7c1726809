"""Operations, and what holds for all of them."""

import asyncio
from uuid import UUID

import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.servers.in_process_server import InProcessServer
from tests.support.wait import until

from rustygpt_server.api.routing import STREAM, RequestContext, RouteGroup, template
from rustygpt_server.db import messages


def test_a_template_is_the_path_without_its_types() -> None:
    """As documents and metrics write it."""
    assert template("/api/a/<one_id:uuid>/b/<path:path>") == "/api/a/{one_id}/b/{path}"


def test_an_operation_is_written_down_where_it_is_declared() -> None:
    """Its first line of words, what it takes and what it answers."""
    area = RouteGroup("x")

    @area.operation("GET", "/x/<x_id:uuid>", response=STREAM, access="admin")
    async def show(call: RequestContext[None], x_id: UUID) -> None:
        """Show it.

        At length.
        """

    (told,) = area.operations
    assert (told.path, told.summary, told.access) == ("/x/{x_id}", "Show it.", "admin")


async def test_a_post_is_told_though_its_author_hung_up(
    server: InProcessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is done to its end: readers hear of it."""
    ann = await server.person("ann")
    room = await ann.conversation()
    began, go = asyncio.Event(), asyncio.Event()

    async def late(*given: object, **named: object) -> object:
        written = await write(*given, **named)
        began.set()
        await go.wait()
        return written

    write = messages.post_messages
    monkeypatch.setattr(messages, "post_messages", late)
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        async with raw_connection(server.url) as connection:
            body = b'{"content": "bye"}'
            cookies = "; ".join(f"{k}={v}" for k, v in ann.client.cookies.items())
            head = (
                f"Cookie: {cookies}",
                f"X-CSRF-TOKEN: {ann.csrf}",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
            )
            await connection.send(request("POST", f"/api/threads/{room}/root", *head, body=body))
            await began.wait()
        await asyncio.sleep(0.05)
        go.set()
        event = await stream.next("message.new")

    assert event["payload"]["message"]["content"] == "bye"


async def test_an_answer_begins_though_who_asked_hung_up(server: InProcessServer) -> None:
    """Hanging up at any moment leaves no answer that streams for ever."""
    ann = await server.person("ann")
    room = await ann.conversation(assistant_mode="always")
    cookies = "; ".join(f"{k}={v}" for k, v in ann.client.cookies.items())
    body = b'{"content": "hi"}'
    head = (
        f"Cookie: {cookies}",
        f"X-CSRF-TOKEN: {ann.csrf}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    for step in range(12):
        async with raw_connection(server.url) as connection:
            await connection.send(request("POST", f"/api/threads/{room}/root", *head, body=body))
            await asyncio.sleep(step * 0.0015)
    await until(lambda: len(server.components.hub.answers(UUID(room))) >= 1)
    threads = (await ann.get(f"/api/conversations/{room}/threads"))["threads"]

    await until(lambda: len(server.components.hub.answers(UUID(room))) == len(threads))
    assert {thread["message_count"] for thread in threads} == {2}
