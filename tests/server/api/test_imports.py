"""The route of imports: what becomes of a file, and that a bad one leaves nothing."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.database import bulk_threads
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer
from tests.support.wait import until

from rustygpt_shared.settings import Db, Llm, Server, Settings

_PATH = "/api/conversations/import"


async def _import(
    user: HttpUser, content: bytes, *, expect: int = 201, **headers: str
) -> httpx.Response:
    """Send a file; fail unless the response has the expected status."""
    sent = {
        "X-CSRF-TOKEN": user.csrf,
        "Content-Type": "application/x-ndjson",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    response = await user.client.post(_PATH, content=content, headers=sent)
    assert response.status_code == expect, response.text
    return response


async def _export(user: HttpUser, conversation_id: str, file_format: str = "jsonl") -> bytes:
    path = f"/api/conversations/{conversation_id}/export?format={file_format}"
    return (await user.client.get(path)).content


async def _sample(server: InProcessServer) -> tuple[HttpUser, HttpUser, str]:
    """Return two people, and a conversation with all that an export may have."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob, title="Plans", system_prompt="Be brief.")
    root = await ann.root(conversation_id, "first")
    reply = await bob.reply(root, "a reply")
    server.clock.advance(1)
    nested = await ann.reply(reply, "nested 🦀\n\n```\ncode\n```")
    await ann.root(conversation_id, "another thread")
    later = await ann.reply(root, "later")
    await ann.call("POST", f"/api/messages/{nested}/edit", {"content": "edited"}, expect=204)
    await ann.call("POST", f"/api/messages/{later}/delete", {"reason": "x"}, expect=204)
    server.clock.advance(60)
    return ann, bob, conversation_id


def _comparable(export: bytes) -> list[Any]:
    """Return the lines of an export, with numbers in the place of ids."""
    lines = [json.loads(line) for line in export.splitlines()]
    numbers = {line["id"]: index for index, line in enumerate(lines) if line["type"] == "message"}
    for line in lines[1:-1]:
        line.pop("url")
        for name in ("id", "root_id", "parent_id"):
            if name in line:
                line[name] = numbers[line[name]]
    for name in ("exported_at", "participants"):
        lines[0].pop(name)
    lines[0]["conversation"].pop("id")
    return lines


@pytest.mark.parametrize("file_format", ["jsonl", "json"])
async def test_an_import_of_an_export_is_the_same(
    server: InProcessServer, file_format: str
) -> None:
    """But for ids, links, participants, and the names of those who are not the importing user."""
    ann, _, conversation_id = await _sample(server)
    result = (await _import(ann, await _export(ann, conversation_id, file_format))).json()
    [imported] = result["conversations"]
    before = _comparable(await _export(ann, conversation_id))
    after = _comparable(await _export(ann, imported["conversation_id"]))

    assert (result["format"], result["messages"], result["left_out"]) == ("rustygpt", 5, [])
    assert (imported["title"], imported["threads"], imported["messages"]) == ("Plans", 2, 5)
    reply = before[2]
    assert (reply.pop("author"), reply.pop("author_name")) == ("bob", "bob")
    assert after[2].pop("author_name") == "bob, imported"
    assert after == before


async def test_an_imported_conversation_is_like_any_other(server: InProcessServer) -> None:
    """Its owner has read everything, continues its threads, and gets events of them."""
    ann, bob, conversation_id = await _sample(server)
    async with ann.follow_all() as stream:
        await stream.next("stream.open")
        result = (await _import(ann, await _export(ann, conversation_id))).json()
        new_id = result["conversations"][0]["conversation_id"]
        shown = await ann.get(f"/api/conversations/{new_id}")
        threads = (await ann.get(f"/api/conversations/{new_id}/threads"))["threads"]
        await ann.add_participant(new_id, bob)
        reply = await bob.reply(threads[0]["root_id"], "continued")
        event = await stream.next("message.new")

    assert (shown["role"], shown["unread"], shown["system_prompt"]) == ("owner", 0, "Be brief.")
    assert [thread["unread"] for thread in threads] == [0, 0]
    assert event["payload"]["message"]["id"] == reply
    assert (await ann.get(f"/api/conversations/{new_id}"))["unread"] == 1
    tree = await ann.get(f"/api/threads/{threads[0]['root_id']}/tree")
    assert [m["content"] for m in tree["messages"]][-1] == "continued"
    seqs = (await ann.get(f"/api/threads/{threads[0]['root_id']}/messages"))["messages"]
    assert seqs[-1]["id"] == reply
    deleted = [m for t in threads for m in await _messages(ann, t["root_id"]) if "deleted_at" in m]
    await ann.call("POST", f"/api/messages/{deleted[0]['id']}/restore", expect=204)
    assert (await ann.get(f"/api/messages/{deleted[0]['id']}"))["content"] == "later"


async def _messages(user: HttpUser, root_id: str) -> list[dict[str, Any]]:
    return list((await user.get(f"/api/threads/{root_id}/tree"))["messages"])


async def test_nobody_else_is_made_an_author(server: InProcessServer) -> None:
    """What an account of the same name wrote elsewhere is a name only, which says so."""
    ann, bob, conversation_id = await _sample(server)
    result = (await _import(bob, await _export(bob, conversation_id))).json()
    _, *messages, _ = map(
        json.loads,
        (await _export(bob, result["conversations"][0]["conversation_id"])).splitlines(),
    )
    names = [(m.get("author"), m.get("author_name")) for m in messages]

    assert names[0] == (None, "ann, imported")
    assert names[1] == ("bob", "bob")
    again = (await _import(ann, await _export(bob, conversation_id))).json()
    assert again["messages"] == 5


_OTHER_ID = "00000000-0000-7000-8000-0000000000aa"
_LINE = {
    "type": "message",
    "id": "00000000-0000-7000-8000-000000000001",
    "root_id": "00000000-0000-7000-8000-000000000001",
    "depth": 1,
    "seq": 1,
    "role": "user",
    "content": "x",
    "created_at": "2026-01-01T00:00:00Z",
}
_REPLY = {
    **_LINE,
    "id": "00000000-0000-7000-8000-000000000002",
    "parent_id": _LINE["id"],
    "seq": 2,
    "depth": 2,
}
_HEADER = {
    "type": "header",
    "format": "rustygpt-export",
    "version": 1,
    "exported_at": "2026-01-01T00:00:00Z",
    "conversation": {
        "id": "00000000-0000-7000-8000-0000000000aa",
        "title": "T",
        "is_group": False,
        "assistant_mode": "off",
        "created_at": "2026-01-01T00:00:00Z",
    },
    "participants": [],
}
_FOOTER = {"type": "footer", "messages": 2, "threads": 1}


def _file(*lines: Any) -> bytes:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return "".join(text + "\n" for text in texts).encode()


_BAD_FILES = {
    "empty": (b"", "the file is empty"),
    "no JSON": (b"hello", "this is no export"),
    "truncated": (_file(_HEADER, _LINE, _REPLY)[:-20], "Line 3: the file ends in the middle"),
    "no footer": (_file(_HEADER, _LINE, _REPLY), "Line 4: the file ends in the middle"),
    "wrong counts": (_file(_HEADER, _LINE, _FOOTER), "Line 3: the file says that it has 2 mess"),
    "another version": (_file({**_HEADER, "version": 2}), "Line 1: it has version 2"),
    "bad line": (_file(_HEADER, _LINE, "{x", _FOOTER), "Line 3: it is not valid JSON"),
    "missing parent": (
        _file(_HEADER, _LINE, {**_REPLY, "parent_id": _OTHER_ID}),
        "Line 3: its parent is not among",
    ),
    "cycle": (
        _file(_HEADER, _LINE, {**_REPLY, "parent_id": _REPLY["id"]}, _FOOTER),
        "Line 3: its parent is not among",
    ),
    "same seq": (
        _file(_HEADER, _LINE, _REPLY, {**_REPLY, "id": _OTHER_ID},
            {**_FOOTER, "messages": 3}),
        "two messages of one thread have the same seq",
    ),
    "NUL": (_file(_HEADER, {**_LINE, "content": "a\x00b"}), "Line 2: its text has a NUL"),
    "lone surrogate": (_file(_HEADER, {**_LINE, "content": "\ud800"}), "Line 2: it is not valid"),
    "huge text": (_file(_HEADER, {**_LINE, "content": "x" * 65_537}), "Line 2: its text has 65,5"),
    "wrong type": (_file(_HEADER, {**_LINE, "seq": "1"}), "Line 2: expected int"),
    "unknown role": (_file(_HEADER, {**_LINE, "role": "tool"}), "Line 2: its role is none of"),
    "deep": (
        b'[{"mapping":' + b"[" * 300_000 + b"]" * 300_000 + b"}]",
        "Conversation 1: it is nested too deeply",
    ),
    "more after it": (_file(_HEADER, _LINE, _REPLY, _FOOTER, _LINE), "after the end"),
    "zip": (b"PK\x03\x04", "unpack it"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), _BAD_FILES.values(), ids=list(_BAD_FILES))
async def test_a_bad_file_is_refused_with_its_place(
    server: InProcessServer, superuser: Any, content: bytes, message: str
) -> None:
    """Nothing of it is left."""
    ann = await server.person("ann")
    problem = (await _import(ann, content, expect=422)).json()

    assert message.lower() in problem["detail"].lower()
    assert (await ann.get("/api/conversations"))["conversations"] == []
    await _until_purged(server, superuser)


async def _until_purged(server: InProcessServer, superuser: Any) -> None:
    """Wait until a failed import has left nothing; the server purges in the background."""
    await until(lambda: not server.components.services.imports.is_busy)
    async with asyncio.timeout(60):
        for table in ("imports", "purges", "messages", "threads", "revisions", "participants"):
            while await superuser.fetchval(f"SELECT count(*) FROM rustygpt.{table}"):
                await server.components.services.conversations.purge()


async def test_a_key_repeats_the_response(server: InProcessServer) -> None:
    """Nothing is imported a second time; another file with the key is 409."""
    ann, _, conversation_id = await _sample(server)
    content = await _export(ann, conversation_id)
    first = await _import(ann, content, Idempotency_Key="k")
    second = await _import(ann, content, Idempotency_Key="k")
    await _import(ann, content + b"\n", Idempotency_Key="k", expect=409)

    assert second.json() == first.json()
    assert second.headers["idempotent-replay"] == "true"
    assert len((await ann.get("/api/conversations"))["conversations"]) == 2


async def test_a_file_has_a_limit(start_server: StartServer) -> None:
    """A declared length is refused at once, any other when it has been reached."""
    settings = Settings(
        server=Server(import_limit_bytes=100_000),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        await _import(ann, b" " * 100_001, expect=413)

        token = ann.client.cookies["SESSION_ID"]
        headers = (f"Cookie: SESSION_ID={token}", f"X-CSRF-TOKEN: {ann.csrf}")
        chunked = ("Content-Type: application/json", "Transfer-Encoding: chunked")
        async with raw_connection(server.url) as connection:
            await connection.send(request("POST", _PATH, *headers, *chunked, body=b"186A1\r\n"))
            assert (await connection.response()).status == 413
        await _import(ann, b"{}", expect=415, Content_Type="text/html")


@pytest.mark.parametrize("is_declared", [True, False])
async def test_a_large_file_that_is_refused_at_its_beginning_gets_its_response(
    start_server: StartServer, is_declared: bool
) -> None:
    """To a client that sends all of it first: the place of the error, or that it is too large."""
    settings = Settings(
        server=Server(import_limit_bytes=30_000_000),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")

        async def parts(count: int) -> AsyncIterator[bytes]:
            yield b'[{"no": "mapping"},'
            for _ in range(count):
                yield b" " * 100_000

        async def refused(count: int) -> httpx.Response:
            length = {"Content-Length": str(19 + count * 100_000)} if is_declared else {}
            headers = {"X-CSRF-TOKEN": ann.csrf, "Content-Type": "application/json", **length}
            return await ann.client.post(_PATH, content=parts(count), headers=headers)

        bad, large = await refused(250), await refused(350)

        assert (bad.status_code, "Conversation 1" in bad.json()["detail"]) == (422, True)
        assert large.status_code == (413 if is_declared else 422)
        assert (await ann.get("/api/conversations"))["conversations"] == []


async def test_an_import_whose_client_leaves_is_dropped(
    server: InProcessServer, superuser: Any
) -> None:
    """What it had stored is deleted."""
    ann = await server.person("ann")

    async def parts() -> Any:
        yield _file(_HEADER, _LINE)
        for number in range(2, 2_000):
            yield _file({**_REPLY, "seq": number, "content": "x" * 500})
        await until(lambda: server.components.services.imports.is_busy)
        raise httpx.WriteError("the client leaves")

    headers = {"X-CSRF-TOKEN": ann.csrf, "Content-Type": "application/json"}
    with pytest.raises(httpx.HTTPError):
        await ann.client.post(_PATH, content=parts(), headers=headers)
    await _until_purged(server, superuser)

    assert (await ann.get("/api/conversations"))["conversations"] == []


async def test_a_large_thread_takes_bounded_memory(
    server: InProcessServer, superuser: Any, tmp_path: Path
) -> None:
    """Its export and its import: in parts, of which none is kept."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    await bulk_threads.fill_thread(superuser, UUID(root), ann.id, 20_000)
    file = tmp_path / "export.jsonl"
    tracemalloc.start()
    try:
        with file.open("wb") as out:
            path = f"/api/conversations/{conversation_id}/export"
            async with ann.client.stream("GET", path) as response:
                async for chunk in response.aiter_raw():
                    out.write(chunk)
        exported, _ = tracemalloc.get_traced_memory()[1], tracemalloc.reset_peak()
        result = await _import_stream(ann, file)
        imported = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    size = file.stat().st_size

    assert result["messages"] == 20_001
    assert size > 10_000_000
    assert exported < size / 2
    assert imported < size / 2
    unread = await ann.get(f"/api/conversations/{result['conversations'][0]['conversation_id']}")
    assert unread["unread"] == 0


async def _import_stream(user: HttpUser, file: Path) -> Any:
    async def parts() -> AsyncIterator[bytes]:
        with file.open("rb") as opened:
            while part := opened.read(65_536):
                yield part

    headers = {"X-CSRF-TOKEN": user.csrf, "Content-Type": "application/x-ndjson"}
    response = await user.client.post(_PATH, content=parts(), headers=headers)
    assert response.status_code == 201, response.text
    return response.json()
