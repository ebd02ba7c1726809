"""Authentication by session cookies, and the address of a client."""

import httpx
import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer

from rustygpt_shared.settings import (
    Cookie,
    Cors,
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


async def test_two_cookie_headers_are_one_list(server: InProcessServer) -> None:
    """A session in the second one counts; two different sessions are refused there too."""
    ann, other = await server.person("ann"), await server.sign_in("admin")
    own, planted = (f"SESSION_ID={u.client.cookies['SESSION_ID']}" for u in (ann, other))
    async with httpx.AsyncClient(base_url=server.url) as client:
        split = [("Cookie", "theme=dark"), ("Cookie", own)]
        assert (await client.get("/api/auth/me", headers=split)).status_code == 200
        for pair in ((own, planted), (planted, own)):
            both = [("Cookie", cookie) for cookie in pair]
            assert (await client.get("/api/auth/me", headers=both)).status_code == 401


_OWN = "http://chat.example.org"


_ORIGINS: list[tuple[dict[str, str], bool]] = [
    ({}, True),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "{own}"}, False),
    ({"Origin": "{own}"}, True),
    ({"Origin": "{own}", "Host": "chat.example.org"}, False),
    ({"Origin": _OWN}, False),
    ({"Origin": _OWN, "Host": "chat.example.org"}, True),
    ({"Origin": "https://chat.example.org", "Host": "chat.example.org:443"}, True),
    ({"Origin": "http://evil.example.org", "Sec-Fetch-Site": "same-site"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": "https://public.example.org"}, True),
    ({"Origin": "https://public.example.org:443"}, True),
    ({"Origin": "http://public.example.org"}, False),
    ({"Origin": "http://public.example.org", "Host": "public.example.org"}, False),
    ({"Origin": "https://chat.example.org", "Host": "chat.example.org"}, True),
    ({"Origin": "http://chat.example.org:443", "Host": "chat.example.org"}, False),
    ({"Origin": "ftp://chat.example.org", "Host": "chat.example.org"}, False),
    ({"Origin": "http://[", "Host": "chat.example.org"}, False),
    ({"Origin": "https://evil.example.org", "X-Forwarded-Host": "evil.example.org"}, False),
]


async def test_what_another_site_sends_is_refused(start_server: StartServer) -> None:
    """Posts and logins alike; reading is not restricted, as its response is not readable there."""
    settings = Settings(
        server=Server(public_base_url="https://public.example.org"),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    allowed, refused = [200, 201, 200, 422], [200, 403, 403, 403]
    async with start_server(settings=settings) as server:
        ann, _ = await server.person("ann"), await server.person("bob")
        for headers, is_allowed in _ORIGINS:
            sent = {name: value.format(own=server.url) for name, value in headers.items()}
            statuses = await _statuses(server, ann, sent)
            assert statuses == (allowed if is_allowed else refused), headers


async def _statuses(server: InProcessServer, ann: HttpUser, headers: dict[str, str]) -> list[int]:
    """Return the statuses of a read, a post, a login and a set-up with these headers."""
    csrf = {"X-CSRF-TOKEN": ann.csrf}
    login = {"email": "bob", "password": PASSWORD}  # more logins end the oldest session
    async with httpx.AsyncClient(base_url=server.url) as client:
        responses = [
            await ann.client.get("/api/auth/me", headers=headers),
            await ann.client.post(
                "/api/conversations", json={"title": "a"}, headers={**headers, **csrf}
            ),
            await client.post("/api/auth/login", json=login, headers=headers),
            await client.post("/api/setup", json={}, headers=headers),
        ]
    for response in responses:
        assert response.status_code != 403 or response.json()["code"] == "RGP.AUTH.CSRF"
    return [response.status_code for response in responses]


async def test_a_trusted_proxy_names_the_host_of_the_page(start_server: StartServer) -> None:
    """Behind a proxy that changes `Host`, its X-Forwarded-Host is the server's own."""
    settings = Settings(
        server=Server(trusted_proxies=["127.0.0.1"]),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        headers = {"Origin": _OWN, "X-Forwarded-Host": "chat.example.org"}
        await ann.call("POST", "/api/conversations", {"title": "a"}, expect=201, **headers)


async def test_over_https_a_page_of_http_is_another_site(start_server: StartServer) -> None:
    """A trusted proxy says that the client uses https."""
    settings = Settings(
        server=Server(trusted_proxies=["127.0.0.1"]),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        for proto, scheme, status in (
            ("https", "https", 201), ("https", "http", 403), ("http", "http", 201),
        ):  # fmt: skip
            headers = {
                "Origin": f"{scheme}://chat.example.org",
                "X-Forwarded-Host": "chat.example.org",
                "X-Forwarded-Proto": proto,
            }
            body = {"title": "a"}
            await ann.call("POST", "/api/conversations", body, expect=status, **headers)


@pytest.mark.parametrize("configured", ["https://other.example.org", "*"])
async def test_a_configured_origin_is_no_other_site(
    start_server: StartServer, configured: str
) -> None:
    """Its requests are cross-site; `*` names none, and certainly not `null`."""
    settings = Settings(
        server=Server(cors=Cors(allowed_origins=[configured])),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        ann = await server.person("ann")
        statuses = {}
        for origin in ("https://other.example.org", "http://other.example.org", "null"):
            headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site", "X-CSRF-TOKEN": ann.csrf}
            response = await ann.client.post(
                "/api/conversations", json={"title": "a"}, headers=headers
            )
            statuses[origin] = response.status_code

    is_named = configured != "*"
    assert list(statuses.values()) == [201 if is_named else 403, 403, 403]


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
    from rustygpt_server.services.secret_tokens import hash_token

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
