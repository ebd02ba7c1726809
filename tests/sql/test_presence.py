"""Presence as the database keeps it, and who may be seen writing."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import accounts, presence
from rustygpt_server.errors import Forbidden, NotFound


async def test_heartbeats_are_counted_and_the_last_one_holds(builder: DatabaseBuilder) -> None:
    """What was said last, when, and in which conversations; who was never seen is left out."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    rooms = {await builder.conversation(ada), await builder.conversation(bob, ada)}
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
    assert set(found.conversation_ids) == rooms
    assert bare.conversation_ids == []


async def test_a_room_is_listed_with_those_who_were_never_seen(builder: DatabaseBuilder) -> None:
    """By user name, with the position of the room; only for those inside."""
    ada, bob, eve = [await builder.person(name) for name in ("ada", "bob", "eve")]
    room = await builder.conversation(bob, ada)
    await presence.record_heartbeat(builder.db, bob, "online", builder.now)
    page = await presence.show_presence(builder.db, ada, room)

    assert [(one.user_id, one.declared, one.last_seen_at) for one in page.items] == [
        (ada, None, None),
        (bob, "online", builder.now),
    ]
    assert page.position == 1
    with pytest.raises(NotFound):
        await presence.show_presence(builder.db, eve, room)


async def test_the_latest_seen_are_listed(builder: DatabaseBuilder) -> None:
    """Since a moment, the latest at last; with a limit, the latest ones."""
    people = [await builder.person(name) for name in ("ada", "bob", "eve")]
    for person in people:
        await presence.record_heartbeat(builder.db, person, "online", builder.advance_time(10))
    since = builder.now - timedelta(seconds=20)
    listed = await presence.list_recently_seen(builder.db, since, 10)

    assert [one.user_id for one in listed] == people[1:]
    assert [
        one.user_id for one in await presence.list_recently_seen(builder.db, since, 1)
    ] == people[2:]


async def test_who_has_no_account_has_no_heartbeat(builder: DatabaseBuilder) -> None:
    """Unknown and disabled people alike."""
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
    for nobody in (ada, builder.id()):
        with pytest.raises(NotFound):
            await presence.record_heartbeat(builder.db, nobody, "online", builder.now)


async def test_heartbeats_stay_on_their_page(builder: DatabaseBuilder, superuser: Any) -> None:
    """Rows are updated in place (HOT), so that beating for hours bloats no index."""
    ada = await builder.person("ada")
    for _ in range(50):
        await presence.record_heartbeat(builder.db, ada, "online", builder.advance_time())
    pages = await superuser.fetchval("SELECT pg_relation_size('rustygpt.presence') / 8192")

    assert pages == 1


async def test_only_who_may_post_may_be_seen_writing(builder: DatabaseBuilder) -> None:
    """Viewers and read_only accounts are refused, and a thread of elsewhere is not known."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    reader = await builder.person("reader", "read_only")
    room, other = await builder.conversation(ada, reader), await builder.conversation(ada)
    watched = await builder.conversation(ada, bob, role="viewer")
    root = (await builder.post(ada, room)).posted.message_id
    seen = (await builder.post(ada, watched)).posted.message_id
    reply = (await builder.reply(ada, root)).posted.message_id
    await presence.check_may_type(builder.db, ada, room, root)

    with pytest.raises(Forbidden):
        await presence.check_may_type(builder.db, reader, room, root)
    with pytest.raises(Forbidden):
        await presence.check_may_type(builder.db, bob, watched, seen)
    for actor, where, thread in ((bob, room, root), (ada, other, root), (ada, room, reply)):
        with pytest.raises(NotFound):
            await presence.check_may_type(builder.db, actor, where, thread)
