"""What a search shows of a message: a part of its text, with the words that were found.

The parts are plain text. That a word was found is decided in the database; this module finds it
again, by the beginnings of words, and is only about what is shown.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rustygpt_server.db.search import SearchTerm
from rustygpt_shared.models.search import Fragment

BEFORE: Final = 60
"""Characters that are shown before the first word that was found."""
SHOWN: Final = 240
SEARCHED: Final = 20_000
"""Characters of a message in which words are looked for: a search runs on the event loop."""

_SHORTEST_STEM: Final = 5
"""A word of this length or more may be shown with another last letter: happi, happy."""
_ENDING: Final = 6
"""How many letters a word may have after what was found in it."""
_RUN_LETTERS: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
"""Scripts without blanks between words; as in sql/schema/016_search.sql, search_runs."""
_RUN: Final = re.compile(f"[{_RUN_LETTERS}]+")
_WORD: Final = re.compile(rf"[^\W_{_RUN_LETTERS}]+")

_Span = tuple[int, int]


class Highlighter:
    """Finds the words of one search in texts."""

    def __init__(self, terms: Sequence[SearchTerm], words: Sequence[str]) -> None:
        """`words` are those that the database looks for, without endings."""
        positive = [term for term in terms if not term.is_negated]
        self._runs = {run for term in positive for run in _RUN.findall(term.text)}
        self._exact = {word for term in positive for word in _words(term.text)}
        prefixes = {
            _words(term.text)[-1] for term in positive if term.is_prefix and _words(term.text)
        }
        self._prefixes = tuple(prefixes)
        stems = {word for word in words if not _RUN.search(word)}
        self._stems = {_stem(word) for word in stems}
        self._stem_starts = tuple(self._stems)

    def fragments(self, text: str) -> list[Fragment]:
        """Return the part of a text that a search shows, on one line."""
        first = min(
            (next(spans, (len(text), 0))[0] for spans in self._spans(text, 0, SEARCHED)),
            default=len(text),
        )
        start = max(first - BEFORE, 0) if first < len(text) else 0
        end = start + SHOWN
        found = sorted(span for spans in self._spans(text, start, end) for span in spans)
        return list(_joined(_cut(text, start, end, found)))

    def _spans(self, text: str, start: int, end: int) -> Iterator[Iterator[_Span]]:
        """Yield the words that were found in a part of a text, then the parts of runs."""
        yield (m.span() for m in _WORD.finditer(text, start, end) if self._is_shown(m[0].lower()))
        for run in self._runs:
            yield _occurrences(text, run, start, end)

    def _is_shown(self, word: str) -> bool:
        return self._is_found(word) or (not word.isascii() and self._is_found(_plain(word)))

    def _is_found(self, word: str) -> bool:
        if word in self._exact or word.startswith(self._prefixes):
            return True
        return word.startswith(self._stem_starts) and any(
            word[: len(word) - ending] in self._stems for ending in range(_ENDING + 1)
        )


def _stem(word: str) -> str:
    return word[:-1] if len(word) >= _SHORTEST_STEM else word


def _plain(word: str) -> str:
    """Return a word without its accents."""
    letters = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _occurrences(text: str, part: str, start: int, end: int) -> Iterator[_Span]:
    while (start := text.find(part, start, end)) >= 0:
        yield start, start + len(part)
        start += len(part)


def _cut(text: str, start: int, end: int, matches: Iterable[_Span]) -> Iterator[tuple[str, bool]]:
    if start > 0:
        yield "…", False
    position = start
    for match_start, match_end in matches:
        if match_start >= position:  # of two that overlap, the first one
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
