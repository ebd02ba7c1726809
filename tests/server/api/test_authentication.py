"""Who calls: cookies and addresses."""

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


async def test_two_sessions_in_one_request_are_none(server: InProcessServer) -> None:
    """Another site below the same domain may have planted one of them."""
    ann, other = await server.person("ann"), await server.sign_in("admin")
    mine, planted = (p.client.cookies["SESSION_ID"] for p in (ann, other))
    async with httpx.AsyncClient(base_url=server.url) as client:
        for pair in ((planted, mine), (mine, planted)):
            cookie = "; ".join(f"SESSION_ID={token}" for token in pair)
            answer = await client.get("/api/auth/me", headers={"Cookie": cookie})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "session"
        twice = {"Cookie": f"SESSION_ID={mine}; SESSION_ID={mine}"}
        assert (await client.get("/api/auth/me", headers=twice)).status_code == 200


@pytest.mark.parametrize("prefix", ["__Host-", "__Secure-"])
async def test_a_cookie_of_another_name_is_no_session(server: InProcessServer, prefix: str) -> None:
    """A prefix before the name makes it another cookie."""
    ann, other = await server.person("ann"), await server.sign_in("admin")
    mine, planted = (p.client.cookies["SESSION_ID"] for p in (ann, other))
    async with httpx.AsyncClient(base_url=server.url) as client:
        only = {"Cookie": f"{prefix}SESSION_ID={planted}"}
        both = {"Cookie": f"{prefix}SESSION_ID={planted}; SESSION_ID={mine}"}
        assert (await client.get("/api/auth/me", headers=only)).status_code == 401
        me = (await client.get("/api/auth/me", headers=both)).json()

    assert me["user"]["username"] == "ann"


@pytest.mark.parametrize("token", ["", "x", "\xff\xfe", '"quoted"', "a" * 4_000, "%00", "a=b"])
async def test_tokens_that_are_none_are_401(server: InProcessServer, token: str) -> None:
    """With a challenge that says what kind of login helps."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        headers = {b"Cookie": f"SESSION_ID={token}".encode("latin-1")}
        answer = await client.get("/api/auth/me", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "session"
    assert answer.json()["code"] in {"RGP.AUTH.MISSING_SESSION", "RGP.AUTH.INVALID_SESSION"}


async def test_a_token_from_before_the_login_is_not_adopted(server: InProcessServer) -> None:
    """A login always makes a new one."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        client.cookies.set("SESSION_ID", "planted")
        body = {"email": "ann", "password": PASSWORD}
        answer = await client.post("/api/auth/login", json=body)

    assert "planted" not in answer.headers["set-cookie"]


async def test_what_the_database_keeps_of_a_token_is_no_token(server: InProcessServer) -> None:
    """Who reads the table of sessions cannot sign in by it."""
    ann = await server.person("ann")
    from rustygpt_server.services.sessions import hash_token

    stored = hash_token(ann.client.cookies["SESSION_ID"]).hex()
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.get("/api/auth/me", headers={"Cookie": f"SESSION_ID={stored}"})

    assert answer.status_code == 401


async def test_cookies_in_production_are_for_https_only(start_server: StartServer) -> None:
    """Secure on both, and HSTS on every answer."""
    security = Security(
        cookie=Cookie(secure=True, domain="chat.example.org"),
        hsts=Hsts(enabled=True, include_subdomains=True),
    )
    settings = Settings(security=security, llm=Llm(default_model="demo"), db=Db(max_connections=4))
    async with (
        start_server(settings=settings) as api,
        httpx.AsyncClient(base_url=api.url) as client,
    ):
        body = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}
        await client.post("/api/setup", json=body)
        answer = await client.post("/api/auth/login", json={"email": "ann", "password": PASSWORD})

    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("; Secure" in cookie for cookie in cookies)
    assert all("Domain=chat.example.org" in cookie for cookie in cookies)
    hsts = answer.headers["strict-transport-security"]
    assert hsts == "max-age=63072000; includeSubDomains"


async def _address(api: InProcessServer, forwarded: str) -> str:
    await api.person("ann")
    async with httpx.AsyncClient(base_url=api.url) as client:
        headers = {b"X-Forwarded-For": forwarded.encode("latin-1")}
        body = {"email": "ann", "password": PASSWORD}
        await client.post("/api/auth/login", json=body, headers=headers)
        sessions = (await client.get("/api/auth/sessions")).json()["sessions"]
    return str(next(s["address"] for s in sessions if s.get("current")))


async def test_nobody_is_believed_about_an_address(server: InProcessServer) -> None:
    """Unless a proxy is trusted, the address is the socket's."""
    assert await _address(server, "203.0.113.9") == "127.0.0.1"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("nonsense\xff", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_a_trusted_proxy_is_believed_one_hop(
    start_server: StartServer, told: str, kept: str
) -> None:
    """The nearest address that is no proxy's counts; what is no address does not."""
    settings = Settings(
        server=Server(trusted_proxies=["127.0.0.1", "10.0.0.0/8"]),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as api:
        assert await _address(api, told) == kept
