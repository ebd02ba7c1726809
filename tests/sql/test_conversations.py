"""The procedures in sql/procedures/conversations."""

import asyncio

import pytest
from tests.support.events import told
from tests.support.scene import Scene

from rustygpt_server.db import conversations
from rustygpt_server.db.refusals import Conflict, Forbidden, NotFound
from rustygpt_server.db.rows import Once
from rustygpt_shared import events
from rustygpt_shared.requests import CreateConversation, UpdateConversation


async def test_the_creator_owns_the_conversation(scene: Scene) -> None:
    """The default assistant mode is `always`, in groups `mention`."""
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


async def test_read_only_accounts_cannot_create_conversations(scene: Scene) -> None:
    """An account with the role read_only is refused, and so is an unknown one."""
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


async def test_a_repeated_idempotency_key_creates_one_conversation(scene: Scene) -> None:
    """It returns the first id; another body is refused, and after 24 hours the key is new."""
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


async def test_list_is_sorted_by_latest_activity(scene: Scene) -> None:
    """A page continues after the last conversation of the previous one."""
    ada = await scene.person("ada")
    conversation_ids = []
    for _ in range(5):
        scene.tick()
        conversation_ids.append(await scene.room(ada))
    scene.tick()
    await scene.post(ada, conversation_ids[0], "now  the\nlatest")
    first = await conversations.list_conversations(
        scene.db, ada, archived=False, before=None, limit=2
    )
    last = first[-1]
    rest = await conversations.list_conversations(
        scene.db, ada, archived=False, before=(last.last_activity_at, last.id), limit=10
    )
    assert [c.id for c in first + rest] == [conversation_ids[0], *reversed(conversation_ids[1:])]
    assert first[0].last_message_excerpt == "now the latest"


async def test_archived_conversations_are_listed_separately(scene: Scene) -> None:
    """An archived conversation is in the other list only, until it is restored."""
    ada = await scene.person("ada")
    conversation_id = await scene.room(ada)

    async def listed(*, archived: bool) -> list[object]:
        found = await conversations.list_conversations(
            scene.db, ada, archived=archived, before=None, limit=10
        )
        return [c.id for c in found]

    for archived in (True, False):
        change = UpdateConversation(archived=archived)
        await conversations.update_conversation(scene.db, ada, conversation_id, change, scene.now)
        assert await listed(archived=archived) == [conversation_id]
        assert await listed(archived=not archived) == []


async def test_update_logs_an_event_equal_to_the_conversation(scene: Scene) -> None:
    """The event equals what the API shows; an update without a change logs no event."""
    ada = await scene.person("ada")
    conversation_id = await scene.room(ada)
    change = UpdateConversation(title='a "b"\n', model="m", system_prompt="be\u2028kind")
    changed = await conversations.update_conversation(
        scene.db, ada, conversation_id, change, scene.tick()
    )
    (event,) = map(told, changed.events)
    assert isinstance(event, events.ConversationUpdated)
    info = event.payload.conversation
    shown = changed.conversation
    for field in info.__struct_fields__:
        assert getattr(info, field) == getattr(shown, field)
    assert event.id == shown.last_event_id == "evt_1"
    again = await conversations.update_conversation(
        scene.db, ada, conversation_id, change, scene.tick()
    )
    assert again.events == []
    none = UpdateConversation(model=None)
    changed = await conversations.update_conversation(
        scene.db, ada, conversation_id, none, scene.tick()
    )
    assert changed.conversation.model is None
    assert changed.conversation.system_prompt == "be\u2028kind"


async def test_only_administrators_may_update(scene: Scene) -> None:
    """Members are refused; for non-participants the conversation does not exist."""
    ada, bob, eve = [await scene.person(n) for n in ("ada", "bob", "eve")]
    conversation_id = await scene.room(ada, bob)
    for actor, refusal in ((bob, Forbidden), (eve, NotFound)):
        with pytest.raises(refusal):
            await conversations.update_conversation(
                scene.db, actor, conversation_id, UpdateConversation(title="x"), scene.now
            )
    with pytest.raises(NotFound):
        await conversations.show_conversation(scene.db, eve, conversation_id)
