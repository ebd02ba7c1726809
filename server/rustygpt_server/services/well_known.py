"""The files below `/.well-known/` (RFC 8615): configured ones, and security.txt (RFC 9116)."""

from datetime import timedelta
from typing import Final, NamedTuple

from rustygpt_server.clock import Clock
from rustygpt_shared.settings import Settings

SECURITY_TXT: Final = "security.txt"
_PLAIN: Final = "text/plain; charset=utf-8"
_VALIDITY: Final = timedelta(days=180)
"""RFC 9116, 2.5.5 advises less than a year; the file is made for each request."""


class WellKnownFile(NamedTuple):
    """A file as it is served."""

    body: str
    content_type: str


class WellKnownFiles:
    """Finds the files below `/.well-known/` by their path."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._contact = settings.well_known.contact
        self._base_url = (settings.server.public_base_url or "").rstrip("/")
        self._clock = clock
        self._files = {
            entry.path: WellKnownFile(entry.body, entry.content_type)
            for entry in settings.well_known.entries
        }

    def find(self, path: str) -> WellKnownFile | None:
        """Return the file at a path relative to `/.well-known/`, or None."""
        file = self._files.get(path)
        if file is None and path == SECURITY_TXT and self._contact:
            return WellKnownFile(self._security_txt(self._contact), _PLAIN)
        return file

    def _security_txt(self, contact: str) -> str:
        expires = (self._clock.now() + _VALIDITY).replace(microsecond=0, tzinfo=None)
        lines = [f"Contact: {contact}", f"Expires: {expires.isoformat()}Z"]
        if self._base_url.startswith("https://"):  # RFC 9116, 2.5.2 allows no other scheme
            lines.append(f"Canonical: {self._base_url}/.well-known/{SECURITY_TXT}")
        return "\n".join(lines) + "\n"
