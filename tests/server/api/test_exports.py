"""The route of exports: what is in the file, and what is said when it cannot be completed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.support.database.failing_procedures import DISK_FULL, failing_procedure
from tests.support.servers.in_process_server import HttpUser, InProcessServer
from tests.support.wait import until

from rustygpt_server.services.exports import MAX_AT_ONCE, MAX_OF_USER


async def _export(user: HttpUser, conversation_id: str, **query: str) -> httpx.Response:
    path = f"/api/conversations/{conversation_id}/export"
    response = await user.client.get(path, params=query)
    assert response.status_code == 200, response.text
    return response


def _lines(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.rstrip("\n").split("\n")]


async def test_an_export_has_a_line_for_each_message(server: InProcessServer) -> None:
    """Thread by thread, depth first, between a header and a footer with the counts."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob, title="Plans")
    root = await ann.root(conversation_id, "first")
    reply = await bob.reply(root, "a reply")
    server.clock.advance(1)
    second = await ann.root(conversation_id, "second")
    later = await ann.reply(root, "later")
    response = await _export(ann, conversation_id)
    header, *messages, footer = _lines(response)

    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["content-disposition"] == (
        f'attachment; filename="plans-{conversation_id[-8:]}.jsonl"'
    )
    assert (header["type"], header["format"], header["version"]) == ("header", "rustygpt-export", 1)
    assert header["conversation"]["title"] == "Plans"
    assert [(p["username"], p["role"]) for p in header["participants"]] == [
        ("ann", "owner"),
        ("bob", "member"),
    ]
    assert [m["id"] for m in messages] == [root, reply, later, second]
    assert [m["content"] for m in messages] == ["first", "a reply", "later", "second"]
    assert (messages[1]["parent_id"], messages[1]["author"]) == (root, "bob")
    assert messages[1]["url"] == f"{server.url}/#/m/{reply}"
    assert footer == {"type": "footer", "messages": 4, "threads": 2}


async def test_json_has_the_same_content(server: InProcessServer) -> None:
    """One document instead of lines; also without any message."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    empty = (await _export(ann, conversation_id, format="json")).json()
    for number in range(3):
        await ann.root(conversation_id, f"message {number}")
    response = await _export(ann, conversation_id, format="json")
    header, *messages, footer = _lines(await _export(ann, conversation_id))

    assert empty["messages"] == []
    assert empty["footer"] == {"type": "footer", "messages": 0, "threads": 0}
    document = response.json()
    assert document["messages"] == messages
    assert document["footer"] == footer
    assert document["conversation"] == header["conversation"]


async def test_one_thread_can_be_exported(server: InProcessServer) -> None:
    """A thread of another conversation is 404."""
    ann = await server.person("ann")
    conversation_id, other = await ann.conversation(), await ann.conversation()
    await ann.root(conversation_id)
    server.clock.advance(1)
    root = await ann.root(conversation_id)
    reply = await ann.reply(root)
    server.clock.advance(1)
    await ann.root(conversation_id)
    header, *messages, footer = _lines(await _export(ann, conversation_id, root_id=root))

    assert header["root_id"] == root
    assert [message["id"] for message in messages] == [root, reply]
    assert footer["threads"] == 1
    path = f"/api/conversations/{other}/export"
    for query, status in (
        (f"root_id={root}", 404),
        ("root_id=x", 400),
        ("format=pdf", 400),
    ):
        await ann.call("GET", f"{path}?{query}", expect=status)


async def test_earlier_texts_are_for_administrators(server: InProcessServer) -> None:
    """A member gets the place of a deleted message without its text."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    edited = await bob.root(conversation_id, "before")
    deleted = await bob.reply(edited, "deleted text")
    await bob.call("POST", f"/api/messages/{edited}/edit", {"content": "after"}, expect=204)
    await bob.call("POST", f"/api/messages/{deleted}/delete", {}, expect=204)
    for file_format in ("jsonl", "json", "markdown"):
        by_member = (await _export(bob, conversation_id, format=file_format)).text
        by_owner = (await _export(ann, conversation_id, format=file_format)).text
        for text in ("before", "deleted text"):
            assert text not in by_member
            assert text in by_owner
        assert "after" in by_member
    _, first, second, _ = _lines(await _export(ann, conversation_id))
    assert first["revisions"][0]["content"] == "before"
    assert first["revisions"][0]["replaced_by"] == "bob"
    assert (second["content"], second["deleted_by"]) == ("", "bob")


async def test_the_system_prompt_is_for_administrators(server: InProcessServer) -> None:
    """As in the conversation itself."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob, system_prompt="a secret rule")
    for file_format in ("jsonl", "markdown"):
        by_owner = (await _export(ann, conversation_id, format=file_format)).text
        assert ("a secret rule" in by_owner) or ("a secret rule" in by_owner.replace("\\", ""))
        assert "secret rule" not in (await _export(bob, conversation_id, format=file_format)).text


async def test_an_answer_has_its_model_and_usage(server: InProcessServer) -> None:
    """With the reason of its end."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation(assistant_mode="always")
    await ann.root(conversation_id, "hello")

    async def answers() -> list[dict[str, Any]]:
        lines = _lines(await _export(ann, conversation_id))
        return [m for m in lines[1:-1] if m["role"] == "assistant" and "streaming" not in m]

    async def is_done() -> bool:
        server.clock.advance(1)
        return bool(await answers())

    for _ in range(200):
        if await is_done():
            break
        await asyncio.sleep(0.02)
    [answer] = await answers()
    assert (answer["model"], answer["finish_reason"]) == ("demo", "stop")
    assert answer["usage"]["total_tokens"] > 0
    assert "author" not in answer


async def test_messages_that_come_later_are_not_in_it(
    server: InProcessServer, superuser: Any
) -> None:
    """A file of several pages has the messages that existed when it began, and no others."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    for _ in range(3):
        await ann.reply(root, "x" * 60_000)
    path = f"/api/conversations/{conversation_id}/export"
    async with ann.client.stream("GET", path) as response:
        chunks = response.aiter_bytes()
        received = await anext(chunks)
        await ann.reply(root, "too late")
        await ann.root(conversation_id, "too late")
        received += b"".join([chunk async for chunk in chunks])

    assert b"too late" not in received
    assert json.loads(received.splitlines()[-1])["messages"] == 4


async def test_a_slow_reader_holds_no_connection(server: InProcessServer) -> None:
    """Between two pages an export has no connection of the pool."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    for _ in range(40):
        await ann.reply(root, "🦀" * 65_000)
    path = f"/api/conversations/{conversation_id}/export"
    statements = server.statements
    async with ann.client.stream("GET", path) as response:
        chunks = response.aiter_raw()
        size = len(await anext(chunks))
        await until(lambda: server.components.db.in_use == 0)
        sent = server.statements - statements
        await ann.get(f"/api/conversations/{conversation_id}")
        async for chunk in chunks:
            size += len(chunk)

    assert sent < 10, "it has not read ahead"
    assert size > 40 * 4 * 65_000


async def test_a_failure_aborts_the_connection(server: InProcessServer, superuser: Any) -> None:
    """What has arrived until then has no footer, and its transfer does not end regularly."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    for _ in range(40):
        await ann.reply(root, "🦀" * 65_000)
    path = f"/api/conversations/{conversation_id}/export"
    received = []

    async def receive(chunks: AsyncIterator[bytes]) -> None:
        received.extend([chunk async for chunk in chunks])

    async with ann.client.stream("GET", path) as response:
        chunks = response.aiter_raw()
        received.append(await anext(chunks))
        async with failing_procedure(superuser, "export_messages", DISK_FULL):
            with pytest.raises(httpx.RemoteProtocolError):
                await receive(chunks)

    assert b'"footer"' not in b"".join(received)


async def test_the_file_name_is_safe(server: InProcessServer) -> None:
    """Of a title only letters and digits are left."""
    ann = await server.person("ann")
    names = []
    for title in ('../../"etc" X: y', "Übergröße ☃", "☃☃", "a" * 200):
        conversation_id = await ann.conversation(title)
        response = await _export(ann, conversation_id, format="markdown")
        name = response.headers["content-disposition"].partition("filename=")[2]
        names.append(name.replace(conversation_id[-8:], "ID"))

    assert names == [
        '"etc-x-y-ID.md"',
        '"ubergroe-ID.md"',
        '"conversation-ID.md"',
        f'"{"a" * 60}-ID.md"',
    ]


async def test_head_has_the_headers_only(server: InProcessServer) -> None:
    """As for every GET that is no stream of events."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    response = await ann.call("HEAD", f"/api/conversations/{conversation_id}/export?format=json")

    assert response.content == b""
    assert response.headers["content-type"] == "application/json"


async def test_an_export_is_in_the_audit_log(server: InProcessServer) -> None:
    """With who and what; not a look at its headers, and not what was refused."""
    admin = await server.person("admin")
    ann, eve = await server.person("ann"), await server.person("eve")
    conversation_id = await ann.group(title="secret plans")
    root = await ann.root(conversation_id, "a secret")
    path = f"/api/conversations/{conversation_id}/export"
    await ann.client.head(path)
    await eve.get(path, expect=404)
    await _export(ann, conversation_id, format="markdown", root_id=root)
    listed = (await admin.get("/api/admin/audit?action=conversation.exported"))["entries"]

    assert [entry["actor_name"] for entry in listed] == ["ann"]
    assert listed[0]["conversation_id"] == conversation_id
    assert listed[0]["details"] == {"format": "markdown", "root_id": root}
    assert "secret" not in str(listed)


async def test_a_user_has_a_limit_of_exports_at_once(server: InProcessServer) -> None:
    """Others are not concerned, and an export counts no more when it ends."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    place = server.components.services.exports.place
    with ExitStack() as stack:
        for _ in range(MAX_OF_USER):
            stack.enter_context(place(ann.id))
        problem = await ann.get(f"/api/conversations/{conversation_id}/export", expect=409)
        await _export(bob, conversation_id)
    for _ in range(MAX_OF_USER + 1):
        await _export(ann, conversation_id)

    assert problem["detail"] == "You are exporting too much at once; try again when one is done."


async def test_a_process_has_a_limit_of_exports_at_once(server: InProcessServer) -> None:
    """Another client gets 503."""
    ann = await server.person("ann")
    conversation_id = await ann.group()
    with ExitStack() as stack:
        for _ in range(MAX_AT_ONCE):
            stack.enter_context(server.components.services.exports.place(uuid4()))
        await ann.get(f"/api/conversations/{conversation_id}/export", expect=503)
    await _export(ann, conversation_id)
