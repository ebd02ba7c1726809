"""The pages of exports: their order, their bounds, and what a participant gets."""

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import conversations, exports
from rustygpt_server.db.database import Database
from rustygpt_server.db.exports import ExportScope
from rustygpt_server.errors import NotFound
from rustygpt_shared.ids import event_number


async def _scope(builder: DatabaseBuilder, db: Database, actor: object, id: object) -> ExportScope:
    shown = await conversations.show_conversation(db, actor, id)  # type: ignore[arg-type]
    return ExportScope(id, event_number(shown.last_event_id or "") or 0)  # type: ignore[arg-type]


async def test_pages_of_any_size_have_all_messages_once(
    builder: DatabaseBuilder, database: Database
) -> None:
    """By thread, then depth first; a page may end within a thread or at its end."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    expected = []
    for _ in range(4):
        builder.advance_time()
        root = (await builder.post(ada, conversation_id)).posted.message_id
        first = (await builder.reply(ada, root)).posted.message_id
        second = (await builder.reply(ada, root)).posted.message_id
        nested = (await builder.reply(ada, first)).posted.message_id
        expected += [root, first, nested, second]
    scope = await _scope(builder, database, ada, conversation_id)
    await builder.post(ada, conversation_id)
    for limit in (1, 2, 3, 4, 5, 16, 200):
        after, found, pages = None, [], 0
        while (page := await exports.export_messages(database, ada, scope, after, limit)).messages:
            assert len(page.messages) <= limit
            found += [message.id for message in page.messages]
            after, pages = page.last, pages + 1
        assert found == expected
        assert pages == -(-16 // limit)


async def test_a_page_ends_at_a_mebibyte(builder: DatabaseBuilder, database: Database) -> None:
    """It has at least one message."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    for _ in range(8):
        builder.advance_time()
        await builder.post(ada, conversation_id, content="🦀" * 65_536)
    scope = await _scope(builder, database, ada, conversation_id)
    page = await exports.export_messages(database, ada, scope, None, 200)

    assert len(page.messages) == 3


async def test_only_participants_get_messages(builder: DatabaseBuilder, database: Database) -> None:
    """The right is checked for every page."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    conversation_id = await builder.conversation(ada)
    await builder.post(ada, conversation_id)
    scope = await _scope(builder, database, ada, conversation_id)
    with pytest.raises(NotFound):
        await exports.export_messages(database, eve, scope, None, 10)
