"""The lines of a text that still grows.

Units that ended keep their lines; only the open tail is rendered again, so a piece costs what the
tail costs and not what the text does. Once finished, the lines are those of the whole text.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rustygpt_tui.render import Line
from rustygpt_tui.render.markdown import render, render_block
from rustygpt_tui.render.markdown_blocks import Block, split_blocks
from rustygpt_tui.render.streaming_code_block import StreamingCodeBlock
from rustygpt_tui.render.streaming_paragraph import StreamingParagraph
from rustygpt_tui.render.text import clean


class StreamingMarkdown:
    """A growing Markdown text, rendered at one width."""

    def __init__(self, limit: int, text: str = "") -> None:
        self._limit = limit
        self._parts: list[str] = []
        self._tail = ""
        self._stable_lines: list[Line] = []
        self._open_lines: list[Line] = []
        self._env: dict[str, Any] = {}
        self._last_block: Block | None = None
        self._code_block: StreamingCodeBlock | None = None
        self._paragraph = StreamingParagraph(limit)
        self._base = 0
        self.recoloured = 0
        if text:
            self.append(text)

    @property
    def text(self) -> str:
        """Everything so far, without what may not reach a terminal."""
        return "".join(self._parts)

    @property
    def stable_lines(self) -> Sequence[Line]:
        """Lines that no later piece changes, save that `recoloured` counts changes of colour."""
        return self._stable_lines

    @property
    def open_lines(self) -> Sequence[Line]:
        """Lines of the tail, which the next piece may change."""
        return self._open_lines

    def append(self, text: str) -> None:
        """Take a further piece of the text."""
        cleaned = clean(text)
        self._parts.append(cleaned)
        self._tail += cleaned
        if self._code_block:
            self._feed(self._code_block)
        elif "\n" in cleaned:
            self._stabilise()
        if self._code_block is None:
            self._render_tail()

    def finish(self) -> list[Line]:
        """All lines, exactly as `render` makes them of the whole text."""
        return render(self.text, self._limit)

    def _stabilise(self) -> None:
        """Keep the units that ended; whole lines only can tell that one did."""
        ended = self._tail.rfind("\n") + 1
        rows = self._tail[:ended].split("\n")
        found = self._numbered(split_blocks(self._tail[:ended], self._env))
        if not found:
            return
        for unit in found[:-1]:
            self._append_stable(unit)
        last = found[-1]
        self._last_block = last
        self._tail = "\n".join(self._tail.split("\n")[last.start :])
        self._code_block = StreamingCodeBlock.from_block(rows, last, self._limit)
        if self._code_block:
            self._enter_code_block(self._code_block)

    def _append_stable(self, block: Block) -> None:
        first = not self._stable_lines
        self._stable_lines.extend(render_block(block, self._limit, self._env, first=first))

    def _enter_code_block(self, fence: StreamingCodeBlock) -> None:
        """Go on with a fence by itself: what is in the tail are its lines so far."""
        if self._stable_lines:
            self._stable_lines.append(())
        self._base = len(self._stable_lines)
        self._last_block = None
        self._tail = self._tail.partition("\n")[2]
        self._feed(fence)

    def _feed(self, fence: StreamingCodeBlock) -> None:
        """Keep the fence's whole lines, up to the one that closes it."""
        *rows, partial = self._tail.split("\n")
        for index, row in enumerate(rows):
            if fence.closes(row):
                self._tail = "\n".join([*rows[index + 1 :], partial])
                self._leave_code_block(fence)
                return
            if fence.add(row):
                self._recolour(fence)
            else:
                self._stable_lines.extend(fence.render_row(row))
        self._tail = partial
        self._open_lines = (
            fence.render_row(partial) if partial and not fence.closes(partial) else []
        )

    def _leave_code_block(self, fence: StreamingCodeBlock) -> None:
        if not fence.colours_final:
            self._recolour(fence)
        self._code_block = None
        if "\n" in self._tail:
            self._stabilise()

    def _recolour(self, fence: StreamingCodeBlock) -> None:
        self._stable_lines[self._base :] = fence.render()
        self.recoloured += 1

    def _render_tail(self) -> None:
        found = self._numbered(split_blocks(self._tail, dict(self._env)))
        if len(found) == 1 and found[0].tokens[0].type == "paragraph_open":
            prose = self._paragraph.lines(found[0].tokens[1].content, self._env)
            self._open_lines = [(), *prose] if self._stable_lines else prose
            return
        lines: list[Line] = []
        for unit in found:
            first = not self._stable_lines and not lines
            lines.extend(render_block(unit, self._limit, self._env, first=first))
        self._open_lines = lines

    def _numbered(self, found: list[Block]) -> list[Block]:
        """Units of the tail; its first goes on with the list the unit before it belonged to."""
        carry = self._last_block
        if not found or carry is None or not found[0].marker or found[0].marker != carry.marker:
            return found
        numbered: list[Block] = []
        number = carry.number
        for index, unit in enumerate(found):
            if index and not unit.continues_list:
                return [*numbered, *found[index:]]
            follows = carry.continues_list if index == 0 else True
            numbered.append(replace(unit, number=number, continues_list=follows))
            number = None if number is None else number + 1
        return numbered
