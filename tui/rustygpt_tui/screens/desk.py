"""What lies on the person's desk between conversations: the drafts of one account at one server.

A disk that is full or a database that is broken costs the drafts, never the chat.
"""

import sqlite3
from uuid import UUID

from rustygpt_tui.store.drafts import Drafts, Place


class Desk:
    """Drafts by place; without a database nothing is kept."""

    def __init__(self, drafts: Drafts | None, origin: str, account: str) -> None:
        self._drafts = drafts
        self._origin = origin
        self._account = account
        self._written: dict[UUID, str] = {}

    def draft(self, at: UUID) -> str:
        """What was written at a place and not sent."""
        if at in self._written or self._drafts is None:
            return self._written.get(at, "")
        try:
            return self._drafts.get(Place(self._origin, self._account, at))
        except sqlite3.Error:
            return ""

    def keep_draft(self, at: UUID, text: str) -> None:
        """Keep what is written; an empty text is dropped."""
        if self._written.get(at) == text:
            return
        self._written[at] = text
        if self._drafts is None:
            return
        try:
            self._drafts.put(Place(self._origin, self._account, at), text)
        except sqlite3.Error:
            self._drafts = None

    def forget_draft(self, at: UUID, text: str) -> None:
        """A text was sent; what was written since stays."""
        if self.draft(at).rstrip() == text:
            self.keep_draft(at, "")
