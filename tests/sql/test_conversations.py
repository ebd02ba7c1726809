"""Procedures about conversations."""

import asyncio

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event

from rustygpt_server.db import conversations
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import Conflict, Forbidden, NotFound
from rustygpt_shared import events
from rustygpt_shared.requests import CreateConversation, UpdateConversation


async def test_create_and_show(builder: DatabaseBuilder) -> None:
    """Who makes a conversation owns it; the assistant answers always, in groups when mentioned."""
    ada = await builder.person("ada")
    for is_group, mode in ((False, "always"), (True, "mention")):
        made = await conversations.create_conversation(
            builder.db, ada, builder.id(), CreateConversation("Plans", is_group), None, builder.now
        )
        shown = await conversations.show_conversation(builder.db, ada, made.conversation_id)
        assert (shown.title, shown.role, shown.assistant_mode) == ("Plans", "owner", mode)
        assert (shown.unread, shown.participant_count) == (0, 1)
        assert (shown.created_at, shown.last_activity_at) == (builder.now, builder.now)
        assert shown.last_event_id == "evt_0"


async def test_read_only_people_make_none(builder: DatabaseBuilder) -> None:
    """An account that may only read makes no conversations, nor does one that does not exist."""
    wanted = CreateConversation("Plans")
    reader = await builder.person("reader", "read_only")
    with pytest.raises(Forbidden):
        await conversations.create_conversation(
            builder.db, reader, builder.id(), wanted, None, builder.now
        )
    with pytest.raises(NotFound):
        await conversations.create_conversation(
            builder.db, builder.id(), builder.id(), wanted, None, builder.now
        )


async def test_same_key_makes_one(builder: DatabaseBuilder) -> None:
    """A repeated key answers the first id, another body is refused, and a day later it is new."""
    ada = await builder.person("ada")
    wanted = CreateConversation("Plans")

    async def create(body: bytes = b"a" * 32) -> conversations.CreatedConversation:
        return await conversations.create_conversation(
            builder.db, ada, builder.id(), wanted, IdempotencyKey("key", body), builder.now
        )

    made = await asyncio.gather(*(create() for _ in range(6)))
    assert len({m.conversation_id for m in made}) == 1
    assert sum(not m.replayed for m in made) == 1
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await create(b"b" * 32)
    builder.advance_time(86_400)
    assert not (await create(b"b" * 32)).replayed


async def test_list_is_by_activity_and_pages(builder: DatabaseBuilder) -> None:
    """Conversations come latest activity first; a page goes on after the last one."""
    ada = await builder.person("ada")
    rooms = []
    for _ in range(5):
        builder.advance_time()
        rooms.append(await builder.conversation(ada))
    builder.advance_time()
    await builder.post(ada, rooms[0], "now  the\nlatest")
    first = await conversations.list_conversations(
        builder.db, ada, archived=False, before=None, limit=2
    )
    last = first[-1]
    rest = await conversations.list_conversations(
        builder.db, ada, archived=False, before=(last.last_activity_at, last.id), limit=10
    )
    assert [c.id for c in first + rest] == [rooms[0], *reversed(rooms[1:])]
    assert first[0].last_message_excerpt == "now the latest"


async def test_archived_ones_have_a_list_of_their_own(builder: DatabaseBuilder) -> None:
    """An archived conversation leaves the list and comes back."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada)

    async def listed(*, archived: bool) -> list[object]:
        found = await conversations.list_conversations(
            builder.db, ada, archived=archived, before=None, limit=10
        )
        return [c.id for c in found]

    for archived in (True, False):
        change = UpdateConversation(archived=archived)
        await conversations.update_conversation(builder.db, ada, room, change, builder.now)
        assert await listed(archived=archived) == [room]
        assert await listed(archived=not archived) == []


async def test_update_tells_what_all_see(builder: DatabaseBuilder) -> None:
    """A change is told as an event that equals what is shown; no change tells nothing."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada)
    change = UpdateConversation(title='a "b"\n', model="m", system_prompt="be\u2028kind")
    changed = await conversations.update_conversation(
        builder.db, ada, room, change, builder.advance_time()
    )
    (event,) = map(decoded_event, changed.events)
    assert isinstance(event, events.ConversationUpdated)
    info = event.payload.conversation
    shown = changed.conversation
    for field in info.__struct_fields__:
        assert getattr(info, field) == getattr(shown, field)
    assert event.id == shown.last_event_id == "evt_1"
    again = await conversations.update_conversation(
        builder.db, ada, room, change, builder.advance_time()
    )
    assert again.events == []
    none = UpdateConversation(model=None)
    changed = await conversations.update_conversation(
        builder.db, ada, room, none, builder.advance_time()
    )
    assert changed.conversation.model is None
    assert changed.conversation.system_prompt == "be\u2028kind"


async def test_only_administrators_update(builder: DatabaseBuilder) -> None:
    """Members may not change a conversation, strangers do not know of it."""
    ada, bob, eve = [await builder.person(n) for n in ("ada", "bob", "eve")]
    room = await builder.conversation(ada, bob)
    for actor, refusal in ((bob, Forbidden), (eve, NotFound)):
        with pytest.raises(refusal):
            await conversations.update_conversation(
                builder.db, actor, room, UpdateConversation(title="x"), builder.now
            )
    with pytest.raises(NotFound):
        await conversations.show_conversation(builder.db, eve, room)
