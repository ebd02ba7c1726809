"""Procedures of the control log."""

import asyncio
from typing import Any
from uuid import UUID

from tests.support.scene import Scene

from rustygpt_server.db import accounts, controls, conversations, members, sessions
from rustygpt_server.db.controls import Control
from rustygpt_shared.requests import UpdateMe

WINDOWS = sessions.Windows(600, 6_000, max_sessions=2)


async def log_in(scene: Scene, user: UUID, number: int) -> UUID:
    """A new session with a token of this number."""
    scene.tick()
    new = sessions.NewSession(scene.id(), user, bytes([number]) * 32, None, None)
    await sessions.start_session(scene.db, new, WINDOWS, scene.now)
    return new.id


async def told(scene: Scene, after: int = 0) -> list[Control]:
    """The controls after a number, as many as there are."""
    return (await controls.read_controls(scene.db, after, 1_000)).controls


async def update(scene: Scene, user: UUID, **more: Any) -> None:
    """Change an account as an administrator."""
    changes = {"disabled": None, "roles": None, "password_hash": None, **more}
    await accounts.update_user(scene.db, scene.admin, user, **changes, now=scene.now)


async def test_nothing_was_told_yet(scene: Scene) -> None:
    """An empty log ends at zero; accounts that are made take no right from anybody."""
    await scene.person("ada")
    read = await controls.read_controls(scene.db, 0, 10)
    assert read == controls.Read(0, None, [])
    assert (read.end, read.follows(0), read.follows(1)) == (0, True, False)


async def test_the_end_of_a_session_is_told(scene: Scene) -> None:
    """By its owner, by a log-out, and by a log-in too many; one that was none is not."""
    ada = await scene.person("ada")
    first, second = await log_in(scene, ada, 1), await log_in(scene, ada, 2)
    assert await told(scene) == []
    third = await log_in(scene, ada, 3)
    await sessions.end_session(scene.db, ada, second)
    for _ in range(2):
        await sessions.end_session_by_token(scene.db, bytes([3]) * 32)
    assert await told(scene) == [
        Control("session_ended", ada, one) for one in (first, second, third)
    ]


async def test_a_rotation_is_told_once(scene: Scene) -> None:
    """Whoever comes second with the old token changes nothing."""
    ada = await scene.person("ada")
    session = await log_in(scene, ada, 1)
    windows = {"grace_seconds": 30, "idle_seconds": 600, "now": scene.now}
    for _ in range(2):
        await sessions.rotate_session(scene.db, bytes([1]) * 32, bytes([2]) * 32, **windows)
    assert await told(scene) == [Control("session_rotated", ada, session)]


async def test_changes_of_an_account_are_told(scene: Scene) -> None:
    """Profile, password and roles; of a disabled account also each session that it had."""
    ada = await scene.person("ada")
    changed = Control("account_changed", ada)
    one, two = await log_in(scene, ada, 1), await log_in(scene, ada, 2)
    await accounts.update_me(scene.db, ada, UpdateMe(display_name="Ada"))
    await accounts.change_password(scene.db, ada, "hash", one, scene.now)
    await update(scene, ada, roles=["admin"])
    assert await told(scene) == [changed, Control("session_ended", ada, two), changed, changed]
    await update(scene, ada, password_hash="other")
    three = await log_in(scene, ada, 3)
    await update(scene, ada, disabled=True)
    await update(scene, ada, disabled=False)
    assert await told(scene, 4) == [
        Control("session_ended", ada, one),
        changed,
        Control("disabled", ada, three),
        changed,
        changed,
    ]


async def test_memberships_are_told_with_their_events(scene: Scene) -> None:
    """Coming, another role and going; who makes a conversation comes into it without an event."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada)
    for role in ("member", "member", "viewer"):
        await members.add_participant(scene.db, ada, room, bob, role, scene.now)
    await members.remove_participant(scene.db, bob, room, bob, scene.now)
    assert await told(scene) == [
        Control("added", ada, None, room, 0),
        Control("added", bob, None, room, 1),
        Control("role_updated", bob, None, room, 2),
        Control("removed", bob, None, room, 3),
    ]


async def test_a_repeated_request_tells_nothing(scene: Scene) -> None:
    """A conversation that was made before by the same key is not made again."""
    ada = await scene.person("ada")
    once = conversations.Once("key", b"x" * 32)
    wanted = conversations.CreateConversation("Room", is_group=True, assistant_mode="off")
    for _ in range(2):
        await conversations.create_conversation(scene.db, ada, scene.id(), wanted, once, scene.now)
    assert len(await told(scene)) == 1


async def test_what_is_undone_was_not_told(scene: Scene, owner: Any) -> None:
    """A transaction that fails leaves no hole: the number goes to the next one."""
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


async def test_whoever_reads_on_misses_nothing(scene: Scene) -> None:
    """Many write at once, and every number comes after those that were read before."""
    people = [await scene.person(f"p{n}") for n in range(4)]
    rooms = [await scene.room(person) for person in people]
    start = (await controls.read_controls(scene.db, 0, 0)).last

    async def come_and_go(owner: UUID, room: UUID, other: UUID) -> None:
        for _ in range(10):
            await members.add_participant(scene.db, owner, room, other, "member", scene.now)
            await members.remove_participant(scene.db, owner, room, other, scene.now)

    async def follow() -> list[Control]:
        at, heard = start, []
        while len(heard) < 80:
            read = await controls.read_controls(scene.db, at, 7)
            assert read.follows(at) or (not read.controls and read.last == at)
            at = read.end
            heard += read.controls
        return heard

    others = people[1:] + people[:1]
    work = [come_and_go(*three) for three in zip(people, rooms, others, strict=True)]
    heard, *_ = await asyncio.gather(follow(), *work)
    for room in rooms:
        assert [c.event for c in heard if c.conversation_id == room] == list(range(1, 21))


async def test_pruning_keeps_the_latest(scene: Scene) -> None:
    """Who lacks what was pruned can see it."""
    ada = await scene.person("ada")
    for _ in range(5):
        await scene.room(ada)
    assert await controls.prune_controls(scene.db, 2) == 3
    assert await controls.prune_controls(scene.db, 2) == 0
    read = await controls.read_controls(scene.db, 1, 10)
    assert (read.first, read.last, read.follows(1), read.follows(3)) == (4, 5, False, True)
    assert await controls.prune_controls(scene.db, 0) == 2
    assert not (await controls.read_controls(scene.db, 4, 10)).follows(4)
