"""The session of one open conversation: its state, kept current by the event stream.

Changes are collected and reported through a callback at most 30 times a second, and less often
when drawing them is slow, so that a fast answer never outruns the screen.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from uuid import UUID

from rustygpt_shared.events import StreamOpen, TypingUpdate, TypingUpdatePayload
from rustygpt_shared.models.presence import TYPING_STOPPED
from rustygpt_tui.client.feed import Connecting, Disconnected, FeedItem, Live, follow
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import (
    fetch_missing,
    load,
    with_participants,
    with_presence,
    with_read_marker,
    with_threads,
    with_tree,
    with_unread,
)
from rustygpt_tui.store.state import Changes, State

NOTIFY_INTERVAL = 1 / 30
"""Seconds between two reports of changes."""
PAGE_SIZE = 1_000
EAGER_LOAD_MAX = 10_000
"""Messages of a thread that are loaded when it is opened; more follow on scrolling."""


class ConversationSession:
    """One conversation as the user `me` sees it; `state` is None until it is loaded."""

    def __init__(
        self,
        client: Client,
        conversation_id: UUID,
        me: UUID,
        *,
        on_changes: Callable[[Changes], None],
        on_connection: Callable[[Connecting | Live | Disconnected], None],
        typing_timeout: float = Timing.typing_timeout,
    ) -> None:
        """Create a session that is not loaded.

        `on_changes` gets the collected changes, `on_connection` every change of the stream's
        connection. `typing_timeout` is in seconds.
        """
        self.id = conversation_id
        self.me = me
        self.state: State | None = None
        self._client = client
        self._on_changes = on_changes
        self._on_connection = on_connection
        self._typing_timeout = typing_timeout
        self._pending_changes = Changes()
        self._timer: asyncio.TimerHandle | None = None
        self._notified_at = 0.0
        self.paint_seconds = 0.0
        """Seconds the last drawing took; the pause before the next report grows with it."""
        self._lock = asyncio.Lock()
        self._was_opened_before = False
        self._typing_timers: dict[UUID, asyncio.TimerHandle] = {}

    async def load(self) -> State:
        """Fetch the conversation and return its state; raises ClientError."""
        self._on_connection(Connecting())
        self.state = await load(self._client, self.id, self.me)
        return self.state

    async def follow(self) -> None:
        """Apply events until the server ends the stream; raises ClientError when it refuses."""
        position = self.state.position if self.state else None
        async for item in follow(self._client, self.id, position):
            await self._on_item(item)

    async def open_thread(self, root_id: UUID) -> AsyncIterator[frozenset[UUID]]:
        """Load a thread's messages, at most `EAGER_LOAD_MAX`; raises ClientError.

        Yields the ids of the messages page by page; `on_changes` does not report these.
        """
        if root_id not in self._loaded_state.trees:
            yield await self._next_page(root_id, None)
        while (tree := self._loaded_state.trees[root_id]).cursor and len(tree) < EAGER_LOAD_MAX:
            yield await self._next_page(root_id, tree.cursor)

    async def load_more_messages(self, root_id: UUID) -> frozenset[UUID]:
        """Load the next page of a thread and return its ids, none at the end.

        Raises ClientError.
        """
        tree = self._loaded_state.trees.get(root_id)
        if tree and tree.cursor:
            return await self._next_page(root_id, tree.cursor)
        return frozenset()

    async def load_more_threads(self) -> None:
        """Load the next page of the list of threads, if there is one; raises ClientError."""
        if cursor := self._loaded_state.threads_cursor:
            page = await self._client.list_threads(self.id, cursor=cursor)
            async with self._lock:
                self.state = with_threads(self._loaded_state, page)
            self._notify(Changes(threads=frozenset(t.root_id for t in page.threads)))

    async def mark_read(self, root_id: UUID, message_id: UUID) -> None:
        """Move the read marker to a message and update the unread count; raises ClientError."""
        result = await self._client.mark_read(root_id, message_id=message_id)
        async with self._lock:
            self.state = with_read_marker(self._loaded_state, result, message_id)
        self._notify(Changes(unread=frozenset({root_id})))

    async def refresh_participants(self) -> None:
        """Fetch the participants again; raises ClientError."""
        participants = await self._client.list_participants(self.id)
        async with self._lock:
            self.state = with_participants(self._loaded_state, participants)
        self._notify(Changes(participants=True))

    def stop(self) -> None:
        """Call no callback any more."""
        for timer in (self._timer, *self._typing_timers.values()):
            if timer:
                timer.cancel()
        self._on_changes = lambda _: None
        self._on_connection = lambda _: None

    @property
    def _loaded_state(self) -> State:
        if self.state is None:
            raise RuntimeError("the conversation was not loaded")
        return self.state

    async def _next_page(self, root_id: UUID, cursor: str | None) -> frozenset[UUID]:
        page = await self._client.list_tree(root_id, cursor=cursor, limit=PAGE_SIZE)
        async with self._lock:
            self.state = with_tree(self._loaded_state, page)
        return frozenset(message.id for message in page.messages)

    async def _on_item(self, item: FeedItem) -> None:
        if isinstance(item, Connecting | Live | Disconnected):
            self._on_connection(item)
            if isinstance(item, Disconnected):
                self._clear_typing()
            return
        if isinstance(item, StreamOpen):
            await self._on_stream_open()
        async with self._lock:
            self.state, changes = apply(self._loaded_state, item)
            if changes.needs_fetch:
                before = self.state
                self.state = await fetch_missing(self._client, self.state, changes)
                changes |= _diff(before, self.state)
        if isinstance(item, TypingUpdate):
            self._arm_typing_timeout(item.payload.user_id)
        self._notify(changes)

    def _clear_typing(self) -> None:
        """Remove all typing indicators: without a stream, their ends are not reported."""
        if self._loaded_state.typing:
            roots = frozenset(self._loaded_state.typing.values())
            self.state = replace(self._loaded_state, typing={})
            self._notify(Changes(typing=roots))

    def _arm_typing_timeout(self, user_id: UUID) -> None:
        """Start the timeout of a typing indicator; a slow stream may never report its end."""
        if previous := self._typing_timers.pop(user_id, None):
            previous.cancel()
        if user_id in self._loaded_state.typing:
            loop = asyncio.get_running_loop()
            self._typing_timers[user_id] = loop.call_later(
                self._typing_timeout, self._expire_typing, user_id
            )

    def _expire_typing(self, user_id: UUID) -> None:
        root_id = self._loaded_state.typing.get(user_id)
        if self._lock.locked():
            # The holder of the lock would overwrite this change with the state it read before.
            self._arm_typing_timeout(user_id)
        elif root_id is not None:
            stopped = TypingUpdate(TypingUpdatePayload(self.id, root_id, user_id, TYPING_STOPPED))
            self.state, changes = apply(self._loaded_state, stopped)
            self._notify(changes)

    async def _on_stream_open(self) -> None:
        """Fetch presence, typing and unread counts, whose events are not repeated after a gap."""
        presence = await self._client.show_presence(self.id)
        async with self._lock:
            before = self._loaded_state
            self.state = with_presence(before, presence)
        for user_id in self.state.typing:
            self._arm_typing_timeout(user_id)
        roots = {*before.typing.values(), *self.state.typing.values()}
        self._notify(Changes(presence=True, typing=frozenset(roots)))
        if self._was_opened_before:
            unread = await self._client.list_unread(self.id)
            async with self._lock:
                self.state = with_unread(self._loaded_state, unread)
            self._notify(Changes(unread=frozenset(t.root_id for t in unread.threads) | {self.id}))
        self._was_opened_before = True

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


def _diff(before: State, after: State) -> Changes:
    """Return what may differ after parts of the state were fetched again."""
    reloaded = frozenset(r for r, tree in after.trees.items() if before.trees.get(r) is not tree)
    return Changes(
        info=True,
        participants=before.participants is not after.participants,
        threads=frozenset(t.root_id for t in after.threads),
        threads_of_messages=reloaded,
        reloaded=reloaded,
        unread=frozenset({after.info.id}),
    )
