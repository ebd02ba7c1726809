"""Routes of invites to conversations."""

from typing import Final
from uuid import UUID

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_shared import requests
from rustygpt_shared.models.invites import AcceptedInvite, CreatedInvite, InviteList


async def list_invites(context: RequestContext[None], conversation_id: UUID) -> InviteList:
    """List a conversation's invites, newest first."""
    limit = request_parsing.limit_param(context.request, 50, 200)
    before = request_parsing.read_cursor(context.request)
    invites = await context.services.invites.list_invites(
        context.caller.user.id, conversation_id, before, limit + 1
    )
    last = invites[limit - 1] if len(invites) > limit else None
    cursor = request_parsing.make_cursor(last.created_at, last.id) if last else None
    return InviteList(invites[:limit], cursor)


async def create_invite(
    context: RequestContext[requests.CreateInvite], conversation_id: UUID
) -> CreatedInvite:
    """Create an invite to a conversation; only this response has its token."""
    key = request_parsing.idempotency_key(context.request)
    return await context.services.invites.create_invite(
        context.caller.user.id, conversation_id, context.body, key
    )


async def accept_invite(context: RequestContext[requests.AcceptInvite]) -> AcceptedInvite:
    """Add the caller to the conversation of an invite, once."""
    return await context.services.invites.accept_invite(context.caller.user.id, context.body.token)


async def revoke_invite(context: RequestContext[None], token_or_id: str) -> None:
    """Revoke an invite, given its id or its token."""
    await context.services.invites.revoke_invite(context.caller.user.id, token_or_id)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/conversations/<conversation_id:uuid>/invites",
        handler=list_invites,
        response=InviteList,
        parameters=(parameters.CURSOR, parameters.limit(50, 200)),
    ),
    Operation(
        method="POST",
        path="/api/conversations/<conversation_id:uuid>/invites",
        handler=create_invite,
        body=requests.CreateInvite,
        response=CreatedInvite,
        parameters=(parameters.SECRET_IDEMPOTENCY_KEY,),
        errors=(409,),
    ),
    Operation(
        method="POST",
        path="/api/invites/accept",
        handler=accept_invite,
        body=requests.AcceptInvite,
        response=AcceptedInvite,
        errors=(404, 409, 410),
    ),
    Operation(
        method="POST",
        path="/api/invites/<token_or_id:str>/revoke",
        handler=revoke_invite,
        status=204,
        errors=(410,),
    ),
)
