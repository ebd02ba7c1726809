"""Renders a growing Markdown text to lines; the cost of an update depends on its end only.

Lines of blocks that ended are kept, and the open tail is rendered again. A tail that takes too
long is shown as it is written. After the end, `text_renderer` renders the complete text.

Stable lines are rendered without colours. `recolour` adds those that have become known since.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rustygpt_tui.render import Line
from rustygpt_tui.render.code import Colours, no_colours
from rustygpt_tui.render.cost import MAX_AT_ONCE, cost
from rustygpt_tui.render.markdown import render, render_block
from rustygpt_tui.render.markdown_blocks import Block, split_blocks
from rustygpt_tui.render.plain_text import plain_lines
from rustygpt_tui.render.streaming_code_block import StreamingCodeBlock
from rustygpt_tui.render.streaming_paragraph import MAX_OPEN, STEP, StreamingParagraph
from rustygpt_tui.render.text import clean

MAX_PARAGRAPH = 3 * MAX_AT_ONCE
"""The cost of an open paragraph, of which only the end is rendered again."""


@dataclass(frozen=True, slots=True)
class _Uncoloured:
    """Stable lines from `start` on that `render` may return with colours."""

    start: int
    render: Callable[[Colours], list[Line]]


class StreamingMarkdown:
    """A growing Markdown text, rendered at one width."""

    def __init__(self, limit: int, text: str = "", colours: Colours = no_colours) -> None:
        self._limit = limit
        self._colours = colours
        self._parts: list[str] = []
        self._tail = ""
        self._stable_lines: list[Line] = []
        self._open_lines: list[Line] = []
        self._env: dict[str, Any] = {}
        self._last_block: Block | None = None
        self._code_block: StreamingCodeBlock | None = None
        self._paragraph = StreamingParagraph(limit)
        self._code_start = 0
        self._uncoloured: list[_Uncoloured] = []
        self._as_written = False
        self._ends_with_return = False
        if text:
            self.append(text)

    @property
    def text(self) -> str:
        """The text so far, without control characters."""
        return "".join(self._parts)

    @property
    def stable_lines(self) -> Sequence[Line]:
        """Lines that later text does not change; colours may be added to them."""
        return self._stable_lines

    @property
    def open_lines(self) -> Sequence[Line]:
        """Lines of the tail, which later text may change."""
        return self._open_lines

    def append(self, text: str) -> None:
        """Add text at the end."""
        if self._ends_with_return and text.startswith("\n"):
            text = text[1:]  # the second half of a line end
        self._ends_with_return = text.endswith("\r") if text else self._ends_with_return
        cleaned = clean(text)
        self._parts.append(cleaned)
        self._tail += cleaned
        if self._as_written:
            self._feed_as_written()
            return
        if self._code_block:
            self._feed(self._code_block)
        elif "\n" in cleaned:
            self._stabilise()
        if self._code_block is None:
            self._render_tail()

    def recolour(self) -> bool:
        """Add colours that have become known to stable lines; return whether there were any."""
        waiting: list[_Uncoloured] = []
        for part in self._uncoloured:
            asked = _Asked(self._colours)
            lines = part.render(asked)
            if asked.all_known:
                self._stable_lines[part.start : part.start + len(lines)] = lines
            else:
                waiting.append(part)
        changed = len(waiting) < len(self._uncoloured)
        self._uncoloured = waiting
        return changed

    def finish(self) -> list[Line]:
        """Return the lines of the complete text, exactly as `render` returns them."""
        return render(self.text, self._limit, self._colours)

    def _stabilise(self) -> None:
        """Move blocks that ended from the tail to the stable lines.

        Only complete lines are parsed, as a block ends at a line feed.
        """
        end = self._tail.rfind("\n") + 1
        rows = self._tail[:end].split("\n")
        blocks = self._continue_list(split_blocks(self._tail[:end], self._env))
        if not blocks:
            return
        for block in blocks[:-1]:
            self._append_stable(block)
        last = blocks[-1]
        self._last_block = last
        self._tail = "\n".join(self._tail.split("\n")[last.start :])
        self._code_block = StreamingCodeBlock.from_block(rows, last, self._limit)
        if self._code_block:
            self._enter_code_block(self._code_block)

    def _append_stable(self, block: Block) -> None:
        first = not self._stable_lines
        render_again = partial(_render_block, block, self._limit, self._env, is_first=first)
        self._append_uncoloured(render_again)

    def _append_uncoloured(self, render_again: Callable[[Colours], list[Line]]) -> None:
        """Add stable lines, and remember them unless all their colours are known."""
        asked = _Asked(self._colours)
        start = len(self._stable_lines)
        self._stable_lines.extend(render_again(asked))
        if not asked.all_known:
            self._uncoloured.append(_Uncoloured(start, render_again))

    def _enter_code_block(self, code: StreamingCodeBlock) -> None:
        """Continue line by line in a code block, whose lines so far are in the tail."""
        if self._stable_lines:
            self._stable_lines.append(())
        self._code_start = len(self._stable_lines)
        self._stable_lines.extend(code.info_lines())
        self._last_block = None
        self._tail = self._tail.partition("\n")[2]
        self._feed(code)

    def _feed(self, code: StreamingCodeBlock) -> None:
        """Add complete lines of the tail to the code block, up to the one that closes it."""
        *rows, partial_row = self._tail.split("\n")
        for index, row in enumerate(rows):
            if code.closes(row):
                self._tail = "\n".join([*rows[index + 1 :], partial_row])
                self._leave_code_block(code)
                return
            is_due = code.add(row)
            self._stable_lines.extend(code.render_row(row))
            if is_due:
                self._colour(code)
        self._tail = partial_row
        shown = partial_row and not code.closes(partial_row)
        self._open_lines = code.render_row(partial_row) if shown else []

    def _leave_code_block(self, code: StreamingCodeBlock) -> None:
        if not code.colours_final:
            self._colour(code)
        self._code_block = None
        if "\n" in self._tail:
            self._stabilise()

    def _colour(self, code: StreamingCodeBlock) -> None:
        """Ask for the colours of an open code block, whose lines are stable."""
        self._uncoloured = [part for part in self._uncoloured if part.start != self._code_start]
        self._uncoloured.append(_Uncoloured(self._code_start, partial(code.render, code.text)))
        self.recolour()

    def _render_tail(self) -> None:
        end = self._tail[-MAX_OPEN - STEP :]
        if cost(self._tail) > MAX_PARAGRAPH or cost(end) > MAX_AT_ONCE:
            self._begin_as_written()
            return
        blocks = self._continue_list(split_blocks(self._tail, dict(self._env)))
        if len(blocks) == 1 and blocks[0].tokens[0].type == "paragraph_open":
            paragraph = self._paragraph.lines(blocks[0].tokens[1].content, self._env)
            self._open_lines = [(), *paragraph] if self._stable_lines else paragraph
            return
        if cost(self._tail) > MAX_AT_ONCE:
            self._begin_as_written()
            return
        lines: list[Line] = []
        for block in blocks:
            first = not self._stable_lines and not lines
            lines.extend(render_block(block, self._limit, self._env, first=first))
        self._open_lines = lines

    def _begin_as_written(self) -> None:
        self._as_written = True
        if self._stable_lines:
            self._stable_lines.append(())
        self._feed_as_written()

    def _feed_as_written(self) -> None:
        *rows, self._tail = self._tail.split("\n")
        for row in rows:
            self._stable_lines.extend(plain_lines(row, self._limit))
        self._open_lines = plain_lines(self._tail, self._limit) if self._tail else []

    def _continue_list(self, blocks: list[Block]) -> list[Block]:
        """Return blocks of the tail with the numbers of the list that the first one continues."""
        last = self._last_block
        if not blocks or last is None or not blocks[0].marker or blocks[0].marker != last.marker:
            return blocks
        continued: list[Block] = []
        number = last.number
        for index, block in enumerate(blocks):
            if index and not block.continues_list:
                return [*continued, *blocks[index:]]
            continues_list = last.continues_list if index == 0 else True
            continued.append(replace(block, number=number, continues_list=continues_list))
            number = None if number is None else number + 1
        return continued


def _render_block(
    block: Block, limit: int, env: dict[str, Any], colours: Colours, *, is_first: bool
) -> list[Line]:
    return render_block(block, limit, env, colours, first=is_first)


class _Asked:
    """Colours, and whether all that were asked for were known."""

    def __init__(self, colours: Colours) -> None:
        self._colours = colours
        self.all_known = True

    def __call__(self, code: str, language: str) -> Sequence[Line] | None:
        lines = self._colours(code, language)
        self.all_known = self.all_known and lines is not None
        return lines
