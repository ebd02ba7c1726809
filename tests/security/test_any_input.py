"""Any value for every input that the server takes: no server error, only documented responses.

What can be sent is generated from the operations, the structs of their bodies and the source; a
new field, parameter or header is tested without a line here. Streams' cursors, and what becomes of
valid texts, are in `tests/e2e/faults/test_input`; whole requests in `test_document_conformance`.
"""

import asyncio
import copy
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

import httpx
import hypothesis
import pytest
from hypothesis import strategies
from msgspec import Struct, structs
from tests.repo.generate_reference import operations
from tests.support.clients.raw_http import raw_connection
from tests.support.servers.in_process_server import HttpUser, InProcessServer

import rustygpt_server
from rustygpt_server.api.openai_errors import is_openai
from rustygpt_server.api.routing import Operation
from rustygpt_server.app.factory import route_groups
from rustygpt_server.clock import TimeLimits
from rustygpt_server.openapi.document import build
from rustygpt_server.openapi.examples import example_of
from rustygpt_shared import codec
from rustygpt_shared.chat_completions import OpenAIError
from rustygpt_shared.problems import Problem
from rustygpt_shared.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES: Final = 8
"""Values of each place."""
_HEAD_TEXT: Final = 300
"""Characters of a value in a request's head: one that is too large breaks the connection."""
_UNKNOWN_ID: Final = "00000000-0000-7000-8000-000000000001"
_CURSORS: Final = (
    f'["0001-01-01T00:00:00+14:00","{_UNKNOWN_ID}"]',
    f'["9999-12-31T23:59:59-14:00","{_UNKNOWN_ID}"]',
    f'["2026-01-01T00:00:00Z","{_UNKNOWN_ID}"]',
    '["2026-01-01T00:00:00Z",null]',
    "[" * 2_000,
)
_SPECIAL: Final = (
    *("", " ", "\x00", "\ud800", "\u202e", "\u2028", "\ufeff", "\x1b[2J", "\xad", "\u3164"),
    *("0", "-1", "1e999", "NaN", "9" * 30, "2147483648", "9223372036854775808", "\u0663", "1_0"),
    *("%", "%00", "_", "'; DROP TABLE x; --", "{}", "../..", "a/b", "a\\b", "<script>", "*", "/*"),
    *(_UNKNOWN_ID, _UNKNOWN_ID.upper(), f"{{{_UNKNOWN_ID}}}", "evt_1", "true", "null", "[]"),
    *("x" * 300, "x" * 70_000, "\U0001f980" * 2_000, "e" + "\u0301" * 500, "z" * 1_001),
    *(urlsafe_b64encode(cursor.encode()).decode() for cursor in _CURSORS),
)
texts = strategies.one_of(
    strategies.sampled_from(_SPECIAL),
    strategies.text(strategies.characters(exclude_categories=()), max_size=80),
)
values = strategies.one_of(
    texts,
    strategies.sampled_from([None, True, 0, -1, 2**31, 2**63, 2**70, 0.5, 1e300, [], {}, [[]]]),
    strategies.lists(texts, max_size=3),
)
header_values = strategies.one_of(
    strategies.binary(max_size=60),
    texts.map(lambda text: text[:_HEAD_TEXT].encode("utf-8", "surrogatepass")),
).filter(lambda value: not set(b"\r\n\x00") & set(value))


def _settings(examples: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples, suppress_health_check=list(hypothesis.HealthCheck)
    )


class Place(NamedTuple):
    """Where a request takes a value."""

    location: Literal["path", "query", "header", "body"]
    name: str
    """Of a body, the names of a field and of the structs that it is in; empty: the body itself."""


def _places(operation: Operation) -> Iterator[Place]:
    for name in re.findall(r"<(\w+):", operation.path):
        yield Place("path", name)
    for parameter in operation.parameters:
        yield Place(parameter.location, parameter.name)
    if operation.body is not None:
        yield Place("body", "")
        for name in _fields(operation.body):
            yield Place("body", name)


def _fields(shape: type[Struct], prefix: str = "") -> Iterator[str]:
    for field in structs.fields(shape):
        yield prefix + field.encode_name
        for inner in getattr(field.type, "__args__", (field.type,)):
            if isinstance(inner, type) and issubclass(inner, Struct):
                yield from _fields(inner, f"{prefix}{field.encode_name}.")


def _headers_read() -> list[str]:
    """Return the names of the headers that the server's code reads."""
    folder = Path(rustygpt_server.__file__).parent
    source = "".join(
        file.read_text("utf-8") for part in ("api", "app") for file in (folder / part).glob("*.py")
    )
    read = re.findall(r'request\.headers\.(?:get|getall)\(\s*"([\w-]+)"', source)
    read += re.findall(r'"([\w-]+)" in request\.headers', source)
    named_by_settings = [Settings().server.request_id_header, Settings().security.csrf.header_name]
    # Lengths that are wrong are in `test_http_connection`.
    return sorted({*read, *(name.lower() for name in named_by_settings)} - {"content-length"})


DOCUMENT: Final = build(route_groups(Settings()), Settings())
_INPUTS: Final = [(one, place) for one in operations() for place in _places(one)]


def test_all_kinds_of_inputs_are_found() -> None:
    """Ids, cursors, keys, texts and headers are among what is generated."""
    found = {place for _, place in _INPUTS}
    bodies = {one.body for one in operations() if one.body is not None}

    assert {Place("path", "root_id"), Place("query", "cursor"), Place("query", "around")} <= found
    assert {Place("header", "Idempotency-Key"), Place("body", "params.burst")} <= found
    for body in bodies:
        assert {Place("body", name) for name in body.VALIDATORS} <= found, body
    assert {"authorization", "cookie", "last-event-id", "x-csrf-token", "host"} <= {
        *_headers_read()
    }


@pytest.fixture
async def admin(server: InProcessServer) -> HttpUser:
    """The administrator."""
    return await server.person("admin")


@pytest.fixture
async def ids(server: InProcessServer, admin: HttpUser) -> dict[str, str]:
    """The ids of what there is; of the rest, ids of nothing."""
    bob = await server.person("bob")
    conversation_id = await admin.group(bob)
    root = await admin.root(conversation_id)
    return {
        **{place.name: _UNKNOWN_ID for _, place in _INPUTS if place.location == "path"},
        **dict.fromkeys(("root_id", "message_id", "parent_id"), root),
        "conversation_id": conversation_id,
        "user_id": str(bob.id),
    }


@asynccontextmanager
async def _time_passes(server: InProcessServer) -> AsyncIterator[None]:
    """Advance the clock whenever a change of a password waits for it."""
    seconds = TimeLimits().access_freshness

    async def advance() -> None:
        while True:
            if server.clock.is_awaited(seconds):
                server.clock.advance(seconds)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(advance())
    try:
        yield
    finally:
        task.cancel()


async def test_any_value_has_a_documented_response(
    server: InProcessServer, admin: HttpUser, ids: dict[str, str]
) -> None:
    """In the place of each id, parameter and field, beside valid other ones."""
    headers = {"X-CSRF-TOKEN": admin.csrf}
    # A connection for each request: the server may close one that it has not read to its end.
    limits = httpx.Limits(max_keepalive_connections=0)
    options = {"base_url": server.url, "cookies": admin.client.cookies, "headers": headers}
    with httpx.Client(**options, limits=limits, timeout=60) as client:
        async with _time_passes(server):
            for operation, place in _INPUTS:
                await asyncio.to_thread(_try, client, operation, place, ids)
    await admin.get("/api/auth/me")


def _try(client: httpx.Client, operation: Operation, place: Place, ids: dict[str, str]) -> None:
    @_settings(EXAMPLES)
    @hypothesis.example(_UNKNOWN_ID)
    @hypothesis.given(value=values if place.location == "body" else texts)
    def send(value: Any) -> None:
        request = _request(client, operation, place, value, ids)
        hypothesis.assume(request is not None)
        response = client.send(request, stream=True)
        try:
            _check(response, operation)
        finally:
            response.close()

    send()


def _request(
    client: httpx.Client, operation: Operation, place: Place, value: Any, ids: dict[str, str]
) -> httpx.Request | None:
    """Return a request with a value in one place, or None where the client cannot send it."""
    options: dict[str, Any] = {}
    if place.location == "path":
        if value in ("", ".", ".."):
            return None  # another address
        ids = {**ids, place.name: _quoted(value)}
    path = operation.template.format(**ids)
    if place.location == "query":
        path += f"?{place.name}={_quoted(value)}"
    elif place.location == "header":
        sent = re.sub(r"[\x00-\x1f\x7f]", "", value[:_HEAD_TEXT]).strip()
        options["headers"] = {place.name: sent.encode("utf-8", "surrogatepass")}
    if operation.body is not None:
        body = _body(operation, place, value, ids)
        options["content"] = json.dumps(body).encode()
        options["headers"] = {**options.get("headers", {}), "Content-Type": "application/json"}
    return client.build_request(operation.method, path, **options)


def _quoted(value: str) -> str:
    return quote(value[:_HEAD_TEXT].encode("utf-8", "surrogatepass"), safe="")


def _body(operation: Operation, place: Place, value: Any, ids: dict[str, str]) -> Any:
    """Return the example of a body, with ids of what there is, and the value in its place."""
    if place == Place("body", ""):
        return value
    body = copy.deepcopy(example_of(operation.body))
    body.update({name: ids[name] for name in body if name in ids})
    if place.location == "body":
        *outer, last = place.name.split(".")
        target = body
        for name in outer:
            target = target[name]
        target[last] = value
    return body


def _check(response: httpx.Response, operation: Operation) -> None:
    """Check that the document names the status and the type, and that an error is a problem."""
    named = DOCUMENT["paths"][operation.template][operation.method.lower()]["responses"]
    status = str(response.status_code)
    assert status in named, (status, operation.template, response.read()[:300])
    assert response.status_code < 500, response.read()[:300]
    described = named[status]
    if "$ref" in described:
        described = DOCUMENT["components"]["responses"][described["$ref"].rpartition("/")[2]]
    media_type = response.headers.get("content-type", "").partition(";")[0]
    content = described.get("content", {})
    assert media_type in content or "*/*" in content or (not content and not media_type)
    if response.status_code >= 400:
        shape = OpenAIError if is_openai(operation.template) else Problem
        codec.decode(response.read(), shape)


@_settings(2 * EXAMPLES)
@hypothesis.given(value=header_values)
async def test_any_value_of_a_header_has_a_documented_response(
    server: InProcessServer, admin: HttpUser, ids: dict[str, str], value: bytes
) -> None:
    """In a request that reads, and one that changes something."""
    for method, template in (
        ("GET", "/api/threads/{root_id}/tree"),
        ("POST", "/api/threads/{conversation_id}/root"),
    ):
        for name in _headers_read():
            head = _head(admin, f"{method} {template.format(**ids)} HTTP/1.1", name, value)
            async with raw_connection(server.url) as connection:
                await connection.send(head)
                response = await connection.response()
            named = DOCUMENT["paths"][template][method.lower()]["responses"]
            assert str(response.status) in named, (name, response.status)
            assert response.status < 500, name


def _head(admin: HttpUser, line: str, name: str, value: bytes) -> bytes:
    body = b'{"content":"x"}'
    cookies = "; ".join(f"{key}={cookie}" for key, cookie in admin.client.cookies.items())
    usual = {
        "host": b"x",
        "cookie": cookies.encode(),
        "x-csrf-token": admin.csrf.encode(),
        "content-type": b"application/json",
        "content-length": str(len(body)).encode(),
    }
    lines = [key.encode() + b": " + sent for key, sent in {**usual, name: value}.items()]
    return b"\r\n".join([line.encode(), *lines, b"", body])
