"""Procedures about who is in a conversation."""

import asyncio
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event

from rustygpt_server.db import participants, threads
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import Conflict, Forbidden, NotFound
from rustygpt_shared import events


async def add(
    scene: DatabaseBuilder, actor: UUID, room: UUID, user: UUID, role: str
) -> list[EventRecord]:
    """Add a person, or change the role."""
    return await participants.add_participant(scene.db, actor, room, user, role, scene.now)


async def remove(scene: DatabaseBuilder, actor: UUID, room: UUID, user: UUID) -> list[EventRecord]:
    """Take a person out."""
    return await participants.remove_participant(scene.db, actor, room, user, scene.now)


async def roles(scene: DatabaseBuilder, actor: UUID, room: UUID) -> dict[str, str]:
    """Who is what."""
    page = await participants.list_participants(scene.db, actor, room)
    return {p.username: p.role for p in page.items}


async def test_add_change_remove_are_told(builder: DatabaseBuilder) -> None:
    """Coming, another role and going are each told once; the same role again is not."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada)
    logged = await add(builder, ada, room, bob, "member")
    assert await add(builder, ada, room, bob, "member") == []
    logged += await add(builder, ada, room, bob, "viewer")
    assert await roles(builder, bob, room) == {"ada": "owner", "bob": "viewer"}
    logged += await remove(builder, ada, room, bob)
    assert [e.number for e in logged] == [1, 2, 3]
    payloads = [e.payload for e in map(decoded_event, logged)]
    assert payloads == [
        events.MembershipChangedPayload(room, bob, "added", "member"),
        events.MembershipChangedPayload(room, bob, "role_updated", "viewer"),
        events.MembershipChangedPayload(room, bob, "removed"),
    ]
    page = await participants.list_participants(builder.db, ada, room)
    assert page.position == 3
    assert [p.user_id for p in page.items] == [ada]
    assert not await participants.is_member(builder.db, room, bob)


async def test_nobody_grants_above_the_own_role(builder: DatabaseBuilder) -> None:
    """Administrators make no owners and change none; members invite nobody."""
    ada, bob, cy, dan = [await builder.person(n) for n in ("ada", "bob", "cy", "dan")]
    room = await builder.conversation(ada, bob, role="admin")
    await add(builder, bob, room, cy, "member")
    for actor, user, role in (
        (bob, cy, "owner"),
        (bob, ada, "member"),
        (cy, dan, "viewer"),
        (cy, cy, "admin"),
    ):
        with pytest.raises(Forbidden):
            await add(builder, actor, room, user, role)
    with pytest.raises(Forbidden):
        await remove(builder, bob, room, ada)
    with pytest.raises(Forbidden):
        await remove(builder, cy, room, bob)
    assert await roles(builder, ada, room) == {"ada": "owner", "bob": "admin", "cy": "member"}


async def test_last_owner_stays(builder: DatabaseBuilder) -> None:
    """The last owner neither goes nor becomes less; with a second owner either may."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada, bob)
    with pytest.raises(Conflict):
        await remove(builder, ada, room, ada)
    with pytest.raises(Conflict):
        await add(builder, ada, room, ada, "admin")
    await add(builder, ada, room, bob, "owner")
    await remove(builder, ada, room, ada)
    assert await roles(builder, bob, room) == {"bob": "owner"}


async def test_two_owners_cannot_leave_at_once(builder: DatabaseBuilder) -> None:
    """When both owners leave at the same moment, one of them stays."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada, bob, role="owner")
    left = await asyncio.gather(
        remove(builder, ada, room, ada), remove(builder, bob, room, bob), return_exceptions=True
    )
    assert sum(isinstance(x, Conflict) for x in left) == 1


async def test_strangers_and_the_disabled_cannot_be_added(builder: DatabaseBuilder) -> None:
    """Only a live account joins; a person outside neither adds, leaves nor removes."""
    ada, bob, eve = [await builder.person(n) for n in ("ada", "bob", "eve")]
    room = await builder.conversation(ada, bob)
    with pytest.raises(NotFound):
        await add(builder, ada, room, builder.id(), "member")
    for call in (
        add(builder, eve, room, eve, "member"),
        remove(builder, eve, room, eve),
        remove(builder, eve, room, bob),
        remove(builder, ada, room, eve),
    ):
        with pytest.raises(NotFound):
            await call


async def test_read_only_people_may_leave_but_not_manage(builder: DatabaseBuilder) -> None:
    """Leaving is no writing; adding others is."""
    ada, reader = await builder.person("ada"), await builder.person("reader", "read_only")
    room = await builder.conversation(ada, reader, role="admin")
    with pytest.raises(Forbidden):
        await remove(builder, reader, room, ada)
    await remove(builder, reader, room, reader)
    assert await roles(builder, ada, room) == {"ada": "owner"}


async def test_joining_sets_all_marks_to_now(builder: DatabaseBuilder) -> None:
    """What was written before joining is read, what comes after is not; rejoining is the same."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada)
    old = await builder.post(ada, room)
    for expected in (1, 1):
        await add(builder, ada, room, bob, "member")
        assert (await threads.list_unread(builder.db, bob, room)).items == []
        await builder.reply(ada, old.posted.message_id)
        (unread,) = (await threads.list_unread(builder.db, bob, room)).items
        assert unread.unread == expected
        await remove(builder, ada, room, bob)
        await builder.reply(ada, old.posted.message_id)
