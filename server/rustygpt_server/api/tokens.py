"""Routes of the caller's personal tokens."""

from typing import Final
from uuid import UUID

from rustygpt_server.api import request_parsing
from rustygpt_server.api.parameters import SECRET_IDEMPOTENCY_KEY
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_shared import requests
from rustygpt_shared.models.tokens import CreatedToken, TokenList


async def list_tokens(context: RequestContext[None]) -> TokenList:
    """List the caller's personal tokens."""
    return TokenList(await context.services.tokens.list_tokens(context.session_caller))


async def create_token(context: RequestContext[requests.CreateToken]) -> CreatedToken:
    """Create a personal token; only this response shows it."""
    key = request_parsing.idempotency_key(context.request)
    return await context.services.tokens.create_token(context.session_caller, context.body, key)


async def revoke_token(context: RequestContext[None], token_id: UUID) -> None:
    """Revoke one of the caller's personal tokens, and end its streams."""
    await context.services.tokens.revoke_token(context.session_caller, token_id)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/auth/tokens",
        handler=list_tokens,
        response=TokenList,
        scope=None,
    ),
    Operation(
        method="POST",
        path="/api/auth/tokens",
        handler=create_token,
        body=requests.CreateToken,
        response=CreatedToken,
        status=201,
        parameters=(SECRET_IDEMPOTENCY_KEY,),
        errors=(409,),
        scope=None,
        fresh_session=True,
    ),
    Operation(
        method="DELETE",
        path="/api/auth/tokens/<token_id:uuid>",
        handler=revoke_token,
        status=204,
        scope=None,
        fresh_session=True,
    ),
)
