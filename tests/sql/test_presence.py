"""The procedures in sql/procedures/presence, and check_may_type."""

from datetime import timedelta
from typing import Any

import pytest
from tests.support.scene import Scene

from rustygpt_server.db import accounts, presence
from rustygpt_server.db.refusals import Forbidden, NotFound


async def test_the_last_heartbeat_counts(scene: Scene) -> None:
    """Returns declared status, time and conversations; users without a heartbeat are omitted."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    conversation_ids = {await scene.room(ada), await scene.room(bob, ada)}
    assert await presence.beat_presence(scene.db, ada, "online", scene.now) == 1
    later = scene.tick(20)
    assert await presence.beat_presence(scene.db, ada, "away", later) == 2
    (found,) = await presence.read_presence(scene.db, [ada, bob], with_rooms=True)
    (bare,) = await presence.read_presence(scene.db, [ada])

    assert (found.user_id, found.said, found.last_seen_at, found.beats) == (ada, "away", later, 2)
    assert set(found.conversation_ids) == conversation_ids
    assert bare.conversation_ids == []


async def test_show_presence_includes_users_without_a_heartbeat(scene: Scene) -> None:
    """Sorted by user name, with the event number of the conversation; for participants only."""
    ada, bob, eve = [await scene.person(name) for name in ("ada", "bob", "eve")]
    conversation_id = await scene.room(bob, ada)
    await presence.beat_presence(scene.db, bob, "online", scene.now)
    page = await presence.show_presence(scene.db, ada, conversation_id)

    assert [(one.user_id, one.said, one.last_seen_at) for one in page.items] == [
        (ada, None, None),
        (bob, "online", scene.now),
    ]
    assert page.position == 1
    with pytest.raises(NotFound):
        await presence.show_presence(scene.db, eve, conversation_id)


async def test_list_recently_seen_returns_the_latest_users(scene: Scene) -> None:
    """In ascending order of time since a moment; with a limit, the latest ones."""
    people = [await scene.person(name) for name in ("ada", "bob", "eve")]
    for person in people:
        await presence.beat_presence(scene.db, person, "online", scene.tick(10))
    since = scene.now - timedelta(seconds=20)
    listed = await presence.list_seen(scene.db, since, 10)

    assert [one.user_id for one in listed] == people[1:]
    assert [one.user_id for one in await presence.list_seen(scene.db, since, 1)] == people[2:]


async def test_heartbeats_need_an_enabled_account(scene: Scene) -> None:
    """Unknown and disabled accounts are refused."""
    ada = await scene.person("ada")
    await accounts.update_user(
        scene.db, scene.admin, ada, disabled=True, roles=None, password_hash=None, now=scene.now
    )
    for user_id in (ada, scene.id()):
        with pytest.raises(NotFound):
            await presence.beat_presence(scene.db, user_id, "online", scene.now)


async def test_heartbeats_are_heap_only_updates(scene: Scene, owner: Any) -> None:
    """Many heartbeats of one user do not need a second page (HOT)."""
    ada = await scene.person("ada")
    for _ in range(50):
        await presence.beat_presence(scene.db, ada, "online", scene.tick())
    pages = await owner.fetchval("SELECT pg_relation_size('rustygpt.presence') / 8192")

    assert pages == 1


async def test_only_users_who_may_post_may_send_typing_indicators(scene: Scene) -> None:
    """Viewers and read_only accounts are refused; a thread elsewhere does not exist."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    reader = await scene.person("reader", "read_only")
    conversation_id, other = await scene.room(ada, reader), await scene.room(ada)
    watched = await scene.room(ada, bob, role="viewer")
    root = (await scene.post(ada, conversation_id)).posted.message_id
    seen = (await scene.post(ada, watched)).posted.message_id
    reply = (await scene.reply(ada, root)).posted.message_id
    await presence.type_in_thread(scene.db, ada, conversation_id, root)

    with pytest.raises(Forbidden):
        await presence.type_in_thread(scene.db, reader, conversation_id, root)
    with pytest.raises(Forbidden):
        await presence.type_in_thread(scene.db, bob, watched, seen)
    for actor, where, thread in (
        (bob, conversation_id, root),
        (ada, other, root),
        (ada, conversation_id, reply),
    ):
        with pytest.raises(NotFound):
            await presence.type_in_thread(scene.db, actor, where, thread)
