"""Keep this process true to rights that were given or taken, here or elsewhere.

A change is written into the control log in its own transaction. The process that made it acts at
once and says so to the others; all read the log every second, so that a lost word costs a second.
Acting twice does no harm. What it is that has to be kept true is for those who watch to know.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from rustygpt_server.db import access_changes
from rustygpt_server.db.access_changes import AccessChange, ChangeKind
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.registry import Revocation
from rustygpt_server.runtime import Runtime
from rustygpt_shared import codec, problems
from rustygpt_shared.events import CloseReason, MembershipChangedPayload

PAGE = 500

Listener = Callable[[AccessChange | None], object]
"""Is told of a control, or of None: any right may have changed."""


class AccessMonitor:
    """What this process has heard of rights."""

    def __init__(self, db: Database, hub: Hub, runtime: Runtime) -> None:
        self._db = db
        self._hub = hub
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._last_number: int | None = None
        self._ended: dict[UUID, float] = {}
        self._memberships: dict[tuple[UUID, UUID | None], tuple[int, float]] = {}
        self._removals: list[tuple[float, Revocation]] = []
        self._listeners: list[Listener] = []
        self._read_at: float | None = None
        self.gap_detected = False
        """The log had gone on without us: rights have to be looked at one by one."""

    def is_current(self) -> bool:
        """Whether the log was read to its end a moment ago: what was heard is all there was."""
        now, read_at = self._clock.monotonic(), self._read_at
        return read_at is not None and now - read_at <= self._limits.access_freshness

    def subscribe(self, listener: Listener) -> None:
        """Call a function with every change; of a membership never with one before the latest."""
        self._listeners.append(listener)

    def publish(self, change: AccessChange) -> None:
        """Act on a change that was made here, and let the others."""
        self.apply(change)
        self._hub.backplane.publish(change)

    def publish_ended_sessions(
        self,
        session_ids: Iterable[UUID],
        user_id: UUID | None = None,
        kind: ChangeKind = "session_ended",
    ) -> None:
        """Sessions are over."""
        for session_id in session_ids:
            self.publish(AccessChange(kind, user_id, session_id))

    def publish_memberships(self, events: Iterable[EventRecord]) -> None:
        """Memberships changed; the streams of the conversation were told these events."""
        for event in events:
            change = codec.decode(event.payload, MembershipChangedPayload)
            conversation_id = event.conversation_id
            self.publish(
                AccessChange(change.action, change.user_id, None, conversation_id, event.number)
            )

    def apply(self, change: AccessChange) -> None:
        """Do what follows from a change."""
        conversation_id = change.conversation_id
        if conversation_id and not self._is_newer(change, conversation_id):
            return
        match change.kind:
            case "session_ended":
                self._end_session(change, "session_ended")
            case "disabled":
                self._end_session(change, "disabled")
            case "removed" if conversation_id:
                self._remove(change, conversation_id)
        for listener in self._listeners:
            listener(change)

    def reject_if_ended(self, session_id: UUID) -> None:
        """Refuse who was let in by a session that has ended since; raises NotSignedIn."""
        if session_id in self._ended:
            raise NotSignedIn("Your session has ended; sign in again.", problems.EXPIRED)

    async def poll(self) -> None:
        """Read on in the log. The first time only finds its end: nothing from before it counts."""
        started_at = self._clock.monotonic()
        if self._last_number is None:
            self._last_number = (
                await access_changes.read_access_changes(self._db, 0, 0)
            ).last_number
            self._reset()
        while await self._read_next(self._last_number):
            pass
        self._read_at = started_at
        self._expire()

    def close_overdue_removals(self) -> None:
        """End removed people's streams that the event of the removal did not get to in time."""
        now, waiting = self._clock.monotonic(), self._removals
        self._removals = [one for one in waiting if one[0] > now]
        for due, revocation in waiting:
            if due <= now:
                self._hub.revoke(revocation)

    async def _read_next(self, after: int) -> bool:
        """Take a piece of the log; whether there is more."""
        page = await access_changes.read_access_changes(self._db, after, PAGE)
        if not page.continues_from(
            after
        ):  # pruned too early for us, or the database is one of before
            self._reset()
        self._last_number = page.end
        for change in page.changes:
            self.apply(change)
        return page.end < page.last_number

    def _reset(self) -> None:
        """Something was not heard: have what is known asked for again, and streams looked at."""
        self.gap_detected = True
        self._memberships.clear()  # their numbers may be those of a log that is gone
        for listener in self._listeners:
            listener(None)

    def _end_session(self, change: AccessChange, reason: CloseReason) -> None:
        if change.session_id is not None:
            self._ended[change.session_id] = self._clock.monotonic()
        revocation = Revocation(reason, user_id=change.user_id, session_id=change.session_id)
        self._hub.revoke(revocation)

    def _remove(self, change: AccessChange, conversation_id: UUID) -> None:
        """End a removed person's streams, with the event that tells of it if that comes soon."""
        revocation = Revocation(
            "removed", change.user_id, None, conversation_id, change.event_number
        )
        if not self._hub.lacks(conversation_id, change.event_number):
            self._hub.revoke(revocation)
            return
        self._hub.catch_up.advance(conversation_id, change.event_number)
        self._removals.append((self._clock.monotonic() + self._limits.removal_grace, revocation))

    def _is_newer(self, change: AccessChange, conversation_id: UUID) -> bool:
        """Whether a membership's control is later than those of it that were heard."""
        key = (conversation_id, change.user_id)
        latest, _ = self._memberships.get(key, (-1, 0.0))
        if change.event_number > latest:
            self._memberships[key] = (change.event_number, self._clock.monotonic())
        return change.event_number > latest

    def _expire(self) -> None:
        """Drop what a word or a request of before can not bring up any more."""
        horizon = self._clock.monotonic() - self._limits.access_dedup_ttl
        self._ended = {one: at for one, at in self._ended.items() if at > horizon}
        self._memberships = {
            key: known for key, known in self._memberships.items() if known[1] > horizon
        }
