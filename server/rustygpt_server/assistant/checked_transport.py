"""The connections to model servers: each goes to an address that was checked.

The host is resolved here, and the connection uses the resolved address: a name that resolves to
another address a moment later makes no difference.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from rustygpt_server.assistant.provider import ProviderError
from rustygpt_server.forbidden_addresses import is_forbidden_address, is_forbidden_host

_ADDRESSES_MAX = 4
"""How many addresses of a host are tried."""

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host; raises OSError."""


async def resolve_host(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system resolves it."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedTransport(httpx.AsyncBaseTransport):
    """Connects to no address of a cloud's metadata service, whatever a host resolves to."""

    def __init__(
        self, resolve: Resolve = resolve_host, verify: ssl.SSLContext | bool = True
    ) -> None:
        self._resolve = resolve
        self._transport = httpx.AsyncHTTPTransport(verify=verify, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address of its host that accepts a connection."""
        addresses = await self._checked_addresses(request)
        timeouts: dict[str, Any] = dict(request.extensions.get("timeout", {}))
        if addresses and timeouts.get("connect"):
            timeouts["connect"] /= len(addresses)
        error: httpx.TransportError | None = None
        for address in addresses:
            try:
                return await self._transport.handle_async_request(
                    _to_address(request, address, timeouts)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as failure:
                error = failure
        raise error or httpx.ConnectError("the host has no address", request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _checked_addresses(self, request: httpx.Request) -> list[str]:
        host = request.url.raw_host.decode("ascii")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("connect")):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise httpx.ConnectTimeout("the host was not resolved", request=request) from None
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error), request=request) from None
        if is_forbidden_host(host) or any(map(is_forbidden_address, addresses)):
            raise ProviderError(
                "The address of the model's server belongs to the metadata service of a cloud and "
                "is refused; correct its base_url.",
                "refused_address",
            )
        return addresses[:_ADDRESSES_MAX]


def _to_address(request: httpx.Request, address: str, timeouts: dict[str, Any]) -> httpx.Request:
    """Return a request that goes to an address; its Host header and certificate stay the host's."""
    host = request.url.raw_host.decode("ascii")
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "timeout": timeouts, "sni_hostname": host},
    )
