"""Every setting, route and event is documented, from the code itself."""

import pytest
from tests.repo.generate_reference import PAGES, operations, pages


@pytest.mark.parametrize("name", sorted(pages()))
def test_reference_pages_are_fresh(name: str) -> None:
    """A page says what the code says; `tests.repo.generate_reference` writes it again."""
    assert (PAGES / name).read_text("utf-8") == pages()[name]


def test_every_setting_has_words() -> None:
    """No row of the configuration page ends without a meaning."""
    empty = [line for line in pages()["configuration.md"].splitlines() if line.endswith("|  |")]

    assert empty == []


def test_every_route_has_words() -> None:
    """A route without a docstring is no documented route."""
    assert [one.template for one in operations() if not one.summary] == []
