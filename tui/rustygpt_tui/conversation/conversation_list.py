"""The list of the user's conversations, fetched page by page."""

from msgspec import structs

from rustygpt_shared.models.conversations import Conversation
from rustygpt_tui.client.http import Client
from rustygpt_tui.store.state import State

PAGE_SIZE = 200


class PagedConversationList:
    """The pages fetched so far, the conversation with the latest activity first."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._cursor: str | None = None
        self._pages = 1
        self.conversations: list[Conversation] = []

    async def refresh(self) -> None:
        """Fetch all loaded pages again; raises ClientError."""
        conversations: list[Conversation] = []
        cursor: str | None = None
        for _ in range(self._pages):
            page = await self._client.list_conversations(cursor=cursor, limit=PAGE_SIZE)
            conversations = _append_page(conversations, page.conversations)
            cursor = page.next_cursor
            if cursor is None:
                break
        self.conversations = conversations
        self._cursor = cursor

    async def load_more(self) -> bool:
        """Fetch the next page and return True; return False on the last page.

        Raises ClientError.
        """
        if self._cursor is None:
            return False
        page = await self._client.list_conversations(cursor=self._cursor, limit=PAGE_SIZE)
        self.conversations = _append_page(self.conversations, page.conversations)
        self._cursor = page.next_cursor
        self._pages += 1
        return True

    def update_from(self, state: State) -> None:
        """Copy title and unread count of the open conversation, which is newer than the list."""
        for index, conversation in enumerate(self.conversations):
            if conversation.id == state.info.id:
                self.conversations[index] = structs.replace(
                    conversation, title=state.info.title, unread=state.total_unread
                )


def _append_page(listed: list[Conversation], page: list[Conversation]) -> list[Conversation]:
    """Return both lists joined; a conversation that moved between two pages appears once."""
    listed_ids = {conversation.id for conversation in listed}
    return [*listed, *(c for c in page if c.id not in listed_ids)]
