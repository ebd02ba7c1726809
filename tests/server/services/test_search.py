"""The search service: its language, and its index."""

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.database.searching import find
from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.db.database import Database
from rustygpt_server.errors import StartupError
from rustygpt_server.services.search import BATCH, Search


async def test_an_unknown_language_stops_the_start(database: Database) -> None:
    """The sentence names it and the setting."""
    with pytest.raises(StartupError, match='search.language cannot be used.*"klingon"'):
        await Search(database, "klingon", FakeClock()).set_language()


async def test_fill_indexes_all_that_is_new(builder: DatabaseBuilder) -> None:
    """More than one batch of it."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    for _ in range(BATCH + 1):
        await builder.post(ada, conversation_id, "word")
    await Search(builder.db, "english", FakeClock()).fill()

    assert len(await find(builder, ada, "word ")) == BATCH + 1
