"""Calls for invites to conversations, and the links that people send each other.

The token is in the fragment of a link: browsers do not send it, so that it is in no server's log.
"""

from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit
from uuid import UUID

from rustygpt_shared.models.invites import AcceptedInvite, CreatedInvite, Invite, InviteList
from rustygpt_shared.requests import AcceptInvite, CreateInvite
from rustygpt_tui.client.cookies import origin_of
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.errors import UsageError
from rustygpt_tui.paging import pages

_FRAGMENT = "/invite/"
_PAGE_SIZE = 200


class InviteCalls(Transport):
    """Calls for invites; each raises ClientError."""

    async def list_invites(
        self, conversation_id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> InviteList:
        """Return a page of a conversation's invites, newest first; for its administrators."""
        return await self.call(
            "GET",
            f"/api/conversations/{conversation_id}/invites",
            InviteList,
            query={"cursor": cursor, "limit": limit},
        )

    async def all_invites(self, conversation_id: UUID) -> AsyncIterator[Invite]:
        """Yield a conversation's invites, newest first; for its administrators."""

        async def fetch(cursor: str | None) -> InviteList:
            return await self.list_invites(conversation_id, cursor=cursor, limit=_PAGE_SIZE)

        async for page in pages(fetch):
            for invite in page.invites:
                yield invite

    async def create_invite(self, conversation_id: UUID, request: CreateInvite) -> CreatedInvite:
        """Invite somebody to a conversation; the response is the only one that has the token.

        It is not repeated when the connection breaks: a second invite would be created.
        """
        return await self.call(
            "POST", f"/api/conversations/{conversation_id}/invites", CreatedInvite, body=request
        )

    async def accept_invite(self, token: str) -> AcceptedInvite:
        """Join the conversation of an invite."""
        request = AcceptInvite(token)
        return await self.call("POST", "/api/invites/accept", AcceptedInvite, body=request)

    async def revoke_invite(self, token_or_id: str) -> None:
        """Revoke an invite; for administrators of its conversation."""
        path = f"/api/invites/{quote(token_or_id, safe='')}/revoke"
        await self.call_no_content("POST", path, idempotent=True)


def invite_link(origin: str, token: str) -> str:
    """Return the link that opens in the page at `origin`, and that `invite_token` reads."""
    return f"{origin}/#{_FRAGMENT}{token}"


def invite_token(text: str, origin: str) -> str:
    """Return the token of an invite, given its link or the token itself.

    Raises UsageError for a link to another server than `origin`, and for another address.
    """
    text = text.strip()
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
        link_origin = origin_of(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        raise _not_a_link() from None
    if not parts.fragment.startswith(_FRAGMENT):
        raise _not_a_link()
    if link_origin != origin:
        raise UsageError(
            f"This invite is for {link_origin}, and you use {origin}; "
            "name its server with --server."
        )
    return parts.fragment.removeprefix(_FRAGMENT)


def is_invite_link(text: str) -> bool:
    """Return whether a text looks like the link of an invite."""
    return "://" in text and f"#{_FRAGMENT}" in text


def _not_a_link() -> UsageError:
    return UsageError("This is not the link of an invite; copy it again as a whole.")
