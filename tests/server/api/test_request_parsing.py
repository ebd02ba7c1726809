"""What is checked before a request reaches its handler."""

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


def _cursor(text: str) -> str:
    """Return a cursor with any text in it."""
    return urlsafe_b64encode(text.encode()).decode()


def _page_cursor(moment: str) -> str:
    """Return a cursor of a list that ended at a time."""
    return _cursor(json.dumps([moment, _ID]))


@pytest.mark.parametrize(
    ("sent_id", "is_kept"),
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
async def test_valid_request_ids_are_kept(
    server: InProcessServer, sent_id: str, is_kept: bool
) -> None:
    """Other request ids are replaced by a new one of the server."""
    async with raw_connection(server.url) as connection:
        await connection.send(request("GET", "/healthz", f"x-request-id: {sent_id}"))
        response = await connection.response()

    returned_id = response.header("x-request-id")
    assert returned_id is not None
    assert (returned_id == sent_id) is is_kept
    assert is_kept or UUID(returned_id).version == 7


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
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
async def test_bodies_have_to_be_json_of_the_right_shape(
    server: InProcessServer, body: bytes, content_type: str, status: int
) -> None:
    """Each kind of invalid body has its own status, and none is a server error."""
    ann = await server.person("ann")
    headers = {"X-CSRF-TOKEN": ann.csrf, "Content-Type": content_type}
    response = await ann.client.post("/api/conversations", content=body, headers=headers)

    assert response.status_code == status, response.text
    if status >= 400:
        assert response.headers["content-type"] == "application/problem+json"


async def test_compressed_bodies_are_rejected(server: InProcessServer) -> None:
    """The server never decompresses a request body."""
    ann = await server.person("ann")
    response = await ann.call(
        "POST", "/api/conversations", {"title": "a"}, expect=415, Content_Encoding="gzip"
    )

    assert response.json()["code"] == "RGP.UNSUPPORTED_MEDIA"


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
        "/api/conversations?cursor=" + _page_cursor("2026-01-01T00:00:00"),
        "/api/conversations?cursor=" + _page_cursor("0001-01-01T00:00:00+23:59"),
        f"/api/conversations?cursor={_cursor('[' * 5_000)}",
    ],
    ids=lambda _: "",
)
async def test_invalid_queries_are_400(server: InProcessServer, path: str) -> None:
    """Invalid limits, flags and cursors return 400."""
    ann = await server.person("ann")
    response = await ann.call("GET", path, expect=400)

    assert response.json()["code"] == "RGP.BAD_REQUEST"


@pytest.mark.parametrize("cursor", ["%00", "x%0d%0ay", "%1b"])
async def test_control_characters_in_cursors_are_400(server: InProcessServer, cursor: str) -> None:
    """The list of accounts is paged by user name."""
    admin = await server.person("admin")

    await admin.call("GET", f"/api/admin/users?cursor={cursor}", expect=400)


@pytest.mark.parametrize(
    "cursor",
    ["zz", "0", "A" * 4_000, "%00", "1/2", "%F0%9F%A6%80", "Zzzzzz", "9" * 300],
    ids=lambda _: "",
)
async def test_an_unknown_tree_cursor_is_no_server_error(
    server: InProcessServer, cursor: str
) -> None:
    """An invented cursor is rejected, or has no messages after it."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation())
    response = await ann.client.get(f"/api/threads/{root}/tree?cursor_path={cursor}")

    assert response.status_code in {200, 400}


@pytest.mark.parametrize("start", ["-1", "x", "1.5", "%00", "99999999999", "%D9%A1"])
async def test_chunks_start_at_a_non_negative_number(server: InProcessServer, start: str) -> None:
    """Any other value of `from` returns 400."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation())

    await ann.call("GET", f"/api/messages/{root}/chunks?from={start}", expect=400)


@pytest.mark.parametrize("path", ["x", "%00", _ID[:-1], _ID + "0", "%E2%80%AE", "..%2f..", "{id}"])
async def test_malformed_ids_in_paths_are_404(server: InProcessServer, path: str) -> None:
    """A malformed id returns the same status as an unknown one."""
    ann = await server.person("ann")
    response = await ann.call("GET", f"/api/conversations/{path}", expect=404)

    assert response.json()["code"] == "RGP.NOT_FOUND"


@pytest.mark.parametrize(
    ("key", "status"), [("a" * 128, 201), ("a" * 129, 400), ("", 400), ("é", 400), ("~!", 201)]
)
async def test_idempotency_keys_are_printable_ascii(
    server: InProcessServer, key: str, status: int
) -> None:
    """A key has 1 to 128 characters of printable ASCII."""
    ann = await server.person("ann")
    headers = {"X-CSRF-TOKEN": ann.csrf, "Idempotency-Key": key.encode("latin-1")}
    raw_headers = {name.encode(): value for name, value in headers.items()}
    response = await ann.client.post("/api/conversations", json={"title": "a"}, headers=raw_headers)

    assert response.status_code == status


async def test_a_csrf_token_of_invalid_bytes_is_wrong(server: InProcessServer) -> None:
    """Bytes that are no text are a wrong token, not a server error."""
    ann = await server.person("ann")
    headers: Any = {b"X-CSRF-TOKEN": b"\xff\xfe"}
    response = await ann.client.post("/api/conversations", json={"title": "a"}, headers=headers)

    assert response.status_code == 403


def test_a_cursor_is_decoded_to_the_encoded_values() -> None:
    """The next page continues after the last item of the page before."""
    time = datetime(2026, 1, 1, 12, 0, 0, 5, tzinfo=UTC)
    last_id = UUID(_ID)
    cursor = request_parsing.make_cursor(time, last_id)

    class RequestWithCursor:
        args = {"cursor": cursor}

    assert cursor.isascii()
    assert request_parsing.read_cursor(RequestWithCursor()) == (time, last_id)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("10.1.2.3", True), ("10.2.0.1", False), ("::1", True), ("x", False), ("", False)],
)
def test_trusted_proxies_are_addresses_or_networks(address: str, trusted: bool) -> None:
    """IPv4 and IPv6 are supported in both forms."""
    assert request_parsing.is_trusted(address, ["10.1.0.0/16", "::1"]) is trusted


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_client(address: str, client: str) -> None:
    """One subscriber has a whole network of 64 bits."""
    assert request_parsing.client_key(address) == client
