"""Routes of conversations, their participants, their threads and unread counts."""

from typing import Final
from uuid import UUID

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.routing import Operation, RequestContext, Response
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

_CONVERSATION: Final = "/api/conversations/<conversation_id:uuid>"


async def list_conversations(context: RequestContext[None]) -> ConversationList:
    """List the caller's conversations, latest activity first."""
    limit = request_parsing.limit_param(context.request, 50, 200)
    rows = await context.services.conversations.list_conversations(
        context.caller.user.id,
        archived=request_parsing.bool_param(context.request, "archived"),
        before=request_parsing.read_cursor(context.request),
        limit=limit + 1,
    )
    last = rows[limit - 1] if len(rows) > limit else None
    cursor = request_parsing.make_cursor(last.last_activity_at, last.id) if last else None
    return ConversationList(rows[:limit], cursor)


async def create_conversation(
    context: RequestContext[requests.CreateConversation],
) -> Response:
    """Create a conversation owned by the caller."""
    created = await context.services.conversations.create_conversation(
        context.caller.user.id, context.body, request_parsing.idempotency_key(context.request)
    )
    return Response(
        ConversationCreated(created.conversation_id), headers=replay_header(created.replayed)
    )


async def show_conversation(context: RequestContext[None], conversation_id: UUID) -> Conversation:
    """Return one conversation."""
    actor = context.caller.user.id
    return await context.services.conversations.show_conversation(actor, conversation_id)


async def update_conversation(
    context: RequestContext[requests.UpdateConversation], conversation_id: UUID
) -> Conversation:
    """Change a conversation's title or settings."""
    return await context.services.conversations.update_conversation(
        context.caller.user.id, conversation_id, context.body
    )


async def delete_conversation(context: RequestContext[None], conversation_id: UUID) -> None:
    """Delete a conversation with everything in it, for all its participants."""
    actor = context.caller.user.id
    await context.services.conversations.delete_conversation(actor, conversation_id)


async def list_participants(
    context: RequestContext[None], conversation_id: UUID
) -> ParticipantList:
    """List a conversation's participants."""
    actor = context.caller.user.id
    page = await context.services.conversations.list_participants(actor, conversation_id)
    return ParticipantList(page.items, event_id(page.position))


async def add_participant(
    context: RequestContext[requests.AddParticipant], conversation_id: UUID
) -> None:
    """Add a participant, or change a participant's role."""
    await context.services.conversations.add_participant(
        context.caller.user.id, conversation_id, context.body
    )


async def remove_participant(
    context: RequestContext[None], conversation_id: UUID, user_id: UUID
) -> None:
    """Remove a participant, or leave the conversation."""
    await context.services.conversations.remove_participant(
        context.caller.user.id, conversation_id, user_id
    )


async def list_threads(context: RequestContext[None], conversation_id: UUID) -> ThreadList:
    """List a conversation's threads, latest activity first."""
    page = await context.services.threads.list_threads(
        context.caller.user.id,
        conversation_id,
        request_parsing.read_cursor(context.request),
        request_parsing.limit_param(context.request, 50, 200),
    )
    last = page.items[-1] if page.more else None
    cursor = request_parsing.make_cursor(last.last_activity_at, last.root_id) if last else None
    return ThreadList(page.items, event_id(page.position), cursor)


async def list_unread(context: RequestContext[None], conversation_id: UUID) -> UnreadList:
    """List the threads with unread messages."""
    page = await context.services.threads.list_unread(context.caller.user.id, conversation_id)
    return UnreadList(page.items, event_id(page.position))


def replay_header(replayed: bool) -> dict[str, str]:
    """Return the header of a response that repeats the first one for an idempotency key."""
    return {"Idempotent-Replay": "true"} if replayed else {}


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/conversations",
        handler=list_conversations,
        parameters=(
            parameters.limit(50, 200),
            parameters.flag("archived", "List the archived conversations instead of the others."),
            parameters.CURSOR,
        ),
        response=ConversationList,
    ),
    Operation(
        method="POST",
        path="/api/conversations",
        handler=create_conversation,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        body=requests.CreateConversation,
        response=ConversationCreated,
        status=201,
    ),
    Operation(method="GET", path=_CONVERSATION, handler=show_conversation, response=Conversation),
    Operation(
        method="PATCH",
        path=_CONVERSATION,
        handler=update_conversation,
        body=requests.UpdateConversation,
        response=Conversation,
    ),
    Operation(
        method="DELETE",
        path=_CONVERSATION,
        handler=delete_conversation,
        status=204,
    ),
    Operation(
        method="GET",
        path=f"{_CONVERSATION}/participants",
        handler=list_participants,
        response=ParticipantList,
    ),
    Operation(
        method="POST",
        path=f"{_CONVERSATION}/participants",
        handler=add_participant,
        errors=(409,),
        body=requests.AddParticipant,
        status=204,
    ),
    Operation(
        method="DELETE",
        path=f"{_CONVERSATION}/participants/<user_id:uuid>",
        handler=remove_participant,
        errors=(409,),
        status=204,
    ),
    Operation(
        method="GET",
        path=f"{_CONVERSATION}/threads",
        handler=list_threads,
        parameters=(parameters.limit(50, 200), parameters.CURSOR),
        response=ThreadList,
    ),
    Operation(
        method="GET",
        path=f"{_CONVERSATION}/unread",
        handler=list_unread,
        response=UnreadList,
    ),
)
