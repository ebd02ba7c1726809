"""Conversations, participants, lists of threads and unread counts, over HTTP."""

from uuid import uuid4

from tests.support.servers.in_process_server import InProcessServer


async def test_a_conversation_is_made_shown_listed_and_renamed(server: InProcessServer) -> None:
    """The whole life of a title, as its owner sees it."""
    ann = await server.person("ann")
    made = await ann.conversation("  First   room ")
    await ann.call("PATCH", f"/api/conversations/{made}", {"title": "Second", "model": "demo"})

    shown = await ann.get(f"/api/conversations/{made}")
    listed = await ann.get("/api/conversations")

    assert shown["title"] == "Second"
    assert shown["model"] == "demo"
    assert shown["role"] == "owner"
    assert shown["last_event_id"] == "evt_1"
    assert [one["id"] for one in listed["conversations"]] == [made]
    assert "next_cursor" not in listed


async def test_groups_answer_to_mentions_unless_told_otherwise(server: InProcessServer) -> None:
    """The default mode depends on the kind of conversation."""
    ann = await server.person("ann")
    modes = []
    for body in ({}, {"is_group": True}, {"is_group": True, "assistant_mode": "always"}):
        made = await ann.post("/api/conversations", {"title": "t", **body}, expect=201)
        shown = await ann.get(f"/api/conversations/{made['conversation_id']}")
        modes.append(shown["assistant_mode"])

    assert modes == ["always", "mention", "always"]


async def test_a_repeated_key_answers_the_first_answer(server: InProcessServer) -> None:
    """Same key and body: the same conversation; another body: a conflict."""
    ann = await server.person("ann")
    key = {"Idempotency-Key": "k-1"}
    body = {"title": "once"}
    first = await ann.call("POST", "/api/conversations", body, expect=201, **key)
    again = await ann.call("POST", "/api/conversations", body, expect=201, **key)
    other = await ann.call("POST", "/api/conversations", {"title": "x"}, expect=409, **key)

    assert again.json() == first.json()
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert other.json()["code"] == "RGP.CONFLICT"


async def test_lists_are_paged_without_holes(server: InProcessServer) -> None:
    """Following the cursor gives everything once, latest activity first."""
    ann = await server.person("ann")
    made = []
    for number in range(7):
        made.append(await ann.conversation(f"room {number}"))
        server.clock.advance(1)
    seen: list[str] = []
    path = "/api/conversations?limit=3"
    while path:
        page = await ann.get(path)
        seen += [one["id"] for one in page["conversations"]]
        cursor = page.get("next_cursor")
        path = f"/api/conversations?limit=3&cursor={cursor}" if cursor else ""

    assert seen == made[::-1]
    assert (await ann.get("/api/conversations?limit=0", expect=400))["code"] == "RGP.BAD_REQUEST"
    assert (await ann.get("/api/conversations?cursor=x", expect=400))["code"] == "RGP.BAD_REQUEST"


async def test_strangers_see_nothing(server: InProcessServer) -> None:
    """Whatever a stranger asks of a conversation is not found, and nothing tells that it exists."""
    ann, eve = await server.person("ann"), await server.person("eve")
    room = await ann.conversation()
    root = await ann.root(room)
    one = f"/api/conversations/{room}"
    asked = [
        ("GET", one, None),
        ("PATCH", one, {"title": "x"}),
        ("GET", f"{one}/participants", None),
        ("POST", f"{one}/participants", {"user_id": str(eve.id), "role": "owner"}),
        ("DELETE", f"{one}/participants/{ann.id}", None),
        ("GET", f"{one}/threads", None),
        ("GET", f"{one}/unread", None),
        ("GET", f"/api/threads/{root}/tree", None),
        ("POST", f"/api/threads/{room}/root", {"content": "x"}),
        ("POST", f"/api/threads/{root}/read", {}),
        ("GET", f"/api/messages/{root}", None),
        ("GET", f"/api/messages/{root}/chunks", None),
        ("POST", f"/api/messages/{root}/reply", {"content": "x"}),
        ("POST", f"/api/messages/{root}/cancel", None),
        ("GET", f"/api/stream/conversations/{room}", None),
    ]
    for method, path, body in asked:
        refused = (await eve.call(method, path, body, expect=404)).json()
        known = path.replace(room, str(uuid4())).replace(root, str(uuid4()))
        missing = (await eve.call(method, known, body, expect=404)).json()
        assert refused["detail"] == missing["detail"], path


async def test_roles_are_granted_by_rank(server: InProcessServer) -> None:
    """Nobody grants above their own role, viewers do not post, and the last owner stays."""
    ann, bob, cid = [await server.person(name) for name in ("ann", "bob", "cid")]
    room = await ann.conversation(is_group=True)
    people = f"/api/conversations/{room}/participants"
    await ann.post(people, {"user_id": str(bob.id), "role": "admin"}, expect=204)
    await bob.post(people, {"user_id": str(cid.id), "role": "viewer"}, expect=204)

    await bob.post(people, {"user_id": str(cid.id), "role": "owner"}, expect=403)
    await cid.post(f"/api/threads/{room}/root", {"content": "x"}, expect=403)
    await cid.post(people, {"user_id": str(cid.id), "role": "member"}, expect=403)
    await ann.call("DELETE", f"{people}/{ann.id}", expect=409)
    await cid.call("DELETE", f"{people}/{cid.id}", expect=204)
    listed = (await ann.get(people))["participants"]

    assert [(one["username"], one["role"]) for one in listed] == [
        ("ann", "owner"),
        ("bob", "admin"),
    ]


async def test_unread_counts_others_messages_above_the_mark(server: InProcessServer) -> None:
    """Own posts do not count; joining marks all as read; reading never moves back."""
    ann, bob = await server.person("ann"), await server.person("bob")
    room = await ann.conversation(is_group=True)
    old = await ann.root(room, "before bob came")
    await ann.post(
        f"/api/conversations/{room}/participants",
        {"user_id": str(bob.id), "role": "member"},
        expect=204,
    )
    first = await ann.reply(old, "one")
    await ann.reply(old, "two")
    await bob.reply(old, "mine")
    unread = f"/api/conversations/{room}/unread"

    assert (await bob.get(unread))["threads"] == [{"root_id": old, "unread": 2}]
    assert (await bob.get("/api/conversations"))["conversations"][0]["unread"] == 2
    assert await bob.post(f"/api/threads/{old}/read", {"message_id": first}) == {
        "root_id": old,
        "unread": 1,
    }
    assert (await bob.post(f"/api/threads/{old}/read", {}))["unread"] == 0
    assert (await bob.post(f"/api/threads/{old}/read", {"message_id": first}))["unread"] == 0
    assert (await bob.get(unread))["threads"] == []


async def test_a_read_only_person_writes_nothing(server: InProcessServer) -> None:
    """The global role reads what it is a member of, and may leave."""
    ann, rob = await server.person("ann"), await server.person("rob", roles=["read_only"])
    room = await ann.conversation(is_group=True)
    people = f"/api/conversations/{room}/participants"
    await ann.post(people, {"user_id": str(rob.id), "role": "member"}, expect=204)
    root = await ann.root(room)

    await rob.post("/api/conversations", {"title": "x"}, expect=403)
    await rob.post(f"/api/messages/{root}/reply", {"content": "x"}, expect=403)
    assert (await rob.post(f"/api/threads/{root}/read", {}))["unread"] == 0
    assert len((await rob.get(f"/api/threads/{root}/tree"))["messages"]) == 1
