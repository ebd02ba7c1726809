"""Requests to providers: bounded in time and size, over https, without redirects."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from rustygpt_server.clock import TimeLimits
from rustygpt_server.config import is_loopback_host
from rustygpt_server.services.oauth.provider import ProviderFailed

BODY_LIMIT: Final = 256 * 1024
"""A larger response of a provider is refused."""
_JSON: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


class ProviderClient:
    """Sends requests to the providers of a server."""

    def __init__(self, limits: TimeLimits) -> None:
        self._deadline = limits.provider_timeout
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(limits.provider_timeout, connect=limits.connect_timeout),
            headers=_JSON,
            follow_redirects=False,
            trust_env=False,
        )

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Return the JSON at a URL; raises ProviderFailed."""
        return await self._send(self._request("GET", url, headers=headers))

    async def post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Send a form, and return the JSON object of the response; raises ProviderFailed."""
        body = await self._send(self._request("POST", url, data=dict(form), headers=headers))
        if not isinstance(body, dict):
            raise ProviderFailed(f"{_place(url)} did not answer with a JSON object")
        return body

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    def _request(self, method: str, url: str, **options: Any) -> httpx.Request:
        check_url(url)
        try:
            return self._client.build_request(method, url, **options)
        except httpx.InvalidURL as error:
            raise ProviderFailed(f"{url!r} is not a URL: {error}") from None

    async def _send(self, request: httpx.Request) -> Any:
        try:
            async with asyncio.timeout(self._deadline):
                response = await self._client.send(request, stream=True)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise ProviderFailed(f"{_place(str(request.url))}: {reason}") from None
        if not response.is_success:
            raise ProviderFailed(_failure(request, response, body))
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ProviderFailed(f"{_place(str(request.url))} did not answer with JSON") from None


def check_url(url: str) -> None:
    """Raise ProviderFailed unless a URL is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ProviderFailed("the provider names an address that is not a URL") from None
    if not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host))):
        raise ProviderFailed(f"{_place(url)} is not https")
    if not host or "@" in parts.netloc:
        raise ProviderFailed("the provider names an address without a host")


async def _read(response: httpx.Response) -> bytes:
    """Return the body as it came: a compressed one could grow without a bound."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ProviderFailed("a provider's response is compressed, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise ProviderFailed(f"a provider's response is larger than {BODY_LIMIT:,} bytes")
    return bytes(body)


def _failure(request: httpx.Request, response: httpx.Response, body: bytes) -> str:
    """Return the status, and the code of an OAuth error (RFC 6749, 5.2), which is no secret."""
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fields = {}
    error = fields.get("error") if isinstance(fields, dict) else None
    code = f" ({error[:60]})" if isinstance(error, str) else ""
    return f"{_place(str(request.url))} answered {response.status_code}{code}"


def _place(url: str) -> str:
    """Return a URL without its query, which may have secrets."""
    return url.partition("?")[0][:200]
