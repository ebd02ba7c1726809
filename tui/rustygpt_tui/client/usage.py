"""Calls for the usage of tokens."""

from collections.abc import AsyncIterator

from msgspec import Struct, structs

from rustygpt_shared.models.assistant import UsageReport
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.paging import pages

_PAGE_SIZE = 200


class UsageQuery(Struct, frozen=True, kw_only=True):
    """Which usage is listed; what is None is no filter."""

    user: str | None = None
    """The id or name of an account, or `all`; None is the caller."""
    since: str | None = None
    """The first day, as in 2026-01-31."""
    until: str | None = None
    """The last day."""


class UsageCalls(Transport):
    """Calls for the usage of tokens; each raises ClientError."""

    async def list_usage(
        self, query: UsageQuery, *, cursor: str | None = None, limit: int | None = None
    ) -> UsageReport:
        """Return a page of usage, latest day first, with the caller's budget."""
        return await self.call(
            "GET",
            "/api/usage",
            UsageReport,
            query={**structs.asdict(query), "cursor": cursor, "limit": limit},
        )

    async def usage_pages(self, query: UsageQuery) -> AsyncIterator[UsageReport]:
        """Yield all pages of usage."""

        async def fetch(cursor: str | None) -> UsageReport:
            return await self.list_usage(query, cursor=cursor, limit=_PAGE_SIZE)

        async for page in pages(fetch):
            yield page
