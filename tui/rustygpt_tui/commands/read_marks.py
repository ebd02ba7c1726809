"""Marking as read what a command has printed, and nothing that its user has not seen.

Everything up to a read marker is read. So it moves only over messages that were printed, that the
user wrote, or that are deleted: it stops before the first message that nobody has shown the user.
"""

import asyncio
from contextlib import suppress
from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import ClientError

PAGE_SIZE = 200
MAX_SECONDS = 5.0
MAX_PAGES = 5
"""How far one call looks for the end of the run; the next call continues from there."""


class ReadMarks:
    """Moves the user's read markers over printed messages."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._me: UUID | None = None

    async def mark(self, root_id: UUID, printed: set[UUID]) -> None:
        """Move the marker of a thread over the longest run of printed and own messages.

        Removes from `printed` what is read then, so that a message that the user marks as unread
        later stays unread. An error is ignored: the messages stay unread.
        """
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(MAX_SECONDS):
                await self._mark(root_id, printed)

    async def _mark(self, root_id: UUID, printed: set[UUID]) -> None:
        seen = set(printed)
        # A marker never moves back to 0: the response says where it is.
        before = await self._client.mark_read(root_id, seq=0)
        if before.unread == 0:
            printed.difference_update(seen)
            return
        if self._me is None:
            self._me = (await self._client.me()).user.id
        run = await self._run(root_id, before.read_seq, printed)
        if run:
            await self._client.mark_read(root_id, seq=run[-1].seq)
            printed.difference_update(message.id for message in run)

    async def _run(self, root_id: UUID, read_seq: int, printed: set[UUID]) -> list[MessageView]:
        """Return the messages after the marker up to the first one that was not seen."""
        run: list[MessageView] = []
        for _ in range(MAX_PAGES):
            after_seq = run[-1].seq if run else read_seq
            page = await self._client.list_messages(root_id, after_seq=after_seq, limit=PAGE_SIZE)
            for message in page.messages:
                is_own = message.author_user_id == self._me
                if not (is_own or message.deleted_at or message.id in printed):
                    return run
                run.append(message)
            if page.next_cursor is None:
                break
        return run
