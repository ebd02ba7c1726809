"""The procedures in sql/procedures/presence, and check_may_type."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import accounts, presence
from rustygpt_server.errors import Forbidden, NotFound


async def test_the_last_heartbeat_counts(builder: DatabaseBuilder) -> None:
    """Returns declared status, time and conversations; users without a heartbeat are omitted."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_ids = {await builder.conversation(ada), await builder.conversation(bob, ada)}
    assert await presence.record_heartbeat(builder.db, ada, "online", builder.now) == 1
    later = builder.advance_time(20)
    assert await presence.record_heartbeat(builder.db, ada, "away", later) == 2
    (found,) = await presence.read_presence(builder.db, [ada, bob], with_conversations=True)
    (bare,) = await presence.read_presence(builder.db, [ada])

    assert (found.user_id, found.declared, found.last_seen_at, found.heartbeat_seq) == (
        ada,
        "away",
        later,
        2,
    )
    assert set(found.conversation_ids) == conversation_ids
    assert bare.conversation_ids == []


async def test_show_presence_includes_users_without_a_heartbeat(builder: DatabaseBuilder) -> None:
    """Sorted by user name, with the event number of the conversation; for participants only."""
    ada, bob, eve = [await builder.person(name) for name in ("ada", "bob", "eve")]
    conversation_id = await builder.conversation(bob, ada)
    await presence.record_heartbeat(builder.db, bob, "online", builder.now)
    page = await presence.show_presence(builder.db, ada, conversation_id)

    assert [(one.user_id, one.declared, one.last_seen_at) for one in page.items] == [
        (ada, None, None),
        (bob, "online", builder.now),
    ]
    assert page.position == 1
    with pytest.raises(NotFound):
        await presence.show_presence(builder.db, eve, conversation_id)


async def test_list_recently_seen_returns_the_latest_users(builder: DatabaseBuilder) -> None:
    """In ascending order of time since a moment; with a limit, the latest ones."""
    people = [await builder.person(name) for name in ("ada", "bob", "eve")]
    for person in people:
        await presence.record_heartbeat(builder.db, person, "online", builder.advance_time(10))
    since = builder.now - timedelta(seconds=20)
    listed = await presence.list_recently_seen(builder.db, since, 10)

    assert [one.user_id for one in listed] == people[1:]
    assert [
        one.user_id for one in await presence.list_recently_seen(builder.db, since, 1)
    ] == people[2:]


async def test_heartbeats_need_an_enabled_account(builder: DatabaseBuilder) -> None:
    """Unknown and disabled accounts are refused."""
    ada = await builder.person("ada")
    await accounts.update_user(
        builder.db,
        builder.admin,
        ada,
        disabled=True,
        roles=None,
        password_hash=None,
        now=builder.now,
    )
    for user_id in (ada, builder.id()):
        with pytest.raises(NotFound):
            await presence.record_heartbeat(builder.db, user_id, "online", builder.now)


async def test_heartbeats_are_heap_only_updates(builder: DatabaseBuilder, superuser: Any) -> None:
    """Many heartbeats of one user do not need a second page (HOT)."""
    ada = await builder.person("ada")
    for _ in range(50):
        await presence.record_heartbeat(builder.db, ada, "online", builder.advance_time())
    pages = await superuser.fetchval("SELECT pg_relation_size('rustygpt.presence') / 8192")

    assert pages == 1


async def test_only_users_who_may_post_may_send_typing_indicators(builder: DatabaseBuilder) -> None:
    """Viewers and read_only accounts are refused; a thread elsewhere does not exist."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    reader = await builder.person("reader", "read_only")
    conversation_id, other = (
        await builder.conversation(ada, reader),
        await builder.conversation(ada),
    )
    watched = await builder.conversation(ada, bob, role="viewer")
    root = (await builder.post(ada, conversation_id)).posted.message_id
    seen = (await builder.post(ada, watched)).posted.message_id
    reply = (await builder.reply(ada, root)).posted.message_id
    await presence.check_may_type(builder.db, ada, conversation_id, root)

    with pytest.raises(Forbidden):
        await presence.check_may_type(builder.db, reader, conversation_id, root)
    with pytest.raises(Forbidden):
        await presence.check_may_type(builder.db, bob, watched, seen)
    for actor, where, thread in (
        (bob, conversation_id, root),
        (ada, other, root),
        (ada, conversation_id, reply),
    ):
        with pytest.raises(NotFound):
            await presence.check_may_type(builder.db, actor, where, thread)
