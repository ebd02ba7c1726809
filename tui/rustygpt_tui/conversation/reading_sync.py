"""Sends what was read to the server: the mark of a thread moves over messages that were seen.

What counts as seen is decided in `reading_tracker`.
"""

from collections.abc import Iterable
from uuid import UUID

from rustygpt_shared.models.messages import ReadMarkerResult
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.store import reading as readings
from rustygpt_tui.store.apply import with_reading
from rustygpt_tui.store.load import with_mark_result
from rustygpt_tui.store.reading import Reading
from rustygpt_tui.store.state import Changes


class ReadingSync:
    """The reader's marks in the threads of one conversation."""

    def __init__(self, session: ConversationSession) -> None:
        self._session = session
        self._client = session.client

    def reading(self, root_id: UUID) -> Reading:
        """Return what is read of a thread."""
        return self._session.loaded_state.readings.get(root_id, Reading())

    def see(self, root_id: UUID, message_ids: Iterable[UUID]) -> None:
        """Remember that messages were on screen."""
        state = self._session.loaded_state
        tree = state.trees.get(root_id)
        shown = [m for id_ in message_ids if tree and (m := tree.get(id_))]
        before = self.reading(root_id)
        unread = (message.seq for message in shown if before.has_unseen(message, state.me))
        after = readings.with_seen(before, unread)
        if after is not before:
            self._session.update(
                lambda state: with_reading(state, root_id, after)[0],
                Changes(unread=frozenset({root_id})),
            )

    def can_move(self, root_id: UUID) -> bool:
        """Return whether the mark has seen messages above it."""
        reading = self.reading(root_id)
        return reading.run_end > reading.read_seq

    async def move(self, root_id: UUID) -> None:
        """Move the mark over the run of seen messages above it; raises ClientError."""
        while self.can_move(root_id):
            seq = self.reading(root_id).run_end
            result = await self._client.mark_read(root_id, seq=seq)
            self._set(result)
            if result.read_seq < seq:
                return

    async def mark_all(self, root_id: UUID) -> None:
        """Mark all messages of a thread as read; raises ClientError."""
        self._set(await self._client.mark_read(root_id))

    async def mark_unread(self, root_id: UUID, message_id: UUID) -> None:
        """Mark a message and all later ones as unread; raises ClientError.

        The mark never moves forward by this, as earlier messages may be unread.
        """
        state = self._session.loaded_state
        tree = state.trees.get(root_id)
        message = tree.get(message_id) if tree else None
        before = self.reading(root_id)
        if message is None or message.seq <= before.read_seq:
            self._set(await self._client.mark_unread(root_id, message_id))
            return
        after = readings.without_seen_from(before, message.seq)
        self._session.update(
            lambda state: with_reading(state, root_id, after)[0],
            Changes(unread=frozenset({root_id})),
        )

    def _set(self, result: ReadMarkerResult) -> None:
        self._session.update(
            lambda state: with_mark_result(state, result),
            Changes(unread=frozenset({result.root_id})),
        )
