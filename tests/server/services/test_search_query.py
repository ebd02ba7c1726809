"""The language of searches."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from rustygpt_server.db.search import SearchFilter, SearchTerm
from rustygpt_server.errors import BadRequest
from rustygpt_server.services.search_query import SearchQuery, parse_search

ID = "0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab00"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("two words ", [SearchTerm(0, "two"), SearchTerm(0, "words")]),
        ("two words", [SearchTerm(0, "two"), SearchTerm(0, "words", is_prefix=True)]),
        ("a x", [SearchTerm(0, "a"), SearchTerm(0, "x")]),
        ("pre* x ", [SearchTerm(0, "pre", is_prefix=True), SearchTerm(0, "x")]),
        ('"in order" -not', [SearchTerm(0, "in order"), SearchTerm(0, "not", is_negated=True)]),
        ('-"not this" a ', [SearchTerm(0, "not this", is_negated=True), SearchTerm(0, "a")]),
        ('"never closed', [SearchTerm(0, "never closed")]),
        ("a OR b or c ", [SearchTerm(0, "a"), SearchTerm(1, "b"), SearchTerm(2, "c")]),
        ("or a or ", [SearchTerm(0, "or"), SearchTerm(0, "a"), SearchTerm(0, "or")]),
        ("... a --- ", [SearchTerm(0, "a")]),
        ("at:home https://x.org/y ", [SearchTerm(0, "at:home"), SearchTerm(0, "https://x.org/y")]),
        ("猫*", [SearchTerm(0, "猫", is_prefix=True)]),
    ],
)
def test_words_are_read(text: str, terms: list[SearchTerm]) -> None:
    """Phrases, exclusions, alternatives, and beginnings of words."""
    assert parse_search(text) == SearchQuery(SearchFilter(), terms)


@pytest.mark.parametrize(
    ("text", "search_filter"),
    [
        ('in:"Team chat"', SearchFilter(title="Team chat")),
        (f"in:{ID}", SearchFilter(conversation_id=UUID(ID))),
        ("from:@Ada has:CODE", SearchFilter(author="ada", has_code=True)),
        (
            "after:2026-02-28 before:2026-03-31",
            SearchFilter(
                after=datetime(2026, 3, 1, tzinfo=UTC), before=datetime(2026, 3, 31, tzinfo=UTC)
            ),
        ),
    ],
)
def test_filters_are_read(text: str, search_filter: SearchFilter) -> None:
    """The days of before: and after: are not among those that are searched."""
    assert parse_search(text) == SearchQuery(search_filter, [])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "at least one word"),
        (" ... ", "at least one word"),
        ("-one -two", "a word to find, not only"),
        ("a OR -b", "a word to find, not only"),
        ("in:", 'in: needs a value, such as in:"Team chat".'),
        ('from:""', "from: needs a value, such as from:ada."),
        ("has:link", "has: knows only has:code."),
        ("before:yesterday", "before: takes a day, such as before:2026-05-31."),
        ("after:2026-02-30", "after: takes a day, such as after:2026-05-01."),
        ("after:9999-12-31", "after: takes a day"),
        ("before:20260531", "before: takes a day"),
        ("from:ada from:bob", "from: can be given only once."),
        ("in:a in:" + ID + " in:b", "in: can be given only once."),
        ("-from:ada x", "-from: is not possible"),
        ("a* b", "at least 2 letters"),
        ("x" * 501, "at most 500 characters"),
        (" ".join("x" * 21), "at most 20 words"),
        ("a\0b", "neither NUL"),
        ("a\ud800", "neither NUL"),
    ],
)
def test_what_cannot_be_searched_is_refused(text: str, sentence: str) -> None:
    """With one sentence that says how it has to be."""
    with pytest.raises(BadRequest) as refused:
        parse_search(text)
    assert sentence in str(refused.value)
