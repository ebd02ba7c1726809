"""The drafts of one account at one server, by the thread or conversation they belong to.

A full disk or a broken database loses drafts on disk, but never stops the chat.
"""

import sqlite3
from uuid import UUID

from rustygpt_tui.store.drafts import DraftKey, Drafts


class AccountDrafts:
    """Drafts by target id: a thread's, or a conversation's for a thread not started yet."""

    def __init__(self, drafts: Drafts | None, origin: str, account: str) -> None:
        """Create the drafts; without a database they are kept in memory only."""
        self._drafts = drafts
        self._origin = origin
        self._account = account
        self._texts: dict[UUID, str] = {}

    def get(self, target_id: UUID) -> str:
        """Return the unsent text for a target; an empty text when there is none."""
        if target_id in self._texts or self._drafts is None:
            return self._texts.get(target_id, "")
        try:
            return self._drafts.get(DraftKey(self._origin, self._account, target_id))
        except sqlite3.Error:
            return ""

    def save(self, target_id: UUID, text: str) -> None:
        """Store the unsent text for a target; an empty text deletes the draft."""
        if self._texts.get(target_id) == text:
            return
        self._texts[target_id] = text
        if self._drafts is None:
            return
        try:
            self._drafts.put(DraftKey(self._origin, self._account, target_id), text)
        except sqlite3.Error:
            self._drafts = None

    def discard_sent(self, target_id: UUID, text: str) -> None:
        """Delete the draft whose text was sent; a draft that was edited since is kept."""
        if self.get(target_id).rstrip() == text:
            self.save(target_id, "")
