"""Follows all conversations over one stream, for the list and the loaded conversations.

What events do not contain is fetched in the background: the list after a reconnect, unread counts
by thread of conversations that are not loaded.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import aclosing, suppress
from typing import Protocol
from uuid import UUID

from rustygpt_shared.events import (
    Event,
    PresenceUpdate,
    StreamClosed,
    StreamClosedPayload,
    StreamOpen,
    StreamReset,
)
from rustygpt_tui.client.feed import Connection, Disconnected, follow_all
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.conversation_list import PagedConversationList
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.errors import ClientError, NotFound, NotSignedIn
from rustygpt_tui.store.conversation_list import ListChanges
from rustygpt_tui.store.conversation_of import conversation_of

LIST_PAUSE = 1.0
"""Seconds between two requests for the list; events may ask for it often."""
LIST_PAUSE_MAX = 30.0
"""Seconds between two requests for the list that fail."""


class Sessions(Protocol):
    """The sessions of the conversations that are loaded."""

    def get(self, id: UUID) -> ConversationSession | None:
        """Return the session of a conversation, or None."""

    def all(self) -> Iterable[ConversationSession]:
        """Return all sessions, the one used last first."""


class LiveUpdates:
    """The stream of one account."""

    def __init__(
        self,
        client: Client,
        conversations: PagedConversationList,
        sessions: Sessions,
        *,
        on_list: Callable[[], None],
        on_connection: Callable[[Connection], None],
        on_signed_out: Callable[[NotSignedIn], None],
    ) -> None:
        """`on_list` is called when the list changed, `on_connection` when the connection did."""
        self._client = client
        self._list = conversations
        self._sessions = sessions
        self._on_list = on_list
        self._on_connection = on_connection
        self._on_signed_out = on_signed_out
        self._tasks: set[asyncio.Task[None]] = set()
        self._session_refresh: asyncio.Task[None] | None = None
        self._is_refreshing = False
        self._refresh_again = False
        self._counts_wanted: dict[UUID, None] = {}
        self._was_open = False

    async def follow(self) -> None:
        """Follow until the server ends the stream; raises ClientError when it refuses."""
        async with aclosing(follow_all(self._client, self._positions)) as items:
            async for item in items:
                if isinstance(item, Connection):
                    self._on_connection_changed(item)
                else:
                    self._on_event(item)

    def stop(self) -> None:
        """Fetch nothing any more."""
        for task in self._tasks:
            task.cancel()

    def refresh_list(self) -> None:
        """Fetch the list in the background, once even if it is asked for several times."""
        self._refresh_again = True
        if not self._is_refreshing:
            self._is_refreshing = True
            self._start(self._refresh_list())

    def _positions(self) -> dict[UUID, str]:
        named = ((session.id, session.position) for session in self._sessions.all())
        return {id_: position for id_, position in named if position}

    def _on_connection_changed(self, connection: Connection) -> None:
        self._on_connection(connection)
        if isinstance(connection, Disconnected):
            for session in self._sessions.all():
                session.on_disconnected()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StreamOpen):
            self._on_open()
        self._on_list_changes(self._list.apply(event))
        id_ = conversation_of(event)
        if isinstance(event, StreamReset) and event.payload.reason == "removed":
            event = StreamClosed(StreamClosedPayload("removed"))
        if id_ is not None:
            if session := self._sessions.get(id_):
                session.on_event(event)
        elif isinstance(event, PresenceUpdate | StreamOpen):
            for session in self._sessions.all():
                session.on_event(event)

    def _on_open(self) -> None:
        self.refresh_list()
        if self._was_open:
            if self._session_refresh is not None:  # what it fetched is older than this gap
                self._session_refresh.cancel()
            self._session_refresh = self._start(self._refresh_sessions())
        self._was_open = True

    def _on_list_changes(self, changes: ListChanges) -> None:
        if changes.needs_list:
            self.refresh_list()
        for id_ in changes.needs_unread:
            if self._sessions.get(id_) is None and id_ not in self._counts_wanted:
                self._counts_wanted[id_] = None
                if len(self._counts_wanted) == 1:
                    self._start(self._fetch_counts())
        if changes.rows:
            self._on_list()

    async def _refresh_list(self) -> None:
        pause = LIST_PAUSE
        try:
            while self._refresh_again:
                self._refresh_again = False
                try:
                    await self._list.refresh()
                except NotSignedIn as failure:
                    self._on_signed_out(failure)
                    return
                except ClientError:
                    self._refresh_again = True
                    pause = min(LIST_PAUSE_MAX, 2 * pause)
                else:
                    pause = LIST_PAUSE
                    self._on_list()
                await asyncio.sleep(pause)
        finally:
            self._is_refreshing = False

    async def _refresh_sessions(self) -> None:
        """Fetch what is not repeated after a gap; a failure is repaired by the next connection.

        A conversation that is gone is left: the event of the removal may be lost.
        """
        for session in list(self._sessions.all()):
            if session.position is not None:
                try:
                    await session.refresh_transient()
                except NotFound:
                    session.on_event(StreamClosed(StreamClosedPayload("removed")))
                except ClientError:
                    continue

    async def _fetch_counts(self) -> None:
        while self._counts_wanted:
            id_ = next(iter(self._counts_wanted))
            with suppress(ClientError):
                self._list.set_thread_counts(id_, await self._client.list_unread(id_))
                self._on_list()
            del self._counts_wanted[id_]

    def _start(self, coroutine: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
