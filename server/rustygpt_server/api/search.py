"""The route of the full-text search."""

from typing import Final
from uuid import UUID

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.errors import BadRequest
from rustygpt_shared.models.search import SearchResult


async def search_messages(context: RequestContext[None]) -> SearchResult:
    """Search the messages that the caller may read, latest first."""
    conversation_id = context.request.args.get("conversation_id")
    try:
        place = UUID(conversation_id) if conversation_id else None
    except ValueError:
        raise BadRequest("conversation_id has to be the id of a conversation.") from None
    found = await context.services.search.search_messages(
        context.caller.user.id,
        context.request.args.get("q", ""),
        place,
        request_parsing.read_cursor(context.request),
        request_parsing.limit_param(context.request, 20, 100),
    )
    cursor = request_parsing.make_cursor(*found.next) if found.next else None
    return SearchResult(found.hits, found.complete, cursor)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/search",
        handler=search_messages,
        response=SearchResult,
        parameters=(
            parameters.SEARCH,
            parameters.CONVERSATION,
            parameters.CURSOR,
            parameters.limit(20, 100),
        ),
        errors=(404, 422),
    ),
)
