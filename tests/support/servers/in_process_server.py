"""A server in the test's own process: a real socket, a real database, a clock to move."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from tests.support.fakes.fake_clock import FakeClock
from tests.support.password import PASSWORD

from rustygpt_server.app.components import Components, build_components
from rustygpt_server.app.context import ServerContext
from rustygpt_server.app.run import bind_socket, serving, socket_url
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.runtime import Runtime
from rustygpt_shared.settings import Db, Llm, Model, Provider, Settings


@dataclass
class RunningServer:
    """A running server, wherever it runs, and its people."""

    url: str
    people: dict[str, "HttpUser"] = field(default_factory=dict)

    async def person(self, name: str, *, roles: list[str] | None = None) -> "HttpUser":
        """Somebody with an account, signed in; the first one is the administrator."""
        if not self.people:
            self.people["admin"] = await self._create_admin()
        if name not in self.people:
            body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
            more = {"roles": roles} if roles else {}
            await self.people["admin"].post("/api/admin/users", {**body, **more}, expect=201)
            self.people[name] = await self.sign_in(name)
        return self.people[name]

    async def _create_admin(self) -> "HttpUser":
        body = {"username": "admin", "email": "admin@example.org", "password": PASSWORD}
        async with httpx.AsyncClient(base_url=self.url) as client:
            (await client.post("/api/setup", json=body)).raise_for_status()
        return await self.sign_in("admin")

    async def sign_in(self, name: str) -> "HttpUser":
        """A new session of somebody."""
        client = httpx.AsyncClient(base_url=self.url, timeout=20)
        answer = await client.post("/api/auth/login", json={"email": name, "password": PASSWORD})
        answer.raise_for_status()
        person = HttpUser(client, UUID(answer.json()["user"]["id"]), answer.json()["csrf_token"])
        self.people[f"{name}#{len(self.people)}"] = person
        return person

    async def close(self) -> None:
        """End everybody's connections."""
        for person in self.people.values():
            await person.client.aclose()


@dataclass
class InProcessServer(RunningServer):
    """A server in this process."""

    components: Components = field(kw_only=True)
    clock: FakeClock = field(kw_only=True)

    @property
    def statements(self) -> int:
        """How many statements were sent to the database."""
        return self.components.services.streams._db.statements


@dataclass
class HttpUser:
    """A signed-in client."""

    client: httpx.AsyncClient
    id: UUID
    csrf: str

    async def call(
        self, method: str, path: str, body: Any = None, *, expect: int = 200, **headers: str
    ) -> httpx.Response:
        """A request with the CSRF token; fails unless the status is the expected one."""
        sent = {"X-CSRF-TOKEN": self.csrf, **{k.replace("_", "-"): v for k, v in headers.items()}}
        answer = await self.client.request(method, path, json=body, headers=sent)
        assert answer.status_code == expect, (answer.status_code, answer.text)
        return answer

    async def get(self, path: str, *, expect: int = 200) -> Any:
        """The JSON of a GET."""
        return (await self.call("GET", path, expect=expect)).json()

    async def post(self, path: str, body: Any, *, expect: int = 200, **headers: str) -> Any:
        """The JSON of a POST, or None when it has none."""
        answer = await self.call("POST", path, body, expect=expect, **headers)
        return answer.json() if answer.content else None

    async def conversation(self, title: str = "room", **more: Any) -> str:
        """A new conversation without an assistant, unless another mode is said."""
        body = {"title": title, "assistant_mode": "off", **more}
        made = await self.post("/api/conversations", body, expect=201)
        return str(made["conversation_id"])

    async def root(self, conversation: str, content: str = "root") -> str:
        """A new thread."""
        body = {"content": content}
        posted = await self.post(f"/api/threads/{conversation}/root", body, expect=201)
        return str(posted["message_id"])

    async def try_root(self, conversation: str, content: str = "root") -> httpx.Response:
        """A new thread, or what is said instead."""
        path = f"/api/threads/{conversation}/root"
        headers = {"X-CSRF-TOKEN": self.csrf}
        return await self.client.post(path, json={"content": content}, headers=headers)

    async def reply(self, parent: str, content: str = "reply") -> str:
        """A reply."""
        body = {"content": content}
        return str(
            (await self.post(f"/api/messages/{parent}/reply", body, expect=201))["message_id"]
        )

    @asynccontextmanager
    async def follow(
        self, conversation: str, last_event_id: str | None = None
    ) -> AsyncIterator["SseStream"]:
        """An open stream, after its opening was read."""
        path = f"/api/stream/conversations/{conversation}"
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        async with self.client.stream("GET", path, headers=headers) as answer:
            yield SseStream(answer, sse_lines(answer))

    @asynccontextmanager
    async def follow_all(self, **positions: str) -> AsyncIterator["SseStream"]:
        """An open stream of all conversations; positions are named by conversation."""
        told = ",".join(f"{room}:{seen}" for room, seen in positions.items())
        query = {"positions": told} if told else {}
        async with self.client.stream("GET", "/api/stream", params=query) as answer:
            yield SseStream(answer, sse_lines(answer))


@dataclass
class SseStream:
    """What comes over a stream, event by event."""

    response: httpx.Response
    lines: AsyncIterator[str]

    async def next(self, kind: str | None = None, seconds: float = 20) -> dict[str, Any]:
        """The next event, or the next of a kind."""
        async with asyncio.timeout(seconds):
            async for line in self.lines:
                if line.startswith("data: "):
                    event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    if kind in (None, event["type"]):
                        return event
        raise EOFError("the stream has ended")

    async def rest(self, seconds: float = 20) -> list[dict[str, Any]]:
        """All events until the stream ends."""
        async with asyncio.timeout(seconds):
            return [
                json.loads(line.removeprefix("data: "))
                async for line in self.lines
                if line.startswith("data: ")
            ]


@asynccontextmanager
async def in_process_server(
    database_url: str,
    login: PoolLogin,
    *,
    llm: Llm | None = None,
    settings: Settings | None = None,
    limits: TimeLimits | None = None,
    clock: FakeClock | None = None,
) -> AsyncIterator[InProcessServer]:
    """A running server; the assistant is the demo unless the test names a model."""
    clock = clock or FakeClock()
    base = settings or Settings(llm=llm or Llm(default_model="demo"), db=Db(max_connections=4))
    config = ServerContext(
        base, database_url, login, runtime=Runtime(clock, limits or TimeLimits())
    )
    sock: socket.socket = bind_socket("127.0.0.1", 0)
    async with build_components(config) as parts, serving(parts, sock):
        server = InProcessServer(socket_url(sock), components=parts, clock=clock)
        try:
            yield server
        finally:
            await server.close()


async def sse_lines(response: httpx.Response) -> AsyncIterator[str]:
    """Lines as the standard has them; httpx would also split at U+2028 and its like."""
    pending = b""
    async for data in response.aiter_bytes():
        *complete, pending = (pending + data).split(b"\n")
        for line in complete:
            yield line.decode()


StartServer = Callable[..., AbstractAsyncContextManager[InProcessServer]]
"""Starts a server; takes what `served` takes but the database."""


def openai_settings(model_url: str, name: str = "m") -> Llm:
    """Settings of an assistant that asks one model at a URL."""
    return Llm(
        default_model=name,
        providers={"p": Provider(kind="openai", base_url=model_url)},
        models={name: Model(provider="p")},
    )
