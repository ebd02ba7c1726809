"""Conversations and their members."""

import asyncio
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from msgspec import structs

from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.clock import Clock
from rustygpt_server.db import conversations, participants
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.conversations import CreatedConversation
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey, Page
from rustygpt_server.errors import RequestError
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.presence import PresenceService
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.conversations import Conversation, ParticipantWithPresence

PURGE_BATCH = 500
"""How many messages, or events, one statement deletes."""


class Conversations:
    """The conversations of one server."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        access: AccessMonitor,
        presence: PresenceService,
        catalog: Catalog,
        answer_manager: AnswerManager,
        clock: Clock,
    ) -> None:
        self._db = db
        self._hub = hub
        self._access = access
        self._presence = presence
        self._catalog = catalog
        self._answer_manager = answer_manager
        self._clock = clock
        self._purging: asyncio.Task[None] | None = None
        access.subscribe(self._on_access_change)

    async def create_conversation(
        self,
        actor: UUID,
        request: requests.CreateConversation,
        idempotency_key: IdempotencyKey | None,
    ) -> CreatedConversation:
        """Create a conversation whose owner is the actor."""
        self._catalog.check(request.model)
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
        self._catalog.check(changes.model)
        changed = await conversations.update_conversation(
            self._db, actor, conversation_id, changes, self._clock.now()
        )
        self._hub.publish(conversation_id, changed.events)
        return changed.conversation

    async def delete_conversation(self, actor: UUID, conversation_id: UUID) -> None:
        """Delete a conversation: its streams end with `conversation.deleted` as the last event.

        Nobody can read it from then on; what is in it is deleted in the background.
        """
        events = await conversations.delete_conversation(
            self._db, actor, conversation_id, self._clock.now()
        )
        self._hub.publish(conversation_id, events)
        deleted = AccessChange(
            "conversation_deleted", actor, None, conversation_id, events[0].number
        )
        self._access.publish(deleted)
        self.purge_soon()

    def purge_soon(self) -> None:
        """Begin to delete what deleted conversations had, in the background."""
        if self._purging is None or self._purging.done():
            self._purging = asyncio.create_task(self._purge_now())

    async def purge(self) -> None:
        """Delete what deleted conversations had, in batches that each lock little."""
        while await conversations.purge_conversations(self._db, PURGE_BATCH):
            await self._clock.sleep(0)

    async def _purge_now(self) -> None:
        with suppress(RequestError):  # the periodic task continues
            await self.purge()

    async def stop(self) -> None:
        """Purge no more; the next start continues."""
        if self._purging is not None:
            self._purging.cancel()
            await asyncio.gather(self._purging, return_exceptions=True)

    def _on_access_change(self, change: AccessChange | None) -> None:
        if change and change.kind == "conversation_deleted" and change.conversation_id:
            self._answer_manager.cancel_conversation(change.conversation_id)

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
