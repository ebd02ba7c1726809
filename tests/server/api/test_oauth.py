"""Sign-in by an OpenID Connect provider over HTTP: a browser, this server, and a real provider."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.support.fakes.fake_http_server import FakeResponse
from tests.support.fakes.fake_identity_provider import (
    CLIENT_ID,
    FakeIdentityProvider,
    new_key,
)
from tests.support.servers.in_process_server import InProcessServer, StartServer
from tests.support.servers.provider_site import BASE_URL, Site, arrive, me, site

from rustygpt_server.clock import TimeLimits
from rustygpt_shared.settings import (
    RateLimits,
)


async def test_a_person_signs_in_and_comes_back_to_the_same_account(
    start_server: StartServer,
) -> None:
    """The first sign-in creates the account, whatever the provider calls the person later."""
    async with site(start_server) as here, here.browser() as first, here.browser() as second:
        assert await here.sign_in(first) == "/"
        account = await me(first)
        here.provider.person |= {"preferred_username": "other", "email": "other@example.org"}
        assert await here.sign_in(second) == "/"

        assert await me(second) == account
        assert (account["username"], account["display_name"]) == ("ann.lee", "Ann Lee")
        assert account["email"] == "ann@example.org"
        listed = (await second.get("/api/auth/identities")).json()
        assert not listed["has_password"]
        assert [(one["provider"], one["label"]) for one in listed["identities"]] == [
            ("oidc", "other@example.org")
        ]
        assert "rustygpt_auth_logins_total" in (await first.get("/metrics")).text


async def test_the_request_to_the_provider_is_complete(start_server: StartServer) -> None:
    """State, nonce and challenge are new each time; the address back is the configured one."""
    async with site(start_server) as here, here.browser() as browser:
        urls = [await here.begin(browser) for _ in range(2)]
        first, second = (dict(parse_qsl(urlsplit(url).query)) for url in urls)
        cookies = (await browser.get("/api/oauth/oidc")).headers.get_list("set-cookie")

    assert first["redirect_uri"] == f"{BASE_URL}/api/oauth/oidc/callback"
    assert first["scope"] == "openid profile email"
    assert first["tenant"] == "1"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43
        assert first[name] != second[name]
    [cookie] = cookies
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/api/oauth/oidc" in cookie


async def test_a_state_is_used_once_by_the_browser_that_began(start_server: StartServer) -> None:
    """A replayed one, one of another browser, an expired and an invented one are refused."""
    async with site(start_server) as here, here.browser() as browser, here.browser() as other:
        callback = here.provider.consent(await here.begin(browser))
        await here.begin(other)
        assert await arrive(other, callback) == "/#/sign-in?error=expired"
        assert await arrive(browser, callback) == "/"
        binding = await here.begin(browser)
        assert await arrive(browser, callback) == "/#/sign-in?error=expired"
        here.server.clock.advance(601)
        late = here.provider.consent(binding)
        assert await arrive(browser, late) == "/#/sign-in?error=expired"
        invented = "/api/oauth/oidc/callback?code=x&state=<script>"
        assert await arrive(browser, invented) == "/#/sign-in?error=expired"
        assert await me(other) is None


@pytest.mark.parametrize(
    ("claims", "algorithm"),
    [
        ({"iss": "https://other.example"}, "RS256"),
        ({"aud": "another client"}, "RS256"),
        ({"aud": [CLIENT_ID, "another client"]}, "RS256"),
        ({"azp": "another client"}, "RS256"),
        ({"nonce": "another nonce"}, "RS256"),
        ({"nonce": None}, "RS256"),
        ({"nonce": "\ud800"}, "RS256"),
        ({"exp": 1_000}, "RS256"),
        ({"exp": None}, "RS256"),
        ({"iat": 1_000}, "RS256"),
        ({"nbf": 99_999_999_999}, "RS256"),
        ({"sub": None}, "RS256"),
        ({"sub": ""}, "RS256"),
        ({"sub": 5}, "RS256"),
        ({"sub": "a\x1b[2Jb"}, "RS256"),
        ({}, "none"),
    ],
    ids=str,
)
async def test_a_wrong_id_token_signs_nobody_in(
    start_server: StartServer, claims: dict[str, Any], algorithm: str
) -> None:
    """Each claim is checked, and the algorithm is one of a list."""
    async with site(start_server) as here, here.browser() as browser:
        here.provider.claims = claims
        here.provider.algorithm = algorithm
        assert await here.sign_in(browser) == "/#/sign-in?error=provider"
        assert await me(browser) is None


async def test_the_issuers_public_key_is_no_shared_secret(start_server: StartServer) -> None:
    """A token that is signed by HMAC with the text of the public key is refused."""
    from joserfc import jwk

    async with site(start_server) as here, here.browser() as browser:
        public = here.provider.key.as_pem(private=False)
        signer = jwk.OctKey.import_key(public.replace(b"-----", b""), {"kid": "key-1"})
        here.provider.published = [here.provider.key]
        here.provider.key, here.provider.algorithm = signer, "HS256"
        assert await here.sign_in(browser) == "/#/sign-in?error=provider"


async def test_a_token_of_another_key_with_the_same_id_is_refused(
    start_server: StartServer,
) -> None:
    """The signature is verified with the issuer's key."""
    async with site(start_server) as here, here.browser() as browser:
        here.provider.published = [here.provider.key]
        here.provider.key = new_key("RSA")
        assert await here.sign_in(browser) == "/#/sign-in?error=provider"


async def test_new_keys_are_fetched_once(start_server: StartServer) -> None:
    """A key that is unknown is looked for again; known keys are not asked for each time."""
    async with site(start_server) as here, here.browser() as browser:
        for kid, kind, algorithm in (
            ("key-1", None, "RS256"),
            ("key-1", None, "RS256"),
            ("key-2", "EC", "ES256"),
        ):
            if kind:
                here.provider.key = new_key(kind, kid)
                here.provider.algorithm = algorithm
            assert await here.sign_in(browser) == "/"
        assert here.provider.http.request_count("GET", "/keys") == 2
        assert here.provider.http.request_count("GET", "/.well-known/openid-configuration") == 1
        here.provider.published = []
        here.provider.key = new_key("EC", "key-3")
        assert await here.sign_in(browser) == "/#/sign-in?error=provider"
        assert here.provider.http.request_count("GET", "/keys") == 3


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://other.example"},
        {"token_endpoint": "http://provider.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": 5},
    ],
    ids=str,
)
async def test_a_discovery_document_that_cannot_be_trusted_is_refused(
    start_server: StartServer, discovery: dict[str, Any]
) -> None:
    """Its issuer is the configured one, and its addresses are https."""
    async with site(start_server) as here, here.browser() as browser:
        here.provider.discovery = discovery
        assert await here.begin(browser) == "/#/sign-in?error=provider"


async def test_a_provider_that_fails_signs_nobody_in(start_server: StartServer) -> None:
    """It is away, redirects, answers too much, or no JSON: the person learns it in the page."""
    huge = {"keys": "x" * 300_000}
    redirect = FakeResponse(302, None, [("location", "http://127.0.0.1:1/keys")])
    async with site(start_server) as here, here.browser() as browser:
        http = here.provider.http
        for path, response in (
            ("/token", FakeResponse(503)),
            ("/token", FakeResponse(cut=True)),
            ("/token", FakeResponse(200, ["no object"])),
            ("/token", FakeResponse(200, {"id_token": 7})),
            ("/token", FakeResponse(200, {"id_token": "a.b"})),
        ):
            http.on("POST", path, response)
            assert await here.sign_in(browser) == "/#/sign-in?error=provider"
        for response in (FakeResponse(200, huge), redirect, FakeResponse(200, {"keys": {}})):
            provider = FakeIdentityProvider(http, here.server.clock, here.provider.key)
            http.on("GET", "/keys", response)
            browser.cookies.clear()
            callback = provider.consent(await here.begin(browser))
            assert await arrive(browser, callback) == "/#/sign-in?error=provider"
        assert await me(browser) is None


async def test_a_slow_provider_is_given_up(start_server: StartServer) -> None:
    """The request ends after the time limit."""
    limits = TimeLimits(provider_timeout=0.2)
    async with site(start_server, limits=limits) as here, here.browser() as browser:
        never = asyncio.Event()
        here.provider.http.on(
            "GET", "/.well-known/openid-configuration", FakeResponse(200, {}, after=never)
        )
        assert await here.begin(browser) == "/#/sign-in?error=provider"
        never.set()


async def test_a_person_who_refuses_sees_why(start_server: StartServer) -> None:
    """No text of the answer is repeated, and an answer of another issuer is refused."""
    async with site(start_server) as here, here.browser() as browser:
        for answer, word in (
            ({"error": "access_denied"}, "denied"),
            ({"error": "<b>server_error</b>"}, "provider"),
            ({"code": ""}, "provider"),
            ({"code": "x" * 5_000}, "provider"),
            ({"iss": "https://other.example"}, "provider"),
        ):
            assert await here.sign_in(browser, **answer) == f"/#/sign-in?error={word}"


async def _invite(here: Site) -> str:
    admin = here.server.people["admin"]
    path = f"/api/conversations/{await admin.conversation()}/invites"
    return str((await admin.post(path, {"role": "viewer"}))["token"])


async def test_closed_registration_creates_no_account(start_server: StartServer) -> None:
    """An invite does not help."""
    async with site(start_server, "closed") as here, here.browser() as browser:
        for query in ("", f"?invite_token={await _invite(here)}"):
            assert await here.sign_in(browser, query) == "/#/sign-in?error=registration_closed"
            assert await me(browser) is None


async def test_an_invite_is_carried_to_the_new_account(start_server: StartServer) -> None:
    """It joins the invite's conversation, and the invite is used up."""
    async with site(start_server, "invite") as here, here.browser() as browser:
        query = f"?invite_token={await _invite(here)}"
        assert await here.sign_in(browser) == "/#/sign-in?error=invite_needed"
        arrived = await here.sign_in(browser, query)
        listed = (await browser.get("/api/conversations")).json()["conversations"]
        assert [(f"/#/c/{one['id']}", one["role"]) for one in listed] == [(arrived, "viewer")]
        assert await here.sign_in(browser) == "/"
        here.provider.person["sub"] = "person-2"
        assert await here.sign_in(browser, query) == "/#/sign-in?error=invite_ended"


async def test_an_equal_address_finds_no_account(start_server: StartServer) -> None:
    """A verified address does not either; an unverified one is not even stored."""
    async with site(start_server) as here, here.browser() as browser:
        ann = await here.server.person("ann")
        assert await here.sign_in(browser) == "/"
        account = await me(browser)
        assert account["id"] != str(ann.id)
        here.provider.person |= {"sub": "person-2", "email_verified": False, "email": "x@y.org"}
        assert await here.sign_in(browser) == "/"
        assert (await me(browser))["email"] == ""
        # The password of the account that had the address first still signs in.
        assert (await here.server.sign_in("ann@example.org")).id == ann.id


async def test_names_that_are_taken_get_a_number(start_server: StartServer) -> None:
    """Reserved words and hostile names become something else."""
    names = {"ann.lee": "ann.lee", "Ann.Lee": "Ann.Lee-2", "assistant": "assistant-2"}
    async with site(start_server) as here:
        for number, (name, expected) in enumerate(names.items()):
            here.provider.person |= {"sub": f"p{number}", "preferred_username": name}
            async with here.browser() as browser:
                assert await here.sign_in(browser) == "/"
                assert (await me(browser))["username"] == expected
        here.provider.person |= {"sub": "p9", "preferred_username": "\u202e<b>", "name": "\x1b[2J"}
        async with here.browser() as browser:
            assert await here.sign_in(browser) == "/"
            account = await me(browser)
            assert account["username"].startswith("user-") or account["username"] == "b-2"
            assert "display_name" not in account


async def test_a_disabled_account_is_refused(start_server: StartServer) -> None:
    """The page says why, and no session starts."""
    async with site(start_server) as here, here.browser() as browser, here.browser() as again:
        await here.sign_in(browser)
        path = f"/api/admin/users/{(await me(browser))['id']}"
        await here.server.people["admin"].call("PATCH", path, {"disabled": True})
        assert await here.sign_in(again) == "/#/sign-in?error=disabled"
        assert await me(again) is None


async def test_sign_ins_are_limited_by_address(start_server: StartServer) -> None:
    """They count together with logins by password."""
    limits = RateLimits(auth_login_per_ip_per_min=3)
    async with site(start_server, rate_limits=limits) as here, here.browser() as browser:
        await here.begin(browser)
        await here.begin(browser)
        assert await here.begin(browser) == "/#/sign-in?error=rate_limited"
        body = {"email": "admin", "password": "wrong one"}
        assert (await browser.post("/api/auth/login", json=body)).status_code == 429


async def test_an_identity_is_linked_only_by_a_session(start_server: StartServer) -> None:
    """The session that asked for it still lives; another account's identity stays where it is."""
    async with site(start_server) as here, here.browser() as browser:
        ann, bob = await here.server.person("ann"), await here.server.person("bob")
        await ann.call("POST", "/api/oauth/oidc/link", None)
        url = (await ann.post("/api/oauth/oidc/link", None))["url"]
        assert await arrive(ann.client, here.provider.consent(url)) == "/#/identities"
        assert await here.sign_in(browser) == "/"
        assert (await me(browser))["id"] == str(ann.id)
        taken = (await bob.post("/api/oauth/oidc/link", None))["url"]
        arrived = await arrive(bob.client, here.provider.consent(taken))
        assert arrived == "/#/identities?error=other_account"
        here.provider.person["sub"] = "person-2"
        callback = here.provider.consent((await bob.post("/api/oauth/oidc/link", None))["url"])
        await bob.post("/api/auth/logout", None)
        assert await arrive(bob.client, callback) == "/#/identities?error=session_ended"
        path = "/api/admin/audit?action=identity.linked"
        audited = (await here.server.people["admin"].get(path))["entries"]
        assert [(one["actor_name"], one["address"]) for one in audited] == [("ann", "127.0.0.1")]
        csrf = {"X-CSRF-TOKEN": "wrong"}
        refused = await ann.client.post("/api/oauth/oidc/link", headers=csrf)
        assert refused.status_code == 403


async def test_a_provider_that_is_not_configured_is_404(server: InProcessServer) -> None:
    """All routes of it; the list of providers is empty."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        for method, path in (
            ("GET", "/api/oauth/oidc"),
            ("GET", "/api/oauth/oidc/callback"),
            ("POST", "/api/oauth/apple/callback"),
            ("POST", "/api/oauth/github/device"),
            ("GET", "/api/oauth/nobody"),
        ):
            assert (await client.request(method, path)).status_code == 404, path
        assert (await client.get("/api/oauth")).json() == {"providers": []}
    ann = await server.person("ann")
    await ann.call("POST", "/api/oauth/oidc/link", expect=404)
