"""Drafts: what was typed and not yet sent, kept through crashes.

One row per server, account and place, in SQLite with a write-ahead log: what `put` wrote is there
after the process was killed.
"""

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import UUID

_TABLE = """
CREATE TABLE IF NOT EXISTS drafts (
    origin TEXT NOT NULL, account TEXT NOT NULL, place TEXT NOT NULL,
    text TEXT NOT NULL, written REAL NOT NULL,
    PRIMARY KEY (origin, account, place)
) WITHOUT ROWID
"""


class DraftKey(NamedTuple):
    """Where a draft belongs: `at` is the message it answers, or a conversation for a new thread."""

    origin: str
    account: str
    target_id: UUID


class Drafts:
    """The drafts in the database at `path`, which is made when missing; for one thread only.

    Raises sqlite3.Error when the file is none of ours or the disk is full.
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
        """The draft at a place, or an empty text."""
        with closing(
            self._database.execute(
                "SELECT text FROM drafts WHERE origin = ? AND account = ? AND place = ?",
                _row(key),
            )
        ) as found:
            row = found.fetchone()
        return str(row[0]) if row else ""

    def put(self, key: DraftKey, text: str) -> None:
        """Keep a draft; an empty one is dropped."""
        if not text:
            self._database.execute(
                "DELETE FROM drafts WHERE origin = ? AND account = ? AND place = ?", _row(key)
            )
            return
        kept = text.encode("utf-8", "replace").decode()
        self._database.execute(
            "INSERT INTO drafts VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin, account, place) "
            "DO UPDATE SET text = excluded.text, written = excluded.written",
            (*_row(key), kept, time.time()),
        )

    def target_ids(self, origin: str, account: str) -> set[UUID]:
        """Where an account has drafts."""
        with closing(
            self._database.execute(
                "SELECT place FROM drafts WHERE origin = ? AND account = ?", (origin, account)
            )
        ) as found:
            return {UUID(row[0]) for row in found}


def _row(key: DraftKey) -> tuple[str, str, str]:
    return key.origin, key.account, str(key.target_id)
