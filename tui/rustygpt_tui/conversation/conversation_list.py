"""The list of the user's conversations: fetched page by page, kept current by events.

Events that arrive while pages are fetched are applied to the fetched rows afterwards.
"""

from uuid import UUID

from rustygpt_shared.events import Event
from rustygpt_shared.models.conversations import Conversation, UnreadList
from rustygpt_tui.client.http import Client
from rustygpt_tui.store.conversation_list import (
    ConversationListState,
    ListChanges,
    apply_to_list,
    with_page,
    with_thread_counts,
    without_conversation,
)

PAGE_SIZE = 200
MAX_EARLY_EVENTS = 5_000


class PagedConversationList:
    """The pages fetched so far, the conversation with the latest activity first."""

    def __init__(self, client: Client, me: UUID) -> None:
        self._client = client
        self._state = ConversationListState(me)
        self._cursor: str | None = None
        self._pages = 1
        self._early: list[Event] | None = None
        self.is_fetched = False
        """True once the first page was fetched."""

    @property
    def conversations(self) -> list[Conversation]:
        """The conversations, latest activity first."""
        return self._state.conversations

    async def refresh(self) -> None:
        """Fetch all loaded pages again; raises ClientError."""
        self._early = []
        try:
            fetched, cursor = await self._fetch_pages()
        finally:
            early = self._early or []
            self._early = None
        self._state = with_page(ConversationListState(self._state.me), fetched)
        self._cursor = cursor
        self.is_fetched = True
        for event in early:
            self._state, _ = apply_to_list(self._state, event)

    async def load_more(self) -> bool:
        """Fetch the next page and return True; return False on the last page.

        Raises ClientError.
        """
        if self._cursor is None:
            return False
        page = await self._client.list_conversations(cursor=self._cursor, limit=PAGE_SIZE)
        self._state = with_page(self._state, page.conversations)
        self._cursor = page.next_cursor
        self._pages += 1
        return True

    def apply(self, event: Event) -> ListChanges:
        """Apply an event of the stream, and return what changed."""
        if self._early is not None and len(self._early) < MAX_EARLY_EVENTS:
            self._early.append(event)
        self._state, changes = apply_to_list(self._state, event)
        return changes

    def set_thread_counts(self, id: UUID, snapshot: UnreadList) -> None:
        """Set the unread counts of a conversation by thread."""
        self._state = with_thread_counts(self._state, id, snapshot)

    def remove(self, id: UUID) -> None:
        """Remove a conversation that the user is no longer in."""
        self._state, _ = without_conversation(self._state, id)

    async def _fetch_pages(self) -> tuple[list[Conversation], str | None]:
        fetched: list[Conversation] = []
        cursor: str | None = None
        for _ in range(self._pages):
            page = await self._client.list_conversations(cursor=cursor, limit=PAGE_SIZE)
            fetched.extend(page.conversations)
            cursor = page.next_cursor
            if cursor is None:
                break
        return fetched, cursor
