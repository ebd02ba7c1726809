"""The full-text search of messages, and what keeps its index."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import message_from_row
from rustygpt_shared.models.messages import MessageView


class SearchTerm(Struct, frozen=True):
    """A word, or several that follow each other."""

    alternative: int
    """A message has to fulfil all terms of one alternative."""
    text: str
    is_prefix: bool = False
    is_negated: bool = False


class SearchFilter(Struct, frozen=True):
    """What messages have to fulfil beside their words."""

    conversation_id: UUID | None = None
    root_id: UUID | None = None
    """A thread, which decides the conversation, too."""
    title: str | None = None
    """That of the conversation, if it has no id here."""
    author: str | None = None
    """A user name in lower case, or `assistant`."""
    has_code: bool = False
    after: datetime | None = None
    before: datetime | None = None


class FoundMessages(Struct, frozen=True):
    """A page of a search."""

    messages: list[tuple[str, str, MessageView]]
    """The title of each message's conversation, the excerpt of its thread, and the message."""
    words: list[str]
    """What the search looks for, in lower case and without endings."""
    complete: bool
    next: tuple[datetime, UUID] | None
    """The position at which the search goes on, or None at its end."""


async def search_messages(
    db: Database,
    actor: UUID,
    search_filter: SearchFilter,
    terms: Sequence[SearchTerm],
    cursor: tuple[datetime, UUID] | None,
    limit: int,
    now: datetime,
) -> FoundMessages:
    """Return messages that fulfil a search, latest first.

    Raises NotFound for an unknown conversation, ValidationFailed for an unknown title or author.
    """
    rows = await db.fetch(
        "SELECT * FROM rustygpt.search_messages($1, $2, $3, $4, $5, $6, $7)",
        actor,
        tuple(getattr(search_filter, name) for name in SearchFilter.__struct_fields__),
        [tuple(getattr(term, name) for name in SearchTerm.__struct_fields__) for term in terms],
        cursor and cursor[0],
        cursor and cursor[1],
        limit,
        now,
    )
    if not rows:
        return FoundMessages([], [], complete=True, next=None)
    found = [(row[4], row[5], message_from_row(*row[6:])) for row in rows if row[6] is not None]
    position = (rows[0][0], rows[0][1]) if rows[0][1] else None
    return FoundMessages(found, rows[0][3], complete=rows[0][2], next=position)


async def set_search_language(db: Database, language: str) -> None:
    """Set the language of the words; raise ValidationFailed for one that PostgreSQL lacks."""
    await db.fetch_value("SELECT rustygpt.set_search_language($1)", language)


async def fill_search(db: Database, batch: int) -> int:
    """Write the words of older messages; return of how many, 0 when none is left."""
    return int(await db.fetch_value("SELECT rustygpt.fill_search($1)", batch))
