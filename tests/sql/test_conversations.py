"""The procedures in sql/procedures/conversations."""

import asyncio

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event

from rustygpt_server.db import conversations, participants
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import Conflict, Forbidden, NotFound
from rustygpt_shared import events
from rustygpt_shared.requests import CreateConversation, UpdateConversation


async def test_the_creator_owns_the_conversation(builder: DatabaseBuilder) -> None:
    """The default assistant mode is `always`, in groups `mention`."""
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


async def test_read_only_accounts_cannot_create_conversations(builder: DatabaseBuilder) -> None:
    """An account with the role read_only is refused, and so is an unknown one."""
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


async def test_a_repeated_idempotency_key_creates_one_conversation(
    builder: DatabaseBuilder,
) -> None:
    """It returns the first id; another body is refused, and after 24 hours the key is new."""
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


async def test_list_is_sorted_by_latest_activity(builder: DatabaseBuilder) -> None:
    """A page continues after the last conversation of the previous one."""
    ada = await builder.person("ada")
    conversation_ids = []
    for _ in range(5):
        builder.advance_time()
        conversation_ids.append(await builder.conversation(ada))
    builder.advance_time()
    await builder.post(ada, conversation_ids[0], "now  the\nlatest")
    first = await conversations.list_conversations(
        builder.db, ada, archived=False, before=None, limit=2
    )
    last = first[-1]
    rest = await conversations.list_conversations(
        builder.db, ada, archived=False, before=(last.last_activity_at, last.id), limit=10
    )
    assert [c.id for c in first + rest] == [conversation_ids[0], *reversed(conversation_ids[1:])]
    assert first[0].last_message_excerpt == "now the latest"


async def test_archived_conversations_are_listed_separately(builder: DatabaseBuilder) -> None:
    """An archived conversation is in the other list only, until it is restored."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)

    async def listed(*, archived: bool) -> list[object]:
        found = await conversations.list_conversations(
            builder.db, ada, archived=archived, before=None, limit=10
        )
        return [c.id for c in found]

    for archived in (True, False):
        change = UpdateConversation(archived=archived)
        await conversations.update_conversation(
            builder.db, ada, conversation_id, change, builder.now
        )
        assert await listed(archived=archived) == [conversation_id]
        assert await listed(archived=not archived) == []


async def test_update_logs_an_event_equal_to_the_conversation(builder: DatabaseBuilder) -> None:
    """The event equals what the API shows; an update without a change logs no event."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    change = UpdateConversation(title='a "b"\n', model="m", system_prompt="be\u2028kind")
    changed = await conversations.update_conversation(
        builder.db, ada, conversation_id, change, builder.advance_time()
    )
    (event,) = map(decoded_event, changed.events)
    assert isinstance(event, events.ConversationUpdated)
    info = event.payload.conversation
    shown = changed.conversation
    for field in info.__struct_fields__:
        assert getattr(info, field) == getattr(shown, field)
    assert event.id == shown.last_event_id == "evt_1"
    again = await conversations.update_conversation(
        builder.db, ada, conversation_id, change, builder.advance_time()
    )
    assert again.events == []
    none = UpdateConversation(model=None)
    changed = await conversations.update_conversation(
        builder.db, ada, conversation_id, none, builder.advance_time()
    )
    assert changed.conversation.model is None
    assert changed.conversation.system_prompt == "be\u2028kind"


async def test_only_owners_and_administrators_see_the_system_prompt(
    builder: DatabaseBuilder,
) -> None:
    """In the list, in the conversation, and after a change; events do not carry it."""
    people = {role: await builder.person(role) for role in ("owner", "admin", "member", "viewer")}
    owner = people["owner"]
    conversation_id = await builder.conversation(owner)
    for role in ("admin", "member", "viewer"):
        await participants.add_participant(
            builder.db, owner, conversation_id, people[role], role, builder.now
        )
    change = UpdateConversation(title="Tea", system_prompt="Keep this secret.")
    changed = await conversations.update_conversation(
        builder.db, people["admin"], conversation_id, change, builder.advance_time()
    )
    assert changed.conversation.system_prompt == "Keep this secret."
    assert "secret" not in changed.events[0].payload
    for role, person in people.items():
        shown = await conversations.show_conversation(builder.db, person, conversation_id)
        (listed,) = await conversations.list_conversations(
            builder.db, person, archived=False, before=None, limit=10
        )
        expected = "Keep this secret." if role in ("owner", "admin") else None
        assert (shown.system_prompt, listed.system_prompt) == (expected, expected), role


async def test_only_administrators_may_update(builder: DatabaseBuilder) -> None:
    """Members are refused; for non-participants the conversation does not exist."""
    ada, bob, eve = [await builder.person(n) for n in ("ada", "bob", "eve")]
    conversation_id = await builder.conversation(ada, bob)
    for actor, refusal in ((bob, Forbidden), (eve, NotFound)):
        with pytest.raises(refusal):
            await conversations.update_conversation(
                builder.db, actor, conversation_id, UpdateConversation(title="x"), builder.now
            )
    with pytest.raises(NotFound):
        await conversations.show_conversation(builder.db, eve, conversation_id)
