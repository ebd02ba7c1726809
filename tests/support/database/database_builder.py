"""People, conversations and messages for tests, made by the same wrappers the server uses."""

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


class DatabaseBuilder:
    """A database with an administrator; time moves a second with every `tick`."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now: datetime = NOW
        self.admin = UUID(int=0)
        self._count = itertools.count()

    @classmethod
    async def create(cls, db: Database) -> "DatabaseBuilder":
        """The scene after set-up."""
        builder = cls(db)
        builder.admin = builder.id()
        newcomer = accounts.NewAccount(builder.admin, "root", "root@example.org", "hash-root")
        await accounts.set_up(db, newcomer, builder.now)
        return builder

    def id(self) -> UUID:
        """A new id."""
        return new_id(int(self.now.timestamp() * 1000) + next(self._count))

    def advance_time(self, seconds: float = 1) -> datetime:
        """Let time pass; answers the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now

    async def person(self, name: str, *roles: str, display_name: str | None = None) -> UUID:
        """A new account, a plain member by default."""
        who = accounts.NewAccount(self.id(), name, f"{name}@example.org", "hash", display_name)
        await accounts.create_user(self.db, self.admin, who, list(roles or ("member",)), self.now)
        return who.id

    async def conversation(
        self, owner: UUID, *others: UUID, mode: str = "off", role: str = "member"
    ) -> UUID:
        """A new conversation with these people in it."""
        wanted = CreateConversation("Room", is_group=True, assistant_mode=mode)
        made = await conversations.create_conversation(
            self.db, owner, self.id(), wanted, None, self.now
        )
        for other in others:
            await participants.add_participant(
                self.db, owner, made.conversation_id, other, role, self.now
            )
        return made.conversation_id

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
        """A new thread."""
        draft = messages.NewMessage(self.id(), content, role, model, once)
        return await self.write(messages.Post(actor, draft, conversation_id=conversation_id))

    async def reply(
        self, actor: UUID, parent: UUID, content: str = "hi", *, once: IdempotencyKey | None = None
    ) -> messages.PostResult:
        """A new reply."""
        draft = messages.NewMessage(self.id(), content, idempotency=once)
        return await self.write(messages.Post(actor, draft, parent_id=parent))

    async def write(self, post: messages.Post) -> messages.PostResult:
        """Write a message; raises what refuses it."""
        answering = [self.new_claim()]
        [written] = await messages.post_messages(self.db, [post], answering, self.now, wait=True)
        if not isinstance(written, messages.PostResult):
            assert isinstance(written, Exception)
            raise written
        return written

    async def log_bounds(self, actor: UUID, conversation_id: UUID) -> events.LogBounds:
        """Where a person's stream of a conversation would stand."""
        return (await events.read_log_bounds(self.db, [(actor, conversation_id)]))[0][
            conversation_id
        ]

    def new_claim(self) -> messages.AnswerClaim:
        """Who would answer, for the next half minute."""
        lease = self.now + timedelta(seconds=30)
        return messages.AnswerClaim(self.id(), INSTANCE_ID, MODEL, lease)
