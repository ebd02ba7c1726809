"""Sanic with a queue per subscriber: how a stream is usually written. `sanic_queue.py PORT`."""

import asyncio
import sys
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, empty

app: Sanic[Any, Any] = Sanic("queue", configure_logging=False)
app.config.ACCESS_LOG = False
app.ctx.listeners = {}
app.ctx.count = 0


@app.get("/events")
async def events(request: Request) -> None:
    """Stream all events from now on."""
    queue: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
    response = await request.respond(content_type="text/event-stream")
    assert response is not None
    await response.send(": ok\n\n")
    app.ctx.listeners[queue] = None
    try:
        while True:
            number, body = await queue.get()
            await response.send(f"id: {number}\nevent: token\ndata: {body}\n\n")
    finally:
        app.ctx.listeners.pop(queue, None)


@app.post("/pub")
async def publish(request: Request) -> HTTPResponse:
    """Send to all."""
    app.ctx.count += 1
    for queue in app.ctx.listeners:
        queue.put_nowait((app.ctx.count, request.body.decode()))
    return empty()


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, motd=False, backlog=4_096)
