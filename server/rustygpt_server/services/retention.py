"""Retention: what administrators set, and deleting what is too old in small batches.

The event log is pruned by `event_log`, the audit log by `audit`, which read the same policy.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from msgspec import UNSET, structs

from rustygpt_server.clock import Clock
from rustygpt_server.db import retention
from rustygpt_server.db.database import Database
from rustygpt_server.realtime.hub import Hub
from rustygpt_shared.models.retention import ExpiredCounts, Retention
from rustygpt_shared.requests import SetRetention

PAGE = 200
"""How many conversations one statement checks, or lists."""
BATCH = 20
"""How many messages lose their text in one transaction, which locks their conversation."""
PAUSE_SECONDS = 0.02
"""The time between two batches, in which waiting posts get the lock."""
MAX_COUNT = 1_000_000
"""A dry run counts up to this number."""


class RetentionService:
    """The retention of one server."""

    def __init__(self, db: Database, hub: Hub, clock: Clock) -> None:
        self._db = db
        self._hub = hub
        self._clock = clock

    async def show_retention(self, actor: UUID, after: UUID | None, limit: int) -> Retention:
        """Return the retention of the server and, after an id, of conversations."""
        server = await retention.show_retention(self._db, actor)
        listed = await retention.list_conversation_retention(self._db, actor, after, limit + 1)
        return Retention(
            **structs.asdict(server),
            conversations=listed[:limit],
            next_cursor=str(listed[limit - 1].conversation_id) if len(listed) > limit else None,
        )

    async def set_retention(self, actor: UUID, request: SetRetention) -> Retention:
        """Change the retention; in a dry run only count what the changed one would delete."""
        changes = _changes(request)
        expired: ExpiredCounts | None = None
        if request.dry_run:
            expired = await retention.preview_retention(
                self._db, actor, request.conversation_id, changes, self._clock.now(), MAX_COUNT
            )
        else:
            await retention.set_retention(self._db, actor, request.conversation_id, changes)
        shown = await self.show_retention(actor, None, PAGE)
        return structs.replace(shown, expired=expired)

    async def apply(self) -> None:
        """Delete what is older than the retention permits, one conversation after the other."""
        after: UUID | None = None
        while checked := await retention.list_expired(self._db, after, PAGE, self._clock.now()):
            for conversation in checked:
                if conversation.expired:
                    await self._apply_to(conversation.conversation_id)
            after = checked[-1].conversation_id

    async def _apply_to(self, conversation_id: UUID) -> None:
        await self._repeat(self._expire_messages, conversation_id)
        await self._repeat(retention.purge_deleted_messages, conversation_id)
        await self._repeat(retention.remove_empty_threads, conversation_id)

    async def _repeat(
        self,
        delete: Callable[[Database, UUID, int, datetime], Awaitable[int]],
        conversation_id: UUID,
    ) -> None:
        """Delete batches until there is nothing left."""
        while await delete(self._db, conversation_id, BATCH, self._clock.now()):
            await self._clock.sleep(PAUSE_SECONDS)

    async def _expire_messages(
        self, db: Database, conversation_id: UUID, batch: int, now: datetime
    ) -> int:
        expired = await retention.expire_messages(db, conversation_id, batch, now)
        self._hub.publish(conversation_id, expired.events)
        return expired.count


def _changes(request: SetRetention) -> dict[str, int | None]:
    """Return the values that a request sets."""
    fields = ("messages_days", "deleted_messages_days", "events_days", "audit_days")
    given = {name: getattr(request, name) for name in fields}
    return {name: value for name, value in given.items() if value is not UNSET}
