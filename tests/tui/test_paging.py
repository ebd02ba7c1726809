"""The loop over the pages of a list."""

from dataclasses import dataclass

import pytest

from rustygpt_tui.errors import ServerRejected
from rustygpt_tui.paging import MAX_PAGES, pages


@dataclass(frozen=True)
class NumberPage:
    """A page with one number in it."""

    number: int
    next_cursor: str | None


async def fetch(cursor: str | None) -> NumberPage:
    """Return the page at a cursor; there are three pages."""
    number = int(cursor or 1)
    return NumberPage(number, str(number + 1) if number < 3 else None)


async def test_all_pages_are_fetched_in_order() -> None:
    """The loop ends with the page that has no cursor."""
    assert [page.number async for page in pages(fetch)] == [1, 2, 3]


async def test_the_loop_can_start_at_a_cursor() -> None:
    """Earlier pages are not fetched."""
    assert [page.number async for page in pages(fetch, "2")] == [2, 3]


async def test_a_list_without_an_end_is_an_error() -> None:
    """Whether the cursor repeats or not, the loop ends."""
    counts = []
    for step in (0, 1):
        fetched: list[str | None] = []

        async def fetch_more(
            cursor: str | None, step: int = step, fetched: list[str | None] = fetched
        ) -> NumberPage:
            fetched.append(cursor)
            return NumberPage(1, str(int(cursor or 0) + step))

        with pytest.raises(ServerRejected):
            _ = [page async for page in pages(fetch_more)]
        counts.append(len(fetched))
    assert counts == [2, MAX_PAGES]
