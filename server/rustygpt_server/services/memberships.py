"""Memberships of users in conversations: cached for a while, otherwise queried in batches."""

from uuid import UUID

from rustygpt_server.db import events
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.database import Database
from rustygpt_server.db.events import LogBounds
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.realtime.event_payloads import parse_membership
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.batcher import Batcher
from rustygpt_server.services.cache import InvalidationCache


class Memberships:
    """The memberships that this process has seen."""

    def __init__(self, db: Database, hub: Hub, access: AccessMonitor, runtime: Runtime) -> None:
        self._db = db
        self._queries = Batcher(self._load_batch)
        self._cache: InvalidationCache[tuple[UUID, UUID], int] = InvalidationCache(
            access.is_current, runtime.clock, runtime.limits.auth_cache_ttl
        )
        access.subscribe(self._on_access_change)
        hub.add_listener(self._on_event)

    def member_at_event(self, user_id: UUID, conversation_id: UUID) -> int | None:
        """Return an event number at which a user was a member; None if it has to be queried."""
        return self._cache.get((user_id, conversation_id))

    async def load(self, user_id: UUID, conversation_id: UUID | None) -> dict[UUID, LogBounds]:
        """Return the log bounds of a conversation, or of all conversations of a user for None.

        Empty if the user is not a member.
        """
        version = self._cache.version
        bounds_by_conversation = await self._queries.submit((user_id, conversation_id))
        for member_of, bounds in bounds_by_conversation.items():
            key = (user_id, member_of)
            self._cache.put(key, bounds.position, version, key, member_of)
        return bounds_by_conversation

    async def _load_batch(
        self, keys: list[tuple[UUID, UUID | None]]
    ) -> list[dict[UUID, LogBounds]]:
        return await events.read_log_bounds(self._db, keys)

    def _on_access_change(self, change: AccessChange | None) -> None:
        if change is None:
            self._cache.clear()
        elif change.kind == "conversation_deleted":
            self._cache.invalidate(change.conversation_id)
        elif change.user_id and change.conversation_id:
            self._cache.invalidate((change.user_id, change.conversation_id))

    def _on_event(self, event: EventRecord) -> None:
        """Invalidate a membership by its event, which may arrive before the access change."""
        if change := parse_membership(event):
            self._cache.invalidate((change.user_id, event.conversation_id))
