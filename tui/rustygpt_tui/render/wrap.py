"""Lines broken to a width: at spaces, between wide characters, and within words that are too long.

A cluster of characters is never cut in half.
"""

import re
from collections.abc import Iterable, Iterator

from rustygpt_tui.render import SOFT_BREAK, Line, Span
from rustygpt_tui.render.text import TAB, belongs_before, cut, width

WIDE = (
    "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
    "\ufe30-\ufe6f\uff00-\uff60\U00020000-\U0003ffff"
)
"""The ranges of characters, for use in a regular expression, between which a line may end."""
_WORD_PARTS = re.compile(rf" +|\n|[{WIDE}][\ufe00-\ufe0f\u0300-\u036f\u200d]*|[^ \n{WIDE}]+")
_WIDE_START = re.compile(rf"[{WIDE}]")

Word = list[Span]


def wrap(spans: Iterable[Span], limit: int, *, hang: int = 0) -> list[Line]:
    """Lines of at most `limit` cells; all but the first are indented by `hang` cells.

    Line feeds end a line; spaces at a break are dropped. At least one line is answered.
    """
    return Wrapper(limit, hang=hang).preview_end(spans)


class Wrapper:
    """Wraps a text that comes in parts, each of which ends between two words."""

    def __init__(self, limit: int, *, hang: int = 0) -> None:
        limit = max(limit, 1)
        self.lines: list[Line] = []
        """The lines that are full."""
        self._builder = _Builder(limit, min(hang, limit - 1), self.lines)

    def add(self, spans: Iterable[Span]) -> None:
        """Take a further part."""
        for word in _words(spans):
            self._builder.add(word)

    def preview_end(self, spans: Iterable[Span]) -> list[Line]:
        """The lines after the full ones if these spans were the last; it changes nothing."""
        builder = self._builder.copy([])
        for word in _words(spans):
            builder.add(word)
        builder.end()
        return builder.lines


def wrap_code(line: Line, limit: int) -> list[Line]:
    """A line of code cut hard at `limit` cells, its spaces kept."""
    limit = max(limit, 1)
    lines: list[Line] = []
    current: list[Span] = []
    available = limit
    for span in line:
        rest = span.text
        while _overflows(rest, available):
            head, rest = _forced_cut(rest, available, fresh=available == limit)
            current.append(span._replace(text=head))
            lines.append((*_merge_spans(current), Span("", SOFT_BREAK)))
            current, available = [], limit
        current.append(span._replace(text=rest))
        available -= width(rest)
    lines.append(_merge_spans(current))
    return lines


class _Builder:
    """Gathers words into lines."""

    def __init__(
        self, limit: int, hang: int, lines: list[Line], *, continues: bool = False
    ) -> None:
        """`begun` tells that there are lines before these, after which all hang."""
        self._limit = limit
        self._hang = hang
        self.lines = lines
        self._continues = continues
        self._current: list[Span] = []
        self._used = 0
        self._gap: Span | None = None

    def copy(self, lines: list[Line]) -> "_Builder":
        """One that goes on from here with lines of its own."""
        begun = self._continues or bool(self.lines)
        other = _Builder(self._limit, self._hang, lines, continues=begun)
        other._current, other._used, other._gap = list(self._current), self._used, self._gap
        return other

    def add(self, word: Word) -> None:
        if word[0].text == "\n":
            self.end()
            return
        if word[0].text.startswith(" "):
            self._gap = word[0] if self._current else None
            return
        size = sum(width(span.text) for span in word)
        gap = len(self._gap.text) if self._gap else 0
        if self._current and self._used + gap + size > self._available:
            self.end(Span("", SOFT_BREAK, self._gap.text if self._gap else ""))
            gap = 0
        if self._gap:
            self._append(self._gap)
            self._gap = None
        for span in word:
            self._append_long(span) if size > self._available else self._append(span)

    def end(self, soft: Span | None = None) -> None:
        """End the line; `soft` marks it as one that goes on in the next."""
        hangs = self._hangs and self._hang and self._current
        indent = (Span(" " * self._hang, "hang"),) if hangs else ()
        mark = (soft,) if soft else ()
        self.lines.append(indent + _merge_spans(self._current) + mark)
        self._current, self._used, self._gap = [], 0, None

    @property
    def _available(self) -> int:
        return self._limit - (self._hang if self._hangs else 0)

    @property
    def _hangs(self) -> bool:
        return self._continues or bool(self.lines)

    def _append(self, span: Span) -> None:
        self._current.append(span)
        self._used += width(span.text)

    def _append_long(self, span: Span) -> None:
        rest = span.text
        while _overflows(rest, self._available - self._used):
            head, rest = _forced_cut(rest, self._available - self._used, fresh=not self._current)
            if head:
                self._append(span._replace(text=head))
            self.end(Span("", SOFT_BREAK))
        if rest:
            self._append(span._replace(text=rest))


def _merge_clusters(spans: Iterable[Span]) -> list[Span]:
    """The same spans, with no cluster of characters that begins in one and ends in the next."""
    merged: list[Span] = []
    for span in spans:
        text = span.text
        while text and merged and merged[-1].text and belongs_before(merged[-1].text, text[0]):
            merged[-1] = merged[-1]._replace(text=merged[-1].text + text[0])
            text = text[1:]
        if text:
            merged.append(span._replace(text=text))
    return merged


def _words(spans: Iterable[Span]) -> Iterator[Word]:
    """Spaces, line feeds, wide characters and words; a word may run over several spans."""
    word: Word = []
    for span in _merge_clusters(spans):
        for piece in _WORD_PARTS.findall(span.text.replace("\t", TAB)):
            breakable = piece[0] in " \n" or _WIDE_START.match(piece)
            if breakable and word:
                yield word
                word = []
            if breakable:
                yield [span._replace(text=piece)]
            else:
                word.append(span._replace(text=piece))
    if word:
        yield word


def _overflows(text: str, available: int) -> bool:
    """Whether a text is wider than the room; a very long one counts as such without a look."""
    return len(text) > _window(available) or width(text) > available


def _window(available: int) -> int:
    """Characters that hold what fits into a line, unless they are all combining marks."""
    return 4 * available + 64


def _forced_cut(text: str, available: int, *, fresh: bool) -> tuple[str, str]:
    """A cut that makes headway on a fresh line even where a wide character does not fit."""
    window = _window(available)
    head, rest = cut(text[:window], available)
    head, rest = (head, rest + text[window:]) if rest else cut(text, available)
    if not head and fresh:
        return cut(text, 2) if cut(text, 2)[0] else (text[:1], text[1:])
    return head, rest


def _merge_spans(spans: list[Span]) -> Line:
    """A line in which neighbours of the same style are one span."""
    line: list[Span] = []
    for span in spans:
        if line and line[-1][1:] == span[1:]:
            line[-1] = span._replace(text=line[-1].text + span.text)
        elif span.text:
            line.append(span)
    return tuple(line)
