"""Drafts and unsent posts in SQLite, kept through crashes.

A draft is text that is being written: one per server, account and place. A post is a message that
was submitted and not acknowledged yet: it keeps its target and its idempotency key, so that a later
attempt sends the same thing again. With the write-ahead log, what was written is still there after
the process was killed.
"""

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import UUID

_TABLES = """
CREATE TABLE IF NOT EXISTS drafts (
    origin TEXT NOT NULL, account TEXT NOT NULL, place TEXT NOT NULL,
    text TEXT NOT NULL, written REAL NOT NULL,
    PRIMARY KEY (origin, account, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS draft_targets (
    origin TEXT NOT NULL, account TEXT NOT NULL, place TEXT NOT NULL,
    message_id TEXT NOT NULL, is_chosen INTEGER NOT NULL,
    PRIMARY KEY (origin, account, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unsent_posts (
    origin TEXT NOT NULL, account TEXT NOT NULL, key TEXT NOT NULL,
    place TEXT NOT NULL, target TEXT, is_chosen INTEGER NOT NULL,
    text TEXT NOT NULL, written REAL NOT NULL,
    PRIMARY KEY (origin, account, key)
) WITHOUT ROWID;
"""


class DraftKey(NamedTuple):
    """Whose draft it is, and where it is written.

    `place` is the thread, or the conversation for a thread that is not started yet.
    """

    origin: str
    account: str
    place: UUID


class Draft(NamedTuple):
    """A text that is being written, and the message that it replies to, if that is fixed."""

    text: str = ""
    message_id: UUID | None = None
    is_chosen: bool = False
    """True when the user selected that message."""


class UnsentPost(NamedTuple):
    """A submitted message that the server has not acknowledged."""

    key: str
    """The idempotency key."""
    place: UUID
    message_id: UUID | None
    """The message that it replies to; None for a new thread, or when it was not known yet."""
    is_chosen: bool
    text: str


class Drafts:
    """The drafts and unsent posts in the database at `path`, which is created when missing.

    To be used from one thread only. Every method raises sqlite3.Error when the file is not such a
    database or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._database = sqlite3.connect(path, isolation_level=None, timeout=5)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def get(self, key: DraftKey) -> Draft:
        """Return the draft of a key, or an empty one."""
        text = self._row(
            "SELECT text FROM drafts WHERE origin = ? AND account = ? AND place = ?", _columns(key)
        )
        target = self._row(
            "SELECT message_id, is_chosen FROM draft_targets "
            "WHERE origin = ? AND account = ? AND place = ?",
            _columns(key),
        )
        if text is None:
            return Draft()
        return Draft(str(text[0]), *((UUID(target[0]), bool(target[1])) if target else ()))

    def put(self, key: DraftKey, draft: Draft) -> None:
        """Store a draft; one without text is deleted."""
        columns = _columns(key)
        self._database.execute(
            "DELETE FROM draft_targets WHERE origin = ? AND account = ? AND place = ?", columns
        )
        if not draft.text:
            self._database.execute(
                "DELETE FROM drafts WHERE origin = ? AND account = ? AND place = ?", columns
            )
            return
        self._database.execute(
            "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?, ?)",
            (*columns, _storable(draft.text), time.time()),
        )
        if draft.message_id:
            self._database.execute(
                "INSERT INTO draft_targets VALUES (?, ?, ?, ?, ?)",
                (*columns, str(draft.message_id), draft.is_chosen),
            )

    def put_post(self, origin: str, account: str, post: UnsentPost) -> None:
        """Store a post before its first attempt, or with the target that is known now."""
        target = str(post.message_id) if post.message_id else None
        self._database.execute(
            "INSERT OR REPLACE INTO unsent_posts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                origin,
                account,
                post.key,
                str(post.place),
                target,
                post.is_chosen,
                _storable(post.text),
                time.time(),
            ),
        )

    def delete_post(self, origin: str, account: str, key: str) -> None:
        """Delete a post that the server acknowledged."""
        self._database.execute(
            "DELETE FROM unsent_posts WHERE origin = ? AND account = ? AND key = ?",
            (origin, account, key),
        )

    def unsent_posts(self, key: DraftKey) -> list[UnsentPost]:
        """Return the unsent posts of a place, the oldest first."""
        with closing(
            self._database.execute(
                "SELECT key, place, target, is_chosen, text FROM unsent_posts "
                "WHERE origin = ? AND account = ? AND place = ? ORDER BY written",
                _columns(key),
            )
        ) as cursor:
            return [
                UnsentPost(row[0], UUID(row[1]), row[2] and UUID(row[2]), bool(row[3]), row[4])
                for row in cursor
            ]

    def _row(self, statement: str, columns: tuple[str, ...]) -> Sequence[Any] | None:
        with closing(self._database.execute(statement, columns)) as cursor:
            row: Sequence[Any] | None = cursor.fetchone()
            return row


def _columns(key: DraftKey) -> tuple[str, str, str]:
    return key.origin, key.account, str(key.place)


def _storable(text: str) -> str:
    """Return a text that SQLite can store: without lone surrogates."""
    return text.encode("utf-8", "replace").decode()
