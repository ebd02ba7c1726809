"""Links: addresses of messages, which the terminal opens and copies, and addresses in messages.

The address of a message is `<origin>/#/m/<message>`, the same in the terminal, the commands and
the web page. That of a conversation or thread is `<origin>/#/c/<conversation>/t/<root>`, where the
page adds `/m/<message>`.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from rustygpt_tui.client.cookies import origin_of
from rustygpt_tui.errors import UsageError

_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MESSAGE = re.compile(rf"/m/({_ID})/?")
_PLACE = re.compile(rf"/c/({_ID})(?:/t/({_ID})(?:/m/({_ID}))?)?/?")


@dataclass(frozen=True)
class Link:
    """A place: a conversation, a thread in it, a message in that; or a message alone."""

    conversation_id: UUID | None = None
    root_id: UUID | None = None
    message_id: UUID | None = None

    def address(self, origin: str) -> str:
        """Return the address of the place at a server."""
        if self.message_id:
            return f"{origin}/#/m/{self.message_id}"
        thread = f"/t/{self.root_id}" if self.root_id else ""
        return f"{origin}/#/c/{self.conversation_id}{thread}"


def parse_link(text: str, origin: str) -> Link | None:
    """Return the place that a text is the address of, or None.

    `origin` is the server in use: raises UsageError for a link of another one, which never gets a
    request, so that it never gets this server's cookies.
    """
    address, separator, fragment = text.strip().partition("#")
    link = _parse_fragment(fragment) if separator else None
    if link is None or not address.strip("/"):
        return link
    link_origin = _origin_of(address)
    if link_origin is None:
        return None
    if link_origin == origin:
        return link
    shown = link_origin.replace(urlsplit(link_origin).hostname or "", host_of(link_origin))
    if shown == origin:  # only written like it
        return None
    raise UsageError(
        f"This link is of {shown}, and you use {origin}; name its server with --server."
    )


def _origin_of(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        return origin_of(f"{parts.scheme}://{parts.netloc}")
    except (ValueError, UsageError):
        return None


def _parse_fragment(fragment: str) -> Link | None:
    if message := _MESSAGE.fullmatch(fragment):
        return Link(message_id=UUID(message[1]))
    place = _PLACE.fullmatch(fragment)
    if place is None:
        return None
    return Link(*(UUID(part) if part else None for part in place.groups()))


def host_of(address: str) -> str:
    """Return the host that an address leads to, in ASCII; empty for one without a host.

    What stands before an `@`, and letters that look like others, do not hide it.
    """
    try:
        host = urlsplit(address).hostname or ""
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError:
        return ""
