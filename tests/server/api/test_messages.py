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


async def test_windows_of_a_tree_lead_to_each_other(server: InProcessServer) -> None:
    """Around a message there are cursors to both sides; at the ends there is only one."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation())
    ids = [root] + [await ann.reply(root, str(number)) for number in range(6)]
    tree = f"/api/threads/{root}/tree"

    def ids_of(page: dict[str, Any]) -> list[str]:
        return [message["id"] for message in page["messages"]]

    around = await ann.get(f"{tree}?around={ids[3]}&limit=3")
    before = await ann.get(f"{tree}?before_path={around['prev_cursor']}&limit=9")
    after = await ann.get(f"{tree}?cursor_path={around['next_cursor']}&limit=9")
    assert ids_of(around) == ids[2:5]
    assert ids_of(before) == ids[:2]
    assert "prev_cursor" not in before
    assert before["next_cursor"] == before["messages"][-1]["path"]
    assert ids_of(after) == ids[5:]
    assert "next_cursor" not in after
    assert after["prev_cursor"] == after["messages"][0]["path"]
    whole = await ann.get(tree)
    assert whole.keys() == {"root_id", "messages", "last_event_id"}


async def test_messages_are_listed_in_the_order_of_posts(server: InProcessServer) -> None:
    """Forward from a seq, and from the end; next_cursor is the next after_seq, or cursor."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation())
    reply = await ann.reply(root)
    await ann.reply(root)
    await ann.reply(reply)
    path = f"/api/threads/{root}/messages"

    def seqs_of(page: dict[str, Any]) -> list[int]:
        return [message["seq"] for message in page["messages"]]

    first = await ann.get(f"{path}?limit=3&render=html")
    assert (seqs_of(first), first["next_cursor"]) == ([1, 2, 3], "3")
    assert first["messages"][0]["html"]
    for query in ("after_seq=3", "cursor=3", "after_seq=0&cursor=3"):
        rest = await ann.get(f"{path}?{query}")
        assert seqs_of(rest) == [4]
        assert rest.keys() == {"root_id", "messages", "last_event_id"}
    last = await ann.get(f"{path}?before_seq=9999999999&limit=2")
    assert (seqs_of(last), last["prev_cursor"]) == ([3, 4], "3")
    assert "next_cursor" not in last
    begin = await ann.get(f"{path}?before_seq=3")
    assert (seqs_of(begin), begin["next_cursor"]) == ([1, 2], "2")


async def test_an_empty_page_has_the_cursor_of_what_lies_beside_it(
    server: InProcessServer,
) -> None:
    """Before the first message, and after the last one; from there the whole thread is read."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation())
    reply = await ann.reply(root)
    tree, messages = f"/api/threads/{root}/tree", f"/api/threads/{root}/messages"
    paths = [message["path"] for message in (await ann.get(tree))["messages"]]

    for before in (paths[0], "0", "1"):
        page = await ann.get(f"{tree}?before_path={before}")
        assert (page["messages"], "prev_cursor" in page) == ([], False)
        page = await ann.get(f"{tree}?cursor_path={page['next_cursor']}")
        assert [message["id"] for message in page["messages"]] == [root, reply]
    for after in (paths[-1], "z"):
        page = await ann.get(f"{tree}?cursor_path={after}")
        assert (page["messages"], "next_cursor" in page) == ([], False)
        page = await ann.get(f"{tree}?before_path={page['prev_cursor']}")
        assert [message["id"] for message in page["messages"]] == [root, reply]
    for before_seq in (0, 1):
        page = await ann.get(f"{messages}?before_seq={before_seq}")
        assert (page["messages"], page["next_cursor"]) == ([], "0")
        assert "prev_cursor" not in page
    end = await ann.get(f"{messages}?after_seq=2")
    assert (end["messages"], "next_cursor" in end, "prev_cursor" in end) == ([], False, False)


async def test_each_kind_of_invalid_query_of_a_thread_has_its_status(
    server: InProcessServer,
) -> None:
    """Two positions at once are refused; a message of another thread is not found."""
    ann, eve = await server.person("ann"), await server.person("eve")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    reply = await ann.reply(root)
    other = await ann.root(conversation_id)
    for query, status in (
        (f"tree?around={reply}&before_path=V", 400),
        ("tree?cursor_path=V&before_path=V", 400),
        ("tree?around=x", 400),
        ("tree?before_path=-", 400),
        (f"tree?around={other}", 404),
        ("messages?after_seq=-1", 400),
        ("messages?after_seq=x", 400),
        ("messages?before_seq=1&after_seq=1", 400),
        ("messages?limit=1001", 400),
        ("tree?render=x", 400),
        ("tree?render=HTML", 400),
        ("messages?render=x", 400),
    ):
        await ann.get(f"/api/threads/{root}/{query}", expect=status)
    await ann.get(f"/api/messages/{root}?render=x", expect=400)
    for query in ("tree", "messages"):
        await ann.get(f"/api/threads/{reply}/{query}", expect=404)
        await eve.get(f"/api/threads/{root}/{query}", expect=404)


async def test_each_kind_of_invalid_read_marker_has_its_status(server: InProcessServer) -> None:
    """One position at most; a seq beyond the end is the end."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    other = await ann.root(conversation_id)
    for action, body, status in (
        ("read", {"seq": 1, "path": "V"}, 422),
        ("read", {"seq": 1, "message_id": root}, 422),
        ("read", {"seq": -1}, 422),
        ("read", {"seq": 1.5}, 422),
        ("read", {"message_id": other}, 404),
        ("unread", {}, 422),
        ("unread", {"message_id": other}, 404),
        ("unread", {"message_id": "x"}, 422),
    ):
        await ann.post(f"/api/threads/{root}/{action}", body, expect=status)
    marked = await ann.post(f"/api/threads/{root}/read", {"seq": 1_000_000_000_000})
    assert marked == {"root_id": root, "unread": 0, "read_seq": 1}


async def test_read_only_users_may_move_their_markers(server: InProcessServer) -> None:
    """They post nothing, but what they have read is theirs."""
    ann, bob = await server.person("ann"), await server.person("bob", roles=["read_only"])
    conversation_id = await ann.group(bob)
    root = await ann.root(conversation_id)

    assert (await bob.post(f"/api/threads/{root}/read", {}))["unread"] == 0
    body = {"message_id": root}
    assert (await bob.post(f"/api/threads/{root}/unread", body))["unread"] == 1


async def test_html_is_rendered_on_request(server: InProcessServer) -> None:
    """Markdown becomes HTML, and markup in a message stays text."""
    ann = await server.person("ann")
    root_id = await ann.root(await ann.conversation(), "**hi** <b onclick=x()>you</b>")

    plain = await ann.get(f"/api/messages/{root_id}")
    rendered = await ann.get(f"/api/messages/{root_id}?render=html")

    assert "html" not in plain
    assert rendered["html"].startswith('<p dir="auto"><strong>hi</strong> &lt;b onclick=x()&gt;you')


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
