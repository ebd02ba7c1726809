"""Streams over HTTP: server-sent events (WHATWG HTML, section 9.2)."""

from asyncio import WriteTransport
from collections.abc import AsyncIterator
from typing import cast
from uuid import UUID

from sanic.request import Request
from sanic.response import HTTPResponse

from rustygpt_server.api.http import STREAM, Area, Call
from rustygpt_server.telemetry import log

_log = log(__name__)

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
_TYPE = "text/event-stream; charset=utf-8"


def make_area() -> Area:
    """The routes of streams."""
    area = Area("stream")

    @area.operation("GET", "/api/stream/conversations/<conversation_id:uuid>", answer=STREAM)
    async def follow(call: Call[None], conversation_id: UUID) -> None:
        """Follow a conversation's events."""
        feeds, request = call.services.feeds, call.request
        later = feeds.later(call.signed)
        if later:
            await _send_once(request, later)
            return
        seen = request.headers.get("last-event-id") or request.args.get("last_event_id")
        async with feeds.open_feed(call.signed, conversation_id, seen) as pieces:
            await _send_all(request, pieces)

    return area


async def _send_all(request: Request, pieces: AsyncIterator[bytes]) -> None:
    """Send until the pieces end; what breaks on the way must not look like a proper end."""
    response = await _respond(request)
    try:
        async for piece in pieces:
            await response.send(piece)
    except Exception:  # noqa: BLE001 - a stream's boundary: its answer has begun
        _log.error("a stream broke", exc_info=True)
        cast("WriteTransport", request.transport).abort()


async def _send_once(request: Request, data: bytes) -> None:
    """Too many streams: an error status would end a browser's EventSource for good."""
    response = await _respond(request)
    await response.send(data)


async def _respond(request: Request) -> HTTPResponse:
    told = await request.respond(content_type=_TYPE, headers=dict(HEADERS))
    return cast("HTTPResponse", told)
