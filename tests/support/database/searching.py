"""Searches for tests of the database: what is posted is indexed first, then found by its text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import search
from rustygpt_server.services.search import BATCH
from rustygpt_server.services.search_query import parse_search


async def index(builder: DatabaseBuilder) -> int:
    """Index what is new; return how many messages."""
    total = 0
    while count := await search.fill_search(builder.db, BATCH):
        total += count
    return total


async def find_page(
    builder: DatabaseBuilder,
    actor: UUID,
    text: str,
    *,
    conversation_id: UUID | None = None,
    after: search.FoundMessages | None = None,
    limit: int = 20,
) -> search.FoundMessages:
    """Return a page of a search."""
    query = parse_search(text)
    where = query.filter
    if conversation_id:
        where = msgspec.structs.replace(where, conversation_id=conversation_id)
    cursor = after.next if after else None
    return await search.search_messages(
        builder.db, actor, where, query.terms, cursor, limit, builder.now
    )


async def find(
    builder: DatabaseBuilder, actor: UUID, text: str, conversation_id: UUID | None = None
) -> list[str]:
    """Return the texts of all messages that a search finds, latest first."""
    texts: list[str] = []
    page: search.FoundMessages | None = None
    while page is None or page.next:
        page = await find_page(builder, actor, text, conversation_id=conversation_id, after=page)
        texts += [message.content for _, _, message in page.messages]
    return texts


@asynccontextmanager
async def language(builder: DatabaseBuilder, name: str) -> AsyncIterator[None]:
    """Search in another language for a while; the database is shared by the tests of a process."""
    await search.set_search_language(builder.db, name)
    await index(builder)
    try:
        yield
    finally:
        await search.set_search_language(builder.db, "english")
        await index(builder)
