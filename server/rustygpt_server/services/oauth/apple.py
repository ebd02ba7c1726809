"""Sign in with Apple: OpenID Connect with fixed addresses, a posted callback, a signed secret."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from msgspec import structs

from rustygpt_server.runtime import Runtime
from rustygpt_server.services.identities import Profile
from rustygpt_server.services.oauth.http import ProviderClient
from rustygpt_server.services.oauth.oidc import CodeExchange, Metadata, profile_of
from rustygpt_server.services.oauth.provider import Attempt, ProviderFailed, text_of, with_query
from rustygpt_shared.models.identities import ProviderName
from rustygpt_shared.settings import AppleOAuth

_SECRET_LIFETIME: Final = timedelta(minutes=5)
"""Apple allows half a year; each exchange has a secret of its own."""
_USER_LIMIT: Final = 8_192


class AppleProvider:
    """The services id of the settings."""

    name: ProviderName = "apple"
    label = "Apple"
    posts_callback = True
    has_device_flow = False

    def __init__(self, settings: AppleOAuth, client: ProviderClient, runtime: Runtime) -> None:
        self._settings = settings
        self._client_id = settings.client_id or ""
        self._exchange = CodeExchange(client, runtime)
        self._clock = runtime.clock
        base_url = settings.base_url.rstrip("/")
        self._metadata = Metadata(
            issuer=base_url,
            authorization_endpoint=f"{base_url}/auth/authorize",
            token_endpoint=f"{base_url}/auth/token",
            jwks_uri=f"{base_url}/auth/keys",
        )

    async def authorization_url(self, attempt: Attempt) -> str:
        """Return Apple's page for a sign-in; a request for name and address is answered by POST."""
        return with_query(
            self._metadata.authorization_endpoint,
            {
                "response_type": "code",
                "response_mode": "form_post",
                "client_id": self._client_id,
                "redirect_uri": attempt.redirect_uri,
                "scope": "name email",
                "state": attempt.state,
                "nonce": attempt.nonce,
            },
        )

    async def identify(self, attempt: Attempt, answer: Mapping[str, str]) -> Profile:
        """Exchange the code for an ID token, and return whom it names."""
        form = {"client_id": self._client_id, "client_secret": self._client_secret()}
        claims = await self._exchange.claims(
            self._metadata, self._client_id, attempt, answer["code"], form, {}
        )
        profile = profile_of(self.name, self._metadata.issuer, claims)
        return structs.replace(profile, name=_name(answer.get("user", "")))

    def _client_secret(self) -> str:
        """Return a JWT that only who has the private key can make."""
        now = self._clock.now()
        claims = {
            "iss": self._settings.team_id,
            "iat": int(now.timestamp()),
            "exp": int((now + _SECRET_LIFETIME).timestamp()),
            "aud": self._metadata.issuer,
            "sub": self._client_id,
        }
        header = {"alg": "ES256", "kid": self._settings.key_id}
        try:
            key = jwk.ECKey.import_key(self._settings.private_key or "")
            return jwt.encode(header, claims, key, algorithms=["ES256"])
        except (JoseError, ValueError, TypeError):
            raise ProviderFailed("oauth.apple.private_key is not an EC key in PEM") from None


def _name(user: str) -> str | None:
    """Return the person's name, which Apple sends beside the code at the first consent only."""
    if not user or len(user) > _USER_LIMIT:
        return None
    try:
        name = msgspec.json.decode(user, type=dict[str, object]).get("name")
    except (msgspec.MsgspecError, RecursionError):
        return None
    if not isinstance(name, dict):
        return None
    parts = (text_of(name, part) for part in ("firstName", "lastName"))
    return " ".join(part for part in parts if part) or None
