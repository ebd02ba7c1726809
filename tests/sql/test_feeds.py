"""Procedures of the log that streams resume from."""

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


async def test_where_all_of_ones_conversations_stand(scene: Scene) -> None:
    """Those one is in, with the oldest event that is still there; nobody else's."""
    ada, eve = await scene.person("ada"), await scene.person("eve")
    quiet, busy = await scene.room(ada), await scene.room(ada)
    await scene.room(eve)
    scene.tick()
    await scene.post(ada, busy)

    found = await feeds.open_feeds(scene.db, [(eve, busy), (ada, None), (ada, quiet)])

    assert found == [{}, {busy: Opening(2, 1), quiet: Opening(0, 1)}, {quiet: Opening(0, 1)}]
    assert list(found[1]) == [busy, quiet]


async def test_a_disabled_person_opens_nothing(scene: Scene) -> None:
    """Nor does somebody who was removed, or a conversation that is not there."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada, bob)
    await members.remove_participant(scene.db, ada, room, bob, scene.now)
    await accounts.update_user(
        *(scene.db, scene.admin, ada),
        disabled=True,
        roles=None,
        password_hash=None,
        now=scene.now,
    )
    wanted = [(ada, room), (ada, None), (bob, room), (scene.admin, scene.id())]

    assert await feeds.open_feeds(scene.db, wanted) == [{}, {}, {}, {}]


async def test_open_and_read(scene: Scene) -> None:
    """A stream opens at the last number; what comes after a number is read in order."""
    ada = await scene.person("ada")
    room = await scene.room(ada)
    assert await scene.opening(ada, room) == Opening(0, 1)
    written = await scene.post(ada, room)
    assert await scene.opening(ada, room) == Opening(2, 1)
    assert await feeds.read_events(scene.db, room, 0, 10) == written.events
    assert await feeds.read_events(scene.db, room, 1, 10) == written.events[1:]
    assert await feeds.read_events(scene.db, room, 0, 1) == written.events[:1]


async def test_old_events_go_oldest_first(scene: Scene) -> None:
    """Events past the retention go in batches from the oldest on; the numbers go on."""
    ada = await scene.person("ada")
    room = await scene.room(ada)
    for _ in range(3):
        await scene.post(ada, room)
    scene.tick(48 * 3_600)
    assert await prune(scene) == 0
    scene.tick()
    await scene.post(ada, room)
    assert await prune(scene, batch=4) == 4
    assert await scene.opening(ada, room) == Opening(8, 5)
    assert await prune(scene, batch=4) == 2
    assert await prune(scene) == 0
    scene.tick(49 * 3_600)
    assert await prune(scene) == 2
    assert await scene.opening(ada, room) == Opening(8, 9)


async def test_pruning_leaves_no_holes(scene: Scene) -> None:
    """An event that looks younger than its follower goes with it."""
    ada = await scene.person("ada")
    room = await scene.room(ada)
    await scene.post(ada, room)
    scene.tick(-10)
    await scene.post(ada, room)
    scene.tick(48 * 3_600 + 5)
    assert await prune(scene) == 4


async def test_too_many_events_go(scene: Scene) -> None:
    """A conversation keeps its newest events up to the limit; others are not touched."""
    ada = await scene.person("ada")
    room, other = await scene.room(ada), await scene.room(ada)
    for _ in range(5):
        await scene.post(ada, room)
    await scene.post(ada, other)
    assert await prune(scene, most=3) == 7
    assert await scene.opening(ada, room) == Opening(10, 8)
    assert await scene.opening(ada, other) == Opening(2, 1)


async def test_readers_lose_their_right(scene: Scene) -> None:
    """Removal, log-out and disabling are found for each open stream."""
    ada, bob, cy = [await scene.person(n) for n in ("ada", "bob", "cy")]
    room = await scene.room(ada, bob, cy)
    windows = sessions.Windows(600, 6_000, 5)
    ids: dict[UUID, UUID] = {}
    for number, user in enumerate((ada, bob, cy)):
        new = sessions.NewSession(scene.id(), user, bytes([number]) * 32, None, None)
        await sessions.start_session(scene.db, new, windows, scene.now)
        ids[user] = new.id
    readers = [Reader(session, user, room) for user, session in ids.items()]
    assert await feeds.check_readers(scene.db, readers, scene.now) == []
    assert await feeds.check_readers(scene.db, [], scene.now) == []
    await members.remove_participant(scene.db, ada, room, bob, scene.now)
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
    assert await feeds.open_feeds(scene.db, [(cy, room)]) == [{}]


async def test_read_behind(scene: Scene) -> None:
    """Several conversations in one statement, each from its own number on, each in order."""
    ada = await scene.person("ada")
    one, two, other = [await scene.room(ada) for _ in range(3)]
    written = {room: [await scene.post(ada, room) for _ in range(3)] for room in (one, two, other)}
    events = await feeds.read_behind(scene.db, {one: 4, two: 0, scene.id(): 0}, 3)

    expected = {
        one: written[one][2].events,
        two: [*written[two][0].events, *written[two][1].events],
    }
    assert [e for e in events if e.conversation_id == one] == expected[one]
    assert [e for e in events if e.conversation_id == two] == expected[two][:3]
    assert len(events) == 5


async def test_positions(scene: Scene) -> None:
    """How far the logs go; a conversation that is not there is left out."""
    ada = await scene.person("ada")
    one, two = await scene.room(ada), await scene.room(ada)
    await scene.post(ada, one)

    assert await feeds.list_positions(scene.db, [one, two, scene.id()]) == {one: 2, two: 0}
    assert await feeds.list_positions(scene.db, []) == {}


async def test_tell_processes(scene: Scene, owner: Any) -> None:
    """Whoever listens on the channel hears every packet, in order."""
    heard: list[str] = []
    await owner.add_listener("rustygpt_x", lambda *what: heard.append(what[3]))
    await feeds.tell_processes(scene.db, "rustygpt_x", ["one", "two"])
    await until(lambda: len(heard) == 2)

    assert heard == ["one", "two"]
