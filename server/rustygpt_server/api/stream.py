"""Streams over HTTP: server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
from uuid import UUID

from sanic.request import Request

from rustygpt_server.api.http import STREAM, Area, Call
from rustygpt_server.api.sink import HttpSink
from rustygpt_server.services.feeds import Feed
from rustygpt_server.telemetry import log

_log = log(__name__)


def make_area() -> Area:
    """The routes of streams."""
    area = Area("stream")

    @area.operation("GET", "/api/stream/conversations/<conversation_id:uuid>", answer=STREAM)
    async def follow(call: Call[None], conversation_id: UUID) -> None:
        """Follow a conversation's events."""
        if await _put_off(call):
            return
        request = call.request
        seen = request.headers.get("last-event-id") or request.args.get("last_event_id")
        feed = await call.services.feeds.open_feed(call.signed, conversation_id, seen)
        await _send_all(request, feed)

    @area.operation("GET", "/api/stream", answer=STREAM)
    async def follow_all(call: Call[None]) -> None:
        """Follow the events of all one's conversations."""
        if await _put_off(call):
            return
        positions = call.request.args.get("positions")
        await _send_all(call.request, await call.services.feeds.open_all(call.signed, positions))

    return area


async def _put_off(call: Call[None]) -> bool:
    """Tell a caller to come back later, when there are too many streams."""
    later = call.services.feeds.later(call.signed)
    if later:
        await HttpSink.begin(call.request, later)
    return later is not None


async def _send_all(request: Request, feed: Feed) -> None:
    """Send until the stream ends; what breaks on the way must not look like a proper end."""
    sink: HttpSink | None = None
    try:
        sink = await HttpSink.begin(request, feed.opening)
        await feed.write(sink)
    except asyncio.CancelledError:
        if sink is not None:
            sink.cut()
        raise
    except Exception:  # noqa: BLE001 - a stream's boundary: its answer has begun
        _log.error("a stream broke", exc_info=True)
        if sink is not None:
            sink.cut()
    finally:
        feed.leave()
