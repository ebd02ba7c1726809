"""The control log: what gave or took rights, in the order of the commits."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database

ChangeKind = Literal[
    "session_ended",
    "session_rotated",
    "disabled",
    "account_changed",
    "added",
    "role_updated",
    "removed",
]


class AccessChange(Struct, frozen=True, array_like=True, tag="control"):
    """A right that was given or taken, in the form in which processes also tell it each other."""

    kind: ChangeKind
    user_id: UUID | None
    """Whose right; None for a log-out, which knows its session only."""
    session_id: UUID | None = None
    conversation_id: UUID | None = None
    event_number: int = 0
    """Of a membership: the number of the event in the conversation that tells of it."""


class ChangePage(Struct, frozen=True):
    """A piece of the log, as it goes on after some number."""

    last_number: int
    """The last number there is."""
    first_number: int | None
    """The number of the first of these controls; those after it have no gaps."""
    changes: list[AccessChange]

    def continues_from(self, after: int) -> bool:
        """Whether nothing is missing between a number and these controls."""
        return (self.last_number if self.first_number is None else self.first_number - 1) == after

    @property
    def end(self) -> int:
        """The number up to which the log is known with these."""
        return (
            self.last_number
            if self.first_number is None
            else self.first_number + len(self.changes) - 1
        )


async def read_access_changes(db: Database, after: int, limit: int) -> ChangePage:
    """The controls after a number, in order; asked by the system."""
    rows = await db.fetch("SELECT * FROM rustygpt.read_access_changes($1, $2)", after, limit)
    found = [AccessChange(*row[2:]) for row in rows if row[1] is not None]
    return ChangePage(rows[0][0], rows[0][1], found)


async def prune_access_changes(db: Database, retain: int) -> int:
    """Keep the latest controls only; answers how many went."""
    return int(await db.fetch_value("SELECT rustygpt.prune_access_changes($1)", retain))
