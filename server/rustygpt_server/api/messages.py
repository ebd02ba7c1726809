"""Threads from inside: trees, posts, replies, marks of reading, stopping an answer."""

from uuid import UUID

import msgspec

from rustygpt_server.api import request_parsing
from rustygpt_server.api.conversations import replay_header
from rustygpt_server.api.routing import RequestContext, Response, RouteGroup
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


def make_area() -> RouteGroup:
    """The routes of messages."""
    area = RouteGroup("messages")
    _read(area)
    _chunks(area)
    _write(area)
    _mark(area)
    return area


def _read(area: RouteGroup) -> None:
    @area.operation("GET", "/api/threads/<root_id:uuid>/tree", response=ThreadPage)
    async def list_tree(call: RequestContext[None], root_id: UUID) -> ThreadPage:
        """Read a thread, depth first."""
        args = call.request.args
        after = args.get("cursor_path") or args.get("cursor") or None
        if after and not (after.isascii() and after.isalnum()):
            raise BadRequest(request_parsing.BAD_CURSOR)
        page = await call.services.threads.list_tree(
            call.caller.user.id,
            root_id,
            after,
            request_parsing.limit_param(call.request, 200, 1_000),
        )
        cursor = page.items[-1].path if page.more else None
        shown = [_with_html(call, message) for message in page.items]
        return ThreadPage(root_id, shown, event_id(page.position), cursor)

    @area.operation("GET", "/api/messages/<message_id:uuid>", response=MessageView)
    async def get_message(call: RequestContext[None], message_id: UUID) -> MessageView:
        """Read one message."""
        actor = call.caller.user.id
        return _with_html(call, await call.services.threads.get_message(actor, message_id))


def _chunks(area: RouteGroup) -> None:
    @area.operation("GET", "/api/messages/<message_id:uuid>/chunks", response=list[Chunk])
    async def list_chunks(call: RequestContext[None], message_id: UUID) -> list[Chunk]:
        """Read the stored pieces of an answer."""
        first = call.request.args.get("from", "0")
        if not (first.isascii() and first.isdigit() and len(first) < 10):
            raise BadRequest("from has to be a number, 0 or more.")
        return await call.services.threads.list_chunks(
            call.caller.user.id,
            message_id,
            int(first),
            request_parsing.limit_param(call.request, 500, 1_000),
        )


def _write(area: RouteGroup) -> None:
    @area.operation(
        "POST",
        "/api/threads/<conversation_id:uuid>/root",
        body=requests.PostMessage,
        response=PostedMessage,
        status=201,
    )
    async def post_root(
        call: RequestContext[requests.PostMessage], conversation_id: UUID
    ) -> Response:
        """Start a thread."""
        written = await call.services.messages.post_root(
            call.caller.user.id,
            conversation_id,
            call.body,
            request_parsing.idempotency_key(call.request),
        )
        return Response(written.posted, headers=replay_header(written.replayed))

    @area.operation(
        "POST",
        "/api/messages/<parent_id:uuid>/reply",
        body=requests.PostMessage,
        response=PostedMessage,
        status=201,
    )
    async def reply(call: RequestContext[requests.PostMessage], parent_id: UUID) -> Response:
        """Answer a message."""
        written = await call.services.messages.reply(
            call.caller.user.id, parent_id, call.body, request_parsing.idempotency_key(call.request)
        )
        return Response(written.posted, headers=replay_header(written.replayed))


def _mark(area: RouteGroup) -> None:
    @area.operation(
        "POST",
        "/api/threads/<root_id:uuid>/read",
        body=requests.MarkRead,
        response=ReadMarkerResult,
    )
    async def mark_read(call: RequestContext[requests.MarkRead], root_id: UUID) -> ReadMarkerResult:
        """Move one's mark of reading."""
        return await call.services.threads.mark_read(
            call.caller.user.id, root_id, call.body.path, call.body.message_id
        )

    @area.operation(
        "POST", "/api/messages/<message_id:uuid>/cancel", response=CancelResult, status=202
    )
    async def cancel(call: RequestContext[None], message_id: UUID) -> CancelResult:
        """Stop an answer that is being written."""
        return await call.services.messages.cancel(call.caller.user.id, message_id)


def _with_html(call: RequestContext[None], message: MessageView) -> MessageView:
    if call.request.args.get("render") != "html":
        return message
    html = call.services.markdown.render(message.content)
    return msgspec.structs.replace(message, html=html)
