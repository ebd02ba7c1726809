"""Keep this process true to rights that were given or taken, here or elsewhere.

A change is written into the control log in its own transaction. The process that made it acts at
once and says so to the others; all read the log every second, so that a lost word costs a second.
Acting twice does no harm. What it is that has to be kept true is for those who watch to know.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db import controls
from rustygpt_server.db.controls import Control, Kind
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Logged
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.streams import Ending
from rustygpt_shared import codec, problems
from rustygpt_shared.events import CloseReason, Membership

PAGE = 500

Watcher = Callable[[Control | None], object]
"""Is told of a control, or of None: any right may have changed."""


class Rights:
    """What this process has heard of rights."""

    def __init__(self, db: Database, hub: Hub, limits: TimeLimits, clock: Clock) -> None:
        self._db = db
        self._hub = hub
        self._limits = limits
        self._clock = clock
        self._number: int | None = None
        self._ended: dict[UUID, float] = {}
        self._memberships: dict[tuple[UUID, UUID | None], tuple[int, float]] = {}
        self._removals: list[tuple[float, Ending]] = []
        self._watchers: list[Watcher] = []
        self._read_at: float | None = None
        self.missed = False
        """The log had gone on without us: rights have to be looked at one by one."""

    def is_current(self) -> bool:
        """Whether the log was read to its end a moment ago: what was heard is all there was."""
        now, read_at = self._clock.monotonic(), self._read_at
        return read_at is not None and now - read_at <= self._limits.rights_trust

    def watch(self, watcher: Watcher) -> None:
        """Call a function with every change; of a membership never with one before the latest."""
        self._watchers.append(watcher)

    def tell(self, control: Control) -> None:
        """Act on a change that was made here, and let the others."""
        self.act(control)
        self._hub.backplane.say(control)

    def tell_ended(
        self,
        session_ids: Iterable[UUID],
        user_id: UUID | None = None,
        kind: Kind = "session_ended",
    ) -> None:
        """Sessions are over."""
        for session_id in session_ids:
            self.tell(Control(kind, user_id, session_id))

    def tell_members(self, events: Iterable[Logged]) -> None:
        """Memberships changed; the streams of the conversation were told these events."""
        for event in events:
            change = codec.decode(event.payload, Membership)
            place = event.conversation_id
            self.tell(Control(change.action, change.user_id, None, place, event.number))

    def act(self, control: Control) -> None:
        """Do what follows from a change."""
        place = control.conversation_id
        if place and not self._is_news(control, place):
            return
        match control.kind:
            case "session_ended":
                self._end_session(control, "session_ended")
            case "disabled":
                self._end_session(control, "disabled")
            case "removed" if place:
                self._remove(control, place)
        for watcher in self._watchers:
            watcher(control)

    def refuse_over(self, session_id: UUID) -> None:
        """Refuse who was let in by a session that has ended since; raises NotSignedIn."""
        if session_id in self._ended:
            raise NotSignedIn("Your session has ended; sign in again.", problems.EXPIRED)

    async def poll(self) -> None:
        """Read on in the log. The first time only finds its end: nothing from before it counts."""
        begun = self._clock.monotonic()
        if self._number is None:
            self._number = (await controls.read_controls(self._db, 0, 0)).last
            self._begin_anew()
        while await self._read_on(self._number):
            pass
        self._read_at = begun
        self._forget()

    def end_late(self) -> None:
        """End removed people's streams that the event of the removal did not get to in time."""
        now, waiting = self._clock.monotonic(), self._removals
        self._removals = [one for one in waiting if one[0] > now]
        for due, ending in waiting:
            if due <= now:
                self._hub.end(ending)

    async def _read_on(self, after: int) -> bool:
        """Take a piece of the log; whether there is more."""
        read = await controls.read_controls(self._db, after, PAGE)
        if not read.follows(after):  # pruned too early for us, or the database is one of before
            self._begin_anew()
        self._number = read.end
        for control in read.controls:
            self.act(control)
        return read.end < read.last

    def _begin_anew(self) -> None:
        """Something was not heard: have what is known asked for again, and streams looked at."""
        self.missed = True
        self._memberships.clear()  # their numbers may be those of a log that is gone
        for watcher in self._watchers:
            watcher(None)

    def _end_session(self, control: Control, reason: CloseReason) -> None:
        if control.session_id is not None:
            self._ended[control.session_id] = self._clock.monotonic()
        ending = Ending(reason, user_id=control.user_id, session_id=control.session_id)
        self._hub.end(ending)

    def _remove(self, control: Control, place: UUID) -> None:
        """End a removed person's streams, with the event that tells of it if that comes soon."""
        ending = Ending("removed", control.user_id, None, place, control.event)
        if not self._hub.is_short_of(place, control.event):
            self._hub.end(ending)
            return
        self._hub.catch_up.note(place, control.event)
        self._removals.append((self._clock.monotonic() + self._limits.removal_wait, ending))

    def _is_news(self, control: Control, place: UUID) -> bool:
        """Whether a membership's control is later than those of it that were heard."""
        key = (place, control.user_id)
        known, _ = self._memberships.get(key, (-1, 0.0))
        if control.event > known:
            self._memberships[key] = (control.event, self._clock.monotonic())
        return control.event > known

    def _forget(self) -> None:
        """Drop what a word or a request of before can not bring up any more."""
        horizon = self._clock.monotonic() - self._limits.rights_memory
        self._ended = {one: at for one, at in self._ended.items() if at > horizon}
        self._memberships = {
            key: known for key, known in self._memberships.items() if known[1] > horizon
        }
