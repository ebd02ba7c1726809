"""Procedures of the control log."""

import asyncio
from typing import Any
from uuid import UUID

from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import access_changes, accounts, conversations, participants, sessions
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_shared.requests import UpdateMe

WINDOWS = sessions.SessionLimits(600, 6_000, max_sessions=2)


async def log_in(scene: DatabaseBuilder, user: UUID, number: int) -> UUID:
    """A new session with a token of this number."""
    scene.advance_time()
    new = sessions.NewSession(scene.id(), user, bytes([number]) * 32, None, None)
    await sessions.start_session(scene.db, new, WINDOWS, scene.now)
    return new.id


async def told(scene: DatabaseBuilder, after: int = 0) -> list[AccessChange]:
    """The controls after a number, as many as there are."""
    return (await access_changes.read_access_changes(scene.db, after, 1_000)).changes


async def update(scene: DatabaseBuilder, user: UUID, **more: Any) -> None:
    """Change an account as an administrator."""
    changes = {"disabled": None, "roles": None, "password_hash": None, **more}
    await accounts.update_user(scene.db, scene.admin, user, **changes, now=scene.now)


async def test_nothing_was_told_yet(builder: DatabaseBuilder) -> None:
    """An empty log ends at zero; accounts that are made take no right from anybody."""
    await builder.person("ada")
    read = await access_changes.read_access_changes(builder.db, 0, 10)
    assert read == access_changes.ChangePage(0, None, [])
    assert (read.end, read.continues_from(0), read.continues_from(1)) == (0, True, False)


async def test_the_end_of_a_session_is_told(builder: DatabaseBuilder) -> None:
    """By its owner, by a log-out, and by a log-in too many; one that was none is not."""
    ada = await builder.person("ada")
    first, second = await log_in(builder, ada, 1), await log_in(builder, ada, 2)
    assert await told(builder) == []
    third = await log_in(builder, ada, 3)
    await sessions.end_session(builder.db, ada, second)
    for _ in range(2):
        await sessions.end_session_by_token(builder.db, bytes([3]) * 32)
    assert await told(builder) == [
        AccessChange("session_ended", ada, one) for one in (first, second, third)
    ]


async def test_a_rotation_is_told_once(builder: DatabaseBuilder) -> None:
    """Whoever comes second with the old token changes nothing."""
    ada = await builder.person("ada")
    session = await log_in(builder, ada, 1)
    windows = {"grace_seconds": 30, "idle_seconds": 600, "now": builder.now}
    for _ in range(2):
        await sessions.rotate_session(builder.db, bytes([1]) * 32, bytes([2]) * 32, **windows)
    assert await told(builder) == [AccessChange("session_rotated", ada, session)]


async def test_changes_of_an_account_are_told(builder: DatabaseBuilder) -> None:
    """Profile, password and roles; of a disabled account also each session that it had."""
    ada = await builder.person("ada")
    changed = AccessChange("account_changed", ada)
    one, two = await log_in(builder, ada, 1), await log_in(builder, ada, 2)
    await accounts.update_me(builder.db, ada, UpdateMe(display_name="Ada"))
    await accounts.change_password(builder.db, ada, "hash", one, builder.now)
    await update(builder, ada, roles=["admin"])
    assert await told(builder) == [
        changed,
        AccessChange("session_ended", ada, two),
        changed,
        changed,
    ]
    await update(builder, ada, password_hash="other")
    three = await log_in(builder, ada, 3)
    await update(builder, ada, disabled=True)
    await update(builder, ada, disabled=False)
    assert await told(builder, 4) == [
        AccessChange("session_ended", ada, one),
        changed,
        AccessChange("disabled", ada, three),
        changed,
        changed,
    ]


async def test_memberships_are_told_with_their_events(builder: DatabaseBuilder) -> None:
    """Coming, another role and going; who makes a conversation comes into it without an event."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada)
    for role in ("member", "member", "viewer"):
        await participants.add_participant(builder.db, ada, room, bob, role, builder.now)
    await participants.remove_participant(builder.db, bob, room, bob, builder.now)
    assert await told(builder) == [
        AccessChange("added", ada, None, room, 0),
        AccessChange("added", bob, None, room, 1),
        AccessChange("role_updated", bob, None, room, 2),
        AccessChange("removed", bob, None, room, 3),
    ]


async def test_a_repeated_request_tells_nothing(builder: DatabaseBuilder) -> None:
    """A conversation that was made before by the same key is not made again."""
    ada = await builder.person("ada")
    once = conversations.IdempotencyKey("key", b"x" * 32)
    wanted = conversations.CreateConversation("Room", is_group=True, assistant_mode="off")
    for _ in range(2):
        await conversations.create_conversation(
            builder.db, ada, builder.id(), wanted, once, builder.now
        )
    assert len(await told(builder)) == 1


async def test_what_is_undone_was_not_told(builder: DatabaseBuilder, superuser: Any) -> None:
    """A transaction that fails leaves no hole: the number goes to the next one."""
    ada = await builder.person("ada")
    first, second = await log_in(builder, ada, 1), await log_in(builder, ada, 2)
    undone = superuser.transaction()
    await undone.start()
    await superuser.execute("SELECT rustygpt.end_session($1, $2)", ada, first)
    await undone.rollback()
    await sessions.end_session(builder.db, ada, second)
    read = await access_changes.read_access_changes(builder.db, 0, 10)
    assert (read.last_number, read.first_number) == (1, 1)
    assert read.changes == [AccessChange("session_ended", ada, second)]


async def test_whoever_reads_on_misses_nothing(builder: DatabaseBuilder) -> None:
    """Many write at once, and every number comes after those that were read before."""
    people = [await builder.person(f"p{n}") for n in range(4)]
    rooms = [await builder.conversation(person) for person in people]
    start = (await access_changes.read_access_changes(builder.db, 0, 0)).last_number

    async def come_and_go(owner: UUID, room: UUID, other: UUID) -> None:
        for _ in range(10):
            await participants.add_participant(
                builder.db, owner, room, other, "member", builder.now
            )
            await participants.remove_participant(builder.db, owner, room, other, builder.now)

    async def follow() -> list[AccessChange]:
        at, heard = start, []
        while len(heard) < 80:
            read = await access_changes.read_access_changes(builder.db, at, 7)
            assert read.continues_from(at) or (not read.changes and read.last_number == at)
            at = read.end
            heard += read.changes
        return heard

    others = people[1:] + people[:1]
    work = [come_and_go(*three) for three in zip(people, rooms, others, strict=True)]
    heard, *_ = await asyncio.gather(follow(), *work)
    for room in rooms:
        assert [c.event_number for c in heard if c.conversation_id == room] == list(range(1, 21))


async def test_pruning_keeps_the_latest(builder: DatabaseBuilder) -> None:
    """Who lacks what was pruned can see it."""
    ada = await builder.person("ada")
    for _ in range(5):
        await builder.conversation(ada)
    assert await access_changes.prune_access_changes(builder.db, 2) == 3
    assert await access_changes.prune_access_changes(builder.db, 2) == 0
    read = await access_changes.read_access_changes(builder.db, 1, 10)
    assert (
        read.first_number,
        read.last_number,
        read.continues_from(1),
        read.continues_from(3),
    ) == (4, 5, False, True)
    assert await access_changes.prune_access_changes(builder.db, 0) == 2
    assert not (await access_changes.read_access_changes(builder.db, 4, 10)).continues_from(4)
