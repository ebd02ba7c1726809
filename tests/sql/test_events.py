"""The procedures in sql/procedures/events."""

from typing import Any
from uuid import UUID

from tests.support.database.database_builder import PASSWORD_HASH, DatabaseBuilder
from tests.support.wait import until

from rustygpt_server.db import accounts, participants, sessions
from rustygpt_server.db import events as db_events
from rustygpt_server.db.events import LogBounds, RevokedStream, StreamKey


async def prune(
    builder: DatabaseBuilder, *, hours: int = 48, most: int = 5_000, batch: int = 500
) -> int:
    """Prune once."""
    return await db_events.prune_events(
        builder.db, builder.now, retention_hours=hours, max_per_conversation=most, batch=batch
    )


async def test_log_bounds_of_all_conversations_of_a_user(builder: DatabaseBuilder) -> None:
    """Returns the last and the oldest event number, for conversations of the user only."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    quiet, busy = await builder.conversation(ada), await builder.conversation(ada)
    await builder.conversation(eve)
    builder.advance_time()
    await builder.post(ada, busy)

    found = await db_events.read_log_bounds(builder.db, [(eve, busy), (ada, None), (ada, quiet)])

    assert found == [{}, {busy: LogBounds(2, 1), quiet: LogBounds(0, 1)}, {quiet: LogBounds(0, 1)}]
    assert list(found[1]) == [busy, quiet]


async def test_disabled_and_removed_users_get_no_log_bounds(builder: DatabaseBuilder) -> None:
    """Neither do users of a conversation that does not exist."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    await participants.remove_participant(builder.db, ada, conversation_id, bob, builder.now)
    await accounts.update_user(
        *(builder.db, builder.admin, ada),
        disabled=True,
        roles=None,
        password_hash=None,
        now=builder.now,
    )
    wanted = [
        (ada, conversation_id),
        (ada, None),
        (bob, conversation_id),
        (builder.admin, builder.id()),
    ]

    assert await db_events.read_log_bounds(builder.db, wanted) == [{}, {}, {}, {}]


async def test_events_are_read_after_a_number(builder: DatabaseBuilder) -> None:
    """The bounds include all events; the events after a number are read in order."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    assert await builder.log_bounds(ada, conversation_id) == LogBounds(0, 1)
    written = await builder.post(ada, conversation_id)
    assert await builder.log_bounds(ada, conversation_id) == LogBounds(2, 1)
    assert await db_events.read_events(builder.db, conversation_id, 0, 10) == written.events
    assert await db_events.read_events(builder.db, conversation_id, 1, 10) == written.events[1:]
    assert await db_events.read_events(builder.db, conversation_id, 0, 1) == written.events[:1]


async def test_expired_events_are_pruned_oldest_first(builder: DatabaseBuilder) -> None:
    """Expired events are deleted in batches from the oldest on; the numbers continue."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    for _ in range(3):
        await builder.post(ada, conversation_id)
    builder.advance_time(48 * 3_600)
    assert await prune(builder) == 0
    builder.advance_time()
    await builder.post(ada, conversation_id)
    assert await prune(builder, batch=4) == 4
    assert await builder.log_bounds(ada, conversation_id) == LogBounds(8, 5)
    assert await prune(builder, batch=4) == 2
    assert await prune(builder) == 0
    builder.advance_time(49 * 3_600)
    assert await prune(builder) == 2
    assert await builder.log_bounds(ada, conversation_id) == LogBounds(8, 9)


async def test_pruning_leaves_no_gaps(builder: DatabaseBuilder) -> None:
    """An event with a later time than its successor is deleted with it."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    await builder.post(ada, conversation_id)
    builder.advance_time(-10)
    await builder.post(ada, conversation_id)
    builder.advance_time(48 * 3_600 + 5)
    assert await prune(builder) == 4


async def test_events_above_the_limit_are_pruned(builder: DatabaseBuilder) -> None:
    """A conversation keeps its newest events up to the limit; others are not affected."""
    ada = await builder.person("ada")
    conversation_id, other = await builder.conversation(ada), await builder.conversation(ada)
    for _ in range(5):
        await builder.post(ada, conversation_id)
    await builder.post(ada, other)
    assert await prune(builder, most=3) == 7
    assert await builder.log_bounds(ada, conversation_id) == LogBounds(10, 8)
    assert await builder.log_bounds(ada, other) == LogBounds(2, 1)


async def test_revoked_streams_are_found(builder: DatabaseBuilder) -> None:
    """Removal, password change, logout and disabling are found for each open stream."""
    ada, bob, cy = [await builder.person(n) for n in ("ada", "bob", "cy")]
    conversation_id = await builder.conversation(ada, bob, cy)
    windows = sessions.SessionLimits(600, 6_000, 5)
    ids: dict[UUID, UUID] = {}
    for number, user in enumerate((ada, bob, cy)):
        token_hash = bytes([number]) * 32
        new = sessions.NewSession(builder.id(), user, PASSWORD_HASH, token_hash, None, None)
        await sessions.start_session(builder.db, new, windows, builder.now)
        ids[user] = new.id
    readers = [StreamKey(session, user, conversation_id) for user, session in ids.items()]
    assert await db_events.find_revoked_streams(builder.db, readers, builder.now) == []
    assert await db_events.find_revoked_streams(builder.db, [], builder.now) == []
    await participants.remove_participant(builder.db, ada, conversation_id, bob, builder.now)
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
    change = sessions.PasswordChange(ada, ids[ada], PASSWORD_HASH, "new", bytes([9]) * 32)
    await sessions.change_password(builder.db, change, 600, builder.now)
    lost = await db_events.find_revoked_streams(builder.db, readers, builder.now)
    assert [found.reason for found in lost] == ["password_changed", "removed", "session_ended"]
    await sessions.end_session(builder.db, ada, ids[ada])
    lost = await db_events.find_revoked_streams(builder.db, readers, builder.now)
    assert [found.reason for found in lost] == ["session_ended", "removed", "session_ended"]
    assert await db_events.read_log_bounds(builder.db, [(cy, conversation_id)]) == [{}]


async def test_events_of_several_conversations_are_read_in_one_statement(
    builder: DatabaseBuilder,
) -> None:
    """Each conversation is read from its own number on, in order."""
    ada = await builder.person("ada")
    one, two, other = [await builder.conversation(ada) for _ in range(3)]
    written = {
        conversation_id: [await builder.post(ada, conversation_id) for _ in range(3)]
        for conversation_id in (one, two, other)
    }
    events = await db_events.read_events_batch(builder.db, {one: 4, two: 0, builder.id(): 0}, 3)

    expected = {
        one: written[one][2].events,
        two: [*written[two][0].events, *written[two][1].events],
    }
    assert [e for e in events if e.conversation_id == one] == expected[one]
    assert [e for e in events if e.conversation_id == two] == expected[two][:3]
    assert len(events) == 5


async def test_list_positions_omits_unknown_conversations(builder: DatabaseBuilder) -> None:
    """Returns the last event number of each existing conversation."""
    ada = await builder.person("ada")
    one, two = await builder.conversation(ada), await builder.conversation(ada)
    await builder.post(ada, one)

    assert await db_events.list_positions(builder.db, [one, two, builder.id()]) == {one: 2, two: 0}
    assert await db_events.list_positions(builder.db, []) == {}


async def test_notify_processes_delivers_packets_in_order(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """A listener on the channel receives every packet, in order."""
    received: list[str] = []
    await superuser.add_listener("rustygpt_x", lambda *what: received.append(what[3]))
    await db_events.notify_processes(builder.db, "rustygpt_x", ["one", "two"])
    await until(lambda: len(received) == 2)

    assert received == ["one", "two"]
