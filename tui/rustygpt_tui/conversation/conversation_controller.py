"""Which conversation is open, and the list of all: loading, following and choosing between them.

The screen runs these coroutines as its workers and shows what they return.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.users import User
from rustygpt_tui.client.feed import Connecting, Disconnected, Live
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.conversation_list import PagedConversationList
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.errors import ClientError
from rustygpt_tui.store.state import Changes, State


class ConversationController:
    """At most one conversation is open; its session follows the server's events."""

    def __init__(
        self,
        client: Client,
        user: User,
        *,
        timing: Timing,
        on_changes: Callable[[Changes], None],
        on_connection: Callable[[Connecting | Live | Disconnected], None],
    ) -> None:
        """Create it with no conversation open; the callbacks are those of `ConversationSession`."""
        self.client = client
        self.user = user
        self.timing = timing
        self.session: ConversationSession | None = None
        self.selected_id: UUID | None = None
        """The conversation chosen last; its session may not be loaded yet."""
        self._on_changes = on_changes
        self._on_connection = on_connection
        self._list = PagedConversationList(client)

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
        """The conversations fetched so far."""
        return self._list.conversations

    @property
    def may_edit(self) -> bool:
        """True unless the user's role in the open conversation is below admin."""
        state = self.state
        return state is None or state.role in {"owner", "admin"}

    async def send_heartbeat(self) -> None:
        """Report that the user is present; a failure is ignored, as the next one follows soon."""
        with suppress(ClientError):
            await self.client.record_heartbeat()

    async def refresh_list(self) -> None:
        """Fetch the list of conversations again; raises ClientError."""
        await self._list.refresh()

    async def load_more_conversations(self) -> bool:
        """Fetch the next page of the list; return False when there is none; raises ClientError."""
        return await self._list.load_more()

    def update_list(self) -> None:
        """Copy what is known of the open conversation into the list."""
        if self.state:
            self._list.update_from(self.state)

    def open(self, id: UUID) -> ConversationSession:
        """Stop the open session and return a new one, not loaded yet."""
        if self.session:
            self.session.stop()
        self.selected_id = id
        self.session = ConversationSession(
            self.client,
            id,
            self.user.id,
            on_changes=self._on_changes,
            on_connection=self._on_connection,
            typing_timeout=self.timing.typing_timeout,
        )
        return self.session

    def close(self) -> None:
        """Stop the open session and select no conversation."""
        if self.session:
            self.session.stop()
        self.session = None
        self.selected_id = None

    def is_open(self, id: UUID) -> bool:
        """Return whether this conversation is open and loaded."""
        return self.session is not None and self.session.id == id and self.state is not None

    def next_unread_thread(self, current: UUID | None) -> UUID | None:
        """Return the first unread thread of the open conversation other than `current`."""
        return next((root for root in _unread_threads(self.state) if root != current), None)

    def next_unread_conversation(self) -> UUID | None:
        """Return the first other conversation with unread messages."""
        others = (c.id for c in self.conversations if c.unread and c.id != self.selected_id)
        return next(others, None)


def first_thread(state: State) -> UUID | None:
    """Return the thread to open in a loaded conversation: the first unread one, else the first."""
    roots = [*_unread_threads(state), *(thread.root_id for thread in state.threads)]
    return next(iter(roots), None)


def _unread_threads(state: State | None) -> list[UUID]:
    threads = state.threads if state else ()
    return [t.root_id for t in threads if state and state.unread.get(t.root_id)]
