"""Conversations and their members."""

from datetime import datetime
from uuid import UUID

from msgspec import structs

from rustygpt_server.clock import Clock
from rustygpt_server.db import conversations, participants
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.conversations import CreatedConversation
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey, Page
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.presence import PresenceService
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.conversations import Conversation, ParticipantWithPresence


class Conversations:
    """The conversations of one server."""

    def __init__(
        self, db: Database, hub: Hub, access: AccessMonitor, presence: PresenceService, clock: Clock
    ) -> None:
        self._db = db
        self._hub = hub
        self._access = access
        self._presence = presence
        self._clock = clock

    async def create_conversation(
        self,
        actor: UUID,
        request: requests.CreateConversation,
        idempotency_key: IdempotencyKey | None,
    ) -> CreatedConversation:
        """Create a conversation whose owner is the actor."""
        now = self._clock.now()
        new_conversation_id = new_id(int(now.timestamp() * 1000))
        created = await conversations.create_conversation(
            self._db, actor, new_conversation_id, request, idempotency_key, now
        )
        if not created.replayed:
            self._access.publish(AccessChange("added", actor, None, created.conversation_id))
        return created

    async def list_conversations(
        self, actor: UUID, *, archived: bool, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Conversation]:
        """Return the actor's conversations, latest activity first.

        `before` is the activity time and the id of the last conversation of the page before.
        """
        return await conversations.list_conversations(
            self._db, actor, archived=archived, before=before, limit=limit
        )

    async def show_conversation(self, actor: UUID, conversation_id: UUID) -> Conversation:
        """Return a conversation."""
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
    ) -> Page[ParticipantWithPresence]:
        """Return the members of a conversation, with their presence."""
        page = await participants.list_participants(self._db, actor, conversation_id)
        statuses = await self._presence.statuses(member.user_id for member in page.items)
        members = [
            ParticipantWithPresence(**structs.asdict(member), presence=statuses[member.user_id])
            for member in page.items
        ]
        return Page(members, page.position, page.more)

    async def add_participant(
        self, actor: UUID, conversation_id: UUID, request: requests.AddParticipant
    ) -> None:
        """Add a member, or change a member's role."""
        events = await participants.add_participant(
            self._db, actor, conversation_id, request.user_id, request.role, self._clock.now()
        )
        self._hub.publish(conversation_id, events)
        self._access.publish_memberships(events)

    async def remove_participant(self, actor: UUID, conversation_id: UUID, user_id: UUID) -> None:
        """Remove a member, or leave. The member's streams end with the event of the removal."""
        events = await participants.remove_participant(
            self._db, actor, conversation_id, user_id, self._clock.now()
        )
        self._hub.publish(conversation_id, events)
        self._access.publish_memberships(events)
