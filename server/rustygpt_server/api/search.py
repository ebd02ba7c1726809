"""The route of the full-text search."""

from typing import Final
from uuid import UUID

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.errors import BadRequest
from rustygpt_server.services.search import SearchPlace
from rustygpt_shared.models.search import SearchResult


async def search_messages(context: RequestContext[None]) -> SearchResult:
    """Search the messages that the caller may read, latest first."""
    place = SearchPlace(
        _id("conversation_id", context.request.args.get("conversation_id")),
        _id("root_id", context.request.args.get("root_id")),
    )
    found = await context.services.search.search_messages(
        context.caller.user.id,
        context.request.args.get("q", ""),
        place,
        request_parsing.read_cursor(context.request),
        request_parsing.limit_param(context.request, 20, 100),
    )
    cursor = request_parsing.make_cursor(*found.next) if found.next else None
    return SearchResult(found.hits, found.complete, cursor)


def _id(name: str, text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadRequest(f"{name} has to be an id.") from None


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/search",
        handler=search_messages,
        response=SearchResult,
        parameters=(
            parameters.SEARCH,
            parameters.CONVERSATION,
            parameters.THREAD,
            parameters.CURSOR,
            parameters.limit(20, 100),
        ),
        errors=(404, 422),
    ),
)
