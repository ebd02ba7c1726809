"""How operations are declared, and what all of them guarantee."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
from tests.support.clients.raw_http import raw_connection, request
from tests.support.database.databases import connected
from tests.support.servers.in_process_server import HttpUser, InProcessServer
from tests.support.wait import until

from rustygpt_server.api.routing import STREAM, Operation, RequestContext, template


def test_a_template_is_the_path_without_types() -> None:
    """Documents and metrics write `{name}` for each parameter."""
    assert template("/api/a/<one_id:uuid>/b/<path:path>") == "/api/a/{one_id}/b/{path}"


async def _show(context: RequestContext[None], x_id: UUID) -> None:
    """Show it.

    At length.
    """


def test_an_operation_describes_itself() -> None:
    """The template, the summary and the methods come from the declaration and the docstring."""
    stream = Operation(method="GET", path="/x/<x_id:uuid>", handler=_show, response=STREAM)
    read = Operation(method="GET", path="/x/<x_id:uuid>", handler=_show)

    assert (stream.template, stream.summary) == ("/x/{x_id}", "Show it.")
    assert stream.methods == ["GET"]
    assert read.methods == ["GET", "HEAD"]


async def _wait_for_lock(superuser: Any) -> None:
    """Wait until a statement of the server waits for a lock in the database."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while not await superuser.fetchval(waiting):
        await asyncio.sleep(0.01)


async def test_a_post_whose_client_disconnects_is_still_broadcast(
    server: InProcessServer, superuser: Any, database_url: str
) -> None:
    """A post that waits for the conversation's lock completes after its client has disconnected."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    lock = "SELECT 1 FROM rustygpt.conversations WHERE id = $1 FOR UPDATE"
    async with ann.follow(conversation_id) as stream:
        await stream.next("stream.open")
        async with connected(database_url) as blocker, blocker.transaction():
            await blocker.execute(lock, UUID(conversation_id))
            async with raw_connection(server.url) as connection:
                await connection.send(_post_root(ann, conversation_id, b'{"content": "bye"}'))
                await _wait_for_lock(superuser)
        event = await stream.next("message.new")

    assert event["payload"]["message"]["content"] == "bye"


async def test_an_answer_starts_although_its_client_disconnects(server: InProcessServer) -> None:
    """A disconnect at any moment leaves no answer that streams for ever."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation(assistant_mode="always")
    for step in range(12):
        async with raw_connection(server.url) as connection:
            await connection.send(_post_root(ann, conversation_id, b'{"content": "hi"}'))
            await asyncio.sleep(step * 0.0015)
    hub = server.components.hub
    await until(lambda: len(hub.answers(UUID(conversation_id))) >= 1)
    threads = await _threads(ann, conversation_id)
    # The last posts may still be on their way to the database when the list is read.
    async with asyncio.timeout(60):
        while len(hub.answers(UUID(conversation_id))) != len(threads):
            threads = await _threads(ann, conversation_id)

    assert {thread["message_count"] for thread in threads} == {2}


async def _threads(user: HttpUser, conversation_id: str) -> list[dict[str, Any]]:
    listed = await user.get(f"/api/conversations/{conversation_id}/threads")
    return list(listed["threads"])


def _post_root(user: HttpUser, conversation_id: str, body: bytes) -> bytes:
    """Return the bytes of a request that posts a root message with the user's session."""
    cookies = "; ".join(f"{k}={v}" for k, v in user.client.cookies.items())
    headers = (
        f"Cookie: {cookies}",
        f"X-CSRF-TOKEN: {user.csrf}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return request("POST", f"/api/threads/{conversation_id}/root", *headers, body=body)


async def test_the_wrong_method_is_405_with_those_that_are_right(server: InProcessServer) -> None:
    """An address that does not exist is 404 for every method."""
    unknown_id = "00000000-0000-7000-8000-000000000000"
    expected = {
        ("DELETE", "/api/setup"): {"GET", "HEAD", "POST"},
        ("PUT", f"/api/conversations/{unknown_id}"): {"GET", "HEAD", "PATCH"},
        ("DELETE", f"/api/messages/{unknown_id}"): {"GET", "HEAD"},
        ("POST", "/js/main.js"): {"GET", "HEAD"},
        ("POST", "/"): {"GET", "HEAD"},
        ("BREW", "/healthz"): {"GET", "HEAD"},
        ("POST", "/api/nothing"): set(),
        ("PATCH", "/api/messages/no-id"): set(),
        ("DELETE", "/nothing.js"): set(),
        ("BREW", "/nothing"): set(),
    }
    async with httpx.AsyncClient(base_url=server.url) as client:
        for (method, path), allowed in expected.items():
            response = await client.request(method, path)
            named = set(response.headers.get("allow", "").split(", ")) - {""}

            assert response.status_code == (405 if allowed else 404), (method, path)
            assert response.json()["code"] == ("RGP.METHOD" if allowed else "RGP.NOT_FOUND")
            assert named >= allowed, (method, path)
            assert bool(named) == bool(allowed), (method, path)
