"""The procedures in sql/procedures/events."""

from typing import Any
from uuid import UUID

from tests.support.scene import Scene
from tests.support.waiting import until

from rustygpt_server.db import accounts, feeds, members, sessions
from rustygpt_server.db.feeds import Lost, Opening, Reader


async def prune(scene: Scene, *, hours: int = 48, most: int = 5_000, batch: int = 500) -> int:
    """Prune once."""
    return await feeds.prune_events(
        scene.db, scene.now, retention_hours=hours, max_per_conversation=most, batch=batch
    )


async def test_log_bounds_of_all_conversations_of_a_user(scene: Scene) -> None:
    """Returns the last and the oldest event number, for conversations of the user only."""
    ada, eve = await scene.person("ada"), await scene.person("eve")
    quiet, busy = await scene.room(ada), await scene.room(ada)
    await scene.room(eve)
    scene.tick()
    await scene.post(ada, busy)

    found = await feeds.open_feeds(scene.db, [(eve, busy), (ada, None), (ada, quiet)])

    assert found == [{}, {busy: Opening(2, 1), quiet: Opening(0, 1)}, {quiet: Opening(0, 1)}]
    assert list(found[1]) == [busy, quiet]


async def test_disabled_and_removed_users_get_no_log_bounds(scene: Scene) -> None:
    """Neither do users of a conversation that does not exist."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    conversation_id = await scene.room(ada, bob)
    await members.remove_participant(scene.db, ada, conversation_id, bob, scene.now)
    await accounts.update_user(
        *(scene.db, scene.admin, ada),
        disabled=True,
        roles=None,
        password_hash=None,
        now=scene.now,
    )
    wanted = [
        (ada, conversation_id),
        (ada, None),
        (bob, conversation_id),
        (scene.admin, scene.id()),
    ]

    assert await feeds.open_feeds(scene.db, wanted) == [{}, {}, {}, {}]


async def test_events_are_read_after_a_number(scene: Scene) -> None:
    """The bounds include all events; the events after a number are read in order."""
    ada = await scene.person("ada")
    conversation_id = await scene.room(ada)
    assert await scene.opening(ada, conversation_id) == Opening(0, 1)
    written = await scene.post(ada, conversation_id)
    assert await scene.opening(ada, conversation_id) == Opening(2, 1)
    assert await feeds.read_events(scene.db, conversation_id, 0, 10) == written.events
    assert await feeds.read_events(scene.db, conversation_id, 1, 10) == written.events[1:]
    assert await feeds.read_events(scene.db, conversation_id, 0, 1) == written.events[:1]


async def test_expired_events_are_pruned_oldest_first(scene: Scene) -> None:
    """Expired events are deleted in batches from the oldest on; the numbers continue."""
    ada = await scene.person("ada")
    conversation_id = await scene.room(ada)
    for _ in range(3):
        await scene.post(ada, conversation_id)
    scene.tick(48 * 3_600)
    assert await prune(scene) == 0
    scene.tick()
    await scene.post(ada, conversation_id)
    assert await prune(scene, batch=4) == 4
    assert await scene.opening(ada, conversation_id) == Opening(8, 5)
    assert await prune(scene, batch=4) == 2
    assert await prune(scene) == 0
    scene.tick(49 * 3_600)
    assert await prune(scene) == 2
    assert await scene.opening(ada, conversation_id) == Opening(8, 9)


async def test_pruning_leaves_no_gaps(scene: Scene) -> None:
    """An event with a later time than its successor is deleted with it."""
    ada = await scene.person("ada")
    conversation_id = await scene.room(ada)
    await scene.post(ada, conversation_id)
    scene.tick(-10)
    await scene.post(ada, conversation_id)
    scene.tick(48 * 3_600 + 5)
    assert await prune(scene) == 4


async def test_events_above_the_limit_are_pruned(scene: Scene) -> None:
    """A conversation keeps its newest events up to the limit; others are not affected."""
    ada = await scene.person("ada")
    conversation_id, other = await scene.room(ada), await scene.room(ada)
    for _ in range(5):
        await scene.post(ada, conversation_id)
    await scene.post(ada, other)
    assert await prune(scene, most=3) == 7
    assert await scene.opening(ada, conversation_id) == Opening(10, 8)
    assert await scene.opening(ada, other) == Opening(2, 1)


async def test_revoked_streams_are_found(scene: Scene) -> None:
    """Removal, logout and disabling are found for each open stream."""
    ada, bob, cy = [await scene.person(n) for n in ("ada", "bob", "cy")]
    conversation_id = await scene.room(ada, bob, cy)
    windows = sessions.Windows(600, 6_000, 5)
    ids: dict[UUID, UUID] = {}
    for number, user in enumerate((ada, bob, cy)):
        new = sessions.NewSession(scene.id(), user, bytes([number]) * 32, None, None)
        await sessions.start_session(scene.db, new, windows, scene.now)
        ids[user] = new.id
    readers = [Reader(session, user, conversation_id) for user, session in ids.items()]
    assert await feeds.check_readers(scene.db, readers, scene.now) == []
    assert await feeds.check_readers(scene.db, [], scene.now) == []
    await members.remove_participant(scene.db, ada, conversation_id, bob, scene.now)
    assert await feeds.check_readers(scene.db, readers, scene.now) == [Lost(readers[1], "removed")]
    await accounts.update_user(
        scene.db,
        scene.admin,
        cy,
        disabled=True,
        roles=None,
        password_hash=None,
        now=scene.now,
    )
    await sessions.end_session(scene.db, ada, ids[ada])
    lost = await feeds.check_readers(scene.db, readers, scene.now)
    assert [found.reason for found in lost] == ["session_ended", "removed", "session_ended"]
    assert await feeds.open_feeds(scene.db, [(cy, conversation_id)]) == [{}]


async def test_events_of_several_conversations_are_read_in_one_statement(scene: Scene) -> None:
    """Each conversation is read from its own number on, in order."""
    ada = await scene.person("ada")
    one, two, other = [await scene.room(ada) for _ in range(3)]
    written = {
        conversation_id: [await scene.post(ada, conversation_id) for _ in range(3)]
        for conversation_id in (one, two, other)
    }
    events = await feeds.read_behind(scene.db, {one: 4, two: 0, scene.id(): 0}, 3)

    expected = {
        one: written[one][2].events,
        two: [*written[two][0].events, *written[two][1].events],
    }
    assert [e for e in events if e.conversation_id == one] == expected[one]
    assert [e for e in events if e.conversation_id == two] == expected[two][:3]
    assert len(events) == 5


async def test_list_positions_omits_unknown_conversations(scene: Scene) -> None:
    """Returns the last event number of each existing conversation."""
    ada = await scene.person("ada")
    one, two = await scene.room(ada), await scene.room(ada)
    await scene.post(ada, one)

    assert await feeds.list_positions(scene.db, [one, two, scene.id()]) == {one: 2, two: 0}
    assert await feeds.list_positions(scene.db, []) == {}


async def test_notify_processes_delivers_packets_in_order(scene: Scene, owner: Any) -> None:
    """A listener on the channel receives every packet, in order."""
    received: list[str] = []
    await owner.add_listener("rustygpt_x", lambda *what: received.append(what[3]))
    await feeds.tell_processes(scene.db, "rustygpt_x", ["one", "two"])
    await until(lambda: len(received) == 2)

    assert received == ["one", "two"]
