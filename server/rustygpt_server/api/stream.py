"""Routes of the event streams: server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
from typing import Final
from uuid import UUID

from rustygpt_server.api import parameters
from rustygpt_server.api.routing import STREAM, Operation, RequestContext
from rustygpt_server.api.sse_response import SseResponse
from rustygpt_server.services.streams import OpenStream
from rustygpt_server.telemetry import log

_log = log(__name__)


async def follow_conversation(context: RequestContext[None], conversation_id: UUID) -> None:
    """Stream a conversation's events."""
    if await _reject_if_full(context):
        return
    request = context.request
    last_event_id = request.headers.get("last-event-id") or request.args.get("last_event_id")
    stream = await context.services.streams.open_conversation_stream(
        context.caller, conversation_id, last_event_id, request.args.get("since")
    )
    await _run(context, stream)


async def follow_all_conversations(context: RequestContext[None]) -> None:
    """Stream the events of all the caller's conversations."""
    if await _reject_if_full(context):
        return
    args = context.request.args
    stream = await context.services.streams.open_user_stream(
        context.caller, ",".join(args.getlist("positions", [])), args.get("since")
    )
    await _run(context, stream)


async def _reject_if_full(context: RequestContext[None]) -> bool:
    """Send the time to retry after when there are too many streams; return whether it was sent."""
    reply = context.services.streams.overload_reply(context.caller)
    if reply:
        await SseResponse.begin(context.request, reply, context.limits.peer_timeout)
    return reply is not None


async def _run(context: RequestContext[None], stream: OpenStream) -> None:
    """Send until the stream ends; a failure aborts the connection, which is no clean end."""
    response: SseResponse | None = None
    try:
        response = await SseResponse.begin(
            context.request, stream.open_frame, context.limits.peer_timeout
        )
        await stream.run(response)
    except asyncio.CancelledError:
        if response is not None:
            response.abort()
        raise
    except Exception:  # noqa: BLE001 - a stream's boundary: its response has started
        _log.error("a stream failed", exc_info=True)
        if response is not None:
            response.abort()
    finally:
        stream.close()


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/stream/conversations/<conversation_id:uuid>",
        handler=follow_conversation,
        parameters=(parameters.LAST_EVENT_ID, parameters.LAST_EVENT_ID_QUERY, parameters.SINCE),
        response=STREAM,
    ),
    Operation(
        method="GET",
        path="/api/stream",
        handler=follow_all_conversations,
        parameters=(parameters.POSITIONS, parameters.SINCE),
        response=STREAM,
    ),
)
