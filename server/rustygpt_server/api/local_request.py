"""Whether a request comes from the server's own machine, which needs no set-up token.

The peer's address alone does not say so: a browser on this machine may be made to send a request by
a page whose name resolves to 127.0.0.1 (DNS rebinding), and a proxy on this machine forwards those
of others. What a proxy writes into headers is read in `authentication`.
"""

import re
from ipaddress import IPv6Address, ip_address
from typing import Final

from sanic.request import Request

_FORWARDING: Final = re.compile(
    r"(?:x-)?forwarded.*|via|x-original-.*|x-host|cdn-loop|(?:cf|fly|fastly|x-amzn|x-varnish).*"
    r"|.*(?:client|connecting|originating|real|remote|user)-?ip|.*-external-address"
)
"""Headers that proxies and content delivery networks add; some add only one of their own."""
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^][:@/\s]+)(?::[0-9]*)?")


def is_local(request: Request) -> bool:
    """Return whether peer and Host are loopback addresses, and no proxy forwarded the request.

    Requests of HTTP/1.0 are not local: that is what nginx sends without further configuration, with
    its own name of the server as Host and without any header that says so.
    """
    hosts = request.headers.getall("host", [])
    return (
        request.version != "1.0"
        and _is_loopback(request.ip or "")
        and len(hosts) == 1
        and _is_loopback_host(hosts[0])
        and not any(
            _FORWARDING.fullmatch(name.lower().replace("_", "-")) for name in request.headers
        )
    )


def _is_loopback_host(host: str) -> bool:
    """Return whether the value of a Host header is `localhost` or a loopback address."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].lower()
    return name == "localhost" or _is_loopback(name.strip("[]"))


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_loopback
