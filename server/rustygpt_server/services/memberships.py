"""Who may read which conversation: known for a while, else asked for with all who wait."""

from uuid import UUID

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db import feeds
from rustygpt_server.db.controls import Control
from rustygpt_server.db.database import Database
from rustygpt_server.db.feeds import Opening
from rustygpt_server.db.rows import Logged
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.told import membership
from rustygpt_server.services.batches import Batches
from rustygpt_server.services.cache import Cache
from rustygpt_server.services.rights import Rights


class Memberships:
    """The memberships that this process knows of."""

    def __init__(
        self, db: Database, hub: Hub, rights: Rights, limits: TimeLimits, clock: Clock
    ) -> None:
        self._db = db
        self._asked = Batches(self._open)
        self._known: Cache[tuple[UUID, UUID], int] = Cache(
            rights.is_current, clock, limits.rights_reuse
        )
        rights.watch(self._change)
        hub.watch(self._heard)

    def checked(self, user_id: UUID, conversation_id: UUID) -> int | None:
        """The event number at which a person was seen to be a member; None: ask."""
        return self._known.get((user_id, conversation_id))

    async def open(self, user_id: UUID, conversation_id: UUID | None) -> dict[UUID, Opening]:
        """Where a person's streams stand in a conversation (none for others), or in all."""
        since = self._known.changes
        found = await self._asked.ask((user_id, conversation_id))
        for place, bounds in found.items():
            self._known.put((user_id, place), bounds.position, since)
        return found

    async def _open(self, wanted: list[tuple[UUID, UUID | None]]) -> list[dict[UUID, Opening]]:
        return await feeds.open_feeds(self._db, wanted)

    def _change(self, control: Control | None) -> None:
        if control is None:
            self._known.clear()
        elif control.user_id and control.conversation_id:
            self._known.change((control.user_id, control.conversation_id))

    def _heard(self, event: Logged) -> None:
        """The event may come before the control; nobody is let in to what comes after it."""
        if change := membership(event):
            self._known.change((change.user_id, event.conversation_id))
