"""Streams over HTTP: server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
from uuid import UUID

from sanic.request import Request

from rustygpt_server.api.routing import STREAM, RequestContext, RouteGroup
from rustygpt_server.api.sse_response import SseResponse
from rustygpt_server.services.streams import OpenStream
from rustygpt_server.telemetry import log

_log = log(__name__)


def make_area() -> RouteGroup:
    """The routes of streams."""
    area = RouteGroup("stream")

    @area.operation("GET", "/api/stream/conversations/<conversation_id:uuid>", response=STREAM)
    async def follow(call: RequestContext[None], conversation_id: UUID) -> None:
        """Follow a conversation's events."""
        if await _reject_if_full(call):
            return
        request = call.request
        seen = request.headers.get("last-event-id") or request.args.get("last_event_id")
        feed = await call.services.streams.open_conversation_stream(
            call.caller, conversation_id, seen
        )
        await _run(request, feed)

    @area.operation("GET", "/api/stream", response=STREAM)
    async def follow_all(call: RequestContext[None]) -> None:
        """Follow the events of all one's conversations."""
        if await _reject_if_full(call):
            return
        positions = call.request.args.get("positions")
        await _run(
            call.request, await call.services.streams.open_user_stream(call.caller, positions)
        )

    return area


async def _reject_if_full(call: RequestContext[None]) -> bool:
    """Tell a caller to come back later, when there are too many streams."""
    later = call.services.streams.overload_reply(call.caller)
    if later:
        await SseResponse.begin(call.request, later)
    return later is not None


async def _run(request: Request, feed: OpenStream) -> None:
    """Send until the stream ends; what breaks on the way must not look like a proper end."""
    sink: SseResponse | None = None
    try:
        sink = await SseResponse.begin(request, feed.open_frame)
        await feed.run(sink)
    except asyncio.CancelledError:
        if sink is not None:
            sink.abort()
        raise
    except Exception:  # noqa: BLE001 - a stream's boundary: its answer has begun
        _log.error("a stream broke", exc_info=True)
        if sink is not None:
            sink.abort()
    finally:
        feed.close()
