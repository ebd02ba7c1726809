"""What each provider does: send a browser away, and read what it comes back with."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode, urlsplit, urlunsplit

from msgspec import Struct

from rustygpt_server.services.identities import Profile
from rustygpt_shared.models.identities import ProviderName


class Attempt(Struct, frozen=True):
    """One sign-in: values that only this server and, in part, the provider know."""

    redirect_uri: str
    state: str
    nonce: str
    code_verifier: str
    """For PKCE (RFC 7636)."""
    code_challenge: str
    """Its SHA-256."""


class Provider(Protocol):
    """A provider that is configured."""

    name: ProviderName
    label: str
    """What people call it."""
    posts_callback: bool
    """Whether it returns the browser with a form of its own site, without Lax cookies."""
    has_device_flow: bool

    async def authorization_url(self, attempt: Attempt) -> str:
        """Return the page of the provider that the browser opens; raises ProviderFailed."""

    async def identify(self, attempt: Attempt, answer: Mapping[str, str]) -> Profile:
        """Return who has signed in; `answer` has a `code`. Raises ProviderFailed."""


class ProviderFailed(Exception):
    """A provider is away, or does not answer as it should; the text is for the log."""


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """Return a URL with further parameters in its query."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def text_of(fields: Mapping[str, object], name: str, maximum: int = 256) -> str | None:
    """Return a field that is printable text of a bounded length, else None."""
    value = fields.get(name)
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if text and len(text) <= maximum and text.isprintable() else None
