"""Threads: lists, trees, what is unread, marks of reading."""

from datetime import datetime
from uuid import UUID

from rustygpt_server.db import messages, threads
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Page
from rustygpt_server.services.unread import UnreadCounter
from rustygpt_shared.models.conversations import ThreadSummary, ThreadUnread
from rustygpt_shared.models.messages import Chunk, MessageView, ReadMarkerResult


class Threads:
    """What is read of threads."""

    def __init__(self, db: Database, unread: UnreadCounter) -> None:
        self._db = db
        self._unread = unread

    async def list_threads(
        self, actor: UUID, conversation_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> Page[ThreadSummary]:
        """Threads of a conversation, latest activity first."""
        return await threads.list_threads(self._db, actor, conversation_id, before, limit)

    async def list_tree(
        self, actor: UUID, root_id: UUID, after_path: str | None, limit: int
    ) -> Page[MessageView]:
        """Messages of a thread, depth first."""
        return await threads.list_tree(self._db, actor, root_id, after_path, limit)

    async def list_unread(self, actor: UUID, conversation_id: UUID) -> Page[ThreadUnread]:
        """Threads that have something unread."""
        return await threads.list_unread(self._db, actor, conversation_id)

    async def mark_read(
        self, actor: UUID, root_id: UUID, path: str | None, message_id: UUID | None
    ) -> ReadMarkerResult:
        """Move one's mark, which never moves back; one's own streams hear of it."""
        mark = await threads.mark_read(self._db, actor, root_id, path, message_id)
        self._unread.publish_marker(actor, mark)
        return ReadMarkerResult(mark.root_id, mark.unread)

    async def get_message(self, actor: UUID, message_id: UUID) -> MessageView:
        """One message."""
        return await messages.get_message(self._db, actor, message_id)

    async def list_chunks(
        self, actor: UUID, message_id: UUID, first_idx: int, limit: int
    ) -> list[Chunk]:
        """Stored pieces of an answer."""
        return await messages.list_chunks(self._db, actor, message_id, first_idx, limit)
