"""Exports of conversations: what is in them, and in which order.

An export is read in pages, each by one statement: between two pages it holds neither a connection
nor a transaction, however slowly its client reads. It has the messages that existed when it began.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from msgspec import structs

from rustygpt_server.clock import Clock
from rustygpt_server.db import conversations, exports, messages, participants
from rustygpt_server.db.database import Database
from rustygpt_server.db.exports import ExportPage, ExportScope
from rustygpt_server.errors import Conflict, NotFound, Unavailable
from rustygpt_server.services.export_json import ExportWriter, JsonLinesWriter, JsonWriter
from rustygpt_server.services.export_markdown import MarkdownWriter
from rustygpt_shared.ids import event_number
from rustygpt_shared.models.conversations import Conversation, Participant
from rustygpt_shared.models.exports import (
    EXPORT_FORMAT,
    EXPORT_VERSION,
    ExportedConversation,
    ExportedMessage,
    ExportedParticipant,
    ExportedRevision,
    ExportFileFormat,
    ExportFooter,
    ExportHeader,
)
from rustygpt_shared.models.messages import Revision

PAGE: Final = 200
"""Messages of a page; it also ends at 1 MiB."""
REVISIONS_PAGE: Final = 100
MAX_QUERIES: Final = 3
"""How many pages of exports are queried at once, so that connections are left for all others."""
MAX_OF_USER: Final = 8
MAX_AT_ONCE: Final = 100
"""How many exports a process sends at once: each keeps a page in memory for a slow client."""
_WRITERS: Final[dict[ExportFileFormat, type[ExportWriter]]] = {
    "jsonl": JsonLinesWriter,
    "json": JsonWriter,
    "markdown": MarkdownWriter,
}


class Exports:
    """The exports of one server."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._queries = asyncio.Semaphore(MAX_QUERIES)
        self._running: Counter[UUID] = Counter()

    @contextmanager
    def place(self, actor: UUID) -> Iterator[None]:
        """Count an export while it is sent; raises Conflict or Unavailable when there are many."""
        if self._running[actor] >= MAX_OF_USER:
            raise Conflict("You are exporting too much at once; try again when one is done.")
        if self._running.total() >= MAX_AT_ONCE:
            raise Unavailable("Others are exporting; try again in a minute.")
        self._running[actor] += 1
        try:
            yield
        finally:
            self._running[actor] -= 1
            self._running += Counter()  # without users who have none

    async def export_conversation(
        self,
        actor: UUID,
        conversation_id: UUID,
        root_id: UUID | None,
        file_format: ExportFileFormat,
        base_url: str,
    ) -> "Export":
        """Return an export whose beginning has been read; `base_url` is that of the links."""
        conversation = await conversations.show_conversation(self._db, actor, conversation_id)
        people = await participants.list_participants(self._db, actor, conversation_id)
        position = event_number(conversation.last_event_id or "") or 0
        scope = ExportScope(conversation_id, position, root_id)
        reader = _Reader(self._db, self._queries, actor, scope)
        first = await reader.page(None)
        if root_id and not first.messages:
            raise NotFound("There is no such thread in this conversation.")
        header = ExportHeader(
            EXPORT_FORMAT,
            EXPORT_VERSION,
            self._clock.now(),
            _conversation(conversation),
            [_participant(person) for person in people.items],
            root_id,
        )
        names = {person.user_id: person.username for person in people.items}
        may_see_revisions = conversation.role in ("owner", "admin")
        writer = _WRITERS[file_format]()
        return Export(header, first, reader, writer, names if may_see_revisions else None, base_url)

    async def record(self, actor: UUID, export: "Export", file_format: ExportFileFormat) -> None:
        """Write an audit entry about an export that is about to be sent."""
        header = export.header
        await exports.record_export(
            self._db, actor, header.conversation.id, header.root_id, file_format
        )


class _Reader:
    """Reads the pages of one export."""

    def __init__(
        self, db: Database, queries: asyncio.Semaphore, actor: UUID, scope: ExportScope
    ) -> None:
        self._db = db
        self._queries = queries
        self._actor = actor
        self._scope = scope

    async def page(self, after: tuple[UUID, str] | None) -> ExportPage:
        """Return the page after a place."""
        async with self._queries:
            return await exports.export_messages(self._db, self._actor, self._scope, after, PAGE)

    async def revisions(self, message_id: UUID) -> AsyncIterator[list[Revision]]:
        """Yield the earlier texts of a message, latest first, in pages."""
        before: int | None = None
        more = True
        while more:
            async with self._queries:
                page, more = await messages.list_revisions(
                    self._db, self._actor, message_id, before, REVISIONS_PAGE
                )
            yield page
            before = page[-1].number if page else before


class Export:
    """One export, which is read once."""

    def __init__(
        self,
        header: ExportHeader,
        first: ExportPage,
        reader: _Reader,
        writer: ExportWriter,
        names: dict[UUID, str] | None,
        base_url: str,
    ) -> None:
        """`names` are user names by id; without them, the reader may not see revisions."""
        self.header = header
        self.writer = writer
        self._page = first
        self._reader = reader
        self._names = names
        self._base_url = base_url
        self._footer = ExportFooter(0, 0)

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the file; raises RequestError when it cannot be completed."""
        yield self.writer.header(self.header)
        while self._page.messages:
            for message in self._page.messages:
                self._count(message)
                linked = structs.replace(message, url=f"{self._base_url}/#/m/{message.id}")
                async for part in self.writer.message(linked, self._revisions(message)):
                    yield part
            self._page = await self._reader.page(self._page.last)
        yield self.writer.footer(self._footer)

    def _count(self, message: ExportedMessage) -> None:
        threads = self._footer.threads + (message.depth == 1)
        self._footer = ExportFooter(self._footer.messages + 1, threads)

    async def _revisions(
        self, message: ExportedMessage
    ) -> AsyncIterator[Sequence[ExportedRevision]]:
        if self._names is None or not (message.edited_at or message.deleted_at):
            return
        async for page in self._reader.revisions(message.id):
            yield [_revision(revision, self._names) for revision in page]


def _conversation(conversation: Conversation) -> ExportedConversation:
    return ExportedConversation(
        conversation.id,
        conversation.title,
        conversation.is_group,
        conversation.assistant_mode,
        conversation.created_at,
        conversation.model,
        conversation.system_prompt,
        conversation.archived_at,
    )


def _participant(person: Participant) -> ExportedParticipant:
    return ExportedParticipant(person.username, person.role, person.joined_at, person.display_name)


def _revision(revision: Revision, names: dict[UUID, str]) -> ExportedRevision:
    return ExportedRevision(
        revision.number,
        revision.content,
        revision.written_at,
        revision.change,
        revision.replaced_at,
        names.get(revision.replaced_by),
        revision.reasoning,
        revision.reason,
    )
