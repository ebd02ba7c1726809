"""The routes of personal tokens, and the `Authorization` header."""

import asyncio
import re
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clients.raw_http import raw_connection
from tests.support.servers.in_process_server import InProcessServer

_TOKEN = re.compile(r"rgpt_[0-9A-Za-z]{43}")
_PATH = "/api/auth/tokens"


async def test_a_token_is_shown_once(server: InProcessServer) -> None:
    """The list has everything else, newest first."""
    ann = await server.person("ann")
    body = {"name": "  my   script ", "scopes": ["write", "read", "read"]}
    created = await ann.post(_PATH, body, expect=201)
    server.clock.advance(1)
    await ann.create_token("v1", expires_in_seconds=60)
    listed = (await ann.get(_PATH))["tokens"]

    assert _TOKEN.fullmatch(created.pop("token"))
    assert (created["name"], created["scopes"]) == ("my script", ["read", "write"])
    assert listed[1] == created
    assert listed[0]["scopes"] == ["v1"]
    assert "expires_at" in listed[0]
    assert "token" not in listed[0]


async def test_bad_requests_name_the_field(server: InProcessServer) -> None:
    """Nothing is created."""
    ann = await server.person("ann")
    bad: list[tuple[dict[str, Any], str]] = [
        ({"name": "\u3164"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"expires_in_seconds": 0}, "expires_in_seconds"),
        ({"expires_in_seconds": 10**9}, "expires_in_seconds"),
        ({"user_id": str(ann.id)}, "user_id"),
    ]
    for fields, named in bad:
        body = {"name": "x", "scopes": ["read"], **fields}
        response = await ann.call("POST", _PATH, body, expect=422)
        assert named in response.text

    assert (await ann.get(_PATH))["tokens"] == []


async def test_a_repeated_key_does_not_show_the_secret_again(server: InProcessServer) -> None:
    """A response that holds a secret is not kept."""
    ann = await server.person("ann")
    body = {"name": "x", "scopes": ["read"]}
    await ann.post(_PATH, body, expect=201, Idempotency_Key="k")
    repeated = await ann.call("POST", _PATH, body, expect=409, Idempotency_Key="k")

    assert "rgpt_" not in repeated.text
    assert len((await ann.get(_PATH))["tokens"]) == 1


async def test_the_hash_is_all_that_the_database_has(
    server: InProcessServer, superuser: Any
) -> None:
    """Neither the token nor its parts."""
    token = await (await server.person("ann")).create_token("read")
    [stored] = await superuser.fetch("SELECT t::text FROM rustygpt.personal_tokens t")

    assert token.removeprefix("rgpt_") not in stored[0]


async def test_cookies_are_ignored_beside_authorization(server: InProcessServer) -> None:
    """Also when the header is malformed, or of another scheme, or there are two."""
    ann = await server.person("ann")
    token = await ann.create_token("read")
    bad: list[list[str]] = [
        [""], ["Bearer"], ["Basic YWxhZGRpbg=="], [token], [f"Bearer{token}"],
        [f"Bearer {token} {token}"], [f"Bearer {token}x"], [f"Bearer {token}"] * 2,
        [f"Token {token}"],
    ]  # fmt: skip
    for values in bad:
        headers = [("Authorization", value) for value in values]
        response = await ann.client.get("/api/auth/me", headers=headers)
        assert response.status_code == 401, values
        assert response.headers["www-authenticate"].startswith("Bearer ")
    for value in (f"Bearer {token}", f"bEARER   {token}"):
        response = await ann.client.get("/api/auth/me", headers={"Authorization": value})
        assert "session" not in response.json()
        assert response.json()["user"]["username"] == "ann"


async def test_a_token_needs_no_csrf_token_and_has_no_origin(server: InProcessServer) -> None:
    """No browser adds it to a request of another site by itself."""
    ann = await server.person("ann")
    program = server.token_user(await ann.create_token("write"), ann)
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.org"}
    response = await program.client.post("/api/conversations", json={"title": "x"}, headers=headers)

    assert response.status_code == 201
    assert "set-cookie" not in response.headers


async def test_a_large_body_is_read_for_a_token(server: InProcessServer) -> None:
    """Its caller is signed in, which is known before the body arrives."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    program = server.token_user(await ann.create_token("write"), ann)
    body = {"content": "\U0001f600" * 65_536}
    await program.post(f"/api/threads/{conversation_id}/root", body, expect=201)


async def test_open_routes_take_no_notice_of_the_header(server: InProcessServer) -> None:
    """A proxy may add one of its own, for example to requests of health."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        for path in ("/healthz", "/metrics", "/api/setup", "/"):
            response = await client.get(path, headers={"Authorization": "Basic x"})
            assert response.status_code == 200


async def test_any_authorization_header_is_answered_and_signs_nobody_in(
    server: InProcessServer,
) -> None:
    """Whatever bytes it has, beside a valid session cookie: 401 or 400, never 500."""
    ann = await server.person("ann")
    cookie = f"SESSION_ID={ann.client.cookies['SESSION_ID']}".encode()
    scheme = st.sampled_from([b"Bearer ", b"bearer", b"Basic ", b"", b"Bearer rgpt_"])
    value = st.binary(max_size=60).map(lambda data: re.sub(rb"[\r\n\x00]", b"", data))
    loop = asyncio.get_running_loop()

    async def status(header: bytes) -> int:
        async with raw_connection(server.url) as connection:
            head = b"GET /api/auth/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: "
            await connection.send(head + cookie + b"\r\nAuthorization: " + header + b"\r\n\r\n")
            return (await connection.response(60)).status

    @given(scheme, value)
    @settings(max_examples=60)
    def check(scheme: bytes, value: bytes) -> None:
        sent = asyncio.run_coroutine_threadsafe(status(scheme + value), loop)
        assert sent.result(120) in (400, 401)

    await asyncio.to_thread(check)
