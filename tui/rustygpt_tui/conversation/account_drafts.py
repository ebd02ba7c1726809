"""What lies on the person's desk between conversations: the drafts of one account at one server.

A disk that is full or a database that is broken costs the drafts, never the chat.
"""

import sqlite3
from uuid import UUID

from rustygpt_tui.store.drafts import DraftKey, Drafts


class AccountDrafts:
    """Drafts by place; without a database nothing is kept."""

    def __init__(self, drafts: Drafts | None, origin: str, account: str) -> None:
        self._drafts = drafts
        self._origin = origin
        self._account = account
        self._texts: dict[UUID, str] = {}

    def get(self, target_id: UUID) -> str:
        """What was written at a place and not sent."""
        if target_id in self._texts or self._drafts is None:
            return self._texts.get(target_id, "")
        try:
            return self._drafts.get(DraftKey(self._origin, self._account, target_id))
        except sqlite3.Error:
            return ""

    def save(self, target_id: UUID, text: str) -> None:
        """Keep what is written; an empty text is dropped."""
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
        """A text was sent; what was written since stays."""
        if self.get(target_id).rstrip() == text:
            self.save(target_id, "")
