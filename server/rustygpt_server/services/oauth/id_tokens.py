"""ID tokens (OpenID Connect Core 1.0, 3.1.3.7): the keys of an issuer, signatures, claims."""

import asyncio
import base64
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, Final

import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from msgspec import Struct

from rustygpt_server.runtime import Runtime
from rustygpt_server.services.oauth.http import ProviderClient
from rustygpt_server.services.oauth.provider import ProviderFailed

ALGORITHMS: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
}
"""The algorithms that are accepted, with the type of their keys: neither `none` nor HMAC."""
LEEWAY_SECONDS: Final = 30
"""How far the provider's clock may be off."""
_MAX_AGE_SECONDS: Final = 600
"""An ID token that was issued longer ago is refused."""
_TOKEN_LIMIT: Final = 32 * 1024
_KEYS_LIMIT: Final = 100
_SUBJECT_LIMIT: Final = 255
"""OpenID Connect Core 1.0, section 2."""
_KEYS_SECONDS: Final = 3_600
"""How long keys are used without asking whether they are still the provider's."""

_Key = jwk.RSAKey | jwk.ECKey


class Expected(Struct, frozen=True):
    """What an ID token has to say."""

    issuer: str
    client_id: str
    nonce: str


class _Header(Struct, frozen=True):
    alg: str
    kid: str | None = None


class KeySet:
    """The public keys of an issuer; fetched again after an hour, and for an unknown key."""

    def __init__(self, client: ProviderClient, runtime: Runtime) -> None:
        self._client = client
        self._clock = runtime.clock
        self._keys: list[dict[str, Any]] = []
        self._url = ""
        self._fetched_at = 0.0
        self._lock = asyncio.Lock()

    async def find(self, url: str, header: _Header) -> _Key:
        """Return the key that a token names; raises ProviderFailed if the issuer has none."""
        async with self._lock:
            is_cached = await self._fetch_if_due(url)
            key = self._find(header)
            if key is None and is_cached:
                await self._fetch(url)
                key = self._find(header)
        if key is None:
            raise ProviderFailed("the ID token is signed with a key that the issuer does not have")
        return key

    async def _fetch_if_due(self, url: str) -> bool:
        """Fetch the keys unless they are known; return whether they were."""
        age = self._clock.monotonic() - self._fetched_at
        if self._keys and self._url == url and age < _KEYS_SECONDS:
            return True
        await self._fetch(url)
        return False

    async def _fetch(self, url: str) -> None:
        body = await self._client.get(url)
        keys = body.get("keys") if isinstance(body, dict) else None
        if not isinstance(keys, list):
            raise ProviderFailed("the issuer's keys are not a JWK set")
        self._keys = [key for key in keys[:_KEYS_LIMIT] if isinstance(key, dict)]
        self._url = url
        self._fetched_at = self._clock.monotonic()

    def _find(self, header: _Header) -> _Key | None:
        """Return the key of the token's `kid`; without one, the only key that fits."""
        fitting = [
            key
            for key in self._keys
            if key.get("kty") == ALGORITHMS[header.alg]
            and key.get("use", "sig") == "sig"
            and key.get("alg", header.alg) == header.alg
            and (header.kid is None or key.get("kid") == header.kid)
        ]
        if len(fitting) != 1:
            return None
        try:
            key = jwk.import_key(fitting[0])
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        return key if isinstance(key, jwk.RSAKey | jwk.ECKey) else None


async def verify(
    token: str, keys: KeySet, keys_url: str, expected: Expected, now: float
) -> Mapping[str, Any]:
    """Return the claims of an ID token; raises ProviderFailed unless all of it is right."""
    header = _header(token)
    key = await keys.find(keys_url, header)
    try:
        claims = jwt.decode(token, key, algorithms=[header.alg]).claims
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise ProviderFailed(f"the ID token is not valid: {type(error).__name__}") from None
    _check_audience(claims, expected)
    _check_times(claims, now)
    if not _is_nonce(claims.get("nonce"), expected):
        raise ProviderFailed("the ID token is of another sign-in: its nonce differs")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_LIMIT:
        raise ProviderFailed("the ID token names no subject")
    if not subject.isprintable():
        raise ProviderFailed("the ID token's subject has control characters")
    return claims


def _is_nonce(value: object, expected: Expected) -> bool:
    # JSON can have lone surrogates, which have no UTF-8.
    given = value.encode(errors="replace") if isinstance(value, str) else b""
    return compare_digest(given, expected.nonce.encode())


def _header(token: str) -> _Header:
    """Return the header of a token, whose algorithm is one of the accepted ones."""
    if len(token) > _TOKEN_LIMIT or token.count(".") != 2:
        raise ProviderFailed("the ID token is not a signed JWT")
    part = token.partition(".")[0]
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        header = msgspec.json.decode(data, type=_Header)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise ProviderFailed("the ID token's header cannot be read") from None
    if header.alg not in ALGORITHMS:
        raise ProviderFailed(f"the ID token's algorithm {header.alg[:20]!r} is not accepted")
    return header


def _check_audience(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise ProviderFailed("the ID token is of another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise ProviderFailed("the ID token is for another client")
    party = claims.get("azp")
    if party != expected.client_id and (party is not None or len(audiences) > 1):
        raise ProviderFailed("the ID token was issued to another client")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Check `exp` and `iat`, which are required, and `nbf`."""
    times = [claims.get(name) for name in ("exp", "iat", "nbf")]
    expires, issued, begins = (_number(time) for time in times)
    if expires is None or issued is None:
        raise ProviderFailed("the ID token does not say when it was issued and expires")
    if expires <= now - LEEWAY_SECONDS:
        raise ProviderFailed("the ID token has expired")
    if not now - _MAX_AGE_SECONDS <= issued <= now + LEEWAY_SECONDS:
        raise ProviderFailed("the ID token was not issued just now")
    if begins is not None and begins > now + LEEWAY_SECONDS:
        raise ProviderFailed("the ID token is not valid yet")


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e12 else None  # type: ignore[arg-type]
