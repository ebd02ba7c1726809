"""An OpenID Connect provider on a real socket, with real keys, for tests of the sign-in by it."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwk, jws
from tests.support.fakes.fake_http_server import (
    FakeHttpServer,
    FakeResponse,
    RecordedRequest,
    fake_http_server,
)

from rustygpt_server.clock import Clock
from rustygpt_shared.codec import encode

CLIENT_ID = "rusty:client"
CLIENT_SECRET = "a secret / of the client"
PERSON = {
    "sub": "person-1",
    "email": "ann@example.org",
    "email_verified": True,
    "preferred_username": "ann.lee",
    "name": "Ann Lee",
}


@dataclass
class FakeIdentityProvider:
    """Signs everybody in as `person`; `claims` and `header` replace those of the next ID tokens."""

    http: FakeHttpServer
    clock: Clock
    key: Any = field(default_factory=lambda: new_key("RSA"))
    algorithm: str = "RS256"
    person: dict[str, Any] = field(default_factory=lambda: dict(PERSON))
    claims: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    published: list[Any] | None = None
    """The keys of the key set, if not only the one that signs."""
    answer: dict[str, str] = field(default_factory=dict)
    """What `authorize` sends a browser back with, besides code and state."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.http.on("GET", "/.well-known/openid-configuration", lambda _: self._discovery())
        self.http.on("GET", "/authorize", self._authorize)
        self.http.on("GET", "/keys", lambda _: self._key_set())
        self.http.on("POST", "/token", self._token)

    @property
    def issuer(self) -> str:
        """The issuer, which is also its address."""
        return self.http.origin

    def _authorize(self, request: RecordedRequest) -> FakeResponse:
        """Send a browser back at once: its person agrees to everything, or to nothing."""
        location = urlsplit(request.query["redirect_uri"])
        back = self.consent(f"?{urlencode(request.query)}", **self.answer)
        return FakeResponse(
            302, None, [("location", f"{location.scheme}://{location.netloc}{back}")]
        )

    def consent(self, authorization_url: str, **answer: str) -> str:
        """Return path and query of the callback of a person who has agreed at this URL."""
        request = dict(parse_qsl(urlsplit(authorization_url).query))
        assert request["response_type"] == "code"
        assert request["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = request
        callback = urlsplit(request["redirect_uri"])
        return f"{callback.path}?{urlencode({'code': code, 'state': request['state'], **answer})}"

    def id_token(self, request: dict[str, str]) -> str:
        """Return the ID token for the parameters of an authorization request."""
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": request.get("nonce", ""),
            **self.person,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        if self.algorithm == "none":
            parts = (base64url(encode(header)), base64url(encode(claims)), "")
            return ".".join(parts)
        # Escaped, also lone surrogates: no UTF-8 has them.
        payload = json.dumps(claims).encode()
        return jws.serialize_compact(header, payload, self.key, algorithms=[self.algorithm])

    def _discovery(self) -> FakeResponse:
        body = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.discovery,
        }
        return FakeResponse(200, body)

    def _key_set(self) -> FakeResponse:
        keys = [self.key] if self.published is None else self.published
        return FakeResponse(200, {"keys": [one.as_dict(private=False) for one in keys]})

    def _token(self, request: RecordedRequest) -> FakeResponse:
        """Exchange a code, once, for who proves the client and has the code verifier."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        scheme, _, login = request.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(login).decode().partition(":")
        if (scheme, unquote(name), unquote(secret)) != ("Basic", CLIENT_ID, CLIENT_SECRET):
            return FakeResponse(401, {"error": "invalid_client"})
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if (
            asked is None
            or form["redirect_uri"] != asked["redirect_uri"]
            or base64url(digest) != asked["code_challenge"]
        ):
            return FakeResponse(400, {"error": "invalid_grant"})
        return FakeResponse(200, {"access_token": "unused", "id_token": self.id_token(asked)})


def new_key(kind: str, kid: str = "key-1") -> Any:
    """Return a new private key: `RSA` or `EC`."""
    parameters = {"kid": kid, "use": "sig"}
    if kind == "RSA":
        return jwk.RSAKey.generate_key(2_048, parameters)
    return jwk.ECKey.generate_key("P-256", parameters)


def base64url(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@asynccontextmanager
async def fake_identity_provider(clock: Clock) -> AsyncIterator[FakeIdentityProvider]:
    """Yield a provider whose clock is that of the server."""
    async with fake_http_server() as http:
        yield FakeIdentityProvider(http, clock)
