"""Sign-ins by other providers, from the button to the session.

The state is random; the database has its SHA-256, and uses it up once. It is bound to the browser
by a second random value, which the browser keeps in a cookie. Nonce and code verifier are derived
from both under the server's secret, so they are stored nowhere.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct

from rustygpt_server.db import identities
from rustygpt_server.db.database import Database
from rustygpt_server.db.identities import OAuthFlow
from rustygpt_server.errors import NotFound, SignInFailed
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.callers import ClientInfo, SessionCaller
from rustygpt_server.services.identities import Identities, Profile, SignedIn
from rustygpt_server.services.oauth.apple import AppleProvider
from rustygpt_server.services.oauth.github import GitHubProvider
from rustygpt_server.services.oauth.http import ProviderClient
from rustygpt_server.services.oauth.oidc import OidcProvider
from rustygpt_server.services.oauth.provider import Attempt, Provider, ProviderFailed
from rustygpt_server.services.secret_tokens import base64url, hash_token, new_token
from rustygpt_server.telemetry import log
from rustygpt_shared.models.devices import DeviceCode
from rustygpt_shared.models.identities import ProviderName, SignInProvider
from rustygpt_shared.settings import Settings

_log = log(__name__)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE_LIMIT: Final = 4_096
"""The longest authorization code that is passed on."""


class StartedFlow(Struct, frozen=True):
    """Where the browser goes, and what it has to keep until it comes back."""

    url: str
    binding: str


class OAuthFlows:
    """The providers of a server, and the sign-ins there."""

    def __init__(
        self,
        db: Database,
        identities: Identities,
        settings: Settings,
        runtime: Runtime,
        secret: bytes,
    ) -> None:
        self._db = db
        self._identities = identities
        self._base_url = (settings.server.public_base_url or "").rstrip("/")
        self.is_over_https = self._base_url.startswith("https://")
        """Whether browsers get here by https."""
        self._clock = runtime.clock
        self._lifetime = timedelta(seconds=runtime.limits.oauth_flow)
        self._secret = secret
        self._client = ProviderClient(runtime.limits)
        self._providers: dict[str, Provider] = {}
        oauth = settings.oauth
        if oauth.github.client_id:
            self._add(GitHubProvider(oauth.github, self._client))
        if oauth.apple.client_id:
            self._add(AppleProvider(oauth.apple, self._client, runtime))
        if oauth.oidc.client_id:
            self._add(OidcProvider(oauth.oidc, self._client, runtime))

    def _add(self, provider: Provider) -> None:
        self._providers[provider.name] = provider

    def list_providers(self) -> list[SignInProvider]:
        """Return the providers that are configured."""
        return [
            SignInProvider(p.name, p.label, self._url(p.name), p.has_device_flow)
            for p in self._providers.values()
        ]

    def find(self, name: str) -> Provider:
        """Return a provider; raises NotFound if it is not configured."""
        provider = self._providers.get(name)
        if provider is None:
            raise NotFound("Nobody signs in here by this provider.")
        return provider

    async def begin(
        self, name: str, *, invite_token: str | None = None, caller: SessionCaller | None = None
    ) -> StartedFlow:
        """Begin a sign-in, or with a caller the linking of an identity; raises SignInFailed."""
        provider = self.find(name)
        state, binding = new_token(), new_token()
        flow = OAuthFlow(
            user_id=caller.user.id if caller else None,
            session_id=caller.session.id if caller else None,
            invite_hash=hash_token(invite_token) if invite_token else None,
        )
        try:
            url = await provider.authorization_url(self._attempt(provider.name, state, binding))
        except ProviderFailed as error:
            raise self._failed(provider.name, error) from None
        await identities.begin_oauth_flow(
            self._db,
            hash_token(state),
            hash_token(binding),
            provider.name,
            flow,
            self._clock.now() + self._lifetime,
        )
        return StartedFlow(url, binding)

    async def finish(
        self, name: str, answer: Mapping[str, str], binding: str | None, client: ClientInfo
    ) -> SignedIn | None:
        """Return the new session of who has signed in; None if an identity was linked instead.

        `answer` is what the provider sent the browser back with. Raises SignInFailed and
        AccountDisabled.
        """
        provider = self.find(name)
        state = answer.get("state", "")
        flow = await self._take(provider.name, state, binding or "")
        if flow is None:
            self._identities.refuse("unknown state")
            raise SignInFailed("expired")
        try:
            profile = await self._identify(provider, state, binding or "", answer)
            if flow.user_id is not None:
                await self._identities.link(flow, profile.identity)
                return None
            return await self._identities.sign_in(profile, flow.invite_hash, client)
        except SignInFailed as error:
            error.is_linking = flow.user_id is not None
            self._identities.refuse(error.reason)
            raise

    async def begin_device_login(self, name: str) -> DeviceCode:
        """Begin the device flow of a provider that has one."""
        provider = self._with_device_flow(name)
        try:
            return await provider.begin_device_login()
        except ProviderFailed as error:
            raise self._failed(provider.name, error) from None

    async def finish_device_login(
        self, name: str, device_code: str, invite_token: str | None, client: ClientInfo
    ) -> SessionCaller:
        """Return the session of who has entered the code; raises DeviceFlowRefused until then."""
        provider = self._with_device_flow(name)
        try:
            profile = await provider.poll_device_login(device_code)
        except ProviderFailed as error:
            raise self._failed(provider.name, error) from None
        invite_hash = hash_token(invite_token) if invite_token else None
        try:
            return (await self._identities.sign_in(profile, invite_hash, client)).caller
        except SignInFailed as error:
            self._identities.refuse(error.reason)
            raise

    async def prune(self) -> None:
        """Delete flows that nobody has come back from."""
        await identities.prune_oauth_flows(self._db, self._clock.now())

    async def aclose(self) -> None:
        """Close the connections to providers."""
        await self._client.close()

    def _with_device_flow(self, name: str) -> GitHubProvider:
        provider = self.find(name)
        if not isinstance(provider, GitHubProvider):
            raise NotFound("This provider has no sign-in for devices.")
        return provider

    async def _take(self, provider: ProviderName, state: str, binding: str) -> OAuthFlow | None:
        if not (_TOKEN.fullmatch(state) and _TOKEN.fullmatch(binding)):
            return None
        return await identities.take_oauth_flow(
            self._db, hash_token(state), hash_token(binding), provider, self._clock.now()
        )

    async def _identify(
        self, provider: Provider, state: str, binding: str, answer: Mapping[str, str]
    ) -> Profile:
        if "error" in answer:
            is_denied = answer["error"] in ("access_denied", "user_cancelled_authorize")
            raise SignInFailed("denied" if is_denied else "provider")
        if not 0 < len(answer.get("code", "")) <= _CODE_LIMIT:
            raise SignInFailed("provider")
        try:
            return await provider.identify(self._attempt(provider.name, state, binding), answer)
        except ProviderFailed as error:
            raise self._failed(provider.name, error) from None

    def _failed(self, provider: ProviderName, error: ProviderFailed) -> SignInFailed:
        _log.warning("a sign-in provider failed", provider=provider, reason=str(error))
        return SignInFailed("provider")

    def _attempt(self, provider: ProviderName, state: str, binding: str) -> Attempt:
        verifier = self._derive("verifier", state, binding)
        return Attempt(
            redirect_uri=f"{self._url(provider)}/callback",
            state=state,
            nonce=self._derive("nonce", state, binding),
            code_verifier=verifier,
            code_challenge=base64url(hashlib.sha256(verifier.encode()).digest()),
        )

    def _derive(self, purpose: str, state: str, binding: str) -> str:
        message = f"oauth {purpose}:{state}:{binding}".encode()
        return base64url(hmac.new(self._secret, message, hashlib.sha256).digest())

    def _url(self, provider: ProviderName) -> str:
        return f"{self._base_url}/api/oauth/{provider}"
