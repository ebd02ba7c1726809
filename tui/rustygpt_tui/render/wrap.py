"""Wraps spans to lines: at spaces, between wide characters, and within words that are too long.

A cluster of characters is never split.
"""

import re
from collections.abc import Iterable, Iterator

from rustygpt_tui.render import SOFT_BREAK, Line, Span
from rustygpt_tui.render.text import TAB, belongs_before, cut, width

WIDE = (
    "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
    "\ufe30-\ufe6f\uff00-\uff60\U00020000-\U0003ffff"
)
"""Ranges of characters between which a line may break, for a regular expression."""
_WORD_PARTS = re.compile(rf" +|\n|[{WIDE}][\ufe00-\ufe0f\u0300-\u036f\u200d]*|[^ \n{WIDE}]+")
_WIDE_START = re.compile(rf"[{WIDE}]")

Word = list[Span]


def wrap(spans: Iterable[Span], limit: int, *, hang: int = 0) -> list[Line]:
    """Return lines of at most `limit` cells; all but the first are indented by `hang` cells.

    Line feeds end a line; spaces at a break are dropped. There is at least one line.
    """
    return Wrapper(limit, hang=hang).preview_end(spans)


class Wrapper:
    """Wraps a text that is added in parts, each of which ends between two words."""

    def __init__(self, limit: int, *, hang: int = 0) -> None:
        limit = max(limit, 1)
        self.lines: list[Line] = []
        """The completed lines."""
        self._builder = _Builder(limit, min(hang, limit - 1), self.lines)

    def add(self, spans: Iterable[Span]) -> None:
        """Add a part."""
        for word in _words(spans):
            self._builder.add(word)

    def preview_end(self, spans: Iterable[Span]) -> list[Line]:
        """Return the lines after the completed ones if these spans ended the text.

        The wrapper itself is not changed.
        """
        builder = self._builder.copy([])
        for word in _words(spans):
            builder.add(word)
        builder.end()
        return builder.lines


def wrap_code(line: Line, limit: int) -> list[Line]:
    """Return a line of code, broken at `limit` cells with all spaces kept."""
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
    """Builds lines from words."""

    def __init__(
        self, limit: int, hang: int, lines: list[Line], *, continues: bool = False
    ) -> None:
        """`continues` means that there are lines before these, so that all are indented."""
        self._limit = limit
        self._hang = hang
        self.lines = lines
        self._continues = continues
        self._current: list[Span] = []
        self._used = 0
        self._gap: Span | None = None

    def copy(self, lines: list[Line]) -> "_Builder":
        """Return a builder that continues from here with its own list of lines."""
        other = _Builder(self._limit, self._hang, lines, continues=self._hangs)
        other._current = list(self._current)
        other._used = self._used
        other._gap = self._gap
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
        """End the line; `soft` is the span of a soft break."""
        hangs = self._hangs and self._hang and self._current
        indent = (Span(" " * self._hang, "hang"),) if hangs else ()
        soft_break = (soft,) if soft else ()
        self.lines.append(indent + _merge_spans(self._current) + soft_break)
        self._current = []
        self._used = 0
        self._gap = None

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
    """Return the spans with every cluster of characters within one span."""
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
    """Yield spaces, line feeds, wide characters and words; a word may have several spans."""
    word: Word = []
    for span in _merge_clusters(spans):
        for part in _WORD_PARTS.findall(span.text.replace("\t", TAB)):
            breakable = part[0] in " \n" or _WIDE_START.match(part)
            if breakable and word:
                yield word
                word = []
            if breakable:
                yield [span._replace(text=part)]
            else:
                word.append(span._replace(text=part))
    if word:
        yield word


def _overflows(text: str, available: int) -> bool:
    """Return whether a text does not fit; a very long one is not measured."""
    return len(text) > _window(available) or width(text) > available


def _window(available: int) -> int:
    """Return a number of characters that fill a line unless they are all combining marks."""
    return 4 * available + 64


def _forced_cut(text: str, available: int, *, fresh: bool) -> tuple[str, str]:
    """Return a text cut to fit; on a `fresh` line at least one cluster, even if it is too wide."""
    window = _window(available)
    head, rest = cut(text[:window], available)
    head, rest = (head, rest + text[window:]) if rest else cut(text, available)
    if not head and fresh:
        return cut(text, 2) if cut(text, 2)[0] else (text[:1], text[1:])
    return head, rest


def _merge_spans(spans: list[Span]) -> Line:
    """Return a line in which adjacent spans of the same style are merged."""
    line: list[Span] = []
    for span in spans:
        if line and line[-1][1:] == span[1:]:
            line[-1] = span._replace(text=line[-1].text + span.text)
        elif span.text:
            line.append(span)
    return tuple(line)
