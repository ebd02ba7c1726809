"""Threads from inside: trees, posts, replies, marks of reading, stopping an answer."""

from uuid import UUID

import msgspec

from rustygpt_server.api import guards
from rustygpt_server.api.conversations import replayed
from rustygpt_server.api.http import Answer, Area, Call
from rustygpt_server.errors import BadInput
from rustygpt_shared import requests
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.messages import Cancelled, Chunk, Marked, MessageView, Posted, Tree


def make_area() -> Area:
    """The routes of messages."""
    area = Area("messages")
    _read(area)
    _chunks(area)
    _write(area)
    _mark(area)
    return area


def _read(area: Area) -> None:
    @area.operation("GET", "/api/threads/<root_id:uuid>/tree", answer=Tree)
    async def list_tree(call: Call[None], root_id: UUID) -> Tree:
        """Read a thread, depth first."""
        args = call.request.args
        after = args.get("cursor_path") or args.get("cursor") or None
        if after and not (after.isascii() and after.isalnum()):
            raise BadInput(guards.BAD_CURSOR)
        page = await call.services.threads.list_tree(
            call.signed.user.id, root_id, after, guards.limit(call.request, 200, 1_000)
        )
        cursor = page.items[-1].path if page.more else None
        shown = [_shown(call, message) for message in page.items]
        return Tree(root_id, shown, event_id(page.position), cursor)

    @area.operation("GET", "/api/messages/<message_id:uuid>", answer=MessageView)
    async def get_message(call: Call[None], message_id: UUID) -> MessageView:
        """Read one message."""
        actor = call.signed.user.id
        return _shown(call, await call.services.threads.get_message(actor, message_id))


def _chunks(area: Area) -> None:
    @area.operation("GET", "/api/messages/<message_id:uuid>/chunks", answer=list[Chunk])
    async def list_chunks(call: Call[None], message_id: UUID) -> list[Chunk]:
        """Read the stored pieces of an answer."""
        first = call.request.args.get("from", "0")
        if not (first.isascii() and first.isdigit() and len(first) < 10):
            raise BadInput("from has to be a number, 0 or more.")
        return await call.services.threads.list_chunks(
            call.signed.user.id, message_id, int(first), guards.limit(call.request, 500, 1_000)
        )


def _write(area: Area) -> None:
    @area.operation(
        "POST",
        "/api/threads/<conversation_id:uuid>/root",
        body=requests.Post,
        answer=Posted,
        status=201,
    )
    async def post_root(call: Call[requests.Post], conversation_id: UUID) -> Answer:
        """Start a thread."""
        written = await call.services.messages.post_root(
            call.signed.user.id, conversation_id, call.body, guards.once(call.request)
        )
        return Answer(written.posted, headers=replayed(written.replayed))

    @area.operation(
        "POST",
        "/api/messages/<parent_id:uuid>/reply",
        body=requests.Post,
        answer=Posted,
        status=201,
    )
    async def reply(call: Call[requests.Post], parent_id: UUID) -> Answer:
        """Answer a message."""
        written = await call.services.messages.reply(
            call.signed.user.id, parent_id, call.body, guards.once(call.request)
        )
        return Answer(written.posted, headers=replayed(written.replayed))


def _mark(area: Area) -> None:
    @area.operation(
        "POST", "/api/threads/<root_id:uuid>/read", body=requests.MarkRead, answer=Marked
    )
    async def mark_read(call: Call[requests.MarkRead], root_id: UUID) -> Marked:
        """Move one's mark of reading."""
        return await call.services.threads.mark_read(
            call.signed.user.id, root_id, call.body.path, call.body.message_id
        )

    @area.operation("POST", "/api/messages/<message_id:uuid>/cancel", answer=Cancelled, status=202)
    async def cancel(call: Call[None], message_id: UUID) -> Cancelled:
        """Stop an answer that is being written."""
        return await call.services.messages.cancel(call.signed.user.id, message_id)


def _shown(call: Call[None], message: MessageView) -> MessageView:
    if call.request.args.get("render") != "html":
        return message
    html = call.services.markdown.render(message.content)
    return msgspec.structs.replace(message, html=html)
