"""Calls for threads and messages."""

from uuid import UUID

from rustygpt_shared.models.messages import (
    CancelResult,
    Chunk,
    MessageView,
    PostedMessage,
    ReadMarkerResult,
    ThreadPage,
)
from rustygpt_shared.requests import MarkRead, PostMessage
from rustygpt_tui.client.transport import Transport, new_key


class MessageCalls(Transport):
    """Calls for threads and messages; each raises ClientError.

    `key` is an idempotency key: a repeated post with the same key has no further effect.
    """

    async def list_tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadPage:
        """Return a page of a thread's messages, depth first."""
        return await self.call(
            "GET",
            f"/api/threads/{root_id}/tree",
            ThreadPage,
            query={"cursor_path": cursor, "limit": limit},
        )

    async def post_root(
        self, conversation_id: UUID, request: PostMessage, *, key: str | None = None
    ) -> PostedMessage:
        """Post the root of a new thread."""
        return await self.call(
            "POST",
            f"/api/threads/{conversation_id}/root",
            PostedMessage,
            body=request,
            key=key or new_key(),
        )

    async def reply(
        self, parent_id: UUID, request: PostMessage, *, key: str | None = None
    ) -> PostedMessage:
        """Post a reply to a message."""
        return await self.call(
            "POST",
            f"/api/messages/{parent_id}/reply",
            PostedMessage,
            body=request,
            key=key or new_key(),
        )

    async def get_message(self, id: UUID) -> MessageView:
        """Return a message."""
        return await self.call("GET", f"/api/messages/{id}", MessageView)

    async def list_chunks(
        self, id: UUID, *, start: int | None = None, limit: int | None = None
    ) -> list[Chunk]:
        """Return the stored chunks of an answer, from the index `start` on."""
        return await self.call(
            "GET",
            f"/api/messages/{id}/chunks",
            list[Chunk],
            query={"from": start, "limit": limit},
        )

    async def cancel(self, id: UUID) -> CancelResult:
        """Stop an answer in progress; repeating the call has no effect."""
        return await self.call("POST", f"/api/messages/{id}/cancel", CancelResult, idempotent=True)

    async def mark_read(
        self, root_id: UUID, *, path: str | None = None, message_id: UUID | None = None
    ) -> ReadMarkerResult:
        """Move the caller's read marker forward, by default to the end of the thread."""
        return await self.call(
            "POST",
            f"/api/threads/{root_id}/read",
            ReadMarkerResult,
            body=MarkRead(path=path, message_id=message_id),
            idempotent=True,
        )
