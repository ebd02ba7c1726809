"""The procedures that delete a conversation, and purge what was in it."""

from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.streams.decoded_events import decoded_event

from rustygpt_server.db import answers, conversations, messages, participants, threads
from rustygpt_server.db import events as db_events
from rustygpt_server.db.answers import AnswerResult
from rustygpt_server.errors import Conflict, Forbidden, NotFound
from rustygpt_shared import events
from rustygpt_shared.ids import event_id
from rustygpt_shared.requests import EditMessage, MarkRead


async def _filled(builder: DatabaseBuilder, owner: UUID, *others: UUID) -> UUID:
    """A conversation with threads, replies, answers in progress, marks and revisions."""
    conversation_id = await builder.conversation(owner, *others, mode="always")
    for _ in range(3):
        root = (await builder.post(owner, conversation_id)).posted.message_id
        for _ in range(3):
            await builder.reply(owner, root)
        await threads.mark_read(builder.db, owner, root, MarkRead())
    await messages.edit_message(builder.db, owner, root, EditMessage("new"), builder.now)
    return conversation_id


async def _rows_of(superuser: Any, conversation_id: UUID) -> dict[str, int]:
    """How many rows each table has of a conversation, tables without any left out.

    The logs of access changes and of the audit outlive a conversation.
    """
    tables = await superuser.fetch(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'rustygpt' "
        "AND column_name = 'conversation_id' "
        "AND table_name NOT IN ('access_changes', 'audit_entries')"
    )
    counts = {
        name: await superuser.fetchval(
            f"SELECT count(*) FROM rustygpt.{name} WHERE conversation_id = $1", conversation_id
        )
        for (name,) in tables
    }
    return {name: count for name, count in counts.items() if count}


async def test_a_deleted_conversation_is_gone_at_once(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """For everybody, its owner included; its last event is in the log, and its id stays taken."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await _filled(builder, ada, bob)
    before = await conversations.show_conversation(builder.db, ada, conversation_id)
    (event,) = await conversations.delete_conversation(
        builder.db, ada, conversation_id, builder.now
    )
    decoded = decoded_event(event)
    assert isinstance(decoded, events.ConversationDeleted)
    assert decoded.payload.conversation_id == conversation_id
    assert before.last_event_id == event_id(event.number - 1)
    for reader in (ada, bob):
        with pytest.raises(NotFound):
            await conversations.show_conversation(builder.db, reader, conversation_id)
        with pytest.raises(NotFound):
            await builder.post(reader, conversation_id)
    with pytest.raises(NotFound):
        await conversations.delete_conversation(builder.db, ada, conversation_id, builder.now)
    assert await _rows_of(superuser, conversation_id) != {}
    positions = await db_events.list_positions(builder.db, [conversation_id])
    assert positions == {conversation_id: event.number}


async def test_a_purge_deletes_all_but_the_tombstone(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """In batches; other conversations keep what they have, and the position stays."""
    ada = await builder.person("ada")
    kept = await _filled(builder, ada)
    kept_rows = await _rows_of(superuser, kept)
    conversation_id = await _filled(builder, ada)
    (event,) = await conversations.delete_conversation(
        builder.db, ada, conversation_id, builder.now
    )
    calls = 0
    while await conversations.purge_conversations(builder.db, 4):
        calls += 1
    assert calls > 6
    assert await _rows_of(superuser, conversation_id) == {"events": 1}
    assert await _rows_of(superuser, kept) == kept_rows
    assert await superuser.fetchval("SELECT count(*) FROM rustygpt.read_markers") == 3
    (last,) = await db_events.read_events(builder.db, conversation_id, 0, 10)
    assert (last.type, last.number) == ("conversation.deleted", event.number)


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
async def test_only_owners_delete_a_conversation(builder: DatabaseBuilder, role: Any) -> None:
    """Everybody else is refused, and nothing has changed."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada)
    await participants.add_participant(builder.db, ada, conversation_id, bob, role, builder.now)
    with pytest.raises(Forbidden, match="owner"):
        await conversations.delete_conversation(builder.db, bob, conversation_id, builder.now)
    assert (await conversations.show_conversation(builder.db, bob, conversation_id)).role == role


async def test_an_answer_in_progress_does_not_outlive_its_conversation(
    builder: DatabaseBuilder,
) -> None:
    """Its process loses the lease, before and after the purge."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    answer = (await builder.post(ada, conversation_id)).answer
    assert answer
    await conversations.delete_conversation(builder.db, ada, conversation_id, builder.now)
    result = AnswerResult("text", "stop")
    for _ in range(2):
        with pytest.raises(Conflict):
            await answers.append_chunks(
                builder.db, answer.message_id, INSTANCE_ID, 0, ["x"], builder.now
            )
        ended = await answers.finish_answer(
            builder.db, answer.message_id, INSTANCE_ID, result, builder.now
        )
        assert ended == []
        while await conversations.purge_conversations(builder.db, 100):
            pass
