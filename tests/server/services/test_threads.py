"""Marks of reading, as all of one's own screens see them."""

from tests.support.servers.in_process_server import InProcessServer


async def test_a_mark_moves_on_all_of_ones_screens(server: InProcessServer) -> None:
    """One's own streams are told the count, at once; nobody else's are."""
    ann, bob = await server.person("ann"), await server.person("bob")
    room = await ann.conversation(is_group=True)
    people = f"/api/conversations/{room}/participants"
    await ann.post(people, {"user_id": str(bob.id), "role": "viewer"}, expect=204)
    root = await ann.root(room)
    first = await ann.reply(root)
    await ann.reply(root)
    async with bob.follow(room) as one, bob.follow(room) as two, ann.follow(room) as other:
        for stream in (one, two, other):
            await stream.next("stream.open")
        await bob.post(f"/api/threads/{root}/read", {"message_id": first})
        told = [await stream.next("unread.update") for stream in (one, two)]
        await ann.reply(root, "next")
        next_of_other = await other.next()

    expected = {"conversation_id": room, "root_id": root, "user_id": str(bob.id), "unread": 1}
    assert [event["payload"] for event in told] == [expected, expected]
    assert all("id" not in event for event in told)
    assert next_of_other["type"] == "message.new"


async def test_a_mark_never_moves_back(server: InProcessServer) -> None:
    """Reading an earlier message again changes nothing."""
    ann, bob = await server.person("ann"), await server.person("bob")
    room = await ann.conversation(is_group=True)
    people = f"/api/conversations/{room}/participants"
    await ann.post(people, {"user_id": str(bob.id), "role": "member"}, expect=204)
    root = await ann.root(room)
    last = await ann.reply(root)
    path = f"/api/threads/{root}/read"

    assert (await bob.post(path, {"message_id": last}))["unread"] == 0
    assert (await bob.post(path, {"message_id": root}))["unread"] == 0
    await bob.post(path, {"message_id": room}, expect=404)
