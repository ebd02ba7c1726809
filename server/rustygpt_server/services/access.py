"""Applying access changes to this process: ended sessions, disabled accounts, changed memberships.

A change is written to the access-change log in its own transaction. The process that made it
applies it at once and publishes it to the others; all processes also read the log every second, so
a lost message delays a change by a second. Applying a change twice does no harm. What depends on
sessions and memberships (caches, streams) registers a listener here.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from rustygpt_server.db import access_changes
from rustygpt_server.db.access_changes import AccessChange, ChangeKind
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.catchup import CatchUp
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.registry import Revocation
from rustygpt_server.runtime import Runtime
from rustygpt_shared import codec, problems
from rustygpt_shared.events import CloseReason, MembershipChangedPayload

PAGE_SIZE = 500
"""How many changes are read in one statement."""
MAX_ACCESS_CHANGES = 10_000
"""How many changes the log keeps; a process that missed more checks every stream."""

K = TypeVar("K")

Listener = Callable[[AccessChange | None], object]
"""Receives a change, or None if any session and membership may have changed."""


class AccessMonitor:
    """The access changes that this process has received."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        catch_up: CatchUp,
        backplane: Backplane,
        runtime: Runtime,
        *,
        page_size: int = PAGE_SIZE,
        last_number: int | None = None,
    ) -> None:
        """`last_number`: up to where changes of the log were applied; None for a new process."""
        self._db = db
        self._hub = hub
        self._catch_up = catch_up
        self._backplane = backplane
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._page_size = page_size
        self._last_number = last_number
        self._ended: dict[UUID, float] = {}
        """Sessions that ended lately, and when."""
        self._renewed: dict[UUID, tuple[int, float]] = {}
        """Sessions whose tokens a password change replaced lately: their generation, and when."""
        self._memberships: dict[tuple[UUID, UUID | None], tuple[int, float]] = {}
        """By conversation and user: the event number of the latest change, and its time."""
        self._removals: list[tuple[float, Revocation]] = []
        """Removals whose event was not delivered yet, and when to stop waiting for it."""
        self._listeners: list[Listener] = []
        self._read_at: float | None = None
        self.gap_detected = False
        """True if changes were missed: sessions and memberships have to be checked one by one."""

    def is_current(self) -> bool:
        """Return True if the log was read to its end within TimeLimits.access_freshness seconds.

        A change is certain to be applied, or this to be False, when that time has passed since.
        """
        return (
            self._read_at is not None
            and self._clock.monotonic() - self._read_at < self._limits.access_freshness
        )

    def subscribe(self, listener: Listener) -> None:
        """Call a function with every change; outdated changes of a membership are left out."""
        self._listeners.append(listener)

    def publish(self, change: AccessChange) -> None:
        """Apply a change that this process made, and publish it to the others."""
        self.apply(change)
        self._backplane.publish(change)

    def publish_ended_sessions(
        self,
        session_ids: Iterable[UUID],
        user_id: UUID | None = None,
        kind: ChangeKind = "session_ended",
    ) -> None:
        """Apply and publish the end of sessions."""
        for session_id in session_ids:
            self.publish(AccessChange(kind, user_id, session_id))

    def publish_memberships(self, events: Iterable[EventRecord]) -> None:
        """Apply and publish changes of memberships, given the events that the hub published."""
        for event in events:
            change = codec.decode(event.payload, MembershipChangedPayload)
            conversation_id = event.conversation_id
            self.publish(
                AccessChange(change.action, change.user_id, None, conversation_id, event.number)
            )

    def apply(self, change: AccessChange) -> None:
        """Close the streams that a change affects, and call the listeners."""
        conversation_id = change.conversation_id
        if conversation_id and not self._is_newer(change, conversation_id):
            return
        match change.kind:
            case "session_ended":
                self._end_session(change, "session_ended")
            case "disabled":
                self._end_session(change, "disabled")
            case "password_changed" if change.session_id:
                self._renew_session(change, change.session_id)
            case "removed" if conversation_id:
                self._remove(change, conversation_id)
            case "conversation_deleted" if conversation_id:
                self._remove(change, conversation_id)
        for listener in self._listeners:
            listener(change)

    def reject_if_ended(self, session_id: UUID, generation: int) -> None:
        """Raise NotSignedIn if a session ended after its caller was authenticated.

        The same holds for a caller whose token, of this generation, a password change replaced.
        """
        renewed, _ = self._renewed.get(session_id, (0, 0.0))
        if session_id in self._ended or generation < renewed:
            raise NotSignedIn("Your session has ended; sign in again.", problems.EXPIRED)

    async def poll(self) -> None:
        """Read and apply new changes; the first call only finds the end of the log."""
        started_at = self._clock.monotonic()
        if self._last_number is None:
            page = await access_changes.read_access_changes(self._db, 0, 0)
            self._last_number = page.last_number
            self._reset()
        while await self._read_next(self._last_number):
            pass
        self._read_at = started_at
        self._expire()

    async def bypass_caches(self, user_id: UUID) -> None:
        """Return when no process accepts an account's tokens without querying the database.

        That lasts for TimeLimits.cache_bypass: a change of the account in this time has effect
        everywhere with its commit. Raises NotFound for an unknown account.
        """
        until = self._clock.now() + timedelta(seconds=self._limits.cache_bypass)
        await access_changes.bypass_caches(self._db, user_id, until)
        self.publish(AccessChange("account_changed", user_id))
        await self._clock.sleep(self._limits.access_freshness)

    async def prune(self) -> None:
        """Delete old changes from the log."""
        await access_changes.prune_access_changes(self._db, MAX_ACCESS_CHANGES)

    def close_overdue_removals(self) -> None:
        """Close removed users' streams whose last event was not delivered in time."""
        now = self._clock.monotonic()
        waiting = self._removals
        self._removals = [(due, revocation) for due, revocation in waiting if due > now]
        for due, revocation in waiting:
            if due <= now:
                self._hub.revoke(revocation)

    async def _read_next(self, after: int) -> bool:
        """Read and apply a page of the log; return True if there is more."""
        page = await access_changes.read_access_changes(self._db, after, self._page_size)
        if not page.continues_from(after):  # it was pruned too early, or restored from a backup
            self._reset()
        self._last_number = page.end
        for change in page.changes:
            self.apply(change)
        return page.end < page.last_number

    def _reset(self) -> None:
        """Forget what is cached, because changes may have been missed."""
        self.gap_detected = True
        self._memberships.clear()  # a restored log gives their event numbers again
        for listener in self._listeners:
            listener(None)

    def _end_session(self, change: AccessChange, reason: CloseReason) -> None:
        if change.session_id is not None:
            self._ended[change.session_id] = self._clock.monotonic()
        revocation = Revocation(reason, user_id=change.user_id, session_id=change.session_id)
        self._hub.revoke(revocation)

    def _renew_session(self, change: AccessChange, session_id: UUID) -> None:
        """Close the streams of tokens that were replaced; who has the new one reconnects."""
        self._renewed[session_id] = (change.event_number, self._clock.monotonic())
        self._hub.revoke(
            Revocation(
                "password_changed", change.user_id, session_id, generation=change.event_number
            )
        )

    def _remove(self, change: AccessChange, conversation_id: UUID) -> None:
        """Close a removed user's streams, with the event of the removal if it arrives in time.

        Of a deleted conversation those of all users.
        """
        number = change.event_number
        if change.kind == "conversation_deleted":
            revocation = Revocation("deleted", None, None, conversation_id, number)
        else:
            revocation = Revocation("removed", change.user_id, None, conversation_id, number)
        if not self._hub.lacks(conversation_id, change.event_number):
            self._hub.revoke(revocation)
            return
        self._catch_up.advance(conversation_id, change.event_number)
        self._removals.append((self._clock.monotonic() + self._limits.removal_grace, revocation))

    def _is_newer(self, change: AccessChange, conversation_id: UUID) -> bool:
        """Record a change of a membership; return False if a later one was applied already."""
        key = (conversation_id, change.user_id)
        latest, _ = self._memberships.get(key, (-1, 0.0))
        if change.event_number > latest:
            self._memberships[key] = (change.event_number, self._clock.monotonic())
        return change.event_number > latest

    def _expire(self) -> None:
        """Forget what no message or request that is still in flight can refer to."""
        horizon = self._clock.monotonic() - self._limits.access_dedup_ttl
        self._ended = {
            session_id: ended_at
            for session_id, ended_at in self._ended.items()
            if ended_at > horizon
        }
        self._renewed = _later_than(horizon, self._renewed)
        self._memberships = _later_than(horizon, self._memberships)


def _later_than(horizon: float, numbered: dict[K, tuple[int, float]]) -> dict[K, tuple[int, float]]:
    """Return the entries of (number, time) whose time is later."""
    return {key: entry for key, entry in numbered.items() if entry[1] > horizon}
