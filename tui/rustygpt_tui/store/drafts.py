"""Drafts and unsent posts in SQLite, kept through crashes.

A draft is text that is being written: one per server, account and place. A post is a message that
was submitted and not acknowledged yet: it keeps its target and its idempotency key, so that a later
attempt sends the same thing again. With the write-ahead log, what was written is still there after
the process was killed.
"""

import json
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import UUID

from rustygpt_tui.store.attachment import Attachment

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
CREATE TABLE IF NOT EXISTS draft_extras (
    origin TEXT NOT NULL, account TEXT NOT NULL, place TEXT NOT NULL, extras TEXT NOT NULL,
    PRIMARY KEY (origin, account, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unsent_models (
    origin TEXT NOT NULL, account TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL,
    PRIMARY KEY (origin, account, key)
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
    model: str | None = None
    """The model of this message only."""
    attachments: tuple[Attachment, ...] = ()

    @property
    def is_written(self) -> bool:
        """True when there is something to send: a text, or attachments."""
        return bool(self.text or self.attachments)


class UnsentPost(NamedTuple):
    """A submitted message that the server has not acknowledged."""

    key: str
    """The idempotency key."""
    place: UUID
    message_id: UUID | None
    """The message that it replies to; None for a new thread, or when it was not known yet."""
    is_chosen: bool
    text: str
    model: str | None = None


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
            "SELECT text FROM drafts WHERE origin = ? AND account = ? AND place = ?", key
        )
        target = self._row(
            "SELECT message_id, is_chosen FROM draft_targets "
            "WHERE origin = ? AND account = ? AND place = ?",
            key,
        )
        extras = self._extras(key)
        model, attachments = json.loads(extras) if extras else (None, ())
        return Draft(
            str(text[0]) if text else "",
            UUID(target[0]) if target else None,
            bool(target and target[1]),
            model,
            tuple(Attachment(*attachment) for attachment in attachments),
        )

    def put(self, key: DraftKey, draft: Draft) -> None:
        """Store a draft; nothing is kept of an empty one."""
        columns = _columns(key)
        self._put_extras(key, draft)
        self._database.execute(
            "DELETE FROM draft_targets WHERE origin = ? AND account = ? AND place = ?", columns
        )
        if draft.text:
            self._database.execute(
                "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?, ?)",
                (*columns, _storable(draft.text), time.time()),
            )
        else:
            self._database.execute(
                "DELETE FROM drafts WHERE origin = ? AND account = ? AND place = ?", columns
            )
        if draft.is_written and draft.message_id:
            self._database.execute(
                "INSERT INTO draft_targets VALUES (?, ?, ?, ?, ?)",
                (*columns, str(draft.message_id), draft.is_chosen),
            )

    def _put_extras(self, key: DraftKey, draft: Draft) -> None:
        """Store model and attachments, if they changed: they may be large."""
        is_empty = draft.model is None and not draft.attachments
        extras = None if is_empty else json.dumps([draft.model, draft.attachments])
        if extras == self._extras(key):
            return
        if extras is None:
            self._database.execute(
                "DELETE FROM draft_extras WHERE origin = ? AND account = ? AND place = ?",
                _columns(key),
            )
        else:
            self._database.execute(
                "INSERT OR REPLACE INTO draft_extras VALUES (?, ?, ?, ?)", (*_columns(key), extras)
            )

    def _extras(self, key: DraftKey) -> str | None:
        """Return model and attachments of a draft as JSON, None without any."""
        row = self._row(
            "SELECT extras FROM draft_extras WHERE origin = ? AND account = ? AND place = ?", key
        )
        return str(row[0]) if row else None

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
        if post.model:
            self._database.execute(
                "INSERT OR REPLACE INTO unsent_models VALUES (?, ?, ?, ?)",
                (origin, account, post.key, _storable(post.model)),
            )

    def delete_post(self, origin: str, account: str, key: str) -> None:
        """Delete a post that the server acknowledged."""
        self._database.execute(
            "DELETE FROM unsent_posts WHERE origin = ? AND account = ? AND key = ?",
            (origin, account, key),
        )
        self._database.execute(
            "DELETE FROM unsent_models WHERE origin = ? AND account = ? AND key = ?",
            (origin, account, key),
        )

    def unsent_posts(self, of: DraftKey) -> list[UnsentPost]:
        """Return the unsent posts of a place, the oldest first."""
        with closing(
            self._database.execute(
                "SELECT key, place, target, is_chosen, text, model FROM unsent_posts "
                "LEFT JOIN unsent_models USING (origin, account, key) "
                "WHERE origin = ? AND account = ? AND place = ? ORDER BY written",
                _columns(of),
            )
        ) as cursor:
            return [
                UnsentPost(key, UUID(place), target and UUID(target), bool(chosen), text, model)
                for key, place, target, chosen, text, model in cursor
            ]

    def _row(self, statement: str, key: DraftKey) -> Sequence[Any] | None:
        with closing(self._database.execute(statement, _columns(key))) as cursor:
            row: Sequence[Any] | None = cursor.fetchone()
            return row


def _columns(key: DraftKey) -> tuple[str, str, str]:
    return key.origin, key.account, str(key.place)


def _storable(text: str) -> str:
    """Return a text that SQLite can store: without lone surrogates."""
    return text.encode("utf-8", "replace").decode()
