"""Routes of messages: reading a thread, posts, replies, read markers, cancelling an answer.

Those that change a message are in `message_changes`.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.conversations import replay_header
from rustygpt_server.api.rate_limiting import exact_rate, show_limit
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

_FIRST_PATH: Final = "0"
"""Sorts before every path of a thread, and directly after a path when it is appended to it."""


async def list_tree(context: RequestContext[None], root_id: UUID) -> ThreadPage:
    """List a thread's messages, depth first: after a path, before one, or around a message."""
    start = request_parsing.tree_start(context.request)
    as_html = request_parsing.is_html_requested(context.request)
    page = await context.services.threads.list_tree(
        context.caller.user.id,
        root_id,
        start,
        request_parsing.limit_param(context.request, 200, 1_000),
    )
    # Beside an empty page lies all of the thread: after the first path, or up to the given one.
    last_path = page.items[-1].path if page.items else _FIRST_PATH
    first_path = page.items[0].path if page.items else f"{start.after_path}{_FIRST_PATH}"
    return ThreadPage(
        root_id,
        await _with_html(context, page.items) if as_html else page.items,
        event_id(page.position),
        last_path if page.more_after else None,
        first_path if page.more_before else None,
    )


async def list_messages(context: RequestContext[None], root_id: UUID) -> ThreadPage:
    """List a thread's messages in the order of seq: after one, or directly below one."""
    after_seq = request_parsing.seq_param(context.request, "cursor", "after_seq")
    before_seq = request_parsing.seq_param(context.request, "before_seq")
    if after_seq is not None and before_seq is not None:
        raise BadRequest("Only one of after_seq and before_seq is allowed.")
    as_html = request_parsing.is_html_requested(context.request)
    page = await context.services.threads.list_messages(
        context.caller.user.id,
        root_id,
        after_seq=after_seq or 0,
        before_seq=before_seq,
        limit=request_parsing.limit_param(context.request, 200, 1_000),
    )
    last_seq = page.items[-1].seq if page.items else 0
    has_prev = page.more_before and before_seq is not None and page.items
    return ThreadPage(
        root_id,
        await _with_html(context, page.items) if as_html else page.items,
        event_id(page.position),
        str(last_seq) if page.more_after else None,
        str(page.items[0].seq) if has_prev else None,
    )


async def get_message(context: RequestContext[None], message_id: UUID) -> MessageView:
    """Return one message."""
    as_html = request_parsing.is_html_requested(context.request)
    actor = context.caller.user.id
    message = await context.services.threads.get_message(actor, message_id)
    return (await _with_html(context, [message]))[0] if as_html else message


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
        exact_rate(context.request),
    )
    show_limit(context.request, result.limit)
    return Response(result.posted, headers=replay_header(result.replayed))


async def reply(context: RequestContext[requests.PostMessage], parent_id: UUID) -> Response:
    """Post a reply to a message."""
    result = await context.services.messages.reply(
        context.caller.user.id,
        parent_id,
        context.body,
        request_parsing.idempotency_key(context.request),
        exact_rate(context.request),
    )
    show_limit(context.request, result.limit)
    return Response(result.posted, headers=replay_header(result.replayed))


async def mark_read(context: RequestContext[requests.MarkRead], root_id: UUID) -> ReadMarkerResult:
    """Move the caller's read marker in a thread."""
    return await context.services.threads.mark_read(context.caller.user.id, root_id, context.body)


async def mark_unread(
    context: RequestContext[requests.MarkUnread], root_id: UUID
) -> ReadMarkerResult:
    """Set the caller's read marker in a thread just before a message."""
    return await context.services.threads.mark_unread(
        context.caller.user.id, root_id, context.body.message_id
    )


async def cancel(context: RequestContext[None], message_id: UUID) -> CancelResult:
    """Cancel an assistant's answer that is being generated."""
    return await context.services.messages.cancel(context.caller.user.id, message_id)


async def _with_html(
    context: RequestContext[None], messages: Sequence[MessageView]
) -> list[MessageView]:
    """Return messages with their content as HTML."""
    sources = [(message.id, message.content) for message in messages]
    rendered = await context.services.renderer.render(context.caller.user.id, sources)
    return [
        msgspec.structs.replace(message, html=html)
        for message, html in zip(messages, rendered, strict=True)
    ]


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/threads/<root_id:uuid>/tree",
        handler=list_tree,
        parameters=(
            parameters.limit(200, 1_000),
            parameters.AFTER_PATH,
            parameters.CURSOR,
            parameters.BEFORE_PATH,
            parameters.AROUND,
            parameters.AS_HTML,
        ),
        response=ThreadPage,
    ),
    Operation(
        method="GET",
        path="/api/threads/<root_id:uuid>/messages",
        handler=list_messages,
        parameters=(
            parameters.limit(200, 1_000),
            parameters.seq("after_seq", "List the messages after this one."),
            parameters.seq("cursor", "The `next_cursor` of the page before."),
            parameters.seq("before_seq", "List the messages directly before this one."),
            parameters.AS_HTML,
        ),
        response=ThreadPage,
    ),
    Operation(
        method="GET",
        path="/api/messages/<message_id:uuid>",
        handler=get_message,
        parameters=(parameters.AS_HTML,),
        response=MessageView,
    ),
    Operation(
        method="GET",
        path="/api/messages/<message_id:uuid>/chunks",
        handler=list_chunks,
        parameters=(parameters.FIRST_CHUNK, parameters.limit(500, 1_000)),
        response=list[Chunk],
    ),
    Operation(
        method="POST",
        path="/api/threads/<conversation_id:uuid>/root",
        handler=post_root,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        body=requests.PostMessage,
        response=PostedMessage,
        status=201,
    ),
    Operation(
        method="POST",
        path="/api/messages/<parent_id:uuid>/reply",
        handler=reply,
        parameters=(parameters.IDEMPOTENCY_KEY,),
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
        path="/api/threads/<root_id:uuid>/unread",
        handler=mark_unread,
        body=requests.MarkUnread,
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
