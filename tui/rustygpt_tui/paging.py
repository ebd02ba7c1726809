"""The one loop over the pages of a list.

How a page is fetched, and what is in it, is the caller's business.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from rustygpt_tui.errors import ServerRejected

MAX_PAGES = 10_000


class Page(Protocol):
    """A page of a list, with the cursor that fetches the next page."""

    @property
    def next_cursor(self) -> str | None:
        """The cursor; None on the last page."""
        ...


P = TypeVar("P", bound=Page)


async def pages(
    fetch: Callable[[str | None], Awaitable[P]], cursor: str | None = None
) -> AsyncIterator[P]:
    """Yield the pages of a list, from the page that `cursor` fetches on; None is the first page.

    `fetch` is called with the cursor of each page, only when that page is requested. Raises
    ServerRejected for a list that does not end.
    """
    for _ in range(MAX_PAGES):
        page = await fetch(cursor)
        yield page
        if page.next_cursor is None:
            return
        if page.next_cursor == cursor:
            break
        cursor = page.next_cursor
    raise ServerRejected("The server sent a list that does not end; name what you want by its id.")
