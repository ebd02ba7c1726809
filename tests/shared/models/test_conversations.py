"""Shapes of conversations."""

from datetime import UTC, datetime
from uuid import UUID

from rustygpt_shared import codec
from rustygpt_shared.models.conversations import ThreadInfo

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)


def test_times_end_in_z_and_have_microseconds() -> None:
    """Times are RFC 3339 in UTC; an author who is gone is null, not absent."""
    info = ThreadInfo(UUID(int=1), "hi", None, _NOW, _NOW, 1, 1)

    text = codec.encode(info).decode()

    assert '"created_at":"2026-01-02T03:04:05.678901Z"' in text
    assert '"root_author":null' in text
