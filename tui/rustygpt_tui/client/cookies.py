"""Cookies as a server sets them (RFC 6265), for one origin that is known beforehand.

Domain and path are not looked at: a cookie goes back to the origin that set it, and nowhere else.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

from rustygpt_tui.errors import UsageError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Cookie(Struct, frozen=True):
    """One cookie; `expires` is in seconds since 1970, None while the session lasts."""

    name: str
    value: str
    secure: bool = False
    expires: float | None = None


def parse(header: str, now: float) -> Cookie | None:
    """The cookie a `Set-Cookie` header sets, or None when it is malformed.

    A cookie that is taken away comes back with an `expires` in the past.
    """
    pair, *attributes = header.split(";")
    name, _, value = pair.strip().partition("=")
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        return None
    secure, expires = False, None
    for attribute in attributes:
        key, _, text = attribute.strip().partition("=")
        if key.lower() == "secure":
            secure = True
        elif key.lower() == "max-age" and re.fullmatch(r"-?\d{1,12}", text):
            expires = now + int(text)
    return Cookie(name, value, secure, expires)


def header(cookies: Iterable[Cookie], origin: str, now: float) -> str | None:
    """The `Cookie` header for a request to `origin`, or None when there is nothing to send."""
    safe = is_safe(origin)
    live = [c for c in cookies if alive(c, now) and (safe or not c.secure)]
    return "; ".join(f"{c.name}={c.value}" for c in live) or None


def alive(cookie: Cookie, now: float) -> bool:
    """Whether a cookie has not expired."""
    return cookie.expires is None or cookie.expires > now


def is_safe(origin: str) -> bool:
    """Whether secure cookies may go to `origin`: over HTTPS, or within this machine."""
    parts = urlsplit(origin)
    return parts.scheme == "https" or is_loopback(origin)


def is_loopback(origin: str) -> bool:
    """Whether `origin` names this machine."""
    return (urlsplit(origin).hostname or "") in _LOOPBACK


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of a server's address, in lower case and without a default port.

    Raises UsageError for what is no such address.
    """
    mistake = UsageError(
        f"{url!r} is no address of a server; write it like http://127.0.0.1:8080 or https://chat.example."
    )
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise mistake from None
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in _PORTS or not parts.hostname or rest:
        raise mistake
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"
