"""Renders a growing paragraph to lines; the cost of an update depends on its end only.

A start of the text is stable when it ends between two words and contains no markup that later text
could close: then no later text changes its meaning, and its lines are kept. Emphasis, code or a
link that stays open for very long is shown as written until the complete text is rendered.
"""

import re
from collections.abc import Mapping
from typing import Any

from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.inline import inline
from rustygpt_tui.render.markdown_blocks import inline_tokens
from rustygpt_tui.render.wrap import WIDE, Wrapper

STEP = 512
"""The number of characters at the end that every update reads again, at least."""
MAX_OPEN = 4_096
"""The number of characters after which open markup is taken as text."""

_MARK = re.compile(r"[*_~`\[\]$\\]")
_OPEN = re.compile(r"`|\*(?=\S|$)|(?<!\w)_+(?=\S|$)|~~(?=\S|$)|\$(?=\S|$)|\\[(\[]")
_BREAK = re.compile(rf"[ \n]|[{WIDE}](?=[{WIDE}])")
_BRACKET = re.compile(r"[\[\]]")
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_BREAK_SEARCH = 256
"""The number of characters before a limit in which a break is looked for."""


class StreamingParagraph:
    """One growing paragraph at one width."""

    def __init__(self, limit: int, *, step: int = STEP, max_open: int = MAX_OPEN) -> None:
        self._limit = limit
        self._step = step
        self._max_open = max_open
        self._stable_text = ""
        self._references: object = None
        self._wrapper = Wrapper(limit)

    @property
    def stable_length(self) -> int:
        """The number of characters whose lines are kept."""
        return len(self._stable_text)

    def lines(self, content: str, env: Mapping[str, Any]) -> list[Line]:
        """Return the lines of the paragraph, whose content usually continues the one before."""
        references = dict(env.get("references") or {})
        if not content.startswith(self._stable_text) or references != self._references:
            self._stable_text = ""
            self._references = references
            self._wrapper = Wrapper(self._limit)
        rest = content[len(self._stable_text) :]
        while end := self._find_stable(rest, env):
            self._wrapper.add(_spans(rest[:end], env))
            self._stable_text += rest[:end]
            rest = rest[end:]
        return [*self._wrapper.lines, *self._wrapper.preview_end(_spans(rest, env))]

    def _find_stable(self, rest: str, env: Mapping[str, Any]) -> int:
        """Return how many characters of the rest are stable; 0 while they are few or undecided."""
        available = len(rest) - self._step
        if available <= 0:
            return 0
        mark = _MARK.search(rest)
        before_markup = _last_break(rest, min(mark.start() if mark else available, available))
        if before_markup:
            return before_markup
        for window in (2 * self._step, self._max_open):
            end = _last_break(rest, min(window, available))
            if end and _is_closed(rest[:end], env):
                return end
        return end if end and end >= self._max_open // 2 else 0


def _spans(text: str, env: Mapping[str, Any]) -> list[Span]:
    return inline(inline_tokens(text, env))


def _last_break(text: str, limit: int) -> int:
    """Return the end of the last space or wide character before a limit; 0 for none."""
    start = max(0, limit - _BREAK_SEARCH)
    end = max((match.end() for match in _BREAK.finditer(text, start, limit)), default=0)
    word = text[:end].rpartition(" ")[2] if end else ""
    return 0 if "://" in word else end


def _is_closed(text: str, env: Mapping[str, Any]) -> bool:
    """Return whether no markup in a text can be closed by text after it."""
    tokens = inline_tokens(text, env)
    # A dot stands for every token that is not text: markup may open before it, and after it.
    unparsed = "".join(token.content if token.type == "text" else "." for token in tokens)
    # An escaped bracket is text in `unparsed`, where it would seem to close another one.
    brackets_closed = not _open_brackets(unparsed) and not _open_brackets(_ESCAPE.sub(".", text))
    return brackets_closed and not _OPEN.search(unparsed)


def _open_brackets(text: str) -> int:
    """Return how many opening square brackets have no closing one after them."""
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket == "[" else max(0, depth - 1)
    return depth
