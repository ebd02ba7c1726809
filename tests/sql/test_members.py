"""Procedures about who is in a conversation."""

import asyncio
from uuid import UUID

import pytest
from tests.support.events import told
from tests.support.scene import Scene

from rustygpt_server.db import feeds, members, threads
from rustygpt_server.db.refusals import Conflict, Forbidden, NotFound
from rustygpt_server.db.rows import Logged
from rustygpt_shared import events


async def add(scene: Scene, actor: UUID, room: UUID, user: UUID, role: str) -> list[Logged]:
    """Add a person, or change the role."""
    return await members.add_participant(scene.db, actor, room, user, role, scene.now)


async def remove(scene: Scene, actor: UUID, room: UUID, user: UUID) -> list[Logged]:
    """Take a person out."""
    return await members.remove_participant(scene.db, actor, room, user, scene.now)


async def roles(scene: Scene, actor: UUID, room: UUID) -> dict[str, str]:
    """Who is what."""
    page = await members.list_participants(scene.db, actor, room)
    return {p.username: p.role for p in page.items}


async def test_add_change_remove_are_told(scene: Scene) -> None:
    """Coming, another role and going are each told once; the same role again is not."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada)
    logged = await add(scene, ada, room, bob, "member")
    assert await add(scene, ada, room, bob, "member") == []
    logged += await add(scene, ada, room, bob, "viewer")
    assert await roles(scene, bob, room) == {"ada": "owner", "bob": "viewer"}
    logged += await remove(scene, ada, room, bob)
    assert [e.number for e in logged] == [1, 2, 3]
    payloads = [e.payload for e in map(told, logged)]
    assert payloads == [
        events.Membership(room, bob, "added", "member"),
        events.Membership(room, bob, "role_updated", "viewer"),
        events.Membership(room, bob, "removed"),
    ]
    page = await members.list_participants(scene.db, ada, room)
    assert page.position == 3
    assert [p.user_id for p in page.items] == [ada]
    assert await feeds.open_feeds(scene.db, [(bob, room)]) == [{}]


async def test_nobody_grants_above_the_own_role(scene: Scene) -> None:
    """Administrators make no owners and change none; members invite nobody."""
    ada, bob, cy, dan = [await scene.person(n) for n in ("ada", "bob", "cy", "dan")]
    room = await scene.room(ada, bob, role="admin")
    await add(scene, bob, room, cy, "member")
    for actor, user, role in (
        (bob, cy, "owner"),
        (bob, ada, "member"),
        (cy, dan, "viewer"),
        (cy, cy, "admin"),
    ):
        with pytest.raises(Forbidden):
            await add(scene, actor, room, user, role)
    with pytest.raises(Forbidden):
        await remove(scene, bob, room, ada)
    with pytest.raises(Forbidden):
        await remove(scene, cy, room, bob)
    assert await roles(scene, ada, room) == {"ada": "owner", "bob": "admin", "cy": "member"}


async def test_last_owner_stays(scene: Scene) -> None:
    """The last owner neither goes nor becomes less; with a second owner either may."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada, bob)
    with pytest.raises(Conflict):
        await remove(scene, ada, room, ada)
    with pytest.raises(Conflict):
        await add(scene, ada, room, ada, "admin")
    await add(scene, ada, room, bob, "owner")
    await remove(scene, ada, room, ada)
    assert await roles(scene, bob, room) == {"bob": "owner"}


async def test_two_owners_cannot_leave_at_once(scene: Scene) -> None:
    """When both owners leave at the same moment, one of them stays."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada, bob, role="owner")
    left = await asyncio.gather(
        remove(scene, ada, room, ada), remove(scene, bob, room, bob), return_exceptions=True
    )
    assert sum(isinstance(x, Conflict) for x in left) == 1


async def test_strangers_and_the_disabled_cannot_be_added(scene: Scene) -> None:
    """Only a live account joins; a person outside neither adds, leaves nor removes."""
    ada, bob, eve = [await scene.person(n) for n in ("ada", "bob", "eve")]
    room = await scene.room(ada, bob)
    with pytest.raises(NotFound):
        await add(scene, ada, room, scene.id(), "member")
    for call in (
        add(scene, eve, room, eve, "member"),
        remove(scene, eve, room, eve),
        remove(scene, eve, room, bob),
        remove(scene, ada, room, eve),
    ):
        with pytest.raises(NotFound):
            await call


async def test_read_only_people_may_leave_but_not_manage(scene: Scene) -> None:
    """Leaving is no writing; adding others is."""
    ada, reader = await scene.person("ada"), await scene.person("reader", "read_only")
    room = await scene.room(ada, reader, role="admin")
    with pytest.raises(Forbidden):
        await remove(scene, reader, room, ada)
    await remove(scene, reader, room, reader)
    assert await roles(scene, ada, room) == {"ada": "owner"}


async def test_joining_sets_all_marks_to_now(scene: Scene) -> None:
    """What was written before joining is read, what comes after is not; rejoining is the same."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada)
    old = await scene.post(ada, room)
    for expected in (1, 1):
        await add(scene, ada, room, bob, "member")
        assert (await threads.list_unread(scene.db, bob, room)).items == []
        await scene.reply(ada, old.posted.message_id)
        (unread,) = (await threads.list_unread(scene.db, bob, room)).items
        assert unread.unread == expected
        await remove(scene, ada, room, bob)
        await scene.reply(ada, old.posted.message_id)
