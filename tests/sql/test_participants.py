"""The procedures in sql/procedures/participants."""

import asyncio
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event

from rustygpt_server.db import events as db_events
from rustygpt_server.db import participants, threads
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import Conflict, Forbidden, NotFound
from rustygpt_shared import events


async def add(
    builder: DatabaseBuilder, actor: UUID, conversation_id: UUID, user: UUID, role: str
) -> list[EventRecord]:
    """Add a participant, or change the role of one."""
    return await participants.add_participant(
        builder.db, actor, conversation_id, user, role, builder.now
    )


async def remove(
    builder: DatabaseBuilder, actor: UUID, conversation_id: UUID, user: UUID
) -> list[EventRecord]:
    """Remove a participant."""
    return await participants.remove_participant(
        builder.db, actor, conversation_id, user, builder.now
    )


async def roles(builder: DatabaseBuilder, actor: UUID, conversation_id: UUID) -> dict[str, str]:
    """The role of each participant by user name."""
    page = await participants.list_participants(builder.db, actor, conversation_id)
    return {p.username: p.role for p in page.items}


async def test_changes_of_membership_log_one_event_each(builder: DatabaseBuilder) -> None:
    """Joining, a new role and leaving log an event; the same role again logs none."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada)
    logged = await add(builder, ada, conversation_id, bob, "member")
    assert await add(builder, ada, conversation_id, bob, "member") == []
    logged += await add(builder, ada, conversation_id, bob, "viewer")
    assert await roles(builder, bob, conversation_id) == {"ada": "owner", "bob": "viewer"}
    logged += await remove(builder, ada, conversation_id, bob)
    assert [e.number for e in logged] == [1, 2, 3]
    payloads = [e.payload for e in map(decoded_event, logged)]
    assert payloads == [
        events.MembershipChangedPayload(conversation_id, bob, "added", "member"),
        events.MembershipChangedPayload(conversation_id, bob, "role_updated", "viewer"),
        events.MembershipChangedPayload(conversation_id, bob, "removed"),
    ]
    page = await participants.list_participants(builder.db, ada, conversation_id)
    assert page.position == 3
    assert [p.user_id for p in page.items] == [ada]
    assert await db_events.read_log_bounds(builder.db, [(bob, conversation_id)]) == [{}]


async def test_nobody_can_grant_a_role_above_their_own(builder: DatabaseBuilder) -> None:
    """Administrators cannot make or change owners; members cannot add anybody."""
    ada, bob, cy, dan = [await builder.person(n) for n in ("ada", "bob", "cy", "dan")]
    conversation_id = await builder.conversation(ada, bob, role="admin")
    await add(builder, bob, conversation_id, cy, "member")
    for actor, user, role in (
        (bob, cy, "owner"),
        (bob, ada, "member"),
        (cy, dan, "viewer"),
        (cy, cy, "admin"),
    ):
        with pytest.raises(Forbidden):
            await add(builder, actor, conversation_id, user, role)
    with pytest.raises(Forbidden):
        await remove(builder, bob, conversation_id, ada)
    with pytest.raises(Forbidden):
        await remove(builder, cy, conversation_id, bob)
    assert await roles(builder, ada, conversation_id) == {
        "ada": "owner",
        "bob": "admin",
        "cy": "member",
    }


async def test_the_last_owner_cannot_leave(builder: DatabaseBuilder) -> None:
    """The only owner can be neither removed nor demoted; one of two can."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    with pytest.raises(Conflict):
        await remove(builder, ada, conversation_id, ada)
    with pytest.raises(Conflict):
        await add(builder, ada, conversation_id, ada, "admin")
    await add(builder, ada, conversation_id, bob, "owner")
    await remove(builder, ada, conversation_id, ada)
    assert await roles(builder, bob, conversation_id) == {"bob": "owner"}


async def test_two_owners_cannot_leave_concurrently(builder: DatabaseBuilder) -> None:
    """If both owners leave at the same time, one remains."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob, role="owner")
    left = await asyncio.gather(
        remove(builder, ada, conversation_id, ada),
        remove(builder, bob, conversation_id, bob),
        return_exceptions=True,
    )
    assert sum(isinstance(x, Conflict) for x in left) == 1


async def test_disabled_and_unknown_users_cannot_be_added(builder: DatabaseBuilder) -> None:
    """A non-participant can neither add, leave nor remove."""
    ada, bob, eve = [await builder.person(n) for n in ("ada", "bob", "eve")]
    conversation_id = await builder.conversation(ada, bob)
    with pytest.raises(NotFound):
        await add(builder, ada, conversation_id, builder.id(), "member")
    for call in (
        add(builder, eve, conversation_id, eve, "member"),
        remove(builder, eve, conversation_id, eve),
        remove(builder, eve, conversation_id, bob),
        remove(builder, ada, conversation_id, eve),
    ):
        with pytest.raises(NotFound):
            await call


async def test_read_only_accounts_may_leave_but_not_add(builder: DatabaseBuilder) -> None:
    """Leaving does not count as writing; adding a participant does."""
    ada, reader = await builder.person("ada"), await builder.person("reader", "read_only")
    conversation_id = await builder.conversation(ada, reader, role="admin")
    with pytest.raises(Forbidden):
        await remove(builder, reader, conversation_id, ada)
    await remove(builder, reader, conversation_id, reader)
    assert await roles(builder, ada, conversation_id) == {"ada": "owner"}


async def test_messages_before_the_joining_are_not_unread(builder: DatabaseBuilder) -> None:
    """Only later messages count as unread, also after leaving and joining again."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada)
    old = await builder.post(ada, conversation_id)
    for expected in (1, 1):
        await add(builder, ada, conversation_id, bob, "member")
        assert (await threads.list_unread(builder.db, bob, conversation_id)).items == []
        await builder.reply(ada, old.posted.message_id)
        (unread,) = (await threads.list_unread(builder.db, bob, conversation_id)).items
        assert unread.unread == expected
        await remove(builder, ada, conversation_id, bob)
        await builder.reply(ada, old.posted.message_id)
