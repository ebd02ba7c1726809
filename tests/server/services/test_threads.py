"""Read markers of threads."""

from tests.support.servers.in_process_server import HttpUser, InProcessServer


async def _group_of_two(server: InProcessServer, bobs_role: str) -> tuple[HttpUser, HttpUser, str]:
    """Create a conversation of Ann's with Bob in it."""
    ann = await server.person("ann")
    bob = await server.person("bob")
    conversation = await ann.conversation(is_group=True)
    participants = f"/api/conversations/{conversation}/participants"
    await ann.post(participants, {"user_id": str(bob.id), "role": bobs_role}, expect=204)
    return ann, bob, conversation


async def test_a_read_marker_reaches_all_streams_of_its_user(server: InProcessServer) -> None:
    """They get the new count at once; streams of other users do not."""
    ann, bob, conversation = await _group_of_two(server, "viewer")
    root = await ann.root(conversation)
    first_reply = await ann.reply(root)
    await ann.reply(root)
    async with (
        bob.follow(conversation) as bobs_first,
        bob.follow(conversation) as bobs_second,
        ann.follow(conversation) as anns,
    ):
        for stream in (bobs_first, bobs_second, anns):
            await stream.next("stream.open")
        await bob.post(f"/api/threads/{root}/read", {"message_id": first_reply})
        updates = [await stream.next("unread.update") for stream in (bobs_first, bobs_second)]
        await ann.reply(root, "next")
        next_of_ann = await anns.next()

    expected = {
        "conversation_id": conversation,
        "root_id": root,
        "user_id": str(bob.id),
        "unread": 1,
        "read_seq": 2,
    }
    assert [event["payload"] for event in updates] == [expected, expected]
    assert all("id" not in event for event in updates)
    assert next_of_ann["type"] == "message.new"


async def test_a_read_marker_never_moves_back(server: InProcessServer) -> None:
    """To mark an earlier message as read changes nothing."""
    ann, bob, conversation = await _group_of_two(server, "member")
    root = await ann.root(conversation)
    last_reply = await ann.reply(root)
    path = f"/api/threads/{root}/read"

    assert (await bob.post(path, {"message_id": last_reply}))["unread"] == 0
    assert (await bob.post(path, {"message_id": root}))["unread"] == 0
    await bob.post(path, {"message_id": conversation}, expect=404)
