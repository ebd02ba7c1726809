"""Calls about messages and the threads they stand in."""

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
    """Threads and messages; every call raises Failure.

    `key` is an idempotency key: give the same one again to repeat a post that may have arrived.
    """

    async def list_tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadPage:
        """A page of a thread, depth first."""
        return await self.call(
            "GET",
            f"/api/threads/{root_id}/tree",
            ThreadPage,
            query={"cursor_path": cursor, "limit": limit},
        )

    async def post_root(
        self, conversation_id: UUID, request: PostMessage, *, key: str | None = None
    ) -> PostedMessage:
        """Start a thread."""
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
        """Answer a message."""
        return await self.call(
            "POST",
            f"/api/messages/{parent_id}/reply",
            PostedMessage,
            body=request,
            key=key or new_key(),
        )

    async def get_message(self, id: UUID) -> MessageView:
        """One message."""
        return await self.call("GET", f"/api/messages/{id}", MessageView)

    async def list_chunks(
        self, id: UUID, *, start: int | None = None, limit: int | None = None
    ) -> list[Chunk]:
        """The stored pieces of an answer, from the piece numbered `start` on."""
        return await self.call(
            "GET",
            f"/api/messages/{id}/chunks",
            list[Chunk],
            query={"from": start, "limit": limit},
        )

    async def cancel(self, id: UUID) -> CancelResult:
        """Stop an answer in progress; stopping it again does no harm."""
        return await self.call("POST", f"/api/messages/{id}/cancel", CancelResult, idempotent=True)

    async def mark_read(
        self, root_id: UUID, *, path: str | None = None, message_id: UUID | None = None
    ) -> ReadMarkerResult:
        """Move one's mark of reading, by default to the thread's end; it never moves back."""
        return await self.call(
            "POST",
            f"/api/threads/{root_id}/read",
            ReadMarkerResult,
            body=MarkRead(path=path, message_id=message_id),
            idempotent=True,
        )
