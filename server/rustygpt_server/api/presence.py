"""Routes of transient state: presence and typing."""

from typing import Final
from uuid import UUID

from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_shared import requests
from rustygpt_shared.models.presence import PresenceList


async def show_presence(context: RequestContext[None], conversation_id: UUID) -> PresenceList:
    """Return the presence of a conversation's participants, and who is typing."""
    actor = context.caller.user.id
    return await context.services.presence.show_presence(actor, conversation_id)


async def record_heartbeat(context: RequestContext[requests.Heartbeat]) -> None:
    """Record that the caller is present; clients send it every 30 s."""
    await context.services.presence.record_heartbeat(context.caller.user.id, context.body.status)


async def set_typing(context: RequestContext[requests.SetTyping]) -> None:
    """Set the caller's typing indicator in a thread for at most 30 s; 0 clears it."""
    body = context.body
    await context.services.typing.set_typing(
        context.caller.user.id, body.conversation_id, body.root_id, body.seconds
    )


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/conversations/<conversation_id:uuid>/presence",
        handler=show_presence,
        response=PresenceList,
    ),
    Operation(
        method="POST",
        path="/api/presence/heartbeat",
        handler=record_heartbeat,
        body=requests.Heartbeat,
        status=204,
    ),
    Operation(
        method="POST",
        path="/api/typing",
        handler=set_typing,
        errors=(404, 409),
        body=requests.SetTyping,
        status=204,
    ),
)
