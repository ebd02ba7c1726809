"""Links: addresses of messages, which the terminal opens and copies, and addresses in messages.

A message's address is that of the web page: `<origin>/#/c/<conversation>/t/<root>/m/<message>`;
thread and message may be missing.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PATTERN = re.compile(rf"#/c/({_ID})(?:/t/({_ID})(?:/m/({_ID}))?)?/?$")


@dataclass(frozen=True)
class Link:
    """A place: a conversation, a thread in it, a message in that."""

    conversation_id: UUID
    root_id: UUID | None = None
    message_id: UUID | None = None

    def address(self, origin: str) -> str:
        """Return the address of the place at a server."""
        thread = f"/t/{self.root_id}" if self.root_id else ""
        message = f"/m/{self.message_id}" if self.message_id else ""
        return f"{origin}/#/c/{self.conversation_id}{thread}{message}"


def parse_link(text: str) -> Link | None:
    """Return the place that a text is the address of, or None."""
    match = _PATTERN.search(text.strip())
    if match is None:
        return None
    conversation, root, message = match.groups()
    return Link(
        UUID(conversation), UUID(root) if root else None, UUID(message) if message else None
    )


def host_of(address: str) -> str:
    """Return the host that an address leads to, in ASCII; empty for one without a host.

    What stands before an `@`, and letters that look like others, do not hide it.
    """
    try:
        host = urlsplit(address).hostname or ""
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except ValueError:
        return ""
