"""Rows of the side lists and the relative age shown in them. No Textual import."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class ListRow:
    """One entry of a side list: a title with its unread count, and a note below it."""

    id: UUID
    title: str
    note: str = ""
    unread: int = 0


def relative_age(then: datetime, now: datetime) -> str:
    """Return the time between `then` and `now` in its largest unit, such as "3 min" or "now"."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit_seconds, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit_seconds:
            return f"{seconds // unit_seconds} {unit}"
    return "now"
