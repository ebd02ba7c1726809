"""The open conversation, kept current by its stream. No widget: screens are told by a function.

Changes are gathered and told at most thirty times a second, and less often when showing them is
slow, so that a fast answer never outruns the screen.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from rustygpt_shared.events import StreamOpen, Typing, TypingUpdate
from rustygpt_shared.models.presence import STOPPED
from rustygpt_tui.client.feed import Connecting, FeedItem, Live, Lost, follow
from rustygpt_tui.client.http import Client
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import (
    complete,
    load,
    with_marked,
    with_participants,
    with_presence,
    with_threads,
    with_tree,
    with_unread,
)
from rustygpt_tui.store.state import Changes, State

TELL_SECONDS = 1 / 30
PAGE = 1_000
EAGER_MESSAGES = 10_000
TURN_SECONDS = 35
"""Longer than the server lets somebody write without telling so again."""
T = TypeVar("T")


class Room:
    """One conversation as `me` sees it; `state` is None until it was loaded."""

    def __init__(
        self,
        client: Client,
        conversation_id: UUID,
        me: UUID,
        *,
        changed: Callable[[Changes], None],
        connected: Callable[[Connecting | Live | Lost], None],
    ) -> None:
        self.id = conversation_id
        self.me = me
        self.state: State | None = None
        self._client = client
        self._changed = changed
        self._connected = connected
        self._gathered = Changes()
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self.cost = 0.0
        """Seconds it took to show what was told last; a dear picture is drawn less often."""
        self._lock = asyncio.Lock()
        self._opened_before = False
        self._turns: dict[UUID, asyncio.TimerHandle] = {}

    async def load(self) -> State:
        """Fetch the conversation; raises Failure."""
        self._connected(Connecting())
        self.state = await load(self._client, self.id, self.me)
        return self.state

    async def follow(self) -> None:
        """Apply what happens, for as long as the server lets us; raises Failure when it refuses."""
        position = self.state.position if self.state else None
        async for item in follow(self._client, self.id, position):
            await self._take(item)

    async def open_thread(self, root_id: UUID) -> AsyncIterator[frozenset[UUID]]:
        """Load a thread's messages, all of them up to a bound; raises Failure.

        Yields the ids that came, page by page; `changed` is not told of those.
        """
        if root_id not in self._known.trees:
            yield await self._next_page(root_id, None)
        while (tree := self._known.trees[root_id]).cursor and len(tree) < EAGER_MESSAGES:
            yield await self._next_page(root_id, tree.cursor)

    async def more_of(self, root_id: UUID) -> frozenset[UUID]:
        """Load the next page of a thread, if there is one; answers what came; raises Failure."""
        tree = self._known.trees.get(root_id)
        if tree and tree.cursor:
            return await self._next_page(root_id, tree.cursor)
        return frozenset()

    async def more_threads(self) -> None:
        """Load the next page of the list of threads, if there is one; raises Failure."""
        if cursor := self._known.threads_cursor:
            page = await self._client.list_threads(self.id, cursor=cursor)
            async with self._lock:
                self.state = with_threads(self._known, page)
            self._tell(Changes(threads=frozenset(t.root_id for t in page.threads)))

    async def mark_read(self, root_id: UUID, message_id: UUID) -> None:
        """Move the reader's mark to a message, and count what is left; raises Failure."""
        answer = await self._client.mark_read(root_id, message_id=message_id)
        async with self._lock:
            self.state = with_marked(self._known, answer, message_id)
        self._tell(Changes(unread=frozenset({root_id})))

    async def refresh_people(self) -> None:
        """Fetch who is in the conversation; raises Failure."""
        people = await self._client.list_participants(self.id)
        async with self._lock:
            self.state = with_participants(self._known, people)
        self._tell(Changes(participants=True))

    def stop(self) -> None:
        """Tell nothing any more."""
        for timer in (self._timer, *self._turns.values()):
            if timer:
                timer.cancel()
        self._changed = lambda _: None
        self._connected = lambda _: None

    @property
    def _known(self) -> State:
        if self.state is None:
            raise RuntimeError("the conversation was not loaded")
        return self.state

    async def _next_page(self, root_id: UUID, cursor: str | None) -> frozenset[UUID]:
        page = await self._client.tree(root_id, cursor=cursor, limit=PAGE)
        async with self._lock:
            self.state = with_tree(self._known, page)
        return frozenset(message.id for message in page.messages)

    async def _take(self, item: FeedItem) -> None:
        if isinstance(item, Connecting | Live | Lost):
            self._connected(item)
            self._forget_typing(item)
            return
        if isinstance(item, StreamOpen):
            await self._opened()
        async with self._lock:
            self.state, changes = apply(self._known, item)
            if changes.lacking:
                before = self.state
                self.state = await complete(self._client, self.state, changes)
                changes |= _everything(before, self.state)
        if isinstance(item, TypingUpdate):
            self._limit_turn(item.payload.user_id)
        self._tell(changes)

    def _forget_typing(self, item: Connecting | Live | Lost) -> None:
        """Without a stream nobody hears that others have stopped."""
        if isinstance(item, Lost) and self._known.typing:
            roots = frozenset(self._known.typing.values())
            self.state = replace(self._known, typing={})
            self._tell(Changes(typing=roots))

    def _limit_turn(self, user_id: UUID) -> None:
        """Nobody writes for ever: a slow terminal may not be told that somebody has stopped."""
        if before := self._turns.pop(user_id, None):
            before.cancel()
        if user_id in self._known.typing:
            loop = asyncio.get_running_loop()
            self._turns[user_id] = loop.call_later(TURN_SECONDS, self._end_turn, user_id)

    def _end_turn(self, user_id: UUID) -> None:
        root_id = self._known.typing.get(user_id)
        if self._lock.locked():
            self._limit_turn(user_id)  # what holds it would put back the state of before
        elif root_id is not None:
            stopped = TypingUpdate(Typing(self.id, root_id, user_id, STOPPED))
            self.state, changes = apply(self._known, stopped)
            self._tell(changes)

    async def _opened(self) -> None:
        """Counts and presence are told in passing, so after a gap they are fetched anew."""
        there = await self._client.show_presence(self.id)
        async with self._lock:
            before = self._known
            self.state = with_presence(before, there)
        for user_id in self.state.typing:
            self._limit_turn(user_id)
        writing = {*before.typing.values(), *self.state.typing.values()}
        self._tell(Changes(present=True, typing=frozenset(writing)))
        if self._opened_before:
            unread = await self._client.unread(self.id)
            async with self._lock:
                self.state = with_unread(self._known, unread)
            self._tell(Changes(unread=frozenset(t.root_id for t in unread.threads) | {self.id}))
        self._opened_before = True

    def _tell(self, changes: Changes) -> None:
        if not changes:
            return
        self._gathered |= changes
        if self._timer is None:
            loop = asyncio.get_running_loop()
            pause = max(TELL_SECONDS, 3 * self.cost)
            wait = max(0.0, self._told_at + pause - loop.time())
            self._timer = loop.call_later(wait, self._flush)

    def _flush(self) -> None:
        changes, self._gathered = self._gathered, Changes()
        self._timer = None
        self._told_at = asyncio.get_running_loop().time()
        self._changed(changes)


def _everything(before: State, after: State) -> Changes:
    """What may differ after a part was fetched anew."""
    anew = frozenset(r for r, tree in after.trees.items() if before.trees.get(r) is not tree)
    return Changes(
        info=True,
        participants=before.participants is not after.participants,
        threads=frozenset(t.root_id for t in after.threads),
        roots=anew,
        whole=anew,
        unread=frozenset({after.info.id}),
    )
