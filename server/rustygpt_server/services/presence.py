"""Presence: heartbeats, and the status that is shown as users report it and as they fall silent.

PostgreSQL has the truth. Each process remembers the users that it received heartbeats of, directly
or over the backplane, to notice when a status that is shown may have changed; it queries the
database before it publishes the change. So a lost message makes no user look silent, and a process
that ends takes no state with it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from msgspec import Struct

from rustygpt_server.clock import TimeLimits
from rustygpt_server.db import presence
from rustygpt_server.db.database import Database
from rustygpt_server.db.presence import LastSeen, PresenceRow
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import PresenceHeartbeat
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.typing_status import TypingService
from rustygpt_shared import codec
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.presence import PresenceList, Status, UserPresence

MAX_USERS = 20_000
"""How many users are remembered; the longest silent ones are forgotten until their next
heartbeat."""
USERS_PER_QUERY = 1_000


class _UserState(Struct):
    """What this process knows about a user."""

    declared: Status
    seen_at: datetime
    heartbeat_seq: int
    last_heartbeat: float
    """The time of the last heartbeat on the monotonic clock."""
    published: Status
    """The status that this process's subscribers were sent last."""
    drops_at: float = 0
    """When silence lowers the effective status, on the monotonic clock."""


class PresenceService:
    """The presence of users: recorded in the database, published by each process to its streams."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        backplane: Backplane,
        typing: TypingService,
        runtime: Runtime,
        *,
        max_users: int = MAX_USERS,
    ) -> None:
        self._db = db
        self._hub = hub
        self._backplane = backplane
        self._typing = typing
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._max_users = max_users
        self._states: dict[UUID, _UserState] = {}
        """The users that sent a heartbeat lately, the longest silent first."""
        self._due: set[UUID] = set()
        """Users whose effective status may differ from the published one."""
        self._initialised = False
        self._incomplete = True
        self._next_load = 0.0

    async def heartbeat(self, actor: UUID, declared: Status) -> None:
        """Record a heartbeat and publish it; a change of status is sent to subscribers soon."""
        now = self._clock.now()
        heartbeat_seq = await presence.record_heartbeat(self._db, actor, declared, now)
        message = PresenceHeartbeat(actor, declared, now, heartbeat_seq)
        self.on_heartbeat(message)
        self._backplane.publish(message)

    async def show_presence(self, actor: UUID, conversation_id: UUID) -> PresenceList:
        """Return the presence of a conversation's members, and who of them is typing."""
        page = await presence.show_presence(self._db, actor, conversation_id)
        users = [self._user_presence(row) for row in page.items]
        members = {user.user_id for user in users}
        indicators = [one for one in self._typing.active(conversation_id) if one.user_id in members]
        return PresenceList(users, indicators, event_id(page.position))

    async def statuses(self, user_ids: Iterable[UUID]) -> dict[UUID, Status]:
        """Return the effective status of each user; of those never seen it is `offline`."""
        statuses: dict[UUID, Status] = dict.fromkeys(user_ids, "offline")
        for row in await presence.read_presence(self._db, list(statuses)):
            statuses[row.user_id] = self._user_presence(row).status
        return statuses

    def on_heartbeat(self, message: PresenceHeartbeat) -> None:
        """Apply a heartbeat of this process or another."""
        row = PresenceRow(message.user_id, message.status, message.seen_at, message.heartbeat_seq)
        if self._merge(row, self._clock.monotonic()):
            self._due.add(message.user_id)

    def mark_incomplete(self) -> None:
        """Note that heartbeats of other processes may have been missed."""
        self._incomplete = True

    async def refresh(self) -> None:
        """Publish the statuses that changed, by heartbeats or by silence."""
        now = self._clock.monotonic()
        if self._incomplete or (not self._backplane.connected and now >= self._next_load):
            await self._load_recent()
        self._due.update(user for user, state in self._states.items() if state.drops_at <= now)
        while self._due:
            batch = list(islice(self._due, USERS_PER_QUERY))
            rows = await presence.read_presence(self._db, batch, with_conversations=True)
            self._due.difference_update(batch)
            for row in rows:
                self._publish_if_changed(row)
            for deleted in set(batch) - {row.user_id for row in rows}:
                self._states.pop(deleted, None)

    @property
    def remembered(self) -> list[UUID]:
        """The users whose state is in memory, the longest silent first."""
        return list(self._states)

    def statistics(self) -> dict[str, int]:
        """Return how many users are `remembered`, and how many are `due` to be compared."""
        return {"remembered": len(self._states), "due": len(self._due)}

    async def _load_recent(self) -> None:
        """Load the recent heartbeats; what a new process finds on start is not published."""
        since = self._clock.now() - timedelta(seconds=self._limits.presence_offline)
        rows = await presence.list_recently_seen(self._db, since, self._max_users)
        self._incomplete = False
        self._next_load = self._clock.monotonic() + self._limits.position_check
        for row in rows:
            changed = self._merge(row, self._to_monotonic(row))
            if changed and self._initialised:
                self._due.add(row.user_id)
            elif changed and row.user_id not in self._due:
                state = self._states[row.user_id]
                state.published = self._effective(state)
        self._initialised = True

    def _merge(self, row: PresenceRow, last_heartbeat: float) -> bool:
        """Merge a heartbeat into the user's state; return True if it has to be published."""
        state = self._states.pop(row.user_id, None)
        if state is None:
            state = _UserState(
                row.declared, row.last_seen_at, row.heartbeat_seq, last_heartbeat, "offline"
            )
        if row.heartbeat_seq >= state.heartbeat_seq:
            state.declared = row.declared
            state.heartbeat_seq = row.heartbeat_seq
        if last_heartbeat > state.last_heartbeat:
            state.last_heartbeat = last_heartbeat
            state.seen_at = row.last_seen_at
        state.drops_at = self._next_drop(state)
        self._states[row.user_id] = state
        if len(self._states) > self._max_users:
            del self._states[next(iter(self._states))]
        return self._effective(state) != state.published

    def _publish_if_changed(self, row: PresenceRow) -> None:
        """Send a user's status to subscribers who share a conversation, if it changed."""
        self._merge(row, self._to_monotonic(row))
        state = self._states[row.user_id]
        effective = self._effective(state)
        if effective != state.published:
            state.published = effective
            payload = UserPresence(row.user_id, effective, state.seen_at)
            frame = codec.sse_frame("presence.update", codec.encode(payload))
            self._hub.broadcast_to_many(row.conversation_ids, frame)
        if effective == "offline":
            del self._states[row.user_id]

    def _to_monotonic(self, row: PresenceRow) -> float:
        """Return the time of a heartbeat on the monotonic clock."""
        seconds_ago = (self._clock.now() - row.last_seen_at).total_seconds()
        return self._clock.monotonic() - max(0.0, seconds_ago)

    def _next_drop(self, state: _UserState) -> float:
        """Return when silence will lower the effective status."""
        away_at = state.last_heartbeat + self._limits.presence_away
        if away_at > self._clock.monotonic():
            return away_at
        return state.last_heartbeat + self._limits.presence_offline

    def _effective(self, state: _UserState) -> Status:
        return effective_status(
            state.declared, self._clock.monotonic() - state.last_heartbeat, self._limits
        )

    def _user_presence(self, row: LastSeen | PresenceRow) -> UserPresence:
        """Return a user's presence according to the database."""
        if row.declared is None or row.last_seen_at is None:
            return UserPresence(row.user_id, "offline")
        silent_seconds = (self._clock.now() - row.last_seen_at).total_seconds()
        status = effective_status(row.declared, silent_seconds, self._limits)
        return UserPresence(row.user_id, status, row.last_seen_at)


def effective_status(declared: Status, silent_seconds: float, limits: TimeLimits) -> Status:
    """Return the status to show for a user who declared one and was silent since then."""
    if declared == "offline" or silent_seconds >= limits.presence_offline:
        return "offline"
    return "away" if declared == "away" or silent_seconds >= limits.presence_away else "online"
