"""The JSON of messages."""

from datetime import UTC, datetime
from uuid import UUID

from rustygpt_shared import codec
from rustygpt_shared.models.messages import MessageView


def test_absent_fields_of_a_message_are_left_out() -> None:
    """A root without an author has neither parent nor author nor flags."""
    message_id = UUID(int=1)
    view = MessageView(
        message_id,
        message_id,
        message_id,
        "user",
        "hi",
        "V",
        1,
        1,
        datetime(2026, 1, 1, 0, 0, 0, 1, UTC),
    )

    decoded = codec.decode(codec.encode(view), dict[str, object])

    assert set(decoded) == {
        "id",
        "root_id",
        "conversation_id",
        "role",
        "content",
        "path",
        "depth",
        "seq",
        "created_at",
    }
