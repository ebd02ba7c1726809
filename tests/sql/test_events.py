"""Procedures of the log that streams resume from."""

from typing import Any
from uuid import UUID

from tests.support.database.database_builder import DatabaseBuilder
from tests.support.wait import until

from rustygpt_server.db import accounts, participants, sessions
from rustygpt_server.db import events as db_events
from rustygpt_server.db.events import LogBounds, RevokedStream, StreamKey


async def prune(
    scene: DatabaseBuilder, *, hours: int = 48, most: int = 5_000, batch: int = 500
) -> int:
    """Prune once."""
    return await db_events.prune_events(
        scene.db, scene.now, retention_hours=hours, max_per_conversation=most, batch=batch
    )


async def test_where_all_of_ones_conversations_stand(builder: DatabaseBuilder) -> None:
    """Those one is in, with the oldest event that is still there; nobody else's."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    quiet, busy = await builder.conversation(ada), await builder.conversation(ada)
    await builder.conversation(eve)
    builder.advance_time()
    await builder.post(ada, busy)

    found = await db_events.read_log_bounds(builder.db, [(eve, busy), (ada, None), (ada, quiet)])

    assert found == [{}, {busy: LogBounds(2, 1), quiet: LogBounds(0, 1)}, {quiet: LogBounds(0, 1)}]
    assert list(found[1]) == [busy, quiet]


async def test_a_disabled_person_opens_nothing(builder: DatabaseBuilder) -> None:
    """Nor does somebody who was removed, or a conversation that is not there."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada, bob)
    await participants.remove_participant(builder.db, ada, room, bob, builder.now)
    await accounts.update_user(
        *(builder.db, builder.admin, ada),
        disabled=True,
        roles=None,
        password_hash=None,
        now=builder.now,
    )
    wanted = [(ada, room), (ada, None), (bob, room), (builder.admin, builder.id())]

    assert await db_events.read_log_bounds(builder.db, wanted) == [{}, {}, {}, {}]


async def test_open_and_read(builder: DatabaseBuilder) -> None:
    """A stream opens at the last number; what comes after a number is read in order."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada)
    assert await builder.log_bounds(ada, room) == LogBounds(0, 1)
    written = await builder.post(ada, room)
    assert await builder.log_bounds(ada, room) == LogBounds(2, 1)
    assert await db_events.read_events(builder.db, room, 0, 10) == written.events
    assert await db_events.read_events(builder.db, room, 1, 10) == written.events[1:]
    assert await db_events.read_events(builder.db, room, 0, 1) == written.events[:1]


async def test_old_events_go_oldest_first(builder: DatabaseBuilder) -> None:
    """Events past the retention go in batches from the oldest on; the numbers go on."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada)
    for _ in range(3):
        await builder.post(ada, room)
    builder.advance_time(48 * 3_600)
    assert await prune(builder) == 0
    builder.advance_time()
    await builder.post(ada, room)
    assert await prune(builder, batch=4) == 4
    assert await builder.log_bounds(ada, room) == LogBounds(8, 5)
    assert await prune(builder, batch=4) == 2
    assert await prune(builder) == 0
    builder.advance_time(49 * 3_600)
    assert await prune(builder) == 2
    assert await builder.log_bounds(ada, room) == LogBounds(8, 9)


async def test_pruning_leaves_no_holes(builder: DatabaseBuilder) -> None:
    """An event that looks younger than its follower goes with it."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada)
    await builder.post(ada, room)
    builder.advance_time(-10)
    await builder.post(ada, room)
    builder.advance_time(48 * 3_600 + 5)
    assert await prune(builder) == 4


async def test_too_many_events_go(builder: DatabaseBuilder) -> None:
    """A conversation keeps its newest events up to the limit; others are not touched."""
    ada = await builder.person("ada")
    room, other = await builder.conversation(ada), await builder.conversation(ada)
    for _ in range(5):
        await builder.post(ada, room)
    await builder.post(ada, other)
    assert await prune(builder, most=3) == 7
    assert await builder.log_bounds(ada, room) == LogBounds(10, 8)
    assert await builder.log_bounds(ada, other) == LogBounds(2, 1)


async def test_readers_lose_their_right(builder: DatabaseBuilder) -> None:
    """Removal, log-out and disabling are found for each open stream."""
    ada, bob, cy = [await builder.person(n) for n in ("ada", "bob", "cy")]
    room = await builder.conversation(ada, bob, cy)
    windows = sessions.SessionLimits(600, 6_000, 5)
    ids: dict[UUID, UUID] = {}
    for number, user in enumerate((ada, bob, cy)):
        new = sessions.NewSession(builder.id(), user, bytes([number]) * 32, None, None)
        await sessions.start_session(builder.db, new, windows, builder.now)
        ids[user] = new.id
    readers = [StreamKey(session, user, room) for user, session in ids.items()]
    assert await db_events.find_revoked_streams(builder.db, readers, builder.now) == []
    assert await db_events.find_revoked_streams(builder.db, [], builder.now) == []
    await participants.remove_participant(builder.db, ada, room, bob, builder.now)
    assert await db_events.find_revoked_streams(builder.db, readers, builder.now) == [
        RevokedStream(readers[1], "removed")
    ]
    await accounts.update_user(
        builder.db,
        builder.admin,
        cy,
        disabled=True,
        roles=None,
        password_hash=None,
        now=builder.now,
    )
    await sessions.end_session(builder.db, ada, ids[ada])
    lost = await db_events.find_revoked_streams(builder.db, readers, builder.now)
    assert [found.reason for found in lost] == ["session_ended", "removed", "session_ended"]
    assert not await participants.is_member(builder.db, room, cy)


async def test_read_behind(builder: DatabaseBuilder) -> None:
    """Several conversations in one statement, each from its own number on, each in order."""
    ada = await builder.person("ada")
    one, two, other = [await builder.conversation(ada) for _ in range(3)]
    written = {
        room: [await builder.post(ada, room) for _ in range(3)] for room in (one, two, other)
    }
    events = await db_events.read_events_batch(builder.db, {one: 4, two: 0, builder.id(): 0}, 3)

    expected = {
        one: written[one][2].events,
        two: [*written[two][0].events, *written[two][1].events],
    }
    assert [e for e in events if e.conversation_id == one] == expected[one]
    assert [e for e in events if e.conversation_id == two] == expected[two][:3]
    assert len(events) == 5


async def test_positions(builder: DatabaseBuilder) -> None:
    """How far the logs go; a conversation that is not there is left out."""
    ada = await builder.person("ada")
    one, two = await builder.conversation(ada), await builder.conversation(ada)
    await builder.post(ada, one)

    assert await db_events.list_positions(builder.db, [one, two, builder.id()]) == {one: 2, two: 0}
    assert await db_events.list_positions(builder.db, []) == {}


async def test_tell_processes(builder: DatabaseBuilder, superuser: Any) -> None:
    """Whoever listens on the channel hears every packet, in order."""
    heard: list[str] = []
    await superuser.add_listener("rustygpt_x", lambda *what: heard.append(what[3]))
    await db_events.notify_processes(builder.db, "rustygpt_x", ["one", "two"])
    await until(lambda: len(heard) == 2)

    assert heard == ["one", "two"]
