"""Procedures about conversations."""

import asyncio

import pytest
from tests.support.events import told
from tests.support.scene import Scene

from rustygpt_server.db import conversations
from rustygpt_server.db.refusals import Conflict, Forbidden, NotFound
from rustygpt_server.db.rows import Once
from rustygpt_shared import events
from rustygpt_shared.requests import CreateConversation, UpdateConversation


async def test_create_and_show(scene: Scene) -> None:
    """Who makes a conversation owns it; the assistant answers always, in groups when mentioned."""
    ada = await scene.person("ada")
    for is_group, mode in ((False, "always"), (True, "mention")):
        made = await conversations.create_conversation(
            scene.db, ada, scene.id(), CreateConversation("Plans", is_group), None, scene.now
        )
        shown = await conversations.show_conversation(scene.db, ada, made.conversation_id)
        assert (shown.title, shown.role, shown.assistant_mode) == ("Plans", "owner", mode)
        assert (shown.unread, shown.participant_count) == (0, 1)
        assert (shown.created_at, shown.last_activity_at) == (scene.now, scene.now)
        assert shown.last_event_id == "evt_0"


async def test_read_only_people_make_none(scene: Scene) -> None:
    """An account that may only read makes no conversations, nor does one that does not exist."""
    wanted = CreateConversation("Plans")
    reader = await scene.person("reader", "read_only")
    with pytest.raises(Forbidden):
        await conversations.create_conversation(
            scene.db, reader, scene.id(), wanted, None, scene.now
        )
    with pytest.raises(NotFound):
        await conversations.create_conversation(
            scene.db, scene.id(), scene.id(), wanted, None, scene.now
        )


async def test_same_key_makes_one(scene: Scene) -> None:
    """A repeated key answers the first id, another body is refused, and a day later it is new."""
    ada = await scene.person("ada")
    wanted = CreateConversation("Plans")

    async def create(body: bytes = b"a" * 32) -> conversations.Made:
        return await conversations.create_conversation(
            scene.db, ada, scene.id(), wanted, Once("key", body), scene.now
        )

    made = await asyncio.gather(*(create() for _ in range(6)))
    assert len({m.conversation_id for m in made}) == 1
    assert sum(not m.replayed for m in made) == 1
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await create(b"b" * 32)
    scene.tick(86_400)
    assert not (await create(b"b" * 32)).replayed


async def test_list_is_by_activity_and_pages(scene: Scene) -> None:
    """Conversations come latest activity first; a page goes on after the last one."""
    ada = await scene.person("ada")
    rooms = []
    for _ in range(5):
        scene.tick()
        rooms.append(await scene.room(ada))
    scene.tick()
    await scene.post(ada, rooms[0], "now  the\nlatest")
    first = await conversations.list_conversations(
        scene.db, ada, archived=False, before=None, limit=2
    )
    last = first[-1]
    rest = await conversations.list_conversations(
        scene.db, ada, archived=False, before=(last.last_activity_at, last.id), limit=10
    )
    assert [c.id for c in first + rest] == [rooms[0], *reversed(rooms[1:])]
    assert first[0].last_message_excerpt == "now the latest"


async def test_archived_ones_have_a_list_of_their_own(scene: Scene) -> None:
    """An archived conversation leaves the list and comes back."""
    ada = await scene.person("ada")
    room = await scene.room(ada)

    async def listed(*, archived: bool) -> list[object]:
        found = await conversations.list_conversations(
            scene.db, ada, archived=archived, before=None, limit=10
        )
        return [c.id for c in found]

    for archived in (True, False):
        change = UpdateConversation(archived=archived)
        await conversations.update_conversation(scene.db, ada, room, change, scene.now)
        assert await listed(archived=archived) == [room]
        assert await listed(archived=not archived) == []


async def test_update_tells_what_all_see(scene: Scene) -> None:
    """A change is told as an event that equals what is shown; no change tells nothing."""
    ada = await scene.person("ada")
    room = await scene.room(ada)
    change = UpdateConversation(title='a "b"\n', model="m", system_prompt="be\u2028kind")
    changed = await conversations.update_conversation(scene.db, ada, room, change, scene.tick())
    (event,) = map(told, changed.events)
    assert isinstance(event, events.ConversationUpdated)
    info = event.payload.conversation
    shown = changed.conversation
    for field in info.__struct_fields__:
        assert getattr(info, field) == getattr(shown, field)
    assert event.id == shown.last_event_id == "evt_1"
    again = await conversations.update_conversation(scene.db, ada, room, change, scene.tick())
    assert again.events == []
    none = UpdateConversation(model=None)
    changed = await conversations.update_conversation(scene.db, ada, room, none, scene.tick())
    assert changed.conversation.model is None
    assert changed.conversation.system_prompt == "be\u2028kind"


async def test_only_administrators_update(scene: Scene) -> None:
    """Members may not change a conversation, strangers do not know of it."""
    ada, bob, eve = [await scene.person(n) for n in ("ada", "bob", "eve")]
    room = await scene.room(ada, bob)
    for actor, refusal in ((bob, Forbidden), (eve, NotFound)):
        with pytest.raises(refusal):
            await conversations.update_conversation(
                scene.db, actor, room, UpdateConversation(title="x"), scene.now
            )
    with pytest.raises(NotFound):
        await conversations.show_conversation(scene.db, eve, room)
