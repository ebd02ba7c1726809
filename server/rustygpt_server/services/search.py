"""The full-text search of messages."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from rustygpt_server.clock import Clock
from rustygpt_server.db import search
from rustygpt_server.db.database import Database
from rustygpt_server.errors import BadRequest, StartupError, ValidationFailed
from rustygpt_server.services.highlighting import Highlighter
from rustygpt_server.services.search_query import parse_search
from rustygpt_shared.models.search import SearchHit

BATCH: Final = 200
"""How many messages are indexed in one transaction."""


class SearchPlace(msgspec.Struct, frozen=True):
    """Where a search looks, beside what its text says."""

    conversation_id: UUID | None = None
    root_id: UUID | None = None


class FoundPage(msgspec.Struct, frozen=True):
    """A page of a search, and where it goes on."""

    hits: list[SearchHit]
    complete: bool
    next: tuple[datetime, UUID] | None


class Search:
    """The search of one server, and its index."""

    def __init__(self, db: Database, language: str, clock: Clock) -> None:
        self._db = db
        self._language = language
        self._clock = clock

    async def set_language(self) -> None:
        """Give the index the language of the settings; raise StartupError for an unknown one."""
        try:
            await search.set_search_language(self._db, self._language)
        except ValidationFailed as error:
            raise StartupError(f"search.language cannot be used: {error.detail}") from None

    async def search_messages(
        self,
        actor: UUID,
        text: str,
        place: SearchPlace,
        cursor: tuple[datetime, UUID] | None,
        limit: int,
    ) -> FoundPage:
        """Return messages that the actor may read and that fulfil a search, latest first."""
        query = parse_search(text)
        search_filter = query.filter
        if place.conversation_id or place.root_id:
            if search_filter.title or search_filter.conversation_id:
                raise BadRequest("Name the conversation by in: or by a parameter, not by both.")
            search_filter = msgspec.structs.replace(
                search_filter, conversation_id=place.conversation_id, root_id=place.root_id
            )
        found = await search.search_messages(
            self._db, actor, search_filter, query.terms, cursor, limit, self._clock.now()
        )
        highlighter = Highlighter(query.terms, found.words)
        hits = [
            SearchHit(message, title, excerpt, highlighter.fragments(message.content))
            for title, excerpt, message in found.messages
        ]
        return FoundPage(hits, found.complete, found.next)

    async def fill(self) -> None:
        """Index what is new, and what is older than the index."""
        while await search.fill_search(self._db, BATCH):
            pass
