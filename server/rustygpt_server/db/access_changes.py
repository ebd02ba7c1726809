"""The log of access changes: what gave or took access, in the order of the commits."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database

ChangeKind = Literal[
    "session_ended",
    "session_rotated",
    "password_changed",
    "disabled",
    "account_changed",
    "added",
    "role_updated",
    "removed",
    "limits_changed",
    "conversation_deleted",
]


class AccessChange(Struct, frozen=True, array_like=True, tag="access"):
    """One change of a session, an account, a membership or the rate limits.

    Processes also send it to each other. `password_changed` names the session that goes on with a
    new token, `limits_changed` the administrator who changed the rate limits.
    """

    kind: ChangeKind
    user_id: UUID | None
    """None for a logout, which knows only its session."""
    session_id: UUID | None = None
    """The id of a session, or of a personal token, which ends like one."""
    conversation_id: UUID | None = None
    event_number: int = 0
    """For a membership, or a deleted conversation: the number of the conversation's event about it.

    For `password_changed`: the session's generation from then on.
    """


class ChangePage(Struct, frozen=True):
    """The part of the log after a number."""

    last_number: int
    """The last number of the whole log."""
    first_number: int | None
    """The number of the first of `changes`; the others follow it without a gap."""
    changes: list[AccessChange]

    def continues_from(self, after: int) -> bool:
        """Return whether nothing is missing between a number and these changes."""
        return (self.last_number if self.first_number is None else self.first_number - 1) == after

    @property
    def end(self) -> int:
        """The number up to which the log is known after this page."""
        return (
            self.last_number
            if self.first_number is None
            else self.first_number + len(self.changes) - 1
        )


async def read_access_changes(db: Database, after: int, limit: int) -> ChangePage:
    """Return the changes after a number, in order, as the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.read_access_changes($1, $2)", after, limit)
    changes = [AccessChange(*row[2:]) for row in rows if row[1] is not None]
    return ChangePage(rows[0][0], rows[0][1], changes)


async def bypass_caches(db: Database, user_id: UUID, until: datetime) -> None:
    """Let no process cache checks of an account's tokens until a time, as the system.

    Raise NotFound for an unknown account.
    """
    await db.fetch_value("SELECT rustygpt.bypass_caches($1, $2)", user_id, until)


async def prune_access_changes(db: Database, retain: int) -> int:
    """Delete all but the latest `retain` changes; return how many were deleted."""
    return int(await db.fetch_value("SELECT rustygpt.prune_access_changes($1)", retain))
