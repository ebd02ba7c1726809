"""Users, conversations and messages for tests, created by the server's own wrappers."""

import itertools
from datetime import datetime, timedelta
from uuid import UUID

from tests.support.database.databases import NOW

from rustygpt_server.db import accounts, conversations, events, messages, participants
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_shared.ids import new_id
from rustygpt_shared.requests import CreateConversation

INSTANCE_ID = "runner-1"
MODEL = "demo"
PASSWORD_HASH = "hash"
"""The stored hash of each account that `person` creates."""


class DatabaseBuilder:
    """A database with an administrator, and a time that tests move with `advance_time`."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now: datetime = NOW
        self.admin = UUID(int=0)
        self._count = itertools.count()

    @classmethod
    async def create(cls, db: Database) -> "DatabaseBuilder":
        """Return a builder whose database has been set up."""
        builder = cls(db)
        builder.admin = builder.id()
        account = accounts.NewAccount(builder.admin, "root", "root@example.org", "hash-root")
        await accounts.set_up(db, account, builder.now)
        return builder

    def id(self) -> UUID:
        """Return a new id."""
        return new_id(int(self.now.timestamp() * 1000) + next(self._count))

    def advance_time(self, seconds: float = 1) -> datetime:
        """Let time pass; return the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now

    async def person(self, name: str, *roles: str, display_name: str | None = None) -> UUID:
        """Create an account, a plain member by default; return its id."""
        account = accounts.NewAccount(
            self.id(), name, f"{name}@example.org", PASSWORD_HASH, display_name
        )
        await accounts.create_user(
            self.db, self.admin, account, list(roles or ("member",)), self.now
        )
        return account.id

    async def conversation(
        self, owner: UUID, *others: UUID, mode: str = "off", role: str = "member"
    ) -> UUID:
        """Create a conversation with these members; return its id."""
        request = CreateConversation("Group", is_group=True, assistant_mode=mode)
        created = await conversations.create_conversation(
            self.db, owner, self.id(), request, None, self.now
        )
        for other in others:
            await participants.add_participant(
                self.db, owner, created.conversation_id, other, role, self.now
            )
        return created.conversation_id

    async def post(
        self,
        actor: UUID,
        conversation_id: UUID,
        content: str = "hello",
        *,
        role: str = "user",
        model: str | None = None,
        once: IdempotencyKey | None = None,
    ) -> messages.PostResult:
        """Post the root of a new thread."""
        message = messages.NewMessage(self.id(), content, role, model, once)
        return await self.write(messages.Post(actor, message, conversation_id=conversation_id))

    async def reply(
        self, actor: UUID, parent: UUID, content: str = "hi", *, once: IdempotencyKey | None = None
    ) -> messages.PostResult:
        """Reply to a message."""
        message = messages.NewMessage(self.id(), content, idempotency=once)
        return await self.write(messages.Post(actor, message, parent_id=parent))

    async def write(self, post: messages.Post) -> messages.PostResult:
        """Post a message; raise the error that rejects it."""
        claims = [self.new_claim()]
        [result] = await messages.post_messages(self.db, [post], claims, self.now, wait=True)
        if not isinstance(result, messages.PostResult):
            assert isinstance(result, Exception)
            raise result
        return result

    async def log_bounds(self, actor: UUID, conversation_id: UUID) -> events.LogBounds:
        """Return the bounds of a conversation's log, as its subscriber would get them."""
        return (await events.read_log_bounds(self.db, [(actor, conversation_id)]))[0][
            conversation_id
        ]

    def new_claim(self) -> messages.AnswerClaim:
        """Return a claim to answer, whose lease ends in 30 s."""
        lease_ends_at = self.now + timedelta(seconds=30)
        return messages.AnswerClaim(self.id(), INSTANCE_ID, MODEL, lease_ends_at)
