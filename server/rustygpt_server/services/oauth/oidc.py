"""OpenID Connect: discovery, the authorization code flow with PKCE, the ID token."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from rustygpt_server.config import is_loopback_host
from rustygpt_server.db.identities import Identity
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.identities import Profile
from rustygpt_server.services.oauth import id_tokens
from rustygpt_server.services.oauth.http import ProviderClient, check_url
from rustygpt_server.services.oauth.id_tokens import Expected, KeySet
from rustygpt_server.services.oauth.provider import Attempt, ProviderFailed, text_of, with_query
from rustygpt_shared.models.identities import ProviderName
from rustygpt_shared.settings import OidcOAuth

_DISCOVERY_SECONDS: Final = 3_600
"""How long a discovery document is used."""


class Metadata(Struct, frozen=True):
    """Where the endpoints of a provider are (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class OidcProvider:
    """The OpenID Connect provider of the settings."""

    name: ProviderName = "oidc"
    posts_callback = False
    has_device_flow = False

    def __init__(self, settings: OidcOAuth, client: ProviderClient, runtime: Runtime) -> None:
        self.label = settings.label
        self._settings = settings
        self._client = client
        self._client_id = settings.client_id or ""
        discovery = Discovery(settings.issuer or "", client, runtime)
        self._discover = discovery.find
        self._exchange = CodeExchange(client, runtime)

    async def authorization_url(self, attempt: Attempt) -> str:
        """Return the provider's page for a sign-in."""
        metadata = await self._discover()
        return with_query(
            metadata.authorization_endpoint,
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": attempt.redirect_uri,
                "scope": " ".join(self._settings.scopes),
                "state": attempt.state,
                "nonce": attempt.nonce,
                "code_challenge": attempt.code_challenge,
                "code_challenge_method": "S256",
            },
        )

    async def identify(self, attempt: Attempt, answer: Mapping[str, str]) -> Profile:
        """Exchange the code for an ID token, and return whom it names."""
        metadata = await self._discover()
        # RFC 9207: a response of another provider must not be taken for this one's.
        if answer.get("iss", metadata.issuer) != metadata.issuer:
            raise ProviderFailed("the response comes from another issuer")
        form = {"code_verifier": attempt.code_verifier}
        claims = await self._exchange.claims(
            metadata, self._client_id, attempt, answer["code"], *self._authenticate(metadata, form)
        )
        return profile_of(self.name, metadata.issuer, claims)

    def _authenticate(
        self, metadata: Metadata, form: dict[str, str]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return form and headers that prove who the client is (RFC 6749, 2.3.1)."""
        secret = self._settings.client_secret
        if not secret:
            return {**form, "client_id": self._client_id}, {}
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            login = f"{quote(self._client_id, safe='')}:{quote(secret, safe='')}"
            basic = base64.b64encode(login.encode()).decode()
            return form, {"Authorization": f"Basic {basic}"}
        return {**form, "client_id": self._client_id, "client_secret": secret}, {}


class Discovery:
    """The discovery document of an issuer, fetched when it is needed and kept for an hour."""

    def __init__(self, issuer: str, client: ProviderClient, runtime: Runtime) -> None:
        self._issuer = issuer
        self._client = client
        self._clock = runtime.clock
        self._metadata: Metadata | None = None
        self._fetched_at = 0.0
        self._lock = asyncio.Lock()

    async def find(self) -> Metadata:
        """Return the document, whose issuer is exactly the configured one."""
        async with self._lock:
            age = self._clock.monotonic() - self._fetched_at
            if self._metadata is None or age >= _DISCOVERY_SECONDS:
                self._metadata = await self._fetch()
                self._fetched_at = self._clock.monotonic()
            return self._metadata

    async def _fetch(self) -> Metadata:
        url = self._issuer.removesuffix("/") + "/.well-known/openid-configuration"
        try:
            metadata = msgspec.convert(await self._client.get(url), Metadata)
        except msgspec.ValidationError as error:
            raise ProviderFailed(f"the discovery document cannot be used: {error}") from None
        if metadata.issuer != self._issuer:
            raise ProviderFailed("the discovery document is not of oauth.oidc.issuer")
        is_local = is_loopback_host(urlsplit(self._issuer).hostname or "")
        for endpoint in (
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            metadata.jwks_uri,
        ):
            check_url(endpoint)
            # A provider elsewhere must not make this server send requests to its own machine.
            if is_loopback_host(urlsplit(endpoint).hostname or "") and not is_local:
                raise ProviderFailed("the discovery document names an address of this machine")
        return metadata


class CodeExchange:
    """Exchanges authorization codes for the claims of verified ID tokens."""

    def __init__(self, client: ProviderClient, runtime: Runtime) -> None:
        self._client = client
        self._clock = runtime.clock
        self._keys = KeySet(client, runtime)

    async def claims(
        self,
        metadata: Metadata,
        client_id: str,
        attempt: Attempt,
        code: str,
        form: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> Mapping[str, Any]:
        """Return the claims about who has signed in; `form` and `headers` prove the client."""
        tokens = await self._client.post(
            metadata.token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": attempt.redirect_uri,
                **form,
            },
            headers,
        )
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise ProviderFailed("the provider gave no ID token")
        expected = Expected(metadata.issuer, client_id, attempt.nonce)
        now = self._clock.now().timestamp()
        return await id_tokens.verify(id_token, self._keys, metadata.jwks_uri, expected, now)


def profile_of(provider: ProviderName, issuer: str, claims: Mapping[str, Any]) -> Profile:
    """Return the profile that claims describe; an address counts only if it is verified."""
    # Apple writes the boolean as a text.
    is_verified = claims.get("email_verified") in (True, "true")
    email = text_of(claims, "email") if is_verified else None
    username = text_of(claims, "preferred_username")
    name = text_of(claims, "name")
    label = text_of(claims, "email") or username or name
    identity = Identity(provider, issuer, claims["sub"], label)
    return Profile(identity, username, name, email)
