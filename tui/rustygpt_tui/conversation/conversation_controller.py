"""Which conversation is open, and the list of all: loading, following and choosing between them.

The screen runs these coroutines as its workers and shows what they return.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

from msgspec import structs

from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.users import User
from rustygpt_tui.client.feed import Connection
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.conversation_list import PagedConversationList
from rustygpt_tui.conversation.live_updates import LiveUpdates
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.errors import ClientError, NotSignedIn
from rustygpt_tui.store.state import Changes, State

MAX_LOADED = 20
"""Conversations that stay loaded; others are loaded again when they are opened."""


class LoadedSessions:
    """The sessions of the conversations used last."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[UUID, ConversationSession] = OrderedDict()

    def get(self, id: UUID) -> ConversationSession | None:
        """Return the session of a conversation, or None."""
        return self._sessions.get(id)

    def all(self) -> Iterable[ConversationSession]:
        """Return all sessions, the one used last first."""
        return list(reversed(self._sessions.values()))

    def use(self, session: ConversationSession) -> None:
        """Keep a session as the one used last; the one used longest ago is stopped when full."""
        self._sessions[session.id] = session
        self._sessions.move_to_end(session.id)
        while len(self._sessions) > MAX_LOADED:
            self._sessions.popitem(last=False)[1].stop()

    def drop(self, id: UUID) -> None:
        """Stop a session and forget it."""
        if session := self._sessions.pop(id, None):
            session.stop()


class ConversationController:
    """At most one conversation is open; all are kept current by one stream."""

    def __init__(
        self,
        client: Client,
        user: User,
        *,
        timing: Timing,
        on_changes: Callable[[UUID, Changes], None],
        on_list: Callable[[], None],
        on_connection: Callable[[Connection], None],
        on_signed_out: Callable[[NotSignedIn], None],
    ) -> None:
        """Create it with no conversation open.

        `on_changes` gets what changed in a loaded conversation, `on_list` is called when the list
        changed, `on_connection` when the stream's connection did.
        """
        self.client = client
        self.user = user
        self.timing = timing
        self.session: ConversationSession | None = None
        self.selected_id: UUID | None = None
        """The conversation chosen last; its session may not be loaded yet."""
        self._on_changes = on_changes
        self._list = PagedConversationList(client, user.id)
        self._sessions = LoadedSessions()
        self._live = LiveUpdates(
            client,
            self._list,
            self._sessions,
            on_list=on_list,
            on_connection=on_connection,
            on_signed_out=on_signed_out,
        )

    @property
    def state(self) -> State | None:
        """The state of the open conversation, once it is loaded."""
        return self.session.state if self.session else None

    @property
    def loaded_session(self) -> ConversationSession | None:
        """The session of the open conversation, once it is loaded."""
        return self.session if self.state else None

    @property
    def conversations(self) -> Sequence[Conversation]:
        """The conversations fetched so far, with what loaded ones know better than the list."""
        return [self._current(conversation) for conversation in self._list.conversations]

    @property
    def is_list_fetched(self) -> bool:
        """True once the list was fetched."""
        return self._list.is_fetched

    @property
    def may_edit(self) -> bool:
        """True unless the user's role in the open conversation is below admin."""
        state = self.state
        return state is None or state.role in {"owner", "admin"}

    async def follow(self) -> None:
        """Follow all conversations until the server ends the stream; raises ClientError."""
        await self._live.follow()

    def stop(self) -> None:
        """Stop everything that runs in the background."""
        self._live.stop()
        for session in self._sessions.all():
            session.stop()

    async def send_heartbeat(self) -> None:
        """Report that the user is present; a failure is ignored, as the next one follows soon."""
        with suppress(ClientError):
            await self.client.record_heartbeat()

    def refresh_list(self) -> None:
        """Fetch the list of conversations again, in the background."""
        self._live.refresh_list()

    async def load_more_conversations(self) -> bool:
        """Fetch the next page of the list; return False when there is none; raises ClientError."""
        return await self._list.load_more()

    def open(self, id: UUID) -> ConversationSession:
        """Return the session of a conversation that is shown from now on; it may not be loaded."""
        self.selected_id = id
        self.session = self._sessions.get(id) or ConversationSession(
            self.client,
            id,
            self.user.id,
            on_changes=partial(self._on_changes, id),
            typing_timeout=self.timing.typing_timeout,
        )
        self._sessions.use(self.session)
        return self.session

    def close(self) -> None:
        """Forget the open conversation, which the user is no longer in, and select none."""
        if self.selected_id:
            self._list.remove(self.selected_id)
            self._sessions.drop(self.selected_id)
        self.session = None
        self.selected_id = None

    def forget_failed(self, session: ConversationSession) -> None:
        """Forget a session that could not be loaded, so that the next attempt starts afresh."""
        self._sessions.drop(session.id)

    def is_open(self, id: UUID) -> bool:
        """Return whether this conversation is open and loaded."""
        return self.session is not None and self.session.id == id and self.state is not None

    def next_unread_thread(self, visited: frozenset[UUID] | set[UUID]) -> UUID | None:
        """Return the first unread thread of the open conversation that is not in `visited`."""
        return next((root for root in unread_threads(self.state) if root not in visited), None)

    def next_unread_conversation(self, visited: frozenset[UUID] | set[UUID]) -> UUID | None:
        """Return the first other unread conversation that is not in `visited`."""
        others = (c.id for c in self.conversations if c.unread and c.id != self.selected_id)
        return next((id_ for id_ in others if id_ not in visited), None)

    def _current(self, conversation: Conversation) -> Conversation:
        session = self._sessions.get(conversation.id)
        if session is None or session.state is None:
            return conversation
        state = session.state
        return structs.replace(conversation, title=state.info.title, unread=state.total_unread)


def first_thread(state: State) -> UUID | None:
    """Return the thread to open in a loaded conversation: the first unread one, else the first."""
    roots = [*unread_threads(state), *(thread.root_id for thread in state.threads)]
    return next(iter(roots), None)


def unread_threads(state: State | None) -> list[UUID]:
    """Return the threads with unread messages; those in the list come first, in its order."""
    if state is None:
        return []
    listed = [thread.root_id for thread in state.threads if state.unread(thread.root_id)]
    known = set(listed)
    others = (root for root in state.readings if root not in known and state.unread(root))
    return [*listed, *others]
