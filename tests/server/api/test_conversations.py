"""Conversations, participants, thread lists and unread counts over HTTP."""

from uuid import uuid4

from tests.support.servers.in_process_server import InProcessServer


async def test_a_conversation_is_created_listed_and_renamed(server: InProcessServer) -> None:
    """The owner creates, changes, reads and lists a conversation."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation("  First   room ")
    await ann.call(
        "PATCH", f"/api/conversations/{conversation_id}", {"title": "Second", "model": "demo"}
    )

    conversation = await ann.get(f"/api/conversations/{conversation_id}")
    listed = await ann.get("/api/conversations")

    assert conversation["title"] == "Second"
    assert conversation["model"] == "demo"
    assert conversation["role"] == "owner"
    assert conversation["last_event_id"] == "evt_1"
    assert [item["id"] for item in listed["conversations"]] == [conversation_id]
    assert "next_cursor" not in listed


async def test_groups_answer_mentions_by_default(server: InProcessServer) -> None:
    """The default assistant mode depends on the kind of conversation."""
    ann = await server.person("ann")
    modes = []
    for body in ({}, {"is_group": True}, {"is_group": True, "assistant_mode": "always"}):
        created = await ann.post("/api/conversations", {"title": "t", **body}, expect=201)
        conversation = await ann.get(f"/api/conversations/{created['conversation_id']}")
        modes.append(conversation["assistant_mode"])

    assert modes == ["always", "mention", "always"]


async def test_a_repeated_idempotency_key_returns_the_first_response(
    server: InProcessServer,
) -> None:
    """The same key and body return the same conversation; another body is a conflict."""
    ann = await server.person("ann")
    key = {"Idempotency-Key": "k-1"}
    body = {"title": "once"}
    first = await ann.call("POST", "/api/conversations", body, expect=201, **key)
    repeated = await ann.call("POST", "/api/conversations", body, expect=201, **key)
    other = await ann.call("POST", "/api/conversations", {"title": "x"}, expect=409, **key)

    assert repeated.json() == first.json()
    assert "idempotent-replay" not in first.headers
    assert repeated.headers["idempotent-replay"] == "true"
    assert other.json()["code"] == "RGP.CONFLICT"


async def test_pages_list_each_conversation_once(server: InProcessServer) -> None:
    """Following the cursor lists every conversation once, latest activity first."""
    ann = await server.person("ann")
    created = []
    for number in range(7):
        created.append(await ann.conversation(f"room {number}"))
        server.clock.advance(1)
    listed: list[str] = []
    path = "/api/conversations?limit=3"
    while path:
        page = await ann.get(path)
        listed += [item["id"] for item in page["conversations"]]
        cursor = page.get("next_cursor")
        path = f"/api/conversations?limit=3&cursor={cursor}" if cursor else ""

    assert listed == created[::-1]
    assert (await ann.get("/api/conversations?limit=0", expect=400))["code"] == "RGP.BAD_REQUEST"
    assert (await ann.get("/api/conversations?cursor=x", expect=400))["code"] == "RGP.BAD_REQUEST"


async def test_an_outsider_cannot_see_that_a_conversation_exists(server: InProcessServer) -> None:
    """Each request of an outsider gets the response of a conversation that does not exist."""
    ann, eve = await server.person("ann"), await server.person("eve")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id)
    conversation_path = f"/api/conversations/{conversation_id}"
    requests = [
        ("GET", conversation_path, None),
        ("PATCH", conversation_path, {"title": "x"}),
        ("GET", f"{conversation_path}/participants", None),
        ("POST", f"{conversation_path}/participants", {"user_id": str(eve.id), "role": "owner"}),
        ("DELETE", f"{conversation_path}/participants/{ann.id}", None),
        ("GET", f"{conversation_path}/threads", None),
        ("GET", f"{conversation_path}/unread", None),
        ("GET", f"/api/threads/{root}/tree", None),
        ("POST", f"/api/threads/{conversation_id}/root", {"content": "x"}),
        ("POST", f"/api/threads/{root}/read", {}),
        ("GET", f"/api/messages/{root}", None),
        ("GET", f"/api/messages/{root}/chunks", None),
        ("POST", f"/api/messages/{root}/reply", {"content": "x"}),
        ("POST", f"/api/messages/{root}/cancel", None),
        ("GET", f"/api/stream/conversations/{conversation_id}", None),
    ]
    for method, path, body in requests:
        rejected = (await eve.call(method, path, body, expect=404)).json()
        unknown_path = path.replace(conversation_id, str(uuid4())).replace(root, str(uuid4()))
        missing = (await eve.call(method, unknown_path, body, expect=404)).json()
        assert rejected["detail"] == missing["detail"], path


async def test_roles_are_limited_by_rank(server: InProcessServer) -> None:
    """Users grant no role above theirs, viewers cannot post, and the last owner cannot leave."""
    ann, bob, cid = [await server.person(name) for name in ("ann", "bob", "cid")]
    conversation_id = await ann.conversation(is_group=True)
    participants = f"/api/conversations/{conversation_id}/participants"
    await ann.add_participant(conversation_id, bob, "admin")
    await bob.add_participant(conversation_id, cid, "viewer")

    await bob.post(participants, {"user_id": str(cid.id), "role": "owner"}, expect=403)
    await cid.post(f"/api/threads/{conversation_id}/root", {"content": "x"}, expect=403)
    await cid.post(participants, {"user_id": str(cid.id), "role": "member"}, expect=403)
    await ann.call("DELETE", f"{participants}/{ann.id}", expect=409)
    await cid.call("DELETE", f"{participants}/{cid.id}", expect=204)
    listed = (await ann.get(participants))["participants"]

    assert [(item["username"], item["role"]) for item in listed] == [
        ("ann", "owner"),
        ("bob", "admin"),
    ]


async def test_unread_counts_messages_of_others_above_the_read_marker(
    server: InProcessServer,
) -> None:
    """Own posts are not counted, joining marks all as read, and the marker never moves back."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.conversation(is_group=True)
    root_id = await ann.root(conversation_id, "before bob came")
    await ann.add_participant(conversation_id, bob)
    first_reply_id = await ann.reply(root_id, "one")
    await ann.reply(root_id, "two")
    await bob.reply(root_id, "mine")
    unread_path = f"/api/conversations/{conversation_id}/unread"

    first_path = (await bob.get(f"/api/messages/{first_reply_id}"))["path"]
    assert (await bob.get(unread_path))["threads"] == [
        {
            "root_id": root_id,
            "unread": 2,
            "read_seq": 1,
            "first_unread": {"message_id": first_reply_id, "path": first_path},
        }
    ]
    assert (await bob.get("/api/conversations"))["conversations"][0]["unread"] == 2
    assert await bob.post(f"/api/threads/{root_id}/read", {"message_id": first_reply_id}) == {
        "root_id": root_id,
        "unread": 1,
        "read_seq": 2,
    }
    assert (await bob.post(f"/api/threads/{root_id}/read", {}))["unread"] == 0
    assert (await bob.post(f"/api/threads/{root_id}/read", {"message_id": first_reply_id}))[
        "unread"
    ] == 0
    assert (await bob.get(unread_path))["threads"] == []


async def test_a_read_only_user_cannot_write(server: InProcessServer) -> None:
    """The global role may read the conversations that it is a member of, and move read markers."""
    ann, rob = await server.person("ann"), await server.person("rob", roles=["read_only"])
    conversation_id = await ann.group(rob)
    root = await ann.root(conversation_id)

    await rob.post("/api/conversations", {"title": "x"}, expect=403)
    await rob.post(f"/api/messages/{root}/reply", {"content": "x"}, expect=403)
    assert (await rob.post(f"/api/threads/{root}/read", {}))["unread"] == 0
    assert len((await rob.get(f"/api/threads/{root}/tree"))["messages"]) == 1


async def test_each_snapshot_has_the_position_of_its_events(server: InProcessServer) -> None:
    """Also each row of the list of conversations; a client with one stream counts from there."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root_id = await ann.root(conversation_id)
    path = f"/api/conversations/{conversation_id}"
    (row,) = (await ann.get("/api/conversations"))["conversations"]
    snapshots = [row] + [
        await ann.get(one)
        for one in (
            path,
            f"{path}/threads",
            f"{path}/unread",
            f"{path}/presence",
            f"{path}/participants",
            f"/api/threads/{root_id}/tree",
            f"/api/threads/{root_id}/messages",
        )
    ]
    assert [snapshot["last_event_id"] for snapshot in snapshots] == ["evt_2"] * 8
