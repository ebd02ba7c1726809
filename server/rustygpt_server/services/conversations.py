"""Conversations and who is in them."""

from datetime import datetime
from uuid import UUID

from msgspec import structs

from rustygpt_server.clock import Clock
from rustygpt_server.db import conversations, members
from rustygpt_server.db.controls import Control
from rustygpt_server.db.conversations import Made
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import Once, Page
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.services.presence import Presence
from rustygpt_server.services.rights import Rights
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.conversations import Conversation, ListedParticipant


class Conversations:
    """The conversations of one server."""

    def __init__(
        self, db: Database, hub: Hub, rights: Rights, presence: Presence, clock: Clock
    ) -> None:
        self._db = db
        self._hub = hub
        self._rights = rights
        self._presence = presence
        self._clock = clock

    async def create_conversation(
        self, actor: UUID, wanted: requests.CreateConversation, once: Once | None
    ) -> Made:
        """Make a conversation of one's own."""
        now = self._clock.now()
        made_id = new_id(int(now.timestamp() * 1000))
        made = await conversations.create_conversation(self._db, actor, made_id, wanted, once, now)
        if not made.replayed:
            self._rights.tell(Control("added", actor, None, made.conversation_id))
        return made

    async def list_conversations(
        self, actor: UUID, *, archived: bool, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Conversation]:
        """One's conversations, latest activity first."""
        return await conversations.list_conversations(
            self._db, actor, archived=archived, before=before, limit=limit
        )

    async def show_conversation(self, actor: UUID, conversation_id: UUID) -> Conversation:
        """One conversation."""
        return await conversations.show_conversation(self._db, actor, conversation_id)

    async def update_conversation(
        self, actor: UUID, conversation_id: UUID, changes: requests.UpdateConversation
    ) -> Conversation:
        """Change a conversation's title or settings."""
        changed = await conversations.update_conversation(
            self._db, actor, conversation_id, changes, self._clock.now()
        )
        self._hub.publish(conversation_id, changed.events)
        return changed.conversation

    async def list_participants(
        self, actor: UUID, conversation_id: UUID
    ) -> Page[ListedParticipant]:
        """Everybody in a conversation."""
        page = await members.list_participants(self._db, actor, conversation_id)
        shown = await self._presence.statuses(one.user_id for one in page.items)
        listed = [
            ListedParticipant(**structs.asdict(one), presence=shown[one.user_id])
            for one in page.items
        ]
        return Page(listed, page.position, page.more)

    async def add_participant(
        self, actor: UUID, conversation_id: UUID, wanted: requests.AddParticipant
    ) -> None:
        """Add a person, or change the person's role."""
        events = await members.add_participant(
            self._db, actor, conversation_id, wanted.user_id, wanted.role, self._clock.now()
        )
        self._hub.publish(conversation_id, events)
        self._rights.tell_members(events)

    async def remove_participant(self, actor: UUID, conversation_id: UUID, user_id: UUID) -> None:
        """Take a person out, or leave; the person's streams end with the event that tells of it."""
        events = await members.remove_participant(
            self._db, actor, conversation_id, user_id, self._clock.now()
        )
        self._hub.publish(conversation_id, events)
        self._rights.tell_members(events)
