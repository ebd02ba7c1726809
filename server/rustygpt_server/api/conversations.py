"""Conversations, their participants, their threads and what is unread in them."""

from uuid import UUID

from rustygpt_server.api import request_parsing
from rustygpt_server.api.routing import RequestContext, Response, RouteGroup
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


def make_area() -> RouteGroup:
    """The routes of conversations."""
    area = RouteGroup("conversations")
    _conversations(area)
    _one(area)
    _participants(area)
    _threads(area)
    return area


def _conversations(area: RouteGroup) -> None:
    @area.operation("GET", "/api/conversations", response=ConversationList)
    async def list_conversations(call: RequestContext[None]) -> ConversationList:
        """List one's conversations, latest activity first."""
        limit = request_parsing.limit_param(call.request, 50, 200)
        found = await call.services.conversations.list_conversations(
            call.caller.user.id,
            archived=request_parsing.bool_param(call.request, "archived"),
            before=request_parsing.read_cursor(call.request),
            limit=limit + 1,
        )
        last = found[limit - 1] if len(found) > limit else None
        return ConversationList(
            found[:limit],
            request_parsing.make_cursor(last.last_activity_at, last.id) if last else None,
        )

    @area.operation(
        "POST",
        "/api/conversations",
        body=requests.CreateConversation,
        response=ConversationCreated,
        status=201,
    )
    async def create_conversation(call: RequestContext[requests.CreateConversation]) -> Response:
        """Start a conversation."""
        made = await call.services.conversations.create_conversation(
            call.caller.user.id, call.body, request_parsing.idempotency_key(call.request)
        )
        return Response(
            ConversationCreated(made.conversation_id), headers=replay_header(made.replayed)
        )


def _one(area: RouteGroup) -> None:
    @area.operation("GET", _ONE, response=Conversation)
    async def show_conversation(call: RequestContext[None], conversation_id: UUID) -> Conversation:
        """Show one conversation."""
        actor = call.caller.user.id
        return await call.services.conversations.show_conversation(actor, conversation_id)

    @area.operation("PATCH", _ONE, body=requests.UpdateConversation, response=Conversation)
    async def update_conversation(
        call: RequestContext[requests.UpdateConversation], conversation_id: UUID
    ) -> Conversation:
        """Change a conversation's title or settings."""
        return await call.services.conversations.update_conversation(
            call.caller.user.id, conversation_id, call.body
        )


def _participants(area: RouteGroup) -> None:
    @area.operation("GET", f"{_ONE}/participants", response=ParticipantList)
    async def list_participants(
        call: RequestContext[None], conversation_id: UUID
    ) -> ParticipantList:
        """List who is in a conversation."""
        actor = call.caller.user.id
        page = await call.services.conversations.list_participants(actor, conversation_id)
        return ParticipantList(page.items, event_id(page.position))

    @area.operation("POST", f"{_ONE}/participants", body=requests.AddParticipant, status=204)
    async def add_participant(
        call: RequestContext[requests.AddParticipant], conversation_id: UUID
    ) -> None:
        """Add a person, or change the person's role."""
        await call.services.conversations.add_participant(
            call.caller.user.id, conversation_id, call.body
        )

    @area.operation("DELETE", f"{_ONE}/participants/<user_id:uuid>", status=204)
    async def remove_participant(
        call: RequestContext[None], conversation_id: UUID, user_id: UUID
    ) -> None:
        """Take a person out, or leave."""
        await call.services.conversations.remove_participant(
            call.caller.user.id, conversation_id, user_id
        )


def _threads(area: RouteGroup) -> None:
    @area.operation("GET", f"{_ONE}/threads", response=ThreadList)
    async def list_threads(call: RequestContext[None], conversation_id: UUID) -> ThreadList:
        """List a conversation's threads, latest activity first."""
        page = await call.services.threads.list_threads(
            call.caller.user.id,
            conversation_id,
            request_parsing.read_cursor(call.request),
            request_parsing.limit_param(call.request, 50, 200),
        )
        last = page.items[-1] if page.more else None
        cursor = request_parsing.make_cursor(last.last_activity_at, last.root_id) if last else None
        return ThreadList(page.items, event_id(page.position), cursor)

    @area.operation("GET", f"{_ONE}/unread", response=UnreadList)
    async def list_unread(call: RequestContext[None], conversation_id: UUID) -> UnreadList:
        """List the threads that have something unread."""
        page = await call.services.threads.list_unread(call.caller.user.id, conversation_id)
        return UnreadList(page.items, event_id(page.position))


def replay_header(yes: bool) -> dict[str, str]:
    """The header of an answer that is told a second time."""
    return {"Idempotent-Replay": "true"} if yes else {}
