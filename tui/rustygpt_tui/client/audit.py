"""Calls for the audit log and the retention, for administrators."""

from collections.abc import AsyncIterator

from msgspec import Struct, structs

from rustygpt_shared.models.audit import AuditEntry, AuditPage
from rustygpt_shared.models.retention import ConversationRetention, Retention
from rustygpt_shared.requests import SetRetention
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.paging import pages

_RETENTION = "/api/admin/retention"
_PAGE_SIZE = 200


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Which entries are listed; what is None is no filter."""

    action: str | None = None
    """An action, or its topic."""
    actor: str | None = None
    """The id of the account that did it."""
    target: str | None = None
    """The id of what it was done to."""
    conversation_id: str | None = None
    since: str | None = None
    """RFC 3339."""
    until: str | None = None
    """RFC 3339; entries of this time are not listed."""


class AuditCalls(Transport):
    """Calls for the audit log and the retention; each raises ClientError."""

    async def list_audit(
        self, query: AuditQuery, *, cursor: str | None = None, limit: int | None = None
    ) -> AuditPage:
        """Return a page of the audit log, latest entries first."""
        return await self.call(
            "GET",
            "/api/admin/audit",
            AuditPage,
            query={**structs.asdict(query), "cursor": cursor, "limit": limit},
        )

    async def all_audit(self, query: AuditQuery) -> AsyncIterator[AuditEntry]:
        """Yield the entries of the audit log, latest first."""

        async def fetch(cursor: str | None) -> AuditPage:
            return await self.list_audit(query, cursor=cursor, limit=_PAGE_SIZE)

        async for page in pages(fetch):
            for entry in page.entries:
                yield entry

    async def show_retention(self, *, cursor: str | None = None) -> Retention:
        """Return the retention of the server, and a page of conversations that differ."""
        query = {"cursor": cursor, "limit": _PAGE_SIZE}
        return await self.call("GET", _RETENTION, Retention, query=query)

    async def all_conversation_retention(self) -> AsyncIterator[ConversationRetention]:
        """Yield every conversation with a retention of its own."""
        async for page in pages(lambda cursor: self.show_retention(cursor=cursor)):
            for conversation in page.conversations:
                yield conversation

    async def set_retention(self, request: SetRetention) -> Retention:
        """Change the retention; in a dry run the response has `expired` and nothing changes."""
        return await self.call("PUT", _RETENTION, Retention, body=request, idempotent=True)
