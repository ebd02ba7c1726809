"""Parsing and sending cookies (RFC 6265) for a single origin.

Domain and path are ignored: a cookie is only sent back to the origin that set it.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

from rustygpt_tui.errors import UsageError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
MAX_COOKIE = 4_096
"""Characters of a `Set-Cookie` header; a longer one is ignored, as browsers do."""
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Cookie(Struct, frozen=True):
    """A cookie; `expires` is in seconds since 1970, or None for a cookie without an end."""

    name: str
    value: str
    secure: bool = False
    expires: float | None = None


def parse(header: str, now: float) -> Cookie | None:
    """Return the cookie in a `Set-Cookie` header, or None when the header is malformed.

    `now` is in seconds since 1970. A cookie that the server deletes has an `expires` in the past.
    """
    if len(header) > MAX_COOKIE:
        return None
    pair, *attributes = header.split(";")
    name, _, value = pair.strip().partition("=")
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        return None
    secure = False
    expires: float | None = None
    for attribute in attributes:
        key, _, text = attribute.strip().partition("=")
        if key.lower() == "secure":
            secure = True
        elif key.lower() == "max-age" and re.fullmatch(r"-?\d{1,12}", text):
            expires = now + int(text)
    return Cookie(name, value, secure, expires)


def header(cookies: Iterable[Cookie], origin: str, now: float) -> str | None:
    """Return the `Cookie` header for a request to `origin`, or None when there is none to send."""
    safe = is_safe(origin)
    sent = [c for c in cookies if is_alive(c, now) and (safe or not c.secure)]
    return "; ".join(f"{c.name}={c.value}" for c in sent) or None


def is_alive(cookie: Cookie, now: float) -> bool:
    """Return True when a cookie has not expired."""
    return cookie.expires is None or cookie.expires > now


def is_safe(origin: str) -> bool:
    """Return True when secure cookies may be sent: over HTTPS, or within this machine."""
    parts = urlsplit(origin)
    return parts.scheme == "https" or is_loopback(origin)


def is_loopback(origin: str) -> bool:
    """Return True when `origin` is on this machine."""
    return (urlsplit(origin).hostname or "") in _LOOPBACK


def origin_of(url: str) -> str:
    """Return `scheme://host[:port]` of a URL, in lower case and without a default port.

    Raises UsageError for a URL that is not a server's address.
    """
    invalid = UsageError(
        f"{url!r} is not the address of a server; write it like http://127.0.0.1:8080 or https://chat.example."
    )
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise invalid from None
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in _PORTS or not parts.hostname or rest:
        raise invalid
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    suffix = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"
