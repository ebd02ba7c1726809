"""The route of imports: a file that is read as it arrives."""

from typing import Final

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.body_admission import BodyAdmission
from rustygpt_server.api.conversations import replay_header
from rustygpt_server.api.routing import Operation, RequestContext, Response
from rustygpt_shared.models.exports import ImportResult

_TYPES: Final = (
    "application/json",
    "application/x-ndjson",
    "application/octet-stream",
    "text/plain",
)


async def import_conversations(context: RequestContext[None]) -> Response:
    """Create conversations of the caller's own from a file.

    The file is an export of this server in JSON Lines or JSON, ChatGPT's `conversations.json`, or
    an export of Open WebUI, of at most `server.import_limit_bytes`. Either all of it is imported or
    nothing; an error says where in the file it is.
    """
    request = context.request
    request_parsing.check_media_type(request, _TYPES)
    bodies: BodyAdmission = request.app.ctx.bodies
    try:
        imported = await context.services.imports.import_conversations(
            context.caller.user.id,
            bodies.stream(request),
            request_parsing.idempotency_key_only(request),
        )
    except Exception:
        bodies.discard(request)
        raise
    return Response(imported.result, headers=replay_header(imported.replayed))


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/api/conversations/import",
        handler=import_conversations,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        streamed_body=_TYPES,
        response=ImportResult,
        status=201,
        ends_with_client=True,
    ),
)
