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
        feeds, request = call.services.feeds, call.request
        later = feeds.later(call.signed)
        if later:
            await HttpSink.begin(request, later)
            return
        seen = request.headers.get("last-event-id") or request.args.get("last_event_id")
        await _send_all(request, await feeds.open_feed(call.signed, conversation_id, seen))

    @area.operation("GET", "/api/stream", answer=STREAM)
    async def follow_all(call: Call[None]) -> None:
        """Follow the events of all one's conversations."""
        feeds, request = call.services.feeds, call.request
        later = feeds.later(call.signed)
        if later:
            await HttpSink.begin(request, later)
            return
        positions = request.args.get("positions")
        await _send_all(request, await feeds.open_all(call.signed, positions))

    return area


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
