"""Sample models as a server returns them, for tests of clients."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from rustygpt_shared.models.conversations import Conversation, ThreadSummary
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.users import LoginResponse, Session, User

TIME = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
ADA = UUID("018f0000-0000-7000-8000-000000000001")
TEA = UUID("018f0000-0000-7000-8000-000000000002")
ROOT = UUID("018f0000-0000-7000-8000-000000000003")
REPLY = UUID("018f0000-0000-7000-8000-000000000004")
USER = User(ADA, "ada@example.org", "ada", ["admin"], "Ada")
SESSION = Session(UUID(int=7), TIME, TIME + timedelta(hours=8), TIME + timedelta(days=7))
LOGGED_IN = LoginResponse(USER, SESSION, "csrf-1")


def cookies(number: int = 1) -> list[tuple[str, str]]:
    """Return the Set-Cookie headers of a login or of a rotation."""
    attributes = "Path=/; Max-Age=600; SameSite=Lax"
    return [
        ("set-cookie", f"SESSION_ID=token-{number}; HttpOnly; {attributes}"),
        ("set-cookie", f"CSRF-TOKEN=csrf-{number}; {attributes}"),
    ]


def conversation(id: UUID = TEA, title: str = "Tea", **fields: Any) -> Conversation:
    """Return a conversation that Ada owns."""
    return Conversation(
        id=id,
        title=title,
        is_group=False,
        role=fields.pop("role", "owner"),
        unread=fields.pop("unread", 0),
        last_activity_at=TIME,
        participant_count=1,
        assistant_mode="always",
        created_at=TIME,
        **fields,
    )


def thread(id: UUID = ROOT, excerpt: str = "Hello", unread: int = 0) -> ThreadSummary:
    """Return a thread that Ada started."""
    return ThreadSummary(
        root_id=id,
        root_excerpt=excerpt,
        root_author=ADA,
        created_at=TIME,
        last_activity_at=TIME,
        message_count=1,
        participant_count=1,
        unread=unread,
        read_seq=0,
    )


def message(id: UUID = ROOT, content: str = "Hello", **fields: Any) -> MessageView:
    """Return a message of Ada, a root unless the arguments say otherwise."""
    fields.setdefault("author_user_id", ADA)
    fields.setdefault("author_name", "Ada")
    return MessageView(
        id=id,
        root_id=ROOT,
        conversation_id=TEA,
        role=fields.pop("role", "user"),
        content=content,
        path=fields.pop("path", "0001"),
        depth=fields.pop("depth", 1),
        seq=fields.pop("seq", 1),
        created_at=TIME,
        **fields,
    )
