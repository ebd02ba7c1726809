"""Reading threads: lists, trees, single messages, unread counts, and read markers."""

from datetime import datetime
from uuid import UUID

from rustygpt_server.db import messages, threads
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Page, Window
from rustygpt_server.db.threads import ReadMarker, TreeStart
from rustygpt_server.services.unread import UnreadCounter
from rustygpt_shared.models.conversations import ThreadSummary, ThreadUnread
from rustygpt_shared.models.messages import Chunk, MessageView, ReadMarkerResult
from rustygpt_shared.requests import MarkRead


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
        self, actor: UUID, root_id: UUID, start: TreeStart, limit: int
    ) -> Window[MessageView]:
        """Return messages of a thread in depth-first order.

        Raises NotFound for a page around a message of another thread.
        """
        return await threads.list_tree(self._db, actor, root_id, start, limit)

    async def list_messages(
        self, actor: UUID, root_id: UUID, *, after_seq: int, before_seq: int | None, limit: int
    ) -> Window[MessageView]:
        """Return messages of a thread by seq: after one, or directly below `before_seq`."""
        return await threads.list_messages(
            self._db, actor, root_id, after_seq=after_seq, before_seq=before_seq, limit=limit
        )

    async def list_unread(self, actor: UUID, conversation_id: UUID) -> Page[ThreadUnread]:
        """Return the threads of a conversation that have unread messages."""
        return await threads.list_unread(self._db, actor, conversation_id)

    async def mark_read(self, actor: UUID, root_id: UUID, target: MarkRead) -> ReadMarkerResult:
        """Move the actor's read marker forward, and send the new count to the actor's streams."""
        marker = await threads.mark_read(self._db, actor, root_id, target)
        return self._published(actor, marker)

    async def mark_unread(self, actor: UUID, root_id: UUID, message_id: UUID) -> ReadMarkerResult:
        """Set the actor's read marker just before a message, and send the new count likewise."""
        marker = await threads.mark_unread(self._db, actor, root_id, message_id)
        return self._published(actor, marker)

    async def get_message(self, actor: UUID, message_id: UUID) -> MessageView:
        """Return one message."""
        return await messages.get_message(self._db, actor, message_id)

    async def list_chunks(
        self, actor: UUID, message_id: UUID, first_idx: int, limit: int
    ) -> list[Chunk]:
        """Return stored chunks of an answer, from an index on."""
        return await messages.list_chunks(self._db, actor, message_id, first_idx, limit)

    def _published(self, actor: UUID, marker: ReadMarker) -> ReadMarkerResult:
        self._unread.publish_marker(actor, marker)
        return ReadMarkerResult(marker.root_id, marker.unread, marker.read_seq)
