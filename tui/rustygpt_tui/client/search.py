"""The call for the full-text search."""

from uuid import UUID

from rustygpt_shared.models.search import SearchResult
from rustygpt_tui.client.transport import Transport


class SearchCalls(Transport):
    """The call for the search; it raises ClientError."""

    async def search_messages(
        self,
        text: str,
        *,
        conversation_id: UUID | None = None,
        root_id: UUID | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> SearchResult:
        """Return a page of the messages that fulfil a search, latest first.

        It is of one conversation, of one thread, or of all that the caller may read.
        """
        return await self.call(
            "GET",
            "/api/search",
            SearchResult,
            query={
                "q": text,
                "conversation_id": str(conversation_id) if conversation_id else None,
                "root_id": str(root_id) if root_id else None,
                "cursor": cursor,
                "limit": limit,
            },
        )
