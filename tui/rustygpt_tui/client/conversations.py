"""Calls for conversations, their participants, threads and unread counts."""

from uuid import UUID

from rustygpt_shared.models.conversations import (
    Conversation,
    ConversationCreated,
    ConversationList,
    ParticipantList,
    ThreadList,
    UnreadList,
)
from rustygpt_shared.requests import (
    AddParticipant,
    ConversationRole,
    CreateConversation,
    UpdateConversation,
)
from rustygpt_tui.client.transport import Transport, new_key


class ConversationCalls(Transport):
    """Calls for conversations; each raises ClientError."""

    async def list_conversations(
        self, *, archived: bool = False, cursor: str | None = None, limit: int | None = None
    ) -> ConversationList:
        """Return a page of the caller's conversations, latest activity first."""
        query = {"archived": "true" if archived else None, "cursor": cursor, "limit": limit}
        return await self.call("GET", "/api/conversations", ConversationList, query=query)

    async def create_conversation(
        self, request: CreateConversation, *, key: str | None = None
    ) -> UUID:
        """Create a conversation and return its id."""
        created = await self.call(
            "POST", "/api/conversations", ConversationCreated, body=request, key=key or new_key()
        )
        return created.conversation_id

    async def show_conversation(self, id: UUID) -> Conversation:
        """Return a conversation, with the position of its events."""
        return await self.call("GET", f"/api/conversations/{id}", Conversation)

    async def update_conversation(self, id: UUID, request: UpdateConversation) -> Conversation:
        """Change a conversation's title or settings."""
        return await self.call("PATCH", f"/api/conversations/{id}", Conversation, body=request)

    async def delete_conversation(self, id: UUID) -> None:
        """Delete a conversation with everything in it, for all its participants."""
        await self.call_no_content("DELETE", f"/api/conversations/{id}")

    async def list_participants(self, id: UUID) -> ParticipantList:
        """Return the participants of a conversation."""
        return await self.call("GET", f"/api/conversations/{id}/participants", ParticipantList)

    async def add_participant(
        self, id: UUID, user_id: UUID, role: ConversationRole = "member"
    ) -> None:
        """Add a user to a conversation, or change the user's role."""
        await self.call_no_content(
            "POST",
            f"/api/conversations/{id}/participants",
            body=AddParticipant(user_id=user_id, role=role),
            idempotent=True,
        )

    async def remove_participant(self, id: UUID, user_id: UUID) -> None:
        """Remove a user from a conversation; callers may remove themselves."""
        await self.call_no_content("DELETE", f"/api/conversations/{id}/participants/{user_id}")

    async def list_threads(
        self, id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadList:
        """Return a page of a conversation's threads, latest activity first."""
        return await self.call(
            "GET",
            f"/api/conversations/{id}/threads",
            ThreadList,
            query={"cursor": cursor, "limit": limit},
        )

    async def list_unread(self, id: UUID) -> UnreadList:
        """Return the threads of a conversation that have unread messages."""
        return await self.call("GET", f"/api/conversations/{id}/unread", UnreadList)
