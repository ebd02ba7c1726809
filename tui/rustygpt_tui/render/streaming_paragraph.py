"""The lines of a paragraph that still grows, at the cost of its end.

A part of the text is settled when it ends between two words and nothing in it is left open that a
later mark could close: then no later piece changes what it means, and its lines are kept. Who
opens emphasis, code or a link and goes on for very long is not waited for: the open mark is shown
as it was written, until the whole text is drawn at the end.
"""

import re
from collections.abc import Mapping
from typing import Any

from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.inline import inline
from rustygpt_tui.render.markdown_blocks import inline_tokens
from rustygpt_tui.render.wrap import WIDE, Wrapper

STEP = 512
"""Characters at the end that are read anew with every piece, at least."""
MAX_OPEN = 4_096
"""Characters after which what is open is not waited for any more."""

_MARK = re.compile(r"[*_~`\[\]]")
_OPEN = re.compile(r"`|\*(?=\S|$)|(?<!\w)_+(?=\S|$)|~~(?=\S|$)")
_BREAK = re.compile(rf"[ \n]|[{WIDE}](?=[{WIDE}])")


class StreamingParagraph:
    """One paragraph at one width."""

    def __init__(self, limit: int, *, step: int = STEP, max_open: int = MAX_OPEN) -> None:
        self._limit = limit
        self._step = step
        self._max_open = max_open
        self._stable_text = ""
        self._references: object = None
        self._wrapper = Wrapper(limit)

    def lines(self, content: str, env: Mapping[str, Any]) -> list[Line]:
        """Lines of the paragraph, which is a longer form of the one before as a rule."""
        references = dict(env.get("references") or {})
        if not content.startswith(self._stable_text) or references != self._references:
            self._stable_text, self._references = "", references
            self._wrapper = Wrapper(self._limit)
        rest = content[len(self._stable_text) :]
        while end := self._stable_length(rest, env):
            self._wrapper.add(_spans(rest[:end], env))
            self._stable_text += rest[:end]
            rest = rest[end:]
        return [*self._wrapper.lines, *self._wrapper.preview_end(_spans(rest, env))]

    def _stable_length(self, rest: str, env: Mapping[str, Any]) -> int:
        """How much of what is left is settled now; 0 when it is little or not yet sure."""
        room = len(rest) - self._step
        if room <= 0:
            return 0
        mark = _MARK.search(rest)
        plain = _last_break(rest, min(mark.start() if mark else room, room))
        if plain:
            return plain
        for window in (2 * self._step, self._max_open):
            end = _last_break(rest, min(window, room))
            if end and _closed(rest[:end], env):
                return end
        return end if end and end >= self._max_open // 2 else 0


def _spans(text: str, env: Mapping[str, Any]) -> list[Span]:
    return inline(inline_tokens(text, env))


def _last_break(text: str, limit: int) -> int:
    """The end of the last space, or place between wide characters, before a limit; 0 for none."""
    start = max(0, limit - 256)
    end = max((match.end() for match in _BREAK.finditer(text, start, limit)), default=0)
    word = text[:end].rpartition(" ")[2] if end else ""
    return 0 if "://" in word else end


def _closed(text: str, env: Mapping[str, Any]) -> bool:
    """Whether nothing in a text can be closed by what comes after it."""
    tokens = inline_tokens(text, env)
    # What is no text stands as a dot: a mark may open before it, and after it.
    written = "".join(token.content if token.type == "text" else "." for token in tokens)
    return not _OPEN.search(written) and written.count("[") <= written.count("]")
