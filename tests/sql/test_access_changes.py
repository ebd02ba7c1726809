"""The procedures in sql/procedures/access_changes."""

import asyncio
from typing import Any
from uuid import UUID

from tests.support.database.database_builder import PASSWORD_HASH, DatabaseBuilder

from rustygpt_server.db import access_changes, accounts, conversations, participants, sessions
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_shared.requests import UpdateMe

WINDOWS = sessions.SessionLimits(600, 6_000, max_sessions=2)


async def log_in(
    builder: DatabaseBuilder, user: UUID, number: int, checked_hash: str = PASSWORD_HASH
) -> UUID:
    """Start a session whose token consists of this byte."""
    builder.advance_time()
    new = sessions.NewSession(builder.id(), user, checked_hash, bytes([number]) * 32, None, None)
    await sessions.start_session(builder.db, new, WINDOWS, builder.now)
    return new.id


async def logged_changes(builder: DatabaseBuilder, after: int = 0) -> list[AccessChange]:
    """All access changes after a number."""
    return (await access_changes.read_access_changes(builder.db, after, 1_000)).changes


async def update(builder: DatabaseBuilder, user: UUID, **more: Any) -> None:
    """Change an account as an administrator."""
    changes = {"disabled": None, "roles": None, "password_hash": None, **more}
    await accounts.update_user(builder.db, builder.admin, user, **changes, now=builder.now)


async def test_an_empty_log_ends_at_zero(builder: DatabaseBuilder) -> None:
    """An empty log ends at 0; the creation of an account is not an access change."""
    await builder.person("ada")
    read = await access_changes.read_access_changes(builder.db, 0, 10)
    assert read == access_changes.ChangePage(0, None, [])
    assert (read.end, read.continues_from(0), read.continues_from(1)) == (0, True, False)


async def test_an_ended_session_is_logged(builder: DatabaseBuilder) -> None:
    """Ended by its user, a logout, or a login above the limit; a second logout logs nothing."""
    ada = await builder.person("ada")
    first, second = await log_in(builder, ada, 1), await log_in(builder, ada, 2)
    assert await logged_changes(builder) == []
    third = await log_in(builder, ada, 3)
    await sessions.end_session(builder.db, ada, second)
    for _ in range(2):
        await sessions.end_session_by_token(builder.db, bytes([3]) * 32)
    assert await logged_changes(builder) == [
        AccessChange("session_ended", ada, one) for one in (first, second, third)
    ]


async def test_a_rotation_is_logged_once(builder: DatabaseBuilder) -> None:
    """A second rotation of the same old token logs nothing."""
    ada = await builder.person("ada")
    session = await log_in(builder, ada, 1)
    windows = {"grace_seconds": 30, "idle_seconds": 600, "now": builder.now}
    for _ in range(2):
        await sessions.rotate_session(builder.db, bytes([1]) * 32, bytes([2]) * 32, **windows)
    assert await logged_changes(builder) == [AccessChange("session_rotated", ada, session)]


async def test_changes_of_an_account_are_logged(builder: DatabaseBuilder) -> None:
    """Profile, password and roles; disabling also logs each session of the account."""
    ada = await builder.person("ada")
    changed = AccessChange("account_changed", ada)
    one, two = await log_in(builder, ada, 1), await log_in(builder, ada, 2)
    await accounts.update_me(builder.db, ada, UpdateMe(display_name="Ada"))
    change = sessions.PasswordChange(ada, one, PASSWORD_HASH, "new", bytes([9]) * 32)
    await sessions.change_password(builder.db, change, 600, builder.now)
    await update(builder, ada, roles=["admin"])
    assert await logged_changes(builder) == [
        changed,
        AccessChange("session_ended", ada, two),
        AccessChange("password_changed", ada, one, event_number=1),
        changed,
    ]
    await update(builder, ada, password_hash="other")
    three = await log_in(builder, ada, 3, "other")
    await update(builder, ada, disabled=True)
    await update(builder, ada, disabled=False)
    assert await logged_changes(builder, 4) == [
        AccessChange("session_ended", ada, one),
        changed,
        AccessChange("disabled", ada, three),
        changed,
        changed,
    ]


async def test_changes_of_membership_are_logged_with_event_numbers(
    builder: DatabaseBuilder,
) -> None:
    """Joining, a new role and leaving; the creator joins a conversation without an event."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada)
    for role in ("member", "member", "viewer"):
        await participants.add_participant(builder.db, ada, conversation_id, bob, role, builder.now)
    await participants.remove_participant(builder.db, bob, conversation_id, bob, builder.now)
    assert await logged_changes(builder) == [
        AccessChange("added", ada, None, conversation_id, 0),
        AccessChange("added", bob, None, conversation_id, 1),
        AccessChange("role_updated", bob, None, conversation_id, 2),
        AccessChange("removed", bob, None, conversation_id, 3),
    ]


async def test_a_repeated_idempotency_key_logs_nothing(builder: DatabaseBuilder) -> None:
    """The second request with the key does not create a conversation again."""
    ada = await builder.person("ada")
    once = conversations.IdempotencyKey("key", b"x" * 32)
    wanted = conversations.CreateConversation("Room", is_group=True, assistant_mode="off")
    for _ in range(2):
        await conversations.create_conversation(
            builder.db, ada, builder.id(), wanted, once, builder.now
        )
    assert len(await logged_changes(builder)) == 1


async def test_a_rollback_leaves_no_gap_in_the_numbers(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """The next committed change gets the number of the one that was rolled back."""
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


async def test_a_follower_misses_no_change_under_concurrent_writers(
    builder: DatabaseBuilder,
) -> None:
    """With concurrent writers, every change has a number above those that were read before."""
    people = [await builder.person(f"p{n}") for n in range(4)]
    conversation_ids = [await builder.conversation(person) for person in people]
    start = (await access_changes.read_access_changes(builder.db, 0, 0)).last_number

    async def come_and_go(owner: UUID, conversation_id: UUID, other: UUID) -> None:
        for _ in range(10):
            await participants.add_participant(
                builder.db, owner, conversation_id, other, "member", builder.now
            )
            await participants.remove_participant(
                builder.db, owner, conversation_id, other, builder.now
            )

    async def follow() -> list[AccessChange]:
        number, received = start, []
        while len(received) < 80:
            read = await access_changes.read_access_changes(builder.db, number, 7)
            assert read.continues_from(number) or (not read.changes and read.last_number == number)
            number = read.end
            received += read.changes
        return received

    others = people[1:] + people[:1]
    work = [come_and_go(*three) for three in zip(people, conversation_ids, others, strict=True)]
    received, *_ = await asyncio.gather(follow(), *work)
    for conversation_id in conversation_ids:
        assert [c.event_number for c in received if c.conversation_id == conversation_id] == list(
            range(1, 21)
        )


async def test_pruning_keeps_the_latest_changes(builder: DatabaseBuilder) -> None:
    """A process that has not read the pruned changes detects it by the numbers."""
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
