"""What is below `/.well-known/` (RFC 8615): configured files, security.txt, change-password."""

from datetime import timedelta
from typing import Final, NamedTuple

from rustygpt_server.clock import Clock
from rustygpt_shared.settings import Settings

SECURITY_TXT: Final = "security.txt"
"""RFC 9116."""
_REDIRECTS: Final = {"change-password": "/#/password"}
"""Where the page has a form. Password managers open `change-password` (W3C, "A Well-Known URL for
Changing Passwords"). Relative, so that no response repeats the `Host` of a request."""
_PLAIN: Final = "text/plain; charset=utf-8"
"""RFC 9116, 3."""
_VALIDITY: Final = timedelta(days=180)
"""RFC 9116, 2.5.5 advises less than a year; the file is made for each request."""


class WellKnownFile(NamedTuple):
    """A file as it is served."""

    body: str
    content_type: str


class WellKnownRedirect(NamedTuple):
    """Another address of this server, which has what is asked for."""

    location: str


class WellKnownFiles:
    """Finds what is below `/.well-known/` by its path."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._contact = settings.well_known.contact
        self._base_url = (settings.server.public_base_url or "").rstrip("/")
        self._clock = clock
        self._files = {
            entry.path: WellKnownFile(entry.body, entry.content_type)
            for entry in settings.well_known.entries
        }

    def find(self, path: str) -> WellKnownFile | WellKnownRedirect | None:
        """Return what is at a path relative to `/.well-known/`; a configured file goes first."""
        file = self._files.get(path)
        if file is not None:
            return file
        if path == SECURITY_TXT and self._contact:
            return WellKnownFile(self._security_txt(self._contact), _PLAIN)
        return WellKnownRedirect(_REDIRECTS[path]) if path in _REDIRECTS else None

    def _security_txt(self, contact: str) -> str:
        expires = (self._clock.now() + _VALIDITY).replace(microsecond=0, tzinfo=None)
        lines = [f"Contact: {contact}", f"Expires: {expires.isoformat()}Z"]
        if self._base_url.startswith("https://"):  # RFC 9116, 2.5.2 allows no other scheme
            lines.append(f"Canonical: {self._base_url}/.well-known/{SECURITY_TXT}")
        return "\n".join(lines) + "\n"
