"""Routes that change a message: edit, delete, restore, regenerate; and its earlier texts."""

from typing import Final
from uuid import UUID

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.conversations import replay_header
from rustygpt_server.api.routing import Operation, RequestContext, Response
from rustygpt_shared import requests
from rustygpt_shared.models.messages import PostedMessage, RevisionList

_MESSAGE: Final = "/api/messages/<message_id:uuid>"


async def edit_message(context: RequestContext[requests.EditMessage], message_id: UUID) -> None:
    """Replace the text of a message; the earlier one is kept."""
    actor = context.caller.user.id
    await context.services.messages.edit_message(actor, message_id, context.body)


async def delete_message(context: RequestContext[requests.DeleteMessage], message_id: UUID) -> None:
    """Delete a message, which keeps its place without its text; an answer in progress stops."""
    actor = context.caller.user.id
    await context.services.messages.delete_message(actor, message_id, context.body.reason)


async def restore_message(context: RequestContext[None], message_id: UUID) -> None:
    """Return its text to a deleted message."""
    await context.services.messages.restore_message(context.caller.user.id, message_id)


async def list_revisions(context: RequestContext[None], message_id: UUID) -> RevisionList:
    """List the earlier texts of a message, latest first."""
    before = request_parsing.seq_param(context.request, "cursor")
    revisions, more = await context.services.messages.list_revisions(
        context.caller.user.id,
        message_id,
        before,
        request_parsing.limit_param(context.request, 50, 200),
    )
    return RevisionList(revisions, str(revisions[-1].number) if more else None)


async def regenerate_answer(
    context: RequestContext[requests.Regenerate], message_id: UUID
) -> Response:
    """Create another answer to the same question, beside the answer that there is."""
    result = await context.services.messages.regenerate_answer(
        context.caller.user.id,
        message_id,
        context.body,
        request_parsing.idempotency_key(context.request),
    )
    return Response(result.posted, headers=replay_header(result.replayed))


OPERATIONS: Final = (
    Operation(
        method="POST",
        path=f"{_MESSAGE}/edit",
        handler=edit_message,
        errors=(409,),
        body=requests.EditMessage,
        status=204,
    ),
    Operation(
        method="POST",
        path=f"{_MESSAGE}/delete",
        handler=delete_message,
        body=requests.DeleteMessage,
        is_body_optional=True,
        status=204,
    ),
    Operation(
        method="POST",
        path=f"{_MESSAGE}/restore",
        handler=restore_message,
        status=204,
    ),
    Operation(
        method="GET",
        path=f"{_MESSAGE}/revisions",
        handler=list_revisions,
        parameters=(
            parameters.limit(50, 200),
            parameters.seq("cursor", "The `next_cursor` of the page before."),
        ),
        errors=(403,),
        response=RevisionList,
    ),
    Operation(
        method="POST",
        path=f"{_MESSAGE}/regenerate",
        handler=regenerate_answer,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        body=requests.Regenerate,
        is_body_optional=True,
        response=PostedMessage,
        status=201,
    ),
)
