"""The audit log: its entries for administrators, and the deletion of old ones.

The entries are written by the procedures that do what is recorded, in the same transaction.
"""

from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import audit
from rustygpt_server.db.audit import AuditFilter
from rustygpt_server.db.database import Database
from rustygpt_server.errors import BadRequest
from rustygpt_shared.models.audit import AUDIT_ACTIONS, AuditEntry

PRUNE_BATCH = 500
"""How many entries one statement deletes."""


class AuditLog:
    """The audit log of one server."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def list_audit(
        self, actor: UUID, filters: AuditFilter, before: int | None, limit: int
    ) -> list[AuditEntry]:
        """Return entries before a number, latest first; for administrators."""
        return await audit.list_audit(self._db, actor, filters, before, limit)

    async def prune(self) -> None:
        """Delete the entries that the retention no longer keeps, in batches."""
        while await audit.prune_audit(self._db, PRUNE_BATCH, self._clock.now()):
            await self._clock.sleep(0)


def actions_of(text: str) -> list[str]:
    """Return the actions that a filter names: one, or all of a topic.

    Raises BadRequest for a name that is neither.
    """
    found: list[str] = [
        action for action in AUDIT_ACTIONS if text in (action, action.partition(".")[0])
    ]
    if not found:
        topics = ", ".join(sorted({action.partition(".")[0] for action in AUDIT_ACTIONS}))
        raise BadRequest(f"There is no such action; a topic is one of {topics}.")
    return found
