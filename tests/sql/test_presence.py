"""Presence as the database keeps it, and who may be seen writing."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.scene import Scene

from rustygpt_server.db import accounts, presence
from rustygpt_server.db.refusals import Forbidden, NotFound


async def test_heartbeats_are_counted_and_the_last_one_holds(scene: Scene) -> None:
    """What was said last, when, and in which conversations; who was never seen is left out."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    rooms = {await scene.room(ada), await scene.room(bob, ada)}
    assert await presence.beat_presence(scene.db, ada, "online", scene.now) == 1
    later = scene.tick(20)
    assert await presence.beat_presence(scene.db, ada, "away", later) == 2
    (found,) = await presence.read_presence(scene.db, [ada, bob], with_rooms=True)
    (bare,) = await presence.read_presence(scene.db, [ada])

    assert (found.user_id, found.said, found.last_seen_at, found.beats) == (ada, "away", later, 2)
    assert set(found.conversation_ids) == rooms
    assert bare.conversation_ids == []


async def test_a_room_is_listed_with_those_who_were_never_seen(scene: Scene) -> None:
    """By user name, with the position of the room; only for those inside."""
    ada, bob, eve = [await scene.person(name) for name in ("ada", "bob", "eve")]
    room = await scene.room(bob, ada)
    await presence.beat_presence(scene.db, bob, "online", scene.now)
    page = await presence.show_presence(scene.db, ada, room)

    assert [(one.user_id, one.said, one.last_seen_at) for one in page.items] == [
        (ada, None, None),
        (bob, "online", scene.now),
    ]
    assert page.position == 1
    with pytest.raises(NotFound):
        await presence.show_presence(scene.db, eve, room)


async def test_the_latest_seen_are_listed(scene: Scene) -> None:
    """Since a moment, the latest at last; with a limit, the latest ones."""
    people = [await scene.person(name) for name in ("ada", "bob", "eve")]
    for person in people:
        await presence.beat_presence(scene.db, person, "online", scene.tick(10))
    since = scene.now - timedelta(seconds=20)
    listed = await presence.list_seen(scene.db, since, 10)

    assert [one.user_id for one in listed] == people[1:]
    assert [one.user_id for one in await presence.list_seen(scene.db, since, 1)] == people[2:]


async def test_who_has_no_account_has_no_heartbeat(scene: Scene) -> None:
    """Unknown and disabled people alike."""
    ada = await scene.person("ada")
    await accounts.update_user(
        scene.db, scene.admin, ada, disabled=True, roles=None, password_hash=None, now=scene.now
    )
    for nobody in (ada, scene.id()):
        with pytest.raises(NotFound):
            await presence.beat_presence(scene.db, nobody, "online", scene.now)


async def test_heartbeats_stay_on_their_page(scene: Scene, owner: Any) -> None:
    """Rows are updated in place (HOT), so that beating for hours bloats no index."""
    ada = await scene.person("ada")
    for _ in range(50):
        await presence.beat_presence(scene.db, ada, "online", scene.tick())
    pages = await owner.fetchval("SELECT pg_relation_size('rustygpt.presence') / 8192")

    assert pages == 1


async def test_only_who_may_post_may_be_seen_writing(scene: Scene) -> None:
    """Viewers and read_only accounts are refused, and a thread of elsewhere is not known."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    reader = await scene.person("reader", "read_only")
    room, other = await scene.room(ada, reader), await scene.room(ada)
    watched = await scene.room(ada, bob, role="viewer")
    root = (await scene.post(ada, room)).posted.message_id
    seen = (await scene.post(ada, watched)).posted.message_id
    reply = (await scene.reply(ada, root)).posted.message_id
    await presence.type_in_thread(scene.db, ada, room, root)

    with pytest.raises(Forbidden):
        await presence.type_in_thread(scene.db, reader, room, root)
    with pytest.raises(Forbidden):
        await presence.type_in_thread(scene.db, bob, watched, seen)
    for actor, where, thread in ((bob, room, root), (ada, other, root), (ada, room, reply)):
        with pytest.raises(NotFound):
            await presence.type_in_thread(scene.db, actor, where, thread)
