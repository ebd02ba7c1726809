"""Drafts in SQLite: text that was typed and not yet sent, kept through crashes.

There is one row per server, account and target. With the write-ahead log, what `put` wrote is still
there after the process was killed.
"""

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import UUID

# The column `place` holds the target's id; files with this name of it exist.
_TABLE = """
CREATE TABLE IF NOT EXISTS drafts (
    origin TEXT NOT NULL, account TEXT NOT NULL, place TEXT NOT NULL,
    text TEXT NOT NULL, written REAL NOT NULL,
    PRIMARY KEY (origin, account, place)
) WITHOUT ROWID
"""


class DraftKey(NamedTuple):
    """What a draft is for.

    `target_id` is the message it replies to, or the conversation in which it starts a thread.
    """

    origin: str
    account: str
    target_id: UUID


class Drafts:
    """The drafts in the database at `path`, which is created when missing.

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
        self._database.execute(_TABLE)

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

    def get(self, key: DraftKey) -> str:
        """Return the draft of a key, or an empty text."""
        with closing(
            self._database.execute(
                "SELECT text FROM drafts WHERE origin = ? AND account = ? AND place = ?",
                _columns(key),
            )
        ) as cursor:
            row = cursor.fetchone()
        return str(row[0]) if row else ""

    def put(self, key: DraftKey, text: str) -> None:
        """Store a draft; an empty text deletes it."""
        if not text:
            self._database.execute(
                "DELETE FROM drafts WHERE origin = ? AND account = ? AND place = ?", _columns(key)
            )
            return
        valid_text = text.encode("utf-8", "replace").decode()
        self._database.execute(
            "INSERT INTO drafts VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin, account, place) "
            "DO UPDATE SET text = excluded.text, written = excluded.written",
            (*_columns(key), valid_text, time.time()),
        )

    def target_ids(self, origin: str, account: str) -> set[UUID]:
        """Return the targets for which an account has drafts."""
        with closing(
            self._database.execute(
                "SELECT place FROM drafts WHERE origin = ? AND account = ?", (origin, account)
            )
        ) as cursor:
            return {UUID(row[0]) for row in cursor}


def _columns(key: DraftKey) -> tuple[str, str, str]:
    return key.origin, key.account, str(key.target_id)
