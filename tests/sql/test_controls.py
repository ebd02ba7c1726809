"""The procedures in sql/procedures/access_changes."""

import asyncio
from typing import Any
from uuid import UUID

from tests.support.scene import Scene

from rustygpt_server.db import accounts, controls, conversations, members, sessions
from rustygpt_server.db.controls import Control
from rustygpt_shared.requests import UpdateMe

WINDOWS = sessions.Windows(600, 6_000, max_sessions=2)


async def log_in(scene: Scene, user: UUID, number: int) -> UUID:
    """Start a session whose token consists of this byte."""
    scene.tick()
    new = sessions.NewSession(scene.id(), user, bytes([number]) * 32, None, None)
    await sessions.start_session(scene.db, new, WINDOWS, scene.now)
    return new.id


async def logged_changes(scene: Scene, after: int = 0) -> list[Control]:
    """All access changes after a number."""
    return (await controls.read_controls(scene.db, after, 1_000)).controls


async def update(scene: Scene, user: UUID, **more: Any) -> None:
    """Change an account as an administrator."""
    changes = {"disabled": None, "roles": None, "password_hash": None, **more}
    await accounts.update_user(scene.db, scene.admin, user, **changes, now=scene.now)


async def test_an_empty_log_ends_at_zero(scene: Scene) -> None:
    """An empty log ends at 0; the creation of an account is not an access change."""
    await scene.person("ada")
    read = await controls.read_controls(scene.db, 0, 10)
    assert read == controls.Read(0, None, [])
    assert (read.end, read.follows(0), read.follows(1)) == (0, True, False)


async def test_an_ended_session_is_logged(scene: Scene) -> None:
    """Ended by its user, a logout, or a login above the limit; a second logout logs nothing."""
    ada = await scene.person("ada")
    first, second = await log_in(scene, ada, 1), await log_in(scene, ada, 2)
    assert await logged_changes(scene) == []
    third = await log_in(scene, ada, 3)
    await sessions.end_session(scene.db, ada, second)
    for _ in range(2):
        await sessions.end_session_by_token(scene.db, bytes([3]) * 32)
    assert await logged_changes(scene) == [
        Control("session_ended", ada, one) for one in (first, second, third)
    ]


async def test_a_rotation_is_logged_once(scene: Scene) -> None:
    """A second rotation of the same old token logs nothing."""
    ada = await scene.person("ada")
    session = await log_in(scene, ada, 1)
    windows = {"grace_seconds": 30, "idle_seconds": 600, "now": scene.now}
    for _ in range(2):
        await sessions.rotate_session(scene.db, bytes([1]) * 32, bytes([2]) * 32, **windows)
    assert await logged_changes(scene) == [Control("session_rotated", ada, session)]


async def test_changes_of_an_account_are_logged(scene: Scene) -> None:
    """Profile, password and roles; disabling also logs each session of the account."""
    ada = await scene.person("ada")
    changed = Control("account_changed", ada)
    one, two = await log_in(scene, ada, 1), await log_in(scene, ada, 2)
    await accounts.update_me(scene.db, ada, UpdateMe(display_name="Ada"))
    await accounts.change_password(scene.db, ada, "hash", one, scene.now)
    await update(scene, ada, roles=["admin"])
    assert await logged_changes(scene) == [
        changed,
        Control("session_ended", ada, two),
        changed,
        changed,
    ]
    await update(scene, ada, password_hash="other")
    three = await log_in(scene, ada, 3)
    await update(scene, ada, disabled=True)
    await update(scene, ada, disabled=False)
    assert await logged_changes(scene, 4) == [
        Control("session_ended", ada, one),
        changed,
        Control("disabled", ada, three),
        changed,
        changed,
    ]


async def test_changes_of_membership_are_logged_with_event_numbers(scene: Scene) -> None:
    """Joining, a new role and leaving; the creator joins a conversation without an event."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    conversation_id = await scene.room(ada)
    for role in ("member", "member", "viewer"):
        await members.add_participant(scene.db, ada, conversation_id, bob, role, scene.now)
    await members.remove_participant(scene.db, bob, conversation_id, bob, scene.now)
    assert await logged_changes(scene) == [
        Control("added", ada, None, conversation_id, 0),
        Control("added", bob, None, conversation_id, 1),
        Control("role_updated", bob, None, conversation_id, 2),
        Control("removed", bob, None, conversation_id, 3),
    ]


async def test_a_repeated_idempotency_key_logs_nothing(scene: Scene) -> None:
    """The second request with the key does not create a conversation again."""
    ada = await scene.person("ada")
    once = conversations.Once("key", b"x" * 32)
    wanted = conversations.CreateConversation("Room", is_group=True, assistant_mode="off")
    for _ in range(2):
        await conversations.create_conversation(scene.db, ada, scene.id(), wanted, once, scene.now)
    assert len(await logged_changes(scene)) == 1


async def test_a_rollback_leaves_no_gap_in_the_numbers(scene: Scene, owner: Any) -> None:
    """The next committed change gets the number of the one that was rolled back."""
    ada = await scene.person("ada")
    first, second = await log_in(scene, ada, 1), await log_in(scene, ada, 2)
    undone = owner.transaction()
    await undone.start()
    await owner.execute("SELECT rustygpt.end_session($1, $2)", ada, first)
    await undone.rollback()
    await sessions.end_session(scene.db, ada, second)
    read = await controls.read_controls(scene.db, 0, 10)
    assert (read.last, read.first) == (1, 1)
    assert read.controls == [Control("session_ended", ada, second)]


async def test_a_follower_misses_no_change_under_concurrent_writers(scene: Scene) -> None:
    """With concurrent writers, every change has a number above those that were read before."""
    people = [await scene.person(f"p{n}") for n in range(4)]
    conversation_ids = [await scene.room(person) for person in people]
    start = (await controls.read_controls(scene.db, 0, 0)).last

    async def come_and_go(owner: UUID, conversation_id: UUID, other: UUID) -> None:
        for _ in range(10):
            await members.add_participant(
                scene.db, owner, conversation_id, other, "member", scene.now
            )
            await members.remove_participant(scene.db, owner, conversation_id, other, scene.now)

    async def follow() -> list[Control]:
        number, received = start, []
        while len(received) < 80:
            read = await controls.read_controls(scene.db, number, 7)
            assert read.follows(number) or (not read.controls and read.last == number)
            number = read.end
            received += read.controls
        return received

    others = people[1:] + people[:1]
    work = [come_and_go(*three) for three in zip(people, conversation_ids, others, strict=True)]
    received, *_ = await asyncio.gather(follow(), *work)
    for conversation_id in conversation_ids:
        assert [c.event for c in received if c.conversation_id == conversation_id] == list(
            range(1, 21)
        )


async def test_pruning_keeps_the_latest_changes(scene: Scene) -> None:
    """A process that has not read the pruned changes detects it by the numbers."""
    ada = await scene.person("ada")
    for _ in range(5):
        await scene.room(ada)
    assert await controls.prune_controls(scene.db, 2) == 3
    assert await controls.prune_controls(scene.db, 2) == 0
    read = await controls.read_controls(scene.db, 1, 10)
    assert (read.first, read.last, read.follows(1), read.follows(3)) == (4, 5, False, True)
    assert await controls.prune_controls(scene.db, 0) == 2
    assert not (await controls.read_controls(scene.db, 4, 10)).follows(4)
