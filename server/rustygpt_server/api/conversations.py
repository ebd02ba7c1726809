"""Conversations, their participants, their threads and what is unread in them."""

from uuid import UUID

from rustygpt_server.api import guards
from rustygpt_server.api.http import Answer, Area, Call
from rustygpt_shared import requests
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.conversations import (
    Conversation,
    ConversationCreated,
    ConversationList,
    ParticipantList,
    ThreadList,
    UnreadList,
)

_ONE = "/api/conversations/<conversation_id:uuid>"


def make_area() -> Area:
    """The routes of conversations."""
    area = Area("conversations")
    _conversations(area)
    _one(area)
    _participants(area)
    _threads(area)
    return area


def _conversations(area: Area) -> None:
    @area.operation("GET", "/api/conversations", answer=ConversationList)
    async def list_conversations(call: Call[None]) -> ConversationList:
        """List one's conversations, latest activity first."""
        limit = guards.limit(call.request, 50, 200)
        found = await call.services.conversations.list_conversations(
            call.signed.user.id,
            archived=guards.flag(call.request, "archived"),
            before=guards.read_cursor(call.request),
            limit=limit + 1,
        )
        last = found[limit - 1] if len(found) > limit else None
        return ConversationList(
            found[:limit], guards.make_cursor(last.last_activity_at, last.id) if last else None
        )

    @area.operation(
        "POST",
        "/api/conversations",
        body=requests.CreateConversation,
        answer=ConversationCreated,
        status=201,
    )
    async def create_conversation(call: Call[requests.CreateConversation]) -> Answer:
        """Start a conversation."""
        made = await call.services.conversations.create_conversation(
            call.signed.user.id, call.body, guards.once(call.request)
        )
        return Answer(ConversationCreated(made.conversation_id), headers=replayed(made.replayed))


def _one(area: Area) -> None:
    @area.operation("GET", _ONE, answer=Conversation)
    async def show_conversation(call: Call[None], conversation_id: UUID) -> Conversation:
        """Show one conversation."""
        actor = call.signed.user.id
        return await call.services.conversations.show_conversation(actor, conversation_id)

    @area.operation("PATCH", _ONE, body=requests.UpdateConversation, answer=Conversation)
    async def update_conversation(
        call: Call[requests.UpdateConversation], conversation_id: UUID
    ) -> Conversation:
        """Change a conversation's title or settings."""
        return await call.services.conversations.update_conversation(
            call.signed.user.id, conversation_id, call.body
        )


def _participants(area: Area) -> None:
    @area.operation("GET", f"{_ONE}/participants", answer=ParticipantList)
    async def list_participants(call: Call[None], conversation_id: UUID) -> ParticipantList:
        """List who is in a conversation."""
        actor = call.signed.user.id
        page = await call.services.conversations.list_participants(actor, conversation_id)
        return ParticipantList(page.items, event_id(page.position))

    @area.operation("POST", f"{_ONE}/participants", body=requests.AddParticipant, status=204)
    async def add_participant(call: Call[requests.AddParticipant], conversation_id: UUID) -> None:
        """Add a person, or change the person's role."""
        await call.services.conversations.add_participant(
            call.signed.user.id, conversation_id, call.body
        )

    @area.operation("DELETE", f"{_ONE}/participants/<user_id:uuid>", status=204)
    async def remove_participant(call: Call[None], conversation_id: UUID, user_id: UUID) -> None:
        """Take a person out, or leave."""
        await call.services.conversations.remove_participant(
            call.signed.user.id, conversation_id, user_id
        )


def _threads(area: Area) -> None:
    @area.operation("GET", f"{_ONE}/threads", answer=ThreadList)
    async def list_threads(call: Call[None], conversation_id: UUID) -> ThreadList:
        """List a conversation's threads, latest activity first."""
        page = await call.services.threads.list_threads(
            call.signed.user.id,
            conversation_id,
            guards.read_cursor(call.request),
            guards.limit(call.request, 50, 200),
        )
        last = page.items[-1] if page.more else None
        cursor = guards.make_cursor(last.last_activity_at, last.root_id) if last else None
        return ThreadList(page.items, event_id(page.position), cursor)

    @area.operation("GET", f"{_ONE}/unread", answer=UnreadList)
    async def list_unread(call: Call[None], conversation_id: UUID) -> UnreadList:
        """List the threads that have something unread."""
        page = await call.services.threads.list_unread(call.signed.user.id, conversation_id)
        return UnreadList(page.items, event_id(page.position))


def replayed(yes: bool) -> dict[str, str]:
    """The header of an answer that is told a second time."""
    return {"Idempotent-Replay": "true"} if yes else {}
