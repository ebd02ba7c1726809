"""The drafts and unsent posts of one account at one server, by the place where they are written.

A full disk or a broken database loses drafts on disk, but never stops the chat.
"""

import sqlite3
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from rustygpt_tui.store.drafts import Draft, DraftKey, Drafts, UnsentPost

T = TypeVar("T")


class AccountDrafts:
    """Drafts by place: a thread, or a conversation for a thread not started yet."""

    def __init__(self, drafts: Drafts | None, origin: str, account: str) -> None:
        """Create the drafts; without a database they are kept in memory only."""
        self._drafts = drafts
        self._origin = origin
        self._account = account
        self._by_place: dict[UUID, Draft] = {}
        self._posts: dict[str, UnsentPost] = {}
        """The posts of this run by key; the database has those of earlier ones too."""

    def get(self, place: UUID) -> Draft:
        """Return the unsent text of a place; an empty one when there is none."""
        if place in self._by_place:
            return self._by_place[place]
        return self._try(lambda drafts: drafts.get(self._key(place)), Draft())

    def save(self, place: UUID, draft: Draft) -> None:
        """Store the unsent text of a place; an empty text deletes the draft."""
        if self._by_place.get(place) != draft:
            self._by_place[place] = draft
            self._try(lambda drafts: drafts.put(self._key(place), draft), None)

    def keep_post(self, post: UnsentPost) -> None:
        """Store a post until the server acknowledged it."""
        self._posts[post.key] = post
        self._try(lambda drafts: drafts.put_post(self._origin, self._account, post), None)

    def forget_post(self, key: str) -> None:
        """Delete a post that the server acknowledged."""
        self._posts.pop(key, None)
        self._try(lambda drafts: drafts.delete_post(self._origin, self._account, key), None)

    def unsent_posts(self, place: UUID) -> list[UnsentPost]:
        """Return the unsent posts of a place, the oldest first."""
        none: list[UnsentPost] = []
        stored = self._try(lambda drafts: drafts.unsent_posts(self._key(place)), none)
        keys = {post.key for post in stored}
        added = [p for p in self._posts.values() if p.place == place and p.key not in keys]
        return [*stored, *added]

    def _key(self, place: UUID) -> DraftKey:
        return DraftKey(self._origin, self._account, place)

    def _try(self, action: Callable[[Drafts], T], otherwise: T) -> T:
        """Return the result of an action on the database; give the database up when it fails."""
        if self._drafts is None:
            return otherwise
        try:
            return action(self._drafts)
        except sqlite3.Error:
            self._drafts = None
            return otherwise
