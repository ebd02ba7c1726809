"""The language of searches: words, "phrases", -exclusions, OR, prefix*, and filters.

What a word matches is decided in the database. This module reads the text of a search, within
bounds, and refuses it with one sentence. It knows no database.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from rustygpt_server.db.search import SearchFilter, SearchTerm
from rustygpt_server.errors import BadRequest

MAX_CHARACTERS: Final = 500
MAX_TERMS: Final = 20
SHORTEST_PREFIX: Final = 2
"""Letters: a shorter one matches a large part of everything."""

_PART: Final = re.compile(
    r'(-?)(?:(in|from|has|before|after):(?:"([^"]*)(?:"|$)|(\S*))|"([^"]*)(?:"|$)|(\S+))'
)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_EXAMPLES: Final = {
    "in": 'in:"Team chat"',
    "from": "from:ada",
    "has": "has:code",
    "before": "before:2026-05-31",
    "after": "after:2026-05-01",
}


class SearchQuery(msgspec.Struct, frozen=True):
    """A search that was read."""

    filter: SearchFilter
    terms: list[SearchTerm]


class _Part(msgspec.Struct, frozen=True):
    is_negated: bool
    filter_name: str | None
    is_quoted: bool
    text: str


def parse_search(text: str) -> SearchQuery:
    """Return what a text searches for; raise BadRequest with what is wrong in it."""
    if len(text) > MAX_CHARACTERS:
        raise BadRequest(f"A search has at most {MAX_CHARACTERS} characters.")
    if not text.isprintable() and re.search(r"[\0\ud800-\udfff]", text):
        raise BadRequest("A search can have neither NUL nor lone surrogates.")
    parts = list(_parts(text))
    search_filter = SearchFilter()
    for part in parts:
        if part.filter_name:
            search_filter = _with_filter(search_filter, part)
    terms = list(_terms([part for part in parts if not part.filter_name]))
    if terms and not text[-1].isspace():
        terms[-1] = _completed(terms[-1], parts[-1])
    _check(search_filter, terms)
    return SearchQuery(search_filter, terms)


def _parts(text: str) -> Iterator[_Part]:
    for found in _PART.finditer(text):
        negated, name, quoted_value, value, quoted, word = found.groups()
        is_quoted = quoted is not None or quoted_value is not None
        text = quoted_value or value or quoted or word or ""
        yield _Part(bool(negated), name, is_quoted, text)


def _terms(parts: list[_Part]) -> Iterator[SearchTerm]:
    alternative = 0
    for number, part in enumerate(parts):
        is_or = part.text.lower() == "or" and not (part.is_quoted or part.is_negated)
        if is_or and 0 < number < len(parts) - 1:
            alternative += 1
        elif _letters(part.text):
            is_prefix = part.text.endswith("*") and not part.is_quoted
            if is_prefix and _letters(part.text) < SHORTEST_PREFIX and part.text.isascii():
                raise BadRequest(f"Before * a word needs at least {SHORTEST_PREFIX} letters.")
            text = part.text.removesuffix("*") if is_prefix else part.text
            yield SearchTerm(alternative, text, is_prefix, part.is_negated)


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _completed(term: SearchTerm, last: _Part) -> SearchTerm:
    """Return the last word as a prefix: it may still be being typed."""
    is_word = last.text == term.text and not (last.is_quoted or last.filter_name or last.is_negated)
    if is_word and _letters(term.text) >= SHORTEST_PREFIX:
        return msgspec.structs.replace(term, is_prefix=True)
    return term


def _check(search_filter: SearchFilter, terms: list[SearchTerm]) -> None:
    if len(terms) > MAX_TERMS:
        raise BadRequest(f"A search has at most {MAX_TERMS} words.")
    if search_filter == SearchFilter() and not terms:
        raise BadRequest("A search needs at least one word, such as `canary`, or a filter.")
    wanted = {term.alternative for term in terms if not term.is_negated}
    if {term.alternative for term in terms} - wanted:
        raise BadRequest("A search needs a word to find, not only words to leave out.")


def _with_filter(search_filter: SearchFilter, part: _Part) -> SearchFilter:
    """Return the filter with one condition more."""
    name, value = part.filter_name or "", part.text.strip()
    if part.is_negated:
        raise BadRequest(f"-{name}: is not possible: filters cannot be excluded.")
    if not value:
        raise BadRequest(f"{name}: needs a value, such as {_EXAMPLES[name]}.")
    changes = _CONDITIONS[name](value)
    if any(getattr(search_filter, field) for field in changes):
        raise BadRequest(f"{name}: can be given only once.")
    return msgspec.structs.replace(search_filter, **changes)


def _in(value: str) -> dict[str, object]:
    try:
        return {"conversation_id": UUID(value)}
    except ValueError:
        return {"title": value}


def _from(value: str) -> dict[str, object]:
    return {"author": value.removeprefix("@").lower()}


def _has(value: str) -> dict[str, object]:
    if value.lower() != "code":
        raise BadRequest("has: knows only has:code.")
    return {"has_code": True}


def _before(value: str) -> dict[str, object]:
    return {"before": _day("before", value)}


def _after(value: str) -> dict[str, object]:
    return {"after": _day("after", value) + timedelta(days=1)}


_CONDITIONS: Final[dict[str, Callable[[str], dict[str, object]]]] = {
    "in": _in,
    "from": _from,
    "has": _has,
    "before": _before,
    "after": _after,
}


def _day(name: str, value: str) -> datetime:
    try:
        if _DAY.fullmatch(value):
            day = datetime.fromisoformat(value).replace(tzinfo=UTC)
            if day.year < 9_999:  # the day after it has to exist, too
                return day
    except ValueError:
        pass
    raise BadRequest(f"{name}: takes a day, such as {_EXAMPLES[name]}.")
