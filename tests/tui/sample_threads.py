"""Messages and threads for tests of the terminal."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from rustygpt_shared.models.conversations import Participant
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.store.names import Names

ME = UUID(int=1)
ANA = UUID(int=2)
CONVERSATION = UUID(int=100)
ROOT = UUID(int=1000)
START = datetime(2026, 3, 14, 9, 12, tzinfo=UTC)
NAMES = Names([Participant(ME, "me", "owner", START), Participant(ANA, "ana", "member", START)])


def message(number: int, content: str = "", **fields: Any) -> MessageView:
    """Return message `number`; by default it replies to message `number - 1`."""
    values: dict[str, Any] = {
        "id": message_id(number),
        "root_id": ROOT,
        "conversation_id": CONVERSATION,
        "role": "user",
        "content": content or f"message {number}",
        "path": f"{number:08d}",
        "depth": number + 1,
        "seq": number + 1,
        "created_at": START + timedelta(seconds=number),
        "parent_id": message_id(number - 1) if number else None,
        "author_user_id": ME if number % 2 else ANA,
    }
    return MessageView(**{**values, **fields})


def message_id(number: int) -> UUID:
    """Return the id of message `number`."""
    return UUID(int=ROOT.int + number)


def chain(numbers: Iterable[int]) -> list[MessageView]:
    """Return messages with these numbers, each a reply to the one before."""
    return [message(number) for number in numbers]


def answer(number: int, content: str = "", **fields: Any) -> MessageView:
    """Return a message of the assistant."""
    base = message(number, content or " ", role="assistant", author_user_id=None, model="demo")
    values = {name: getattr(base, name) for name in base.__struct_fields__}
    return MessageView(**{**values, "content": content, **fields})
