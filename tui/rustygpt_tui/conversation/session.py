"""The open conversation, kept current by its stream. No widget: screens are told by a function.

Changes are gathered and told at most thirty times a second, and less often when showing them is
slow, so that a fast answer never outruns the screen.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from rustygpt_shared.events import StreamOpen, TypingUpdate, TypingUpdatePayload
from rustygpt_shared.models.presence import TYPING_STOPPED
from rustygpt_tui.client.feed import Connecting, Disconnected, FeedItem, Live, follow
from rustygpt_tui.client.http import Client
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
PAGE = 1_000
EAGER_LOAD_MAX = 10_000
TYPING_TIMEOUT = 35
"""Longer than the server lets somebody write without telling so again."""
T = TypeVar("T")


class ConversationSession:
    """One conversation as `me` sees it; `state` is None until it was loaded."""

    def __init__(
        self,
        client: Client,
        conversation_id: UUID,
        me: UUID,
        *,
        on_changes: Callable[[Changes], None],
        on_connection: Callable[[Connecting | Live | Disconnected], None],
    ) -> None:
        self.id = conversation_id
        self.me = me
        self.state: State | None = None
        self._client = client
        self._on_changes = on_changes
        self._on_connection = on_connection
        self._pending_changes = Changes()
        self._timer: asyncio.TimerHandle | None = None
        self._notified_at = 0.0
        self.paint_seconds = 0.0
        """Seconds it took to show what was told last; a dear picture is drawn less often."""
        self._lock = asyncio.Lock()
        self._was_opened_before = False
        self._typing_timers: dict[UUID, asyncio.TimerHandle] = {}

    async def load(self) -> State:
        """Fetch the conversation; raises Failure."""
        self._on_connection(Connecting())
        self.state = await load(self._client, self.id, self.me)
        return self.state

    async def follow(self) -> None:
        """Apply what happens, for as long as the server lets us; raises Failure when it refuses."""
        position = self.state.position if self.state else None
        async for item in follow(self._client, self.id, position):
            await self._on_item(item)

    async def open_thread(self, root_id: UUID) -> AsyncIterator[frozenset[UUID]]:
        """Load a thread's messages, all of them up to a bound; raises Failure.

        Yields the ids that came, page by page; `changed` is not told of those.
        """
        if root_id not in self._loaded_state.trees:
            yield await self._next_page(root_id, None)
        while (tree := self._loaded_state.trees[root_id]).cursor and len(tree) < EAGER_LOAD_MAX:
            yield await self._next_page(root_id, tree.cursor)

    async def load_more_messages(self, root_id: UUID) -> frozenset[UUID]:
        """Load the next page of a thread, if there is one; answers what came; raises Failure."""
        tree = self._loaded_state.trees.get(root_id)
        if tree and tree.cursor:
            return await self._next_page(root_id, tree.cursor)
        return frozenset()

    async def load_more_threads(self) -> None:
        """Load the next page of the list of threads, if there is one; raises Failure."""
        if cursor := self._loaded_state.threads_cursor:
            page = await self._client.list_threads(self.id, cursor=cursor)
            async with self._lock:
                self.state = with_threads(self._loaded_state, page)
            self._notify(Changes(threads=frozenset(t.root_id for t in page.threads)))

    async def mark_read(self, root_id: UUID, message_id: UUID) -> None:
        """Move the reader's mark to a message, and count what is left; raises Failure."""
        answer = await self._client.mark_read(root_id, message_id=message_id)
        async with self._lock:
            self.state = with_read_marker(self._loaded_state, answer, message_id)
        self._notify(Changes(unread=frozenset({root_id})))

    async def refresh_participants(self) -> None:
        """Fetch who is in the conversation; raises Failure."""
        people = await self._client.list_participants(self.id)
        async with self._lock:
            self.state = with_participants(self._loaded_state, people)
        self._notify(Changes(participants=True))

    def stop(self) -> None:
        """Tell nothing any more."""
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
        page = await self._client.list_tree(root_id, cursor=cursor, limit=PAGE)
        async with self._lock:
            self.state = with_tree(self._loaded_state, page)
        return frozenset(message.id for message in page.messages)

    async def _on_item(self, item: FeedItem) -> None:
        if isinstance(item, Connecting | Live | Disconnected):
            self._on_connection(item)
            self._clear_typing(item)
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

    def _clear_typing(self, item: Connecting | Live | Disconnected) -> None:
        """Without a stream nobody hears that others have stopped."""
        if isinstance(item, Disconnected) and self._loaded_state.typing:
            roots = frozenset(self._loaded_state.typing.values())
            self.state = replace(self._loaded_state, typing={})
            self._notify(Changes(typing=roots))

    def _arm_typing_timeout(self, user_id: UUID) -> None:
        """Nobody writes for ever: a slow terminal may not be told that somebody has stopped."""
        if before := self._typing_timers.pop(user_id, None):
            before.cancel()
        if user_id in self._loaded_state.typing:
            loop = asyncio.get_running_loop()
            self._typing_timers[user_id] = loop.call_later(
                TYPING_TIMEOUT, self._expire_typing, user_id
            )

    def _expire_typing(self, user_id: UUID) -> None:
        root_id = self._loaded_state.typing.get(user_id)
        if self._lock.locked():
            self._arm_typing_timeout(user_id)  # what holds it would put back the state of before
        elif root_id is not None:
            stopped = TypingUpdate(TypingUpdatePayload(self.id, root_id, user_id, TYPING_STOPPED))
            self.state, changes = apply(self._loaded_state, stopped)
            self._notify(changes)

    async def _on_stream_open(self) -> None:
        """Counts and presence are told in passing, so after a gap they are fetched anew."""
        there = await self._client.show_presence(self.id)
        async with self._lock:
            before = self._loaded_state
            self.state = with_presence(before, there)
        for user_id in self.state.typing:
            self._arm_typing_timeout(user_id)
        writing = {*before.typing.values(), *self.state.typing.values()}
        self._notify(Changes(presence=True, typing=frozenset(writing)))
        if self._was_opened_before:
            unread = await self._client.list_unread(self.id)
            async with self._lock:
                self.state = with_unread(self._loaded_state, unread)
            self._notify(Changes(unread=frozenset(t.root_id for t in unread.threads) | {self.id}))
        self._was_opened_before = True

    def _notify(self, changes: Changes) -> None:
        if not changes:
            return
        self._pending_changes |= changes
        if self._timer is None:
            loop = asyncio.get_running_loop()
            pause = max(NOTIFY_INTERVAL, 3 * self.paint_seconds)
            wait = max(0.0, self._notified_at + pause - loop.time())
            self._timer = loop.call_later(wait, self._flush)

    def _flush(self) -> None:
        changes, self._pending_changes = self._pending_changes, Changes()
        self._timer = None
        self._notified_at = asyncio.get_running_loop().time()
        self._on_changes(changes)


def _diff(before: State, after: State) -> Changes:
    """What may differ after a part was fetched anew."""
    reloaded = frozenset(r for r, tree in after.trees.items() if before.trees.get(r) is not tree)
    return Changes(
        info=True,
        participants=before.participants is not after.participants,
        threads=frozenset(t.root_id for t in after.threads),
        threads_of_messages=reloaded,
        reloaded=reloaded,
        unread=frozenset({after.info.id}),
    )
