"""Shapes of messages."""

from datetime import UTC, datetime
from uuid import UUID

from rustygpt_shared import codec
from rustygpt_shared.models.messages import MessageView


def test_absent_fields_of_a_message_are_left_out() -> None:
    """A root by nobody has neither parent nor author nor marks."""
    one = UUID(int=1)
    view = MessageView(
        one, one, one, "user", "hi", "V", 1, 1, datetime(2026, 1, 1, 0, 0, 0, 1, UTC)
    )

    told = codec.decode(codec.encode(view), dict[str, object])

    assert set(told) == {
        *("id", "root_id", "conversation_id", "role", "content", "path", "depth", "seq"),
        "created_at",
    }
