"""Bare web addresses in text."""

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_shared.markdown.addresses import split_addresses


def test_an_address_ends_before_the_punctuation_of_the_sentence() -> None:
    """Brackets and quotes around it are no part of it either."""
    parts = list(split_addresses('(see "https://a.example/b?c=d", or http://e.example!)'))

    assert [part for part, is_address in parts if is_address] == [
        "https://a.example/b?c=d",
        "http://e.example",
    ]


@given(st.text(alphabet="ab :/.http()"))
def test_the_parts_are_the_text(text: str) -> None:
    """Nothing is lost or added."""
    assert "".join(part for part, _ in split_addresses(text)) == text
