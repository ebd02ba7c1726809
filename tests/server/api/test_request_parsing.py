"""What is looked at before a request reaches its route."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.api import request_parsing

_ID = "00000000-0000-7000-8000-000000000000"


def _cursor(told: str) -> str:
    return urlsafe_b64encode(told.encode()).decode()


def _page(moment: str) -> str:
    return _cursor(json.dumps([moment, _ID]))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc.DEF_1-2", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("a b", False),
        ("a\tb", False),
        ("é", False),
        ("a,b", False),
    ],
)
async def test_request_ids_are_kept_when_they_are_proper(
    server: InProcessServer, given: str, kept: bool
) -> None:
    """Others are replaced by one of ours."""
    async with raw_connection(server.url) as connection:
        await connection.send(request("GET", "/healthz", f"x-request-id: {given}"))
        answer = await connection.response()

    told = answer.header("x-request-id")
    assert told is not None
    assert (told == given) is kept
    assert kept or UUID(told).version == 7


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", "multipart/form-data", 415),
        (b"{}", "", 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 422),
        (b'{"title": NaN}', "application/json", 400),
        (b'{"title": "a\\ud800"}', "application/json", 422),
        (b'{"title": "a\\u0000"}', "application/json", 422),
        (b'{"title": "a", "owner": "me"}', "application/json", 422),
        (b'{"title": 7}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"title": "a"}', "Application/JSON; charset=utf-8", 201),
    ],
    ids=lambda _: "",
)
async def test_bodies_are_json_that_fits(
    server: InProcessServer, body: bytes, kind: str, status: int
) -> None:
    """Each mistake has its own status, and none is a mistake of the server."""
    ann = await server.person("ann")
    headers = {"X-CSRF-TOKEN": ann.csrf, "Content-Type": kind}
    answer = await ann.client.post("/api/conversations", content=body, headers=headers)

    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_compressed_bodies_are_refused(server: InProcessServer) -> None:
    """Nobody unpacks what a stranger has packed."""
    ann = await server.person("ann")
    answer = await ann.call(
        "POST", "/api/conversations", {"title": "a"}, expect=415, Content_Encoding="gzip"
    )

    assert answer.json()["code"] == "RGP.UNSUPPORTED_MEDIA"


@pytest.mark.parametrize(
    "path",
    [
        "/api/conversations?limit=0",
        "/api/conversations?limit=201",
        "/api/conversations?limit=-1",
        "/api/conversations?limit=1e2",
        "/api/conversations?limit=%D9%A1",
        "/api/conversations?limit=99999999999999999999",
        "/api/conversations?archived=maybe",
        "/api/conversations?archived=%00",
        "/api/conversations?cursor=%00",
        "/api/conversations?cursor=x",
        "/api/conversations?cursor=%F0%9F%A6%80",
        f"/api/conversations?cursor={_cursor('[]')}",
        "/api/conversations?cursor=" + _page("2026-01-01T00:00:00"),
        "/api/conversations?cursor=" + _page("0001-01-01T00:00:00+23:59"),
        f"/api/conversations?cursor={_cursor('[' * 5_000)}",
    ],
    ids=lambda _: "",
)
async def test_bad_queries_are_400(server: InProcessServer, path: str) -> None:
    """Whatever stands in them."""
    ann = await server.person("ann")
    answer = await ann.call("GET", path, expect=400)

    assert answer.json()["code"] == "RGP.BAD_REQUEST"


@pytest.mark.parametrize("cursor", ["%00", "x%0d%0ay", "%1b"])
async def test_bad_names_in_cursors_are_400(server: InProcessServer, cursor: str) -> None:
    """The list of accounts is paged by name."""
    admin = await server.person("admin")

    await admin.call("GET", f"/api/admin/users?cursor={cursor}", expect=400)


@pytest.mark.parametrize(
    "cursor",
    ["zz", "0", "A" * 4_000, "%00", "1/2", "%F0%9F%A6%80", "Zzzzzz", "9" * 300],
    ids=lambda _: "",
)
async def test_paths_that_no_tree_has_are_never_a_mistake_of_the_server(
    server: InProcessServer, cursor: str
) -> None:
    """An opaque cursor that somebody made up is refused, or has nothing after it."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation())
    answer = await ann.client.get(f"/api/threads/{root}/tree?cursor_path={cursor}")

    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("start", ["-1", "x", "1.5", "%00", "99999999999", "%D9%A1"])
async def test_chunks_start_at_a_number(server: InProcessServer, start: str) -> None:
    """Anything else is 400."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation())

    await ann.call("GET", f"/api/messages/{root}/chunks?from={start}", expect=400)


@pytest.mark.parametrize("path", ["x", "%00", _ID[:-1], _ID + "0", "%E2%80%AE", "..%2f..", "{id}"])
async def test_bad_ids_in_paths_are_404(server: InProcessServer, path: str) -> None:
    """As if nothing were there."""
    ann = await server.person("ann")
    answer = await ann.call("GET", f"/api/conversations/{path}", expect=404)

    assert answer.json()["code"] == "RGP.NOT_FOUND"


@pytest.mark.parametrize(
    ("key", "status"), [("a" * 128, 201), ("a" * 129, 400), ("", 400), ("é", 400), ("~!", 201)]
)
async def test_idempotency_keys_are_printable(
    server: InProcessServer, key: str, status: int
) -> None:
    """1 to 128 characters of ASCII."""
    ann = await server.person("ann")
    headers = {"X-CSRF-TOKEN": ann.csrf, "Idempotency-Key": key.encode("latin-1")}
    raw_headers = {name.encode(): value for name, value in headers.items()}
    answer = await ann.client.post("/api/conversations", json={"title": "a"}, headers=raw_headers)

    assert answer.status_code == status


async def test_csrf_tokens_of_any_bytes_are_compared(server: InProcessServer) -> None:
    """Bytes that are no text are a wrong token, not a mistake of the server."""
    ann = await server.person("ann")
    headers: Any = {b"X-CSRF-TOKEN": b"\xff\xfe"}
    answer = await ann.client.post("/api/conversations", json={"title": "a"}, headers=headers)

    assert answer.status_code == 403


def test_a_cursor_is_read_as_it_was_made() -> None:
    """The page goes on where it ended."""
    moment, last = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC), UUID(_ID)
    made = request_parsing.make_cursor(moment, last)

    class Asked:
        args = {"cursor": made}

    assert made.isascii()
    assert request_parsing.read_cursor(Asked()) == (moment, last)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("10.1.2.3", True), ("10.2.0.1", False), ("::1", True), ("x", False), ("", False)],
)
def test_proxies_are_named_by_address_or_network(address: str, trusted: bool) -> None:
    """Both forms, of both families."""
    assert request_parsing.is_trusted(address, ["10.1.0.0/16", "::1"]) is trusted


def test_loopback_is_this_machine() -> None:
    """And nothing else is."""
    assert [request_parsing.is_loopback(a) for a in ("127.0.0.1", "::1", "10.0.0.1", "", "x")] == [
        True,
        True,
        False,
        False,
        False,
    ]
