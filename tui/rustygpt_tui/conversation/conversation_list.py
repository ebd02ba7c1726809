"""The conversations one is in, as far as they were fetched. No widget."""

from msgspec import structs

from rustygpt_shared.models.conversations import Conversation
from rustygpt_tui.client.http import Client
from rustygpt_tui.store.state import State

PAGE = 200


class PagedConversationList:
    """Conversations, latest activity first, page by page."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._cursor: str | None = None
        self._pages = 1
        self.conversations: list[Conversation] = []

    async def refresh(self) -> None:
        """Fetch anew as many pages as are known; raises Failure."""
        found: list[Conversation] = []
        cursor: str | None = None
        for _ in range(self._pages):
            page = await self._client.list_conversations(cursor=cursor, limit=PAGE)
            found, cursor = _joined(found, page.conversations), page.next_cursor
            if cursor is None:
                break
        self.conversations, self._cursor = found, cursor

    async def load_more(self) -> bool:
        """Fetch the next page; tells whether there was one; raises Failure."""
        if self._cursor is None:
            return False
        page = await self._client.list_conversations(cursor=self._cursor, limit=PAGE)
        self.conversations = _joined(self.conversations, page.conversations)
        self._cursor = page.next_cursor
        self._pages += 1
        return True

    def update_from(self, state: State) -> None:
        """Take over what is known of the open conversation: it is newer than the list."""
        for index, known in enumerate(self.conversations):
            if known.id == state.info.id:
                self.conversations[index] = structs.replace(
                    known, title=state.info.title, unread=state.total_unread
                )


def _joined(known: list[Conversation], page: list[Conversation]) -> list[Conversation]:
    """What moved between two pages is listed once."""
    listed = {conversation.id for conversation in known}
    return [*known, *(c for c in page if c.id not in listed)]
