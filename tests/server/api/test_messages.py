"""Threads from inside, over HTTP."""

from typing import Any

from tests.support.servers.in_process_server import InProcessServer


async def test_a_tree_is_read_depth_first_and_by_pages(server: InProcessServer) -> None:
    """Replies stand below what they answer, siblings by time, whatever the page size."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation(), "root")
    one = await ann.reply(root, "1")
    two = await ann.reply(root, "2")
    await ann.reply(one, "1.1")
    await ann.reply(two, "2.1")
    await ann.reply(one, "1.2")
    seen: list[dict[str, Any]] = []
    path = f"/api/threads/{root}/tree?limit=2"
    while path:
        page = await ann.get(path)
        seen += page["messages"]
        cursor = page.get("next_cursor")
        path = f"/api/threads/{root}/tree?limit=2&cursor_path={cursor}" if cursor else ""

    assert [m["content"] for m in seen] == ["root", "1", "1.1", "1.2", "2", "2.1"]
    assert [m["depth"] for m in seen] == [1, 2, 3, 3, 2, 3]
    assert [m["path"] for m in seen] == sorted(m["path"] for m in seen)


async def test_html_is_made_when_asked_for(server: InProcessServer) -> None:
    """Markdown becomes HTML; markup in a message stays text."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation(), "**hi** <b onclick=x()>you</b>")

    plain = await ann.get(f"/api/messages/{root}")
    rendered = await ann.get(f"/api/messages/{root}?render=html")

    assert "html" not in plain
    assert rendered["html"].startswith("<p><strong>hi</strong> &lt;b onclick=x()&gt;you")


async def test_a_repeated_post_is_one_message(server: InProcessServer) -> None:
    """The same key twice gives one message; another body is a conflict."""
    ann = await server.person("ann")
    room = await ann.conversation()
    path, key = f"/api/threads/{room}/root", {"Idempotency-Key": "p"}
    first = await ann.call("POST", path, {"content": "a"}, expect=201, **key)
    again = await ann.call("POST", path, {"content": "a"}, expect=201, **key)
    await ann.call("POST", path, {"content": "b"}, expect=409, **key)

    assert again.json() == first.json()
    assert again.headers["idempotent-replay"] == "true"
    assert len((await ann.get(f"/api/conversations/{room}/threads"))["threads"]) == 1


async def test_bad_bodies_are_told_apart(server: InProcessServer) -> None:
    """Each kind of bad input has its own status, and none is a fault of the server."""
    ann = await server.person("ann")
    path = f"/api/threads/{await ann.conversation()}/root"
    json = "application/json"
    cases: list[tuple[bytes, str, int]] = [
        (b"{", json, 400),
        (b"\xff", json, 400),
        (b"[" * 100_000, json, 422),
        (b'{"content": NaN}', json, 400),
        (b'{"content": "a"}', "text/plain", 415),
        (b'{"content": "a\\u0000"}', json, 422),
        (b'{"content": "\\ud800"}', json, 422),
        (b'{"content": " "}', json, 422),
        (b'{"content": 1}', json, 422),
        (b'{"content": "a", "author": "b"}', json, 422),
        (b'{"content": "%s"}' % (b"x" * 65_537), json, 422),
        (b'{"content": "%s"}' % (b"x" * 1_100_000), json, 413),
    ]
    for body, kind, status in cases:
        headers = {"X-CSRF-TOKEN": ann.csrf, "Content-Type": kind}
        answer = await ann.client.post(path, content=body, headers=headers)
        assert answer.status_code == status, (body[:40], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    errors = (await ann.post(path, {"content": " "}, expect=422))["errors"]
    assert errors == [{"field": "content", "message": "a message needs some text"}]


async def test_people_do_not_speak_for_the_assistant(server: InProcessServer) -> None:
    """A system message needs an administrator; the assistant's role is nobody's."""
    ann, bob = await server.person("ann"), await server.person("bob")
    room = await ann.conversation(is_group=True)
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(f"/api/conversations/{room}/participants", body, expect=204)
    path = f"/api/threads/{room}/root"

    await bob.post(path, {"content": "x", "role": "system"}, expect=403)
    await ann.post(path, {"content": "x", "role": "assistant"}, expect=403)
    await ann.post(path, {"content": "x", "role": "system"}, expect=201)


async def test_the_longest_message_survives(server: InProcessServer) -> None:
    """65,536 characters of any kind come back as they were."""
    ann = await server.person("ann")
    text = '🦀\u2028\\"' * 16_384
    root = await ann.root(await ann.conversation(), text)

    assert (await ann.get(f"/api/messages/{root}"))["content"] == text
