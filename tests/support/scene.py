"""People, conversations and messages for tests, made by the same wrappers the server uses."""

import itertools
from datetime import datetime, timedelta
from uuid import UUID

from tests.support.databases import NOW

from rustygpt_server.db import accounts, conversations, feeds, members, messages
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Once
from rustygpt_shared.ids import new_id
from rustygpt_shared.requests import CreateConversation

RUNNER = "runner-1"
MODEL = "demo"


class Scene:
    """A database with an administrator; time moves a second with every `tick`."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now: datetime = NOW
        self.admin = UUID(int=0)
        self._count = itertools.count()

    @classmethod
    async def begin(cls, db: Database) -> "Scene":
        """The scene after set-up."""
        scene = cls(db)
        scene.admin = scene.id()
        newcomer = accounts.Newcomer(scene.admin, "root", "root@example.org", "hash-root")
        await accounts.set_up(db, newcomer, scene.now)
        return scene

    def id(self) -> UUID:
        """A new id."""
        return new_id(int(self.now.timestamp() * 1000) + next(self._count))

    def tick(self, seconds: float = 1) -> datetime:
        """Let time pass; answers the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now

    async def person(self, name: str, *roles: str, display_name: str | None = None) -> UUID:
        """A new account, a plain member by default."""
        who = accounts.Newcomer(self.id(), name, f"{name}@example.org", "hash", display_name)
        await accounts.create_user(self.db, self.admin, who, list(roles or ("member",)), self.now)
        return who.id

    async def room(
        self, owner: UUID, *others: UUID, mode: str = "off", role: str = "member"
    ) -> UUID:
        """A new conversation with these people in it."""
        wanted = CreateConversation("Room", is_group=True, assistant_mode=mode)
        made = await conversations.create_conversation(
            self.db, owner, self.id(), wanted, None, self.now
        )
        for other in others:
            await members.add_participant(
                self.db, owner, made.conversation_id, other, role, self.now
            )
        return made.conversation_id

    async def post(
        self,
        actor: UUID,
        room: UUID,
        content: str = "hello",
        *,
        role: str = "user",
        model: str | None = None,
        once: Once | None = None,
    ) -> messages.Written:
        """A new thread."""
        draft = messages.Draft(self.id(), content, role, model, once)
        return await self.write(messages.Post(actor, draft, conversation_id=room))

    async def reply(
        self, actor: UUID, parent: UUID, content: str = "hi", *, once: Once | None = None
    ) -> messages.Written:
        """A new reply."""
        draft = messages.Draft(self.id(), content, once=once)
        return await self.write(messages.Post(actor, draft, parent_id=parent))

    async def write(self, post: messages.Post) -> messages.Written:
        """Write a message; raises what refuses it."""
        answering = [self.answering()]
        [written] = await messages.write_messages(self.db, [post], answering, self.now, wait=True)
        if not isinstance(written, messages.Written):
            assert isinstance(written, Exception)
            raise written
        return written

    async def opening(self, actor: UUID, room: UUID) -> feeds.Opening:
        """Where a person's stream of a conversation would stand."""
        return (await feeds.open_feeds(self.db, [(actor, room)]))[0][room]

    def answering(self) -> messages.Answering:
        """Who would answer, for the next half minute."""
        lease = self.now + timedelta(seconds=30)
        return messages.Answering(self.id(), RUNNER, MODEL, lease)
