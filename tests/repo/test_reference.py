"""Generated pages are up to date, and the code has what they are generated from."""

import pytest
from tests.repo.generate_reference import DOCS, modules, operations, pages

LINE_MAX = 100
VERBS = (
    *("Add", "Cancel", "Change", "Create", "Delete", "List", "Move", "Post", "Record", "Remove"),
    *("Replace", "Return", "Revoke", "Search", "Set", "Stream"),
)


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_pages_are_up_to_date(name: str) -> None:
    """A page says what the code says; `tests.repo.generate_reference` writes it again."""
    assert (DOCS / name).read_text("utf-8") == pages()[name]


def test_the_summary_of_a_route_begins_with_a_plain_verb() -> None:
    """The summary is the first line of the handler's docstring."""
    summaries = {one.template: one.summary for one in operations()}

    assert {
        path: summary for path, summary in summaries.items() if not summary.startswith(VERBS)
    } == {}


def test_every_module_says_in_one_line_what_it_contains() -> None:
    """The module map is made of these lines."""
    assert {path: line for path, line in modules().items() if not 10 <= len(line) <= LINE_MAX} == {}
