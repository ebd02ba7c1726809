"""Which sites a browser may send requests from that change something (RFC 6454, Fetch 3.2)."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from sanic.request import Request

from rustygpt_server.errors import CsrfFailed

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def check_origin(request: Request, own: Collection[str], allowed: Collection[str]) -> None:
    """Raise CsrfFailed when a browser names another site than these as that of the request.

    Browsers send `Sec-Fetch-Site` and `Origin`; programs send neither. `own` and `allowed` (other
    sites that are configured) are origins as `normalized_origin` returns them.
    """
    origins = [normalized_origin(origin) for origin in request.headers.getall("origin", [])]
    if origins and all(origin in allowed for origin in origins):
        return
    is_foreign = any(origin not in own for origin in origins)
    if is_foreign or "cross-site" in request.headers.getall("sec-fetch-site", []):
        raise CsrfFailed(
            "Another site has sent this request. If it is the page of this server, "
            "server.public_base_url has to name its address."
        )


def own_origins(host: str, public_base_url: str | None, *, over_https: bool) -> frozenset[str]:
    """Return the origins of the server's own page, given the host that a request was sent to.

    Over https a page of http is foreign: anybody on the network can write it. A server behind a
    proxy that it does not trust cannot know that its page has https; so https is always its own.
    """
    public = normalized_origin(public_base_url or "")
    https = normalized_origin(f"https://{host}")
    schemes = ("https",) if over_https or https == public else ("https", "http")
    own = [normalized_origin(f"{scheme}://{host}") for scheme in schemes]
    return frozenset(origin for origin in (*own, public) if origin)


def normalized_origin(url: str) -> str | None:
    """Return scheme, host and port of a URL in lower case, without a default port; else None."""
    try:
        parts = urlsplit(url)
        scheme, name, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in _DEFAULT_PORTS or not name:
        return None
    suffix = "" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{name}{suffix}"
