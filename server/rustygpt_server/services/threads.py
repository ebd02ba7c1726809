"""Reading threads: lists, trees, single messages, unread counts, and read markers."""

from datetime import datetime
from uuid import UUID

from rustygpt_server.db import messages, threads
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Page
from rustygpt_server.services.unread import UnreadCounter
from rustygpt_shared.models.conversations import ThreadSummary, ThreadUnread
from rustygpt_shared.models.messages import Chunk, MessageView, ReadMarkerResult


class Threads:
    """Reads threads. Each method raises NotFound if the actor is not a member."""

    def __init__(self, db: Database, unread: UnreadCounter) -> None:
        self._db = db
        self._unread = unread

    async def list_threads(
        self, actor: UUID, conversation_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> Page[ThreadSummary]:
        """Return the threads of a conversation, latest activity first.

        `before` is the activity time and the id of the last thread of the page before.
        """
        return await threads.list_threads(self._db, actor, conversation_id, before, limit)

    async def list_tree(
        self, actor: UUID, root_id: UUID, after_path: str | None, limit: int
    ) -> Page[MessageView]:
        """Return the messages of a thread in depth-first order, after a path."""
        return await threads.list_tree(self._db, actor, root_id, after_path, limit)

    async def list_unread(self, actor: UUID, conversation_id: UUID) -> Page[ThreadUnread]:
        """Return the threads of a conversation that have unread messages."""
        return await threads.list_unread(self._db, actor, conversation_id)

    async def mark_read(
        self, actor: UUID, root_id: UUID, path: str | None, message_id: UUID | None
    ) -> ReadMarkerResult:
        """Move the actor's read marker forward, and send the new count to the actor's streams."""
        marker = await threads.mark_read(self._db, actor, root_id, path, message_id)
        self._unread.publish_marker(actor, marker)
        return ReadMarkerResult(marker.root_id, marker.unread)

    async def get_message(self, actor: UUID, message_id: UUID) -> MessageView:
        """Return one message."""
        return await messages.get_message(self._db, actor, message_id)

    async def list_chunks(
        self, actor: UUID, message_id: UUID, first_idx: int, limit: int
    ) -> list[Chunk]:
        """Return stored chunks of an answer, from an index on."""
        return await messages.list_chunks(self._db, actor, message_id, first_idx, limit)
