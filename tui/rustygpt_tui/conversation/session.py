"""The session of one loaded conversation: its state, kept current by the events of the stream.

Events that arrive while snapshots are fetched are kept and applied afterwards. Changes are
collected and reported through a callback at most 30 times a second, and less often when drawing
them is slow, so that a fast answer never outruns the screen. Pages of threads are loaded in
`thread_loader`, marks of reading are sent in `reading_sync`; both change the state by `update`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from uuid import UUID

from rustygpt_shared.events import (
    Event,
    StreamOpen,
    StreamReset,
    TypingUpdate,
    TypingUpdatePayload,
)
from rustygpt_shared.ids import event_number
from rustygpt_shared.models.presence import TYPING_STOPPED
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.errors import ClientError, NotFound, NotSignedIn
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import (
    load,
    reload,
    with_participants,
    with_presence,
    with_threads,
    with_unread,
)
from rustygpt_tui.store.state import Changes, State

NOTIFY_INTERVAL = 1 / 30
"""Seconds between two reports of changes."""
MAX_EARLY_EVENTS = 5_000
"""Events kept while snapshots are fetched; when more arrive, the conversation is loaded again."""
MAX_RETRY_DELAY = 30.0


class ConversationSession:
    """One conversation as the user `me` sees it; `state` is None until it is loaded."""

    def __init__(
        self,
        client: Client,
        conversation_id: UUID,
        me: UUID,
        *,
        on_changes: Callable[[Changes], None],
        typing_timeout: float = Timing.typing_timeout,
    ) -> None:
        """Create a session that is not loaded.

        `on_changes` gets the collected changes. `typing_timeout` is in seconds.
        """
        self.id = conversation_id
        self.me = me
        self.client = client
        self.state: State | None = None
        self.paint_seconds = 0.0
        """Seconds the last drawing took; the pause before the next report grows with it."""
        self._on_changes = on_changes
        self._typing_timeout = typing_timeout
        self._pending_changes = Changes()
        self._timer: asyncio.TimerHandle | None = None
        self._notified_at = 0.0
        self._typing_timers: dict[UUID, asyncio.TimerHandle] = {}
        self._early: list[Event] | None = None
        """The events that arrived while snapshots are fetched; None when none are fetched."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def loaded_state(self) -> State:
        """The state of a session that is loaded."""
        if self.state is None:
            raise RuntimeError("the conversation was not loaded")
        return self.state

    @property
    def position(self) -> str | None:
        """The id of the last event in the state; None while the conversation is fetched."""
        return self.state.position if self.state and self._early is None else None

    async def load(self) -> State:
        """Fetch the conversation and return its state; raises ClientError."""
        self._early = []
        try:
            self.state = await load(self.client, self.id, self.me)
        finally:
            early = self._take_early()
        self._apply_early(early)
        await self.refresh_transient(after_gap=False)
        return self.loaded_state

    def update(self, change: Callable[[State], State], changes: Changes) -> None:
        """Replace the state by a changed one, and report what changed."""
        self.state = change(self.loaded_state)
        self._notify(changes)

    def on_event(self, event: Event) -> None:
        """Apply an event of this conversation, or one that concerns all."""
        if self._early is not None:
            self._keep_early(event)
        elif self.state is not None:
            self._apply(event)

    def on_disconnected(self) -> None:
        """Remove all typing indicators: without a stream, their ends are not reported."""
        if self.state and self.state.typing:
            roots = frozenset(self.state.typing.values())
            self.update(lambda state: replace(state, typing={}), Changes(typing=roots))

    async def refresh_transient(self, *, after_gap: bool = True) -> None:
        """Fetch presence, typing and unread counts, whose events are not repeated after a gap.

        Without a gap, they are those since the state was loaded. Raises ClientError.
        """
        presence = await self.client.show_presence(self.id)
        before = self.loaded_state
        self.state = with_presence(before, presence)
        for user_id in self.state.typing:
            self._arm_typing_timeout(user_id)
        roots = {*before.typing.values(), *self.state.typing.values()}
        self._notify(Changes(presence=True, typing=frozenset(roots)))
        requested = self.loaded_state if after_gap else None
        unread = await self.client.list_unread(self.id)
        after = with_unread(self.loaded_state, unread, requested=requested)
        self.update(lambda _: after, Changes(unread=frozenset(after.readings)))

    async def load_more_threads(self) -> None:
        """Load the next page of the list of threads, if there is one; raises ClientError."""
        if cursor := self.loaded_state.threads_cursor:
            page = await self.client.list_threads(self.id, cursor=cursor)
            roots = frozenset(thread.root_id for thread in page.threads)
            self.update(lambda state: with_threads(state, page), Changes(threads=roots))

    async def refresh_participants(self) -> None:
        """Fetch the participants again; raises ClientError."""
        listed = await self.client.list_participants(self.id)
        self.update(lambda state: with_participants(state, listed), Changes(participants=True))

    def stop(self) -> None:
        """Call no callback any more, and end what is fetched."""
        for timer in (self._timer, *self._typing_timers.values()):
            if timer:
                timer.cancel()
        for task in self._tasks:
            task.cancel()
        self._on_changes = lambda _: None

    # Events

    def _apply(self, event: Event) -> None:
        state = self.loaded_state
        if isinstance(event, StreamOpen):
            position = (event.payload.positions or {}).get(self.id)
            if position and _is_ahead(position, state.position):
                self._fetch(frozenset({"all"}))
            return
        self.state, changes = apply(state, event)
        if isinstance(event, TypingUpdate):
            self._arm_typing_timeout(event.payload.user_id)
        self._notify(replace(changes, needs_fetch=frozenset()))
        if changes.needs_fetch:
            self._fetch(changes.needs_fetch)

    def _keep_early(self, event: Event) -> None:
        if self._early is not None and len(self._early) <= MAX_EARLY_EVENTS:
            self._early.append(event)  # beyond the limit, the gap is noticed by its number

    def _take_early(self) -> list[Event]:
        early = self._early or []
        self._early = None
        return early

    def _apply_early(self, early: list[Event]) -> None:
        for event in early:
            if self._early is not None:
                self._keep_early(event)
            elif not isinstance(event, StreamReset) or _is_ahead(
                event.payload.last_event_id, self.loaded_state.position
            ):
                self._apply(event)

    def _fetch(self, missing: frozenset[str]) -> None:
        """Fetch what events do not contain; later events are applied afterwards."""
        self._early = []
        self._start(self._fetch_until_done(missing))

    async def _fetch_until_done(self, missing: frozenset[str]) -> None:
        delay = 0.5
        while True:
            try:
                changes = await self._fetch_once(missing)
            except (NotFound, NotSignedIn):
                self._take_early()
                return
            except ClientError:
                await asyncio.sleep(delay)
                delay = min(MAX_RETRY_DELAY, 2 * delay)
            else:
                break
        self._apply_early(self._take_early())
        self._notify(changes)

    async def _fetch_once(self, missing: frozenset[str]) -> Changes:
        if "all" in missing:
            before = self.loaded_state
            self.state = await reload(self.client, before)
            return Changes(
                info=True,
                participants=True,
                threads=frozenset(thread.root_id for thread in self.state.threads),
                reloaded=frozenset(before.trees),
                unread=frozenset(self.state.readings),
            )
        changes = Changes()
        if "participants" in missing:
            listed = await self.client.list_participants(self.id)
            self.state = with_participants(self.loaded_state, listed)
            changes |= Changes(participants=True)
        if "threads" in missing:
            page = await self.client.list_threads(self.id)
            self.state = with_threads(self.loaded_state, page, first=True)
            changes |= Changes(threads=frozenset(thread.root_id for thread in page.threads))
        return changes

    def _start(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Typing indicators

    def _arm_typing_timeout(self, user_id: UUID) -> None:
        """Start the timeout of a typing indicator; a slow stream may never report its end."""
        if previous := self._typing_timers.pop(user_id, None):
            previous.cancel()
        if user_id in self.loaded_state.typing:
            loop = asyncio.get_running_loop()
            self._typing_timers[user_id] = loop.call_later(
                self._typing_timeout, self._expire_typing, user_id
            )

    def _expire_typing(self, user_id: UUID) -> None:
        root_id = self.loaded_state.typing.get(user_id)
        if root_id is not None:
            stopped = TypingUpdate(TypingUpdatePayload(self.id, root_id, user_id, TYPING_STOPPED))
            self.state, changes = apply(self.loaded_state, stopped)
            self._notify(changes)

    # Reports

    def _notify(self, changes: Changes) -> None:
        """Collect changes, and report them when the pause since the last report is over."""
        if not changes:
            return
        self._pending_changes |= changes
        if self._timer is None:
            loop = asyncio.get_running_loop()
            pause = max(NOTIFY_INTERVAL, 3 * self.paint_seconds)
            delay = max(0.0, self._notified_at + pause - loop.time())
            self._timer = loop.call_later(delay, self._flush)

    def _flush(self) -> None:
        changes = self._pending_changes
        self._pending_changes = Changes()
        self._timer = None
        self._notified_at = asyncio.get_running_loop().time()
        self._on_changes(changes)


def _is_ahead(position: str, of: str) -> bool:
    """Return True when a position is after another; True as well when they cannot be compared."""
    number, other = event_number(position), event_number(of)
    return number is None or other is None or number > other
