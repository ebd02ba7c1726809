"""sse-starlette on uvicorn: what many Python programs use today. `starlette_sse.py PORT`."""

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Broadcaster:
    """The subscribers."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[tuple[int, str]]] = set()
        self._count = 0

    async def listen(self, request: Request) -> Response:
        """Stream all events from now on."""
        queue: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        return EventSourceResponse(self._events(queue), ping=3_600)

    async def _events(self, queue: asyncio.Queue[tuple[int, str]]) -> AsyncIterator[dict[str, str]]:
        self._listeners.add(queue)
        try:
            yield {"comment": "ok"}
            while True:
                number, body = await queue.get()
                yield {"id": str(number), "event": "token", "data": body}
        finally:
            self._listeners.discard(queue)

    async def publish(self, request: Request) -> Response:
        """Send to all."""
        body = (await request.body()).decode()
        self._count += 1
        for queue in self._listeners:
            queue.put_nowait((self._count, body))
        return Response(status_code=204)


if __name__ == "__main__":
    broadcaster = Broadcaster()
    routes = [
        Route("/events", broadcaster.listen),
        Route("/pub", broadcaster.publish, methods=["POST"]),
    ]
    uvicorn.run(
        Starlette(routes=routes),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=False,
        log_level="warning",
        backlog=4_096,
    )
