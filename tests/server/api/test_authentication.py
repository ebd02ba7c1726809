"""Authentication by session cookies, and the address of a client."""

import httpx
import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_shared.settings import (
    Cookie,
    Db,
    Hsts,
    Llm,
    Security,
    Server,
    Settings,
)


async def test_two_different_session_cookies_are_rejected(server: InProcessServer) -> None:
    """Another site under the same domain may have planted one of the cookies."""
    ann, other = await server.person("ann"), await server.sign_in("admin")
    own_token, planted_token = (user.client.cookies["SESSION_ID"] for user in (ann, other))
    async with httpx.AsyncClient(base_url=server.url) as client:
        for pair in ((planted_token, own_token), (own_token, planted_token)):
            cookie = "; ".join(f"SESSION_ID={token}" for token in pair)
            response = await client.get("/api/auth/me", headers={"Cookie": cookie})
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "session"
        repeated = {"Cookie": f"SESSION_ID={own_token}; SESSION_ID={own_token}"}
        assert (await client.get("/api/auth/me", headers=repeated)).status_code == 200


@pytest.mark.parametrize("prefix", ["__Host-", "__Secure-"])
async def test_a_prefixed_cookie_name_is_no_session(server: InProcessServer, prefix: str) -> None:
    """A prefix makes the name that of another cookie."""
    ann, other = await server.person("ann"), await server.sign_in("admin")
    own_token, planted_token = (user.client.cookies["SESSION_ID"] for user in (ann, other))
    async with httpx.AsyncClient(base_url=server.url) as client:
        only = {"Cookie": f"{prefix}SESSION_ID={planted_token}"}
        both = {"Cookie": f"{prefix}SESSION_ID={planted_token}; SESSION_ID={own_token}"}
        assert (await client.get("/api/auth/me", headers=only)).status_code == 401
        me = (await client.get("/api/auth/me", headers=both)).json()

    assert me["user"]["username"] == "ann"


@pytest.mark.parametrize("token", ["", "x", "\xff\xfe", '"quoted"', "a" * 4_000, "%00", "a=b"])
async def test_invalid_session_tokens_are_401(server: InProcessServer, token: str) -> None:
    """The response has the challenge that the contract requires."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        headers = {b"Cookie": f"SESSION_ID={token}".encode("latin-1")}
        response = await client.get("/api/auth/me", headers=headers)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "session"
    assert response.json()["code"] in {"RGP.AUTH.MISSING_SESSION", "RGP.AUTH.INVALID_SESSION"}


async def test_a_login_never_adopts_an_existing_token(server: InProcessServer) -> None:
    """A login always creates a new session token."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        client.cookies.set("SESSION_ID", "planted")
        body = {"email": "ann", "password": PASSWORD}
        response = await client.post("/api/auth/login", json=body)

    assert "planted" not in response.headers["set-cookie"]


async def test_a_stored_token_hash_is_no_token(server: InProcessServer) -> None:
    """A reader of the sessions table cannot sign in with its contents."""
    ann = await server.person("ann")
    from rustygpt_server.services.sessions import hash_token

    stored = hash_token(ann.client.cookies["SESSION_ID"]).hex()
    async with httpx.AsyncClient(base_url=server.url) as client:
        response = await client.get("/api/auth/me", headers={"Cookie": f"SESSION_ID={stored}"})

    assert response.status_code == 401


async def test_production_cookies_are_secure(start_server: StartServer) -> None:
    """Both cookies have the attribute Secure, and every response has HSTS."""
    security = Security(
        cookie=Cookie(secure=True, domain="chat.example.org"),
        hsts=Hsts(enabled=True, include_subdomains=True),
    )
    settings = Settings(security=security, llm=Llm(default_model="demo"), db=Db(max_connections=4))
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        body = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}
        await client.post("/api/setup", json=body)
        response = await client.post("/api/auth/login", json={"email": "ann", "password": PASSWORD})

    cookies = response.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("; Secure" in cookie for cookie in cookies)
    assert all("Domain=chat.example.org" in cookie for cookie in cookies)
    hsts = response.headers["strict-transport-security"]
    assert hsts == "max-age=63072000; includeSubDomains"


async def _recorded_address(server: InProcessServer, forwarded: str) -> str:
    """Return the client address that the server stores for a login."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        headers = {b"X-Forwarded-For": forwarded.encode("latin-1")}
        body = {"email": "ann", "password": PASSWORD}
        await client.post("/api/auth/login", json=body, headers=headers)
        sessions = (await client.get("/api/auth/sessions")).json()["sessions"]
    return str(next(s["address"] for s in sessions if s.get("current")))


async def test_forwarded_addresses_are_ignored_without_a_trusted_proxy(
    server: InProcessServer,
) -> None:
    """Without a trusted proxy the address is that of the socket."""
    assert await _recorded_address(server, "203.0.113.9") == "127.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("nonsense\xff", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_the_nearest_untrusted_forwarded_address_counts(
    start_server: StartServer, forwarded: str, address: str
) -> None:
    """Invalid addresses in X-Forwarded-For are ignored."""
    settings = Settings(
        server=Server(trusted_proxies=["127.0.0.1", "10.0.0.0/8"]),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        assert await _recorded_address(server, forwarded) == address
