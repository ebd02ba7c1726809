"""Messages of a thread over HTTP."""

from typing import Any

from tests.support.servers.in_process_server import InProcessServer


async def test_a_tree_is_listed_depth_first_in_pages(server: InProcessServer) -> None:
    """Replies follow their parent, siblings are sorted by time, for any page size."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation(), "root")
    first_id = await ann.reply(root, "1")
    second_id = await ann.reply(root, "2")
    await ann.reply(first_id, "1.1")
    await ann.reply(second_id, "2.1")
    await ann.reply(first_id, "1.2")
    messages: list[dict[str, Any]] = []
    path = f"/api/threads/{root}/tree?limit=2"
    while path:
        page = await ann.get(path)
        messages += page["messages"]
        cursor = page.get("next_cursor")
        path = f"/api/threads/{root}/tree?limit=2&cursor_path={cursor}" if cursor else ""

    assert [message["content"] for message in messages] == ["root", "1", "1.1", "1.2", "2", "2.1"]
    assert [message["depth"] for message in messages] == [1, 2, 3, 3, 2, 3]
    assert [message["path"] for message in messages] == sorted(
        message["path"] for message in messages
    )


async def test_html_is_rendered_on_request(server: InProcessServer) -> None:
    """Markdown becomes HTML, and markup in a message stays text."""
    ann = await server.person("ann")
    root_id = await ann.root(await ann.conversation(), "**hi** <b onclick=x()>you</b>")

    plain = await ann.get(f"/api/messages/{root_id}")
    rendered = await ann.get(f"/api/messages/{root_id}?render=html")

    assert "html" not in plain
    assert rendered["html"].startswith("<p><strong>hi</strong> &lt;b onclick=x()&gt;you")


async def test_a_repeated_post_is_one_message(server: InProcessServer) -> None:
    """The same idempotency key creates one message; another body is a conflict."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    path = f"/api/threads/{conversation_id}/root"
    key = {"Idempotency-Key": "p"}
    first = await ann.call("POST", path, {"content": "a"}, expect=201, **key)
    repeated = await ann.call("POST", path, {"content": "a"}, expect=201, **key)
    await ann.call("POST", path, {"content": "b"}, expect=409, **key)

    assert repeated.json() == first.json()
    assert repeated.headers["idempotent-replay"] == "true"
    assert len((await ann.get(f"/api/conversations/{conversation_id}/threads"))["threads"]) == 1


async def test_each_kind_of_invalid_body_has_its_status(server: InProcessServer) -> None:
    """None of the invalid bodies is a server error."""
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
    for body, content_type, status in cases:
        headers = {"X-CSRF-TOKEN": ann.csrf, "Content-Type": content_type}
        response = await ann.client.post(path, content=body, headers=headers)
        assert response.status_code == status, (body[:40], response.text)
        assert response.headers["content-type"] == "application/problem+json"
    errors = (await ann.post(path, {"content": " "}, expect=422))["errors"]
    assert errors == [{"field": "content", "message": "a message needs some text"}]


async def test_users_cannot_post_as_the_assistant(server: InProcessServer) -> None:
    """A system message needs an administrator, and no user may use the assistant's role."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    path = f"/api/threads/{conversation_id}/root"

    await bob.post(path, {"content": "x", "role": "system"}, expect=403)
    await ann.post(path, {"content": "x", "role": "assistant"}, expect=403)
    await ann.post(path, {"content": "x", "role": "system"}, expect=201)


async def test_the_longest_message_is_stored_unchanged(server: InProcessServer) -> None:
    """65,536 characters of any kind are returned as they were sent."""
    ann = await server.person("ann")
    text = '🦀\u2028\\"' * 16_384
    root_id = await ann.root(await ann.conversation(), text)

    assert (await ann.get(f"/api/messages/{root_id}"))["content"] == text
