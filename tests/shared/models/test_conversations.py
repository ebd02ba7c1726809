"""The JSON of conversations, and the label of unread counts."""

from datetime import UTC, datetime
from uuid import UUID

from rustygpt_shared import codec
from rustygpt_shared.models.conversations import UNREAD_MAX, ThreadInfo, unread_label

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)


def test_times_end_in_z_and_have_microseconds() -> None:
    """Times are RFC 3339 in UTC; the author of a deleted account is null, not absent."""
    info = ThreadInfo(UUID(int=1), "hi", None, _NOW, _NOW, 1, 1)

    text = codec.encode(info).decode()

    assert '"created_at":"2026-01-02T03:04:05.678901Z"' in text
    assert '"root_author":null' in text


def test_the_label_of_an_unread_count_stops_at_the_maximum() -> None:
    """`1000+` means 1,000 or more."""
    assert [unread_label(count) for count in (0, 999, UNREAD_MAX)] == ["0", "999", "1000+"]
