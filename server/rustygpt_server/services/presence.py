"""Who is there: heartbeats, and what is shown of them as they are told and as they fall silent.

PostgreSQL has the truth. Each process remembers whom it heard of, here or over the backplane, to
know when somebody's shown status may have changed; before it tells so it asks the database. So a
word that was lost makes nobody look silent, and a process that dies takes no knowledge with it.
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
from rustygpt_server.realtime.backplane_messages import PresenceHeartbeat
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.typing_status import TypingService
from rustygpt_shared import codec
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.presence import PresenceList, Status, UserPresence

MAX_USERS = 20_000
"""Beyond so many the longest silent are forgotten: they come again with their next heartbeat."""
USERS_PER_QUERY = 1_000


class _UserState(Struct):
    """What is known of somebody."""

    declared: Status
    seen_at: datetime
    heartbeat_seq: int
    last_heartbeat: float
    """When the last heartbeat was, by the clock that never jumps."""
    published: Status
    """What this process's readers were told last."""
    drops_at: float = 0
    """When silence changes what is shown."""


class PresenceService:
    """The presence of everybody, as this process knows and tells it."""

    def __init__(self, db: Database, hub: Hub, typing: TypingService, runtime: Runtime) -> None:
        self._db = db
        self._hub = hub
        self._typing = typing
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._states: dict[UUID, _UserState] = {}
        """The longest silent come first."""
        self._due: set[UUID] = set()
        """Whose shown status may differ from what was told."""
        self._initialised = False
        self._incomplete = True
        self._next_load = 0.0

    async def heartbeat(self, actor: UUID, declared: Status) -> None:
        """Note that a person is there; whoever sees the person is told of a change soon."""
        now = self._clock.now()
        heartbeat_seq = await presence.record_heartbeat(self._db, actor, declared, now)
        message = PresenceHeartbeat(actor, declared, now, heartbeat_seq)
        self.on_heartbeat(message)
        self._hub.backplane.publish(message)

    async def show_presence(self, actor: UUID, conversation_id: UUID) -> PresenceList:
        """Everybody in a conversation, and who is writing."""
        page = await presence.show_presence(self._db, actor, conversation_id)
        users = [self._user_presence(one) for one in page.items]
        members = {one.user_id for one in users}
        indicators = self._typing.active(conversation_id)
        return PresenceList(
            users, [turn for turn in indicators if turn.user_id in members], event_id(page.position)
        )

    async def statuses(self, users: Iterable[UUID]) -> dict[UUID, Status]:
        """What is shown of these people, also of those who were never seen."""
        statuses: dict[UUID, Status] = dict.fromkeys(users, "offline")
        for one in await presence.read_presence(self._db, list(statuses)):
            statuses[one.user_id] = self._user_presence(one).status
        return statuses

    def on_heartbeat(self, message: PresenceHeartbeat) -> None:
        """Take a heartbeat of any process."""
        one = PresenceRow(message.user_id, message.status, message.seen_at, message.heartbeat_seq)
        if self._merge(one, self._clock.monotonic()):
            self._due.add(message.user_id)

    def mark_incomplete(self) -> None:
        """Heartbeats that other processes told may not have been heard."""
        self._incomplete = True

    async def refresh(self) -> None:
        """Tell what has changed, by heartbeats and by silence."""
        now = self._clock.monotonic()
        if self._incomplete or (not self._hub.backplane.connected and now >= self._next_load):
            await self._load_recent()
        self._due.update(user for user, known in self._states.items() if known.drops_at <= now)
        while self._due:
            batch = list(islice(self._due, USERS_PER_QUERY))
            rows = await presence.read_presence(self._db, batch, with_conversations=True)
            self._due.difference_update(batch)
            for one in rows:
                self._publish_if_changed(one)
            for gone in set(batch) - {one.user_id for one in rows}:
                self._states.pop(gone, None)

    async def _load_recent(self) -> None:
        """Learn from the database whom it has seen; what a new process finds is no news."""
        since = self._clock.now() - timedelta(seconds=self._limits.presence_offline)
        rows = await presence.list_recently_seen(self._db, since, MAX_USERS)
        self._incomplete = False
        self._next_load = self._clock.monotonic() + self._limits.position_check
        for one in rows:
            changed = self._merge(one, self._to_monotonic(one))
            if changed and self._initialised:
                self._due.add(one.user_id)
            elif changed and one.user_id not in self._due:
                state = self._states[one.user_id]
                state.published = self._effective(state)
        self._initialised = True

    def _merge(self, one: PresenceRow, last_heartbeat: float) -> bool:
        """Take what is told of somebody; whether something else is to be shown now."""
        state = self._states.pop(one.user_id, None)
        if state is None:
            state = _UserState(
                one.declared, one.last_seen_at, one.heartbeat_seq, last_heartbeat, "offline"
            )
        if one.heartbeat_seq >= state.heartbeat_seq:
            state.declared, state.heartbeat_seq = one.declared, one.heartbeat_seq
        if last_heartbeat > state.last_heartbeat:
            state.last_heartbeat, state.seen_at = last_heartbeat, one.last_seen_at
        state.drops_at = self._next_drop(state)
        self._states[one.user_id] = state
        if len(self._states) > MAX_USERS:
            del self._states[next(iter(self._states))]
        return self._effective(state) != state.published

    def _publish_if_changed(self, one: PresenceRow) -> None:
        """Tell what is shown of somebody, if it is something else than before."""
        self._merge(one, self._to_monotonic(one))
        state = self._states[one.user_id]
        effective = self._effective(state)
        if effective != state.published:
            state.published = effective
            payload = UserPresence(one.user_id, effective, state.seen_at)
            data = codec.sse_frame("presence.update", codec.encode(payload))
            self._hub.broadcast_to_many(one.conversation_ids, data)
        if effective == "offline":
            del self._states[one.user_id]

    def _to_monotonic(self, one: PresenceRow) -> float:
        """When a heartbeat was, by the clock that never jumps."""
        ago = (self._clock.now() - one.last_seen_at).total_seconds()
        return self._clock.monotonic() - max(0.0, ago)

    def _next_drop(self, state: _UserState) -> float:
        """When silence will lower what is shown."""
        away = state.last_heartbeat + self._limits.presence_away
        if away > self._clock.monotonic():
            return away
        return state.last_heartbeat + self._limits.presence_offline

    def _effective(self, state: _UserState) -> Status:
        return effective_status(
            state.declared, self._clock.monotonic() - state.last_heartbeat, self._limits
        )

    def _user_presence(self, one: LastSeen | PresenceRow) -> UserPresence:
        """What is shown of somebody, as the database has it."""
        if one.declared is None or one.last_seen_at is None:
            return UserPresence(one.user_id, "offline")
        silent = (self._clock.now() - one.last_seen_at).total_seconds()
        return UserPresence(
            one.user_id, effective_status(one.declared, silent, self._limits), one.last_seen_at
        )


def effective_status(declared: Status, silent_seconds: float, limits: TimeLimits) -> Status:
    """What is shown of somebody who said this and was silent for so many seconds."""
    if declared == "offline" or silent_seconds >= limits.presence_offline:
        return "offline"
    return "away" if declared == "away" or silent_seconds >= limits.presence_away else "online"
