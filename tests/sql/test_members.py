"""The procedures in sql/procedures/participants."""

import asyncio
from uuid import UUID

import pytest
from tests.support.events import told
from tests.support.scene import Scene

from rustygpt_server.db import feeds, members, threads
from rustygpt_server.db.refusals import Conflict, Forbidden, NotFound
from rustygpt_server.db.rows import Logged
from rustygpt_shared import events


async def add(
    scene: Scene, actor: UUID, conversation_id: UUID, user: UUID, role: str
) -> list[Logged]:
    """Add a participant, or change the role of one."""
    return await members.add_participant(scene.db, actor, conversation_id, user, role, scene.now)


async def remove(scene: Scene, actor: UUID, conversation_id: UUID, user: UUID) -> list[Logged]:
    """Remove a participant."""
    return await members.remove_participant(scene.db, actor, conversation_id, user, scene.now)


async def roles(scene: Scene, actor: UUID, conversation_id: UUID) -> dict[str, str]:
    """The role of each participant by user name."""
    page = await members.list_participants(scene.db, actor, conversation_id)
    return {p.username: p.role for p in page.items}


async def test_changes_of_membership_log_one_event_each(scene: Scene) -> None:
    """Joining, a new role and leaving log an event; the same role again logs none."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    conversation_id = await scene.room(ada)
    logged = await add(scene, ada, conversation_id, bob, "member")
    assert await add(scene, ada, conversation_id, bob, "member") == []
    logged += await add(scene, ada, conversation_id, bob, "viewer")
    assert await roles(scene, bob, conversation_id) == {"ada": "owner", "bob": "viewer"}
    logged += await remove(scene, ada, conversation_id, bob)
    assert [e.number for e in logged] == [1, 2, 3]
    payloads = [e.payload for e in map(told, logged)]
    assert payloads == [
        events.Membership(conversation_id, bob, "added", "member"),
        events.Membership(conversation_id, bob, "role_updated", "viewer"),
        events.Membership(conversation_id, bob, "removed"),
    ]
    page = await members.list_participants(scene.db, ada, conversation_id)
    assert page.position == 3
    assert [p.user_id for p in page.items] == [ada]
    assert await feeds.open_feeds(scene.db, [(bob, conversation_id)]) == [{}]


async def test_nobody_can_grant_a_role_above_their_own(scene: Scene) -> None:
    """Administrators cannot make or change owners; members cannot add anybody."""
    ada, bob, cy, dan = [await scene.person(n) for n in ("ada", "bob", "cy", "dan")]
    conversation_id = await scene.room(ada, bob, role="admin")
    await add(scene, bob, conversation_id, cy, "member")
    for actor, user, role in (
        (bob, cy, "owner"),
        (bob, ada, "member"),
        (cy, dan, "viewer"),
        (cy, cy, "admin"),
    ):
        with pytest.raises(Forbidden):
            await add(scene, actor, conversation_id, user, role)
    with pytest.raises(Forbidden):
        await remove(scene, bob, conversation_id, ada)
    with pytest.raises(Forbidden):
        await remove(scene, cy, conversation_id, bob)
    assert await roles(scene, ada, conversation_id) == {
        "ada": "owner",
        "bob": "admin",
        "cy": "member",
    }


async def test_the_last_owner_cannot_leave(scene: Scene) -> None:
    """The only owner can be neither removed nor demoted; one of two can."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    conversation_id = await scene.room(ada, bob)
    with pytest.raises(Conflict):
        await remove(scene, ada, conversation_id, ada)
    with pytest.raises(Conflict):
        await add(scene, ada, conversation_id, ada, "admin")
    await add(scene, ada, conversation_id, bob, "owner")
    await remove(scene, ada, conversation_id, ada)
    assert await roles(scene, bob, conversation_id) == {"bob": "owner"}


async def test_two_owners_cannot_leave_concurrently(scene: Scene) -> None:
    """If both owners leave at the same time, one remains."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    conversation_id = await scene.room(ada, bob, role="owner")
    left = await asyncio.gather(
        remove(scene, ada, conversation_id, ada),
        remove(scene, bob, conversation_id, bob),
        return_exceptions=True,
    )
    assert sum(isinstance(x, Conflict) for x in left) == 1


async def test_disabled_and_unknown_users_cannot_be_added(scene: Scene) -> None:
    """A non-participant can neither add, leave nor remove."""
    ada, bob, eve = [await scene.person(n) for n in ("ada", "bob", "eve")]
    conversation_id = await scene.room(ada, bob)
    with pytest.raises(NotFound):
        await add(scene, ada, conversation_id, scene.id(), "member")
    for call in (
        add(scene, eve, conversation_id, eve, "member"),
        remove(scene, eve, conversation_id, eve),
        remove(scene, eve, conversation_id, bob),
        remove(scene, ada, conversation_id, eve),
    ):
        with pytest.raises(NotFound):
            await call


async def test_read_only_accounts_may_leave_but_not_add(scene: Scene) -> None:
    """Leaving does not count as writing; adding a participant does."""
    ada, reader = await scene.person("ada"), await scene.person("reader", "read_only")
    conversation_id = await scene.room(ada, reader, role="admin")
    with pytest.raises(Forbidden):
        await remove(scene, reader, conversation_id, ada)
    await remove(scene, reader, conversation_id, reader)
    assert await roles(scene, ada, conversation_id) == {"ada": "owner"}


async def test_messages_before_the_joining_are_not_unread(scene: Scene) -> None:
    """Only later messages count as unread, also after leaving and joining again."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    conversation_id = await scene.room(ada)
    old = await scene.post(ada, conversation_id)
    for expected in (1, 1):
        await add(scene, ada, conversation_id, bob, "member")
        assert (await threads.list_unread(scene.db, bob, conversation_id)).items == []
        await scene.reply(ada, old.posted.message_id)
        (unread,) = (await threads.list_unread(scene.db, bob, conversation_id)).items
        assert unread.unread == expected
        await remove(scene, ada, conversation_id, bob)
        await scene.reply(ada, old.posted.message_id)
