"""A server in the test's own process, with a real socket and database and a fake clock."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx
from msgspec import structs
from tests.support.fakes.fake_clock import FakeClock
from tests.support.password import PASSWORD
from tests.support.wait import until

from rustygpt_server.app.components import Components, build_components
from rustygpt_server.app.context import ServerContext
from rustygpt_server.app.run import bind_socket, serving, socket_url
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.passwords import HashCost
from rustygpt_shared.settings import Db, Llm, Model, Provider, RateLimits, Settings

T = TypeVar("T")
CHEAP_HASHES = HashCost(memory_kib=64)
"""For tests of anything else: a hash of the real cost takes 60 ms of a core."""

ROOMY_LIMITS: Final = RateLimits(
    auth_login_per_ip_per_min=100_000, default_rps=10_000, burst=100_000
)
"""Limits that no test reaches, although the clock may stand still; see `databases.prepare`."""


@dataclass
class RunningServer:
    """A running server and its users, wherever it runs."""

    url: str
    people: dict[str, "HttpUser"] = field(default_factory=dict)

    async def person(self, name: str, *, roles: list[str] | None = None) -> "HttpUser":
        """Return a signed-in user with an account; the first account is the administrator's."""
        if not self.people:
            self.people["admin"] = await self._create_admin()
        if name not in self.people:
            body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
            options = {"roles": roles} if roles else {}
            await self.people["admin"].post("/api/admin/users", {**body, **options}, expect=201)
            self.people[name] = await self.sign_in(name)
        return self.people[name]

    async def _create_admin(self) -> "HttpUser":
        body = {"username": "admin", "email": "admin@example.org", "password": PASSWORD}
        async with httpx.AsyncClient(base_url=self.url) as client:
            (await client.post("/api/setup", json=body)).raise_for_status()
        return await self.sign_in("admin")

    async def sign_in(self, name: str) -> "HttpUser":
        """Sign a user in with a new session."""
        client = httpx.AsyncClient(base_url=self.url, timeout=60)
        response = await client.post("/api/auth/login", json={"email": name, "password": PASSWORD})
        response.raise_for_status()
        person = HttpUser(
            client, UUID(response.json()["user"]["id"]), response.json()["csrf_token"]
        )
        self.people[f"{name}#{len(self.people)}"] = person
        return person

    def token_user(self, token: str, owner: "HttpUser") -> "HttpUser":
        """Return a client that signs in with a user's personal token."""
        headers = {"Authorization": f"Bearer {token}"}
        client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60)
        program = self.people[f"token#{len(self.people)}"] = HttpUser(client, owner.id, "")
        return program

    async def close(self) -> None:
        """Close all users' connections."""
        for person in self.people.values():
            await person.client.aclose()


@dataclass
class InProcessServer(RunningServer):
    """A server in this process."""

    components: Components = field(kw_only=True)
    clock: FakeClock = field(kw_only=True)

    @property
    def statements(self) -> int:
        """The number of statements that were sent to the database."""
        return self.components.db.statements

    async def change_password(
        self, user: "HttpUser", new_password: str, current_password: str = PASSWORD
    ) -> httpx.Response:
        """Change a user's password; the response comes when no cached session is used any more."""
        body = {"current_password": current_password, "new_password": new_password}
        response = await self.settled(user.call("POST", "/api/auth/password", body))
        user.csrf = response.json()["csrf_token"]
        return response

    async def settled(self, call: Awaitable[T]) -> T:
        """Return the response to a request that waits until all caches are out of date."""
        sent = asyncio.ensure_future(call)
        seconds = TimeLimits().access_freshness
        await until(lambda: sent.done() or self.clock.is_awaited(seconds))
        if not sent.done():
            self.clock.advance(seconds)
        return await sent


@dataclass
class HttpUser:
    """A signed-in HTTP client."""

    client: httpx.AsyncClient
    id: UUID
    csrf: str

    async def call(
        self, method: str, path: str, body: Any = None, *, expect: int = 200, **headers: str
    ) -> httpx.Response:
        """Send a request with the CSRF token; fail unless it has the expected status."""
        sent_headers = {
            "X-CSRF-TOKEN": self.csrf,
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        response = await self.client.request(method, path, json=body, headers=sent_headers)
        assert response.status_code == expect, (response.status_code, response.text)
        return response

    async def get(self, path: str, *, expect: int = 200) -> Any:
        """Return the JSON of a GET."""
        return (await self.call("GET", path, expect=expect)).json()

    async def post(self, path: str, body: Any, *, expect: int = 200, **headers: str) -> Any:
        """Return the JSON of a POST, or None for a response without a body."""
        response = await self.call("POST", path, body, expect=expect, **headers)
        return response.json() if response.content else None

    async def conversation(self, title: str = "conversation", **fields: Any) -> str:
        """Create a conversation, without the assistant by default; return its id."""
        body = {"title": title, "assistant_mode": "off", **fields}
        created = await self.post("/api/conversations", body, expect=201)
        return str(created["conversation_id"])

    async def add_participant(
        self, conversation_id: str, user: "HttpUser", role: str = "member"
    ) -> None:
        """Add a user to a conversation, or change the user's role in it."""
        body = {"user_id": str(user.id), "role": role}
        await self.post(f"/api/conversations/{conversation_id}/participants", body, expect=204)

    async def group(self, *members: "HttpUser", **fields: Any) -> str:
        """Create a group with these members; return its id."""
        conversation_id = await self.conversation(is_group=True, **fields)
        for member in members:
            await self.add_participant(conversation_id, member)
        return conversation_id

    async def root(self, conversation_id: str, content: str = "root") -> str:
        """Post the root of a new thread; return its id."""
        body = {"content": content}
        posted = await self.post(f"/api/threads/{conversation_id}/root", body, expect=201)
        return str(posted["message_id"])

    async def try_root(self, conversation_id: str, content: str = "root") -> httpx.Response:
        """Post the root of a new thread; return the response, whatever its status is."""
        path = f"/api/threads/{conversation_id}/root"
        headers = {"X-CSRF-TOKEN": self.csrf}
        return await self.client.post(path, json={"content": content}, headers=headers)

    async def reply(self, parent: str, content: str = "reply") -> str:
        """Reply to a message; return the reply's id."""
        body = {"content": content}
        return str(
            (await self.post(f"/api/messages/{parent}/reply", body, expect=201))["message_id"]
        )

    @asynccontextmanager
    async def follow(
        self, conversation_id: str, last_event_id: str | None = None, **query: str
    ) -> AsyncIterator["SseStream"]:
        """Open the stream of a conversation."""
        path = f"/api/stream/conversations/{conversation_id}"
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        async with self.client.stream("GET", path, headers=headers, params=query) as response:
            yield SseStream(response, sse_lines(response))

    @asynccontextmanager
    async def follow_all(
        self, *, since: str | None = None, **positions: str
    ) -> AsyncIterator["SseStream"]:
        """Open the stream of all conversations; `positions` has event ids by conversation id."""
        joined = ",".join(f"{key}:{event_id}" for key, event_id in positions.items())
        query = {"positions": joined} if joined else {}
        if since is not None:
            query["since"] = since
        async with self.client.stream("GET", "/api/stream", params=query) as response:
            yield SseStream(response, sse_lines(response))

    async def create_token(self, *scopes: str, **fields: Any) -> str:
        """Create a personal token with these scopes; return it."""
        body = {"name": "a program", "scopes": list(scopes), **fields}
        return str((await self.post("/api/auth/tokens", body, expect=201))["token"])


@dataclass
class SseStream:
    """The events of a stream."""

    response: httpx.Response
    lines: AsyncIterator[str]

    async def next(self, event_type: str | None = None, seconds: float = 60) -> dict[str, Any]:
        """Return the next event, or the next event of a type."""
        async with asyncio.timeout(seconds):
            async for line in self.lines:
                if line.startswith("data: "):
                    event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    if event_type in (None, event["type"]):
                        return event
        raise EOFError("the stream has ended")

    async def rest(self, seconds: float = 60) -> list[dict[str, Any]]:
        """Return all events until the stream ends."""
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
    hash_cost: HashCost = CHEAP_HASHES,
) -> AsyncIterator[InProcessServer]:
    """Run a server; its assistant is the demo unless the test configures a model.

    Its limits are ROOMY_LIMITS unless the settings have others than the default ones.
    """
    clock = clock or FakeClock()
    resolved_settings = settings or Settings(
        llm=llm or Llm(default_model="demo"), db=Db(max_connections=4)
    )
    if resolved_settings.rate_limits == RateLimits():
        resolved_settings = structs.replace(resolved_settings, rate_limits=ROOMY_LIMITS)
    context = ServerContext(
        resolved_settings,
        database_url,
        login,
        runtime=Runtime(clock, limits or TimeLimits()),
        hash_cost=hash_cost,
    )
    sock: socket.socket = bind_socket("127.0.0.1", 0)
    async with build_components(context) as components, serving(components, sock):
        server = InProcessServer(socket_url(sock), components=components, clock=clock)
        try:
            yield server
        finally:
            await server.close()


async def sse_lines(response: httpx.Response) -> AsyncIterator[str]:
    """Yield the lines of an SSE stream; httpx would also split at U+2028 and similar characters."""
    pending = b""
    async for data in response.aiter_bytes():
        *complete, pending = (pending + data).split(b"\n")
        for line in complete:
            yield line.decode()


StartServer = Callable[..., AbstractAsyncContextManager[InProcessServer]]
"""Starts a server; has the parameters of `in_process_server` except the database."""


def openai_settings(model_url: str, name: str = "m") -> Llm:
    """Return the settings of an assistant with one model at a URL."""
    return Llm(
        default_model=name,
        providers={"p": Provider(kind="openai", base_url=model_url)},
        models={name: Model(provider="p")},
    )
