"""A model server over HTTP that sends scripted bytes."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Part = bytes | float | asyncio.Event


@dataclass
class ScriptedAnswer:
    """A response; a number is a pause in seconds, and an event is waited for."""

    parts: list[Part]
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    head_after: asyncio.Event | None = None
    """What is waited for before the head of the response is sent, as while a model is loaded."""


@dataclass
class RecordedRequest:
    """A request as it was received."""

    path: str
    headers: dict[str, str]
    body: Any


class FakeModelServer:
    """Sends its scripted responses in order, and repeats the last one."""

    def __init__(self, *scripts: ScriptedAnswer) -> None:
        self.scripts = list(scripts)
        self.models: list[str | dict[str, Any]] = ["scripted"]
        """What it lists: ids, or entries with more fields."""
        self.listing_after: asyncio.Event | None = None
        self.requests: list[RecordedRequest] = []
        self.disconnected = asyncio.Event()
        self.url = ""

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                request = await _read(reader)
                if request.path.endswith("/models"):
                    data = [{"id": m} if isinstance(m, str) else m for m in self.models]
                    listed = {"object": "list", "data": data}
                    script = ScriptedAnswer(
                        [json.dumps(listed).encode()],
                        content_type="application/json",
                        head_after=self.listing_after,
                    )
                else:
                    self.requests.append(request)
                    index = min(len(self.requests), len(self.scripts)) - 1
                    script = self.scripts[index]
                await self._play(script, reader, writer)
        writer.close()

    async def _play(
        self, script: ScriptedAnswer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        watch = asyncio.create_task(reader.read(1))
        watch.add_done_callback(self._on_read)
        try:
            if script.head_after:
                await script.head_after.wait()
            await self._send(script, writer)
        except ConnectionError:  # noticed by writing, before it was by reading
            self._on_left()
            raise
        finally:
            watch.cancel()
        raise ConnectionResetError

    def _on_read(self, read: asyncio.Task[bytes]) -> None:
        if not read.cancelled():
            self._on_left()

    def _on_left(self) -> None:
        """Note that the client of a completion has left; one that lists models always does."""
        if self.requests:
            self.disconnected.set()

    async def _send(self, script: ScriptedAnswer, writer: asyncio.StreamWriter) -> None:
        head = {"Content-Type": script.content_type, "Connection": "close", **script.headers}
        lines = [f"HTTP/1.1 {script.status} X", *(f"{k}: {v}" for k, v in head.items()), "", ""]
        writer.write("\r\n".join(lines).encode())
        for part in script.parts:
            await _write_part(part, writer)
        writer.close()
        await writer.wait_closed()


async def _write_part(part: Part, writer: asyncio.StreamWriter) -> None:
    if isinstance(part, bytes):
        writer.write(part)
        await writer.drain()
    elif isinstance(part, asyncio.Event):
        await part.wait()
    else:
        await asyncio.sleep(part)


async def _read(reader: asyncio.StreamReader) -> RecordedRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    path = head[0].split(" ")[1]
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RecordedRequest(path, headers, json.loads(body) if body else None)


@asynccontextmanager
async def fake_model_server(
    *scripts: ScriptedAnswer,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    listing_after: asyncio.Event | None = None,
) -> AsyncIterator[FakeModelServer]:
    """Run the server on a loopback port; it lists its models once `listing_after` is set."""
    model_server = FakeModelServer(*scripts)
    model_server.listing_after = listing_after
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await model_server._handle(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", port, ssl=tls)
    model_server.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield model_server
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def chunk(content: str | None = None, **fields: Any) -> bytes:
    """Return an event with one chunk of a streamed answer."""
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None, **fields}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def finished(reason: str = "stop") -> bytes:
    """Return the event that ends a choice, and the end of the stream."""
    choice = {"index": 0, "delta": {}, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n".encode()


def answer(*texts: str) -> ScriptedAnswer:
    """Return the script of a complete answer, with one chunk for each text."""
    return ScriptedAnswer([*(chunk(text) for text in texts), finished()])
