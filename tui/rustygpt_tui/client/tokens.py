"""Calls for personal tokens."""

from uuid import UUID

from rustygpt_shared.models.tokens import CreatedToken, TokenList
from rustygpt_shared.requests import CreateToken
from rustygpt_tui.client.transport import Transport


class TokenCalls(Transport):
    """Calls for the caller's personal tokens; each raises ClientError."""

    async def list_tokens(self) -> TokenList:
        """Return the caller's personal tokens, newest first."""
        return await self.call("GET", "/api/auth/tokens", TokenList)

    async def create_token(self, request: CreateToken) -> CreatedToken:
        """Create a personal token; the response is the only one that shows it.

        It is not repeated when the connection breaks: a second token would be created.
        """
        return await self.call("POST", "/api/auth/tokens", CreatedToken, body=request)

    async def revoke_token(self, id: UUID) -> None:
        """Revoke one of the caller's personal tokens."""
        await self.call_no_content("DELETE", f"/api/auth/tokens/{id}")
