"""Routes of messages: a thread's tree, posts, replies, read markers, cancelling an answer."""

from typing import Final
from uuid import UUID

import msgspec

from rustygpt_server.api import request_parsing
from rustygpt_server.api.conversations import replay_header
from rustygpt_server.api.routing import Operation, RequestContext, Response
from rustygpt_server.errors import BadRequest
from rustygpt_shared import requests
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.messages import (
    CancelResult,
    Chunk,
    MessageView,
    PostedMessage,
    ReadMarkerResult,
    ThreadPage,
)


async def list_tree(context: RequestContext[None], root_id: UUID) -> ThreadPage:
    """List a thread's messages, depth first."""
    args = context.request.args
    after_path = args.get("cursor_path") or args.get("cursor") or None
    if after_path and not (after_path.isascii() and after_path.isalnum()):
        raise BadRequest(request_parsing.BAD_CURSOR)
    page = await context.services.threads.list_tree(
        context.caller.user.id,
        root_id,
        after_path,
        request_parsing.limit_param(context.request, 200, 1_000),
    )
    cursor = page.items[-1].path if page.more else None
    messages = [_with_html(context, message) for message in page.items]
    return ThreadPage(root_id, messages, event_id(page.position), cursor)


async def get_message(context: RequestContext[None], message_id: UUID) -> MessageView:
    """Return one message."""
    actor = context.caller.user.id
    message = await context.services.threads.get_message(actor, message_id)
    return _with_html(context, message)


async def list_chunks(context: RequestContext[None], message_id: UUID) -> list[Chunk]:
    """List the stored chunks of an assistant's answer."""
    first = context.request.args.get("from", "0")
    if not (first.isascii() and first.isdigit() and len(first) < 10):
        raise BadRequest("from has to be a number, 0 or more.")
    return await context.services.threads.list_chunks(
        context.caller.user.id,
        message_id,
        int(first),
        request_parsing.limit_param(context.request, 500, 1_000),
    )


async def post_root(
    context: RequestContext[requests.PostMessage], conversation_id: UUID
) -> Response:
    """Create a thread: post its root message."""
    result = await context.services.messages.post_root(
        context.caller.user.id,
        conversation_id,
        context.body,
        request_parsing.idempotency_key(context.request),
    )
    return Response(result.posted, headers=replay_header(result.replayed))


async def reply(context: RequestContext[requests.PostMessage], parent_id: UUID) -> Response:
    """Post a reply to a message."""
    result = await context.services.messages.reply(
        context.caller.user.id,
        parent_id,
        context.body,
        request_parsing.idempotency_key(context.request),
    )
    return Response(result.posted, headers=replay_header(result.replayed))


async def mark_read(context: RequestContext[requests.MarkRead], root_id: UUID) -> ReadMarkerResult:
    """Move the caller's read marker in a thread."""
    return await context.services.threads.mark_read(
        context.caller.user.id, root_id, context.body.path, context.body.message_id
    )


async def cancel(context: RequestContext[None], message_id: UUID) -> CancelResult:
    """Cancel an assistant's answer that is being generated."""
    return await context.services.messages.cancel(context.caller.user.id, message_id)


def _with_html(context: RequestContext[None], message: MessageView) -> MessageView:
    """Return the message with its content as HTML, when the query has `render=html`."""
    if context.request.args.get("render") != "html":
        return message
    html = context.services.markdown.render(message.content)
    return msgspec.structs.replace(message, html=html)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/threads/<root_id:uuid>/tree",
        handler=list_tree,
        response=ThreadPage,
    ),
    Operation(
        method="GET",
        path="/api/messages/<message_id:uuid>",
        handler=get_message,
        response=MessageView,
    ),
    Operation(
        method="GET",
        path="/api/messages/<message_id:uuid>/chunks",
        handler=list_chunks,
        response=list[Chunk],
    ),
    Operation(
        method="POST",
        path="/api/threads/<conversation_id:uuid>/root",
        handler=post_root,
        body=requests.PostMessage,
        response=PostedMessage,
        status=201,
    ),
    Operation(
        method="POST",
        path="/api/messages/<parent_id:uuid>/reply",
        handler=reply,
        body=requests.PostMessage,
        response=PostedMessage,
        status=201,
    ),
    Operation(
        method="POST",
        path="/api/threads/<root_id:uuid>/read",
        handler=mark_read,
        body=requests.MarkRead,
        response=ReadMarkerResult,
    ),
    Operation(
        method="POST",
        path="/api/messages/<message_id:uuid>/cancel",
        handler=cancel,
        response=CancelResult,
        status=202,
    ),
)
