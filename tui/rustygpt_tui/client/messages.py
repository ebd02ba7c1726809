"""Calls for threads and messages."""

from uuid import UUID

from rustygpt_shared.models.messages import (
    CancelResult,
    Chunk,
    MessageView,
    PostedMessage,
    ReadMarkerResult,
    RevisionList,
    ThreadPage,
)
from rustygpt_shared.requests import (
    DeleteMessage,
    EditMessage,
    MarkRead,
    MarkUnread,
    PostMessage,
    Regenerate,
)
from rustygpt_tui.client.transport import Transport, new_key


class MessageCalls(Transport):
    """Calls for threads and messages; each raises ClientError.

    `key` is an idempotency key: a repeated post with the same key has no further effect. Without
    `may_wait` a post beyond the rate limit raises RateLimited at once.
    """

    async def list_tree(
        self,
        root_id: UUID,
        *,
        cursor: str | None = None,
        before: str | None = None,
        around: UUID | None = None,
        limit: int | None = None,
    ) -> ThreadPage:
        """Return a page of a thread's messages, depth first.

        It is after the path `cursor`, or directly before the path `before`, or has the message
        `around` in its middle; at most one of them may be given.
        """
        return await self.call(
            "GET",
            f"/api/threads/{root_id}/tree",
            ThreadPage,
            query={
                "cursor_path": cursor,
                "before_path": before,
                "around": str(around) if around else None,
                "limit": limit,
            },
        )

    async def list_messages(
        self,
        root_id: UUID,
        *,
        after_seq: int = 0,
        before_seq: int | None = None,
        limit: int | None = None,
    ) -> ThreadPage:
        """Return messages of a thread by `seq`: after one, or directly below `before_seq`."""
        return await self.call(
            "GET",
            f"/api/threads/{root_id}/messages",
            ThreadPage,
            query={
                "after_seq": after_seq if before_seq is None else None,
                "before_seq": before_seq,
                "limit": limit,
            },
        )

    async def post_root(
        self,
        conversation_id: UUID,
        request: PostMessage,
        *,
        key: str | None = None,
        may_wait: bool = True,
    ) -> PostedMessage:
        """Post the root of a new thread."""
        return await self.call(
            "POST",
            f"/api/threads/{conversation_id}/root",
            PostedMessage,
            body=request,
            key=key or new_key(),
            may_wait=may_wait,
        )

    async def reply(
        self,
        parent_id: UUID,
        request: PostMessage,
        *,
        key: str | None = None,
        may_wait: bool = True,
    ) -> PostedMessage:
        """Post a reply to a message."""
        return await self.call(
            "POST",
            f"/api/messages/{parent_id}/reply",
            PostedMessage,
            body=request,
            key=key or new_key(),
            may_wait=may_wait,
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

    async def regenerate_answer(
        self, id: UUID, *, model: str | None = None, key: str | None = None
    ) -> PostedMessage:
        """Start another answer beside an answer; `answer_id` names it."""
        return await self.call(
            "POST",
            f"/api/messages/{id}/regenerate",
            PostedMessage,
            body=Regenerate(model),
            key=key or new_key(),
        )

    async def edit_message(self, id: UUID, request: EditMessage) -> None:
        """Replace the text of a message; repeating the call has no effect."""
        await self.call_no_content(
            "POST", f"/api/messages/{id}/edit", body=request, idempotent=True
        )

    async def delete_message(self, id: UUID, *, reason: str | None = None) -> None:
        """Delete a message; repeating the call has no effect."""
        await self.call_no_content(
            "POST", f"/api/messages/{id}/delete", body=DeleteMessage(reason), idempotent=True
        )

    async def restore_message(self, id: UUID) -> None:
        """Restore a deleted message; repeating the call has no effect."""
        await self.call_no_content("POST", f"/api/messages/{id}/restore", idempotent=True)

    async def list_revisions(
        self, id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> RevisionList:
        """Return a page of the earlier texts of a message, latest first."""
        return await self.call(
            "GET",
            f"/api/messages/{id}/revisions",
            RevisionList,
            query={"cursor": cursor, "limit": limit},
        )

    async def mark_read(
        self,
        root_id: UUID,
        *,
        seq: int | None = None,
        path: str | None = None,
        message_id: UUID | None = None,
    ) -> ReadMarkerResult:
        """Move the caller's read marker forward, by default to the end of the thread."""
        return await self.call(
            "POST",
            f"/api/threads/{root_id}/read",
            ReadMarkerResult,
            body=MarkRead(seq=seq, path=path, message_id=message_id),
            idempotent=True,
        )

    async def mark_unread(self, root_id: UUID, message_id: UUID) -> ReadMarkerResult:
        """Set the caller's read marker just before a message."""
        return await self.call(
            "POST",
            f"/api/threads/{root_id}/unread",
            ReadMarkerResult,
            body=MarkUnread(message_id),
            idempotent=True,
        )
