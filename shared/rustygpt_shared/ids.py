"""Identifiers: time-ordered UUIDs and the ids of events.

This module only builds and parses ids; the database decides who may see what an id names.
"""

import re
import secrets
from uuid import UUID

_EVENT_ID = re.compile(r"evt_(0|[1-9][0-9]{0,18})")


def new_id(unix_ms: int) -> UUID:
    """Return a UUID of version 7 (RFC 9562, section 5.7) for a time in ms since 1970."""
    value = (unix_ms & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | secrets.randbits(12) << 64
    value |= 0b10 << 62 | secrets.randbits(62)
    return UUID(int=value)


def event_id(number: int) -> str:
    """Return the public id of the event with this number."""
    return f"evt_{number}"


def event_number(text: str) -> int | None:
    """Return the number in an event id, or None when the text is not an event id."""
    match = _EVENT_ID.fullmatch(text)
    return int(match[1]) if match else None
