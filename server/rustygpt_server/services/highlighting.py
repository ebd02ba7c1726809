"""What a search shows of a message: a part of its text, with the words that were found.

The parts are plain text. That a word was found is decided in the database; this module finds it
again, by the beginnings of words, and is only about what is shown.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from rustygpt_server.db.search import SearchTerm
from rustygpt_shared.models.search import Fragment

BEFORE: Final = 60
"""Characters that are shown before the first word that was found."""
SHOWN: Final = 240

_WORD: Final = r"[^\W_]"
_SHORTEST_STEM: Final = 5
"""A word of this length or more may be shown with another last letter: happi, happy."""
_ENDING: Final = 6
"""How many letters a word may have after what was found in it."""
_RUN: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]+"
)
"""Scripts without blanks between words; as in sql/schema/013_search.sql, search_runs."""


def pattern_of(terms: Sequence[SearchTerm], words: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds the words of a search in texts; None if there is none."""
    positive = [term for term in terms if not term.is_negated]
    runs = {run for term in positive for run in _RUN.findall(term.text)}
    exact = {w.lower() for term in positive for w in re.findall(rf"{_WORD}+", _plain(term.text))}
    prefixes = {_last_word(term.text) for term in positive if term.is_prefix} - {""}
    stems = {word for word in words if not _RUN.search(word)} - exact
    parts = [
        *(re.escape(run) for run in sorted(runs, key=len, reverse=True)),
        *(rf"(?<!{_WORD}){re.escape(word)}{_WORD}*" for word in sorted(prefixes)),
        *(rf"(?<!{_WORD}){re.escape(word)}(?!{_WORD})" for word in sorted(exact)),
        *(_stem(word) for word in sorted(stems | (exact & set(words)))),
    ]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _stem(word: str) -> str:
    stem = word[:-1] if len(word) >= _SHORTEST_STEM else word
    return rf"(?<!{_WORD}){re.escape(stem)}{_WORD}{{0,{_ENDING}}}(?!{_WORD})"


def _plain(text: str) -> str:
    return _RUN.sub(" ", text)


def _last_word(text: str) -> str:
    words = re.findall(rf"{_WORD}+", _plain(text))
    return words[-1].lower() if words else ""


def highlight(text: str, pattern: re.Pattern[str] | None) -> list[Fragment]:
    """Return the part of a text that a search shows, on one line."""
    first = pattern.search(text) if pattern else None
    start = max(first.start() - BEFORE, 0) if first else 0
    end = start + SHOWN
    matches = [found.span() for found in pattern.finditer(text, start, end)] if pattern else []
    return list(_joined(_cut(text, start, end, matches)))


def _cut(
    text: str, start: int, end: int, matches: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, bool]]:
    if start > 0:
        yield "…", False
    position = start
    for match_start, match_end in matches:
        yield text[position:match_start], False
        yield text[match_start:match_end], True
        position = match_end
    yield text[position:end], False
    if end < len(text):
        yield "…", False


def _joined(parts: Iterator[tuple[str, bool]]) -> Iterator[Fragment]:
    """Yield the parts on one line; neighbours of one kind are one fragment."""
    pending, pending_is_match = "", False
    for text, is_match in parts:
        line = re.sub(r"\s+", " ", text)
        if is_match is not pending_is_match:
            if pending:
                yield Fragment(pending, pending_is_match)
            pending, pending_is_match = "", is_match
        pending += line
    if pending:
        yield Fragment(pending, pending_is_match)
