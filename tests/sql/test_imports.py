"""Imports in progress: nobody sees them, and those that fail leave nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import conversations, exports, imports
from rustygpt_server.db.database import Database
from rustygpt_server.db.exports import ExportScope
from rustygpt_server.errors import Conflict, NotFound
from rustygpt_server.importing.batches import BatchWriter, NewConversation, NewMessage
from rustygpt_shared import codec


async def _begin(builder: DatabaseBuilder, actor: UUID) -> UUID:
    import_id = builder.id()
    later = builder.now + timedelta(minutes=10)
    await imports.begin_import(builder.db, actor, import_id, None, later, builder.now)
    return import_id


async def _store(builder: DatabaseBuilder, actor: UUID, import_id: UUID) -> UUID:
    """Store a conversation with one message; return its id."""
    writer = BatchWriter(builder.now)
    conversation = NewConversation("T", False, "off", builder.now)
    writer.begin_conversation(conversation)
    writer.add(1, None, NewMessage("user", "hello", 1, builder.now, is_mine=True))
    writer.end_conversation()
    batch = codec.encode(writer.take()).decode()
    later = builder.now + timedelta(minutes=10)
    await imports.store_import(builder.db, actor, import_id, batch, later, builder.now)
    return conversation.id


async def _listed(db: Database, actor: UUID) -> list[UUID]:
    listed = await conversations.list_conversations(
        db, actor, archived=False, before=None, limit=10
    )
    return [conversation.id for conversation in listed]


async def test_nobody_sees_an_import_in_progress(
    builder: DatabaseBuilder, database: Database
) -> None:
    """Its conversations appear all at once."""
    ada = await builder.person("ada")
    import_id = await _begin(builder, ada)
    first = await _store(builder, ada, import_id)
    second = await _store(builder, ada, import_id)
    with pytest.raises(NotFound):
        await exports.export_messages(database, ada, ExportScope(first, 9), None, 10)
    assert await _listed(database, ada) == []
    finished = await imports.finish_import(database, ada, import_id, None, "{}", builder.now)

    assert set(finished.conversation_ids) == {first, second}
    assert finished.event_numbers == [1, 1]
    assert set(await _listed(database, ada)) == {first, second}
    page = await exports.export_messages(database, ada, ExportScope(first, 9), None, 10)
    assert [message.content for message in page.messages] == ["hello"]


async def test_an_import_that_has_ended_stores_nothing(
    builder: DatabaseBuilder, database: Database
) -> None:
    """Neither does somebody else's."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    import_id = await _begin(builder, ada)
    with pytest.raises(NotFound):
        await _store(builder, eve, import_id)
    await imports.abort_import(database, ada, import_id, builder.now)
    with pytest.raises(NotFound):
        await _store(builder, ada, import_id)
    with pytest.raises(NotFound):
        await imports.finish_import(database, ada, import_id, None, "{}", builder.now)


async def test_an_import_whose_process_died_expires(
    builder: DatabaseBuilder, database: Database, superuser: Any
) -> None:
    """After its lease; what it had stored is purged, and the account may import again."""
    ada = await builder.person("ada")
    for _ in range(2):
        await _store(builder, ada, await _begin(builder, ada))
    with pytest.raises(Conflict):
        await _begin(builder, ada)
    assert await imports.expire_imports(database, builder.now) == 0
    builder.advance_time(601)
    assert [await imports.expire_imports(database, builder.now) for _ in range(3)] == [1, 1, 0]
    while await conversations.purge_conversations(database, 500):
        pass

    await _begin(builder, ada)
    for table in ("messages", "threads", "import_conversations", "purges", "participants"):
        assert await superuser.fetchval(f"SELECT count(*) FROM rustygpt.{table}") == 0
